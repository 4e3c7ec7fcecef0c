import type { EventColumns, NodeCollection } from "../nest/collections.js";
import type { Task } from "../tasks/task.js";
import type { TaskNetwork } from "../training/network.js";

/** What is recorded besides losses. */
export interface RecordOptions {
  /** Neurons of each recurrent population whose states are recorded; 3 if left out. */
  neurons?: number;
  /** Record spikes of inputs and recurrent neurons; true if left out. */
  spikes?: boolean;
}

/** Recorded events by recorder: columns of the first and of the last iteration. */
export type Recorded = { [recorder: string]: { [column: string]: Float64Array | Uint32Array } };

/** States that are recorded of each recurrent model. */
const recurrentStates = ["V_m", "surrogate_gradient", "learning_signal"] as const;
const readoutStates = ["V_m", "readout_signal", "target_signal", "error_signal"] as const;

/** Recorders of a task's network that observe chosen stretches of time. */
export class Recorders {
  readonly #network: TaskNetwork;
  readonly #task: Task;
  readonly #recorders = new Map<string, NodeCollection>();
  readonly #parts = new Map<string, EventColumns[]>();

  constructor(network: TaskNetwork, task: Task, options: RecordOptions | boolean) {
    this.#network = network;
    this.#task = task;
    if (options === false) return;
    const { neurons = 3, spikes = true } = options === true ? {} : options;
    const { kernel } = network;
    const idle = { start: 0, stop: 0 };
    network.populations.forEach((population, at) => {
      const recorder = kernel.Create("multimeter", 1, {
        ...idle,
        interval: task.resolution,
        record_from: [
          ...recurrentStates,
          ...(adapts(task, at) ? (["adaptation", "V_th_adapt"] as const) : []),
        ],
      });
      kernel.Connect(recorder, population.slice(0, neurons));
      this.#recorders.set(`recurrent_${at + 1}`, recorder);
    });
    const readouts = kernel.Create("multimeter", 1, {
      ...idle,
      interval: task.resolution,
      record_from: [...readoutStates],
    });
    kernel.Connect(readouts, network.readouts);
    this.#recorders.set("readouts", readouts);
    if (!spikes) return;
    for (const [name, nodes] of [
      ["spikes_in", network.inputs],
      ["spikes_rec", network.recurrent],
    ] as const) {
      const recorder = kernel.Create("spike_recorder", 1, idle);
      kernel.Connect(nodes, recorder);
      this.#recorders.set(name, recorder);
    }
  }

  /** Records from one step to another, the latter included, from now on. */
  observe(begin: number, end: number): void {
    const { resolution } = this.#task;
    for (const recorder of this.#recorders.values()) {
      recorder.set({ start: begin * resolution, stop: end * resolution });
    }
  }

  /** Takes what has been recorded out of the kernel. */
  drain(): void {
    for (const [name, recorder] of this.#recorders) {
      const events = this.#network.kernel.takeEvents(recorder);
      if (events.senders.length === 0) continue;
      const parts = this.#parts.get(name);
      if (parts) parts.push(events);
      else this.#parts.set(name, [events]);
    }
  }

  /** Goes on with what {@link recorded} gave. */
  restore(recorded: Recorded): void {
    for (const [name, columns] of Object.entries(recorded)) this.#parts.set(name, [columns as EventColumns]);
  }

  /** All that has been recorded. */
  recorded(): Recorded {
    return Object.fromEntries([...this.#parts].map(([name, parts]) => [name, joined(parts)]));
  }
}

function adapts(task: Task, population: number): boolean {
  return task.network.recurrent[population]?.model.includes("adapt") ?? false;
}

/** Columns one after the other. */
function joined(parts: readonly EventColumns[]): { [column: string]: Float64Array | Uint32Array } {
  const [first] = parts;
  return Object.fromEntries(
    Object.entries(first ?? {}).map(([name, column]) => {
      const length = parts.reduce((sum, part) => sum + (part[name]?.length ?? 0), 0);
      const all = column instanceof Uint32Array ? new Uint32Array(length) : new Float64Array(length);
      let at = 0;
      for (const part of parts) {
        const piece = part[name] ?? [];
        all.set(piece, at);
        at += piece.length;
      }
      return [name, all];
    }),
  );
}
