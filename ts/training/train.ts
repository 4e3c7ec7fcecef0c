import { given } from "../core/arguments.js";
import type { Task } from "../tasks/task.js";
import type { Iteration } from "./iteration.js";
import { type TrainOptions, trainToEndOptions } from "./options.js";
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
  try {
    yield* trainer;
    return await trainer.resultAsync();
  } finally {
    await trainer.close();
  }
}

/** Trains a task to its end. What `onIteration` returns is waited for; if it fails, the training ends with that. */
export async function trainToEnd(
  task: Task,
  options: TrainOptions & { onIteration?: (iteration: Iteration) => unknown } = {},
): Promise<TrainingResult> {
  const { onIteration, ...rest } = given("options", options, trainToEndOptions) as TrainOptions & {
    onIteration?: (iteration: Iteration) => unknown;
  };
  const training = train(task, rest);
  try {
    for (;;) {
      const next = await training.next();
      if (next.done) return next.value;
      await onIteration?.(next.value);
    }
  } finally {
    await training.return(undefined as never);
  }
}
