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

/** Whether a value is a distribution. */
export function isRandomParameter(value: unknown): value is RandomParameter {
  return typeof value === "object" && value !== null && "distribution" in value;
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

/** Distributions, drawn from the kernel's generator as NEST does (`rng_seed`). */
export const random = {
  /** Normal numbers. */
  normal: ({ mean = 0, std = 1 }: { mean?: number; std?: number } = {}): RandomParameter => ({
    distribution: "normal",
    first: mean,
    second: std,
  }),
  /** Numbers from `min` to `max`. */
  uniform: ({ min = 0, max = 1 }: { min?: number; max?: number } = {}): RandomParameter => ({
    distribution: "uniform",
    first: min,
    second: max,
  }),
  /** Exponentials of normal numbers. */
  lognormal: ({ mean = 0, std = 1 }: { mean?: number; std?: number } = {}): RandomParameter => ({
    distribution: "lognormal",
    first: mean,
    second: std,
  }),
  /** Exponential numbers with mean `beta`. */
  exponential: ({ beta = 1 }: { beta?: number } = {}): RandomParameter => ({
    distribution: "exponential",
    first: beta,
    second: 0,
  }),
};
