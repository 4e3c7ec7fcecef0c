import { guarded } from "../core/errors.js";
import type { Pieces } from "../core/event-loop.js";
import type { NodeCollection, SynapseCollection } from "../nest/collections.js";
import type { SynapseSpec } from "../nest/accepted.js";
import type { Kernel } from "../nest/kernel.js";
import type { RecurrentModel, Task, Weights } from "../tasks/task.js";

/** Whether weights change once an update interval or, in e-prop+, with every spike. */
export type Family = "interval" | "event";

/** The family that a model of recurrent neurons belongs to. */
export function familyOf(model: RecurrentModel): Family {
  return model.endsWith("_bsshslm_2020") ? "interval" : "event";
}

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

/** The synapse models of each family. */
export const learningSynapses = {
  interval: {
    plastic: "eprop_synapse_bsshslm_2020",
    feedback: "eprop_learning_signal_connection_bsshslm_2020",
  },
  event: { plastic: "eprop_synapse", feedback: "eprop_learning_signal_connection" },
} as const;

/** Names of a network's plastic projections. */
export const plasticProjections = ["in_rec", "rec_rec", "rec_out"] as const;

/** Name of a plastic projection. */
export type PlasticProjection = (typeof plasticProjections)[number];

/** Weights of the plastic projections: dense, rows per target, columns per source, zero where there is no connection. */
export type PlasticWeights = {
  [name in PlasticProjection]: { data: Float64Array; shape: readonly [number, number] };
};

/** What a network computes with. */
export interface NetworkOptions {
  /** Threads; all cores if left out. */
  threads?: number;
  /** How gradients are computed. */
  gradient?: "adjoint" | "forward";
  /** Precision of neurons and of an interval's gradients; `f64` if left out. */
  precision?: "f64" | "f32";
}

/** The network of a task in a kernel. */
export class TaskNetwork {
  readonly kernel: Kernel;
  readonly family: Family;
  readonly timeline: Timeline;
  readonly inputs: NodeCollection;
  readonly recurrent: NodeCollection;
  readonly populations: readonly NodeCollection[];
  readonly readouts: NodeCollection;
  readonly targets: NodeCollection;
  readonly learningWindow: NodeCollection | undefined;
  readonly readoutRecorder: NodeCollection;
  readonly #sources: { readonly [name in PlasticProjection]: readonly [NodeCollection, NodeCollection] };

  /** Creates the network's nodes. */
  private constructor(kernel: Kernel, task: Task, options: NetworkOptions) {
    this.kernel = kernel;
    const { network } = task;
    this.family = familyOf(network.recurrent[0]?.model ?? "eprop_iaf_bsshslm_2020");
    this.timeline = timelines[this.family];
    kernel.set({
      resolution: task.resolution,
      rng_seed: task.seed,
      ...(this.family === "interval" && {
        eprop_update_interval: task.steps * task.resolution,
        eprop_learning_window: task.learningWindow * task.resolution,
        eprop_reset_neurons_on_update: true,
      }),
      ...(options.threads !== undefined && { local_num_threads: options.threads }),
      ...(options.gradient !== undefined && { gradient: options.gradient }),
      ...(options.precision !== undefined && { precision: options.precision }),
    });
    this.inputs = kernel.Create("spike_generator", network.inputs);
    this.populations = network.recurrent.map(({ model, n, params }) => kernel.Create(model, n, params));
    this.recurrent = this.populations.reduce((all, population) => all.concat(population));
    this.readouts = kernel.Create(network.readout.model, network.readout.n, network.readout.params);
    this.targets = kernel.Create("step_rate_generator", network.readout.n);
    this.readoutRecorder = kernel.Create("multimeter", 1, {
      record_from: ["readout_signal", "target_signal"],
      interval: task.resolution,
      start: this.timeline.record * task.resolution,
    });
    if (this.family === "event") this.learningWindow = kernel.Create("step_rate_generator", 1);
    this.#sources = {
      in_rec: [this.inputs, this.recurrent],
      rec_rec: [this.recurrent, this.recurrent],
      rec_out: [this.recurrent, this.readouts],
    };
  }

  /** Builds the network of a task in an empty kernel. */
  static *build(kernel: Kernel, task: Task, options: NetworkOptions): Pieces<TaskNetwork> {
    const built = new TaskNetwork(kernel, task, options);
    yield;
    yield* built.#connect(task);
    return built;
  }

  *#connect(task: Task): Pieces<void> {
    const { kernel } = this;
    const { network } = task;
    const synapses = learningSynapses[this.family];
    // A synapse that has not yet called its optimizer has the first rate ever set: that of the first phase.
    const eta = task.schedule.validateEvery > 0 ? 0 : (network.optimizer.eta ?? 0);
    kernel.SetDefaults(synapses.plastic, {
      optimizer: { ...network.optimizer, eta },
      ...(this.family === "interval" && { average_gradient: network.averageGradient }),
    });
    for (const name of plasticProjections) {
      const [sources, targets] = this.#sources[name];
      yield* connect(kernel, sources, targets, network.weights[name], {
        synapse_model: synapses.plastic,
        delay: task.resolution,
      });
    }
    yield* connect(kernel, this.readouts, this.recurrent, network.weights.out_rec, {
      synapse_model: synapses.feedback,
      delay: task.resolution,
    });
    const rate = { synapse_model: "rate_connection_delayed", delay: task.resolution } as const;
    if (task.loss === "cross_entropy") {
      kernel.Connect(
        this.readouts,
        this.readouts,
        { rule: "all_to_all", allow_autapses: false },
        { ...rate, receptor_type: 1 },
      );
    }
    kernel.Connect(this.targets, this.readouts, "one_to_one", { ...rate, receptor_type: 2 });
    if (this.learningWindow !== undefined) {
      kernel.Connect(this.learningWindow, this.readouts, "all_to_all", { ...rate, receptor_type: 1 });
    }
    kernel.Connect(this.readoutRecorder, this.readouts);
  }

  /** Sets the learning rate; it takes effect as it does in NEST. */
  setLearningRate(eta: number): void {
    this.kernel.SetDefaults(learningSynapses[this.family].plastic, { optimizer: { eta } });
  }

  /** The connections of a plastic projection. */
  connections(name: PlasticProjection): SynapseCollection {
    return this.kernel.GetConnections(...this.#sources[name]);
  }

  /** The plastic weights as they are now. */
  *weights(): Pieces<PlasticWeights> {
    const read = (name: PlasticProjection) => {
      const [sources, targets] = this.#sources[name];
      const data = guarded(() => this.kernel.native.weightMatrix(sources.ids, targets.ids));
      return { data, shape: [targets.length, sources.length] as const };
    };
    const in_rec = read("in_rec");
    yield;
    return { in_rec, rec_rec: read("rec_rec"), rec_out: read("rec_out") };
  }
}

/** Columns of a matrix that are looked through in one piece. */
const columnsAtOnce = 100;

/** Connects nodes with weights from a matrix: all, or those that its mask names. */
function* connect(
  kernel: Kernel,
  sources: NodeCollection,
  targets: NodeCollection,
  weights: Weights,
  synapse: Pick<SynapseSpec<number>, "synapse_model" | "delay">,
): Pieces<void> {
  const { data, shape, mask } = weights;
  if (mask === undefined) {
    const rule = { rule: "all_to_all", allow_autapses: false } as const;
    kernel.Connect(sources, targets, rule, { ...synapse, weight: { data, shape } });
    yield;
    return;
  }
  const [rows, columns] = shape;
  const from = new Uint32Array(rows * columns);
  const to = new Uint32Array(rows * columns);
  const weight = new Float64Array(rows * columns);
  let count = 0;
  for (let column = 0; column < columns; column++) {
    const source = sources.ids[column] as number;
    for (let row = 0; row < rows; row++) {
      const place = row * columns + column;
      const target = targets.ids[row] as number;
      if (mask[place] === 0 || source === target) continue;
      from[count] = source;
      to[count] = target;
      weight[count] = data[place] as number;
      count += 1;
    }
    if (column % columnsAtOnce === columnsAtOnce - 1) yield;
  }
  kernel.Connect(from.subarray(0, count), to.subarray(0, count), "one_to_one", {
    ...synapse,
    weight: weight.subarray(0, count),
  });
  yield;
}
