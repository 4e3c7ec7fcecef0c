import {
  type Check,
  dictionary,
  fields,
  flag,
  given,
  number,
  optional,
  record,
  text,
} from "../core/arguments.js";
import { nestError } from "../core/errors.js";
import type { NodeParams, OptimizerParams } from "../nest/models.generated.js";
import type { NumberMatrix } from "../random/index.js";
import { NumpyRandom } from "../random/index.js";

/** Name of a model of recurrent neurons. */
export type RecurrentModel =
  | "eprop_iaf_bsshslm_2020"
  | "eprop_iaf_adapt_bsshslm_2020"
  | "eprop_iaf"
  | "eprop_iaf_adapt"
  | "eprop_iaf_psc_delta"
  | "eprop_iaf_psc_delta_adapt";

/** A population of recurrent neurons. */
export interface RecurrentPopulation {
  model: RecurrentModel;
  n: number;
  params: NodeParams[RecurrentModel];
}

/** Weights in rows per target and columns per source; a `mask` says which connections there are. */
export interface Weights extends NumberMatrix {
  mask?: Uint8Array;
}

/** What a network is made of. */
export interface NetworkDescription {
  /** Number of input generators. */
  inputs: number;
  /** Recurrent populations, connected among each other. */
  recurrent: RecurrentPopulation[];
  readout:
    | { model: "eprop_readout_bsshslm_2020"; n: number; params: NodeParams["eprop_readout_bsshslm_2020"] }
    | { model: "eprop_readout"; n: number; params: NodeParams["eprop_readout"] };
  weights: { in_rec: Weights; rec_rec: Weights; rec_out: Weights; out_rec: Weights };
  optimizer: OptimizerParams;
  /** Divide an interval's gradient by the learning window (weights that change once an interval). */
  averageGradient: boolean;
}

/** Inputs and targets of the sequences of one iteration. */
export interface IterationData {
  /** Spikes: place `(sequence * steps + step) * inputs + input`, ascending; repeats are multiplicities. */
  spikes: Uint32Array;
  /** Targets of each readout: a value per change. */
  targets: { steps: Uint32Array; values: Float64Array }[];
  /** The class of each sequence, where sequences are classified. */
  labels?: Uint32Array;
}

/** How iterations follow each other. */
export interface Schedule {
  /** Training iterations. */
  iterations: number;
  /** Validate before every so many training iterations; 0 for never. */
  validateEvery: number;
  /** Iterations that decide whether training may stop early; 0 for never. */
  earlyStopIterations: number;
  /** Stop early if their mean error is below this. */
  earlyStopError: number;
  /** Test iterations at the end. */
  testIterations: number;
}

/** Which inputs an iteration draws from. */
export type DataSplit = "training" | "test";

/** How many iterations have drawn from each split so far. */
export type Drawn = Readonly<Record<DataSplit, number>>;

/** A learning task as data: what is built, what goes in, what should come out. */
export interface Task {
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
  readonly loss: "mean_squared_error" | "cross_entropy";
  readonly network: NetworkDescription;
  readonly schedule: Schedule;
  /** Whether every iteration has the same inputs and targets. */
  readonly sameEveryIteration: boolean;
  /**
   * Inputs and targets of the next iteration. What was drawn before is in `drawn` and in the state of `random`, so
   * that a training can go on in another process.
   *
   * @param signal Stops the drawing: it rejects with the signal's reason. Who tries again restores `random` first.
   */
  next(split: DataSplit, drawn: Drawn, signal?: AbortSignal): IterationData | Promise<IterationData>;
  /**
   * Makes what it takes long to make, without holding up the event loop. What is asked for before it is made, such as
   * `network`, is made at once.
   */
  prepare?(signal?: AbortSignal): Promise<void>;
  /** Everything that was chosen, for the record. */
  readonly parameters: Readonly<Record<string, number | string>>;
  /** The options it was made with; with its name they make it again. */
  readonly options: TaskOptions;
  /** The generator that inputs are drawn from. */
  readonly random: NumpyRandom;
}

/** Options that every task takes; `P` are the names of its parameters. */
export interface TaskOptions<P extends string = string> {
  /** Model of the recurrent neurons, where a task has a choice. */
  model?: string;
  /** Seed of numpy's generator and of the kernel's. */
  seed?: number;
  iterations?: number;
  batchSize?: number;
  validateEvery?: number;
  earlyStop?: boolean;
  testIterations?: number;
  /** Values for rows of the task's parameter table. */
  parameters?: { readonly [name in P]?: number };
}

/** A row of a task's parameter table. */
export interface TaskParameter {
  default: number;
  unit: string;
  min: number;
  max: number;
  text: string;
}

const parameterRow = fields({ default: number(), unit: text, min: number(), max: number(), text });

/** The values of a task's parameters: defaults, overridden by what is given. */
export function taskParameters<T extends Record<string, TaskParameter>>(
  task: string,
  table: T,
  values: { readonly [name in keyof T]?: number } = {},
): { [name in keyof T]: number } {
  const of = given("task", task, text);
  const rows = given("table", table, record(parameterRow)) as Readonly<Record<string, TaskParameter>>;
  const chosen = given("values", values, record(number()));
  for (const [name, value] of Object.entries(chosen)) {
    const row = Object.hasOwn(rows, name) ? rows[name] : undefined;
    if (row === undefined) {
      throw nestError({
        code: "UnaccessedDictionaryEntry",
        message: `the task ${of} has no parameter ${name}`,
        model: of,
        parameter: name,
        bound: `one of ${Object.keys(rows).join(", ")}`,
      });
    }
    checkRange(of, name, value, row.min, row.max);
  }
  return Object.fromEntries(
    Object.entries(rows).map(([name, row]) => [name, chosen[name] ?? row.default]),
  ) as { [name in keyof T]: number };
}

/** Refuses a number outside its bounds. */
export function checkRange(task: string, name: string, value: number, min: number, max: number): void {
  if (!(value >= min && value <= max)) {
    throw nestError({
      code: "BadParameterValue",
      message: `${name} is outside its bounds`,
      model: task,
      parameter: name,
      value: String(value),
      bound: `from ${min} to ${max}`,
    });
  }
}

/** A whole number within bounds, or the default. */
export function whole(
  task: string,
  name: string,
  value: number | undefined,
  otherwise: number,
  min: number,
  max = 1e6,
): number {
  const chosen = value ?? otherwise;
  checkRange(task, name, chosen, min, max);
  if (!Number.isInteger(chosen)) {
    throw nestError({
      code: "BadParameterValue",
      message: `${name} must be a whole number`,
      model: task,
      parameter: name,
      value: String(chosen),
      bound: `a whole number from ${min}`,
    });
  }
  return chosen;
}

/** The options that every task takes; a task may have more. */
const common = {
  model: optional(text),
  seed: optional(number()),
  iterations: optional(number()),
  batchSize: optional(number()),
  validateEvery: optional(number()),
  earlyStop: optional(flag),
  testIterations: optional(number()),
  parameters: optional(dictionary),
} as const;

/**
 * The options of one of eprop's tasks: the common ones, and those of its own.
 *
 * @throws {@link NESTError} that names an option which it does not have.
 */
export function ownOptions<O extends TaskOptions>(
  options: O,
  own: Readonly<Record<string, Check<unknown>>> = {},
): O {
  return given("options", options, fields({ ...common, ...own })) as unknown as O;
}

const commonDefaults = fields({
  iterations: number(),
  batchSize: number(),
  validateEvery: optional(number()),
  testIterations: optional(number()),
});

/**
 * The common options, checked.
 *
 * @param asked The options of a task; others than the common ones are not looked at.
 */
export function commonOptions(
  name: string,
  asked: TaskOptions,
  otherwise: { iterations: number; batchSize: number; validateEvery?: number; testIterations?: number },
): { seed: number; batchSize: number; schedule: Schedule } {
  const task = given("task", name, text);
  const all = given("options", asked, dictionary);
  const options = given(
    "options",
    Object.fromEntries(Object.entries(all).filter(([option]) => Object.hasOwn(common, option))),
    fields(common),
  );
  const defaults = given("defaults", otherwise, commonDefaults);
  const seed = whole(task, "seed", options.seed, 1, 1, 0xffff_ffff);
  const validateEvery = whole(task, "validateEvery", options.validateEvery, defaults.validateEvery ?? 0, 0);
  return {
    seed,
    batchSize: whole(task, "batchSize", options.batchSize, defaults.batchSize, 1),
    schedule: {
      iterations: whole(task, "iterations", options.iterations, defaults.iterations, 1),
      validateEvery,
      earlyStopIterations: (options.earlyStop ?? true) && validateEvery > 0 ? 8 : 0,
      earlyStopError: 0.07,
      testIterations: whole(task, "testIterations", options.testIterations, defaults.testIterations ?? 0, 0),
    },
  };
}

/** Bytes of a spike and of a readout's step on their way through generators and recorders. */
const bytesPer = { spike: 48, readoutStep: 96 };

/**
 * Refuses a batch whose inputs and readouts cannot fit into memory.
 *
 * @param rate Spikes of an input per step, on average.
 */
export function checkBatch(
  task: string,
  batchSize: number,
  sequence: { steps: number; inputs: number; rate: number; readouts: number },
): void {
  const { steps, inputs, rate, readouts } = sequence;
  const bytes = batchSize * steps * (inputs * rate * bytesPer.spike + readouts * bytesPer.readoutStep);
  const memory = process.getBuiltinModule("node:os").totalmem();
  // Places of spikes are 32-bit numbers.
  if (bytes > memory || batchSize * steps * inputs > 0xffff_ffff) {
    throw nestError({
      code: "OutOfMemory",
      message: `a batch of this size takes ${(bytes / 2 ** 30).toFixed(1)} GiB`,
      model: task,
      parameter: "batchSize",
      value: String(batchSize),
      bound: `what fits into ${(memory / 2 ** 30).toFixed(1)} GiB`,
    });
  }
}

/** Bounds of all tutorials' weights. */
const weightBounds = { Wmin: -100, Wmax: 100 } as const;

/** Gradient descent as the tutorials use it. With e-prop+, one call per spike. */
export function gradientDescent(eta: number, batchSize: number): OptimizerParams {
  return { type: "gradient_descent", batch_size: batchSize, eta, optimize_each_step: false, ...weightBounds };
}

/** Adam as the tutorials use it. */
export function adam(eta: number, batchSize: number): OptimizerParams {
  return {
    type: "adam",
    batch_size: batchSize,
    beta_1: 0.9,
    beta_2: 0.999,
    epsilon: 1e-8,
    eta,
    ...weightBounds,
  };
}

/** A matrix with rows and columns exchanged, each value divided by `divisor` and rounded to 32 bits. */
export function transposedFloat32(
  { data, shape: [rows, columns] }: NumberMatrix,
  divisor: number,
): NumberMatrix {
  const transposed = new Float64Array(data.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      transposed[column * rows + row] = Math.fround((data[row * columns + column] as number) / divisor);
    }
  }
  return { data: transposed, shape: [columns, rows] };
}

/** Each value divided by `divisor` and rounded to 32 bits. */
export function scaledFloat32({ data, shape }: NumberMatrix, divisor: number): NumberMatrix {
  return { data: data.map((value) => Math.fround(value / divisor)), shape };
}

/** Each value times `factor`, with all three rounded to 32 bits. */
export function timesFloat32({ data, shape }: NumberMatrix, factor: number): NumberMatrix {
  return { data: data.map((value) => Math.fround(value * Math.fround(factor))), shape };
}

/** The matrix with zeros in its diagonal: no neuron drives itself. */
export function withoutDiagonal({ data, shape }: NumberMatrix): NumberMatrix {
  const copy = data.slice();
  for (let place = 0; place < shape[0]; place++) copy[place * shape[1] + place] = 0;
  return { data: copy, shape };
}

/** `n` numbers from `start` to `stop`, as `np.linspace`. */
export function linspace(start: number, stop: number, n: number): Float64Array {
  const step = (stop - start) / (n - 1);
  return Float64Array.from({ length: n }, (_, place) => (place === n - 1 ? stop : place * step + start));
}

/** Spikes of inputs that fire in each step with this probability. */
export function noise(random: NumpyRandom, steps: number, inputs: number, probability: number): Uint32Array {
  return random.spikesBelow(new Float64Array(inputs).fill(probability), inputs, new Uint32Array(steps));
}

/** As {@link noise}, without those in step 0: the tutorials with update intervals leave them out. */
export function noiseAfterFirstStep(
  random: NumpyRandom,
  steps: number,
  inputs: number,
  probability: number,
): Uint32Array {
  return noise(random, steps, inputs, probability).filter((place) => place >= inputs);
}

/** Lists of places one after the other. */
export function concatenated(parts: readonly Uint32Array[]): Uint32Array {
  const all = new Uint32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** The same sequence several times, one after the other. */
export function repeated(spikes: Uint32Array, sequences: number, places: number): Uint32Array {
  const all = new Uint32Array(spikes.length * sequences);
  for (let sequence = 0; sequence < sequences; sequence++) {
    for (let spike = 0; spike < spikes.length; spike++) {
      all[sequence * spikes.length + spike] = (spikes[spike] as number) + sequence * places;
    }
  }
  return all;
}

/** Inputs and targets of an iteration whose sequences are all the same. */
export function sameSequences(
  spikes: Uint32Array,
  targets: readonly Float64Array[],
  batchSize: number,
  inputs: number,
): IterationData {
  const steps = targets[0]?.length ?? 0;
  return {
    spikes: repeated(spikes, batchSize, steps * inputs),
    targets: targets.map((target) => ({
      steps: Uint32Array.from({ length: steps * batchSize }, (_, step) => step),
      values: Float64Array.from({ length: steps * batchSize }, (_, step) => target[step % steps] as number),
    })),
  };
}
