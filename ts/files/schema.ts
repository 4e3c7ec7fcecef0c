import { type GenericSchema, getDotPath, safeParse } from "valibot";

/** What is wrong with a value that was read, by its schema: the first that does not fit; undefined where all does. */
export function problemOf(schema: GenericSchema, value: unknown): string | undefined {
  const { issues } = safeParse(schema, value, { abortEarly: true });
  if (issues === undefined) return undefined;
  const place = getDotPath(issues[0]);
  return place === null ? "is no object" : `has no ${place}, or another kind of value there`;
}
