import type { Pieces } from "../core/event-loop.js";
import type { SynapseCollection } from "../nest/collections.js";
import { rewires } from "../nest/rewiring.js";
import { rewiringOfProjection } from "../tasks/network-description.js";
import type { TaskNetwork } from "./network.js";
import type { Recorded } from "./recorders.js";
import { StructureCourses } from "./structure-courses.js";

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

/**
 * How weights of a few connections change over a training, and how the connections of projections do that are rewired;
 * columns of the former are those of a `weight_recorder`.
 */
export class WeightCourses {
  readonly #connections: FollowedConnections;
  readonly #structure: StructureCourses;
  readonly #times: number[] = [];
  readonly #weights = new Map<string, Float64Array[]>();
  /** Iterations between snapshots. */
  readonly every: number;

  private constructor(connections: FollowedConnections, structure: StructureCourses, iterations: number) {
    this.every = Math.ceil(iterations / snapshots);
    this.#structure = structure;
    this.#connections = connections;
  }

  /**
   * Follows connections of a network.
   *
   * @param iterations Iterations of the whole training.
   */
  static *of(network: TaskNetwork, iterations: number): Pieces<WeightCourses> {
    const connections: [string, SynapseCollection][] = [];
    for (const { name } of network.built.plastic) {
      // Those that are rewired are not there for long.
      if (rewires(rewiringOfProjection(network.built.description, name).rewiring)) continue;
      const all = network.connections(name);
      const step = Math.ceil(all.length / followed);
      connections.push([name, all.slice(0, all.length, Math.max(1, step))]);
      yield;
    }
    return new WeightCourses(connections, new StructureCourses(network), iterations);
  }

  /** Notes the weights as they are now, at a time (ms). */
  snapshot(time: number): void {
    if (this.#times.at(-1) === time) return;
    this.#times.push(time);
    this.#structure.snapshot(time);
    for (const [name, connections] of this.#connections) {
      const weights = this.#weights.get(name) ?? [];
      weights.push(connections.get("weight"));
      this.#weights.set(name, weights);
    }
  }

  /** The snapshots taken so far. */
  notes(): WeightNotes {
    const weights = Array.from(this.#weights, ([name, lists]) => [name, [...lists]] as const);
    const structure = this.#structure.notes();
    return { times: [...this.#times], weights: { ...Object.fromEntries(weights), ...structure } };
  }

  /** Goes on with what {@link notes} gave. */
  restore({ times, weights }: WeightNotes): void {
    this.#times.splice(0, this.#times.length, ...times);
    for (const [name] of this.#connections) this.#weights.set(name, [...(weights[name] ?? [])]);
    this.#structure.restore(times, weights);
  }

  /** All snapshots: a recorder per projection, `weights_in_rec` and so on, or `structure_in_rec` of one that is rewired. */
  recorded(): Recorded {
    const courses = Object.fromEntries(
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
    return { ...courses, ...this.#structure.recorded() };
  }
}
