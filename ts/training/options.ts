import {
  type Check,
  abortSignal,
  callable,
  either,
  fields,
  flag,
  optional,
  path as filePath,
  refuse,
  whole,
} from "../core/arguments.js";
import { worldCheck } from "../mpi/check.js";
import type { World } from "../mpi/world.js";
import type { NetworkOptions } from "./network.js";
import { metricTable } from "../tasks/check.js";
import type { LearningRate } from "../tasks/learning-rate.js";
import type { MetricTable } from "../tasks/metric.js";
import type { Task } from "../tasks/task.js";
import type { TaskEntry } from "../tasks/index.js";
import { type TrainingCallbacks, callbackFields, callbackList } from "./callbacks.js";
import { type InitOptions, initCheck } from "./initial-weights.js";
import { type RecordOptions, recordOptions } from "./recorders.js";
import type { Observer } from "./sampler.js";
import { computedWith, settingOptions } from "./settings.js";

/** What may be chosen anew where a training is resumed. */
export interface ResumeOptions extends TrainingCallbacks {
  /** Threads; all cores if left out. Of several ranks, each may have its own number. */
  threads?: number;
  /**
   * Ranks that train together (`mpi.connect()`): each makes the same calls and has all results, those of one process
   * to the bit. The sequences of a batch are shared among them; rank 0 saves.
   */
  world?: World;
  /** Stops the training: it rejects with the signal's reason. */
  signal?: AbortSignal;
  /**
   * Ends the training with the iteration that comes next: everything is recorded and returned as at a planned end.
   * Before that iteration it is saved, if it saves itself, to go on from there.
   */
  finish?: AbortSignal;
  /** Looks into sequences while the training runs. */
  observer?: Observer;
  /** Saves the training by itself; where it is resumed, what is left out is as before. */
  checkpoint?: CheckpointOptions;
  /** What is measured in every iteration besides loss and error and the task's own metrics, by name. */
  metrics?: MetricTable;
  /** Factor of the learning rates in each training iteration, in place of the task's. */
  learningRate?: LearningRate;
  /**
   * Address or path of the module that the task comes from, where it is none of eprop's own. Checkpoints have a digest
   * of it and of what it imports by relative paths, and a training whose module has changed is not resumed.
   */
  module?: string;
  /** Callbacks besides those that are options, called after them. */
  callbacks?: readonly TrainingCallbacks[];
}

/** How a training goes on from a checkpoint. */
export interface Resumption extends ResumeOptions {
  /** The task or what makes it, where it is none of eprop's own. */
  task?: Task | TaskEntry;
  /**
   * Training iterations in all, in place of those that it was made for: it is trained on, or ends earlier. What was
   * saved has to be from before its end, as {@link CheckpointOptions.atEnd} keeps it. It ends with the losses and weights
   * of one that was asked for as many from the start, where neither learning rates nor inputs depend on their number.
   */
  iterations?: number;
  /** Goes on although the task's data or module have changed since; its bits are then those of no single training. */
  force?: boolean;
}

/** Where a training is saved by itself: when it is asked to finish before its end, and while it goes on. */
export interface CheckpointOptions {
  path: string;
  /** Also each time that so many more iterations have been handed out. */
  every?: number;
  /** Also after the last training iteration, to train on from there (`Trainer.resume(path, { iterations })`). */
  atEnd?: boolean;
}

/** How a task is trained. */
export interface TrainOptions extends ResumeOptions, NetworkOptions {
  /** Begins with weights and connections of a saved network, by the names of projections. */
  init?: InitOptions;
  /** What to record besides losses; nothing if left out. */
  record?: RecordOptions | boolean;
}

export const observerCheck: Check<Observer> = {
  allowed: "an observer: wants() and sample()",
  read(value, at) {
    const { wants, sample } = (value ?? {}) as Partial<Observer>;
    if (typeof wants !== "function" || typeof sample !== "function") refuse(at, value, this.allowed);
    return value as Observer;
  },
};

/** What may be chosen where a training begins or is resumed, and how it is told. */
const resumeFields = {
  world: optional(worldCheck),
  threads: optional(whole(1, 1024)),
  signal: optional(abortSignal),
  finish: optional(abortSignal),
  observer: optional(observerCheck),
  checkpoint: optional(fields({ path: filePath, every: optional(whole(1)), atEnd: optional(flag) })),
  metrics: optional(metricTable),
  learningRate: optional(callable as Check<LearningRate>),
  module: optional(filePath),
  callbacks: optional(callbackList),
  ...callbackFields,
} as const;

const trainFields = {
  ...resumeFields,
  ...settingOptions,
  init: optional(initCheck),
  record: optional(either((value) => typeof value === "boolean", flag, recordOptions)),
} as const;

export const trainOptions = fields(trainFields);

/** What a checkpoint keeps of options. */
export function keptOptions({ record, checkpoint, ...options }: TrainOptions) {
  return {
    ...computedWith(options),
    ...(record !== undefined && { record }),
    ...(checkpoint !== undefined && { every: checkpoint.every ?? 0 }),
    ...(checkpoint?.atEnd && { atEnd: true }),
  };
}

const anything: Check<unknown> = { allowed: "anything", read: (value) => value };
export const resumeOptions = fields({
  ...resumeFields,
  task: anything,
  force: optional(flag),
  iterations: optional(whole(1)),
});
