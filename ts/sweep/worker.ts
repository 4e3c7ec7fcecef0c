/** A process of a sweep: trains what it is sent, and sends back what came of it. */
import { existsSync, rmSync } from "node:fs";
import { writeWhole } from "../files/write-whole.js";
import { npz } from "../formats/npz.js";
import { runOrigin } from "../runs/origin.js";
import { runData } from "../runs/run-folder.js";
import { type RunSummary, runSummary } from "../runs/summary.js";
import { isModule, loadTask } from "../tasks/load.js";
import type { TaskOptions } from "../tasks/task.js";
import { type NetworkOptions, Trainer } from "../training/index.js";

/** What a worker process is told. */
export interface WorkerOrder {
  /** The task's name, or the address of its module. */
  task: string;
  options: TaskOptions & Record<string, unknown>;
  training: NetworkOptions;
  /** Training iterations after which it pauses, its checkpoint written. */
  until?: number;
  /** Where it is saved; it goes on from there if it was. */
  checkpoint?: { path: string; every?: number };
  /** Time after which it ends with the iteration that comes next (ms). */
  timeLimit?: number;
  /** Files for weights and the trained network, without their endings. */
  weights?: string;
}

/** What it answers. */
export type WorkerAnswer =
  { summary: RunSummary; ended: "finished" | "stopped" | "paused" } | { failure: string; code?: string };

/** A trainer that goes on from the checkpoint, or begins where there is none that it can go on from. */
async function trainerOf(
  { task, options, training, checkpoint }: WorkerOrder,
  finish: AbortSignal,
): Promise<Trainer> {
  const { entry } = await loadTask(task);
  const module = isModule(task) ? { module: task } : {};
  const common = { finish, ...module, ...(training.threads !== undefined && { threads: training.threads }) };
  const saved = checkpoint && { checkpoint };
  if (checkpoint !== undefined && existsSync(checkpoint.path)) {
    try {
      return await Trainer.resume(checkpoint.path, { task: entry, ...common, ...saved });
    } catch {
      rmSync(checkpoint.path, { force: true });
    }
  }
  return new Trainer(entry.create(options), { ...training, ...common, ...saved });
}

async function answer(order: WorkerOrder): Promise<WorkerAnswer> {
  const { task, until, checkpoint, timeLimit, weights } = order;
  const finish = new AbortController();
  const timer = timeLimit === undefined ? undefined : setTimeout(() => finish.abort(), timeLimit);
  const trainer = await trainerOf(order, finish.signal);
  let trained = trainer.iterations.filter(({ phase }) => phase === "training").length;
  const goal = until ?? Number.POSITIVE_INFINITY;
  while (trained < goal) {
    const iteration = await trainer.next();
    if (iteration === undefined) break;
    if (iteration.phase === "training") trained += 1;
  }
  const isPaused = trained >= goal;
  clearTimeout(timer);
  if (isPaused && checkpoint !== undefined) await trainer.save(checkpoint.path);
  const result = await trainer.resultAsync();
  const made = await runOrigin(result, isModule(task) ? { module: task } : {});
  if (weights !== undefined && !isPaused) {
    writeWhole(`${weights}.weights.npz`, npz(runData(result).weights));
    await result.network.save(`${weights}.network.safetensors`);
  }
  await trainer.close();
  const ended = isPaused ? "paused" : result.ended === "request" ? "stopped" : "finished";
  return { summary: runSummary(isPaused ? { ...result, ended: "request" } : result, made), ended };
}

function failure(error: unknown): WorkerAnswer {
  if (!(error instanceof Error)) return { failure: String(error) };
  const code = "code" in error && typeof error.code === "string" ? { code: error.code } : {};
  return { failure: `${error.name}: ${error.message}`, ...code };
}

// Whoever waits for the result is gone.
process.once("disconnect", () => process.exit(1));
process.once("message", (order: WorkerOrder) => {
  void answer(order)
    .catch(failure)
    .then((message) => process.send?.(message, () => process.exit(0)));
});
