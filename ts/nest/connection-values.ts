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

/** Values that every connection has, in the order in which they are given out. */
export const ofEveryConnection = {
  source: ({ table }): Uint32Array => table.source.slice(),
  target: ({ table }): Uint32Array => table.target.slice(),
  synapse_model: (place) => each(place, "synapse_model") as string[],
  weight: ({ native, table }): Float64Array =>
    guarded(() => native.connectionWeights(table.projection, table.entry)),
  delay: ({ table }): Float64Array => table.delay.slice(),
  receptor: ({ table }): Uint32Array => table.receptor.slice(),
  target_thread: (place) => each(place, "target_thread") as number[],
} satisfies { readonly [name: string]: (place: Place) => unknown };

/** Whether it is the name of one of them. */
export const isOfEvery = (name: string): name is keyof typeof ofEveryConnection =>
  Object.hasOwn(ofEveryConnection, name);

/** Names of what the connections of a model have. */
export const valuesOfModel = (kernel: Kernel, model: string): string[] =>
  guarded(() => kernel.native.getDefaults(model)).map(({ name }) => name);
