/** Controls: the same task with a part of e-prop taken away. */
import { defaultFeedback, feedbackFacts } from "../nest/feedback.js";
import { NumpyRandom } from "../random/index.js";
import {
  type NetworkDescription,
  type ProjectionDescription,
  type Weights,
  describedNetwork,
  names,
  projectionKind,
  rewiringKeys,
} from "../tasks/network-description.js";
import type { Task } from "../tasks/task.js";
import { familyOf } from "../training/build-network.js";

/** Names of controls, in the order of tables. */
export const controlNames = [
  "trained",
  "readouts-only",
  "recurrent-frozen",
  "feedback-shuffled",
  "feedback-zero",
  "feedback-symmetric",
] as const;

/** Name of a control. */
export type ControlName = (typeof controlNames)[number];

/** What each control is, in words. */
export const controlTexts: Readonly<Record<ControlName, string>> = {
  trained: "everything learns as the task says",
  "readouts-only": "no weight onto recurrent neurons learns",
  "recurrent-frozen": "weights among recurrent neurons stay",
  "feedback-shuffled": "each readout's feedback weights are dealt out anew among the neurons",
  "feedback-zero": "no learning signal arrives: of the recurrent neurons, firing rates alone are regularized",
  "feedback-symmetric": "the readouts' own weights are the feedback",
};

type Projections = Record<string, ProjectionDescription>;

/** Changes the projections of a kind. */
function changed(
  network: NetworkDescription,
  wanted: (projection: ProjectionDescription) => boolean,
  change: (projection: ProjectionDescription) => ProjectionDescription,
): NetworkDescription {
  const projections: Projections = Object.fromEntries(
    Object.entries(network.projections).map(([name, projection]) => [
      name,
      wanted(projection) ? change(projection) : projection,
    ]),
  );
  return { ...network, projections };
}

const kindOf = ({ populations }: NetworkDescription, of: string | readonly string[]) =>
  populations[typeof of === "string" ? of : (of[0] as string)]?.kind;

/** A projection whose weights stay; an optimizer has nothing to do there. */
function still({ optimizer: _optimizer, ...projection }: ProjectionDescription): ProjectionDescription {
  const kept = Object.entries(projection).filter(([name]) => !Object.hasOwn(rewiringKeys, name));
  return { ...(Object.fromEntries(kept) as unknown as ProjectionDescription), plastic: false };
}

const without = (params: object) => ({ ...params, learns_bias: false });

/** A network whose recurrent neurons keep their currents. */
function stillCurrents(network: NetworkDescription): NetworkDescription {
  const populations = Object.entries(network.populations).map(([name, population]) => {
    if (population.kind !== "recurrent" || population.params === undefined) return [name, population];
    const learns = [population.params].flat().some((params) => "learns_bias" in params);
    if (!learns) return [name, population];
    const params = Array.isArray(population.params)
      ? population.params.map(without)
      : without(population.params);
    return [name, { ...population, params }];
  });
  return { ...network, populations: Object.fromEntries(populations) as NetworkDescription["populations"] };
}

/** Where the weights of a feedback projection come from. */
const sourceOf = (network: NetworkDescription, { feedback }: ProjectionDescription) =>
  feedback ?? network.feedback ?? defaultFeedback;

/** Whether there are synapses back onto the readouts of a feedback projection, whose weights it could have. */
function isRead({ projections }: NetworkDescription, { from, to }: ProjectionDescription): boolean {
  const [readouts, neurons] = [names(from), names(to)];
  return Object.values(projections).some(
    (of) =>
      names(of.from).some((name) => neurons.includes(name)) &&
      names(of.to).some((name) => readouts.includes(name)),
  );
}

const isMatrix = (weights: ProjectionDescription["weights"]): weights is Weights =>
  typeof weights === "object" && "data" in weights;

/** Weights of each source dealt out anew among the targets that it has. */
function shuffled(weights: Weights, random: NumpyRandom): Weights {
  const { data, shape, mask } = weights;
  const [rows, columns] = shape;
  const dealt = Float64Array.from(data);
  for (let column = 0; column < columns; column++) {
    const places = Array.from({ length: rows }, (_, row) => row * columns + column).filter(
      (place) => mask === undefined || mask[place] !== 0,
    );
    const order = random.permutation(places.length);
    places.forEach((place, at) => (dealt[place] = data[places[order[at] as number] as number] as number));
  }
  return { ...weights, data: dealt };
}

/** The network of a control; undefined where it has nothing to take away. */
function controlledNetwork(
  network: NetworkDescription,
  control: ControlName,
  seed: number,
): NetworkDescription | undefined {
  const isPlastic = (projection: ProjectionDescription) => projectionKind(network, projection) === "plastic";
  const isFeedback = (projection: ProjectionDescription) =>
    projectionKind(network, projection) === "feedback";
  const all = Object.values(network.projections);
  const ontoRecurrent = (of: ProjectionDescription) =>
    isPlastic(of) && kindOf(network, of.to) === "recurrent";
  const amongRecurrent = (of: ProjectionDescription) =>
    ontoRecurrent(of) && kindOf(network, of.from) === "recurrent";
  switch (control) {
    case "trained":
      return network;
    case "readouts-only":
      return all.some(ontoRecurrent) ? stillCurrents(changed(network, ontoRecurrent, still)) : undefined;
    case "recurrent-frozen":
      return all.some(amongRecurrent) ? changed(network, amongRecurrent, still) : undefined;
    case "feedback-shuffled": {
      const random = new NumpyRandom(seed);
      // Symmetric feedback has no weights of its own that could be dealt out.
      const isDealt = (of: ProjectionDescription) =>
        isFeedback(of) && isMatrix(of.weights) && !feedbackFacts(sourceOf(network, of)).isReadouts;
      if (!all.some(isDealt)) return undefined;
      return changed(network, isDealt, (of) => ({ ...of, weights: shuffled(of.weights as Weights, random) }));
    }
    case "feedback-zero":
      return all.some(isFeedback)
        ? changed(network, isFeedback, (of) => ({
            ...of,
            // Other feedback does not stay zero.
            ...(feedbackFacts(sourceOf(network, of)).changes && { feedback: defaultFeedback }),
            weights: isMatrix(of.weights)
              ? { ...of.weights, data: new Float64Array(of.weights.data.length) }
              : 0,
          }))
        : undefined;
    case "feedback-symmetric": {
      const model = Object.values(network.populations).find(({ kind }) => kind === "recurrent");
      const isInterval = model !== undefined && "model" in model && familyOf(model.model) === "interval";
      // Where no readout reads, symmetric feedback would be none at all.
      const isMade = (of: ProjectionDescription) =>
        isFeedback(of) && isRead(network, of) && !feedbackFacts(sourceOf(network, of)).isReadouts;
      if (!isInterval || !all.some(isMade)) return undefined;
      return changed(network, isMade, (of) => ({ ...of, feedback: "symmetric" }));
    }
  }
}

/** A task under a control; undefined where its network has nothing to take away. */
export function controlled(task: Task, control: ControlName): Task | undefined {
  const network = controlledNetwork(describedNetwork(task.network), control, task.seed);
  if (network === undefined) return undefined;
  return { ...task, network, parameters: { ...task.parameters, control } };
}
