/**
 * Exact real-time recurrent learning: how every voltage depends on every weight, carried forwards in time. It costs
 * weights times neurons times connections in each step and gives what backpropagation through time gives, so that each
 * is the proof of the other.
 */
import type { Pieces } from "../core/event-loop.js";
import type { Course, IntervalCourse } from "./interval-course.js";
import { type Gradients, rateRegularization } from "./interval-eprop.js";
import { type PathConstants, pathConstants, readsOf } from "./paths.js";
import type { Problem, Synapses } from "./problem.js";

/** Neurons up to which it is worth its time. */
export const mostNeurons = 30;

const count = (of: readonly Synapses[]) => of.reduce((sum, { sources }) => sum + sources.length, 0);

/** How much work one sequence is: weights times steps times connections among neurons. */
export function rtrlWork(problem: Problem): number {
  const onto = problem.projections.filter(({ to, kind }) => to === "recurrent" && kind === "plastic");
  const among = problem.projections.filter(({ from, to }) => from === "recurrent" && to === "recurrent");
  return count(onto) * (count(among) + problem.recurrent.length) * problem.steps;
}

/** How one interval's loss depends on one weight: its spikes move one neuron's voltage, and all else follows. */
function derivative(
  problem: Problem,
  course: IntervalCourse,
  { alpha, rho, beta, outAlpha, onward, out }: PathConstants,
  regularization: Float64Array,
  direct: { target: number; toReadout: boolean; moves: Float64Array },
): number {
  const { steps } = problem;
  const [n, k] = [problem.recurrent.length, problem.readouts.length];
  const arriving = new Float64Array(steps * n);
  const arrivingOut = new Float64Array(steps * k);
  const into = direct.toReadout ? arrivingOut : arriving;
  const width = direct.toReadout ? k : n;
  direct.moves.forEach((by, u) => (into[u * width + direct.target] = by));
  const [v, a, z] = [new Float64Array(n), new Float64Array(n), new Float64Array(n)];
  const y = new Float64Array(k);
  let sum = 0;
  for (let u = 0; u < steps; u++) {
    for (let j = 0; j < n; j++) {
      a[j] = (rho[j] as number) * (a[j] as number) + (z[j] as number);
      v[j] = (alpha[j] as number) * (v[j] as number) + (arriving[u * n + j] as number);
      const moved =
        (course.psi[u * n + j] as number) * ((v[j] as number) - (beta[j] as number) * (a[j] as number));
      z[j] = moved;
      const cost = course.cost[u * n + j] as number;
      sum += cost * (v[j] as number) - (beta[j] as number) * Math.max(cost, 0) * (a[j] as number);
      if (moved === 0) continue;
      sum += (regularization[j] as number) * moved;
      for (const { target, weight, after } of onward[j] ?? []) {
        const at = (u + after) * n + target;
        if (u + after < steps) arriving[at] = (arriving[at] as number) + weight * moved;
      }
      for (const { target, weight, after } of out[j] ?? []) {
        const at = (u + after) * k + target;
        if (u + after < steps) arrivingOut[at] = (arrivingOut[at] as number) + weight * moved;
      }
    }
    for (let of = 0; of < k; of++) {
      y[of] = (outAlpha[of] as number) * (y[of] as number) + (arrivingOut[u * k + of] as number);
      sum += (course.errors[u * k + of] as number) * (y[of] as number);
    }
  }
  return sum;
}

/**
 * The gradients of one update by real-time recurrent learning, divided as those of e-prop are.
 *
 * @param intervals Sequences that are taken, all if left out.
 */
export function* rtrlGradients(
  problem: Problem,
  course: Course,
  intervals = course.intervals.length,
): Pieces<Gradients> {
  const { sequences, learningWindow, average, steps } = problem;
  const constants = pathConstants(problem);
  const divisor = sequences * (average ? learningWindow : 1);
  const gradients: Gradients = {};
  for (const synapses of problem.projections.filter(({ kind }) => kind === "plastic")) {
    const gradient = new Float64Array(synapses.sources.length);
    const toReadout = synapses.to === "readout";
    const gain = toReadout ? constants.outGain : constants.gain;
    for (const [interval, of] of course.intervals.slice(0, intervals).entries()) {
      const regularization = rateRegularization(problem, of);
      const moves = new Map<number, Float64Array>();
      for (const { step, entry, multiplicity } of readsOf(problem, interval, of, synapses)) {
        const by = moves.get(entry) ?? new Float64Array(steps);
        by[step] = (by[step] as number) + multiplicity * (gain[synapses.targets[entry] as number] as number);
        moves.set(entry, by);
      }
      for (const [entry, moved] of moves) {
        const direct = { target: synapses.targets[entry] as number, toReadout, moves: moved };
        const by = derivative(problem, of, constants, regularization, direct);
        gradient[entry] = (gradient[entry] as number) + by / divisor;
        yield;
      }
    }
    gradients[synapses.name] = gradient;
  }
  return gradients;
}
