/** A small task for networks of any make: follow a wave. */
import { NumpyRandom, type Task } from "../ts/index.js";
import { regressionOver } from "../ts/tasks/inputs.js";

/** Inputs of its networks, steps of a sequence, and sequences of an iteration. */
export const [inputs, steps, batchSize] = [10, 40, 2];

/**
 * A task that shows the same spikes and asks for a wave of each readout.
 *
 * @param network The network, or what draws it.
 */
export function waveTask(
  network: Task["network"] | ((random: NumpyRandom) => Task["network"]),
  readouts = 1,
  iterations = 3,
): Task {
  const random = new NumpyRandom(3);
  const described = typeof network === "function" ? network(random) : network;
  const spikes = random.spikesBelow(
    new Float64Array(inputs).fill(0.1),
    inputs,
    new Uint32Array(steps * batchSize),
  );
  const sequence = Uint32Array.from({ length: steps * batchSize }, (_, step) => step);
  return {
    name: "wave",
    text: "Follow a wave",
    seed: 5,
    ...regressionOver(steps, batchSize),
    network: described,
    schedule: { iterations, validateEvery: 0, earlyStopIterations: 0, earlyStopError: 0, testIterations: 0 },
    sameEveryIteration: false,
    next: () => ({
      spikes,
      targets: Array.from({ length: readouts }, (_, at) => ({
        steps: sequence,
        values: Float64Array.from(sequence, (step) => Math.sin(step / 5 + at)),
      })),
    }),
    parameters: {},
    options: {},
    random,
  };
}
