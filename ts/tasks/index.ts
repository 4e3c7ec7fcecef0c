import { given, text } from "../core/arguments.js";
import { nestError } from "../core/errors.js";
import { nearest } from "../core/nearest.js";
import { evidenceAccumulation, evidenceAccumulationParameters } from "./evidence-accumulation.js";
import { dvsGesture, dvsGestureParameters } from "./dvs-gesture.js";
import { handwriting } from "./handwriting.js";
import { shd, speechParameters, ssc } from "./heidelberg.js";
import { lemniscate } from "./lemniscate.js";
import { nMnist, nMnistParameters } from "./n-mnist.js";
import { patternParameters } from "./pattern.js";
import { psmnist, psmnistParameters } from "./psmnist.js";
import { sineWaves, sineWavesParameters } from "./sine-waves.js";
import { sineWavesPlus, sineWavesPlusParameters } from "./sine-waves-plus.js";
import type { TaskParameter } from "./parameter.js";
import type { Task, TaskOptions } from "./task.js";
import {
  delayedMatch,
  delayedMatchParameters,
  storeRecall,
  storeRecallParameters,
} from "./working-memory.js";

export { type BuildOptions, type NamedNodes, builtNetwork } from "./built-network.js";
export { evidenceAccumulation } from "./evidence-accumulation.js";
export type { DataTaskOptions } from "./data-task.js";
export { dvsGesture } from "./dvs-gesture.js";
export { handwriting } from "./handwriting.js";
export { shd, ssc } from "./heidelberg.js";
export { feedbackSources } from "./learning-parameters.js";
export { type LayerDescription, type LayersDescription, layeredNetwork } from "./layers.js";
export { lemniscate, lemniscate as infiniteLoop } from "./lemniscate.js";
export { type NMnistOptions, nMnist } from "./n-mnist.js";
export { psmnist } from "./psmnist.js";
export { sineWaves } from "./sine-waves.js";
export { sineWavesPlus } from "./sine-waves-plus.js";
export { delayedMatch, storeRecall } from "./working-memory.js";
export type {
  ChoiceParameter,
  NumberParameter,
  TaskParameter,
  TaskParameterValue,
  TaskParameterValues,
} from "./parameter.js";
export {
  type FeedbackDescription,
  type FeedbackSource,
  type InputPopulation,
  type NetworkDescription,
  type NeuronPopulation,
  type PoolDescription,
  type PopulationDescription,
  type ProjectionDescription,
  type ReadoutModel,
  type ReadoutPopulation,
  type RecurrentModel,
  type RecurrentPopulation,
  type RewiringDescription,
  type Weights,
} from "./network-description.js";
export type {
  DataSplit,
  Drawn,
  InputSplit,
  IterationData,
  ParameterValues,
  Schedule,
  Task,
  TaskOptions,
} from "./task.js";
export { type LearningRate, type LearningRateDescription, learningRate } from "./learning-rate.js";
export type { MeasuredIteration, Metric, MetricTable } from "./metric.js";
export { commonOptions, taskParameters } from "./options.js";

/** What makes tasks of one kind: one of eprop's own, or the default export of a module. */
export interface TaskEntry {
  /** Its name, which runs and checkpoints carry. */
  readonly name: string;
  readonly aliases?: readonly string[];
  /** One line of text. */
  readonly text: string;
  /** What can be set and varied, with defaults, units and bounds. */
  readonly parameters: Readonly<Record<string, TaskParameter>>;
  /** Options beyond those that every task takes. */
  readonly options?: readonly string[];
  /** Makes a task; the same options make the same task. */
  create(options: TaskOptions & Record<string, unknown>): Task;
}

/** All tasks. */
export const taskTable: readonly Required<TaskEntry>[] = [
  {
    name: "sine-waves",
    aliases: [],
    text: "Generate a superposition of four sine waves",
    parameters: sineWavesParameters,
    options: [],
    create: sineWaves,
  },
  {
    name: "lemniscate",
    aliases: ["infinite-loop"],
    text: "Draw an infinite loop",
    parameters: patternParameters,
    options: [],
    create: lemniscate,
  },
  {
    name: "handwriting",
    aliases: [],
    text: "Write a word by hand",
    parameters: patternParameters,
    options: ["data"],
    create: handwriting,
  },
  {
    name: "evidence-accumulation",
    aliases: [],
    text: "Decide on which side more cues appeared, after a pause",
    parameters: evidenceAccumulationParameters,
    options: ["drawAllFirst"],
    create: evidenceAccumulation,
  },
  {
    name: "sine-waves-plus",
    aliases: [],
    text: "Generate a superposition of four sine waves with weights that change at every spike (e-prop+)",
    parameters: sineWavesPlusParameters,
    options: ["model"],
    create: sineWavesPlus,
  },
  {
    name: "n-mnist",
    aliases: ["neuromorphic-mnist"],
    text: "Recognize digits that move before an event sensor (e-prop+)",
    parameters: nMnistParameters,
    options: ["data", "blocklist", "groupSize", "synthetic"],
    create: nMnist,
  },
  {
    name: "shd",
    aliases: ["spiking-heidelberg-digits"],
    text: "Recognize spoken digits (Spiking Heidelberg Digits)",
    parameters: speechParameters,
    options: ["data", "synthetic"],
    create: shd,
  },
  {
    name: "ssc",
    aliases: ["spiking-speech-commands"],
    text: "Recognize spoken words (Spiking Speech Commands)",
    parameters: speechParameters,
    options: ["data", "synthetic"],
    create: ssc,
  },
  {
    name: "dvs-gesture",
    aliases: [],
    text: "Recognize gestures before an event camera (DVS Gesture)",
    parameters: dvsGestureParameters,
    options: ["data", "synthetic"],
    create: dvsGesture,
  },
  {
    name: "psmnist",
    aliases: [],
    text: "Recognize digits that are shown pixel by pixel in a permuted order (MNIST)",
    parameters: psmnistParameters,
    options: ["data", "synthetic"],
    create: psmnist,
  },
  {
    name: "store-recall",
    aliases: [],
    text: "Store a value when told to, and say it when asked, other values in between",
    parameters: storeRecallParameters,
    options: [],
    create: storeRecall,
  },
  {
    name: "delayed-match",
    aliases: [],
    text: "Say whether a stimulus matches the one before a delay",
    parameters: delayedMatchParameters,
    options: [],
    create: delayedMatch,
  },
];

/** What makes the task of a name or alias, if it is one of eprop's. */
export function taskNamed(name: string): Required<TaskEntry> | undefined {
  const wanted = given("name", name, text);
  return taskTable.find((task) => task.name === wanted || task.aliases.includes(wanted));
}

/**
 * As {@link taskNamed}, for a name that has to be one of eprop's tasks.
 *
 * @throws {@link NESTError} that suggests the nearest name.
 */
export function findTask(name: string): Required<TaskEntry> {
  const found = taskNamed(name);
  if (found !== undefined) return found;
  const names = taskTable.flatMap((task) => [task.name, ...task.aliases]);
  const meant = nearest(name, names);
  throw nestError({
    code: "ValueError",
    message: `there is no task ${name}${meant === undefined ? "" : `; did you mean ${meant}?`}`,
    parameter: "task",
    value: name,
    bound: `one of ${names.join(", ")}`,
  });
}
