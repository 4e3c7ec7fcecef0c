/**
 * Data sets larger than memory: samples from files, transforms, batches.
 *
 * @module eprop/data
 */
import "../core/runtime.js";
import { given, path as filePath } from "../core/arguments.js";
import { inSlices } from "../core/event-loop.js";
import { type Dataset, type Sensor, inOrder } from "./dataset.js";
import { sensorSize } from "./event-recording.js";
import { heidelbergClasses, openHeidelberg } from "./heidelberg.js";
import { checkRecordings, openRecordings } from "./recordings.js";

export { NESTError } from "../core/errors.js";
export { type BatchData, type SequenceOptions, iterationData, nextIteration } from "./batches.js";
export {
  type Dataset,
  type Events,
  type Frames,
  type Sample,
  type Sensor,
  channelsOf,
  split,
  subset,
} from "./dataset.js";
export { gestureSensor, gestures, openDvsGesture } from "./dvs-gesture.js";
export { type EventFileOptions, openEventArchive, openEventTable } from "./event-files.js";
export { type MnistOptions, openMnist } from "./idx.js";
export { type Batch, DataLoader, type DataLoaderOptions } from "./loader.js";
export { type SyntheticOptions, syntheticDigits, syntheticGestures, syntheticSpeech } from "./synthetic.js";
export {
  type Transform,
  type TransformContext,
  binTime,
  cropSpace,
  cropTime,
  downsample,
  dropEvents,
  levelCrossings,
  mergePolarities,
  spatialJitter,
  timeJitter,
  uniformNoise,
} from "./transforms.js";

/**
 * Spiking Heidelberg Digits: a file such as `shd_train.h5`. Spoken digits in English and German, 20 classes. Needs the
 * package `h5wasm`.
 *
 * @throws {@link NESTError} that names the file and what is wrong in it.
 */
export function openShd(path: string): Promise<Dataset> {
  return openHeidelberg(path, heidelbergClasses.shd);
}

/** Spiking Speech Commands: a file such as `ssc_train.h5`, 35 classes; see {@link openShd}. */
export function openSsc(path: string): Promise<Dataset> {
  return openHeidelberg(path, heidelbergClasses.ssc);
}

const digitSensor: Sensor = { width: sensorSize, height: sensorSize, polarities: 2 };

/**
 * N-MNIST: digits before an event camera of 34 by 34 pixels, in a folder with `Train/<digit>/*.bin` and
 * `Test/<digit>/*.bin`.
 *
 * @throws {@link NESTError} that names what is missing, and a file with the offset of what cannot be an event.
 */
export async function openNMnist(folder: string, part: "training" | "test"): Promise<Dataset> {
  checkRecordings(given("folder", folder, filePath));
  const { [part]: recordings } = await inSlices(openRecordings(folder));
  return {
    name: `${folder} (${part})`,
    length: recordings.labels.length,
    sensor: digitSensor,
    classes: 10,
    async get(index, signal) {
      const { pixels, times } = await recordings.recording(index, signal);
      const events = inOrder(
        Float64Array.from(times, (time) => time / 1000),
        Uint32Array.from(pixels),
      );
      return { events, label: recordings.labels[index] as number };
    },
  };
}
