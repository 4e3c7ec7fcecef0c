import {
  type Check,
  callable,
  either,
  fields,
  given,
  number,
  oneOf,
  optional,
  refuse,
  whole,
} from "../core/arguments.js";

/** Learning rates of a training as factors of those that the network has. */
export interface LearningRates {
  /** How factors go on after the warm-up. */
  kind: "constant" | "step" | "cosine";
  /** Training iterations over which factors rise from `1 / warmUp` to 1; 0 if left out. */
  warmUp?: number;
  /** `step`: training iterations after which the factor changes each time. */
  every?: number;
  /** `step`: what the factor is then multiplied by; 0.1 if left out. */
  by?: number;
  /** `cosine`: the factor at the end; 0 if left out. */
  end?: number;
}

/** The factor of learning rates in a training iteration, from 0 on, of so many. */
export type LearningRateFactor = (iteration: number, iterations: number) => number;

/** Learning rates by their kind, or a function of one's own, which has to depend on its arguments alone. */
export type LearningRateSchedule = LearningRates | LearningRateFactor;

const factor = number({ min: 0, max: 1e6 }, "a factor from 0 to 1e6");

/** A learning-rate schedule in options: one that a checkpoint can hold. */
export const learningRates: Check<LearningRates> = {
  allowed: "a learning-rate schedule: constant, step or cosine",
  read(value, at) {
    const read = fields({
      kind: oneOf("constant", "step", "cosine"),
      warmUp: optional(whole(0)),
      every: optional(whole(1)),
      by: optional(factor),
      end: optional(factor),
    }).read(value, at) as LearningRates;
    if (read.kind === "step" && read.every === undefined) {
      refuse(`${at}.every`, undefined, "training iterations between steps");
    }
    return read;
  },
};

/** A learning-rate schedule, or a function. */
export const learningRateSchedule = either(
  (value) => typeof value === "function",
  callable,
  learningRates,
) as Check<LearningRateSchedule>;

/**
 * The factor of learning rates in a training iteration. It follows from its arguments alone, so that a training that is
 * resumed goes on with it.
 *
 * @param iteration Number of the training iteration, from 0 on.
 * @throws {@link NESTError} where a function gives no number from 0 on.
 */
export function learningRateFactor(
  schedule: LearningRateSchedule | undefined,
  iteration: number,
  iterations: number,
): number {
  if (schedule === undefined) return 1;
  if (typeof schedule === "function") {
    return given(`learningRate(${iteration})`, schedule(iteration, iterations), factor);
  }
  const { kind, warmUp = 0, every, by = 0.1, end = 0 } = schedule;
  if (iteration < warmUp) return (iteration + 1) / warmUp;
  const [done, left] = [iteration - warmUp, Math.max(1, iterations - warmUp)];
  if (kind === "step") return by ** Math.floor(done / (every ?? Number.POSITIVE_INFINITY));
  if (kind === "cosine") return end + ((1 - end) * (1 + Math.cos((Math.PI * done) / left))) / 2;
  return 1;
}
