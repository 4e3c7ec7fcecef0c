/** What the tutorials' scripts share: numpy's helpers in a few lines. */
import type { NumberMatrix } from "eprop";

/** `np.array(matrix.T / divisor, dtype=float32)`, as rows. */
export function transposed({ data, shape: [count, columns] }: NumberMatrix, divisor: number): number[][] {
  return Array.from({ length: columns }, (_, column) =>
    Array.from({ length: count }, (__, row) => Math.fround((data[row * columns + column] ?? 0) / divisor)),
  );
}

/** `np.array(matrix / divisor, dtype=float32)`, as rows. */
export function rows({ data, shape: [count, columns] }: NumberMatrix, divisor: number): number[][] {
  return Array.from({ length: count }, (_, row) =>
    Array.from(data.subarray(row * columns, (row + 1) * columns), (value) => Math.fround(value / divisor)),
  );
}

/** `np.fill_diagonal(matrix, 0)` */
export const withoutDiagonal = (matrix: number[][]): number[][] =>
  matrix.map((row, place) => row.with(place, 0));

/** `np.linspace(start, stop, n)` */
export function linspace(start: number, stop: number, n: number): number[] {
  const step = (stop - start) / (n - 1);
  return Array.from({ length: n }, (_, place) => (place === n - 1 ? stop : place * step + start));
}

/** One array after the other for each iteration, moved by its offset. */
export function repeated<T>(iterations: number, steps: number, one: (offset: number) => readonly T[]): T[] {
  return Array.from({ length: iterations }, (_, iteration) => one(iteration * steps)).flat();
}

/** Half the squared error of each iteration, summed over steps, averaged over readouts. */
export function losses(
  readout: Float64Array,
  target: Float64Array,
  readouts: number,
  rowsPerIteration: number,
): number[] {
  const sums = Array.from({ length: Math.floor(readout.length / rowsPerIteration) }, () => 0);
  readout.forEach((value, row) => {
    const iteration = Math.floor(row / rowsPerIteration);
    if (iteration >= sums.length) return;
    sums[iteration] = (sums[iteration] ?? 0) + (0.5 * (value - (target[row] ?? 0)) ** 2) / readouts;
  });
  return sums;
}
