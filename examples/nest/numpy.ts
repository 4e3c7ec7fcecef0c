/** What the scripts need of numpy besides its generator: a few helpers for matrices and lists. */
import type { NumberMatrix } from "eprop";

/** `np.array(matrix.T * factor, dtype=np.float32)`, as rows. */
export function transposed(
  { data, shape: [count, columns] }: NumberMatrix,
  change: (value: number) => number,
): number[][] {
  return Array.from({ length: columns }, (_, column) =>
    Array.from({ length: count }, (__, row) => change(data[row * columns + column] ?? 0)),
  );
}

/** The matrix as rows, each value changed. */
export function rows(
  { data, shape: [count, columns] }: NumberMatrix,
  change: (value: number) => number,
): number[][] {
  return Array.from({ length: count }, (_, row) =>
    Array.from(data.subarray(row * columns, (row + 1) * columns), change),
  );
}

/** `np.fill_diagonal(matrix, 0.0)` */
export const withoutDiagonal = (matrix: number[][]): number[][] =>
  matrix.map((row, place) => row.with(place, 0));

/** `np.linspace(start, stop, n)` */
export function linspace(start: number, stop: number, n: number): number[] {
  const step = (stop - start) / (n - 1);
  return Array.from({ length: n }, (_, place) => (place === n - 1 ? stop : place * step + start));
}

/** `np.arange(start, stop, step)` */
export function arange(start: number, stop: number, step = 1): number[] {
  return Array.from({ length: Math.max(0, Math.ceil((stop - start) / step)) }, (_, n) => start + n * step);
}

/** `np.tile(list, times)` */
export const tile = (list: readonly number[], times: number): number[] =>
  Array.from({ length: times }, () => list).flat();

/** `np.argmax(list)` */
export const argmax = (list: ArrayLike<number>): number => {
  let best = 0;
  for (let place = 1; place < list.length; place++) {
    if ((list[place] ?? 0) > (list[best] ?? 0)) best = place;
  }
  return best;
};

/** The signals of each readout, as `events[name][senders == readout]` gives them. */
export function bySender(senders: Uint32Array, values: Float64Array, nodes: readonly number[]): number[][] {
  const place = new Map(nodes.map((node, at) => [node, at]));
  const all: number[][] = nodes.map(() => []);
  senders.forEach((sender, row) => all[place.get(sender) ?? -1]?.push(values[row] ?? 0));
  return all;
}

/** Numbers with all their digits, one per line: what a test compares with NEST's. */
export const print = (name: string, values: readonly number[]): void =>
  values.forEach((value, at) => console.log(`${name} ${at + 1}: ${value}`));

/** The number of iterations: the first argument of the script, or else the number given. */
export const iterationsOr = (otherwise: number): number => Number(process.argv[2] ?? otherwise);
