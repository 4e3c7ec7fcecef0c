import { many } from "../core/words.js";
import { iterationRows } from "../figures/iterations.js";
import type { RunData } from "../figures/run-data.js";
import { type RunSummary, keptWeights, lossesOf, phasesOf } from "../runs/summary.js";
import { taskNamed } from "../tasks/index.js";
import { unitOf } from "../tasks/parameter.js";
import {
  bytes,
  card,
  digits,
  duration,
  escaped,
  headedTable,
  nameTable,
  spreadCard,
  valueText,
} from "./markup.js";
import { leadOf, phaseError, trainingLosses } from "./lead.js";
import { type Picture, figuresHtml, pageHtml } from "./page.js";

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

const endings: Readonly<Record<RunSummary["ended"], string>> = {
  schedule: "when all iterations were done",
  "early-stopping": "early, as its validations said",
  request: "on request, before all iterations were done",
  divergence: "since it diverged",
};

/** What the network is made of. */
export function networkText({ network }: RunSummary): string {
  const recurrent = network.recurrent.map(({ model, n }) => `${n} ${model}`).join(" and ");
  return `${many(network.inputs, "input")}, ${recurrent}, ${many(network.readouts, "readout")}`;
}

/** A parameter's name with its unit, and what it is, where the task's table has it. */
export function parameterText(task: string, name: string): string {
  const row = taskNamed(task)?.parameters[name];
  if (row === undefined) return name;
  const unit = unitOf(row);
  return `${name}${unit === "" ? "" : ` (${unit})`}: ${row.text.charAt(0).toLowerCase()}${row.text.slice(1)}`;
}

/** The network that a training began with in place of its task's weights. */
function begunWith({ made }: RunSummary): string | undefined {
  if (made?.init === undefined) return undefined;
  const { path, projections } = made.init;
  return projections === undefined ? path : `${projections.join(", ")} of ${path}`;
}

function trained(summary: RunSummary): string {
  const { timing, machine } = summary;
  return nameTable([
    ["task", summary.task],
    ["seed", summary.seed],
    ["network", networkText(summary)],
    [
      "sequence",
      `${many(timing.steps, "step")} of ${timing.resolution} ms, ${timing.batchSize} per iteration, errors count in ${many(timing.learningWindow, "step")}`,
    ],
    ["begun with", begunWith(summary)],
    ["clip norm", summary.made?.clipNorm],
    ["iterations", summary.loss.length],
    ["ended", endings[summary.ended]],
    ["weights", keptWeights(summary, phasesOf(summary))],
    ["eprop", summary.eprop],
    ["date", summary.date],
    [
      "machine",
      `${machine.processor}, ${many(machine.cores, "core")}, ${machine.instructions}, Node ${machine.node}`,
    ],
  ]);
}

function outcome(summary: RunSummary): string {
  const { first, least, last } = trainingLosses(summary);
  const errors = ["training", "validation", "test"].map((phase) => {
    const error = phaseError(summary, phase);
    return [
      `error, ${phase}`,
      error && `${digits(error.mean, 4)} (mean of ${many(error.count, "iteration")})`,
    ] as const;
  });
  const losses = (["validation", "test"] as const).map((phase) => {
    const of = lossesOf(summary, phase);
    const mean =
      of.length > 0 && `${digits(sum(of) / of.length, 6)} (mean of ${many(of.length, "iteration")})`;
    return [`loss, ${phase}`, mean || undefined] as const;
  });
  const rows = iterationRows(summary);
  const own = Object.entries(summary.metrics ?? {}).flatMap(([name, values]) => [
    [`${name}, first iteration`, digits(values[0], 4)] as const,
    [`${name}, last iteration`, digits(values.at(-1), 4)] as const,
  ]);
  return nameTable([
    ["loss, first training iteration", digits(first, 6)],
    ["loss, smallest", digits(least, 6)],
    ["loss, last training iteration", digits(last, 6)],
    ...losses,
    ...errors,
    ["firing rate, first iteration (spikes/s)", digits(rows[0]?.rate, 4)],
    ["firing rate, last iteration (spikes/s)", digits(rows.at(-1)?.rate, 4)],
    ...own,
  ]);
}

function cost({ ms, ms_per_iteration, timing, memory, loss }: RunSummary): string {
  const simulated = loss.length * timing.steps * timing.batchSize * timing.resolution;
  const { total, parts } = memory.simulation;
  return nameTable([
    ["simulated time", duration(simulated)],
    ["time of the simulation", duration(sum(ms))],
    ["per iteration, mean", `${digits(ms_per_iteration, 4)} ms`],
    ["per iteration, fastest", `${digits(Math.min(...ms), 4)} ms`],
    ["per iteration, slowest", `${digits(Math.max(...ms), 4)} ms`],
    ["memory of the simulation", bytes(total)],
    ...Object.entries(parts).map(([part, size]) => [`… ${part}`, bytes(size)] as const),
    ["memory of the process, at the most", bytes(memory.peak)],
  ]);
}

function iterations(summary: RunSummary): string {
  const own = Object.entries(summary.metrics ?? {});
  const rows = iterationRows(summary).map(({ iteration, phase, loss, error, rate, gradient }, at) => ({
    cells: [
      iteration,
      phase,
      digits(loss, 8),
      digits(error, 5),
      digits(rate, 4),
      digits(gradient, 4),
      ...own.map(([, values]) => digits(values[at], 5)),
      digits(summary.ms[at], 4),
    ],
  }));
  const head = [
    "iteration",
    "phase",
    "loss",
    "error",
    "firing rate (spikes/s)",
    "gradient norm",
    ...own.map(([name]) => name),
    "time (ms)",
  ];
  return headedTable(head, rows);
}

/** The parts of a report, and the figures of each, in the order in which they are shown. */
const parts = [
  { title: undefined, names: ["readouts", "pattern", "decisions", "learning-performance"] },
  { title: "One sequence, before and after training", names: ["dynamics-before", "dynamics-after"] },
  { title: "The network over the training", names: ["weight-matrices", "activity", "weight-courses"] },
] as const;

function figureParts(pictures: readonly Picture[]): string {
  const html = parts.map(({ title, names }) => {
    const own = names.flatMap((name) => pictures.filter(({ figure }) => figure.name === name));
    if (own.length === 0) return "";
    return (title === undefined ? "" : `<h2 class="section">${title}</h2>\n`) + figuresHtml(own);
  });
  return html.filter((part) => part !== "").join("\n");
}

/** The numbers of a run at a glance. */
function numbers(summary: RunSummary): string {
  const { first, last } = trainingLosses(summary);
  const rows = iterationRows(summary);
  const target = Number(summary.parameters.f_target);
  const early =
    { schedule: "", request: ", stopped", "early-stopping": ", ended early", divergence: ", diverged" }[
      summary.ended
    ] ?? "";
  const values = [
    ["loss", `${digits(first, 4)} → ${digits(last, 4)}`],
    ["iterations", `${summary.loss.length}${early}`],
    ["sequences per iteration", summary.timing.batchSize],
    [
      `firing rate (spikes/s${Number.isFinite(target) ? `; target ${digits(target, 4)}` : ""})`,
      `${digits(rows[0]?.rate, 3)} → ${digits(rows.at(-1)?.rate, 3)}`,
    ],
    ["time of the simulation", duration(sum(summary.ms))],
  ] as const;
  const entries = values.map(
    ([name, value]) => `<div><dt>${escaped(name)}</dt><dd>${escaped(value)}</dd></div>`,
  );
  return `<dl class="numbers">${entries.join("")}</dl>`;
}

/** The report of a run: one HTML file that needs nothing else. */
export function reportHtml(run: RunData, pictures: readonly Picture[]): string {
  const { summary } = run;
  const title = `${summary.task}, seed ${summary.seed}`;
  const text = summary.text ?? taskNamed(summary.task)?.text ?? "";
  const parameters = Object.entries(summary.parameters).map(
    ([name, value]) => [parameterText(summary.task, name), valueText(value)] as const,
  );
  const body = `<header><h1>${escaped(title)}</h1>
<button type="button" class="small" id="scheme" hidden>dark / light</button></header>
<p>${escaped(text)}</p>
<p class="lead">${escaped(leadOf(run))}</p>
${numbers(summary)}
${figureParts(pictures)}
<p class="text hint">Drag over a figure to zoom into a part of it (or turn the wheel with the Control key held); a double
click shows the whole range again. Point at a curve, a spike or a weight to read its value.</p>
<div class="tables">
${card("What was trained", trained(summary))}
${card("How well it went", outcome(summary))}
${card("What it cost", cost(summary))}
</div>
${parameters.length === 0 ? "" : spreadCard("Parameters", parameters)}
<details><summary>All iterations</summary><div class="scroll" tabindex="0" role="region"
aria-label="All iterations">${iterations(summary)}</div></details>`;
  return pageHtml(
    `eprop: ${title}`,
    body,
    pictures.map(({ figure }) => figure),
  );
}
