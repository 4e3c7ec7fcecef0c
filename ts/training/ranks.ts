import { NESTError } from "../core/errors.js";
import type { World } from "../mpi/world.js";

/** What was asked of a training on some rank. */
interface Asked {
  /** To end with the next iteration. */
  finish: boolean;
  /** To stop at once. */
  stop: boolean;
}

/**
 * The ranks of a training: all of them take the same decisions, and one saves. Without a world there is one rank, which
 * tells nobody anything.
 */
export class Ranks {
  readonly #world: World | undefined;

  constructor(world: World | undefined) {
    this.#world = world !== undefined && world.size > 1 ? world : undefined;
  }

  /** Whether there are several. */
  get areSeveral(): boolean {
    return this.#world !== undefined;
  }

  /** What was asked on any rank. */
  async asked(here: Asked): Promise<Asked> {
    if (this.#world === undefined) return here;
    const all = await this.#world.gather(here);
    return { finish: all.some(({ finish }) => finish), stop: all.some(({ stop }) => stop) };
  }

  /** Refuses values that are not the same at all ranks. */
  async same(name: string, value: unknown): Promise<void> {
    await this.#world?.same(name, value);
  }

  /** Does at rank 0 what one rank does for all. If that fails, it fails at all ranks. */
  async atFirst(work: () => Promise<void>): Promise<void> {
    if (this.#world === undefined) return work();
    let failure: unknown;
    if (this.#world.rank === 0) await work().catch((error: unknown) => (failure = error));
    const told = failure === undefined ? undefined : dataOf(failure);
    const [first] = await this.#world.gather(told);
    if (failure !== undefined) throw failure;
    if (first !== undefined) throw NESTError.from(first);
  }
}

/** An error as other ranks can read it. */
function dataOf(error: unknown): unknown {
  if (error instanceof NESTError) return error.toJSON();
  return new Error(error instanceof Error ? error.message : String(error));
}
