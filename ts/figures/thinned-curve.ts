/**
 * The points of a curve that straight lines need to pass all others at a distance of no more than `most` along the second
 * axis. The first and the last stay, as do those without a value, where a curve has a gap.
 */
export function thinnedCurve<Point>(
  points: readonly Point[],
  place: (point: Point) => readonly [number, number | null],
  most: number,
): Point[] {
  const kept: Point[] = [];
  let anchor: readonly [number, number] | undefined;
  let last: Point | undefined;
  let [lastX, lastY] = [0, 0];
  // Slopes of lines from the anchor that are near enough to all points since.
  let [low, high] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  const keep = (point: Point, x: number, y: number) => {
    kept.push(point);
    anchor = [x, y];
    last = undefined;
    [low, high] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  };
  for (const point of points) {
    const [x, y] = place(point);
    if (y === null) {
      if (last !== undefined) kept.push(last);
      kept.push(point);
      [anchor, last] = [undefined, undefined];
      continue;
    }
    if (anchor === undefined) {
      keep(point, x, y);
      continue;
    }
    const slope = (y - anchor[1]) / (x - anchor[0]);
    if (last !== undefined && !(low <= slope && slope <= high)) keep(last, lastX, lastY);
    const [fromX, fromY] = anchor;
    low = Math.max(low, (y - most - fromY) / (x - fromX));
    high = Math.min(high, (y + most - fromY) / (x - fromX));
    [last, lastX, lastY] = [point, x, y];
  }
  if (last !== undefined) kept.push(last);
  return kept;
}
