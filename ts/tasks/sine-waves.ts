import { NumpyRandom } from "../random/index.js";
import { noiseAfterFirstStep, linspace, regressionOver, sameIteration } from "./inputs.js";
import { learningParameters, withLearning } from "./learning-parameters.js";
import { withLearningRate } from "./learning-rate.js";
import {
  neuronRows,
  optimizerOf,
  optimizerParameters,
  numberRow,
  surrogateOf,
  surrogateParameters,
  withDefault,
} from "./network-parameters.js";
import { checkBatch, commonOptions, ownOptions, taskParameters } from "./options.js";
import type { PoolDescription } from "./network-description.js";
import type { Task, TaskOptions } from "./task.js";
import { scaledFloat32, transposedFloat32, withoutDiagonal } from "./weights.js";

/** The task's parameter table. */
export const sineWavesParameters = {
  eta: { default: 1e-4, unit: "", min: 0, max: 10, text: "Learning rate" },
  c_reg: { default: 300, unit: "", min: 0, max: 1e9, text: "Coefficient of firing-rate regularization" },
  f_target: { default: 10, unit: "spikes/s", min: 0, max: 1000, text: "Target firing rate" },
  n_rec: neuronRows.n_rec,
  tau_m: { default: 30, unit: "ms", min: 0.1, max: 1e6, text: "Time constant of all membranes" },
  tau_m_out: {
    ...numberRow(30, "ms", 0.1, 1e6, "Time constant of the readout's membrane; tau_m if not given"),
    follows: ({ tau_m }: Readonly<Record<string, unknown>>) => tau_m as number,
  },
  V_th: withDefault(neuronRows.V_th, 0.03),
  t_ref: withDefault(neuronRows.t_ref, 0),
  ...surrogateParameters({ V_th: 0.03 }),
  ...optimizerParameters("gradient_descent"),
  ...learningParameters,
} as const;

const steps = 1000;
const inputs = 100;

/** A signal less its first value, over its largest magnitude. */
function normalized(signal: Float64Array): Float64Array {
  const first = signal[0] as number;
  const shifted = signal.map((value) => value - first);
  const largest = shifted.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return shifted.map((value) => value / largest);
}

/** The target: sine waves of four periods with drawn amplitudes and phases, superposed. */
export function superposedSines(random: NumpyRandom): Float64Array {
  const periods = [1000, 500, 333, 200];
  const amplitudes = random.uniform(0.5, 2, periods.length);
  const phases = random.uniform(0, 2 * Math.PI, periods.length);
  const signal = new Float64Array(steps);
  periods.forEach((period, wave) => {
    const phase = phases[wave] as number;
    const angles = linspace(phase, phase + 2 * Math.PI * Math.floor(steps / period), steps);
    angles.forEach((x, step) => {
      signal[step] = (signal[step] as number) + (amplitudes[wave] as number) * Math.sin(x);
    });
  });
  return normalized(signal);
}

/** The weights of a regression task, drawn in the order of the tutorials. */
export function regressionWeights(random: NumpyRandom, n: { in: number; rec: number; out: number }) {
  const in_rec = transposedFloat32(random.randn(n.in, n.rec), Math.sqrt(n.in));
  const rec_rec = withoutDiagonal(transposedFloat32(random.randn(n.rec, n.rec), Math.sqrt(n.rec)));
  const rec_out = transposedFloat32(random.randn(n.rec, n.out), Math.sqrt(n.rec));
  const out_rec = scaledFloat32(random.randn(n.rec, n.out), Math.sqrt(n.rec));
  return { in_rec, rec_rec, rec_out, out_rec };
}

/**
 * Generate a superposition of four sine waves from frozen noise: 100 leaky integrate-and-fire neurons, one readout,
 * gradient descent.
 */
export function sineWaves(asked: TaskOptions<typeof sineWavesParameters> = {}): Task<PoolDescription> {
  const options = ownOptions(asked);
  const name = "sine-waves";
  const { seed, batchSize, schedule } = commonOptions(name, options, { iterations: 200, batchSize: 1 });
  const parameters = taskParameters(name, sineWavesParameters, options.parameters);
  checkBatch(name, batchSize, { steps, inputs, rate: 0.05, readouts: 1 });
  const random = new NumpyRandom(seed);
  const neurons = parameters.n_rec;
  const weights = regressionWeights(random, { in: inputs, rec: neurons, out: 1 });
  const spikes = noiseAfterFirstStep(random, steps, inputs, 0.05);
  const target = superposedSines(random);
  const next = sameIteration(spikes, [target], batchSize, inputs);
  return {
    name,
    text: "Generate a superposition of four sine waves from frozen noise",
    seed,
    ...regressionOver(steps, batchSize),
    network: withLearning(
      {
        inputs,
        recurrent: [
          {
            model: "eprop_iaf_bsshslm_2020",
            n: neurons,
            params: {
              C_m: 1,
              c_reg: parameters.c_reg,
              E_L: 0,
              f_target: parameters.f_target,
              I_e: 0,
              regular_spike_arrival: false,
              ...surrogateOf(parameters),
              t_ref: parameters.t_ref,
              tau_m: parameters.tau_m,
              V_m: 0,
              V_th: parameters.V_th,
            },
          },
        ],
        readout: {
          model: "eprop_readout_bsshslm_2020",
          n: 1,
          params: {
            C_m: 1,
            E_L: 0,
            I_e: 0,
            loss: "mean_squared_error",
            regular_spike_arrival: false,
            tau_m: parameters.tau_m_out,
            V_m: 0,
          },
        },
        weights,
        optimizer: optimizerOf(parameters, parameters.eta, batchSize),
        averageGradient: false,
      },
      parameters,
      seed,
    ),
    ...withLearningRate(parameters),
    schedule,
    sameEveryIteration: true,
    next,
    parameters: { seed, batchSize, ...parameters },
    options,
    random,
  };
}
