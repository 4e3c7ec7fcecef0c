import type { SweepGrid } from "./grid.js";
import type { SweepOptions, SweepResult } from "./sweep.js";

export type { SweepGrid, SweepPoint } from "./grid.js";
export type { SweepRow, SweepRun } from "./results.js";
export { type MeanInterval, meanInterval } from "./statistics.js";
export type { SweepOptions, SweepResult, SweepTaskOptions } from "./sweep.js";

/**
 * Trains a task with every seed and every combination of values of a grid, in worker processes.
 *
 * A training that fails or is killed is reported with its reason, and the others go on; a sweep with the same folder
 * does it again.
 *
 * @example
 * const grid = { seeds: [1, 2, 3], parameters: { eta: [1e-3, 5e-3] } };
 * const { rows } = await sweep("sine-waves", grid, { concurrency: 2 });
 *
 * @param task A name that `eprop tasks` lists, or a module whose default export is a {@link tasks.TaskEntry}: its
 *   address, or its path from the working folder.
 * @throws {@link NESTError} for a grid that cannot be, and a folder that holds another sweep.
 */
export async function sweep(
  task: string | URL,
  grid: SweepGrid,
  options: SweepOptions = {},
): Promise<SweepResult> {
  // Those who sweep load what starts processes and writes folders.
  const { runSweep } = await import("./sweep.js");
  return runSweep(task, grid, options);
}
