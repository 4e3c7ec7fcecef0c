import { nestError } from "../core/errors.js";
import type { Pieces } from "../core/event-loop.js";
import type { NodeCollection, SynapseCollection } from "../nest/collections.js";
import type { Kernel } from "../nest/kernel.js";
import { losses } from "../nest/losses.js";
import type { Task } from "../tasks/task.js";
import { BuiltNetwork, type Family, familyOf } from "./build-network.js";
import type { ComputedWith } from "./settings.js";
import { type NetworkDescription, describedNetwork, populationsOf } from "../tasks/network-description.js";

/**
 * When what a sequence holds takes effect (steps after its begin): the emission of an input's spikes, a target, and
 * the begin of the readout's record; `lag` is how much later than the sequence's end that record can be read.
 */
export interface Timeline {
  readonly spikes: number;
  readonly target: number;
  readonly record: number;
  readonly lag: number;
}

/** The timeline of each family. */
export const timelines: Readonly<Record<Family, Timeline>> = {
  interval: { spikes: 2, target: 4, record: 4, lag: 5 },
  event: { spikes: 2, target: 2, record: 2, lag: 3 },
};

/** Weights of a projection: rows per target, columns per source, zero where there is no connection. */
export interface WeightMatrix {
  data: Float64Array;
  shape: readonly [number, number];
}

/** Weights of the plastic projections, by name; of a pool these are `in_rec`, `rec_rec` and `rec_out`. */
export interface PlasticWeights {
  [projection: string]: WeightMatrix;
  in_rec: WeightMatrix;
  rec_rec: WeightMatrix;
  rec_out: WeightMatrix;
}

/** What a network computes with. */
export interface NetworkOptions extends ComputedWith {
  /** Threads; all cores if left out. */
  threads?: number;
}

/** The values of the kernel that a task and its options ask for. */
function kernelValues(task: Task, options: NetworkOptions, family: Family) {
  if (family === "event" && options.clipNorm) {
    throw nestError({
      code: "ValueError",
      message: `weights of ${task.name} change with every spike: there is no update of all of them whose gradient could be clipped`,
      parameter: "clipNorm",
      value: String(options.clipNorm),
      bound: "left out with e-prop+",
    });
  }
  return {
    resolution: task.resolution,
    rng_seed: task.seed,
    ...(family === "interval" && {
      eprop_update_interval: task.steps * task.resolution,
      eprop_learning_window: task.learningWindow * task.resolution,
      eprop_reset_neurons_on_update: true,
    }),
    ...(options.threads !== undefined && { local_num_threads: options.threads }),
    ...(options.gradient !== undefined && { gradient: options.gradient }),
    ...(options.precision !== undefined && { precision: options.precision }),
    ...(options.clipNorm !== undefined && { clip_norm: options.clipNorm }),
  };
}

/** The network of a task in a kernel, with what its training needs besides. */
export class TaskNetwork {
  readonly kernel: Kernel;
  readonly family: Family;
  readonly timeline: Timeline;
  /** Populations and projections by name. */
  readonly built: BuiltNetwork;
  readonly targets: NodeCollection;
  readonly learningWindow: NodeCollection | undefined;
  readonly readoutRecorder: NodeCollection;

  /** Creates the network's nodes. */
  private constructor(kernel: Kernel, task: Task, network: NetworkDescription, family: Family) {
    this.kernel = kernel;
    this.family = family;
    this.timeline = timelines[family];
    this.built = new BuiltNetwork(kernel, network);
    this.targets = kernel.Create("step_rate_generator", this.readouts.length);
    this.readoutRecorder = kernel.Create("multimeter", 1, {
      record_from: ["readout_signal", "target_signal"],
      interval: task.resolution,
      start: this.timeline.record * task.resolution,
    });
    if (this.family === "event") this.learningWindow = kernel.Create("step_rate_generator", 1);
  }

  /**
   * Builds the network of a task in an empty kernel.
   *
   * @param factor Factor of the learning rates in the first training iteration.
   * @param network What is built: the task's network, but for its first weights.
   */
  static *build(
    kernel: Kernel,
    task: Task,
    options: NetworkOptions,
    factor = 1,
    network = describedNetwork(task.network),
  ): Pieces<TaskNetwork> {
    const family = familyOf(populationsOf(network, "recurrent")[0]?.model ?? "");
    kernel.set(kernelValues(task, options, family));
    yield;
    const built = new TaskNetwork(kernel, task, network, family);
    yield;
    yield* built.built.connect(task.schedule.validateEvery > 0 ? 0 : factor);
    yield;
    built.#connectSignals(task);
    return built;
  }

  /** All inputs. */
  get inputs(): NodeCollection {
    return this.built.inputs;
  }

  /** All recurrent neurons. */
  get recurrent(): NodeCollection {
    return this.built.recurrent;
  }

  /** All readouts. */
  get readouts(): NodeCollection {
    return this.built.readouts;
  }

  /** Connects targets, the learning window, readouts that share a softmax, and their recorder. */
  #connectSignals(task: Task): void {
    const { kernel, readouts } = this;
    const rate = { synapse_model: "rate_connection_delayed", delay: task.resolution } as const;
    if (losses[task.loss].isShared) {
      const others = { rule: "all_to_all", allow_autapses: false } as const;
      kernel.Connect(readouts, readouts, others, { ...rate, receptor_type: 1 });
    }
    kernel.Connect(this.targets, readouts, "one_to_one", { ...rate, receptor_type: 2 });
    if (this.learningWindow !== undefined) {
      kernel.Connect(this.learningWindow, readouts, "all_to_all", { ...rate, receptor_type: 1 });
    }
    kernel.Connect(this.readoutRecorder, readouts);
  }

  /** Lets the kernel sum the losses of the readouts while it simulates. */
  evaluateReadouts({ steps, learningWindow, batchSize }: Task): void {
    this.kernel.evaluate(this.readoutRecorder, { steps, learningWindow, batchSize });
  }

  /** The connections of a projection. */
  connections(name: string): SynapseCollection {
    return this.built.connections(name);
  }

  /** The plastic weights as they are now. */
  *weights(): Pieces<PlasticWeights> {
    const weights: Record<string, WeightMatrix> = {};
    for (const { name } of this.built.plastic) {
      if (Object.keys(weights).length > 0) yield;
      weights[name] = this.built.weights(name);
    }
    return weights as PlasticWeights;
  }
}
