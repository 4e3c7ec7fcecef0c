import { inflateRawSync } from "node:zlib";
import { DataFile, refuseData } from "./data-file.js";
import { half } from "./half.js";

/** Numbers of an array, from one place up to another. */
interface Reader {
  bytes: number;
  read(view: DataView, at: number): number;
}

const number = (bytes: number, read: (view: DataView, at: number) => number): Reader => ({ bytes, read });

/** NumPy's types of numbers that are read. */
const readers: Readonly<Record<string, Reader>> = {
  "|u1": number(1, (view, at) => view.getUint8(at)),
  "|i1": number(1, (view, at) => view.getInt8(at)),
  "|b1": number(1, (view, at) => view.getUint8(at)),
  "<u2": number(2, (view, at) => view.getUint16(at, true)),
  "<i2": number(2, (view, at) => view.getInt16(at, true)),
  "<u4": number(4, (view, at) => view.getUint32(at, true)),
  "<i4": number(4, (view, at) => view.getInt32(at, true)),
  "<u8": number(8, (view, at) => Number(view.getBigUint64(at, true))),
  "<i8": number(8, (view, at) => Number(view.getBigInt64(at, true))),
  "<f2": number(2, (view, at) => half(view.getUint16(at, true))),
  "<f4": number(4, (view, at) => view.getFloat32(at, true)),
  "<f8": number(8, (view, at) => view.getFloat64(at, true)),
};

/** An array in an archive. Where it is stored as it is, only what is asked for is read. */
export interface ArchivedArray {
  readonly name: string;
  readonly shape: readonly number[];
  /** Values from a place up to another, the latter excluded. */
  read(from: number, to: number): Float64Array;
}

/** Most bytes that packed arrays may unpack to. */
const largest = 2 ** 28;

/** What the end of a ZIP archive, a file in its directory and a file itself begin with. */
const signatures = { end: 0x0605_4b50, entry: 0x0201_4b50, file: 0x0403_4b50, end64: 0x0606_4b50 } as const;

interface Entry {
  name: string;
  packed: boolean;
  size: number;
  unpackedSize: number;
  header: number;
}

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** The files of an archive, from its directory at the end. */
function entriesOf(file: DataFile): Entry[] {
  const tail = Math.min(file.size, 65_557);
  const bytes = viewOf(file.read(file.size - tail, tail, "the archive"));
  let end = tail - 22;
  while (end >= 0 && bytes.getUint32(end, true) !== signatures.end) end--;
  if (end < 0)
    refuseData(file.path, "is no archive of NumPy, or ends early", undefined, "a file that np.savez wrote");
  const count = bytes.getUint16(end + 10, true);
  let [size, at] = [bytes.getUint32(end + 12, true), bytes.getUint32(end + 16, true)];
  if (at === 0xffff_ffff && end >= 76 && bytes.getUint32(end - 76, true) === signatures.end64) {
    size = Number(bytes.getBigUint64(end - 76 + 40, true));
    at = Number(bytes.getBigUint64(end - 76 + 48, true));
  }
  const directory = viewOf(file.read(at, size, "the archive's directory"));
  const entries: Entry[] = [];
  for (let place = 0; entries.length < count;) {
    if (place + 46 > size || directory.getUint32(place, true) !== signatures.entry) {
      refuseData(
        `${file.path} at offset ${at + place}`,
        "has a damaged directory",
        undefined,
        `${count} files`,
      );
    }
    entries.push(entryAt(file, directory, place, size));
    place += 46 + [28, 30, 32].reduce((sum, field) => sum + directory.getUint16(place + field, true), 0);
  }
  return entries;
}

/** A file of the directory. Sizes that do not fit into 32 bits are in an extra field of 64 bits each. */
function entryAt(file: DataFile, directory: DataView, place: number, end: number): Entry {
  const [nameLength, extraLength] = [
    directory.getUint16(place + 28, true),
    directory.getUint16(place + 30, true),
  ];
  const extra = place + 46 + nameLength;
  if (extra + extraLength > end)
    refuseData(file.path, "has a damaged directory", undefined, "names within it");
  const name = Buffer.from(directory.buffer, directory.byteOffset + place + 46, nameLength).toString(
    "latin1",
  );
  const method = directory.getUint16(place + 10, true);
  if (method !== 0 && method !== 8) {
    refuseData(
      file.path,
      `has ${name} packed in an unknown way`,
      String(method),
      "np.savez or np.savez_compressed",
    );
  }
  const fields = { unpackedSize: place + 24, size: place + 20, header: place + 42 };
  const values: Record<keyof typeof fields, number> = { unpackedSize: 0, size: 0, header: 0 };
  let wide = extra + 4;
  for (const field of ["unpackedSize", "size", "header"] as const) {
    values[field] = directory.getUint32(fields[field], true);
    if (values[field] !== 0xffff_ffff) continue;
    if (wide + 8 > extra + extraLength || directory.getUint16(extra, true) !== 1) {
      refuseData(file.path, "has a damaged directory", undefined, "a size for each file");
    }
    values[field] = Number(directory.getBigUint64(wide, true));
    wide += 8;
  }
  return { name: name.replace(/\.npy$/, ""), packed: method === 8, ...values };
}

/**
 * The arrays of a file that `np.savez` or `np.savez_compressed` wrote. What is not compressed stays in the file until
 * it is asked for; what is compressed is unpacked at once, at most 256 MiB for each array.
 *
 * @throws {@link NESTError} that names file, array and offset.
 */
export function openNpz(path: string): { file: DataFile; arrays: ReadonlyMap<string, ArchivedArray> } {
  const file = new DataFile(path);
  const arrays = entriesOf(file).map((entry) => [entry.name, arrayOf(file, entry)] as const);
  return { file, arrays: new Map(arrays) };
}

function arrayOf(file: DataFile, { name, packed, size, unpackedSize, header }: Entry): ArchivedArray {
  const local = viewOf(file.read(header, 30, `the header of ${name}`));
  if (local.getUint32(0, true) !== signatures.file) {
    refuseData(`${file.path} at offset ${header}`, `has no ${name}`, undefined, "a file of the archive");
  }
  const begin = header + 30 + local.getUint16(26, true) + local.getUint16(28, true);
  const where = `${file.path} at offset ${begin}`;
  let read = (from: number, length: number) => file.read(begin + from, length, name);
  if (packed) {
    const limits = `${largest / 2 ** 20} MiB; np.savez leaves arrays unpacked, and they are read piece by piece`;
    if (unpackedSize > largest)
      refuseData(where, `has ${name} packed`, `${unpackedSize} bytes`, `at most ${limits}`);
    let unpacked: Uint8Array;
    try {
      unpacked = inflateRawSync(file.read(begin, size, name), { maxOutputLength: largest });
    } catch (error) {
      return refuseData(
        where,
        `has ${name} damaged: ${(error as Error).message}`,
        undefined,
        "a packed array",
      );
    }
    read = (from, length) => {
      if (from + length > unpacked.length)
        refuseData(where, `ends within ${name}`, `${unpacked.length} bytes`, `${from + length} bytes`);
      return unpacked.subarray(from, from + length);
    };
  }
  return arrayIn(where, name, packed ? unpackedSize : size, read);
}

/** The array that bytes in NumPy's format are. */
function arrayIn(
  where: string,
  name: string,
  size: number,
  read: (from: number, length: number) => Uint8Array,
): ArchivedArray {
  const start = read(0, Math.min(12, size));
  if (
    start.length < 12 ||
    start[0] !== 0x93 ||
    Buffer.from(start.subarray(1, 6)).toString("latin1") !== "NUMPY"
  ) {
    refuseData(where, `has no array in ${name}`, undefined, "an array in NumPy's format");
  }
  const wide = (start[6] as number) >= 2;
  const view = viewOf(start);
  const begin = wide ? 12 + view.getUint32(8, true) : 10 + view.getUint16(8, true);
  if (begin > Math.min(size, 65_536))
    refuseData(where, `ends within the header of ${name}`, `${size} bytes`, `${begin} bytes`);
  const text = Buffer.from(read(0, begin)).toString("latin1");
  const type = /'descr': '([^']*)'/.exec(text)?.[1] ?? "";
  const reader = Object.hasOwn(readers, type) ? (readers[type] as Reader) : undefined;
  const dimensions = /'shape': \(([\d, ]*)\)/.exec(text)?.[1];
  if (reader === undefined || dimensions === undefined || text.includes("'fortran_order': True")) {
    return refuseData(
      where,
      `has ${name} with numbers of another type`,
      type,
      `one of ${Object.keys(readers).join(", ")}`,
    );
  }
  const shape = dimensions
    .split(",")
    .filter((part) => part.trim() !== "")
    .map(Number);
  const count = shape.reduce((product, of) => product * of, 1);
  if (begin + count * reader.bytes !== size) {
    const bytes = `${count * reader.bytes} bytes (${shape.join(" x ")} of type ${type})`;
    refuseData(where, `has ${name} of another length than its header says`, `${size - begin} bytes`, bytes);
  }
  return {
    name,
    shape,
    read(from, to) {
      const values = viewOf(read(begin + from * reader.bytes, (to - from) * reader.bytes));
      return Float64Array.from({ length: to - from }, (_, at) => reader.read(values, at * reader.bytes));
    },
  };
}
