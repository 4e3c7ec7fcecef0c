import {
  type Check,
  abortSignal,
  callable,
  dictionary,
  fields,
  flag,
  list,
  number,
  numbers,
  optional,
  path as filePath,
  record,
  refuse as refuseArgument,
  text,
  whole,
} from "../core/arguments.js";
import { nestError } from "../core/errors.js";
import { worldCheck } from "../mpi/check.js";
import type { World } from "../mpi/world.js";
import type { TaskOptions } from "../tasks/task.js";
import { type ComputedWith, settingOptions } from "../training/settings.js";
import type { SweepGrid, SweepRange, SweepValue } from "./grid.js";
import type { SuccessiveHalving } from "./halving.js";
import type { SweepRun } from "./results.js";
import type { SweepProposals } from "./sources.js";

/** Options of a task besides what a sweep varies. */
export type SweepTaskOptions = Omit<TaskOptions, "seed"> & Readonly<Record<string, unknown>>;

/** How a sweep is done. */
export interface SweepOptions extends ComputedWith {
  /** Trainings at once, each in a process of its own; as many as threads allow if left out. */
  concurrency?: number;
  /** Threads of each training; an equal share of the budget if left out. */
  threads?: number;
  /** Options that the task is made with in every training. */
  taskOptions?: SweepTaskOptions;
  /**
   * Folder for the results. What it holds of an earlier, interrupted sweep of the same kind is not done again; more
   * seeds and values may be added. Several processes, also of several machines, may share it: each training is done by
   * one of them.
   */
  out?: string;
  /** Does a part of the trainings: every `of`-th, beginning with the `index`-th (from 1 on). */
  shard?: { index: number; of: number };
  /**
   * Ranks that share the trainings, each of which is done by one of them as it becomes free; the folder must be one that
   * all of them see. Every rank calls `sweep` with the same arguments and gets all results; rank 0 makes the tables.
   */
  world?: World;
  /** Keeps weights and the trained network of every training in the folder. */
  weights?: boolean;
  /** Iterations between checkpoints of a training, which goes on there where its process was ended. */
  checkpointEvery?: number;
  /** Time that a training may take (ms): it ends with the iteration that comes next. */
  timeLimit?: number;
  /** Trains to the end only those that do well early; for a grid with one seed. */
  halving?: SuccessiveHalving;
  /** Stops the sweep: it rejects with the signal's reason. What has ended stays in the folder. */
  signal?: AbortSignal;
  /** Told of every training that has ended; `resumed` of those that were found in the folder or done by others. */
  onRun?: (run: SweepRun, progress: { done: number; total: number | undefined; resumed: boolean }) => void;
}

/** Options of a sweep. */
export const sweepOptions = fields({
  concurrency: optional(whole(1, 1024)),
  threads: optional(whole(1, 1024)),
  ...settingOptions,
  taskOptions: optional(dictionary),
  out: optional(filePath),
  shard: optional(fields({ index: whole(1, 100_000), of: whole(1, 100_000) })),
  world: optional(worldCheck),
  weights: optional(flag),
  checkpointEvery: optional(whole(1)),
  timeLimit: optional(number({ min: 1, max: 2 ** 31 - 1 })),
  halving: optional(fields({ minIterations: whole(1), reduction: optional(whole(2, 1000)) })),
  signal: optional(abortSignal),
  onRun: optional(callable),
});

const seedList: Check<number[]> = {
  allowed: numbers.allowed,
  read: (value, at) => [...numbers.read(value, at)],
};

const sweepValue: Check<SweepValue> = {
  allowed: "a number or a text",
  read: (value, at) => (typeof value === "number" ? value : text.read(value, at)),
};

const rangeFields = fields({ from: number(), to: number(), log: optional(flag), whole: optional(flag) });

const valuesCheck: Check<SweepValue[] | SweepRange> = {
  allowed: "a list of values, or a range (from, to)",
  read(value, at) {
    if (Array.isArray(value)) return list(sweepValue, "a list of values").read(value, at);
    if (ArrayBuffer.isView(value)) return [...numbers.read(value, at)];
    if (typeof value !== "object" || value === null) return refuseArgument(at, value, this.allowed);
    return rangeFields.read(value, at) as SweepRange;
  },
};

/** What a grid is of. */
export const sweepGrid = fields({
  seeds: seedList,
  parameters: optional(record(valuesCheck)),
  samples: optional(whole(1, 100_000)),
  sampleSeed: optional(whole(0, 0xffff_ffff)),
});

export const proposals: Check<SweepProposals> = {
  allowed: "a grid, or what proposes trainings: ask() and tell()",
  read(value, at) {
    const { ask, tell } = value as Partial<SweepProposals>;
    if (typeof ask !== "function") refuseArgument(`${at}.ask`, ask, "a function");
    if (tell !== undefined && typeof tell !== "function") refuseArgument(`${at}.tell`, tell, "a function");
    return value as SweepProposals;
  },
};

/** Whether trainings are proposed one by one. */
export function isProposals(value: unknown): value is SweepProposals {
  try {
    return typeof value === "object" && value !== null && "ask" in value;
  } catch {
    // What cannot even be looked at is refused as a grid.
    return false;
  }
}

function refuseTogether(parameter: string, message: string, bound: string, value?: string): never {
  throw nestError({ code: "ValueError", message, parameter, bound, ...(value !== undefined && { value }) });
}

/** Refuses options that would be ignored. */
export function checkTogether(options: SweepOptions, wanted: SweepGrid | SweepProposals): void {
  const { out, shard, world, weights, checkpointEvery, halving } = options;
  if (out === undefined) {
    const [ignored] =
      Object.entries({ shard, world, weights, checkpointEvery, halving }).find(([, value]) => value) ?? [];
    if (ignored !== undefined) refuseTogether(ignored, `${ignored} needs a folder`, "out besides");
  }
  if (shard !== undefined && shard.index > shard.of) {
    refuseArgument("shard", shard.index, `from 1 to ${shard.of}`, { code: "ValueError" });
  }
  if (world !== undefined && shard !== undefined) {
    refuseTogether("shard", "ranks share all trainings", "no shard");
  }
  if (isProposals(wanted)) {
    if (world) refuseTogether("world", "what one process proposes is trained by it", "no world");
    if (shard) refuseTogether("shard", "what is proposed has no shards", "no shard");
    if (halving) refuseTogether("halving", "what is proposed is trained to its end", "no halving");
  } else if (halving !== undefined) {
    if (shard)
      refuseTogether("shard", "trainings of all shards are compared", "several processes without shard");
    if (wanted.seeds.length > 1) {
      refuseTogether(
        "seeds",
        "halving would choose the luckiest seeds",
        "one seed; more for what is best, afterwards",
        wanted.seeds.join(","),
      );
    }
  }
}
