import { rewires } from "../nest/rewiring.js";
import { rewiringOfProjection } from "../tasks/network-description.js";
import type { BuiltProjection } from "./build-network.js";
import type { TaskNetwork } from "./network.js";
import type { Recorded } from "./recorders.js";

/** The name under which a projection's notes, or the connections of the last of them, are kept. */
const notesOf = (projection: string) => `structure.${projection}`;
const connectionsOf = (projection: string) => `structure.${projection}.connections`;

/** A column of rows. */
function column(rows: readonly Float64Array[], place: number): Float64Array {
  return Float64Array.from(rows, (row) => row[place] as number);
}

/** How the connections of projections that are rewired or pruned change over a training. */
export class StructureCourses {
  readonly #network: TaskNetwork;
  readonly #projections: readonly BuiltProjection[];
  readonly #times: number[] = [];
  readonly #rows = new Map<string, Float64Array[]>();
  /** Sources and targets of each projection at the last snapshot, as one number each, ascending. */
  readonly #last = new Map<string, Float64Array>();
  constructor(network: TaskNetwork) {
    this.#network = network;
    const { plastic, description } = network.built;
    this.#projections = plastic.filter(({ name }) =>
      rewires(rewiringOfProjection(description, name).rewiring),
    );
  }

  #connections({ sources, targets, model }: BuiltProjection): Float64Array {
    const connections = this.#network.kernel.GetConnections(sources, targets, model as "static_synapse");
    const [from, to] = [connections.get("source"), connections.get("target")];
    // Node ids are below 2^26.
    return Float64Array.from(from, (source, at) => source * 2 ** 26 + (to[at] as number)).toSorted();
  }

  /** Notes the connections as they are now, at a time (ms). */
  snapshot(time: number): void {
    if (this.#projections.length === 0 || this.#times.at(-1) === time) return;
    this.#times.push(time);
    for (const projection of this.#projections) {
      const { name } = projection;
      const now = this.#connections(projection);
      const before = new Set(this.#last.get(name) ?? now);
      const fresh = now.reduce((count, pair) => count + (before.has(pair) ? 0 : 1), 0);
      this.#last.set(name, now);
      this.#rows.set(name, [...(this.#rows.get(name) ?? []), Float64Array.of(now.length, fresh)]);
    }
  }

  /** The snapshots taken so far, to go on from. */
  notes(): { readonly [name: string]: readonly Float64Array[] } {
    return Object.fromEntries(
      [...this.#rows].flatMap(([name, rows]): [string, readonly Float64Array[]][] => [
        [notesOf(name), [...rows]],
        [connectionsOf(name), [this.#last.get(name) as Float64Array]],
      ]),
    );
  }

  /** Goes on with what {@link notes} gave, at these times. */
  restore(times: readonly number[], notes: { readonly [name: string]: readonly Float64Array[] }): void {
    this.#times.splice(0, this.#times.length, ...times);
    for (const { name } of this.#projections) {
      const [last] = notes[connectionsOf(name)] ?? [];
      if (last !== undefined) this.#last.set(name, last);
      this.#rows.set(name, [...(notes[notesOf(name)] ?? [])]);
    }
  }

  /** Names of the notes of a network's plastic projections. */
  static noteNames(projections: readonly string[]): string[] {
    return projections.flatMap((name) => [notesOf(name), connectionsOf(name)]);
  }

  /** All snapshots: columns `times`, `connections` and `replaced` of `structure_in_rec` and so on. */
  recorded(): Recorded {
    return Object.fromEntries(
      [...this.#rows]
        .filter(([, rows]) => rows.length === this.#times.length)
        .map(([name, rows]) => [
          `structure_${name}`,
          { times: Float64Array.from(this.#times), connections: column(rows, 0), replaced: column(rows, 1) },
        ]),
    );
  }
}
