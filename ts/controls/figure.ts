/** The figure of controls. */
import { quartiles } from "../core/statistics.js";
import {
  type Figure,
  type Specification,
  axis,
  extent,
  lineLegend,
  plotWidth,
  shown,
  stacked,
} from "../figures/figure.js";
import { shownPlaces, trainingCurve } from "../sweep/figure.js";
import type { SweepRun } from "../sweep/index.js";
import { type ControlRow, type Measure, bootstrapMedian, controlOf, endOf } from "./results.js";

/** Iterations whose medians are drawn. */
const mostPoints = 60;

/** How trainings ended: a point for each seed, the median and its interval for each control. */
function endsPanel(runs: readonly SweepRun[], measure: Measure, rows: readonly ControlRow[]): Specification {
  const names = rows.map(({ control }) => control);
  const seeds = runs.flatMap((run) => {
    const end = endOf(run, measure);
    return end === undefined || !Number.isFinite(end)
      ? []
      : [{ control: controlOf(run), seed: run.seed, end: shown(end, 6) }];
  });
  const medians = rows.flatMap((row) => {
    const of = row[measure];
    return of === undefined || !Number.isFinite(of.median)
      ? []
      : [
          {
            control: row.control,
            median: shown(of.median, 6),
            low: shown(of.low, 6),
            high: shown(of.high, 6) ?? shown(of.median, 6),
          },
        ];
  });
  const ends = [
    ...seeds.map(({ end }) => end ?? Number.NaN),
    ...medians.flatMap(({ low, high }) => [low, high].map((value) => value ?? Number.NaN)),
  ];
  const scale = {
    zero: false,
    nice: false,
    domain: measure === "error" ? [0, Math.max(0.5, ...ends) + 0.02] : (extent(ends) ?? [0, 1]),
  };
  const title = measure === "error" ? "error (share wrong)" : "loss";
  const y = axis("end", title, { scale });
  const x = {
    field: "control",
    type: "nominal",
    title: null,
    scale: { domain: names },
    axis: { labelAngle: -25, labelOverlap: false, labelFontSize: 10 },
  };
  const color = { field: "control", type: "nominal", scale: { domain: names }, legend: null };
  const tooltip = ["control", "median", "low", "high"].map((field) => ({ field }));
  return {
    width: plotWidth,
    height: 170,
    layer: [
      {
        data: { values: seeds },
        mark: { type: "point", size: 30, opacity: 0.6 },
        encoding: {
          x,
          y,
          color,
          tooltip: [{ field: "control" }, { field: "seed" }, { field: "end", title }],
        },
      },
      {
        data: { values: medians },
        mark: { type: "rule", strokeWidth: 2 },
        encoding: { x, y: axis("low", title, { scale }), y2: { field: "high" }, color, tooltip },
      },
      {
        data: { values: medians },
        mark: { type: "tick", thickness: 3, size: 22 },
        encoding: { x, y: axis("median", title, { scale }), color, tooltip },
      },
    ],
  };
}

/** Losses of training iterations: the median of each control, and the interval of that. */
function curvesPanel(runs: readonly SweepRun[], rows: readonly ControlRow[]): Specification {
  const names = rows.map(({ control }) => control);
  const values = names.flatMap((control) => {
    const curves = runs.filter((run) => controlOf(run) === control).map(trainingCurve);
    const longest = Math.max(0, ...curves.map(({ length }) => length));
    return shownPlaces(longest, mostPoints).flatMap((at) => {
      const losses = curves.flatMap((curve) => curve[at] ?? []).filter(Number.isFinite);
      if (losses.length === 0) return [];
      const { low, high } = bootstrapMedian(losses);
      const median = quartiles(losses).median;
      return [
        { control, iteration: at + 1, median: shown(median, 6), low: shown(low, 6), high: shown(high, 6) },
      ];
    });
  });
  const domain = extent(values.flatMap(({ low, high }) => [low ?? Number.NaN, high ?? Number.NaN])) ?? [0, 1];
  const scale = { zero: false, nice: false, domain };
  const x = axis("iteration", "training iteration", {
    scale: { zero: false, nice: false },
    axis: { format: "d", tickMinStep: 1 },
  });
  const color = {
    field: "control",
    type: "nominal",
    title: null,
    scale: { domain: names },
    legend: { columns: 2, ...lineLegend, symbolOpacity: 1 },
  };
  return {
    width: plotWidth,
    height: 170,
    data: { values },
    layer: [
      {
        // Those of all would hide each other.
        transform: [{ filter: { field: "control", oneOf: ["trained", "readouts-only"] } }],
        mark: { type: "area", opacity: 0.15, clip: true },
        encoding: { x, y: axis("low", "loss", { scale }), y2: { field: "high" }, color },
      },
      {
        mark: { type: "line", strokeWidth: 1.8, clip: true },
        encoding: {
          x,
          y: axis("median", "loss", { scale }),
          color,
          tooltip: ["control", "iteration", "median", "low", "high"].map((field) => ({ field })),
        },
      },
    ],
  };
}

/** Medians and intervals of all controls, at the end and over the training. */
export function controlsFigure(
  runs: readonly SweepRun[],
  measure: Measure,
  rows: readonly ControlRow[],
): Figure {
  return {
    name: "controls",
    title: "Controls",
    caption:
      "How trainings ended (above): a point for each seed, the median and its 95 % bootstrap interval for each control. " +
      "Below, the loss over training iterations: medians, and the intervals of the trained network and of the readouts alone. " +
      "What diverged leaves through the top.",
    // The legend is that of the curves: names stand below the other panel.
    specification: stacked([endsPanel(runs, measure, rows), curvesPanel(runs, rows)], {
      resolve: { scale: { color: "independent" } },
    }),
  };
}
