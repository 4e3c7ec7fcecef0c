import type { SweepGrid } from "./grid.js";
import type { SweepOptions } from "./options.js";
import type { SweepProposals } from "./sources.js";
import type { SweepResult } from "./sweep.js";

export type { SweepGrid, SweepPoint, SweepRange, SweepValue } from "./grid.js";
export type { SuccessiveHalving } from "./halving.js";
export type { SweepOptions, SweepTaskOptions } from "./options.js";
export type { SweepRow, SweepRun } from "./results.js";
export type { SweepProposals } from "./sources.js";
export { type MeanInterval, type Quartiles, meanInterval, quartiles } from "../core/statistics.js";
export type { DamagedResult } from "./folder.js";
export type { SweepResult } from "./sweep.js";

/**
 * Trains a task with every seed and every combination of values of a grid, or with what an optimizer proposes, in
 * worker processes.
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
 * @param grid What is varied, or who proposes the trainings one by one.
 * @throws {@link NESTError} for a grid that cannot be, and a folder that holds another sweep.
 */
export async function sweep(
  task: string | URL,
  grid: SweepGrid | SweepProposals,
  options: SweepOptions = {},
): Promise<SweepResult> {
  // Those who sweep load what starts processes and writes folders.
  const { runSweep } = await import("./sweep.js");
  return runSweep(task, grid, options);
}

/**
 * Makes the tables, the figure and the page of a sweep's folder from what has ended, also while processes still work
 * on it, and returns it.
 *
 * @throws {@link NESTError} for a folder that is none of a sweep.
 */
export async function collectSweep(folder: string): Promise<SweepResult> {
  const { collect } = await import("./sweep.js");
  return collect(folder);
}
