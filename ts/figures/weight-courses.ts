import { type Figure, extent, shown, stacked, zoomRange } from "./figure.js";
import { type RunData, namedProjections, sequenceDuration } from "./run-data.js";
import { timePanel } from "./time-panel.js";

/** Plastic projections with NEST's symbols. */
const poolProjections = [
  { name: "in_rec", symbol: "W_in (pA)", text: "input to recurrent neurons" },
  { name: "rec_rec", symbol: "W_rec (pA)", text: "among recurrent neurons" },
  { name: "rec_out", symbol: "W_out (pA)", text: "recurrent neurons to readouts" },
] as const;

/** How weights of a few synapses change over the training, beginning with their initial values. */
export function weightCoursesFigure(run: RunData): Figure | undefined {
  const projections = namedProjections(run)?.map(({ name, from, to }) => ({
    name,
    symbol: "W (pA)",
    text: `${from} to ${to}`,
  }));
  const recorded = (projections ?? poolProjections).flatMap((projection) => {
    const column = (name: string) => run.events[`weights_${projection.name}.${name}`]?.data;
    const [times, senders, targets, weights] = ["times", "senders", "targets", "weights"].map(column);
    if (times === undefined || senders === undefined || targets === undefined || weights === undefined)
      return [];
    return [{ ...projection, times, senders, targets, weights }];
  });
  const domain = extent(...recorded.map(({ weights }) => weights));
  if (domain === undefined) return undefined;
  const { summary } = run;
  const iteration = sequenceDuration(run) * summary.timing.batchSize;
  const panels = recorded.map(({ symbol, text, times, senders, targets, weights }, at) =>
    timePanel({
      symbol,
      text,
      height: 95,
      data: {
        values: Array.from(times, (t, row) => ({
          iteration: shown(t / iteration, 6),
          w: shown(weights[row]),
          synapse: `${senders[row]}→${targets[row]}`,
        })),
      },
      mark: { type: "line", interpolate: "step-after", style: "course" },
      x: {
        field: "iteration",
        title: "iteration",
        bottom: at + 1 === recorded.length,
        axis: { format: ",~r" },
      },
      y: { field: "w", scale: { domain, zero: false }, axis: { tickCount: 4 } },
      encoding: {
        detail: { field: "synapse" },
        tooltip: [
          { field: "synapse", title: "synapse (node ids)" },
          { field: "iteration", title: "iterations" },
          { field: "w", title: "weight (pA)" },
        ],
      },
    }),
  );
  const [count] = recorded.map(({ times }) => times.findIndex((time) => time > 0));
  return {
    name: "weight-courses",
    title: "Weight time courses",
    caption: `Weights of up to ${count} synapses of each projection by the iterations that they have learned from, beginning with their initial values; all panels have the same axis.`,
    specification: { params: zoomRange(0, summary.loss.length), ...stacked(panels) },
  };
}
