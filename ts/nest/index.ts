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
  type EventColumns,
  NodeCollection,
  type NodeModelName,
  SynapseCollection,
} from "./collections.js";
export type { ConnectionRule, ConnectionRuleName, DefaultsOf, SynapseSpec } from "./accepted.js";
export {
  type CopiedModel,
  Kernel,
  type KernelValues,
  type MemoryEstimate,
  type SettableValues,
  type SimulateOptions,
  type SynapseModelName,
} from "./kernel.js";
export type { FixedValues, ParamsWithoutEffect } from "./kernel-values.js";
export type {
  KernelParams,
  KernelStatus,
  NodeParams,
  OptimizerParams,
  Recordables,
  SynapseParams,
} from "./models.generated.js";
export { type Collocated, CollocatedSynapses } from "./collocated.js";
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

const bound = <N extends keyof Kernel>(name: N): Kernel[N] =>
  (kernel[name] as unknown as (...args: unknown[]) => unknown).bind(kernel) as unknown as Kernel[N];

export const ResetKernel = bound("ResetKernel");
export const set = bound("set");
export const get = bound("get");
export const GetKernelStatus = bound("GetKernelStatus");
export const SetKernelStatus = bound("SetKernelStatus");
export const PrintNodes = bound("PrintNodes");
export const Create = bound("Create");
export const GetNodes = bound("GetNodes");
export const SetStatus = bound("SetStatus");
export const GetStatus = bound("GetStatus");
export const SetDefaults = bound("SetDefaults");
export const GetDefaults = bound("GetDefaults");
export const CopyModel = bound("CopyModel");
export const Connect = bound("Connect");
export const GetConnections = bound("GetConnections");
export const Disconnect = bound("Disconnect");
export const Prepare = bound("Prepare");
export const Run = bound("Run");
export const Cleanup = bound("Cleanup");
export const Simulate = bound("Simulate");
export const SimulateAsync = bound("SimulateAsync");
