/** What tasks of one's own give: what cannot be is refused in the task's own words, before anything is simulated. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { NESTError, NumpyRandom, type Task, Trainer, tasks, trainToEnd } from "../ts/index.js";
import { atOnce } from "../ts/core/event-loop.js";
import { writeRunFolder } from "../ts/report/index.js";
import { checkedIteration } from "../ts/tasks/check.js";
import type { PoolDescription } from "../ts/tasks/network-description.js";
import type { IterationData } from "../ts/tasks/task.js";

const folder = mkdtempSync(join(tmpdir(), "eprop-task-data-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const [inputs, neurons, readouts, steps, batchSize] = [4, 3, 2, 20, 2];

function ones(rows: number, columns: number) {
  return { data: new Float64Array(rows * columns).fill(0.5), shape: [rows, columns] as const };
}

function networkOf(): PoolDescription {
  return {
    inputs,
    recurrent: [{ model: "eprop_iaf_bsshslm_2020", n: neurons, params: { V_th: 0.5, E_L: 0, V_m: 0 } }],
    readout: {
      model: "eprop_readout_bsshslm_2020",
      n: readouts,
      params: { loss: "cross_entropy", E_L: 0, V_m: 0 },
    },
    weights: {
      in_rec: ones(neurons, inputs),
      rec_rec: ones(neurons, neurons),
      rec_out: ones(readouts, neurons),
      out_rec: ones(neurons, readouts),
    },
    optimizer: { type: "adam", eta: 1e-2, batch_size: batchSize },
    averageGradient: false,
  };
}

/** Data of an iteration: the first input fires in each sequence, and the classes are 0 and 1. */
function dataOf(): IterationData {
  return {
    spikes: Uint32Array.of(inputs * 2, inputs * 3, inputs * steps + inputs * 2),
    targets: [0, 1].map((readout) => ({
      steps: Uint32Array.of(0, steps),
      values: Float64Array.of(Number(readout === 0), Number(readout === 1)),
    })),
    labels: Uint32Array.of(0, 1),
  };
}

/** A task that gives in iteration `at` what `spoil` makes of the right data. */
function taskOf(change: object = {}, spoil: (data: IterationData) => unknown = (data) => data, at = 2): Task {
  let given = 0;
  return {
    name: "mine",
    text: "A task of one's own",
    seed: 1,
    resolution: 1,
    steps,
    learningWindow: 5,
    batchSize,
    kind: "classification",
    loss: "cross_entropy",
    network: networkOf(),
    schedule: {
      iterations: 3,
      validateEvery: 0,
      earlyStopIterations: 0,
      earlyStopError: 0,
      testIterations: 0,
    },
    sameEveryIteration: false,
    next: () => (++given === at ? spoil(dataOf()) : dataOf()) as IterationData,
    parameters: {},
    options: {},
    random: new NumpyRandom(1),
    ...change,
  };
}

it("a task whose data are right is trained", async () => {
  const { iterations } = await trainToEnd(taskOf());
  expect(iterations).toHaveLength(3);
});

describe("an iteration is refused", () => {
  const cases: [string, (data: IterationData) => unknown, RegExp][] = [
    ["that is nothing", () => undefined, /iteration 2: next\(\) takes an object.*value nothing/],
    ["that is null", () => null, /iteration 2: next\(\).*value null/],
    [
      "whose spikes are those of some sequences, which nobody asked for",
      (data) => ({ ...data, sequences: { begin: 0, end: 1 } }),
      /not of the sequences that were asked for/,
    ],
    ["without spikes", ({ targets, labels }) => ({ targets, labels }), /spikes/],
    ["without targets", ({ spikes, labels }) => ({ spikes, labels }), /targets takes a list.*each readout/],
    [
      "with targets of too few readouts",
      (data) => ({ ...data, targets: data.targets.slice(0, 1) }),
      /targets.*a list of 1.*a list of 2/,
    ],
    [
      "with a target that is null",
      (data) => ({ ...data, targets: [null, data.targets[1]] }),
      /targets\[0\].*null/,
    ],
    [
      "without steps of targets",
      (data) => ({ ...data, targets: [{ values: [1] }, data.targets[1]] }),
      /targets\[0\]\.steps/,
    ],
    [
      "with a target past the end",
      (data) => ({ ...data, targets: [data.targets[0], { steps: [0, 40], values: [1, 1] }] }),
      /past the iteration's end.*targets\[1\]\.steps\[1\].*value 40.*from 0 to 39 \(2 sequences of 20 steps\)/,
    ],
    [
      "with steps and values of different length",
      (data) => ({ ...data, targets: [data.targets[0], { steps: [0, 5], values: [1] }] }),
      /one value for each step.*targets\[1\]\.values.*2 values/,
    ],
    [
      "with a target that is no number",
      (data) => ({ ...data, targets: [data.targets[0], { steps: [0, 5], values: [1, Number.NaN] }] }),
      /targets\[1\]\.values\[1\].*NaN.*finite/,
    ],
    [
      "with steps that are not ascending",
      (data) => ({ ...data, targets: [data.targets[0], { steps: [5, 5], values: [1, 2] }] }),
      /not ascending.*targets\[1\]\.steps\[1\].*above 5/,
    ],
    [
      "with a spike past the end",
      (data) => ({ ...data, spikes: [0, 160] }),
      /past the iteration's end.*spikes\[1\].*160.*159/,
    ],
    ["with half a place", (data) => ({ ...data, spikes: [0.5] }), /spikes\[0\].*0\.5/],
    ["with a negative place", (data) => ({ ...data, spikes: [-1] }), /spikes\[0\].*-1/],
    [
      "with a sparse list of spikes",
      (data) => ({ ...data, spikes: Object.assign([], { length: 3 }) as number[] }),
      /spikes\[0\].*nothing/,
    ],
    [
      "with spikes out of order",
      (data) => ({ ...data, spikes: [5, 3] }),
      /not ascending.*spikes\[1\].*at least 5/,
    ],
    [
      "without labels",
      ({ spikes, targets }) => ({ spikes, targets }),
      /labels takes a list of 2 labels.*nothing/,
    ],
    ["with too few labels", (data) => ({ ...data, labels: [0] }), /one label for each sequence.*labels/],
    [
      "with a label of no readout",
      (data) => ({ ...data, labels: [0, 2] }),
      /labels\[1\].*value 2.*from 0 to 1/,
    ],
    [
      "with a label that the targets contradict",
      (data) => ({ ...data, labels: [1, 1] }),
      /contradicts.*labels\[0\].*value 1.*0, whose target/,
    ],
  ];
  it.each(cases)("%s", async (_, spoil, message) => {
    const trainer = new Trainer(taskOf({}, spoil));
    // The first iteration is read out in the second one.
    const error: unknown = await trainer.next().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(NESTError);
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message).toMatch(/^task mine, iteration 2: .*model mine/);
    // The right data come when it is tried again.
    expect((await trainer.next())?.iteration).toBe(1);
    expect((await trainer.next())?.iteration).toBe(2);
    await trainer.close();
  });

  it("whose first learning window begins without a target", async () => {
    const late = (data: IterationData) => ({
      ...data,
      targets: [data.targets[0], { steps: [16], values: [1] }],
    });
    await expect(trainToEnd(taskOf({}, late, 1))).rejects.toThrow(
      /iteration 1: the first learning window begins without a target.*targets\[1\]\.steps.*value 16.*at most 15/,
    );
  });

  it("and a run folder is not begun", async () => {
    const path = join(folder, "run");
    const training = trainToEnd(taskOf({}, () => undefined, 1)).then((result) =>
      writeRunFolder(path, result),
    );
    await expect(training).rejects.toThrow(NESTError);
    expect(existsSync(path)).toBe(false);
  });
});

describe("of sequences that one rank asks for", () => {
  const asked = { begin: 1, end: 2 };
  const checked = (change: object) =>
    atOnce(checkedIteration(taskOf(), { ...dataOf(), ...change }, 1, asked));
  const second = Uint32Array.of(inputs * steps, inputs * steps + 3);

  it("spikes of these are taken, or of all", () => {
    expect(checked({ spikes: second, sequences: asked })).toMatchObject({ spikes: second, sequences: asked });
    expect(checked({ spikes: new Uint32Array(0), sequences: asked }).spikes).toHaveLength(0);
    expect(checked({}).sequences).toBeUndefined();
  });

  it("spikes of others are refused", () => {
    expect(() => checked({ sequences: asked })).toThrow(/spikes\[0\].*value 8.*from 80 to 159/);
    expect(() => checked({ spikes: second, sequences: { begin: 0, end: 1 } })).toThrow(/1 to 2/);
  });
});

describe("a task is refused", () => {
  const network = (change: object) => ({ network: { ...networkOf(), ...change } });
  const weights = (change: object) => network({ weights: { ...networkOf().weights, ...change } });
  const withNaN = ones(neurons, inputs);
  withNaN.data[5] = Number.NaN;
  const cases: [string, object, RegExp][] = [
    [
      "with another loss than its readouts'",
      { loss: "mean_squared_error" },
      /another loss.*mean_squared_error.*cross_entropy/,
    ],
    [
      "with cross entropy in e-prop+",
      network({
        recurrent: [{ model: "eprop_iaf", n: neurons, params: {} }],
        readout: { model: "eprop_readout", n: readouts, params: {} },
      }),
      /another loss.*cross_entropy.*mean_squared_error, the loss of eprop_readout/,
    ],
    ["of no kind", { kind: "guessing" }, /kind.*regression, classification/],
    ["without next", { next: undefined }, /next takes a function/],
    [
      "with a window that is longer than its steps",
      { learningWindow: 21 },
      /learningWindow.*21.*from 1 to 20/,
    ],
    ["without a schedule", { schedule: null }, /schedule.*null/],
    [
      "of too many iterations",
      { schedule: { ...taskOf().schedule, iterations: 1.5 } },
      /schedule\.iterations.*1\.5/,
    ],
    ["without a generator", { random: {} }, /random takes a NumpyRandom/],
    ["without recurrent neurons", network({ recurrent: [] }), /no recurrent neurons/],
    [
      "with an unknown model",
      network({ recurrent: [{ model: "lif", n: 1, params: {} }] }),
      /network\.recurrent\[0\]\.model.*lif/,
    ],
    [
      "of two families",
      network({ recurrent: [...networkOf().recurrent, { model: "eprop_iaf", n: 1, params: {} }] }),
      /network\.recurrent\[1\]\.model.*eprop_iaf_bsshslm_2020/,
    ],
    [
      "with weights of the wrong shape",
      weights({ rec_out: ones(neurons, readouts) }),
      /do not fit.*network\.weights\.rec_out\.shape.*3x2.*2 rows/,
    ],
    [
      "with too few weights",
      weights({ rec_rec: { data: new Float64Array(8), shape: [3, 3] } }),
      /network\.weights\.rec_rec\.data.*8 numbers.*9 numbers/,
    ],
    [
      "with a weight that is no number",
      weights({ in_rec: withNaN }),
      /row 1, column 1.*network\.weights\.in_rec\.data\[5\].*NaN/,
    ],
    [
      "with a mask of another size",
      weights({ in_rec: { ...ones(3, 4), mask: new Uint8Array(11) } }),
      /mask.*11 numbers.*12/,
    ],
    ["without weights", network({ weights: {} }), /network\.weights\.in_rec/],
    ["with a misspelt field", { metric: { one: () => 1 } }, /no field "metric".*did you mean metrics/],
    ["with a field in other letters", { learning_rate: 0.1 }, /no field "learning_rate".*learningRate/],
    ["with a misspelt method", { prepair: () => Promise.resolve() }, /no field "prepair".*prepare/],
  ];
  it.each(cases)("%s", async (_, change, message) => {
    const error: unknown = await trainToEnd(taskOf(change)).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(NESTError);
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message).toMatch(/^task mine: /);
  });
  it("for no names of its own", async () => {
    const own = { clone: () => 1, prepared: false, _metrics: {}, lables: [], mine: 1 };
    await trainToEnd(taskOf(own));
    class Own {
      static readonly metric = 1;
      readonly closed = false;
      prepares = 0;
    }
    await trainToEnd(Object.assign(new Own(), taskOf({})));
  });
  it.each([[null], [undefined], ["sine-waves"], [{}], [() => taskOf()]])("that is none: %s", (task) => {
    expect(() => new Trainer(task as never)).toThrow(/task takes an object|task\.name/);
  });
});

describe("a task is trained several times", () => {
  const make = () =>
    tasks.evidenceAccumulation({ iterations: 2, batchSize: 2, testIterations: 0, validateEvery: 0 });
  const losses = async (task: Task) => (await trainToEnd(task)).iterations.map(({ loss }) => loss);

  it("with the same numbers", async () => {
    const task = make();
    const first = await losses(task);
    expect(await losses(task)).toEqual(first);
    expect(await losses(make())).toEqual(first);
  });

  it("at once, with the same numbers", async () => {
    const task = make();
    const all = await Promise.all([losses(task), losses(task), losses(task)]);
    const alone = await losses(make());
    expect(all).toEqual([alone, alone, alone]);
  });

  it("from a checkpoint on, while it is trained anew", async () => {
    const task = make();
    const path = join(folder, "evidence.checkpoint");
    const whole = await losses(make());
    const trainer = new Trainer(task);
    await trainer.next();
    await trainer.save(path);
    await trainer.close();
    const resumed = await Trainer.resume(path, { task });
    const other = new Trainer(task);
    await other.next();
    for await (const _ of resumed) await other.next();
    expect(resumed.iterations.map(({ loss }) => loss)).toEqual(whole);
    expect(other.iterations.map(({ loss }) => loss)).toEqual(whole);
    await Promise.all([resumed.close(), other.close()]);
  });
});
