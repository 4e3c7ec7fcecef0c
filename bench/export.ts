/** What is measured, as data that other simulators' programs read: numbers in NumPy's archive, all else as JSON. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { NumpyRandom } from "../ts/random/index.js";
import { type NumberArray, npz } from "../ts/formats/npz.js";
import { findTask } from "../ts/tasks/index.js";
import type { PoolDescription } from "../ts/tasks/network-description.js";
import type { IterationData, Task } from "../ts/tasks/task.js";
import { familyOf, learningSynapses } from "../ts/training/build-network.js";
import { timelines } from "../ts/training/network.js";
import type { ByRuleRun, NetworkRun, TaskRun } from "./case.js";
import { descriptionOf, drawSpikes } from "./measure-network.js";

/** A job for another simulator's program. */
export type ForeignJob = Readonly<Record<string, unknown>>;

/** Connections by their names in {@link PoolDescription}. */
const projections = ["in_rec", "rec_rec", "rec_out", "out_rec"] as const;

/** Inputs and targets of iterations one after the other, in steps from the first sequence's begin on. */
function iterationArrays(data: readonly IterationData[], inputs: number, length: number) {
  const spikes = data.map(({ spikes: own }) => own);
  const count = spikes.reduce((sum, own) => sum + own.length, 0);
  const spikeSteps = new Uint32Array(count);
  const spikeInputs = new Uint32Array(count);
  let next = 0;
  const targets: { step: number; readout: number; value: number }[] = [];
  for (const [iteration, { spikes: own, targets: wanted }] of data.entries()) {
    for (const spike of own) {
      spikeInputs[next] = spike % inputs;
      spikeSteps[next] = iteration * length + Math.floor(spike / inputs);
      next += 1;
    }
    for (const [readout, { steps, values }] of wanted.entries()) {
      steps.forEach((step, at) =>
        targets.push({ step: iteration * length + step, readout, value: values[at] as number }),
      );
    }
  }
  return {
    spike_steps: { data: spikeSteps },
    spike_inputs: { data: spikeInputs },
    target_steps: { data: Uint32Array.from(targets, ({ step }) => step) },
    target_readouts: { data: Uint32Array.from(targets, ({ readout }) => readout) },
    target_values: { data: Float64Array.from(targets, ({ value }) => value) },
  };
}

/** What a program must know of a network besides its arrays. */
interface Training {
  network: PoolDescription;
  resolution: number;
  steps: number;
  learningWindow: number;
  batchSize: number;
  loss: Task["loss"];
  seed: number;
}

function exported(folder: string, training: Training, data: readonly IterationData[], iterations: number) {
  const { network, steps, batchSize, resolution } = training;
  const { weights, ...description } = network;
  const arrays: Record<string, NumberArray> = iterationArrays(data, network.inputs, steps * batchSize);
  for (const name of projections) {
    const { data: values, shape, mask } = weights[name];
    arrays[name] = { data: values, shape };
    if (mask !== undefined) arrays[`${name}.mask`] = { data: Uint32Array.from(mask), shape };
  }
  const path = join(folder, "arrays.npz");
  writeFileSync(path, npz(arrays));
  const family = familyOf(network.recurrent[0]?.model ?? "eprop_iaf_bsshslm_2020");
  return {
    ...training,
    network: undefined,
    ...description,
    kind: "task",
    family,
    synapses: learningSynapses[family],
    timeline: timelines[family],
    arrays: path,
    iterations,
    /** Iterations that the arrays hold; the last one is repeated. */
    drawn: data.length,
    before: 0,
    duration: steps * batchSize * resolution,
  };
}

/** A task with what its first iterations draw. */
export async function exportTask(folder: string, run: TaskRun): Promise<ForeignJob> {
  const task = findTask(run.task).create(run.options);
  await task.prepare?.();
  const { iterations } = task.schedule;
  const data: IterationData[] = [];
  while (data.length < iterations) data.push(await task.next("training", { training: data.length, test: 0 }));
  const { network, resolution, steps, learningWindow, batchSize, loss, seed } = task;
  return exported(
    folder,
    // All tasks that are measured are pools.
    { network: network as PoolDescription, resolution, steps, learningWindow, batchSize, loss, seed },
    data,
    iterations,
  );
}

/** A dense network as it is measured, with weights of the same distributions. */
export async function exportNetwork(folder: string, run: NetworkRun): Promise<ForeignJob> {
  const { neurons, inputs, readouts, batch, steps, repetitions } = run;
  const { models, neuron, readout, deviations, optimizer } = descriptionOf(run);
  const generator = new NumpyRandom(1);
  const drawn = (rows: number, columns: number, deviation: number) => ({
    data: generator.randn(rows, columns).data.map((value) => value * deviation),
    shape: [rows, columns] as const,
  });
  const network = {
    inputs,
    recurrent: [{ model: models.neuron, n: neurons, params: neuron }],
    readout: { model: models.readout, n: readouts, params: readout },
    weights: {
      in_rec: drawn(neurons, inputs, deviations.inputs),
      rec_rec: drawn(neurons, neurons, deviations.neurons),
      rec_out: drawn(readouts, neurons, deviations.readouts),
      out_rec: drawn(neurons, readouts, 1),
    },
    optimizer,
    averageGradient: false,
  } as PoolDescription;
  const spikes = drawSpikes(run).flatMap((times, input) =>
    Array.from(times, (step) => step * inputs + input),
  );
  const sequences = Array.from({ length: batch }, (_, sequence) => sequence);
  const data: IterationData = {
    spikes: Uint32Array.from(spikes).toSorted(),
    targets: Array.from({ length: readouts }, (_, at) => ({
      steps: Uint32Array.from(sequences, (sequence) => sequence * steps),
      values: Float64Array.from(sequences, (sequence) => Number(sequence % readouts === at)),
    })),
  };
  const training = {
    network,
    resolution: 1,
    steps,
    learningWindow: steps,
    batchSize: batch,
    loss: "mean_squared_error" as const,
    seed: 1,
  };
  return exported(folder, training, [data], repetitions + 1);
}

/** A network by rules, which has no arrays. */
export function exportByRule(run: ByRuleRun): ForeignJob {
  return { ...run };
}
