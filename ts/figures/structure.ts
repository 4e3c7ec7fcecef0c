import { type Figure, extent, lineLegend, shown, stacked, zoomRange } from "./figure.js";
import { type RunData, sequenceDuration } from "./run-data.js";
import { timePanel } from "./time-panel.js";

/** Dashes of projections. */
const dashes = [
  [1, 0],
  [8, 4],
  [1.5, 3],
  [8, 3, 2, 3],
];

/** Connections of each projection that is rewired or pruned, over the training. */
export function structureFigure(run: RunData): Figure | undefined {
  const { summary, events } = run;
  const iteration = sequenceDuration(run) * summary.timing.batchSize;
  const rows = Object.keys(events)
    .filter((name) => name.startsWith("structure_") && name.endsWith(".times"))
    .flatMap((name) => {
      const recorder = name.slice(0, -".times".length);
      const column = (of: string): ArrayLike<number> => events[`${recorder}.${of}`]?.data ?? [];
      const [times, counts, replaced] = [column("times"), column("connections"), column("replaced")];
      const projection = recorder.slice("structure_".length);
      return Array.from(times, (time, row) => {
        const count = counts[row] as number;
        const since = (time - (times[row - 1] ?? time)) / iteration;
        return {
          projection,
          iteration: shown(time / iteration, 6),
          connections: count,
          share: shown((100 * count) / (counts[0] as number)),
          replaced: since > 0 && count > 0 ? shown((100 * (replaced[row] as number)) / count / since) : null,
        };
      });
    });
  if (rows.length === 0) return undefined;
  const domain = [...new Set(rows.map(({ projection }) => projection))];
  const byProjection = { field: "projection", type: "nominal", title: null, legend: lineLegend } as const;
  const encoding = {
    color: { ...byProjection, scale: { domain } },
    strokeDash: {
      ...byProjection,
      scale: { domain, range: domain.map((_, at) => dashes[at % dashes.length]) },
    },
    tooltip: [
      { field: "projection", title: "projection" },
      { field: "iteration", title: "iterations" },
      { field: "connections", title: "connections" },
      { field: "replaced", title: "replaced per iteration (%)" },
    ],
  } as const;
  // Where connections are pruned alone, none is new.
  const replaces = rows.some(({ replaced }) => (replaced ?? 0) > 0);
  const panel = (field: "share" | "replaced", text: string, bottom: boolean) =>
    timePanel({
      symbol: "",
      text,
      height: 95,
      data: { values: rows.filter((row) => row[field] !== null) },
      mark: { type: "line", interpolate: field === "share" ? "step-after" : "step-before", strokeWidth: 1.4 },
      x: { field: "iteration", title: "iteration", bottom, axis: { format: ",~r" } },
      y: {
        field,
        scale: { domain: [0, extent(rows.map((row) => row[field] ?? 0))?.[1] ?? 1], zero: true },
        axis: { tickCount: 4 },
      },
      encoding,
    });
  return {
    name: "structure",
    title: "Connections",
    caption:
      "Connections of each projection that is rewired or pruned, relative to those that it began with" +
      (replaces
        ? ", and the share of them that is new since the snapshot before, per iteration."
        : "; none was replaced."),
    specification: {
      params: zoomRange(0, summary.loss.length),
      ...stacked([
        panel("share", "connections (% of those at first)", !replaces),
        ...(replaces ? [panel("replaced", "connections replaced per iteration (%)", true)] : []),
      ]),
    },
  };
}
