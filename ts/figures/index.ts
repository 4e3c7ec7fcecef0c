import { dynamicsFigure } from "./dynamics.js";
import type { Figure } from "./figure.js";
import { patternFigure } from "./pattern.js";
import { performanceFigure } from "./performance.js";
import type { RunData } from "./run-data.js";
import { weightsFigure } from "./weights.js";

export type { Figure, Specification } from "./figure.js";
export { renderSvg } from "./render.js";
export type { RunData } from "./run-data.js";
export type { Scheme } from "./theme.js";

/** The figures that a run has the data for. */
export function figuresOf(run: RunData): Figure[] {
  return [performanceFigure(run), patternFigure(run), dynamicsFigure(run), weightsFigure(run)].filter(
    (figure) => figure !== undefined,
  );
}
