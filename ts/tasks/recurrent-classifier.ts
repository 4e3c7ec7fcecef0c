/** Tasks that classify with a recurrent pool of regular and adaptive neurons and softmax readouts, trained with Adam. */
import type { NumpyRandom } from "../random/index.js";
import { nestError } from "../core/errors.js";
import { rewires } from "../nest/rewiring.js";
import { layeredNetwork } from "./layers.js";
import type {
  NetworkDescription,
  PoolDescription,
  ProjectionDescription,
  RecurrentPopulation,
  Weights,
} from "./network-description.js";
import { type LossValues, classificationParameters, withLearning } from "./learning-parameters.js";
import { withLearningRate } from "./learning-rate.js";
import {
  type SurrogateValues,
  neuronRows,
  optimizerOf,
  optimizerParameters,
  numberRow,
  wholeRow,
  surrogateOf,
  surrogateParameters,
  withDefault,
} from "./network-parameters.js";
import type { TaskParameterValues } from "./parameter.js";
import type { Schedule, Task, TaskOptions } from "./task.js";
import { scaledFloat32, transposedFloat32, withoutDiagonal } from "./weights.js";

/** Parameters that all of these tasks have, with the defaults of each. */
export function classifierParameters(
  defaults: Readonly<Record<"eta" | "n_rec" | "adaptive" | "adapt_tau" | "gain_in", number>>,
) {
  return {
    eta: numberRow(defaults.eta, "", 0, 10, "Learning rate"),
    n_rec: withDefault(neuronRows.n_rec, defaults.n_rec),
    layers: wholeRow(
      1,
      "",
      1,
      100,
      "Layers of so many neurons, each with feedback of its own; readouts read all",
    ),
    adaptive: numberRow(defaults.adaptive, "", 0, 1, "Share of recurrent neurons that adapt"),
    adapt_tau: numberRow(defaults.adapt_tau, "ms", 0.1, 1e9, "Time constant of the adaptation"),
    adapt_beta: neuronRows.adapt_beta,
    tau_m: neuronRows.tau_m,
    tau_m_out: neuronRows.tau_m_out,
    V_th: neuronRows.V_th,
    t_ref: neuronRows.t_ref,
    ...surrogateParameters({ V_th: neuronRows.V_th.default }),
    ...optimizerParameters("adam"),
    c_reg: numberRow(300, "", 0, 1e9, "Coefficient of firing-rate regularization"),
    f_target: numberRow(10, "spikes/s", 0, 1000, "Target firing rate"),
    gain_in: numberRow(defaults.gain_in, "", 0, 1000, "Scale of the initial weights from inputs"),
    ...classificationParameters,
  };
}

/** Values of {@link classifierParameters}. */
export type ClassifierValues = TaskParameterValues<ReturnType<typeof classifierParameters>>;

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
  parameters: ClassifierValues;
  /** Other values for the record. */
  chosen?: Readonly<Record<string, number | string>>;
  options: TaskOptions;
  next: Task["next"];
  prepare?(signal?: AbortSignal): Promise<void>;
  close?(): Promise<void>;
  ownValidation?: boolean;
}

/** What neurons of these tasks are given. */
type NeuronValues = Readonly<Record<"c_reg" | "f_target" | "tau_m" | "t_ref" | "V_th", number>> &
  SurrogateValues;

function neuron({ c_reg, f_target, tau_m, t_ref, V_th, ...rest }: NeuronValues) {
  return {
    C_m: 1,
    c_reg,
    E_L: 0,
    f_target,
    I_e: 0,
    regular_spike_arrival: true,
    ...surrogateOf(rest),
    t_ref,
    tau_m,
    V_m: 0,
    V_th,
  } as const;
}

/** Strength and time constant of the adaptation, the strength before it is scaled by both time constants. */
type AdaptiveValues = NeuronValues & Readonly<Record<"adaptive" | "adapt_beta" | "adapt_tau", number>>;

/** Parameters of neurons whose threshold adapts. */
function adaptiveNeuron(values: AdaptiveValues) {
  const { adapt_beta, adapt_tau, tau_m } = values;
  return {
    ...neuron(values),
    adapt_beta: (adapt_beta * (1 - Math.exp(-1 / adapt_tau))) / (1 - Math.exp(-1 / tau_m)),
    adapt_tau,
    adaptation: 0,
  };
}

/** Populations of neurons whose threshold stays, and of a share of them whose threshold adapts. */
export function regularAndAdaptive(n: number, values: AdaptiveValues): RecurrentPopulation[] {
  const adapting = Math.round(values.adaptive * n);
  const populations: RecurrentPopulation[] = [];
  if (adapting < n) {
    populations.push({ model: "eprop_iaf_bsshslm_2020", n: n - adapting, params: neuron(values) });
  }
  if (adapting > 0) {
    populations.push({ model: "eprop_iaf_adapt_bsshslm_2020", n: adapting, params: adaptiveNeuron(values) });
  }
  return populations;
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
  const { tau_m_out, gain_in } = parameters;
  const n = parameters.n_rec;
  const in_rec = transposedFloat32(random.randn(inputs, n), Math.sqrt(inputs) / gain_in);
  const rec_rec = withoutDiagonal(transposedFloat32(random.randn(n, n), Math.sqrt(n)));
  const rec_out = transposedFloat32(random.randn(n, classes), Math.sqrt(n));
  const out_rec = scaledFloat32(random.randn(n, classes), 1);
  return {
    inputs,
    recurrent: regularAndAdaptive(n, parameters),
    readout: softmaxReadouts(classes, tau_m_out, parameters),
    weights: { in_rec, rec_rec, rec_out, out_rec },
    optimizer: optimizerOf(parameters, parameters.eta, batchSize),
    averageGradient: true,
  };
}

/** Rows that say what a network of one pool is made of, and those of layers do not take. */
const ofPools = [
  "connectivity",
  "connectivity_in_rec",
  "connectivity_rec_rec",
  "connectivity_rec_out",
] as const;

/**
 * The network in layers of as many neurons each, with feedback of its own for each; readouts read all layers. In a layer
 * with neurons of both kinds, the adaptation of the first ones has the strength 0.
 */
function layeredOf({ name, random, inputs, classes, parameters, batchSize }: Classifier): NetworkDescription {
  const { tau_m_out, gain_in, feedback, rewiring, exc_fraction } = parameters;
  const n = parameters.n_rec;
  const thinned = Object.fromEntries(ofPools.map((of) => [of, parameters[of] < 1]));
  const asked: Record<string, boolean> = {
    ...thinned,
    rewiring: rewires(rewiring),
    exc_fraction: exc_fraction > 0,
  };
  const refused = Object.entries(asked).find(([, isAsked]) => isAsked);
  if (refused !== undefined) {
    throw nestError({
      code: "NotImplemented",
      message: "with several layers all connections are there, and their weights may change their signs",
      model: name,
      parameter: refused[0],
      value: String(parameters[refused[0] as keyof ClassifierValues]),
      bound: "left out, or one layer",
    });
  }
  const adapting = Math.round(parameters.adaptive * n);
  const params = Array.from({ length: n }, (_, at) => ({
    ...adaptiveNeuron(parameters),
    ...(at < n - adapting && { adapt_beta: 0 }),
  }));
  const network = layeredNetwork(
    {
      inputs,
      layers: Array.from({ length: parameters.layers }, () => ({
        model: "eprop_iaf_adapt_bsshslm_2020",
        n,
        params,
      })),
      readout: softmaxReadouts(classes, tau_m_out, parameters),
      readoutsFrom: "all",
      optimizer: optimizerOf(parameters, parameters.eta, batchSize),
      averageGradient: true,
      feedback,
    },
    random,
  );
  const first = network.projections["in_layer_1"] as ProjectionDescription;
  const { data, shape } = first.weights as Weights;
  const weights = { data: data.map((weight) => weight * gain_in), shape };
  return { ...network, projections: { ...network.projections, in_layer_1: { ...first, weights } } };
}

/** A task of this kind. */
export function recurrentClassifier(of: Classifier): Task {
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
    network: parameters.layers >= 1.5 ? layeredOf(of) : withLearning(networkOf(of), parameters, seed),
    ...withLearningRate(parameters),
    schedule,
    sameEveryIteration: false,
    next: of.next,
    ...(of.prepare && { prepare: of.prepare }),
    ...(of.close && { close: of.close }),
    ...(of.ownValidation && { ownValidation: true }),
    parameters: { seed, batchSize, ...of.chosen, ...parameters },
    options,
    random,
  };
}
