import {
  type Check,
  abortSignal,
  callable,
  fields,
  given,
  isTyped,
  number,
  optional,
  record,
  refuse,
  text,
  u32,
  whole,
} from "../core/arguments.js";
import { NESTError, nestError } from "../core/errors.js";
import { NumpyRandom } from "../random/index.js";

/**
 * The grid of channels that events come from. A channel is `(polarity * height + y) * width + x`; 700 channels without
 * a grid have the width 700, the height 1 and one polarity.
 */
export interface Sensor {
  readonly width: number;
  readonly height: number;
  readonly polarities: number;
}

/** Events of a recording in the order of time. */
export interface Events {
  /** Times from the beginning of the recording (ms), ascending. */
  readonly times: Float64Array;
  /** The channel of each event; see {@link Sensor}. */
  readonly channels: Uint32Array;
}

/** Values by step and channel: place `step * channels + channel`, so `[step][polarity][y][x]` of a grid. */
export interface Frames {
  readonly values: Float32Array;
  readonly steps: number;
  readonly channels: number;
}

/** A sample: events or frames, and what should come out: a class, values by step and readout, or neither. */
export interface Sample {
  readonly events?: Events;
  readonly frames?: Frames;
  /** Its class, from 0 on. */
  readonly label?: number;
  readonly target?: Frames;
}

/** Samples that are read when they are wanted, in any order. */
export interface Dataset {
  /** What errors call it. */
  readonly name: string;
  /** Number of samples. */
  readonly length: number;
  readonly sensor: Sensor;
  /** Number of classes; 0 where samples have no label. */
  readonly classes: number;
  /**
   * Reads a sample.
   *
   * @param index From 0 to `length - 1`.
   * @param signal Stops the reading: it rejects with the signal's reason.
   */
  get(index: number, signal?: AbortSignal): Sample | Promise<Sample>;
  /** Closes what it reads from. */
  close?(): void;
}

/** Number of channels of a sensor. */
export function channelsOf({ width, height, polarities }: Sensor): number {
  return width * height * polarities;
}

/** Events in the order of time; those of equal time stay in the order they had. */
export function inOrder(times: Float64Array, channels: Uint32Array): Events {
  if (times.every((time, at) => at === 0 || time >= (times[at - 1] as number))) return { times, channels };
  const order = Uint32Array.from(times, (_, at) => at).toSorted(
    (a, b) => (times[a] as number) - (times[b] as number) || a - b,
  );
  return {
    times: Float64Array.from(order, (at) => times[at] as number),
    channels: Uint32Array.from(order, (at) => channels[at] as number),
  };
}

const sensor = fields({ width: whole(1, u32), height: whole(1, u32), polarities: whole(1, u32) });

/** What {@link Dataset} asks for. */
export const datasetCheck: Check<Dataset> = {
  allowed: "a data set: name, length, sensor, classes and get()",
  read(value, at) {
    if (typeof value !== "object" || value === null) refuse(at, value, this.allowed);
    const dataset = value as Dataset;
    text.read(dataset.name, `${at}.name`);
    whole(1, u32).read(dataset.length, `${at}.length`);
    const { width, height, polarities } = sensor.read({ ...dataset.sensor }, `${at}.sensor`);
    whole(1, u32).read(width * height * polarities, `the channels of ${at}.sensor`);
    whole(0, u32).read(dataset.classes, `${at}.classes`);
    callable.read(dataset.get, `${at}.get`);
    return dataset;
  },
};

function refuseSample(where: string, field: string, value: unknown, bound: string, message: string): never {
  throw nestError({
    code: "ValueError",
    message: `${where}: ${message}`,
    parameter: field,
    value: String(value),
    bound,
  });
}

function checkFrames(where: string, field: string, { values, steps, channels }: Frames): void {
  if (values instanceof Float32Array && values.length === steps * channels) return;
  refuseSample(
    where,
    field,
    `${values?.length} values`,
    `${steps} steps of ${channels}`,
    "frames do not fit",
  );
}

function checkEvents(where: string, { times, channels }: Events, of: Sensor): void {
  if (!isTyped(times) || !isTyped(channels) || times.length !== channels.length) {
    const lengths = `${times?.length} times, ${channels?.length} channels`;
    refuseSample(where, "events", lengths, "a time and a channel for each event", "events do not fit");
  }
  const end = channelsOf(of);
  let before = 0;
  for (let at = 0; at < times.length; at++) {
    const time = times[at] as number;
    if (!(time >= before && time <= Number.MAX_VALUE)) {
      refuseSample(
        where,
        `events.times[${at}]`,
        time,
        `at least ${before} ms`,
        "times do not ascend from 0 on",
      );
    }
    before = time;
    const channel = channels[at] as number;
    if (!(channel < end)) {
      refuseSample(
        where,
        `events.channels[${at}]`,
        channel,
        `below ${end}`,
        "the channel is outside the sensor",
      );
    }
  }
}

/**
 * A sample, if it can be.
 *
 * @param where What an error calls it.
 * @throws {@link NESTError} that names field, place and bound.
 */
export function checkedSample(sample: Sample, where: string, of: Sensor, classes: number): Sample {
  if (typeof sample !== "object" || sample === null || (!sample.events && !sample.frames)) {
    refuseSample(where, "sample", sample, "an object with events or frames", "there is no sample");
  }
  if (sample.events) checkEvents(where, sample.events, of);
  if (sample.frames) checkFrames(where, "frames", sample.frames);
  if (sample.target) checkFrames(where, "target", sample.target);
  const { label } = sample;
  if (label !== undefined && !(Number.isInteger(label) && label >= 0 && label < classes)) {
    refuseSample(where, "label", label, `from 0 to ${classes - 1}`, "the label is out of range");
  }
  return sample;
}

/**
 * Some samples of a data set, in this order.
 *
 * @throws {@link NESTError} for no indices, or one that the data set does not have.
 */
export function subset(dataset: Dataset, indices: ArrayLike<number>, name?: string): Dataset {
  const all = given("dataset", dataset, datasetCheck);
  const places = Uint32Array.from(indices);
  const called = name ?? all.name;
  if (places.length === 0) {
    throw nestError({
      code: "ValueError",
      message: `${called} has no samples`,
      parameter: "indices",
      value: "0 samples",
      bound: "at least one sample",
    });
  }
  for (let at = 0; at < places.length; at++) {
    given(`indices[${at}]`, indices[at], whole(0, all.length - 1));
  }
  return {
    name: called,
    length: places.length,
    sensor: all.sensor,
    classes: all.classes,
    get: (index, signal) => all.get(places[index] as number, signal),
    ...(all.close && { close: () => all.close?.() }),
  };
}

/**
 * Parts of a data set that share no sample, each with its share of all samples; they are drawn with a seed.
 *
 * @example
 * const { training, validation } = split(dataset, { training: 0.9, validation: 0.1 });
 *
 * @param shares Shares by name, which add up to at most 1.
 * @throws {@link NESTError} for shares above 1 in sum, and for a part that would be empty.
 */
export function split<Name extends string>(
  dataset: Dataset,
  shares: Readonly<Record<Name, number>>,
  { seed = 1 }: { seed?: number } = {},
): Record<Name, Dataset> {
  const all = given("dataset", dataset, datasetCheck);
  const parts = given("shares", shares, record(number({ min: 0, max: 1 })));
  const sum = Object.values(parts).reduce((total, share) => total + share, 0);
  if (sum > 1 + 1e-9) {
    throw nestError({
      code: "ValueError",
      message: "the parts are more than the whole",
      parameter: "shares",
      value: String(sum),
      bound: "at most 1 in sum",
    });
  }
  const order = new NumpyRandom(given("seed", seed, whole(0, u32))).permutation(all.length);
  let [begin, share] = [0, 0];
  const made = Object.entries(parts).map(([name, of]) => {
    share += of;
    const end = Math.min(all.length, Math.round(share * all.length));
    const part = subset(all, order.slice(begin, end), `${all.name} (${name})`);
    begin = end;
    return [name, part];
  });
  return Object.fromEntries(made) as Record<Name, Dataset>;
}

/**
 * Reads a sample and checks it; whatever fails is refused with the name of data set and sample.
 *
 * @throws {@link NESTError}
 */
export async function readSample(dataset: Dataset, index: number, signal?: AbortSignal): Promise<Sample> {
  given("signal", signal, optional(abortSignal));
  const where = `${dataset.name}, sample ${index}`;
  let sample: Sample;
  try {
    sample = await dataset.get(index, signal);
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof NESTError) throw error;
    throw nestError({
      code: "ValueError",
      message: `${where} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      parameter: "dataset",
      bound: "a sample",
    });
  }
  return checkedSample(sample, where, dataset.sensor, dataset.classes);
}
