import { unzipSync, zipSync } from "fflate";

/** Numbers with a shape, row by row. */
export interface NumberArray {
  data: Float64Array | Float32Array | Uint32Array | Int32Array;
  shape?: readonly number[];
}

/** An array in NumPy's format 1.0. */
export function npy({ data, shape = [data.length] }: NumberArray): Uint8Array {
  const kind =
    data instanceof Float64Array || data instanceof Float32Array
      ? "f"
      : data instanceof Uint32Array
        ? "u"
        : "i";
  const dimensions = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const header = `{'descr': '<${kind}${data.BYTES_PER_ELEMENT}', 'fortran_order': False, 'shape': (${dimensions}), }`;
  // The format wants data to begin at a multiple of 64 bytes; ten precede the header, a newline ends it.
  const length = Math.ceil((10 + header.length + 1) / 64) * 64;
  const bytes = new Uint8Array(length + data.byteLength);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, (length - 10) & 0xff, (length - 10) >> 8]);
  bytes.set(new TextEncoder().encode(`${header.padEnd(length - 11)}\n`), 10);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), length);
  return bytes;
}

/** Arrays in NumPy's archive format, as `np.savez` writes it. */
export function npz(arrays: Readonly<Record<string, NumberArray>>): Uint8Array {
  const files = Object.fromEntries(
    Object.entries(arrays).map(([name, array]) => [`${name}.npy`, npy(array)]),
  );
  // The same arrays are the same bytes, whenever they are written.
  return zipSync(files, { level: 1, mtime: new Date(1980, 0, 1) });
}

const readers: Readonly<Record<string, (bytes: ArrayBuffer) => NumberArray["data"]>> = {
  "<f8": (bytes) => new Float64Array(bytes),
  "<f4": (bytes) => new Float32Array(bytes),
  "<u4": (bytes) => new Uint32Array(bytes),
  "<i4": (bytes) => new Int32Array(bytes),
};

/**
 * The array of a file in NumPy's format 1.0.
 *
 * @throws `Error` where it is none, or has numbers of another type.
 */
export function readNpy(bytes: Uint8Array): NumberArray {
  if (bytes.length < 10 || bytes[0] !== 0x93 || bytes[1] !== 0x4e) throw new Error("is not a NumPy array");
  const begin = 10 + (bytes[8] as number) + 256 * (bytes[9] as number);
  const header = new TextDecoder().decode(bytes.subarray(10, begin));
  const type = /'descr': '([^']+)'/.exec(header)?.[1] ?? "";
  const shape = (/'shape': \(([^)]*)\)/.exec(header)?.[1] ?? "")
    .split(",")
    .filter((part) => part.trim() !== "");
  const read = readers[type];
  if (read === undefined || header.includes("'fortran_order': True"))
    throw new Error(`has numbers of type ${type}`);
  return { data: read(bytes.slice(begin).buffer), shape: shape.map(Number) };
}

/** The arrays of an archive that {@link npz} wrote. */
export function readNpz(bytes: Uint8Array): Record<string, NumberArray> {
  const files = Object.entries(unzipSync(bytes));
  return Object.fromEntries(files.map(([name, file]) => [name.replace(/\.npy$/, ""), readNpy(file)]));
}
