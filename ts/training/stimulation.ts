import type { Pieces } from "../core/event-loop.js";
import type { AmplitudeChanges } from "../nest/kernel-types.js";
import type { IterationData, Task } from "../tasks/task.js";
import type { TaskNetwork } from "./network.js";

/** Spikes that are handed over in one piece. */
const pieceLength = 1 << 16;

/** Gives the generators of a network what they send in iterations, the first of which begins at a step. */
export function* stimulate(
  network: TaskNetwork,
  task: Task,
  iterations: readonly IterationData[],
  begin: number,
): Pieces<void> {
  const { kernel, timeline, inputs, targets, learningWindow } = network;
  const length = task.steps * task.batchSize;
  for (const [place, data] of iterations.entries()) {
    const first = begin + place * length;
    for (let at = 0; at < data.spikes.length; at += pieceLength) {
      kernel.extendSpikes(inputs, first + timeline.spikes, data.spikes.subarray(at, at + pieceLength));
      yield;
    }
    const changes = Array.from(targets.ids, (_, readout) => data.targets[readout] ?? unchanged);
    kernel.extendAmplitudes(targets, first + timeline.target, changes);
    if (learningWindow !== undefined) {
      kernel.extendAmplitudes(learningWindow, first + timeline.target, [windowChanges(task)]);
    }
    yield;
  }
}

const unchanged: AmplitudeChanges = { steps: new Uint32Array(0), values: new Float64Array(0) };

/** A signal that is one in the learning windows of sequences and zero outside. */
function windowChanges({ steps, learningWindow, batchSize }: Task): AmplitudeChanges {
  const closed = steps - learningWindow;
  if (closed === 0) return { steps: Uint32Array.of(0), values: Float64Array.of(1) };
  const changes = Array.from({ length: batchSize }, (_, sequence) => [
    sequence * steps,
    sequence * steps + closed,
  ]);
  return {
    steps: Uint32Array.from(changes.flat()),
    values: Float64Array.from({ length: 2 * batchSize }, (_, at) => at % 2),
  };
}
