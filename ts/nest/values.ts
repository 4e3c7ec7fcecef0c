import { nestError } from "../errors.js";
import type { Entry } from "../native/index.js";
import { NodeCollection } from "./collections.js";
import { identityOf, isRandomParameter } from "./random.js";

type TypedNumbers = Float64Array | Float32Array | Uint32Array | Int32Array;

const isTyped = (value: unknown): value is TypedNumbers =>
  value instanceof Float64Array ||
  value instanceof Float32Array ||
  value instanceof Uint32Array ||
  value instanceof Int32Array;

const wrongType = (name: string, value: unknown) =>
  nestError({
    code: "TypeMismatch",
    message: `${name} has a value of a type that no parameter takes`,
    parameter: name,
    value: String(value),
    bound: "a number, truth value, text, list, matrix, node collection or dictionary",
  });

/** Names a value of a dictionary for the engine, with its type. */
function encodeValue(name: string, value: unknown): Entry {
  if (typeof value === "number") return { name, number: value };
  if (typeof value === "boolean") return { name, flag: value };
  if (typeof value === "string") return { name, text: value };
  if (value instanceof NodeCollection) return { name, nodes: value.ids };
  if (value instanceof Float64Array) return { name, numbers: value };
  if (isTyped(value)) return { name, numbers: Float64Array.from(value) };
  if (isRandomParameter(value)) return { name, ...value, identity: identityOf(value) };
  if (Array.isArray(value)) return encodeList(name, value);
  if (typeof value === "object" && value !== null) {
    if ("data" in value && "shape" in value) {
      const { data, shape } = value as { data: ArrayLike<number>; shape: readonly [number, number] };
      if (data.length !== shape[0] * shape[1]) {
        throw nestError({
          code: "ValueError",
          message: "a matrix does not hold as many numbers as its shape says",
          parameter: name,
          value: `${data.length} numbers, shape ${shape.join("x")}`,
          bound: `${shape[0] * shape[1]} numbers`,
        });
      }
      return { name, numbers: Float64Array.from(data), rows: shape[0], columns: shape[1] };
    }
    return { name, dict: encode(value) };
  }
  throw wrongType(name, value);
}

function encodeList(name: string, list: readonly unknown[]): Entry {
  if (list.every((item) => typeof item === "number")) return { name, numbers: Float64Array.from(list) };
  if (list.every((item) => typeof item === "string")) return { name, texts: [...list] };
  if (list.every((item) => Array.isArray(item) || isTyped(item))) {
    const rows = list as readonly ArrayLike<number>[];
    const columns = rows[0]?.length ?? 0;
    if (rows.some((row) => row.length !== columns)) {
      throw nestError({
        code: "ValueError",
        message: "the rows of a matrix have different lengths",
        parameter: name,
        bound: `${columns} numbers in each row`,
      });
    }
    const numbers = new Float64Array(rows.length * columns);
    rows.forEach((row, at) => numbers.set(row, at * columns));
    return { name, numbers, rows: rows.length, columns };
  }
  throw wrongType(name, list);
}

/** A dictionary for the engine. Entries that are `undefined` are left out. */
export function encode(values: object): Entry[] {
  return Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => encodeValue(name, value));
}

/** A value as the engine gives it. */
export type Decoded =
  number | boolean | string | Float64Array | Uint32Array | string[] | { [name: string]: Decoded };

/** The value of an entry. */
export function decodeValue(entry: Entry): Decoded {
  return (entry.flag ??
    entry.number ??
    entry.text ??
    entry.numbers ??
    entry.texts ??
    entry.nodes ??
    decode(entry.dict ?? [])) as Decoded;
}

/** A dictionary as the engine gives it. */
export function decode(entries: readonly Entry[]): { [name: string]: Decoded } {
  return Object.fromEntries(entries.map((entry) => [entry.name, decodeValue(entry)]));
}
