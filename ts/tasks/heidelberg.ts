import { wholeRow } from "./network-parameters.js";
import { join } from "node:path";
import { type DataTaskOptions, dataParameters, dataTask, partSeed } from "./data-task.js";
import { classifierParameters } from "./recurrent-classifier.js";
import type { Task } from "./task.js";

/** Parameters of the tasks on spoken words. */
export const speechParameters = {
  ...classifierParameters({ eta: 5e-3, n_rec: 256, adaptive: 1, adapt_tau: 2000, gain_in: 4 }),
  ...dataParameters,
  duration: wholeRow(1000, "ms", 10, 10_000, "Length of a sequence; later spikes are left out"),
  channels: wholeRow(700, "", 1, 700, "Inputs that the 700 channels are mapped onto"),
};

const channels = 700;

/** Samples of the stand-ins. */
const synthetic = { training: 2000, test: 400 } as const;

/** A task on spoken words in the format of the Heidelberg data sets. */
function speechTask(
  name: "shd" | "ssc",
  text: string,
  classes: number,
  options: DataTaskOptions<typeof speechParameters>,
): Task {
  return dataTask(
    {
      name,
      text,
      table: speechParameters,
      defaults: { iterations: 800, batchSize: 512, testIterations: 4 },
      classes,
      files: `${name}_train.h5 and ${name}_test.h5`,
      dataSet: name,
      sizes: ({ channels: inputs, duration }) => ({
        inputs,
        steps: duration,
        learningWindow: duration,
        rate: 8000 / 700 / 1000,
      }),
      open(module, part, { folder, seed }) {
        if (folder === undefined) {
          const of = partSeed(seed, part);
          return module.syntheticSpeech({ length: synthetic[part], seed: of, classes });
        }
        const open = name === "shd" ? module.openShd : module.openSsc;
        return open(join(folder, `${name}_${part === "training" ? "train" : "test"}.h5`));
      },
      transforms: (module, { channels: inputs }) =>
        inputs < channels ? [module.downsample({ width: inputs, height: 1 })] : [],
    },
    options,
  );
}

/** Recognize spoken digits (Spiking Heidelberg Digits): adaptive neurons, softmax readouts, Adam. */
export function shd(options: DataTaskOptions<typeof speechParameters> = {}): Task {
  return speechTask("shd", "Recognize spoken digits (Spiking Heidelberg Digits)", 20, options);
}

/** Recognize spoken words (Spiking Speech Commands): adaptive neurons, softmax readouts, Adam. */
export function ssc(options: DataTaskOptions<typeof speechParameters> = {}): Task {
  return speechTask("ssc", "Recognize spoken words (Spiking Speech Commands)", 35, options);
}
