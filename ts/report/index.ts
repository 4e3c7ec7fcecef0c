/**
 * Figures and reports of finished runs. Loads the plotting libraries when the first picture is made.
 *
 * @module eprop/report
 */
import "../runtime.js";
export { NESTError } from "../errors.js";
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
export { readRunFolder, runData, writeRunFolder } from "../recording/run-folder.js";
export { writeComparison } from "./comparison.js";
export { writeReport } from "./write.js";
