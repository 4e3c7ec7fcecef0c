import { dynamicsOf } from "../nest/dynamics.js";
import { guarded, nestError } from "../core/errors.js";
import { given, instance, reading } from "../core/arguments.js";
import { type Pieces, atOnce } from "../core/event-loop.js";
import type { NodeCollection, SynapseCollection } from "../nest/collections.js";
import type { SynapseSpec } from "../nest/accepted.js";
import { Kernel } from "../nest/kernel.js";
import { ownOptimizerParams } from "../nest/models.generated.js";
import { anew, isRandomParameter } from "../nest/random.js";
import { rewiringFacts } from "../nest/rewiring.js";
import { descriptionChecked } from "../tasks/check-network.js";
import {
  type FeedbackDescription,
  type NetworkDescription,
  type PoolDescription,
  type ProjectionDescription,
  type Weights,
  describedNetwork,
  feedbackOf,
  feedbackParams,
  names,
  populationsOf,
  projectionKind,
  rewiringOf,
  rewiringOfProjection,
  rewiringParams,
} from "../tasks/network-description.js";

/** Whether weights change once an update interval or, in e-prop+, with every spike. */
export type Family = "interval" | "event";

/** The family that a model of recurrent neurons or readouts belongs to. */
export function familyOf(model: string): Family {
  return dynamicsOf(model)?.rule === "interval" ? "interval" : "event";
}

/** The synapse models of each family. */
export const learningSynapses = {
  interval: {
    plastic: "eprop_synapse_bsshslm_2020",
    feedback: "eprop_learning_signal_connection_bsshslm_2020",
  },
  event: { plastic: "eprop_synapse", feedback: "eprop_learning_signal_connection" },
} as const;

/** Name of a synapse model whose weights learn. */
type PlasticModel = (typeof learningSynapses)[Family]["plastic"];

/** A projection in a kernel. */
export interface BuiltProjection {
  readonly name: string;
  readonly kind: "plastic" | "static" | "feedback";
  /** Name of the synapse model: a built-in one, or the copy that carries an optimizer of its own. */
  readonly model: string;
  readonly sources: NodeCollection;
  readonly targets: NodeCollection;
}

/** A network's populations and projections in a kernel, by name. */
export class BuiltNetwork {
  readonly kernel: Kernel;
  readonly description: NetworkDescription;
  readonly family: Family;
  readonly populations: Readonly<Record<string, NodeCollection>>;
  /** All inputs, recurrent neurons and readouts. */
  readonly inputs: NodeCollection;
  readonly recurrent: NodeCollection;
  readonly readouts: NodeCollection;
  /** Plastic, static and feedback, in the order of the description. */
  readonly projections: readonly BuiltProjection[];

  /** Creates the nodes. */
  constructor(kernel: Kernel, network: NetworkDescription | PoolDescription) {
    this.kernel = kernel;
    this.description = describedNetwork(network);
    const { description } = this;
    this.family = familyOf(populationsOf(description, "recurrent")[0]?.model ?? "");
    const populations: Record<string, NodeCollection> = {};
    for (const { name, n } of populationsOf(description, "input")) {
      populations[name] = kernel.Create("spike_generator", n);
    }
    for (const kind of ["recurrent", "readout"] as const) {
      for (const { name, model, n, params } of populationsOf(description, kind)) {
        populations[name] = kernel.Create<typeof model, object>(model, n, params ?? {});
      }
    }
    this.populations = populations;
    const joined = (of: readonly string[]) => {
      const [first, ...rest] = of.map((name) => populations[name] as NodeCollection);
      if (first === undefined) {
        throw nestError({
          code: "ValueError",
          message: "a network has inputs, recurrent neurons and readouts",
        });
      }
      return rest.reduce((all, population) => all.concat(population), first);
    };
    const all = (kind: "input" | "recurrent" | "readout") =>
      joined(populationsOf(description, kind).map(({ name }) => name));
    this.inputs = all("input");
    this.recurrent = all("recurrent");
    this.readouts = all("readout");
    const synapses = learningSynapses[this.family];
    this.projections = Object.entries(description.projections).map(([name, projection]) => {
      const kind = projectionKind(description, projection);
      const own = (base: string, differs: boolean) => (differs ? `${base}_${name}` : base);
      const model = {
        plastic: own(synapses.plastic, hasOwnSynapses(projection)),
        static: "static_synapse",
        feedback: own(synapses.feedback, this.family === "interval" && hasFeedback(projection)),
      }[kind];
      return {
        name,
        kind,
        model,
        sources: joined(names(projection.from)),
        targets: joined(names(projection.to)),
      };
    });
  }

  /** The projections whose weights learn. */
  get plastic(): BuiltProjection[] {
    return this.projections.filter(({ kind }) => kind === "plastic");
  }

  /**
   * Connects the nodes.
   *
   * @param factor What learning rates begin with, times those of the description: 0 where the first phase does not learn.
   */
  *connect(factor: number): Pieces<void> {
    const { kernel, description } = this;
    const { optimizer, averageGradient = false } = description;
    const base: PlasticModel = learningSynapses[this.family].plastic;
    // A synapse that has not yet called its optimizer has the first rate ever set: that of the first phase.
    const begun = (of: NetworkDescription["optimizer"]) => ({ ...of, eta: factor * (of.eta ?? 0) });
    const common = this.family === "interval" && { average_gradient: averageGradient };
    // Copies come before the model is set: the rates that it had would be theirs, too, at a synapse's first call.
    for (const { name, model } of this.plastic) {
      const projection = description.projections[name] as ProjectionDescription;
      if (model === base) continue;
      kernel.CopyModel(base, model, {
        optimizer: begun(ownOptimizer(description, projection)),
        ...common,
        ...rewiringParams(rewiringOfProjection(description, name)),
      });
    }
    kernel.SetDefaults(base, { optimizer: begun(optimizer), ...common, ...rewiringParams(description) });
    // A rate that is the model's own is set, too.
    kernel.holdLearningRates();
    const signals = learningSynapses.interval.feedback;
    if (this.family === "interval" && hasFeedback(description)) {
      kernel.SetDefaults(signals, feedbackParams(description));
    }
    const resolution = kernel.get("resolution");
    for (const built of this.projections) {
      const projection = description.projections[built.name] as ProjectionDescription;
      if (built.kind === "feedback" && this.family === "interval" && hasFeedback(projection)) {
        kernel.CopyModel(signals, built.model, feedbackParams(projection));
      }
      yield* connect(kernel, built, sparse(description, built.name), {
        delay: projection.delay ?? resolution,
      });
    }
  }

  /**
   * Multiplies all learning rates of the description; it takes effect as `SetDefaults` does in NEST, with each synapse's
   * next call of its optimizer.
   */
  scaleLearningRates(factor: number): void {
    const { kernel, description } = this;
    const base = learningSynapses[this.family].plastic;
    const rates = new Map([[base as string, description.optimizer.eta ?? 0]]);
    for (const { name, model } of this.plastic) {
      const projection = description.projections[name] as ProjectionDescription;
      if (model !== base) rates.set(model, ownOptimizer(description, projection).eta ?? 0);
    }
    for (const [model, eta] of rates)
      kernel.SetDefaults(model as PlasticModel, { optimizer: { eta: factor * eta } });
  }

  /**
   * The connections of a projection.
   *
   * @throws {@link NESTError} that lists the projections, where there is none of that name.
   */
  connections(name: string): SynapseCollection {
    const { sources, targets } = this.#projection(name);
    return this.kernel.GetConnections(sources, targets);
  }

  /** The weights of a projection as they are now: rows per target, columns per source, zero where nothing is. */
  weights(name: string): { data: Float64Array; shape: readonly [number, number] } {
    const { sources, targets } = this.#projection(name);
    const data = guarded(() => this.kernel.native.weightMatrix(sources.ids, targets.ids));
    return { data, shape: [targets.length, sources.length] };
  }

  #projection(name: string): BuiltProjection {
    const found = this.projections.find((projection) => projection.name === name);
    if (found !== undefined) return found;
    throw nestError({
      code: "ValueError",
      message: `the network has no projection ${name}`,
      parameter: "projection",
      value: name,
      bound: `one of ${this.projections.map((projection) => projection.name).join(", ")}`,
    });
  }
}

/** Whether the synapses of a projection have a model of their own. */
function hasOwnSynapses(projection: ProjectionDescription): boolean {
  return projection.optimizer !== undefined || Object.keys(rewiringOf(projection)).length > 0;
}

/** Whether it is said where the weights of feedback come from. */
function hasFeedback(of: FeedbackDescription): boolean {
  return Object.keys(feedbackOf(of)).length > 0;
}

/**
 * The optimizer of a projection that has one of its own; of another type it takes from the network's what optimizers of
 * every type have.
 */
function ownOptimizer({ optimizer }: NetworkDescription, projection: ProjectionDescription) {
  const own = projection.optimizer ?? {};
  const other = own.type !== undefined && own.type !== optimizer.type;
  if (!other) return { ...optimizer, ...own };
  const ofItsType = { type: true, optimizer: true, ...ownOptimizerParams };
  const kept = Object.entries(optimizer).filter(
    ([name, value]) => value !== undefined && !Object.hasOwn(ofItsType, name),
  );
  return { ...Object.fromEntries(kept), ...own };
}

/**
 * Builds a network in an empty kernel, whose `resolution`, `rng_seed` and e-prop parameters are set before.
 *
 * @throws {@link NESTError} that names what does not fit together, before anything is built, and for what the engine
 * refuses.
 */
export function buildNetwork(kernel: Kernel, network: NetworkDescription | PoolDescription): BuiltNetwork {
  given("kernel", kernel, instance(Kernel, "a Kernel"));
  reading("network", "the description of a network", () => atOnce(descriptionChecked(network)));
  const built = new BuiltNetwork(kernel, network);
  atOnce(built.connect(1));
  return built;
}

/** A projection with a mask where its connections are to go one by one: dense ones have none of their own. */
function sparse(network: NetworkDescription, name: string): ProjectionDescription {
  const projection = network.projections[name] as ProjectionDescription;
  const { weights } = projection;
  if (!rewiringFacts(rewiringOfProjection(network, name).rewiring).takesAway) return projection;
  if (typeof weights === "number" || !("data" in weights) || weights.mask !== undefined) return projection;
  return { ...projection, weights: { ...weights, mask: new Uint8Array(weights.data.length).fill(1) } };
}

/** Columns of a matrix that are looked through in one piece. */
const columnsAtOnce = 100;

/** Connects the nodes of a projection: as its rule says, or all of a matrix that its mask names. */
function* connect(
  kernel: Kernel,
  { name, sources, targets, model }: BuiltProjection,
  { weights, rule }: ProjectionDescription,
  timing: Pick<SynapseSpec<number>, "delay">,
): Pieces<void> {
  const synapse = { synapse_model: model, ...timing };
  const all = { rule: "all_to_all", allow_autapses: false } as const;
  if (typeof weights === "number" || isRandomParameter(weights)) {
    // A distribution that is used again begins anew.
    const weight = anew(weights);
    kernel.Connect(sources, targets, rule === undefined ? all : { allow_autapses: false, ...rule }, {
      ...synapse,
      weight,
    });
    yield;
    return;
  }
  const { data, shape, mask } = weights;
  if (mask === undefined) {
    kernel.Connect(sources, targets, all, { ...synapse, weight: { data, shape } });
    yield;
    return;
  }
  yield* connectMasked(kernel, sources, targets, { ...weights, mask }, { name, synapse });
}

/** Connects pairs that a mask names. */
function* connectMasked(
  kernel: Kernel,
  sources: NodeCollection,
  targets: NodeCollection,
  { data, shape: [rows, columns], mask }: Required<Weights>,
  { name, synapse }: { name: string; synapse: { synapse_model: string; delay?: number } },
): Pieces<void> {
  const from = new Uint32Array(rows * columns);
  const to = new Uint32Array(rows * columns);
  const weight = new Float64Array(rows * columns);
  let count = 0;
  for (let column = 0; column < columns; column++) {
    const source = sources.ids[column] as number;
    for (let row = 0; row < rows; row++) {
      const place = row * columns + column;
      const target = targets.ids[row] as number;
      if (mask[place] === 0 || source === target) continue;
      from[count] = source;
      to[count] = target;
      weight[count] = data[place] as number;
      count += 1;
    }
    if (column % columnsAtOnce === columnsAtOnce - 1) yield;
  }
  if (count === 0) {
    throw nestError({
      code: "ValueError",
      message: `the projection ${name} has no connections`,
      parameter: `network.projections.${name}.weights.mask`,
      value: "no pair of two neurons",
      bound: "at least one",
    });
  }
  kernel.Connect(from.subarray(0, count), to.subarray(0, count), "one_to_one", {
    ...synapse,
    weight: weight.subarray(0, count),
  });
  yield;
}
