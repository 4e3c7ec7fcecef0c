// Declarations are read by programs whose target has no such library.
/// <reference lib="esnext.disposable" preserve="true" />
import { createHash } from "node:crypto";
import { inspect } from "node:util";
import { deserialize, serialize } from "node:v8";
import { given, text, whole } from "../core/arguments.js";
import { guarded, guardedAsync, nestError } from "../core/errors.js";
import type { NativeWorld } from "../native/index.js";

/**
 * The processes that were started together, by `mpirun`, `srun` or the like, and which of them this one is. Each is a
 * **rank** and runs the same program. A process that was started alone is a world of one rank.
 *
 * A rank that ends with an exit code other than 0 before the world is closed ends all others.
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
      // Others may wait for a rank that failed; who ends well may be waited for.
      if (code === 0) {
        this.native.finalize();
        return;
      }
      // Node would say it after this, and there is no after.
      if (failure !== undefined) process.stderr.write(`rank ${this.rank}: ${inspect(failure)}\n`);
      this.native.abort(code);
    });
  }

  /** Waits until all ranks have come here. */
  async barrier(): Promise<void> {
    await this.#gather(undefined);
  }

  /**
   * The values of all ranks, by rank, at every rank.
   *
   * @param value What the structured clone algorithm can copy.
   */
  async gather<T>(value: T): Promise<T[]> {
    return this.#gather(value);
  }

  /** The value of one rank, at every rank; those that other ranks give are left aside. */
  async broadcast<T>(value: T, from = 0): Promise<T> {
    const root = given("from", from, whole(0, this.size - 1));
    return (await this.#gather(this.rank === root ? value : undefined))[root] as T;
  }

  /**
   * Refuses values that are not the same at all ranks. They are compared by a digest.
   *
   * @param name What they are, for the message.
   * @throws {@link NESTError} at every rank.
   */
  async same(name: string, value: unknown): Promise<void> {
    const digest = createHash("sha256").update(serialize(value)).digest("hex");
    const all = await this.#gather(digest);
    const other = all.findIndex((theirs) => theirs !== all[0]);
    if (other < 0) return;
    throw nestError({
      code: "MPIError",
      message: `rank ${other} and rank 0 do not have the same ${given("name", name, text)}`,
      parameter: name,
      bound: "the same program with the same arguments at every rank",
    });
  }

  /**
   * As {@link gather}, for as long as that.
   *
   * @internal
   * @returns Nothing where a rank does not come, or cannot be reached.
   */
  async gatherWithin<T>(value: T, ms: number): Promise<T[] | undefined> {
    return this.#gather(value, ms).catch(() => undefined);
  }

  async #gather<T>(value: T, ms?: number): Promise<T[]> {
    this.#checkOpen();
    const bytes = serialize(value);
    const all = await guardedAsync(() => this.native.gather(bytes, ms));
    return all.map((theirs) => deserialize(theirs) as T);
  }

  #checkOpen(): void {
    if (!this.#closed) return;
    throw nestError({ code: "MPIError", message: "this world is closed" });
  }

  /** Ends MPI in this process, once all ranks do. Closing a closed world does nothing. */
  async close(): Promise<void> {
    if (this.#closed) return;
    // Whoever comes later is waited for here, where the event loop goes on.
    await this.barrier();
    this.#closed = true;
    guarded(() => this.native.finalize());
  }

  /** Ends all ranks at once, this one included, with an exit code. */
  abort(code = 1): void {
    const status = given("code", code, whole(1, 255));
    if (!this.#closed) this.native.abort(status);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
