import { type Figure, type Specification, lineLegend, plotWidth, stacked, subscript } from "./figure.js";
import {
  iterationAxis,
  iterationRange,
  iterationRows,
  iterationTooltip,
  phaseEncoding,
  quantityAxis,
} from "./iterations.js";
import type { RunData } from "./run-data.js";
import { lossOf } from "../nest/losses.js";

/** The loss as NEST's tutorials write it. */
function lossTitle({ summary }: RunData): string {
  return lossOf(summary.loss_function).formula;
}

/** Dashes of the whole loss and of those of readouts. */
const dashes = [
  [1, 0],
  [6, 3],
  [1.5, 3],
  [8, 3, 2, 3],
];

/** Loss of the whole and of each readout; of tasks without phases. */
function lossCurves(run: RunData, bottom: boolean): Specification {
  const { readout_losses } = run.summary;
  const rows = iterationRows(run.summary).flatMap(({ iteration, loss }) => [
    { iteration, loss, of: "ℒ" },
    ...(run.summary.network.readouts > 1
      ? (readout_losses[iteration - 1] ?? []).map((value, k) => ({
          iteration,
          loss: value,
          of: `ℒ${subscript(k)}`,
        }))
      : []),
  ]);
  const kinds = [...new Set(rows.map(({ of }) => of))];
  const of = { field: "of", type: "nominal", title: null, legend: lineLegend } as const;
  return {
    width: plotWidth,
    height: 200,
    data: { values: rows },
    mark: { type: "line", clip: true, strokeWidth: 1.6 },
    encoding: {
      x: iterationAxis(bottom),
      y: quantityAxis("loss", lossTitle(run), { zero: true }),
      ...(kinds.length > 1 && {
        color: { ...of, scale: { domain: kinds } },
        strokeDash: { ...of, scale: { domain: kinds, range: dashes } },
      }),
      tooltip: [{ field: "iteration" }, { field: "loss", format: ".4~g" }, { field: "of", title: "loss of" }],
    },
  };
}

/** The area of points (square pixels): the smaller, the more there are, but those of rare phases stand out. */
function pointSize(count: number): Specification {
  const size = Math.max(10, Math.min(34, 5000 / count));
  return {
    condition: { test: "datum.phase === 'training'", value: size },
    value: Math.min(34, 2.5 * size),
  };
}

/** A quantity of every iteration as points, marked by phase. */
function phasePoints(run: RunData, field: string, title: string, scale: Specification, bottom: boolean) {
  const rows = iterationRows(run.summary);
  return {
    width: plotWidth,
    height: 130,
    data: { values: rows },
    layer: [
      {
        transform: [{ filter: "datum.phase === 'training'" }],
        mark: { type: "line", clip: true, strokeWidth: 0.8, opacity: 0.4 },
        encoding: { x: iterationAxis(bottom), y: quantityAxis(field, title, scale) },
      },
      {
        mark: { type: "point", clip: true, filled: true, opacity: 1 },
        encoding: {
          x: iterationAxis(bottom),
          y: quantityAxis(field, title, scale),
          ...phaseEncoding(rows),
          size: pointSize(rows.length),
          tooltip: iterationTooltip(field, title),
        },
      },
    ],
  };
}

/** Loss over iterations; of classification tasks also the error, with phases told apart by shape and colour. */
export function performanceFigure(run: RunData): Figure {
  const { loss, results } = run.summary;
  const own = Object.keys(run.summary.metrics ?? {});
  const panels = [
    ...(results === undefined
      ? [lossCurves(run, own.length === 0)]
      : [
          phasePoints(run, "loss", lossTitle(run), { zero: false, padding: 4 }, false),
          phasePoints(run, "error", "error (share wrong)", { zero: true, padding: 4 }, own.length === 0),
        ]),
    ...own.map((name, at) => {
      const scale = { zero: false, padding: 4 };
      return phasePoints(run, `metric_${at}`, name, scale, at === own.length - 1);
    }),
  ];
  return {
    name: "learning-performance",
    title: "Learning performance",
    caption:
      (results === undefined
        ? "Loss ℒ of every iteration" +
          (run.summary.network.readouts > 1 ? ": the mean of the losses ℒₖ of the readouts k." : ".")
        : "Loss and share of wrong decisions of every iteration; weights change in training alone.") +
      (own.length === 0
        ? ""
        : ` Below: ${own.join(", ")}, as the task or the user measures ${own.length === 1 ? "it" : "them"}.`),
    specification: { params: iterationRange(loss.length), ...stacked(panels) },
  };
}
