import { nestError } from "../errors.js";
import type { MemoryEstimate } from "../nest/kernel.js";
import { Recorders, type RecordOptions, type Recorded } from "../recording/recorders.js";
import { WeightCourses } from "../recording/weight-courses.js";
import type { DataSplit, IterationData, Task } from "../tasks/task.js";
import { type Metrics, evaluate, readoutSignals } from "./metrics.js";
import { type NetworkOptions, type PlasticWeights, TaskNetwork } from "./network.js";
import { type Observer, Sampler } from "./sampler.js";

/** What an iteration is for. Weights change in training alone. */
export type Phase = "training" | "validation" | "early-stopping" | "test";

/** An iteration that is over. */
export interface Iteration extends Metrics {
  /** Its number, from 1 on, over all phases. */
  iteration: number;
  phase: Phase;
  /** Time that its simulation took (ms). */
  ms: number;
  /**
   * Spikes of a recurrent neuron in a sequence, on average. With e-prop+, the same for identical iterations that were
   * simulated together.
   */
  spikesPerNeuron: number;
  /** Norm of the gradient of all weights, averaged over the batch; of weights that change once an interval. */
  gradientNorm?: number;
}

/** How a task is trained. */
export interface TrainOptions extends NetworkOptions {
  /** Stops the training: it rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Ends the training with the iteration that comes next: everything is recorded and returned as at a planned end. */
  finish?: AbortSignal;
  /** Looks into sequences while the training runs. */
  observer?: Observer;
  /** What to record besides losses; nothing if left out. */
  record?: RecordOptions | boolean;
}

/** What ended a training: its schedule, small validation errors, or a request to finish. */
export type Ending = "schedule" | "early-stopping" | "request";

/** What a training leaves. */
export interface TrainingResult {
  task: Task;
  iterations: readonly Iteration[];
  weights: { before: PlasticWeights; after: PlasticWeights };
  recorded: Recorded;
  ended: Ending;
  /** Time that the simulation of an iteration took, on average (ms). */
  msPerIteration: number;
  /** Memory that the simulation took. */
  memory: MemoryEstimate;
}

/** Identical iterations are simulated together for about so long (ms). */
const chunkMs = 50;

/** A training: a task's network, and how far it is. */
class Training {
  readonly task: Task;
  readonly network: TaskNetwork;
  readonly recorders: Recorders;
  readonly #sampler: Sampler | undefined;
  readonly #courses: WeightCourses | undefined;
  #snapshotAt = 0;
  readonly before: PlasticWeights;
  readonly #options: TrainOptions;
  readonly iterations: Iteration[] = [];
  #ended: Ending = "schedule";
  #started = 0;
  #pending: { iteration: number; phase: Phase }[] = [];
  #pendingMs = 0;
  #spikesBefore = 0;
  /** Steps of spikes that generators have not yet sent, by input. */
  #spikesLeft: Float64Array[];
  /** Changes of targets that have not yet come, by readout. */
  #targetsLeft: { times: Float64Array; values: Float64Array }[];

  constructor(task: Task, options: TrainOptions) {
    this.task = task;
    this.#options = options;
    this.network = new TaskNetwork(task, options);
    this.recorders = new Recorders(this.network, task, options.record ?? false);
    if (options.observer !== undefined) this.#sampler = new Sampler(this.network, task, options.observer);
    this.before = this.network.weights();
    if (options.record) this.#courses = new WeightCourses(this.network, task.schedule.iterations);
    this.#courses?.snapshot(0);
    this.#spikesLeft = Array.from({ length: task.network.inputs }, () => new Float64Array(0));
    const none = { times: new Float64Array(0), values: new Float64Array(0) };
    this.#targetsLeft = Array.from({ length: task.network.readout.n }, () => none);
  }

  /** All phases, in the order of the tutorials' pipeline. */
  async *run(): AsyncGenerator<Iteration, void, undefined> {
    const { iterations, validateEvery, earlyStopIterations, earlyStopError, testIterations } =
      this.task.schedule;
    for (let done = 0; done < iterations && this.#ended === "schedule";) {
      if (this.#options.finish?.aborted) {
        this.#ended = "request";
        yield* this.#phase("training", 1, true);
        break;
      }
      const due = validateEvery > 0 && done % validateEvery === 0;
      if (due) yield* this.#phase("validation", 1);
      if (due && earlyStopIterations > 0 && this.#lastError() < earlyStopError) {
        const errors: number[] = [];
        for (let at = 0; at < earlyStopIterations; at++) {
          yield* this.#phase("early-stopping", 1);
          errors.push(this.#lastError());
        }
        const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length;
        if (mean < earlyStopError) this.#ended = "early-stopping";
      }
      if (this.#ended === "schedule") {
        const count = this.#together(iterations - done);
        yield* this.#phase("training", count, done + count === iterations && testIterations === 0);
        done += count;
      }
    }
    for (let at = 0; at < testIterations && this.#ended !== "request"; at++) {
      if (this.#options.finish?.aborted) this.#ended = "request";
      yield* this.#phase("test", 1, this.#ended === "request" || at + 1 === testIterations);
    }
    await this.#simulate(this.network.timeline.lag);
    yield* this.#evaluated();
  }

  /** The error that was evaluated last: when a phase is over, that of the iteration before it. */
  #lastError(): number {
    return this.iterations.at(-1)?.error ?? Number.POSITIVE_INFINITY;
  }

  /** How many of the iterations left are simulated in one go. */
  #together(left: number): number {
    const last = this.iterations.at(-1);
    if (!this.task.sameEveryIteration || this.task.schedule.validateEvery > 0 || last === undefined) return 1;
    const most = this.#courses?.every ?? 100;
    return Math.max(1, Math.min(left, most, 100, Math.floor(chunkMs / Math.max(last.ms, 0.01))));
  }

  async *#phase(phase: Phase, count: number, last = false): AsyncGenerator<Iteration, void, undefined> {
    const { task, network } = this;
    const split: DataSplit = phase === "test" ? "test" : "training";
    network.setLearningRate(phase === "training" ? (task.network.optimizer.eta ?? 0) : 0);
    const length = task.steps * task.batchSize;
    const begin = this.#started * length;
    for (let at = 0; at < count; at++) {
      if (this.#started + at === 0) this.recorders.observe(0, length);
      else if (last && at + 1 === count) this.recorders.observe(begin + at * length, begin + count * length);
    }
    this.#sampler?.arm(this.#started + count, begin + (count - 1) * length);
    this.#load(
      Array.from({ length: count }, () => task.next(split)),
      begin,
    );
    const { lag } = network.timeline;
    await this.#simulate(lag);
    yield* this.#evaluated();
    this.#pending = Array.from({ length: count }, (_, at) => ({ iteration: this.#started + at + 1, phase }));
    this.#started += count;
    await this.#simulate(count * length - lag);
  }

  async #simulate(steps: number): Promise<void> {
    const begin = performance.now();
    const { signal } = this.#options;
    await this.network.kernel.SimulateAsync(
      steps * this.task.resolution,
      signal === undefined ? {} : { signal },
    );
    this.#pendingMs += performance.now() - begin;
  }

  /** The iterations that have been simulated since the last call. */
  *#evaluated(): Generator<Iteration> {
    const { task, network } = this;
    this.recorders.drain();
    const events = network.kernel.takeEvents(network.readoutRecorder);
    if (this.#pending.length === 0) return;
    const readouts = task.network.readout.n;
    const signals = readoutSignals(events, network.readouts.ids[0] as number, readouts);
    const rows = task.steps * task.batchSize * readouts;
    if (signals.readout.length !== rows * this.#pending.length) {
      throw nestError({
        code: "InternalError",
        message: "the readouts' record does not cover the iterations",
        value: `${signals.readout.length} values`,
        bound: `${rows * this.#pending.length} values`,
      });
    }
    const count = this.#pending.length;
    const perNeuron = (spikes: number) => spikes / (task.batchSize * network.recurrent.length);
    const counts = network.kernel.takeIntervalSpikes();
    const norms = network.kernel.takeGradientNorms();
    const spikes = network.kernel.spikeCount();
    const average = (spikes - this.#spikesBefore) / count;
    this.#spikesBefore = spikes;
    const ms = this.#pendingMs / count;
    this.#pendingMs = 0;
    const signalsOf = (at: number) => ({
      readout: signals.readout.subarray(at * rows, (at + 1) * rows),
      target: signals.target.subarray(at * rows, (at + 1) * rows),
    });
    const finished = this.#pending.map((pending, at) => ({
      ...pending,
      ...evaluate(task, signalsOf(at)),
      ms,
      spikesPerNeuron: perNeuron(
        network.family === "interval"
          ? total(counts.subarray(at * task.batchSize, (at + 1) * task.batchSize))
          : average,
      ),
      ...(norms.length === count && { gradientNorm: norms[at] as number }),
    }));
    this.#pending = [];
    this.iterations.push(...finished);
    this.#sampler?.deliver(this.iterations.length, signalsOf(count - 1));
    this.#snapshot();
    yield* finished;
  }

  /** Notes weights where it is time to. */
  #snapshot(last = false): void {
    const courses = this.#courses;
    const done = this.iterations.length;
    if (courses === undefined || (!last && done < this.#snapshotAt)) return;
    this.#snapshotAt = done + courses.every;
    courses.snapshot(done * this.task.batchSize * this.task.steps * this.task.resolution);
  }

  /** Gives generators what they emit in iterations that begin at a step. */
  #load(iterations: readonly IterationData[], begin: number): void {
    const { task, network } = this;
    const { resolution } = task;
    const { timeline } = network;
    const length = task.steps * task.batchSize;
    const inputs = task.network.inputs;
    const left = this.#spikesLeft.map((steps) => steps.filter((step) => step > begin));
    const counts = Uint32Array.from(left, (steps) => steps.length);
    for (const { spikes } of iterations) {
      for (const place of spikes) counts[place % inputs] = (counts[place % inputs] as number) + 1;
    }
    const spikes = Array.from(counts, (count) => new Float64Array(count));
    const filled = new Uint32Array(inputs);
    left.forEach((steps, input) => {
      spikes[input]?.set(steps);
      filled[input] = steps.length;
    });
    iterations.forEach((data, at) => {
      const offset = begin + at * length + timeline.spikes;
      for (const place of data.spikes) {
        const input = place % inputs;
        const next = filled[input] as number;
        (spikes[input] as Float64Array)[next] = offset + (place - input) / inputs;
        filled[input] = next + 1;
      }
    });
    const targets = this.#targetsLeft.map((waiting, readout) => {
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
      iterations.forEach((data, at) => {
        const target = data.targets[readout];
        if (target === undefined) return;
        const offset = begin + at * length + timeline.target;
        target.steps.forEach((step, change) => (times[next + change] = offset + step));
        values.set(target.values, next);
        next += target.steps.length;
      });
      return { times, values };
    });
    this.#spikesLeft = spikes;
    this.#targetsLeft = targets;
    network.inputs.set(spikes.map((steps) => spikeParams(steps, resolution)));
    network.targets.set(
      targets.map(({ times, values }) => ({
        amplitude_times: inMilliseconds(times, resolution),
        amplitude_values: values,
      })),
    );
    if (network.learningWindow !== undefined) {
      network.learningWindow.set(windowParams(task, begin + timeline.target, iterations.length));
    }
  }

  result(): TrainingResult {
    this.#snapshot(true);
    return {
      task: this.task,
      iterations: this.iterations,
      weights: { before: this.before, after: this.network.weights() },
      recorded: { ...this.recorders.recorded(), ...this.#courses?.recorded() },
      ended: this.#ended,
      msPerIteration:
        this.iterations.reduce((sum, { ms }) => sum + ms, 0) / Math.max(1, this.iterations.length),
      memory: this.network.kernel.memory(),
    };
  }
}

function total(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0);
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
function windowParams(task: Task, begin: number, iterations: number) {
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

/**
 * Trains a task; gives each iteration as soon as it has been evaluated, and returns what the training leaves.
 *
 * @example
 * for await (const it of train(tasks.evidenceAccumulation({ seed: 1 }))) console.log(it.phase, it.loss, it.error);
 */
export async function* train(
  task: Task,
  options: TrainOptions = {},
): AsyncGenerator<Iteration, TrainingResult, undefined> {
  const training = new Training(task, options);
  try {
    yield* training.run();
    return training.result();
  } finally {
    training.network.kernel.close();
  }
}

/** Trains a task to its end. */
export async function trainToEnd(
  task: Task,
  options: TrainOptions & { onIteration?: (iteration: Iteration) => void } = {},
): Promise<TrainingResult> {
  const training = train(task, options);
  for (;;) {
    const next = await training.next();
    if (next.done) return next.value;
    options.onIteration?.(next.value);
  }
}
