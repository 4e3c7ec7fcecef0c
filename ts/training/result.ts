import type { MemoryEstimate } from "../nest/kernel.js";
import type { Network } from "../network/network.js";
import type { Task } from "../tasks/task.js";
import type { Iteration } from "./iteration.js";
import type { PlasticWeights } from "./network.js";
import type { Recorded, RecordOptions } from "./recorders.js";
import type { Ending } from "./schedule.js";

/** What a training leaves. */
export interface TrainingResult {
  task: Task;
  iterations: readonly Iteration[];
  weights: { before: PlasticWeights; after: PlasticWeights };
  recorded: Recorded;
  ended: Ending;
  /** Where training had patience: the validation with the smallest loss, whose weights the network has. */
  best?: { readonly iteration: number; readonly loss: number };
  /** Time that the simulation of an iteration took, on average (ms). */
  msPerIteration: number;
  /** Memory that the simulation took. */
  memory: MemoryEstimate;
  /** The trained network, to be used. */
  network: Network;
  /** What it was computed with. */
  settings: {
    gradient: "adjoint" | "forward";
    precision: "f64" | "f32";
    threads: number;
    record?: RecordOptions | boolean;
  };
}
