import { fields, given, oneOf, optional, path as filePath, u32, whole } from "../core/arguments.js";
import { type Pieces, inSlices } from "../core/event-loop.js";
import { DataFile, refuseData } from "./data-file.js";
import { type Dataset, type Events, type Sample, type Sensor, channelsOf } from "./dataset.js";
import { type ArchivedArray, openNpz } from "./npz-archive.js";

/** What a file of events does not say itself. */
export interface EventFileOptions {
  /** The sensor that channels, or x, y and polarity, belong to. */
  sensor: Sensor;
  /** Number of classes; 0, or left out, where samples have no label. */
  classes?: number;
  /** What times are in; milliseconds if left out. */
  unit?: "s" | "ms" | "us";
}

const optionsCheck = fields({
  sensor: fields({ width: whole(1, u32), height: whole(1, u32), polarities: whole(1, u32) }),
  classes: optional(whole(0, u32)),
  unit: optional(oneOf("s", "ms", "us")),
});

const milliseconds = { s: 1000, ms: 1, us: 1e-3 } as const;

/** Events of a sample from their columns; each is checked. */
function eventsOf(
  where: (event: number) => string,
  columns: {
    time: ArrayLike<number>;
    channel?: ArrayLike<number>;
    x?: ArrayLike<number>;
    y?: ArrayLike<number>;
    p?: ArrayLike<number>;
  },
  sensor: Sensor,
  scale: number,
): Events {
  const { time, channel, x, y, p } = columns;
  const times = new Float64Array(time.length);
  const channels = new Uint32Array(time.length);
  const within = (event: number, name: string, value: number | undefined, end: number): number => {
    if (value !== undefined && Number.isInteger(value) && value >= 0 && value < end) return value;
    return refuseData(
      where(event),
      `has a ${name} outside the sensor`,
      String(value),
      `from 0 to ${end - 1}`,
    );
  };
  let before = 0;
  for (let event = 0; event < time.length; event++) {
    const at = (time[event] as number) * scale;
    if (!(at >= before && at < Infinity)) {
      refuseData(
        where(event),
        "has no time after the one before it",
        String(time[event]),
        `at least ${before / scale}`,
      );
    }
    before = at;
    times[event] = at;
    channels[event] = channel
      ? within(event, "channel", channel[event], channelsOf(sensor))
      : (within(event, "p", p?.[event] ?? 0, sensor.polarities) * sensor.height +
          within(event, "y", y?.[event] ?? 0, sensor.height)) *
          sensor.width +
        within(event, "x", x?.[event], sensor.width);
  }
  return { times, channels };
}

function labelled(where: string, events: Events, label: number | undefined, classes: number): Sample {
  if (label === undefined || classes === 0) return { events };
  if (!(Number.isInteger(label) && label >= 0 && label < classes)) {
    refuseData(where, "has a label out of range", String(label), `from 0 to ${classes - 1}`);
  }
  return { events, label };
}

/**
 * Events in a NumPy archive: `times` and `channels` (or `x`, and `y` and `p` where the sensor has them) of all samples
 * one after the other, `offsets` (where each sample begins, and one more for the end) and `labels`. What `np.savez`
 * writes is read piece by piece, so that the file may be larger than memory; what `np.savez_compressed` writes is
 * unpacked first.
 *
 * @throws {@link NESTError} that names file, array and place.
 */
export function openEventArchive(path: string, options: EventFileOptions): Dataset {
  const { sensor, classes = 0, unit = "ms" } = given("options", options, optionsCheck) as EventFileOptions;
  const { arrays } = openNpz(given("path", path, filePath));
  const flat = (name: string, length?: number): ArchivedArray & { length: number } => {
    const array = arrays.get(name);
    if (array === undefined)
      return refuseData(path, `has no array ${name}`, [...arrays.keys()].join(", "), name);
    const [found = -1] = array.shape.length === 1 ? array.shape : [];
    if (found < 0 || (length !== undefined && found !== length)) {
      refuseData(
        path,
        `has ${name} of another shape`,
        array.shape.join(" x "),
        length === undefined ? "a list" : `a list of ${length}`,
      );
    }
    return Object.assign(array, { length: found });
  };
  const times = flat("times");
  const names = arrays.has("channels")
    ? ["channels"]
    : ["x", "y", "p"].filter((name) => name === "x" || arrays.has(name));
  const columns = names.map((name) => flat(name, times.length));
  const offsets = flat("offsets");
  const count = offsets.length - 1;
  if (count < 1) refuseData(path, "holds no samples", `${offsets.length} offsets`, "at least 2 offsets");
  const labels = classes > 0 ? flat("labels", count) : undefined;
  const called = { channels: "channel", x: "x", y: "y", p: "p" } as const;
  return {
    name: path,
    length: count,
    sensor,
    classes,
    get(index) {
      const where = `${path}, sample ${index}`;
      const [from, to] = offsets.read(index, index + 2) as unknown as [number, number];
      if (!(
        Number.isInteger(from) &&
        Number.isInteger(to) &&
        from >= 0 &&
        to >= from &&
        to <= times.length
      )) {
        refuseData(
          where,
          "has offsets that are none",
          `${from} and ${to}`,
          `ascending from 0 to ${times.length}`,
        );
      }
      const values = Object.fromEntries(
        columns.map((column, at) => [called[names[at] as keyof typeof called], column.read(from, to)]),
      );
      const events = eventsOf(
        (event) => `${where}, event ${event}`,
        { time: times.read(from, to), ...values },
        sensor,
        milliseconds[unit],
      );
      return labelled(where, events, labels?.read(index, index + 1)[0], classes);
    },
  };
}

/** Bytes of a text that are looked at in one piece. */
const pieceLength = 1 << 16;

/** Names that columns of a table may have. */
const columnNames = ["sample", "label", "time", "channel", "x", "y", "p"] as const;
type Column = (typeof columnNames)[number];

/** A table's columns by name, from its first line. */
function columnsOf(path: string, header: string): Map<Column, number> {
  const columns = new Map<Column, number>();
  header.split(",").forEach((cell, at) => {
    const name = columnNames.find((known) => known === cell.trim());
    if (name === undefined || columns.has(name)) {
      refuseData(
        `${path}, line 1`,
        "has an unknown column",
        cell.slice(0, 40),
        `columns ${columnNames.join(", ")}`,
      );
    }
    columns.set(name, at);
  });
  const has = (name: Column) => columns.has(name);
  if (!has("sample") || !has("time") || has("channel") === has("x")) {
    refuseData(
      `${path}, line 1`,
      "has not all columns",
      header.slice(0, 60),
      "sample, time and channel (or x, y, p)",
    );
  }
  return columns;
}

/** Where each sample of a table begins: offset and line. Goes through the file once, piece by piece. */
function* placesOf(
  file: DataFile,
  sampleColumn: number,
  begin: number,
): Pieces<{ offsets: Float64Array; lines: Float64Array }> {
  const [offsets, lines]: [number[], number[]] = [[], []];
  let [line, sample, rest, at] = [2, -1, new Uint8Array(0), begin];
  const look = (bytes: Uint8Array, offset: number) => {
    const text = Buffer.from(bytes).toString("latin1").trim();
    const cell = text === "" ? undefined : (text.split(",", sampleColumn + 1)[sampleColumn] ?? "").trim();
    line += 1;
    if (cell === undefined || cell === String(sample)) return;
    if (cell !== String(sample + 1)) {
      const bound = sample < 0 ? "sample 0" : `sample ${sample} or ${sample + 1}`;
      refuseData(
        `${file.path}, line ${line - 1} at offset ${offset}`,
        "is out of order",
        `sample ${cell.slice(0, 20)}`,
        bound,
      );
    }
    sample += 1;
    offsets.push(offset);
    lines.push(line - 1);
  };
  while (at < file.size) {
    const piece = file.read(at, Math.min(pieceLength, file.size - at), "a line");
    const bytes = Buffer.concat([rest, piece]);
    const first = at - rest.length;
    let from = 0;
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, from)) {
      look(bytes.subarray(from, end), first + from);
      from = end + 1;
    }
    rest = bytes.subarray(from);
    if (rest.length > pieceLength)
      refuseData(`${file.path}, line ${line}`, "is too long", undefined, `at most ${pieceLength} bytes`);
    at += piece.length;
    yield;
  }
  if (rest.length > 0) look(rest, file.size - rest.length);
  offsets.push(file.size);
  return { offsets: Float64Array.from(offsets), lines: Float64Array.from(lines) };
}

/**
 * Events in a text table (CSV), a line each, under a line with the columns' names: `sample` (from 0 on, in this order),
 * `time`, `channel` (or `x`, and `y` and `p` where the sensor has them) and `label`. The file is gone through once, when
 * it is opened; where samples are is kept, and what they are is read when it is wanted.
 *
 * @throws {@link NESTError} that names file, line and offset.
 */
export async function openEventTable(path: string, options: EventFileOptions): Promise<Dataset> {
  const { sensor, classes = 0, unit = "ms" } = given("options", options, optionsCheck) as EventFileOptions;
  const file = new DataFile(given("path", path, filePath));
  const start = Buffer.from(file.read(0, Math.min(file.size, 4096), "its first line")).toString("latin1");
  const end = start.indexOf("\n");
  if (end < 0) refuseData(`${path}, line 1`, "has no end", undefined, "a line with the columns' names");
  const columns = columnsOf(path, start.slice(0, end));
  if (classes > 0 && !columns.has("label"))
    refuseData(`${path}, line 1`, "has no column label", undefined, "labels");
  const { offsets, lines } = await inSlices(placesOf(file, columns.get("sample") as number, end + 1));
  const count = lines.length;
  if (count === 0) refuseData(path, "holds no samples", undefined, "at least one line of events");
  return {
    name: path,
    length: count,
    sensor,
    classes,
    get(index) {
      const [from, to] = [offsets[index] as number, offsets[index + 1] as number];
      const rows = Buffer.from(file.read(from, to - from, "a sample"))
        .toString("latin1")
        .split("\n");
      const first = lines[index] as number;
      const filled = rows.flatMap((row, at) =>
        row.trim() === "" ? [] : [{ line: first + at, cells: row.split(",") }],
      );
      const where = (event: number) => `${path}, line ${filled[event]?.line ?? first}`;
      const column = (name: Column): number[] | undefined => {
        const place = columns.get(name);
        if (place === undefined) return undefined;
        return filled.map(({ cells }, event) => {
          const cell = cells.length === columns.size ? (cells[place] as string).trim() : "";
          const value = cell === "" ? Number.NaN : Number(cell);
          return Number.isNaN(value)
            ? refuseData(
                where(event),
                `has no number in the column ${name}`,
                cells.join(",").slice(0, 60),
                `${columns.size} numbers`,
              )
            : value;
        });
      };
      const labels = column("label");
      const other = labels?.findIndex((label) => label !== labels[0]) ?? -1;
      if (other >= 0)
        refuseData(
          where(other),
          "has another label than its sample",
          String(labels?.[other]),
          String(labels?.[0]),
        );
      const optionalColumns = Object.fromEntries(
        (["channel", "x", "y", "p"] as const).flatMap((name) => {
          const values = column(name);
          return values === undefined ? [] : [[name, values]];
        }),
      );
      const events = eventsOf(
        where,
        { time: column("time") ?? [], ...optionalColumns },
        sensor,
        milliseconds[unit],
      );
      return labelled(where(0), events, labels?.[0], classes);
    },
  };
}
