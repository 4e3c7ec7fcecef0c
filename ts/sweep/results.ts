import { addTo } from "../core/lists.js";
import { type RunSummary, lastIterations, summaryDiverged } from "../runs/summary.js";
import { type SweepPoint, type SweepValue, combinationName } from "./grid.js";
import { type Quartiles, mean, quartiles } from "../core/statistics.js";

/** A training of a sweep that has ended. */
export interface SweepRun extends SweepPoint {
  /**
   * How it ended: `finished` as planned, `stopped` by its time limit, `pruned` because others were better after as many
   * iterations, `failed`.
   */
  status: "finished" | "stopped" | "pruned" | "failed";
  /** What it left; undefined where it failed. */
  summary?: RunSummary;
  /** Why it failed. */
  failure?: string;
  /** The code of the error that it failed with. */
  code?: string;
}

/** How a training ended: means over its test iterations, or its last iteration where there are none. */
export interface FinalMetrics {
  loss: number;
  error?: number;
  spikes_per_neuron: number;
  iterations: number;
  ms_per_iteration: number;
  /** The task's own metrics, by name. */
  metrics?: Record<string, number>;
}

/** What is known of a combination of values, over its seeds. */
export interface SweepRow {
  parameters: Readonly<Record<string, SweepValue>>;
  /** Trainings that ended as planned or by their time limit, and did not diverge. */
  finished: number;
  /** Trainings that failed; those that diverged are not among them. */
  failed: number;
  /** Trainings that diverged: their losses count as infinite. */
  diverged: number;
  /** Trainings that were pruned: they count nowhere else. */
  pruned: number;
  /** Median and quartiles of the losses that these were pruned at; left out where none was. */
  loss_pruned?: Quartiles;
  /** Median and quartiles of the losses at the end. */
  loss?: Quartiles;
  error?: Quartiles;
}

/** How a training ended. */
export function finalMetrics(summary: RunSummary): FinalMetrics {
  const { loss, results, spikes_per_neuron, metrics, ms_per_iteration } = summary;
  const last = lastIterations(summary);
  const over = (values: readonly number[]) => mean(last.map((at) => values[at] ?? Number.NaN));
  return {
    loss: over(loss),
    ...(results !== undefined && { error: over(results.error) }),
    spikes_per_neuron: over(spikes_per_neuron),
    iterations: loss.length,
    ms_per_iteration,
    ...(metrics !== undefined && {
      metrics: Object.fromEntries(Object.entries(metrics).map(([name, values]) => [name, over(values)])),
    }),
  };
}

/** Whether a training diverged: its numbers ended, or its loss became ten times what it was at first. */
export function isDiverged({ summary, code }: SweepRun): boolean {
  return summary === undefined ? code === "NumericalInstability" : summaryDiverged(summary);
}

/** Trainings by combination of values, in the order of the first of each. */
export function byCombination(runs: readonly SweepRun[]): Map<string, SweepRun[]> {
  const groups = new Map<string, SweepRun[]>();
  for (const run of runs) {
    addTo(groups, combinationName(run.parameters), run);
  }
  return groups;
}

/** What is known of trainings with the same values. */
function rowOf(group: readonly SweepRun[]): SweepRow {
  const rest = group.filter(({ status }) => status !== "pruned");
  const pruned = group.flatMap(({ status, summary }) =>
    status === "pruned" && summary !== undefined ? [finalMetrics(summary).loss] : [],
  );
  const diverged = rest.filter(isDiverged);
  const ended = rest.filter((run) => run.summary !== undefined && !isDiverged(run));
  const finals = ended.map(({ summary }) => finalMetrics(summary as RunSummary));
  const infinite = diverged.map(() => Number.POSITIVE_INFINITY);
  const losses = [...finals.map(({ loss }) => loss), ...infinite];
  // A share of wrong decisions is at most one, also where the loss diverged.
  const errors = finals.flatMap(({ error }) => (error === undefined ? [] : [error]));
  const others = diverged.flatMap(({ summary }) => {
    const error = summary && finalMetrics(summary).error;
    return error === undefined ? (errors.length > 0 ? [1] : []) : [Number.isFinite(error) ? error : 1];
  });
  const all = [...errors, ...others];
  return {
    parameters: group[0]?.parameters ?? {},
    finished: ended.length,
    failed: rest.filter((run) => run.summary === undefined && !isDiverged(run)).length,
    diverged: diverged.length,
    pruned: group.length - rest.length,
    ...(pruned.length > 0 && { loss_pruned: quartiles(pruned) }),
    ...(losses.length > 0 && { loss: quartiles(losses) }),
    ...(all.length > 0 && { error: quartiles(all) }),
  };
}

/** A row for each combination of values. */
export function sweepRows(runs: readonly SweepRun[]): SweepRow[] {
  return [...byCombination(runs).values()].map(rowOf);
}

function compareValues(a: SweepValue | undefined, b: SweepValue | undefined): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a ?? "").localeCompare(String(b ?? ""));
}

/** Trainings in the order of their values, then of their seeds. */
export function inOrder(runs: readonly SweepRun[]): SweepRun[] {
  const names = parameterNames(runs);
  return runs.toSorted((a, b) => {
    for (const name of names) {
      const order = compareValues(a.parameters[name], b.parameters[name]);
      if (order !== 0) return order;
    }
    return a.seed - b.seed;
  });
}

/** The names of all that is varied, in the order in which they come. */
export function parameterNames(runs: readonly { parameters: SweepPoint["parameters"] }[]): string[] {
  return [...new Set(runs.flatMap(({ parameters }) => Object.keys(parameters)))];
}

/** A number as programs read it from CSV. */
const cell = (value: string | number | undefined) =>
  value === Number.POSITIVE_INFINITY ? "inf" : String(value ?? "");

const csvLine = (cells: readonly (string | number | undefined)[]) =>
  cells
    .map(cell)
    .map((text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text))
    .join(",");

/** How a training ended, in a word. */
export function statusOf(run: SweepRun): SweepRun["status"] | "diverged" {
  return run.status !== "pruned" && isDiverged(run) ? "diverged" : run.status;
}

/** All trainings as CSV, a line each. */
export function runsCsv(runs: readonly SweepRun[]): string {
  const names = parameterNames(runs);
  const metrics = ["loss", "error", "spikes_per_neuron", "iterations", "ms_per_iteration"] as const;
  const own = [...new Set(runs.flatMap(({ summary }) => Object.keys(summary?.metrics ?? {})))];
  const lines = runs.map((run) => {
    const final: Partial<FinalMetrics> = run.summary === undefined ? {} : finalMetrics(run.summary);
    return csvLine([
      ...names.map((name) => run.parameters[name]),
      run.seed,
      statusOf(run),
      ...metrics.map((metric) => final[metric]),
      ...own.map((name) => final.metrics?.[name]),
      run.failure,
    ]);
  });
  return [csvLine([...names, "seed", "status", ...metrics, ...own, "failure"]), ...lines, ""].join("\n");
}

const bounds = (of: Quartiles | undefined) => [of?.low, of?.median, of?.high];

/** Medians and quartiles over seeds as CSV, a line for each combination of values. */
export function rowsCsv(rows: readonly SweepRow[]): string {
  const names = parameterNames(rows);
  const lines = rows.map(({ parameters, finished, diverged, failed, pruned, loss, error }) =>
    csvLine([
      ...names.map((name) => parameters[name]),
      finished,
      diverged,
      failed,
      pruned,
      ...bounds(loss),
      ...bounds(error),
    ]),
  );
  const columns = ["loss_q1", "loss_median", "loss_q3", "error_q1", "error_median", "error_q3"];
  return [csvLine([...names, "finished", "diverged", "failed", "pruned", ...columns]), ...lines, ""].join(
    "\n",
  );
}

const short = (value: number) => (Number.isFinite(value) ? value.toPrecision(4) : "∞");

/** A median with its quartiles in brackets. */
export function quartileText(of: Quartiles | undefined): string {
  if (of === undefined) return "";
  return of.n < 2 ? short(of.median) : `${short(of.median)} [${short(of.low)}, ${short(of.high)}]`;
}

/** How many trainings there are of a row, and how many of those went wrong, in words. */
export function countText({
  finished,
  diverged,
  failed,
  pruned,
}: Pick<SweepRow, "finished" | "diverged" | "failed" | "pruned">): string {
  const total = finished + diverged + failed + pruned;
  const odd = [
    diverged > 0 && `${diverged} of ${total} diverged`,
    failed > 0 && `${failed} of ${total} failed`,
    pruned > 0 && `${pruned} of ${total} pruned`,
  ].filter((text) => text !== false);
  return odd.length === 0 ? String(total) : `${total} (${odd.join(", ")})`;
}

/** Which of two is less; two infinite ones are the same. */
const difference = (a: number, b: number) => (a === b ? 0 : a - b);

/** Rows of a sweep from the best to the worst. */
export function bestFirst(rows: readonly SweepRow[]): SweepRow[] {
  const score = ({ error, loss }: SweepRow) => error?.median ?? loss?.median ?? Number.POSITIVE_INFINITY;
  const last = ({ loss }: SweepRow) => loss?.median ?? Number.POSITIVE_INFINITY;
  return rows.toSorted((a, b) => difference(score(a), score(b)) || difference(last(a), last(b)));
}

/** Rows that a terminal shows. */
const mostRows = 30;

/** Medians and quartiles over seeds as a table for a terminal; of many rows the best. */
export function terminalTable(rows: readonly SweepRow[]): string {
  const names = parameterNames(rows);
  const withErrors = rows.some(({ error }) => error !== undefined);
  const shown = rows.length > mostRows ? bestFirst(rows).slice(0, mostRows) : rows;
  const cells = [
    [...names, "runs", "loss", ...(withErrors ? ["error"] : [])],
    ...shown.map((row) => [
      ...names.map((name) => String(row.parameters[name] ?? "")),
      countText(row),
      // All of a row that were pruned have no loss at the end.
      quartileText(row.loss ?? row.loss_pruned),
      ...(withErrors ? [quartileText(row.error)] : []),
    ]),
  ];
  const widths = cells[0]?.map((_, column) => Math.max(...cells.map((row) => (row[column] ?? "").length)));
  const lines = cells.map((row) =>
    row
      .map((text, column) => text.padEnd(widths?.[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  const rest = rows.length - shown.length;
  return `${lines.join("\n")}\n${rest > 0 ? `… and ${rest} that are no better\n` : ""}`;
}
