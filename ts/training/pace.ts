import type { Schedule } from "../tasks/task.js";

/** How many iterations of all phases a schedule has if nothing stops it early. */
export function plannedIterations({ iterations, validateEvery, testIterations }: Schedule): number {
  return iterations + (validateEvery > 0 ? Math.ceil(iterations / validateEvery) : 0) + testIterations;
}

/** How fast a training goes, for an estimate of the time it still takes. */
export class Pace {
  readonly #planned: number;
  readonly #begun = performance.now();
  readonly #before: number;

  /**
   * @param planned Iterations of all phases.
   * @param before Iterations that were over before this begin, in a training that goes on.
   */
  constructor(planned: number, before = 0) {
    this.#planned = planned;
    this.#before = before;
  }

  /** Time since the begin (s). */
  elapsed(): number {
    return (performance.now() - this.#begun) / 1000;
  }

  /**
   * Time left after an iteration (s): what iterations took on average so far, times those to come. Undefined before the
   * first.
   */
  left(iteration: number): number | undefined {
    const done = iteration - this.#before;
    if (done < 1) return undefined;
    return (this.elapsed() / done) * Math.max(0, this.#planned - iteration);
  }
}
