/** What a verification finds, as data: it goes into JSON as it is. */
import type { NamedPopulation } from "../network/parts.js";
import type { TaskNetwork } from "../training/network.js";
import type { SlopeCheck } from "./finite-differences.js";
import type { Shrinking } from "./shrink.js";

/** What is asked of a verification. */
export interface VerifyOptions extends Shrinking {
  /** Training iterations over which e-prop is held against backpropagation through time; 10 if left out. */
  iterations?: number;
  /**
   * Builds the network in NEST, too; `"if-installed"`: where Python has `nest-simulator`. Left out, NEST is not asked.
   */
  nest?: boolean | "if-installed";
  /** The Python that has NEST; what the variable PYTHON names, or `python3`, if left out. */
  python?: string;
  /** Told what is being done. */
  onProgress?: (doing: string) => void;
  /** Stops it: it rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** @internal What tests do to the engine's side alone. */
export interface Meddling {
  meddle?: (network: TaskNetwork) => void;
}

/** Two computations of the same, and how far they may be apart. */
export interface ProofCheck {
  /** What is held against what. */
  what: string;
  projection?: string;
  /** Largest deviation, relative to the largest value; of spikes, how many only one side has. */
  deviation: number;
  /** What is accepted. */
  bound: number;
  passed: boolean;
}

/** The gradient of a projection, and how far other computations of it are from it. */
export interface ProjectionProof {
  projection: string;
  connections: number;
  /** Norm of the gradient. */
  norm: number;
  /** The engine's two ways of computing it; of e-prop+, of the weights' change. */
  forward: number;
  /** The program that follows the definition. */
  definition: number;
}

/** e-prop beside backpropagation through time. */
export interface PathsProof {
  projection: string;
  /** Norm of the gradient by backpropagation through time. */
  norm: number;
  /** Angle (degrees) and norm of e-prop's gradient relative to it; undefined where one is zero. */
  angle?: number;
  ratio?: number;
  /** The same where the readout weights themselves are the feedback. */
  symmetricAngle?: number;
  symmetricRatio?: number;
  /** Deviation of real-time recurrent learning; undefined where it would take too long. */
  rtrl?: number;
}

/** Angles to backpropagation through time before an iteration of a training. */
export interface TrainingAngles {
  iteration: number;
  loss: number;
  angles: { projection: string; angle?: number; ratio?: number }[];
}

/** The same network in NEST. */
export interface NestProof {
  version: string;
  iterations: number;
  /** Spikes of recurrent neurons, and how many only one side has. */
  spikes: number;
  spikesApart: number;
  /** Largest deviation of a readout signal, relative to the largest. */
  signals: number;
  /** Weights as NEST transmitted them after all updates but the last; connections that transmitted any. */
  weights: { projection: string; connections: number; deviation: number }[];
}

/** What the comparisons found. */
export interface Findings {
  checks: ProofCheck[];
  projections: ProjectionProof[];
  slopes: SlopeCheck[];
  paths: PathsProof[];
  training: TrainingAngles[];
  /** Where NEST was asked. */
  nest?: NestProof;
  /** Spikes of recurrent neurons. */
  spikes: number;
  /** What was not compared, and why. */
  notes: string[];
}

/** A verification. */
export interface Verification extends Findings {
  task: string;
  seed: number;
  parameters: Record<string, number | string>;
  family: "interval" | "event";
  populations: NamedPopulation[];
  /** What is less than the task has. */
  shrunk: { neurons: boolean; steps: boolean; sequences: boolean };
  steps: number;
  resolution: number;
  learningWindow: number;
  sequences: number;
  loss: string;
  optimizer: string;
  /** Projections whose gradient is not zero: on the others nothing is proved. */
  compared: number;
  /** Whether there was something to compare and nothing was off. */
  passed: boolean;
  /** Time that it took (ms). */
  ms: number;
}

/** How far computations of the same may be apart. */
export const bounds = {
  /** Two orders of the same sums. */
  forward: 1e-12,
  /** Two programs. */
  definition: 1e-10,
  /** Two programs that change weights all the time. */
  changes: 1e-9,
  /** NEST, which adds in another order. */
  nest: 1e-9,
  /** A difference of losses, at its best step size. */
  slope: 1e-6,
} as const;

export function proofCheck(what: string, deviation: number, bound: number, projection?: string): ProofCheck {
  return {
    what,
    ...(projection !== undefined && { projection }),
    deviation,
    bound,
    passed: deviation <= bound,
  };
}
