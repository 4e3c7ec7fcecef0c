import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Command, InvalidArgumentError } from "commander";
import {
  type Check,
  dictionary,
  fields,
  given as checked,
  number as aNumber,
  optional,
} from "../core/arguments.js";
import { NESTError, nestError } from "../core/errors.js";
import { many } from "../core/words.js";
import {
  type SweepGrid,
  type SweepPoint,
  checkedPoint,
  parseSeeds,
  parseValues,
  pointName,
} from "../sweep/grid.js";
import {
  type SweepOptions,
  type SweepProposals,
  type SweepResult,
  type SweepRun,
  collectSweep,
  sweep,
} from "../sweep/index.js";
import { finalMetrics, statusOf, terminalTable } from "../sweep/results.js";
import { loadTask } from "../tasks/load.js";
import { type ComputedWith, computedWith } from "../training/settings.js";
import { untilInterrupted } from "./interrupt.js";
import { conclude, tellFailed } from "./output.js";
import { CommandRanks } from "./ranks.js";
import {
  type TaskArguments,
  type WorkerArguments,
  addSettings,
  addTaskOptions,
  addWorkerOptions,
  given,
  number,
  taskArgument,
  taskOptions,
} from "./task-options.js";

type Parameters = Record<string, ReturnType<typeof parseValues>[1]>;

interface SweepArguments extends TaskArguments, WorkerArguments, ComputedWith {
  seeds?: number[];
  set?: Parameters;
  samples?: number;
  sampleSeed?: number;
  shard?: { index: number; of: number };
  collect?: boolean;
  ask?: boolean;
  halving?: number;
  reduction?: number;
  weights?: boolean;
  timeLimit?: number;
  out?: string;
  json?: boolean;
  quiet?: boolean;
}

function values(text: string, previous: Parameters = {}): Parameters {
  const [name, list] = parseValues(text);
  if (name in previous) {
    throw nestError({
      code: "ValueError",
      message: "a parameter is varied twice",
      parameter: name,
      bound: "all its values in one --set",
    });
  }
  return { ...previous, [name]: list };
}

function shard(text: string): { index: number; of: number } {
  const [, index, of] = /^(\d+)\/(\d+)$/.exec(text) ?? [];
  if (index === undefined || of === undefined || Number(index) < 1 || Number(index) > Number(of)) {
    throw new InvalidArgumentError("It must be as in 3/16: the third of 16 parts.");
  }
  return { index: Number(index), of: Number(of) };
}

const units = { s: 1000, m: 60_000, h: 3_600_000 } as const;

/** A time in milliseconds from `90s`, `10m` or `2h`. */
function time(text: string): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)([smh])$/.exec(text) ?? [];
  if (amount === undefined || Number(amount) <= 0)
    throw new InvalidArgumentError("It must be as in 90s, 10m or 2h.");
  return Number(amount) * units[unit as keyof typeof units];
}

/** The command `eprop sweep`. */
export function sweepCommand(): Command {
  const command = new Command("sweep")
    .description("train a task with every seed and every combination of values, in worker processes")
    .argument("[task]", taskArgument)
    .option("--seeds <list>", "seeds, as in 1..20 or 1,2,5", parseSeeds)
    .option(
      "--set <name=values>",
      "values of a parameter or option, as in eta=1e-3,5e-3, or a range that they are drawn from, " +
        "as in eta=log:1e-4..1e-2, c_reg=0..500 or batch-size=int:1..32; may be repeated",
      values,
    )
    .option("--samples <n>", "how often values are drawn from ranges; once if left out", number)
    .option("--sample-seed <n>", "seed of what is drawn", number)
    .option("--out <folder>", "where results go; a sweep that was interrupted goes on there")
    .option("--shard <i/n>", "do the i-th of n parts; `--collect` makes tables and figures of all", shard)
    .option("--collect", "make tables, figure and page of what the folder of --out holds")
    .option("--halving <n>", "compare after n training iterations, and train on only the best third", number)
    .option("--reduction <n>", "with --halving: of so many one goes on, for so many times as long", number)
    .option("--weights", "keep weights and trained network of every training")
    .option("--time-limit <time>", "end each training after this time, as in 90s, 10m or 2h", time)
    .option("--ask", "take trainings from standard input, a JSON object per line, and answer each");
  return addTaskOptions(addWorkerOptions(addSettings(command)))
    .option("--json", "print a JSON object on standard output")
    .option("--quiet", "no progress")
    .action(runSweep);
}

function refuse(parameter: string, message: string, bound: string): never {
  throw nestError({ code: "ValueError", message, parameter, bound });
}

/** What came of a training, as JSON has it. */
function runJson(run: SweepRun): object {
  const { seed, parameters, summary, failure } = run;
  const final = summary && finalMetrics(summary);
  return { seed, parameters, status: statusOf(run), ...final, ...given({ failure }) };
}

function print(result: SweepResult, { out, json, shard: part }: SweepArguments): void {
  const { task, runs, rows, damaged } = result;
  if (json) process.stdout.write(`${JSON.stringify({ task, runs: runs.map(runJson), rows, damaged })}\n`);
  else {
    process.stdout.write(terminalTable(rows));
    if (out !== undefined && part !== undefined) {
      process.stdout.write(`tables: eprop sweep --collect --out ${out}\n`);
    } else if (out !== undefined) {
      process.stdout.write(`runs: ${join(out, "runs.csv")}\n`);
      // There is nothing to show where all have failed.
      const page = join(out, "sweep.html");
      if (existsSync(page)) process.stdout.write(`page: ${page}\n`);
    }
  }
}

/** How a training ended, in words. */
function endText(run: SweepRun): string {
  if (run.summary === undefined) return `FAILED: ${run.failure}`;
  const { loss, iterations } = finalMetrics(run.summary);
  const status = statusOf(run);
  const after = status === "pruned" ? ` after ${many(iterations, "iteration")}` : "";
  return `loss ${loss.toPrecision(6)}${status === "finished" ? "" : `, ${status}${after}`}`;
}

/** Says which files are damaged, if any is, and sets the exit code. */
function tellDamaged({ damaged }: SweepResult): void {
  if (damaged.length === 0) return;
  for (const { file, why } of damaged) process.stderr.write(`eprop: ${file} ${why}\n`);
  conclude(
    `eprop: ${many(damaged.length, "result")} left out; the same sweep again trains what was damaged`,
    1,
  );
}

/** What a line of standard input asks for. */
const anything: Check<unknown> = { allowed: "anything", read: (value) => value };
const askedFields = fields({ id: anything, seed: optional(aNumber()), parameters: optional(dictionary) });

/** Trainings from lines of standard input; the answers go to standard output, a line each. */
class Asked implements SweepProposals {
  readonly #lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  readonly #ids = new Map<string, unknown>();
  readonly #check: (point: SweepPoint) => SweepPoint;
  /** Lines that ask for nothing that can be trained. */
  refused = 0;

  constructor(check: (point: SweepPoint) => SweepPoint) {
    this.#check = check;
  }

  #answer(id: unknown, of: object): void {
    process.stdout.write(`${JSON.stringify({ ...given({ id }), ...of })}\n`);
  }

  /** The training of a line; undefined where there can be none, which is answered. */
  #point(line: string): SweepPoint | undefined {
    let id: unknown;
    try {
      const read = readJson(line);
      id = (read as { id?: unknown } | null)?.id;
      const asked = checked("ask", read, askedFields);
      const point = { seed: asked.seed ?? 1, parameters: asked.parameters ?? {} };
      const found = this.#check(point as SweepPoint);
      this.#ids.set(pointName(found), id);
      return found;
    } catch (error) {
      if (!(error instanceof NESTError)) throw error;
      this.refused += 1;
      this.#answer(id, { status: "failed", error: error.message });
      return undefined;
    }
  }

  async ask(): Promise<SweepPoint | undefined> {
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done) return undefined;
      const point = value.trim() === "" ? undefined : this.#point(value);
      if (point !== undefined) return point;
    }
  }

  tell(run: SweepRun): void {
    this.#answer(this.#ids.get(pointName(run)), runJson(run));
  }
}

function readJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return refuse("ask", `this is not JSON: ${line}`, 'as in {"parameters": {"eta": 1e-3}, "seed": 1}');
  }
}

/** What is to be trained, by the command line. */
function wanted(
  { seeds, set, samples, sampleSeed, ask }: SweepArguments,
  check: (point: SweepPoint) => SweepPoint,
): SweepGrid | Asked {
  if (ask) {
    if (seeds ?? set) refuse("ask", "what is asked for has its seed and values", "neither --seeds nor --set");
    return new Asked(check);
  }
  if (seeds === undefined) refuse("seeds", "there are no seeds", "--seeds, as in --seeds 1..5");
  return { seeds, ...given({ parameters: set, samples, sampleSeed }) };
}

async function runSweep(name: string | undefined, args: SweepArguments): Promise<void> {
  await CommandRanks.run([name, args], (ranks) => swept(name, args, ranks));
}

async function swept(name: string | undefined, args: SweepArguments, ranks: CommandRanks): Promise<void> {
  const { world, isFirst } = ranks;
  const { concurrency, threads, weights, checkpointEvery, timeLimit } = args;
  const { out, quiet, halving, reduction } = args;
  if (out === undefined && !args.ask) refuse("out", "results need a place", "--out with a folder");
  if (args.collect) {
    const others = Object.keys(args).filter(
      (option) => !["collect", "out", "json", "quiet"].includes(option),
    );
    if (name !== undefined || others.length > 0) {
      refuse(others[0] ?? "task", "a folder that is collected has its sweep", "--collect and --out alone");
    }
    await ranks.atFirst(async () => {
      const result = await collectSweep(out as string);
      print(result, args);
      tellDamaged(result);
    });
    return;
  }
  if (world !== undefined && args.ask) {
    refuse("ask", "the standard input of several ranks is that of one", "one process");
  }
  if (name === undefined) refuse("task", "there is no task to train", taskArgument);
  if (reduction !== undefined && halving === undefined) {
    refuse("reduction", "--reduction says how --halving goes on", "--halving besides");
  }
  const { entry } = await loadTask(name);
  const ofTask = taskOptions(entry, args);
  const grid = wanted(args, (point) => checkedPoint(entry, point, ofTask));
  const options: SweepOptions = {
    taskOptions: ofTask,
    ...computedWith(args),
    ...given({ out, concurrency, threads, weights, checkpointEvery, timeLimit }),
    ...given({ shard: args.shard, world }),
    ...(halving !== undefined && { halving: { minIterations: halving, ...given({ reduction }) } }),
    onRun: (run, { done, total, resumed }) => {
      // Others do some of what rank 0 tells of.
      if (quiet || !isFirst || (resumed && world === undefined)) return;
      process.stderr.write(
        `${done}${total === undefined ? "" : `/${total}`} ${pointName(run)}: ${endText(run)}\n`,
      );
    },
  };
  const result = await untilInterrupted(
    (signal) => sweep(name, grid, { ...options, signal }),
    out !== undefined && !args.ask,
  );
  if (!isFirst) return;
  if (!args.ask) print(result, args);
  tellDamaged(result);
  tellFailed(result.runs, args.ask ? "" : "; run it again to retry them");
  if (grid instanceof Asked && grid.refused > 0) {
    conclude(`eprop: ${many(grid.refused, "line")} of standard input asked for no training that there is`, 1);
  }
}
