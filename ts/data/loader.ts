import {
  abortSignal,
  either,
  fields,
  flag,
  given,
  list,
  oneOf,
  optional,
  u32,
  whole,
} from "../core/arguments.js";
import { nestError } from "../core/errors.js";
import { endOfPiece } from "../core/event-loop.js";
import { NumpyRandom } from "../random/index.js";
import {
  type Dataset,
  type Sample,
  type Sensor,
  checkedSample,
  datasetCheck,
  readSample,
} from "./dataset.js";
import { type Transform, transformCheck } from "./transforms.js";

/** How a {@link DataLoader} goes through a data set. */
export interface DataLoaderOptions {
  /** Samples in a batch. */
  batchSize: number;
  /** Whether each epoch has an order of its own; `true` if left out. */
  shuffle?: boolean;
  /** Seed of the orders and of what transforms draw; 1 if left out. */
  seed?: number;
  /** Epochs after which it ends; without an end if left out. */
  epochs?: number;
  /**
   * What becomes of the last samples of an epoch that make no whole batch: they are left out, are a smaller batch, or
   * are filled up with the first samples of the epoch. `keep` if left out.
   */
  last?: "drop" | "keep" | "fill";
  /** Batches that are read ahead; 1 if left out. */
  prefetch?: number;
  /** What is done to each sample, in this order. */
  transforms?: readonly Transform[];
  /** Number of the batch to begin with, to go on where an earlier loader was; 0 if left out. */
  from?: number;
}

/** Samples that are learned from together. */
export interface Batch {
  /** Its number over all epochs, from 0 on. */
  readonly number: number;
  readonly epoch: number;
  /** Index of each sample in the data set. */
  readonly indices: Uint32Array;
  readonly samples: readonly Sample[];
}

const anything = { allowed: "a number, or left out", read: (value: unknown) => value };

const loaderOptions = fields({
  batchSize: whole(1, u32),
  shuffle: optional(flag),
  seed: optional(whole(0, u32)),
  epochs: optional(either((value) => value === Infinity, anything, whole(1))),
  last: optional(oneOf("drop", "keep", "fill")),
  prefetch: optional(whole(0, 1024)),
  transforms: optional(list(transformCheck, "a list of transforms")),
  from: optional(whole(0)),
});

/** A seed that depends on all of some numbers (FNV-1a over their bytes). */
function seedOf(...numbers: readonly number[]): number {
  let hash = 0x811c_9dc5;
  for (const value of numbers) {
    for (let shift = 0; shift < 32; shift += 8)
      hash = Math.imul(hash ^ ((value >>> shift) & 0xff), 0x0100_0193);
  }
  return hash >>> 0;
}

/**
 * Goes through a data set in batches. No more than the batches asked for and those read ahead are in memory.
 *
 * What a batch holds depends on the options and its number alone: a loader that begins with `from`, or is asked for a
 * single {@link DataLoader.batch}, gives the same samples in the same order, transforms included.
 *
 * @example
 * const loader = new DataLoader(dataset, { batchSize: 32, epochs: 2 });
 * for await (const { epoch, samples } of loader) console.log(epoch, samples.length);
 */
export class DataLoader implements AsyncIterable<Batch> {
  readonly dataset: Dataset;
  readonly batchSize: number;
  /** Batches of an epoch. */
  readonly batchesPerEpoch: number;
  /** Batches of all epochs. */
  readonly length: number;
  /** The sensor after all transforms. */
  readonly sensor: Sensor;
  readonly #options: Required<Omit<DataLoaderOptions, "batchSize">>;
  #stop = new AbortController();
  /** Batches that are being read or are ready, by number. */
  readonly #ahead = new Map<number, Promise<Batch>>();
  #order: { epoch: number; order: Uint32Array } | undefined;

  /** @throws {@link NESTError} for an option that cannot be, and for a data set without one whole batch to take. */
  constructor(dataset: Dataset, options: DataLoaderOptions) {
    this.dataset = given("dataset", dataset, datasetCheck);
    const { batchSize, ...rest } = given("options", options, loaderOptions) as DataLoaderOptions;
    this.batchSize = batchSize;
    this.#options = {
      shuffle: true,
      seed: 1,
      epochs: Infinity,
      last: "keep",
      prefetch: 1,
      transforms: [],
      from: 0,
      ...rest,
    };
    const batches = this.dataset.length / batchSize;
    this.batchesPerEpoch = this.#options.last === "drop" ? Math.floor(batches) : Math.ceil(batches);
    if (this.batchesPerEpoch === 0) {
      throw nestError({
        code: "ValueError",
        message: `${this.dataset.name} has no whole batch`,
        parameter: "batchSize",
        value: String(batchSize),
        bound: `at most ${this.dataset.length}, the number of its samples`,
      });
    }
    this.length = this.batchesPerEpoch * this.#options.epochs;
    this.sensor = this.#options.transforms.reduce(
      (of, { sensor }) => sensor?.(of) ?? of,
      this.dataset.sensor,
    );
  }

  /** The order of samples in an epoch. */
  order(epoch: number): Uint32Array {
    const { shuffle, seed } = this.#options;
    const { length } = this.dataset;
    if (this.#order?.epoch !== epoch) {
      const order = shuffle
        ? new NumpyRandom(seedOf(seed, epoch)).permutation(length)
        : Uint32Array.from({ length }, (_, index) => index);
      this.#order = { epoch, order };
    }
    return this.#order.order;
  }

  /** Indices of the samples of a batch. */
  indices(batch: number): Uint32Array {
    const number = given("batch", batch, whole(0));
    const order = this.order(Math.floor(number / this.batchesPerEpoch));
    const begin = (number % this.batchesPerEpoch) * this.batchSize;
    const end = begin + this.batchSize;
    if (end <= order.length || this.#options.last !== "fill") return order.slice(begin, end);
    return Uint32Array.from(
      { length: this.batchSize },
      (_, at) => order[(begin + at) % order.length] as number,
    );
  }

  /**
   * The samples of a batch; those after it are read ahead.
   *
   * @param batch Its number over all epochs, from 0 on.
   * @param signal Stops the waiting: it rejects with the signal's reason.
   * @throws {@link NESTError} that names data set, sample and place of what cannot be read.
   */
  async batch(batch: number, signal?: AbortSignal): Promise<Batch> {
    const number = given("batch", batch, whole(0));
    given("signal", signal, optional(abortSignal))?.throwIfAborted();
    if (number >= this.length) {
      throw nestError({
        code: "IndexError",
        message: "there is no such batch",
        parameter: "batch",
        value: String(number),
        bound: `below ${this.length}`,
      });
    }
    const last = Math.min(number + this.#options.prefetch, this.length - 1);
    for (const known of this.#ahead.keys()) if (known < number || known > last) this.#ahead.delete(known);
    const wanted = this.#begin(number);
    for (let next = number + 1; next <= last; next++) this.#begin(next);
    const read = signal === undefined ? await wanted : await Promise.race([wanted, aborted(signal, wanted)]);
    this.#ahead.delete(number);
    return read;
  }

  /** Begins to read a batch, after those that are being read already. */
  #begin(number: number): Promise<Batch> {
    const known = this.#ahead.get(number);
    if (known !== undefined) return known;
    const before = [...this.#ahead.values()].at(-1);
    const reading = (before ?? Promise.resolve()).then(
      () => this.#read(number),
      () => this.#read(number),
    );
    this.#ahead.set(number, reading);
    // Told to who asks for the batch; whoever asks again tries again.
    reading.catch(() => {
      if (this.#ahead.get(number) === reading) this.#ahead.delete(number);
    });
    return reading;
  }

  async #read(number: number): Promise<Batch> {
    const { signal } = this.#stop;
    const epoch = Math.floor(number / this.batchesPerEpoch);
    const indices = this.indices(number);
    const samples: Sample[] = [];
    for (const index of indices) {
      signal.throwIfAborted();
      samples.push(this.#transformed(await readSample(this.dataset, index, signal), epoch, index));
      await endOfPiece(signal);
    }
    return { number, epoch, indices, samples };
  }

  #transformed(sample: Sample, epoch: number, index: number): Sample {
    const { transforms, seed } = this.#options;
    if (transforms.length === 0) return sample;
    let random: NumpyRandom | undefined;
    let { sensor } = this.dataset;
    let result = sample;
    for (const transform of transforms) {
      result = transform.apply(result, {
        sensor,
        get random() {
          return (random ??= new NumpyRandom(seedOf(seed, epoch, index, 1)));
        },
      });
      sensor = transform.sensor?.(sensor) ?? sensor;
    }
    return checkedSample(
      result,
      `${this.dataset.name}, sample ${index} after its transforms`,
      sensor,
      this.dataset.classes,
    );
  }

  /** Goes through all batches, from that of `options.from` on. Each loop begins there. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Batch, void, undefined> {
    for (let number = this.#options.from; number < this.length; number++) yield await this.batch(number);
  }

  /** Stops what is read ahead, and leaves the data set open. Whoever asks for a batch again has it read again. */
  close(): void {
    this.#stop.abort(
      nestError({ code: "KernelException", message: "the loader is closed", parameter: "loader" }),
    );
    this.#stop = new AbortController();
    this.#ahead.clear();
  }
}

/** Rejects when a signal is given, unless something else is there first. */
function aborted(signal: AbortSignal, first: Promise<unknown>): Promise<never> {
  return new Promise((_, reject) => {
    const stop = () => reject(signal.reason as Error);
    signal.addEventListener("abort", stop, { once: true });
    const done = () => signal.removeEventListener("abort", stop);
    first.then(done, done);
  });
}
