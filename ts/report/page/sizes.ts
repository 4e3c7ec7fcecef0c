import type { Json } from "./vega.js";

/** How much wider and higher than in its picture a figure is drawn. */
export interface Stretch {
  x: number;
  y: number;
}

type Side = "width" | "height";

/** The part of a figure's width or height that plots have, in pixels: the rest stays where a figure is stretched. */
export function plotSpan(specification: Json, side: Side): number {
  const along = side === "width" ? "hconcat" : "vconcat";
  const across = side === "width" ? "vconcat" : "hconcat";
  const parts = (name: string) => ((specification[name] ?? []) as Json[]).map((part) => plotSpan(part, side));
  if (specification[along] !== undefined) return parts(along).reduce((sum, span) => sum + span, 0);
  if (specification[across] !== undefined) return Math.max(0, ...parts(across));
  const own = specification[side];
  return typeof own === "number" ? own : 0;
}

/** What has lengths that are none of plots. */
const kept: ReadonlySet<string> = new Set(["data", "datasets", "params", "axis", "legend", "title"]);

/** A specification with all of its plots, and marks that are as large as they, stretched. */
export function stretched(part: unknown, { x, y }: Stretch): unknown {
  if (Array.isArray(part)) return part.map((value) => stretched(value, { x, y }));
  if (typeof part !== "object" || part === null) return part;
  return Object.fromEntries(
    Object.entries(part).map(([name, value]) => {
      if (kept.has(name)) return [name, value];
      if (name === "width" && typeof value === "number") return [name, value * x];
      if (name === "height" && typeof value === "number") return [name, value * y];
      return [name, stretched(value, { x, y })];
    }),
  );
}
