/**
 * Trains a task beside its controls: does e-prop do anything here?
 *
 * @module eprop/controls
 */
import "../core/runtime.js";
export { NESTError } from "../core/errors.js";
export { type ControlName, controlNames } from "./control.js";
export { type ControlsOptions, type ControlsResult, controls } from "./controls.js";
export { type BootstrapMedian, type ControlRow, type Measure, bootstrapMedian } from "./results.js";
