/** Checks of what methods of kernels are given. */
import {
  type Check,
  abortSignal,
  callable,
  dictionary,
  either,
  fields,
  flag,
  given,
  instance,
  isDictionary,
  list,
  oneOf,
  optional,
  refuse,
  text,
  u32,
  whole,
} from "../core/arguments.js";
import { worldCheck } from "../mpi/check.js";
import { type Entry, NativeKernel } from "../native/index.js";
import { SynapseCollection } from "./collections.js";

export const evaluatedSequences = fields({
  steps: whole(1, u32),
  learningWindow: whole(1, u32),
  batchSize: whole(1, u32),
});

export const amplitudeChanges = list(
  fields({ steps: instance(Uint32Array, "a Uint32Array"), values: instance(Float64Array, "a Float64Array") }),
  "a list of steps and values for each generator",
);

export const modelOrValues = either((value) => typeof value === "string", text, dictionary);
export const areConnections: Check<boolean> = {
  allowed: "nodes or connections",
  read: (value) => value instanceof SynapseCollection,
};

export const simulateOptions = optional(
  fields({ signal: optional(abortSignal), onProgress: optional(callable) }),
);

export const saveOptions = optional(fields({ gather: optional(flag) }));

/** Whether a value is the engine's side of a kernel, whatever it does when it is asked. */
export function isNative(value: unknown): value is NativeKernel {
  try {
    return value instanceof NativeKernel;
  } catch {
    return false;
  }
}

export const kernelOptions = fields({
  world: optional(worldCheck),
  share: optional(oneOf("sequences", "neurons")),
});

/** A name, or that in a dictionary; `undefined` where there is none. */
export const named = (at: string, value: unknown, key: string): unknown =>
  given(at, value, {
    allowed: "a name or a dictionary",
    read: (of, where) =>
      of === undefined || typeof of === "string"
        ? of
        : fields({ [key]: optional(text) }).read(of, where)[key],
  });

/** A dictionary of a name and its value, where these are given in its place. */
export function namedValue(at: string, values: unknown, value: unknown): unknown {
  if (typeof values !== "string") {
    return value === undefined ? values : refuse("value", value, "left out, unless a name comes before it");
  }
  return value === undefined
    ? refuse(at, values, "a dictionary, or a name and its value")
    : { [values]: value };
}

/** Ids are 32 bits wide; the engine takes no more nodes. */
const mostNodes = 1e9;

/** Room for so many ids, before there are nodes; none for a number of nodes that the engine refuses. */
export function roomForIds(n: number): Uint32Array {
  try {
    return new Uint32Array(Number.isInteger(n) && n > 0 && n <= mostNodes ? n : 0);
  } catch {
    refuse("n", n, "what fits into memory", {
      code: "OutOfMemory",
      message: "the nodes' ids do not fit into memory",
    });
  }
}

/** Whether an entry tells a recorder to write a file. */
export function asksForFile(entry: Entry): boolean {
  return entry.name === "record_to" && entry.text !== "memory";
}

/** Parameters of nodes: for all of them, or for each. */
export type NativeParams = [Entry[] | null, Entry[][] | null];

export const paramsAllowed = "a dictionary, or a list of one for each node";

/** A number of nodes, or, as in NEST, the parameters of one. */
export const numberOrParameters: Check<number | object> = {
  allowed: "a whole number, or a node's parameters",
  read(value, at) {
    if (value === undefined) return 1;
    return typeof value === "number" || isDictionary(value) ? value : refuse(at, value, this.allowed);
  },
};
