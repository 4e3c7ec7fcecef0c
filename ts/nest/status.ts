/** Values of nodes and connections one by one, as NEST's `GetStatus` gives them. */
import { type EventColumns, NodeCollection, type SynapseCollection } from "./collections.js";
import type { Decoded } from "./values.js";

/** A value of a node or connection; `null` where its model has none of that name. */
export type StatusValue = Decoded | EventColumns | null;

/** A row for each node or connection: its values by name. */
export function statusOf(
  collection: NodeCollection | SynapseCollection,
  names: readonly string[] | undefined,
): { [name: string]: StatusValue }[] {
  if (collection.length === 0) return [];
  const columns = Object.entries(names === undefined ? collection.get() : collection.get(names));
  // Of a single node, `get` gives values themselves.
  const bare = collection instanceof NodeCollection && collection.length === 1;
  return Array.from({ length: collection.length }, (_, at) =>
    Object.fromEntries(
      columns.map(([name, column]) => [
        name,
        (bare ? column : (column as ArrayLike<unknown>)[at]) as StatusValue,
      ]),
    ),
  );
}
