/** Data sets, transforms and the loader: the same samples in the same order wherever it begins, and flat memory. */
import { describe, expect, it } from "vitest";
import {
  type Dataset,
  DataLoader,
  type Sample,
  type Transform,
  binTime,
  cropSpace,
  cropTime,
  downsample,
  dropEvents,
  iterationData,
  levelCrossings,
  mergePolarities,
  spatialJitter,
  split,
  subset,
  syntheticDigits,
  syntheticGestures,
  syntheticSpeech,
  timeJitter,
  uniformNoise,
} from "../ts/data/index.js";
import { NumpyRandom } from "../ts/index.js";

const sensor = { width: 6, height: 4, polarities: 2 };

/** Samples with events at 0, 1, 2, … ms in channels that the index decides. */
function counted(length: number, change: Partial<Dataset> = {}): Dataset & { read: number[] } {
  const read: number[] = [];
  return {
    name: "counted",
    length,
    sensor,
    classes: 5,
    read,
    async get(index) {
      read.push(index);
      await Promise.resolve();
      return {
        events: {
          times: Float64Array.from({ length: 10 }, (_, at) => at),
          channels: Uint32Array.from({ length: 10 }, (_, at) => (index + at) % 48),
        },
        label: index % 5,
      };
    },
    ...change,
  };
}

/** What a transform makes of the events of a sample. */
function transformed(transform: Transform, times: number[], channels: number[], of = sensor, seed = 1) {
  const sample: Sample = {
    events: { times: Float64Array.from(times), channels: Uint32Array.from(channels) },
    label: 1,
  };
  const result = transform.apply(sample, { sensor: of, random: new NumpyRandom(seed) });
  expect(result.label).toBe(1);
  expect([...(sample.events?.times ?? [])]).toEqual(times);
  return { times: [...(result.events?.times ?? [])], channels: [...(result.events?.channels ?? [])], result };
}

async function all(loader: DataLoader): Promise<{ indices: number[]; samples: readonly Sample[] }[]> {
  const batches = [];
  for await (const { indices, samples } of loader) batches.push({ indices: [...indices], samples });
  return batches;
}

describe("a loader", () => {
  const noisy = { batchSize: 4, seed: 3, epochs: 3, transforms: [timeJitter(0.5), dropEvents(0.2)] };
  it("gives every sample once an epoch, in an order of the epoch's own", async () => {
    const batches = await all(new DataLoader(counted(10), { batchSize: 4, epochs: 2 }));
    expect(batches.map(({ indices }) => indices.length)).toEqual([4, 4, 2, 4, 4, 2]);
    const orders = [batches.slice(0, 3), batches.slice(3)].map((epoch) =>
      epoch.flatMap(({ indices }) => indices),
    );
    for (const order of orders)
      expect(order.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(orders[0]).not.toEqual(orders[1]);
    const other = await all(new DataLoader(counted(10), { batchSize: 4, epochs: 1, seed: 2 }));
    expect(other.flatMap(({ indices }) => indices)).not.toEqual(orders[0]);
    const plain = await all(
      new DataLoader(counted(10), { batchSize: 4, epochs: 1, shuffle: false, last: "drop" }),
    );
    expect(plain.map(({ indices }) => indices)).toEqual([
      [0, 1, 2, 3],
      [4, 5, 6, 7],
    ]);
    const filled = await all(
      new DataLoader(counted(10), { batchSize: 4, epochs: 1, shuffle: false, last: "fill" }),
    );
    expect(filled.at(-1)?.indices).toEqual([8, 9, 0, 1]);
  });
  it("goes on in the middle of an epoch with the same samples, whatever is read ahead", async () => {
    const whole = await all(new DataLoader(counted(10), noisy));
    for (const prefetch of [0, 1, 5]) {
      const rest = await all(new DataLoader(counted(10), { ...noisy, prefetch, from: 4 }));
      expect(rest).toEqual(whole.slice(4));
    }
    const loader = new DataLoader(counted(10), noisy);
    for (const at of [7, 2, 3, 0]) {
      expect((await loader.batch(at)).samples).toEqual(whole[at]?.samples);
    }
  });
  it("reads no further ahead than it is told", async () => {
    const dataset = counted(1000);
    const loader = new DataLoader(dataset, { batchSize: 10, prefetch: 2 });
    await loader.batch(0);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(dataset.read).toHaveLength(30);
    await loader.batch(1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(dataset.read).toHaveLength(40);
    loader.close();
  });
  it("refuses a sample by its name, and reads it again when asked again", async () => {
    let broken = true;
    const dataset = counted(4);
    const loader = new DataLoader(
      {
        ...dataset,
        get: (index) =>
          index === 2 && broken ? Promise.reject(new Error("disk is gone")) : dataset.get(index),
      },
      { batchSize: 2, shuffle: false },
    );
    expect((await loader.batch(0)).samples).toHaveLength(2);
    await expect(loader.batch(1)).rejects.toThrow(/counted, sample 2 cannot be read: disk is gone/);
    broken = false;
    expect((await loader.batch(1)).samples).toHaveLength(2);
  });
  it("stops to wait at a signal", async () => {
    const never = counted(4, { get: () => new Promise(() => undefined) });
    const stop = new AbortController();
    const waiting = new DataLoader(never, { batchSize: 2 }).batch(0, stop.signal);
    stop.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
  });
  it.each<[string, Sample, RegExp]>([
    ["without events", {}, /no sample/],
    [
      "with a label out of range",
      { ...sampleOf([0], [0]), label: 5 },
      /label is out of range.*value 5.*from 0 to 4/,
    ],
    ["with a channel outside", sampleOf([0, 1], [0, 48]), /channels\[1\].*value 48.*below 48/],
    ["that goes back in time", sampleOf([1, 0], [0, 1]), /times\[1\].*at least 1 ms/],
    ["with a time that is no number", sampleOf([Number.NaN], [0]), /times\[0\].*NaN/],
    ["with too few channels", sampleOf([0, 1], [0]), /2 times, 1 channels/],
  ])("refuses a sample %s", async (_, sample, message) => {
    const loader = new DataLoader(counted(4, { get: () => sample }), { batchSize: 1 });
    await expect(loader.batch(0)).rejects.toThrow(message);
    await expect(loader.batch(0)).rejects.toThrow(/counted, sample/);
  });
  it.each<[object, RegExp]>([
    [{ batchSize: 0 }, /batchSize/],
    [{ batchSize: 11, last: "drop" }, /no whole batch.*at most 10/],
    [{ batchSize: 1, epochs: 0.5 }, /epochs/],
    [{ batchSize: 1, shufle: true }, /did you mean shuffle/],
    [{ batchSize: 1, transforms: [1] }, /transforms\[0\].*a transform/],
  ])("refuses %j", (options, message) => {
    expect(() => new DataLoader(counted(10), options as never)).toThrow(message);
  });
  it("refuses what is no data set", () => {
    expect(() => new DataLoader(counted(0), { batchSize: 1 })).toThrow(/length/);
    expect(() => new DataLoader({} as never, { batchSize: 1 })).toThrow(/dataset\.name/);
  });
});

function sampleOf(times: number[], channels: number[]): Sample {
  return { events: { times: Float64Array.from(times), channels: Uint32Array.from(channels) }, label: 0 };
}

describe("splits", () => {
  it("share no sample, and leave out none", async () => {
    const { training, validation, test } = split(counted(20), { training: 0.7, validation: 0.2, test: 0.1 });
    expect([training.length, validation.length, test.length]).toEqual([14, 4, 2]);
    const channels = [];
    for (const part of [training, validation, test]) {
      for (let at = 0; at < part.length; at++) channels.push((await part.get(at)).events?.channels[0]);
    }
    expect(channels.toSorted((a, b) => (a as number) - (b as number))).toEqual(
      Array.from({ length: 20 }, (_, at) => at),
    );
  });
  it("are refused where they are empty or more than the whole", () => {
    expect(() => split(counted(20), { training: 0.99, test: 0.01 })).toThrow(
      /counted \(test\) has no samples/,
    );
    expect(() => split(counted(20), { training: 0.9, test: 0.2 })).toThrow(/more than the whole/);
    expect(() => subset(counted(20), [20])).toThrow(/indices\[0\].*20/);
  });
});

describe("a transform", () => {
  it("crops in time", () => {
    const { times, channels } = transformed(cropTime({ from: 2, to: 5 }), [0, 2, 3.5, 5], [1, 2, 3, 4]);
    expect([times, channels]).toEqual([
      [0, 1.5],
      [2, 3],
    ]);
  });
  it("crops in space", () => {
    const crop = cropSpace({ width: 2, height: 2 });
    expect(crop.sensor?.(sensor)).toEqual({ width: 2, height: 2, polarities: 2 });
    // The middle of 6 by 4 pixels begins at column 2, row 1: channel 8, and 24 more with the other polarity.
    expect(transformed(crop, [0, 1, 2, 3], [8, 15, 32, 7]).channels).toEqual([0, 3, 4]);
    expect(() => cropSpace({ width: 7, height: 1 }).sensor?.(sensor)).toThrow(/from 1 to 6/);
  });
  it("downsamples", () => {
    const half = downsample({ width: 3, height: 2 });
    expect(half.sensor?.(sensor)).toEqual({ width: 3, height: 2, polarities: 2 });
    expect(transformed(half, [0, 1, 2, 3], [0, 7, 23, 24]).channels).toEqual([0, 0, 5, 6]);
  });
  it("merges polarities", () => {
    expect(transformed(mergePolarities(), [0, 1], [3, 27]).channels).toEqual([3, 3]);
    expect(mergePolarities().sensor?.(sensor)).toEqual({ ...sensor, polarities: 1 });
  });
  const many = Array.from({ length: 4000 }, (_, at) => at / 10);
  const middle = many.map(() => 9);
  it("drops a share of the events", () => {
    const kept = transformed(dropEvents(0.3), many, middle).times.length;
    // 0.7 of 4000, and four standard deviations.
    expect(Math.abs(kept - 2800)).toBeLessThan(4 * Math.sqrt(4000 * 0.21));
  });
  it("moves events in time, and keeps their order", () => {
    const { times } = transformed(timeJitter(2), many, middle);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(times.every((time) => time >= 0)).toBe(true);
    const moved = transformed(timeJitter(3), [1000], [0], sensor, 5).times[0] as number;
    expect(moved).toBeCloseTo(1000 + 3 * (new NumpyRandom(5).randn(1, 1).data[0] as number), 10);
  });
  it("moves events in space, within the sensor and the polarity", () => {
    const { channels } = transformed(spatialJitter(0.7), many, middle);
    expect(channels.length).toBeLessThan(4000);
    expect(new Set(channels).size).toBeGreaterThan(8);
    expect(channels.every((channel) => channel < 24)).toBe(true);
    const line = transformed(spatialJitter(5), many, middle, { width: 48, height: 1, polarities: 1 });
    expect(Math.max(...line.channels)).toBeGreaterThan(15);
  });
  it("adds noise", () => {
    const { times, channels } = transformed(uniformNoise(500), [10], [0]);
    expect(times).toHaveLength(501);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(Math.max(...times)).toBe(10);
    expect(new Set(channels).size).toBe(48);
  });
  it("bins time into frames of step, polarity, row and column", () => {
    const { frames } = transformed(binTime({ steps: 3, width: 2 }), [0, 1, 2.5, 9], [5, 5, 30, 1]).result;
    expect([frames?.steps, frames?.channels]).toEqual([3, 48]);
    const nonzero = [...(frames?.values ?? [])].flatMap((value, place) => (value ? [[place, value]] : []));
    expect(nonzero).toEqual([
      [5, 2],
      [48 + 30, 1],
    ]);
  });
  it("makes events of levels that are crossed", () => {
    const frames = { values: Float32Array.of(0, 1, 0.6, 0), steps: 4, channels: 1 };
    const crossing = levelCrossings({ levels: 2 });
    const { events } = crossing.apply({ frames }, { sensor, random: new NumpyRandom(1) });
    // Levels are at 0.25 and 0.75; rising ones are channels 0 and 1, falling ones 2 and 3.
    expect([...(events?.times ?? [])]).toEqual([1, 1, 2, 3]);
    expect([...(events?.channels ?? [])]).toEqual([0, 1, 3, 2]);
    expect(() => crossing.apply(sampleOf([0], [0]), { sensor, random: new NumpyRandom(1) })).toThrow(
      /takes frames/,
    );
    expect(() => cropTime({ to: 1 }).apply({ frames }, { sensor, random: new NumpyRandom(1) })).toThrow(
      /takes events/,
    );
  });
});

describe("a batch as an iteration", () => {
  const options = { steps: 4, resolution: 2, readouts: 3 };
  const batch = (samples: Sample[]) => ({
    number: 0,
    epoch: 0,
    indices: Uint32Array.from(samples, (_, at) => at),
    samples,
  });
  it("has a spike for each event within its steps", () => {
    const samples = [sampleOf([0, 1, 3, 7.9, 8], [2, 0, 1, 1, 0]), { ...sampleOf([4], [2]), label: 2 }];
    const { spikes, labels, targets } = iterationData(batch(samples), 3, options);
    expect([...spikes]).toEqual([0, 2, 4, 10, 12 + 8]);
    expect([...(labels ?? [])]).toEqual([0, 2]);
    expect(targets.map(({ values }) => [...values])).toEqual([
      [1, 0],
      [0, 0],
      [0, 1],
    ]);
    expect([...(targets[0]?.steps ?? [])]).toEqual([0, 4]);
  });
  it("has as many spikes as frames count", () => {
    const frames = { values: Float32Array.of(0, 2, 1, 0, 0, 0, 0, 1), steps: 4, channels: 2 };
    expect([...iterationData(batch([{ frames, label: 1 }]), 2, options).spikes]).toEqual([1, 1, 2, 7]);
  });
  it("is refused with a label that no readout has, or without one", () => {
    expect(() => iterationData(batch([{ ...sampleOf([], []), label: 3 }]), 1, options)).toThrow(
      /label 3.*below 3/,
    );
    const { events } = sampleOf([], []);
    expect(() => iterationData(batch([{ events } as Sample]), 1, options)).toThrow(
      /neither a label nor a target/,
    );
  });
});

describe("stand-ins for public data sets", () => {
  const made = [
    syntheticSpeech({ length: 40 }),
    syntheticSpeech({ length: 40, classes: 35 }),
    syntheticGestures({ length: 22 }),
    syntheticDigits({ length: 20, permuted: true }),
  ];
  it.each(made.map((dataset) => [`${dataset.name}, ${dataset.classes}`, dataset] as const))(
    "%s",
    async (_, dataset) => {
      const loader = new DataLoader(dataset, { batchSize: dataset.length, shuffle: false });
      const { samples } = await loader.batch(0);
      expect(samples).toEqual((await loader.batch(0)).samples);
      expect(new Set(samples.map(({ label }) => label)).size).toBe(Math.min(dataset.length, dataset.classes));
      // Samples of one class differ, and those of one class are more alike than others: told by mean channel or value.
      expect(samples[0]).not.toEqual(samples[dataset.classes]);
    },
  );
});
