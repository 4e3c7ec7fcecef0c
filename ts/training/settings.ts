import { type Check, number, oneOf, optional } from "../core/arguments.js";

/** How gradients are computed. */
export const gradients = ["adjoint", "forward"] as const;

/** Precisions of neurons and of an interval's gradients. */
export const precisions = ["f64", "f32"] as const;

/** What a training is computed with besides its task: what changes its numbers. */
export interface ComputedWith {
  /** How gradients are computed. */
  gradient?: (typeof gradients)[number];
  /** Precision of neurons and of an interval's gradients; `f64` if left out. */
  precision?: (typeof precisions)[number];
  /**
   * Norm that the gradient of an update, over all weights that learn, is scaled down to where it is larger; 0, the
   * default, for never. Weights have to change once an interval.
   */
  clipNorm?: number;
}

/** What each of them may be. */
export const settingChecks = {
  gradient: oneOf(...gradients),
  precision: oneOf(...precisions),
  clipNorm: number({ min: 0, max: Number.MAX_VALUE }, "a number from 0 on"),
} as const satisfies { [name in keyof ComputedWith]-?: Check<unknown> };

/** The same as options, which may be left out. */
export const settingOptions = {
  gradient: optional(settingChecks.gradient),
  precision: optional(settingChecks.precision),
  clipNorm: optional(settingChecks.clipNorm),
} as const satisfies { [name in keyof ComputedWith]-?: Check<unknown> };

/** Those of some options that are given. */
export function computedWith(options: ComputedWith): ComputedWith {
  const names = Object.keys(settingChecks) as (keyof ComputedWith)[];
  const given = names.filter((name) => options[name] !== undefined);
  return Object.fromEntries(given.map((name) => [name, options[name]])) as ComputedWith;
}
