import { NumpyRandom } from "../random/index.js";
import { regressionWeights } from "./sine-waves.js";
import { noiseAfterFirstStep, regressionOver, sameIteration } from "./inputs.js";
import { learningParameters, withLearning } from "./learning-parameters.js";
import { withLearningRate } from "./learning-rate.js";
import {
  neuronRows,
  optimizerOf,
  optimizerParameters,
  surrogateOf,
  surrogateParameters,
  withDefault,
} from "./network-parameters.js";
import { checkBatch, commonOptions, taskParameters } from "./options.js";
import type { PoolDescription } from "./network-description.js";
import type { Task, TaskOptions } from "./task.js";

/** Parameters of the tasks that draw a pattern in the plane. */
export const patternParameters = {
  eta: { default: 5e-3, unit: "", min: 0, max: 10, text: "Learning rate" },
  c_reg: { default: 150, unit: "", min: 0, max: 1e9, text: "Coefficient of firing-rate regularization" },
  f_target: { default: 20, unit: "spikes/s", min: 0, max: 1000, text: "Target firing rate" },
  tau_m_mean: {
    default: 30,
    unit: "ms",
    min: 1,
    max: 1e6,
    text: "Mean time constant of the neurons' membranes",
  },
  tau_m_std: { default: 2, unit: "ms", min: 0, max: 1e6, text: "Standard deviation of these time constants" },
  adapt_tau: { default: 2000, unit: "ms", min: 0.1, max: 1e9, text: "Time constant of the adaptation" },
  adapt_beta: neuronRows.adapt_beta,
  n_rec: withDefault(neuronRows.n_rec, 200),
  tau_m_out: withDefault(neuronRows.tau_m_out, 50),
  V_th: withDefault(neuronRows.V_th, 0.03),
  t_ref: withDefault(neuronRows.t_ref, 0),
  ...surrogateParameters({ V_th: 0.03 }),
  ...optimizerParameters("adam"),
  ...learningParameters,
} as const;

const inputs = 100;

/** A task in which adaptive neurons draw a curve in the plane: two readouts learn its coordinates. */
export function patternTask(
  name: string,
  text: string,
  coordinates: (random: NumpyRandom) => readonly [Float64Array, Float64Array],
  options: TaskOptions<typeof patternParameters>,
  extra: Record<string, string> = {},
): Task<PoolDescription> {
  const { seed, batchSize, schedule } = commonOptions(name, options, { iterations: 200, batchSize: 1 });
  const parameters = taskParameters(name, patternParameters, options.parameters);
  const random = new NumpyRandom(seed);
  const neurons = parameters.n_rec;
  const weights = regressionWeights(random, { in: inputs, rec: neurons, out: 2 });
  // The number of steps is that of the curve, which draws nothing: inputs come before it.
  const curve = coordinates(random);
  const steps = curve[0].length;
  checkBatch(name, batchSize, { steps, inputs, rate: 0.05, readouts: 2 });
  const spikes = noiseAfterFirstStep(random, steps, inputs, 0.05);
  const next = sameIteration(spikes, curve, batchSize, inputs);
  const { adapt_beta, adapt_tau, tau_m_mean } = parameters;
  return {
    name,
    text,
    seed,
    ...regressionOver(steps, batchSize),
    network: withLearning(
      {
        inputs,
        recurrent: [
          {
            model: "eprop_iaf_adapt_bsshslm_2020",
            n: neurons,
            params: {
              adapt_beta: (adapt_beta * (1 - Math.exp(-1 / adapt_tau))) / (1 - Math.exp(-1 / tau_m_mean)),
              adapt_tau,
              adaptation: 0,
              C_m: 250,
              c_reg: parameters.c_reg,
              E_L: 0,
              f_target: parameters.f_target,
              I_e: 0,
              regular_spike_arrival: false,
              ...surrogateOf(parameters),
              t_ref: parameters.t_ref,
              tau_m: { distribution: "normal", first: tau_m_mean, second: parameters.tau_m_std },
              V_m: 0,
              V_th: parameters.V_th,
            },
          },
        ],
        readout: {
          model: "eprop_readout_bsshslm_2020",
          n: 2,
          params: {
            C_m: 250,
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
    parameters: { seed, batchSize, ...parameters, ...extra },
    options,
    random,
  };
}
