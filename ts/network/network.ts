import {
  abortSignal,
  fields,
  given,
  instance,
  isTyped,
  number,
  optional,
  path as filePath,
  refuse,
} from "../core/arguments.js";
import { guarded, guardedAsync, nestError, NESTErrors } from "../core/errors.js";
import type { NumberList } from "../core/number-list.js";
import type { NativeInference, NativeResponse, NativeState } from "../native/index.js";
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
  readonly #inference: NativeInference;
  readonly #resolution: number;

  private constructor(kernel: Kernel) {
    this.kernel = kernel;
    this.#inference = guarded(() => this.kernel.native.inference());
    this.#resolution = this.kernel.get("resolution");
  }

  /** The network of a kernel as it is now. What happens to the kernel afterwards does not change it. */
  static of(kernel: Kernel): Network {
    const { native } = given("kernel", kernel, instance(Kernel, "a Kernel"));
    return new Network(new Kernel(guarded(() => native.atRest())));
  }

  /**
   * A network from a file that {@link Network.save} wrote, or the one in a checkpoint or a saved kernel.
   *
   * @throws {@link NESTError} that says what is wrong with the file.
   */
  static async load(path: string): Promise<Network> {
    const file = given("path", path, filePath);
    const { readState } = await import("../files/state-file.js");
    const state = await readState(file, ["network", "checkpoint", "kernel"]);
    const kernel = new Kernel();
    const network: NativeState = {
      arrays: state.arrays.filter(isOfNetwork),
      texts: state.texts.filter(isOfNetwork),
    };
    guarded(() => kernel.native.restoreNetwork(network));
    return new Network(kernel);
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
    );
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
   * As {@link infer}, on another thread. Until it settles, this network takes no other call. After an abort it is as it
   * was before the call.
   *
   * @throws The signal's reason once the signal is aborted; otherwise {@link NESTError}.
   */
  async inferAsync(spikes: SpikeTrains, ms: number, options: InferOptions = {}): Promise<Response> {
    const { signal } = given("options", options, inferOptions);
    signal?.throwIfAborted();
    const { places, steps } = this.#stretch(spikes, ms);
    const cancel = () => this.#inference.cancel();
    // Only what can be stopped is begun.
    signal?.addEventListener("abort", cancel, { once: true });
    try {
      return this.#response(await guardedAsync(() => this.#inference.advanceAsync(places, steps)));
    } catch (error) {
      if (error instanceof NESTErrors.Aborted) signal?.throwIfAborted();
      throw error;
    } finally {
      signal?.removeEventListener("abort", cancel);
    }
  }

  /** Places of input spikes, ascending, and the steps that they lie in. */
  #stretch(spikes: SpikeTrains, ms: number): { places: Uint32Array; steps: number } {
    const resolution = this.#resolution;
    const steps = onGrid("ms", given("ms", ms, number()), resolution);
    const { times, senders } = given("spikes", spikes, spikeTrains);
    const places = new Uint32Array(times.length);
    if (senders.length !== places.length) {
      throw nestError({
        code: "IndexError",
        message: "there is not one sender for each spike",
        parameter: "spikes",
        value: `${senders.length} senders`,
        bound: `${places.length} senders`,
      });
    }
    for (let spike = 0; spike < places.length; spike++) {
      const step = onGrid("spikes.times", times[spike] as number, resolution);
      const sender = senders[spike] as number;
      if (step >= steps || !Number.isInteger(sender) || sender < 0 || sender >= this.inputs) {
        throw nestError({
          code: "ValueError",
          message: "a spike lies outside the stretch, or is of no input",
          parameter: "spikes",
          value: `input ${sender} at ${times[spike]} ms`,
          bound: `inputs from 0 to ${this.inputs - 1}, times from 0 to before ${ms} ms`,
        });
      }
      places[spike] = step * this.inputs + sender;
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

const inferOptions = fields({ signal: optional(abortSignal) });

/** Numbers in a row, however they are held. */
const arrayLike = {
  allowed: "a list of numbers",
  read(value: unknown, at: string): Float64Array {
    if (!Array.isArray(value) && !isTyped(value)) refuse(at, value, this.allowed);
    return Float64Array.from(value, (item: unknown, place) =>
      typeof item === "number" ? item : refuse(`${at}[${place}]`, item, "a number"),
    );
  },
};

const spikeTrains = fields({ times: arrayLike, senders: arrayLike });

/** Whether a part of a kernel's state describes the network. */
function isOfNetwork({ name }: { name: string }): boolean {
  return name.startsWith("network.");
}

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
