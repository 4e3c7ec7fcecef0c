/** Tasks that classify with a recurrent pool of regular and adaptive neurons and softmax readouts, trained with Adam. */
import type { NumpyRandom } from "../random/index.js";
import type { PoolDescription, RecurrentPopulation } from "./network-description.js";
import {
  type LearningValues,
  type LossValues,
  classificationParameters,
  withLearning,
} from "./learning-parameters.js";
import { adam } from "./optimizers.js";
import type { NumberParameter } from "./parameter.js";
import type { DataSplit, Drawn, IterationData, Schedule, Task, TaskOptions } from "./task.js";
import { scaledFloat32, transposedFloat32, withoutDiagonal } from "./weights.js";

/** A row of a parameter table. */
function row(value: number, unit: string, min: number, max: number, text: string): NumberParameter {
  return { default: value, unit, min, max, text };
}

/** Parameters that all of these tasks have, with the defaults of each. */
export function classifierParameters(
  defaults: Readonly<Record<"eta" | "n_rec" | "adaptive" | "adapt_tau" | "gain_in", number>>,
) {
  return {
    eta: row(defaults.eta, "", 0, 10, "Learning rate"),
    n_rec: row(defaults.n_rec, "neurons", 1, 100_000, "Recurrent neurons"),
    adaptive: row(defaults.adaptive, "", 0, 1, "Share of recurrent neurons that adapt"),
    adapt_tau: row(defaults.adapt_tau, "ms", 0.1, 1e9, "Time constant of the adaptation"),
    adapt_beta: row(
      1.7,
      "",
      0,
      1000,
      "Strength of the adaptation, before it is scaled by both time constants",
    ),
    tau_m: row(20, "ms", 0.1, 1e6, "Time constant of the neurons' membranes"),
    tau_m_out: row(20, "ms", 0.1, 1e6, "Time constant of the readouts' membranes"),
    V_th: row(0.6, "mV", 1e-6, 1e6, "Spike threshold"),
    t_ref: row(5, "ms", 0, 1e6, "Refractory time"),
    c_reg: row(300, "", 0, 1e9, "Coefficient of firing-rate regularization"),
    f_target: row(10, "spikes/s", 0, 1000, "Target firing rate"),
    gain_in: row(defaults.gain_in, "", 0, 1000, "Scale of the initial weights from inputs"),
    ...classificationParameters,
  };
}

type ParameterNames = Exclude<
  keyof ReturnType<typeof classifierParameters>,
  keyof LearningValues | keyof LossValues
>;

/** What a task of this kind is made of. */
export interface Classifier {
  name: string;
  text: string;
  seed: number;
  schedule: Schedule;
  batchSize: number;
  /** The generator, from which weights are drawn before any input. */
  random: NumpyRandom;
  inputs: number;
  classes: number;
  steps: number;
  learningWindow: number;
  parameters: Readonly<Record<ParameterNames, number>> & LearningValues & LossValues;
  /** Other values for the record. */
  chosen?: Readonly<Record<string, number | string>>;
  options: TaskOptions;
  next(split: DataSplit, drawn: Drawn, signal?: AbortSignal): IterationData | Promise<IterationData>;
  prepare?(signal?: AbortSignal): Promise<void>;
}

/** What neurons of these tasks are given. */
type NeuronValues = Readonly<Record<"c_reg" | "f_target" | "tau_m" | "t_ref" | "V_th", number>>;

function neuron({ c_reg, f_target, tau_m, t_ref, V_th }: NeuronValues) {
  return {
    C_m: 1,
    c_reg,
    E_L: 0,
    f_target,
    I_e: 0,
    regular_spike_arrival: true,
    surrogate_gradient_function: "piecewise_linear",
    surrogate_gradient_height: 0.3 / V_th,
    surrogate_gradient_width: V_th,
    t_ref,
    tau_m,
    V_m: 0,
    V_th,
  } as const;
}

/** Neurons whose threshold does not adapt. */
export function regularNeurons(n: number, values: NeuronValues): RecurrentPopulation {
  return { model: "eprop_iaf_bsshslm_2020", n, params: neuron(values) };
}

/** Neurons whose threshold adapts; `adapt_beta` is its strength before it is scaled by both time constants. */
export function adaptiveNeurons(
  n: number,
  values: NeuronValues & Readonly<Record<"adapt_beta" | "adapt_tau", number>>,
): RecurrentPopulation {
  const { adapt_beta, adapt_tau, tau_m } = values;
  return {
    model: "eprop_iaf_adapt_bsshslm_2020",
    n,
    params: {
      ...neuron(values),
      adapt_beta: (adapt_beta * (1 - Math.exp(-1 / adapt_tau))) / (1 - Math.exp(-1 / tau_m)),
      adapt_tau,
      adaptation: 0,
    },
  };
}

/** Readouts that answer with a probability each, or, by their loss, with a voltage. */
export function softmaxReadouts(
  n: number,
  tau_m: number,
  { loss, label_smoothing }: LossValues,
): PoolDescription["readout"] {
  return {
    model: "eprop_readout_bsshslm_2020",
    n,
    params: {
      C_m: 1,
      E_L: 0,
      I_e: 0,
      loss,
      ...(label_smoothing > 0 && { label_smoothing }),
      regular_spike_arrival: false,
      tau_m,
      V_m: 0,
    },
  };
}

/** The network: input weights of a standard deviation of 1 over the root of the inputs, others alike. */
function networkOf({ random, inputs, classes, parameters, batchSize }: Classifier): PoolDescription {
  const { n_rec: n, adaptive, tau_m_out, gain_in } = parameters;
  const in_rec = transposedFloat32(random.randn(inputs, n), Math.sqrt(inputs) / gain_in);
  const rec_rec = withoutDiagonal(transposedFloat32(random.randn(n, n), Math.sqrt(n)));
  const rec_out = transposedFloat32(random.randn(n, classes), Math.sqrt(n));
  const out_rec = scaledFloat32(random.randn(n, classes), 1);
  const adapting = Math.round(adaptive * n);
  const recurrent: PoolDescription["recurrent"] = [];
  if (adapting < n) recurrent.push(regularNeurons(n - adapting, parameters));
  if (adapting > 0) recurrent.push(adaptiveNeurons(adapting, parameters));
  return {
    inputs,
    recurrent,
    readout: softmaxReadouts(classes, tau_m_out, parameters),
    weights: { in_rec, rec_rec, rec_out, out_rec },
    optimizer: adam(parameters.eta, batchSize),
    averageGradient: true,
  };
}

/** A task of this kind. */
export function recurrentClassifier(of: Classifier): Task<PoolDescription> {
  const { name, text, seed, steps, learningWindow, batchSize, schedule, options, random, parameters } = of;
  return {
    name,
    text,
    seed,
    resolution: 1,
    steps,
    learningWindow,
    batchSize,
    kind: "classification",
    loss: parameters.loss,
    network: withLearning(networkOf(of), parameters, seed),
    schedule,
    sameEveryIteration: false,
    next: of.next,
    ...(of.prepare && { prepare: of.prepare }),
    parameters: { seed, batchSize, ...of.chosen, ...parameters },
    options,
    random,
  };
}
