import type { Channel } from "node:diagnostics_channel";
import type { Iteration } from "./iteration.js";
import type { Ending } from "./schedule.js";
import type { Trainer } from "./trainer.js";

/** What the channels of `node:diagnostics_channel` tell of trainings, by the channel's name. */
export interface TrainingMessages {
  /** A training begins or is resumed, after so many iterations. */
  "eprop:training:start": { trainer: Trainer; iterations: number };
  /** An iteration has been handed out. */
  "eprop:training:iteration": { trainer: Trainer; iteration: Iteration };
  /** A checkpoint has been written; `ms` is what it took. */
  "eprop:training:checkpoint": { trainer: Trainer; path: string; ms: number };
  /** All iterations have been handed out. */
  "eprop:training:end": { trainer: Trainer; ended: Ending; iterations: number };
  /** A training ends with an error; one that was stopped, with the signal's reason. */
  "eprop:training:error": { trainer: Trainer; error: unknown };
  /** A training that began is given up after so many iterations: the loop over it was left, or it was closed. */
  "eprop:training:close": { trainer: Trainer; iterations: number };
}

const events = ["start", "iteration", "checkpoint", "end", "error", "close"] as const;

/** The channels by name, once there is a training. */
let channels: ReadonlyMap<keyof TrainingMessages, Channel> | undefined;

function opened(): NonNullable<typeof channels> {
  const { channel } = process.getBuiltinModule("node:diagnostics_channel");
  const names = events.map((event) => `eprop:training:${event}` as const);
  return new Map(names.map((name) => [name, channel(name)]));
}

/** Tells those who listen; what they throw ends up as an uncaught exception, as with all channels of Node. */
export function tell<N extends keyof TrainingMessages>(name: N, message: TrainingMessages[N]): void {
  const to = (channels ??= opened()).get(name);
  if (to?.hasSubscribers) to.publish(message);
}
