/** Spikes and target signals of sequences. */
import type { NumpyRandom } from "../random/index.js";
import type { IterationData } from "./task.js";

/** `n` numbers from `start` to `stop`, as `np.linspace`. */
export function linspace(start: number, stop: number, n: number): Float64Array {
  const step = (stop - start) / (n - 1);
  return Float64Array.from({ length: n }, (_, place) => (place === n - 1 ? stop : place * step + start));
}

/** Spikes of inputs that fire in each step with this probability. */
export function noise(random: NumpyRandom, steps: number, inputs: number, probability: number): Uint32Array {
  return random.spikesBelow(new Float64Array(inputs).fill(probability), inputs, new Uint32Array(steps));
}

/** As {@link noise}, without those in step 0: the tutorials with update intervals leave them out. */
export function noiseAfterFirstStep(
  random: NumpyRandom,
  steps: number,
  inputs: number,
  probability: number,
): Uint32Array {
  return noise(random, steps, inputs, probability).filter((place) => place >= inputs);
}

/** Lists of places one after the other. */
export function concatenated(parts: readonly Uint32Array[]): Uint32Array {
  const all = new Uint32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** The same sequence several times, one after the other. */
export function repeated(spikes: Uint32Array, sequences: number, places: number): Uint32Array {
  const all = new Uint32Array(spikes.length * sequences);
  for (let sequence = 0; sequence < sequences; sequence++) {
    for (let spike = 0; spike < spikes.length; spike++) {
      all[sequence * spikes.length + spike] = (spikes[spike] as number) + sequence * places;
    }
  }
  return all;
}

/** Inputs and targets of an iteration whose sequences are all the same. */
export function sameSequences(
  spikes: Uint32Array,
  targets: readonly Float64Array[],
  batchSize: number,
  inputs: number,
): IterationData {
  const steps = targets[0]?.length ?? 0;
  return {
    spikes: repeated(spikes, batchSize, steps * inputs),
    targets: targets.map((target) => ({
      steps: Uint32Array.from({ length: steps * batchSize }, (_, step) => step),
      values: Float64Array.from({ length: steps * batchSize }, (_, step) => target[step % steps] as number),
    })),
  };
}
