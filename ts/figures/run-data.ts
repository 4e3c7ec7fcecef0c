import type { RunData } from "../runs/run-data.js";
import { populationNames } from "../tasks/population-names.js";

export type { RunData } from "../runs/run-data.js";

/** Events in order of time; times from a sequence's or an iteration's begin (ms). */
export interface Events {
  readonly times: Float64Array;
  readonly senders: Float64Array;
  readonly values: Readonly<Record<string, Float64Array>>;
}

/**
 * Steps after a sequence's begin when variables follow it; before, they show the end of the one before. Those of
 * recurrent neurons wait for their learning signals, which are the last to come.
 */
export const onset = { readouts: 5, neurons: 6 } as const;

/** Which recorded iteration. */
export type When = "first" | "last";

/** Length of a sequence (ms). */
export function sequenceDuration({ summary }: RunData): number {
  return summary.timing.steps * summary.timing.resolution;
}

/** Place of the first row whose time is later than `time`. */
function firstAfter(times: ArrayLike<number>, time: number): number {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] as number) > time) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** What a recorder saw in the first `sequences` sequences of a recorded iteration; undefined where it saw nothing. */
function recordedEvents(run: RunData, recorder: string, when: When, sequences: number): Events | undefined {
  const { events, summary } = run;
  const times = events[`${recorder}.times`]?.data;
  const senders = events[`${recorder}.senders`]?.data;
  if (times === undefined || senders === undefined || times.length === 0) return undefined;
  const iteration = sequenceDuration(run) * summary.timing.batchSize;
  const last = times[times.length - 1] as number;
  const begin = when === "first" ? 0 : Math.max(0, Math.ceil(last / iteration - 1e-9) - 1) * iteration;
  const [from, to] = [firstAfter(times, begin), firstAfter(times, begin + sequences * sequenceDuration(run))];
  if (from === to) return undefined;
  const columns = Object.keys(events)
    .filter((name) => name.startsWith(`${recorder}.`))
    .map((name) => name.slice(recorder.length + 1))
    .filter((name) => name !== "times" && name !== "senders");
  const part = (name: string) => {
    const column = events[`${recorder}.${name}`]?.data.subarray(from, to);
    return column instanceof Float64Array ? column : Float64Array.from(column ?? []);
  };
  return {
    times: part("times").map((time) => time - begin),
    senders: part("senders"),
    values: Object.fromEntries(columns.map((name) => [name, part(name)])),
  };
}

/** What a recorder saw in one sequence, before or after training; undefined where it saw nothing. */
export function sequenceEvents(run: RunData, recorder: string, when: When): Events | undefined {
  return recordedEvents(run, recorder, when, 1);
}

/** What a recorder saw in all sequences of an iteration, before or after training; undefined where it saw nothing. */
export function batchEvents(run: RunData, recorder: string, when: When): Events | undefined {
  return recordedEvents(run, recorder, when, run.summary.timing.batchSize);
}

/** The rows of one sender. */
export function eventsOf(events: Events, sender: number): Events {
  return eventsWhere(events, (_, from) => from === sender);
}

/** The rows that a condition on time and sender holds for. */
export function eventsWhere(
  { times, senders, values }: Events,
  holds: (time: number, sender: number) => boolean,
): Events {
  const kept = (_: number, row: number) => holds(times[row] as number, senders[row] as number);
  return {
    times: times.filter(kept),
    senders: senders.filter(kept),
    values: Object.fromEntries(Object.entries(values).map(([name, column]) => [name, column.filter(kept)])),
  };
}

/** A population of neurons: what it is called, the id of its first node, how many there are. */
export interface Population {
  readonly name: string;
  /** Recorder of its states. */
  readonly recorder: string;
  readonly first: number;
  readonly size: number;
}

/** Recurrent populations; ids follow those of the inputs. */
export function recurrentPopulations({ summary: { network } }: RunData): Population[] {
  const named = network.populations?.filter(({ kind }) => kind === "recurrent");
  if (named !== undefined && !named.every(({ name }, at) => name === `recurrent_${at + 1}`)) {
    return named.map(({ name, first, n }) => ({ name, recorder: name, first, size: n }));
  }
  let first = network.inputs + 1;
  const names = populationNames(network.recurrent);
  return network.recurrent.map(({ n }, at) => {
    const name = names[at] ?? "recurrent neurons";
    const population = { name, recorder: `recurrent_${at + 1}`, first, size: n };
    first += n;
    return population;
  });
}

/** A plastic projection: its name, and the names of its sources and targets, where the run has names of its own. */
export interface PlasticProjectionOfRun {
  readonly name: string;
  readonly from: string;
  readonly to: string;
}

/** The projections of a network that was described by its own names; undefined for a pool with four matrices. */
export function namedProjections({ summary: { network } }: RunData): PlasticProjectionOfRun[] | undefined {
  const plastic = network.projections?.filter(({ kind }) => kind === "plastic");
  const pool = ["in_rec", "rec_rec", "rec_out"];
  if (plastic === undefined || plastic.map(({ name }) => name).join() === pool.join()) return undefined;
  return plastic.map(({ name, from, to }) => ({ name, from: from.join(" + "), to: to.join(" + ") }));
}
