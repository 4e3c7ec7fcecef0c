import { type Check, number, oneOf } from "../core/arguments.js";

/** What a training is computed with besides its task: what changes its numbers. */
export interface ComputedWith {
  /** How gradients are computed. */
  gradient?: "adjoint" | "forward";
  /** Precision of neurons and of an interval's gradients; `f64` if left out. */
  precision?: "f64" | "f32";
  /**
   * Norm that the gradient of an update, over all weights that learn, is scaled down to where it is larger; 0, the
   * default, for never. Weights have to change once an interval.
   */
  clipNorm?: number;
}

/** What each of them may be. */
export const settingChecks = {
  gradient: oneOf("adjoint", "forward"),
  precision: oneOf("f64", "f32"),
  clipNorm: number({ min: 0, max: Number.MAX_VALUE }, "a number from 0 on"),
} as const satisfies { [name in keyof ComputedWith]-?: Check<unknown> };

/** Those of some options that are given. */
export function computedWith(options: ComputedWith): ComputedWith {
  const names = Object.keys(settingChecks) as (keyof ComputedWith)[];
  const given = names.filter((name) => options[name] !== undefined);
  return Object.fromEntries(given.map((name) => [name, options[name]])) as ComputedWith;
}
