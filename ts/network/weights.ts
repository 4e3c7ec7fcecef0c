import { nestError } from "../core/errors.js";
import type { SynapseCollection } from "../nest/collections.js";

/** Weights of a projection. */
export interface NetworkWeights {
  data: Float64Array;
  shape: readonly [rows: number, columns: number];
  /** 1 where there is a connection; missing where all nodes are joined, but for each with itself. */
  mask?: Uint8Array;
}

/**
 * Weights of connections in rows per target and columns per source.
 *
 * @throws {@link NESTError} where two connections join the same nodes.
 */
export function weightsBetween(
  name: string,
  connections: SynapseCollection,
  { sources, targets }: { sources: readonly number[]; targets: readonly number[] },
): NetworkWeights {
  const columns = new Map(sources.map((id, at) => [id, at]));
  const rows = new Map(targets.map((id, at) => [id, at]));
  const data = new Float64Array(targets.length * sources.length);
  const mask = new Uint8Array(data.length);
  const [source, target] = [connections.get("source"), connections.get("target")];
  let selves = 0;
  for (const [at, weight] of connections.get("weight").entries()) {
    const [from, to] = [source[at] as number, target[at] as number];
    const place = (rows.get(to) as number) * sources.length + (columns.get(from) as number);
    if (mask[place] === 1) {
      throw nestError({
        code: "ValueError",
        message: `several connections of ${name} join the same nodes`,
        parameter: "projection",
        value: `from ${from} to ${to}`,
        bound: "one connection for each pair",
      });
    }
    mask[place] = 1;
    data[place] = weight;
    selves += Number(from === to);
  }
  const others = data.length - sources.filter((id) => rows.has(id)).length;
  const isAll = selves === 0 && connections.length === others;
  return { data, shape: [targets.length, sources.length], ...(!isAll && { mask }) };
}
