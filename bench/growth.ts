import type { Line } from "./line.js";

/** How cost grows with a size: as its power `slope`. */
export interface Growth {
  series: string;
  table: Line["table"];
  from: number;
  to: number;
  slope: number;
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** The slope of the straight line through points by least squares. */
export function slope(points: readonly (readonly [number, number])[]): number {
  const [x, y] = [mean(points.map(([at]) => at)), mean(points.map(([, value]) => value))];
  const products = points.map(([at, value]) => (at - x) * (value - y));
  return mean(products) / mean(points.map(([at]) => (at - x) ** 2));
}

const keyOf = ({ series, precision }: Line) =>
  series && `${series.name}${precision === "f32" ? ", f32" : ""}`;

/** The growth of each series of lines, fitted to the logarithms of sizes and times. */
export function growthOf(lines: readonly Line[]): Growth[] {
  const series = new Map<string, Line[]>();
  for (const line of lines) {
    const key = keyOf(line);
    if (key !== undefined) series.set(key, [...(series.get(key) ?? []), line]);
  }
  return [...series].flatMap(([name, [first, ...rest]]) => {
    if (first === undefined || rest.length === 0) return [];
    const sizes = [first, ...rest].map((line) => line.series?.x ?? Number.NaN);
    const points = [first, ...rest].map(
      (line, place) => [Math.log(sizes[place] as number), Math.log(line.ms)] as const,
    );
    const [from, to] = [Math.min(...sizes), Math.max(...sizes)];
    return [{ series: name, table: first.table, from, to, slope: slope(points) }];
  });
}
