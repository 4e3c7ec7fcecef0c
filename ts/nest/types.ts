import type { NumberList } from "../core/number-list.js";
import type { NodeCollection } from "./collections.js";
import type { RandomParameter } from "./random.js";

export type { NumberList } from "../core/number-list.js";

/** A number for all nodes, a list with one each, or a distribution to draw from. */
export type Scalar = number | NumberList | RandomParameter;

/** A whole number for all nodes, or a list with one each. */
export type WholeScalar = number | NumberList;

/** Numbers in rows: weights have a row per target and a column per source. */
export type Matrix =
  readonly NumberList[] | { readonly data: NumberList; readonly shape: readonly [number, number] };

/** Nodes, given as a collection, ids or one id. */
export type NodeReference = NodeCollection | readonly number[] | Uint32Array | number;
