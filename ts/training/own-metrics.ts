import { nestError } from "../core/errors.js";
import { shown } from "../core/arguments.js";
import type { LearningRate } from "../tasks/learning-rate.js";
import type { NodeCollection } from "../nest/collections.js";
import type { MeasuredIteration, MetricTable } from "../tasks/metric.js";
import type { Task } from "../tasks/task.js";
import type { Iteration } from "./iteration.js";
import type { ReadoutSignals } from "./metrics.js";
import type { TaskNetwork } from "./network.js";

/**
 * The metrics of a task, and those that its training has besides.
 *
 * @throws {@link NESTError} for a name that both have.
 */
export function allMetrics(task: Task, besides: MetricTable = {}): MetricTable {
  const twice = Object.keys(besides).find((name) => Object.hasOwn(task.metrics ?? {}, name));
  if (twice !== undefined) {
    throw nestError({
      code: "ValueError",
      message: `the task ${task.name} has a metric of this name`,
      parameter: `metrics.${twice}`,
      bound: "another name",
    });
  }
  return { ...task.metrics, ...besides };
}

/** Functions of a training that a checkpoint cannot hold, by the options that give them. */
export function givenFunctions(of: { metrics?: MetricTable; learningRate?: LearningRate }): string[] {
  const names = Object.keys(of.metrics ?? {}).map((name) => `metrics.${name}`);
  return of.learningRate === undefined ? names : [...names, "learningRate"];
}

/** Refuses to go on with a checkpoint without the functions that its training had. */
export function checkGiven(
  path: string,
  names: readonly string[],
  of: { metrics: MetricTable; learningRate: LearningRate | undefined },
): void {
  const added = Object.keys(of.metrics).find((name) => !names.includes(`metrics.${name}`));
  if (added !== undefined) {
    throw nestError({
      code: "ValueError",
      message: `the training of ${path} was begun without this metric`,
      parameter: `metrics.${added}`,
      bound: "the metrics that it was begun with",
    });
  }
  const known = givenFunctions({
    metrics: of.metrics,
    ...(of.learningRate && { learningRate: of.learningRate }),
  });
  const missing = names.find((name) => !known.includes(name));
  if (missing === undefined) return;
  throw nestError({
    code: "ValueError",
    message: `the training of ${path} had a function of its own here`,
    parameter: missing,
    bound: "the same function again",
  });
}

/** The readout with the largest mean in the learning window, of each sequence. */
function largestReadouts(
  signals: Float64Array,
  { steps, learningWindow, batchSize }: Task,
  readouts: number,
) {
  const sums = new Float64Array(readouts);
  return Uint32Array.from({ length: batchSize }, (_, sequence) => {
    sums.fill(0);
    for (let step = steps - learningWindow; step < steps; step++) {
      const row = (sequence * steps + step) * readouts;
      for (let at = 0; at < readouts; at++) sums[at] = (sums[at] as number) + (signals[row + at] as number);
    }
    return sums.reduce((best, sum, at) => (sum > (sums[best] as number) ? at : best), 0);
  });
}

/**
 * What metrics say of an iteration.
 *
 * @throws {@link NESTError} that names metric and iteration, where one throws or gives no number.
 */
export async function measured(
  metrics: MetricTable,
  of: { task: Task; network: TaskNetwork; iteration: Iteration; signals: ReadoutSignals },
): Promise<Record<string, number>> {
  const { task, network, iteration, signals } = of;
  const { ms: _ms, ...known } = iteration;
  const readouts = network.readouts.length;
  let [labels, decisions]: [Uint32Array?, Uint32Array?] = [];
  const shownTo: MeasuredIteration = {
    ...known,
    ...signals,
    readouts,
    steps: task.steps,
    learningWindow: task.learningWindow,
    sequences: task.batchSize,
    get labels() {
      return (labels ??= largestReadouts(signals.target, task, readouts));
    },
    get decisions() {
      return (decisions ??= largestReadouts(signals.readout, task, readouts));
    },
    weights: (projection) => network.built.weights(projection),
  };
  const values: Record<string, number> = {};
  for (const [name, metric] of Object.entries(metrics)) {
    let value: unknown;
    const refused = (message: string) =>
      nestError({
        code: "ValueError",
        message: `task ${task.name}, iteration ${iteration.iteration}: ${message}`,
        model: task.name,
        parameter: `metrics.${name}`,
        value: shown(value),
        bound: "a number",
      });
    try {
      value = await metric(shownTo);
    } catch (error) {
      const failure = refused(`the metric failed: ${error instanceof Error ? error.message : shown(error)}`);
      failure.cause = error;
      throw failure;
    }
    if (typeof value !== "number") throw refused("the metric gives no number");
    values[name] = value;
  }
  return values;
}

/** Records the readouts of a training whose metrics want them. */
export class SignalRecorder {
  readonly task: Task;
  readonly network: TaskNetwork;
  readonly #recorder: NodeCollection;

  constructor(network: TaskNetwork, task: Task) {
    this.network = network;
    this.task = task;
    this.#recorder = network.kernel.Create("multimeter", 1, {
      record_from: ["readout_signal", "target_signal"],
      interval: task.resolution,
      start: network.timeline.record * task.resolution,
    });
    network.kernel.Connect(this.#recorder, network.readouts);
  }

  /** The signals of the iterations that have been simulated since the last call. */
  async take(count: number): Promise<ReadoutSignals[]> {
    const { task, network } = this;
    const taken = await network.kernel.takeValuesAsync(this.#recorder);
    const none = new Float64Array(0);
    const [readout, target] = [taken["readout_signal"] ?? none, taken["target_signal"] ?? none];
    const rows = task.steps * task.batchSize * network.readouts.length;
    if (readout.length !== rows * count) {
      throw nestError({
        code: "InternalError",
        message: "the record of readouts does not cover the iterations",
        value: `${readout.length} values`,
        bound: `${rows * count} values`,
      });
    }
    return Array.from({ length: count }, (_, at) => ({
      readout: readout.subarray(at * rows, (at + 1) * rows),
      target: target.subarray(at * rows, (at + 1) * rows),
    }));
  }
}

/** Iterations with what metrics say of them, and why the one after them could not be measured, if so. */
export async function withMetrics(
  iterations: readonly Iteration[],
  metrics: MetricTable,
  recorder: SignalRecorder | undefined,
): Promise<{ iterations: Iteration[]; failure?: unknown }> {
  if (recorder === undefined) return { iterations: [...iterations] };
  const all = await recorder.take(iterations.length);
  const done: Iteration[] = [];
  for (const [at, iteration] of iterations.entries()) {
    const signals = all[at] as ReadoutSignals;
    try {
      const { task, network } = recorder;
      done.push({ ...iteration, metrics: await measured(metrics, { task, network, iteration, signals }) });
    } catch (failure) {
      return { iterations: done, failure };
    }
  }
  return { iterations: done };
}
