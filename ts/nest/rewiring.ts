import { rewirings } from "./models.generated.js";

/** What becomes of connections in an update. */
export type Rewiring = keyof typeof rewirings;

/** All that may become of connections, the default first. */
export const rewiringNames = Object.keys(rewirings) as Rewiring[];

/** What becomes of connections if nothing is said: they stay. */
export const defaultRewiring = rewiringNames[0] as Rewiring;

/** What is known of a rewiring. */
export interface RewiringFacts {
  /** Whether others come in place of connections that go. */
  replaces: boolean;
  /** Whether connections go and none comes in their place. */
  takesAway: boolean;
  /** Names of the parameters that it has. */
  parameters: readonly string[];
}

/** What is known of a rewiring; of the default one if none is named. */
export function rewiringFacts(rewiring: Rewiring = defaultRewiring): RewiringFacts {
  return rewirings[rewiring];
}

/** Whether connections change. */
export function rewires(rewiring?: Rewiring): boolean {
  const { replaces, takesAway } = rewiringFacts(rewiring);
  return replaces || takesAway;
}
