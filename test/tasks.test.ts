import { describe, expect, it } from "vitest";
import { type TrainingResult, tasks, trainToEnd } from "../ts/index.js";
import reference from "./reference/losses.json" with { type: "json" };

const plasticProjections = ["in_rec", "rec_rec", "rec_out"] as const;

function expectClose(got: readonly number[], expected: readonly number[], tolerance = 1e-9): void {
  expect(got).toHaveLength(expected.length);
  got.forEach((value, at) => {
    const wanted = expected[at] as number;
    expect(Math.abs(value - wanted), `entry ${at}: ${value}, expected ${wanted}`).toBeLessThanOrEqual(
      tolerance * Math.abs(wanted),
    );
  });
}

const losses = ({ iterations }: TrainingResult) => iterations.map(({ loss }) => loss);

function expectWeights(result: TrainingResult, expected: Record<string, number[][]>): void {
  for (const name of plasticProjections) {
    for (const [place, when] of (["before", "after"] as const).entries()) {
      const { data } = result.weights[when][name];
      const sums = [data.reduce((sum, w) => sum + w, 0), data.reduce((sum, w) => sum + w * w, 0)];
      expectClose(sums, expected[name]?.[place] ?? []);
    }
  }
}

describe("NEST's losses from NEST's seed", () => {
  for (const gradient of ["adjoint", "forward"] as const) {
    it(`sine waves (${gradient})`, async () => {
      const result = await trainToEnd(tasks.sineWaves({ seed: 1, iterations: 10 }), { gradient });
      expectClose(losses(result), reference["sine-waves"].loss);
      expectWeights(result, reference["sine-waves"].weights);
    });
  }
  it("lemniscate", async () => {
    const result = await trainToEnd(tasks.lemniscate({ seed: 1, iterations: 10 }));
    expectClose(losses(result), reference.lemniscate.loss);
    expectWeights(result, reference.lemniscate.weights);
  });
  it("evidence accumulation with its phases", async () => {
    const task = tasks.evidenceAccumulation({ seed: 1, batchSize: 8, iterations: 4, testIterations: 2 });
    const result = await trainToEnd(task);
    const { results, weights } = reference["evidence-accumulation"];
    expectClose(losses(result), results.loss);
    expect(result.iterations.map(({ error }) => error)).toEqual(results.error);
    expect(result.iterations.map(({ phase }) => phase)).toEqual(results.label);
    expect(result.iterations.map(({ iteration }) => iteration)).toEqual(results.iteration);
    expectWeights(result, weights);
  });
  it("sine waves with e-prop+", async () => {
    const result = await trainToEnd(tasks.sineWavesPlus({ seed: 1, iterations: 10 }));
    expectClose(losses(result), reference["sine-waves-plus"].loss);
  });
  it.each([
    [1, [0.741152550006, 0.7403881877, 0.665785233177, 0.663644193322, 0.729428962844]],
    [2, [0.702163370672, 0.735555303152, 0.740354864111, 0.683882815282, 0.707841122268]],
  ])("evidence accumulation as in NEST's regression test, batch %i", async (batchSize, expected) => {
    const task = tasks.evidenceAccumulation({
      seed: 1,
      batchSize,
      iterations: 5,
      validateEvery: 0,
      testIterations: 0,
      drawAllFirst: true,
    });
    expectClose(losses(await trainToEnd(task)), expected, 1e-8);
  });
});

describe("training", () => {
  it("gives the same bits on any number of threads", async () => {
    const task = () =>
      tasks.evidenceAccumulation({ seed: 3, batchSize: 6, iterations: 2, testIterations: 1 });
    const one = await trainToEnd(task(), { threads: 1 });
    const three = await trainToEnd(task(), { threads: 3 });
    expect(losses(three)).toEqual(losses(one));
    expect(three.weights).toEqual(one.weights);
  });
  it("stops at a signal with its reason", async () => {
    const stop = new AbortController();
    const training = trainToEnd(tasks.lemniscate({ iterations: 1000 }), { signal: stop.signal });
    setTimeout(() => stop.abort(new Error("enough")), 100);
    await expect(training).rejects.toThrow("enough");
  });
  it("counts the spikes of each iteration, however many were simulated together", async () => {
    const count = async (threads: number) => {
      const { iterations } = await trainToEnd(tasks.sineWaves({ iterations: 60 }), { threads });
      return iterations.map(({ spikesPerNeuron }) => spikesPerNeuron);
    };
    const [one, two] = [await count(1), await count(2)];
    expect(two).toEqual(one);
    expect(new Set(one).size).toBeGreaterThan(30);
    expect(one[0]).toBeCloseTo(39.99, 1);
  });
  it("records the first and the last iteration", async () => {
    const task = tasks.sineWaves({ iterations: 3 });
    const { recorded } = await trainToEnd(task, { record: true });
    const { times } = recorded.readouts ?? {};
    expect(times).toHaveLength(2000);
    expect([times?.[0], times?.[999], times?.[1000], times?.[1999]]).toEqual([1, 1000, 2001, 3000]);
    expect(recorded.spikes_rec?.senders?.length).toBeGreaterThan(0);
  });
  it("follows weights from their initial to their final values", async () => {
    const { recorded, weights } = await trainToEnd(tasks.sineWaves({ iterations: 30 }), { record: true });
    for (const name of plasticProjections) {
      const { times, senders, targets, weights: course } = recorded[`weights_${name}`] ?? {};
      const count = times?.findIndex((time) => time > 0) ?? 0;
      expect([times?.at(-1), times?.length], name).toEqual([30_000, 31 * count]);
      const value = (
        row: number,
        { data, shape: [rows, columns] }: { data: Float64Array; shape: readonly [number, number] },
      ) => {
        const source = (senders?.[row] as number) - (name === "in_rec" ? 1 : 101);
        const target = (targets?.[row] as number) - (name === "rec_out" ? 201 : 101);
        return data[(target % rows) * columns + source];
      };
      for (let at = 0; at < count; at++) {
        expect(course?.[at]).toBe(value(at, weights.before[name]));
        expect(course?.at(at - count)).toBe(value(30 * count + at, weights.after[name]));
      }
    }
  });
  it("measures the gradient of each iteration and the loss of each readout", async () => {
    const run = async (gradient: "adjoint" | "forward") =>
      (await trainToEnd(tasks.lemniscate({ iterations: 12 }), { gradient })).iterations;
    const [adjoint, forward] = [await run("adjoint"), await run("forward")];
    expectClose(
      adjoint.map(({ gradientNorm }) => gradientNorm as number),
      forward.map(({ gradientNorm }) => gradientNorm as number),
      1e-6,
    );
    expect(new Set(adjoint.map(({ gradientNorm }) => gradientNorm)).size).toBe(12);
    for (const { loss, readoutLosses } of adjoint) {
      expect(readoutLosses).toHaveLength(2);
      expect(loss).toBeCloseTo(readoutLosses.reduce((sum, each) => sum + each) / 2, 10);
    }
  });
  it("stops early when errors are small", async () => {
    const task = tasks.evidenceAccumulation({ seed: 1, batchSize: 2, iterations: 40 });
    const eager = { ...task, schedule: { ...task.schedule, earlyStopError: 1.1, earlyStopIterations: 3 } };
    const { iterations } = await trainToEnd(eager);
    expect(iterations.map(({ phase }) => phase)).toEqual([
      "validation",
      ...Array.from({ length: 10 }, () => "training"),
      "validation",
      ...Array.from({ length: 3 }, () => "early-stopping"),
      ...Array.from({ length: 4 }, () => "test"),
    ]);
  });
});

describe("bad options", () => {
  it.each([
    [() => tasks.sineWaves({ iterations: 0 }), /iterations.*value 0.*from 1/],
    [() => tasks.sineWaves({ iterations: 1.5 }), /whole number/],
    [() => tasks.sineWaves({ seed: Number.NaN }), /seed.*NaN/],
    [() => tasks.sineWaves({ batchSize: 900_000 }), /batchSize.*900000/],
    // @ts-expect-error: no such parameter
    [() => tasks.sineWaves({ parameters: { etta: 1 } }), /etta.*eta/],
    [() => tasks.sineWaves({ parameters: { eta: -1 } }), /eta.*-1/],
    [() => tasks.findTask("sine-wave"), /did you mean sine-waves/],
    [() => tasks.findTask("infinite"), /did you mean infinite-loop/],
    [() => tasks.findTask("mozart"), /there is no task mozart \(/],
  ])("%#", (call, message) => expect(call).toThrow(message));
});
