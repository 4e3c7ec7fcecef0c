import type { LossName } from "../nest/losses.js";
import type { NumpyRandom } from "../random/index.js";
import type { LearningRate } from "./learning-rate.js";
import type { MetricTable } from "./metric.js";
import type { NetworkDescription, PoolDescription } from "./network-description.js";
import type { TaskParameter, TaskParameterValue } from "./parameter.js";

/** Neighbouring sequences of an iteration. */
export interface SequenceRange {
  /** The first of them, from 0 on. */
  readonly begin: number;
  /** The one after the last of them. */
  readonly end: number;
}

/** Inputs and targets of the sequences of one iteration. */
export interface IterationData {
  /** Spikes: place `(sequence * steps + step) * inputs + input`, ascending; repeats are multiplicities. */
  spikes: Uint32Array;
  /** Targets of each readout: a value per change. */
  targets: { steps: Uint32Array; values: Float64Array }[];
  /** The class of each sequence, where sequences are classified. */
  labels?: Uint32Array;
  /** The sequences whose spikes these are, where spikes of some alone were asked for and drawn; all if left out. */
  sequences?: SequenceRange;
}

/** How iterations follow each other. */
export interface Schedule {
  /** Training iterations. */
  iterations: number;
  /** Validate before every so many training iterations; 0 for never. */
  validateEvery: number;
  /**
   * Iterations in which nothing learns and that decide whether training stops early, after a validation that comes upon
   * an iteration with an error below `earlyStopError`; 0 for never.
   */
  earlyStopIterations: number;
  /** Stop early if their mean error is below this. */
  earlyStopError: number;
  /** Test iterations at the end. */
  testIterations: number;
  /**
   * Training ends where so many validations in a row have no smaller loss than the best one before them, and the
   * network is left with the weights of that one; 0 or left out for never.
   */
  patience?: number;
  /**
   * Training stops with a `NumericalInstability` after an iteration with a larger loss; never for that reason if left
   * out. A loss that is not finite always stops it.
   */
  stopAbove?: number;
}

/** Which inputs an iteration draws from. */
export type DataSplit = "training" | "test";

/** As {@link DataSplit}, for tasks that have inputs for validations alone. Others draw them from those of training. */
export type InputSplit = DataSplit | "validation";

/** How many iterations have drawn from each split so far; those of validations where a task has inputs for them. */
export type Drawn = Readonly<Record<DataSplit, number>> & { readonly validation?: number };

/** A learning task as data: what is built, what goes in, what should come out. */
export interface Task<N extends NetworkDescription | PoolDescription = NetworkDescription | PoolDescription> {
  /** Its name on the command line. */
  readonly name: string;
  /** One line of text. */
  readonly text: string;
  readonly seed: number;
  /** Length of a step (ms). */
  readonly resolution: number;
  /** Steps of a sequence: the update interval. */
  readonly steps: number;
  /** Steps at the end of a sequence in which errors count. */
  readonly learningWindow: number;
  /** Sequences per iteration. */
  readonly batchSize: number;
  readonly kind: "regression" | "classification";
  readonly loss: LossName;
  /** Named populations and projections, or the four matrices of a pool. */
  readonly network: N;
  readonly schedule: Schedule;
  /** Whether every iteration has the same inputs and targets. */
  readonly sameEveryIteration: boolean;
  /**
   * Inputs and targets of the next iteration. What was drawn before is in `drawn` and in the state of `random`, so
   * that a training can go on in another process.
   *
   * @param signal Stops the drawing: it rejects with the signal's reason. Who tries again restores `random` first.
   * @param sequences Of ranks that train together, each asks for spikes of some sequences alone. A task may draw those
   *   of all; if not, it leaves out the others' random numbers (`random.skip`) and says which it has drawn. Targets and
   *   labels are those of all in any case.
   */
  next(
    split: InputSplit,
    drawn: Drawn,
    signal?: AbortSignal,
    sequences?: SequenceRange,
  ): IterationData | Promise<IterationData>;
  /**
   * Makes what it takes long to make, without holding up the event loop. What is asked for before it is made, such as
   * `network`, is made at once.
   */
  prepare?(signal?: AbortSignal): Promise<void>;
  /**
   * Gives back what it holds, such as open files. It is called once no training uses the task any more: when the last of
   * them ends, whether whole, stopped or with an error. A training that begins afterwards calls `prepare` and `next`
   * again.
   */
  close?(): void | Promise<void>;
  /** Whether it has inputs for validations alone: `next` is asked for the split `validation`. */
  readonly ownValidation?: boolean;
  /** What is measured in every iteration besides loss and error, by name. */
  readonly metrics?: MetricTable;
  /** Factor of the learning rates in each training iteration; 1 if left out. */
  readonly learningRate?: LearningRate;
  /** Everything that was chosen, for the record. */
  readonly parameters: Readonly<Record<string, number | string>>;
  /** The options it was made with; with its name they make it again. */
  readonly options: TaskOptions;
  /** The generator that inputs are drawn from. */
  readonly random: NumpyRandom;
}

/** Values for parameters: of a table, or of names. */
export type ParameterValues<P extends string | Readonly<Record<string, TaskParameter>>> =
  P extends Readonly<Record<string, TaskParameter>>
    ? { readonly [name in keyof P]?: TaskParameterValue<P[name]> }
    : { readonly [name in P & string]?: number | string };

/** Options that every task takes; `P` is the type of its parameter table, or the names of its parameters. */
export interface TaskOptions<P extends string | Readonly<Record<string, TaskParameter>> = string> {
  /** Model of the recurrent neurons, where a task has a choice. */
  model?: string;
  /** Seed of numpy's generator and of the kernel's. */
  seed?: number;
  iterations?: number;
  batchSize?: number;
  validateEvery?: number;
  /** Whether training ends once errors about a validation are small enough; true if left out. */
  earlyStop?: boolean;
  testIterations?: number;
  /** Validations without a smaller loss than the best before them, after which training ends; 0 for never. */
  patience?: number;
  /** Largest loss of an iteration after which training goes on. */
  stopAbove?: number;
  /** Values for rows of the task's parameter table. */
  parameters?: ParameterValues<P>;
}
