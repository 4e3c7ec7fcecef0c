import { basename, join } from "node:path";
import { nestError } from "../core/errors.js";
import type { Pieces } from "../core/event-loop.js";
import { type EventRecording, decodeRecording } from "./event-recording.js";

// An import of node:fs would load all of Node's streams with it, whoever imports eprop.
const fs = process.getBuiltinModule("node:fs");
const { readFileSync, readdirSync, statSync } = fs;

/** Labelled recordings, read when they are wanted. */
export interface RecordingSet {
  readonly labels: Uint8Array;
  recording(place: number, signal?: AbortSignal): Promise<EventRecording>;
  /** Pixels that fire in a recording, at least those of `among`. */
  firing(place: number, among: ReadonlySet<number>): Pieces<Iterable<number>>;
}

/** Recordings to learn from and recordings to test with. */
export interface RecordingSplits {
  readonly training: RecordingSet;
  readonly test: RecordingSet;
}

function refuse(message: string, value: string | undefined, bound: string): never {
  throw nestError({
    code: "ValueError",
    message,
    parameter: "data",
    ...(value !== undefined && { value }),
    bound,
  });
}

function* folderSet(folder: string): Pieces<RecordingSet> {
  const files: string[] = [];
  const labels: number[] = [];
  for (let digit = 0; digit < 10; digit++) {
    yield;
    const digits = join(folder, String(digit));
    const recordings = readdirSync(digits)
      .filter((file) => file.endsWith(".bin"))
      .toSorted();
    if (recordings.length === 0)
      refuse(`${digits} holds no recordings`, undefined, "at least one file *.bin");
    for (const file of recordings) {
      files.push(join(digits, file));
      labels.push(digit);
    }
  }
  return {
    labels: Uint8Array.from(labels),
    async recording(place, signal) {
      const file = files[place] as string;
      const bytes = await fs.promises.readFile(file);
      signal?.throwIfAborted();
      return decodeRecording(bytes, file);
    },
    *firing(place) {
      yield;
      const file = files[place] as string;
      return decodeRecording(readFileSync(file), file).pixels;
    },
  };
}

/**
 * Refuses what is no folder with `Train/<digit>` and `Test/<digit>`.
 *
 * @throws {@link NESTError} that names what is missing.
 */
export function checkRecordings(folder: string): void {
  const isFolder = (path: string) => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  const found = statSync(folder, { throwIfNoEntry: false });
  if (!found) refuse(`${folder} does not exist`, undefined, "a folder with Train and Test");
  if (!found.isDirectory()) {
    refuse(
      `${folder} is not a folder`,
      basename(folder),
      "a folder with Train and Test (unpack archives first)",
    );
  }
  for (const split of ["Train", "Test"]) {
    if (!isFolder(join(folder, split))) {
      refuse(`${join(folder, split)} is missing`, undefined, "a folder with Train and Test");
    }
    for (let digit = 0; digit < 10; digit++) {
      const digits = join(folder, split, String(digit));
      if (!isFolder(digits)) {
        refuse(`${digits} is missing`, undefined, "a folder of recordings for each digit from 0 to 9");
      }
    }
  }
}

/**
 * The recordings of a folder with `Train/<digit>/*.bin` and `Test/<digit>/*.bin`, sorted by digit and name.
 *
 * @throws {@link NESTError} that names what is missing.
 */
export function* openRecordings(folder: string): Pieces<RecordingSplits> {
  checkRecordings(folder);
  return { training: yield* folderSet(join(folder, "Train")), test: yield* folderSet(join(folder, "Test")) };
}

/**
 * Pixels to leave out, from a text file with one index a line.
 *
 * @throws {@link NESTError} that names the line which is no pixel.
 */
export function readBlocklist(file: string, pixels: number): Set<number> {
  let text = "";
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    refuse(
      `${file} cannot be read`,
      (error as NodeJS.ErrnoException).code,
      "a text file with one pixel a line",
    );
  }
  const blocked = new Set<number>();
  text.split(/\r?\n/).forEach((line, at) => {
    if (line.trim() === "") return;
    const pixel = Number(line);
    if (!Number.isInteger(pixel) || pixel < 0 || pixel >= pixels) {
      refuse(
        `${file}: line ${at + 1} is not a pixel`,
        line.slice(0, 40),
        `a whole number from 0 to ${pixels - 1}`,
      );
    }
    blocked.add(pixel);
  });
  return blocked;
}

/** Pixels that never fire in any recording of a set. */
export function* silentPixels(recordings: RecordingSet, pixels: number): Pieces<Set<number>> {
  const silent = new Set(Array.from({ length: pixels }, (_, pixel) => pixel));
  for (let place = 0; place < recordings.labels.length; place++) {
    for (const pixel of yield* recordings.firing(place, silent)) silent.delete(pixel);
    yield;
  }
  return silent;
}
