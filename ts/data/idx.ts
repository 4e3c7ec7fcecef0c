import { gunzipSync } from "node:zlib";
import { join } from "node:path";
import { fields, flag, given, optional, path as filePath, u32, whole } from "../core/arguments.js";
import { NumpyRandom } from "../random/index.js";
import { DataFile, refuseData } from "./data-file.js";
import type { Dataset } from "./dataset.js";

/** Bytes with a shape, row by row. */
export interface ByteArray {
  data: Uint8Array;
  shape: readonly number[];
}

/** Most bytes that a packed file may unpack to. */
const largest = 2 ** 30;

/**
 * Reads a file in MNIST's format IDX of unsigned bytes, packed (`.gz`) or not.
 *
 * @throws {@link NESTError} that names file and offset.
 */
export function readIdx(path: string): ByteArray {
  const file = new DataFile(path);
  let bytes = file.read(0, file.size, "the file");
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) {
    try {
      bytes = gunzipSync(bytes, { maxOutputLength: largest });
    } catch (error) {
      refuseData(path, `cannot be unpacked: ${(error as Error).message}`, undefined, "an undamaged .gz file");
    }
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 4 || view.getUint16(0) !== 0) {
    refuseData(
      `${path} at offset 0`,
      "is no IDX file",
      undefined,
      "two zero bytes, the type and the dimensions",
    );
  }
  if (bytes[2] !== 0x08) {
    refuseData(
      `${path} at offset 2`,
      "has numbers of another type",
      `type ${bytes[2]}`,
      "type 8, unsigned bytes",
    );
  }
  const dimensions = bytes[3] as number;
  const begin = 4 + 4 * dimensions;
  if (dimensions === 0 || bytes.length < begin) {
    refuseData(`${path} at offset 4`, "ends within its header", `${bytes.length} bytes`, `${begin} bytes`);
  }
  const shape = Array.from({ length: dimensions }, (_, at) => view.getUint32(4 + 4 * at));
  const size = shape.reduce((product, of) => product * of, 1);
  if (bytes.length !== begin + size) {
    refuseData(
      `${path} at offset ${begin}`,
      bytes.length < begin + size ? "ends early" : "has more than its header says",
      `${bytes.length - begin} bytes`,
      `${size} bytes (${shape.join(" x ")})`,
    );
  }
  return { data: bytes.subarray(begin), shape };
}

/** How digits become sequences. */
export interface MnistOptions {
  /** `pixels`: a step for each pixel; `rows`: a step for each row, with a channel for each column. */
  by?: "pixels" | "rows";
  /** Whether pixels are permuted, all samples alike. */
  permuted?: boolean;
  /** Seed of the permutation; 1 if left out. */
  seed?: number;
}

/** Names of the files of a split, as they are published. */
export const mnistFiles = {
  training: { images: "train-images-idx3-ubyte", labels: "train-labels-idx1-ubyte" },
  test: { images: "t10k-images-idx3-ubyte", labels: "t10k-labels-idx1-ubyte" },
} as const;

/** The file of a name in a folder, packed or not. */
function existing(folder: string, name: string): string {
  const packed = join(folder, `${name}.gz`);
  const plain = join(folder, name);
  return process.getBuiltinModule("node:fs").existsSync(plain) ? plain : packed;
}

const digits = 10;

/** Images and their labels as sequences; see {@link openMnist}. */
export function imageSequences(
  name: string,
  images: ByteArray,
  labels: Uint8Array,
  { by = "pixels", permuted = false, seed = 1 }: MnistOptions = {},
): Dataset {
  const [count = 0, rows = 0, columns = 0] = images.shape;
  const pixels = rows * columns;
  const order = permuted
    ? new NumpyRandom(given("seed", seed, whole(0, u32))).permutation(pixels)
    : undefined;
  const channels = by === "rows" ? columns : 1;
  return {
    name,
    length: count,
    sensor: { width: channels, height: 1, polarities: 1 },
    classes: digits,
    get(index) {
      const values = new Float32Array(pixels);
      for (let at = 0; at < pixels; at++) {
        values[at] =
          (images.data[index * pixels + (order === undefined ? at : (order[at] as number))] as number) / 255;
      }
      return { frames: { values, steps: pixels / channels, channels }, label: labels[index] as number };
    },
  };
}

/**
 * Handwritten digits as sequences of pixels or of rows, values from 0 to 1. The bytes of all images are in memory: 47
 * MB for MNIST's training set.
 *
 * @param folder A folder with the files as they are published, such as `train-images-idx3-ubyte.gz`.
 * @throws {@link NESTError} that names file and offset.
 */
export function openMnist(
  folder: string,
  part: keyof typeof mnistFiles,
  options: MnistOptions = {},
): Dataset {
  const names = mnistFiles[part];
  const { permuted, seed } = given(
    "options",
    { permuted: options.permuted, seed: options.seed },
    fields({ permuted: optional(flag), seed: optional(whole(0, u32)) }),
  );
  const imagesPath = existing(given("folder", folder, filePath), names.images);
  const labelsPath = existing(folder, names.labels);
  const images = readIdx(imagesPath);
  const labels = readIdx(labelsPath);
  if (images.shape.length !== 3 || images.data.length === 0) {
    refuseData(imagesPath, "holds no images", images.shape.join(" x "), "images x rows x columns");
  }
  if (labels.shape.length !== 1 || labels.shape[0] !== images.shape[0]) {
    refuseData(
      labelsPath,
      "has not a label for each image",
      labels.shape.join(" x "),
      `${images.shape[0]} labels`,
    );
  }
  const wrong = labels.data.findIndex((label) => label >= digits);
  if (wrong >= 0) {
    refuseData(
      `${labelsPath} at offset ${8 + wrong}`,
      "has a label out of range",
      String(labels.data[wrong]),
      "from 0 to 9",
    );
  }
  return imageSequences(imagesPath, images, labels.data, {
    ...(options.by && { by: options.by }),
    ...(permuted !== undefined && { permuted }),
    ...(seed !== undefined && { seed }),
  });
}
