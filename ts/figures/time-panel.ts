import { type Specification, axis, heading, plotWidth, zoomedAxis } from "./figure.js";

/** A panel over time. */
export interface TimePanel {
  /** What it shows: symbol with unit, and meaning. */
  readonly symbol: string;
  readonly text: string;
  /** Pixels. */
  readonly height: number;
  readonly data: Specification;
  readonly mark: Specification;
  /** Field of the time (ms), what its axis is called, and the axis; `bottom` of the panel that has its labels. */
  readonly x?: {
    readonly field?: string;
    readonly title?: string;
    readonly bottom?: boolean;
    readonly axis?: Specification;
  };
  /** Field along the vertical axis, with scale and axis. */
  readonly y: Specification & { readonly field: string };
  /** Further encodings. */
  readonly encoding?: Specification;
  readonly transform?: readonly Specification[];
}

/** A panel of a figure whose panels are {@link stacked} over one axis of time. */
export function timePanel(panel: TimePanel): Specification {
  const { symbol, text, height, data, mark, transform, encoding } = panel;
  const { field = "t", title = "t (ms)", bottom = false, axis: ofTime } = panel.x ?? {};
  const { field: vertical, ...y } = panel.y;
  return {
    width: plotWidth,
    height,
    title: heading(symbol, text),
    data,
    ...(transform && { transform }),
    mark: { clip: true, ...mark },
    encoding: {
      x: zoomedAxis(field, title, bottom, ofTime && { axis: ofTime }),
      y: axis(vertical, "", y),
      ...encoding,
    },
  };
}

/** Labels of a vertical axis with room for five letters: numbers that would be longer as powers of ten. */
export function shortLabels([low, high]: readonly [number, number]): Specification {
  return Math.max(Math.abs(low), Math.abs(high)) >= 0.01
    ? {}
    : { labelExpr: "datum.value === 0 ? '0' : format(datum.value, '~e')" };
}
