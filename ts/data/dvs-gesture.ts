import { join } from "node:path";
import { given, oneOf, path as filePath } from "../core/arguments.js";
import { DataFile, checkFolder, refuseData } from "./data-file.js";
import type { Dataset, Events, Sensor } from "./dataset.js";

const fs = process.getBuiltinModule("node:fs");

/** The sensor of the recordings: 128 by 128 pixels, off and on. */
export const gestureSensor: Sensor = { width: 128, height: 128, polarities: 2 };

/** What is recorded, in the order of the labels. */
export const gestures = [
  "hand clapping",
  "right hand wave",
  "left hand wave",
  "right arm clockwise",
  "right arm counter-clockwise",
  "left arm clockwise",
  "left arm counter-clockwise",
  "arm roll",
  "air drums",
  "air guitar",
  "other gestures",
] as const;

const [packetHeader, eventBytes, polarityEvents] = [28, 8, 1];
/** Types of events that the format has. */
const eventTypes = 64;

/** A packet of events in a file. */
interface Packet {
  /** Where its events begin. */
  offset: number;
  events: number;
  /** Times are 31-bit numbers; how often they have overflowed. */
  overflow: number;
  /** Times of its first and its last event (µs). */
  first: number;
  last: number;
}

/** A file in the format AEDAT 3.1: where its packets of polarity events are. */
export class AedatFile {
  readonly #file: DataFile;
  readonly packets: readonly Packet[];

  /** @throws {@link NESTError} that names file and offset. */
  constructor(path: string) {
    this.#file = new DataFile(path);
    const packets: Packet[] = [];
    for (let at = this.#headerLength(); at < this.#file.size;) at = this.#packet(at, packets);
    this.packets = packets;
  }

  /** Where the text at the beginning ends: lines that begin with `#`. */
  #headerLength(): number {
    const file = this.#file;
    const bytes = file.read(0, Math.min(file.size, 65_536), "its header");
    const text = Buffer.from(bytes).toString("latin1");
    if (!text.startsWith("#!AER-DAT3.1")) {
      refuseData(`${file.path} at offset 0`, "is no file of AEDAT 3.1", undefined, "#!AER-DAT3.1");
    }
    const end = /^#!END-HEADER\r?\n/m.exec(text);
    if (end !== null) return end.index + end[0].length;
    let at = 0;
    while (text[at] === "#") {
      const line = text.indexOf("\n", at);
      if (line < 0)
        refuseData(`${file.path} at offset ${at}`, "has a header without an end", undefined, "#!END-HEADER");
      at = line + 1;
    }
    return at;
  }

  /** Looks at the packet at an offset; gives that of the next one. */
  #packet(at: number, packets: Packet[]): number {
    const file = this.#file;
    const where = `${file.path} at offset ${at}`;
    const header = viewOf(file.read(at, packetHeader, "the header of a packet"));
    const [type, size] = [header.getUint16(0, true), header.getInt32(4, true)];
    const [stamp, overflow] = [header.getInt32(8, true), header.getInt32(12, true)];
    const [capacity, events] = [header.getInt32(16, true), header.getInt32(20, true)];
    const refuse = (what: string, value: number, bound: string) =>
      refuseData(where, `has a packet with ${what}`, String(value), bound);
    if (type >= eventTypes) refuse("an unknown type of events", type, `below ${eventTypes}`);
    if (size < 1) refuse("no size of events", size, "at least 1 byte");
    if (events < 0 || events > capacity)
      refuse("more events than it has room for", events, `from 0 to ${capacity}`);
    const begin = at + packetHeader;
    const next = begin + size * capacity;
    if (next > file.size) {
      refuse(
        "more events than the file",
        capacity,
        `at most ${Math.floor((file.size - begin) / size)} events`,
      );
    }
    if (type !== polarityEvents || events === 0) return next;
    if (size !== eventBytes) refuse("polarity events of another size", size, `${eventBytes} bytes`);
    if (stamp !== 4) refuse("times at another place", stamp, "offset 4 of each event");
    if (overflow < 0) refuse("a negative overflow of times", overflow, "at least 0");
    const timeOf = (event: number) =>
      overflow * 2 ** 31 + viewOf(file.read(begin + event * eventBytes + 4, 4, "an event")).getInt32(0, true);
    packets.push({ offset: begin, events, overflow, first: timeOf(0), last: timeOf(events - 1) });
    return next;
  }

  /**
   * Events from one time (µs) up to another, the latter excluded; times count from the first.
   *
   * @throws {@link NESTError} that names file and offset.
   */
  events(from: number, to: number): Events {
    const file = this.#file;
    const times: number[] = [];
    const channels: number[] = [];
    const { width, height } = gestureSensor;
    let before = 0;
    for (const packet of this.packets) {
      if (packet.last < from || packet.first >= to) continue;
      const view = viewOf(file.read(packet.offset, packet.events * eventBytes, "a packet of events"));
      for (let event = 0; event < packet.events; event++) {
        const at = event * eventBytes;
        const where = () => `${file.path} at offset ${packet.offset + at}`;
        const data = view.getUint32(at, true);
        const time = packet.overflow * 2 ** 31 + view.getInt32(at + 4, true);
        if (time < before) refuseData(where(), "goes back in time", `${time} µs`, `at least ${before} µs`);
        before = time;
        // The first bit says whether the event counts.
        if ((data & 1) === 0 || time < from || time >= to) continue;
        const [x, y] = [data >>> 17, (data >>> 2) & 0x7fff];
        if (x >= width || y >= height) {
          refuseData(where(), "has a pixel outside the sensor", `x ${x}, y ${y}`, `from 0 to ${width - 1}`);
        }
        times.push((time - from) / 1000);
        channels.push((((data >>> 1) & 1) * height + y) * width + x);
      }
    }
    return { times: Float64Array.from(times), channels: Uint32Array.from(channels) };
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A gesture in a recording. */
interface Gesture {
  /** Path of the recording. */
  path: string;
  label: number;
  /** From when to when (µs). */
  from: number;
  to: number;
}

/** Reads a file with a line for each gesture: class (from 1 on), begin and end (µs). */
function readLabels(path: string, recording: string): Gesture[] {
  const lines = readLines(path);
  const found: Gesture[] = [];
  lines.forEach((line, at) => {
    if (line.trim() === "" || (at === 0 && /^\s*class\b/i.test(line))) return;
    const where = `${path}, line ${at + 1}`;
    const cells = line.split(",").map((cell) => (/^\s*\d+\s*$/.test(cell) ? Number(cell) : Number.NaN));
    const [label, from, to] = cells as [number, number, number];
    if (cells.length !== 3 || cells.some(Number.isNaN)) {
      refuseData(where, "is no gesture", line.slice(0, 60), "class,startTime_usec,endTime_usec");
    }
    if (label < 1 || label > gestures.length) {
      refuseData(where, "has a class out of range", String(label), `from 1 to ${gestures.length}`);
    }
    if (to <= from) refuseData(where, "ends before it begins", `${to} µs`, `above ${from} µs`);
    found.push({ path: recording, label: label - 1, from, to });
  });
  if (found.length === 0) refuseData(path, "names no gestures", undefined, "a line for each gesture");
  return found;
}

function readLines(path: string): string[] {
  const file = new DataFile(path);
  return Buffer.from(file.read(0, file.size, "the file"))
    .toString("utf8")
    .split(/\r?\n/);
}

/** Packets of recordings whose places are kept at a time. */
const keptFiles = 16;

/**
 * The recordings of DVS Gesture, cut into gestures: a folder with `trials_to_train.txt` and `trials_to_test.txt`, which
 * name recordings (`user01_led.aedat`), each with its gestures beside it (`user01_led_labels.csv`).
 *
 * @throws {@link NESTError} that names file and offset or line.
 */
export function openDvsGesture(folder: string, part: "training" | "test"): Dataset {
  checkFolder(given("folder", folder, filePath), "the folder DvsGesture of the data set");
  const list = given("part", part, oneOf("training", "test")) === "training" ? "train" : "test";
  const listPath = join(folder, `trials_to_${list}.txt`);
  const samples = readLines(listPath).flatMap((line, at) => {
    const name = line.trim();
    if (name === "") return [];
    if (!/^[\w.-]+\.aedat$/.test(name)) {
      refuseData(
        `${listPath}, line ${at + 1}`,
        "names no recording",
        name.slice(0, 60),
        "a name such as user01_led.aedat",
      );
    }
    const path = join(folder, name);
    if (!fs.existsSync(path))
      refuseData(path, "does not exist", undefined, `the recording that ${listPath} names`);
    return readLabels(join(folder, name.replace(/\.aedat$/, "_labels.csv")), path);
  });
  if (samples.length === 0)
    refuseData(listPath, "names no gestures", undefined, "at least one recording with gestures");
  const opened = new Map<string, AedatFile>();
  const fileOf = (path: string) => {
    const file = opened.get(path) ?? new AedatFile(path);
    opened.delete(path);
    opened.set(path, file);
    const [oldest] = opened.keys();
    if (opened.size > keptFiles && oldest !== undefined) opened.delete(oldest);
    return file;
  };
  return {
    name: `${folder} (${part})`,
    length: samples.length,
    sensor: gestureSensor,
    classes: gestures.length,
    get(index) {
      const { path, label, from, to } = samples[index] as Gesture;
      return { events: fileOf(path).events(from, to), label };
    },
  };
}
