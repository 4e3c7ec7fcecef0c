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
  const [c, r] = [Math.floor(column), Math.floor(row)];
  if (c < -1 || r < -1 || c > framed.columns - 3 || r > framed.rows - 3) return 0;
  const [fc, fr] = [column - c, row - r];
  const at = (r + 1) * framed.columns + c + 1;
  const upper = (grid[at] as number) * (1 - fc) + (grid[at + 1] as number) * fc;
  const lower =
    (grid[at + framed.columns] as number) * (1 - fc) + (grid[at + framed.columns + 1] as number) * fc;
  return upper * (1 - fr) + lower * fr;
}

/** What an event sensor sees of a digit while it makes three saccades over it; size, place and slant are drawn. */
export function movingDigit(digit: number, seed: number): EventRecording {
  const random = new NumpyRandom(seed);
  const [size, left, top, slant] = random.random(4) as unknown as [number, number, number, number];
  const grid = framedShape(shapes[digit % 10] as number[][]);
  const scale = 2.6 + 0.8 * size;
  const origin = { x: 9 + 4 * left, y: 8 + 4 * top, slant: 0.5 * (slant - 0.5) };
  const reference = new Float64Array(sensorPixels);
  const pixels: number[] = [];
  const times: number[] = [];
  for (let ms = 0; ms < duration; ms += frame) {
    const saccade = Math.floor((ms * 3) / duration);
    const progress = (ms * 3) / duration - saccade;
    const [from, to] = [corners[saccade] ?? corners[0], corners[saccade + 1] ?? corners[0]];
    const dx = from[0] + progress * (to[0] - from[0]);
    const dy = from[1] + progress * (to[1] - from[1]);
    for (let y = 0; y < sensorSize; y++) {
      const row = (y + dy - origin.y) / scale;
      const shift = origin.slant * (row - 3);
      for (let x = 0; x < sensorSize; x++) {
        const place = y * sensorSize + x;
        const level = brightness(grid, (x + dx - origin.x) / scale + shift, row);
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
  return { pixels: Uint16Array.from(pixels), times: Uint32Array.from(times) };
}

/** Labelled recordings of moving digits, made when they are wanted. */
export function movingDigits(training: number, test: number, seed: number): RecordingSplits {
  const set = (count: number, first: number): RecordingSet => {
    const made = new Map<number, EventRecording>();
    return {
      labels: Uint8Array.from({ length: count }, (_, place) => place % 10),
      recording(place) {
        const known = made.get(place);
        if (known) return known;
        const recording = movingDigit(place % 10, (first + place + seed * 1_000_003) % 0xffff_ffff);
        made.set(place, recording);
        return recording;
      },
    };
  };
  return { training: set(training, 1), test: set(test, 1_000_000_007) };
}
