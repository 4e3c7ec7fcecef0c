// Declarations are read by programs whose target has no such library.
/// <reference lib="esnext.disposable" preserve="true" />
import { createHash } from "node:crypto";
import { inspect } from "node:util";
import { deserialize, serialize } from "node:v8";
import { given, text, whole } from "../core/arguments.js";
import { guarded, guardedAsync, nestError } from "../core/errors.js";
import type { NativeWorld } from "../native/index.js";

/** What a message of this class begins with. */
const mark = Buffer.from("eprop ");

/** A value on its way, after the name of the call that it is for. */
function written(call: string, value: unknown): Uint8Array {
  return Buffer.concat([mark, Buffer.from(`${call}\0`), serialize(value)]);
}

/** The call that a message is for, and how many bytes say so; nothing where it is the engine's. */
function callOf(bytes: Uint8Array): { call: string; length: number } | undefined {
  const message = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = message.indexOf(0);
  if (end < 0 || !message.subarray(0, mark.length).equals(mark)) return undefined;
  return { call: message.toString("utf8", mark.length, end), length: end + 1 };
}

/**
 * The processes that were started together, by `mpirun`, `srun` or the like, and which of them this one is. Each is a
 * **rank** and runs the same program. A process that was started alone is a world of one rank.
 *
 * A rank that ends with an exit code other than 0 before the world is closed ends all others, and so does one that ends
 * while others still want something of it. All ranks make the same calls in the same order: where they do not, each says
 * who called what.
 */
export class World implements AsyncDisposable {
  /** @internal The engine's side. */
  readonly native: NativeWorld;
  /** Which rank this is, from 0 on. */
  readonly rank: number;
  /** How many ranks there are. */
  readonly size: number;
  /** What the MPI library calls itself. */
  readonly library: string;
  /** The name of this rank's machine. */
  readonly host: string;
  #closed = false;

  /** @internal */
  constructor(native: NativeWorld) {
    this.native = native;
    this.rank = native.rank;
    this.size = native.size;
    this.library = native.library;
    this.host = native.host;
    let failure: unknown;
    process.on("uncaughtExceptionMonitor", (error) => (failure = error));
    process.on("exit", (code) => {
      if (this.#closed) return;
      this.#closed = true;
      // Others may wait for a rank that failed; who ends well may be waited for, if all end.
      if (code === 0) {
        try {
          this.#read("close", this.native.gatherNow(written("close", undefined)));
          this.native.finalize();
          return;
        } catch (error) {
          failure = error;
        }
      }
      // Node would say it after this, and there is no after.
      if (failure !== undefined) process.stderr.write(`rank ${this.rank}: ${inspect(failure)}\n`);
      this.native.abort(code || 1);
    });
  }

  /** Waits until all ranks have come here. */
  async barrier(): Promise<void> {
    await this.exchange("barrier", undefined);
  }

  /**
   * The values of all ranks, by rank, at every rank.
   *
   * @param value What the structured clone algorithm can copy.
   */
  async gather<T>(value: T): Promise<T[]> {
    return this.exchange("gather", value);
  }

  /** The value of one rank, at every rank; those that other ranks give are left aside. */
  async broadcast<T>(value: T, from = 0): Promise<T> {
    const root = given("from", from, whole(0, this.size - 1));
    return (await this.exchange("broadcast", this.rank === root ? value : undefined))[root] as T;
  }

  /**
   * Refuses values that are not the same at all ranks. They are compared by a digest.
   *
   * @param name What they are, for the message.
   * @throws {@link NESTError} at every rank.
   */
  async same(name: string, value: unknown): Promise<void> {
    await this.exchangeAlike(`same(${given("name", name, text)})`, undefined, { name, value });
  }

  /**
   * As {@link gather}, for as long as that.
   *
   * @internal
   * @returns Nothing where a rank does not come, or cannot be reached.
   */
  async gatherWithin<T>(value: T, ms: number): Promise<T[] | undefined> {
    return this.exchange("end", value, ms).catch(() => undefined);
  }

  /**
   * As {@link gather}, under the name of the call that it is for.
   *
   * @internal
   * @throws {@link NESTError} where another rank has made another call.
   */
  async exchange<T>(call: string, value: T, ms?: number): Promise<T[]> {
    this.#checkOpen();
    const all = await guardedAsync(() => this.native.gather(written(call, value), ms));
    return this.#read<T>(call, all);
  }

  /**
   * As {@link exchange}, where something must be the same at all ranks.
   *
   * @internal
   * @param alike What that is, for the message. It is compared by a digest.
   */
  async exchangeAlike<T>(call: string, value: T, alike: { name: string; value: unknown }): Promise<T[]> {
    const digest = createHash("sha256").update(serialize(alike.value)).digest("hex");
    const all = await this.exchange(call, { digest, value });
    const other = all.findIndex((theirs) => theirs.digest !== all[0]?.digest);
    if (other < 0) return all.map((theirs) => theirs.value);
    throw nestError({
      code: "MPIError",
      message: `rank ${other} and rank 0 do not have the same ${alike.name}`,
      parameter: alike.name,
      bound: "the same program with the same arguments at every rank",
    });
  }

  /** The values of all ranks, if all have made that call. */
  #read<T>(call: string, all: readonly Uint8Array[]): T[] {
    return all.map((bytes, rank) => {
      const said = callOf(bytes);
      if (said?.call === call) return deserialize(bytes.subarray(said.length)) as T;
      const theirs = said === undefined ? "simulates, saves or loads a network" : `calls ${said.call}`;
      throw nestError({
        code: "MPIError",
        message: `rank ${rank} ${theirs} where rank ${this.rank} calls ${call}`,
        value: said?.call ?? null,
        bound: "the same calls in the same order at every rank",
      });
    });
  }

  #checkOpen(): void {
    if (!this.#closed) return;
    throw nestError({ code: "MPIError", message: "this world is closed" });
  }

  /** Ends MPI in this process, once all ranks do. Closing a closed world does nothing. */
  async close(): Promise<void> {
    if (this.#closed) return;
    // Whoever comes later is waited for here, where the event loop goes on.
    await this.exchange("close", undefined);
    this.#closed = true;
    guarded(() => this.native.finalize());
  }

  /** Ends all ranks at once, this one included, with an exit code. */
  abort(code = 1): void {
    const status = given("code", code, whole(1, 255));
    if (!this.#closed) this.native.abort(status);
  }

  /** Closes it. Where other ranks do not, that is said and the rest left to them: an error may be on its way here. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.close();
    } catch (error) {
      process.stderr.write(`rank ${this.rank}: ${error instanceof Error ? error.message : String(error)}\n`);
      process.exitCode ||= 1;
    }
  }
}
