import { mean } from "../core/statistics.js";
import { type RunSummary, iterationsOf } from "../runs/summary.js";
import type { SweepPoint } from "./grid.js";

/** Asynchronous successive halving: who does badly early is not trained to the end. */
export interface SuccessiveHalving {
  /** Training iterations after which trainings are compared for the first time. */
  minIterations: number;
  /** Of so many trainings one goes on, for so many times as many iterations; 3 if left out. */
  reduction?: number;
}

/** Training iterations that a training is judged by, at the most. */
const judged = 10;

/**
 * Training iterations after which trainings are compared, ascending; those that are left go on to the end.
 *
 * @param iterations Training iterations of a whole training.
 */
export function rungsOf({ minIterations, reduction = 3 }: SuccessiveHalving, iterations: number): number[] {
  const rungs: number[] = [];
  for (let at = minIterations; at < iterations; at *= reduction) rungs.push(Math.round(at));
  return rungs;
}

/** How good a training is after some training iterations, by its last ones: the less the better. */
export function scoreAt(summary: RunSummary, iterations: number): number {
  const { loss, results } = summary;
  const last = iterationsOf(summary, "training").slice(0, iterations).slice(-judged);
  const score = mean(last.map((at) => results?.error[at] ?? loss[at] ?? Number.NaN));
  return Number.isFinite(score) ? score : Number.POSITIVE_INFINITY;
}

/** Training iterations of a run that are over. */
export function trainedIterations(summary: RunSummary): number {
  return iterationsOf(summary, "training").length;
}

/** A training, and where it is. */
export interface Candidate<P extends SweepPoint = SweepPoint> {
  point: P;
  /** What it left so far; undefined where it failed. */
  summary?: RunSummary;
  /** Whether it is paused, so that it can go on. */
  isPaused: boolean;
}

/**
 * Those that may go on now, the farthest first: the best of each rung that nobody has yet let go on (Li et al. 2020,
 * "A system for massively parallel hyperparameter tuning").
 *
 * @param candidates All that have been trained up to the first rung or farther.
 * @param least Trainings that go on from a rung however few have reached it.
 */
export function promotable<P extends SweepPoint>(
  candidates: readonly Candidate<P>[],
  rungs: readonly number[],
  reduction: number,
  least = 0,
): { point: P; rung: number }[] {
  return rungs.toReversed().flatMap((iterations, back) => {
    const rung = rungs.length - 1 - back;
    const reached = candidates
      .filter(({ summary }) => summary === undefined || trainedIterations(summary) >= iterations)
      .map((candidate) => ({
        ...candidate,
        score:
          candidate.summary === undefined ? Number.POSITIVE_INFINITY : scoreAt(candidate.summary, iterations),
        // Who has gone farther was let go on before.
        isHere:
          candidate.isPaused &&
          candidate.summary !== undefined &&
          trainedIterations(candidate.summary) < (rungs[rung + 1] ?? Number.POSITIVE_INFINITY),
      }))
      .toSorted((a, b) => (a.score === b.score ? 0 : a.score - b.score));
    return reached
      .slice(0, Math.max(least, Math.floor(reached.length / reduction)))
      .filter(({ isHere, score }) => isHere && score < Number.POSITIVE_INFINITY)
      .map(({ point }) => ({ point, rung: rung + 1 }));
  });
}
