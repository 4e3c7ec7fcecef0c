import { cpus } from "node:os";
import { instructionSet } from "../native/index.js";
import { hasDiverged, mean } from "../core/statistics.js";
import { version } from "../core/version.js";
import { describedNetwork, countOf, namedParts, populationsOf } from "../tasks/network-description.js";
import type { NamedPopulation, NamedProjection } from "../network/parts.js";
import type { WeightMatrix } from "../training/network.js";
import type { MemoryEstimate } from "../nest/kernel-types.js";
import type { Task } from "../tasks/task.js";
import type { Ending, Phase } from "../training/schedule.js";
import type { TrainingResult } from "../training/result.js";
import { metricNames } from "../training/iteration.js";
import type { RunOrigin } from "./origin.js";

/** Version of the format of run folders. */
export const runFormat = 2;

/** Sum of weights and of their squares. */
export interface WeightSums {
  sum: number;
  sum_sq: number;
}

/** A training in numbers. */
export interface RunSummary {
  /** Version of this format. */
  format: number;
  /** Version of eprop. */
  eprop: string;
  /** How the run was made; missing where nobody said. */
  made?: RunOrigin;
  /** When the run ended. */
  date: string;
  /** What it ran on. */
  machine: { processor: string; cores: number; node: string; instructions: string };
  /** What ended the training. */
  ended: Ending;
  /** Where training had patience: the validation with the smallest loss, whose weights the run left. */
  best?: { readonly iteration: number; readonly loss: number };
  /** Steps of a sequence, sequences of an iteration, length of a step (ms). */
  timing: { steps: number; batchSize: number; resolution: number; learningWindow: number };
  task: string;
  /** The task in one line. */
  text?: string;
  seed: number;
  loss_function: Task["loss"];
  /**
   * How many inputs, recurrent neurons of which models, and readouts there are; the populations with their node ids and
   * the projections by name, which runs of eprop 0.1 do not have.
   */
  network: {
    inputs: number;
    recurrent: { model: string; n: number }[];
    readouts: number;
    populations?: NamedPopulation[];
    projections?: NamedProjection[];
  };
  parameters: Readonly<Record<string, number | string>>;
  loss: number[];
  /** The loss of each readout, of every iteration. */
  readout_losses: number[][];
  results?: { iteration: number[]; label: string[]; loss: number[]; error: number[] };
  /** The phase of each iteration, of tasks that do not classify, where there is another than training. */
  phases?: string[];
  weights: Record<string, { before: WeightSums; after: WeightSums }>;
  spikes_per_neuron: number[];
  /** Norm of the gradient in every iteration; of weights that change once an interval. */
  gradient_norm?: number[];
  /** What the task's metrics and the user's said in every iteration, by name. */
  metrics?: Record<string, number[]>;
  ms_per_iteration: number;
  /** Time that the simulation of each iteration took (ms). */
  ms: number[];
  /** What the simulation took, by part, and the most that the process ever held (bytes). */
  memory: { simulation: MemoryEstimate; peak: number };
}

function sums({ data }: WeightMatrix): WeightSums {
  return {
    sum: data.reduce((sum, weight) => sum + weight, 0),
    sum_sq: data.reduce((sum, weight) => sum + weight * weight, 0),
  };
}

/** The phase of each iteration. */
export function phasesOf({
  loss,
  results,
  phases,
}: Pick<RunSummary, "loss" | "results" | "phases">): string[] {
  return results?.label ?? phases ?? loss.map(() => "training");
}

/** Places of the iterations of a phase. */
export function iterationsOf(
  summary: Pick<RunSummary, "loss" | "results" | "phases">,
  phase: Phase,
): number[] {
  return phasesOf(summary).flatMap((label, at) => (label === phase ? [at] : []));
}

/** Losses of the iterations of a phase. */
export function lossesOf(summary: Pick<RunSummary, "loss" | "results" | "phases">, phase: Phase): number[] {
  return iterationsOf(summary, phase).map((at) => summary.loss[at] as number);
}

/** Places of the iterations that say how a run ended: those of its test, or the last one where there are none. */
export function lastIterations(summary: Pick<RunSummary, "loss" | "results" | "phases">): number[] {
  const { loss } = summary;
  const tests = iterationsOf(summary, "test");
  return tests.length > 0 ? tests : [loss.length - 1];
}

/** The loss that a run ended with: the mean of its test iterations, or the last one where there are none. */
export function lastLoss(summary: Pick<RunSummary, "loss" | "results" | "phases">): number {
  return mean(lastIterations(summary).map((at) => summary.loss[at] ?? Number.NaN));
}

/**
 * Whether a training diverged: it was ended for that, its numbers ended, or its loss became ten times what it was at
 * first.
 */
export function summaryDiverged(summary: Pick<RunSummary, "ended" | "loss" | "results" | "phases">): boolean {
  const { ended, loss } = summary;
  if (ended === "divergence") return true;
  const last = lastLoss(summary);
  return hasDiverged(loss[0] ?? last, last);
}

/** Which weights a training with patience left, in words; undefined of one without. */
export function keptWeights(
  { best, ended }: Pick<RunSummary, "best" | "ended">,
  phases: readonly string[],
): string | undefined {
  if (best === undefined) return undefined;
  // Who asked for the end may go on with the last ones.
  if (ended === "request") return "those of the last iteration, to go on with";
  const kept = `those of iteration ${best.iteration}, the validation with the smallest loss (${best.loss.toPrecision(6)})`;
  return phases.includes("test") ? `${kept}; test iterations ran with the last ones` : kept;
}

/** Losses, results by phase where there are phases, sums of weights and times of a training. */
export function runSummary(
  { task, iterations, weights, ended, best, msPerIteration, memory }: TrainingResult,
  made?: RunOrigin,
): RunSummary {
  const projections = Object.entries(weights.after).map(([name, after]) => [
    name,
    { before: sums(weights.before[name] as WeightMatrix), after: sums(after) },
  ]);
  const processors = cpus();
  const names = metricNames(iterations);
  return {
    format: runFormat,
    eprop: version,
    ...(made !== undefined && { made }),
    date: new Date().toISOString(),
    machine: {
      processor: processors[0]?.model ?? "unknown",
      cores: processors.length,
      node: process.version,
      instructions: instructionSet(),
    },
    ended,
    ...(best !== undefined && { best }),
    timing: {
      steps: task.steps,
      batchSize: task.batchSize,
      resolution: task.resolution,
      learningWindow: task.learningWindow,
    },
    task: task.name,
    text: task.text,
    seed: task.seed,
    loss_function: task.loss,
    network: {
      inputs: countOf(task.network, "input"),
      recurrent: populationsOf(describedNetwork(task.network), "recurrent").map(({ model, n }) => ({
        model,
        n,
      })),
      readouts: countOf(task.network, "readout"),
      ...namedParts(task.network),
    },
    parameters: task.parameters,
    loss: iterations.map(({ loss }) => loss),
    readout_losses: iterations.map(({ readoutLosses }) => readoutLosses),
    ...(task.kind === "classification" && {
      results: {
        iteration: iterations.map(({ iteration }) => iteration),
        label: iterations.map(({ phase }) => phase),
        loss: iterations.map(({ loss }) => loss),
        error: iterations.map(({ error }) => error ?? Number.NaN),
      },
    }),
    ...(task.kind !== "classification" &&
      iterations.some(({ phase }) => phase !== "training") && {
        phases: iterations.map(({ phase }) => phase),
      }),
    weights: Object.fromEntries(projections) as RunSummary["weights"],
    spikes_per_neuron: iterations.map(({ spikesPerNeuron }) => spikesPerNeuron),
    ...(iterations.every(({ gradientNorm }) => gradientNorm !== undefined) && {
      gradient_norm: iterations.map(({ gradientNorm }) => gradientNorm as number),
    }),
    ...(names.length > 0 && {
      metrics: Object.fromEntries(
        names.map((name) => [name, iterations.map(({ metrics }) => metrics?.[name] ?? Number.NaN)]),
      ),
    }),
    ms_per_iteration: msPerIteration,
    ms: iterations.map(({ ms }) => Number(ms.toFixed(3))),
    memory: { simulation: memory, peak: process.resourceUsage().maxRSS * 1024 },
  };
}
