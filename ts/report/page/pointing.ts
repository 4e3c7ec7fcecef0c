import type { Panel } from "./vega.js";

/** What is nearest to the pointer: its place in the view, and what there is to say. */
export interface Hit {
  x: number;
  y: number;
  rows: [string, string][];
}

/** Marks farther from the pointer than this say nothing (pixels). */
const reach = 40;

interface Matrix {
  rows: number;
  columns: number;
  rowStep: number;
  columnStep: number;
  unit: number;
  weights: number[];
  labels: [string, string];
  begin: [number, number];
}

/** The weight of a matrix under the pointer. */
function weightAt(matrix: Matrix, panel: Panel, px: number, py: number): Hit | undefined {
  const column = Math.floor((px / panel.width) * matrix.columns);
  const row = matrix.rows - 1 - Math.floor((py / panel.height) * matrix.rows);
  const weight = matrix.weights[row * matrix.columns + column];
  if (weight === undefined || column < 0 || column >= matrix.columns) return undefined;
  return {
    x: panel.x + ((column + 0.5) / matrix.columns) * panel.width,
    y: panel.y + (1 - (row + 0.5) / matrix.rows) * panel.height,
    rows: [
      [matrix.labels[0], String(row * matrix.rowStep + matrix.begin[0])],
      [matrix.labels[1], String(column * matrix.columnStep + matrix.begin[1])],
      ["weight (pA)", (weight * matrix.unit).toPrecision(3)],
    ],
  };
}

/** How far a place is from a range. */
const outside = (place: number, from: number, to: number) => Math.max(from - place, 0, place - to);

/** What is nearest to a place of a panel. In a plot over time, time counts most. */
export function nearest(panel: Panel, px: number, py: number, plane: boolean): Hit | undefined {
  let best: Hit | undefined;
  let least = reach;
  for (const mark of panel.marks) {
    for (const item of mark.items) {
      const matrix = item.datum as unknown as Matrix | undefined;
      if (mark.marktype === "image" && matrix?.weights !== undefined) return weightAt(matrix, panel, px, py);
      if (item.tooltip === undefined || typeof item.tooltip !== "object") continue;
      const { x, y, width = 0, height = 0 } = item;
      const [dx, dy] = [outside(px, x, x + width), outside(py, y, y + height)];
      const line = mark.marktype === "line";
      const distance = line && !plane ? Math.hypot(dx, dy / 8) : Math.hypot(dx, dy);
      if (!(distance < least)) continue;
      least = distance;
      best = {
        x: panel.x + x + width / 2,
        y: panel.y + y + height / 2,
        rows: Object.entries(item.tooltip),
      };
    }
  }
  return best;
}
