/** The middle one of some numbers. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** A median with bounds between which the true one lies with a confidence of 95 % or more, whatever the distribution. */
export interface MedianInterval {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/**
 * The median of independent values, and its interval: the values so many places from the smallest and from the largest
 * that fewer of n fair coins show heads in at most 2.5 % of throws. Unbounded where there are fewer than six values.
 */
export function medianInterval(values: readonly number[]): MedianInterval {
  const sorted = values.toSorted((a, b) => a - b);
  const n = sorted.length;
  // As a logarithm: of many values the first chances are too small for a number.
  let chance = -n * Math.LN2;
  let below = Math.exp(chance);
  let place = 0;
  while (below <= 0.025) {
    place += 1;
    chance += Math.log((n - place + 1) / place);
    below += Math.exp(chance);
  }
  return {
    median: median(values),
    low: sorted[place - 1] ?? Number.NEGATIVE_INFINITY,
    high: sorted[n - place] ?? Number.POSITIVE_INFINITY,
  };
}

/** The median, and from the least to the most. */
export function rangeText(values: readonly number[], digits: number): string {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return `${median(values).toFixed(digits)} (${least.toFixed(digits)} to ${most.toFixed(digits)})`;
}

/** What two programs measure that take turns; each is first as often as the other. */
export function pairsInTurn<T>(count: number, first: () => T, second: () => T): [T, T][] {
  return Array.from({ length: count }, (_, pair) => {
    if (pair % 2 === 0) return [first(), second()];
    const after = second();
    return [first(), after];
  });
}
