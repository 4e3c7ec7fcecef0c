import type { Metrics } from "./metrics.js";
import type { Phase } from "./schedule.js";

/** An iteration that is over. */
export interface Iteration extends Metrics {
  /** Its number, from 1 on, over all phases. */
  iteration: number;
  phase: Phase;
  /** Time that its simulation took (ms). */
  ms: number;
  /**
   * Spikes of a recurrent neuron in a sequence, on average. With e-prop+, the same for identical iterations that were
   * simulated together.
   */
  spikesPerNeuron: number;
  /** Norm of the gradient of all weights, averaged over the batch; of weights that change once an interval. */
  gradientNorm?: number;
  /** What the task's metrics and the user's say, by name. */
  metrics?: Readonly<Record<string, number>>;
}

/** Names of all metrics that some of these iterations have, in the order of the first of each. */
export function metricNames(iterations: readonly Pick<Iteration, "metrics">[]): string[] {
  return [...new Set(iterations.flatMap(({ metrics }) => Object.keys(metrics ?? {})))];
}
