import { given, numbers, refuse } from "../core/arguments.js";

/** A mean with the interval that holds the true one with a given confidence. */
export interface MeanInterval {
  /** How many values there are. */
  n: number;
  mean: number;
  /** Bounds of the interval; both the mean itself where there is only one value. */
  low: number;
  high: number;
}

/**
 * The number below which a Student's t-distributed value lies in absolute terms with probability `confidence`.
 *
 * The probability in closed form is that of Abramowitz and Stegun (1964), equations 26.7.3 and 26.7.4.
 *
 * @param degrees Degrees of freedom, a whole number from 1 on.
 */
export function studentT(confidence: number, degrees: number): number {
  // The probability grows with the angle atan(t / sqrt(degrees)).
  let [low, high] = [0, Math.PI / 2];
  for (;;) {
    const middle = (low + high) / 2;
    if (middle <= low || middle >= high) return Math.sqrt(degrees) * Math.tan(middle);
    if (probabilityWithin(middle, degrees) < confidence) low = middle;
    else high = middle;
  }
}

/** The probability that a t-distributed value lies within `±sqrt(degrees) tan(angle)`. */
function probabilityWithin(angle: number, degrees: number): number {
  const [sine, cosine] = [Math.sin(angle), Math.cos(angle)];
  const odd = degrees % 2 === 1;
  let term = odd ? cosine : 1;
  let sum = degrees === 1 ? 0 : term;
  for (let k = odd ? 3 : 2; k <= degrees - 2; k += 2) {
    term *= (cosine * cosine * (k - 1)) / k;
    sum += term;
  }
  return odd ? (2 / Math.PI) * (angle + sine * sum) : sine * sum;
}

/** Mean and 95 % confidence interval of independent, normally distributed values; at least one. */
export function meanInterval(values: readonly number[]): MeanInterval {
  const checked = given("values", values, numbers);
  if (checked.length === 0) {
    refuse("values", values, "at least one number", { code: "ValueError", message: "there are no values" });
  }
  const n = checked.length;
  const mean = checked.reduce((sum, value) => sum + value, 0) / n;
  if (n < 2) return { n, mean, low: mean, high: mean };
  const squares = checked.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const half = studentT(0.95, n - 1) * Math.sqrt(squares / (n - 1) / n);
  return { n, mean, low: mean - half, high: mean + half };
}
