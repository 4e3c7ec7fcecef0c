/**
 * The NEST-like API: module functions over a default kernel, and {@link Kernel} for several.
 *
 * @module eprop/nest
 */
import "../core/runtime.js";
import { Kernel } from "./kernel.js";

export { type ErrorData, NESTError, NESTErrors } from "../core/errors.js";
export {
  type ConnectionParams,
  NodeCollection,
  type NodeModelName,
  SynapseCollection,
} from "./collections.js";
export type { ConnectionRule, ConnectionRuleName, DefaultsOf, SynapseSpec } from "./accepted.js";
export { Kernel } from "./kernel.js";
export type {
  CopiedModel,
  KernelValues,
  MemoryEstimate,
  SettableValues,
  SaveOptions,
  SimulateOptions,
  SynapseModelName,
} from "./kernel-types.js";
export { type FixedValues, type ParamsWithoutEffect, VerbosityLevel } from "./kernel-values.js";
export type {
  KernelParams,
  KernelStatus,
  NodeParams,
  OptimizerParams,
  Recordables,
  SynapseParams,
} from "./models.generated.js";
export { type Collocated, CollocatedSynapses } from "./collocated.js";
export type { ConnectionValues, EventColumns, EventsOf, NodeValues } from "./shown.js";
export type { StatusValue } from "./status.js";
export {
  type ComputedParameter,
  type Distribution,
  logic,
  math,
  random,
  type RandomOperand,
  type RandomParameter,
} from "./random.js";
export type { Matrix, NodeReference, NumberList, Scalar } from "./types.js";

/** The kernel that the module's functions act on. */
export const kernel = new Kernel();

export const {
  ResetKernel,
  set,
  get,
  GetKernelStatus,
  SetKernelStatus,
  PrintNodes,
  Create,
  GetNodes,
  SetStatus,
  GetStatus,
  SetDefaults,
  GetDefaults,
  CopyModel,
  Connect,
  GetConnections,
  Disconnect,
  Prepare,
  Run,
  Cleanup,
  Simulate,
  SimulateAsync,
  Rank,
  NumProcesses,
  SyncProcesses,
  GetLocalVPs,
  GetLocalNodeCollection,
  get_verbosity,
  set_verbosity,
} = kernel;
