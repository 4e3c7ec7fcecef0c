import type { OptimizerParams } from "../nest/models.generated.js";

/** Bounds of all tutorials' weights. */
const weightBounds = { Wmin: -100, Wmax: 100 } as const;

/** Gradient descent as the tutorials use it. With e-prop+, one call per spike. */
export function gradientDescent(eta: number, batchSize: number): OptimizerParams {
  return { type: "gradient_descent", batch_size: batchSize, eta, optimize_each_step: false, ...weightBounds };
}

/** Adam as the tutorials use it. */
export function adam(eta: number, batchSize: number): OptimizerParams {
  return {
    type: "adam",
    batch_size: batchSize,
    beta_1: 0.9,
    beta_2: 0.999,
    epsilon: 1e-8,
    eta,
    ...weightBounds,
  };
}
