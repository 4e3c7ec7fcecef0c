import { basename, resolve } from "node:path";
import { given, list, path as filePath } from "../core/arguments.js";
import { nestError } from "../core/errors.js";
import { type LabelledRun, comparisonFigures } from "../figures/comparison.js";
import { decisionsFigure } from "../figures/decisions.js";
import type { Figure } from "../figures/index.js";
import { patternFigure } from "../figures/pattern.js";
import type { RunData } from "../figures/run-data.js";
import { iterationRows } from "../figures/iterations.js";
import { writeWhole } from "../files/write-whole.js";
import { readRunFolder } from "../runs/run-folder.js";
import type { RunSummary } from "../runs/summary.js";
import { bytes, digits, escaped, headedTable } from "./markup.js";
import { figureHtml, pageHtml } from "./page.js";
import { phaseError, trainingLosses } from "./lead.js";
import { networkText, parameterText } from "./report.js";
import { picturesOf } from "./write.js";

/** What may tell runs apart, by name. */
function settings(summary: RunSummary): Record<string, string> {
  const parameters = Object.entries(summary.parameters).map(([name, value]) => [name, String(value)]);
  return {
    seed: String(summary.seed),
    ...Object.fromEntries(parameters),
    network: networkText(summary),
    iterations: String(summary.loss.length),
    ended: summary.ended,
    eprop: summary.eprop,
  };
}

/** Labels runs with what they differ in, and with their folders where that is not enough. */
export function labelledRuns(folders: readonly string[], runs: readonly RunData[]): LabelledRun[] {
  const all = runs.map(({ summary }) => settings(summary));
  const differing = Object.keys(all[0] ?? {}).filter((name) => new Set(all.map((of) => of[name])).size > 1);
  const short = differing.filter((name) => name !== "network");
  const labels = all.map((of) => short.map((name) => `${name} ${of[name]}`).join(", "));
  const enough = short.length > 0 && short.length <= 3 && new Set(labels).size === labels.length;
  const names = folders.map((folder) => basename(resolve(folder)));
  const distinct = new Set(names).size === names.length ? names : folders;
  return runs.map((run, at) => ({ label: (enough ? labels[at] : distinct[at]) ?? String(at + 1), run }));
}

const meanError = (phase: string) => (summary: RunSummary) => digits(phaseError(summary, phase)?.mean, 4);

/** What runs are and what came out of them: a row per setting or result, a column per run. */
function comparisonTable(runs: readonly LabelledRun[]): string {
  const row = (name: string, value: (summary: RunSummary) => string, setting: boolean) => {
    const values = runs.map(({ run }) => value(run.summary));
    if (values.every((text) => text === "")) return [];
    const differs = setting && new Set(values).size > 1;
    return [{ cells: [name, ...values], ...(differs && { kind: "differs" }) }];
  };
  const names = [...new Set(runs.flatMap(({ run }) => Object.keys(settings(run.summary))))];
  const task = runs[0]?.run.summary.task ?? "";
  return headedTable(
    ["", ...runs.map(({ label }) => label)],
    [
      ...row("loss, first training iteration", (summary) => digits(trainingLosses(summary).first, 6), false),
      ...row("loss, smallest", (summary) => digits(trainingLosses(summary).least, 6), false),
      ...row("loss, last training iteration", (summary) => digits(trainingLosses(summary).last, 6), false),
      ...row("error, validation (mean)", meanError("validation"), false),
      ...row("error, test (mean)", meanError("test"), false),
      ...row(
        "firing rate, last iteration (spikes/s)",
        (summary) => digits(iterationRows(summary).at(-1)?.rate, 4),
        false,
      ),
      ...row("time per iteration (ms)", ({ ms_per_iteration }) => digits(ms_per_iteration, 4), false),
      ...row("memory of the simulation", ({ memory }) => bytes(memory.simulation.total), false),
      ...names.flatMap((name) =>
        row(parameterText(task, name), (summary) => settings(summary)[name] ?? "", true),
      ),
      ...row("machine", ({ machine }) => `${machine.processor}, ${machine.cores} cores`, true),
      ...row("date", ({ date }) => date, false),
    ],
  );
}

/** Mean and standard deviation of the last losses, in words. */
function spread(runs: readonly LabelledRun[]): string {
  const values = runs.map(({ run }) => trainingLosses(run.summary).last);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
  return `Last loss: ${digits(mean, 4)} ± ${digits(Math.sqrt(variance), 3)} (mean and standard deviation of ${values.length} runs).`;
}

/** A figure of one run among others. */
function ofRun(figure: Figure | undefined, label: string, at: number): Figure[] {
  if (figure === undefined) return [];
  return [{ ...figure, name: `${figure.name}-${at + 1}`, title: `${figure.title}: ${label}` }];
}

/**
 * Several runs of a task side by side, as one HTML file that needs nothing else.
 *
 * @throws {@link NESTError} where runs are of different tasks.
 */
export async function comparisonHtml(runs: readonly LabelledRun[]): Promise<string> {
  const tasks = [...new Set(runs.map(({ run }) => run.summary.task))];
  const [task] = tasks;
  if (task === undefined || tasks.length > 1 || runs.length < 2) {
    throw nestError({
      code: "ValueError",
      message: "the folders cannot be compared",
      parameter: "folders",
      value: runs.length < 2 ? `${runs.length} run` : `runs of ${tasks.join(", ")}`,
      bound: "two runs or more of the same task",
    });
  }
  const figures = [
    ...comparisonFigures(runs),
    ...runs.flatMap(({ label, run }, at) => ofRun(patternFigure(run), label, at)),
    ...runs.flatMap(({ label, run }, at) => ofRun(decisionsFigure(run), label, at)),
  ];
  const pictures = await picturesOf(figures);
  const title = `${task}: ${runs.length} runs`;
  const body = `<header><h1>${escaped(title)}</h1>
<button type="button" id="scheme" hidden>dark / light</button></header>
<p class="text">${escaped(spread(runs))}</p>
<div class="figures">
${pictures.map(figureHtml).join("\n")}
</div>
<h2>Results and settings</h2>
<p class="text">Settings in which the runs differ are bold.</p>
<div class="scroll">${comparisonTable(runs)}</div>`;
  return pageHtml(`eprop: ${title}`, body, figures);
}

/**
 * Writes a comparison of runs to a file.
 *
 * @throws As {@link comparisonHtml}.
 */
export async function writeComparisonOf(runs: readonly LabelledRun[], file: string): Promise<void> {
  writeWhole(file, await comparisonHtml(runs));
}

/**
 * Writes a comparison of run folders to a file.
 *
 * @throws {@link NESTError} that names the folder which is no whole run, or says that they are of different tasks.
 */
export async function writeComparison(folders: readonly string[], file: string): Promise<void> {
  const paths = given("folders", folders, list(filePath, "a list of run folders"));
  const to = given("file", file, filePath);
  const runs = paths.map((folder) => readRunFolder(folder));
  await writeComparisonOf(labelledRuns(paths, runs), to);
}
