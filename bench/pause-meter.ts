/** Time between turns that is asked for (ms). */
const period = 1;

/** The longest time between two turns of the event loop (ms). */
export interface Pause {
  /** By the clock. */
  wall: number;
  /** Processor time of the thread, which other work on the machine lengthens little. */
  cpu: number;
}

/** Watches how long the event loop takes from turn to turn. */
export class PauseMeter {
  readonly #threadTime: () => number;
  #longest: Pause = { wall: 0, cpu: 0 };
  #at = performance.now();
  #cpu: number;
  #timer: NodeJS.Timeout | undefined;

  /** @param threadTime Processor time of this thread (ms). */
  constructor(threadTime: () => number) {
    this.#threadTime = threadTime;
    this.#cpu = threadTime();
    this.#arm();
  }

  #arm(): void {
    this.#timer = setTimeout(() => {
      this.#look();
      this.#arm();
    }, period);
  }

  #look(): void {
    const [at, cpu] = [performance.now(), this.#threadTime()];
    const { wall, cpu: most } = this.#longest;
    this.#longest = { wall: Math.max(wall, at - this.#at), cpu: Math.max(most, cpu - this.#cpu) };
    [this.#at, this.#cpu] = [at, cpu];
  }

  /** The longest pause since the begin, or since the last call. */
  take(): Pause {
    this.#look();
    const longest = this.#longest;
    this.#longest = { wall: 0, cpu: 0 };
    return longest;
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
