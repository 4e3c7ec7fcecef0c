import { zipSync } from "fflate";

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
  return zipSync(files, { level: 1 });
}
