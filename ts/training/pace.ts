import type { Schedule } from "../tasks/task.js";
import type { Iteration } from "./iteration.js";

/** How many iterations of all phases a schedule has if nothing stops it early. */
export function plannedIterations({ iterations, validateEvery, testIterations }: Schedule): number {
  return iterations + (validateEvery > 0 ? Math.ceil(iterations / validateEvery) : 0) + testIterations;
}

/** What is known of an iteration that is over. */
type Over = Pick<Iteration, "iteration" | "phase" | "ms">;

/** A moment at which so many iterations were over. */
interface Moment {
  iteration: number;
  time: number;
}

/**
 * How fast a training goes, for an estimate of the time it still takes.
 *
 * The first iterations of a process, in which nothing is compiled yet, take far longer than those that follow and do
 * not count. Those that were simulated together come at once and with the same time each; how many they are is known
 * when the next ones come.
 */
export class Pace {
  #planned: number;
  readonly #begun = performance.now();
  /** The iteration that came last, and the moment when those simulated together with it came. */
  #last: (Omit<Over, "phase"> & { came: number }) | undefined;
  /** The ends of the first iterations that came together, and of the last before those that come now. */
  #first: Moment | undefined;
  #before: Moment | undefined;

  /** @param planned Iterations of all phases, as {@link plannedIterations} counts them. */
  constructor(planned: number) {
    this.#planned = planned;
  }

  /** Iterations of all phases: those that were planned, and those that decided on an early end, which no plan counts. */
  get planned(): number {
    return Math.max(this.#planned, this.#last?.iteration ?? 0);
  }

  /** Time since the begin (s). */
  elapsed(): number {
    return (performance.now() - this.#begun) / 1000;
  }

  /** Notes an iteration that is over. */
  push({ iteration, phase, ms }: Over): void {
    if (phase === "early-stopping") this.#planned++;
    const last = this.#last;
    if (last?.ms === ms) {
      last.iteration = iteration;
      return;
    }
    if (last !== undefined) {
      this.#before = { iteration: last.iteration, time: last.came };
      this.#first ??= this.#before;
    }
    this.#last = { iteration, ms, came: performance.now() };
  }

  /** Time left (s): what an iteration took on average, times those to come. Undefined after the first ones. */
  left(): number | undefined {
    const [last, first, before] = [this.#last, this.#first, this.#before];
    if (last === undefined || first === undefined || before === undefined) return undefined;
    const counted = before.iteration - first.iteration;
    const each = counted > 0 ? (before.time - first.time) / counted : last.ms;
    return (each * Math.max(0, this.#planned - last.iteration)) / 1000;
  }
}
