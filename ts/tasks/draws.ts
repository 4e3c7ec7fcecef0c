import type { NumpyRandomState } from "../random/index.js";
import type { Task } from "./task.js";

/** The states that tasks' generators were in when they were first trained. */
const firstStates = new WeakMap<Task, NumpyRandomState>();

/** What is being drawn from a task: who wants to draw next waits for it. */
const underWay = new WeakMap<Task, Promise<unknown>>();

/** Settles when nothing is drawn from a task any more. */
export async function underWayOf(task: Task): Promise<void> {
  await underWay.get(task);
}

/** What was drawn, and the state of the generator after it. */
export interface Drawing<T> {
  readonly value: T;
  readonly after: NumpyRandomState;
}

/**
 * What a training draws from a task. Each begins with the state of the task's generator before the first training, and
 * goes on with its own, so that trainings of the same task, one after the other or at once, draw the same.
 */
export class Draws {
  readonly #task: Task;
  #state: NumpyRandomState;

  /** @param state The state that a training which goes on had reached. */
  constructor(task: Task, state?: NumpyRandomState) {
    this.#task = task;
    const first = firstStates.get(task) ?? task.random.state;
    firstStates.set(task, first);
    this.#state = state ?? first;
  }

  /** The state of the generator, to go on from later: that after what has been accepted. */
  get state(): NumpyRandomState {
    return this.#state;
  }

  /** Draws all of something, or nothing. Until it is accepted, whoever draws again draws the same. */
  async draw<T>(work: () => Promise<T>): Promise<Drawing<T>> {
    const before = underWay.get(this.#task);
    const drawn = this.#draw(before, work);
    underWay.set(
      this.#task,
      drawn.catch(() => undefined),
    );
    return drawn;
  }

  /** Counts something as drawn: what is drawn next comes after it. */
  accept({ after }: Drawing<unknown>): void {
    this.#state = after;
  }

  async #draw<T>(before: Promise<unknown> | undefined, work: () => Promise<T>): Promise<Drawing<T>> {
    await before;
    const { random } = this.#task;
    random.state = this.#state;
    const value = await work();
    return { value, after: random.state };
  }
}
