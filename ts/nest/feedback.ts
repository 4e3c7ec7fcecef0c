import { feedbackSources } from "./models.generated.js";

/** Where the weights of learning signals come from. */
export type FeedbackSource = keyof typeof feedbackSources;

/** All sources of feedback, the default first. */
export const feedbackNames = Object.keys(feedbackSources) as FeedbackSource[];

/** Where weights come from if nothing is said: they stay as they were connected. */
export const defaultFeedback = feedbackNames[0] as FeedbackSource;

/** What a source of feedback does with weights. */
export interface FeedbackFacts {
  /** Whether weights change, or are other ones than those that were set. */
  changes: boolean;
  /** Whether they are those of the readouts. */
  isReadouts: boolean;
  /** Whether a share of them, and of the readouts' weights, is lost in an update. */
  decays: boolean;
}

/** What a source of feedback does with weights; the default one if none is named. */
export function feedbackFacts(source: FeedbackSource = defaultFeedback): FeedbackFacts {
  return feedbackSources[source];
}

/** Names of the sources that do that. */
export function feedbackWith(wanted: Partial<FeedbackFacts>): FeedbackSource[] {
  const holds = (of: FeedbackFacts) =>
    Object.entries(wanted).every(([name, value]) => of[name as keyof FeedbackFacts] === value);
  return feedbackNames.filter((name) => holds(feedbackSources[name]));
}
