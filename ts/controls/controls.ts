import { join } from "node:path";
import {
  type Check,
  abortSignal,
  callable,
  dictionary,
  fields,
  given,
  list,
  oneOf,
  optional,
  path as filePath,
  wholes,
  whole,
} from "../core/arguments.js";
import { nestError } from "../core/errors.js";
import { version } from "../core/version.js";
import { specificationOf } from "../figures/index.js";
import { writeWhole } from "../files/write-whole.js";
import { card, escaped, headedTable, scrolling, spreadCard } from "../report/markup.js";
import { figuresHtml, pageHtml } from "../report/page.js";
import { picturesOf } from "../report/write.js";
import { type SweepOptions, type SweepRun, sweep } from "../sweep/index.js";
import { loadTask } from "../tasks/load.js";
import { type ControlName, controlNames, controlTexts, controlled } from "./control.js";
import { controlsFigure } from "./figure.js";
import { type ControlRow, type Measure, answer, controlRows } from "./results.js";
import { controlsTable } from "./text.js";

/** How controls are trained. */
export interface ControlsOptions extends Pick<
  SweepOptions,
  "out" | "concurrency" | "threads" | "taskOptions" | "checkpointEvery" | "signal" | "onRun"
> {
  /** Seeds that each control is trained with. */
  seeds: readonly number[];
  /** Controls; all that the network has something for if left out. */
  controls?: readonly ControlName[];
}

const controlsOptions: Check<ControlsOptions> = fields({
  seeds: wholes(1, 0xffff_ffff, "seeds from 1 on", "ValueError"),
  controls: optional(list(oneOf(...controlNames), "a list of controls")),
  out: optional(filePath),
  concurrency: optional(whole(1, 1024)),
  threads: optional(whole(1, 1024)),
  taskOptions: optional(dictionary),
  checkpointEvery: optional(whole(1)),
  signal: optional(abortSignal),
  onRun: optional(callable),
}) as unknown as Check<ControlsOptions>;

/** What controls found. */
export interface ControlsResult {
  task: string;
  /** Whether e-prop does anything here, in a sentence. */
  answer: string;
  /** What decides: the error of tasks that classify, else the loss. */
  measure: Measure;
  rows: readonly ControlRow[];
  /** Controls that were not trained: the network has nothing to take away. */
  left: readonly ControlName[];
  runs: readonly SweepRun[];
}

/** The module that worker processes load for a task. */
function moduleOf(reference: string): URL {
  const url = new URL("./controlled-task.js", import.meta.url);
  url.searchParams.set("task", reference);
  return url;
}

/** Names of files in a folder of controls. */
const files = { page: "controls.html", data: "controls.json" } as const;

async function writePage(
  folder: string,
  { task, answer: sentence, measure, rows, runs }: ControlsResult,
  signal: AbortSignal | undefined,
): Promise<void> {
  const pictures = await picturesOf([controlsFigure(runs, measure, rows)], "light", signal);
  for (const { figure, svg, png } of pictures) {
    const file = join(folder, "figures", figure.name);
    writeWhole(`${file}.svg`, svg);
    writeWhole(`${file}.png`, png);
    writeWhole(`${file}.vl.json`, `${JSON.stringify(specificationOf(figure, "light"))}\n`);
  }
  const { head, rows: cells } = controlsTable(measure, rows);
  const table = headedTable(
    head,
    cells.map((of) => ({ cells: of })),
  );
  const title = `Controls of ${task}`;
  const body = `<header><h1>${escaped(title)}</h1>
<button type="button" class="small" id="scheme" hidden>dark / light</button></header>
<p>Medians and 95 % bootstrap intervals over ${new Set(runs.map(({ seed }) => seed)).size} seeds, eprop ${escaped(version)}</p>
<p class="lead">${escaped(sentence)}</p>
${card("Where trainings ended", scrolling("Where trainings ended", table), "card whole")}
${figuresHtml(pictures)}
${spreadCard(
  "What the controls are",
  rows.map(({ control }) => [control, controlTexts[control]] as const),
)}`;
  const figures = pictures.map(({ figure }) => figure);
  writeWhole(join(folder, files.page), pageHtml(`eprop: ${title}`, body, figures));
}

/**
 * Trains a task and its controls, each with several seeds, in worker processes: does e-prop do anything here?
 *
 * @param task A name that `eprop tasks` lists, or a module, as `sweep` takes it.
 * @throws {@link NESTError} for options that cannot be, a control that the network has nothing for, and a folder that
 *   holds something else.
 *
 * @example
 * const { answer } = await controls("evidence-accumulation", { seeds: [1, 2, 3, 4, 5] });
 */
export async function controls(task: string | URL, asked: ControlsOptions): Promise<ControlsResult> {
  const { seeds, controls: wanted, ...options } = given("options", asked, controlsOptions);
  const { entry, reference } = await loadTask(task);
  const example = entry.create({ ...options.taskOptions, seed: seeds[0] as number });
  const there = controlNames.filter((control) => controlled(example, control) !== undefined);
  const missing = wanted?.find((control) => !there.includes(control));
  if (missing !== undefined) {
    throw nestError({
      code: "ValueError",
      message: `the network of ${entry.name} has nothing that the control ${missing} could change`,
      parameter: "options.controls",
      value: missing,
      bound: `some of ${there.join(", ")}`,
    });
  }
  const chosen = there.filter((control) => wanted === undefined || wanted.includes(control));
  const { runs } = await sweep(
    moduleOf(reference),
    { seeds: [...seeds], parameters: { control: chosen } },
    options,
  );
  const { measure, rows } = controlRows(runs);
  const left = controlNames.filter((control) => wanted === undefined && !there.includes(control));
  const result = { task: entry.name, answer: answer(measure, rows), measure, rows, left, runs };
  if (options.out !== undefined) {
    await writePage(options.out, result, options.signal);
    const { runs: _runs, ...told } = result;
    writeWhole(join(options.out, files.data), `${JSON.stringify(told, null, 2)}\n`);
  }
  return result;
}
