/**
 * Train recurrent spiking networks with eligibility propagation.
 *
 * @packageDocumentation
 */
export * as nest from "./nest/index.js";
export { Kernel, NESTError, NESTErrors } from "./nest/index.js";
export { NumpyRandom } from "./random/index.js";
