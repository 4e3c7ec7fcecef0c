/** What a kernel is made with, told and asked for. */
import type { World } from "../mpi/world.js";
import type { NodeModelName } from "./collections.js";
import type { FixedValues, ParamsWithoutEffect } from "./kernel-values.js";
import type { KernelParams, KernelStatus, SynapseParams } from "./models.generated.js";
import type { Progress } from "./progress.js";

/** Name of a synapse model. */
export type SynapseModelName = keyof SynapseParams;

declare const copyOf: unique symbol;

/** The name of a model that `CopyModel` made, with the name of the built-in model it comes from in its type. */
export type CopiedModel<M extends NodeModelName | SynapseModelName> = string & { readonly [copyOf]: M };

/** What `SimulateAsync` takes besides the time. */
export interface SimulateOptions {
  /** Stops the simulation: the promise rejects with the signal's reason, what was recorded stays. */
  signal?: AbortSignal;
  /**
   * Told how far the simulation is (steps), at most ten times a second, and not before what it returned last has
   * settled. If it throws or rejects, the simulation stops and rejects with that.
   */
  onProgress?: (progress: Progress) => unknown;
}

/** How a kernel is saved. */
export interface SaveOptions {
  /**
   * Whether ranks that share neurons write one file of the whole network, as one process does: rank 0 writes it, and any
   * number of ranks can load it, or one process. All ranks call `save` then, and rank 0 needs memory for the whole state.
   * Otherwise each writes a file of its own part.
   */
  gather?: boolean;
}

/** What is evaluated together: sequences of so many steps, in whose last ones errors count. */
export interface EvaluatedSequences {
  /** Steps of a sequence. */
  steps: number;
  /** Steps at its end in which errors count. */
  learningWindow: number;
  /** Sequences that are evaluated together. */
  batchSize: number;
}

/** Changes of the amplitude of a generator: steps (ascending), and the amplitude from each of them on. */
export interface AmplitudeChanges {
  steps: Uint32Array;
  values: Float64Array;
}

/** Memory that a simulation takes (bytes). */
export interface MemoryEstimate {
  total: number;
  parts: { [part: string]: number };
}

/** What a kernel is made with. */
export interface KernelOptions {
  /**
   * Ranks that simulate the network together (`mpi.connect()`). Every rank makes the same calls and has all results.
   * Sequences are shared among ranks where they share nothing but weights: weights change once an update interval
   * (`*_bsshslm_2020`), neurons are reset with it, and several intervals make a batch. What cannot be shared, every rank
   * computes. A simulation that is stopped or fails on one rank ends on all, at the same time.
   */
  world?: World;
  /**
   * What ranks share. `"sequences"`, the default: each holds the whole network. `"neurons"`, for networks that do not fit
   * the memory of one: each holds a part of the recurrent neurons with the connections onto them, and all readouts,
   * generators, parrots and recorders. `GetConnections`, recorders and state variables are those of a rank's own neurons
   * then (`world.gather` brings them together), and what needs all neurons in one process is refused
   * (docs/cluster.md).
   */
  share?: "sequences" | "neurons";
}

/** Kernel parameters that can be set. */
export type SettableValues = KernelParams & ParamsWithoutEffect & { biological_time?: number };

/** Kernel values as they are read. */
export type KernelValues = KernelStatus & Required<ParamsWithoutEffect> & FixedValues;
