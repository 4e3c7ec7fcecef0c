import { type Pieces, atOnce, inSlices } from "../core/event-loop.js";
import { NumpyRandom } from "../random/index.js";
import { type EventRecording, sensorPixels, sensorSize } from "./event-recording.js";
import type { RecordingSet, RecordingSplits } from "./recordings.js";

/** Digits on a grid of 5 by 7, a text of rows each. */
const shapes = [
  "01110 10001 10011 10101 11001 10001 01110",
  "00100 01100 00100 00100 00100 00100 01110",
  "01110 10001 00001 00010 00100 01000 11111",
  "11111 00010 00100 00010 00001 10001 01110",
  "00010 00110 01010 10010 11111 00010 00010",
  "11111 10000 11110 00001 00001 10001 01110",
  "00110 01000 10000 11110 10001 10001 01110",
  "11111 00001 00010 00100 01000 01000 01000",
  "01110 10001 10001 01110 10001 10001 01110",
  "01110 10001 10001 01111 00001 00010 01100",
].map((rows) => rows.split(" ").map((row) => [...row].map(Number)));

/** Length of a recording (ms): three saccades of equal length. */
const duration = 300;
/** Time between looks (ms). */
const frame = 3;
/** Corners between which the sensor moves (pixels). */
const corners = [
  [0, 0],
  [3.5, 7],
  [7, 0],
  [0, 0],
] as const;
/** Change of brightness at which a pixel fires. */
const threshold = 0.18;

/** Columns of the grid with dark ones around it. */
const framed = { columns: 7, rows: 9 };

/** The grid of a digit in rows, with a dark frame. */
function framedShape(shape: readonly number[][]): Float64Array {
  const grid = new Float64Array(framed.columns * framed.rows);
  shape.forEach((row, r) => grid.set(row, (r + 1) * framed.columns + 1));
  return grid;
}

/** Brightness of a digit at a place of its grid, interpolated; 0 outside. */
function brightness(grid: Float64Array, column: number, row: number): number {
  const c = Math.floor(column);
  const r = Math.floor(row);
  if (c < -1 || r < -1 || c > framed.columns - 3 || r > framed.rows - 3) return 0;
  const fc = column - c;
  const fr = row - r;
  const at = (r + 1) * framed.columns + c + 1;
  const upper = (grid[at] as number) * (1 - fc) + (grid[at + 1] as number) * fc;
  const lower =
    (grid[at + framed.columns] as number) * (1 - fc) + (grid[at + framed.columns + 1] as number) * fc;
  return upper * (1 - fr) + lower * fr;
}

/** A digit of drawn size, place and slant, as the sensor sees it. */
interface Scene {
  grid: Float64Array;
  scale: number;
  left: number;
  top: number;
  slant: number;
}

function scene(digit: number, seed: number): Scene {
  const random = new NumpyRandom(seed);
  const [size, left, top, slant] = random.random(4) as unknown as [number, number, number, number];
  return {
    grid: framedShape(shapes[digit % 10] as number[][]),
    scale: 2.6 + 0.8 * size,
    left: 9 + 4 * left,
    top: 8 + 4 * top,
    slant: 0.5 * (slant - 0.5),
  };
}

/** An image of a digit as in MNIST: 28 by 28 pixels from 0 to 255; size, place and slant are drawn. */
export function digitImage(digit: number, seed: number): Uint8Array {
  const { grid, scale, left, top, slant } = scene(digit, seed);
  const image = new Uint8Array(28 * 28);
  for (let y = 0; y < 28; y++) {
    const row = (y + 3 - top) / scale;
    for (let x = 0; x < 28; x++) {
      const level = brightness(grid, (x + 3 - left) / scale + slant * (row - 3), row);
      image[y * 28 + x] = Math.round(255 * level);
    }
  }
  return image;
}

/** How far the sensor has moved at a time (pixels). */
function shiftAt(ms: number): { dx: number; dy: number } {
  const saccade = Math.floor((ms * 3) / duration);
  const progress = (ms * 3) / duration - saccade;
  const [from, to] = [corners[saccade] ?? corners[0], corners[saccade + 1] ?? corners[0]];
  return { dx: from[0] + progress * (to[0] - from[0]), dy: from[1] + progress * (to[1] - from[1]) };
}

/** Looks at every pixel at one time, and adds those that fire. */
function look(
  { grid, scale, left, top, slant }: Scene,
  ms: number,
  reference: Float64Array,
  pixels: number[],
  times: number[],
): void {
  const { dx, dy } = shiftAt(ms);
  for (let y = 0; y < sensorSize; y++) {
    const row = (y + dy - top) / scale;
    const shift = slant * (row - 3);
    for (let x = 0; x < sensorSize; x++) {
      const place = y * sensorSize + x;
      const level = brightness(grid, (x + dx - left) / scale + shift, row);
      // The first image only sets what changes are measured from.
      const change = ms === 0 ? 0 : level - (reference[place] as number);
      if (ms === 0) reference[place] = level;
      if (Math.abs(change) < threshold) continue;
      reference[place] = level;
      pixels.push(place + (change > 0 ? sensorPixels : 0));
      times.push(ms * 1000 + ((place * 37) % (frame * 1000)));
    }
  }
}

function* seen(digit: number, seed: number): Pieces<EventRecording> {
  const of = scene(digit, seed);
  const reference = new Float64Array(sensorPixels);
  const pixels: number[] = [];
  const times: number[] = [];
  for (let ms = 0; ms < duration; ms += frame) {
    look(of, ms, reference, pixels, times);
    yield;
  }
  return { pixels: Uint16Array.from(pixels), times: Uint32Array.from(times) };
}

/** What an event sensor sees of a digit while it makes three saccades over it; size, place and slant are drawn. */
export function movingDigit(digit: number, seed: number): EventRecording {
  return atOnce(seen(digit, seed));
}

const shifts = Array.from({ length: duration / frame }, (_, at) => shiftAt(at * frame));
const farthest = Math.max(...corners.flat());

/** Places of the sensor that are looked at in one piece. */
const placesAtOnce = 50;

/** Pixels at places of the sensor that fire while it moves over a digit: what {@link movingDigit} has of them. */
function* firingAt(places: Iterable<number>, digit: number, seed: number): Pieces<number[]> {
  const of = scene(digit, seed);
  const { scale, left, top } = of;
  const fire: number[] = [];
  let looked = 0;
  for (const place of places) {
    const x = place % sensorSize;
    const y = Math.floor(place / sensorSize);
    // Where the digit never comes, nothing changes. A slanted row is shifted by less than two columns.
    if (y + farthest < top - 2 * scale || y > top + framed.rows * scale) continue;
    if (x + farthest < left - 4 * scale || x > left + (framed.columns + 2) * scale) continue;
    lookAt(of, x, y, fire);
    if (++looked % placesAtOnce === 0) yield;
  }
  return fire;
}

/** Looks at one pixel at all times, and adds it each time that it fires. */
function lookAt({ grid, scale, left, top, slant }: Scene, x: number, y: number, fire: number[]): void {
  const place = y * sensorSize + x;
  let reference = 0;
  for (let at = 0; at < shifts.length; at++) {
    const { dx, dy } = shifts[at] as { dx: number; dy: number };
    const row = (y + dy - top) / scale;
    const level = brightness(grid, (x + dx - left) / scale + slant * (row - 3), row);
    if (at > 0 && Math.abs(level - reference) < threshold) continue;
    if (at > 0) fire.push(place + (level > reference ? sensorPixels : 0));
    reference = level;
  }
}

/** Labelled recordings of moving digits, made when they are wanted. */
export function movingDigits(training: number, test: number, seed: number): RecordingSplits {
  const set = (count: number, first: number): RecordingSet => {
    const made = new Map<number, EventRecording>();
    const seedOf = (place: number) => (first + place + seed * 1_000_003) % 0xffff_ffff;
    return {
      labels: Uint8Array.from({ length: count }, (_, place) => place % 10),
      async recording(place, signal) {
        const known = made.get(place);
        if (known) return known;
        const recording = await inSlices(seen(place % 10, seedOf(place)), signal);
        made.set(place, recording);
        return recording;
      },
      firing(place, among) {
        const places = new Set([...among].map((pixel) => pixel % sensorPixels));
        return firingAt(places, place % 10, seedOf(place));
      },
    };
  };
  return { training: set(training, 1), test: set(test, 1_000_000_007) };
}
