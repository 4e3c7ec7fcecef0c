import { addTo } from "../core/lists.js";
import {
  type Check,
  either,
  flag,
  given,
  instance,
  list,
  optional,
  refuse,
  refuseName,
  text,
  u32,
  whole,
  wholes,
} from "../core/arguments.js";
import { guarded, NESTErrors } from "../core/errors.js";
import { limitMethods, refuseSurplus } from "../core/surplus.js";
import { type Entry, type NativeConnections, NativeKernel } from "../native/index.js";
import type { AcceptedNames, CheckedParams, GivenParams, OneOf } from "./accepted.js";
import { type Place, each, isOfEvery, ofEveryConnection, valuesOfModel } from "./connection-values.js";
import type { Kernel } from "./kernel.js";
import type { SynapseModelName } from "./kernel-types.js";
import type { NodeParams } from "./models.generated.js";
import { partsOf, valueNames, valuesOf } from "./node-values.js";
import type {
  ConnectionColumn,
  ConnectionsShown,
  ConnectionValueName,
  ConnectionValues,
  EventColumn,
  EventColumns,
  EventsOf,
  NodeValue,
  NodeValueName,
  NodeValues,
  NodesShown,
} from "./shown.js";
import type { NumberList } from "./types.js";
import { type Decoded, decodeValue, entries, idsFor } from "./values.js";

/** Name of a node model. */
export type NodeModelName = keyof NodeParams;

/** The name of a value, or several. */
const names = optional(either((value) => typeof value === "string", text, list(text, "a list of names")));

/** A place from which a part begins or at which it ends; negative ones count from the end. */
const anyPlace = optional(whole());

/** A kernel, which has the engine's; its class depends on the collections'. */
const kernelOfNodes: Check<Kernel> = {
  allowed: "a Kernel",
  read: (value, at) =>
    (value as Partial<Kernel> | null | undefined)?.native instanceof NativeKernel
      ? (value as Kernel)
      : refuse(at, value, "a Kernel"),
};

/** Runs of nodes, and connections, that a text shows. */
const shownRuns = 30;

/** A place in a collection from its beginning on; negative ones count from the end. */
function placeIn(place: number, length: number, of: string): number {
  const asked = given("place", place, whole());
  const at = asked < 0 ? asked + length : asked;
  if (at >= 0 && at < length) return at;
  return refuse("place", place, length === 0 ? "none: it is empty" : `from ${-length} to ${length - 1}`, {
    code: "IndexError",
    message: `the collection has no ${of} at this place`,
  });
}

/** How many places to go on. */
const anyStep = optional(whole(1, u32));

declare const nodesOf: unique symbol;

/** @internal What says that ids of nodes need no check. */
export const unchecked: unique symbol = Symbol("unchecked");

/**
 * Nodes, ordered by id. `M` is the name of their model, where it is known. `One` says whether there is one node, of which
 * {@link NodeCollection.get} gives values themselves: `true`, `false`, or either (`boolean`).
 */
export class NodeCollection<
  M extends NodeModelName = NodeModelName,
  One extends boolean = boolean,
> implements Iterable<number> {
  /** @hidden What a collection is of, for the compiler alone. */
  declare readonly [nodesOf]: readonly [M, One];
  /** The nodes' ids. */
  readonly ids: Uint32Array;
  /** The kernel they live in. */
  readonly kernel: Kernel;
  /** How often the kernel had been reset when they were made. */
  readonly #generation: number;

  /**
   * @param ids Ids of existing nodes, ascending, each once.
   * @throws {@link NESTError} `BadProperty` or `UnknownNode` where they are not.
   */
  constructor(kernel: Kernel, ids: Uint32Array | readonly number[]);
  /** @internal The ids need no check. */
  constructor(kernel: Kernel, ids: Uint32Array, check: typeof unchecked);
  constructor(kernel: Kernel, ids: Uint32Array | readonly number[], ...rest: readonly unknown[]) {
    const known = rest[0] === unchecked;
    if (!known) refuseSurplus("NodeCollection", 2, [kernel, ids, ...rest]);
    this.kernel = known ? kernel : given("kernel", kernel, kernelOfNodes);
    this.ids = known ? (ids as Uint32Array) : existing(this.kernel, given("ids", ids, nodeIdList));
    this.#generation = this.kernel.generation;
    // A parameter is set by `set`; `nodes.tau_m = 20` must not go unheard.
    Object.freeze(this);
  }

  /** @internal The ids for a call of that kernel. */
  [idsFor](kernel: Kernel, at: string): Uint32Array {
    if (this.kernel !== kernel) {
      refuse(at, this, "nodes of this kernel", {
        code: "ValueError",
        message: "the nodes belong to another kernel",
      });
    }
    if (this.#generation !== kernel.generation) {
      refuse(at, this, "nodes made since then", {
        code: "UnknownNode",
        message: "the nodes are gone: the kernel has been reset since they were made",
      });
    }
    return this.ids;
  }

  /** Others of the same kernel; gone where these are. */
  #with<N extends NodeModelName = M, Single extends boolean = boolean>(
    ids: Uint32Array,
  ): NodeCollection<N, Single> {
    this[idsFor](this.kernel, "nodes");
    return new NodeCollection<N, Single>(this.kernel, ids, unchecked);
  }

  /** How many nodes there are. */
  get length(): number {
    return this.ids.length;
  }

  /** The ids, one after the other. */
  [Symbol.iterator](): Iterator<number> {
    return this.ids[Symbol.iterator]();
  }

  /** The node at a place; negative places count from the end. */
  at(place: number): NodeCollection<M, true> {
    const id = this.ids[placeIn(place, this.length, "node")] as number;
    return this.#with(Uint32Array.of(id));
  }

  /** Every `step`-th node from place `begin` to place `end`, the latter excluded; negative places count from the end. */
  slice(begin?: number, end?: number, step?: number): NodeCollection<M> {
    const part = this.ids.slice(given("begin", begin, anyPlace), given("end", end, anyPlace));
    const by = given("step", step, anyStep) ?? 1;
    return this.#with(by === 1 ? part : part.filter((_, at) => at % by === 0));
  }

  /** The nodes at places, in ascending order, or those for which a list has `true`. */
  pick(places: readonly number[] | readonly boolean[]): NodeCollection<M> {
    const ids = this.ids;
    const chosen: boolean[] = given("places", places, {
      allowed: "places, each once and ascending, or a truth value for each node",
      read: (value, at) => {
        if (!Array.isArray(value)) refuse(at, value, "a list");
        if (typeof value[0] !== "boolean") {
          const wanted = new Set(list(whole(-ids.length, ids.length - 1), "places").read(value, at));
          return Array.from(ids, (_, place) => wanted.has(place) || wanted.has(place - ids.length));
        }
        if (value.length !== ids.length)
          refuse(at, value, `${ids.length} truth values`, { code: "IndexError" });
        return list(flag, "truth values").read(value, at);
      },
    });
    return this.#with(ids.filter((_, place) => chosen[place] === true));
  }

  /** Each node as a collection of its own. */
  *nodes(): Generator<NodeCollection<M, true>> {
    for (const id of this.ids) yield this.#with(Uint32Array.of(id));
  }

  /** Whether another collection has the same nodes of the same kernel. */
  equals(other: NodeCollection): boolean {
    const others = given("other", other, instance(NodeCollection, "a NodeCollection"));
    const [ours, theirs] = [this.ids, others.ids];
    const same = this.kernel === others.kernel && this.#generation === others.#generation;
    return same && ours.length === theirs.length && ours.every((id, at) => id === theirs[at]);
  }

  /** The nodes as text: a line for each run of ids with one model. */
  toString(): string {
    if (this.length === 0) return "NodeCollection(<empty>)";
    const runs = partsOf(this.kernel, this[idsFor](this.kernel, "nodes")).flatMap(({ model, ids }) => {
      const begins = [...ids.keys()].filter((at) => at === 0 || ids[at] !== (ids[at - 1] as number) + 1);
      return begins.map((begin, run) => {
        const last = ids[(begins[run + 1] ?? ids.length) - 1] as number;
        return { first: ids[begin] as number, last, model };
      });
    });
    const parts = runs.map(
      ({ first, last, model }) => `model=${model}, size=${last - first + 1}, first=${first}, last=${last}`,
    );
    const more = parts.length > shownRuns ? `; … ${this.length} nodes in all` : "";
    return `NodeCollection(${parts.slice(0, shownRuns).join("; ")}${more})`;
  }

  /** What `console.log` shows. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }

  /** What `JSON.stringify` shows: the ids. */
  toJSON(): number[] {
    return [...this.ids];
  }

  /** These nodes and those of another collection, ordered by id. */
  concat<N extends NodeModelName>(other: NodeCollection<N>): NodeCollection<M | N> {
    const others = given("other", other, instance(NodeCollection, "a NodeCollection"));
    const ids = Uint32Array.from([...this.ids, ...others[idsFor](this.kernel, "other")]).toSorted();
    if (ids.some((id, at) => id === ids[at - 1])) {
      refuse("other", other, "different nodes of one kernel", {
        code: "BadProperty",
        message: "the collections have a node in common",
      });
    }
    return this.#with<M | N>(ids);
  }

  /** Sets parameters: the same for all nodes (a list gives one value each), or a dictionary per node. */
  set<const P extends GivenParams<M>>(params: P & CheckedParams<P, M>): void {
    this.kernel.setNodes(this, params);
  }

  /** All values that one of the nodes has. */
  get<N extends NodeModelName, Single extends boolean>(
    this: NodeCollection<N, Single>,
  ): NodeValues<N, Single>;
  /**
   * A value of each node, `null` of those whose model has no such value; of a single node, the value itself. Several names
   * give a dictionary. `events` alone are those of one recorder: a typed array per column.
   *
   * @param column One of the columns of `events`, as `senders` or `times`.
   */
  get<
    N extends NodeModelName,
    Single extends boolean,
    const G extends string | readonly [] | readonly string[],
    C extends string = never,
  >(
    this: NodeCollection<N, Single>,
    names: AcceptedNames<G, NodeValueName<N>, [Single] extends [false] ? "events" : never>,
    column?: G extends "events" ? OneOf<C, keyof EventsOf<N>> : undefined,
  ): [C] extends [never] ? NodesShown<N, Single, G> : EventColumn<N, C>;
  get(wanted?: string | readonly string[], column?: string): unknown {
    const asked = given("names", wanted, names);
    if (column !== undefined) return this.#eventColumn(asked, given("column", column, text));
    const ids = this[idsFor](this.kernel, "nodes");
    if (typeof asked === "string") return asked === "events" ? this.kernel.events(this) : this.#value(asked);
    if (ids.length === 0 && asked === undefined) return {};
    const all = asked ?? valueNames(this.kernel, ids);
    return Object.fromEntries(all.map((name) => [name, this.#value(name)]));
  }

  #eventColumn(of: string | string[] | undefined, column: string): Float64Array | Uint32Array {
    if (of !== "events") refuse("names", of, '"events", whose columns have names');
    const columns = new Map(Object.entries(this.kernel.events<NodeModelName>(this)));
    const found = columns.get(column);
    return found ?? refuseName(column, [...columns.keys()], [String(this.#value("model"))]);
  }

  #value(name: string): NodeValue | (NodeValue | null)[] {
    if (name === "filenames") {
      const files = [...this.ids].map((id) => this.kernel.fileOf(this.#with(Uint32Array.of(id))));
      return files.filter((file) => file !== undefined) as unknown as Decoded[];
    }
    const values = name === "events" ? this.#events() : valuesOf(this.kernel, this.ids, name);
    return values.length === 1 ? (values[0] as Decoded | EventColumns) : values;
  }

  /** The events of each recorder; `null` of other nodes. */
  #events(): (EventColumns | null)[] {
    const kinds = valuesOf(this.kernel, this.ids, "element_type");
    const of = (recorder: NodeCollection) => this.kernel.events(recorder);
    if (this.length === 1 || !kinds.includes("recorder")) return [of(this)];
    return Array.from(this.nodes(), (node, at) => (kinds[at] === "recorder" ? of(node) : null));
  }
}

limitMethods(NodeCollection, "NodeCollection.", ["toJSON"]);

/** Both ends of a connection as one number. */
const pair = (from: number, to: number): number => from * 2 ** 32 + to;

/** Ids in ascending order, each once, that nodes of a kernel have. */
function existing(kernel: Kernel, ids: Uint32Array): Uint32Array {
  if (ids.some((id, at) => at > 0 && id <= (ids[at - 1] as number))) {
    refuse("ids", ids, "ascending ids, each once", {
      code: "BadProperty",
      message: "a collection has its nodes in the order of their ids",
    });
  }
  const count = guarded(() => kernel.native.nodeCount());
  const last = ids.at(-1) ?? 0;
  if (last > count) {
    refuse("ids", last, `ids of the kernel's ${count} nodes`, {
      code: "UnknownNode",
      message: `there is no node ${last}`,
    });
  }
  return ids;
}

/** Ids of nodes in a list. */
export const nodeIdList: Check<Uint32Array> = wholes(1, u32, "ids from 1 on", "UnknownNode");

/** A value of connections. */
type Column = ConnectionColumn<SynapseModelName, string>;

/** What may be set of a connection; `W` is how its weight may be given. */
export interface ConnectionParams<W = number> {
  weight?: W;
  /** Moments of the optimizer `adam`, as of the last update of the weight. */
  optimizer?: { m?: number; v?: number };
  /** What the connection has already, as `get` gives it: NEST's scripts set whole dictionaries. */
  source?: number;
  target?: number;
  synapse_model?: string;
  delay?: number;
  receptor?: number;
  target_thread?: number;
  tau_m_readout?: number;
}

declare const connectionsOf: unique symbol;

/** Connections, ordered by source, then by target. `S` is the name of their model, where it is known. */
export class SynapseCollection<S extends SynapseModelName = SynapseModelName> {
  /** @hidden What a collection is of, for the compiler alone. */
  declare readonly [connectionsOf]: S;
  readonly #kernel: Kernel;
  readonly #table: NativeConnections;
  readonly #generation: number;
  readonly #disconnections: number;

  /** @internal `GetConnections` makes them. */
  constructor(kernel: Kernel, table: NativeConnections) {
    this.#kernel = given("kernel", kernel, kernelOfNodes);
    this.#table = table;
    this.#generation = kernel.generation;
    this.#disconnections = kernel.disconnections;
    Object.freeze(this);
  }

  /** The kernel that the connections are in. */
  #current(): Kernel {
    if (this.#generation !== this.#kernel.generation) {
      refuse("connections", this, "connections made since then", {
        code: "ValueError",
        message: "the connections are gone: the kernel has been reset since they were made",
      });
    }
    if (this.#disconnections !== this.#kernel.disconnections) {
      refuse("connections", this, "connections found since then", {
        code: "ValueError",
        message: "the list is out of date: connections have been taken away since it was made",
      });
    }
    return this.#kernel;
  }

  /** Where their values are read. */
  get #place(): Place {
    return { native: this.#current().native, table: this.#table };
  }

  /** @internal Whether they are connections of that kernel. */
  isOf(kernel: Kernel): boolean {
    return this.#kernel === kernel;
  }

  /** How many connections there are. */
  get length(): number {
    return this.#table.source.length;
  }

  /** Each connection as a collection of its own. */
  *[Symbol.iterator](): Generator<SynapseCollection<S>> {
    for (let place = 0; place < this.length; place++) yield this.pick(Uint32Array.of(place));
  }

  /** The connection at a place; negative places count from the end. */
  at(place: number): SynapseCollection<S> {
    return this.pick(Uint32Array.of(placeIn(place, this.length, "connection")));
  }

  /** The source of each connection, as a node id. */
  sources(): Uint32Array {
    return ofEveryConnection.source(this.#place);
  }

  /** The target of each connection, as a node id. */
  targets(): Uint32Array {
    return ofEveryConnection.target(this.#place);
  }

  /** Whether another collection has the same connections of the same kernel in the same order. */
  equals(other: SynapseCollection): boolean {
    const others = given("other", other, instance(SynapseCollection, "a SynapseCollection"));
    const [ours, theirs] = [this.#table, others.#table];
    return (
      this.#current() === others.#current() &&
      this.length === others.length &&
      ours.projection.every((projection, at) => projection === theirs.projection[at]) &&
      ours.entry.every((entry, at) => entry === theirs.entry[at])
    );
  }

  /**
   * Every `step`-th connection from place `begin` to place `end`, the latter excluded; negative places count from the
   * end.
   */
  slice(begin?: number, end?: number, step?: number): SynapseCollection<S> {
    const by = given("step", step, optional(whole(1, u32))) ?? 1;
    const bounded = (at: number) => Math.min(Math.max(at < 0 ? at + this.length : at, 0), this.length);
    const first = bounded(given("begin", begin, anyPlace) ?? 0);
    const last = bounded(given("end", end, anyPlace) ?? this.length);
    const count = Math.max(0, Math.ceil((last - first) / by));
    return this.pick(Uint32Array.from({ length: count }, (_, at) => first + at * by));
  }

  /**
   * @internal The place of the oldest connection of each pair; of a pair that is named again, the next oldest.
   *
   * @param inPairs Whether nodes are joined one by one, or each with each.
   * @throws {@link NESTError} `InexistentConnection` where a pair has none.
   */
  oldestOf(sources: Uint32Array, targets: Uint32Array, inPairs: boolean, model: string): Uint32Array {
    const { source, target, projection, entry } = this.#table;
    const byAge = Array.from(source.keys()).toSorted(
      (a, b) =>
        (projection[a] as number) - (projection[b] as number) ||
        Number((entry[a] as bigint) - (entry[b] as bigint)),
    );
    const ofPairs = new Map<number, number[]>();
    for (const at of byAge) {
      addTo(ofPairs, pair(source[at] as number, target[at] as number), at);
    }
    const ofPair = (from: number, to: number) =>
      ofPairs.get(pair(from, to))?.shift() ??
      refuse("sources", from, "nodes that are connected", {
        code: "InexistentConnection",
        message: `there is no connection of the model ${model} from node ${from} to node ${to}`,
      });
    const places = inPairs
      ? Array.from(sources, (from, at) => ofPair(from, targets[at] as number))
      : Array.from(sources).flatMap((from) => Array.from(targets, (to) => ofPair(from, to)));
    return Uint32Array.from(places);
  }

  /** @internal The connections at these places. */
  pick(places: Uint32Array): SynapseCollection<S> {
    const { source, target, weight, delay, receptor, projection, entry } = this.#table;
    const ids = (all: Uint32Array) => places.map((at) => all[at] as number);
    const numbers = (all: Float64Array) => Float64Array.from(places, (at) => all[at] as number);
    return new SynapseCollection<S>(this.#current(), {
      source: ids(source),
      target: ids(target),
      weight: numbers(weight),
      delay: numbers(delay),
      receptor: ids(receptor),
      projection: ids(projection),
      entry: BigInt64Array.from(places, (at) => entry[at] as bigint),
    });
  }

  /** Takes these connections away. Possible until the network is simulated; this list and others are then of no use. */
  disconnect(): void {
    const kernel = this.#current();
    kernel.takeAway(this.#table.projection, this.#table.entry);
  }

  /** The connections as text: a table with a row each, of many the first ones. */
  toString(): string {
    if (this.length === 0) return "The synapse collection does not contain any connections.";
    const shown = Math.min(this.length, shownRuns);
    const some: SynapseCollection = this.slice(0, shown);
    const first = some.get(["source", "target", "synapse_model", "weight", "delay"]);
    const columns = Object.entries(first).map(([name, values]) => {
      const cells = [name, "-".repeat(name.length), ...Array.from(values as ArrayLike<unknown>, String)];
      const width = Math.max(...cells.map((cell) => cell.length));
      return cells.map((cell) => cell.padStart(width));
    });
    const rows = (columns[0] ?? []).map((_, row) => columns.map((column) => column[row]).join("  "));
    return rows.concat(this.length > shown ? [`… ${this.length} connections in all`] : []).join("\n");
  }

  /** What `console.log` shows. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }

  /** All values that one of these connections has. */
  get<S extends SynapseModelName>(this: SynapseCollection<S>): ConnectionValues<S>;
  /**
   * A value of each connection, `null` of those whose model has no such value: sources, targets and receptors, weights now
   * and delays (ms) as typed arrays. Several names give a dictionary.
   */
  get<S extends SynapseModelName, const G extends string | readonly [] | readonly string[]>(
    this: SynapseCollection<S>,
    names: AcceptedNames<G, ConnectionValueName<S>>,
  ): ConnectionsShown<S, G>;
  get(wanted?: string | readonly string[]): unknown {
    const asked = given("names", wanted, names);
    if (typeof asked === "string") return this.#value(asked);
    return Object.fromEntries((asked ?? this.#names()).map((name) => [name, this.#value(name)]));
  }

  /** Names of what one of these connections has. */
  #names(): string[] {
    const kernel = this.#current();
    const models = [...new Set(this.#value("synapse_model") as string[])];
    const own = models.flatMap((model) => valuesOfModel(kernel, model));
    return [...new Set([...Object.keys(ofEveryConnection), ...own])].filter(
      (name) => name !== "receptor_type",
    );
  }

  #value(name: string): Column {
    if (isOfEvery(name)) return ofEveryConnection[name](this.#place);
    try {
      return each(this.#place, name);
    } catch (error) {
      return this.#ofSome(name, error);
    }
  }

  /** A value that only the connections of some models have. */
  #ofSome(name: string, refused: unknown): Column {
    if (!(refused instanceof NESTErrors.UnaccessedDictionaryEntry)) throw refused;
    const kernel = this.#current();
    const { projection, entry } = this.#table;
    const models = this.#value("synapse_model") as string[];
    const having = new Set(
      [...new Set(models)].filter((model) => valuesOfModel(kernel, model).includes(name)),
    );
    const places = Uint32Array.from(models.keys()).filter((at) => having.has(models[at] as string));
    if (places.length === 0) refuseName(name, this.#names(), models);
    const found = guarded(() =>
      kernel.native.connectionValues(
        places.map((at) => projection[at] as number),
        BigInt64Array.from(places, (at) => entry[at] as bigint),
        name,
      ),
    );
    const values: (Decoded | null)[] = models.map(() => null);
    places.forEach((at, place) => {
      values[at] = decodeValue(found[place] as Entry);
    });
    return values;
  }

  /**
   * Sets weights and what Adam remembers of each synapse: the same for all connections (a list of weights has one for
   * each), or a dictionary for each connection.
   */
  set(values: ConnectionParams<number | NumberList> | readonly ConnectionParams[]): void {
    const kernel = this.#current();
    const { projection, entry } = this.#table;
    const one = entries(kernel);
    const encoded = given("values", values, {
      allowed: "a dictionary, or a list with one for each connection",
      read: (all, at): [Entry[] | null, Entry[][] | null] => {
        if (!Array.isArray(all)) return [one.read(all, at), null];
        if (all.length !== this.length) {
          refuse(at, all, `${this.length} dictionaries`, {
            code: "IndexError",
            message: `${at} must have one dictionary per connection`,
          });
        }
        return [null, list(one, "a list of dictionaries").read(all, at)];
      },
    });
    guarded(() => kernel.native.setConnections(projection, entry, ...encoded));
  }
}

limitMethods(SynapseCollection, "SynapseCollection.", []);
