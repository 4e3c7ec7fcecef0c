import { NESTError, NESTErrors, nestError } from "../core/errors.js";
import type { Task } from "../tasks/task.js";
import type { Iteration } from "./iteration.js";

/** Why a training stops after an iteration, if it does: its loss is not finite, or above the schedule's bound. */
export function divergenceAfter(task: Task, iteration: Iteration | undefined): NESTError | undefined {
  if (iteration === undefined) return undefined;
  const { stopAbove = Number.POSITIVE_INFINITY } = task.schedule;
  const { loss, phase, iteration: number } = iteration;
  const finite = Number.isFinite(loss);
  if (finite && loss <= stopAbove) return undefined;
  return nestError({
    code: "NumericalInstability",
    message:
      `task ${task.name}, iteration ${number} (${phase}): ` +
      (finite ? "the loss is above its bound" : "the loss is not finite"),
    model: task.name,
    parameter: finite ? "stopAbove" : "loss",
    value: String(loss),
    bound: finite ? `at most ${stopAbove}` : "a finite number; a smaller learning rate may help",
  });
}

/**
 * What a simulation ended with; where numbers were no longer finite, it also names the iteration.
 *
 * @param steps Steps that were simulated, and steps of an iteration.
 */
export function inIteration(error: unknown, task: Task, steps: { done: number; iteration: number }): unknown {
  if (!(error instanceof NESTErrors.NumericalInstability)) return error;
  const number = Math.max(1, Math.ceil(steps.done / steps.iteration));
  return NESTError.within(error, `task ${task.name}, iteration ${number}`, task.name);
}
