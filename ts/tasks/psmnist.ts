import { wholeRow } from "./network-parameters.js";
import type { Sample, Sensor, Transform } from "../data/index.js";
import { type DataTaskOptions, dataParameters, dataTask, partSeed } from "./data-task.js";
import { classifierParameters } from "./recurrent-classifier.js";
import type { Task } from "./task.js";

/** The task's parameter table. */
export const psmnistParameters = {
  ...classifierParameters({ eta: 5e-3, n_rec: 220, adaptive: 100 / 220, adapt_tau: 700, gain_in: 3 }),
  ...dataParameters,
  permuted: wholeRow(1, "", 0, 1, "1: pixels in a permuted order; 0: row by row"),
  levels: wholeRow(40, "", 1, 256, "Levels of grey whose crossings are input spikes"),
  answer: wholeRow(56, "ms", 1, 10_000, "Time after the pixels in which the answer counts"),
};

const pixels = 28 * 28;

/** Samples of the stand-in. */
const synthetic = { training: 2000, test: 400 } as const;

/** An input of its own that fires in every step from `begin` up to `end`: it asks for the answer. */
function askFrom(begin: number, end: number): Transform {
  const steps = Array.from({ length: end - begin }, (_, at) => begin + at);
  return {
    sensor: (before: Sensor) => ({ ...before, width: before.width + 1 }),
    apply({ events, ...rest }: Sample, { sensor }) {
      const { times, channels } = events as NonNullable<Sample["events"]>;
      return {
        ...rest,
        events: {
          times: Float64Array.from([...times, ...steps]),
          channels: Uint32Array.from([...channels, ...steps.map(() => sensor.width)]),
        },
      };
    },
  };
}

/** Recognize digits shown pixel by pixel, in a permuted order: regular and adaptive neurons, softmax readouts, Adam. */
export function psmnist(options: DataTaskOptions<typeof psmnistParameters> = {}): Task {
  return dataTask(
    {
      name: "psmnist",
      text: "Recognize digits that are shown pixel by pixel in a permuted order (MNIST)",
      table: psmnistParameters,
      defaults: { iterations: 2000, batchSize: 256, testIterations: 4 },
      classes: 10,
      files: "train-images-idx3-ubyte.gz and its three companions",
      dataSet: "mnist",
      sizes: ({ levels, answer }) => ({
        inputs: 2 * levels + 1,
        steps: pixels + answer,
        learningWindow: answer,
        rate: 0.05,
      }),
      open(module, part, { folder, seed, parameters: { permuted } }) {
        // The order of the pixels is the same for all samples and seeds.
        const order = { permuted: permuted >= 0.5, seed: 1 };
        return folder === undefined
          ? module.syntheticDigits({
              length: synthetic[part],
              ...order,
              seed: 1,
              from: partSeed(seed, part) * 10_000,
            })
          : module.openMnist(folder, part, order);
      },
      transforms: (module, { levels, answer }) => [
        module.levelCrossings({ levels }),
        askFrom(pixels, pixels + answer),
      ],
    },
    options,
  );
}
