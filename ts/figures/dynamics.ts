import {
  type Figure,
  type Specification,
  axis,
  extent,
  heading,
  plotWidth,
  shown,
  stacked,
  zoomRange,
  zoomedAxis,
} from "./figure.js";
import { rasterOf, rasterPanel } from "./raster.js";
import {
  type Events,
  type RunData,
  type When,
  eventsOf,
  eventsWhere,
  onset,
  recurrentPopulations,
  sequenceDuration,
  sequenceEvents,
} from "./run-data.js";

/** Heights of a raster and of a panel with curves (pixels). */
const heights = { raster: 64, curves: 46 };

/** A quantity that a recorder holds: NEST's name, symbol with unit, meaning. */
interface Quantity {
  readonly name: string;
  readonly symbol: string;
  readonly text: string;
}

const recurrentQuantities: readonly Quantity[] = [
  { name: "V_m", symbol: "vⱼ (mV)", text: "membrane voltage" },
  { name: "surrogate_gradient", symbol: "ψⱼ", text: "surrogate gradient" },
  { name: "V_th_adapt", symbol: "Aⱼ (mV)", text: "adaptive threshold" },
  { name: "learning_signal", symbol: "Lⱼ (pA)", text: "learning signal" },
];

/** The symbol of a readout's signal: a probability where the loss is cross entropy. */
export function readoutSymbol({ summary }: RunData): string {
  return summary.loss_function === "cross_entropy" ? "π" : "y";
}

function readoutQuantities(run: RunData): readonly Quantity[] {
  const y = readoutSymbol(run);
  return [
    { name: "V_m", symbol: "vₖ (mV)", text: "readout voltage" },
    { name: "target_signal", symbol: `${y}ₖ*`, text: "target" },
    { name: "readout_signal", symbol: `${y}ₖ`, text: "readout signal" },
    { name: "error_signal", symbol: `${y}ₖ − ${y}ₖ*`, text: "error" },
  ];
}

function spikesPanel(
  run: RunData,
  when: When,
  recorder: string,
  nodes: { first: number; size: number },
  labels: { symbol: string; text: string; neuron: string },
): Specification[] {
  const events = sequenceEvents(run, recorder, when);
  if (events === undefined) return [];
  const kept = (sender: number) => sender >= nodes.first && sender < nodes.first + nodes.size;
  const times = events.times.filter((_, row) => kept(events.senders[row] as number));
  const neurons = events.senders.filter(kept).map((sender) => sender - nodes.first);
  const raster = rasterOf(times, neurons, nodes.size, sequenceDuration(run));
  return [rasterPanel(raster, nodes.size, labels, heights.raster)];
}

/** Curves of a quantity; with several senders, one each, told apart by colour and dashes. */
function curvesPanel(
  { name, symbol, text }: Quantity,
  data: { rows: string; senders: readonly number[]; label: string },
  domain: readonly [number, number],
  bottom: boolean,
): Specification {
  const several = data.senders.length > 1;
  const sender = { field: "k", type: "nominal", legend: null } as const;
  return {
    width: plotWidth,
    height: heights.curves,
    title: heading(symbol, text),
    data: { name: data.rows },
    mark: { type: "line", clip: true },
    encoding: {
      x: zoomedAxis("t", "t (ms)", bottom),
      y: axis(name, "", { scale: { domain, nice: true, zero: false }, axis: { tickCount: 3 } }),
      ...(several && { color: sender, ...(data.senders.length <= 4 && { strokeDash: sender }) }),
      tooltip: [
        { field: "t", title: "t (ms)" },
        { field: name, title: symbol },
        ...(several ? [{ field: "k", title: data.label }] : []),
      ],
    },
  };
}

/** A recorder's events as rows with short names; times are marked at the end of a step, as in NEST. */
function rowsOf(events: Events, quantities: readonly Quantity[], senders: readonly number[]): object[] {
  const place = new Map(senders.map((sender, at) => [sender, at]));
  return Array.from(events.times, (t, row) => ({
    t: shown(t, 7),
    ...(senders.length > 1 && { k: place.get(events.senders[row] as number) }),
    ...Object.fromEntries(
      quantities
        .filter(({ name }) => events.values[name] !== undefined)
        .map(({ name }) => [name, shown(events.values[name]?.[row])]),
    ),
  }));
}

interface Curves {
  readonly panels: Specification[];
  readonly rows: object[];
}

/** Panels of the quantities that a recorder holds, with the same axes before and after training. */
function curves(
  run: RunData,
  when: When,
  recorder: string,
  quantities: readonly Quantity[],
  all: boolean,
  last: boolean,
): Curves {
  const both = (["first", "last"] as const).map((at) => {
    const events = sequenceEvents(run, recorder, at);
    if (events === undefined) return undefined;
    const settled = eventsWhere(events, (time) => time > onset * run.summary.timing.resolution);
    return all ? settled : eventsOf(settled, settled.senders[0] as number);
  });
  const events = both[when === "first" ? 0 : 1];
  if (events === undefined) return { panels: [], rows: [] };
  const senders = [...new Set(events.senders)].toSorted((a, b) => a - b);
  const held = quantities.filter(({ name }) => events.values[name] !== undefined);
  const panels = held.map((quantity, at) =>
    curvesPanel(
      quantity,
      { rows: recorder, senders, label: "readout k" },
      extent(...both.map((each) => each?.values[quantity.name] ?? [])) ?? [0, 1],
      last && at + 1 === held.length,
    ),
  );
  return { panels, rows: rowsOf(events, held, senders) };
}

/** Spikes and dynamic variables of one sequence, before or after training. */
export function dynamicsFigure(run: RunData, when: When): Figure | undefined {
  const { network } = run.summary;
  const inputs = { first: 1, size: network.inputs };
  const panels = spikesPanel(run, when, "spikes_in", inputs, {
    symbol: "zᵢ",
    text: "input spikes",
    neuron: "input i",
  });
  const datasets: Record<string, object[]> = {};
  const populations = recurrentPopulations(run);
  for (const population of populations) {
    const labels = { symbol: "zⱼ", text: `spikes of ${population.name}`, neuron: "neuron j" };
    panels.push(...spikesPanel(run, when, "spikes_rec", population, labels));
    const { recorder } = population;
    const of = curves(run, when, recorder, recurrentQuantities, false, false);
    if (of.panels.length === 0) continue;
    panels.push(...of.panels);
    datasets[recorder] = of.rows;
  }
  const readouts = curves(run, when, "readouts", readoutQuantities(run), true, true);
  if (readouts.panels.length === 0) return undefined;
  panels.push(...readouts.panels);
  datasets.readouts = readouts.rows;
  const several = network.readouts > 1 ? " Readouts: k = 0 blue and solid, k = 1 orange and dashed." : "";
  return {
    name: `dynamics-${when === "first" ? "before" : "after"}`,
    title: `Dynamic variables ${when === "first" ? "before" : "after"} training`,
    caption:
      `Spikes and variables in one sequence of the ${when} iteration; of each population, the first neuron.` +
      (network.readouts <= 2
        ? several
        : " Of many readouts, the report says under the pointer which one it is."),
    specification: {
      params: zoomRange(0, sequenceDuration(run)),
      datasets,
      ...stacked(panels),
    },
  };
}
