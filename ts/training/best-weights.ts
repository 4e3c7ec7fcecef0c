import { changingFeedbackOf } from "../tasks/network-description.js";
import type { TaskNetwork } from "./network.js";
import type { Iteration } from "./iteration.js";
import type { Progress } from "./progress.js";

/** Weights of the projections that change, in the order of their connections. */
export type ConnectionWeights = { readonly [projection: string]: Float64Array };

/** The weights of the best validation, where training has patience: it goes back to them in the end. */
export class BestWeights {
  readonly #network: TaskNetwork;
  #weights: ConnectionWeights | undefined;

  /** @param weights What {@link weights} gave, where a training goes on. */
  constructor(network: TaskNetwork, weights?: ConnectionWeights) {
    this.#network = network;
    this.#weights = weights;
  }

  /** The weights of the best validation so far, if there is one. */
  get weights(): ConnectionWeights | undefined {
    return this.#weights;
  }

  /** Notes in `progress` how a validation went that has just been read out; weights are as they were in it. */
  note({ phase, iteration, loss }: Iteration, progress: Progress): void {
    if (phase !== "validation") return;
    const { best } = progress;
    if (best !== undefined && !(loss < best.loss)) {
      best.since += 1;
      return;
    }
    progress.best = { iteration, loss, since: 0 };
    const of = (name: string) => this.#network.connections(name).get("weight");
    const { plastic, description } = this.#network.built;
    const changing = [...plastic.map(({ name }) => name), ...changingFeedbackOf(description)];
    this.#weights = Object.fromEntries(changing.map((name) => [name, of(name)]));
  }

  /**
   * Gives the network the weights of the best validation, once nothing is simulated any more: a synapse that has not
   * yet called its optimizer would do so with its next spike, and move on from there.
   */
  restore({ best, position, stage }: Progress): void {
    if (best === undefined || stage !== "last" || position.ended === "request") return;
    for (const [name, weight] of Object.entries(this.#weights ?? {})) {
      if (weight.length > 0) this.#network.connections(name).set({ weight });
    }
  }
}
