import { basename, join } from "node:path";
import { nestError } from "../errors.js";
import { type EventRecording, decodeRecording } from "./event-recording.js";

// An import of node:fs would load all of Node's streams with it, whoever imports eprop.
const { readFileSync, readdirSync, statSync } = process.getBuiltinModule("node:fs");

/** Labelled recordings, read when they are wanted. */
export interface RecordingSet {
  readonly labels: Uint8Array;
  recording(place: number): EventRecording;
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

function folderSet(folder: string): RecordingSet {
  const files: string[] = [];
  const labels: number[] = [];
  for (let digit = 0; digit < 10; digit++) {
    const digits = join(folder, String(digit));
    if (!statSync(digits, { throwIfNoEntry: false })?.isDirectory()) {
      refuse(`${digits} is missing`, undefined, "a folder of recordings for each digit from 0 to 9");
    }
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
    recording(place) {
      const file = files[place] as string;
      return decodeRecording(readFileSync(file), file);
    },
  };
}

/**
 * The recordings of a folder with `Train/<digit>/*.bin` and `Test/<digit>/*.bin`, sorted by digit and name.
 *
 * @throws {@link NESTError} that names what is missing.
 */
export function openRecordings(folder: string): RecordingSplits {
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
    if (!statSync(join(folder, split), { throwIfNoEntry: false })?.isDirectory()) {
      refuse(`${join(folder, split)} is missing`, undefined, "a folder with Train and Test");
    }
  }
  return { training: folderSet(join(folder, "Train")), test: folderSet(join(folder, "Test")) };
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
export function silentPixels({ labels, recording }: RecordingSet, pixels: number): Set<number> {
  const silent = new Set(Array.from({ length: pixels }, (_, pixel) => pixel));
  for (let place = 0; place < labels.length; place++) {
    for (const pixel of recording(place).pixels) silent.delete(pixel);
  }
  return silent;
}
