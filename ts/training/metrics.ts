/** Readout and target signals of an iteration: place `(sequence * steps + step) * readouts + readout`. */
export interface ReadoutSignals {
  readout: Float64Array;
  target: Float64Array;
}

/** How well an iteration went. */
export interface Metrics {
  loss: number;
  /** The loss of each readout; `loss` is their mean, with cross entropy their sum. */
  readoutLosses: number[];
  /** Share of sequences that are decided wrongly; of classification tasks only. */
  error?: number;
}

/** The metrics of each iteration, of what a kernel tells of their losses (`takeLosses`). */
export function metricsOf(
  kind: "regression" | "classification",
  losses: Float64Array,
  readouts: number,
): Metrics[] {
  const width = readouts + 2;
  return Array.from({ length: losses.length / width }, (_, at) => {
    const [loss, error, ...readoutLosses] = losses.subarray(at * width, (at + 1) * width);
    const all = { loss: loss as number, readoutLosses };
    return kind === "classification" ? { ...all, error: error as number } : all;
  });
}
