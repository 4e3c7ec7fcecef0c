// Declarations are read by programs whose target has no such library.
/// <reference lib="esnext.disposable" preserve="true" />
import { fromNative, guarded, guardedAsync, nestError, NESTErrors } from "../errors.js";
import { type Entry, NativeKernel, type NativeState } from "../native/index.js";
import { AsciiBackend } from "./ascii-backend.js";
import { type EventColumns, NodeCollection, type NodeModelName, SynapseCollection } from "./collections.js";
import type { KernelParams, KernelStatus, NodeParams, SynapseParams } from "./models.generated.js";
import { type Progress, type ProgressClock, ProgressReports } from "./progress.js";
import type { RandomParameter } from "./random.js";
import type { Matrix, NodeReference, NumberList } from "./types.js";
import { type Decoded, decode, encode } from "./values.js";

/** Name of a synapse model. */
export type SynapseModelName = keyof SynapseParams;

/** Events that are moved out without another thread: a fraction of a millisecond. */
const eventsAtOnce = 10_000;

declare const copyOf: unique symbol;

/** The name of a model that `CopyModel` made, with the name of the built-in model it comes from in its type. */
export type CopiedModel<M extends NodeModelName | SynapseModelName> = string & { readonly [copyOf]: M };

/** Defaults of a model. */
export type DefaultsOf<M extends NodeModelName | SynapseModelName> = M extends NodeModelName
  ? NodeParams[M]
  : M extends SynapseModelName
    ? SynapseParams[M]
    : never;

/** How nodes are connected. */
export type ConnectionRule =
  | { rule?: "all_to_all" | "one_to_one"; allow_autapses?: boolean; allow_multapses?: boolean }
  | { rule: "pairwise_bernoulli"; p: number; allow_autapses?: boolean; allow_multapses?: boolean }
  | { rule: "fixed_indegree"; indegree: number; allow_autapses?: boolean; allow_multapses?: boolean }
  | { rule: "fixed_outdegree"; outdegree: number; allow_autapses?: boolean; allow_multapses?: boolean };

/** What the synapses of a `Connect` call are. */
export interface SynapseSpec {
  /** Name of the synapse model, built-in or copied. */
  synapse_model?: SynapseModelName | CopiedModel<SynapseModelName>;
  /** A number, one per connection (pairs), or a matrix of rows per target and columns per source. */
  weight?: number | NumberList | Matrix | RandomParameter;
  /** Delay (ms). */
  delay?: number | NumberList;
  /** Receptor that is reached. */
  receptor_type?: number;
  /** Time constant of the eligibility trace's filter (ms). */
  tau_m_readout?: number;
}

/** What `SimulateAsync` takes besides the time. */
export interface SimulateOptions {
  /** Stops the simulation: the promise rejects with the signal's reason, what was recorded stays. */
  signal?: AbortSignal;
  /**
   * Told how far the simulation is (steps), at most ten times a second, and not before what it returned last has
   * settled. If it throws or rejects, the simulation stops and rejects with that.
   */
  onProgress?: (progress: Progress) => unknown;
}

/** Memory that a simulation takes (bytes). */
export interface MemoryEstimate {
  total: number;
  parts: { [part: string]: number };
}

/**
 * A network, its state and its recordings. Kernels share nothing; several live in one process, also in worker threads.
 *
 * Method names are NEST's.
 */
export class Kernel {
  /** The engine's side. */
  readonly native: NativeKernel;
  /** Files of recorders, once a recorder was told to write one. */
  #files: AsciiBackend | undefined;
  /** What another thread does with the kernel now. */
  #work: Promise<unknown> | undefined;
  #closing = false;
  readonly #progressClock: ProgressClock = { told: Number.NEGATIVE_INFINITY };

  constructor();
  /** @internal */
  constructor(native: NativeKernel);
  constructor(native = new NativeKernel()) {
    this.native = native;
  }

  /** Forgets all nodes, connections and settings. */
  ResetKernel(): void {
    guarded(() => this.native.reset());
    this.#files = undefined;
  }

  /** Sets kernel parameters. */
  set(values: KernelParams): void {
    guarded(() => this.native.set(encode(values)));
  }

  /** Kernel parameters. */
  get(): KernelStatus;
  /** A kernel parameter. */
  get<N extends keyof KernelStatus>(name: N): KernelStatus[N];
  get(name?: keyof KernelStatus): KernelStatus | KernelStatus[keyof KernelStatus] {
    const status = decode(guarded(() => this.native.get())) as unknown as KernelStatus;
    if (name === undefined) return status;
    if (!(name in status)) {
      throw nestError({
        code: "ValueError",
        message: `there is no kernel parameter ${name}`,
        parameter: name,
        bound: `one of ${Object.keys(status).join(", ")}`,
      });
    }
    return status[name];
  }

  /**
   * Creates `n` nodes of a model.
   *
   * @param params The same for all nodes (a list for a scalar gives one value each), or a dictionary per node.
   */
  Create<M extends NodeModelName>(
    model: M | CopiedModel<M>,
    n = 1,
    params?: NodeParams[M] | readonly NodeParams[M][] | null,
  ): NodeCollection<M> {
    const first = guarded(() => this.native.create(model, n, ...encodeParams(params)));
    this.#noteFiles(params);
    return new NodeCollection(
      this,
      Uint32Array.from({ length: n }, (_, place) => first + place),
    );
  }

  /** All nodes, or those of a model. */
  GetNodes<M extends NodeModelName>(model?: M | CopiedModel<M>): NodeCollection<M> {
    const all = Uint32Array.from({ length: guarded(() => this.native.nodeCount()) }, (_, place) => place + 1);
    const ids = model === undefined ? all : all.filter((id) => this.native.modelOf(id) === model);
    return new NodeCollection(this, ids);
  }

  /** Sets parameters of nodes. */
  SetStatus<M extends NodeModelName>(
    nodes: NodeCollection<M>,
    params: NodeParams[M] | readonly NodeParams[M][],
  ): void {
    nodes.set(params);
  }

  /** A value of each node, or all values. */
  GetStatus(nodes: NodeCollection, name?: string): unknown {
    return name === undefined ? nodes.get() : nodes.get(name);
  }

  /** The path of a recorder's file, where it records to one. */
  fileOf(recorder: NodeCollection): string | undefined {
    return recorder.get("record_to") === "ascii" ? this.#files?.path(recorder) : undefined;
  }

  /** Looks for recorders with files from now on if parameters ask for one. */
  #noteFiles(params: object | readonly object[] | null | undefined): void {
    for (const values of Array.isArray(params) ? params : [params]) {
      if (values && "record_to" in values && values.record_to !== "memory") {
        this.#files ??= new AsciiBackend(this);
      }
    }
  }

  /** @internal */
  setNodes(nodes: NodeCollection, params: object | readonly object[]): void {
    guarded(() => this.native.setNodes(nodes.ids, ...encodeParams(params)));
    this.#noteFiles(params);
  }

  /** Sets defaults of a node or synapse model; the learning rate is one. */
  SetDefaults<M extends NodeModelName | SynapseModelName>(
    model: M | CopiedModel<M>,
    values: DefaultsOf<M>,
  ): void {
    guarded(() => this.native.setDefaults(model, encode(values)));
    this.#noteFiles(values);
  }

  /** Defaults of a node or synapse model. */
  GetDefaults<M extends NodeModelName | SynapseModelName>(
    model: M | CopiedModel<M>,
  ): { [name: string]: Decoded } {
    return decode(guarded(() => this.native.getDefaults(model)));
  }

  /** Copies a model under a new name, with other defaults. Returns the name as what other calls take. */
  CopyModel<M extends NodeModelName | SynapseModelName>(
    existing: M | CopiedModel<M>,
    copy: string,
    values?: DefaultsOf<M>,
  ): CopiedModel<M> {
    guarded(() => this.native.copyModel(existing, copy, encode(values ?? {})));
    return copy as CopiedModel<M>;
  }

  /**
   * Connects nodes: collections by a rule, or arrays of ids pair by pair (`one_to_one`).
   *
   * @param rule The rule; `all_to_all` if left out.
   * @param synapse The synapses; `static_synapse` if left out.
   */
  Connect(
    sources: NodeReference,
    targets: NodeReference,
    rule: ConnectionRule | ConnectionRuleName = { rule: "all_to_all" },
    synapse: SynapseSpec | SynapseModelName = {},
  ): void {
    const conn = typeof rule === "string" ? { rule } : rule;
    const syn = typeof synapse === "string" ? { synapse_model: synapse } : synapse;
    const pairs = !(sources instanceof NodeCollection) && !(targets instanceof NodeCollection);
    if (pairs && conn.rule === "one_to_one") {
      guarded(() => this.native.connectPairs(nodeIds(sources), nodeIds(targets), encode(syn)));
    } else {
      guarded(() => this.native.connect(nodeIds(sources), nodeIds(targets), encode(conn), encode(syn)));
    }
  }

  /** Finds connections; weights are always current. */
  GetConnections(
    source?: NodeReference | null,
    target?: NodeReference | null,
    synapse_model?: SynapseModelName | CopiedModel<SynapseModelName>,
  ): SynapseCollection {
    const table = guarded(() =>
      this.native.getConnections(optionalIds(source), optionalIds(target), synapse_model ?? null),
    );
    return new SynapseCollection(this, table);
  }

  /** Simulates `ms` milliseconds; blocks until done. */
  Simulate(ms: number): void {
    this.#files?.prepare();
    guarded(() => this.native.simulate(ms));
    this.#files?.write();
  }

  /**
   * Simulates `ms` milliseconds on another thread. Until it settles, this kernel takes no other call.
   *
   * After an abort the kernel stands at the time that it reached, with everything recorded until then, and can be used
   * again: what follows has the same bits as if there had been no abort.
   *
   * @throws The signal's reason once the signal is aborted; otherwise {@link NESTError}.
   */
  async SimulateAsync(ms: number, { signal, onProgress }: SimulateOptions = {}): Promise<void> {
    signal?.throwIfAborted();
    if (this.#closing) this.#refuseClosed();
    this.#files?.prepare();
    const cancel = () => this.native.cancel();
    const resolution = onProgress === undefined ? 1 : this.get("resolution");
    const simulation = guarded(() => this.native.simulateAsync(ms));
    this.#work = simulation;
    signal?.addEventListener("abort", cancel, { once: true });
    const progress =
      onProgress &&
      new ProgressReports(onProgress, this.#progressClock, {
        total: Math.round(ms / resolution),
        done: () => this.native.stepsDone(),
        cancel,
      });
    try {
      await simulation;
      await progress?.end();
    } catch (error) {
      const known = fromNative(error);
      if (!(known instanceof NESTErrors.Aborted)) throw known;
      signal?.throwIfAborted();
      progress?.throwIfFailed();
      throw known;
    } finally {
      this.#work = undefined;
      progress?.stop();
      signal?.removeEventListener("abort", cancel);
      this.#files?.write();
    }
    signal?.throwIfAborted();
    progress?.throwIfFailed();
  }

  /** A copy of what a recorder holds. */
  events(recorder: NodeCollection): EventColumns {
    return columns(guarded(() => this.native.events(single(recorder))));
  }

  /** Moves out what a recorder holds; it is empty afterwards. */
  takeEvents(recorder: NodeCollection): EventColumns {
    return columns(guarded(() => this.native.takeEvents(single(recorder))));
  }

  /** @internal As `takeEvents`; many are moved out on another thread. Until they are, this kernel takes no other call. */
  async takeEventsAsync(recorder: NodeCollection): Promise<EventColumns> {
    const node = single(recorder);
    if (guarded(() => this.native.eventCount(node)) < eventsAtOnce) return this.takeEvents(recorder);
    return columns(await this.#offThread(() => this.native.takeEventsAsync(node)));
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

  /** Memory that a simulation of the network takes, before it runs. */
  memory(): MemoryEstimate {
    const parts = Object.fromEntries(
      guarded(() => this.native.memory()).map(({ name, bytes }) => [name, bytes]),
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
   * from the file goes on as this one does, to the bit. The file is written whole or not at all.
   *
   * @throws {@link NESTError} where the network could not be simulated, or the file cannot be written.
   */
  async save(path: string): Promise<void> {
    const { writeState } = await import("../saving/state-file.js");
    await writeState(path, "kernel", this.state());
  }

  /**
   * A kernel from a file that {@link Kernel.save} wrote.
   *
   * @throws {@link NESTError} that says what is wrong with the file.
   */
  static async load(path: string): Promise<Kernel> {
    const { readState } = await import("../saving/state-file.js");
    const kernel = new Kernel();
    await kernel.restoreAsync(await readState(path, ["kernel"]));
    return kernel;
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
   * Stops what is being simulated and gives the memory back. Every later call is refused; closing again does nothing.
   *
   * A kernel that nobody holds any more is closed by the garbage collector; this does it at once.
   */
  async close(): Promise<void> {
    this.#closing = true;
    while (this.#work !== undefined) {
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

/** Name of a connection rule. */
export type ConnectionRuleName = "all_to_all" | "one_to_one";

function encodeParams(
  params: object | readonly object[] | null | undefined,
): [Entry[] | null, Entry[][] | null] {
  if (params === null || params === undefined) return [null, null];
  if (Array.isArray(params)) return [null, params.map((values: object) => encode(values))];
  return [encode(params), null];
}

function optionalIds(nodes?: NodeReference | null): Uint32Array | null {
  return nodes === undefined || nodes === null ? null : nodeIds(nodes);
}

function nodeIds(nodes: NodeReference): Uint32Array {
  if (nodes instanceof NodeCollection) return nodes.ids;
  if (nodes instanceof Uint32Array && !nodes.includes(0)) return nodes;
  const list = typeof nodes === "number" ? [nodes] : [...nodes];
  for (const id of list) {
    if (!Number.isInteger(id) || id < 1 || id > 0xffff_ffff) {
      throw nestError({
        code: "UnknownNode",
        message: `there is no node ${id}`,
        value: String(id),
        bound: "ids from 1 on",
      });
    }
  }
  return Uint32Array.from(list);
}

function single(recorder: NodeCollection): number {
  if (recorder.length !== 1) {
    throw nestError({
      code: "ValueError",
      message: "events are read from one recorder at a time",
      value: `${recorder.length} nodes`,
      bound: "one node",
    });
  }
  return recorder.ids[0] as number;
}

function columns(list: ReturnType<NativeKernel["events"]>): EventColumns {
  return Object.fromEntries(
    list.map(({ name, floats, ids }) => [name, floats ?? ids]),
  ) as unknown as EventColumns;
}
