/** Least time between two reports of a kernel (ms). */
const interval = 100;

/** How far a simulation is (steps). */
export interface Progress {
  done: number;
  total: number;
}

/** When a kernel told its progress last. */
export interface ProgressClock {
  told: number;
}

/** What is reported of a simulation. */
export interface Watched {
  total: number;
  done(): number;
  /** Stops it. */
  cancel(): void;
}

/** Tells how far a simulation is: not too often, and never while an earlier report is still being dealt with. */
export class ProgressReports {
  readonly #report: (progress: Progress) => unknown;
  readonly #clock: ProgressClock;
  readonly #watched: Watched;
  readonly #timer: NodeJS.Timeout;
  #busy = false;
  #latest: Promise<void> | undefined;
  #failure: { error: unknown } | undefined;

  constructor(report: (progress: Progress) => unknown, clock: ProgressClock, watched: Watched) {
    this.#report = report;
    this.#clock = clock;
    this.#watched = watched;
    // Looks twice as often as it tells, so that a late look costs half a period and not a whole one.
    this.#timer = setInterval(() => {
      if (!this.#busy) this.#latest = this.#tell(watched.done());
    }, interval / 2).unref();
  }

  /** Tells that the simulation is over, if it is time to; settles when nobody deals with a report any more. */
  async end(): Promise<void> {
    clearInterval(this.#timer);
    await this.#latest;
    await this.#tell(this.#watched.total);
  }

  /** Tells no more. */
  stop(): void {
    clearInterval(this.#timer);
  }

  /** Throws what a report threw. */
  throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async #tell(done: number): Promise<void> {
    const now = performance.now();
    if (this.#failure !== undefined || now - this.#clock.told < interval) return;
    this.#clock.told = now;
    this.#busy = true;
    try {
      await this.#report({ done, total: this.#watched.total });
    } catch (error) {
      this.#failure = { error };
      this.#watched.cancel();
    } finally {
      this.#busy = false;
    }
  }
}
