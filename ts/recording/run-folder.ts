import { existsSync, mkdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { type Check, given, path as filePath, refuse as refuseArgument } from "../arguments.js";
import { nestError } from "../errors.js";
import { Network } from "../network/network.js";
import { plasticProjections } from "../training/network.js";
import type { Iteration, TrainingResult } from "../training/trainer.js";
import type { RunData } from "../figures/run-data.js";
import { MetricsFile, iterationColumns, readMetrics } from "./metrics-file.js";
import { type Format, writeExports } from "./export.js";
import { type NumberArray, npz, readNpz } from "./npz.js";
import { eventsProblem, summaryProblem, weightsProblem, withNumbers } from "./run-check.js";
import { writeWhole } from "./write-whole.js";
import { type RunSummary, runFormat, runSummary } from "./summary.js";

/** Refuses a place where a run folder can't be made, before any work is done. */
export function checkRunFolder(folder: string): void {
  const refuse = (value: string, bound: string): never => {
    throw nestError({
      code: "ValueError",
      message: `cannot write the run folder ${folder}`,
      parameter: "out",
      value,
      bound,
    });
  };
  if (folder.trim() === "") refuse("an empty name", "a folder that does not exist yet");
  if (statSync(folder, { throwIfNoEntry: false }))
    refuse("it exists already", "a folder that does not exist yet");
  let parent = dirname(resolve(folder));
  let found = statSync(parent, { throwIfNoEntry: false });
  while (!found && parent !== dirname(parent)) {
    parent = dirname(parent);
    found = statSync(parent, { throwIfNoEntry: false });
  }
  if (!found?.isDirectory()) refuse(`${parent} is not a folder`, "a folder that can be made");
}

/**
 * A run folder that is being written. It appears with the first iteration and holds `metrics.jsonl` from then on;
 * what else a training leaves follows at the end, `run.json` last but for the report. So a folder without `run.json`
 * is of a run that goes on, or that was killed.
 */
export class RunFolder {
  readonly path: string;
  #metrics: MetricsFile | undefined;

  /**
   * @param iterations Go on with the folder of a run after these iterations; a new folder if left out.
   * @throws {@link NESTError} where there can be no such folder, before any work is done.
   */
  constructor(path: string, iterations?: readonly Iteration[]) {
    this.path = path;
    if (iterations === undefined) checkRunFolder(path);
    else this.#metrics = this.#goOn(iterations);
  }

  #goOn(iterations: readonly Iteration[]): MetricsFile {
    const file = join(this.path, "metrics.jsonl");
    if (!existsSync(file)) {
      throw nestError({
        code: "ValueError",
        message: `${this.path} is not the folder of a run`,
        parameter: "resume",
        bound: "a checkpoint in the folder that `eprop train --out` made",
      });
    }
    const metrics = new MetricsFile(file, iterations.length);
    // After a loss of power the file may hold less than the checkpoint, which was synced.
    iterations.slice(readMetrics(file).length).forEach((iteration) => metrics.append(iteration));
    return metrics;
  }

  /** Where the run's checkpoint is, as long as the run is not over. */
  get checkpoint(): string {
    return join(this.path, "checkpoint.safetensors");
  }

  /** Appends to `metrics.jsonl`. */
  append(iteration: Iteration): void {
    this.#metrics ??= this.#begin();
    this.#metrics.append(iteration);
  }

  #begin(): MetricsFile {
    checkRunFolder(this.path);
    mkdirSync(this.path, { recursive: true });
    return new MetricsFile(join(this.path, "metrics.jsonl"));
  }

  /**
   * Writes `losses.csv`, `weights.npz` (each projection before and after), `events.npz` (each recorder's columns),
   * events and weights in other formats, `network.safetensors` (the trained network, for {@link Network.load}),
   * `run.json` (parameters, losses, sums of weights), `report.html` and `figures/`.
   */
  async finish(result: TrainingResult, formats: readonly Format[] = []): Promise<void> {
    this.#metrics ??= this.#begin();
    this.close();
    writeWhole(join(this.path, "losses.csv"), lossTable(result));
    writeWhole(join(this.path, "weights.npz"), npz(weightArrays(result)));
    writeWhole(join(this.path, "events.npz"), npz(eventArrays(result)));
    await writeExports(this.path, runData(result), formats);
    await result.network.save(join(this.path, "network.safetensors"));
    writeWhole(join(this.path, "run.json"), `${JSON.stringify(runSummary(result), null, 2)}\n`);
    // The plotting libraries are loaded by those who plot.
    const { writeReport } = await import("../report/write.js");
    await writeReport(this.path, runData(result));
    rmSync(this.checkpoint, { force: true });
  }

  close(): void {
    this.#metrics?.close();
    this.#metrics = undefined;
  }
}

const trainingResult: Check<TrainingResult> = {
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

/** Writes what a training leaves into a new run folder: metrics, weights, events, network, report and figures. */
export async function writeRunFolder(path: string, result: TrainingResult): Promise<void> {
  const [to, training] = [given("path", path, filePath), given("result", result, trainingResult)];
  const folder = new RunFolder(to);
  for (const iteration of training.iterations) folder.append(iteration);
  await folder.finish(training);
}

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
    const { length } = readMetrics(join(folder, "metrics.jsonl"));
    refuse(
      "run.json",
      `is missing: the run goes on or was killed after ${length} iterations`,
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
  const values = Object.values(iterationColumns);
  const lines = iterations.map((iteration) => values.map((value) => value(iteration) ?? "").join(","));
  return [Object.keys(iterationColumns).join(","), ...lines, ""].join("\n");
}

function weightArrays({ weights }: TrainingResult): Record<string, NumberArray> {
  return Object.fromEntries(
    plasticProjections.flatMap((name) => [
      [`${name}_before`, weights.before[name]],
      [`${name}_after`, weights.after[name]],
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
