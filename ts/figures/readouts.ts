import {
  type Figure,
  type Specification,
  extent,
  lineLegend,
  shown,
  stacked,
  subscript,
  zoomRange,
} from "./figure.js";
import { readoutSymbol } from "./dynamics.js";
import {
  type Events,
  type RunData,
  type When,
  eventsOf,
  eventsWhere,
  onset,
  sequenceDuration,
  sequenceEvents,
} from "./run-data.js";
import { shortLabels, timePanel } from "./time-panel.js";

/** Readouts that have a panel each. */
const most = 6;

/** Height of all panels together (pixels). */
const height = 230;

const dashes = {
  target: [5, 3],
  after: [1, 0],
  before: [1.5, 2.5],
} as const;

interface Curve {
  readonly of: string;
  readonly dash: readonly number[];
}

/** Colour and dashes of curves by name. */
function curveEncoding(curves: readonly Curve[]): Specification {
  const of = { field: "of", type: "nominal", title: null, legend: lineLegend } as const;
  const domain = curves.map((curve) => curve.of);
  return {
    color: { ...of, scale: { domain } },
    strokeDash: { ...of, scale: { domain, range: curves.map(({ dash }) => dash) } },
  };
}

/** What a readout's recorder saw of a sequence, when that is of the sequence. */
function recorded(run: RunData, when: When): Events | undefined {
  const from = onset.readouts * run.summary.timing.resolution;
  const events = sequenceEvents(run, "readouts", when);
  return events && eventsWhere(events, (time) => time > from);
}

const sendersOf = (events: Events) => [...new Set(events.senders)].toSorted((a, b) => a - b);

/** A panel for each readout: its signal before and after training, over its target. */
function regressionPanels(run: RunData): Specification[] {
  const [first, last] = [recorded(run, "first"), recorded(run, "last")];
  if (first === undefined || last === undefined) return [];
  const curves: Curve[] = [
    { of: "after training", dash: dashes.after },
    { of: "target", dash: dashes.target },
    { of: "before training", dash: dashes.before },
  ];
  const senders = sendersOf(last).slice(0, most);
  return senders.map((sender, k) => {
    const rows = (events: Events, quantity: string, of: string) => {
      const { times, values } = eventsOf(events, sender);
      return Array.from(times, (t, row) => ({ t, of, y: shown(values[quantity]?.[row]) }));
    };
    const values = [
      ...rows(first, "readout_signal", "before training"),
      ...rows(last, "target_signal", "target"),
      ...rows(last, "readout_signal", "after training"),
    ];
    const domain = extent(values.map(({ y }) => y ?? Number.NaN)) ?? [0, 1];
    const symbol = senders.length > 1 ? `y${subscript(k)}` : "y";
    return timePanel({
      symbol,
      text: senders.length > 1 ? `readout ${k} and its target` : "readout and its target",
      height: Math.max(50, height / senders.length - 20 * (senders.length - 1)),
      data: { values },
      mark: { type: "line", strokeWidth: 1.5 },
      x: { bottom: k + 1 === senders.length },
      y: { field: "y", scale: { domain, zero: false }, axis: { tickCount: 4, ...shortLabels(domain) } },
      encoding: {
        ...curveEncoding(curves),
        tooltip: [
          { field: "of", title: "curve" },
          { field: "t", title: "t (ms)" },
          { field: "y", title: symbol },
        ],
      },
    });
  });
}

/** A panel before and one after training: the signals of all readouts, told apart by which is the right one. */
function classificationPanels(run: RunData): Specification[] {
  const { timing } = run.summary;
  const symbol = readoutSymbol(run);
  const window = (timing.steps - timing.learningWindow) * timing.resolution;
  const curves: Curve[] = [
    { of: "right class", dash: dashes.after },
    { of: "other classes", dash: dashes.before },
    { of: "its target", dash: dashes.target },
  ];
  const both = (["first", "last"] as const).map((when) => ({ when, events: recorded(run, when) }));
  const signals = both.flatMap(({ events }) => [
    ...(events?.values.readout_signal ?? []),
    ...(events?.values.target_signal?.filter((_, row) => (events.times[row] as number) > window) ?? []),
  ]);
  const domain = extent(signals) ?? [0, 1];
  return both.flatMap(({ when, events }) => {
    if (events === undefined) return [];
    const senders = sendersOf(events);
    const wanted = (sender: number) =>
      eventsOf(events, sender).values.target_signal?.reduce((sum, value) => sum + value, 0) ?? 0;
    const right = senders.reduce((best, sender) => (wanted(sender) > wanted(best) ? sender : best));
    const rows = senders.flatMap((sender, k) => {
      const { times, values } = eventsOf(events, sender);
      const curve = (of: string, quantity: string) =>
        Array.from(times, (t, row) => ({ t, k, of, y: shown(values[quantity]?.[row]) }));
      if (sender !== right) return curve("other classes", "readout_signal");
      const target = curve("its target", "target_signal");
      return [...curve("right class", "readout_signal"), ...target.filter(({ t }) => t > window)];
    });
    return [
      timePanel({
        symbol: `${symbol}ₖ`,
        text: `${when === "first" ? "before" : "after"} training; the right class is ${senders.indexOf(right)}`,
        height: height / 2 - 10,
        data: { values: rows },
        mark: { type: "line", strokeWidth: 1.5 },
        x: { bottom: when === "last" },
        y: { field: "y", scale: { domain, zero: false }, axis: { tickCount: 4, ...shortLabels(domain) } },
        encoding: {
          ...curveEncoding(curves),
          detail: { field: "k" },
          tooltip: [
            { field: "of", title: "curve" },
            { field: "k", title: "readout k" },
            { field: "t", title: "t (ms)" },
            { field: "y", title: `${symbol}ₖ` },
          ],
        },
      }),
    ];
  });
}

/** What the readouts say in one sequence, before and after training, over what they should. */
export function readoutsFigure(run: RunData): Figure | undefined {
  const { timing, results } = run.summary;
  const isRegression = results === undefined;
  const panels = isRegression ? regressionPanels(run) : classificationPanels(run);
  if (panels.length === 0) return undefined;
  // Of a short learning window, what precedes it is of less interest.
  const window = timing.learningWindow / timing.steps;
  const from = Math.max(0, 1 - 1.25 * window) * sequenceDuration(run);
  return {
    name: "readouts",
    title: isRegression ? "Readout and target" : "Readouts over time",
    caption: isRegression
      ? "Readouts in one sequence of the first and of the last iteration, over their targets."
      : "Readouts in one sequence of the first and of the last iteration; errors count where the target is drawn.",
    specification: {
      params: zoomRange(from, sequenceDuration(run)),
      ...stacked(panels),
    },
  };
}
