import {
  type Check,
  callable,
  fields,
  given,
  number,
  oneOf,
  optional,
  refuse,
  u32,
  whole,
} from "../core/arguments.js";
import { nestError } from "../core/errors.js";
import type { NumpyRandom } from "../random/index.js";
import { type Events, type Sample, type Sensor, channelsOf, inOrder } from "./dataset.js";

/** What a transform may look at besides the sample. */
export interface TransformContext {
  /** The sensor before the transform. */
  readonly sensor: Sensor;
  /** Draws the same for the same sample in the same epoch. */
  readonly random: NumpyRandom;
}

/** What is done to every sample; the sample itself is left as it is. */
export interface Transform {
  /** The sensor after it, where it is another. */
  sensor?(before: Sensor): Sensor;
  apply(sample: Sample, context: TransformContext): Sample;
}

/** What {@link Transform} asks for. */
export const transformCheck: Check<Transform> = {
  allowed: "a transform: apply() and, where the sensor changes, sensor()",
  read(value, at) {
    if (typeof value !== "object" || value === null) refuse(at, value, this.allowed);
    const transform = value as Transform;
    callable.read(transform.apply, `${at}.apply`);
    if (transform.sensor !== undefined) callable.read(transform.sensor, `${at}.sensor`);
    return transform;
  },
};

const share = number({ min: 0, max: 1 });
const duration = number({ min: 0, max: Number.MAX_VALUE }, "a time of at least 0 ms");
const positive = number({ min: Number.MIN_VALUE, max: Number.MAX_VALUE }, "a number above 0");

/** A transform of events; a sample without events is refused. */
function ofEvents(
  name: string,
  change: (events: Events, context: TransformContext) => Events,
  sensor?: (before: Sensor) => Sensor,
): Transform {
  return {
    apply(sample, context) {
      if (sample.events === undefined) {
        throw nestError({
          code: "ValueError",
          message: `${name} takes events, and the sample has none`,
          parameter: "transforms",
          bound: "a transform of events before events become frames",
        });
      }
      return { ...sample, events: change(sample.events, context) };
    },
    ...(sensor && { sensor }),
  };
}

/** Events that are kept, with the channel that `channelOf` gives; those with a negative channel are dropped. */
function filtered({ times }: Events, channelOf: (event: number) => number): Events {
  const keptTimes = new Float64Array(times.length);
  const keptChannels = new Uint32Array(times.length);
  let count = 0;
  for (let event = 0; event < times.length; event++) {
    const channel = channelOf(event);
    if (channel < 0) continue;
    keptTimes[count] = times[event] as number;
    keptChannels[count] = channel;
    count += 1;
  }
  return { times: keptTimes.slice(0, count), channels: keptChannels.slice(0, count) };
}

const placeOf = ({ width, height }: Sensor, channel: number) => ({
  x: channel % width,
  y: Math.floor(channel / width) % height,
  polarity: Math.floor(channel / (width * height)),
});

/**
 * Keeps the events from `from` (ms) up to `to`, the latter excluded; times count from `from` then.
 */
export function cropTime(options: { from?: number; to: number }): Transform {
  const { from = 0, to } = given("options", options, fields({ from: optional(duration), to: duration }));
  return ofEvents("cropTime", (events) => {
    const kept = filtered(events, (event) => {
      const time = events.times[event] as number;
      return time >= from && time < to ? (events.channels[event] as number) : -1;
    });
    return from === 0 ? kept : { ...kept, times: kept.times.map((time) => time - from) };
  });
}

/** Keeps a rectangle of the sensor's grid: that in its middle, or one whose corner is drawn for each sample. */
export function cropSpace(options: { width: number; height: number; at?: "center" | "random" }): Transform {
  const {
    width,
    height,
    at = "center",
  } = given(
    "options",
    options,
    fields({ width: whole(1, u32), height: whole(1, u32), at: optional(oneOf("center", "random")) }),
  );
  return ofEvents(
    "cropSpace",
    (events, { sensor, random }) => {
      const [across, down] = at === "random" ? random.random(2) : [0.5, 0.5];
      const left = Math.floor((across as number) * (sensor.width - width + (at === "random" ? 1 : 0)));
      const top = Math.floor((down as number) * (sensor.height - height + (at === "random" ? 1 : 0)));
      return filtered(events, (event) => {
        const { x, y, polarity } = placeOf(sensor, events.channels[event] as number);
        const [column, row] = [x - left, y - top];
        if (column < 0 || row < 0 || column >= width || row >= height) return -1;
        return (polarity * height + row) * width + column;
      });
    },
    (before) => {
      given("cropSpace: width", width, whole(1, before.width));
      given("cropSpace: height", height, whole(1, before.height));
      return { ...before, width, height };
    },
  );
}

/** Maps the sensor's grid onto a smaller one, event by event: several pixels share one. */
export function downsample(options: { width: number; height: number }): Transform {
  const { width, height } = given(
    "options",
    options,
    fields({ width: whole(1, u32), height: whole(1, u32) }),
  );
  return ofEvents(
    "downsample",
    (events, { sensor }) =>
      filtered(events, (event) => {
        const { x, y, polarity } = placeOf(sensor, events.channels[event] as number);
        const column = Math.floor((x * width) / sensor.width);
        const row = Math.floor((y * height) / sensor.height);
        return (polarity * height + row) * width + column;
      }),
    (before) => {
      given("downsample: width", width, whole(1, before.width));
      given("downsample: height", height, whole(1, before.height));
      return { ...before, width, height };
    },
  );
}

/** Makes one polarity of all. */
export function mergePolarities(): Transform {
  return ofEvents(
    "mergePolarities",
    (events, { sensor: { width, height } }) =>
      filtered(events, (event) => (events.channels[event] as number) % (width * height)),
    (before) => ({ ...before, polarities: 1 }),
  );
}

/** Drops a share of the events, drawn for each sample. */
export function dropEvents(probability: number): Transform {
  const p = given("probability", probability, share);
  return ofEvents("dropEvents", (events, { random }) => {
    const drawn = random.random(events.times.length);
    return filtered(events, (event) =>
      (drawn[event] as number) < p ? -1 : (events.channels[event] as number),
    );
  });
}

/** Moves each event in time by a normally distributed number (ms); those that come before the beginning are dropped. */
export function timeJitter(std: number): Transform {
  const width = given("std", std, duration);
  return ofEvents("timeJitter", (events, { random }) => {
    const { data } = random.randn(1, events.times.length);
    const moved = events.times.map((time, at) => time + width * (data[at] as number));
    const kept = filtered({ times: moved, channels: events.channels }, (event) =>
      (moved[event] as number) < 0 ? -1 : (events.channels[event] as number),
    );
    return inOrder(kept.times, kept.channels);
  });
}

/** Moves each event in space by normally distributed numbers (pixels); those that leave the sensor are dropped. */
export function spatialJitter(std: number): Transform {
  const width = given("std", std, duration);
  return ofEvents("spatialJitter", (events, { random, sensor }) => {
    const { data } = random.randn(2, events.times.length);
    return filtered(events, (event) => {
      const { x, y, polarity } = placeOf(sensor, events.channels[event] as number);
      const column = Math.round(x + width * (data[event] as number));
      // A line of channels has one row, and none to move to.
      const row =
        sensor.height === 1 ? y : Math.round(y + width * (data[events.times.length + event] as number));
      if (column < 0 || row < 0 || column >= sensor.width || row >= sensor.height) return -1;
      return (polarity * sensor.height + row) * sensor.width + column;
    });
  });
}

/** Adds events at uniformly drawn times, up to the last event of the sample, in uniformly drawn channels. */
export function uniformNoise(count: number): Transform {
  const added = given("count", count, whole(0, u32));
  return ofEvents("uniformNoise", (events, { random, sensor }) => {
    const end = events.times.at(-1) ?? 0;
    const times = random.random(added).map((part) => part * end);
    const channels = Uint32Array.from(random.random(added), (part) => Math.floor(part * channelsOf(sensor)));
    const all = {
      times: new Float64Array(events.times.length + added),
      channels: new Uint32Array(events.times.length + added),
    };
    all.times.set(events.times);
    all.times.set(times, events.times.length);
    all.channels.set(events.channels);
    all.channels.set(channels, events.times.length);
    return inOrder(all.times, all.channels);
  });
}

/**
 * Counts events in bins of equal length: frames `[step][polarity][y][x]`. Events after the last bin are left out.
 *
 * @param options `steps` bins of `width` ms.
 */
export function binTime(options: { steps: number; width: number }): Transform {
  const { steps, width } = given("options", options, fields({ steps: whole(1, u32), width: positive }));
  return {
    apply(sample, { sensor }) {
      const { events, ...rest } = sample;
      const channels = channelsOf(sensor);
      const values = new Float32Array(steps * channels);
      events?.times.forEach((time, event) => {
        const place = Math.floor(time / width) * channels + (events.channels[event] as number);
        if (place < values.length) values[place] = (values[place] as number) + 1;
      });
      return { ...rest, frames: { values, steps, channels } };
    },
  };
}

/** How many of equally spaced levels a value from 0 to 1 is above. */
function levelsBelow(value: number, levels: number): number {
  return Math.max(0, Math.min(levels, Math.ceil(value * levels - 0.5)));
}

/**
 * Makes events of frames: a channel's value that rises above or falls below one of `levels` equally spaced levels
 * between 0 and 1 is an event. There are two channels for each level and channel: `channel * 2 * levels + level`
 * for rising values, `channel * 2 * levels + levels + level` for falling ones.
 *
 * @param options Time between two frames (ms), `step`, is 1 if left out.
 */
export function levelCrossings(options: { levels: number; step?: number }): Transform {
  const { levels, step = 1 } = given(
    "options",
    { step: 1, ...options },
    fields({ levels: whole(1, 1024), step: positive }),
  );
  return {
    sensor: (before) => ({ width: channelsOf(before) * 2 * levels, height: 1, polarities: 1 }),
    apply(sample) {
      const { frames, ...rest } = sample;
      if (frames === undefined) {
        throw nestError({
          code: "ValueError",
          message: "levelCrossings takes frames, and the sample has none",
          parameter: "transforms",
          bound: "a data set of frames",
        });
      }
      const times: number[] = [];
      const channels: number[] = [];
      for (let at = 1; at < frames.steps; at++) {
        for (let channel = 0; channel < frames.channels; channel++) {
          const place = at * frames.channels + channel;
          const after = levelsBelow(frames.values[place] as number, levels);
          const before = levelsBelow(frames.values[place - frames.channels] as number, levels);
          const first = (channel * 2 + (after < before ? 1 : 0)) * levels;
          for (let level = Math.min(before, after); level < Math.max(before, after); level++) {
            times.push(at * step);
            channels.push(first + level);
          }
        }
      }
      return { ...rest, events: { times: Float64Array.from(times), channels: Uint32Array.from(channels) } };
    },
  };
}
