import type { Pieces } from "../core/event-loop.js";
import type { SynapseCollection } from "../nest/collections.js";
import type { TaskNetwork } from "./network.js";
import type { Recorded } from "./recorders.js";

/** Connections of a projection whose weights are followed. */
const followed = 25;

/** Snapshots of a training. */
const snapshots = 100;

/** Snapshots as they are kept: when they were taken (ms), and the weights of each projection one after the other. */
export interface WeightNotes {
  times: readonly number[];
  weights: { readonly [projection: string]: readonly Float64Array[] };
}

type FollowedConnections = readonly (readonly [string, SynapseCollection])[];

/** How weights of a few connections change over a training; columns are those of a `weight_recorder`. */
export class WeightCourses {
  readonly #connections: FollowedConnections;
  readonly #times: number[] = [];
  readonly #weights = new Map<string, Float64Array[]>();
  /** Iterations between snapshots. */
  readonly every: number;

  private constructor(connections: FollowedConnections, iterations: number) {
    this.every = Math.ceil(iterations / snapshots);
    this.#connections = connections;
  }

  /**
   * Follows connections of a network.
   *
   * @param iterations Iterations of the whole training.
   */
  static *of(network: TaskNetwork, iterations: number): Pieces<WeightCourses> {
    const connections: [string, SynapseCollection][] = [];
    // Those that are rewired are not there for long.
    if ((network.built.description.rewiring ?? "none") !== "none") return new WeightCourses([], iterations);
    for (const { name } of network.built.plastic) {
      const all = network.connections(name);
      const step = Math.ceil(all.length / followed);
      connections.push([name, all.slice(0, all.length, Math.max(1, step))]);
      yield;
    }
    return new WeightCourses(connections, iterations);
  }

  /** Notes the weights as they are now, at a time (ms). */
  snapshot(time: number): void {
    if (this.#times.at(-1) === time) return;
    this.#times.push(time);
    for (const [name, connections] of this.#connections) {
      const weights = this.#weights.get(name) ?? [];
      weights.push(connections.get("weight"));
      this.#weights.set(name, weights);
    }
  }

  /** The snapshots taken so far. */
  notes(): WeightNotes {
    const weights = Array.from(this.#weights, ([name, lists]) => [name, [...lists]] as const);
    return { times: [...this.#times], weights: Object.fromEntries(weights) };
  }

  /** Goes on with what {@link notes} gave. */
  restore({ times, weights }: WeightNotes): void {
    this.#times.splice(0, this.#times.length, ...times);
    for (const [name] of this.#connections) this.#weights.set(name, [...(weights[name] ?? [])]);
  }

  /** All snapshots: a recorder per projection, `weights_in_rec` and so on. */
  recorded(): Recorded {
    return Object.fromEntries(
      this.#connections
        .filter(([, { length }]) => length > 0)
        .map(([name, connections]) => {
          const weights = this.#weights.get(name) ?? [];
          const rows = connections.length * weights.length;
          const repeated = (ids: Uint32Array) =>
            Uint32Array.from({ length: rows }, (_, row) => ids[row % ids.length] as number);
          return [
            `weights_${name}`,
            {
              times: Float64Array.from(
                { length: rows },
                (_, row) => this.#times[Math.floor(row / connections.length)] as number,
              ),
              senders: repeated(connections.get("source")),
              targets: repeated(connections.get("target")),
              weights: Float64Array.from(weights.flatMap((values) => [...values])),
            },
          ];
        }),
    );
  }
}
