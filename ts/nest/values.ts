import { type Check, dictionary, isDictionary, isTyped, numbers, refuse, whole } from "../core/arguments.js";
import { nestError } from "../core/errors.js";
import type { Entry } from "../native/index.js";
import type { Kernel } from "./kernel.js";
import { encodeRandom, isRandomParameter } from "./random.js";

const kinds = "a number, truth value, text, list, matrix, node collection, distribution or dictionary";

/** Dictionaries within dictionaries: an optimizer is one within a synapse model's defaults. */
const deepest = 3;

/** Most numbers in a row or column of a matrix. */
const longestRow = whole(0, 0xffff_ffff);

/** @internal What a collection of nodes has under this name: `(kernel, at)` gives its ids for a call of that kernel. */
export const idsFor: unique symbol = Symbol("ids for a kernel");

/** Nodes, as far as a dictionary has to know them. */
interface Nodes {
  [idsFor](kernel: Kernel, at: string): Uint32Array;
}

const isNodes = (value: unknown): value is Nodes =>
  typeof value === "object" && value !== null && idsFor in value;

/** Where a value stands: the name of its parameter, and the kernel that it is for. */
interface Place {
  at: string;
  kernel: Kernel;
  /** Dictionaries around it. */
  depth: number;
}

/** Names a value of a dictionary for the engine, with its type. */
function encodeValue(name: string, value: unknown, place: Place): Entry {
  const { at, kernel } = place;
  if (typeof value === "number") return { name, number: value };
  if (typeof value === "boolean") return { name, flag: value };
  if (typeof value === "string") return { name, text: value };
  if (isNodes(value)) return { name, nodes: value[idsFor](kernel, at) };
  if (isTyped(value)) return { name, numbers: numbers.read(value, at) };
  if (Array.isArray(value)) return encodeList(name, at, value);
  if (!isDictionary(value)) {
    refuse(at, value, kinds, { message: `${at} has a value of a type that no parameter takes` });
  }
  if (isRandomParameter(value)) return { name, ...encodeRandom(value, at) };
  if ("data" in value && "shape" in value) return { name, ...encodeMatrix(at, value) };
  return { name, dict: encodeEntries(value, { ...place, depth: place.depth + 1 }) };
}

function encodeMatrix(at: string, { data, shape }: Record<string, unknown>) {
  const all = numbers.read(data, `${at}.data`);
  if (!Array.isArray(shape) || shape.length !== 2) {
    refuse(`${at}.shape`, shape, "two numbers: rows and columns");
  }
  const [rows, columns] = [0, 1].map((side) => longestRow.read(shape[side], `${at}.shape[${side}]`));
  if (rows === undefined || columns === undefined || all.length !== rows * columns) {
    throw nestError({
      code: "ValueError",
      message: "a matrix does not hold as many numbers as its shape says",
      parameter: at,
      value: `${all.length} numbers, shape ${rows}x${columns}`,
      bound: `${Number(rows) * Number(columns)} numbers`,
    });
  }
  return { numbers: all, rows, columns };
}

const isRow = (value: unknown) => Array.isArray(value) || isTyped(value);

function encodeList(name: string, at: string, list: readonly unknown[]): Entry {
  const [first] = list;
  if (typeof first === "string") {
    const texts: string[] = [];
    for (let place = 0; place < list.length; place++) {
      const text = list[place];
      if (typeof text !== "string") refuse(`${at}[${place}]`, text, "a text, as those before");
      texts.push(text);
    }
    return { name, texts };
  }
  if (!isRow(first)) return { name, numbers: numbers.read(list, at) };
  const rows: Float64Array[] = [];
  for (let place = 0; place < list.length; place++) {
    const row = numbers.read(list[place], `${at}[${place}]`);
    if (row.length !== (rows[0] ?? row).length) {
      throw nestError({
        code: "ValueError",
        message: "the rows of a matrix have different lengths",
        parameter: at,
        value: `${row.length} numbers in row ${place}`,
        bound: `${rows[0]?.length} numbers in each row`,
      });
    }
    rows.push(row);
  }
  const columns = rows[0]?.length ?? 0;
  const all = new Float64Array(rows.length * columns);
  rows.forEach((row, place) => all.set(row, place * columns));
  return { name, numbers: all, rows: rows.length, columns };
}

function encodeEntries(values: Record<string, unknown>, { at, kernel, depth }: Place): Entry[] {
  if (depth > deepest) {
    refuse(at, values, "a dictionary that holds no deeper ones", {
      message: `${at} has dictionaries within dictionaries, or a cycle`,
    });
  }
  return Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) =>
      encodeValue(name, value, { at: depth === 0 ? name : `${at}.${name}`, kernel, depth }),
    );
}

/** A dictionary for the engine. Entries that are `undefined` are left out. */
export function entries(kernel: Kernel): Check<Entry[]> {
  return {
    allowed: dictionary.allowed,
    read: (values, at) => encodeEntries(dictionary.read(values, at), { at, kernel, depth: 0 }),
  };
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
export function decode(values: readonly Entry[]): { [name: string]: Decoded } {
  return Object.fromEntries(values.map((entry) => [entry.name, decodeValue(entry)]));
}
