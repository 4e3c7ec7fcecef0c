/** Feedback by name, in networks and in tasks; what it computes is held in the engine's tests. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { Kernel, NumpyRandom, Trainer, buildNetwork, tasks, trainToEnd } from "../ts/index.js";
import { resumedAfter } from "./resumed.js";

const folder = mkdtempSync(join(tmpdir(), "eprop-feedback-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const signals = "eprop_learning_signal_connection_bsshslm_2020";
const layer = { model: "eprop_iaf_bsshslm_2020", n: 6, params: { C_m: 1, E_L: 0, V_th: 0.6 } } as const;
const layers = (feedback: tasks.LayersDescription["feedback"]) =>
  tasks.layeredNetwork(
    {
      inputs: 4,
      layers: [layer, layer],
      readout: { model: "eprop_readout_bsshslm_2020", n: 2 },
      optimizer: { type: "adam", eta: 5e-3 },
      ...(feedback !== undefined && { feedback }),
    },
    new NumpyRandom(1),
  );

/** Losses of a short training of evidence accumulation. */
async function losses(feedback: tasks.FeedbackSource, more: object = {}): Promise<number[]> {
  const parameters = { feedback, ...(feedback === "adaptive" && { feedback_decay: 0.01 }) };
  const task = tasks.evidenceAccumulation({ batchSize: 2, iterations: 3, testIterations: 0, parameters });
  const { iterations } = await trainToEnd(task, { threads: 1, ...more });
  return iterations.map(({ loss }) => loss);
}

describe("feedback of a network", () => {
  it("is the readouts' weights where it is symmetric, in layers that readouts read", () => {
    const kernel = new Kernel();
    const built = buildNetwork(kernel, layers("symmetric"));
    const transposed = ({ data, shape: [rows, columns] }: ReturnType<typeof built.weights>) =>
      Array.from({ length: rows * columns }, (_, at) => data[(at % rows) * columns + Math.floor(at / rows)]);
    expect([...built.weights("out_layer_2").data]).toEqual(transposed(built.weights("layer_2_out")));
    expect(built.weights("out_layer_1").data).toEqual(
      buildNetwork(new Kernel(), layers("random")).weights("out_layer_1").data,
    );
    expect(new Set(built.connections("out_layer_2").get("feedback") as string[])).toEqual(
      new Set(["symmetric"]),
    );
  });

  it("refuses what has no meaning, by its name", () => {
    expect(() => layers(["symmetric", "symmetric"])).toThrow(/of\.feedback\[0\]/);
    expect(() => layers(["random"])).toThrow(/one source of feedback for each layer/);
    const network = layers(undefined);
    const { in_layer_1, out_layer_1 } = network.projections;
    const withProjection = (name: string, projection: object) => ({
      ...network,
      projections: { ...network.projections, [name]: projection as tasks.ProjectionDescription },
    });
    expect(() =>
      buildNetwork(new Kernel(), withProjection("in_layer_1", { ...in_layer_1, feedback: "symmetric" })),
    ).toThrow(/network\.projections\.in_layer_1\.feedback/);
    expect(() =>
      buildNetwork(new Kernel(), withProjection("out_layer_1", { ...out_layer_1, feedbackDecay: 2 })),
    ).toThrow(/feedbackDecay/);
    const { network: plus } = tasks.sineWavesPlus();
    expect(() => buildNetwork(new Kernel(), { ...plus, feedback: "adaptive" })).toThrow(/e-prop\+/);
  });

  it("is set like other common properties of a synapse model", () => {
    const kernel = new Kernel();
    kernel.SetDefaults(signals, { feedback: "adaptive", feedback_decay: 0.02 });
    expect(kernel.GetDefaults(signals)).toMatchObject({ feedback: "adaptive", feedback_decay: 0.02 });
    expect(() => kernel.SetDefaults(signals, { feedback_decay: 2 })).toThrow(/feedback_decay/);
    // @ts-expect-error e-prop+ has random feedback alone.
    expect(() => kernel.SetDefaults("eprop_learning_signal_connection", { feedback: "adaptive" })).toThrow(
      /feedback/,
    );
  });
});

describe("feedback of a task", () => {
  it("changes what is learned, alike for both gradients and any number of threads", async () => {
    const random = await losses("random");
    for (const source of ["symmetric", "adaptive"] as const) {
      const own = await losses(source);
      expect(own[0], source).toBe(random[0]);
      expect(own[2], source).not.toBe(random[2]);
      expect(await losses(source, { threads: 2 }), source).toEqual(own);
      const forward = await losses(source, { gradient: "forward" });
      forward.forEach((loss, at) => expect(loss).toBeCloseTo(own[at] as number, 9));
    }
  });

  it("is learned in training iterations alone", async () => {
    const parameters = { feedback: "adaptive", feedback_decay: 0.1 } as const;
    const task = tasks.evidenceAccumulation({
      batchSize: 2,
      iterations: 1,
      validateEvery: 1,
      testIterations: 2,
      parameters,
    });
    const trainer = new Trainer(task, { threads: 1 });
    const weights = () => ["rec_out", "out_rec"].map((name) => trainer.network.built.weights(name).data);
    let before = weights();
    for await (const { phase } of trainer) {
      const after = weights();
      if (phase === "training") expect(after).not.toEqual(before);
      else expect(after, phase).toEqual(before);
      before = after;
    }
    await trainer.close();
  });

  it("goes back to that of the best validation with the readouts' weights", async () => {
    const task = () =>
      tasks.evidenceAccumulation({
        batchSize: 2,
        iterations: 6,
        validateEvery: 1,
        earlyStop: false,
        patience: 1,
        testIterations: 0,
        parameters: { feedback: "adaptive", feedback_decay: 0.1, eta: 0.05 },
      });
    const feedback = new Map<number, Float64Array>();
    const trainer = new Trainer(task(), { threads: 1 });
    const now = () => trainer.network.built.weights("out_rec").data;
    for await (const { phase, iteration } of trainer)
      if (phase === "validation") feedback.set(iteration, now());
    const { best } = trainer.result();
    expect([...feedback.keys()].at(-1)).not.toBe(best?.iteration);
    expect([...feedback.values()].at(-1)).not.toEqual(now());
    expect(now()).toEqual(feedback.get(best?.iteration as number));
    const resumed = await resumedAfter(2, join(folder, "patient"), task, { threads: 1 });
    expect(resumed.network.built.weights("out_rec").data).toEqual(now());
    for (const of of [trainer, resumed]) await of.close();
  });

  it("goes on from a checkpoint to the same bits", async () => {
    const task = () => tasks.sineWaves({ iterations: 4, parameters: { feedback: "adaptive" } });
    const whole = await trainToEnd(task());
    const path = join(folder, "checkpoint");
    const resumed = await resumedAfter(1, path, task);
    expect(resumed.result().weights).toEqual(whole.weights);
    await resumed.close();
  });

  it("takes its names alone", () => {
    // @ts-expect-error there is no such feedback.
    expect(() => tasks.sineWaves({ parameters: { feedback: "symetric" } })).toThrow(/one of random/);
    // @ts-expect-error a number is no name.
    expect(() => tasks.sineWaves({ parameters: { feedback: 1 } })).toThrow(/one of random/);
    // @ts-expect-error a name is no number.
    expect(() => tasks.sineWaves({ parameters: { eta: "fast" } })).toThrow(/a number/);
  });
});

it.each([
  { feedback: "adaptive", feedback_decay: 0.1 },
  { rewiring: "prune", rewiring_threshold: 0.05 },
])("iterations that do not learn leave weights as they are: %o", async (given) => {
  const weights = async (validateEvery: number, testIterations: number) => {
    const task = tasks.evidenceAccumulation({
      batchSize: 2,
      iterations: 1,
      validateEvery,
      testIterations,
      earlyStop: false,
      // Gradient descent has no moments that move a weight later.
      parameters: { ...given, optimizer: "gradient_descent", eta: 1e-3 } as object,
    });
    return (await trainToEnd(task, { threads: 1 })).weights;
  };
  const [trained, tested] = [await weights(0, 0), await weights(0, 3)];
  expect(tested.after).toEqual(trained.after);
  expect(trained.after).not.toEqual(trained.before);
});
