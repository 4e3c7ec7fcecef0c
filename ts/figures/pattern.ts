import { type Figure, type Specification, axis } from "./figure.js";
import { type RunData, type When, sequenceEvents } from "./run-data.js";

/** Steps after a sequence's begin when readouts begin to follow it. */
const onset = 4;

function plane(run: RunData, when: When): Specification | undefined {
  const events = sequenceEvents(run, "readouts", when);
  const { readout_signal, target_signal } = events?.values ?? {};
  if (events === undefined || readout_signal === undefined || target_signal === undefined) return undefined;
  const values: object[] = [];
  for (let row = 0; row + 1 < events.times.length; row += 2) {
    const time = events.times[row] as number;
    // Before, no target has arrived.
    if (time <= onset * run.summary.timing.resolution) continue;
    values.push(
      { time, signal: "target", x: target_signal[row], y: target_signal[row + 1] },
      { time, signal: "readout", x: readout_signal[row], y: readout_signal[row + 1] },
    );
  }
  return {
    width: 360,
    height: 220,
    title: when === "first" ? "before training" : "after training",
    data: { values },
    mark: { type: "line", strokeWidth: 1.5 },
    encoding: {
      x: axis("x", "y_0"),
      y: axis("y", "y_1"),
      order: { field: "time" },
      color: { field: "signal", type: "nominal", title: null },
      strokeDash: { field: "signal", type: "nominal", title: null },
    },
  };
}

/** The curve that two readouts draw, against their targets. */
export function patternFigure(run: RunData): Figure | undefined {
  const readouts = run.weights.rec_out_after?.shape?.[0];
  if (readouts !== 2 || run.summary.results !== undefined) return undefined;
  const panels = [plane(run, "first"), plane(run, "last")].filter((panel) => panel !== undefined);
  if (panels.length === 0) return undefined;
  return {
    name: "pattern",
    title: "The drawn pattern",
    caption: "What the two readouts draw, and what they should.",
    specification: { hconcat: panels },
  };
}
