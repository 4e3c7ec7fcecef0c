import { type patternParameters, patternTask } from "./pattern.js";
import { linspace } from "./inputs.js";
import { ownOptions } from "./options.js";
import type { PoolDescription } from "./network-description.js";
import type { Task, TaskOptions } from "./task.js";

const steps = 1258;

/** Draw an infinite loop: two readouts learn a sine over one and over two periods. */
export function lemniscate(options: TaskOptions<typeof patternParameters> = {}): Task<PoolDescription> {
  const phase = linspace(0, 2 * Math.PI, steps);
  return patternTask(
    "lemniscate",
    "Draw an infinite loop (the lemniscate) from frozen noise",
    () => [phase.map((x) => Math.sin(x)), phase.map((x) => Math.sin(2 * x))],
    ownOptions(options),
  );
}
