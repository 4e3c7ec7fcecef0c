import { dynamicsOf } from "../nest/dynamics.js";
import { type Pieces, inSlices } from "../core/event-loop.js";
import { fields, flag, optional, whole } from "../core/arguments.js";
import type { NodeCollection } from "../nest/collections.js";
import type { EventColumns } from "../nest/shown.js";
import { populationsOf } from "../tasks/network-description.js";
import type { Task } from "../tasks/task.js";
import type { TaskNetwork } from "./network.js";

/** What is recorded besides losses. */
export interface RecordOptions {
  /** Neurons of each recurrent population whose states are recorded; 3 if left out. */
  neurons?: number;
  /** Record spikes of inputs and recurrent neurons; true if left out. */
  spikes?: boolean;
}

/** Options of a record. */
export const recordOptions = fields({ neurons: optional(whole(1)), spikes: optional(flag) });

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
  /** Times between which nothing is kept (ms). */
  #dropped: readonly [number, number] = [0, 0];

  constructor(network: TaskNetwork, task: Task, options: RecordOptions | boolean) {
    this.#network = network;
    this.#task = task;
    if (options === false) return;
    const { neurons = 3, spikes = true } = options === true ? {} : options;
    const { kernel } = network;
    const idle = { start: 0, stop: 0 };
    for (const { name, model } of populationsOf(network.built.description, "recurrent")) {
      const population = network.built.populations[name] as NodeCollection;
      const recorder = kernel.Create("multimeter", 1, {
        ...idle,
        interval: task.resolution,
        record_from: [
          ...recurrentStates,
          ...(dynamicsOf(model)?.adapts ? (["adaptation", "V_th_adapt"] as const) : []),
        ],
      });
      kernel.Connect(recorder, population.slice(0, neurons));
      this.#recorders.set(name, recorder);
    }
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
  async drain(): Promise<void> {
    for (const [name, recorder] of this.#recorders) {
      const events = await inSlices(this.#kept(await this.#network.kernel.takeEventsAsync(recorder)));
      if (events.senders.length === 0) continue;
      this.#parts.set(name, [...(this.#parts.get(name) ?? []), events]);
    }
  }

  /**
   * Goes on with what {@link recorded} gave.
   *
   * @param dropped Steps up to which nothing is kept but the first iteration, whose last step is `first`: where a
   *   training is trained on, its last iteration until then is not the last.
   */
  async restore(recorded: Recorded, dropped: { first?: number; restored?: number } = {}): Promise<void> {
    const { first = 0, restored = 0 } = dropped;
    this.#dropped = [first * this.#task.resolution, restored * this.#task.resolution];
    for (const [name, columns] of Object.entries(recorded)) {
      const kept = await inSlices(this.#kept(columns as EventColumns));
      if (kept.senders.length > 0 || restored === 0) this.#parts.set(name, [kept]);
    }
  }

  /** Events but for those of an iteration that is not the last any more. */
  *#kept(events: EventColumns): Pieces<EventColumns> {
    const { times } = events;
    const kept = yield* rowsOutside(times ?? [], this.#dropped);
    const rows = kept.reduce((sum, [from, to]) => sum + to - from, 0);
    if (times === undefined || rows === times.length) return events;
    const columns: Recorded[string] = {};
    for (const [name, column] of Object.entries(events)) {
      if (column === undefined) continue;
      const pieces = kept.map(([from, to]) => column.subarray(from, to));
      columns[name] = yield* concatenated(column, pieces);
    }
    return columns as EventColumns;
  }

  /** All that has been recorded until now, whatever is recorded until the last piece. */
  recorded(): Pieces<Recorded> {
    return joined([...this.#parts]);
  }
}

/** The parts of each recorder, their columns one after the other. */
function* joined(recorders: readonly (readonly [string, readonly EventColumns[]])[]): Pieces<Recorded> {
  const recorded: Recorded = {};
  for (const [name, parts] of recorders) {
    const columns: Recorded[string] = {};
    for (const [column, first] of Object.entries(parts[0] ?? {})) {
      const pieces = parts.map((part) => part[column] ?? new Float64Array(0));
      columns[column] = pieces.length === 1 ? first : yield* concatenated(first, pieces);
      yield;
    }
    recorded[name] = columns;
  }
  return recorded;
}

/** Values that are copied, or times that are looked at, in one piece: half a megabyte. */
const copiedAtOnce = 1 << 16;

/** Ranges of rows, the ends not included, whose times are not within a range whose end is. */
function* rowsOutside(
  times: ArrayLike<number>,
  [from, to]: readonly [number, number],
): Pieces<(readonly [number, number])[]> {
  const ranges: (readonly [number, number])[] = [];
  let begin = 0;
  for (let row = 0; row < times.length; row++) {
    if (row % copiedAtOnce === 0) yield;
    const time = times[row] as number;
    // Times are sums of steps.
    if (time <= from + 1e-6 || time > to + 1e-6) continue;
    if (begin < row) ranges.push([begin, row]);
    begin = row + 1;
  }
  if (begin < times.length) ranges.push([begin, times.length]);
  return ranges;
}

function* concatenated<T extends Float64Array | Uint32Array>(like: T, pieces: readonly T[]): Pieces<T> {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const all = (like instanceof Uint32Array ? new Uint32Array(length) : new Float64Array(length)) as T;
  let at = 0;
  for (const piece of pieces) {
    for (let from = 0; from < piece.length; from += copiedAtOnce) {
      all.set(piece.subarray(from, from + copiedAtOnce), at + from);
      yield;
    }
    at += piece.length;
  }
  return all;
}
