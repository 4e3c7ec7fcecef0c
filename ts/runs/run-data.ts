import type { NumberArray } from "../formats/npz.js";
import type { RunSummary } from "./summary.js";

/** A run as its folder holds it and figures take it: numbers, weights before and after, recorded events. */
export interface RunData {
  readonly summary: RunSummary;
  /** `in_rec_before`, `in_rec_after`, … : rows per target, columns per source. */
  readonly weights: Readonly<Record<string, NumberArray>>;
  /** `readouts.times`, `spikes_rec.senders`, … */
  readonly events: Readonly<Record<string, NumberArray>>;
}
