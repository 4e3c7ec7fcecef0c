/** Spikes and target signals of sequences. */
import { InPieces, type Pieces } from "../core/event-loop.js";
import type { NumpyRandom } from "../random/index.js";
import type { IterationData, SequenceRange, Task } from "./task.js";

/** What tasks have in common whose readouts follow a target in each of a sequence's steps of 1 ms. */
export const regressionOver = (steps: number, batchSize: number) =>
  ({
    resolution: 1,
    steps,
    learningWindow: steps,
    batchSize,
    kind: "regression",
    loss: "mean_squared_error",
  }) as const;

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

/** Numbers that are drawn in one piece. */
const drawnAtOnce = 1 << 17;

/** Whether a sequence is one of those whose spikes are wanted; all are if none are named. */
export const isWanted = (sequences: SequenceRange | undefined, sequence: number): boolean =>
  sequences === undefined || (sequence >= sequences.begin && sequence < sequences.end);

/** As {@link NumpyRandom.spikesBelow}, in pieces. */
export function* spikesBelowInPieces(
  random: NumpyRandom,
  probabilities: Float64Array,
  inputs: number,
  rows: Uint32Array,
): Pieces<Uint32Array> {
  const parts: Uint32Array[] = [];
  const rowsAtOnce = Math.ceil(drawnAtOnce / inputs);
  for (let begin = 0; begin < rows.length; begin += rowsAtOnce) {
    if (begin > 0) yield;
    const drawn = random.spikesBelow(probabilities, inputs, rows.subarray(begin, begin + rowsAtOnce));
    parts.push(drawn.map((place) => place + begin * inputs));
  }
  return concatenated(parts);
}

/** Numbers that are copied in one piece. */
const pieceLength = 1 << 16;

/** The same sequence several times, one after the other. */
function* repeated(spikes: Uint32Array, sequences: number, places: number): Pieces<Uint32Array> {
  const all = new Uint32Array(spikes.length * sequences);
  let copied = 0;
  for (let sequence = 0; sequence < sequences; sequence++) {
    const offset = sequence * places;
    for (let spike = 0; spike < spikes.length; spike++) all[copied++] = (spikes[spike] as number) + offset;
    if (copied % pieceLength < spikes.length) yield;
  }
  return all;
}

/** The same target in several sequences, one after the other. */
function* repeatedTarget(target: Float64Array, sequences: number): Pieces<IterationData["targets"][number]> {
  const steps = new Uint32Array(target.length * sequences);
  const values = new Float64Array(target.length * sequences);
  for (let at = 0; at < steps.length; at += target.length) {
    for (let step = 0; step < target.length; step++) steps[at + step] = at + step;
    values.set(target, at);
    if (at % pieceLength < target.length) yield;
  }
  return { steps, values };
}

/** Inputs and targets of an iteration whose sequences are all the same. */
function* sameSequences(
  spikes: Uint32Array,
  targets: readonly Float64Array[],
  batchSize: number,
  inputs: number,
): Pieces<IterationData> {
  const steps = targets[0]?.length ?? 0;
  const all: IterationData["targets"] = [];
  for (const target of targets) all.push(yield* repeatedTarget(target, batchSize));
  return { spikes: yield* repeated(spikes, batchSize, steps * inputs), targets: all };
}

/** What gives the same iteration each time, all its sequences alike. It is made when it is first wanted. */
export function sameIteration(
  spikes: Uint32Array,
  targets: readonly Float64Array[],
  batchSize: number,
  inputs: number,
): Task["next"] {
  const data = new InPieces(sameSequences(spikes, targets, batchSize, inputs));
  return (_split, _drawn, signal) => (data.isMade ? data.now() : data.inSlices(signal));
}
