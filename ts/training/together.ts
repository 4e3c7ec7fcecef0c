import type { Task } from "../tasks/task.js";
import type { TaskNetwork } from "./network.js";

/**
 * Neurons times steps of identical iterations that are simulated together: about 50 ms. It does not follow the clock,
 * so that the same training is cut in the same places.
 */
const together = { interval: 1e7, event: 1e6 } as const;

/** Whether iterations of a task may be simulated in one go: nothing changes between them but weights. */
export function mayGoTogether({ sameEveryIteration, schedule }: Task): boolean {
  return sameEveryIteration && schedule.validateEvery === 0;
}

/**
 * How many iterations of a task are simulated in one go.
 *
 * @param left Iterations that are left, and between two notes of weights.
 */
export function iterationsTogether(
  network: TaskNetwork,
  { steps, batchSize }: Task,
  ...left: number[]
): number {
  const neurons = network.inputs.length + network.recurrent.length;
  const budget = Math.floor(together[network.family] / (neurons * steps * batchSize));
  return Math.max(1, Math.min(...left, 100, budget));
}
