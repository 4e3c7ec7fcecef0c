import { mkdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { nestError } from "../errors.js";
import { plasticProjections } from "../training/network.js";
import type { TrainingResult } from "../training/trainer.js";
import { type NumberArray, npz } from "./npz.js";
import { runSummary } from "./summary.js";

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
 * projection before and after) and `events.npz` (each recorder's columns). The folder appears when it is whole.
 */
export function writeRunFolder(folder: string, result: TrainingResult): void {
  checkRunFolder(folder);
  const partial = `${resolve(folder)}.partial-${process.pid}`;
  try {
    mkdirSync(partial, { recursive: true });
    writeFileSync(join(partial, "run.json"), `${JSON.stringify(runSummary(result), null, 2)}\n`);
    writeFileSync(join(partial, "losses.csv"), lossTable(result));
    writeFileSync(join(partial, "weights.npz"), npz(weightArrays(result)));
    writeFileSync(join(partial, "events.npz"), npz(eventArrays(result)));
    renameSync(partial, folder);
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    throw error;
  }
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
