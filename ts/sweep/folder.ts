import { mkdirSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { number, object, picklist, record as recordOf, string, unknown } from "valibot";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { nestError } from "../core/errors.js";
import { cannotWrite } from "../files/file-errors.js";
import { writeWhole } from "../files/write-whole.js";
import { problemOf } from "../files/schema.js";
import { summaryProblem, withNumbers } from "../runs/run-check.js";
import { type RunSummary, runFormat } from "../runs/summary.js";
import { type Claim, Claims } from "../files/claims.js";
import { type SweepPoint, type SweepValue, pointFile } from "./grid.js";
import { type SweepRun, rowsCsv, runsCsv, sweepRows } from "./results.js";

/** Version of the format of sweeps' folders. */
const sweepFormat = 2;

/** What a sweep is of; all trainings of a folder have that in common. */
export interface SweepKind {
  task: string;
  options: object;
  training: object;
}

/** What is kept of a training. */
interface SweepRecord {
  format: number;
  seed: number;
  parameters: Readonly<Record<string, SweepValue>>;
  status: SweepRun["status"];
  /** When it ended (ms since 1970). */
  date: number;
  failure?: string;
  code?: string;
  run?: RunSummary;
}

/** A file of a sweep's folder that cannot be read. */
export interface DamagedResult {
  /** Its path. */
  file: string;
  /** What is wrong with it. */
  why: string;
}

const recordSchema = object({
  seed: number(),
  parameters: recordOf(string(), unknown()),
  status: picklist(["finished", "stopped", "pruned", "failed"] satisfies SweepRun["status"][]),
});

/** What is wrong with a training's file; undefined where nothing is. */
function recordProblem(record: unknown): string | undefined {
  const { format, status, run } = (record ?? {}) as Partial<SweepRecord>;
  if (format !== sweepFormat) return `has format ${String(format)}, not ${sweepFormat}`;
  const unlike = problemOf(recordSchema, record);
  if (unlike !== undefined) return unlike;
  if (status === "failed") return undefined;
  const runFormatFound = (run as Partial<RunSummary> | undefined)?.format;
  if (runFormatFound !== runFormat) return `has a run of format ${String(runFormatFound)}, not ${runFormat}`;
  const problem = summaryProblem(run);
  return problem === undefined ? undefined : `has a run that ${problem}`;
}

function refuse(message: string, bound: string): never {
  throw nestError({ code: "ValueError", message, parameter: "out", bound });
}

/** What a value of a sweep is said to be. */
const shown = (value: unknown) => (value === undefined ? "none" : JSON.stringify(value));

const isTable = (value: unknown) => typeof value === "object" && value !== null && !Array.isArray(value);

/** Where two values differ, by name: `iterations: 4 there, 2 here`. */
function differences(there: unknown, here: unknown, name: string): string[] {
  if (!isTable(there) || !isTable(here)) {
    return isDeepStrictEqual(there, here) ? [] : [`${name}: ${shown(there)} there, ${shown(here)} here`];
  }
  const [a, b] = [there, here] as Record<string, unknown>[];
  return [...new Set([...Object.keys(a ?? {}), ...Object.keys(b ?? {})])].flatMap((field) =>
    differences(a?.[field], b?.[field], field),
  );
}

/** What a folder is of that is not of this kind, in words. */
function otherKind(text: string | undefined, kind: SweepKind): string {
  let there: Partial<SweepKind & { format: number }> | null;
  try {
    there = JSON.parse(text ?? "null") as typeof there;
  } catch {
    there = null;
  }
  if (there === null || typeof there.task !== "string") return "something else";
  if (there.format !== sweepFormat) return `a sweep of format ${shown(there.format)}, not ${sweepFormat}`;
  const { task, options, training } = kind;
  // As they are once they are written.
  const here = JSON.parse(JSON.stringify({ task, ...options, ...training })) as object;
  const all = differences({ task: there.task, ...there.options, ...there.training }, here, "sweep");
  return all.length === 0
    ? "a sweep whose options are in another order"
    : `another sweep (${all.join("; ")})`;
}

/** The text of a file; undefined where there is none. */
function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/** Whether a folder holds nothing but what another process of the same sweep may just be making. */
function isNewOrEmpty(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return true;
  return found.isDirectory() && readdirSync(path).every((name) => name.startsWith("sweep.json"));
}

/**
 * A sweep's folder, which several processes may share: what it is a sweep of (`sweep.json`), a file for each training
 * that has ended (`runs/`), claims on those under way (`claims/`), checkpoints, tables, a figure and a page.
 */
export class SweepFolder {
  readonly path: string;
  readonly task: string;
  readonly #claims: Claims;
  /** What has been read of trainings that are over. */
  readonly #known = new Map<string, SweepRun>();
  /** What was read of trainings that are paused, which may go on. */
  readonly #paused = new Map<string, { version: string; record: SweepRecord }>();
  /** Failures from before are tried again. */
  readonly #begun = Date.now();

  private constructor(path: string, task: string) {
    this.path = path;
    this.task = task;
    this.#claims = new Claims(join(path, "claims"));
  }

  /**
   * Makes the folder, or goes on with that of a sweep of the same kind.
   *
   * @throws {@link NESTError} for a folder that holds something else or cannot be written.
   */
  static open(path: string, kind: SweepKind): SweepFolder {
    const text = JSON.stringify({ format: sweepFormat, ...kind }, null, 2);
    const file = join(path, "sweep.json");
    const isOther = (found: string | undefined) => found !== undefined && found.trim() !== text;
    const bound = `a new folder, or one of a sweep of ${kind.task} with the same options`;
    // Another process of the sweep may make it between two looks.
    const isTaken = read(file) === undefined && !isNewOrEmpty(path) && read(file) === undefined;
    const found = read(file);
    if (isTaken || isOther(found)) refuse(`${path} holds ${otherKind(found, kind)}`, bound);
    writeWhole(file, `${text}\n`);
    try {
      mkdirSync(join(path, "runs"), { recursive: true });
      return new SweepFolder(path, kind.task);
    } catch (error) {
      throw cannotWrite(path, error, "out", bound);
    }
  }

  /**
   * The folder of a sweep, whatever it is of.
   *
   * @throws {@link NESTError} where there is none.
   */
  static existing(path: string): SweepFolder {
    let kind: (SweepKind & { format?: number }) | undefined;
    try {
      kind = JSON.parse(read(join(path, "sweep.json")) ?? "") as typeof kind;
    } catch {
      kind = undefined;
    }
    if (kind?.format !== sweepFormat)
      refuse(`${path} is no folder of a sweep`, "one that `eprop sweep --out` made");
    return new SweepFolder(path, kind.task);
  }

  #file(name: string): string {
    return join(this.path, "runs", `${name}.json`);
  }

  /** What is kept of a training, or what is wrong with its file; undefined where there is none. */
  #record(name: string): SweepRecord | string | undefined {
    const file = this.#file(name);
    const found = statSync(file, { throwIfNoEntry: false });
    if (found === undefined) return undefined;
    const version = `${found.mtimeMs} ${found.size} ${found.ino}`;
    const last = this.#paused.get(name);
    if (last?.version === version) return last.record;
    const text = read(file);
    if (text === undefined) return "cannot be read";
    let record: SweepRecord;
    try {
      record = JSON.parse(text) as SweepRecord;
    } catch {
      return "is not JSON";
    }
    const problem = recordProblem(record);
    if (problem !== undefined) return problem;
    if (record.status === "pruned") this.#paused.set(name, { version, record });
    return record;
  }

  #run({ seed, parameters, status, failure, code, run }: SweepRecord): SweepRun {
    return {
      seed,
      parameters,
      status,
      ...(run !== undefined && { summary: withNumbers(run) }),
      ...(failure !== undefined && { failure }),
      ...(code !== undefined && { code }),
    };
  }

  /** What is known of a training: that it ended, or was paused; undefined where it is to be done (again). */
  read(point: SweepPoint): SweepRun | undefined {
    const name = pointFile(point);
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const record = this.#record(name);
    // What is damaged is done again. Whoever calls again wants failures of then to be tried again.
    if (record === undefined || typeof record === "string") return undefined;
    if (record.status === "failed" && record.date < this.#begun) return undefined;
    const run = this.#run(record);
    if (run.status !== "pruned") this.#known.set(name, run);
    return run;
  }

  write(run: SweepRun): void {
    const { seed, parameters, status, failure, code, summary } = run;
    const name = pointFile(run);
    const record: SweepRecord = {
      format: sweepFormat,
      seed,
      parameters,
      status,
      date: Date.now(),
      ...(failure !== undefined && { failure }),
      ...(code !== undefined && { code }),
      ...(summary !== undefined && { run: summary }),
    };
    writeWhole(this.#file(name), `${JSON.stringify(record)}\n`);
    if (status !== "pruned") this.#known.set(name, run);
    if (status === "finished" || status === "stopped") rmSync(this.checkpoint(run), { force: true });
  }

  /** Claims a training; undefined while another process does it. */
  claim(point: SweepPoint): Claim | undefined {
    return this.#claims.take(pointFile(point));
  }

  /** Whether another process seems to do a training. */
  isClaimed(point: SweepPoint): boolean {
    return this.#claims.isTaken(pointFile(point));
  }

  /** Where a training is saved while it is not over. */
  checkpoint(point: SweepPoint): string {
    return join(this.path, "checkpoints", `${pointFile(point)}.safetensors`);
  }

  prepareCheckpoints(): void {
    mkdirSync(join(this.path, "checkpoints"), { recursive: true });
  }

  /** A training's files for weights, without their endings. */
  weights(point: SweepPoint): string {
    return join(this.path, "runs", pointFile(point));
  }

  /** All trainings that have ended, of any grid, in the order of their names, and files that say nothing of theirs. */
  all(): { runs: SweepRun[]; damaged: DamagedResult[] } {
    const names = readdirSync(join(this.path, "runs")).filter((name) => name.endsWith(".json"));
    const [runs, damaged]: [SweepRun[], DamagedResult[]] = [[], []];
    for (const name of names.toSorted((a, b) => a.localeCompare(b, "en", { numeric: true }))) {
      const file = name.slice(0, -".json".length);
      const found = this.#known.get(file) ?? this.#record(file);
      if (typeof found === "string") damaged.push({ file: this.#file(file), why: found });
      else if (found !== undefined) runs.push("format" in found ? this.#run(found) : found);
    }
    return { runs, damaged };
  }

  /** Writes the tables of trainings that have ended. */
  writeTables(runs: readonly SweepRun[]): void {
    writeWhole(join(this.path, "runs.csv"), runsCsv(runs));
    writeWhole(join(this.path, "summary.csv"), rowsCsv(sweepRows(runs)));
  }

  /** Writes tables, the page and the figure. */
  async conclude(runs: readonly SweepRun[]): Promise<void> {
    this.writeTables(runs);
    if (runs.every(({ summary }) => summary === undefined)) return;
    const { sweepHtml } = await import("./page.js");
    writeWhole(join(this.path, "sweep.html"), sweepHtml(this.task, runs));
    // The plotting libraries are loaded by those who plot.
    const [{ renderSvg }, { sweepFigure }] = await Promise.all([
      import("../figures/render.js"),
      import("./figure.js"),
    ]);
    writeWhole(join(this.path, "sweep.svg"), await renderSvg(sweepFigure(this.task, runs)));
  }

  /** Removes checkpoints that nobody goes on from: all trainings are over. */
  removeCheckpoints(): void {
    rmSync(join(this.path, "checkpoints"), { recursive: true, force: true });
  }

  close(): void {
    this.#claims.close();
  }
}
