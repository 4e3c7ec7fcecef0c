/** What the tutorials' networks have in common that a training may vary. */
import { NumpyRandom } from "../random/index.js";
import type { PoolDescription, Weights } from "./network-description.js";
import { type TaskParameter, whole } from "./options.js";

/** Most recurrent neurons of a tutorial: weights are dense matrices. */
const mostNeurons = 10_000;

/** A row for the share of connections. */
const densityRow = (between: string) => ({
  default: 1,
  unit: "",
  min: 0,
  max: 1,
  text: `Share of connections ${between}`,
});

/** Rows for the size of the network and the share of connections that there are. */
export function sizeRows(neurons: number) {
  return {
    n_rec: { default: neurons, unit: "", min: 1, max: mostNeurons, text: "Number of recurrent neurons" },
    density_in_rec: densityRow("from inputs"),
    density_rec_rec: densityRow("among recurrent neurons"),
    density_rec_out: densityRow("to readouts"),
  } as const satisfies Record<string, TaskParameter>;
}

/** Rows for the recurrent neurons: refractory time and surrogate gradient. */
export function neuronRows(defaults: { t_ref: number; height: number; width: number }) {
  return {
    t_ref: { default: defaults.t_ref, unit: "ms", min: 0, max: 1e6, text: "Refractory period" },
    surrogate_height: {
      default: defaults.height,
      unit: "",
      min: 0,
      max: 1e6,
      text: "Height of the surrogate gradient",
    },
    surrogate_width: {
      default: defaults.width,
      unit: "",
      min: 1e-6,
      max: 1e6,
      text: "Width of the surrogate gradient",
    },
  } as const satisfies Record<string, TaskParameter>;
}

/** A row for the threshold. */
export function thresholdRow(threshold: number) {
  return {
    V_th: { default: threshold, unit: "mV", min: -1e6, max: 1e6, text: "Firing threshold of all neurons" },
  } as const satisfies Record<string, TaskParameter>;
}

/** The number of recurrent neurons. */
export function neuronCount(task: string, { n_rec }: { n_rec: number }): number {
  return whole(task, "n_rec", n_rec, n_rec, 1, mostNeurons);
}

/**
 * The weights with a drawn share of the connections. Which there are is drawn from a generator of its own, so that
 * weights and inputs stay what they are in the dense network of the same seed.
 */
export function withDensities(
  weights: PoolDescription["weights"],
  seed: number,
  densities: { density_in_rec: number; density_rec_rec: number; density_rec_out: number },
): PoolDescription["weights"] {
  const random = new NumpyRandom(seed);
  const thinned = (of: Weights, density: number): Weights => {
    if (density >= 1) return of;
    return {
      ...of,
      mask: Uint8Array.from(random.random(of.data.length), (drawn) => Number(drawn < density)),
    };
  };
  return {
    ...weights,
    in_rec: thinned(weights.in_rec, densities.density_in_rec),
    rec_rec: thinned(weights.rec_rec, densities.density_rec_rec),
    rec_out: thinned(weights.rec_out, densities.density_rec_out),
  };
}
