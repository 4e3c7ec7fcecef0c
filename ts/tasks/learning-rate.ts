/** How learning rates change over a training. */
import { wholeRow } from "./network-parameters.js";
import { fields, given, number, oneOf, optional, whole } from "../core/arguments.js";

/**
 * Factor of all learning rates in a training iteration.
 *
 * @param iteration Number of the training iteration, from 1 on; iterations of other phases do not count.
 * @param iterations Training iterations in all.
 * @returns A finite number, not negative. It may depend on the arguments alone, so that a training can be resumed.
 */
export type LearningRate = (iteration: number, iterations: number) => number;

/** Names of the courses that {@link learningRate} knows. */
export const learningRateSchedules = ["constant", "step", "exponential", "linear", "cosine"] as const;

/** A course of the learning rates as data. */
export interface LearningRateDescription {
  /**
   * `step`: times `factor` after every `every` iterations; `exponential`: the same, continuously; `linear` and `cosine`:
   * from 1 after the warm-up to `final` in the last iteration.
   */
  schedule: (typeof learningRateSchedules)[number];
  /** Training iterations in which rates rise linearly to their full value; 0 if left out. */
  warmUp?: number;
  /** Iterations of a step; 100 if left out. */
  every?: number;
  /** Factor of a step; 0.5 if left out. */
  factor?: number;
  /** Factor at the end; 0 if left out. */
  final?: number;
}

const description = fields({
  schedule: oneOf(...learningRateSchedules),
  warmUp: optional(whole(0)),
  every: optional(whole(1)),
  factor: optional(number({ min: 0, max: Number.MAX_VALUE }, "a number from 0 on")),
  final: optional(number({ min: 0, max: Number.MAX_VALUE }, "a number from 0 on")),
});

/**
 * The factor of learning rates over a training, from a description.
 *
 * @example
 * const task = { ...tasks.sineWaves(), learningRate: tasks.learningRate({ schedule: "cosine", warmUp: 10 }) };
 */
export function learningRate(of: LearningRateDescription): LearningRate {
  const asked = given("of", of, description) as LearningRateDescription;
  const { schedule, warmUp = 0, every = 100, factor = 0.5, final = 0 } = asked;
  return (iteration, iterations) => {
    if (iteration <= warmUp) return iteration / (warmUp + 1);
    const after = iteration - warmUp - 1;
    const share = Math.min(1, after / Math.max(1, iterations - warmUp - 1));
    switch (schedule) {
      case "constant":
        return 1;
      case "step":
        return factor ** Math.floor(after / every);
      case "exponential":
        return factor ** (after / every);
      case "linear":
        return 1 + (final - 1) * share;
      case "cosine":
        return final + ((1 - final) * (1 + Math.cos(Math.PI * share))) / 2;
    }
  };
}

/** Rows of a task's parameter table. */
export const learningRateParameters = {
  eta_schedule: {
    default: "constant",
    choices: learningRateSchedules,
    text: "How the learning rate changes over the training iterations",
  },
  eta_warm_up: wholeRow(
    0,
    "iterations",
    0,
    1e6,
    "Iterations in which the learning rate rises to its full value",
  ),
  eta_every: wholeRow(
    100,
    "iterations",
    1,
    1e6,
    "Iterations after which it is multiplied, with step and exponential",
    { eta_schedule: ["step", "exponential"] },
  ),
  eta_factor: {
    default: 0.5,
    unit: "",
    min: 0,
    max: 1e3,
    text: "What it is multiplied by, with step and exponential",
    needs: { eta_schedule: ["step", "exponential"] },
  },
  eta_final: {
    default: 0,
    unit: "",
    min: 0,
    max: 1e3,
    text: "Share of it that is left at the end, with linear and cosine",
    needs: { eta_schedule: ["linear", "cosine"] },
  },
} as const;

/** Values of {@link learningRateParameters}. */
interface LearningRateValues {
  eta_schedule: LearningRateDescription["schedule"];
  eta_warm_up: number;
  eta_every: number;
  eta_factor: number;
  eta_final: number;
}

/** What these values say of a task; nothing where learning rates stay. */
export function withLearningRate(values: LearningRateValues): { learningRate?: LearningRate } {
  const { eta_schedule: schedule, eta_warm_up: warmUp, eta_every: every } = values;
  const { eta_factor: factor, eta_final: final } = values;
  if (schedule === "constant" && warmUp < 1) return {};
  return { learningRate: learningRate({ schedule, warmUp, every, factor, final }) };
}
