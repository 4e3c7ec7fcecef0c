/** Values of connections. */
import { guarded } from "../core/errors.js";
import type { NativeConnections, NativeKernel } from "../native/index.js";
import type { Kernel } from "./kernel.js";
import { type Decoded, decodeValue } from "./values.js";

/** Where values of connections are read. */
export interface Place {
  readonly native: NativeKernel;
  readonly table: NativeConnections;
}

/** A value of each connection, as the engine gives it. */
export const each = ({ native, table: { projection, entry } }: Place, name: string): Decoded[] =>
  guarded(() => native.connectionValues(projection, entry, name)).map(decodeValue);

const weights = ({ native, table }: Place): Float64Array =>
  guarded(() => native.connectionWeights(table.projection, table.entry));

/** What is known from when connections were found, where they are still there: rewired ones have other ends. */
function known<T>(place: Place, column: T): T {
  weights(place);
  return column;
}

/** Values that every connection has, in the order in which they are given out. */
export const ofEveryConnection = {
  source: (place): Uint32Array => known(place, place.table.source.slice()),
  target: (place): Uint32Array => known(place, place.table.target.slice()),
  synapse_model: (place) => each(place, "synapse_model") as string[],
  weight: weights,
  delay: (place): Float64Array => known(place, place.table.delay.slice()),
  receptor: (place): Uint32Array => known(place, place.table.receptor.slice()),
  target_thread: (place) => each(place, "target_thread") as number[],
} satisfies { readonly [name: string]: (place: Place) => unknown };

/** Whether it is the name of one of them. */
export const isOfEvery = (name: string): name is keyof typeof ofEveryConnection =>
  Object.hasOwn(ofEveryConnection, name);

/** Names of what the connections of a model have. */
export const valuesOfModel = (kernel: Kernel, model: string): string[] =>
  guarded(() => kernel.native.getDefaults(model)).map(({ name }) => name);
