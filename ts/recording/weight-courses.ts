import type { SynapseCollection } from "../nest/collections.js";
import { type PlasticProjection, type TaskNetwork, plasticProjections } from "../training/network.js";
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

/** How weights of a few connections change over a training; columns are those of a `weight_recorder`. */
export class WeightCourses {
  readonly #connections: readonly (readonly [PlasticProjection, SynapseCollection])[];
  readonly #times: number[] = [];
  readonly #weights = new Map<PlasticProjection, Float64Array[]>();
  /** Iterations between snapshots. */
  readonly every: number;

  /** @param iterations Iterations of the whole training. */
  constructor(network: TaskNetwork, iterations: number) {
    this.every = Math.ceil(iterations / snapshots);
    this.#connections = plasticProjections.map((name) => {
      const all = network.connections(name);
      const step = Math.ceil(all.length / followed);
      return [name, all.slice(0, all.length, Math.max(1, step))];
    });
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
    return { times: [...this.#times], weights: Object.fromEntries(this.#weights) };
  }

  /** Goes on with what {@link notes} gave. */
  restore({ times, weights }: WeightNotes): void {
    this.#times.splice(0, this.#times.length, ...times);
    for (const name of plasticProjections) this.#weights.set(name, [...(weights[name] ?? [])]);
  }

  /** All snapshots: recorders `weights_in_rec`, `weights_rec_rec`, `weights_rec_out`. */
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
