import { given, path as filePath } from "../core/arguments.js";
import { nestError } from "../core/errors.js";
import { threadBudget } from "../core/threads.js";
import type { TaskEntry } from "../tasks/index.js";
import { type LoadedTask, loadTask } from "../tasks/load.js";
import { computedWith } from "../training/settings.js";
import { type DamagedResult, SweepFolder } from "./folder.js";
import { type SweepGrid, type SweepPoint, checkedPoint, pointOptions, sweepPoints } from "./grid.js";
import { type SuccessiveHalving, rungsOf } from "./halving.js";
import {
  type SweepOptions,
  type SweepTaskOptions,
  checkTogether,
  isProposals,
  proposals,
  sweepGrid,
  sweepOptions,
} from "./options.js";
import { type SweepRow, type SweepRun, inOrder, sweepRows } from "./results.js";
import {
  type Job,
  type Source,
  type SweepProposals,
  gridSource,
  halvingSource,
  proposalSource,
} from "./sources.js";
import { inWorker } from "./worker-process.js";
import type { WorkerOrder } from "./worker.js";

/** What a sweep leaves. */
export interface SweepResult {
  task: string;
  /** All trainings, in the order of the grid. */
  runs: readonly SweepRun[];
  /** Medians and quartiles over seeds, a row for each combination of values. */
  rows: readonly SweepRow[];
  /** Files of the folder that are damaged: what they say of their trainings is in no table. */
  damaged: readonly DamagedResult[];
}

/** A sweep under way. */
class Sweep {
  readonly #task: LoadedTask;
  readonly #options: SweepOptions;
  readonly #folder: SweepFolder | undefined;
  readonly #threads: number;
  readonly #total: number | undefined;
  readonly runs = new Map<SweepPoint, SweepRun>();
  /** When tables were written last. */
  #written = 0;

  constructor(
    task: LoadedTask,
    options: SweepOptions,
    folder: SweepFolder | undefined,
    trainings: { total: number | undefined; threads: number },
  ) {
    this.#task = task;
    this.#options = options;
    this.#folder = folder;
    this.#total = trainings.total;
    this.#threads = trainings.threads;
  }

  /** Takes notice of a training that has ended. */
  ended(point: SweepPoint, run: SweepRun, resumed: boolean): void {
    this.runs.set(point, run);
    this.#options.onRun?.(run, { done: this.runs.size, total: this.#total, resumed });
  }

  /** Trains, and keeps what comes of it; undefined of a training that paused. */
  async train({ point, until, claim }: Job): Promise<SweepRun> {
    const { taskOptions = {}, signal, weights, checkpointEvery, timeLimit } = this.#options;
    const folder = this.#folder;
    try {
      const { task, training } = pointOptions(this.#task.entry, point, taskOptions);
      const isSaved =
        folder !== undefined && (checkpointEvery !== undefined || this.#options.halving !== undefined);
      if (isSaved) folder.prepareCheckpoints();
      const order: WorkerOrder = {
        task: this.#task.reference,
        options: task,
        training: {
          threads: this.#threads,
          ...computedWith(this.#options),
          ...training,
        },
        ...(until !== undefined && { until }),
        ...(timeLimit !== undefined && { timeLimit }),
        ...(isSaved && {
          checkpoint: { path: folder.checkpoint(point), ...(checkpointEvery && { every: checkpointEvery }) },
        }),
        ...(folder !== undefined && weights && { weights: folder.weights(point) }),
      };
      const answer = await inWorker(order, signal);
      const run: SweepRun =
        "summary" in answer
          ? { ...point, status: answer.ended === "paused" ? "pruned" : answer.ended, summary: answer.summary }
          : { ...point, status: "failed", ...answer };
      folder?.write(run);
      return run;
    } finally {
      claim?.release();
    }
  }

  /** Does what a source has, one training after the other. */
  async work(source: Source): Promise<void> {
    for (;;) {
      this.#options.signal?.throwIfAborted();
      const job = await source.next();
      if (job === undefined) return;
      const run = await this.train(job);
      if (run.status !== "pruned") this.ended(job.point, run, false);
      await source.told(job.point, run);
      this.#writeTables();
    }
  }

  /** Writes tables now and then, where this process makes them. */
  #writeTables(): void {
    const folder = this.#folder;
    if (folder === undefined || !makesTables(this.#options)) return;
    const begin = performance.now();
    // A tenth of the time at the most.
    if (begin < this.#written) return;
    folder.writeTables(inOrder(folder.all().runs));
    this.#written = performance.now() + Math.max(500, 10 * (performance.now() - begin));
  }
}

/** Whether this process makes the tables of a folder: a shard leaves them to who collects, ranks to the first. */
function makesTables({ shard, world }: SweepOptions): boolean {
  return shard === undefined && (world?.rank ?? 0) === 0;
}

/** Waits for all, then throws what the first that failed threw. */
async function allSettled(work: readonly Promise<void>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(work)) {
    if (outcome.status === "rejected") throw outcome.reason;
  }
}

/** Training iterations after which the trainings of a grid are compared. */
function rungsOfGrid(
  entry: TaskEntry,
  points: readonly SweepPoint[],
  halving: SuccessiveHalving,
  taskOptions: SweepTaskOptions,
): number[] {
  const { iterations } = entry.create(
    pointOptions(entry, points[0] as SweepPoint, taskOptions).task,
  ).schedule;
  const rungs = rungsOf(halving, iterations);
  if (rungs.length === 0) {
    throw nestError({
      code: "ValueError",
      message: "trainings end before they are compared",
      parameter: "halving.minIterations",
      value: String(halving.minIterations),
      bound: `below the ${iterations} training iterations`,
    });
  }
  return rungs;
}

/** As `sweep` of this folder's index, which loads it. */
export async function runSweep(
  task: string | URL,
  asked: SweepGrid | SweepProposals,
  options: SweepOptions,
): Promise<SweepResult> {
  const wanted = isProposals(asked)
    ? given("grid", asked, proposals)
    : (given("grid", asked, sweepGrid) as SweepGrid);
  const checked = given("options", options, sweepOptions) as SweepOptions;
  checkTogether(checked, wanted);
  const loaded = await loadTask(task);
  const { entry } = loaded;
  const { signal, shard, world, taskOptions = {} } = checked;
  const all = isProposals(wanted) ? [] : sweepPoints(entry, wanted, taskOptions);
  const points = all.filter((_, at) => shard === undefined || at % shard.of === shard.index - 1);
  const concurrency = checked.concurrency ?? Math.max(1, Math.floor(threadBudget() / (checked.threads ?? 1)));
  const together = isProposals(wanted) ? concurrency : Math.min(concurrency, Math.max(1, points.length));
  const threads = checked.threads ?? Math.max(1, Math.floor(threadBudget() / together));
  signal?.throwIfAborted();
  const kind = {
    task: entry.name,
    options: taskOptions,
    training: computedWith(checked),
  };
  const rungs = checked.halving && rungsOfGrid(entry, points, checked.halving, taskOptions);
  await world?.same("sweep", [kind, all, checked.halving]);
  const folder = checked.out === undefined ? undefined : SweepFolder.open(checked.out, kind);
  const total = isProposals(wanted) ? undefined : points.length;
  const sweep = new Sweep(loaded, checked, folder, { total, threads });
  const found = (point: SweepPoint, run: SweepRun, resumed: boolean) => sweep.ended(point, run, resumed);
  let source: Source;
  if (isProposals(wanted)) {
    source = proposalSource(wanted, folder, {
      signal,
      found,
      check: (of) => checkedPoint(entry, of, taskOptions),
    });
  } else if (checked.halving !== undefined && rungs !== undefined) {
    source = halvingSource(points, folder as SweepFolder, {
      rungs,
      reduction: checked.halving.reduction ?? 3,
      signal,
      found,
    });
  } else {
    source = gridSource(points, folder, { signal, found });
  }
  try {
    await allSettled(Array.from({ length: concurrency }, () => sweep.work(source)));
    const ordered = isProposals(wanted)
      ? [...sweep.runs.values()]
      : points.flatMap((point) => sweep.runs.get(point) ?? []);
    // Whoever goes on looks at what others have written.
    await world?.barrier();
    let damaged: readonly DamagedResult[] = [];
    if (folder !== undefined && makesTables(checked)) {
      const ended = folder.all();
      ({ damaged } = ended);
      await folder.conclude(inOrder(ended.runs));
      if (checked.halving !== undefined) folder.removeCheckpoints();
    }
    // The tables are there when any rank goes on.
    await world?.barrier();
    return { task: entry.name, runs: ordered, rows: sweepRows(ordered), damaged };
  } finally {
    folder?.close();
  }
}

/** As `collectSweep` of this folder's index, which loads it. */
export async function collect(path: string): Promise<SweepResult> {
  const folder = SweepFolder.existing(given("folder", path, filePath));
  try {
    const all = folder.all();
    const runs = inOrder(all.runs);
    await folder.conclude(runs);
    return { task: folder.task, runs, rows: sweepRows(runs), damaged: all.damaged };
  } finally {
    folder.close();
  }
}
