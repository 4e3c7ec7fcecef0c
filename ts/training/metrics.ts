import type { Pieces } from "../core/event-loop.js";
import { countOf } from "../tasks/network-description.js";
import type { Task } from "../tasks/task.js";

/** Readout and target signals of an iteration: place `(sequence * steps + step) * readouts + readout`. */
export interface ReadoutSignals {
  readout: Float64Array;
  target: Float64Array;
}

/** How well an iteration went. */
export interface Metrics {
  loss: number;
  /** The loss of each readout; `loss` is their mean, with cross entropy their sum. */
  readoutLosses: number[];
  /** Share of sequences that are decided wrongly; of classification tasks only. */
  error?: number;
}

/** Loss and, for classification, error of each iteration from its readouts. */
export function* evaluations(task: Task, iterations: readonly ReadoutSignals[]): Pieces<Metrics[]> {
  const all: Metrics[] = [];
  for (const signals of iterations) all.push(yield* evaluation(task, signals));
  return all;
}

function* evaluation(task: Task, { readout, target }: ReadoutSignals): Pieces<Metrics> {
  const readouts = countOf(task.network, "readout");
  const { steps, learningWindow, batchSize } = task;
  const begin = steps - learningWindow;
  const crossEntropy = task.loss === "cross_entropy";
  let total = 0;
  let wrong = 0;
  const losses = new Float64Array(readouts);
  const means = new Float64Array(readouts);
  const targets = new Float64Array(readouts);
  for (let sequence = 0; sequence < batchSize; sequence++) {
    means.fill(0);
    targets.fill(0);
    for (let step = begin; step < steps; step++) {
      const row = (sequence * steps + step) * readouts;
      for (let at = 0; at < readouts; at++) {
        const y = readout[row + at] as number;
        const wanted = target[row + at] as number;
        means[at] = (means[at] as number) + y;
        targets[at] = (targets[at] as number) + wanted;
        const part = crossEntropy ? (wanted === 0 ? 0 : -wanted * Math.log(y)) : 0.5 * (y - wanted) ** 2;
        losses[at] = (losses[at] as number) + part;
        total += part;
      }
    }
    if (largest(means) !== largest(targets)) wrong++;
    yield;
  }
  const loss = crossEntropy ? total / (learningWindow * batchSize) : total / (readouts * batchSize);
  const each = crossEntropy ? learningWindow * batchSize : batchSize;
  const readoutLosses = Array.from(losses, (value) => value / each);
  return task.kind === "classification"
    ? { loss, readoutLosses, error: wrong / batchSize }
    : { loss, readoutLosses };
}

function largest(values: Float64Array): number {
  return values.reduce((best, value, place) => (value > (values[best] as number) ? place : best), 0);
}
