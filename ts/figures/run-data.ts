import type { RunSummary } from "../recording/summary.js";
import type { NumberArray } from "../recording/npz.js";

/** A run as figures want it: numbers, weights before and after, recorded events. */
export interface RunData {
  readonly summary: RunSummary;
  /** `in_rec_before`, `in_rec_after`, … : rows per target, columns per source. */
  readonly weights: Readonly<Record<string, NumberArray>>;
  /** `readouts.times`, `spikes_rec.senders`, … */
  readonly events: Readonly<Record<string, NumberArray>>;
}

/** The events of a recorder in the first sequence of the first or of the last recorded iteration; times from its begin. */
export interface SequenceEvents {
  readonly times: Float64Array;
  readonly senders: ArrayLike<number>;
  readonly values: Readonly<Record<string, Float64Array>>;
}

/** Which recorded iteration. */
export type When = "first" | "last";

/** What a recorder saw in one sequence, before or after training; undefined where it saw nothing. */
export function sequenceEvents(
  { summary, events }: RunData,
  recorder: string,
  when: When,
): SequenceEvents | undefined {
  const times = events[`${recorder}.times`]?.data;
  const senders = events[`${recorder}.senders`]?.data;
  if (times === undefined || senders === undefined || times.length === 0) return undefined;
  const { steps, batchSize, resolution } = summary.timing;
  const iteration = steps * batchSize * resolution;
  const last = times[times.length - 1] as number;
  const begin = when === "first" ? 0 : Math.max(0, Math.ceil(last / iteration - 1e-9) - 1) * iteration;
  const rows: number[] = [];
  times.forEach((time, row) => {
    if (time > begin && time <= begin + steps * resolution) rows.push(row);
  });
  if (rows.length === 0) return undefined;
  const columns = Object.keys(events)
    .filter((name) => name.startsWith(`${recorder}.`))
    .map((name) => name.slice(recorder.length + 1))
    .filter((name) => name !== "times" && name !== "senders");
  return {
    times: Float64Array.from(rows, (row) => (times[row] as number) - begin),
    senders: rows.map((row) => senders[row] as number),
    values: Object.fromEntries(
      columns.map((name) => {
        const column = events[`${recorder}.${name}`]?.data ?? new Float64Array(0);
        return [name, Float64Array.from(rows, (row) => column[row] as number)];
      }),
    ),
  };
}

/** Recorders of recurrent populations. */
export function recurrentRecorders({ events }: RunData): string[] {
  const names = Object.keys(events).map((name) => name.split(".")[0] as string);
  return [...new Set(names)].filter((name) => name.startsWith("recurrent_")).toSorted();
}
