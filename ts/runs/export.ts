import { join } from "node:path";
import { nestError } from "../core/errors.js";
import type { RunData } from "./run-data.js";
import { type RunSummary, phasesOf } from "./summary.js";
import { jsonLines } from "../formats/json-lines.js";
import { nestFileName, nestHeader, nestRows } from "../formats/nest-ascii.js";
import { npz } from "../formats/npz.js";
import { type Scalars, eventFile } from "../formats/tensorboard.js";
import type { Table } from "../formats/table.js";
import { eventTables, weightTable } from "./tables.js";
import { writeWhole } from "../files/write-whole.js";

/** A file's path in its folder, and what is in it. */
type ExportedFile = readonly [path: string, content: Uint8Array | Iterable<string> | Iterable<Uint8Array>];

/** Decimal places in NEST's files: of a run, more than NEST writes by itself, so that small signals are there. */
const asciiPrecision = 12;

/** The formats that events and weights are written in: what each one is, and the files it makes of a run. */
export const formats = {
  npz: {
    text: "NumPy archives",
    files: ({ weights, events }): Promise<ExportedFile[]> =>
      Promise.resolve([
        ["weights.npz", npz(weights)],
        ["events.npz", npz(events)],
      ]),
  },
  parquet: {
    text: "Parquet files",
    files: async (run): Promise<ExportedFile[]> => {
      // Loaded by those who want it.
      const { parquet } = await import("../formats/parquet.js");
      return tablesOf(run).map(([name, table]) => [`${name}.parquet`, parquet(table)]);
    },
  },
  jsonl: {
    text: "JSON lines",
    files: (run): Promise<ExportedFile[]> =>
      Promise.resolve(tablesOf(run).map(([name, table]) => [`${name}.jsonl`, jsonLines(table)])),
  },
  ascii: {
    text: "events as NEST's ascii recording backend writes them",
    files: (run): Promise<ExportedFile[]> => {
      const tables = Object.entries(eventTables(run));
      return Promise.resolve(
        tables.map(([recorder, table], at) => [
          `ascii/${nestFileName(recorder, { id: at + 1, nodes: tables.length })}`,
          nestLines(table),
        ]),
      );
    },
  },
  tensorboard: {
    text: "losses and what else is known of each iteration, for TensorBoard",
    files: ({ summary }): Promise<ExportedFile[]> => {
      const ended = Math.round(Date.parse(summary.date) / 1000);
      return Promise.resolve([
        [`tensorboard/events.out.tfevents.${ended}.eprop`, eventFile(scalarsOf(summary))],
      ]);
    },
  },
} as const satisfies Record<string, { text: string; files: (run: RunData) => Promise<ExportedFile[]> }>;

/** Name of a format. */
export type Format = keyof typeof formats;

function tablesOf(run: Pick<RunData, "events" | "weights">): [string, Table][] {
  const events = Object.entries(eventTables(run)).map(([recorder, table]): [string, Table] => [
    `events/${recorder}`,
    table,
  ]);
  return [["weights", weightTable(run)], ...events];
}

/** What is known of each iteration, by phase; times are those of its end, as far as simulations took them. */
function scalarsOf(summary: RunSummary): Scalars[] {
  const { loss, ms, spikes_per_neuron, gradient_norm, metrics, results, timing } = summary;
  const phases = phasesOf(summary);
  const seconds = (timing.steps * timing.resolution) / 1000;
  let time = Date.parse(summary.date) / 1000 - ms.reduce((sum, each) => sum + each, 0) / 1000;
  return loss.map((value, at) => {
    time += (ms[at] ?? 0) / 1000;
    const phase = phases[at] as string;
    const values: [string, number | undefined][] = [
      [`loss/${phase}`, value],
      [`error/${phase}`, results?.error[at]],
      ["firing rate (spikes per s)", (spikes_per_neuron[at] as number) / seconds],
      ["gradient norm", gradient_norm?.[at]],
      ["simulation of an iteration (ms)", ms[at]],
      ...Object.entries(metrics ?? {}).map(([name, of]) => [`${name}/${phase}`, of[at]] as [string, number]),
    ];
    const known = values.filter((entry): entry is [string, number] => entry[1] !== undefined);
    return { step: at + 1, time, values: Object.fromEntries(known) };
  });
}

function* nestLines(table: Table): Generator<string> {
  yield nestHeader(table);
  yield* nestRows(table, asciiPrecision);
}

/**
 * The formats that a list names, separated by commas.
 *
 * @throws {@link NESTError} that says which there are.
 */
export function parseFormats(list: string): Format[] {
  return list.split(",").map((part) => {
    const name = part.trim();
    if (Object.hasOwn(formats, name)) return name as Format;
    throw nestError({
      code: "ValueError",
      message: `there is no format ${name}`,
      parameter: "format",
      value: name,
      bound: `some of ${Object.keys(formats).join(", ")}`,
    });
  });
}

/** Writes a run's events and weights into a folder; returns the files' paths. */
export async function writeExports(
  folder: string,
  run: RunData,
  wanted: readonly Format[],
): Promise<string[]> {
  const paths: string[] = [];
  for (const format of new Set(wanted)) {
    for (const [name, content] of await formats[format].files(run)) {
      const path = join(folder, name);
      writeWhole(path, content);
      paths.push(path);
    }
  }
  return paths;
}
