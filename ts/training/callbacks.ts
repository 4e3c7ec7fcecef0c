import { type Check, callable, fields, list, optional, refuseMisspelt } from "../core/arguments.js";
import type { Iteration } from "./iteration.js";
import type { Trainer } from "./trainer.js";

/**
 * What is called on the way of a training. What it returns is waited for; what it throws ends the training, but in
 * `onError`, where it is left out of account.
 *
 * A callback may look at weights (`trainer.network`), save (`trainer.save`) and end the training (`trainer.finish`).
 */
export interface TrainingCallbacks {
  /** Before the first iteration, also where a training is resumed. */
  onBegin?(trainer: Trainer): unknown;
  /** After each iteration of any phase, before it is handed out. */
  onIteration?(iteration: Iteration, trainer: Trainer): unknown;
  /** After the last iteration, however the training ended; `trainer.ending` says how. */
  onEnd?(trainer: Trainer): unknown;
  /** When it ends with an error; one that was stopped, with the signal's reason. */
  onError?(error: unknown, trainer: Trainer): unknown;
}

export const callbackFields = {
  onBegin: optional(callable),
  onIteration: optional(callable),
  onEnd: optional(callable),
  onError: optional(callable),
} as const;

/** Callbacks of a class of the user's own, with what else it has. */
export const callbackList: Check<TrainingCallbacks[]> = list(
  {
    allowed: `an object with ${Object.keys(callbackFields).join(", ")}`,
    read(value, at) {
      const of = (value ?? {}) as Readonly<Record<string, unknown>>;
      const known = Object.keys(callbackFields).map((name) => [name, of[name]] as const);
      fields(callbackFields).read(Object.fromEntries(known), at);
      if (typeof value === "object" && value !== null) refuseMisspelt(of, callbackFields);
      return value as TrainingCallbacks;
    },
  },
  "a list of callbacks",
);

/** The callbacks of a training, those of its options first. */
export class Callbacks {
  readonly #all: readonly TrainingCallbacks[];

  constructor(of: TrainingCallbacks & { callbacks?: readonly TrainingCallbacks[] }) {
    this.#all = [of, ...(of.callbacks ?? [])];
  }

  async begin(trainer: Trainer): Promise<void> {
    for (const callbacks of this.#all) await callbacks.onBegin?.(trainer);
  }

  async iteration(iteration: Iteration, trainer: Trainer): Promise<void> {
    for (const callbacks of this.#all) await callbacks.onIteration?.(iteration, trainer);
  }

  async end(trainer: Trainer): Promise<void> {
    for (const callbacks of this.#all) await callbacks.onEnd?.(trainer);
  }

  async error(error: unknown, trainer: Trainer): Promise<void> {
    for (const callbacks of this.#all) {
      try {
        await callbacks.onError?.(error, trainer);
      } catch {
        // What went wrong first is what is told.
      }
    }
  }
}
