import {
  type Check,
  abortSignal,
  dictionary,
  fields,
  given,
  instance,
  isTyped,
  list,
  number,
  numbers,
  optional,
  path as filePath,
  refuse,
  shown,
  text,
  whole,
} from "../core/arguments.js";
import { type Pieces, inSlices } from "../core/event-loop.js";
import { guarded, guardedAsync, nestError, NESTErrors } from "../core/errors.js";
import type { NumberList } from "../core/number-list.js";
import type { NativeInference, NativeResponse, NativeState } from "../native/index.js";
import { type NamedPopulation, type NetworkParts, partsOf } from "./parts.js";
import { type NetworkWeights, weightsBetween } from "./weights.js";
import { threadBudget } from "../core/threads.js";
import { Kernel } from "../nest/kernel.js";

/** Spikes of inputs or neurons in a stretch of time. */
export interface SpikeTrains {
  /** When they were sent, from the stretch's begin (ms). */
  readonly times: NumberList;
  /** Who sent them: places from 0 on, in the order of node ids. */
  readonly senders: NumberList;
}

/** What a network answered to a stretch of input. */
export interface Response {
  /** Readout signals: place `step * readouts + readout`; of the losses' kind, so for cross-entropy probabilities. */
  readonly readoutSignals: Float64Array;
  /** Spikes of the recurrent neurons, from the stretch's begin on (ms). */
  readonly spikes: { readonly times: Float64Array; readonly senders: Uint32Array };
}

/** What `inferAsync` takes besides the input. */
export interface InferOptions {
  /** Stops it: the promise rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** What `inferMany` takes besides the input. */
export interface InferManyOptions extends InferOptions {
  /** Threads; as many as the budget has if left out. */
  threads?: number;
}

/** Places of input spikes, ascending, and the steps that they lie in. */
interface Stretch {
  places: Uint32Array;
  steps: number;
}

/**
 * A network to be used: it does not learn, and keeps its state from call to call.
 *
 * @example
 * const network = await Network.load("runs/sine-waves/network.safetensors");
 * const { readoutSignals } = network.infer({ times: [3, 7], senders: [0, 12] }, 100);
 */
export class Network {
  /** Its nodes and connections, at rest. What is done to them does not change the network. */
  readonly kernel: Kernel;
  /** What populations and projections are called, where that is known: a training's. */
  readonly parts: NetworkParts | undefined;
  readonly #inference: NativeInference;
  readonly #resolution: number;

  private constructor(kernel: Kernel, parts: NetworkParts | undefined, shared?: Network) {
    this.kernel = kernel;
    this.parts = parts;
    // What is shared needs no kernel, which may have been closed.
    this.#inference = guarded(() =>
      shared === undefined ? this.kernel.native.inference() : shared.#inference.share(),
    );
    this.#resolution = shared === undefined ? this.kernel.get("resolution") : shared.#resolution;
  }

  /**
   * The network of a kernel as it is now. What happens to the kernel afterwards does not change it.
   *
   * @param parts What its populations and projections are called.
   */
  static of(kernel: Kernel, parts?: NetworkParts): Network {
    const { native } = given("kernel", kernel, instance(Kernel, "a Kernel"));
    const named = given("parts", parts, optional(partsOf(kernel.get("network_size"))));
    return new Network(new Kernel(guarded(() => native.atRest())), named);
  }

  /**
   * A network from a file that {@link Network.save} wrote, or the one in a checkpoint or a saved kernel.
   *
   * @throws {@link NESTError} that says what is wrong with the file.
   */
  static async load(path: string): Promise<Network> {
    return (await Network.read(path)).network;
  }

  /** @internal As {@link load}, with the bytes that were read: the file may be another by now. */
  static async read(path: string): Promise<{ network: Network; bytes: Uint8Array }> {
    const file = given("path", path, filePath);
    const { readState } = await import("../files/state-file.js");
    const { state, details, bytes } = await readState(file, ["network", "checkpoint", "kernel"]);
    const kernel = new Kernel();
    const network: NativeState = {
      arrays: state.arrays.filter(isOfNetwork),
      texts: state.texts.filter(isOfNetwork),
    };
    guarded(() => kernel.native.restoreNetwork(network));
    const nodes = kernel.get("network_size");
    const parts = given("file.parts", details["parts"], optional(partsOf(nodes)));
    return { network: new Network(kernel, parts), bytes };
  }

  /**
   * Saves nodes and connections with their weights, not the state. The file is written whole or not at all.
   *
   * @throws {@link NESTError} that says why it cannot be written.
   */
  async save(path: string): Promise<void> {
    const file = given("path", path, filePath);
    const { writeState } = await import("../files/state-file.js");
    await writeState(
      file,
      "network",
      guarded(() => this.kernel.native.networkState()),
      this.parts === undefined ? {} : { parts: this.parts },
    );
  }

  /**
   * Weights of a projection: rows per target, columns per source, zero where there is no connection.
   *
   * @throws {@link NESTError} where none is called so, and where two connections join the same nodes.
   */
  weights(projection: string): NetworkWeights {
    const wanted = given("projection", projection, text);
    const { populations = [], projections = [] } = this.parts ?? {};
    const found = projections.find(({ name }) => name === wanted);
    if (found === undefined) {
      throw nestError({
        code: "ValueError",
        message: `the network has no projection ${shown(wanted)}`,
        parameter: "projection",
        bound: projections.map(({ name }) => name).join(", ") || "a network whose projections have names",
      });
    }
    const ids = (of: readonly string[]) =>
      of.flatMap((population) => {
        const { first, n } = populations.find(({ name }) => name === population) as NamedPopulation;
        return Array.from({ length: n }, (_, at) => first + at);
      });
    const [sources, targets] = [ids(found.from), ids(found.to)];
    return weightsBetween(wanted, this.kernel.GetConnections(sources, targets), { sources, targets });
  }

  /** Number of inputs: spike generators and parrots. */
  get inputs(): number {
    return this.#inference.inputs;
  }

  /** Number of recurrent neurons. */
  get neurons(): number {
    return this.#inference.recurrent;
  }

  /** Number of readouts. */
  get readouts(): number {
    return this.#inference.readouts;
  }

  /** Length of a step (ms). */
  get resolution(): number {
    return this.#resolution;
  }

  /** Puts all neurons to rest, as before a new sequence. */
  reset(): void {
    guarded(() => this.#inference.reset());
  }

  /**
   * Goes on for `ms` milliseconds with these spikes of inputs. An input spike at time `t` of a connection with delay
   * `d` shows in voltages from `t + d` on, that is in the signals of the step which ends then.
   *
   * @throws {@link NESTError} for spikes outside the stretch or off the grid of steps.
   */
  infer(spikes: SpikeTrains, ms: number): Response {
    const { places, steps } = this.#stretch(spikes, ms);
    return this.#response(guarded(() => this.#inference.advance(places, steps)));
  }

  /**
   * As {@link infer}, on another thread. Until it settles, this network refuses other calls with a `KernelException`;
   * a {@link clone} takes them. After an abort it is as it was before the call.
   *
   * @throws The signal's reason once the signal is aborted; otherwise {@link NESTError}.
   */
  async inferAsync(spikes: SpikeTrains, ms: number, options: InferOptions = {}): Promise<Response> {
    const { signal } = given("options", options, inferOptions);
    signal?.throwIfAborted();
    const { places, steps } = this.#stretch(spikes, ms);
    const inference = this.#inference;
    return this.#response(await stoppable(inference, signal, () => inference.advanceAsync(places, steps)));
  }

  /**
   * What the network answers to many sequences, which threads share. Each begins with the state that the network is in,
   * as after a {@link reset}, and leaves it as it is: the answers are those of a {@link clone} for each sequence, to the
   * bit. Meanwhile the network takes other calls.
   *
   * @param ms Length of the sequences, or of each of them.
   * @throws As {@link inferAsync}. If one sequence is refused, none is simulated.
   */
  async inferMany(
    sequences: readonly SpikeTrains[],
    ms: number | readonly number[],
    options: InferManyOptions = {},
  ): Promise<Response[]> {
    const { signal, threads } = given("options", options, inferManyOptions);
    signal?.throwIfAborted();
    const trains = given("sequences", sequences, listOf);
    const lengths = typeof ms === "number" ? trains.map(() => ms) : given("ms", ms, lengthsOf);
    if (lengths.length !== trains.length) {
      throw nestError({
        code: "IndexError",
        message: "there is not one length for each sequence",
        parameter: "ms",
        value: `${lengths.length} lengths`,
        bound: `${trains.length} lengths, or one for all`,
      });
    }
    // It begins with the state of now, whatever is done with the network from here on.
    const inference = guarded(() => this.#inference.share());
    const stretches = await inSlices(this.#stretches(trains, lengths, typeof ms === "number"), signal);
    const answers = await stoppable(inference, signal, () =>
      inference.answersAsync(
        stretches.map(({ places }) => places),
        stretches.map(({ steps }) => steps),
        threads ?? threadBudget(),
      ),
    );
    return answers.map((answer) => this.#response(answer));
  }

  /**
   * The same network with a state of its own, which begins as the present one. Both share the memory of weights and of
   * all else that does not change, and their `kernel`.
   *
   * @throws {@link NESTError} while {@link inferAsync} is at work.
   */
  clone(): Network {
    return new Network(this.kernel, this.parts, this);
  }

  /**
   * The state between two calls, without weights: voltages, adaptation, refractory times, spikes on their way. A stream
   * goes on with it in another process, to the bit.
   *
   * @throws {@link NESTError} while {@link inferAsync} is at work.
   */
  async state(): Promise<Uint8Array> {
    const state = guarded(() => this.#inference.state());
    const { streamBytes } = await import("../files/state-file.js");
    return streamBytes(state);
  }

  /**
   * Goes on with a state that {@link Network.state} gave, of this network or of one with as many nodes of the same models
   * and the same longest delay; weights may be others.
   *
   * @throws {@link NESTError} that says what is wrong with the bytes, or does not fit. Then the state is as it was.
   */
  async restore(bytes: Uint8Array): Promise<void> {
    const saved = given("bytes", bytes, byteList);
    const { streamOf } = await import("../files/state-file.js");
    const read = await streamOf(saved);
    guarded(() => this.#inference.restore(read));
  }

  *#stretches(
    trains: readonly SpikeTrains[],
    lengths: ArrayLike<number>,
    areEqual: boolean,
  ): Pieces<Stretch[]> {
    const stretches: Stretch[] = [];
    for (const [at, spikes] of trains.entries()) {
      if (at > 0) yield;
      const of = { spikes: `sequences[${at}]`, ms: areEqual ? "ms" : `ms[${at}]` };
      stretches.push(this.#stretch(spikes, lengths[at] as number, of));
    }
    return stretches;
  }

  /** Places of input spikes, ascending, and the steps that they lie in. */
  #stretch(spikes: SpikeTrains, ms: number, of = { spikes: "spikes", ms: "ms" }): Stretch {
    const resolution = this.#resolution;
    const name = of.spikes;
    const ofTimes = `${name}.times`;
    const steps = onGrid(of.ms, given(of.ms, ms, number()), resolution);
    const { times, senders } = given(name, spikes, spikeTrains);
    const { inputs } = this;
    const most = Math.floor(mostPlaces / inputs);
    if (times.length > 0 && steps > most) {
      throw nestError({
        code: "ValueError",
        message: `the stretch is too long for ${inputs} inputs`,
        parameter: of.ms,
        value: `${steps} steps`,
        bound: `at most ${most} steps; what is longer is several calls`,
      });
    }
    const places = new Uint32Array(times.length);
    if (senders.length !== places.length) {
      throw nestError({
        code: "IndexError",
        message: "there is not one sender for each spike",
        parameter: name,
        value: `${senders.length} senders`,
        bound: `${places.length} senders`,
      });
    }
    for (let spike = 0; spike < places.length; spike++) {
      const step = onGrid(ofTimes, times[spike] as number, resolution);
      const sender = senders[spike] as number;
      if (step >= steps || !Number.isInteger(sender) || sender < 0 || sender >= inputs) {
        throw nestError({
          code: "ValueError",
          message: "a spike lies outside the stretch, or is of no input",
          parameter: name,
          value: `input ${sender} at ${times[spike]} ms`,
          bound: `inputs from 0 to ${inputs - 1}, times from 0 to before ${ms} ms`,
        });
      }
      places[spike] = step * inputs + sender;
    }
    return { places: places.toSorted(), steps };
  }

  #response({ readout, spikeSteps, spikeNeurons }: NativeResponse): Response {
    const resolution = this.#resolution;
    return {
      readoutSignals: readout,
      spikes: {
        times: Float64Array.from(spikeSteps, (step) => step * resolution),
        senders: spikeNeurons,
      },
    };
  }
}

/** Waits for what an abort cancels; only what can be stopped is begun. */
async function stoppable<T>(
  inference: NativeInference,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  const cancel = () => inference.cancel();
  signal?.addEventListener("abort", cancel, { once: true });
  try {
    return await guardedAsync(work);
  } catch (error) {
    if (error instanceof NESTErrors.Aborted) signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener("abort", cancel);
  }
}

const inferOptions = fields({ signal: optional(abortSignal) });
const inferManyOptions = fields({ signal: optional(abortSignal), threads: optional(whole(1, 1024)) });

const byteList: Check<Uint8Array> = {
  allowed: "bytes, a Uint8Array",
  read(value, at) {
    if (!(value instanceof Uint8Array)) refuse(at, value, this.allowed);
    return value;
  },
};

/** What the sequences hold is read later, one at a time. */
const listOf = list(dictionary as Check<unknown> as Check<SpikeTrains>, "a list of spike trains");

/** A length for each sequence; one for all is a number. */
const lengthsOf: Check<Float64Array> = {
  allowed: "a number, or a number for each sequence",
  read(value, at) {
    if (!Array.isArray(value) && !isTyped(value)) refuse(at, value, this.allowed);
    return numbers.read(value, at);
  },
};

const spikeTrains = fields({ times: numbers, senders: numbers });

/** Whether a part of a kernel's state describes the network. */
function isOfNetwork({ name }: { name: string }): boolean {
  return name.startsWith("network.");
}

/** Places of spikes, a step and an input each, are 32 bits wide. */
const mostPlaces = 2 ** 32;

/** A time as a number of steps. */
function onGrid(name: string, ms: number, resolution: number): number {
  const steps = Math.round(ms / resolution);
  if (!(ms >= 0) || Math.abs(steps * resolution - ms) > 1e-6 * resolution || steps > 0xffff_ffff) {
    throw nestError({
      code: "ValueError",
      message: "a time does not lie on the grid of steps",
      parameter: name,
      value: `${ms} ms`,
      bound: `a multiple of ${resolution} ms, not negative`,
    });
  }
  return steps;
}
