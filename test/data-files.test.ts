/** Loaders against files that Python's own libraries wrote, and against files that are damaged. */
import { copyFileSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type Dataset,
  openDvsGesture,
  openEventArchive,
  openEventTable,
  openMnist,
  openNMnist,
  openShd,
  openSsc,
} from "../ts/data/index.js";
import { checkedSample } from "../ts/data/dataset.js";
import { libraryFailed, libraryInstance } from "../ts/files/hdf5.js";
import { NESTError, NESTErrors, NumpyRandom } from "../ts/index.js";
import { python } from "./python/python.js";

const folder = mkdtempSync(join(tmpdir(), "eprop-data-files-"));
const at = (...path: string[]) => join(folder, ...path);
/** The same files, of which some are damaged. */
const mutants = mkdtempSync(join(tmpdir(), "eprop-data-mutants-"));
afterAll(() => {
  for (const made of [folder, mutants]) rmSync(made, { recursive: true, force: true });
});

interface Expected {
  times: number[];
  channels: number[];
  label: number;
}
interface Digits {
  images: number[][];
  labels: number[];
}
let expected: {
  shd_train: Expected[];
  shd_test: Expected[];
  ssc_train: Expected[];
  gestures: { train: Expected[]; test: Expected[] };
  "n-mnist": Record<string, Expected>;
  mnist: { train: Digits; t10k: Digits };
  archive: Expected[];
};
beforeAll(() => {
  python(["test/python/write_datasets.py", folder]);
  expected = JSON.parse(readFileSync(at("expected.json"), "utf8")) as typeof expected;
}, 60_000);

const grid = { width: 12, height: 10, polarities: 2 };

/** Every sample of a data set as Python wrote it. */
async function expectSamples(dataset: Dataset, wanted: readonly Expected[], tolerance = 1e-9): Promise<void> {
  expect(dataset.length).toBe(wanted.length);
  for (const [index, { times, channels, label }] of wanted.entries()) {
    const sample = await dataset.get(index);
    expect(sample.label, `sample ${index}`).toBe(label);
    expect([...(sample.events?.channels ?? [])], `sample ${index}`).toEqual(channels);
    expect(sample.events?.times).toHaveLength(times.length);
    times.forEach((time, event) => {
      expect(Math.abs((sample.events?.times[event] as number) - time)).toBeLessThanOrEqual(tolerance);
    });
    checkedSample(sample, "sample", dataset.sensor, dataset.classes);
  }
  dataset.close?.();
}

describe("files that Python wrote", () => {
  it("SHD and SSC, with times of 16 and of 32 bits", async () => {
    await expectSamples(await openShd(at("shd_train.h5")), expected.shd_train);
    await expectSamples(await openShd(at("shd_test.h5")), expected.shd_test);
    await expectSamples(await openSsc(at("ssc_train.h5")), expected.ssc_train);
  });
  it("SHD goes on where another file has broken the library", async () => {
    const dataset = await openShd(at("shd_test.h5"));
    const instance = libraryInstance();
    libraryFailed();
    await expectSamples(await openSsc(at("ssc_train.h5")), expected.ssc_train);
    expect(libraryInstance()).toBe(instance + 1);
    await expectSamples(dataset, expected.shd_test);
  });
  it("DVS Gesture, with a clock that overflows", async () => {
    const { train, test } = expected.gestures;
    await expectSamples(openDvsGesture(at("DvsGesture"), "training"), train);
    await expectSamples(openDvsGesture(at("DvsGesture"), "test"), test);
    expect(train.every(({ times }) => times.length > 100)).toBe(true);
  });
  it("N-MNIST, with a clock that overflows", async () => {
    const samples = expected["n-mnist"];
    for (const [split, part] of [
      ["Train", "training"],
      ["Test", "test"],
    ] as const) {
      const digits = Array.from({ length: 10 }, (_, digit) => samples[`${split}/${digit}`] as Expected);
      await expectSamples(await openNMnist(at("n-mnist"), part), digits);
    }
  });
  it("MNIST by pixels and rows, in order and permuted", async () => {
    const { train, t10k } = expected.mnist;
    const pixels = openMnist(at("mnist"), "training");
    const rows = openMnist(at("mnist"), "test", { by: "rows" });
    const permuted = openMnist(at("mnist"), "training", { permuted: true, seed: 3 });
    const order = new NumpyRandom(3).permutation(784);
    expect([pixels.length, rows.length]).toEqual([7, 4]);
    for (const [index, label] of train.labels.entries()) {
      const { frames, label: found } = await pixels.get(index);
      expect(found).toBe(label);
      expect([frames?.steps, frames?.channels]).toEqual([784, 1]);
      const image = train.images[index] ?? [];
      expect([...(frames?.values ?? [])].map((value) => Math.round(255 * value))).toEqual(image);
      const mixed = (await permuted.get(index)).frames?.values ?? [];
      expect([...mixed].map((value) => Math.round(255 * value))).toEqual(
        [...order].map((from) => image[from]),
      );
    }
    const { frames, label } = await rows.get(2);
    expect([frames?.steps, frames?.channels, label]).toEqual([28, 28, t10k.labels[2]]);
    expect(Math.round(255 * (frames?.values[28 * 5 + 7] as number))).toBe(t10k.images[2]?.[28 * 5 + 7]);
  });
  it("events in archives, plain and compressed, and in tables", async () => {
    const samples = expected.archive;
    await expectSamples(openEventArchive(at("channels.npz"), { sensor: grid, classes: 4 }), samples);
    await expectSamples(
      openEventArchive(at("grid.npz"), { sensor: grid, classes: 4, unit: "us" }),
      samples,
      5.1e-4,
    );
    const filled = samples.filter(({ times }) => times.length > 0);
    await expectSamples(await openEventTable(at("events.csv"), { sensor: grid, classes: 4 }), filled);
  });
});

/** A file with one change: a byte, a cut, a run of zeros or ones, or a part twice. */
function mutated(bytes: Buffer, random: NumpyRandom): Buffer {
  const [where, how, to] = random.random(3) as unknown as [number, number, number];
  const near = random.random(1)[0] as number;
  // Most that a file says of itself is at its beginning, and an archive's directory at its end.
  const part = near < 0.4 ? 0.05 * where : near < 0.6 ? 1 - 0.05 * where : where;
  const place = Math.min(bytes.length - 1, Math.floor(part * bytes.length));
  const copy = Buffer.from(bytes);
  if (how < 0.5) copy[place] = Math.floor(256 * to);
  else if (how < 0.6) return copy.subarray(0, place);
  else if (how < 0.75) copy.fill(0, place, Math.min(copy.length, place + 8));
  else if (how < 0.9) copy.fill(0xff, place, Math.min(copy.length, place + 8));
  else return Buffer.concat([copy.subarray(0, place), copy.subarray(Math.max(0, place - 7))]);
  return copy;
}

/** Reads all samples; they are right in themselves, or refused with an error that names the file. */
async function readOrRefused(open: () => Dataset | Promise<Dataset>, name: RegExp): Promise<boolean> {
  let dataset: Dataset | undefined;
  try {
    dataset = await open();
    for (let index = 0; index < dataset.length; index++) {
      checkedSample(await dataset.get(index), "sample", dataset.sensor, dataset.classes);
    }
    return false;
  } catch (error) {
    expect(error).toBeInstanceOf(NESTError);
    expect(error).not.toBeInstanceOf(NESTErrors.InternalError);
    expect((error as Error).message).toMatch(name);
    return true;
  } finally {
    dataset?.close?.();
  }
}

describe("a damaged file is refused by name or read:", () => {
  const options = { sensor: grid, classes: 4 };
  const cases: [string, string, RegExp, () => Dataset | Promise<Dataset>][] = [
    ["SHD", "shd_test.h5", /shd_test\.h5/, () => openShd(join(mutants, "shd_test.h5"))],
    [
      "DVS Gesture",
      "DvsGesture/user24_led.aedat",
      /user24_led/,
      () => openDvsGesture(join(mutants, "DvsGesture"), "test"),
    ],
    [
      "its labels",
      "DvsGesture/user24_led_labels.csv",
      /user24_led/,
      () => openDvsGesture(join(mutants, "DvsGesture"), "test"),
    ],
    [
      "MNIST",
      "mnist/train-images-idx3-ubyte.gz",
      /train-images/,
      () => openMnist(join(mutants, "mnist"), "training"),
    ],
    [
      "MNIST's labels",
      "mnist/t10k-labels-idx1-ubyte",
      /t10k-labels/,
      () => openMnist(join(mutants, "mnist"), "test"),
    ],
    [
      "N-MNIST",
      "n-mnist/Train/3/00001.bin",
      /00001\.bin/,
      () => openNMnist(join(mutants, "n-mnist"), "training"),
    ],
    [
      "an archive",
      "channels.npz",
      /channels\.npz/,
      () => openEventArchive(join(mutants, "channels.npz"), options),
    ],
    [
      "a compressed archive",
      "grid.npz",
      /grid\.npz/,
      () => openEventArchive(join(mutants, "grid.npz"), { ...options, unit: "us" }),
    ],
    ["a table", "events.csv", /events\.csv/, () => openEventTable(join(mutants, "events.csv"), options)],
  ];
  const runs = Number(process.env["EPROP_FUZZ_CASES"] ?? 60);
  it.each(cases)(
    "%s",
    async (_, name, message, open) => {
      cpSync(folder, mutants, { recursive: true });
      const bytes = readFileSync(at(name));
      const random = new NumpyRandom(11);
      let refused = 0;
      for (let run = 0; run < runs; run++) {
        writeFileSync(join(mutants, name), mutated(bytes, random));
        refused += Number(await readOrRefused(open, message));
      }
      expect(refused).toBeGreaterThan(runs / 20);
      copyFileSync(at(name), join(mutants, name));
      expect(await readOrRefused(open, message)).toBe(false);
    },
    120_000,
  );
});
