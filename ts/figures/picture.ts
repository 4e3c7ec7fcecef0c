import { addTo } from "../core/lists.js";
import { type Specification, plotWidth } from "./figure.js";
import type { SpikeMark } from "./raster.js";
import { thinnedCurve } from "./thinned-curve.js";

/** How far a curve in a picture may be from its points (pixels of the figure). */
const tolerance = 0.1;

type Row = Readonly<Record<string, unknown>>;

interface Encoding {
  readonly field?: string;
  readonly scale?: { readonly domain?: readonly unknown[] };
}

/** What a panel draws, as far as pictures draw it otherwise. */
interface Panel {
  readonly mark?: { readonly type: string; readonly style?: string; readonly interpolate?: string };
  readonly encoding?: Readonly<Record<string, Encoding | undefined>>;
  readonly data?: { readonly name?: string; readonly values?: readonly Row[] };
  readonly height?: number;
}

/** Straight lines with the points alone that they need. */
function thinnedLines(panel: Panel, rows: readonly Row[]): Specification {
  const { encoding = {}, height = 1 } = panel;
  const [x, y, series] = [encoding.x?.field, encoding.y?.field, encoding.color?.field];
  const [low, high] = encoding.y?.scale?.domain ?? [];
  if (x === undefined || y === undefined || typeof low !== "number" || typeof high !== "number")
    return { ...panel };
  const most = (tolerance / height) * (high - low);
  const place = (row: Row) => [row[x] as number, row[y] as number | null] as const;
  const curves = new Map<unknown, Row[]>();
  for (const row of rows) {
    addTo(curves, series && row[series], row);
  }
  const kept = [...curves.values()].flatMap((curve) => thinnedCurve(curve, place, most));
  const values = kept.map((row) => ({ [x]: row[x], [y]: row[y], ...(series && { [series]: row[series] }) }));
  return { ...panel, data: { values } };
}

/** A raster whose spikes are one mark. */
function joinedSpikes(
  panel: Panel,
  rows: readonly Row[],
  [from, to]: readonly [number, number],
): Specification {
  const { mark, encoding = {}, height = 1 } = panel;
  const [, rowsEnd] = (encoding.y?.scale?.domain ?? []) as readonly number[];
  const { height: tall = 1 } = mark as { height?: number };
  const along = (time: number) => ((time - from) / (to - from)) * plotWidth;
  const path = (rows as unknown as readonly SpikeMark[]).map((spike) => {
    const [left, right] = [along(spike.from), along(spike.to)];
    const top = -(spike.neuron / (rowsEnd as number)) * height - tall / 2;
    const begin = `M${left.toFixed(2)},${top.toFixed(2)}v${tall.toFixed(2)}`;
    return left === right ? begin : `${begin}h${(right - left).toFixed(2)}v${(-tall).toFixed(2)}z`;
  });
  const { tooltip: _, x2: __, ...axes } = encoding;
  return {
    ...panel,
    data: { values: [{ from, neuron: 0 }] },
    // Symbols of this size are as large as their paths say.
    mark: {
      type: "point",
      style: mark?.style,
      shape: path.join(""),
      size: 4,
      filled: true,
      opacity: 1,
      clip: true,
    },
    encoding: axes,
  };
}

/**
 * A figure as a picture draws it, which nobody zooms into or points at: what cannot be seen is left out, so that it is
 * made in a fraction of the time.
 */
export function pictured(specification: Specification): Specification {
  const { datasets = {}, ...figure } = specification as {
    datasets?: Readonly<Record<string, readonly Row[]>>;
    vconcat?: readonly Specification[];
    params?: readonly { name: string; value: number }[];
  };
  const { vconcat, params = [] } = figure;
  if (vconcat === undefined) return specification;
  const [from = 0, to = 1] = ["from", "to"].map((name) => params.find((of) => of.name === name)?.value);
  const panels = vconcat.map((panel: Panel) => {
    const rows = panel.data?.values ?? datasets[panel.data?.name ?? ""] ?? [];
    if (panel.mark?.style === "spikes") return joinedSpikes(panel, rows, [from, to]);
    const straight = panel.mark?.type === "line" && panel.mark.interpolate === undefined;
    return straight ? thinnedLines(panel, rows) : panel;
  });
  return { ...figure, vconcat: panels };
}
