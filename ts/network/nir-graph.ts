import type { NumberMatrix } from "../random/index.js";

/** Numbers of a population, one a neuron. */
type Values = Float64Array;

/** Nodes of the Neuromorphic Intermediate Representation that eprop writes and reads. Times are in seconds. */
export type NIRNode =
  | { type: "Input"; shape: readonly number[] }
  | { type: "Output"; shape: readonly number[] }
  | { type: "Linear"; weight: NumberMatrix }
  | { type: "Affine"; weight: NumberMatrix; bias: Values }
  | { type: "Scale"; scale: Values }
  | { type: "Delay"; delay: Values }
  | { type: "Threshold"; threshold: Values }
  | { type: "LI"; tau: Values; r: Values; v_leak: Values }
  | { type: "LIF"; tau: Values; r: Values; v_leak: Values; v_threshold: Values; v_reset: Values };

/** The fields of each type of node that are numbers. */
export const nodeFields = {
  Input: [],
  Output: [],
  Linear: ["weight"],
  Affine: ["weight", "bias"],
  Scale: ["scale"],
  Delay: ["delay"],
  Threshold: ["threshold"],
  LI: ["tau", "r", "v_leak"],
  LIF: ["tau", "r", "v_leak", "v_threshold", "v_reset"],
} as const satisfies Record<NIRNode["type"], readonly string[]>;

/** A graph of the Neuromorphic Intermediate Representation (Pedersen et al. 2024). */
export interface NIRGraph {
  readonly nodes: Readonly<Record<string, NIRNode>>;
  readonly edges: readonly (readonly [string, string])[];
  /** Length of a step (ms) that the network was simulated with, where it is known. */
  readonly resolution?: number;
}
