import { type Check, either, given, isDictionary, list, refuse, text } from "../core/arguments.js";
import type { CheckedSynapse, GivenSynapse } from "./accepted.js";

/** Several synapses for each pair of nodes that a rule connects. */
export class Collocated {
  // A private field: nothing else is taken for one, whatever it looks like.
  readonly #synapses: readonly unknown[];

  /** @internal `CollocatedSynapses` makes them. */
  constructor(synapses: readonly unknown[]) {
    this.#synapses = synapses;
  }

  /** @internal What each synapse is. */
  get synapses(): readonly unknown[] {
    return this.#synapses;
  }
}

const synapse: Check<unknown> = either((value) => typeof value === "string", text, {
  allowed: "a name or a dictionary",
  read: (value, at) => (isDictionary(value) ? value : refuse(at, value, "a name or a dictionary")),
});

const synapses = list(synapse, "names or dictionaries");

/** Synapses for `Connect`: each pair of nodes that the rule connects gets one of each. */
export function CollocatedSynapses<const S extends readonly GivenSynapse[]>(
  ...specs: S & { readonly [I in keyof S]: CheckedSynapse<S[I], string> }
): Collocated {
  const read = given("synapses", specs as readonly unknown[], synapses);
  if (read.length === 0) refuse("synapses", specs, "at least one", { code: "ValueError" });
  return new Collocated(read);
}

/** Whether a value is what {@link CollocatedSynapses} makes, whatever it does when it is asked. */
export function isCollocated(value: unknown): value is Collocated {
  try {
    return value instanceof Collocated;
  } catch {
    return false;
  }
}
