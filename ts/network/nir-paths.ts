/** What lies between the nodes of a graph that have a state: nodes without one, as matrices, constants and delays. */
import { nestError } from "../core/errors.js";
import type { NumberMatrix } from "../random/index.js";
import type { NIRGraph, NIRNode } from "./nir-graph.js";

/** What lies between two nodes with a state: a matrix, a constant and a delay. */
export interface Path {
  from: string;
  /** Nothing where values pass as they are. */
  matrix?: Matrix;
  bias?: Float64Array;
  /** Seconds. */
  delay: number;
}

/** A matrix, rows per target, columns per source, by the entries of each row that are not 0. */
export interface Matrix {
  rows: number;
  columns: number;
  /** Where the entries of each row begin, and the end of the last. */
  begins: Uint32Array;
  /** The columns of the entries. */
  at: Uint32Array;
  data: Float64Array;
}

/** Refuses a graph that eprop has no network for. */
export function refuse(message: string, value: string, bound: string): never {
  throw nestError({ code: "NotImplemented", message, parameter: "graph", value, bound });
}

/**
 * A matrix whose rows are sums: `add` adds a value to the row's entry of a column. No more is kept than there are entries
 * that are not 0.
 */
function summed(
  rows: number,
  columns: number,
  fill: (row: number, add: (column: number, value: number) => void) => void,
): Matrix {
  const sums = new Float64Array(columns);
  const isIn = new Uint8Array(columns);
  let touched: number[] = [];
  const add = (column: number, value: number) => {
    if (isIn[column] === 0) {
      isIn[column] = 1;
      touched.push(column);
    }
    sums[column] = (sums[column] as number) + value;
  };
  const begins = new Uint32Array(rows + 1);
  const [at, data] = [[], []] as [number[], number[]];
  for (let row = 0; row < rows; row++) {
    fill(row, add);
    for (const column of touched.toSorted((a, b) => a - b)) {
      const value = sums[column] as number;
      if (value !== 0) {
        at.push(column);
        data.push(value);
      }
      sums[column] = 0;
      isIn[column] = 0;
    }
    touched = [];
    begins[row + 1] = at.length;
  }
  return { rows, columns, begins, at: Uint32Array.from(at), data: Float64Array.from(data) };
}

function matrixOf(data: ArrayLike<number>, rows: number, columns: number): Matrix {
  let entries = 0;
  for (let place = 0; place < data.length; place++) if (data[place] !== 0) entries++;
  const matrix = {
    rows,
    columns,
    begins: new Uint32Array(rows + 1),
    at: new Uint32Array(entries),
    data: new Float64Array(entries),
  };
  entries = 0;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const value = data[row * columns + column] as number;
      if (value === 0) continue;
      matrix.at[entries] = column;
      matrix.data[entries++] = value;
    }
    matrix.begins[row + 1] = entries;
  }
  return matrix;
}

/** The matrix that hands values on as they are. */
export function identity(n: number): Matrix {
  return {
    rows: n,
    columns: n,
    begins: Uint32Array.from({ length: n + 1 }, (_, row) => row),
    at: Uint32Array.from({ length: n }, (_, row) => row),
    data: new Float64Array(n).fill(1),
  };
}

/** Calls with each entry of a matrix, row by row. */
export function eachEntry(matrix: Matrix, use: (row: number, column: number, value: number) => void): void {
  for (let row = 0; row < matrix.rows; row++) {
    eachOfRow(matrix, row, (column, value) => use(row, column, value));
  }
}

/** Calls with each entry of a row. */
function eachOfRow(matrix: Matrix, row: number, use: (column: number, value: number) => void): void {
  const end = matrix.begins[row + 1] as number;
  for (let place = matrix.begins[row] as number; place < end; place++) {
    use(matrix.at[place] as number, matrix.data[place] as number);
  }
}

/** The diagonal of a path that goes neuron by neuron; undefined if it does not. */
export function diagonal({ matrix }: Path): Float64Array | undefined {
  if (matrix === undefined || matrix.rows !== matrix.columns) return undefined;
  const found = new Float64Array(matrix.rows);
  let only = true;
  eachEntry(matrix, (row, column, value) => {
    only &&= row === column;
    found[row] = value;
  });
  return only ? found : undefined;
}

/** A matrix with each row times a factor. */
function scaled(matrix: Matrix, factors: ArrayLike<number>): Matrix {
  const [at, data] = [[], []] as [number[], number[]];
  const begins = new Uint32Array(matrix.rows + 1);
  eachEntry(matrix, (row, column, value) => {
    const times = value * (factors[row] as number);
    if (times === 0) return;
    at.push(column);
    data.push(times);
    begins[row + 1] = at.length;
  });
  // Rows without entries end where they begin.
  for (let row = 1; row <= matrix.rows; row++) begins[row] ||= begins[row - 1] as number;
  return { ...matrix, begins, at: Uint32Array.from(at), data: Float64Array.from(data) };
}

/** A matrix after another one. */
function product({ data, shape: [rows, middles] }: NumberMatrix, first: Matrix): Matrix {
  return summed(rows, first.columns, (row, add) => {
    for (let middle = 0; middle < middles; middle++) {
      const factor = data[row * middles + middle] as number;
      eachOfRow(first, middle, (column, value) => add(column, factor * value));
    }
  });
}

/** A path with a node of a graph at its end: several where the node delays its values by different times. */
function followed(path: Path, node: NIRNode): Path[] {
  switch (node.type) {
    case "Linear":
    case "Affine": {
      const { data, shape } = node.weight;
      const [rows, columns] = shape;
      const bias = new Float64Array(rows);
      if (node.type === "Affine") bias.set(node.bias);
      if (path.bias !== undefined) {
        for (let row = 0; row < rows; row++) {
          for (let column = 0; column < columns; column++) {
            bias[row] =
              (bias[row] as number) +
              (data[row * columns + column] as number) * (path.bias[column] as number);
          }
        }
      }
      const matrix =
        path.matrix === undefined ? matrixOf(data, rows, columns) : product(node.weight, path.matrix);
      return [{ ...path, matrix, bias }];
    }
    case "Scale": {
      const { scale } = node;
      const matrix = scaled(path.matrix ?? identity(scale.length), scale);
      const bias = path.bias?.map((value, at) => value * (scale[at] as number));
      return [{ ...path, matrix, ...(bias && { bias }) }];
    }
    case "Delay": {
      const delays = [...new Set(node.delay)];
      if (delays.length < 2) return [{ ...path, delay: path.delay + (delays[0] ?? 0) }];
      const matrix = path.matrix ?? identity(node.delay.length);
      return delays.map((delay) => {
        const chosen = node.delay.map((other) => Number(other === delay));
        const bias = path.bias?.map((value, at) => value * (chosen[at] as number));
        return { ...path, matrix: scaled(matrix, chosen), ...(bias && { bias }), delay: path.delay + delay };
      });
    }
    default:
      return [path];
  }
}

/** The nodes that edges lead from, by the node that they lead to. */
function sourcesOf({ edges }: NIRGraph): Map<string, string[]> {
  const sources = new Map<string, Set<string>>();
  for (const [from, to] of edges) {
    const known = sources.get(to);
    if (known === undefined) sources.set(to, new Set([from]));
    else if (known.has(from)) refuse("an edge is there twice", `${from} to ${to}`, "each edge once");
    else known.add(from);
  }
  return new Map(Array.from(sources, ([to, from]) => [to, [...from]]));
}

/** Paths with those from the same node and of the same delay as one. */
function joined(paths: readonly Path[], size: number): Path[] {
  const all = new Map<string, Path>();
  for (const path of paths) {
    const key = `${path.delay} ${path.from}`;
    const other = all.get(key);
    if (other === undefined) {
      all.set(key, path);
      continue;
    }
    const [a, b] = [other.matrix ?? identity(size), path.matrix ?? identity(size)];
    const bias = Float64Array.from(
      { length: size },
      (_, row) => (other.bias?.[row] ?? 0) + (path.bias?.[row] ?? 0),
    );
    const matrix = summed(a.rows, a.columns, (row, add) => {
      eachOfRow(a, row, add);
      eachOfRow(b, row, add);
    });
    all.set(key, { ...other, matrix, bias });
  }
  return [...all.values()];
}

/** How many values go into a node without a state. */
function widthOf(node: NIRNode): number {
  if (node.type === "Linear" || node.type === "Affine") return node.weight.shape[1];
  if (node.type === "Scale") return node.scale.length;
  return node.type === "Delay" ? node.delay.length : 0;
}

/**
 * What leads to a node: the paths from those with a state, the nearest ones on the way back.
 *
 * @param holds Whether a node has a state.
 */
export function pathsThrough(
  graph: NIRGraph,
  holds: (name: string) => boolean,
): (target: string) => readonly Path[] {
  const sources = sourcesOf(graph);
  const found = new Map<string, Path[]>();
  const onTheWay = new Set<string>();
  for (const first of Object.keys(graph.nodes)) {
    const stack = holds(first) ? [] : [first];
    while (stack.length > 0) {
      const name = stack.at(-1) as string;
      const from = found.has(name) ? [] : (sources.get(name) ?? []);
      const missing = from.filter((other) => !holds(other) && !found.has(other));
      if (missing.length > 0) {
        onTheWay.add(name);
        const circle = missing.find((other) => onTheWay.has(other));
        if (circle !== undefined) {
          refuse("nodes without a state make a circle", circle, "a neuron in between");
        }
        stack.push(...missing);
        continue;
      }
      stack.pop();
      onTheWay.delete(name);
      if (found.has(name)) continue;
      const node = graph.nodes[name] as NIRNode;
      const paths = from.flatMap((other): Path[] =>
        holds(other) ? [{ from: other, delay: 0 }] : (found.get(other) as Path[]),
      );
      const width = paths.find(({ matrix }) => matrix !== undefined)?.matrix?.rows ?? widthOf(node);
      found.set(
        name,
        joined(paths, width).flatMap((path) => followed(path, node)),
      );
    }
  }
  return (target) =>
    (sources.get(target) ?? []).flatMap((from): Path[] =>
      holds(from) ? [{ from, delay: 0 }] : (found.get(from) as Path[]),
    );
}
