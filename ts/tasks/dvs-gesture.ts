import { wholeRow } from "./network-parameters.js";
import { type DataTaskOptions, dataParameters, dataTask, partSeed } from "./data-task.js";
import { classifierParameters } from "./recurrent-classifier.js";
import type { Task } from "./task.js";

/** The task's parameter table. */
export const dvsGestureParameters = {
  ...classifierParameters({ eta: 5e-3, n_rec: 256, adaptive: 1, adapt_tau: 2000, gain_in: 4 }),
  ...dataParameters,
  duration: wholeRow(
    600,
    "ms",
    10,
    10_000,
    "Length of a sequence, from a gesture's beginning on; later events are left out",
  ),
  size: wholeRow(32, "pixels", 1, 128, "Width and height that 128 pixels are mapped onto"),
};

/** Samples of the stand-in. */
const synthetic = { training: 1100, test: 220 } as const;

/** Recognize gestures before an event camera (DVS Gesture): adaptive neurons, softmax readouts, Adam. */
export function dvsGesture(options: DataTaskOptions<typeof dvsGestureParameters> = {}): Task {
  return dataTask(
    {
      name: "dvs-gesture",
      text: "Recognize gestures before an event camera (DVS Gesture)",
      table: dvsGestureParameters,
      defaults: { iterations: 400, batchSize: 64, testIterations: 4 },
      classes: 11,
      files: "trials_to_train.txt, trials_to_test.txt and the recordings that they name",
      dataSet: "dvs-gesture",
      sizes: ({ size, duration }) => ({
        inputs: 2 * size ** 2,
        steps: duration,
        learningWindow: duration,
        rate: 0.02,
      }),
      open: (module, part, { folder, seed, parameters: { duration } }) =>
        folder === undefined
          ? module.syntheticGestures({
              length: synthetic[part],
              seed: partSeed(seed, part),
              duration,
            })
          : module.openDvsGesture(folder, part),
      transforms: (module, { size, duration }) => [
        module.cropTime({ to: duration }),
        module.downsample({ width: size, height: size }),
      ],
    },
    options,
  );
}
