/**
 * What calls show of nodes, connections and models: the types of what is read. Names and types come out of the engine's
 * tables, as those of what is set do (`accepted.ts`).
 */
import type { Keys, ModelOf, ValueNamed } from "./accepted.js";
import type { ofEveryConnection } from "./connection-values.js";
import type { ConnectionParams, NodeCollection, SynapseCollection } from "./collections.js";
import type { SynapseModelName } from "./kernel-types.js";
import type { Widened } from "./kernel-values.js";
import type {
  NodeParams,
  NodeReadings,
  OptimizerParams,
  OptimizerValues,
  RecordedColumns,
  Recordables,
  SynapseParams,
} from "./models.generated.js";
import type { ofEveryNode, shownOfSynapses } from "./node-values.js";
import type { NodeReference, NumberList } from "./types.js";
import type { Decoded } from "./values.js";

/** Name of a node model. */
type NodeModel = keyof NodeParams;

/** Recorded events: a typed array per column. Targets and receptors are those of weight recorders. */
export type EventColumns = { readonly [column: string]: Float64Array } & {
  readonly times: Float64Array;
  readonly senders: Uint32Array;
  readonly targets?: Uint32Array;
  readonly receptors?: Uint32Array;
};

/** Recorded events by model; times in steps have offsets. */
export type EventsOf<M extends NodeModel> = [M] extends [keyof RecordedColumns]
  ? RecordedColumns[M] & { readonly offsets?: Float64Array }
  : EventColumns;

/** A column of events, by its name. */
export type EventColumn<M extends NodeModel, C> = NonNullable<EventsOf<M>[Extract<C, keyof EventsOf<M>>]>;

/** The same names, which messages of the compiler list; they would tell those of a type with a name by that. */
type Listed<N extends string> = keyof { [K in N as K]: never };

/** A value as it is read, of what may be set. */
type Held<V> = NodeReference extends V
  ? Uint32Array
  : NumberList extends V
    ? Float64Array
    : OptimizerParams extends V
      ? OptimizerValues
      : V extends readonly (infer E)[]
        ? E[]
        : V;

/** The values of dictionaries as they are read. */
type AllHeld<P> = { [K in keyof P]-?: Held<Exclude<P[K], undefined>> };

/** What every node shows, by name. */
type OfEveryNode = { [N in keyof typeof ofEveryNode]: Widened<(typeof ofEveryNode)[N][0]> } & {
  element_type: string;
  model: string;
};

/** What recorders show besides. */
interface Recorded<M extends NodeModel> {
  events: EventsOf<M>;
  filenames: string[];
}

/** What a multimeter can record. */
interface Recordable<M extends NodeModel> {
  recordables: Recordables[M][];
}

/** What a node of each model shows; recordables, where there are some. */
type NodeShown = {
  [M in NodeModel]: AllHeld<NodeParams<number, number>[M]> &
    (M extends keyof NodeReadings ? NodeReadings[M] : unknown) &
    OfEveryNode &
    ([Recordables[M]] extends [never] ? unknown : Recordable<M>) &
    (M extends keyof RecordedColumns ? Recorded<M> : unknown);
};

/** A value of a node, whatever its model. */
export type NodeValue = Decoded | EventColumns;

/** Names of what one of the nodes shows. */
export type NodeValueName<M extends NodeModel> = Listed<Keys<NodeShown[M]>>;

/** What a node shows under a name; of a name in a variable, anything. */
type NodeValueNamed<M extends NodeModel, N> = string extends N
  ? NodeValue
  : M extends unknown
    ? N extends keyof NodeShown[M]
      ? NodeShown[M][N]
      : never
    : never;

/** `null` where one of the models has no value of a name. */
type NullOf<M extends NodeModel, N> = M extends unknown
  ? N extends keyof NodeShown[M]
    ? never
    : null
  : never;

/** A value of a node, or of several nodes one by one: `null` of those whose model has none. */
export type OneNodeValue<M extends NodeModel, N> = NodeValueNamed<M, N> | NullOf<M, N>;

/** A value of nodes: of a single node the value itself, else one for each. */
type NodesValue<M extends NodeModel, One extends boolean, N> = N extends "filenames"
  ? string[]
  : One extends true
    ? NodeValueNamed<M, N>
    : (NodeValueNamed<M, N> | NullOf<M, N>)[];

/** What names show of nodes. */
export type NodesShown<M extends NodeModel, One extends boolean, G> = G extends readonly (infer N extends
  string)[]
  ? { [K in N]: NodesValue<M, One, K> }
  : G extends "events"
    ? EventsOf<M>
    : NodesValue<M, One, G>;

/** All values of nodes by name; those that not all of the models have may be missing. */
export type NodeValues<M extends NodeModel = NodeModel, One extends boolean = boolean> = [NodeModel] extends [
  M,
]
  ? { [name: string]: NodeValue | (NodeValue | null)[] }
  : { [N in keyof NodeShown[M] as NotAlone<N>]: NodesValue<M, One, N> } & {
      [N in NotAlone<Exclude<NodeValueName<M>, keyof NodeShown[M]>>]?: NodesValue<M, One, N>;
    };

/** Names that come with all others: files are asked for by their name. */
type NotAlone<N> = Exclude<N, "filenames">;

/** Name of a synapse model. */
type SynapseModel = SynapseModelName;

/** What every connection has, by name. */
type EveryColumn = { [N in keyof typeof ofEveryConnection]: ReturnType<(typeof ofEveryConnection)[N]> };

/** What a connection of each model has besides. */
type ConnectionShown = {
  [S in SynapseModel]: {
    [N in Exclude<keyof SynapseParams[S], keyof EveryColumn | "receptor_type">]-?: N extends "optimizer"
      ? Exclude<ConnectionParams["optimizer"], undefined>
      : Held<Exclude<SynapseParams[S][N], undefined>>;
  };
};

/** Names of what one of the connections has. */
export type ConnectionValueName<S extends SynapseModel> = Listed<
  keyof EveryColumn | Keys<ConnectionShown[S]>
>;

/** A value of connections, an entry each; `null` of those whose model has none. Of a name in a variable, any. */
export type ConnectionColumn<S extends SynapseModel, N> = N extends keyof EveryColumn
  ? EveryColumn[N]
  : string extends N
    ? EveryColumn[keyof EveryColumn] | (Decoded | null)[]
    : OneOfColumn<S, N>[];

type OneOfColumn<S extends SynapseModel, N> = S extends unknown
  ? N extends keyof ConnectionShown[S]
    ? ConnectionShown[S][N]
    : null
  : never;

/** What names show of connections. */
export type ConnectionsShown<S extends SynapseModel, G> = G extends readonly (infer N extends string)[]
  ? { [K in N]: ConnectionColumn<S, K> }
  : ConnectionColumn<S, G>;

/** All values of connections by name; those that not all of the models have may be missing. */
export type ConnectionValues<S extends SynapseModel> = EveryColumn & {
  [N in keyof ConnectionShown[S]]: ConnectionColumn<S, N>;
} & { [N in Exclude<Keys<ConnectionShown[S]>, keyof ConnectionShown[S]>]?: ConnectionColumn<S, N> };

/** Names of what one of the nodes or connections shows. */
export type StatusName<C> =
  C extends NodeCollection<infer M>
    ? NodeValueName<M>
    : C extends SynapseCollection<infer S>
      ? ConnectionValueName<S>
      : never;

/** What a node or connection shows under a name. */
type StatusNamed<C, N> =
  C extends NodeCollection<infer M>
    ? NodeValueNamed<M, N> | NullOf<M, N>
    : C extends SynapseCollection<infer S>
      ? ConnectionColumn<S, N>[number]
      : never;

/** What names show of a node or connection: several, a list. */
export type StatusShown<C, G> = G extends readonly string[]
  ? { -readonly [I in keyof G]: StatusNamed<C, G[I]> }
  : StatusNamed<C, G>;

/** All that a node or connection shows, by name. */
export type StatusOf<C> =
  C extends NodeCollection<infer M>
    ? [NodeModel] extends [M]
      ? { [name: string]: NodeValue | null }
      : { [N in keyof NodeShown[M] as NotAlone<N>]: NodeShown[M][N] } & {
          [N in NotAlone<Exclude<NodeValueName<M>, keyof NodeShown[M]>>]?: OneNodeValue<M, N>;
        }
    : C extends SynapseCollection<infer S>
      ? { [N in keyof ConnectionValues<S>]: Entry<ConnectionValues<S>[N]> }
      : never;

/** What a column has an entry of. */
type Entry<V> = V extends ArrayLike<infer E> ? E : undefined;

/** Defaults of each model as they are read. */
type DefaultsByModel = {
  [M in NodeModel]: Omit<NodeShown[M], keyof Recorded<M>> & Recordable<M> & { type_id: string };
} & { [S in SynapseModel]: AllHeld<SynapseParams[S]> & ReturnType<typeof shownOfSynapses> };

/** Defaults of a model, by the name that it is given by; of a name in a variable, those of any. */
export type DefaultsNamed<G> = string extends G
  ? { [name: string]: Decoded }
  : DefaultsByModel[ModelOf<G, NodeModel | SynapseModel>];

/** Names of the defaults of a model; any of a model in a variable. */
export type DefaultName<G> = Keys<DefaultsNamed<G>>;

/** A default of a model. */
type DefaultNamed<G, N> = string extends G | N ? Decoded : ValueNamed<DefaultsNamed<G>, N>;

/** What names show of the defaults of a model: several, a list. */
export type DefaultsShown<M, G> = G extends readonly string[]
  ? { -readonly [I in keyof G]: DefaultNamed<M, G[I]> }
  : DefaultNamed<M, G>;
