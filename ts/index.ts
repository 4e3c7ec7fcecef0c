/**
 * Train recurrent spiking networks with eligibility propagation.
 *
 * @module eprop
 */
import "./core/runtime.js";
export * as nest from "./nest/index.js";
export * as mpi from "./mpi/index.js";
export { Kernel, NESTError, NESTErrors } from "./nest/index.js";
export { type NumberMatrix, NumpyRandom } from "./random/index.js";

export * as tasks from "./tasks/index.js";
export type {
  NetworkDescription,
  PoolDescription,
  PopulationDescription,
  ProjectionDescription,
  Task,
  TaskEntry,
  TaskOptions,
} from "./tasks/index.js";
export * from "./training/index.js";
export * from "./network/index.js";
export { setThreadBudget, threadBudget } from "./core/threads.js";
export * from "./sweep/index.js";
