/** Networks that a user's own calls build in a kernel, as data: what a task and everything around it works with. */
import {
  type Check,
  callable,
  either,
  fields,
  given,
  list,
  number,
  optional,
  refuseOthers,
  shown,
  text,
  u32,
  whole,
} from "../core/arguments.js";
import { guarded, nestError } from "../core/errors.js";
import { modelTables } from "../native/index.js";
import { NodeCollection, type SynapseCollection } from "../nest/collections.js";
import { dynamicsOf } from "../nest/dynamics.js";
import { feedbackFacts } from "../nest/feedback.js";
import { Kernel } from "../nest/kernel.js";
import { weightsBetween } from "../network/weights.js";
import { type OptimizerParams, optimizers } from "../nest/models.generated.js";
import { rewires, rewiringFacts } from "../nest/rewiring.js";
import { anObject } from "./check-network.js";
import {
  type NetworkDescription,
  type PopulationDescription,
  type ProjectionDescription,
  names,
  rewiringKeys,
} from "./network-description.js";

/** What a network that was built in a kernel is called. */
export interface NamedNodes {
  /** Inputs (`spike_generator`), recurrent neurons and readouts, by name: all nodes there are. */
  populations: Readonly<Record<string, NodeCollection>>;
  /**
   * Which populations a projection joins, by name: all connections there are, each in one. If it is left out as a whole,
   * the connections between each two populations are a projection, `FROM_TO`.
   */
  projections?: Readonly<
    Record<string, { from: string | readonly string[]; to: string | readonly string[] }>
  >;
}

/** What the kernel has that the calls are made on. */
export interface BuildOptions {
  /** Length of a step (ms), that of the task; 1 if left out. */
  resolution?: number;
  /** Seed of what the kernel draws, that of the task; 1 if left out. */
  seed?: number;
}

const optionFields = fields({
  resolution: optional(number({ min: 1e-3, max: 1e6 })),
  seed: optional(whole(1, u32)),
});

/** Values of the kernel that belong to the task. */
const ofTask = [
  "resolution",
  "rng_seed",
  "eprop_update_interval",
  "eprop_learning_window",
  "eprop_reset_neurons_on_update",
  "gradient",
  "precision",
  "clip_norm",
] as const;

function refuse(parameter: string, message: string, bound: string, value?: string): never {
  throw nestError({
    code: "ValueError",
    message,
    parameter,
    bound,
    ...(value !== undefined && { value }),
  });
}

/**
 * The network that calls on a kernel build, as a description: models, parameters, connections with their weights, delays
 * and optimizers are read from it. A task takes it as its `network`, and whatever is done with it goes by the names.
 *
 * @param build Creates and connects nodes in an empty kernel, and says what they are called.
 * @throws {@link NESTError} that names nodes and connections that a task's network cannot have, or that have no name.
 * @example
 * const network = tasks.builtNetwork((kernel) => {
 *   const retina = kernel.Create("spike_generator", 40);
 *   const cells = kernel.Create("eprop_iaf_bsshslm_2020", 100, { V_th: 0.6 });
 *   …
 *   return { populations: { retina, cells, choice } };
 * });
 */
export function builtNetwork(
  build: (kernel: Kernel) => NamedNodes,
  options: BuildOptions = {},
): NetworkDescription {
  const call = given("build", build, callable) as (kernel: Kernel) => unknown;
  const { resolution = 1, seed = 1 } = given("options", options, optionFields);
  const kernel = new Kernel();
  kernel.set({ resolution, rng_seed: seed });
  const before = ofTask.map((name) => kernel.get(name));
  const named = namesOf(call(kernel));
  for (const [at, name] of ofTask.entries()) {
    if (kernel.get(name) !== before[at]) {
      refuse(
        `kernel.${name}`,
        `${name} is the task's, not the network's`,
        String(before[at]),
        String(kernel.get(name)),
      );
    }
  }
  const time = kernel.get("biological_time");
  if (time !== 0) {
    refuse(
      "kernel.biological_time",
      "the network was simulated while it was built",
      "0: a training begins with its first step",
      `${time} ms`,
    );
  }
  return new Built(kernel, named).description();
}

/** What a function that built a network returned. */
function namesOf(returned: unknown): NamedNodes {
  const allowed = "{ populations } or { populations, projections }";
  if (returned instanceof Promise) {
    // It is refused for what it is; how it ends is nobody's business any more.
    returned.catch(() => undefined);
    refuse("build", "build returned a promise", `a function that is not async and returns ${allowed}`);
  }
  if (typeof returned !== "object" || returned === null || !("populations" in returned)) {
    refuse("build", "build returned no populations", `a function that returns ${allowed}`, shown(returned));
  }
  refuseOthers("build", returned, ["populations", "projections"]);
  return returned as NamedNodes;
}

/** The built-in model of nodes, which theirs may be a copy of. */
const baseOf = (kernel: Kernel, model: string): string =>
  String(kernel.GetDefaults(model as "parrot_neuron", "type_id"));

const nameOrNames = either(Array.isArray, list(text, "names"), text);
const joined = fields({ from: nameOrNames, to: nameOrNames });

/** Parameters and states of node models that can be set, by model. */
function settable(model: string): readonly string[] {
  const table = modelTables().find(({ name }) => name === model);
  return (table?.parameters ?? []).filter(({ role }) => role !== "read-only").map(({ name }) => name);
}

/** A kernel with names for what is in it. */
class Built {
  readonly #kernel: Kernel;
  readonly #populations: ReadonlyMap<string, NodeCollection>;
  readonly #projections: Required<NamedNodes>["projections"] | undefined;

  constructor(kernel: Kernel, { populations, projections }: NamedNodes) {
    this.#kernel = kernel;
    const all = Object.entries(given("build.populations", populations, anObject));
    this.#populations = new Map(all.map(([name, nodes]) => [name, checkedNodes(kernel, name, nodes)]));
    const held = new Map<number, string>();
    for (const [name, { ids }] of this.#populations) {
      for (const id of ids) {
        const other = held.get(id);
        if (other !== undefined) {
          refuse(`populations.${name}`, `node ${id} is in ${other}, too`, "each node in one population");
        }
        held.set(id, name);
      }
    }
    const nameless = kernel.GetNodes().ids.find((id) => !held.has(id));
    if (nameless !== undefined) {
      const model = String(new NodeCollection(kernel, Uint32Array.of(nameless)).get("model"));
      refuse("populations", `node ${nameless} (${model}) has no name`, "every node in a population", model);
    }
    this.#projections =
      projections === undefined ? undefined : (given("build.projections", projections, anObject) as never);
  }

  description(): NetworkDescription {
    const populations = Object.fromEntries(
      [...this.#populations].map(([name, nodes]) => [name, populationOf(this.#kernel, name, nodes)]),
    );
    const found = new Map<string, ReturnType<Built["projection"]>>();
    let count = 0;
    for (const [name, { from, to }] of this.#named()) {
      const projection = this.projection(name, from, to);
      if (projection.connections.length === 0) {
        if (this.#projections !== undefined) {
          refuse(
            `projections.${name}`,
            `${name} has no connections`,
            "connections between these populations",
          );
        }
        continue;
      }
      count += projection.connections.length;
      if (found.has(name)) {
        refuse(
          "projections",
          `two projections would be called ${name}`,
          "names of projections, or other names of populations",
          name,
        );
      }
      found.set(name, projection);
    }
    const all = this.#kernel.GetConnections();
    if (count < all.length) this.#refuseNameless(all, found);
    if (count > all.length) {
      refuse("projections", "connections are in several projections", "each connection in one of them");
    }
    const optimizer =
      [...found.values()].find(({ plastic }) => plastic !== undefined)?.plastic?.optimizer ?? {};
    const averages = new Set([...found.values()].flatMap(({ plastic: of }) => (of ? [of.average] : [])));
    if (averages.size > 1) {
      refuse(
        "average_gradient",
        "synapse models differ in average_gradient",
        "the same for all of a network",
      );
    }
    const isOwn = (of: OptimizerParams) => JSON.stringify(of) !== JSON.stringify(optimizer);
    return {
      populations,
      projections: Object.fromEntries(
        [...found].map(([name, { description, plastic }]) => [
          name,
          { ...description, ...(plastic && isOwn(plastic.optimizer) && { optimizer: plastic.optimizer }) },
        ]),
      ),
      optimizer,
      ...(averages.has(true) && { averageGradient: true }),
    };
  }

  /** Names of projections, with what they join. */
  #named(): [string, { from: readonly string[]; to: readonly string[] }][] {
    if (this.#projections !== undefined) {
      return Object.entries(this.#projections).map(([name, value]) => {
        const { from, to } = given(`build.projections.${name}`, value, joined);
        return [name, { from: names(from), to: names(to) }];
      });
    }
    const all = [...this.#populations.keys()];
    return all.flatMap((from) =>
      all.map((to): [string, { from: string[]; to: string[] }] => [
        `${from}_${to}`,
        { from: [from], to: [to] },
      ]),
    );
  }

  #ids(projection: string, of: readonly string[]): number[] {
    const twice = of.find((name, at) => of.indexOf(name) < at);
    if (twice !== undefined) {
      refuse(`projections.${projection}`, `${twice} is named twice`, "each population once", twice);
    }
    return of.flatMap((name) => {
      const nodes = this.#populations.get(name);
      if (nodes !== undefined) return [...nodes.ids];
      const bound = [...this.#populations.keys()].join(", ");
      return refuse(`projections.${projection}`, `there is no population ${name}`, bound, name);
    });
  }

  /** What a projection is, read from its connections. */
  projection(name: string, from: readonly string[], to: readonly string[]) {
    const [sources, targets] = [this.#ids(name, from), this.#ids(name, to)];
    const connections = this.#kernel.GetConnections(sources, targets);
    const one = <T>(value: string, all: ArrayLike<T>): T | undefined => {
      const values = new Set(Array.from(all));
      if (values.size < 2) return all[0];
      return refuse(
        `projections.${name}`,
        `connections of ${name} differ in ${value}`,
        `one ${value} for each projection`,
        [...values].slice(0, 3).join(", "),
      );
    };
    const model = one("synapse_model", connections.get("synapse_model"));
    const delay = one("delay", connections.get("delay"));
    if (model === undefined || delay === undefined) return { connections, description: undefined as never };
    const defaults = this.#kernel.GetDefaults(model);
    const optimizer = optimizerOf(defaults);
    this.#checkSynapses(name, connections, defaults, optimizer);
    const description: ProjectionDescription = {
      from: from.length === 1 ? (from[0] as string) : from,
      to: to.length === 1 ? (to[0] as string) : to,
      weights: weightsOf(name, connections, sources, targets),
      delay,
      ...(optimizer === undefined && !this.#isFeedback(from) && { plastic: false }),
      ...synapsesOf(defaults),
    };
    return {
      connections,
      description,
      plastic: optimizer && { optimizer, average: defaults["average_gradient"] === true },
    };
  }

  /** Roles of the nodes of a population. */
  #rolesOf(population: string): (string | undefined)[] {
    const models = new Set([this.#populations.get(population)?.get("model") ?? []].flat().map(String));
    return [...models].map((model) => dynamicsOf(baseOf(this.#kernel, model))?.role);
  }

  /** Refuses what synapses have and a description cannot say. */
  #checkSynapses(
    name: string,
    connections: SynapseCollection,
    defaults: Record<string, unknown>,
    optimizer: OptimizerParams | undefined,
  ): void {
    const at = `projections.${name}`;
    const receptor = connections.get("receptor").find((of) => of !== 0);
    if (receptor !== undefined) {
      refuse(at, `connections of ${name} reach a receptor`, "receptor_type 0", String(receptor));
    }
    if (optimizer === undefined) return;
    if (optimizers[optimizer.type ?? "gradient_descent"].hasMoments) {
      const moments = connections.get("optimizer") as { m?: number; v?: number }[];
      const held = moments.find(({ m = 0, v = 0 }) => m !== 0 || v !== 0);
      if (held !== undefined) {
        refuse(
          at,
          `${optimizer.type} remembers steps of ${name}`,
          "m and v of 0",
          `m ${held.m}, v ${held.v}`,
        );
      }
    }
    if (!("tau_m_readout" in defaults)) return;
    const readouts = [...this.#populations].filter(([of]) => this.#rolesOf(of).includes("readout"));
    const follows = new Set(readouts.flatMap(([, nodes]) => [nodes.get("tau_m")].flat()));
    // What was not given shows as the models' own, and follows the readouts.
    const unset = new Kernel().GetDefaults("eprop_synapse_bsshslm_2020", "tau_m_readout");
    const taus = new Set(connections.get("tau_m_readout") as number[]);
    const tau = [...taus].find((of) => of !== unset && !follows.has(of));
    if (tau === undefined) return;
    const bound = `${[...follows].join(", ")}, the readouts' tau_m, or left out`;
    refuse(at, `connections of ${name} have a tau_m_readout of their own`, bound, String(tau));
  }

  /** Whether sources are readouts, whose connections carry learning signals. */
  #isFeedback([from = ""]: readonly string[]): boolean {
    return this.#rolesOf(from).includes("readout");
  }

  /** A node by its id and its population. */
  #placeOf(id: number | undefined): string {
    const [name] = [...this.#populations].find(([, { ids }]) => ids.includes(id as number)) ?? [];
    return `node ${id} of ${name}`;
  }

  /** Refuses a connection that no projection has. */
  #refuseNameless(
    all: SynapseCollection,
    found: ReadonlyMap<string, { description: ProjectionDescription }>,
  ): never {
    const named = [...found.values()].map(({ description: { from, to } }) => ({
      from: new Set(this.#ids("", names(from))),
      to: new Set(this.#ids("", names(to))),
    }));
    const [source, target] = [all.get("source"), all.get("target")];
    const at = source.findIndex(
      (id, place) => !named.some(({ from, to }) => from.has(id) && to.has(target[place] as number)),
    );
    const pair = `from ${this.#placeOf(source[at])} to ${this.#placeOf(target[at])}`;
    return refuse(
      "projections",
      `the connection ${pair} is in no projection`,
      "every connection in one of them, or `projections` left out",
      pair,
    );
  }
}

function checkedNodes(kernel: Kernel, name: string, nodes: unknown): NodeCollection {
  const isOne: Check<NodeCollection> = {
    allowed: "nodes of the kernel",
    read: (value) => {
      if (value instanceof NodeCollection && value.kernel === kernel && value.length > 0) return value;
      return refuse(`populations.${name}`, `${name} is no collection of nodes of the kernel`, isOne.allowed);
    },
  };
  return given(`populations.${name}`, nodes, isOne);
}

/** A population, read from its nodes. */
function populationOf(kernel: Kernel, name: string, nodes: NodeCollection): PopulationDescription {
  const models = new Set([nodes.get("model")].flat().map(String));
  const [model, other] = new Set([...models].map((of) => baseOf(kernel, of)));
  if (model === undefined || other !== undefined) {
    refuse(
      `populations.${name}`,
      `the nodes of ${name} are of several models`,
      "one model",
      `${model}, ${other}`,
    );
  }
  const params = paramsOf(kernel, model, nodes);
  const { length: n } = nodes;
  const role = dynamicsOf(model)?.role;
  if (model === "spike_generator") {
    const [set] = params.flatMap((of) => Object.keys(of));
    if (set === undefined) return { kind: "input", n };
    return refuse(
      `populations.${name}`,
      `inputs send the spikes of the task, and ${set} is set`,
      "left out",
      set,
    );
  }
  if (role === undefined) {
    const bound =
      "spike_generator, neurons that learn, readouts; a training has recorders and targets of its own";
    refuse(`populations.${name}`, `a task's network has no ${model}`, bound, model);
  }
  const isShared = params.every((of) => JSON.stringify(of) === JSON.stringify(params[0]));
  return {
    kind: role,
    model,
    n,
    params: isShared ? (params[0] ?? {}) : params,
  } as PopulationDescription;
}

/** Parameters and states of each node that are not the model's own. */
function paramsOf(kernel: Kernel, model: string, nodes: NodeCollection): Record<string, unknown>[] {
  const params = Array.from({ length: nodes.length }, (): Record<string, unknown> => ({}));
  const fresh = new Kernel();
  fresh.set({ resolution: kernel.get("resolution") });
  const defaults = fresh.GetDefaults(model);
  for (const name of settable(model)) {
    const values = guarded(() => nodes.get(name));
    const each = nodes.length === 1 ? [values] : (values as unknown[]);
    for (const [at, value] of each.entries()) {
      if (JSON.stringify(value) !== JSON.stringify(defaults[name]))
        (params[at] as object)[name as never] = value as never;
    }
  }
  return params;
}

/** The optimizer of a synapse model; undefined where weights do not learn. */
function optimizerOf({ optimizer: held }: Record<string, unknown>): OptimizerParams | undefined {
  if (held === undefined) return undefined;
  const { optimizer: type, ...others } = held as OptimizerParams;
  return { ...(type !== undefined && { type }), ...others };
}

/** What else synapse models say, as projections do. */
function synapsesOf(of: Record<string, unknown>): Partial<ProjectionDescription> {
  const { keeps_sign, rewiring, feedback } = of as { keeps_sign?: boolean } & Pick<
    ProjectionDescription,
    "rewiring" | "feedback"
  >;
  const { parameters } = rewiringFacts(rewiring);
  const { changes, decays } = feedbackFacts(feedback);
  return {
    ...(keeps_sign === true && { keepsSign: true }),
    ...(rewires(rewiring) && { rewiring }),
    ...Object.fromEntries(
      Object.entries(rewiringKeys)
        .filter(([, name]) => parameters.includes(name))
        .map(([key, name]) => [key, of[name]]),
    ),
    ...(changes && { feedback }),
    ...(decays && { feedbackDecay: of["feedback_decay"] }),
  } as Partial<ProjectionDescription>;
}

/** The weights of connections; a task's networks have none of a neuron onto itself. */
function weightsOf(
  name: string,
  connections: SynapseCollection,
  sources: readonly number[],
  targets: readonly number[],
): ProjectionDescription["weights"] {
  const source = connections.get("source");
  const self = connections.get("target").find((id, at) => id === source[at]);
  if (self !== undefined) {
    refuse(
      `projections.${name}`,
      `a connection of ${name} joins a node with itself`,
      "none (`allow_autapses: false`)",
      String(self),
    );
  }
  const { data, shape, mask } = weightsBetween(name, connections, { sources, targets });
  return { data, shape: [shape[0], shape[1]], ...(mask !== undefined && { mask }) };
}
