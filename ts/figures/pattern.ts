import { type Figure, axis, extent, lineLegend, plotWidth, shown } from "./figure.js";
import type { RunSummary } from "../runs/summary.js";
import { ownDrawing } from "../tasks/pen-strokes.js";
import { type RunData, type When, eventsOf, onset, sequenceEvents } from "./run-data.js";

const curvesOf: readonly (readonly [string, When, string])[] = [
  ["after training", "last", "readout_signal"],
  ["target", "last", "target_signal"],
  ["before training", "first", "readout_signal"],
];

const dashes = [
  [1, 0],
  [5, 3],
  [1.5, 2.5],
];

/** A scale that two parameters of the figure set. */
const ranged = (from: string, to: string) => ({
  scale: { domain: [{ expr: from }, { expr: to }], nice: false, zero: false },
  axis: { tickCount: 5, grid: true },
});

/** Whether targets are positions of a pen on a screen, where the second axis points down. */
function fromScreen({ task, parameters }: RunSummary): boolean {
  return task === "handwriting" && parameters.data !== ownDrawing;
}

/** The curve that two readouts draw in the plane, against their targets. */
export function patternFigure(run: RunData): Figure | undefined {
  const { summary } = run;
  if (summary.network.readouts !== 2 || summary.results !== undefined) return undefined;
  const values = curvesOf.flatMap(([curve, when, quantity]) => {
    const events = sequenceEvents(run, "readouts", when);
    if (events === undefined) return [];
    const [first, second] = [...new Set(events.senders)].toSorted((a, b) => a - b);
    const x = eventsOf(events, first as number);
    const y = eventsOf(events, second as number);
    return Array.from(x.times, (t, row) => ({
      t,
      curve,
      x: shown(x.values[quantity]?.[row]),
      y: shown(y.values[quantity]?.[row]),
    })).filter(({ t }) => t > onset.readouts * summary.timing.resolution);
  });
  const [xs, ys] = [
    extent(values.map(({ x }) => x ?? Number.NaN)),
    extent(values.map(({ y }) => y ?? Number.NaN)),
  ];
  if (xs === undefined || ys === undefined) return undefined;
  // A unit is as long along both axes, as on paper.
  const unit = Math.max((xs[1] - xs[0]) / plotWidth, (ys[1] - ys[0]) / (0.75 * plotWidth));
  const height = Math.max(90, Math.round((ys[1] - ys[0]) / unit));
  const middle = (xs[0] + xs[1]) / 2;
  const [bottom, top] = fromScreen(summary) ? [ys[1], ys[0]] : ys;
  const kinds = curvesOf.map(([curve]) => curve);
  const curve = { field: "curve", type: "nominal", title: null, legend: lineLegend } as const;
  return {
    name: "pattern",
    title: "Pattern",
    caption: "What the two readouts draw in the plane, before and after training, and what they should.",
    specification: {
      params: [
        { name: "from", value: middle - (unit * plotWidth) / 2 },
        { name: "to", value: middle + (unit * plotWidth) / 2 },
        { name: "low", value: bottom },
        { name: "high", value: top },
      ],
      width: plotWidth,
      height,
      data: { values },
      mark: { type: "line", clip: true, strokeWidth: 1.6 },
      encoding: {
        x: axis("x", "y₀ and y₀*", ranged("from", "to")),
        y: axis("y", "y₁ and y₁*", ranged("low", "high")),
        order: { field: "t" },
        color: { ...curve, scale: { domain: kinds } },
        strokeDash: { ...curve, scale: { domain: kinds, range: dashes } },
        tooltip: [
          { field: "curve" },
          { field: "t", title: "t (ms)" },
          { field: "x", title: "y₀" },
          { field: "y", title: "y₁" },
        ],
      },
    },
  };
}
