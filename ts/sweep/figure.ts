import { type Figure, type Specification, axis, lineLegend } from "../figures/figure.js";
import { byCombination, type SweepRun, sweepRows } from "./results.js";
import { combinationName } from "./grid.js";
import { meanInterval } from "./statistics.js";

/** Iterations of which a curve shows every one; of longer ones it shows as many, evenly spaced. */
const shownIterations = 400;

/** Losses of training iterations: the mean over seeds and its interval, by combination of values. */
function curves(runs: readonly SweepRun[]): Specification[] {
  return [...byCombination(runs)].flatMap(([combination, group]) => {
    const losses = group.flatMap(({ summary }) => {
      if (summary === undefined) return [];
      const labels = summary.results?.label;
      return [summary.loss.filter((_, at) => labels === undefined || labels[at] === "training")];
    });
    const length = Math.max(0, ...losses.map((of) => of.length));
    const every = Math.max(1, Math.ceil(length / shownIterations));
    return Array.from({ length: Math.ceil(length / every) }, (_, at) => {
      const iteration = at * every;
      const values = losses.flatMap((of) => of[iteration] ?? []);
      const { mean, low, high } = meanInterval(values);
      return { combination, iteration: iteration + 1, mean, low, high };
    });
  });
}

/** Learning curves of a sweep, and how its trainings ended: means over seeds with 95 % confidence intervals. */
export function sweepFigure(task: string, runs: readonly SweepRun[]): Figure {
  const rows = sweepRows(runs);
  const color = { field: "combination", type: "nominal", title: null };
  const ends = (metric: "loss" | "error") =>
    rows.flatMap(({ parameters, [metric]: of }) =>
      of === undefined ? [] : [{ combination: combinationName(parameters), ...of }],
    );
  const panel = (metric: "loss" | "error", title: string): Specification => {
    const y = { field: "combination", type: "nominal", title: null, sort: null };
    return {
      data: { values: ends(metric) },
      width: 340,
      height: { step: 22 },
      encoding: { y, color },
      layer: [
        {
          mark: { type: "rule", strokeWidth: 2 },
          encoding: { x: axis("low", title, { scale: { zero: false } }), x2: { field: "high" } },
        },
        { mark: { type: "point", filled: true, size: 50 }, encoding: { x: axis("mean", title) } },
      ],
    };
  };
  const x = axis("iteration", "training iteration");
  const zero = { scale: { zero: false } };
  return {
    name: "sweep",
    title: `Sweep of ${task}`,
    caption:
      "Loss of training iterations, and how trainings ended (test iterations, else the last one): " +
      "means over seeds with 95 % confidence intervals.",
    specification: {
      vconcat: [
        {
          data: { values: curves(runs) },
          width: 340,
          height: 180,
          encoding: { x, color: { ...color, legend: { ...lineLegend, symbolOpacity: 1 } } },
          layer: [
            {
              mark: { type: "area", opacity: 0.2 },
              encoding: { y: axis("low", "loss", zero), y2: { field: "high" } },
            },
            { mark: { type: "line", strokeWidth: 1.5 }, encoding: { y: axis("mean", "loss", zero) } },
          ],
        },
        panel("loss", "loss at the end"),
        ...(rows.some(({ error }) => error !== undefined) ? [panel("error", "error at the end")] : []),
      ],
    },
  };
}
