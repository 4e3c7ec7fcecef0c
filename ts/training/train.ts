import type { Task } from "../tasks/task.js";
import type { Iteration } from "./iteration.js";
import type { TrainOptions } from "./options.js";
import type { TrainingResult } from "./result.js";
import { Trainer } from "./trainer.js";

/**
 * Trains a task; gives each iteration as soon as it has been evaluated, and returns what the training leaves.
 *
 * @example
 * for await (const it of train(tasks.evidenceAccumulation({ seed: 1 }))) console.log(it.phase, it.loss, it.error);
 */
export async function* train(
  task: Task,
  options: TrainOptions = {},
): AsyncGenerator<Iteration, TrainingResult, undefined> {
  const trainer = new Trainer(task, options);
  let failed = false;
  try {
    yield* trainer;
    return await trainer.resultAsync();
  } catch (error) {
    failed = true;
    throw error;
  } finally {
    // Where something has failed already, that is what is told.
    await trainer.close().catch((error: unknown) => {
      if (!failed) throw error;
    });
  }
}

/** Trains a task to its end. */
export async function trainToEnd(task: Task, options: TrainOptions = {}): Promise<TrainingResult> {
  const training = train(task, options);
  for (;;) {
    const next = await training.next();
    if (next.done) return next.value;
  }
}
