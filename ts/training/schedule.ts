import { mean } from "../core/statistics.js";
import type { Schedule, Task } from "../tasks/task.js";

/** What an iteration is for. Weights change in training alone. */
export type Phase = "training" | "validation" | "early-stopping" | "test";

/** All phases, by the number they are saved as. */
export const phases: readonly Phase[] = ["training", "validation", "early-stopping", "test"];

/** What ended a training: its schedule, validations, a request to finish, or a loss that is not finite or too large. */
export type Ending = "schedule" | "early-stopping" | "request" | "divergence";

/** How far a training is in its schedule; plain data, so that it can be saved. */
export interface Position {
  /** What comes next. */
  at: "begin" | "validated" | "stopping" | "train" | "test" | "end";
  /** Training iterations begun. */
  trained: number;
  /** Test iterations begun. */
  tested: number;
  /** Errors of the iterations that decide on an early stop. */
  errors: number[];
  ended: Ending;
}

/** Where a training begins. */
export const beginning: Readonly<Position> = {
  at: "begin",
  trained: 0,
  tested: 0,
  errors: [],
  ended: "schedule",
};

/** Iterations of one phase. */
export interface Stretch {
  phase: Phase;
  count: number;
  /** Whether they are the training's last ones. */
  last: boolean;
}

/** What the choice of the next iterations depends on. */
export interface Circumstances {
  /** The error that was evaluated last: when a phase is over, that of the iteration before it. */
  lastError: number;
  /** Whether the training is to end with the iteration that comes next. */
  finish: boolean;
  /** Whether so many validations in a row were no better than the best one that training is to end. */
  outOfPatience: boolean;
  /** How many of the training iterations left are simulated in one go. */
  together(left: number): number;
}

/** Whether a training has iterations left that a request to finish would leave out, or stand another for. */
export function iterationsLeft(
  { schedule }: Pick<Task, "schedule">,
  { at, trained, tested, ended }: Position,
) {
  if (at === "end" || ended === "request") return false;
  const training = ended === "schedule" && trained < schedule.iterations;
  return training || tested + 1 < schedule.testIterations;
}

/**
 * The iterations that come next in the tutorials' pipeline, and the position after them; no iterations at the end.
 */
export function nextStretch(
  schedule: Schedule,
  from: Readonly<Position>,
  { lastError, finish, outOfPatience, together }: Circumstances,
): { stretch?: Stretch; position: Position } {
  const { iterations, validateEvery, earlyStopIterations, earlyStopError, testIterations } = schedule;
  const position = { ...from, errors: [...from.errors] };
  const take = (phase: Phase, last = false, count = 1) => ({ stretch: { phase, count, last }, position });
  for (;;) {
    switch (position.at) {
      case "begin":
        if (outOfPatience && position.ended === "schedule") position.ended = "early-stopping";
        if (position.trained >= iterations || position.ended !== "schedule") {
          position.at = "test";
          break;
        }
        if (finish) {
          position.ended = "request";
          position.at = "end";
          return take("training", true);
        }
        position.at = "train";
        if (validateEvery > 0 && position.trained % validateEvery === 0) {
          position.at = "validated";
          return take("validation");
        }
        break;
      case "validated":
        if (earlyStopIterations > 0 && lastError < earlyStopError) {
          position.at = "stopping";
          position.errors = [];
          return take("early-stopping");
        }
        position.at = "train";
        break;
      case "stopping": {
        position.errors.push(lastError);
        const { errors } = position;
        if (errors.length < earlyStopIterations) return take("early-stopping");
        position.at = "train";
        if (mean(errors) < earlyStopError) {
          position.ended = "early-stopping";
          position.at = "begin";
        }
        break;
      }
      case "train": {
        const count = together(iterations - position.trained);
        position.trained += count;
        position.at = "begin";
        return take("training", position.trained === iterations && testIterations === 0, count);
      }
      case "test":
        if (position.tested >= testIterations) {
          position.at = "end";
          break;
        }
        position.tested += 1;
        if (finish && position.tested < testIterations) position.ended = "request";
        if (finish) position.at = "end";
        return take("test", finish || position.tested === testIterations);
      case "end":
        return { position };
    }
  }
}

/** Whether so many validations in a row had no smaller loss than the best one that training has no patience left. */
export function isOutOfPatience({ patience = 0 }: Schedule, best: { since: number } | undefined): boolean {
  return patience > 0 && (best?.since ?? 0) >= patience;
}
