import { type Check, fields, given, number, oneOf, optional } from "../core/arguments.js";

/**
 * A distribution that parameters are drawn from, once per node or connection.
 *
 * Normal numbers are drawn in pairs. As in NEST, the second of a pair is left for the next draw of a kernel from the same
 * object: one object that serves two calls gives other numbers than two objects do.
 */
export interface RandomParameter {
  readonly distribution: "normal" | "uniform" | "lognormal" | "exponential";
  readonly first: number;
  readonly second: number;
}

/** Whether a dictionary is a distribution. */
export function isRandomParameter(value: object): boolean {
  return "distribution" in value;
}

const identities = new WeakMap<RandomParameter, number>();
let known = 0;

/** @internal A number that this object has and no other. */
export function identityOf(parameter: RandomParameter): number {
  let identity = identities.get(parameter);
  if (identity === undefined) {
    identity = known++;
    identities.set(parameter, identity);
  }
  return identity;
}

/** A distribution. */
export const randomParameter: Check<RandomParameter> = {
  ...fields({
    distribution: oneOf("normal", "uniform", "lognormal", "exponential"),
    first: number(),
    second: number(),
  }),
  allowed: "a distribution",
};

const finite = optional(number({ min: -Number.MAX_VALUE, max: Number.MAX_VALUE }, "a finite number"));

/** Distributions with two parameters, or with one. */
const parameters = {
  normal: fields({ mean: finite, std: finite }),
  uniform: fields({ min: finite, max: finite }),
  exponential: fields({ beta: finite }),
};

/** Distributions, drawn from the kernel's generator as NEST does (`rng_seed`). */
export const random = {
  /** Normal numbers. */
  normal: (options: { mean?: number; std?: number } = {}): RandomParameter => {
    const { mean = 0, std = 1 } = given("options", options, parameters.normal);
    return { distribution: "normal", first: mean, second: std };
  },
  /** Numbers from `min` to `max`. */
  uniform: (options: { min?: number; max?: number } = {}): RandomParameter => {
    const { min = 0, max = 1 } = given("options", options, parameters.uniform);
    return { distribution: "uniform", first: min, second: max };
  },
  /** Exponentials of normal numbers. */
  lognormal: (options: { mean?: number; std?: number } = {}): RandomParameter => {
    const { mean = 0, std = 1 } = given("options", options, parameters.normal);
    return { distribution: "lognormal", first: mean, second: std };
  },
  /** Exponential numbers with mean `beta`. */
  exponential: (options: { beta?: number } = {}): RandomParameter => {
    const { beta = 1 } = given("options", options, parameters.exponential);
    return { distribution: "exponential", first: beta, second: 0 };
  },
};
