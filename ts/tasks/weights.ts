/** Initial weights as the tutorials compute them from drawn numbers. */
import type { NumberMatrix } from "../random/index.js";

/** A matrix with rows and columns exchanged, each value divided by `divisor` and rounded to 32 bits. */
export function transposedFloat32(
  { data, shape: [rows, columns] }: NumberMatrix,
  divisor: number,
): NumberMatrix {
  const transposed = new Float64Array(data.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      transposed[column * rows + row] = Math.fround((data[row * columns + column] as number) / divisor);
    }
  }
  return { data: transposed, shape: [columns, rows] };
}

/** Each value divided by `divisor` and rounded to 32 bits. */
export function scaledFloat32({ data, shape }: NumberMatrix, divisor: number): NumberMatrix {
  return { data: data.map((value) => Math.fround(value / divisor)), shape };
}

/** Each value times `factor`, with all three rounded to 32 bits. */
export function timesFloat32({ data, shape }: NumberMatrix, factor: number): NumberMatrix {
  return { data: data.map((value) => Math.fround(value * Math.fround(factor))), shape };
}

/** The matrix with zeros in its diagonal: no neuron drives itself. */
export function withoutDiagonal({ data, shape }: NumberMatrix): NumberMatrix {
  const copy = data.slice();
  for (let place = 0; place < shape[0]; place++) copy[place * shape[1] + place] = 0;
  return { data: copy, shape };
}
