import { basename } from "node:path";
import { type EventRecording, sensorInputs } from "../data/event-recording.js";
import { movingDigits } from "../data/moving-digits.js";
import { type RecordingSet, openRecordings, readBlocklist, silentPixels } from "../data/recordings.js";
import { nestError } from "../errors.js";
import { type NumberMatrix, NumpyRandom } from "../random/index.js";
import {
  type DataSplit,
  type Drawn,
  type IterationData,
  type Task,
  type TaskOptions,
  type Weights,
  gradientDescent,
  checkBatch,
  commonOptions,
  taskParameters,
} from "./task.js";

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
  density_in_rec: { default: 0.25, unit: "", min: 0, max: 1, text: "Share of connections from inputs" },
  density_rec_rec: { default: 0.01, unit: "", min: 0, max: 1, text: "Share of recurrent connections" },
  density_rec_out: { default: 1, unit: "", min: 0, max: 1, text: "Share of connections to readouts" },
} as const;

/** Options of the task. */
export interface NMnistOptions extends TaskOptions<keyof typeof nMnistParameters> {
  /** Folder with the recordings: `Train/<digit>/*.bin`, `Test/<digit>/*.bin`. */
  data?: string;
  /** File that names pixels to leave out; without it those that never fire in the training recordings are. */
  blocklist?: string;
  /** Recordings per iteration; the same as `batchSize`. */
  groupSize?: number;
  /** Learn from simulated recordings of moving digits. */
  synthetic?: boolean;
}

const steps = 300;
const learningWindow = 10;
const neurons = 150;
const digits = 10;
/** Time that the steps of a recording stand for (µs). */
const recordedTime = 336_040;

/** Rounds to the nearest whole number, halves to the even one. */
function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

function stepsOf(recording: EventRecording, inputOf: Int32Array, name: string): number[] {
  const places: number[] = [];
  const inputs = inputOf.reduce((count, input) => Math.max(count, input + 1), 0);
  recording.pixels.forEach((pixel, event) => {
    const input = inputOf[pixel] as number;
    if (input < 0) return;
    const time = recording.times[event] as number;
    if (time > recordedTime) {
      throw nestError({
        code: "ValueError",
        message: `${name}: event ${event} comes after the end of the recording`,
        parameter: "data",
        value: `${time} µs`,
        bound: `at most ${recordedTime} µs`,
      });
    }
    places.push(roundHalfEven((time * steps) / recordedTime) * inputs + input);
  });
  return places.toSorted((a, b) => a - b);
}

/** Places of recordings in a shuffled order, from the start again at the end: that of the recording taken next. */
function taker(set: RecordingSet, random: NumpyRandom): (taken: number) => number {
  const order = random.permutation(set.labels.length);
  return (taken) => order[taken % order.length] as number;
}

function transposed({ data, shape: [rows, columns] }: NumberMatrix, factor: number): Weights {
  const values = new Float64Array(data.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      values[column * rows + row] = (data[row * columns + column] as number) * factor;
    }
  }
  return { data: values, shape: [columns, rows] };
}

function divided({ data, shape }: NumberMatrix, divisor: number): Weights {
  return { data: data.map((value) => value / divisor), shape };
}

function masked(weights: Weights, density: number, random: NumpyRandom): Weights {
  const drawn = random.choice(2, weights.data.length, Float64Array.of(1 - density, density));
  return { ...weights, mask: Uint8Array.from(drawn) };
}

/** Recognize digits that move before an event sensor (N-MNIST), with e-prop+. */
export function nMnist(options: NMnistOptions = {}): Task {
  const name = "n-mnist";
  const { groupSize, ...rest } = options;
  const { seed, batchSize, schedule } = commonOptions(
    name,
    { ...rest, ...(groupSize !== undefined && { batchSize: groupSize }) },
    { iterations: 10, batchSize: 100, testIterations: 2 },
  );
  const parameters = taskParameters(name, nMnistParameters, options.parameters);
  if ((options.data === undefined) === !options.synthetic) {
    throw nestError({
      code: "ValueError",
      message: "the task needs recordings",
      model: name,
      parameter: "data",
      bound: "a folder with Train and Test (see `eprop data n-mnist`), or synthetic recordings",
    });
  }
  const recordings =
    options.data === undefined ? movingDigits(1000, 100, seed) : openRecordings(options.data);
  const blocked =
    options.blocklist === undefined
      ? silentPixels(recordings.training, sensorInputs)
      : readBlocklist(options.blocklist, sensorInputs);
  const inputOf = new Int32Array(sensorInputs).fill(-1);
  let inputs = 0;
  for (let pixel = 0; pixel < sensorInputs; pixel++) if (!blocked.has(pixel)) inputOf[pixel] = inputs++;
  checkBatch(name, batchSize, { steps, inputs, rate: 0.02, readouts: digits });

  const scale = 1 - parameters.kappa;
  const random = new NumpyRandom(seed);
  const in_rec = transposed(random.randn(inputs, neurons), 1 / Math.sqrt(inputs));
  const rec_rec = transposed(random.randn(neurons, neurons), 1 / Math.sqrt(neurons));
  const limit = Math.sqrt(3 / Math.max(1, (neurons + digits) / 2));
  const glorot = { data: random.uniform(-limit, limit, neurons * digits), shape: [neurons, digits] } as const;
  const rec_out = transposed(glorot, scale);
  const out_rec = divided(random.randn(neurons, digits), scale);
  const weights = {
    in_rec: masked(in_rec, parameters.density_in_rec, random),
    rec_rec: masked(rec_rec, parameters.density_rec_rec, random),
    rec_out: masked(rec_out, parameters.density_rec_out, random),
    out_rec,
  };
  const take = { training: taker(recordings.training, random), test: taker(recordings.test, random) };

  const next = (split: DataSplit, drawn: Drawn): IterationData => {
    const places: number[] = [];
    const labels = new Uint32Array(batchSize);
    for (let sequence = 0; sequence < batchSize; sequence++) {
      const place = take[split](drawn[split] * batchSize + sequence);
      labels[sequence] = recordings[split].labels[place] as number;
      const offset = sequence * steps * inputs;
      for (const at of stepsOf(recordings[split].recording(place), inputOf, `${split} recording ${place}`)) {
        places.push(offset + at);
      }
    }
    return {
      spikes: Uint32Array.from(places),
      labels,
      targets: Array.from({ length: digits }, (_, digit) => ({
        steps: Uint32Array.from(labels, (_label, sequence) => sequence * steps),
        values: Float64Array.from(labels, (label) => (label === digit ? 1 : 0)),
      })),
    };
  };
  return {
    name,
    text: "Recognize digits that move before an event sensor; weights change with every spike",
    seed,
    resolution: 1,
    steps,
    learningWindow,
    batchSize,
    kind: "classification",
    loss: "mean_squared_error",
    network: {
      inputs,
      recurrent: [
        {
          model: "eprop_iaf",
          n: neurons,
          params: {
            C_m: 1,
            c_reg: parameters.c_reg / steps / scale ** 2,
            E_L: 0,
            eprop_isi_trace_cutoff: parameters.cutoff,
            f_target: parameters.f_target,
            I_e: 0,
            kappa: parameters.kappa,
            kappa_reg: parameters.kappa,
            surrogate_gradient_function: "piecewise_linear",
            surrogate_gradient_height: 0.5,
            surrogate_gradient_width: 1 / 1.7,
            t_ref: 0,
            tau_m: 30,
            V_m: 0,
            V_th: 0.6,
          },
        },
      ],
      readout: {
        model: "eprop_readout",
        n: digits,
        params: { C_m: 1, E_L: 0, eprop_isi_trace_cutoff: parameters.cutoff, I_e: 0, tau_m: 100, V_m: 0 },
      },
      weights,
      optimizer: gradientDescent(parameters.eta * scale ** 2, 1),
      averageGradient: false,
    },
    schedule,
    sameEveryIteration: false,
    next,
    parameters: {
      seed,
      batchSize,
      inputs,
      data: options.data === undefined ? "moving digits" : basename(options.data),
      ...parameters,
    },
    options,
    random,
  };
}
