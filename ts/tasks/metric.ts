/** Quantities of a user's own that are measured in every iteration. */

/** An iteration whose readouts have been evaluated, as a metric is given it. */
export interface MeasuredIteration {
  /** Its number, from 1 on, over all phases. */
  readonly iteration: number;
  readonly phase: "training" | "validation" | "early-stopping" | "test";
  readonly loss: number;
  /** Share of sequences that are decided wrongly; of classification tasks only. */
  readonly error?: number;
  readonly readoutLosses: readonly number[];
  /** Spikes of a recurrent neuron in a sequence, on average. */
  readonly spikesPerNeuron: number;
  /** Norm of the gradient of all weights; of weights that change once an interval. */
  readonly gradientNorm?: number;
  /** Readout signals: place `(sequence * steps + step) * readouts + readout`. With cross entropy, probabilities. */
  readonly readout: Float64Array;
  /** Target signals, laid out alike. */
  readonly target: Float64Array;
  readonly readouts: number;
  /** Steps of a sequence, and those at its end in which errors count. */
  readonly steps: number;
  readonly learningWindow: number;
  /** Number of sequences. */
  readonly sequences: number;
  /** The readout with the largest mean target in the learning window, of each sequence. */
  readonly labels: Uint32Array;
  /** The readout with the largest mean signal in the learning window, of each sequence. */
  readonly decisions: Uint32Array;
  /**
   * Weights of a projection as the last update left them: rows per target, columns per source. Identical iterations may
   * be simulated together; then they are those after the last of them.
   */
  weights(projection: string): { readonly data: Float64Array; readonly shape: readonly [number, number] };
}

/** Measures an iteration; NaN where there is nothing to measure. */
export type Metric = (iteration: MeasuredIteration) => number | Promise<number>;

/** Metrics by name. */
export type MetricTable = Readonly<Record<string, Metric>>;
