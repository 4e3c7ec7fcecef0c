/** A part of a specification. */
export type Json = Record<string, unknown>;

/** What Vega draws: groups hold marks, marks hold items. */
export interface Item {
  /** Undefined of groups that only hold. */
  x: number;
  y: number;
  width?: number;
  height?: number;
  tooltip?: Record<string, string>;
  datum?: Json;
  items?: Mark[];
}
export interface Mark {
  marktype: string;
  role?: string;
  items: Item[];
}
export interface View {
  initialize(element: Element): View;
  runAsync(): Promise<View>;
  signal(name: string): unknown;
  signal(name: string, value: unknown): View;
  scenegraph(): { root: Mark };
  origin(): [number, number];
  padding(): { left: number; top: number };
  background(colour: string): View;
  toSVG(): Promise<string>;
  finalize(): void;
}
declare global {
  const vega: {
    View: new (runtime: unknown, options: Json) => View;
    parse(specification: unknown): unknown;
  };
  const vegaLite: { compile(specification: unknown): { spec: unknown } };
}

/** A plot under the pointer: where it is in the view, and its marks. */
export interface Panel {
  x: number;
  y: number;
  width: number;
  height: number;
  marks: Mark[];
}

const guides = /^(axis|legend|title)/;

/** All plots of a view. */
export function panelsOf(view: View): Panel[] {
  const panels: Panel[] = [];
  const visit = (mark: Mark, x: number, y: number, panel: Panel | undefined): void => {
    if (guides.test(mark.role ?? "")) return;
    if (mark.marktype !== "group") {
      panel?.marks.push(mark);
      return;
    }
    for (const group of mark.items) {
      const [left, top] = [x + (group.x || 0), y + (group.y || 0)];
      const { width = 0, height = 0 } = group;
      // Lines in several colours are in groups of their own, which have no place.
      const inside = panel !== undefined && group.x === undefined;
      const own = inside ? panel : { x: left, y: top, width, height, marks: [] };
      if (!inside) panels.push(own);
      for (const child of group.items ?? []) visit(child, left, top, own);
    }
  };
  const [x, y] = view.origin();
  const { left, top } = view.padding();
  visit(view.scenegraph().root, x + left, y + top, undefined);
  return panels.filter(({ marks }) => marks.length > 0);
}
