import type { NeuronConstants } from "./problem.js";

/** Shapes of surrogate gradients (docs/derivation.md, Surrogate gradients) by NEST's names, of height and width 1. */
export const surrogateShapes = {
  piecewise_linear: (x: number) => Math.max(0, 1 - x),
  exponential: (x: number) => Math.exp(-x),
  fast_sigmoid_derivative: (x: number) => 1 / (1 + x) ** 2,
  arctan_derivative: (x: number) => 1 / (1 + x ** 2),
};

/** Shape of a surrogate gradient, by NEST's name. */
export type SurrogateShape = keyof typeof surrogateShapes;

/** What stands for the derivative of a spike by the voltage. */
export function surrogateGradient(
  { surrogate, height, width }: NeuronConstants,
  aboveThreshold: number,
): number {
  return height * surrogateShapes[surrogate](Math.abs(aboveThreshold) / width);
}
