import { type Figure, type Specification, colourBar, plotWidth, shown } from "./figure.js";
import { readoutSymbol } from "./dynamics.js";
import { type RunData, type When, batchEvents, sequenceDuration } from "./run-data.js";

const gap = 14;
const width = (plotWidth - gap) / 2;

/** What the readouts said of a sequence, on average over its learning window. */
interface Decision {
  sequence: number;
  means: number[];
  target: number;
  chosen: number;
}

function largest(values: Float64Array): number {
  return values.reduce((best, value, at) => (value > (values[best] as number) ? at : best), 0);
}

/** The decisions of a batch, ordered by what they should be. */
function decisionsOf(run: RunData, when: When): Decision[] {
  const { timing, network } = run.summary;
  const events = batchEvents(run, "readouts", when);
  const { readout_signal, target_signal } = events?.values ?? {};
  if (events === undefined || readout_signal === undefined || target_signal === undefined) return [];
  const duration = sequenceDuration(run);
  const first = events.senders.reduce((least, sender) => Math.min(least, sender), Number.POSITIVE_INFINITY);
  const sums = Array.from({ length: timing.batchSize }, () => ({
    readout: new Float64Array(network.readouts),
    target: new Float64Array(network.readouts),
  }));
  events.times.forEach((time, row) => {
    const sequence = Math.ceil(time / duration - 1e-9) - 1;
    const step = (time - sequence * duration) / timing.resolution;
    const of = sums[sequence];
    if (of === undefined || step <= timing.steps - timing.learningWindow + 1e-6) return;
    const k = (events.senders[row] as number) - first;
    of.readout[k] = (of.readout[k] as number) + (readout_signal[row] as number);
    of.target[k] = (of.target[k] as number) + (target_signal[row] as number);
  });
  return sums
    .map(({ readout, target }) => ({
      means: Array.from(readout, (sum) => sum / timing.learningWindow),
      target: largest(target),
      chosen: largest(readout),
    }))
    .toSorted((a, b) => a.target - b.target)
    .map((decision, at) => ({ sequence: at + 1, ...decision }));
}

/** The axes that all layers of a panel have: readouts, and sequences, which are labelled left of the first panel. */
interface Axes {
  x: Specification;
  y: Specification;
}

/** The axes of a panel for the readouts and the batch of a run. */
function axesOf({ network, timing }: RunData["summary"], labelled: boolean): Axes {
  const x = {
    type: "ordinal",
    title: "readout k",
    axis: { labelAngle: 0, domain: false, ticks: false },
    scale: { domain: Array.from({ length: network.readouts }, (_, k) => k), padding: 0.02 },
    field: "k",
  };
  const y = {
    field: "sequence",
    type: "ordinal",
    title: labelled ? "sequence of the batch" : null,
    axis: labelled
      ? { values: [1, Math.round(timing.batchSize / 2), timing.batchSize], grid: false, labelFlush: 6 }
      : { labels: false, grid: false, minExtent: 0, maxExtent: 0 },
  };
  return { x, y };
}

/** The layer of what each readout said of each sequence, as colours. */
function meansLayer(decisions: readonly Decision[], { x, y }: Axes, symbol: string): Specification {
  return {
    data: {
      values: decisions.flatMap(({ sequence, means, target, chosen }) =>
        means.map((mean, k) => ({
          sequence,
          k,
          mean: shown(mean, 3),
          target,
          decision: target === chosen ? "right" : "wrong",
        })),
      ),
    },
    mark: { type: "rect" },
    encoding: {
      x,
      y,
      color: {
        field: "mean",
        type: "quantitative",
        title: `mean ${symbol}ₖ`,
        legend: colourBar,
      },
      tooltip: [
        { field: "sequence" },
        { field: "k", title: "readout k" },
        { field: "mean", title: `mean ${symbol}ₖ` },
        { field: "target" },
        { field: "decision" },
      ],
    },
  };
}

/** A layer of marks on readouts `k` of sequences. */
function marksLayer(values: object[], { x, y }: Axes, mark: Specification): Specification {
  return {
    data: { values },
    mark: { type: "point", filled: false, opacity: 1, ...mark },
    encoding: { x, y, shape: { value: mark["shape"] } },
  };
}

/** The panel of a batch: what the readouts said, what was right, and what was chosen where that was wrong. */
function panelOf(run: RunData, when: When, decisions: readonly Decision[], axes: Axes): Specification {
  const wrong = decisions.filter(({ target, chosen }) => target !== chosen);
  const right = decisions.length - wrong.length;
  return {
    width,
    height: Math.min(320, Math.max(120, 8 * run.summary.timing.batchSize)),
    title: {
      text: `${when === "first" ? "before" : "after"}: ${right} of ${decisions.length} right`,
      anchor: "start",
      frame: "group",
    },
    layer: [
      meansLayer(decisions, axes, readoutSymbol(run)),
      marksLayer(
        decisions.map(({ sequence, target }) => ({ sequence, k: target })),
        axes,
        { shape: "circle", size: 26, strokeWidth: 1.4, style: "decision" },
      ),
      marksLayer(
        wrong.map(({ sequence, chosen }) => ({ sequence, k: chosen })),
        axes,
        { shape: "M-1,-1L1,1M-1,1L1,-1", size: 34, strokeWidth: 2, style: "decision" },
      ),
    ],
  };
}

/** Decisions on the sequences of the first and of the last iteration. */
export function decisionsFigure(run: RunData): Figure | undefined {
  if (run.summary.results === undefined) return undefined;
  const panels = (["first", "last"] as const).flatMap((when, at) => {
    const decisions = decisionsOf(run, when);
    return decisions.length === 0 ? [] : [panelOf(run, when, decisions, axesOf(run.summary, at === 0))];
  });
  if (panels.length === 0) return undefined;
  return {
    name: "decisions",
    title: "Decisions",
    caption:
      "What the readouts say of each sequence of the first and of the last batch, averaged over the learning window. " +
      "A circle marks what is right, a cross what was chosen instead.",
    specification: { hconcat: panels, spacing: gap },
  };
}
