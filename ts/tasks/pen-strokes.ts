import { nestError } from "../core/errors.js";
import { systemWords } from "../files/file-errors.js";

// An import of node:fs would load all of Node's streams with it, whoever imports eprop.
const { readFileSync } = process.getBuiltinModule("node:fs");

/** Pen offsets: how far the pen moves from one point to the next. */
export interface PenOffsets {
  x: Float64Array;
  y: Float64Array;
}

/** Largest number of points that a drawing may have. */
const maxPoints = 100_000;

/** Corners of the word "eprop" in one stroke: x and y in turn, the height of an "e" is 1. */
// prettier-ignore
const word = [
  // e
  -0.30, 0.05, 0.10, 0.25, 0.45, 0.60, 0.42, 0.92, 0.18, 0.95, 0.02, 0.60, 0.10, 0.15, 0.40, 0.00, 0.75, 0.25,
  // p
  1.00, 0.70, 1.12, 1.00, 1.08, 0.30, 1.02, -0.50, 0.98, -1.00, 1.06, -0.40, 1.14, 0.40, 1.30, 0.88, 1.58, 0.90,
  1.70, 0.55, 1.58, 0.12, 1.32, 0.02, 1.20, 0.14, 1.45, 0.00, 1.85, 0.20,
  // r
  2.08, 0.65, 2.16, 1.05, 2.24, 0.90, 2.44, 0.86, 2.56, 0.78, 2.52, 0.35, 2.62, 0.05, 2.84, 0.12,
  // o
  3.10, 0.60, 3.32, 0.92, 3.08, 0.90, 2.98, 0.50, 3.10, 0.08, 3.36, 0.02, 3.56, 0.35, 3.50, 0.75, 3.30, 0.94,
  3.52, 0.80, 3.85, 0.84,
  // p
  4.04, 1.00, 4.02, 0.30, 3.96, -0.50, 3.92, -1.00, 4.00, -0.40, 4.08, 0.40, 4.24, 0.88, 4.52, 0.90, 4.64, 0.55,
  4.52, 0.12, 4.26, 0.02, 4.14, 0.14, 4.40, 0.00, 4.90, 0.30,
];

/** A point of the Catmull-Rom spline between the second and the third of four values. */
function spline(a: number, b: number, c: number, d: number, t: number): number {
  return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)));
}

/** What the project's own drawing is called where a run says what it learned. */
export const ownDrawing = "eprop";

/** The project's own drawing: the word "eprop", in one stroke of 228 points. */
export function drawnWord(): PenOffsets {
  const points = 228;
  const corners = word.length / 2;
  const corner = (at: number, axis: 0 | 1) =>
    word[2 * Math.min(Math.max(at, 0), corners - 1) + axis] as number;
  const along = (axis: 0 | 1) => {
    const positions = Float64Array.from({ length: points }, (_, point) => {
      const place = (point / (points - 1)) * (corners - 1);
      const at = Math.min(Math.floor(place), corners - 2);
      return spline(
        corner(at - 1, axis),
        corner(at, axis),
        corner(at + 1, axis),
        corner(at + 2, axis),
        place - at,
      );
    });
    return positions.map(
      (position, point) => position - (point === 0 ? 0 : (positions[point - 1] as number)),
    );
  };
  return { x: along(0), y: along(1) };
}

/**
 * Pen offsets from a text file: two columns of numbers, to the right and, as on screens, down.
 *
 * @throws {@link NESTError} that names the file and line that cannot be read.
 */
export function readPenOffsets(file: string): PenOffsets {
  const refuse = (message: string, value: string | undefined, bound: string): never => {
    throw nestError({
      code: "ValueError",
      message: `${file}: ${message}`,
      parameter: "data",
      ...(value !== undefined && { value }),
      bound,
    });
  };
  let text = "";
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    refuse(`cannot be read: ${systemWords(error as Error)}`, file, "a text file of pen offsets");
  }
  const x: number[] = [];
  const y: number[] = [];
  text.split(/\r?\n/).forEach((line, at) => {
    const content = line.replace(/#.*/, "").trim();
    if (content === "") return;
    const fields = content.split(/[\s,;]+/);
    const numbers = fields.map(Number);
    if (fields.length !== 2 || !numbers.every(Number.isFinite)) {
      refuse(`line ${at + 1} is not a pen offset`, content.slice(0, 60), "two finite numbers");
    }
    if (x.length >= maxPoints)
      refuse("has too many points", `more than ${maxPoints}`, `at most ${maxPoints}`);
    x.push(numbers[0] as number);
    y.push(numbers[1] as number);
  });
  if (x.length < 2) refuse("has too few points", String(x.length), "at least 2");
  return { x: Float64Array.from(x), y: Float64Array.from(y) };
}
