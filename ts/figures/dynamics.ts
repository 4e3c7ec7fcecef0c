import { type Figure, type Specification, axis, panelWidth } from "./figure.js";
import { type RunData, type When, recurrentRecorders, sequenceEvents } from "./run-data.js";

/** Rows of a raster at the most. */
const rasterRows = 50;

/** Quantities in NEST's symbols and units. */
const symbols: Readonly<Record<string, string>> = {
  V_m: "v_j (mV)",
  surrogate_gradient: "ψ_j",
  learning_signal: "L_j",
  adaptation: "a_j",
};
const readoutSymbols: Readonly<Record<string, string>> = {
  V_m: "v_k (mV)",
  target_signal: "y*_k",
  readout_signal: "y_k",
  error_signal: "y_k − y*_k",
};

/** The time of a sequence, with labels at the bottom of a column of panels. */
function timeAxis({ summary }: RunData, bottom: boolean): Specification {
  const { steps, resolution } = summary.timing;
  const scale = { domain: [0, steps * resolution], nice: false };
  return axis(
    "time",
    bottom ? "t (ms)" : "",
    bottom ? { scale } : { scale, axis: { labels: false, ticks: false } },
  );
}

function raster(run: RunData, recorder: string, when: When, title: string): Specification | undefined {
  const events = sequenceEvents(run, recorder, when);
  if (events === undefined) return undefined;
  const nodes = [...new Set(Array.from(events.senders))].toSorted((a, b) => a - b).slice(0, rasterRows);
  const row = new Map(nodes.map((node, place) => [node, place + 1]));
  const values = Array.from(events.times, (time, at) => ({
    time,
    neuron: row.get(events.senders[at] as number),
  }));
  return {
    width: panelWidth,
    height: 90,
    data: { values: values.filter(({ neuron }) => neuron !== undefined) },
    mark: { type: "tick", orient: "vertical", thickness: 1, size: 2.5, color: "#56606b" },
    encoding: { x: timeAxis(run, false), y: axis("neuron", title) },
  };
}

function lines(
  run: RunData,
  recorder: string,
  quantity: string,
  when: When,
  title: string,
  bottom: boolean,
): Specification | undefined {
  const events = sequenceEvents(run, recorder, when);
  const recorded = events?.values[quantity];
  if (events === undefined || recorded === undefined) return undefined;
  const values = Array.from(recorded, (value, at) => ({
    time: events.times[at],
    value,
    neuron: events.senders[at],
  }));
  return {
    width: panelWidth,
    height: 70,
    data: { values },
    mark: { type: "line", strokeWidth: 1 },
    encoding: {
      x: timeAxis(run, bottom),
      y: axis("value", title, { scale: { zero: false }, axis: { tickCount: 3 } }),
      color: { field: "neuron", type: "nominal", legend: null },
      tooltip: [{ field: "neuron" }, { field: "time" }, { field: "value", format: ".4g" }],
    },
  };
}

function column(run: RunData, when: When): Specification[] {
  const recurrent = recurrentRecorders(run).flatMap((recorder) =>
    Object.entries(symbols).map(([quantity, symbol]) => lines(run, recorder, quantity, when, symbol, false)),
  );
  const quantities = Object.entries(readoutSymbols);
  const readouts = quantities.map(([quantity, symbol], at) =>
    lines(run, "readouts", quantity, when, symbol, at + 1 === quantities.length),
  );
  return [
    raster(run, "spikes_in", when, "input i"),
    raster(run, "spikes_rec", when, "neuron j"),
    ...recurrent,
    ...readouts,
  ].filter((panel) => panel !== undefined);
}

/** Spikes and dynamic variables of one sequence, before and after training side by side. */
export function dynamicsFigure(run: RunData): Figure | undefined {
  const [before, after] = [column(run, "first"), column(run, "last")];
  if (before.length === 0) return undefined;
  return {
    name: "dynamics",
    title: "Spikes and dynamic variables",
    caption: "One sequence before training (left) and after it (right).",
    specification: {
      hconcat: [
        { title: "before training", vconcat: before, spacing: 4 },
        { title: "after training", vconcat: after, spacing: 4 },
      ],
      resolve: { scale: { color: "independent" } },
    },
  };
}
