import {
  dictionary,
  either,
  fields,
  flag,
  given,
  instance,
  list,
  number,
  oneOf,
  optional,
  refuse,
  text,
  u32,
  whole,
} from "../core/arguments.js";
import { type NumberMatrix, NumpyRandom } from "../random/index.js";
import { defaultFeedback, feedbackFacts, feedbackWith } from "../nest/feedback.js";
import { feedbackSources } from "./learning-parameters.js";
import type {
  FeedbackSource,
  NetworkDescription,
  NeuronPopulation,
  PopulationDescription,
  ProjectionDescription,
  ReadoutPopulation,
} from "./network-description.js";

/** A layer of recurrent or feed-forward neurons. */
export interface LayerDescription extends Omit<NeuronPopulation, "kind"> {
  /** Whether its neurons are connected among each other; true if left out. */
  recurrent?: boolean;
}

/** What a network in layers is made of. */
export interface LayersDescription {
  /** Number of input generators. */
  inputs: number;
  /** From the inputs to the readouts. */
  layers: readonly LayerDescription[];
  readout: Omit<ReadoutPopulation, "kind">;
  /** Whether readouts read the last layer or all of them; the last if left out. */
  readoutsFrom?: "last" | "all";
  /** Factor of all initial weights, which are normal with variance `factor² / sources`; 1 if left out. */
  gain?: number;
  optimizer: NetworkDescription["optimizer"];
  averageGradient?: boolean;
  /**
   * Where the weights of each layer's feedback come from: one for all layers, or one per layer; random if left out. Of
   * one for all, layers that no readout reads have random feedback of their own, as the readouts have no weights for
   * them.
   */
  feedback?: FeedbackSource | readonly FeedbackSource[];
}

/** A population of a layer: what its model and its parameters may be is checked where it is built. */
const population = {
  model: text,
  n: whole(1, u32),
  params: optional(either(Array.isArray, list(dictionary, "a list of dictionaries"), dictionary)),
};

const layersCheck = fields({
  inputs: whole(1, u32),
  layers: list(fields({ ...population, recurrent: optional(flag) }), "a list of layers"),
  readout: fields(population),
  readoutsFrom: optional(oneOf("last", "all")),
  gain: optional(number({ min: -Number.MAX_VALUE, max: Number.MAX_VALUE }, "a finite number")),
  optimizer: dictionary,
  averageGradient: optional(flag),
  feedback: optional(
    either(
      Array.isArray,
      list(oneOf(...feedbackSources), "a list with one per layer"),
      oneOf(...feedbackSources),
    ),
  ),
});

/** Where the weights of each layer's feedback come from, if that is said. */
function feedbackOfLayers({ feedback, layers, readoutsFrom = "last" }: LayersDescription) {
  if (feedback === undefined) return layers.map(() => undefined);
  const isRead = (at: number) => readoutsFrom === "all" || at === layers.length - 1;
  if (typeof feedback === "string") {
    return layers.map((_, at) => (isRead(at) ? feedback : defaultFeedback));
  }
  if (feedback.length !== layers.length) {
    refuse("of.feedback", `${feedback.length} values`, `one for all, or ${layers.length}`, {
      code: "IndexError",
      message: "there is not one source of feedback for each layer",
    });
  }
  feedback.forEach((source, at) => {
    if (!feedbackFacts(source).isReadouts || isRead(at)) return;
    const others = feedbackWith({ isReadouts: false }).join(", ");
    refuse(`of.feedback[${at}]`, source, `${others}, or readoutsFrom all`, {
      code: "ValueError",
      message: "no readout reads this layer, so there are no weights that its feedback could have",
    });
  });
  return feedback;
}

/**
 * A network in layers, each with its own feedback from the readouts (broadcast alignment): populations `in`, `layer_1`,
 * `layer_2`, …, `out`; projections `in_layer_1`, `layer_1_layer_1`, `layer_1_layer_2`, …, `layer_2_out`, and the
 * feedback `out_layer_1`, `out_layer_2`, ….
 *
 * @param random Where initial weights are drawn from, in the order of the projections.
 */
export function layeredNetwork(of: LayersDescription, random: NumpyRandom): NetworkDescription {
  given("of", of, layersCheck);
  given("random", random, instance(NumpyRandom, "a NumpyRandom"));
  const { layers, readout, gain = 1, readoutsFrom = "last" } = of;
  const populations: Record<string, PopulationDescription> = { in: { kind: "input", n: of.inputs } };
  const projections: Record<string, ProjectionDescription> = {};
  const project = (from: string, to: string, [rows, columns]: readonly [number, number], scale: number) => {
    const { data } = random.randn(rows, columns);
    const weights: NumberMatrix = { data: data.map((value) => value * scale), shape: [rows, columns] };
    projections[`${from}_${to}`] = { from, to, weights };
  };
  let before = { name: "in", n: of.inputs };
  layers.forEach(({ recurrent = true, ...layer }, at) => {
    const name = `layer_${at + 1}`;
    populations[name] = { kind: "recurrent", ...layer };
    project(before.name, name, [layer.n, before.n], gain / Math.sqrt(before.n));
    if (recurrent) project(name, name, [layer.n, layer.n], gain / Math.sqrt(layer.n));
    before = { name, n: layer.n };
  });
  populations["out"] = { kind: "readout", ...readout };
  const read = layers.map(({ n }, at) => ({ name: `layer_${at + 1}`, n }));
  for (const { name, n } of readoutsFrom === "all" ? read : read.slice(-1)) {
    project(name, "out", [readout.n, n], gain / Math.sqrt(n));
  }
  const sources = feedbackOfLayers(of);
  read.forEach(({ name, n }, at) => {
    project("out", name, [n, readout.n], 1);
    const feedback = sources[at];
    if (feedback !== undefined)
      Object.assign(projections[`out_${name}`] as ProjectionDescription, { feedback });
  });
  return {
    populations,
    projections,
    optimizer: of.optimizer,
    ...(of.averageGradient !== undefined && { averageGradient: of.averageGradient }),
  };
}
