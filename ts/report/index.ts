/**
 * Figures and reports of finished runs. Loads the plotting libraries when the first picture is made.
 *
 * @module eprop/report
 */
import "../core/runtime.js";
export { NESTError } from "../core/errors.js";
export {
  type Figure,
  type RunData,
  type Scheme,
  type Specification,
  figuresOf,
  renderPng,
  renderSvg,
  specificationOf,
} from "../figures/index.js";
export { readRunFolder, runData } from "../runs/run-folder.js";
export { writeComparison } from "./comparison.js";
export { writeRunFolder } from "./run-folder.js";
export { writeReport } from "./write.js";
