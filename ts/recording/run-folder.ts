import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { nestError } from "../errors.js";
import { plasticProjections } from "../training/network.js";
import type { TrainingResult } from "../training/trainer.js";
import type { RunData } from "../figures/run-data.js";
import { type NumberArray, npz, readNpz } from "./npz.js";
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
 * Writes what a training leaves: `run.json` (parameters, losses, sums of weights), `losses.csv`, `weights.npz` (each
 * projection before and after), `events.npz` (each recorder's columns), `report.html` and `figures/`. The folder
 * appears when it is whole.
 */
export async function writeRunFolder(folder: string, result: TrainingResult): Promise<void> {
  checkRunFolder(folder);
  const partial = `${resolve(folder)}.partial-${process.pid}`;
  try {
    mkdirSync(partial, { recursive: true });
    writeFileSync(join(partial, "run.json"), `${JSON.stringify(runSummary(result), null, 2)}\n`);
    writeFileSync(join(partial, "losses.csv"), lossTable(result));
    writeFileSync(join(partial, "weights.npz"), npz(weightArrays(result)));
    writeFileSync(join(partial, "events.npz"), npz(eventArrays(result)));
    // The plotting libraries are loaded by those who plot.
    const { writeReport } = await import("./report.js");
    await writeReport(partial, runData(result));
    renameSync(partial, folder);
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    throw error;
  }
}

/** A training's results as figures and reports take them. */
export function runData(result: TrainingResult): RunData {
  return { summary: runSummary(result), weights: weightArrays(result), events: eventArrays(result) };
}

/**
 * Reads a run folder.
 *
 * @throws {@link NESTError} that names the file which is missing, damaged or of another version.
 */
export function readRunFolder(folder: string): RunData {
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
  let summary: Partial<RunSummary> = {};
  try {
    summary = JSON.parse(new TextDecoder().decode(bytes("run.json"))) as RunSummary;
  } catch (error) {
    if (error instanceof SyntaxError) refuse("run.json", "is not JSON", "the file as it was written");
    throw error;
  }
  if (summary.format !== runFormat) {
    refuse(
      "run.json",
      `has format ${String(summary.format)}`,
      `format ${runFormat}, of this version of eprop`,
    );
  }
  if (!Array.isArray(summary.loss) || summary.timing === undefined || summary.weights === undefined) {
    refuse("run.json", "is incomplete", "the file as it was written");
  }
  return { summary: summary as RunSummary, weights: archive("weights.npz"), events: archive("events.npz") };
}

/** Losses and what else was measured, a line per iteration. */
export function lossTable({ iterations }: TrainingResult): string {
  const lines = iterations.map(({ iteration, phase, loss, error, ms, spikesPerNeuron }) =>
    [iteration, phase, loss, error ?? "", ms.toFixed(3), spikesPerNeuron].join(","),
  );
  return ["iteration,phase,loss,error,ms,spikes_per_neuron", ...lines, ""].join("\n");
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
