import { underWayOf } from "./draws.js";
import type { Task } from "./task.js";

/** How many trainings use a task. */
const users = new WeakMap<Task, number>();

/** The use of a task by a training. With the last one's end the task is closed. */
export class TaskUse {
  readonly #task: Task;
  #released: Promise<void> | undefined;

  constructor(task: Task) {
    this.#task = task;
    users.set(task, (users.get(task) ?? 0) + 1);
  }

  /**
   * Ends it; once, however often it is called.
   *
   * @throws What `close` of the task throws.
   */
  release(): Promise<void> {
    return (this.#released ??= this.#release());
  }

  async #release(): Promise<void> {
    const task = this.#task;
    users.set(task, (users.get(task) ?? 1) - 1);
    // What is being drawn has been stopped, and reads until it notices.
    await underWayOf(task);
    if (users.get(task) === 0) await task.close?.();
  }
}
