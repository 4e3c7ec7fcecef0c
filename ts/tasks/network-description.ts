/** What a network is made of, as data: named populations, and named projections between them. */
import type { ModelsWith } from "../nest/dynamics.js";
import { feedbackFacts } from "../nest/feedback.js";
import type { ConnectionRule } from "../nest/accepted.js";
import type { NodeParams, OptimizerParams, SynapseParams } from "../nest/models.generated.js";
import type { RandomParameter } from "../nest/random.js";
import type { NumberMatrix } from "../random/index.js";
import type { NamedPopulation, NamedProjection } from "../network/parts.js";

/** Name of a model of recurrent neurons. */
export type RecurrentModel = ModelsWith<{ role: "recurrent" }>;

/** Name of a model of readouts. */
export type ReadoutModel = "eprop_readout_bsshslm_2020" | "eprop_readout";

/** Weights in rows per target and columns per source; a `mask` says which connections there are. */
export interface Weights extends NumberMatrix {
  mask?: Uint8Array;
}

/** A population of recurrent neurons. */
export interface RecurrentPopulation {
  model: RecurrentModel;
  n: number;
  params: NodeParams[RecurrentModel];
}

/** Spike generators that send the spikes of a task's sequences. */
export interface InputPopulation {
  kind: "input";
  n: number;
}

/** Neurons that fire. Parameters are the same for all, or a list with an entry per neuron. */
export interface NeuronPopulation {
  kind: "recurrent";
  model: RecurrentModel;
  n: number;
  params?: NodeParams[RecurrentModel] | readonly NodeParams<number, number>[RecurrentModel][];
}

/** Readouts. Parameters are the same for all, or a list with an entry per readout. */
export interface ReadoutPopulation {
  kind: "readout";
  model: ReadoutModel;
  n: number;
  params?: NodeParams[ReadoutModel] | readonly NodeParams<number, number>[ReadoutModel][];
}

/** A named part of a network. */
export type PopulationDescription = InputPopulation | NeuronPopulation | ReadoutPopulation;

/**
 * Where the weights of learning signals come from: they stay as connected (`random`), are those of the readouts
 * (`symmetric`), or change as those of the readouts do while both decay (`adaptive`).
 */
export type FeedbackSource = NonNullable<SignalParams["feedback"]>;

type SignalParams = SynapseParams["eprop_learning_signal_connection_bsshslm_2020"];
type PlasticParams = SynapseParams["eprop_synapse_bsshslm_2020"];

/**
 * What weights that learn keep to, and which connections there are, where weights change once an update interval: of a
 * network, or of a projection of it.
 */
export interface RewiringDescription {
  /** Whether a weight stops at zero where an update would change its sign; false if left out. */
  keepsSign?: boolean;
  /**
   * `deep_r`: connections whose weight reaches zero are replaced by others. For projections that are not dense.
   * `prune`: connections with small weights go. `none` if left out.
   */
  rewiring?: NonNullable<PlasticParams["rewiring"]>;
  /** Pull of weights to zero in an update, times the learning rate; 1e-4 if left out. */
  rewiringL1?: number;
  /** Temperature of the weights' random walk; 0 if left out. */
  rewiringTemperature?: number;
  /** Connections go whose weight is not larger than this after an update (`prune`); 0.01 if left out. */
  rewiringThreshold?: number;
}

/** Where the weights of feedback come from, of a network and of a projection of it. */
export interface FeedbackDescription {
  /** `random` if left out; the others where weights change once an update interval. */
  feedback?: FeedbackSource;
  /** Share of feedback weights, and of the readouts' weights, that is lost in an update (`adaptive`); 0.001 if left out. */
  feedbackDecay?: number;
}

/**
 * Connections between populations. Those from readouts to recurrent neurons are feedback: they carry the learning
 * signals, and their weights come from where `feedback` says.
 */
export interface ProjectionDescription extends FeedbackDescription, RewiringDescription {
  /** Name of the population that the sources are, or names of several, one after the other. */
  from: string | readonly string[];
  /** Name of the population that the targets are, or names of several. */
  to: string | readonly string[];
  /**
   * A matrix with a row per target and a column per source, one number for all, or a distribution of `nest.random` that
   * the kernel draws from with the task's seed.
   */
  weights: Weights | RandomParameter | number;
  /** Which connections there are; all, without autapses, if left out. Matrices take a `mask` in its place. */
  rule?: ConnectionRule;
  /** Delay (ms); one step if left out. */
  delay?: number;
  /** Whether weights learn; true if left out. Feedback never does. */
  plastic?: boolean;
  /** Optimizer of this projection and the bounds of its weights; what is left out is as in the network's. */
  optimizer?: OptimizerParams;
}

/** A network as named populations and named projections. */
export interface NetworkDescription extends FeedbackDescription, RewiringDescription {
  /** By name. Inputs, recurrent neurons and readouts are created in this order, each kind in the order given here. */
  populations: Readonly<Record<string, PopulationDescription>>;
  /** By name, connected in the order given here. */
  projections: Readonly<Record<string, ProjectionDescription>>;
  optimizer: OptimizerParams;
  /** Divide an interval's gradient by the learning window (weights that change once an interval); false if left out. */
  averageGradient?: boolean;
}

/**
 * The short form of a network with one pool of recurrent neurons: four weight matrices. It stands for the
 * {@link NetworkDescription} with populations `inputs`, `recurrent_1`, … and `readouts`.
 */
export interface PoolDescription extends FeedbackDescription, RewiringDescription {
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

/** Networks in full, by what they were described as. */
const described = new WeakMap<object, NetworkDescription>();

/** Whether a network is in its short form. */
export function isPool(network: NetworkDescription | PoolDescription): network is PoolDescription {
  return !("populations" in network);
}

/**
 * A network in full. Of the short form, populations are `inputs`, `recurrent_1`, `recurrent_2`, … and `readouts`,
 * projections `in_rec`, `rec_rec`, `rec_out` and `out_rec`.
 */
export function describedNetwork(network: NetworkDescription | PoolDescription): NetworkDescription {
  if (!isPool(network)) return network;
  const known = described.get(network);
  if (known !== undefined) return known;
  const recurrent = network.recurrent.map((population, at) => [`recurrent_${at + 1}`, population] as const);
  const rec = recurrent.map(([name]) => name);
  const { in_rec, rec_rec, rec_out, out_rec } = network.weights;
  const full: NetworkDescription = {
    populations: {
      inputs: { kind: "input", n: network.inputs },
      ...Object.fromEntries(
        recurrent.map(([name, population]) => [name, { kind: "recurrent" as const, ...population }]),
      ),
      readouts: { kind: "readout", ...network.readout },
    },
    projections: {
      in_rec: { from: "inputs", to: rec, weights: in_rec },
      rec_rec: { from: rec, to: rec, weights: rec_rec },
      rec_out: { from: rec, to: "readouts", weights: rec_out },
      out_rec: { from: "readouts", to: rec, weights: out_rec },
    },
    optimizer: network.optimizer,
    averageGradient: network.averageGradient,
    ...feedbackOf(network),
    ...rewiringOf(network),
  };
  described.set(network, full);
  return full;
}

/** What is said of feedback, and what synapse models call it. */
export const feedbackKeys = {
  feedback: "feedback",
  feedbackDecay: "feedback_decay",
} as const satisfies Record<keyof FeedbackDescription, keyof SignalParams>;

/** What is said of weights that learn and of their connections, and what synapse models call it. */
export const rewiringKeys = {
  keepsSign: "keeps_sign",
  rewiring: "rewiring",
  rewiringL1: "rewiring_l1",
  rewiringTemperature: "rewiring_temperature",
  rewiringThreshold: "rewiring_threshold",
} as const satisfies Record<keyof RewiringDescription, keyof PlasticParams>;

/** What is said under some names, under those or others; what is not said is left out. */
function said(of: object, keys: readonly (readonly [key: string, name: string])[]): object {
  const values = keys.map(([key, name]) => [name, of[key as keyof object] as unknown] as const);
  return Object.fromEntries(values.filter(([, value]) => value !== undefined));
}

/** Where the weights of feedback come from, as far as it is said. */
export function feedbackOf(of: FeedbackDescription): FeedbackDescription {
  return said(
    of,
    Object.keys(feedbackKeys).map((key) => [key, key]),
  );
}

/** Where the weights of feedback come from, as synapse models take it. */
export function feedbackParams(of: FeedbackDescription): SignalParams {
  return said(of, Object.entries(feedbackKeys));
}

/** What weights that learn keep to, and which connections there are, as far as it is said. */
export function rewiringOf(of: RewiringDescription): RewiringDescription {
  return said(
    of,
    Object.keys(rewiringKeys).map((key) => [key, key]),
  );
}

/** What weights keep to, and which connections there are, as synapse models take it. */
export function rewiringParams(of: RewiringDescription): PlasticParams {
  return said(of, Object.entries(rewiringKeys));
}

/** What the weights of a projection keep to, and which connections there are: what it says, else what its network does. */
export function rewiringOfProjection(network: NetworkDescription, name: string): RewiringDescription {
  const projection = network.projections[name];
  if (projection === undefined || projectionKind(network, projection) !== "plastic") return {};
  return { ...rewiringOf(network), ...rewiringOf(projection) };
}

/** Populations of a kind, in the order of their creation. */
export function populationsOf<K extends PopulationDescription["kind"]>(
  { populations }: NetworkDescription,
  kind: K,
): ({ name: string } & Extract<PopulationDescription, { kind: K }>)[] {
  return Object.entries(populations)
    .filter(([, population]) => population.kind === kind)
    .map(([name, population]) => ({
      ...(population as Extract<PopulationDescription, { kind: K }>),
      name,
    }));
}

/** How many nodes of a kind there are. */
export function countOf(
  network: NetworkDescription | PoolDescription,
  kind: PopulationDescription["kind"],
): number {
  return populationsOf(describedNetwork(network), kind).reduce((sum, { n }) => sum + n, 0);
}

/** Names as a list. */
export function names(of: string | readonly string[]): readonly string[] {
  return typeof of === "string" ? [of] : of;
}

/** What a projection is for: weights that learn, weights that stay, or feedback from readouts. */
export function projectionKind(
  { populations }: NetworkDescription,
  { from, to, plastic }: ProjectionDescription,
): "plastic" | "static" | "feedback" {
  const kind = (of: string | readonly string[]) => populations[names(of)[0] ?? ""]?.kind;
  if (kind(from) === "readout" && kind(to) === "recurrent") return "feedback";
  return plastic === false ? "static" : "plastic";
}

/** How many sources and targets a projection has: columns and rows of its weights. */
export function projectionShape(
  { populations }: NetworkDescription,
  { from, to }: Pick<ProjectionDescription, "from" | "to">,
): readonly [rows: number, columns: number] {
  const size = (of: string | readonly string[]) =>
    names(of).reduce((sum, name) => sum + (populations[name]?.n ?? 0), 0);
  return [size(to), size(from)];
}

/** Names of the projections whose weights learn. */
export function plasticProjectionsOf(network: NetworkDescription): string[] {
  return Object.entries(network.projections)
    .filter(([, projection]) => projectionKind(network, projection) === "plastic")
    .map(([name]) => name);
}

/** Names of the projections of feedback whose weights change and are not those of the readouts. */
export function changingFeedbackOf(network: NetworkDescription): string[] {
  return Object.entries(network.projections)
    .filter(([, projection]) => {
      const { changes, isReadouts } = feedbackFacts(projection.feedback ?? network.feedback);
      return projectionKind(network, projection) === "feedback" && changes && !isReadouts;
    })
    .map(([name]) => name);
}

/** Populations with the node ids that they have in a training, and projections. */
export function namedParts(of: NetworkDescription | PoolDescription): {
  populations: NamedPopulation[];
  projections: NamedProjection[];
} {
  const network = describedNetwork(of);
  let first = 1;
  const populations = (["input", "recurrent", "readout"] as const).flatMap((kind) =>
    populationsOf(network, kind).map((population) => {
      const { name, n } = population;
      const model = population.kind === "input" ? "spike_generator" : population.model;
      first += n;
      return { name, kind, model, n, first: first - n };
    }),
  );
  const projections = Object.entries(network.projections).map(([name, projection]) => ({
    name,
    kind: projectionKind(network, projection),
    from: names(projection.from),
    to: names(projection.to),
  }));
  return { populations, projections };
}
