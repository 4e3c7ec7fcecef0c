/** What the engine computes of a task's first iterations: gradients, spikes, readouts, losses. */
import { inSlices } from "../core/event-loop.js";
import type { NodeCollection } from "../nest/collections.js";
import { feedbackFacts } from "../nest/feedback.js";
import { Kernel } from "../nest/kernel.js";
import {
  type FeedbackDescription,
  type NetworkDescription,
  describedNetwork,
} from "../tasks/network-description.js";
import type { IterationData, Task } from "../tasks/task.js";
import type { ReadoutSignals } from "../training/metrics.js";
import { TaskNetwork } from "../training/network.js";
import { stimulate } from "../training/stimulation.js";
import { biasNames, type Gradients } from "./interval-eprop.js";
import { type Problem, problemOf } from "./problem.js";

/** How a network is run. */
export interface EngineOptions {
  gradient?: "adjoint" | "forward";
  signal?: AbortSignal | undefined;
  /** Currents of readouts in place of the described ones. */
  currents?: Float64Array;
  /** Called with the network before it is simulated, after it was read: what changes here only the engine knows of. */
  meddle?: ((network: TaskNetwork) => void) | undefined;
}

/** What an iteration of the engine leaves. */
export interface EngineRun {
  /** Weights after it less those before, by projection: an entry per connection. */
  changes: Gradients;
  signals: ReadoutSignals;
  spikes: { stamps: Uint32Array; neurons: Uint32Array };
}

/** A parameter of all nodes. */
function numbersOf(nodes: NodeCollection, name: "I_e" | "learns_bias"): Float64Array {
  const value = nodes.get(name) as unknown;
  return Float64Array.from((Array.isArray(value) ? value : [value]) as number[], Number);
}

/** A network in a kernel, ready to run iterations. */
export class EngineNetwork {
  readonly network: TaskNetwork;
  readonly #task: Task;
  readonly #options: EngineOptions;
  readonly #spikes: NodeCollection;
  #iterations = 0;

  private constructor(task: Task, network: TaskNetwork, options: EngineOptions) {
    this.#task = task;
    this.#options = options;
    this.network = network;
    this.#spikes = network.kernel.Create("spike_recorder");
    network.kernel.Connect(network.recurrent, this.#spikes);
  }

  static async build(task: Task, options: EngineOptions): Promise<EngineNetwork> {
    const network = await inSlices(
      TaskNetwork.build(
        new Kernel(),
        { ...task, schedule: { ...task.schedule, validateEvery: 0 } },
        { precision: "f64", gradient: options.gradient ?? "adjoint" },
      ),
      options.signal,
    );
    return new EngineNetwork(task, network, options);
  }

  get kernel(): Kernel {
    return this.network.kernel;
  }

  problem(data: IterationData): Problem {
    return problemOf(this.network, this.#task, data);
  }

  #connections(name: string) {
    const { sources, targets, model } = this.network.built.projections.find(
      (of) => of.name === name,
    ) as TaskNetwork["built"]["projections"][number];
    return this.kernel.GetConnections(sources, targets, model as "static_synapse");
  }

  /** The plastic weights, an entry per connection, in the order of {@link Problem}. */
  weights(): Gradients {
    return Object.fromEntries(
      this.network.built.plastic.map(({ name }) => [
        name,
        Float64Array.from(this.#connections(name).get("weight")),
      ]),
    );
  }

  /** The currents of populations in which some learn. */
  #biases(): Gradients {
    if (this.network.family === "event") return {};
    const { recurrent, readouts } = this.network;
    return Object.fromEntries(
      (
        [
          [biasNames.recurrent, recurrent],
          [biasNames.readout, readouts],
        ] as const
      )
        .filter(([, nodes]) => numbersOf(nodes, "learns_bias").some((learns) => learns === 1))
        .map(([name, nodes]) => [name, numbersOf(nodes, "I_e")]),
    );
  }

  /** Has currents learn as fast as weights, so that both show their gradient alike. */
  equalizeRates(): void {
    if (this.network.family === "event") return;
    for (const nodes of [this.network.recurrent, this.network.readouts]) nodes.set({ bias_rate: 1 });
  }

  setCurrents(currents: Float64Array): void {
    this.network.readouts.set({ I_e: [...currents] });
  }

  setWeights(name: string, weights: Float64Array): void {
    if (weights.length > 0) this.#connections(name).set({ weight: weights });
  }

  /** Tells generators all that they send: the iterations that are to be run. */
  async load(iterations: readonly IterationData[]): Promise<void> {
    await inSlices(stimulate(this.network, this.#task, iterations, 0));
  }

  /** Runs an iteration: to its last step, and as much longer as its update and its record take. */
  async run(): Promise<EngineRun> {
    const { network } = this;
    const { steps, batchSize, resolution } = this.#task;
    const length = steps * batchSize;
    const learned = () => ({ ...this.weights(), ...this.#biases() });
    const before = learned();
    if (this.#iterations === 0) this.#options.meddle?.(network);
    this.#iterations += 1;
    const done = Math.round(this.kernel.get("biological_time") / resolution);
    const goal = this.#iterations * length + network.timeline.lag;
    const { signal } = this.#options;
    await this.kernel.SimulateAsync((goal - done) * resolution, signal === undefined ? {} : { signal });
    const after = learned();
    const { readout_signal, target_signal } = await this.kernel.takeValuesAsync(network.readoutRecorder);
    const readouts = network.readouts.length;
    const rows = length * readouts;
    const firstRows = (values: Float64Array = new Float64Array(0)) => values.subarray(0, rows);
    const fired = this.kernel.takeEvents(this.#spikes);
    const first = network.recurrent.ids[0] as number;
    return {
      changes: Object.fromEntries(
        Object.entries(before).map(([name, old]) => [
          name,
          old.map((weight, at) => (after[name]?.[at] as number) - weight),
        ]),
      ),
      signals: { readout: firstRows(readout_signal), target: firstRows(target_signal) },
      spikes: {
        stamps: Uint32Array.from(fired["times"] as Float64Array, (time) => Math.round(time / resolution)),
        neurons: Uint32Array.from(fired.senders, (id) => id - first),
      },
    };
  }

  close(): Promise<void> {
    return this.kernel.close();
  }
}

/**
 * The learning rate that a gradient is read with, a power of two: a weight that moves by so many times its gradient
 * shows all digits of it.
 */
const shownBy = 2 ** 60;

/** Feedback that decays takes the readouts' weights along, which is no part of their gradient. */
const withoutDecay = <T extends FeedbackDescription>(of: T): T =>
  feedbackFacts(of.feedback).decays || of.feedbackDecay !== undefined ? { ...of, feedbackDecay: 0 } : of;

/** A task whose weights move against their gradient alone, by so much and without bounds. */
function descending(task: Task, eta: number): Task {
  const network = describedNetwork(task.network);
  const projections = Object.entries(network.projections).map(([name, projection]) => {
    const { optimizer: _own, ...rest } = projection;
    return [name, withoutDecay(rest)] as const;
  });
  const described: NetworkDescription = {
    ...withoutDecay(network),
    projections: Object.fromEntries(projections),
    optimizer: {
      type: "gradient_descent",
      eta,
      batch_size: task.batchSize,
      Wmin: -Number.MAX_VALUE,
      Wmax: Number.MAX_VALUE,
    },
  };
  return { ...task, network: described };
}

/** What the engine says of an iteration. */
export interface EngineGradients extends Omit<EngineRun, "changes"> {
  problem: Problem;
  gradients: Gradients;
}

/**
 * The engine's gradient of an iteration, of a network whose weights change once an update interval.
 *
 * @param weights Plastic weights in place of the described ones.
 */
export async function engineGradients(
  task: Task,
  data: IterationData,
  options: EngineOptions & { weights?: Gradients } = {},
): Promise<EngineGradients> {
  const engine = await EngineNetwork.build(descending(task, shownBy), options);
  try {
    engine.equalizeRates();
    for (const [name, weights] of Object.entries(options.weights ?? {})) engine.setWeights(name, weights);
    const problem = engine.problem(data);
    await engine.load([data]);
    const { changes, signals, spikes } = await engine.run();
    const gradients = Object.fromEntries(
      Object.entries(changes).map(([name, change]) => [name, change.map((value) => -value / shownBy)]),
    );
    return { problem, gradients, signals, spikes };
  } finally {
    await engine.close();
  }
}

/** The engine's readout signals of an iteration with other plastic weights, without learning. */
export async function engineSignals(
  task: Task,
  data: IterationData,
  weights: Gradients,
  options: EngineOptions = {},
): Promise<ReadoutSignals> {
  const engine = await EngineNetwork.build(descending(task, 0), options);
  try {
    for (const [name, of] of Object.entries(weights)) engine.setWeights(name, of);
    if (options.currents !== undefined) engine.setCurrents(options.currents);
    await engine.load([data]);
    return (await engine.run()).signals;
  } finally {
    await engine.close();
  }
}
