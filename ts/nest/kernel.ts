// Declarations are read by programs whose target has no such library.
/// <reference lib="esnext.disposable" preserve="true" />
import { resolve } from "node:path";
import {
  dictionary,
  either,
  given,
  instance,
  isDictionary,
  list,
  meant,
  number,
  oneOf,
  optional,
  path as filePath,
  refuse,
  refuseName,
  text,
  whole,
} from "../core/arguments.js";
import { fromNative, guarded, guardedAsync, nestError, NESTErrors } from "../core/errors.js";
import { limitMethods, refuseSurplus } from "../core/surplus.js";
import { type Entry, NativeKernel, type NativeState } from "../native/index.js";
import type {
  Accepted,
  AcceptedNames,
  AnyText,
  CheckedParams,
  CheckedRule,
  CheckedSynapse,
  DefaultsOf,
  GivenParams,
  GivenRule,
  GivenSynapse,
  IsOne,
  Keys,
  Loose,
  ModelName,
  ModelOf,
  OneOf,
  OneOfSeveral,
  Uninferred,
  ValueNamed,
} from "./accepted.js";
import { atAll, atFirst } from "../mpi/together.js";
import type { World } from "../mpi/world.js";
import { AsciiBackend } from "./ascii-backend.js";
import { type Collocated, isCollocated } from "./collocated.js";
import {
  type ConnectionParams,
  NodeCollection,
  type NodeModelName,
  SynapseCollection,
  nodeIdList,
  unchecked,
} from "./collections.js";
import {
  type NativeParams,
  amplitudeChanges,
  areConnections,
  asksForFile,
  evaluatedSequences,
  isNative,
  kernelOptions,
  modelOrValues,
  named,
  namedValue,
  numberOrParameters,
  paramsAllowed,
  roomForIds,
  saveOptions,
  simulateOptions,
} from "./kernel-arguments.js";
import type {
  AmplitudeChanges,
  CopiedModel,
  EvaluatedSequences,
  KernelOptions,
  KernelValues,
  MemoryEstimate,
  SaveOptions,
  SettableValues,
  SimulateOptions,
  SynapseModelName,
} from "./kernel-types.js";
import {
  type ParamsWithoutEffect,
  type VerbosityLevel,
  constants,
  splitValues,
  withoutEffect,
} from "./kernel-values.js";
import type { KernelStatus, NodeParams } from "./models.generated.js";
import { changing, nodeDefaults, shownOfSynapses } from "./node-values.js";
import { type ProgressClock, ProgressReports } from "./progress.js";
import type {
  DefaultName,
  DefaultsNamed,
  DefaultsShown,
  EventColumns,
  EventsOf,
  StatusName,
  StatusOf,
  StatusShown,
} from "./shown.js";
import { statusOf } from "./status.js";
import type { NodeReference, NumberList } from "./types.js";
import { type Decoded, decode, decodeValue, entries, idsFor } from "./values.js";

/** Name of a model of nodes or synapses. */
type AnyModelName = NodeModelName | SynapseModelName;

/** Events that are moved out without another thread: a fraction of a millisecond. */
const eventsAtOnce = 10_000;

/**
 * A network, its state and its recordings. Kernels share nothing; several live in one process, also in worker threads.
 *
 * Method names are NEST's.
 */
export class Kernel {
  /** @internal The engine's side. */
  readonly native: NativeKernel;
  /** Files of recorders, once a recorder was told to write one. */
  #files: AsciiBackend | undefined;
  /** What another thread does with the kernel now. */
  #work: Promise<unknown> | undefined;
  #closing = false;
  #isOfSeveralRanks = false;
  readonly #progressClock: ProgressClock = { told: Number.NEGATIVE_INFINITY };
  /** How often it has been reset: collections made before are no longer those of its nodes. */
  #generation = 0;
  /** How often connections have been taken away: lists of connections made before have lost their places. */
  #disconnections = 0;
  /** Kernel values that change nothing, where they were set. */
  #kept: Partial<ParamsWithoutEffect> = {};
  /** The ranks that simulate it together, where there are several. */
  readonly #world: World | undefined;
  /** The ranks that share the neurons, where they do. */
  readonly #sharing: World | undefined;
  /** Whether `Prepare` was called and `Cleanup` was not. */
  #prepared = false;

  constructor(options?: KernelOptions);
  /** @internal */
  constructor(native: NativeKernel);
  constructor(options: KernelOptions | NativeKernel = {}, ...surplus: readonly unknown[]) {
    refuseSurplus("Kernel", 1, [options, ...surplus]);
    // Methods are the kernel's wherever they are called: `const { Create, Simulate } = new Kernel()`.
    for (const name of methodNames) {
      const method = this[name] as (...args: unknown[]) => unknown;
      Object.defineProperty(this, name, { value: method.bind(this), writable: true, configurable: true });
    }
    if (isNative(options)) {
      this.native = options;
    } else {
      const { world, share } = given("options", options, kernelOptions);
      this.native = new NativeKernel();
      if (world !== undefined) this.native.setWorld(world.native);
      this.#isOfSeveralRanks = world !== undefined && world.size > 1;
      if (this.#isOfSeveralRanks) this.#world = world;
      if (share === "neurons") {
        guarded(() => this.native.shareNeurons());
        this.#sharing = world;
      }
    }
    // A kernel value is set by `set`; `kernel.resolution = 1` must not go unheard.
    if (new.target === Kernel) Object.preventExtensions(this);
  }

  /** @internal How often it has been reset. */
  get generation(): number {
    return this.#generation;
  }

  /** Forgets all nodes, connections and settings. Collections made before are those of no nodes any more. */
  ResetKernel(): void {
    guarded(() => this.native.reset());
    this.#generation += 1;
    this.#files = undefined;
    this.#kept = {};
    this.#prepared = false;
  }

  /**
   * Sets kernel parameters. Those of NEST that have no meaning here are kept and change nothing
   * ({@link ParamsWithoutEffect}).
   */
  set<const P extends Loose<SettableValues>>(values: P & Accepted<P, SettableValues>): void {
    this.#set(values);
  }

  #set(values: unknown): void {
    const { effective, kept } = splitValues(given("values", values, dictionary));
    const time = effective["biological_time"];
    if (time !== undefined && time !== 0) {
      refuse("biological_time", time, "0, before anything is simulated", { code: "BadProperty" });
    }
    const encoded = given("values", effective, entries(this));
    guarded(() => this.native.set(encoded));
    Object.assign(this.#kept, kept);
  }

  /** As {@link Kernel.set}. */
  SetKernelStatus<const P extends Loose<SettableValues>>(values: P & Accepted<P, SettableValues>): void {
    this.#set(values);
  }

  /** Kernel parameters. */
  get(): KernelValues;
  /** A kernel parameter. */
  get<N extends string>(name: OneOf<N, keyof KernelValues>): ValueNamed<KernelValues, N>;
  get(name?: string): KernelValues | KernelValues[keyof KernelValues] {
    const asked = given("name", name, optional(text));
    const held = guarded(() => this.native.get());
    const own = held.find(({ name: entry }) => entry === asked);
    if (own !== undefined) return decodeValue(own) as KernelValues[keyof KernelValues];
    const known = decode(held) as unknown as KernelStatus;
    const [node_models = [], synapse_models = []] = guarded(() => this.native.modelNames());
    const tics_per_step = Math.round(known.resolution * constants.tics_per_ms);
    const status: KernelValues = {
      ...known,
      local_spike_counter: guarded(() => this.native.spikesOfLastRun()),
      prepared: this.#prepared,
      ...withoutEffect,
      ...this.#kept,
      ...constants,
      mpi_rank: this.Rank(),
      num_processes: this.NumProcesses(),
      tics_per_step,
      node_models: node_models.toSorted(),
      synapse_models: synapse_models.toSorted(),
    };
    if (asked === undefined) return status;
    if (!Object.hasOwn(status, asked)) {
      const names = Object.keys(status);
      refuse("name", asked, `one of ${names.join(", ")}${meant(asked, names)}`, {
        code: "ValueError",
        message: "there is no such kernel parameter",
      });
    }
    return status[asked as keyof KernelValues];
  }

  /** Kernel values: all of them, one, or several in the order of their names. */
  GetKernelStatus(): KernelValues;
  GetKernelStatus<N extends string>(name: OneOf<N, keyof KernelValues>): ValueNamed<KernelValues, N>;
  GetKernelStatus<N extends string>(
    names: readonly OneOf<N, keyof KernelValues>[],
  ): ValueNamed<KernelValues, N>[];
  GetKernelStatus(names?: string | readonly string[]): unknown {
    const name = either(Array.isArray, list(text, "names"), optional(text));
    const asked = given("name", names as unknown, name);
    if (typeof asked === "object") return asked.map((each) => this.get(each));
    return asked === undefined ? this.get() : this.get(asked);
  }

  /** Prints the nodes: ids from and to, and the model of each run of nodes of one model. */
  PrintNodes(): void {
    const runs: { first: number; last: number; model: string }[] = [];
    for (let id = 1; id <= guarded(() => this.native.nodeCount()); id++) {
      const model = guarded(() => this.native.modelOf(id));
      const run = runs.at(-1);
      if (run?.model === model) run.last = id;
      else runs.push({ first: id, last: id, model });
    }
    console.log(
      runs
        .map(({ first, last, model }) => `${first === last ? first : `${first} .. ${last}`} ${model}`)
        .join("\n"),
    );
  }

  /** The process among those that share the neurons; 0 where a kernel has all of them. */
  Rank(): number {
    return this.#sharing?.rank ?? 0;
  }

  /** How many processes share the neurons; 1 where a kernel has all of them. */
  NumProcesses(): number {
    return this.#sharing?.size ?? 1;
  }

  /** Waits for the other processes: for none. Ranks wait for each other as they simulate (`world.barrier()`). */
  SyncProcesses(): void {}

  /** The virtual processes of this process: all of them. */
  GetLocalVPs(): number[] {
    return Array.from({ length: this.get("total_num_virtual_procs") }, (_, place) => place);
  }

  /** The nodes of a collection that are in this process: all of them, unless ranks share the neurons. */
  GetLocalNodeCollection<C extends NodeCollection>(nodes: C): C {
    const all = this.#collection("nodes", nodes);
    if (this.#sharing === undefined) return all;
    const held = guarded(() => this.native.heldNodes(all.ids));
    return new NodeCollection(this, held, unchecked) as C;
  }

  /** How much NEST would say, as `set_verbosity` or `set({ verbosity })` left it. */
  get_verbosity(): VerbosityLevel {
    return this.get("verbosity");
  }

  /** Sets how much NEST would say: accepted, and without effect. */
  set_verbosity(level: VerbosityLevel): void {
    this.set({ verbosity: level });
  }

  /** Gets ready for {@link Kernel.Run}; until {@link Kernel.Cleanup} nothing else simulates. */
  Prepare(): void {
    this.#refuseAtWork();
    if (this.#prepared) this.#refuseOrder("Prepare was called twice", "Cleanup in between");
    this.#prepared = true;
  }

  /** Simulates `ms` milliseconds between {@link Kernel.Prepare} and {@link Kernel.Cleanup}. */
  Run(ms: number): void {
    if (!this.#prepared) this.#refuseOrder("Run was called without Prepare", "Prepare before it");
    this.#prepared = false;
    try {
      this.Simulate(ms);
    } finally {
      this.#prepared = true;
    }
  }

  /** Ends what {@link Kernel.Prepare} began. */
  Cleanup(): void {
    this.#refuseAtWork();
    if (!this.#prepared) this.#refuseOrder("Cleanup was called without Prepare", "Prepare before it");
    this.#prepared = false;
  }

  /** Refuses a call while the kernel simulates on another thread, as the engine does. */
  #refuseAtWork(): void {
    if (this.#work !== undefined)
      this.#refuseOrder("the kernel is at work", "its simulation to settle first");
  }

  #refuseOrder(message: string, bound: string): never {
    throw nestError({ code: "KernelException", message, bound });
  }

  /**
   * Creates `n` nodes of a model.
   *
   * @param n Number of nodes; one if left out. As in NEST, the parameters of one node may come in its place.
   * @param params The same for all nodes (a list for a scalar gives one value each), or a dictionary per node.
   */
  Create<N extends string, C extends number | object | undefined = undefined>(
    model: AnyText<N>,
    n?: C,
    params?: object | null,
  ): NodeCollection<NodeModelName, IsOne<C>>;
  Create<M extends NodeModelName, C extends number | undefined = undefined>(
    model: M | CopiedModel<M>,
    n?: C,
    params?: null,
  ): NodeCollection<M, IsOne<C>>;
  Create<
    M extends NodeModelName,
    const P extends GivenParams<M>,
    Q = P,
    C extends number | undefined = number | undefined,
  >(
    model: M | CopiedModel<M>,
    n: C,
    params: P & Uninferred<CheckedParams<Q, M>>,
  ): NodeCollection<M, IsOne<C>>;
  Create<M extends NodeModelName, const P extends Loose<OneOfSeveral<M>>, Q = P>(
    model: M | CopiedModel<M>,
    params: P & Uninferred<Accepted<Q, OneOfSeveral<M>>>,
  ): NodeCollection<M, true>;
  Create(
    model: string,
    second?: unknown,
    third?: unknown,
    positions?: unknown,
  ): NodeCollection<never, never> {
    const name = given("model", model, text);
    const count = given("n", second, numberOrParameters);
    if (typeof count !== "number" && third !== undefined && third !== null) {
      refuse("params", third, "left out, where parameters come in place of n", {
        code: "ValueError",
        message: "parameters are given twice",
      });
    }
    if (positions !== undefined && positions !== null) {
      refuse("positions", positions, "left out", {
        code: "NotImplemented",
        message: "nodes have no positions",
      });
    }
    const [n, params] = typeof count === "number" ? [count, third] : [1, count];
    const encoded = this.#params(params);
    const ids = roomForIds(n);
    const first = changing(() => this.native.create(name, n, ...encoded));
    this.#noteFiles(encoded);
    for (let place = 0; place < ids.length; place++) ids[place] = first + place;
    return new NodeCollection(this, ids, unchecked);
  }

  /** Parameters of nodes for the engine: one dictionary for all, or one each. */
  #params(params: unknown): NativeParams {
    if (params === undefined || params === null) return [null, null];
    const one = entries(this);
    return given("params", params, {
      allowed: paramsAllowed,
      read(value, at): NativeParams {
        // A list of one dictionary is for all nodes, as in NEST.
        if (Array.isArray(value) && value.length === 1) return [one.read(value[0], `${at}[0]`), null];
        if (Array.isArray(value)) return [null, list(one, paramsAllowed).read(value, at)];
        return [isDictionary(value) ? one.read(value, at) : refuse(at, value, paramsAllowed), null];
      },
    });
  }

  /** All nodes, or those of a model. */
  GetNodes<N extends string = NodeModelName>(
    model?: ModelName<N, NodeModelName>,
  ): NodeCollection<ModelOf<N, NodeModelName>>;
  /** Nodes with these values, by name: `{ model: "eprop_iaf", tau_m: 20 }`. Those that lack one of them are left out. */
  GetNodes<N extends string = NodeModelName>(
    of: { readonly model?: ModelName<N, NodeModelName> } & Readonly<Record<string, unknown>>,
  ): NodeCollection<ModelOf<N, NodeModelName>>;
  GetNodes(of?: unknown): NodeCollection<never> {
    const asked = given("model", of, optional(modelOrValues));
    const { model, ...values } = typeof asked === "object" ? asked : { model: asked };
    const name = given("model", model, optional(text));
    return guarded(() => {
      const all = Uint32Array.from({ length: this.native.nodeCount() }, (_, place) => place + 1);
      const ids = all.filter((id) => {
        if (name !== undefined && this.native.modelOf(id) !== name) return false;
        if (Object.keys(values).length === 0) return true;
        const held = new NodeCollection(this, Uint32Array.of(id), unchecked).get();
        return Object.entries(values).every(([key, value]) => held[key] === value);
      });
      return new NodeCollection<never>(this, ids, unchecked);
    });
  }

  /** Sets parameters of nodes, or values of connections: a dictionary, one for each, or a name and its value. */
  SetStatus(
    connections: SynapseCollection,
    values: ConnectionParams<number | NumberList> | readonly ConnectionParams[],
  ): void;
  SetStatus<N extends string>(
    connections: SynapseCollection,
    name: OneOf<N, keyof ConnectionParams>,
    value: ValueNamed<ConnectionParams<number | NumberList>, N>,
  ): void;
  SetStatus<M extends NodeModelName, N extends string>(
    nodes: NodeCollection<M>,
    name: OneOf<N, Keys<NodeParams[M]>>,
    value: ValueNamed<NodeParams[M], N>,
  ): void;
  SetStatus<M extends NodeModelName, const P extends GivenParams<M>, Q = P>(
    nodes: NodeCollection<M>,
    params: P & Uninferred<CheckedParams<Q, M>>,
  ): void;
  SetStatus(of: NodeCollection | SynapseCollection, params: unknown, value?: unknown): void {
    const values = namedValue("params", params, value);
    const found = this.#nodesOrConnections(of);
    if (found instanceof SynapseCollection) found.set(values as ConnectionParams);
    else this.setNodes(found, values);
  }

  /**
   * Values of nodes or connections, one by one: an entry for each, also for a single one. A name gives the value of
   * each, several names a list of values of each, and none all values by name.
   */
  GetStatus<C extends NodeCollection | SynapseCollection>(of: C): StatusOf<C>[];
  GetStatus<
    C extends NodeCollection | SynapseCollection,
    const G extends string | readonly [] | readonly string[],
  >(of: C, names: AcceptedNames<G, StatusName<C>>): StatusShown<C, G>[];
  GetStatus(of: NodeCollection | SynapseCollection, names?: string | readonly string[]): unknown {
    const wanted = either(Array.isArray, list(text, "names"), optional(text));
    const asked = given("names", names as unknown, wanted);
    const found = this.#nodesOrConnections(of);
    if (typeof asked === "string") return statusOf(found, [asked]).map((row) => row[asked]);
    const rows = statusOf(found, asked);
    return asked === undefined ? rows : rows.map((row) => asked.map((name) => row[name]));
  }

  /** Nodes or connections of this kernel. */
  #nodesOrConnections(of: NodeCollection | SynapseCollection): NodeCollection | SynapseCollection {
    if (!given("nodes", of, areConnections)) return this.#collection("nodes", of as NodeCollection);
    const connections = of as SynapseCollection;
    if (connections.isOf(this)) return connections;
    return refuse("connections", connections, "connections of this kernel", {
      code: "ValueError",
      message: "the connections belong to another kernel",
    });
  }

  /** A collection of this kernel's nodes. */
  #collection<C extends NodeCollection>(at: string, nodes: C): C {
    given(at, nodes, instance(NodeCollection, "a NodeCollection"))[idsFor](this, at);
    return nodes;
  }

  /** The path of a recorder's file, where it records to one. */
  fileOf(recorder: NodeCollection): string | undefined {
    this.#recorder(recorder);
    return recorder.get("record_to") === "ascii" ? this.#files?.path(recorder) : undefined;
  }

  /** Looks for recorders with files from now on if parameters ask for one. */
  #noteFiles([shared, perNode]: NativeParams): void {
    if (shared?.some(asksForFile) || perNode?.some((values) => values.some(asksForFile))) {
      this.#files ??= new AsciiBackend(this);
    }
  }

  /** @internal */
  setNodes(nodes: NodeCollection, params: unknown): void {
    const { ids } = this.#collection("nodes", nodes);
    if (params === undefined || params === null) refuse("params", params, paramsAllowed);
    const encoded = this.#params(params);
    changing(() => this.native.setNodes(ids, ...encoded));
    this.#noteFiles(encoded);
  }

  /** Sets defaults of a node or synapse model; the learning rate is one. */
  SetDefaults<N extends string>(model: AnyText<N>, values: object): void;
  /** Sets one of them. */
  SetDefaults<N extends string, K extends string>(
    model: ModelName<N, AnyModelName>,
    name: OneOf<K, Keys<DefaultsOf<ModelOf<N, AnyModelName>>>>,
    value: ValueNamed<DefaultsOf<ModelOf<N, AnyModelName>>, K>,
  ): void;
  SetDefaults<M extends AnyModelName, const P extends Loose<DefaultsOf<M>>, Q = P>(
    model: M | CopiedModel<M>,
    values: P & Uninferred<Accepted<Q, DefaultsOf<M>>>,
  ): void;
  SetDefaults(model: string, values: unknown, value?: unknown): void {
    const name = given("model", model, text);
    const encoded = given("values", namedValue("values", values, value), entries(this));
    changing(() => this.native.setDefaults(name, encoded));
    this.#noteFiles([encoded, null]);
  }

  /** Defaults of a node or synapse model. */
  GetDefaults<N extends string>(model: ModelName<N, AnyModelName>): DefaultsNamed<N>;
  /** Some of them: the one of a name, or a list of those of several. */
  GetDefaults<N extends string, const G extends string | readonly [] | readonly string[]>(
    model: ModelName<N, AnyModelName>,
    keys: AcceptedNames<G, DefaultName<N>>,
  ): DefaultsShown<N, G>;
  GetDefaults(model: string, keys?: string | readonly string[]): unknown {
    const asked = given("keys", keys as unknown, either(Array.isArray, list(text, "names"), optional(text)));
    const values = this.#defaults(given("model", model, text));
    const one = (name: string) =>
      Object.hasOwn(values, name) ? values[name] : refuseName(name, Object.keys(values), [model]);
    if (asked === undefined) return values;
    return typeof asked === "object" ? asked.map(one) : one(asked);
  }

  #defaults(name: string): { [name: string]: Decoded } {
    const values = decode(guarded(() => this.native.getDefaults(name)));
    const [, synapses = []] = guarded(() => this.native.modelNames());
    if (!synapses.includes(name)) {
      return nodeDefaults(name, values);
    }
    const num_connections = new SynapseCollection(
      this,
      guarded(() => this.native.getConnections(null, null, name)),
    ).length;
    return { ...values, ...shownOfSynapses(name, num_connections) };
  }

  /** Copies a model under a new name, with other defaults. Returns the name as what other calls take. */
  CopyModel<N extends string>(existing: AnyText<N>, copy: string, values?: object): string;
  CopyModel<M extends AnyModelName>(
    existing: M | CopiedModel<M>,
    copy: string,
    values?: undefined,
  ): CopiedModel<M>;
  CopyModel<M extends AnyModelName, const P extends Loose<DefaultsOf<M>>, Q = P>(
    existing: M | CopiedModel<M>,
    copy: string,
    values: P & Uninferred<Accepted<Q, DefaultsOf<M>>>,
  ): CopiedModel<M>;
  CopyModel(existing: string, copy: string, values?: unknown): CopiedModel<never> {
    const [name, newName] = [given("existing", existing, text), given("copy", copy, text)];
    const encoded = values === undefined ? [] : given("values", values, entries(this));
    guarded(() => this.native.copyModel(name, newName, encoded));
    this.#noteFiles([encoded, null]);
    return newName as CopiedModel<never>;
  }

  /**
   * Connects nodes: collections by a rule, or arrays of ids pair by pair (`one_to_one`).
   *
   * @param rule The rule; `all_to_all` if left out.
   * @param synapse The synapses; `static_synapse` if left out. `CollocatedSynapses(…)` gives each pair several.
   */
  Connect(sources: NodeReference, targets: NodeReference, rule?: undefined, synapse?: undefined): void;
  Connect<const R extends GivenRule>(
    sources: NodeReference,
    targets: NodeReference,
    rule: R & CheckedRule<R>,
    synapse?: undefined,
  ): void;
  Connect<const S extends GivenSynapse>(
    sources: NodeReference,
    targets: NodeReference,
    rule: undefined,
    synapse: S & CheckedSynapse<S, "all_to_all">,
  ): void;
  Connect<const R extends GivenRule>(
    sources: NodeReference,
    targets: NodeReference,
    rule: (R & CheckedRule<R>) | undefined,
    synapse: Collocated,
  ): void;
  Connect<const R extends GivenRule, const S extends GivenSynapse>(
    sources: NodeReference,
    targets: NodeReference,
    rule: R & CheckedRule<R>,
    synapse: S & CheckedSynapse<S, R>,
  ): void;
  Connect(sources: unknown, targets: unknown, rule?: unknown, synapse?: unknown): void {
    const [from, to] = [
      this.#nodeIds("sources", sources as NodeReference),
      this.#nodeIds("targets", targets),
    ];
    const nameOrEntries = (at: string, value: unknown, key: string): Entry[] => {
      if (value === undefined) return [];
      if (typeof value === "string") return [{ name: key, text: given(at, value, text) }];
      const allowed = "a name or a dictionary";
      return given(at, value, {
        allowed,
        read: (dict, where) =>
          isDictionary(dict) ? entries(this).read(dict, where) : refuse(where, dict, allowed),
      });
    };
    const conn = nameOrEntries("rule", rule, "rule");
    if (isCollocated(synapse)) {
      const each = synapse.synapses.map((one) => nameOrEntries("synapse", one, "synapse_model"));
      guarded(() => this.native.connectCollocated(from, to, conn, each));
      return;
    }
    const syn = nameOrEntries("synapse", synapse, "synapse_model");
    const pairs = !(sources instanceof NodeCollection) && !(targets instanceof NodeCollection);
    if (pairs && conn.some((entry) => entry.name === "rule" && entry.text === "one_to_one")) {
      guarded(() => this.native.connectPairs(from, to, syn));
    } else {
      guarded(() => this.native.connect(from, to, conn, syn));
    }
  }

  /** Ids of nodes of this kernel. */
  #nodeIds(parameter: string, nodes: unknown): Uint32Array {
    const allowed = "a NodeCollection, a list of ids or an id";
    return given(parameter, nodes, {
      allowed,
      read: (value, at) => {
        if (value instanceof NodeCollection) return value[idsFor](this, at);
        if (typeof value !== "number" && !ArrayBuffer.isView(value) && !Array.isArray(value)) {
          refuse(at, value, allowed);
        }
        return nodeIdList.read(typeof value === "number" ? [value] : value, at);
      },
    });
  }

  /** Finds connections; weights are always current. */
  GetConnections<N extends string>(
    source?: NodeReference | null,
    target?: NodeReference | null,
    synapse_model?: ModelName<N, SynapseModelName>,
  ): SynapseCollection<ModelOf<N, SynapseModelName>> {
    const ids = (at: string, nodes: unknown) =>
      nodes === undefined || nodes === null ? null : this.#nodeIds(at, nodes);
    const [from, to] = [ids("source", source), ids("target", target)];
    const model = given("synapse_model", synapse_model, optional(text)) ?? null;
    return new SynapseCollection<never>(
      this,
      guarded(() => this.native.getConnections(from, to, model)),
    );
  }

  /**
   * Takes a connection of each pair of nodes away: pairs node by node (`one_to_one`) or all (`all_to_all`). Of several
   * connections of a pair it is the oldest, and none is taken away where one of the pairs has none. Possible until the
   * network is simulated.
   *
   * @param rule `one_to_one` if left out, as in NEST.
   * @param synapse The synapse model; `static_synapse` if left out.
   */
  Disconnect(
    sources: NodeReference,
    targets: NodeReference,
    rule?: "one_to_one" | "all_to_all" | { rule: string },
    synapse?: string | { synapse_model?: string },
  ): void;
  /** Takes these connections away. */
  Disconnect(connections: SynapseCollection): void;
  Disconnect(
    sources: NodeReference | SynapseCollection,
    targets?: NodeReference,
    rule?: unknown,
    synapse?: unknown,
  ): void {
    if (given("sources", sources, areConnections)) {
      (sources as SynapseCollection).disconnect();
      return;
    }
    // Where ranks share neurons, that is refused, whoever has the connections.
    if (this.#sharing !== undefined) this.takeAway(new Uint32Array(), new BigInt64Array());
    const [from, to] = [
      this.#nodeIds("sources", sources),
      this.#nodeIds("targets", targets as NodeReference),
    ];
    const rules = oneOf("one_to_one", "all_to_all");
    const wanted = given("rule", named("rule", rule, "rule") ?? "one_to_one", rules);
    const model = given("synapse", named("synapse", synapse, "synapse_model") ?? "static_synapse", text);
    if (wanted === "one_to_one" && from.length !== to.length) {
      refuse("targets", to, `as many as sources: ${from.length}`, {
        code: "DimensionMismatch",
        message: "source and target population must be of the same size",
      });
    }
    const all = new SynapseCollection(
      this,
      guarded(() => this.native.getConnections(from, to, model)),
    );
    all.pick(all.oldestOf(from, to, wanted === "one_to_one", model)).disconnect();
  }

  /** @internal Takes connections away. */
  takeAway(projection: Uint32Array, entry: BigInt64Array): void {
    guarded(() => this.native.disconnect(projection, entry));
    this.#disconnections += 1;
  }

  /** @internal How often connections have been taken away. */
  get disconnections(): number {
    return this.#disconnections;
  }

  /** Simulates `ms` milliseconds; blocks until done. */
  Simulate(ms: number): void {
    const time = given("ms", ms, number());
    if (this.#prepared) this.#refuseOrder("Simulate was called after Prepare", "Run, or Cleanup before it");
    this.#files?.prepare();
    guarded(() => this.native.simulate(time));
    this.#files?.write();
  }

  /**
   * Simulates `ms` milliseconds on another thread. Until it settles, this kernel takes no other call.
   *
   * After an abort the kernel stands at the time that it reached, with everything recorded until then, and can be used
   * again: what follows has the same bits as if there had been no abort.
   *
   * Of several ranks, all call this, and the signal of one stops all of them at the same time; what has been simulated to
   * its end on all ranks is not rejected.
   *
   * @throws The signal's reason once the signal is aborted; otherwise {@link NESTError}.
   */
  async SimulateAsync(ms: number, options?: SimulateOptions): Promise<void> {
    const time = given("ms", ms, number());
    const { signal, onProgress } = (given("options", options, simulateOptions) ?? {}) as SimulateOptions;
    // Ranks stop together, where they all come to: others wait for one that would not come.
    const throwIfAborted = () => {
      if (!this.#isOfSeveralRanks) signal?.throwIfAborted();
    };
    throwIfAborted();
    if (this.#closing) this.#refuseClosed();
    if (this.#prepared)
      this.#refuseOrder("SimulateAsync was called after Prepare", "Run, or Cleanup before it");
    this.#files?.prepare();
    const cancel = () => this.native.cancel();
    const resolution = onProgress === undefined ? 1 : this.get("resolution");
    // Only what can be stopped is begun.
    signal?.addEventListener("abort", cancel, { once: true });
    let simulation: Promise<void> | undefined;
    let progress: ProgressReports | undefined;
    try {
      simulation = guarded(() => this.native.simulateAsync(time));
      this.#work = simulation;
      if (signal?.aborted) cancel();
      if (onProgress !== undefined) {
        progress = new ProgressReports(onProgress, this.#progressClock, {
          total: Math.round(time / resolution),
          done: () => this.native.stepsDone(),
          cancel,
        });
      }
      await simulation;
      await progress?.end();
    } catch (error) {
      const known = fromNative(error);
      if (!(known instanceof NESTErrors.Aborted)) throw known;
      signal?.throwIfAborted();
      progress?.throwIfFailed();
      throw known;
    } finally {
      if (this.#work === simulation) this.#work = undefined;
      progress?.stop();
      signal?.removeEventListener("abort", cancel);
      this.#files?.write();
    }
    throwIfAborted();
    progress?.throwIfFailed();
  }

  /** A copy of what a recorder holds. */
  events<M extends NodeModelName>(recorder: NodeCollection<M>): EventsOf<M>;
  events(recorder: NodeCollection): EventColumns {
    return columns(
      recorder,
      guarded(() => this.native.events(this.#recorder(recorder))),
    );
  }

  /** Moves out what a recorder holds; it is empty afterwards. */
  takeEvents<M extends NodeModelName>(recorder: NodeCollection<M>): EventsOf<M>;
  takeEvents(recorder: NodeCollection): EventColumns {
    return columns(
      recorder,
      guarded(() => this.native.takeEvents(this.#recorder(recorder))),
    );
  }

  /** @internal As `takeEvents`, for a file: `n_events` goes on counting them. */
  writeEvents(recorder: NodeCollection): EventColumns {
    return columns(
      recorder,
      guarded(() => this.native.writeEvents(this.#recorder(recorder))),
    );
  }

  /** @internal As `takeEvents`; many are moved out on another thread. Until they are, this kernel takes no other call. */
  async takeEventsAsync(recorder: NodeCollection): Promise<EventColumns> {
    const node = this.#recorder(recorder);
    if (guarded(() => this.native.eventCount(node)) < eventsAtOnce) return this.takeEvents(recorder);
    return columns(recorder, await this.#offThread(() => this.native.takeEventsAsync(node)));
  }

  /**
   * @internal As `takeEventsAsync`, of a multimeter and without times and senders: values in the order of time and,
   * within a step, of nodes.
   */
  async takeValuesAsync(recorder: NodeCollection): Promise<{ readonly [recordable: string]: Float64Array }> {
    const { times: _times, senders: _senders, ...values } = await this.takeEventsAsync(recorder);
    return values as { readonly [recordable: string]: Float64Array };
  }

  #recorder(recorder: NodeCollection): number {
    const { ids } = this.#collection("recorder", recorder);
    if (ids.length !== 1) {
      refuse("recorder", recorder, "one node", {
        code: "ValueError",
        message: `events are read from one recorder at a time, and there are ${ids.length} nodes`,
      });
    }
    return ids[0] as number;
  }

  /** Lets another thread do something with the kernel, which `close` waits for. */
  async #offThread<T>(begin: () => Promise<T>): Promise<T> {
    if (this.#closing) this.#refuseClosed();
    const work = guardedAsync(begin);
    this.#work = work;
    try {
      return await work;
    } finally {
      this.#work = undefined;
    }
  }

  /**
   * Memory that a simulation of the network takes, before it runs, with what was recorded so far.
   *
   * @param ms How long it is going to be: with it, what recorders will add is counted, too. Multimeters are known
   *   exactly; neurons are taken to fire as often as they have so far or else as they should (`f_target`).
   */
  memory(ms?: number): MemoryEstimate {
    const time = given("ms", ms, optional(number())) ?? 0;
    const parts = Object.fromEntries(
      guarded(() => this.native.memory(time)).map(({ name, bytes }) => [name, bytes]),
    );
    return { total: Object.values(parts).reduce((sum, bytes) => sum + bytes, 0), parts };
  }

  /** @internal Everything there is: description, state and recordings. */
  state(): NativeState {
    return guarded(() => this.native.state());
  }

  /** @internal As `state`, taken on another thread. Until it is, this kernel takes no other call. */
  async stateAsync(): Promise<NativeState> {
    return this.#offThread(() => this.native.stateAsync());
  }

  /** @internal Becomes the kernel that the state was taken from. */
  restore(state: NativeState): void {
    guarded(() => this.native.restore(state));
  }

  /** @internal As `restore`, on another thread. Until then this kernel takes no other call. */
  async restoreAsync(state: NativeState): Promise<void> {
    await this.#offThread(() => this.native.restoreAsync(state));
  }

  /**
   * Saves everything: nodes, connections, settings, the state of the simulation and what was recorded. A kernel loaded
   * from the file goes on as this one does, to the bit. The file is written whole or not at all. Ranks that share neurons
   * all call it: each writes a file of its own, or rank 0 one of the whole network (`gather`).
   *
   * @throws {@link NESTError} where the network could not be simulated, or the file cannot be written. With `gather` at all
   *   ranks, where it is so at one.
   */
  async save(path: string, options?: SaveOptions): Promise<void> {
    const file = given("path", path, filePath);
    const { gather = false } = given("options", options, saveOptions) ?? {};
    const { writeState } = await import("../files/state-file.js");
    const world = this.#world;
    if (!gather || world === undefined) {
      if (this.#sharing !== undefined) await this.#refuseSameFile(this.#sharing, file);
      await writeState(file, "kernel", this.state());
      return;
    }
    const state = await this.#offThread(() => this.native.gatheredStateAsync());
    await atFirst(world, "Kernel.save", async () => {
      if (state !== null) await writeState(file, "kernel", state);
    });
  }

  /** Refuses one file for the parts of several ranks, which would write over each other. */
  async #refuseSameFile(world: World, file: string): Promise<void> {
    const all = await world.exchange("Kernel.save", `${world.host}:${resolve(file)}`);
    const other = all.findIndex((path, rank) => all.indexOf(path) !== rank);
    if (other < 0) return;
    refuse("path", file, "a file of its own for each rank (`state-${world.rank}`), or { gather: true }", {
      code: "ValueError",
      message: `rank ${other} and another rank would write their parts of the network to the same file`,
    });
  }

  /**
   * A kernel from a file that {@link Kernel.save} wrote. Ranks that share neurons load it together: each its part of a file
   * of the whole network, which rank 0 reads, or each the file that it has written, with the same options.
   *
   * @throws {@link NESTError} that says what is wrong with the file; of ranks that share neurons at all, where it is so at
   *   one.
   */
  static async load(path: string, options?: KernelOptions): Promise<Kernel> {
    const file = given("path", path, filePath);
    const kernel = new Kernel(options);
    await kernel.#load(file);
    return kernel;
  }

  async #load(file: string): Promise<void> {
    const { readState } = await import("../files/state-file.js");
    const read = async () => (await readState(file, ["kernel"])).state;
    const world = this.#sharing;
    if (world === undefined || world.size === 1) {
      await this.restoreAsync(await read());
      return;
    }
    let state: NativeState | undefined;
    const isPart = await atFirst(world, "Kernel.load", async () => {
      state = await read();
      return state.arrays.some(({ name }) => name === "network.share.ranks");
    });
    if (isPart) {
      await atAll(world, "Kernel.load", async () => this.restoreAsync(state ?? (await read())));
      return;
    }
    await world.same("path", file);
    await this.#offThread(() => this.native.restorePartAsync(state));
  }

  /** Norm of the gradient at the last update of weights. */
  gradientNorm(): number {
    return guarded(() => this.native.gradientNorm());
  }

  /** Norm of the gradient at each update of weights since the last call; moved out. Of weights that change once an interval. */
  takeGradientNorms(): Float64Array {
    return guarded(() => this.native.takeGradientNorms());
  }

  /** Spikes of recurrent neurons so far, counted at the end of each update interval. */
  spikeCount(): number {
    return guarded(() => this.native.spikeCount());
  }

  /** Spikes of recurrent neurons in each update interval that has ended since the last call; moved out. */
  takeIntervalSpikes(): Float64Array {
    return guarded(() => this.native.takeIntervalSpikes());
  }

  /**
   * Has generators send spikes after those that they have been given and not yet sent, as `spike_times` that are added:
   * all at once, and without a list of times for each.
   *
   * @param begin Step that is counted from.
   * @param spikes Places `step * generators.length + generator`, ascending; repeats are several spikes at once. They are
   *   emitted at the time of their step, which must lie after the present.
   */
  extendSpikes(generators: NodeCollection, begin: number, spikes: Uint32Array): void {
    const { ids } = this.#collection("generators", generators);
    const from = given("begin", begin, whole(0));
    const places = given("spikes", spikes, instance(Uint32Array, "a Uint32Array"));
    guarded(() => this.native.extendSpikes(ids, from, places));
  }

  /**
   * Has the amplitudes of generators (`amplitude_times` and `amplitude_values`) change after the changes that they have been
   * given and not yet made.
   *
   * @param begin Step that is counted from.
   * @param changes Those of each generator; steps must lie after the present.
   */
  extendAmplitudes(generators: NodeCollection, begin: number, changes: readonly AmplitudeChanges[]): void {
    const { ids } = this.#collection("generators", generators);
    const from = given("begin", begin, whole(0));
    const all = given("changes", changes, amplitudeChanges);
    guarded(() =>
      this.native.extendAmplitudes(
        ids,
        from,
        all.map(({ steps }) => steps),
        all.map(({ values }) => values),
      ),
    );
  }

  /**
   * Has the learning rates that synapse models have now count as set. A synapse's first call of its optimizer uses the
   * first rate that was ever set, and to set the rate that there is sets nothing, as in NEST.
   *
   * @internal
   */
  holdLearningRates(): void {
    guarded(() => this.native.holdLearningRates());
  }

  /**
   * Has the losses of sequences summed of what a multimeter records of readouts (`readout_signal` and `target_signal`),
   * from its first sample on, in place of keeping it. {@link takeLosses} hands them out.
   */
  evaluate(recorder: NodeCollection, sequences: EvaluatedSequences): void {
    const place = this.#recorder(recorder);
    const { steps, learningWindow, batchSize } = given("sequences", sequences, evaluatedSequences);
    guarded(() => this.native.evaluate(place, steps, learningWindow, batchSize));
  }

  /**
   * What came of sequences that are over since the last call, moved out. For each batch: the loss, the share of sequences
   * whose largest mean readout signal is another than that of the largest mean target, and the loss of each readout.
   */
  takeLosses(recorder: NodeCollection): Float64Array {
    const place = this.#recorder(recorder);
    return guarded(() => this.native.takeLosses(place));
  }

  /**
   * Stops what is being simulated and gives the memory back. Every later call is refused; closing again does nothing.
   *
   * A kernel that nobody holds any more is closed by the garbage collector; this does it at once.
   */
  async close(): Promise<void> {
    this.#closing = true;
    // Nothing more is begun. What others still do about this work, such as a report of its progress, does not matter.
    if (this.#work !== undefined) {
      this.native.cancel();
      await this.#work.catch(() => undefined);
    }
    guarded(() => this.native.close());
  }

  /** As {@link close}; what is being simulated is stopped, and not waited for. */
  [Symbol.dispose](): void {
    this.close().catch(() => undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #refuseClosed(): never {
    throw nestError({ code: "KernelException", message: "this kernel is closed" });
  }
}

// Tests and events call these two with what they have to say.
limitMethods(Kernel, "", ["ResetKernel", "close"]);

/** Names of a kernel's methods. */
const methodNames = Object.entries(Object.getOwnPropertyDescriptors(Kernel.prototype))
  .filter(([name, { value }]) => name !== "constructor" && typeof value === "function")
  .map(([name]) => name as keyof Kernel);

/** Events by column. Where times are steps, NEST says besides how far before the end of its step (ms) each lies: on it. */
function columns(recorder: NodeCollection, events: ReturnType<NativeKernel["events"]>): EventColumns {
  const held = Object.fromEntries(events.map(({ name, floats, ids }) => [name, floats ?? ids]));
  if (recorder.get("time_in_steps") === true) held["offsets"] = new Float64Array(held["times"]?.length ?? 0);
  return held as unknown as EventColumns;
}
