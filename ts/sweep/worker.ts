/** A process of a sweep: trains what it is sent, and sends back what came of it. */
import { runSummary } from "../runs/summary.js";
import { loadTask } from "../tasks/load.js";
import { trainToEnd } from "../training/index.js";
import type { WorkerAnswer, WorkerOrder } from "./sweep.js";

async function answer({ task, options }: WorkerOrder): Promise<WorkerAnswer> {
  try {
    const { entry } = await loadTask(task);
    return { summary: runSummary(await trainToEnd(entry.create(options))) };
  } catch (error) {
    return { failure: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
  }
}

// Whoever waits for the result is gone.
process.once("disconnect", () => process.exit(1));
process.once("message", (order: WorkerOrder) => {
  void answer(order).then((message) => process.send?.(message, () => process.exit(0)));
});
