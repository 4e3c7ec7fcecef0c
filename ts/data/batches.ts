import { fields, given, number, u32, whole } from "../core/arguments.js";
import { nestError } from "../core/errors.js";
import { type Sample, channelsOf } from "./dataset.js";
import type { Batch, DataLoader } from "./loader.js";

/** What the sequences of a task are like. */
export interface SequenceOptions {
  /** Steps of a sequence. */
  steps: number;
  /** Length of a step (ms). */
  resolution: number;
  /** Number of readouts. */
  readouts: number;
}

const sequenceOptions = fields({
  steps: whole(1, u32),
  resolution: number({ min: Number.MIN_VALUE, max: Number.MAX_VALUE }, "a number above 0"),
  readouts: whole(1, u32),
});

/** Inputs and targets of the sequences of a batch, as a task gives them for an iteration. */
export interface BatchData {
  /** Spikes: place `(sequence * steps + step) * inputs + input`, ascending; repeats are multiplicities. */
  spikes: Uint32Array;
  /** Targets of each readout: a value per change. */
  targets: { steps: Uint32Array; values: Float64Array }[];
  /** The class of each sequence, where samples have labels. */
  labels?: Uint32Array;
}

/** Places (`step * inputs + input`) of a sample's events or, as often as they say, of its frames; ascending. */
function placesOf(sample: Sample, inputs: number, steps: number, resolution: number): Uint32Array {
  if (sample.events !== undefined) {
    const { times, channels } = sample.events;
    const places = new Uint32Array(times.length);
    let count = 0;
    for (let event = 0; event < times.length; event++) {
      const step = Math.floor((times[event] as number) / resolution);
      // What comes after the sequence's end is left out.
      if (step >= steps) break;
      places[count] = step * inputs + (channels[event] as number);
      count += 1;
    }
    return places.slice(0, count).toSorted();
  }
  const places: number[] = [];
  const { values, channels } = sample.frames as NonNullable<Sample["frames"]>;
  for (let place = 0; place < Math.min(values.length, steps * channels); place++) {
    for (let spike = 0; spike < Math.round(values[place] as number); spike++) places.push(place);
  }
  return Uint32Array.from(places);
}

/**
 * The inputs and targets of an iteration from the samples of a batch, for a task's `next`. Events are spikes of the
 * input of their channel; frames are counts of spikes. A label is a target of 1 for its readout and of 0 for the
 * others; a sample's `target` is given step by step.
 *
 * @throws {@link NESTError} for a sample that has neither, or that does not fit.
 */
export function iterationData(batch: Batch, inputs: number, options: SequenceOptions): BatchData {
  const { steps, resolution, readouts } = given("options", options, sequenceOptions);
  const { samples } = batch;
  const parts = samples.map((sample) => placesOf(sample, inputs, steps, resolution));
  const spikes = new Uint32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const [sequence, part] of parts.entries()) {
    for (const place of part) spikes[at++] = sequence * steps * inputs + place;
  }
  const refuse = (sequence: number, message: string, bound: string): never => {
    throw nestError({
      code: "ValueError",
      message: `sample ${batch.indices[sequence]} ${message}`,
      parameter: "samples",
      bound,
    });
  };
  if (samples.every(({ target }) => target !== undefined)) {
    samples.forEach(({ target }, sequence) => {
      if (target?.channels === readouts && target.steps === steps) return;
      refuse(sequence, "has a target of another shape", `${steps} steps of ${readouts} readouts`);
    });
    return {
      spikes,
      targets: Array.from({ length: readouts }, (_, readout) => ({
        steps: Uint32Array.from({ length: steps * samples.length }, (_step, place) => place),
        values: Float64Array.from({ length: steps * samples.length }, (_step, place) => {
          const target = samples[Math.floor(place / steps)]?.target;
          return target?.values[(place % steps) * readouts + readout] as number;
        }),
      })),
    };
  }
  const labels = Uint32Array.from(samples, ({ label }, sequence) => {
    if (label === undefined)
      return refuse(sequence, "has neither a label nor a target", "one of them, all samples alike");
    return label < readouts
      ? label
      : refuse(sequence, `has the label ${label}`, `below ${readouts}, the readouts`);
  });
  return {
    spikes,
    labels,
    targets: Array.from({ length: readouts }, (_, readout) => ({
      steps: Uint32Array.from(labels, (_label, sequence) => sequence * steps),
      values: Float64Array.from(labels, (label) => Number(label === readout)),
    })),
  };
}

/** What gives a task the samples of a loader, an iteration at a time: iteration `drawn` is batch `drawn`. */
export async function nextIteration(
  loader: DataLoader,
  drawn: number,
  options: SequenceOptions,
  signal?: AbortSignal,
): Promise<BatchData> {
  return iterationData(await loader.batch(drawn, signal), channelsOf(loader.sensor), options);
}
