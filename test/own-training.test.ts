/** What a user adds to a training: metrics, callbacks, learning rates, an end where it diverges, a task that is closed. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import {
  type Iteration,
  NESTErrors,
  Trainer,
  type tasks as of,
  tasks,
  train,
  trainToEnd,
} from "../ts/index.js";
import { performanceFigure } from "../ts/figures/performance.js";
import { readRunFolder, runData } from "../ts/runs/run-folder.js";
import { writeRunFolder } from "../ts/report/run-folder.js";

const folder = mkdtempSync(join(tmpdir(), "eprop-own-training-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const small = { n_rec: 20, values: 2, length: 20 } as const;
const recall = (more: object = {}, parameters: object = {}) =>
  tasks.storeRecall({
    iterations: 6,
    batchSize: 4,
    testIterations: 1,
    ...more,
    parameters: { ...small, ...parameters },
  });
const withoutTime = ({ ms: _ms, ...rest }: Iteration) => rest;
const threads = { threads: 1 } as const;

/** Share of right decisions, and the norm of a projection's weights. */
const metrics: of.MetricTable = {
  accuracy: ({ labels, decisions }) =>
    labels.filter((label, at) => label === decisions[at]).length / labels.length,
  norm_out: async ({ weights }) => Math.hypot(...weights("rec_out").data),
};

it("the first update has its rate, though a test follows at once", async () => {
  // The rate is the one that models begin with: to set it is no change.
  const change = async (testIterations: number) => {
    const task = tasks.sineWaves({ iterations: 1, testIterations });
    const { weights } = await trainToEnd(task, { threads: 1 });
    const [before, after] = [weights.before, weights.after].map((of) => of["in_rec"]?.data as Float64Array);
    return Math.hypot(...(after as Float64Array).map((weight, at) => weight - (before?.[at] as number)));
  };
  const [alone, tested] = [await change(0), await change(2)];
  expect(alone).toBeGreaterThan(1e-3);
  // A synapse whose source has fired in the test alone has its first update there.
  expect(Math.abs(tested / alone - 1)).toBeLessThan(1e-3);
});

describe("metrics", () => {
  it("are measured in every iteration, and stand in tables, summaries and figures", async () => {
    const task = { ...recall(), metrics: { accuracy: metrics["accuracy"] as of.Metric } };
    const result = await trainToEnd(task, {
      ...threads,
      metrics: { norm_out: metrics["norm_out"] as of.Metric },
    });
    for (const { error, metrics: own } of result.iterations) {
      expect(own?.["accuracy"]).toBeCloseTo(1 - (error as number), 12);
    }
    const norms = result.iterations.map(({ metrics: own }) => own?.["norm_out"]);
    expect(new Set(norms).size).toBeGreaterThan(3);
    expect(norms.at(-1)).toBeCloseTo(Math.hypot(...result.weights.after.rec_out.data), 12);
    const plain = await trainToEnd(recall(), threads);
    expect(result.iterations.map(({ loss }) => loss)).toEqual(plain.iterations.map(({ loss }) => loss));

    const path = join(folder, "metrics");
    await writeRunFolder(path, result);
    const lines = readFileSync(join(path, "metrics.jsonl"), "utf8").trimEnd().split("\n");
    expect(JSON.parse(lines[2] as string)).toMatchObject(result.iterations[2]?.metrics as object);
    const [head = "", first = ""] = readFileSync(join(path, "losses.csv"), "utf8").split("\n");
    expect(head).toMatch(/,accuracy,norm_out$/);
    expect(first.endsWith(`,${Object.values(result.iterations[0]?.metrics ?? {}).join(",")}`)).toBe(true);
    const { summary } = readRunFolder(path);
    expect(summary.metrics?.["norm_out"]).toEqual(norms);
    const figure = JSON.stringify(performanceFigure(runData(result)).specification);
    expect(figure).toContain('"title":"norm_out"');
    expect(readFileSync(join(path, "report.html"), "utf8")).toContain("norm_out, last iteration");
  });

  it("are refused where they fail or have no name to stand under", async () => {
    const failing: of.Metric = ({ iteration }) => {
      if (iteration === 3) throw new RangeError("no such thing");
      return 0;
    };
    const seen: number[] = [];
    const trained = trainToEnd(recall(), {
      ...threads,
      metrics: { failing },
      onIteration: ({ iteration }) => seen.push(iteration),
    });
    await expect(trained).rejects.toThrow(/iteration 3: the metric failed: no such thing.*metrics\.failing/);
    expect(seen).toEqual([1, 2]);
    const textual = trainToEnd(recall(), { ...threads, metrics: { textual: (() => "1") as never } });
    await expect(textual).rejects.toThrow(/gives no number.*metrics\.textual.*"1"/);
    for (const name of ["loss", "a b", "gradient_norm"]) {
      expect(() => new Trainer(recall(), { metrics: { [name]: () => 0 } })).toThrow(/cannot have this name/);
    }
    const twice = { ...recall(), metrics };
    expect(() => new Trainer(twice, { metrics: { accuracy: () => 0 } })).toThrow(/has a metric of this name/);
  });

  it("go on with a checkpoint, and are asked for again where it has them from a call", async () => {
    const whole = await trainToEnd(recall(), { ...threads, metrics });
    const path = join(folder, "metrics.checkpoint");
    await using trainer = new Trainer(recall(), { ...threads, metrics });
    for (let count = 0; count < 3; count++) await trainer.next();
    await trainer.save(path);
    await expect(Trainer.resume(path)).rejects.toThrow(/metrics\.accuracy.*same function again/);
    await using resumed = await Trainer.resume(path, { metrics });
    const rest: Iteration[] = [];
    for await (const iteration of resumed) rest.push(iteration);
    expect(resumed.iterations.map(withoutTime)).toEqual(whole.iterations.map(withoutTime));
    expect(rest.length).toBe(4);
  });
});

describe("callbacks", () => {
  it("are called in order, waited for, and may end the training", async () => {
    const told: string[] = [];
    class Logger {
      readonly #of: string;
      constructor(name: string) {
        this.#of = name;
      }
      async onBegin() {
        await Promise.resolve();
        told.push(`${this.#of} begin`);
      }
      async onIteration({ iteration }: Iteration, trainer: Trainer) {
        await Promise.resolve();
        told.push(`${this.#of} ${iteration}`);
        if (iteration === 2) trainer.finish();
      }
      onEnd(trainer: Trainer) {
        told.push(`${this.#of} ${trainer.ending}`);
      }
    }
    const { ended, iterations } = await trainToEnd(recall(), {
      ...threads,
      onIteration: ({ iteration }) => told.push(`option ${iteration}`),
      callbacks: [new Logger("logger")],
    });
    expect([ended, iterations.length]).toEqual(["request", 4]);
    expect(told).toEqual([
      "logger begin",
      ...[1, 2, 3, 4].flatMap((iteration) => [`option ${iteration}`, `logger ${iteration}`]),
      "logger request",
    ]);
  });

  it("end the training with what they throw, and are told of errors", async () => {
    const errors: unknown[] = [];
    const failure = new Error("enough");
    const trained = trainToEnd(recall(), {
      ...threads,
      onIteration: () => Promise.reject(failure),
      onError: (error) => {
        errors.push(error);
        throw new Error("of no account");
      },
    });
    await expect(trained).rejects.toBe(failure);
    expect(errors).toEqual([failure]);
    expect(() => new Trainer(recall(), { callbacks: [{ onIteratoin() {} } as never] })).toThrow(
      /did you mean onIteration\?/,
    );
    expect(() => new Trainer(recall(), { callbacks: [{ onIteration: 1 as never }] })).toThrow(
      /callbacks\[0\]\.onIteration/,
    );
  });
});

describe("learning rates", () => {
  it("follow their schedule", () => {
    const at = (description: of.LearningRateDescription) => {
      const rate = tasks.learningRate(description);
      return [1, 2, 3, 4, 5, 6].map((iteration) => Number(rate(iteration, 6).toFixed(6)));
    };
    expect(at({ schedule: "constant", warmUp: 3 })).toEqual([0.25, 0.5, 0.75, 1, 1, 1]);
    expect(at({ schedule: "step", every: 2, factor: 0.1 })).toEqual([1, 1, 0.1, 0.1, 0.01, 0.01]);
    expect(at({ schedule: "exponential", every: 1, factor: 0.5 })).toEqual([
      1, 0.5, 0.25, 0.125, 0.0625, 0.03125,
    ]);
    expect(at({ schedule: "linear", final: 0.5 })).toEqual([1, 0.9, 0.8, 0.7, 0.6, 0.5]);
    expect(at({ schedule: "cosine", warmUp: 1 })).toEqual([0.5, 1, 0.853553, 0.5, 0.146447, 0]);
    expect(() => tasks.learningRate({ schedule: "sine" as never })).toThrow(/of\.schedule.*cosine/);
  });

  it("scale each update of its own iteration alone", async () => {
    const changes = async (learningRate?: of.LearningRate) => {
      await using trainer = new Trainer(recall({ testIterations: 0 }, { eta: 0.05 }), {
        ...threads,
        ...(learningRate && { learningRate }),
      });
      const weights: number[] = [];
      for await (const { loss } of trainer) weights.push(loss);
      return { losses: weights, after: [...trainer.result().weights.after.rec_out.data] };
    };
    const whole = await changes();
    const none = await changes(() => 0);
    const until = await changes((iteration) => Number(iteration <= 2));
    // Weights change in the interval after the one that they are learned in.
    expect(until.losses.slice(0, 3)).toEqual(whole.losses.slice(0, 3));
    expect(until.losses[3]).not.toBe(whole.losses[3]);
    expect(whole.after).not.toEqual(until.after);
    expect(none.after).not.toEqual(until.after);
  });

  it("go on with a checkpoint", async () => {
    const create = () => recall({}, { eta_schedule: "cosine", eta_warm_up: 2, eta: 0.05 });
    const whole = await trainToEnd(create(), threads);
    const path = join(folder, "rates.checkpoint");
    await using trainer = new Trainer(create(), threads);
    for (let count = 0; count < 3; count++) await trainer.next();
    await trainer.save(path);
    await using resumed = await Trainer.resume(path);
    for await (const _ of resumed) void _;
    expect(resumed.iterations.map(withoutTime)).toEqual(whole.iterations.map(withoutTime));
    const constant = await trainToEnd(recall({}, { eta: 0.05 }), threads);
    expect(constant.iterations.at(-1)?.loss).not.toBe(whole.iterations.at(-1)?.loss);

    const own = join(folder, "own-rates.checkpoint");
    await using other = new Trainer(recall(), { ...threads, learningRate: () => 0.5 });
    await other.next();
    await other.save(own);
    await expect(Trainer.resume(own)).rejects.toThrow(/learningRate.*same function again/);
    await expect(trainToEnd(recall(), { ...threads, learningRate: () => -1 })).rejects.toThrow(
      /training iteration 1: no learning rate.*-1/,
    );
  });
});

describe("a training that diverges", () => {
  it("stops above a bound, after the iteration that crosses it", async () => {
    const losses: number[] = [];
    const task = recall({ stopAbove: 1e-3 });
    const trained = trainToEnd(task, { ...threads, onIteration: ({ loss }) => losses.push(loss) });
    await expect(trained).rejects.toThrow(NESTErrors.NumericalInstability);
    await expect(trained).rejects.toThrow(
      /task store-recall, iteration 1 \(training\): the loss is above its bound .*stopAbove.*at most 0\.001/,
    );
    expect(losses.length).toBe(1);
    const { ended } = await trainToEnd(recall({ stopAbove: 1e3 }), threads);
    expect(ended).toBe("schedule");
  });

  it("names the iteration whose gradient is not finite, and keeps its run folder", () => {
    const path = join(folder, "diverged");
    const { stderr, status } = spawnSync(
      process.execPath,
      [
        "dist/cli/main.js",
        "train",
        "sine-waves",
        "--iterations",
        "30",
        "--quiet",
        "--set",
        "eta=10",
        "--stop-above",
        "1e9",
        "--out",
        path,
        "--set",
        "c_reg=1e9",
        "--threads",
        "1",
      ],
      { encoding: "utf8" },
    );
    expect(stderr).toMatch(/NumericalInstability: task sine-waves, iteration \d+/);
    expect(stderr).toContain(path);
    expect(status).toBe(1);
    const { summary } = readRunFolder(path);
    expect(summary.ended).toBe("divergence");
    expect(summary.loss.length).toBeGreaterThan(0);
  });
});

describe("a task that is closed", () => {
  const closing = () => {
    const calls: string[] = [];
    const task = { ...recall(), close: () => void calls.push("close") };
    return { task, calls };
  };

  it("is closed once: at the end, after errors, stops and where a loop is left", async () => {
    const { task, calls } = closing();
    await trainToEnd(task, threads);
    expect(calls).toEqual(["close"]);
    await expect(trainToEnd(task, { ...threads, signal: AbortSignal.abort() })).rejects.toThrow();
    expect(calls.length).toBe(2);
    await expect(
      trainToEnd(task, { ...threads, metrics: { bad: () => Promise.reject(new Error("x")) } }),
    ).rejects.toThrow();
    expect(calls.length).toBe(3);
    for await (const { iteration } of train(task, threads)) if (iteration === 2) break;
    expect(calls.length).toBe(4);
    const trainers = [new Trainer(task, threads), new Trainer(task, threads)] as const;
    await trainers[0].next();
    await trainers[0].close();
    await trainers[0].close();
    expect(calls.length).toBe(4);
    await trainers[1].next();
    await trainers[1].close();
    expect(calls.length).toBe(5);
  });

  it("says what its closing throws, unless something has failed before", async () => {
    const task = {
      ...recall(),
      close() {
        throw new Error("cannot close");
      },
    };
    await expect(trainToEnd(task, threads)).rejects.toThrow("cannot close");
    const failing = trainToEnd(task, { ...threads, onIteration: () => Promise.reject(new Error("first")) });
    await expect(failing).rejects.toThrow("first");
  });

  it("closes its data sets, and opens them again for the next training", async () => {
    const task = tasks.shd({
      synthetic: true,
      iterations: 2,
      batchSize: 2,
      testIterations: 1,
      validateEvery: 1,
      earlyStop: false,
      parameters: { n_rec: 10, duration: 30, validation: 0.1 },
    });
    const [first, second] = [await trainToEnd(task, threads), await trainToEnd(task, threads)];
    expect(first.iterations.map(withoutTime)).toEqual(second.iterations.map(withoutTime));
    expect(first.iterations.map(({ phase }) => phase)).toEqual(
      "validation training validation training test".split(" "),
    );
  });
});

it("validates on samples that it does not train on", async () => {
  const asked: string[] = [];
  const task = {
    ...recall({ validateEvery: 2, earlyStop: false, iterations: 4 }),
    ownValidation: true,
  };
  const next = task.next.bind(task);
  task.next = (split, drawn, signal) => {
    asked.push(`${split} ${drawn[split] ?? 0}`);
    return next("training", drawn, signal);
  };
  await trainToEnd(task, threads);
  expect(asked).toEqual([
    "validation 0",
    "training 0",
    "training 1",
    "validation 1",
    "training 2",
    "training 3",
    "test 0",
  ]);
});

it("goes on with a run of a module that measures, on the command line", () => {
  const module = join(folder, "measuring.mjs");
  const index = join(process.cwd(), "dist/index.js");
  writeFileSync(
    module,
    `import { tasks } from ${JSON.stringify(index)};
const name = "measuring", text = "Measures";
export default { name, text, parameters: {}, create: (options) => ({
  ...tasks.storeRecall({ ...options, parameters: ${JSON.stringify(small)} }), name, options,
  metrics: { spread: ({ readout }) => Math.max(...readout) - Math.min(...readout) },
}) };`,
  );
  const out = join(folder, "measuring");
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [
      "dist/cli/main.js",
      "train",
      module,
      "--iterations",
      "2",
      "--batch-size",
      "2",
      "--quiet",
      "--json",
      "--out",
      out,
    ],
    { encoding: "utf8" },
  );
  expect([stderr, status]).toEqual(["", 0]);
  const { metrics: own } = JSON.parse(stdout) as { metrics: Record<string, number[]> };
  expect(own["spread"]?.every((value) => value > 0)).toBe(true);
});
