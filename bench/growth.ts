import type { Line } from "./line.js";

/** A cost that grows linearly: so much once and so much for each, met within a share `deviation` of every cost. */
export interface Linear {
  once: number;
  each: number;
  deviation: number;
}

/** How cost grows with a size: as its power `slope`, and how nearly linearly (with three sizes or more). */
export interface Growth {
  series: string;
  table: Line["table"];
  from: number;
  to: number;
  slope: number;
  linear?: Linear;
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** The slope of the straight line through points by least squares. */
export function slope(points: readonly (readonly [number, number])[]): number {
  const [x, y] = [mean(points.map(([at]) => at)), mean(points.map(([, value]) => value))];
  const products = points.map(([at, value]) => (at - x) * (value - y));
  return mean(products) / mean(points.map(([at]) => (at - x) ** 2));
}

/** The line `once + each x` with the least squares of relative errors. */
export function linear(points: readonly (readonly [number, number])[]): Linear {
  // Divided by the costs, it is the plane through (1 / t, x / t, 1) that has to be found.
  const [u, v] = [points.map(([, t]) => 1 / t), points.map(([x, t]) => x / t)];
  const dot = (a: readonly number[], b: readonly number[]) =>
    mean(a.map((value, at) => value * (b[at] ?? 0)));
  const [uu, uv, vv, determinant] = [dot(u, u), dot(u, v), dot(v, v), dot(u, u) * dot(v, v) - dot(u, v) ** 2];
  const once = (mean(u) * vv - mean(v) * uv) / determinant;
  const each = (mean(v) * uu - mean(u) * uv) / determinant;
  const deviation = Math.max(...points.map(([x, t]) => Math.abs((once + each * x) / t - 1)));
  return { once, each, deviation };
}

const keyOf = ({ series, precision }: Line) =>
  series && `${series.name}${precision === "f32" ? ", f32" : ""}`;

/** The growth of each series of lines: its power fitted to the logarithms of sizes and times. */
export function growthOf(lines: readonly Line[]): Growth[] {
  const series = new Map<string, Line[]>();
  for (const line of lines) {
    const key = keyOf(line);
    if (key !== undefined) series.set(key, [...(series.get(key) ?? []), line]);
  }
  return [...series].flatMap(([name, [first, ...rest]]) => {
    if (first === undefined || rest.length === 0) return [];
    const sizes = [first, ...rest].map((line) => line.series?.x ?? Number.NaN);
    const points = [first, ...rest].map(({ ms }, place) => [sizes[place] as number, ms] as const);
    const [from, to] = [Math.min(...sizes), Math.max(...sizes)];
    const line = points.length > 2 ? linear(points) : undefined;
    const power = slope(points.map(([x, ms]) => [Math.log(x), Math.log(ms)] as const));
    return [
      {
        series: name,
        table: first.table,
        from,
        to,
        slope: power,
        // What grows faster than linearly would be fitted with a negative cost.
        ...(line !== undefined && line.once >= 0 && { linear: line }),
      },
    ];
  });
}
