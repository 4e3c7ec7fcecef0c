import type { RunSummary } from "../runs/summary.js";
import { type SweepPoint, combinationName } from "./grid.js";
import { type MeanInterval, meanInterval } from "./statistics.js";

/** A training of a sweep that has ended. */
export interface SweepRun extends SweepPoint {
  /** What it left; undefined where it failed. */
  summary?: RunSummary;
  /** Why it failed. */
  failure?: string;
}

/** How a training ended: means over its test iterations, or its last iteration where there are none. */
export interface FinalMetrics {
  loss: number;
  error?: number;
  spikes_per_neuron: number;
  iterations: number;
  ms_per_iteration: number;
}

/** What is known of a combination of values, over its seeds. */
export interface SweepRow {
  parameters: Readonly<Record<string, number>>;
  /** Trainings that ended, and that failed. */
  finished: number;
  failed: number;
  loss?: MeanInterval;
  error?: MeanInterval;
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** How a training ended. */
export function finalMetrics({
  loss,
  results,
  spikes_per_neuron,
  ms_per_iteration,
}: RunSummary): FinalMetrics {
  const tests = (results?.label ?? []).flatMap((label, at) => (label === "test" ? [at] : []));
  const last = tests.length > 0 ? tests : [loss.length - 1];
  const over = (values: readonly number[]) => mean(last.map((at) => values[at] ?? Number.NaN));
  return {
    loss: over(loss),
    ...(results !== undefined && { error: over(results.error) }),
    spikes_per_neuron: over(spikes_per_neuron),
    iterations: loss.length,
    ms_per_iteration,
  };
}

/** Trainings by combination of values, in the order of the first of each. */
export function byCombination(runs: readonly SweepRun[]): Map<string, SweepRun[]> {
  const groups = new Map<string, SweepRun[]>();
  for (const run of runs) {
    const name = combinationName(run.parameters);
    const group = groups.get(name);
    if (group) group.push(run);
    else groups.set(name, [run]);
  }
  return groups;
}

/** A row for each combination of values. */
export function sweepRows(runs: readonly SweepRun[]): SweepRow[] {
  return [...byCombination(runs).values()].map((group) => {
    const ended = group.flatMap(({ summary }) => (summary === undefined ? [] : [finalMetrics(summary)]));
    const errors = ended.flatMap(({ error }) => (error === undefined ? [] : [error]));
    return {
      parameters: group[0]?.parameters ?? {},
      finished: ended.length,
      failed: group.length - ended.length,
      ...(ended.length > 0 && { loss: meanInterval(ended.map(({ loss }) => loss)) }),
      ...(errors.length > 0 && { error: meanInterval(errors) }),
    };
  });
}

const csvLine = (cells: readonly (string | number | undefined)[]) =>
  cells
    .map((cell) => String(cell ?? ""))
    .map((cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell))
    .join(",");

function parameterNames(runs: readonly SweepPoint[]): string[] {
  return Object.keys(runs[0]?.parameters ?? {});
}

/** All trainings as CSV, a line each. */
export function runsCsv(runs: readonly SweepRun[]): string {
  const names = parameterNames(runs);
  const metrics = ["loss", "error", "spikes_per_neuron", "iterations", "ms_per_iteration"] as const;
  const lines = runs.map(({ seed, parameters, summary, failure }) => {
    const final: Partial<FinalMetrics> = summary === undefined ? {} : finalMetrics(summary);
    return csvLine([
      ...names.map((name) => parameters[name]),
      seed,
      summary === undefined ? "failed" : "finished",
      ...metrics.map((metric) => final[metric]),
      failure,
    ]);
  });
  return [csvLine([...names, "seed", "status", ...metrics, "failure"]), ...lines, ""].join("\n");
}

const bounds = (of: MeanInterval | undefined) => [of?.mean, of?.low, of?.high];

/** Means over seeds as CSV, a line for each combination of values. */
export function rowsCsv(rows: readonly SweepRow[]): string {
  const names = Object.keys(rows[0]?.parameters ?? {});
  const lines = rows.map(({ parameters, finished, failed, loss, error }) =>
    csvLine([...names.map((name) => parameters[name]), finished, failed, ...bounds(loss), ...bounds(error)]),
  );
  const columns = ["loss", "loss_low", "loss_high", "error", "error_low", "error_high"];
  return [csvLine([...names, "finished", "failed", ...columns]), ...lines, ""].join("\n");
}

function shown(of: MeanInterval | undefined): string {
  if (of === undefined) return "";
  const value = of.mean.toPrecision(5);
  return of.n < 2 ? value : `${value} ± ${(of.high - of.mean).toPrecision(2)}`;
}

/** Means over seeds as a table for a terminal. */
export function terminalTable(rows: readonly SweepRow[]): string {
  const names = Object.keys(rows[0]?.parameters ?? {});
  const withErrors = rows.some(({ error }) => error !== undefined);
  const cells = [
    [...names, "runs", "loss", ...(withErrors ? ["error"] : [])],
    ...rows.map(({ parameters, finished, failed, loss, error }) => [
      ...names.map((name) => String(parameters[name])),
      failed > 0 ? `${finished} (${failed} failed)` : String(finished),
      shown(loss),
      ...(withErrors ? [shown(error)] : []),
    ]),
  ];
  const widths = cells[0]?.map((_, column) => Math.max(...cells.map((row) => (row[column] ?? "").length)));
  const lines = cells.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths?.[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  return `${lines.join("\n")}\n`;
}
