import { guarded, nestError } from "../errors.js";
import type { NativeConnections } from "../native/index.js";
import type { Kernel } from "./kernel.js";
import type { NodeParams } from "./models.generated.js";
import { type Decoded, decodeValue, encode } from "./values.js";

/** Recorded events: a typed array per column. */
export type EventColumns = { [column: string]: Float64Array } & {
  readonly senders: Uint32Array;
  readonly targets: Uint32Array;
  readonly receptors: Uint32Array;
};

/** Name of a node model. */
export type NodeModelName = keyof NodeParams;

/** Nodes, ordered by id. `M` is the name of their model, where it is known. */
export class NodeCollection<M extends NodeModelName = NodeModelName> implements Iterable<number> {
  /** The nodes' ids. */
  readonly ids: Uint32Array;
  /** The kernel they live in. */
  readonly kernel: Kernel;

  constructor(kernel: Kernel, ids: Uint32Array) {
    this.kernel = kernel;
    this.ids = ids;
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
  at(place: number): NodeCollection<M> {
    const id = this.ids.at(place);
    if (id === undefined) {
      throw nestError({
        code: "IndexError",
        message: "the collection has no node at this place",
        value: String(place),
        bound: `from ${-this.length} to ${this.length - 1}`,
      });
    }
    return new NodeCollection(this.kernel, Uint32Array.of(id));
  }

  /** The nodes from place `begin` to place `end`, the latter excluded. */
  slice(begin?: number, end?: number): NodeCollection<M> {
    return new NodeCollection(this.kernel, this.ids.slice(begin, end));
  }

  /** These nodes and those of another collection, ordered by id. */
  concat<N extends NodeModelName>(other: NodeCollection<N>): NodeCollection<M | N> {
    const ids = Uint32Array.from([...this.ids, ...other.ids]).toSorted();
    if (other.kernel !== this.kernel || ids.some((id, place) => id === ids[place - 1])) {
      throw nestError({
        code: "ValueError",
        message:
          other.kernel === this.kernel
            ? "the collections have a node in common"
            : "the collections belong to different kernels",
        bound: "different nodes of one kernel",
      });
    }
    return new NodeCollection<M | N>(this.kernel, ids);
  }

  /** Sets parameters: the same for all nodes (a list gives one value each), or a dictionary per node. */
  set(params: NodeParams[M] | readonly NodeParams[M][]): void {
    this.kernel.setNodes(this, params);
  }

  /** The events of a recorder: a typed array per column. */
  get(name: "events"): EventColumns;
  /** A value of each node; of a single node, the value itself. */
  get(name: string): Decoded | Decoded[];
  /** Several values at once. */
  get(names: readonly string[]): { [name: string]: Decoded | Decoded[] | EventColumns };
  get(): { [name: string]: Decoded | Decoded[] | EventColumns };
  get(
    names?: string | readonly string[],
  ): EventColumns | Decoded | Decoded[] | { [name: string]: Decoded | Decoded[] | EventColumns } {
    if (typeof names === "string") return this.#value(names);
    const wanted = names ?? guarded(() => this.kernel.native.parametersOf(this.ids[0] ?? 0));
    return Object.fromEntries(wanted.map((name) => [name, this.#value(name)]));
  }

  #value(name: string): EventColumns | Decoded | Decoded[] {
    if (name === "events") return this.kernel.events(this);
    if (name === "filenames") {
      const files = [...this.ids].map((id) =>
        this.kernel.fileOf(new NodeCollection(this.kernel, Uint32Array.of(id))),
      );
      return files.filter((file) => file !== undefined) as unknown as Decoded[];
    }
    if (name === "global_id") return this.length === 1 ? (this.ids[0] ?? 0) : [...this.ids];
    if (name === "model") {
      const models = [...this.ids].map((id) => guarded(() => this.kernel.native.modelOf(id)));
      return this.length === 1 ? (models[0] ?? "") : models;
    }
    const values = guarded(() => this.kernel.native.getNodes(this.ids, name)).map(decodeValue);
    return values.length === 1 ? (values[0] as Decoded) : values;
  }
}

/** Connections, ordered by source, then by target. */
export class SynapseCollection {
  readonly #kernel: Kernel;
  readonly #table: NativeConnections;

  constructor(kernel: Kernel, table: NativeConnections) {
    this.#kernel = kernel;
    this.#table = table;
  }

  /** How many connections there are. */
  get length(): number {
    return this.#table.source.length;
  }

  /** Every `step`-th connection from place `begin` to place `end`, the latter excluded. */
  slice(begin = 0, end = this.length, step = 1): SynapseCollection {
    const first = begin >= 0 ? begin : ((begin % step) + step) % step;
    const count = Math.max(0, Math.ceil((Math.min(end, this.length) - first) / step));
    const places = Uint32Array.from({ length: count }, (_, at) => first + at * step);
    const { source, target, weight, delay, receptor, projection, entry } = this.#table;
    const ids = (all: Uint32Array) => places.map((place) => all[place] as number);
    const numbers = (all: Float64Array) => Float64Array.from(places, (place) => all[place] as number);
    return new SynapseCollection(this.#kernel, {
      source: ids(source),
      target: ids(target),
      weight: numbers(weight),
      delay: numbers(delay),
      receptor: ids(receptor),
      projection: ids(projection),
      entry: BigInt64Array.from(places, (place) => entry[place] as bigint),
    });
  }

  /** Sources, targets or receptors: one node id (or number) each. */
  get(name: "source" | "target" | "receptor"): Uint32Array;
  /** Weights now, or delays (ms). */
  get(name: "weight" | "delay"): Float64Array;
  /** Any other value of each connection. */
  get(name: string): Uint32Array | Float64Array | Decoded[];
  /** Several values at once. */
  get<N extends string>(names: readonly N[]): { [name in N]: Uint32Array | Float64Array | Decoded[] };
  get(
    names: string | readonly string[],
  ): Uint32Array | Float64Array | Decoded[] | { [name: string]: Uint32Array | Float64Array | Decoded[] } {
    if (typeof names !== "string") return Object.fromEntries(names.map((name) => [name, this.#value(name)]));
    return this.#value(names);
  }

  #value(name: string): Uint32Array | Float64Array | Decoded[] {
    const { native } = this.#kernel;
    const { source, target, receptor, delay, projection, entry } = this.#table;
    if (name === "source") return source;
    if (name === "target") return target;
    if (name === "receptor") return receptor;
    if (name === "delay") return delay;
    if (name === "weight") return guarded(() => native.connectionWeights(projection, entry));
    return guarded(() => native.connectionValues(projection, entry, name)).map(decodeValue);
  }

  /** Sets weights: one number for all connections, or a list with one each. */
  set(values: { weight: number | readonly number[] | Float64Array }): void {
    const { projection, entry } = this.#table;
    guarded(() => this.#kernel.native.setConnections(projection, entry, encode(values)));
  }
}
