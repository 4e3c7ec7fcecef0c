import type { Line } from "./line.js";

/** How cost grows with a size: as its power `slope`. */
export interface Growth {
  series: string;
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

/** The growth of each series of lines, fitted to the logarithms of sizes and times. */
export function growthOf(lines: readonly Line[]): Growth[] {
  const names = [...new Set(lines.flatMap(({ series }) => (series ? [series.name] : [])))];
  return names.flatMap((name) => {
    const points = lines.flatMap(({ series, ms }) =>
      series?.name === name ? [[Math.log(series.x), Math.log(ms)] as const] : [],
    );
    if (points.length < 2) return [];
    const sizes = points.map(([x]) => Math.round(Math.exp(x)));
    return [{ series: name, from: Math.min(...sizes), to: Math.max(...sizes), slope: slope(points) }];
  });
}
