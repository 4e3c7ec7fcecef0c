/** How far two computations of the same are apart. */
/** Two vectors, one of which is the measure. */
export interface Difference {
  /** Largest deviation of an entry, relative to the largest entry of the measure or `least`; 0 where both are zero. */
  deviation: number;
  /** Angle between them (degrees); undefined where one is zero. */
  angle: number | undefined;
  /** Norm of the first over that of the measure; undefined where that is zero. */
  ratio: number | undefined;
  /** Norm of the measure. */
  norm: number;
}

function norm(values: Float64Array): number {
  const largest = largestOf(values);
  if (largest === 0 || !Number.isFinite(largest)) return largest;
  return largest * Math.sqrt(values.reduce((sum, value) => sum + (value / largest) ** 2, 0));
}

export function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, at) => sum + value * (b[at] as number), 0);
}

/** The largest entry of a vector, without its sign. */
export function largestOf(values: Float64Array): number {
  return values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}

/** @param least What deviations are at least relative to: entries below it are what rounding has left. */
export function difference(values: Float64Array, measure: Float64Array, least = 0): Difference {
  let [apart, largest] = [0, least];
  for (let at = 0; at < measure.length; at++) {
    const by = Math.abs((values[at] as number) - (measure[at] as number));
    // What is no number is infinitely far from any.
    apart = Number.isNaN(by) ? Number.POSITIVE_INFINITY : Math.max(apart, by);
    largest = Math.max(largest, Math.abs(measure[at] as number));
  }
  const [a, b] = [norm(values), norm(measure)];
  const [unitA, unitB] = [values.map((value) => value / a), measure.map((value) => value / b)];
  // By halves of sum and difference, which small angles keep their digits with.
  const angle =
    a === 0 || b === 0
      ? undefined
      : 2 *
        Math.atan2(
          norm(unitA.map((value, at) => value - (unitB[at] as number))),
          norm(unitA.map((value, at) => value + (unitB[at] as number))),
        ) *
        (180 / Math.PI);
  return {
    deviation: apart === 0 ? 0 : apart / largest,
    angle,
    ratio: b === 0 ? undefined : a / b,
    norm: b,
  };
}

/** Spikes that only one of two runs has, and when the first of them comes (steps); those after `until` do not count. */
export function spikesApart(
  a: { stamps: Uint32Array; neurons: Uint32Array },
  b: { stamps: Uint32Array; neurons: Uint32Array },
  until: number,
): { count: number; total: number; first: number | undefined } {
  const keys = (of: typeof a) =>
    new Set(
      Array.from(of.stamps, (stamp, at) => [stamp, of.neurons[at] as number] as const)
        .filter(([stamp]) => stamp <= until)
        .map(([stamp, neuron]) => `${stamp} ${neuron}`),
    );
  const [ofA, ofB] = [keys(a), keys(b)];
  const only = [
    ...Array.from(ofA).filter((key) => !ofB.has(key)),
    ...Array.from(ofB).filter((key) => !ofA.has(key)),
  ];
  const first = only.reduce((least, key) => Math.min(least, Number.parseInt(key, 10)), Infinity);
  return { count: only.length, total: ofB.size, first: Number.isFinite(first) ? first : undefined };
}
