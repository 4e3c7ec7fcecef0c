import { given, path as filePath } from "../core/arguments.js";
import { NESTError } from "../core/errors.js";
import { type HDF5, closeHDF5, libraryFailed, libraryInstance, withHDF5 } from "../files/hdf5.js";
import { DataFile, refuseData } from "./data-file.js";
import { type Dataset, type Events, type Sensor, inOrder } from "./dataset.js";
import { half } from "./half.js";

/** Channels of the artificial cochlea that the spikes of SHD and SSC come from. */
export const cochlea: Sensor = { width: 700, height: 1, polarities: 1 };

/** Number of classes of the two data sets: digits in two languages, and words. */
export const heidelbergClasses = { shd: 20, ssc: 35 } as const;

/** What every HDF5 file begins with. */
const signature = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];

/** The library's numbers for types. */
const types = { integer: 0, float: 1, list: 9 } as const;

/** Numbers that a list of the file has, in any of the types that are written. */
type Read = ArrayLike<number>;

/** A data set of the file, as far as it is used here. */
interface Table {
  shape: number[] | null;
  metadata: { type: number; vlen_type?: { type: number; size: number } };
  slice(ranges: [number, number][]): unknown;
}

/**
 * The spikes of an HDF5 file as the Heidelberg data sets have them: `spikes/times` (s) and `spikes/units`, a list for
 * each sample, and `labels`. Needs the package `h5wasm`. A sample is read from the file when it is wanted.
 *
 * @param path A file such as `shd_train.h5`.
 * @throws {@link NESTError} that names the file and what is wrong in it.
 */
export async function openHeidelberg(path: string, classes: number): Promise<Dataset> {
  const file = new DataFile(given("path", path, filePath));
  return withHDF5("files of the Heidelberg spiking data sets", (library) =>
    datasetOf(library, file, classes),
  );
}

/** Does something with the library: what that throws has neither the file's name nor a type of ours. */
function inFile<T>(path: string, what: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof NESTError) throw error;
    libraryFailed();
    const said = error instanceof Error ? error.message.split("\n")[0] : String(error);
    return refuseData(path, `cannot be read at ${what}: ${said}`, undefined, "an undamaged file");
  }
}

/** The lists of a file, open in an instance of the library. */
interface Lists {
  instance: number;
  times: Table;
  units: Table;
  length: number;
  /** Labels of all samples. */
  labels: Read;
  /** Whether times are half precision, of which the library gives the bits. */
  isHalf: boolean;
  close(): void;
}

function openLists(library: HDF5, path: string): Lists {
  const opened = inFile(path, "its beginning", () => new library.File(path, "r"));
  const table = (name: string): Table & { length: number } => {
    const found = inFile(path, name, () => opened.get(name)) as unknown as Table | null;
    if (!(found instanceof library.Dataset))
      refuseData(path, `has no ${name}`, undefined, "spikes/times, spikes/units and labels");
    const of = found as unknown as Table;
    const shape = inFile(path, name, () => of.shape);
    if (shape?.length !== 1) refuseData(path, `has ${name} of another shape`, String(shape), "a list");
    return Object.assign(of, { length: shape[0] as number });
  };
  try {
    const [times, units, labels] = [table("spikes/times"), table("spikes/units"), table("labels")];
    if (times.length !== units.length || times.length !== labels.length || times.length === 0) {
      const lengths = `${times.length} times, ${units.length} units, ${labels.length} labels`;
      refuseData(path, "has lists of different length", lengths, "as many of each, at least one");
    }
    for (const [name, of] of [
      ["spikes/times", times],
      ["spikes/units", units],
    ] as const) {
      if (of.metadata.type === types.list && of.metadata.vlen_type !== undefined) continue;
      refuseData(path, `has no lists of numbers in ${name}`, undefined, "a list of numbers for each sample");
    }
    const item = times.metadata.vlen_type as { type: number; size: number };
    const isHalf = item.type === types.float && item.size === 2;
    // The library knows no such numbers, and gives their bits if it is told that they are integers.
    if (isHalf) Object.assign(times.metadata, { vlen_type: { ...item, type: types.integer, signed: false } });
    const { length } = times;
    return {
      instance: libraryInstance(),
      times,
      units,
      length,
      labels: inFile(path, "labels", () => labels.slice([[0, length]])) as Read,
      isHalf,
      close: () => closeHDF5(opened),
    };
  } catch (error) {
    closeHDF5(opened);
    throw error;
  }
}

function datasetOf(library: HDF5, file: DataFile, classes: number): Dataset {
  const { path } = file;
  if (!file.read(0, 8, "the signature of HDF5").every((byte, at) => byte === signature[at])) {
    refuseData(`${path} at offset 0`, "is no HDF5 file", undefined, "an unpacked .h5 file");
  }
  let lists = openLists(library, path);
  const listOf = (of: Table, name: string, index: number): Read => {
    const found = inFile(path, `${name}, sample ${index}`, () => of.slice([[index, index + 1]])) as Read[];
    const list = found[0];
    return list === undefined || typeof list !== "object"
      ? refuseData(path, `has no list in ${name}, sample ${index}`, undefined, "a list of numbers")
      : list;
  };
  const checked = Array.from({ length: lists.labels.length }, (_, index) => {
    const label = Number(lists.labels[index]);
    if (Number.isInteger(label) && label >= 0 && label < classes) return label;
    lists.close();
    return refuseData(
      `${path}, sample ${index}`,
      "has a label out of range",
      String(label),
      `from 0 to ${classes - 1}`,
    );
  });
  return {
    name: path,
    length: lists.length,
    sensor: cochlea,
    classes,
    get(index) {
      file.check();
      // Another file may have been damaged so badly that the library had to begin anew.
      if (lists.instance !== libraryInstance()) lists = openLists(library, path);
      const { times, units, isHalf } = lists;
      const spikes = spikesOf(
        path,
        index,
        listOf(times, "spikes/times", index),
        listOf(units, "spikes/units", index),
        isHalf,
      );
      return { events: spikes, label: checked[index] as number };
    },
    close() {
      if (lists.instance === libraryInstance()) lists.close();
    },
  };
}

/** Spikes of a sample in the order of time; times of the file are in seconds. */
function spikesOf(path: string, index: number, seconds: Read, units: Read, isHalf: boolean): Events {
  const where = `${path}, sample ${index}`;
  if (seconds.length !== units.length) {
    refuseData(
      where,
      "has not a unit for each time",
      `${seconds.length} times, ${units.length} units`,
      "as many of each",
    );
  }
  const times = new Float64Array(seconds.length);
  const channels = new Uint32Array(seconds.length);
  for (let at = 0; at < times.length; at++) {
    const time = (isHalf ? half(Number(seconds[at])) : Number(seconds[at])) * 1000;
    if (!(time >= 0 && time < Infinity)) {
      refuseData(`${where}, spike ${at}`, "has no time", String(time / 1000), "a time from 0 on, in seconds");
    }
    const unit = Number(units[at]);
    if (!(Number.isInteger(unit) && unit >= 0 && unit < cochlea.width)) {
      refuseData(
        `${where}, spike ${at}`,
        "has no such channel",
        String(unit),
        `from 0 to ${cochlea.width - 1}`,
      );
    }
    times[at] = time;
    channels[at] = unit;
  }
  return inOrder(times, channels);
}
