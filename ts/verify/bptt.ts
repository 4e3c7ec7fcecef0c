/**
 * Backpropagation through time with the same surrogate gradients: the gradient of the loss along all paths, those
 * through other neurons too, which e-prop leaves out. The reset of a spike is taken as constant, as e-prop takes it.
 */
import type { Pieces } from "../core/event-loop.js";
import type { Course, IntervalCourse } from "./interval-course.js";
import { type Gradients, rateRegularization } from "./interval-eprop.js";
import { type PathConstants, pathConstants, readsOf } from "./paths.js";
import type { Problem } from "./problem.js";

/** Derivatives of the loss by the voltages of recurrent neurons and of readouts in each step of an interval. */
interface Adjoints {
  recurrent: Float64Array;
  readouts: Float64Array;
}

function* adjoints(problem: Problem, course: IntervalCourse, constants: PathConstants): Pieces<Adjoints> {
  const { steps } = problem;
  const [n, k] = [problem.recurrent.length, problem.readouts.length];
  const { alpha, rho, beta, outAlpha, onward, out } = constants;
  const readouts = new Float64Array(steps * k);
  for (let u = steps - 1; u >= 0; u--) {
    for (let of = 0; of < k; of++) {
      const later = u + 1 < steps ? (readouts[(u + 1) * k + of] as number) : 0;
      readouts[u * k + of] = (course.errors[u * k + of] as number) + (outAlpha[of] as number) * later;
    }
  }
  const regularization = rateRegularization(problem, course);
  const recurrent = new Float64Array(steps * n);
  const ofThreshold = new Float64Array(n);
  for (let u = steps - 1; u >= 0; u--) {
    for (let j = 0; j < n; j++) {
      const psi = course.psi[u * n + j] as number;
      // The next step's adaptation takes the spike.
      let ofSpike = (regularization[j] as number) + (ofThreshold[j] as number);
      for (const { target, weight, after } of out[j] ?? []) {
        if (u + after < steps) ofSpike += weight * (readouts[(u + after) * k + target] as number);
      }
      for (const { target, weight, after } of onward[j] ?? []) {
        if (u + after < steps) ofSpike += weight * (recurrent[(u + after) * n + target] as number);
      }
      const later = u + 1 < steps ? (recurrent[(u + 1) * n + j] as number) : 0;
      const cost = course.cost[u * n + j] as number;
      recurrent[u * n + j] = (alpha[j] as number) * later + psi * ofSpike + cost;
      ofThreshold[j] =
        (rho[j] as number) * (ofThreshold[j] as number) -
        (beta[j] as number) * (psi * ofSpike + Math.max(cost, 0));
    }
    if (u % 16 === 0) yield;
  }
  return { recurrent, readouts };
}

/**
 * The gradients of one update by backpropagation through time, divided as those of e-prop are.
 *
 * @param intervals Sequences that are taken, all if left out.
 */
export function* bpttGradients(
  problem: Problem,
  course: Course,
  intervals = course.intervals.length,
): Pieces<Gradients> {
  const { sequences, learningWindow, average } = problem;
  const constants = pathConstants(problem);
  const plastic = problem.projections.filter(({ kind }) => kind === "plastic");
  const gradients: Gradients = Object.fromEntries(
    plastic.map(({ name, sources }) => [name, new Float64Array(sources.length)]),
  );
  const divisor = sequences * (average ? learningWindow : 1);
  for (const [interval, of] of course.intervals.slice(0, intervals).entries()) {
    const adjoint = yield* adjoints(problem, of, constants);
    for (const synapses of plastic) {
      const gradient = gradients[synapses.name] as Float64Array;
      const [values, gain] =
        synapses.to === "readout"
          ? [adjoint.readouts, constants.outGain]
          : [adjoint.recurrent, constants.gain];
      const width = gain.length;
      for (const { step, entry, multiplicity } of readsOf(problem, interval, of, synapses)) {
        const target = synapses.targets[entry] as number;
        const by = multiplicity * (gain[target] as number) * (values[step * width + target] as number);
        gradient[entry] = (gradient[entry] as number) + by / divisor;
      }
      yield;
    }
  }
  return gradients;
}
