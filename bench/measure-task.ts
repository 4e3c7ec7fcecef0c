import { findTask } from "../ts/tasks/index.js";
import type { PoolDescription, Weights } from "../ts/tasks/network-description.js";
import type { Task } from "../ts/tasks/task.js";
import { trainToEnd } from "../ts/index.js";
import type { Measurement, Settings, TaskRun } from "./case.js";
import { median } from "./statistics.js";
import { scaled, workOf } from "./work.js";

/** Synapses of each source of a projection; no neuron has one onto itself. */
function fanOut({ data, shape, mask }: Weights, toItself = true): Uint32Array {
  const counts = new Uint32Array(shape[1]);
  for (let place = 0; place < data.length; place++) {
    const source = place % shape[1];
    const itself = !toItself && source === Math.floor(place / shape[1]);
    if (!itself && mask?.[place] !== 0) counts[source] = (counts[source] ?? 0) + 1;
  }
  return counts;
}

const sum = (values: Uint32Array) => values.reduce((total, value) => total + value, 0);

/** Work of an iteration in which neurons fire so often in a sequence. */
async function iterationWork(task: Task, firings: number, settings: Settings) {
  const { steps, batchSize } = task;
  // All tasks that are measured are pools.
  const network = task.network as PoolDescription;
  const neurons = network.recurrent.reduce((total, { n }) => total + n, 0);
  const adaptive = network.recurrent.filter(({ model }) => model.includes("adapt"));
  const fromInput = fanOut(network.weights.in_rec);
  const recurrent = sum(fanOut(network.weights.rec_rec, false));
  const onto = sum(fanOut(network.weights.rec_out));
  const event = !network.recurrent.some(({ model }) => model.endsWith("bsshslm_2020"));
  const { cutoff } = task.parameters;
  const traceOf = typeof cutoff === "number" ? cutoff / task.resolution : steps;

  const { spikes } = await task.next("training", { training: 0, test: 0 });
  let events = firings * batchSize * (recurrent + onto);
  // Inputs and neurons leave a trace until their next spike, but no longer than counts.
  let traceSteps = recurrent * batchSize * Math.min(steps, firings * traceOf);
  const last = new Map<number, number>();
  for (const spike of spikes) {
    const input = spike % network.inputs;
    const step = Math.floor(spike / network.inputs);
    events += fromInput[input] ?? 0;
    const since = step - (last.get(input) ?? Number.NEGATIVE_INFINITY);
    traceSteps += (fromInput[input] ?? 0) * Math.min(since, traceOf);
    last.set(input, step);
  }
  return workOf({
    family: event ? "event" : "interval",
    neurons,
    readouts: network.readout.n,
    steps,
    learningWindow: task.learningWindow,
    intervals: batchSize,
    adaptive: adaptive.reduce((total, { n }) => total + n, 0) / neurons,
    synapses: sum(fromInput) + recurrent + onto,
    synapticEvents: events,
    traceSteps,
    optimizer: network.optimizer.type === "adam" ? "adam" : "gradient_descent",
    optimizerCalls: 1,
    width: settings.precision === "f32" ? 4 : 8,
  });
}

/** Trains a task. */
export async function measure(run: TaskRun, settings: Settings): Promise<Measurement> {
  const parts = run.parts ?? 1;
  let [wall, cpu] = [performance.now(), process.cpuUsage()];
  let busy = Number.NaN;
  const train = async () => {
    const task = findTask(run.task).create(run.options);
    const { iterations } = await trainToEnd(task, {
      ...settings,
      onIteration: ({ iteration }) => {
        if (iteration === 1) [wall, cpu] = [performance.now(), process.cpuUsage()];
        const { user, system } = process.cpuUsage(cpu);
        busy = (user + system) / 1e3 / (performance.now() - wall);
      },
    });
    return { task, iterations };
  };
  const { task, iterations } = await train();
  const [cold = Number.NaN, ...warm] = iterations.map(({ ms }) => ms / parts);
  for (let training = 1; training < (run.trainings ?? 1); training++) {
    warm.push(...(await train()).iterations.slice(1).map(({ ms }) => ms / parts));
  }
  const firings = median(iterations.map(({ spikesPerNeuron }) => spikesPerNeuron));
  const work = await iterationWork(task, firings, settings);
  return {
    cold,
    warm,
    losses: iterations.map(({ loss }) => loss),
    busy,
    peak: process.resourceUsage().maxRSS * 1024,
    work: scaled(work, 1 / parts),
  };
}
