import { nestError } from "../core/errors.js";
import type { Pieces } from "../core/event-loop.js";
import type { NativeArray, NativeState } from "../native/index.js";

/** Numbers that a saved file can hold. */
export type Numbers = Float64Array | Uint32Array | Uint8Array | BigInt64Array | BigUint64Array;

const constructors = {
  F64: Float64Array,
  I64: BigInt64Array,
  U64: BigUint64Array,
  U32: Uint32Array,
  U8: Uint8Array,
} as const;

/** Name of a type of numbers, as the safetensors format has it. */
type Dtype = keyof typeof constructors;

/** Lists that are joined in one piece. */
const listsAtOnce = 256;

/** Named arrays on their way into a file. */
export class ArrayWriter {
  readonly arrays: NativeArray[] = [];

  /** Adds numbers, in a shape where they have one. */
  add(name: string, numbers: Numbers, shape: readonly number[] = [numbers.length]): void {
    const dtype = (Object.keys(constructors) as Dtype[]).find(
      (type) => numbers instanceof constructors[type],
    ) as Dtype;
    const bytes = new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
    this.arrays.push({ name, dtype, shape: [...shape], bytes });
  }

  /** Adds several lists of numbers: the numbers, and where each list ends. */
  *addLists(name: string, lists: readonly Float64Array[]): Pieces<void> {
    const all = new Float64Array(lists.reduce((length, list) => length + list.length, 0));
    const ends = new BigUint64Array(lists.length);
    let end = 0;
    for (const [at, list] of lists.entries()) {
      all.set(list, end);
      end += list.length;
      ends[at] = BigInt(end);
      if (at % listsAtOnce === 0) yield;
    }
    this.add(name, all);
    this.add(`${name}.ends`, ends);
  }

  /** Adds the arrays of a kernel, and returns its texts. */
  addKernel({ arrays, texts }: NativeState): Record<string, string[]> {
    for (const array of arrays) this.arrays.push({ ...array, name: `kernel.${array.name}` });
    return textsByName(texts);
  }
}

/** Lists of texts, as a file has them, by name. */
export function textsByName(texts: NativeState["texts"]): Record<string, string[]> {
  return Object.fromEntries(texts.map(({ name, texts: list }) => [name, list]));
}

/**
 * What {@link textsByName} was given.
 *
 * @throws `TypeError` where it is something else.
 */
export function namedTexts(texts: Readonly<Record<string, unknown>>): NativeState["texts"] {
  return Object.entries(texts).map(([name, list]) => {
    if (!Array.isArray(list) || !list.every((text) => typeof text === "string")) {
      throw new TypeError(`${name} is no list of texts`);
    }
    return { name, texts: list };
  });
}

/** The named arrays of a file. */
export class ArrayReader {
  readonly #file: string;
  readonly #arrays: ReadonlyMap<string, NativeArray>;

  constructor(file: string, arrays: readonly NativeArray[]) {
    this.#file = file;
    this.#arrays = new Map(arrays.map((array) => [array.name, array]));
  }

  /** Whether there is an array of that name. */
  has(name: string): boolean {
    return this.#arrays.has(name);
  }

  /** All of them. */
  all(): NativeArray[] {
    return [...this.#arrays.values()];
  }

  /** Names that begin with a prefix, without it. */
  names(prefix: string): string[] {
    return [...this.#arrays.keys()]
      .filter((name) => name.startsWith(prefix))
      .map((name) => name.slice(prefix.length));
  }

  /** Numbers of a type. */
  get<T extends Dtype>(name: string, type: T): InstanceType<(typeof constructors)[T]> {
    const array = this.#arrays.get(name);
    if (array?.dtype !== type) {
      throw nestError({
        code: "ValueError",
        message: `${this.#file}: ${name} is ${array === undefined ? "missing" : `of type ${array.dtype}`}`,
        parameter: name,
        bound: `an array of type ${type}`,
      });
    }
    const { BYTES_PER_ELEMENT: width } = constructors[type];
    if (array.bytes.length % width !== 0) throw new RangeError(`${name} ends within a number`);
    // Numbers lie where they are a multiple of their width from the begin of their memory.
    const bytes = array.bytes.byteOffset % width === 0 ? array.bytes : array.bytes.slice();
    return new constructors[type](
      bytes.buffer as ArrayBuffer,
      bytes.byteOffset,
      bytes.byteLength / width,
    ) as InstanceType<(typeof constructors)[T]>;
  }

  /** Lists that {@link ArrayWriter.addLists} added. */
  lists(name: string): Float64Array[] {
    const all = this.get(name, "F64");
    let begin = 0;
    return Array.from(this.get(`${name}.ends`, "U64"), (end) => all.slice(begin, (begin = Number(end))));
  }

  /** A kernel's state. */
  kernel(texts: Readonly<Record<string, string[]>>): NativeState {
    const prefix = "kernel.";
    return {
      arrays: this.names(prefix).map((name) => ({
        ...(this.#arrays.get(`${prefix}${name}`) as NativeArray),
        name,
      })),
      texts: namedTexts(texts),
    };
  }
}
