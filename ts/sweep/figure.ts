import { type Figure, type Specification, axis, lineLegend, plotWidth, shown } from "../figures/figure.js";
import { combinationName } from "./grid.js";
import {
  type SweepRow,
  type SweepRun,
  bestFirst,
  byCombination,
  countText,
  finalMetrics,
  isDiverged,
  parameterNames,
  sweepRows,
} from "./results.js";
import { quartiles } from "../core/statistics.js";
import { lossesOf } from "../runs/summary.js";

/** Iterations of which a curve shows every one; of longer ones it shows as many, evenly spaced. */
const shownIterations = 300;

/** Combinations that have a colour each; the rest are grey. */
const colours = 6;

/** Combinations that have a row each, from the best on. */
const mostRows = 24;

const text = (row: Pick<SweepRow, "parameters">) => combinationName(row.parameters);

/** Losses of a run's training iterations. */
export function trainingCurve({ summary }: SweepRun): number[] {
  return summary === undefined ? [] : lossesOf(summary, "training");
}

/** Iterations that are shown of so many. */
export function shownPlaces(length: number, most = shownIterations): number[] {
  const every = Math.max(1, Math.ceil(length / most));
  return Array.from({ length: Math.ceil(length / every) }, (_, at) => at * every);
}

/** The range of an axis that has all numbers of runs that did not diverge, and whether it is logarithmic. */
function scaleOf(values: readonly number[]): Specification {
  const finite = values.filter((value) => Number.isFinite(value));
  const [low, high] = [Math.min(...finite), Math.max(...finite)];
  const log = low > 0 && high / low > 3;
  if (finite.length === 0 || low === high) return { zero: false };
  const domain = log ? [low / 1.05, high * 1.05] : [low - (high - low) / 25, high + (high - low) / 25];
  return log ? { type: "log", domain, nice: false } : { domain, zero: false, nice: false };
}

/** Loss over iterations: a thin line for each seed, a thick one for the median of those of a combination. */
function curvesPanel(
  runs: readonly SweepRun[],
  named: readonly string[],
  color: Specification,
): Specification {
  const curves = [...byCombination(runs)].flatMap(([name, group]) => {
    const combination = named.includes(name) ? name : "others";
    return group.map((run) => ({ name, combination, run, losses: trainingCurve(run) }));
  });
  const seeds = curves.flatMap(({ combination, name, run, losses }) =>
    shownPlaces(losses.length).map((at) => ({
      combination,
      of: `${name} ${run.seed}`,
      iteration: at + 1,
      loss: shown(losses[at], 6),
    })),
  );
  const medians = [...byCombination(runs)].flatMap(([name, group]) => {
    if (!named.includes(name)) return [];
    const losses = group.map(trainingCurve).filter((of) => of.length > 0);
    const longest = Math.max(0, ...losses.map((of) => of.length));
    return shownPlaces(longest).flatMap((at) => {
      const values = losses.flatMap((of) => of[at] ?? []);
      return values.length === 0
        ? []
        : [{ combination: name, iteration: at + 1, loss: shown(quartiles(values).median, 6) }];
    });
  });
  const steady = curves.filter(({ run }) => !isDiverged(run)).flatMap(({ losses }) => losses);
  const y = axis("loss", "loss", { scale: scaleOf(steady), axis: { tickCount: 5 } });
  const x = axis("iteration", "training iteration", { axis: { format: "d", tickCount: 6 } });
  return {
    width: plotWidth,
    height: 190,
    layer: [
      {
        data: { values: seeds },
        mark: { type: "line", strokeWidth: 0.8, opacity: 0.45, clip: true },
        encoding: {
          x,
          y,
          color: { ...color, legend: { ...lineLegend, columns: 1 } },
          detail: { field: "of" },
        },
      },
      {
        data: { values: medians },
        mark: { type: "line", strokeWidth: 2, clip: true },
        encoding: { x, y, color },
      },
    ],
  };
}

/** A row's name: its values, and how many of its runs went wrong. */
function label(row: SweepRow): string {
  const [, odd] = /\((.*)\)/.exec(countText(row)) ?? [];
  return odd === undefined ? text(row) : `${text(row)}: ${odd}`;
}

/** How a metric ended: each seed, the median and the quartiles; a row for each combination. */
function endsPanel(
  runs: readonly SweepRun[],
  rows: readonly SweepRow[],
  metric: "loss" | "error",
  color: Specification,
  named: readonly string[] | undefined,
): Specification {
  const colourOf = (name: string) => (named === undefined || named.includes(name) ? name : "others");
  const labels = new Map(rows.map((row) => [text(row), label(row)]));
  const seeds = runs.flatMap((run) => {
    const of = labels.get(combinationName(run.parameters));
    const value = run.summary && finalMetrics(run.summary)[metric];
    if (of === undefined || value === undefined || isDiverged(run) || run.status === "pruned") return [];
    return [{ row: of, combination: colourOf(combinationName(run.parameters)), value, seed: run.seed }];
  });
  const scale = scaleOf(seeds.map(({ value }) => value));
  const highest = (scale.domain as number[] | undefined)?.[1] ?? Number.MAX_VALUE;
  const middles = rows.flatMap((row) => {
    const of = row[metric];
    if (of === undefined || !(of.low <= highest)) return [];
    const upTo = (value: number) => Math.min(value, highest);
    return [
      {
        row: label(row),
        combination: colourOf(text(row)),
        low: of.low,
        median: upTo(of.median),
        high: upTo(of.high),
      },
    ];
  });
  const y = {
    field: "row",
    type: "nominal",
    title: null,
    sort: null,
    scale: { domain: [...labels.values()] },
    axis: {
      orient: "left",
      labelAlign: "left",
      labelBaseline: "bottom",
      labelPadding: -4,
      labelOffset: -6,
      labelLimit: plotWidth,
      minExtent: 0,
      maxExtent: 0,
      grid: false,
      labelFontSize: 10.5,
    },
  };
  const title = `${metric} at the end`;
  return {
    width: plotWidth,
    height: { step: 34 },
    encoding: { y, color: { ...color, legend: { ...lineLegend, columns: 1 } } },
    layer: [
      {
        data: { values: middles },
        mark: { type: "rule", strokeWidth: 5, opacity: 0.35, strokeCap: "butt", yOffset: 7 },
        encoding: { x: axis("low", title, { scale }), x2: { field: "high" } },
      },
      {
        data: { values: middles },
        mark: { type: "tick", thickness: 2.5, size: 13, yOffset: 7 },
        encoding: { x: axis("median", title, { scale }) },
      },
      {
        data: { values: seeds },
        mark: { type: "point", filled: false, size: 22, strokeWidth: 1, yOffset: 7, opacity: 1 },
        encoding: { x: axis("value", title, { scale, axis: { tickCount: 5 } }) },
      },
    ],
  };
}

/** What came of each value of a parameter that has many. */
function scatterPanel(runs: readonly SweepRun[], name: string): Specification {
  const values = runs.flatMap((run) => {
    if (run.summary === undefined) return [];
    const { loss, error } = finalMetrics(run.summary);
    return [
      { value: run.parameters[name], end: error ?? loss, how: isDiverged(run) ? "diverged" : run.status },
    ];
  });
  const steady = values.filter(({ how }) => how !== "diverged");
  const places = values.map(({ value }) => value).filter((value) => typeof value === "number");
  const isError = runs.some(({ summary }) => summary?.results !== undefined);
  const scale = scaleOf(places);
  const tick = scale.type === "log" ? { axis: { tickCount: 5, format: "~g" } } : { axis: { tickCount: 6 } };
  return {
    width: plotWidth,
    height: 120,
    data: { values: steady },
    mark: { type: "point", filled: true, size: 26, opacity: 0.8, clip: true },
    encoding: {
      x:
        places.length > 0
          ? axis("value", name, { scale, ...tick })
          : { field: "value", type: "nominal", title: name },
      y: axis("end", `${isError ? "error" : "loss"} at the end`, {
        scale: scaleOf(steady.map(({ end }) => end)),
        axis: { tickCount: 4 },
      }),
      shape: { field: "how", type: "nominal", title: null, legend: null },
    },
  };
}

/** Learning curves of a sweep, and how its trainings ended: every seed, medians and quartiles. */
export function sweepFigure(task: string, runs: readonly SweepRun[]): Figure {
  const rows = sweepRows(runs);
  const best = bestFirst(rows);
  const named = best.slice(0, colours).map(text);
  const kept = rows.length > mostRows ? best.slice(0, mostRows) : rows;
  const hasOthers = rows.length > named.length;
  const domain = [
    ...rows.filter((row) => named.includes(text(row))).map(text),
    ...(hasOthers ? ["others"] : []),
  ];
  const color = { field: "combination", type: "nominal", title: null, scale: { domain } };
  const hasErrors = rows.some(({ error }) => error !== undefined);
  const many = parameterNames(runs).filter(
    (name) => new Set(runs.map(({ parameters }) => parameters[name])).size > mostRows / 2,
  );
  const ends = (metric: "loss" | "error") =>
    endsPanel(runs, kept, metric, color, hasOthers ? named : undefined);
  return {
    name: "sweep",
    title: `Sweep of ${task}`,
    caption:
      "Loss of training iterations, thin lines for seeds and thick ones for medians; how trainings ended (test " +
      "iterations, else the last one): circles for seeds, ticks for medians, bars for quartiles. Trainings that " +
      `diverged count as infinite.${kept.length < rows.length ? ` The best ${kept.length} of ${rows.length} combinations.` : ""}`,
    specification: {
      vconcat: [
        curvesPanel(runs, named, color),
        ...many.map((name) => scatterPanel(runs, name)),
        ends("loss"),
        ...(hasErrors ? [ends("error")] : []),
      ],
    },
  };
}
