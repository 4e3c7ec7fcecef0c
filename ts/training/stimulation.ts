import type { Pieces } from "../core/event-loop.js";
import type { IterationData, Task } from "../tasks/task.js";
import type { TaskNetwork } from "./network.js";

/** Spikes that are looked at in one piece, and generators that are set in one. */
const pieceLengths = { spikes: 1 << 14, generators: 50 } as const;

/** Changes of a target signal: steps, and the values from then on. */
export interface TargetChanges {
  times: Float64Array;
  values: Float64Array;
}

/** What generators have not yet sent: steps of spikes by input, changes of targets by readout. */
export interface Waiting {
  spikes: Float64Array[];
  targets: TargetChanges[];
}

/** What generators are given for some iterations, ready to be handed over. */
export interface Stimulus {
  /** What they then have not yet sent. */
  readonly waiting: Waiting;
  readonly inputs: readonly ReturnType<typeof spikeParams>[];
  readonly targets: readonly AmplitudeParams[];
  readonly learningWindow: AmplitudeParams | undefined;
}

/** Parameters of a `step_rate_generator`. */
interface AmplitudeParams {
  amplitude_times: Float64Array;
  amplitude_values: Float64Array;
}

/** What generators of a training have been given and have not yet sent. */
export class Stimulation {
  readonly #network: TaskNetwork;
  readonly #task: Task;
  /** Steps of spikes that generators have not yet sent, by input. */
  #spikesLeft: Float64Array[];
  /** Changes of targets that have not yet come, by readout. */
  #targetsLeft: TargetChanges[];

  /** @param left What generators were left with where a training goes on. */
  constructor(network: TaskNetwork, task: Task, left?: Waiting) {
    this.#network = network;
    this.#task = task;
    const none = new Float64Array(0);
    this.#spikesLeft = left?.spikes ?? Array.from(network.inputs.ids, () => none);
    this.#targetsLeft =
      left?.targets ?? Array.from(network.readouts.ids, () => ({ times: none, values: none }));
  }

  /** What generators have not yet sent. */
  get waiting(): Waiting {
    return { spikes: this.#spikesLeft, targets: this.#targetsLeft };
  }

  /** What generators emit in iterations that begin at a step, after what they have been given. The kernel is not asked. */
  *prepare(iterations: readonly IterationData[], begin: number): Pieces<Stimulus> {
    const [network, task] = [this.#network, this.#task];
    const { resolution } = task;
    const spikes = yield* this.#spikes(iterations, begin);
    const targets = yield* this.#targets(iterations, begin);
    const inputs: Stimulus["inputs"][number][] = [];
    for (const steps of spikes) {
      inputs.push(spikeParams(steps, resolution));
      yield;
    }
    return {
      waiting: { spikes, targets },
      inputs,
      targets: targets.map(({ times, values }) => ({
        amplitude_times: inMilliseconds(times, resolution),
        amplitude_values: values,
      })),
      learningWindow:
        network.learningWindow && windowParams(task, begin + network.timeline.target, iterations.length),
    };
  }

  /** Gives generators what has been prepared. */
  *load({ waiting, inputs, targets, learningWindow }: Stimulus): Pieces<void> {
    const network = this.#network;
    this.#spikesLeft = waiting.spikes;
    this.#targetsLeft = waiting.targets;
    for (let at = 0; at < inputs.length; at += pieceLengths.generators) {
      const end = at + pieceLengths.generators;
      network.inputs.slice(at, end).set(inputs.slice(at, end));
      yield;
    }
    network.targets.set(targets);
    if (learningWindow !== undefined) network.learningWindow?.set(learningWindow);
  }

  /** Steps of the spikes of each input that it has not yet sent. */
  *#spikes(iterations: readonly IterationData[], begin: number): Pieces<Float64Array[]> {
    const { inputs, timeline } = this.#network;
    const length = this.#task.steps * this.#task.batchSize;
    const left: Float64Array[] = [];
    for (const [input, steps] of this.#spikesLeft.entries()) {
      left.push(steps.filter((step) => step > begin));
      if (input % pieceLengths.generators === 0) yield;
    }
    const counts = Uint32Array.from(left, (steps) => steps.length);
    for (const { spikes } of iterations) {
      for (let at = 0; at < spikes.length; at++) {
        const input = (spikes[at] as number) % inputs.length;
        counts[input] = (counts[input] as number) + 1;
        if (at % pieceLengths.spikes === 0) yield;
      }
    }
    const all = Array.from(counts, (count) => new Float64Array(count));
    yield;
    const filled = new Uint32Array(inputs.length);
    for (const [input, steps] of left.entries()) {
      all[input]?.set(steps);
      filled[input] = steps.length;
      if (input % pieceLengths.generators === 0) yield;
    }
    for (const [place, { spikes }] of iterations.entries()) {
      const offset = begin + place * length + timeline.spikes;
      for (let at = 0; at < spikes.length; at++) {
        const spike = spikes[at] as number;
        const input = spike % inputs.length;
        const next = filled[input] as number;
        (all[input] as Float64Array)[next] = offset + (spike - input) / inputs.length;
        filled[input] = next + 1;
        if (at % pieceLengths.spikes === 0) yield;
      }
    }
    return all;
  }

  /** Changes of the target of each readout that have not yet come. */
  *#targets(iterations: readonly IterationData[], begin: number): Pieces<TargetChanges[]> {
    const { timeline } = this.#network;
    const length = this.#task.steps * this.#task.batchSize;
    const all: TargetChanges[] = [];
    for (const [readout, waiting] of this.#targetsLeft.entries()) {
      const first = waiting.times.findIndex((step) => step > begin);
      const kept = first < 0 ? 0 : waiting.times.length - first;
      const changes = iterations.reduce(
        (sum, data) => sum + (data.targets[readout]?.steps.length ?? 0),
        kept,
      );
      const times = new Float64Array(changes);
      const values = new Float64Array(changes);
      if (kept > 0) {
        times.set(waiting.times.subarray(first));
        values.set(waiting.values.subarray(first));
      }
      let next = kept;
      for (const [place, data] of iterations.entries()) {
        const target = data.targets[readout];
        if (target === undefined) continue;
        const offset = begin + place * length + timeline.target;
        target.steps.forEach((step, change) => (times[next + change] = offset + step));
        values.set(target.values, next);
        next += target.steps.length;
        yield;
      }
      all.push({ times, values });
    }
    return all;
  }
}

function inMilliseconds(steps: Float64Array, resolution: number): Float64Array {
  return resolution === 1 ? steps : steps.map((step) => step * resolution);
}

/** Spike times of a generator; steps that are there several times are spikes of that multiplicity. */
function spikeParams(steps: Float64Array, resolution: number) {
  if (!steps.some((step, at) => step === steps[at - 1])) {
    return { spike_times: inMilliseconds(steps, resolution), spike_multiplicities: new Float64Array(0) };
  }
  const times: number[] = [];
  const multiplicities: number[] = [];
  for (const step of steps) {
    if (times.length > 0 && times[times.length - 1] === step) {
      multiplicities[multiplicities.length - 1] = (multiplicities.at(-1) as number) + 1;
    } else {
      times.push(step);
      multiplicities.push(1);
    }
  }
  return {
    spike_times: inMilliseconds(Float64Array.from(times), resolution),
    spike_multiplicities: Float64Array.from(multiplicities),
  };
}

/** A signal that is one in the learning windows of sequences and zero outside. */
function windowParams(task: Task, begin: number, iterations: number): AmplitudeParams {
  const closed = task.steps - task.learningWindow;
  const times: number[] = [];
  const values: number[] = [];
  for (let sequence = 0; sequence < iterations * task.batchSize; sequence++) {
    const first = begin + sequence * task.steps;
    if (closed > 0) {
      times.push(first, first + closed);
      values.push(0, 1);
    } else if (sequence === 0) {
      times.push(first);
      values.push(1);
    }
  }
  return {
    amplitude_times: Float64Array.from(times, (step) => step * task.resolution),
    amplitude_values: Float64Array.from(values),
  };
}
