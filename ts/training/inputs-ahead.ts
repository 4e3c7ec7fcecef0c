import { inSlices } from "../core/event-loop.js";
import { checkedIteration } from "../tasks/check.js";
import type { Draws, Drawing } from "../tasks/draws.js";
import type { InputSplit, IterationData, Task } from "../tasks/task.js";
import type { Progress } from "./progress.js";
import type { Ranks } from "./ranks.js";
import type { TaskNetwork } from "./network.js";
import { stimulate } from "./stimulation.js";

/** Which iterations inputs are wanted for. What they are depends on this alone. */
export interface Wanted {
  split: InputSplit;
  count: number;
  /** Iterations that have drawn their inputs from each split before. */
  drawn: Progress["drawn"];
  /** Iterations before these, and the step that they begin at. */
  started: number;
  begin: number;
}

/** The inputs of some iterations. */
interface Inputs {
  data: readonly IterationData[];
  /** The step that the first of them begins at. */
  begin: number;
  /** Iterations that have drawn their inputs from each split once these count as drawn. */
  drawn: Progress["drawn"];
}

/** Inputs that are being drawn, or are ready. */
interface Ahead {
  wanted: Wanted;
  drawing: Promise<Drawing<Inputs>>;
  stop(): void;
}

/**
 * Draws the inputs of a training's iterations; those of the next ones while the present ones are simulated. Until they
 * are taken they do not count as drawn: what is dropped is drawn again.
 */
export class InputsAhead {
  readonly #network: TaskNetwork;
  readonly #task: Task;
  readonly #draws: Draws;
  readonly #signal: AbortSignal | undefined;
  readonly #ranks: Ranks;
  #ahead: Ahead | undefined;

  /**
   * @param signal Stops what is being drawn: it rejects with the signal's reason.
   * @param ranks Those that train together: each draws spikes of its part of the sequences, where the task can.
   */
  constructor(network: TaskNetwork, task: Task, draws: Draws, signal: AbortSignal | undefined, ranks: Ranks) {
    this.#network = network;
    this.#task = task;
    this.#draws = draws;
    this.#signal = signal;
    this.#ranks = ranks;
  }

  /** Begins to draw what is going to be wanted, as it seems. */
  begin(wanted: Wanted): void {
    this.#ahead ??= this.#begin(wanted);
  }

  /**
   * What is wanted, drawn by now or not; it is to be loaded next. Ranks are refused that have not drawn the same.
   *
   * @throws What the task throws, or {@link NESTError} for what it gives; whoever asks again has it drawn again.
   */
  async take(wanted: Wanted): Promise<Drawing<Inputs>> {
    if (this.#ahead !== undefined && !isSame(this.#ahead.wanted, wanted)) this.drop();
    const { drawing } = (this.#ahead ??= this.#begin(wanted));
    try {
      const { value, after } = await drawing;
      return { value: { ...value, data: await this.#ranks.withSpikesOfAll(value.data, after) }, after };
    } finally {
      this.#ahead = undefined;
    }
  }

  /** Gives generators what was taken. From now on it counts as drawn: returned is how many iterations have drawn so far. */
  async load(drawing: Drawing<Inputs>): Promise<Progress["drawn"]> {
    const { begin, drawn, data } = drawing.value;
    await inSlices(stimulate(this.#network, this.#task, data, begin));
    this.#draws.accept(drawing);
    return drawn;
  }

  /** Takes back what has been drawn and not taken. What is drawn next waits until the task has stopped to draw this. */
  drop(): void {
    this.#ahead?.stop();
    this.#ahead = undefined;
  }

  #begin(wanted: Wanted): Ahead {
    const { signal, stop, release } = stoppable(this.#signal);
    const drawing = this.#draws.draw(() => this.#inputs(wanted, signal)).finally(release);
    // Told to who takes it.
    drawing.catch(() => undefined);
    return { wanted, drawing, stop };
  }

  async #inputs({ split, count, started, begin, ...of }: Wanted, signal: AbortSignal): Promise<Inputs> {
    const task = this.#task;
    const part = this.#ranks.partOf(task.batchSize);
    const drawn = { ...of.drawn };
    const data: IterationData[] = [];
    let before: unknown;
    while (data.length < count) {
      signal.throwIfAborted();
      const next = await task.next(split, { ...drawn }, signal, part);
      // What comes again and again need not be looked at each time.
      const known = task.sameEveryIteration && next === before ? data.at(-1) : undefined;
      const checked = () => checkedIteration(task, next, started + data.length + 1, part);
      data.push(known ?? (await inSlices(checked(), signal)));
      before = next;
      drawn[split] += 1;
    }
    return { data, begin, drawn };
  }
}

function isSame(a: Wanted, b: Wanted): boolean {
  return (
    a.split === b.split &&
    a.count === b.count &&
    a.started === b.started &&
    a.begin === b.begin &&
    a.drawn.training === b.drawn.training &&
    a.drawn.validation === b.drawn.validation &&
    a.drawn.test === b.drawn.test
  );
}

/** A signal that is given with another one, or by itself; `release` lets go of the other. */
function stoppable(of: AbortSignal | undefined) {
  const own = new AbortController();
  const follow = () => own.abort(of?.reason);
  if (of?.aborted) follow();
  of?.addEventListener("abort", follow, { once: true });
  return {
    signal: own.signal,
    stop: () => own.abort(),
    release: () => of?.removeEventListener("abort", follow),
  };
}
