/** Values of nodes besides the parameters of their models, and values of nodes of several models, as NEST gives them. */
import { refuseName } from "../core/arguments.js";
import { fromNative, guarded, nestError, NESTErrors } from "../core/errors.js";
import { modelTables } from "../native/index.js";
import type { Kernel } from "./kernel.js";
import { type Decoded, decodeValue } from "./values.js";

/** What every node has: what the defaults of its model show, and what a node shows, where that is another. */
export const ofEveryNode = {
  frozen: [false],
  global_id: [0, (id) => id],
  local: [true],
  node_uses_wfr: [false],
  thread: [-1, () => 0],
  thread_local_id: [-1],
  vp: [-1, () => 0],
} as const satisfies { readonly [name: string]: ShownValue };

/** What the defaults of a model show, and what a node shows. */
type ShownValue = readonly [Decoded, ((id: number) => Decoded)?];

/** The same by any name that is asked for, also those that all objects have. */
const everyNode = new Map<string, ShownValue>(Object.entries(ofEveryNode));

/** What all nodes of a model have in common and its defaults show; lists that hold nothing are left out. */
const ofModel = ["element_type", "receptor_types", "recordables"];

/** What nodes and defaults show besides the parameters of their models. */
const shownOnly: ReadonlySet<string> = new Set([
  ...everyNode.keys(),
  ...ofModel,
  "events",
  "filenames",
  "model",
]);

/** Changes parameters; an error says of a name that is none of theirs whether it can be read. */
export function changing<T>(change: () => T): T {
  try {
    return change();
  } catch (error) {
    const known = fromNative(error);
    const { model, parameter } = known as Partial<Record<"model" | "parameter", string>>;
    if (!(known instanceof NESTErrors.UnaccessedDictionaryEntry) || !shownOnly.has(parameter ?? ""))
      throw known;
    throw nestError({
      code: "UnaccessedDictionaryEntry",
      message: `${parameter} can only be read`,
      bound: "none",
      ...(model !== undefined && { model }),
      ...(parameter !== undefined && { parameter }),
    });
  }
}

/** What NEST calls nodes of each class, by model; it counts the injector among neurons. */
let elementTypes: ReadonlyMap<string, string> | undefined;

function elementType(model: string): string {
  const named = { recorder: "recorder", generator: "stimulator" } as Readonly<Record<string, string>>;
  elementTypes ??= new Map(modelTables().map(({ name, class: of }) => [name, named[of] ?? "neuron"]));
  return model === "spike_train_injector" ? "neuron" : (elementTypes.get(model) ?? "neuron");
}

/** The defaults of a node model, with what its nodes have besides. */
export function nodeDefaults(
  model: string,
  values: { [name: string]: Decoded },
): { [name: string]: Decoded } {
  const shown = Array.from(everyNode, ([name, [value]]) => [name, value] as const);
  const kind = elementType(String(values["type_id"]));
  return { ...values, element_type: kind, model, ...Object.fromEntries(shown) };
}

/** What the defaults of a synapse model show besides its parameters. */
export const shownOfSynapses = (synapse_model: string, num_connections: number) => ({
  element_type: "synapse",
  synapse_model,
  num_connections,
  has_delay: true,
  requires_symmetric: false,
});

/** Nodes of one model that follow each other. */
interface Part {
  readonly model: string;
  readonly ids: Uint32Array;
}

/** Nodes by model. */
export function partsOf(kernel: Kernel, ids: Uint32Array): Part[] {
  const parts: { model: string; ids: number[] }[] = [];
  for (const id of ids) {
    const model = guarded(() => kernel.native.modelOf(id));
    const part = parts.at(-1);
    if (part?.model === model) part.ids.push(id);
    else parts.push({ model, ids: [id] });
  }
  return parts.map((part) => ({ model: part.model, ids: Uint32Array.from(part.ids) }));
}

const parametersOf = (kernel: Kernel, { ids }: Part): string[] =>
  guarded(() => kernel.native.parametersOf(ids[0] as number));

const defaultsOf = (kernel: Kernel, { model }: Part): { readonly [name: string]: Decoded } =>
  kernel.GetDefaults(model);

/** Whether a value of a model says something. */
const isFull = (value: Decoded | null | undefined): boolean =>
  value !== undefined && value !== null && Object.keys(value).length > 0;

/** Names of what the nodes have, in the order of NEST's: a name is there if one of the models has it. */
export function valueNames(kernel: Kernel, ids: Uint32Array): string[] {
  const names = new Set([...everyNode.keys(), "element_type", "model"]);
  const seen = new Set<string>();
  for (const part of partsOf(kernel, ids)) {
    if (seen.has(part.model)) continue;
    seen.add(part.model);
    const own = parametersOf(kernel, part);
    const defaults = defaultsOf(kernel, part);
    for (const name of own) names.add(name);
    for (const name of ofModel) if (isFull(defaults[name])) names.add(name);
    if (own.includes("n_events")) names.add("events");
  }
  return [...names].toSorted();
}

/** A value of each node; `null` of those whose model has none of that name, if others have. */
export function valuesOf(kernel: Kernel, ids: Uint32Array, name: string): (Decoded | null)[] {
  if (name === "local") {
    const held = new Set(guarded(() => kernel.native.heldNodes(ids)));
    return Array.from(ids, (id) => held.has(id));
  }
  const [value, own] = everyNode.get(name) ?? [];
  if (value !== undefined) return Array.from(ids, own ?? (() => value));
  const each = (read: (part: Part) => (Decoded | null)[]) => partsOf(kernel, ids).flatMap(read);
  if (name === "model") return each((part) => Array.from(part.ids, () => part.model));
  if (ofModel.includes(name)) {
    const held = each((part) => Array.from(part.ids, () => defaultsOf(kernel, part)[name] ?? null));
    if (held.some((of) => of !== null)) {
      return held.some(isFull) ? held.map((of) => (isFull(of) ? of : null)) : held;
    }
  }
  const read = (some: Uint32Array) => kernel.native.getNodes(some, name).map(decodeValue);
  try {
    return read(ids);
  } catch (error) {
    const known = fromNative(error);
    if (!(known instanceof NESTErrors.UnaccessedDictionaryEntry)) throw known;
    const parts = partsOf(kernel, ids);
    const having = new Set(parts.filter((part) => parametersOf(kernel, part).includes(name)));
    if (having.size === 0) {
      refuseName(
        name,
        valueNames(kernel, ids),
        parts.map(({ model }) => model),
      );
    }
    return parts.flatMap((part) => (having.has(part) ? read(part.ids) : Array.from(part.ids, () => null)));
  }
}
