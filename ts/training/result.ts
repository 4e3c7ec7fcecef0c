import type { MemoryEstimate } from "../nest/kernel-types.js";
import { Network } from "../network/network.js";
import type { Pieces } from "../core/event-loop.js";
import { namedParts } from "../tasks/network-description.js";
import type { Task } from "../tasks/task.js";
import type { InitNote } from "./initial-weights.js";
import type { Iteration } from "./iteration.js";
import type { PlasticWeights, TaskNetwork } from "./network.js";
import type { Best, TrainedOn } from "./progress.js";
import type { Recorded, RecordOptions, Recorders } from "./recorders.js";
import type { Ending } from "./schedule.js";
import type { ComputedWith } from "./settings.js";
import type { WeightCourses } from "./weight-courses.js";

/** What a training leaves. */
export interface TrainingResult {
  task: Task;
  iterations: readonly Iteration[];
  weights: { before: PlasticWeights; after: PlasticWeights };
  recorded: Recorded;
  ended: Ending;
  /** Where training had patience: the validation with the smallest loss, whose weights the network has. */
  best?: { readonly iteration: number; readonly loss: number };
  /** Time that the simulation of an iteration took, on average (ms). */
  msPerIteration: number;
  /** Memory that the simulation took. */
  memory: MemoryEstimate;
  /** The trained network, to be used. */
  network: Network;
  /** What it was computed with. */
  settings: Required<Pick<ComputedWith, "gradient" | "precision">> & {
    /** Norm that gradients were scaled down to, where that was asked for. */
    clipNorm?: number;
    threads: number;
    record?: RecordOptions | boolean;
    /** Where it was asked for another number of training iterations than it was made for. */
    trainedOn?: readonly TrainedOn[];
    /** Digest of the task's module as it was loaded, where it was named. */
    module?: string;
    /** The saved network that it began with, where there was one. */
    init?: InitNote;
  };
}

/** What a training leaves, from its parts. */
export function* resultOf(
  task: Task,
  parts: {
    network: TaskNetwork;
    recorders: Recorders;
    courses: WeightCourses | undefined;
    before: PlasticWeights;
  },
  reached: {
    iterations: readonly Iteration[];
    best: Best | undefined;
    ended: Ending;
    record: RecordOptions | boolean | undefined;
    module: string | undefined;
    init: InitNote | undefined;
    trainedOn: readonly TrainedOn[] | undefined;
  },
): Pieces<TrainingResult> {
  const { network, recorders, courses, before } = parts;
  const { iterations, best, ended, record, module, init, trainedOn } = reached;
  const { kernel } = network;
  const after = yield* network.weights();
  yield;
  const recorded = yield* recorders.recorded();
  const noted = courses?.recorded();
  yield;
  const memory = kernel.memory();
  yield;
  return {
    task,
    iterations,
    weights: { before, after },
    recorded: { ...recorded, ...noted },
    ended,
    ...(best !== undefined && { best: { iteration: best.iteration, loss: best.loss } }),
    msPerIteration: iterations.reduce((sum, { ms }) => sum + ms, 0) / Math.max(1, iterations.length),
    memory,
    network: Network.of(kernel, namedParts(task.network)),
    settings: {
      gradient: kernel.get("gradient"),
      precision: kernel.get("precision"),
      ...(kernel.get("clip_norm") > 0 && { clipNorm: kernel.get("clip_norm") }),
      threads: kernel.get("local_num_threads"),
      ...(record !== undefined && { record }),
      ...(module !== undefined && { module }),
      ...(init !== undefined && { init }),
      ...(trainedOn !== undefined && { trainedOn }),
    },
  };
}
