import { type Figure, type Specification, plotWidth, stacked } from "./figure.js";
import {
  iterationAxis,
  iterationRange,
  iterationRows,
  iterationTooltip,
  phaseEncoding,
  quantityAxis,
} from "./iterations.js";
import type { RunData } from "./run-data.js";

/** The loss as NEST's tutorials write it. */
function lossTitle({ summary }: RunData): string {
  return summary.loss_function === "cross_entropy" ? "ℒ = −Σ πₖ* log πₖ" : "ℒ = ½ Σ (yₖ − yₖ*)²";
}

/** Dashes of the whole loss and of those of readouts. */
const dashes = [
  [1, 0],
  [6, 3],
  [1.5, 3],
  [8, 3, 2, 3],
];

/** Loss of the whole and of each readout; of tasks without phases. */
function lossCurves(run: RunData): Specification {
  const { readout_losses } = run.summary;
  const rows = iterationRows(run.summary).flatMap(({ iteration, loss }) => [
    { iteration, loss, of: "all readouts" },
    ...(run.summary.network.readouts > 1
      ? (readout_losses[iteration - 1] ?? []).map((value, k) => ({
          iteration,
          loss: value,
          of: `readout ${k}`,
        }))
      : []),
  ]);
  const kinds = [...new Set(rows.map(({ of }) => of))];
  const of = { field: "of", type: "nominal", title: null } as const;
  return {
    width: plotWidth,
    height: 200,
    data: { values: rows },
    mark: { type: "line", clip: true, strokeWidth: 1.6 },
    encoding: {
      x: iterationAxis(true),
      y: quantityAxis("loss", lossTitle(run), { zero: true }),
      ...(kinds.length > 1 && {
        color: { ...of, scale: { domain: kinds } },
        strokeDash: { ...of, scale: { domain: kinds, range: dashes } },
      }),
      tooltip: [{ field: "iteration" }, { field: "loss", format: ".4~g" }, { field: "of", title: "loss of" }],
    },
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
        mark: { type: "point", clip: true, filled: true, size: 34, opacity: 1 },
        encoding: {
          x: iterationAxis(bottom),
          y: quantityAxis(field, title, scale),
          ...phaseEncoding(rows),
          tooltip: iterationTooltip(field, field),
        },
      },
    ],
  };
}

/** Loss over iterations; of classification tasks also the error, with phases told apart by shape and colour. */
export function performanceFigure(run: RunData): Figure {
  const { loss, results } = run.summary;
  const panels =
    results === undefined
      ? [lossCurves(run)]
      : [
          phasePoints(run, "loss", lossTitle(run), { zero: false }, false),
          phasePoints(run, "error", "error (share wrong)", { zero: true }, true),
        ];
  return {
    name: "learning-performance",
    title: "Learning performance",
    caption:
      results === undefined
        ? "Loss of every iteration" + (run.summary.network.readouts > 1 ? ", and that of each readout." : ".")
        : "Loss and share of wrong decisions of every iteration; weights change in training alone.",
    specification: { params: iterationRange(loss.length), ...stacked(panels) },
  };
}
