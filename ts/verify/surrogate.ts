import type { NeuronConstants } from "./problem.js";

/** What stands for the derivative of a spike by the voltage (docs/derivation.md, Surrogate gradients). */
export function surrogateGradient(
  { surrogate, height, width }: NeuronConstants,
  aboveThreshold: number,
): number {
  const x = Math.abs(aboveThreshold) / width;
  switch (surrogate) {
    case "piecewise_linear":
      return height * Math.max(0, 1 - x);
    case "exponential":
      return height * Math.exp(-x);
    case "fast_sigmoid_derivative":
      return height / (1 + x) ** 2;
    case "arctan_derivative":
      return height / (1 + x ** 2);
  }
}
