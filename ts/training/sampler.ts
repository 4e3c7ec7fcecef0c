import type { NodeCollection } from "../nest/collections.js";
import type { Task } from "../tasks/task.js";
import type { ReadoutSignals } from "./metrics.js";
import type { TaskNetwork } from "./network.js";

/** Spikes of a population in one sequence. */
export interface SampledSpikes {
  /** Times from the sequence's begin (ms). */
  times: Float64Array;
  /** Places of the neurons in their population, from 0 on. */
  neurons: Uint32Array;
  /** Size of the population. */
  size: number;
}

/** What the first sequence of an iteration did. */
export interface SequenceSample {
  iteration: number;
  /** Length of the sequence and of a step (ms). */
  duration: number;
  resolution: number;
  /** When the learning window begins (ms). */
  learningFrom: number;
  input: SampledSpikes;
  recurrent: SampledSpikes;
  /** Readout and target signals: place `step * readouts + readout`. */
  signals: ReadoutSignals;
  readouts: number;
}

/** Looks into a training while it runs. It is told of the iterations that it wants, and nothing is kept for it. */
export interface Observer {
  /** Whether to sample the next iteration. */
  wants(): boolean;
  sample(sample: SequenceSample): void;
}

/** Records one sequence at a time for an observer. Between samples its recorders are idle. */
export class Sampler {
  readonly #network: TaskNetwork;
  readonly #task: Task;
  readonly #observer: Observer;
  readonly #recorders: { readonly [name in "input" | "recurrent"]: NodeCollection };
  readonly #readouts: NodeCollection;
  /** The iteration whose sequence is being recorded, and the step before that sequence. */
  #recording: { iteration: number; begin: number } | undefined;

  constructor(network: TaskNetwork, task: Task, observer: Observer) {
    this.#network = network;
    this.#task = task;
    this.#observer = observer;
    const recorder = (nodes: NodeCollection) => {
      const created = network.kernel.Create("spike_recorder", 1, { start: 0, stop: 0 });
      network.kernel.Connect(nodes, created);
      return created;
    };
    this.#readouts = network.kernel.Create("multimeter", 1, {
      start: 0,
      stop: 0,
      interval: task.resolution,
      record_from: ["readout_signal", "target_signal"],
    });
    network.kernel.Connect(this.#readouts, network.readouts);
    this.#recorders = { input: recorder(network.inputs), recurrent: recorder(network.recurrent) };
  }

  /** Records the first sequence of an iteration that begins after a step, if it is wanted and none is under way. */
  arm(iteration: number, begin: number): void {
    if (this.#recording !== undefined || !this.#observer.wants()) return;
    this.#recording = { iteration, begin };
    const { resolution, steps } = this.#task;
    for (const recorder of Object.values(this.#recorders)) {
      recorder.set({ start: begin * resolution, stop: (begin + steps) * resolution });
    }
    const first = begin + this.#network.timeline.record;
    this.#readouts.set({ start: first * resolution, stop: (first + steps) * resolution });
  }

  /** Hands out the sample of an iteration that is over. */
  deliver(iteration: number): void {
    if (this.#recording?.iteration !== iteration) return;
    const { begin } = this.#recording;
    this.#recording = undefined;
    const { resolution, steps, learningWindow } = this.#task;
    const readouts = this.#network.readouts.length;
    const take = (name: "input" | "recurrent", nodes: NodeCollection): SampledSpikes => {
      const { times, senders } = this.#network.kernel.takeEvents(this.#recorders[name]);
      const first = nodes.ids[0] as number;
      return {
        times: (times as Float64Array).map((time) => time - begin * resolution),
        neurons: senders.map((sender) => sender - first),
        size: nodes.length,
      };
    };
    const { readout_signal, target_signal } = this.#network.kernel.takeEvents(this.#readouts);
    this.#observer.sample({
      iteration,
      duration: steps * resolution,
      resolution,
      learningFrom: (steps - learningWindow) * resolution,
      input: take("input", this.#network.inputs),
      recurrent: take("recurrent", this.#network.recurrent),
      signals: { readout: readout_signal as Float64Array, target: target_signal as Float64Array },
      readouts,
    });
  }
}
