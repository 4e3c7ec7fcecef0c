import { many } from "../core/words.js";
import { existsSync, readFileSync, readdirSync, rmSync, rmdirSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { type Check, given, path as filePath, refuse as refuseArgument } from "../core/arguments.js";
import { nestError } from "../core/errors.js";
import type { Claim } from "../files/claims.js";
import { cannotWrite } from "../files/file-errors.js";
import { statOf } from "../files/stat.js";
import { Network } from "../network/network.js";
import type { WeightMatrix } from "../training/network.js";
import type { Iteration } from "../training/iteration.js";
import type { TrainingResult } from "../training/result.js";
import type { RunData } from "./run-data.js";
import { MetricsFile, columnsOf, readMetrics } from "./metrics-file.js";
import { type Format, writeExports } from "./export.js";
import { type NumberArray, npz, readNpz } from "../formats/npz.js";
import { eventsProblem, summaryProblem, weightsProblem, withNumbers } from "./run-check.js";
import { type RunRequest, runOrigin } from "./origin.js";
import { claimRunFolder, isClaimFile } from "./run-claim.js";
import { makeFolders, writeWhole } from "../files/write-whole.js";
import { type RunSummary, runFormat, runSummary } from "./summary.js";

/** What a run leaves in its folder. */
const runFiles = [
  "metrics.jsonl",
  "losses.csv",
  "run.json",
  "events.npz",
  "weights.npz",
  "network.safetensors",
  "report.html",
  "figures",
  "events",
  "ascii",
  "tensorboard",
  "weights.parquet",
  "weights.jsonl",
  "checkpoint.safetensors",
];

/** How a run folder is begun. */
export interface RunFolderOptions {
  /** Go on with the folder of a run after these iterations; a new folder if left out. */
  iterations?: readonly Iteration[];
  /** The claim on the folder of a run that goes on; it is given up with {@link RunFolder.close}. */
  claim?: Claim;
  /** Take a folder that is there already, and replace what a run left in it. */
  force?: boolean;
  /** What errors name as the parameter that the folder comes from; `out` if left out. */
  parameter?: string;
}

/** Writes the report of a run, and its figures, into its folder. */
export type WriteReport = (folder: string, run: RunData, signal: AbortSignal | undefined) => Promise<void>;

/** How a run's folder is completed. */
export interface FinishOptions {
  /** Writes the report; a function of `report/`, which is above this module. */
  report: WriteReport;
  /** Formats of events and weights besides NumPy's. */
  formats?: readonly Format[];
  /** Leaves the report and its figures out: it rejects with the signal's reason, and the rest is there. */
  signal?: AbortSignal;
  /** Who asked for the run, and how. */
  request?: RunRequest;
  /** Called when all but the report is there. */
  onSaved?: () => void;
}

/** A run folder is complete but for its report. */
export class ReportError extends Error {
  override readonly name = "ReportError";
}

/** Refuses a place where a run folder can't be made, as far as that can be seen without making it. */
function checkRunFolder(folder: string, { force = false, parameter = "out" }: RunFolderOptions): void {
  const bound = "a folder that does not exist yet or is empty";
  const refusePlace = (why: string, allowed = bound) =>
    refuseArgument(parameter, folder, allowed, {
      code: "ValueError",
      message: `cannot write the run folder ${folder}: ${why}`,
    });
  if (folder.trim() === "") refusePlace("its name is empty");
  try {
    const found = statSync(folder, { throwIfNoEntry: false });
    if (found === undefined) return;
    if (!found.isDirectory()) refusePlace("it exists already and is no folder");
    // A run that was killed before its first iteration leaves its claim.
    if (!force && !readdirSync(folder).every(isClaimFile)) {
      refusePlace("it exists already and is not empty", `${bound}; --force replaces a run`);
    }
  } catch (error) {
    throw cannotWrite(folder, error, parameter, "a folder that can be made", `the run folder ${folder}`);
  }
}

const checkpointName = "checkpoint.safetensors";

/**
 * The checkpoint of a run.
 *
 * @param path It, or the run folder that it is in.
 * @throws {@link NESTError} for a folder without one.
 */
export function checkpointOf(path: string): string {
  const bound = "the folder of a run with iterations left, or its checkpoint";
  if (!statOf(path, "resume", bound).isDirectory()) return path;
  const file = join(path, checkpointName);
  if (existsSync(file)) return file;
  const why = existsSync(join(path, "run.json"))
    ? ": its run is over"
    : existsSync(join(path, "metrics.jsonl"))
      ? ": its run goes on, or was killed before one was saved"
      : "";
  throw nestError({
    code: "ValueError",
    message: `${path} has no checkpoint${why}`,
    parameter: "resume",
    value: path,
    bound,
  });
}

/**
 * Refuses to go on with a run that is over.
 *
 * @param path Its checkpoint.
 */
export function refuseOver(path: string): void {
  let summary: Partial<RunSummary> | null;
  try {
    summary = JSON.parse(readFileSync(join(dirname(path), "run.json"), "utf8")) as typeof summary;
  } catch {
    // Of a run that goes on there is none.
    return;
  }
  if (summary?.ended !== "schedule") return;
  throw nestError({
    code: "ValueError",
    message: `the run of ${path} is over after ${many(summary.made?.schedule?.iterations ?? 0, "training iteration")}`,
    parameter: "resume",
    bound: "--iterations besides, with a larger number",
  });
}

/**
 * A run folder that is being written. It holds `metrics.jsonl` from the first iteration on; what else a training leaves
 * follows at the end, `run.json` last but for the report. So a folder without `run.json` is of a run that goes on, or
 * that was killed. From {@link RunFolder.open} to {@link RunFolder.close} it is claimed: no other process writes it.
 */
export class RunFolder {
  readonly path: string;
  readonly #options: RunFolderOptions;
  #metrics: MetricsFile | undefined;
  #isOpen = false;
  #claim: Claim | undefined;
  /** Folders that were made for it and may still be empty, the innermost first. */
  #made: string[] = [];
  /** When the checkpoint of the run that is replaced was written, and what the system knows it by. */
  #replaced: string | undefined;

  /** @throws {@link NESTError} where there can be no such folder, as far as that can be seen without making it. */
  constructor(path: string, options: RunFolderOptions = {}) {
    this.path = path;
    this.#options = options;
    if (options.iterations === undefined) checkRunFolder(path, options);
    else {
      this.#isOpen = true;
      this.#claim = options.claim;
      this.#metrics = this.#goOn(options.iterations);
    }
  }

  /**
   * Makes the folder, and sees whether files can be written there, before any work is done. What is to be replaced is
   * removed with the first iteration. Where none follows, {@link close} removes what was made.
   *
   * @throws {@link NESTError} that says why they cannot.
   */
  open(): void {
    if (this.#isOpen) return;
    const probe = join(this.path, `.probe-${process.pid}`);
    try {
      this.#made = makeFolders(this.path);
      writeFileSync(probe, "", { flag: "wx" });
      rmSync(probe);
      this.#claim = claimRunFolder(this.path, "out");
      // Whoever had it until then may have left a run.
      checkRunFolder(this.path, this.#options);
      this.#replaced = this.#checkpointVersion();
      this.#isOpen = true;
    } catch (error) {
      this.close();
      const { parameter = "out" } = this.#options;
      throw cannotWrite(
        this.path,
        error,
        parameter,
        "a folder that can be made",
        `the run folder ${this.path}`,
      );
    }
  }

  #goOn(iterations: readonly Iteration[]): MetricsFile {
    const file = join(this.path, "metrics.jsonl");
    // A run that was stopped before its first iteration has none.
    if (!existsSync(file) && iterations.length > 0) {
      throw nestError({
        code: "ValueError",
        message: `${this.path} is not the folder of a run`,
        parameter: "resume",
        bound: "a checkpoint in the folder that `eprop train --out` made",
      });
    }
    const metrics = new MetricsFile(file, existsSync(file) ? iterations.length : undefined);
    // After a loss of power the file may hold less than the checkpoint, which was synced.
    iterations.slice(readMetrics(file).length).forEach((iteration) => metrics.append(iteration));
    // What was left when it was stopped is not what it leaves at its end.
    this.#remove(runFiles.filter((name) => name !== "metrics.jsonl" && name !== basename(this.checkpoint)));
    return metrics;
  }

  #remove(names: readonly string[]): void {
    for (const name of names) {
      const path = join(this.path, name);
      try {
        rmSync(path, { recursive: true, force: true });
      } catch (error) {
        throw cannotWrite(path, error);
      }
    }
  }

  #removeIfEmpty(): void {
    try {
      for (const folder of this.#made) rmdirSync(folder);
    } catch {
      // Somebody else has put something there.
    }
    this.#made = [];
  }

  /** Where the run's checkpoint is: how far it is, in the end the state after its last training iteration. */
  get checkpoint(): string {
    return join(this.path, checkpointName);
  }

  /** Appends to `metrics.jsonl`. */
  append(iteration: Iteration): void {
    this.#metrics ??= this.#begin();
    this.#metrics.append(iteration);
  }

  /** Which file the checkpoint is: another one where it was written anew. */
  #checkpointVersion(): string | undefined {
    const found = statSync(this.checkpoint, { throwIfNoEntry: false });
    return found && `${found.ino} ${found.mtimeMs}`;
  }

  #begin(): MetricsFile {
    this.open();
    this.#made = [];
    if (this.#options.force) {
      const name = basename(this.checkpoint);
      const isOld = this.#replaced !== undefined && this.#checkpointVersion() === this.#replaced;
      this.#remove(runFiles.filter((file) => file !== name || isOld));
    }
    return new MetricsFile(join(this.path, "metrics.jsonl"));
  }

  /**
   * Writes `losses.csv`, `weights.npz` (each projection before and after), `events.npz` (each recorder's columns),
   * events and weights in other formats, `network.safetensors` (the trained network, for {@link Network.load}),
   * `run.json` (how it was made, losses, sums of weights), `report.html` and `figures/`. The checkpoint stays, to go
   * on or to train on with, unless validations ended the training.
   *
   * @throws {@link ReportError} where all but the report is there.
   */
  async finish(
    result: TrainingResult,
    { report, formats = [], signal, request, onSaved }: FinishOptions,
  ): Promise<void> {
    this.#metrics ??= this.#begin();
    this.#metrics.close();
    this.#metrics = undefined;
    writeWhole(join(this.path, "losses.csv"), lossTable(result));
    writeWhole(join(this.path, "weights.npz"), npz(weightArrays(result)));
    writeWhole(join(this.path, "events.npz"), npz(eventArrays(result)));
    await writeExports(this.path, runData(result), formats);
    const summary = runSummary(result, await runOrigin(result, request));
    await result.network.save(join(this.path, "network.safetensors"));
    writeWhole(join(this.path, "run.json"), `${JSON.stringify(summary, null, 2)}\n`);
    // There is nothing to go on with where validations have ended it.
    if (result.ended === "early-stopping") this.#remove([basename(this.checkpoint)]);
    onSaved?.();
    try {
      // It says what `run.json` says, as a report that is made anew does.
      await report(this.path, { ...runData(result), summary }, signal);
    } catch (error) {
      const why = signal?.aborted ? "stopped" : error instanceof Error ? error.message : String(error);
      throw new ReportError(`the run is saved in ${this.path}, but for its report: ${why}`, { cause: error });
    }
  }

  /** Ends what was begun: nothing is written any more. */
  close(): void {
    this.#metrics?.close();
    this.#metrics = undefined;
    this.#claim?.release();
    this.#claim = undefined;
    this.#removeIfEmpty();
  }
}

/** What a training leaves. */
export const trainingResult: Check<TrainingResult> = {
  allowed: "what a training leaves, as trainToEnd and Trainer.result give it",
  read(value, at) {
    const { task, iterations, weights, recorded, network } = (value ?? {}) as Partial<TrainingResult>;
    const whole =
      Array.isArray(iterations) &&
      [task, weights?.before, weights?.after, recorded].every((part) => typeof part === "object") &&
      network instanceof Network;
    return whole ? (value as TrainingResult) : refuseArgument(at, value, this.allowed);
  },
};

/** A training's results as figures and reports take them. */
export function runData(training: TrainingResult): RunData {
  const result = given("result", training, trainingResult);
  return { summary: runSummary(result), weights: weightArrays(result), events: eventArrays(result) };
}

/**
 * Reads a run folder.
 *
 * @throws {@link NESTError} that names the file which is missing, damaged or of another version.
 */
export function readRunFolder(path: string): RunData {
  const folder = given("folder", path, filePath);
  const refuse = (file: string, what: string, bound: string): never => {
    throw nestError({
      code: "ValueError",
      message: `${join(folder, file)} ${what}`,
      parameter: "folder",
      bound,
    });
  };
  const bytes = (file: string): Uint8Array => {
    try {
      return readFileSync(join(folder, file));
    } catch {
      return refuse(file, "cannot be read", "a folder that `eprop train --out` left");
    }
  };
  const archive = (file: string): Record<string, NumberArray> => {
    const content = bytes(file);
    try {
      return readNpz(content);
    } catch (error) {
      return refuse(file, (error as Error).message, "an archive of NumPy arrays");
    }
  };
  if (!existsSync(join(folder, "run.json")) && existsSync(join(folder, "metrics.jsonl"))) {
    let length = 0;
    try {
      ({ length } = readMetrics(join(folder, "metrics.jsonl")));
    } catch (error) {
      refuse("metrics.jsonl", (error as Error).message, "a JSON object per line");
    }
    refuse(
      "run.json",
      `is missing: the run goes on or was killed after ${many(length, "iteration")}`,
      "a run that ended",
    );
  }
  let summary: Partial<RunSummary> = {};
  try {
    summary = JSON.parse(new TextDecoder().decode(bytes("run.json"))) as RunSummary;
  } catch (error) {
    if (error instanceof SyntaxError) refuse("run.json", "is not JSON", "the file as it was written");
    throw error;
  }
  if (typeof summary !== "object" || summary === null || summary.format !== runFormat) {
    refuse(
      "run.json",
      `has format ${String(summary?.format)}${typeof summary?.eprop === "string" ? ` of eprop ${summary.eprop}` : ""}`,
      `format ${runFormat}, of this version of eprop`,
    );
  }
  const asWritten = "the file as it was written";
  const problem = summaryProblem(summary);
  if (problem !== undefined) refuse("run.json", problem, asWritten);
  const run = {
    summary: withNumbers(summary as RunSummary),
    weights: archive("weights.npz"),
    events: archive("events.npz"),
  };
  const inWeights = weightsProblem(run);
  if (inWeights !== undefined) refuse("weights.npz", inWeights, asWritten);
  const inEvents = eventsProblem(run.events);
  if (inEvents !== undefined) refuse("events.npz", inEvents, asWritten);
  return run;
}

/** Losses and what else was measured, a line per iteration. */
export function lossTable({ iterations }: TrainingResult): string {
  const columns = columnsOf(iterations);
  const values = Object.values(columns);
  const lines = iterations.map((iteration) => values.map((value) => value(iteration) ?? "").join(","));
  return [Object.keys(columns).join(","), ...lines, ""].join("\n");
}

function weightArrays({ weights }: TrainingResult): Record<string, NumberArray> {
  return Object.fromEntries(
    Object.entries(weights.after).flatMap(([name, after]) => [
      [`${name}_before`, weights.before[name] as WeightMatrix],
      [`${name}_after`, after],
    ]),
  );
}

function eventArrays({ recorded }: TrainingResult): Record<string, NumberArray> {
  return Object.fromEntries(
    Object.entries(recorded).flatMap(([recorder, columns]) =>
      Object.entries(columns).map(([column, data]) => [`${recorder}.${column}`, { data }]),
    ),
  );
}
