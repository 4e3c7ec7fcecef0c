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

/** Loss of the whole and of each readout in training. */
function lossCurves(run: RunData, bottom: boolean): Specification {
  const { readout_losses } = run.summary;
  const training = iterationRows(run.summary).filter(({ phase }) => phase === "training");
  const rows = training.flatMap(({ iteration, loss }) => [
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

/** What a panel with a point for each iteration shows. */
interface Measured {
  field: string;
  title: string;
  zero: boolean;
}

/** Where a panel stands among others. */
interface Place {
  /** Whether it has the axis of iterations. */
  bottom: boolean;
  /** Whether it says what colours and shapes stand for. */
  hasLegend: boolean;
}

/** A quantity of every iteration as points, marked by phase. */
function phasePoints(
  run: RunData,
  { field, title, zero }: Measured,
  { bottom, hasLegend }: Place,
): Specification {
  const rows = iterationRows(run.summary);
  const y = quantityAxis(field, title, { zero, padding: 4 });
  return {
    width: plotWidth,
    height: 130,
    data: { values: rows },
    layer: [
      {
        transform: [{ filter: "datum.phase === 'training'" }],
        mark: { type: "line", clip: true, strokeWidth: 0.8, opacity: 0.4 },
        encoding: { x: iterationAxis(bottom), y },
      },
      {
        mark: { type: "point", clip: true, filled: true, opacity: 1 },
        encoding: {
          x: iterationAxis(bottom),
          y,
          ...phaseEncoding(rows, hasLegend),
          size: pointSize(rows.length),
          tooltip: iterationTooltip(field, title),
        },
      },
    ],
  };
}

/** What is shown of each iteration, whatever its phase. */
function measuredOf(run: RunData): Measured[] {
  const { results, phases, metrics } = run.summary;
  return [
    ...((results ?? phases) ? [{ field: "loss", title: lossTitle(run), zero: false }] : []),
    ...(results ? [{ field: "error", title: "error (share wrong)", zero: true }] : []),
    ...Object.keys(metrics ?? {}).map((title, at) => ({ field: `metric_${at}`, title, zero: false })),
  ];
}

/**
 * Loss over iterations, and of classification tasks the error, with phases told apart by shape and colour; of others
 * the losses of the readouts.
 */
export function performanceFigure(run: RunData): Figure {
  const { loss, results, phases, network } = run.summary;
  const own = Object.keys(run.summary.metrics ?? {});
  const measured = measuredOf(run);
  const hasCurves = results === undefined && (phases === undefined || network.readouts > 1);
  // Where phases are told apart, the curves of readouts follow.
  const curvesAt = !hasCurves ? -1 : phases === undefined ? 0 : 1;
  const last = measured.length + Number(hasCurves) - 1;
  const panels = measured.map(
    (of, at) => (place: number) => phasePoints(run, of, { bottom: place === last, hasLegend: at === 0 }),
  );
  if (curvesAt >= 0) panels.splice(curvesAt, 0, (place) => lossCurves(run, place === last));
  return {
    name: "learning-performance",
    title: "Learning performance",
    caption:
      (results === undefined
        ? (phases === undefined
            ? "Loss ℒ of every iteration"
            : "Loss of every iteration; weights change in training alone. Below: loss ℒ of training iterations") +
          (run.summary.network.readouts > 1 ? ": the mean of the losses ℒₖ of the readouts k." : ".")
        : "Loss and share of wrong decisions of every iteration; weights change in training alone.") +
      (own.length === 0
        ? ""
        : ` Besides: ${own.join(", ")}, as the task or the user measures ${own.length === 1 ? "it" : "them"}.`),
    specification: {
      params: iterationRange(loss.length),
      ...stacked(
        panels.map((panel, place) => panel(place)),
        { resolve: { scale: { color: "independent", shape: "independent", strokeDash: "independent" } } },
      ),
    },
  };
}
