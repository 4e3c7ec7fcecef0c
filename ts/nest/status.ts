/** Values of nodes and connections one by one, as NEST's `GetStatus` gives them. */
import { NodeCollection, type SynapseCollection } from "./collections.js";
import type { NodeValue } from "./shown.js";

/** A value of a node or connection; `null` where its model has none of that name. */
export type StatusValue = NodeValue | null;

/** A row for each node or connection: its values by name. */
export function statusOf(
  collection: NodeCollection | SynapseCollection,
  names: readonly string[] | undefined,
): { [name: string]: StatusValue }[] {
  if (collection.length === 0) return [];
  const isOfNodes = collection instanceof NodeCollection;
  const shown = isOfNodes
    ? read(collection, names)
    : names === undefined
      ? collection.get()
      : collection.get(names);
  const columns = Object.entries<unknown>(shown);
  // Of a single node, `get` gives values themselves.
  const bare = isOfNodes && collection.length === 1;
  return Array.from({ length: collection.length }, (_, at) =>
    Object.fromEntries(
      columns.map(([name, column]) => [
        name,
        (bare ? column : (column as ArrayLike<unknown>)[at]) as StatusValue,
      ]),
    ),
  );
}

/** Values of nodes by name, with an entry for each of several; `get` puts the files of all in one list. */
function read(nodes: NodeCollection, names: readonly string[] | undefined): { [name: string]: unknown } {
  const values: { [name: string]: unknown } = names === undefined ? nodes.get() : nodes.get(names);
  if (nodes.length > 1 && "filenames" in values)
    values["filenames"] = Array.from(nodes.nodes(), (node) => node.get("filenames"));
  return values;
}
