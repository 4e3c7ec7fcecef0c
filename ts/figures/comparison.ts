import { quartiles } from "../core/statistics.js";
import {
  type Figure,
  type Specification,
  extent,
  lineLegend,
  plotWidth,
  shown,
  stacked,
  subscript,
  zoomRange,
} from "./figure.js";
import {
  type IterationRow,
  iterationAxis,
  iterationRange,
  iterationRows,
  quantityAxis,
} from "./iterations.js";
import { lastLoss, summaryDiverged } from "../runs/summary.js";
import { eventsOf, onset, type RunData, sequenceDuration, sequenceEvents } from "./run-data.js";
import { timePanel } from "./time-panel.js";

/** A run among others: what tells it apart. */
export interface LabelledRun {
  readonly label: string;
  /** Its setting: what runs have in common that differ in their seeds alone. */
  readonly group: string;
  readonly run: RunData;
}

/** Runs that have a colour each; more share that of their setting. */
const mostColours = 7;

/** Settings that have a colour each; the rest share one. */
const mostGroups = 6;

/** Runs by setting, in the order of the first of each. */
export function bySetting(runs: readonly LabelledRun[]): Map<string, LabelledRun[]> {
  const groups = new Map<string, LabelledRun[]>();
  for (const run of runs) groups.set(run.group, [...(groups.get(run.group) ?? []), run]);
  return groups;
}

/** Whether a run's numbers ended, or its loss grew out of bounds. */
const isDiverged = ({ run }: LabelledRun) => summaryDiverged(run.summary);

/** A few of many runs: of each setting the one whose last loss is the median. */
export function representatives(runs: readonly LabelledRun[]): readonly LabelledRun[] {
  if (runs.length <= mostColours) return runs;
  const last = ({ run: { summary } }: LabelledRun) => lastLoss(summary);
  return [...bySetting(runs).values()].slice(0, mostGroups).flatMap((group) => {
    const ordered = group.toSorted((a, b) => last(a) - last(b) || 0);
    return ordered[Math.floor((ordered.length - 1) / 2)] ?? [];
  });
}

const dashes = [
  [1, 0],
  [6, 3],
  [1.5, 2.5],
  [8, 3, 1.5, 3],
];

/** Colour and dashes by run. */
function runEncoding(labels: readonly string[]): Specification {
  const field = { field: "run", type: "nominal", title: null } as const;
  const legend = { columns: 2, ...lineLegend };
  return {
    color: { ...field, scale: { domain: labels }, legend },
    strokeDash: {
      ...field,
      scale: {
        domain: labels,
        range: labels.map((_, at) => dashes[(at + Math.floor(at / 7)) % dashes.length]),
      },
      legend,
    },
  };
}

interface ComparedQuantity {
  readonly field: "loss" | "error" | "rate" | "gradient";
  readonly title: string;
  readonly scale: Specification;
}

/**
 * What panels show of runs: where some diverged, what the others reach. Those that diverged run along the edge, as
 * they would hide the others.
 */
function besideDiverged<Row extends { readonly run: string }>(
  runs: readonly LabelledRun[],
  rows: readonly Row[],
): readonly Row[] {
  const diverged = new Set(runs.filter(isDiverged).map(({ label }) => label));
  return diverged.size === runs.length ? rows : rows.filter(({ run }) => !diverged.has(run));
}

/** What captions say of runs that are beyond the panel. */
function edgeText(runs: readonly LabelledRun[]): string {
  const { length } = runs.filter(isDiverged);
  return length === 0 || length === runs.length
    ? ""
    : " Runs that diverged lie beyond the panels and run along the edge.";
}

/** A scale that ends where the rows do, beyond which nothing is drawn; logarithmic only where all of them are above zero. */
function steadyScale(
  rows: readonly Readonly<Record<string, unknown>>[],
  field: string,
  scale: Specification,
): Specification {
  const steady = rows.flatMap((row) => (typeof row[field] === "number" ? [row[field]] : []));
  const [low, high] = extent(steady) ?? [0, 1];
  const least = steady.reduce((smallest, value) => Math.min(smallest, value), high);
  if (scale.type === "log" && least > 0) {
    return { type: "log", domain: [least / 1.05, high * 1.05], nice: false, clamp: true };
  }
  return { domain: [scale.zero ? Math.min(0, low) : low, high], nice: false, clamp: true };
}

/** A quantity of many runs over iterations: thin lines for runs, thick ones for the medians of settings. */
function groupsPanel(
  runs: readonly LabelledRun[],
  values: readonly { run: string; group: string; iteration: number; [field: string]: unknown }[],
  { field, title, scale }: ComparedQuantity,
  bottom: boolean,
): Specification {
  const groups = [...bySetting(runs).keys()];
  const named = groups.length > mostGroups + 1 ? groups.slice(0, mostGroups) : groups;
  const others = named.length < groups.length ? ["others"] : [];
  const rows = values.map((row) => ({ ...row, setting: named.includes(row.group) ? row.group : "others" }));
  const medians = named.flatMap((setting) => {
    const at = new Map<number, number[]>();
    for (const row of rows) {
      const value = (row as Record<string, unknown>)[field];
      if (row.setting !== setting || typeof value !== "number") continue;
      at.set(row.iteration, [...(at.get(row.iteration) ?? []), value]);
    }
    return [...at].map(([iteration, of]) => ({
      setting,
      iteration,
      [field]: shown(quartiles(of).median, 6),
    }));
  });
  const shownScale = steadyScale(
    besideDiverged(runs, rows),
    field,
    scale.type === "log" || field === "loss" ? { type: "log" } : scale,
  );
  const y = quantityAxis(field, title, shownScale, {
    tickCount: 4,
    ...(shownScale.type === "log" && { format: "~s" }),
  });
  const color = {
    field: "setting",
    type: "nominal",
    title: null,
    scale: { domain: [...named, ...others] },
    legend: { columns: 1, ...lineLegend },
  };
  const x = iterationAxis(bottom);
  const tooltip = [{ field: "run" }, { field: "iteration" }, { field, title, format: ".4~g" }];
  return {
    width: plotWidth,
    height: 130,
    layer: [
      {
        data: { values: rows },
        mark: { type: "line", clip: true, strokeWidth: 0.8, opacity: 0.4 },
        encoding: { x, y, color, detail: { field: "run" }, tooltip },
      },
      {
        data: { values: medians },
        mark: { type: "line", clip: true, strokeWidth: 2 },
        encoding: { x, y, color },
      },
    ],
  };
}

/** A quantity of all runs over iterations. */
function quantityPanel(
  runs: readonly LabelledRun[],
  { field, title, scale }: ComparedQuantity,
  bottom: boolean,
): Specification | undefined {
  const wanted = (row: IterationRow) => row.phase === "training" && row[field] !== undefined;
  const values = runs.flatMap(({ label, group, run }) =>
    iterationRows(run.summary)
      .filter(wanted)
      .map((row) => ({ run: label, group, iteration: row.iteration, [field]: shown(row[field], 6) })),
  );
  if (values.length === 0) return undefined;
  if (runs.length > mostColours) return groupsPanel(runs, values, { field, title, scale }, bottom);
  const steady = besideDiverged(runs, values);
  const shownScale = steady.length < values.length ? steadyScale(steady, field, scale) : scale;
  return {
    width: plotWidth,
    height: 130,
    data: { values },
    mark: { type: "line", clip: true, strokeWidth: 1.4 },
    encoding: {
      x: iterationAxis(bottom),
      y: quantityAxis(field, title, shownScale, field === "gradient" ? { tickCount: 3, grid: false } : {}),
      ...runEncoding(runs.map(({ label }) => label)),
      tooltip: [{ field: "run" }, { field: "iteration" }, { field, title, format: ".4~g" }],
    },
  };
}

function quantitiesFigure(
  runs: readonly LabelledRun[],
  about: Omit<Figure, "specification">,
  quantities: readonly ComparedQuantity[],
): Figure | undefined {
  const held = quantities.filter((quantity) => quantityPanel(runs, quantity, false) !== undefined);
  if (held.length === 0) return undefined;
  const longest = Math.max(...runs.map(({ run }) => run.summary.loss.length));
  return {
    ...about,
    caption: `${about.caption}${edgeText(runs)}`,
    specification: {
      params: iterationRange(longest),
      ...stacked(
        held.map((quantity, at) => quantityPanel(runs, quantity, at + 1 === held.length) as Specification),
      ),
    },
  };
}

/** What the readouts of all runs learned to send, against their target; of regression tasks. */
function readoutsFigure(runs: readonly LabelledRun[]): Figure | undefined {
  const [first] = runs;
  if (first === undefined || first.run.summary.results !== undefined) return undefined;
  const { network, timing } = first.run.summary;
  // Runs look as in the other figures.
  const labels = [...runs.map(({ label }) => label), "target"];
  const panels = Array.from({ length: network.readouts }, (_, k): Specification | undefined => {
    const values = runs.flatMap(({ label, run }, at) => {
      const events = sequenceEvents(run, "readouts", "last");
      if (events === undefined) return [];
      const senders = [...new Set(events.senders)].toSorted((a, b) => a - b);
      const readout = eventsOf(events, senders[k] as number);
      const curve = (of: string, quantity: string) =>
        Array.from(readout.times, (t, row) => ({
          t,
          run: of,
          y: shown(readout.values[quantity]?.[row]),
        })).filter(({ t }) => t > onset.readouts * timing.resolution);
      return [...(at === 0 ? curve("target", "target_signal") : []), ...curve(label, "readout_signal")];
    });
    if (values.length === 0) return undefined;
    return timePanel({
      symbol: `y${subscript(k)}`,
      text: "after training",
      height: 120,
      data: { values },
      mark: { type: "line", clip: true },
      x: { bottom: k + 1 === network.readouts },
      y: {
        field: "y",
        scale: {
          domain: extent(besideDiverged(runs, values).map(({ y }) => y ?? Number.NaN)) ?? [0, 1],
          zero: false,
          clamp: true,
        },
      },
      encoding: {
        ...runEncoding(labels),
        tooltip: [{ field: "run" }, { field: "t", title: "t (ms)" }, { field: "y" }],
      },
    });
  }).filter((panel) => panel !== undefined);
  if (panels.length === 0) return undefined;
  return {
    name: "readouts",
    title: "Readout signals",
    caption: `What the readouts of each run send in the last iteration, and what they should.${edgeText(runs)}`,
    specification: { params: zoomRange(0, sequenceDuration(first.run)), ...stacked(panels) },
  };
}

/** Figures that have several runs of a task in them. */
export function comparisonFigures(runs: readonly LabelledRun[]): Figure[] {
  return [
    quantitiesFigure(
      runs,
      {
        name: "learning-performance",
        title: "Learning performance",
        caption: "Loss, and error where there is one, of every training iteration.",
      },
      [
        { field: "loss", title: "loss", scale: { zero: false } },
        { field: "error", title: "error (share wrong)", scale: { zero: true } },
      ],
    ),
    quantitiesFigure(
      runs,
      {
        name: "activity",
        title: "Firing rate and gradient",
        caption:
          "Mean firing rate of the recurrent neurons, and norm of the gradient, in every training iteration.",
      },
      [
        { field: "rate", title: "firing rate (spikes/s)", scale: { zero: true } },
        { field: "gradient", title: "gradient norm ‖∇ℒ‖", scale: { type: "log" } },
      ],
    ),
    readoutsFigure(representatives(runs)),
  ].filter((figure) => figure !== undefined);
}
