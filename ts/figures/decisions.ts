import { type Figure, type Specification, labelWidth, plotWidth, shown } from "./figure.js";
import { readoutSymbol } from "./dynamics.js";
import { type RunData, type When, batchEvents, sequenceDuration } from "./run-data.js";

const gap = 14;

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

/** Decisions on the sequences of the first and of the last iteration. */
export function decisionsFigure(run: RunData): Figure | undefined {
  const { results, network, timing } = run.summary;
  if (results === undefined) return undefined;
  const symbol = readoutSymbol(run);
  const width = (plotWidth - gap) / 2;
  const height = Math.min(320, Math.max(120, 8 * timing.batchSize));
  const panel = (when: When, at: number): Specification[] => {
    const decisions = decisionsOf(run, when);
    if (decisions.length === 0) return [];
    const right = decisions.filter(({ target, chosen }) => target === chosen).length;
    const x = {
      type: "ordinal",
      title: "readout k",
      axis: { labelAngle: 0, domain: false, ticks: false },
      scale: { domain: Array.from({ length: network.readouts }, (_, k) => k), padding: 0.02 },
    };
    const y = {
      field: "sequence",
      type: "ordinal",
      title: at === 0 ? "sequence of the batch" : null,
      axis:
        at === 0
          ? { values: [1, Math.round(timing.batchSize / 2), timing.batchSize], grid: false, labelFlush: 6 }
          : { labels: false, grid: false, minExtent: 0, maxExtent: 0 },
    };
    const marks = (values: object[], mark: Specification) => ({
      data: { values },
      mark: { type: "point", filled: false, opacity: 1, ...mark },
      encoding: { x: { ...x, field: "k" }, y, shape: { value: mark.shape } },
    });
    return [
      {
        width,
        height,
        title: {
          text: `${when === "first" ? "before" : "after"}: ${right} of ${decisions.length} right`,
          anchor: "start",
          frame: "group",
        },
        layer: [
          {
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
              x: { ...x, field: "k" },
              y,
              color: {
                field: "mean",
                type: "quantitative",
                title: `mean ${symbol}ₖ`,
                legend: {
                  orient: "bottom",
                  direction: "horizontal",
                  gradientLength: 0.7 * plotWidth,
                  gradientThickness: 11,
                  titleOrient: "left",
                  tickCount: 5,
                  offset: labelWidth / 4,
                },
              },
              tooltip: [
                { field: "sequence" },
                { field: "k", title: "readout k" },
                { field: "mean", title: `mean ${symbol}ₖ` },
                { field: "target" },
                { field: "decision" },
              ],
            },
          },
          marks(
            decisions.map(({ sequence, target }) => ({ sequence, k: target })),
            { shape: "circle", size: 26, strokeWidth: 1.4, style: "decision" },
          ),
          marks(
            decisions
              .filter(({ target, chosen }) => target !== chosen)
              .map(({ sequence, chosen }) => ({ sequence, k: chosen })),
            { shape: "M-1,-1L1,1M-1,1L1,-1", size: 34, strokeWidth: 2, style: "decision" },
          ),
        ],
      },
    ];
  };
  const panels = (["first", "last"] as const).flatMap(panel);
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
