/**
 * What a run must at least read, write and compute, from counts of neurons, steps, synapses and spikes. The formulas are
 * stated in `docs/benchmarks.md`; what an algorithm does beyond them is its loss.
 */
import type { Work } from "./case.js";

/** A network and what happened in it in one unit of a run. */
export interface Counts {
  family: "interval" | "event";
  neurons: number;
  readouts: number;
  /** Steps of an interval. */
  steps: number;
  /** Steps at its end in which errors count. */
  learningWindow: number;
  /** Intervals, one after the other or side by side. */
  intervals: number;
  /** Share of the neurons that adapt. */
  adaptive: number;
  /** Plastic synapses. */
  synapses: number;
  /** Spikes times their plastic synapses. */
  synapticEvents: number;
  /** Synapses onto neurons times the steps in which their trace is above zero and counts (e-prop+). */
  traceSteps: number;
  optimizer: "adam" | "gradient_descent";
  /** Calls of the optimizer per synapse (once an interval). */
  optimizerCalls: number;
  /** Bytes of a value in a history, of a weight that is delivered and of an interval's gradient; all else has eight. */
  width: 4 | 8;
}

/** Operations of each part; a fused multiplication and addition counts as two. */
const operations = {
  neuronStep: { plain: 11, adaptive: 15 },
  backwardStep: { plain: 8, adaptive: 12 },
  /** Per neuron, step of the learning window and readout. */
  learningSignal: 2,
  delivery: 1,
  rowAddition: 1,
  gradientSum: 2,
  optimizer: { adam: 13, gradient_descent: 3 },
  /** Per synapse and step with a trace. */
  trace: { plain: 12, adaptive: 16 },
} as const;

/** Values read and written by each part. */
const values = {
  /** A surrogate gradient, written and read. */
  history: 2,
  /** Surrogate gradient, learning signal and regularization, written; read from cache. */
  eventHistory: 3,
  /** The weight. */
  delivery: 1,
  /** A factor, read; the gradient's row can stay in registers over many steps. */
  rowAddition: 1,
  /** Written and read. */
  intervalGradient: 2,
  /** Read and written. */
  batchGradient: 2,
  /** Gradient, weight and with Adam two moments; all but the gradient read and written. */
  optimizer: { adam: 7, gradient_descent: 3 },
  /** Four traces of the synapse, read and written. */
  traces: 8,
} as const;

/** Bytes of a 64-bit number. */
const double = 8;

/** The work of a unit. */
export function workOf(counts: Counts): Work {
  const { neurons, readouts, steps, intervals, adaptive, synapses, synapticEvents, width, optimizer } =
    counts;
  const neuronSteps = neurons * steps * intervals;
  const mixed = ({ plain, adaptive: more }: { plain: number; adaptive: number }) =>
    plain + adaptive * (more - plain);
  const learning = neurons * counts.learningWindow * intervals * readouts * operations.learningSignal;
  const forward =
    neuronSteps * mixed(operations.neuronStep) + synapticEvents * operations.delivery + learning;
  const common = { neuronSteps, synapseSteps: synapses * steps * intervals, synapticEvents };
  if (counts.family === "event") {
    return {
      ...common,
      bytes:
        double *
        (neuronSteps * values.eventHistory +
          synapticEvents * (values.delivery + values.traces + values.optimizer[optimizer])),
      operations:
        forward +
        counts.traceSteps * mixed(operations.trace) +
        synapticEvents * operations.optimizer[optimizer],
    };
  }
  const calls = synapses * counts.optimizerCalls;
  return {
    ...common,
    bytes:
      width *
        (neuronSteps * values.history +
          synapticEvents * (values.delivery + values.rowAddition) +
          synapses * intervals * values.intervalGradient) +
      double * (synapses * intervals * values.batchGradient + calls * values.optimizer[optimizer]),
    operations:
      forward +
      neuronSteps * mixed(operations.backwardStep) +
      synapticEvents * operations.rowAddition +
      synapses * intervals * operations.gradientSum +
      calls * operations.optimizer[optimizer],
  };
}

/** So many times a work. */
export function scaled(work: Work, factor: number): Work {
  return {
    neuronSteps: work.neuronSteps * factor,
    synapseSteps: work.synapseSteps * factor,
    synapticEvents: work.synapticEvents * factor,
    bytes: work.bytes * factor,
    operations: work.operations * factor,
  };
}
