import { atFirst } from "../mpi/together.js";
import type { World } from "../mpi/world.js";
import { concatenated } from "../tasks/inputs.js";
import type { IterationData, SequenceRange } from "../tasks/task.js";

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
    const all = await this.#world.exchange("an iteration of a training", here);
    return { finish: all.some(({ finish }) => finish), stop: all.some(({ stop }) => stop) };
  }

  /** The sequences of a batch whose spikes this rank draws; nothing where there is one rank, which draws all. */
  partOf(batchSize: number): SequenceRange | undefined {
    if (this.#world === undefined) return undefined;
    const border = (rank: number) => Math.floor((batchSize * rank) / (this.#world?.size ?? 1));
    return { begin: border(this.#world.rank), end: border(this.#world.rank + 1) };
  }

  /**
   * Iterations of whose spikes each rank may have drawn a part, with those of all.
   *
   * @param after What else must be the same at all ranks.
   * @throws {@link NESTError} at every rank where they have not drawn the same.
   */
  async withSpikesOfAll(data: readonly IterationData[], after: unknown): Promise<readonly IterationData[]> {
    if (this.#world === undefined) return data;
    const common = data.map(({ spikes, sequences, ...rest }) => (sequences ? rest : { ...rest, spikes }));
    const own = data.map(({ spikes, sequences }) => (sequences === undefined ? undefined : spikes));
    const alike = { name: "inputs of an iteration", value: [common, after] };
    const all = await this.#world.exchangeAlike("an iteration of a training", own, alike);
    return data.map(({ sequences, ...iteration }, at) => {
      if (sequences === undefined) return iteration;
      return { ...iteration, spikes: concatenated(all.flatMap((ofRank) => ofRank[at] ?? [])) };
    });
  }

  /** Does at rank 0 what one rank does for all. If that fails, it fails at all ranks. */
  async atFirst(call: string, work: () => Promise<void>): Promise<void> {
    return this.#world === undefined ? work() : atFirst(this.#world, call, work);
  }
}
