/** A Vega-Lite specification. */
export type Specification = Readonly<Record<string, unknown>>;

/** A figure: its place in a report and what it shows. */
export interface Figure {
  readonly name: string;
  readonly title: string;
  /** What one sees, in a sentence. */
  readonly caption: string;
  readonly specification: Specification;
}

/** Width of a panel (pixels). */
export const panelWidth = 380;

/** An encoding of a number along an axis. */
export function axis(field: string, title: string, more: Specification = {}): Specification {
  return { field, type: "quantitative", title, ...more };
}
