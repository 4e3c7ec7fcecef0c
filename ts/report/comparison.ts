import { many } from "../core/words.js";
import { closeSync, existsSync, openSync, readSync, realpathSync, statSync } from "node:fs";
import { basename, resolve } from "node:path";
import { given, list, path as filePath } from "../core/arguments.js";
import { nestError } from "../core/errors.js";
import { hasDiverged, quartiles } from "../core/statistics.js";
import { type LabelledRun, bySetting, comparisonFigures, representatives } from "../figures/comparison.js";
import { decisionsFigure } from "../figures/decisions.js";
import type { Figure } from "../figures/index.js";
import { patternFigure } from "../figures/pattern.js";
import type { RunData } from "../figures/run-data.js";
import { iterationRows } from "../figures/iterations.js";
import { writeWhole } from "../files/write-whole.js";
import { readRunFolder } from "../runs/run-folder.js";
import type { RunSummary } from "../runs/summary.js";
import type { Schedule } from "../tasks/task.js";
import { bytes, digits, escaped, headedTable, scrolling, spreadCard } from "./markup.js";
import { figureHtml, pageHtml } from "./page.js";
import { phaseError, trainingLosses } from "./lead.js";
import { networkText, parameterText } from "./report.js";
import { picturesOf } from "./write.js";

/** What may tell runs apart, by name. */
function settings(summary: RunSummary): Record<string, string> {
  const parameters = Object.entries(summary.parameters).map(([name, value]) => [name, String(value)]);
  return {
    seed: String(summary.seed),
    batchSize: String(summary.timing.batchSize),
    ...Object.fromEntries(parameters),
    ...madeSettings(summary),
    network: networkText(summary),
    iterations: String(summary.loss.length),
    ended: summary.ended,
    eprop: summary.eprop,
  };
}

/** What a run was made with besides its parameters, as far as its folder says so. */
function madeSettings({ made }: RunSummary): Record<string, string> {
  if (made === undefined) return {};
  const digests = Object.entries(made.digests).map(([name, digest]) => [
    `${name} (SHA-256)`,
    digest.slice(0, 12),
  ]);
  return {
    precision: made.precision,
    gradient: made.gradient,
    ...(made.clipNorm !== undefined && { "clip norm": String(made.clipNorm) }),
    ...(made.init?.projections && { "begun with": made.init.projections.join(", ") }),
    schedule: scheduleText(made.schedule),
    ...Object.fromEntries(digests),
  };
}

/** What was planned, in words; of what may end it early, what it was asked for. */
function scheduleText(schedule: Schedule): string {
  const { iterations, validateEvery, earlyStopIterations, patience = 0, testIterations } = schedule;
  return [
    many(iterations, "iteration"),
    ...(validateEvery > 0 ? [`a validation every ${validateEvery}`] : []),
    ...(validateEvery > 0 && earlyStopIterations === 0 ? ["no early stop"] : []),
    ...(patience > 0 ? [`patience ${patience}`] : []),
    ...(testIterations > 0 ? [many(testIterations, "test iteration")] : []),
  ].join(", ");
}

/** What does not make a setting another: seeds, and how far a run came. */
const ofRuns: ReadonlySet<string> = new Set(["seed", "ended", "iterations"]);

/** The setting of a run. Where its folder does not say what was planned, what was done stands for that. */
function settingOf(summary: RunSummary): Record<string, string> {
  const entries = Object.entries(settings(summary)).filter(
    ([name]) => !ofRuns.has(name) || (name === "iterations" && summary.made === undefined),
  );
  return Object.fromEntries(entries);
}

/** Names of settings in which some dictionaries differ. */
function differing(all: readonly Readonly<Record<string, string>>[]): string[] {
  const names = [...new Set(all.flatMap((of) => Object.keys(of)))];
  return names.filter((name) => new Set(all.map((of) => of[name])).size > 1);
}

/** Labels runs with what they differ in, and with their folders where that is not enough. */
export function labelledRuns(folders: readonly string[], runs: readonly RunData[]): LabelledRun[] {
  const all = runs.map(({ summary }) => settings(summary));
  const short = differing(all).filter((name) => name !== "network" && name !== "schedule");
  const labels = all.map((of) => short.map((name) => `${name} ${of[name]}`).join(", "));
  const enough = short.length > 0 && short.length <= 3 && new Set(labels).size === labels.length;
  const bases = folders.map((folder) => basename(resolve(folder)));
  const distinct = new Set(bases).size === bases.length ? bases : folders;
  const kinds = runs.map(({ summary }) => settingOf(summary));
  const told = differing(kinds);
  const named = (names: readonly string[]) =>
    kinds.map((of) => names.map((name) => `${name} ${of[name] ?? "unknown"}`).join(", ") || "all");
  const whole = named(told);
  // Parameters mostly say what makes another network.
  const brief = named(told.filter((name) => name !== "network"));
  const groups = new Set(brief).size === new Set(whole).size ? brief : whole;
  return runs.map((run, at) => ({
    label: (enough ? labels[at] : distinct[at]) ?? String(at + 1),
    group: groups[at] as string,
    run,
  }));
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
  const all = runs.map(({ run }) => settings(run.summary));
  const task = runs[0]?.run.summary.task ?? "";
  const table = headedTable(
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
      ...differing(all).flatMap((name) =>
        row(parameterText(task, name), (summary) => settings(summary)[name] ?? "", true),
      ),
      ...row("machine", ({ machine }) => `${machine.processor}, ${machine.cores} cores`, true),
      ...row("date", ({ date }) => date, false),
    ],
  );
  return `${scrolling("Results and settings", table)}${commonCard(task, all)}`;
}

/** The settings that are the same in all runs. */
function commonCard(task: string, all: readonly Readonly<Record<string, string>>[]): string {
  const names = new Set(differing(all));
  const common = Object.entries(all[0] ?? {}).filter(([name]) => !names.has(name));
  return spreadCard(
    "What all have in common",
    common.map(([name, value]) => [parameterText(task, name), value] as const),
  );
}

/** Runs that the table has side by side; of more, each has a row. */
const mostColumns = 6;

/** A row for each of many runs, with what they differ in. */
function runsTable(runs: readonly LabelledRun[]): string {
  const all = runs.map(({ run }) => settings(run.summary));
  const names = differing(all);
  const rows = runs.map(({ label, run: { summary } }, at) => ({
    cells: [
      label,
      digits(trainingLosses(summary).last, 5),
      ...(hasErrors(runs) ? [meanError("test")(summary)] : []),
      digits(iterationRows(summary).at(-1)?.rate, 4),
      digits(summary.ms_per_iteration, 4),
      ...names.map((name) => all[at]?.[name] ?? ""),
    ],
  }));
  const head = [
    "run",
    "last loss",
    ...(hasErrors(runs) ? ["test error"] : []),
    "firing rate (spikes/s)",
    "time per iteration (ms)",
    ...names,
  ];
  const task = runs[0]?.run.summary.task ?? "";
  return `${scrolling("Results and settings", headedTable(head, rows))}${commonCard(task, all)}`;
}

const text = (value: number) => (Number.isFinite(value) ? digits(value, 4) : "∞");

/** A median with its quartiles, in words. */
function quartileText(values: readonly number[]): string {
  if (values.length === 0) return "";
  const { n, low, median, high } = quartiles(values);
  return n < 2 ? text(median) : `${text(median)} [${text(low)}, ${text(high)}]`;
}

/** What came of each setting: medians and quartiles over the runs that differ in their seeds alone. */
function settingsTable(runs: readonly LabelledRun[]): string {
  const rows = [...bySetting(runs)].map(([group, of]) => {
    const losses = of.map(({ run }) => trainingLosses(run.summary));
    const diverged = losses.filter(({ first, last }) => hasDiverged(first, last)).length;
    // What diverged is the worst, and moves a median by a place only.
    const last = losses.map((loss) =>
      hasDiverged(loss.first, loss.last) ? Number.POSITIVE_INFINITY : loss.last,
    );
    const errors = of.flatMap(({ run }) => phaseError(run.summary, "test")?.mean ?? []);
    const count = diverged === 0 ? String(of.length) : `${of.length} (${diverged} of ${of.length} diverged)`;
    return { cells: [group, count, quartileText(last), ...(hasErrors(runs) ? [quartileText(errors)] : [])] };
  });
  const head = ["setting", "runs", "last loss: median [quartiles]"];
  return headedTable([...head, ...(hasErrors(runs) ? ["test error: median [quartiles]"] : [])], rows);
}

function hasErrors(runs: readonly LabelledRun[]): boolean {
  return runs.some(({ run }) => phaseError(run.summary, "test") !== undefined);
}

/** How many settings there are, in words. */
function groupsText(runs: readonly LabelledRun[]): string {
  const { size } = bySetting(runs);
  const seeds = new Set(runs.map(({ run }) => run.summary.seed)).size;
  if (size === 1 && seeds < runs.length) {
    return seeds === 1
      ? `${many(runs.length, "run")} of one setting with one seed.`
      : `${many(runs.length, "run")} of one setting, some with the same seed.`;
  }
  return size === 1
    ? `${many(runs.length, "run")} of one setting, which differ in their seeds alone.`
    : `${many(runs.length, "run")} of ${size} settings; only runs that differ in their seeds alone are taken together.`;
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
  // Of many runs, one for each setting.
  const shown = representatives(runs);
  const figures = [
    ...comparisonFigures(runs),
    ...shown.flatMap(({ label, run }, at) => ofRun(patternFigure(run), label, at)),
    ...shown.flatMap(({ label, run }, at) => ofRun(decisionsFigure(run), label, at)),
  ];
  const pictures = await picturesOf(figures);
  const title = `${task}: ${many(runs.length, "run")}`;
  const body = `<header><h1>${escaped(title)}</h1>
<button type="button" id="scheme" hidden>dark / light</button></header>
<p class="text">${escaped(groupsText(runs))}</p>
<div class="card scroll whole settings">${settingsTable(runs)}</div>
<div class="figures">
${pictures.map(figureHtml).join("\n")}
</div>
<h2>Results and settings</h2>
${
  runs.length > mostColumns
    ? `<div class="whole">${runsTable(runs)}</div>`
    : `<p class="text">Settings in which the runs differ are bold.</p>
${comparisonTable(runs)}`
}`;
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

/** Whether a file begins as a page, as those of eprop do. */
function isPage(file: string): boolean {
  const begin = Buffer.alloc(9);
  const descriptor = openSync(file, "r");
  try {
    const length = readSync(descriptor, begin);
    return length === 0 || begin.toString("latin1", 0, length).toLowerCase() === "<!doctype";
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Writes a comparison of run folders to a file.
 *
 * @throws {@link NESTError} that names the folder which is no whole run or is there twice, or says that runs are of
 *   different tasks, or that the file is there and is no page.
 */
export async function writeComparison(folders: readonly string[], file: string): Promise<void> {
  const paths = given("folders", folders, list(filePath, "a list of run folders"));
  const to = given("file", file, filePath);
  const runs = paths.map((folder) => readRunFolder(folder));
  const places = paths.map((folder) => realpathSync(folder));
  const again = paths.find((_, at) => places.indexOf(places[at] as string) < at);
  if (again !== undefined) {
    throw nestError({
      code: "ValueError",
      message: "a run cannot be compared with itself",
      parameter: "folders",
      value: again,
      bound: "each folder once",
    });
  }
  if (existsSync(to) && statSync(to).isFile() && !isPage(to)) {
    throw nestError({
      code: "ValueError",
      message: `${to} is there already, and is no page`,
      parameter: "out",
      value: to,
      bound: "a new file, or a page that may be replaced",
    });
  }
  await writeComparisonOf(labelledRuns(paths, runs), to);
}
