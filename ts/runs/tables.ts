import type { Column, Table } from "../formats/table.js";
import type { RunData } from "./run-data.js";

/** A run's events: a table for each recorder, with NEST's names of columns. */
export function eventTables({ events }: Pick<RunData, "events">): Record<string, Table> {
  const tables: Record<string, Record<string, Column>> = {};
  for (const [name, { data }] of Object.entries(events)) {
    const [recorder = "", column = ""] = name.split(/\.(.*)/s);
    (tables[recorder] ??= {})[column] = data;
  }
  return tables;
}

/**
 * A run's plastic weights: a row per connection. `source` and `target` are places in their populations, from 0 on.
 * What is zero before and after training is no connection.
 */
export function weightTable({ weights }: Pick<RunData, "weights">): Table {
  const projection: string[] = [];
  const [source, target, before, after]: [number[], number[], number[], number[]] = [[], [], [], []];
  for (const [of, first] of Object.entries(weights)) {
    if (!of.endsWith("_before")) continue;
    const name = of.slice(0, -"_before".length);
    const last = weights[`${name}_after`];
    const columns = first.shape?.[1];
    if (last === undefined || columns === undefined) continue;
    first.data.forEach((weight, at) => {
      const learned = last.data[at] as number;
      if (weight === 0 && learned === 0) return;
      projection.push(name);
      source.push(at % columns);
      target.push(Math.floor(at / columns));
      before.push(weight);
      after.push(learned);
    });
  }
  return {
    projection,
    source: Uint32Array.from(source),
    target: Uint32Array.from(target),
    before: Float64Array.from(before),
    after: Float64Array.from(after),
  };
}
