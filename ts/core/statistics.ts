import { given, numbers, refuse } from "./arguments.js";

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

/** The mean of some values. */
export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let at = 0; at < values.length; at++) sum += values[at] as number;
  return sum / values.length;
}

/** Mean and 95 % confidence interval of independent, normally distributed values; at least one. */
export function meanInterval(values: readonly number[]): MeanInterval {
  const checked = given("values", values, numbers);
  if (checked.length === 0) {
    refuse("values", values, "at least one number", { code: "ValueError", message: "there are no values" });
  }
  const n = checked.length;
  const middle = mean(checked);
  if (n < 2) return { n, mean: middle, low: middle, high: middle };
  const squares = checked.reduce((sum, value) => sum + (value - middle) ** 2, 0);
  const half = studentT(0.95, n - 1) * Math.sqrt(squares / (n - 1) / n);
  return { n, mean: middle, low: middle - half, high: middle + half };
}

/** The middle of some values and the half of them around it; all lie within the values. */
export interface Quartiles {
  /** How many values there are. */
  n: number;
  /** The first quartile, a quarter of the values lie below it. */
  low: number;
  median: number;
  /** The third quartile. */
  high: number;
}

/** The value that a share of ascending values lies below, as numpy's `quantile` interpolates it. */
function quantile(ascending: Float64Array, share: number): number {
  const place = share * (ascending.length - 1);
  const below = Math.floor(place);
  const [low, high] = [ascending[below] as number, ascending[Math.ceil(place)] as number];
  // Between a number and infinity lies infinity; between two infinities, too, or zero where their signs differ.
  if (low === high) return low;
  if (low === Number.NEGATIVE_INFINITY) return high === Number.POSITIVE_INFINITY ? 0 : low;
  return low + (high - low) * (place - below);
}

/** Median and quartiles; what is no number counts as infinite. At least one value. */
export function quartiles(values: readonly number[]): Quartiles {
  const checked = given("values", values, numbers);
  if (checked.length === 0) {
    refuse("values", values, "at least one number", { code: "ValueError", message: "there are no values" });
  }
  const ascending = checked
    .map((value) => (Number.isNaN(value) ? Number.POSITIVE_INFINITY : value))
    .toSorted();
  const at = (share: number) => quantile(ascending, share);
  return { n: ascending.length, low: at(0.25), median: at(0.5), high: at(0.75) };
}

/** How many times the first loss a last one may be, before a training counts as diverged. */
const divergence = 10;

/** Whether a training diverged: its numbers ended, or its loss became ten times what it was at first. */
export function hasDiverged(first: number, last: number): boolean {
  return !Number.isFinite(last) || last > divergence * Math.abs(first);
}
