import { many } from "../core/words.js";
import { nestError } from "../core/errors.js";
import type { Task } from "../tasks/task.js";
import type { Iteration } from "./iteration.js";
import { type Metrics, metricsOf } from "./metrics.js";
import type { TaskNetwork } from "./network.js";
import type { Progress } from "./progress.js";

/** The iterations that have been simulated since the last call; notes in `progress` that they have been told. */
export function evaluated(task: Task, network: TaskNetwork, progress: Progress): Iteration[] {
  const metrics = metricsOf(
    task.kind,
    network.kernel.takeLosses(network.readoutRecorder),
    network.readouts.length,
  );
  const count = progress.pending.length;
  if (metrics.length !== count) {
    throw nestError({
      code: "InternalError",
      message: "the readouts' record does not cover the iterations",
      value: `${many(metrics.length, "iteration")}`,
      bound: `${many(count, "iteration")}`,
    });
  }
  if (count === 0) return [];
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
  return iterations;
}

function total(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0);
}
