import { type Figure, type Specification, extent, lineLegend, shown, stacked, zoomRange } from "./figure.js";
import { rasterOf, rasterPanel } from "./raster.js";
import {
  type Events,
  type Population,
  type RunData,
  type When,
  eventsWhere,
  onset,
  recurrentPopulations,
  sequenceDuration,
  sequenceEvents,
} from "./run-data.js";
import { hues } from "./theme.js";
import { shortLabels, timePanel } from "./time-panel.js";
import { lossOf } from "../nest/losses.js";

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
  return lossOf(summary.loss_function).isShared ? "π" : "y";
}

/** The quantities of a population's first neuron; where there are several, with its name. */
function quantitiesOf({ name }: Population, isOnly: boolean): readonly Quantity[] {
  if (isOnly) return recurrentQuantities;
  return recurrentQuantities.map((of) => ({ ...of, text: `${of.text}, first of the ${name}` }));
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

const dashes = [
  [1, 0],
  [5, 2.5],
  [1.5, 2],
  [6, 2, 1.5, 2],
];

/**
 * What tells readouts apart: colour and dashes. Few differ in both; of many, each hue is there several times, with other
 * dashes.
 */
function readoutEncoding(count: number, legend: boolean): Specification {
  const domain = Array.from({ length: count }, (_, k) => k);
  const few = count <= dashes.length;
  const dash = (k: number) => dashes[(few ? k : Math.floor(k / hues)) % dashes.length];
  const field = {
    field: "k",
    type: "nominal",
    title: "k",
    legend: legend ? { columns: Math.min(count, hues), titleOrient: "left", ...lineLegend } : null,
  } as const;
  return {
    color: { ...field, scale: { domain, range: few ? "category" : "ordinal" } },
    strokeDash: { ...field, scale: { domain, range: domain.map(dash) } },
  };
}

/** Curves of a quantity; with several senders, one each, told apart by colour and dashes. */
function curvesPanel(
  { name, symbol, text }: Quantity,
  data: { rows: string; senders: readonly number[]; label: string },
  domain: readonly [number, number],
  place: { first: boolean; bottom: boolean },
): Specification {
  const several = data.senders.length > 1;
  return timePanel({
    symbol,
    text,
    height: heights.curves,
    data: { name: data.rows },
    mark: { type: "line" },
    x: { bottom: place.bottom },
    y: {
      field: name,
      scale: { domain, nice: true, zero: false },
      axis: { tickCount: 3, ...shortLabels(domain) },
    },
    encoding: {
      ...(several && readoutEncoding(data.senders.length, place.first)),
      tooltip: [
        { field: "t", title: "t (ms)" },
        { field: name, title: symbol },
        ...(several ? [{ field: "k", title: data.label }] : []),
      ],
    },
  });
}

/** A recorder's events as rows with short names; times are marked at the end of a step, as in NEST. */
function rowsOf(events: Events, quantities: readonly Quantity[], senders: readonly number[]): object[] {
  const place = new Map(senders.map((sender, at) => [sender, at]));
  const columns = quantities.map(({ name }) => [name, events.values[name]] as const);
  return Array.from(events.times, (t, row) => {
    const values: Record<string, number | null | undefined> = { t: shown(t, 7) };
    if (senders.length > 1) values.k = place.get(events.senders[row] as number);
    for (const [name, column] of columns) values[name] = shown(column?.[row]);
    return values;
  });
}

/** What a recorder saw before and after training, and what of it is drawn. */
interface Recording {
  readonly recorder: string;
  readonly events: Readonly<Record<When, Events | undefined>>;
  readonly quantities: readonly (Quantity & { readonly domain: readonly [number, number] })[];
}

/** The quantities that a recorder holds of its first or of all senders, with the same axes before and after training. */
function recordingOf(
  run: RunData,
  recorder: string,
  quantities: readonly Quantity[],
  all: boolean,
): Recording {
  const from = onset[all ? "readouts" : "neurons"] * run.summary.timing.resolution;
  const eventsAt = (when: When) => {
    const events = sequenceEvents(run, recorder, when);
    const sender = events?.senders[0];
    return events && eventsWhere(events, (time, of) => time > from && (all || of === sender));
  };
  const events = { first: eventsAt("first"), last: eventsAt("last") };
  const columns = (name: string) => [events.first, events.last].flatMap((each) => each?.values[name] ?? []);
  const held = quantities.filter(({ name }) => columns(name).length > 0);
  return {
    recorder,
    events,
    quantities: held.map((quantity) => ({
      ...quantity,
      domain: extent(...columns(quantity.name)) ?? [0, 1],
    })),
  };
}

/** Panels with a recorder's curves, and their rows; no panels where it saw nothing. */
function curves({ recorder, events, quantities }: Recording, when: When, last: boolean) {
  const shownEvents = events[when];
  if (shownEvents === undefined) return { panels: [], rows: [] };
  const senders = [...new Set(shownEvents.senders)].toSorted((a, b) => a - b);
  const panels = quantities.map((quantity, at) =>
    curvesPanel(quantity, { rows: recorder, senders, label: "readout k" }, quantity.domain, {
      first: at === 0,
      bottom: last && at + 1 === quantities.length,
    }),
  );
  return { panels, rows: rowsOf(shownEvents, quantities, senders) };
}

/** Spikes and dynamic variables of one sequence before and of one after training. */
export function dynamicsFigures(run: RunData): Figure[] {
  const { network } = run.summary;
  const inputs = { first: 1, size: network.inputs };
  const populations = recurrentPopulations(run).map((population) => ({
    population,
    recording: recordingOf(
      run,
      population.recorder,
      quantitiesOf(population, network.recurrent.length === 1),
      false,
    ),
  }));
  const readouts = recordingOf(run, "readouts", readoutQuantities(run), true);
  return (["first", "last"] as const).flatMap((when) => {
    const ofReadouts = curves(readouts, when, true);
    if (ofReadouts.panels.length === 0) return [];
    const ofPopulations = populations.map(({ population, recording }) => {
      const labels = { symbol: "zⱼ", text: `spikes of ${population.name}`, neuron: "neuron j" };
      const { panels, rows } = curves(recording, when, false);
      const spikes = spikesPanel(run, when, "spikes_rec", population, labels);
      return { panels: [...spikes, ...panels], rows, recorder: population.recorder };
    });
    const ofInputs = spikesPanel(run, when, "spikes_in", inputs, {
      symbol: "zᵢ",
      text: "input spikes",
      neuron: "input i",
    });
    const panels = [...ofInputs, ...ofPopulations.flatMap((each) => each.panels), ...ofReadouts.panels];
    const time = when === "first" ? "before" : "after";
    return [
      {
        name: `dynamics-${time}`,
        title: `Dynamic variables ${time} training`,
        caption:
          `Spikes and variables in one sequence of the ${when} iteration; of each population, the first neuron` +
          (network.readouts > 1 ? "; of the readouts, all." : "."),
        specification: {
          params: zoomRange(0, sequenceDuration(run)),
          datasets: {
            ...Object.fromEntries(ofPopulations.map(({ recorder, rows }) => [recorder, rows])),
            readouts: ofReadouts.rows,
          },
          ...stacked(panels, { resolve: { scale: { color: "independent", strokeDash: "independent" } } }),
        },
      },
    ];
  });
}
