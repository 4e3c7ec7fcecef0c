import { basename } from "node:path";
import { flag, number, optional, path } from "../core/arguments.js";
import { type EventRecording, sensorInputs } from "../data/event-recording.js";
import { movingDigits } from "../data/moving-digits.js";
import {
  type RecordingSet,
  type RecordingSplits,
  checkRecordings,
  openRecordings,
  readBlocklist,
  silentPixels,
} from "../data/recordings.js";
import { nestError } from "../core/errors.js";
import { InPieces, type Pieces } from "../core/event-loop.js";
import { type NumberMatrix, NumpyRandom } from "../random/index.js";
import { concatenated } from "./inputs.js";
import { learningRateParameters, withLearningRate } from "./learning-rate.js";
import {
  neuronRows,
  optimizerOf,
  optimizerParameters,
  surrogateOf,
  surrogateParameters,
  withDefault,
} from "./network-parameters.js";
import { checkBatch, commonOptions, ownOptions, taskParameters } from "./options.js";
import type { PoolDescription, Weights } from "./network-description.js";
import type { TaskParameterValues } from "./parameter.js";
import type { DataSplit, Drawn, IterationData, Task, TaskOptions } from "./task.js";

/** The task's parameter table. */
export const nMnistParameters = {
  eta: {
    default: 5e-3,
    unit: "",
    min: 0,
    max: 10,
    text: "Learning rate before it is scaled by (1 - kappa)^2",
  },
  kappa: { default: 0.99, unit: "", min: 0, max: 0.999999, text: "Decay of the eligibility trace in a step" },
  cutoff: {
    default: 100,
    unit: "ms",
    min: 0,
    max: 1e9,
    text: "Longest part of an interspike interval that counts",
  },
  c_reg: {
    default: 2,
    unit: "",
    min: 0,
    max: 1e9,
    text: "Coefficient of firing-rate regularization, before scaling",
  },
  f_target: { default: 10, unit: "spikes/s", min: 0, max: 1000, text: "Target firing rate" },
  n_rec: withDefault(neuronRows.n_rec, 150),
  tau_m: withDefault(neuronRows.tau_m, 30),
  tau_m_out: withDefault(neuronRows.tau_m_out, 100),
  V_th: neuronRows.V_th,
  t_ref: withDefault(neuronRows.t_ref, 0),
  ...surrogateParameters({ height: 0.5, width: 1 / 1.7 }),
  ...optimizerParameters("gradient_descent"),
  density_in_rec: { default: 0.25, unit: "", min: 0, max: 1, text: "Share of connections from inputs" },
  density_rec_rec: { default: 0.01, unit: "", min: 0, max: 1, text: "Share of recurrent connections" },
  density_rec_out: { default: 1, unit: "", min: 0, max: 1, text: "Share of connections to readouts" },
  ...learningRateParameters,
} as const;

/** Options of the task. */
export interface NMnistOptions extends TaskOptions<typeof nMnistParameters> {
  /** Folder with the recordings: `Train/<digit>/*.bin`, `Test/<digit>/*.bin`. */
  data?: string;
  /** File that names pixels to leave out; without it those that never fire in the training recordings are. */
  blocklist?: string;
  /** Recordings per iteration; the same as `batchSize`. */
  groupSize?: number;
  /** Learn from simulated recordings of moving digits. */
  synthetic?: boolean;
}

const taskName = "n-mnist";
const steps = 300;
const learningWindow = 10;
const digits = 10;
/** Time that the steps of a recording stand for (µs). */
const recordedTime = 336_040;

/** Rounds to the nearest whole number, halves to the even one. */
function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** Places (`step * inputs + input`) of a recording's events, ascending. */
function placesOf(recording: EventRecording, inputOf: Int32Array, inputs: number, name: string): Uint32Array {
  const { pixels, times } = recording;
  const places = new Uint32Array(pixels.length);
  let count = 0;
  for (let event = 0; event < pixels.length; event++) {
    const input = inputOf[pixels[event] as number] as number;
    if (input < 0) continue;
    const time = times[event] as number;
    if (time > recordedTime) {
      throw nestError({
        code: "ValueError",
        message: `${name}: event ${event} comes after the end of the recording`,
        parameter: "data",
        value: `${time} µs`,
        bound: `at most ${recordedTime} µs`,
      });
    }
    places[count] = roundHalfEven((time * steps) / recordedTime) * inputs + input;
    count += 1;
  }
  return places.slice(0, count).toSorted();
}

/** Places of recordings in a shuffled order, from the start again at the end: that of the recording taken next. */
function taker(set: RecordingSet, random: NumpyRandom): (taken: number) => number {
  const order = random.permutation(set.labels.length);
  return (taken) => order[taken % order.length] as number;
}

/** Numbers that are drawn or computed in one piece. */
const pieceLength = 20_000;

/** Draws numbers, in pieces; `draw` gives the next so many. */
function* drawnInPieces<T extends Float64Array | Uint32Array>(all: T, draw: (count: number) => T): Pieces<T> {
  for (let at = 0; at < all.length; at += pieceLength) {
    all.set(draw(Math.min(pieceLength, all.length - at)), at);
    yield;
  }
  return all;
}

function* normal(random: NumpyRandom, rows: number, columns: number): Pieces<NumberMatrix> {
  const data = yield* drawnInPieces(new Float64Array(rows * columns), (count) => random.randn(1, count).data);
  return { data, shape: [rows, columns] };
}

function* transposed({ data, shape: [rows, columns] }: NumberMatrix, factor: number): Pieces<Weights> {
  const values = new Float64Array(data.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      values[column * rows + row] = (data[row * columns + column] as number) * factor;
    }
    if (row % 50 === 49) yield;
  }
  return { data: values, shape: [columns, rows] };
}

function divided({ data, shape }: NumberMatrix, divisor: number): Weights {
  return { data: data.map((value) => value / divisor), shape };
}

function* masked(weights: Weights, density: number, random: NumpyRandom): Pieces<Weights> {
  const probabilities = Float64Array.of(1 - density, density);
  const chosen = yield* drawnInPieces(new Uint32Array(weights.data.length), (count) =>
    random.choice(2, count, probabilities),
  );
  return { ...weights, mask: new Uint8Array(chosen) };
}

/** What takes long to make. */
interface Made {
  recordings: RecordingSplits;
  /** The input of each pixel, -1 where it is left out. */
  inputOf: Int32Array;
  inputs: number;
  weights: { in_rec: Weights; rec_rec: Weights; rec_out: Weights; out_rec: Weights };
  take: Readonly<Record<DataSplit, (taken: number) => number>>;
}

/** Values of the task's parameters. */
type Parameters = TaskParameterValues<typeof nMnistParameters>;

/** What is chosen of the task. */
interface Chosen {
  /** Folder with the recordings; without it they are simulated. */
  data: string | undefined;
  /** Pixels to leave out; without it those that never fire. */
  listed: ReadonlySet<number> | undefined;
  seed: number;
  batchSize: number;
  parameters: Parameters;
}

/** Opens the recordings, and draws weights and then their order, in pieces. */
function* make({ data, listed, seed, batchSize, parameters }: Chosen, random: NumpyRandom): Pieces<Made> {
  const recordings = data === undefined ? movingDigits(1000, 100, seed) : yield* openRecordings(data);
  const blocked = listed ?? (yield* silentPixels(recordings.training, sensorInputs));
  const inputOf = new Int32Array(sensorInputs).fill(-1);
  let inputs = 0;
  for (let pixel = 0; pixel < sensorInputs; pixel++) if (!blocked.has(pixel)) inputOf[pixel] = inputs++;
  checkBatch(taskName, batchSize, { steps, inputs, rate: 0.02, readouts: digits });
  const weights = yield* drawnWeights(inputs, parameters, random);
  const take = { training: taker(recordings.training, random), test: taker(recordings.test, random) };
  return { recordings, inputOf, inputs, weights, take };
}

/** Draws the initial weights, in pieces. */
function* drawnWeights(inputs: number, parameters: Parameters, random: NumpyRandom): Pieces<Made["weights"]> {
  const { n_rec: neurons, kappa } = parameters;
  const scale = 1 - kappa;
  const in_rec = yield* transposed(yield* normal(random, inputs, neurons), 1 / Math.sqrt(inputs));
  const rec_rec = yield* transposed(yield* normal(random, neurons, neurons), 1 / Math.sqrt(neurons));
  const limit = Math.sqrt(3 / Math.max(1, (neurons + digits) / 2));
  const glorot = {
    data: random.uniform(-limit, limit, neurons * digits),
    shape: [neurons, digits],
  } as const;
  const rec_out = yield* transposed(glorot, scale);
  const out_rec = divided(random.randn(neurons, digits), scale);
  return {
    in_rec: yield* masked(in_rec, parameters.density_in_rec, random),
    rec_rec: yield* masked(rec_rec, parameters.density_rec_rec, random),
    rec_out: yield* masked(rec_out, parameters.density_rec_out, random),
    out_rec,
  };
}

/** The spikes, labels and target signals of an iteration: of so many recordings, from the place `first` on. */
async function iterationOf(
  { recordings, inputOf, inputs, take }: Made,
  split: DataSplit,
  { first, batchSize }: { first: number; batchSize: number },
  signal?: AbortSignal,
): Promise<IterationData> {
  const labels = new Uint32Array(batchSize);
  const spikes: Uint32Array[] = [];
  for (let sequence = 0; sequence < batchSize; sequence++) {
    const place = take[split](first + sequence);
    labels[sequence] = recordings[split].labels[place] as number;
    const recording = await recordings[split].recording(place, signal);
    const offset = sequence * steps * inputs;
    const places = placesOf(recording, inputOf, inputs, `${split} recording ${place}`);
    for (let at = 0; at < places.length; at++) places[at] = offset + (places[at] as number);
    spikes.push(places);
  }
  return {
    spikes: concatenated(spikes),
    labels,
    targets: Array.from({ length: digits }, (_, digit) => ({
      steps: Uint32Array.from(labels, (_label, sequence) => sequence * steps),
      values: Float64Array.from(labels, (label) => (label === digit ? 1 : 0)),
    })),
  };
}

/** The network of the task. */
function networkOf({ inputs, weights }: Made, parameters: Parameters): PoolDescription {
  const scale = 1 - parameters.kappa;
  return {
    inputs,
    recurrent: [
      {
        model: "eprop_iaf",
        n: parameters.n_rec,
        params: {
          C_m: 1,
          c_reg: parameters.c_reg / steps / scale ** 2,
          E_L: 0,
          eprop_isi_trace_cutoff: parameters.cutoff,
          f_target: parameters.f_target,
          I_e: 0,
          kappa: parameters.kappa,
          kappa_reg: parameters.kappa,
          ...surrogateOf(parameters),
          t_ref: parameters.t_ref,
          tau_m: parameters.tau_m,
          V_m: 0,
          V_th: parameters.V_th,
        },
      },
    ],
    readout: {
      model: "eprop_readout",
      n: digits,
      params: {
        C_m: 1,
        E_L: 0,
        eprop_isi_trace_cutoff: parameters.cutoff,
        I_e: 0,
        tau_m: parameters.tau_m_out,
        V_m: 0,
      },
    },
    weights,
    optimizer: optimizerOf(parameters, parameters.eta * scale ** 2, 1),
    averageGradient: false,
  };
}

/** Refuses a task without recordings, or with those of a folder that lacks some. */
function checkData(data: string | undefined, synthetic: boolean | undefined): void {
  if ((data === undefined) === !synthetic) {
    throw nestError({
      code: "ValueError",
      message: "the task needs recordings",
      model: taskName,
      parameter: "data",
      bound: "a folder with Train and Test (see `eprop data n-mnist`), or synthetic recordings",
    });
  }
  if (data !== undefined) checkRecordings(data);
}

/** Recognize digits that move before an event sensor (N-MNIST), with e-prop+. */
export function nMnist(asked: NMnistOptions = {}): Task<PoolDescription> {
  const options = ownOptions(asked, {
    data: optional(path),
    blocklist: optional(path),
    groupSize: optional(number()),
    synthetic: optional(flag),
  });
  const { groupSize, ...rest } = options;
  const { seed, batchSize, schedule } = commonOptions(
    taskName,
    { ...rest, ...(groupSize !== undefined && { batchSize: groupSize }) },
    { iterations: 10, batchSize: 100, testIterations: 2 },
  );
  const parameters = taskParameters(taskName, nMnistParameters, options.parameters);
  const { data, blocklist, synthetic } = options;
  checkData(data, synthetic);
  const listed = blocklist === undefined ? undefined : readBlocklist(blocklist, sensorInputs);
  const random = new NumpyRandom(seed);
  const made = new InPieces(make({ data, listed, seed, batchSize, parameters }, random));
  let network: PoolDescription | undefined;
  return {
    name: taskName,
    text: "Recognize digits that move before an event sensor; weights change with every spike",
    seed,
    resolution: 1,
    steps,
    learningWindow,
    batchSize,
    kind: "classification",
    loss: "mean_squared_error",
    get network() {
      return (network ??= networkOf(made.now(), parameters));
    },
    prepare: async (signal) => void (await made.inSlices(signal)),
    ...withLearningRate(parameters),
    schedule,
    sameEveryIteration: false,
    async next(split: DataSplit, drawn: Drawn, signal?: AbortSignal) {
      const all = await made.inSlices(signal);
      return iterationOf(all, split, { first: drawn[split] * batchSize, batchSize }, signal);
    },
    get parameters() {
      const from = data === undefined ? "moving digits" : basename(data);
      return { seed, batchSize, inputs: made.now().inputs, data: from, ...parameters };
    },
    options,
    get random() {
      // Weights are drawn before inputs.
      made.now();
      return random;
    },
  };
}
