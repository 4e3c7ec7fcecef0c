import { nestError } from "../core/errors.js";
import { inSlices } from "../core/event-loop.js";
import type { Task } from "../tasks/task.js";
import type { Iteration } from "./iteration.js";
import { type Metrics, type ReadoutSignals, evaluations } from "./metrics.js";
import type { TaskNetwork } from "./network.js";
import type { Progress } from "./progress.js";

/**
 * Reads out the iterations that have been simulated since the last call, and notes in `progress` that it has.
 *
 * @returns The iterations, and the signals of the last of them if there is any.
 */
export async function evaluated(
  task: Task,
  network: TaskNetwork,
  progress: Progress,
): Promise<{ iterations: Iteration[]; lastSignals?: ReadoutSignals }> {
  const { readout_signal, target_signal } = await network.kernel.takeValuesAsync(network.readoutRecorder);
  const count = progress.pending.length;
  if (count === 0) return { iterations: [] };
  const readouts = network.readouts.length;
  const none = new Float64Array(0);
  const signals = { readout: readout_signal ?? none, target: target_signal ?? none };
  const rows = task.steps * task.batchSize * readouts;
  if (signals.readout.length !== rows * count) {
    throw nestError({
      code: "InternalError",
      message: "the readouts' record does not cover the iterations",
      value: `${signals.readout.length} values`,
      bound: `${rows * count} values`,
    });
  }
  const ofIterations = Array.from({ length: count }, (_, at) => ({
    readout: signals.readout.subarray(at * rows, (at + 1) * rows),
    target: signals.target.subarray(at * rows, (at + 1) * rows),
  }));
  const metrics = await inSlices(evaluations(task, ofIterations));
  const perNeuron = (spikes: number) => spikes / (task.batchSize * network.recurrent.length);
  const counts = network.kernel.takeIntervalSpikes();
  const norms = network.kernel.takeGradientNorms();
  const spikes = network.kernel.spikeCount();
  const average = (spikes - progress.spikesBefore) / count;
  const ms = progress.pendingMs / count;
  const iterations = progress.pending.map((pending, at) => {
    const ofInterval = counts.subarray(at * task.batchSize, (at + 1) * task.batchSize);
    return {
      ...pending,
      ...(metrics[at] as Metrics),
      ms,
      spikesPerNeuron: perNeuron(network.family === "interval" ? total(ofInterval) : average),
      ...(norms.length === count && { gradientNorm: norms[at] as number }),
    };
  });
  progress.spikesBefore = spikes;
  progress.pendingMs = 0;
  progress.pending = [];
  return { iterations, lastSignals: ofIterations[count - 1] as ReadoutSignals };
}

function total(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0);
}
