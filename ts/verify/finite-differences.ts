/** The slope of the loss by central differences, where it has a derivative: along the weights onto readouts, and their biases. */
import { NumpyRandom } from "../random/index.js";
import type { IterationData, Task } from "../tasks/task.js";
import type { ReadoutSignals } from "../training/metrics.js";
import { dot } from "./compare.js";
import { type EngineOptions, engineSignals } from "./engine.js";
import { biasNames, type Gradients } from "./interval-eprop.js";
import { formOf } from "./losses.js";
import type { Problem } from "./problem.js";

/** The slope along one direction, at several step sizes. */
export interface SlopeCheck {
  projection: string;
  /** Along the gradient itself, or a direction that was drawn. */
  direction: "gradient" | "random";
  /** The slope that the gradient says. */
  slope: number;
  /** Norm of the gradient, which deviations are relative to. */
  norm: number;
  /** Step sizes (relative to the norm of the weights), the slope by differences, how far that is from the gradient's. */
  steps: { size: number; slope: number; deviation: number }[];
  /** The deviation that the rounding of the loss alone explains, at a step size of a thousandth. */
  rounding: number;
}

/** Powers of ten: large ones show the loss's curvature, small ones its rounding. */
const sizes = [1, 0.1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10];

/** The loss that an iteration's gradient is of, from its readouts. */
export function lossOf(problem: Problem, { readout, target }: ReadoutSignals): number {
  const { loss, steps, sequences, learningWindow, average } = problem;
  const readouts = problem.readouts.length;
  let total = 0;
  const { ofMean, value } = formOf(loss);
  for (let row = 0; row < steps * sequences; row++) {
    if (row % steps < steps - learningWindow) continue;
    // What the last step shows is the mean, and counts for all.
    if (ofMean && row % steps < steps - 1) continue;
    for (let k = 0; k < readouts; k++) {
      const [y, wanted] = [readout[row * readouts + k] as number, target[row * readouts + k] as number];
      const part = value(y, wanted);
      total += ofMean ? learningWindow * part : part;
    }
  }
  return total / (sequences * (average ? learningWindow : 1));
}

function unit(values: Float64Array): Float64Array {
  const length = Math.sqrt(dot(values, values));
  return values.map((value) => value / length);
}

/** Slopes of the loss along directions of the weights of each projection onto readouts. */
export async function slopeChecks(
  task: Task,
  data: IterationData,
  problem: Problem,
  gradients: Gradients,
  options: EngineOptions,
): Promise<SlopeCheck[]> {
  const random = new NumpyRandom(1);
  const weights = Object.fromEntries(
    problem.projections
      .filter(({ kind }) => kind === "plastic")
      .map(({ name, weights: of }) => [name, of] as const),
  );
  const checks: SlopeCheck[] = [];
  const terms = problem.learningWindow * problem.sequences * problem.readouts.length;
  const learned = problem.projections.filter(({ to, kind }) => to === "readout" && kind === "plastic");
  const currents = {
    name: biasNames.readout,
    weights: Float64Array.from(problem.readouts, ({ I_e }) => I_e),
  };
  for (const { name, weights: own } of [...learned, currents]) {
    const gradient = gradients[name];
    if (gradient === undefined) continue;
    const norm = Math.sqrt(dot(gradient, gradient));
    if (norm === 0) continue;
    const scale = Math.sqrt(dot(own, own)) || 1;
    const drawn = random.randn(1, own.length).data.map((value, at) =>
      // A current that does not learn stays.
      name === biasNames.readout && problem.readouts[at]?.learns_bias !== true ? 0 : value,
    );
    for (const direction of ["gradient", "random"] as const) {
      const along = unit(direction === "gradient" ? gradient : drawn);
      const slope = dot(gradient, along);
      const lossAt = async (by: number) => {
        const moved = own.map((weight, at) => weight + by * (along[at] as number));
        const signals =
          name === biasNames.readout
            ? engineSignals(task, data, weights, { ...options, currents: moved })
            : engineSignals(task, data, { ...weights, [name]: moved }, options);
        return lossOf(problem, await signals);
      };
      const steps: SlopeCheck["steps"] = [];
      for (const size of sizes) {
        const h = size * scale;
        const estimate = ((await lossAt(h)) - (await lossAt(-h))) / (2 * h);
        steps.push({ size, slope: estimate, deviation: Math.abs(estimate - slope) / norm });
      }
      const rounding = (2 ** -52 * Math.sqrt(terms) * (await lossAt(0))) / (1e-3 * scale * norm);
      checks.push({ projection: name, direction, slope, norm, steps, rounding });
    }
  }
  return checks;
}
