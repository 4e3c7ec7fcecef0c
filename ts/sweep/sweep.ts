import { fork } from "node:child_process";
import { readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  abortSignal,
  callable,
  dictionary,
  fields,
  given,
  numbers,
  optional,
  path as filePath,
  record,
  whole,
} from "../core/arguments.js";
import { nestError } from "../core/errors.js";
import { type RunSummary, runFormat } from "../runs/summary.js";
import { writeWhole } from "../files/write-whole.js";
import { loadTask } from "../tasks/load.js";
import type { TaskOptions } from "../tasks/task.js";
import { threadBudget } from "../core/threads.js";
import { type SweepGrid, type SweepPoint, pointName, sweepPoints } from "./grid.js";
import { type SweepRow, type SweepRun, rowsCsv, runsCsv, sweepRows } from "./results.js";

/** Options of a task besides what a sweep varies. */
export type SweepTaskOptions = Omit<TaskOptions, "seed"> & Readonly<Record<string, unknown>>;

/** How a sweep is done. */
export interface SweepOptions {
  /** Trainings at once, each in a process of its own; one for each thread of the budget if left out. */
  concurrency?: number;
  /** Options that the task is made with in every training. */
  taskOptions?: SweepTaskOptions;
  /**
   * Folder for the results. What it holds of an earlier, interrupted sweep of the same kind is not done again; more
   * seeds and values may be added.
   */
  out?: string;
  /** Stops the sweep: it rejects with the signal's reason. What has ended stays in the folder. */
  signal?: AbortSignal;
  /** Told of every training that has ended; `resumed` of those found in the folder. */
  onRun?: (run: SweepRun, progress: { done: number; total: number; resumed: boolean }) => void;
}

/** What a sweep leaves. */
export interface SweepResult {
  task: string;
  /** All trainings, in the order of the grid. */
  runs: readonly SweepRun[];
  /** Means over seeds, a row for each combination of values. */
  rows: readonly SweepRow[];
}

/** What a worker process is told. */
export interface WorkerOrder {
  /** The task's name, or the address of its module. */
  task: string;
  options: TaskOptions & Record<string, unknown>;
}

/** What it answers. */
export type WorkerAnswer = { summary: RunSummary } | { failure: string };

/** Version of the format of sweeps' folders. */
const sweepFormat = 1;

/** Lines of standard error that are shown of a process that failed. */
const shownLines = 5;

/** Options of a sweep. */
const sweepOptions = fields({
  concurrency: optional(whole(1, 1024)),
  taskOptions: optional(dictionary),
  out: optional(filePath),
  signal: optional(abortSignal),
  onRun: optional(callable),
});

/** What a grid is of. */
const sweepGrid = fields({ seeds: numberList(), parameters: optional(record(numberList())) });

/** Numbers of a grid; as a list of their own. */
function numberList() {
  const { allowed } = numbers;
  return { allowed, read: (value: unknown, at: string) => [...numbers.read(value, at)] };
}

/** As `sweep` of this folder's index, which loads it. */
export async function runSweep(
  task: string | URL,
  wanted: SweepGrid,
  asked: SweepOptions,
): Promise<SweepResult> {
  const grid = given("grid", wanted, sweepGrid);
  const options = given("options", asked, sweepOptions) as SweepOptions;
  const { entry, reference } = await loadTask(task);
  const { name } = entry;
  const { signal, taskOptions = {} } = options;
  const points = sweepPoints(entry, grid);
  const concurrency = options.concurrency ?? threadBudget();
  signal?.throwIfAborted();
  const folder = options.out === undefined ? undefined : new SweepFolder(options.out, name, taskOptions);
  const runs = new Map<SweepPoint, SweepRun>();
  const ended = (point: SweepPoint, run: SweepRun, resumed: boolean) => {
    runs.set(point, run);
    options.onRun?.(run, { done: runs.size, total: points.length, resumed });
  };
  const left = points.filter((point) => {
    const summary = folder?.read(point);
    if (summary !== undefined) ended(point, { ...point, summary }, true);
    return summary === undefined;
  });
  const threads = Math.max(1, Math.floor(threadBudget() / Math.min(concurrency, Math.max(1, left.length))));
  const queue = left.values();
  const work = async () => {
    for (const point of queue) {
      const { seed, parameters } = point;
      const order = {
        task: reference,
        options: { ...taskOptions, seed, parameters: { ...taskOptions.parameters, ...parameters } },
      };
      const answer = await inWorker(order, threads, signal);
      if ("summary" in answer) folder?.write(point, answer.summary);
      ended(point, { ...point, ...answer }, false);
    }
  };
  await allSettled(Array.from({ length: Math.min(concurrency, left.length) }, work));
  const ordered = points.map((point) => runs.get(point) as SweepRun);
  const result = { task: name, runs: ordered, rows: sweepRows(ordered) };
  await folder?.conclude(result);
  return result;
}

/** Waits for all, then throws what the first that failed threw. */
async function allSettled(work: readonly Promise<void>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(work)) {
    if (outcome.status === "rejected") throw outcome.reason;
  }
}

/** Does a training in a process of its own. */
function inWorker(
  order: WorkerOrder,
  threads: number,
  signal: AbortSignal | undefined,
): Promise<WorkerAnswer> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const child = fork(fileURLToPath(new URL("worker.js", import.meta.url)), {
      env: { ...process.env, EPROP_THREADS: String(threads) },
      // Losses that are no numbers stay what they are.
      serialization: "advanced",
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    let answer: WorkerAnswer | undefined;
    let errors = "";
    const stop = () => child.kill("SIGKILL");
    signal?.addEventListener("abort", stop, { once: true });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      errors = `${errors}${text}`.split("\n").slice(-shownLines).join("\n");
    });
    child.on("message", (message) => (answer = message as WorkerAnswer));
    child.on("error", (error) => (answer ??= { failure: `the process cannot be started: ${error.message}` }));
    child.on("close", (code, killed) => {
      signal?.removeEventListener("abort", stop);
      if (signal?.aborted) return reject(signal.reason);
      const end = killed === null ? `ended with code ${code}` : `was killed by ${killed}`;
      resolve(answer ?? { failure: [`the process ${end}`, errors.trim()].filter(Boolean).join(": ") });
    });
    child.send(order, () => {
      // Where that failed the process has ended, which says more.
    });
  });
}

/** A sweep's folder: what it is a sweep of, a file for each training that has ended, tables and a figure. */
class SweepFolder {
  readonly path: string;

  constructor(path: string, task: string, options: SweepTaskOptions) {
    this.path = path;
    const kind = JSON.stringify({ format: sweepFormat, task, options }, null, 2);
    const file = join(path, "sweep.json");
    const found = read(file);
    if (found === undefined ? !isNewOrEmpty(path) : found.trim() !== kind) {
      throw nestError({
        code: "ValueError",
        message: `${path} holds something else`,
        parameter: "out",
        bound: `a new folder, or one of a sweep of ${task} with the same options`,
      });
    }
    writeWhole(file, `${kind}\n`);
  }

  #file(point: SweepPoint): string {
    return join(this.path, "runs", `${pointName(point)}.json`);
  }

  /** What a training left, if it has ended. */
  read(point: SweepPoint): RunSummary | undefined {
    try {
      const summary = JSON.parse(read(this.#file(point)) ?? "null") as RunSummary | null;
      return summary?.format === runFormat ? summary : undefined;
    } catch {
      return undefined;
    }
  }

  write(point: SweepPoint, summary: RunSummary): void {
    writeWhole(this.#file(point), `${JSON.stringify(summary)}\n`);
  }

  async conclude({ task, runs, rows }: SweepResult): Promise<void> {
    writeWhole(join(this.path, "runs.csv"), runsCsv(runs));
    writeWhole(join(this.path, "summary.csv"), rowsCsv(rows));
    if (runs.every(({ summary }) => summary === undefined)) return;
    // The plotting libraries are loaded by those who plot.
    const [{ renderSvg }, { sweepFigure }] = await Promise.all([
      import("../figures/render.js"),
      import("./figure.js"),
    ]);
    writeWhole(join(this.path, "sweep.svg"), await renderSvg(sweepFigure(task, runs)));
  }
}

function isNewOrEmpty(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return found === undefined || (found.isDirectory() && readdirSync(path).length === 0);
}

/** The text of a file; undefined where there is none. */
function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
