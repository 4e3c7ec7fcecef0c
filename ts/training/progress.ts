import type { InputSplit } from "../tasks/task.js";
import { type Phase, type Position, beginning } from "./schedule.js";

/** How far a training is; plain data, so that it can be saved. */
export interface Progress {
  position: Position;
  /** What it does next: choose iterations, read out those before, simulate the rest, read out the last, nothing. */
  stage: "choose" | "read" | "rest" | "last" | "over";
  /** Step that the simulation goes to next. */
  goal: number;
  /** Iterations begun, of those the ones in the present stretch, and its phase. */
  started: number;
  count: number;
  phase: Phase;
  /** Iterations that have drawn their inputs from each split. */
  drawn: Record<InputSplit, number>;
  /** Iterations that are simulated and not yet read out. */
  pending: { iteration: number; phase: Phase }[];
  /** Time that their simulation took (ms). */
  pendingMs: number;
  spikesBefore: number;
  /** Iterations handed out. */
  delivered: number;
  /** The iteration after which weights are noted next. */
  snapshotAt: number;
  /** Where training has patience: the best validation so far, and how many have followed it. */
  best?: Best;
  /** Where it was asked for another number of training iterations: how many had begun, and how many it was made for. */
  trainedOn?: TrainedOn[];
}

/** A training that was asked for another number of training iterations. */
export interface TrainedOn {
  /** Training iterations that had begun by then. */
  after: number;
  /** Those that it was made for before; missing where what was saved did not say. */
  of?: number;
}

/** The validation with the smallest loss. */
export interface Best {
  iteration: number;
  loss: number;
  /** Validations since. */
  since: number;
}

/** How far a training is that has not begun. */
export function noProgress(): Progress {
  return {
    position: { ...beginning },
    stage: "choose",
    goal: 0,
    started: 0,
    count: 0,
    phase: "training",
    drawn: { training: 0, validation: 0, test: 0 },
    pending: [],
    pendingMs: 0,
    spikesBefore: 0,
    delivered: 0,
    snapshotAt: 0,
  };
}
