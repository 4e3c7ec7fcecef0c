/**
 * The gradient of e-prop by its definition: four traces for each synapse, one step after the other
 * (docs/derivation.md, The gradient of an interval). It is written to be read, in 64 bits.
 */
import type { Pieces } from "../core/event-loop.js";
import { type Course, type IntervalCourse, inputsByStamp, shifts } from "./interval-course.js";
import type { Problem, Synapses } from "./problem.js";

/** Gradients of the plastic projections, by name: an entry per connection. */
export type Gradients = Record<string, Float64Array>;

/** Feedback weights: those of the network's own feedback, or the readout weights themselves. */
export type FeedbackKind = "own" | "symmetric";

/** The feedback weight from each readout to each recurrent neuron: a row of readouts per neuron. */
export function feedbackWeights(problem: Problem, kind: FeedbackKind): Float64Array {
  const k = problem.readouts.length;
  const all = new Float64Array(problem.recurrent.length * k);
  const add = (neuron: number, readout: number, weight: number) => {
    all[neuron * k + readout] = (all[neuron * k + readout] as number) + weight;
  };
  for (const { kind: of, to, sources, targets, weights } of problem.projections) {
    const takes = kind === "own" ? of === "feedback" : to === "readout";
    if (!takes) continue;
    weights.forEach((weight, entry) => {
      const [source, target] = [sources[entry] as number, targets[entry] as number];
      if (kind === "own") add(target, source, weight);
      else add(source, target, weight);
    });
  }
  return all;
}

/** The learning signal of each recurrent neuron in each step of an interval. */
function learningSignals(problem: Problem, { errors }: IntervalCourse, feedback: Float64Array): Float64Array {
  const { steps } = problem;
  const [n, k] = [problem.recurrent.length, problem.readouts.length];
  const signals = new Float64Array(steps * n);
  for (let u = 0; u < steps; u++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let readout = 0; readout < k; readout++) {
        sum += (feedback[j * k + readout] as number) * (errors[u * k + readout] as number);
      }
      signals[u * n + j] = sum;
    }
  }
  return signals;
}

/** What the firing-rate regularization adds to every step of each neuron. */
export function rateRegularization(problem: Problem, { counts }: IntervalCourse): Float64Array {
  const { steps, resolution } = problem;
  return Float64Array.from(problem.recurrent, ({ c_reg, f_target }, j) => {
    const rate = (counts[j] as number) / steps;
    return (c_reg * (rate - (f_target / 1000) * resolution)) / steps;
  });
}

/** Whether a source's spike is read in a step of an interval, with a delay of one step: 1 where it is. */
export class Presynaptic {
  readonly #problem: Problem;
  readonly #course: Course;
  readonly #inputs: Map<number, Map<number, number>>;

  constructor(problem: Problem, course: Course) {
    this.#problem = problem;
    this.#course = course;
    this.#inputs = inputsByStamp(problem);
  }

  /** The sources whose spikes are read in step `u` of an interval of the targets. Learning knows no longer delay. */
  at(interval: number, { from, to }: Pick<Synapses, "from" | "to">, u: number): readonly number[] {
    const { steps, recurrent } = this.#problem;
    const step = interval * steps + u + (to === "readout" ? shifts.readout : shifts.recurrent);
    if (from === "input") return [...(this.#inputs.get(step)?.keys() ?? [])];
    // Read one step after it was fired.
    const local = step - 1 - shifts.recurrent;
    const of = Math.floor(local / steps);
    const found = this.#course.intervals[of];
    if (found === undefined) return of === this.#course.intervals.length ? [...this.#course.firedNext] : [];
    const n = recurrent.length;
    const row = found.fired.subarray((local - of * steps) * n, (local - of * steps + 1) * n);
    return Array.from(row.keys()).filter((j) => row[j] === 1);
  }
}

/** Decay of the filter of eligibility traces: that of the readouts. */
function filterDecay(problem: Problem): number {
  return Math.exp(-problem.resolution / (problem.readouts[0]?.tau_m ?? 1));
}

/** What a neuron's traces decay and gain by. */
function neuronFactors({ resolution, recurrent }: Problem) {
  const alpha = Float64Array.from(recurrent, ({ tau_m }) => Math.exp(-resolution / tau_m));
  return {
    alpha,
    gain: Float64Array.from(recurrent, ({ regular_spike_arrival }, j) =>
      regular_spike_arrival ? 1 : 1 - (alpha[j] as number),
    ),
    rho: Float64Array.from(recurrent, ({ adapt_tau }) => Math.exp(-resolution / adapt_tau)),
    beta: Float64Array.from(recurrent, ({ adapts, adapt_beta }) => (adapts ? adapt_beta : 0)),
  };
}

/** The traces of all synapses of a projection. */
class Traces {
  readonly zbar: Float64Array;
  readonly eps: Float64Array;
  readonly ebar: Float64Array;
  readonly gradient: Float64Array;

  constructor(count: number) {
    [this.zbar, this.eps, this.ebar, this.gradient] = [0, 1, 2, 3].map(() => new Float64Array(count)) as [
      Float64Array,
      Float64Array,
      Float64Array,
      Float64Array,
    ];
  }
}

/** What all synapses see of one step: of their sources whether a spike is read, the rest of their targets. */
interface StepSeen {
  spikes: Uint8Array;
  psi: Float64Array;
  cost: Float64Array;
  /** Learning signals, and those of sources that learn early. */
  signals: Float64Array;
  ofEarly: Float64Array;
  early: Uint8Array;
  regularization: Float64Array;
  kappa: number;
}

/** One step of all synapses of a projection onto recurrent neurons. */
function stepTraces(
  traces: Traces,
  { sources, targets }: Synapses,
  { alpha, gain, rho, beta }: ReturnType<typeof neuronFactors>,
  { spikes, psi, cost, signals, ofEarly, early, regularization, kappa }: StepSeen,
): void {
  const { zbar, eps, ebar, gradient } = traces;
  for (let s = 0; s < sources.length; s++) {
    const [i, j] = [sources[s] as number, targets[s] as number];
    const z = (alpha[j] as number) * (zbar[s] as number) + (gain[j] as number) * (spikes[i] as number);
    const e = (psi[j] as number) * (z - (beta[j] as number) * (eps[s] as number));
    const filtered = kappa * (ebar[s] as number) + (1 - kappa) * e;
    const signal = (early[i] === 1 ? ofEarly[j] : signals[j]) as number;
    // Above the threshold the adaptation has a share in what a voltage costs.
    const ofCost =
      (cost[j] as number) * z - (beta[j] as number) * Math.max(cost[j] as number, 0) * (eps[s] as number);
    gradient[s] = (gradient[s] as number) + signal * filtered + (regularization[j] as number) * e + ofCost;
    zbar[s] = z;
    eps[s] = (rho[j] as number) * (eps[s] as number) + e;
    ebar[s] = filtered;
  }
}

/** One projection onto recurrent neurons in one interval. */
function* ontoRecurrent(
  problem: Problem,
  synapses: Synapses,
  presynaptic: Presynaptic,
  { interval, course, feedback }: { interval: number; course: IntervalCourse; feedback: Float64Array },
): Pieces<Float64Array> {
  const { steps } = problem;
  const n = problem.recurrent.length;
  const factors = neuronFactors(problem);
  const signals = learningSignals(problem, course, feedback);
  const regularization = rateRegularization(problem, course);
  const sourceCount = synapses.from === "input" ? problem.inputs : n;
  const spikes = new Uint8Array(sourceCount);
  // A source that fires again so early learns without the learning signal of the interval's last step.
  const early = new Uint8Array(sourceCount);
  for (const source of presynaptic.at(interval + 1, synapses, 1)) early[source] = 1;
  const none = new Float64Array(n);
  const traces = new Traces(synapses.sources.length);
  for (let u = 1; u < steps; u++) {
    const fired = presynaptic.at(interval, synapses, u);
    for (const source of fired) spikes[source] = 1;
    const row = signals.subarray(u * n, (u + 1) * n);
    stepTraces(traces, synapses, factors, {
      spikes,
      psi: course.psi.subarray(u * n, (u + 1) * n),
      cost: course.cost.subarray(u * n, (u + 1) * n),
      signals: row,
      ofEarly: u === steps - 1 ? none : row,
      early,
      regularization,
      kappa: filterDecay(problem),
    });
    for (const source of fired) spikes[source] = 0;
    if (u % 4 === 0) yield;
  }
  return traces.gradient;
}

/** One projection onto readouts in one interval. `learns` says of which sources the first step counts, too. */
function* ontoReadouts(
  problem: Problem,
  { sources, targets, from, to }: Synapses,
  presynaptic: Presynaptic,
  { interval, course, learns }: { interval: number; course: IntervalCourse; learns: ReadonlySet<number> },
): Pieces<Float64Array> {
  const { steps, resolution, readouts } = problem;
  const k = readouts.length;
  const alpha = readouts.map(({ tau_m }) => Math.exp(-resolution / tau_m));
  const gain = readouts.map(({ regular_spike_arrival }, at) =>
    regular_spike_arrival ? 1 : 1 - (alpha[at] as number),
  );
  const spikes = new Uint8Array(problem.recurrent.length);
  const zbar = new Float64Array(sources.length);
  const gradient = new Float64Array(sources.length);
  for (let u = 0; u < steps; u++) {
    const fired = presynaptic.at(interval, { from, to }, u).filter((source) => u > 0 || learns.has(source));
    for (const source of fired) spikes[source] = 1;
    for (let s = 0; s < sources.length; s++) {
      const readout = targets[s] as number;
      const z =
        (alpha[readout] as number) * (zbar[s] as number) +
        (gain[readout] as number) * (spikes[sources[s] as number] as number);
      gradient[s] = (gradient[s] as number) + (course.errors[u * k + readout] as number) * z;
      zbar[s] = z;
    }
    for (const source of fired) spikes[source] = 0;
    if (u % 64 === 0) yield;
  }
  return gradient;
}

/**
 * The gradients of one update: of all sequences, divided by their number and, where that is asked for, by the learning
 * window.
 *
 * @param feedback Whose weights carry the learning signals, and how many sequences are taken: all if left out.
 */
export function* epropGradients(
  problem: Problem,
  course: Course,
  {
    feedback = "own",
    intervals = course.intervals.length,
  }: { feedback?: FeedbackKind; intervals?: number } = {},
): Pieces<Gradients> {
  const { sequences, learningWindow, average, steps } = problem;
  const presynaptic = new Presynaptic(problem, course);
  const weights = feedbackWeights(problem, feedback);
  const gradients: Gradients = {};
  for (const synapses of problem.projections.filter(({ kind }) => kind === "plastic")) {
    const sum = new Float64Array(synapses.sources.length);
    // A synapse counts as having learned in the first interval when it is made.
    const learnedIn = new Map<number, number>();
    for (const [interval, of] of course.intervals.slice(0, intervals).entries()) {
      let gradient: Float64Array;
      if (synapses.to === "readout") {
        const atStart = presynaptic.at(interval, synapses, 0);
        const learns = new Set(atStart.filter((source) => (learnedIn.get(source) ?? 0) !== interval - 1));
        for (let u = 0; u < steps; u++) {
          for (const source of presynaptic.at(interval, synapses, u)) {
            if (u > 0 || learns.has(source)) learnedIn.set(source, interval);
          }
        }
        gradient = yield* ontoReadouts(problem, synapses, presynaptic, { interval, course: of, learns });
      } else {
        gradient = yield* ontoRecurrent(problem, synapses, presynaptic, {
          interval,
          course: of,
          feedback: weights,
        });
      }
      gradient.forEach((value, s) => (sum[s] = (sum[s] as number) + value));
    }
    const divisor = sequences * (average ? learningWindow : 1);
    gradients[synapses.name] = sum.map((value) => value / divisor);
  }
  return gradients;
}

/** What the gradients of currents are called among those of projections. */
export const biasNames = { recurrent: "I_e (recurrent)", readout: "I_e (readout)" } as const;

/** The gradient by the current of each recurrent neuron: that of the weight of an input in every step. */
function ofCurrents(problem: Problem, course: IntervalCourse, feedback: Float64Array): Float64Array {
  const { steps, recurrent, resolution } = problem;
  const n = recurrent.length;
  const { alpha, rho, beta } = neuronFactors(problem);
  const signals = learningSignals(problem, course, feedback);
  const regularization = rateRegularization(problem, course);
  const kappa = filterDecay(problem);
  return Float64Array.from(recurrent, ({ tau_m, C_m, learns_bias }, j) => {
    if (!learns_bias) return 0;
    let [z, eps, ebar, gradient] = [0, 0, 0, 0];
    const gain = (tau_m / C_m) * (1 - Math.exp(-resolution / tau_m));
    for (let u = 0; u < steps; u++) {
      const cost = course.cost[u * n + j] as number;
      z = (alpha[j] as number) * z + gain;
      const e = (course.psi[u * n + j] as number) * (z - (beta[j] as number) * eps);
      gradient += cost * z - (beta[j] as number) * Math.max(cost, 0) * eps;
      ebar = kappa * ebar + (1 - kappa) * e;
      gradient += (signals[u * n + j] as number) * ebar + (regularization[j] as number) * e;
      eps = (rho[j] as number) * eps + e;
    }
    return gradient;
  });
}

/** The gradients of one update by the currents that learn; none where none does. */
export function biasGradients(
  problem: Problem,
  course: Course,
  intervals = course.intervals.length,
): Gradients {
  const { sequences, learningWindow, average, readouts, recurrent, resolution, steps } = problem;
  const divisor = sequences * (average ? learningWindow : 1);
  const weights = feedbackWeights(problem, "own");
  const sums = {
    recurrent: new Float64Array(recurrent.length),
    readout: new Float64Array(readouts.length),
  };
  for (const of of course.intervals.slice(0, intervals)) {
    ofCurrents(problem, of, weights).forEach(
      (value, j) => (sums.recurrent[j] = (sums.recurrent[j] as number) + value / divisor),
    );
    readouts.forEach(({ tau_m, C_m, learns_bias }, k) => {
      const alpha = Math.exp(-resolution / tau_m);
      let [z, gradient] = [0, 0];
      for (let u = 0; u < steps; u++) {
        z = alpha * z + (tau_m / C_m) * (1 - alpha);
        gradient += (of.errors[u * readouts.length + k] as number) * z;
      }
      if (learns_bias) sums.readout[k] = (sums.readout[k] as number) + gradient / divisor;
    });
  }
  return {
    ...(recurrent.some(({ learns_bias }) => learns_bias) && { [biasNames.recurrent]: sums.recurrent }),
    ...(readouts.some(({ learns_bias }) => learns_bias) && { [biasNames.readout]: sums.readout }),
  };
}
