import { dynamics } from "./models.generated.js";

/** What the neurons of each model do. */
type Table = typeof dynamics;

/** Name of a model of neurons that learn or of readouts. */
export type NeuronModel = keyof Table;

/** What the neurons of a model do. */
export type Dynamics = Table[NeuronModel];

/** Names of the models whose neurons do that. */
export type ModelsWith<D extends Partial<Dynamics>> = {
  [M in NeuronModel]: Table[M] extends D ? M : never;
}[NeuronModel];

/** What the neurons of a model do; nothing for a model that is none of neurons. */
export function dynamicsOf(model: string): Dynamics | undefined {
  return Object.hasOwn(dynamics, model) ? dynamics[model as NeuronModel] : undefined;
}

/** Names of the models whose neurons do that, in the order of the tables. */
export function modelsWith<const D extends Partial<Dynamics>>(wanted: D): ModelsWith<D>[] {
  const holds = (of: Dynamics) =>
    Object.entries(wanted).every(([name, value]) => of[name as keyof Dynamics] === value);
  return (Object.keys(dynamics) as NeuronModel[]).filter((model) =>
    holds(dynamics[model]),
  ) as ModelsWith<D>[];
}

/**
 * Models of neurons whose voltage alone leaks, and takes a spike at once. What writes their equations in another form (NIR,
 * the programs of `verify`) knows these, and refuses others by name.
 */
export const leakyModels: readonly NeuronModel[] = [
  "eprop_iaf_bsshslm_2020",
  "eprop_iaf_adapt_bsshslm_2020",
  "eprop_iaf",
  "eprop_iaf_adapt",
  "eprop_iaf_psc_delta",
  "eprop_iaf_psc_delta_adapt",
  "eprop_readout_bsshslm_2020",
  "eprop_readout",
];
