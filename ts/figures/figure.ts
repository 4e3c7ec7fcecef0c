import { rounded } from "../core/rounding.js";

/** A Vega-Lite specification, or a part of one. */
export type Specification = Readonly<Record<string, unknown>>;

/** A figure: its place in a report and what it shows. */
export interface Figure {
  readonly name: string;
  readonly title: string;
  /** What one sees, in a sentence or two. */
  readonly caption: string;
  readonly specification: Specification;
}

/** Width of a panel's plot (pixels); with its labels it fits a narrow screen. */
export const plotWidth = 340;

/** Room for the labels left of a plot, the same in all panels (pixels). */
export const labelWidth = 40;

/** An encoding of a number along an axis. */
export function axis(field: string, title: string, more: Specification = {}): Specification {
  return { field, type: "quantitative", title: title === "" ? null : title, ...more };
}

/**
 * A horizontal axis whose range the parameters `from` and `to` of the figure set, so that all panels zoom together.
 *
 * @param bottom Whether the axis has labels.
 */
export function zoomedAxis(
  field: string,
  title: string,
  bottom: boolean,
  more: Specification = {},
): Specification {
  const scale = { domain: [{ expr: "from" }, { expr: "to" }], nice: false, zero: false };
  return axis(field, bottom ? title : "", {
    scale,
    axis: { labels: bottom, tickCount: 6, ...(more.axis as object) },
  });
}

/** The parameters of {@link zoomedAxis}. */
export function zoomRange(from: number, to: number): Specification[] {
  return [
    { name: "from", value: from },
    { name: "to", value: to },
  ];
}

/** What a panel shows, above it: its symbol and its meaning. */
export function heading(symbol: string, text: string): Specification {
  return { text: symbol === "" ? text : `${symbol}\u2003${text}`, anchor: "start", frame: "bounds" };
}

/** A number as an index. */
export function subscript(index: number): string {
  return String(index).replace(/\d/g, (digit) => "₀₁₂₃₄₅₆₇₈₉"[Number(digit)] ?? digit);
}

/** What a legend of lines looks like: as long as dashes need to be told apart. */
export const lineLegend: Specification = { symbolType: "stroke", symbolSize: 300 };

/** A bar of colours below a panel, its title at the left. */
export const colourBar = {
  orient: "bottom",
  direction: "horizontal",
  gradientLength: 0.7 * plotWidth,
  gradientThickness: 11,
  titleOrient: "left",
  tickCount: 5,
  offset: labelWidth / 4,
} as const;

/** Panels one below the other. */
export function stacked(panels: readonly Specification[], more: Specification = {}): Specification {
  return { vconcat: panels, spacing: 8, ...more };
}

/** A number with as many digits as a figure shows. */
export function shown(value: number | undefined, digits = 4): number | null {
  return value === undefined || !Number.isFinite(value) ? null : rounded(value, digits);
}

/** The smallest and the largest of finite numbers, a little apart; undefined where there are none. */
export function extent(...lists: readonly ArrayLike<number>[]): [number, number] | undefined {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const list of lists) {
    for (let at = 0; at < list.length; at++) {
      const value = list[at] as number;
      if (!Number.isFinite(value)) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }
  if (low > high) return undefined;
  const room = high > low ? (high - low) / 25 : Math.max(Math.abs(low) / 10, 0.1);
  return [low - room, high + room];
}
