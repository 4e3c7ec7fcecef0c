/** Parameters of how a network learns, which all tasks with update intervals have in their tables. */
import { defaultFeedback, feedbackWith } from "../nest/feedback.js";
import { choices } from "../nest/models.generated.js";
import { defaultRewiring, rewires, rewiringFacts, rewiringNames } from "../nest/rewiring.js";
import { NumpyRandom } from "../random/index.js";
import { lossNames } from "../nest/losses.js";
import { learningRateParameters } from "./learning-rate.js";
import {
  type PoolDescription,
  type RecurrentPopulation,
  type Weights,
  rewiringKeys,
} from "./network-description.js";
import { numberRow } from "./network-parameters.js";
import type { NumberParameter, TaskParameterValues } from "./parameter.js";

/** Where the weights of learning signals come from. */
export const feedbackSources = choices.feedback;

/** The share of connections of one projection. */
function ofProjection(which: string): NumberParameter {
  const share = numberRow(1, "", 1e-6, 1, `The same of the connections ${which}; connectivity if not given`);
  return { ...share, follows: ({ connectivity }) => connectivity as number };
}

/** Sources of feedback that decay. */
const decaying = feedbackWith({ decays: true });

/** The rewirings that have a parameter. */
const having = (parameter: string) =>
  rewiringNames.filter((name) => rewiringFacts(name).parameters.includes(parameter));

/** Rows of a task's parameter table. */
export const learningParameters = {
  ...learningRateParameters,
  feedback: {
    default: defaultFeedback,
    choices: feedbackSources,
    text: "Where the weights of the learning signals come from",
  },
  feedback_decay: {
    default: 1e-3,
    unit: "",
    min: 0,
    max: 1,
    text: `Share of feedback and readout weights that is lost in an update, with ${decaying.join(" or ")} feedback`,
    needs: { feedback: decaying },
  },
  connectivity: {
    default: 1,
    unit: "",
    min: 1e-6,
    max: 1,
    text: "Share of the connections that there are, drawn at random in each projection",
  },
  connectivity_in_rec: ofProjection("from inputs"),
  connectivity_rec_rec: ofProjection("among recurrent neurons"),
  connectivity_rec_out: ofProjection("to readouts"),
  rewiring: {
    default: defaultRewiring,
    choices: choices.rewiring,
    text: "Whether connections whose weight reaches zero are replaced by others (deep_r), or those with small weights go (prune)",
  },
  rewiring_l1: {
    default: 1e-2,
    unit: "",
    min: 0,
    max: 1e6,
    text: "Pull of weights to zero in an update, times the learning rate, with deep_r",
    needs: { rewiring: having("rewiring_l1") },
  },
  rewiring_temperature: {
    default: 0,
    unit: "",
    min: 0,
    max: 1e6,
    text: "Temperature of the random walk of weights, with deep_r",
    needs: { rewiring: having("rewiring_temperature") },
  },
  rewiring_threshold: {
    default: 1e-2,
    unit: "",
    min: 0,
    max: 1e6,
    text: "Size of weights up to which connections go after an update, with prune",
    needs: { rewiring: having("rewiring_threshold") },
  },
  c_voltage: {
    default: 0,
    unit: "",
    min: 0,
    max: 1e9,
    text: "Coefficient of voltage regularization",
  },
  c_l2: {
    default: 0,
    unit: "",
    min: 0,
    max: 1e9,
    text: "Coefficient of the squared weights in the loss",
  },
  biases: {
    default: "none",
    choices: ["none", "readouts", "all"],
    text: "Whose constant currents learn",
  },
  bias_rate: {
    default: 1,
    unit: "",
    min: 0,
    max: 1e6,
    text: "Learning rate of constant currents, as a multiple of that of weights, which is mostly too large",
    needs: { biases: ["readouts", "all"] },
  },
  exc_fraction: {
    default: 0,
    unit: "",
    min: 0,
    max: 0.99,
    text: "Share of excitatory neurons in each population, whose weights keep their signs; 0 for signs that may change",
  },
} as const;

/** Rows of the parameter table of a task that classifies. */
export const classificationParameters = {
  loss: {
    default: "cross_entropy",
    choices: lossNames,
    text: "What readouts learn to make small",
  },
  label_smoothing: {
    default: 0,
    unit: "",
    min: 0,
    max: 0.999,
    text: "Share of the targets that is spread evenly over all classes",
  },
  ...learningParameters,
} as const;

/** Values of the rows that {@link classificationParameters} has alone. */
export type LossValues = Pick<
  TaskParameterValues<typeof classificationParameters>,
  "loss" | "label_smoothing"
>;

/** Values of {@link learningParameters}. */
export type LearningValues = TaskParameterValues<typeof learningParameters>;

/** What these values say of a network of one pool: its connections, signs and feedback. `seed` is that of the task. */
export function withLearning(pool: PoolDescription, values: LearningValues, seed: number): PoolDescription {
  const { feedback, feedback_decay, rewiring, exc_fraction } = values;
  const { c_voltage, c_l2, biases, bias_rate } = values;
  const rewired = Object.fromEntries(
    Object.entries(rewiringKeys)
      .filter(([, name]) => name in values)
      .map(([key, name]) => [key, values[name as keyof LearningValues]]),
  );
  const learning = { learns_bias: true, ...(bias_rate !== 1 && { bias_rate }) };
  const ofNeurons = {
    ...(c_voltage > 0 && { c_voltage }),
    ...(biases === "all" && learning),
  };
  const random = new NumpyRandom((seed ^ maskSeed) >>> 0);
  const shares = {
    in_rec: values.connectivity_in_rec,
    rec_rec: values.connectivity_rec_rec,
    rec_out: values.connectivity_rec_out,
  };
  const drawn = Object.entries(pool.weights).map(([name, weights]) => {
    const own = name === "rec_rec" || name === "rec_out" ? signed(weights, pool, exc_fraction) : weights;
    const left =
      name === "out_rec"
        ? own
        : thinned(own, name === "rec_rec", shares[name as keyof typeof shares], random);
    return [name, left];
  });
  return {
    ...pool,
    recurrent: pool.recurrent.map(
      (of) => ({ ...of, params: { ...of.params, ...ofNeurons } }) as RecurrentPopulation,
    ),
    readout: {
      ...pool.readout,
      params: { ...pool.readout.params, ...(biases !== "none" && learning) },
    } as PoolDescription["readout"],
    optimizer: { ...pool.optimizer, ...(c_l2 > 0 && { c_l2 }) },
    weights: Object.fromEntries(drawn) as PoolDescription["weights"],
    feedback,
    feedbackDecay: feedback_decay,
    ...(exc_fraction > 0 && { keepsSign: true }),
    ...(rewires(rewiring) && rewired),
  };
}

/** So that which connections there are is drawn from no other numbers than the task's. */
const maskSeed = 0x5eed_ca5e;

/** A share of the connections of a matrix, with weights that are larger by as much as there are fewer. */
function thinned(weights: Weights, loops: boolean, share: number, random: NumpyRandom): Weights {
  if (share >= 1) return weights;
  const { data, shape } = weights;
  const isLoop = (place: number) => loops && place % shape[1] === Math.floor(place / shape[1]);
  const places = [...random.permutation(data.length)].filter((place) => !isLoop(place));
  const mask = new Uint8Array(data.length);
  for (const place of places.slice(0, Math.max(1, Math.round(share * places.length)))) mask[place] = 1;
  return { data: data.map((weight) => weight / Math.sqrt(share)), shape, mask };
}

/** Weights with the signs of their sources: the first neurons of each population are excitatory, the others inhibitory. */
function signed(weights: Weights, { recurrent }: PoolDescription, excitatory: number): Weights {
  if (excitatory === 0) return weights;
  const isExcitatory = recurrent.flatMap(({ n }) =>
    Array.from({ length: n }, (_, at) => at < Math.round(excitatory * n)),
  );
  // Both kinds balance, and the variance of what arrives stays.
  const balance = Math.sqrt((1 - excitatory) / excitatory);
  const { data, shape } = weights;
  return {
    data: data.map((weight, place) => {
      const size = Math.abs(weight);
      return isExcitatory[place % shape[1]] === true ? size * balance : -size / balance;
    }),
    shape,
  };
}
