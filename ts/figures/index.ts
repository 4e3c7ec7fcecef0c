import { given } from "../core/arguments.js";
import { runDataCheck } from "../runs/run-check.js";
import { activityFigure } from "./activity.js";
import { decisionsFigure } from "./decisions.js";
import { dynamicsFigures } from "./dynamics.js";
import type { Figure } from "./figure.js";
import { patternFigure } from "./pattern.js";
import { performanceFigure } from "./performance.js";
import type { RunData } from "./run-data.js";
import { readoutsFigure } from "./readouts.js";
import { structureFigure } from "./structure.js";
import { weightCoursesFigure } from "./weight-courses.js";
import { weightMatricesFigure } from "./weight-matrices.js";

export type { Figure, Specification } from "./figure.js";
export { renderPng, renderSvg, specificationOf } from "./render.js";
export type { RunData } from "./run-data.js";
export type { Scheme } from "./theme.js";

/** The figures that a run has the data for, in the order of a report. */
export function figuresOf(data: RunData): Figure[] {
  const run = given("run", data, runDataCheck);
  return [
    readoutsFigure(run),
    patternFigure(run),
    decisionsFigure(run),
    performanceFigure(run),
    activityFigure(run),
    ...dynamicsFigures(run),
    weightCoursesFigure(run),
    structureFigure(run),
    weightMatricesFigure(run),
  ].filter((figure) => figure !== undefined);
}
