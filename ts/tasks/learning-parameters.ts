/** Parameters of how a network learns, which all tasks with update intervals have in their tables. */
import type { FeedbackSource } from "./network-description.js";

/** Where the weights of learning signals come from. */
export const feedbackSources = ["random", "symmetric", "adaptive"] as const satisfies FeedbackSource[];

/** Rows of a task's parameter table. */
export const learningParameters = {
  feedback: {
    default: "random",
    choices: feedbackSources,
    text: "Where the weights of the learning signals come from",
  },
  feedback_decay: {
    default: 1e-3,
    unit: "",
    min: 0,
    max: 1,
    text: "Share of feedback and readout weights that is lost in an update, with adaptive feedback",
  },
} as const;

/** Values of {@link learningParameters}. */
export interface LearningValues {
  feedback: FeedbackSource;
  feedback_decay: number;
}

/** What these values say of a network. */
export function learningOf({ feedback, feedback_decay }: LearningValues) {
  return { feedback, feedbackDecay: feedback_decay };
}
