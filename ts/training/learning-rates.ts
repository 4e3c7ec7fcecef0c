import { nestError } from "../core/errors.js";
import { shown } from "../core/arguments.js";
import type { LearningRate } from "../tasks/learning-rate.js";
import type { Task } from "../tasks/task.js";

/**
 * The factor of learning rates in a training iteration.
 *
 * @param iteration Number of the training iteration, from 1 on.
 * @throws {@link NESTError} for one that is no number from 0 on.
 */
export function rateFactor(task: Task, of: LearningRate | undefined, iteration: number): number {
  if (of === undefined) return 1;
  const factor: unknown = of(iteration, task.schedule.iterations);
  if (typeof factor === "number" && factor >= 0 && Number.isFinite(factor)) return factor;
  throw nestError({
    code: "ValueError",
    message: `task ${task.name}, training iteration ${iteration}: no learning rate can be multiplied by this`,
    model: task.name,
    parameter: "learningRate",
    value: shown(factor),
    bound: "a finite number, not negative",
  });
}
