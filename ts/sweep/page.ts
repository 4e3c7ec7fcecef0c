import { many } from "../core/words.js";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { RunSummary } from "../runs/summary.js";
import { shownPlaces, trainingCurve } from "./figure.js";
import { combinationName, pointFile } from "./grid.js";
import {
  type SweepRow,
  type SweepRun,
  bestFirst,
  countText,
  finalMetrics,
  parameterNames,
  quartileText,
  statusOf,
  sweepRows,
} from "./results.js";

/** A quantity of a sweep's runs, an axis of the page. */
export interface PageColumn {
  name: string;
  /** Whether it was chosen, or came of the training. */
  kind: "parameter" | "result";
  values: (number | string | null)[];
}

/** What the page's script is given. */
export interface SweepPayload {
  columns: PageColumn[];
  status: ReturnType<typeof statusOf>[];
  failures: (string | null)[];
  /** Files of the runs, in the folder. */
  files: string[];
  /** Losses of training iterations, and the iterations, of each run. */
  curves: { iterations: number[]; losses: (number | null)[] }[];
}

/** Points that the page has of a curve. */
const curvePoints = 120;

const kept = (value: number | undefined): number | null =>
  value === undefined || !Number.isFinite(value) ? null : Number(value.toPrecision(5));

/** A firing rate from spikes in a sequence (spikes/s). */
function rate(summary: RunSummary | undefined, spikes: number | undefined): number | undefined {
  if (summary === undefined || spikes === undefined) return undefined;
  return (spikes * 1000) / (summary.timing.steps * summary.timing.resolution);
}

function payloadOf(runs: readonly SweepRun[]): SweepPayload {
  const finals = runs.map(({ summary }) => summary && finalMetrics(summary));
  const result = (name: string, of: (at: number) => number | undefined): PageColumn => ({
    name,
    kind: "result",
    values: runs.map((_, at) => kept(of(at))),
  });
  const parameters: PageColumn[] = [...parameterNames(runs), "seed"].map((name) => ({
    name,
    kind: "parameter",
    values: runs.map((run) => (name === "seed" ? run.seed : (run.parameters[name] ?? null))),
  }));
  return {
    columns: [
      ...parameters,
      result("loss", (at) => finals[at]?.loss),
      result("error", (at) => finals[at]?.error),
      result("firing rate (spikes/s)", (at) => rate(runs[at]?.summary, finals[at]?.spikes_per_neuron)),
      result("iterations", (at) => finals[at]?.iterations),
      result("ms per iteration", (at) => finals[at]?.ms_per_iteration),
    ].filter(({ values }) => values.some((value) => value !== null)),
    status: runs.map(statusOf),
    failures: runs.map(({ failure }) => failure ?? null),
    files: runs.map((run) => `runs/${pointFile(run)}.json`),
    curves: runs.map((run) => {
      const losses = trainingCurve(run);
      const places = shownPlaces(losses.length, curvePoints);
      return { iterations: places.map((at) => at + 1), losses: places.map((at) => kept(losses[at])) };
    }),
  };
}

/** Text as HTML shows it. */
function escaped(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

/** Rows of the table of combinations. */
const mostRows = 200;

const cells = (kind: string, values: readonly string[]) =>
  values.map((value) => `<${kind}>${escaped(value)}</${kind}>`).join("");

/** Medians of combinations, the best first. */
function rowsTable(rows: readonly SweepRow[]): string {
  const names = parameterNames(rows);
  const withErrors = rows.some(({ error }) => error !== undefined);
  const head = [
    ...names,
    "runs",
    "loss: median [quartiles]",
    ...(withErrors ? ["error: median [quartiles]"] : []),
  ];
  const lines = rows
    .slice(0, mostRows)
    .map((row) => [
      ...names.map((name) => String(row.parameters[name] ?? "")),
      countText(row),
      quartileText(row.loss),
      ...(withErrors ? [quartileText(row.error)] : []),
    ]);
  const body = lines.map((line) => `<tr>${cells("td", line)}</tr>`).join("\n");
  return `<table><thead><tr>${cells("th", head)}</tr></thead><tbody>${body}</tbody></table>`;
}

/** What came of the sweep in one line. */
function lead(runs: readonly SweepRun[], [best]: readonly SweepRow[]): string {
  const counts = new Map<string, number>();
  for (const status of runs.map(statusOf)) counts.set(status, (counts.get(status) ?? 0) + 1);
  const words = [...counts].map(([status, of]) => `${of} ${status}`).join(", ");
  const trainings = `${many(runs.length, "training")}: ${words}.`;
  if (best?.loss === undefined) return trainings;
  const metric =
    best.error === undefined ? `loss ${quartileText(best.loss)}` : `error ${quartileText(best.error)}`;
  const over =
    best.loss.n > 1
      ? ` (median and quartiles of ${many(best.loss.n, "seed")}${best.diverged > 0 ? `, ${best.diverged} diverged` : ""})`
      : "";
  return `Best: ${combinationName(best.parameters)} with ${metric}${over}. ${trainings}`;
}

/** A sweep as one HTML file that needs nothing else: axes to choose, runs to select, and what came of them. */
export function sweepHtml(task: string, runs: readonly SweepRun[]): string {
  const { resolve } = createRequire(import.meta.url);
  const file = (name: string) => readFileSync(resolve(`#sweep-page/${name}`), "utf8");
  const rows = bestFirst(sweepRows(runs));
  const payload = JSON.stringify(payloadOf(runs)).replaceAll("<", "\\u003c");
  const title = `Sweep of ${task}`;
  const rest =
    rows.length > mostRows
      ? `<p class="muted">The best ${mostRows} of ${rows.length}; summary.csv has all.</p>`
      : "";
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>eprop: ${escaped(title)}</title><style>${file("sweep.css")}</style></head><body>
<main>
<header><h1>${escaped(title)}</h1><button type="button" id="scheme" hidden>dark / light</button></header>
<p class="lead">${escaped(lead(runs, rows))}</p>
<div id="interactive"></div>
<h2>Combinations, the best first</h2>
<div class="scroll" tabindex="0" role="region" aria-label="Combinations">${rowsTable(rows)}</div>${rest}
<section id="runs" class="tables"></section>
</main>
<script type="application/json" id="payload">${payload}</script>
<script type="module">${file("sweep.js").replace(/^\/\/# sourceMappingURL=.*$/gm, "")}</script>
</body></html>
`;
}
