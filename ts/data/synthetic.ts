/** Stand-ins for public data sets: samples with the same sensor and classes, made when they are wanted. */
import { given, u32, whole } from "../core/arguments.js";
import { NumpyRandom } from "../random/index.js";
import { type Dataset, type Events, type Sample, type Sensor, inOrder } from "./dataset.js";
import { gestureSensor, gestures } from "./dvs-gesture.js";
import { cochlea } from "./heidelberg.js";
import { type MnistOptions, imageSequences } from "./idx.js";
import { digitImage } from "./moving-digits.js";

/** How many samples there are, and what they are drawn with. */
export interface SyntheticOptions {
  length: number;
  /** Samples of different seeds are different; 1 if left out. */
  seed?: number;
}

/** A data set whose samples are made by their class and a generator of their own. */
function made(
  name: string,
  sensor: Sensor,
  classes: number,
  { length, seed = 1 }: SyntheticOptions,
  make: (label: number, random: NumpyRandom) => Events,
): Dataset {
  given("length", length, whole(1, u32));
  given("seed", seed, whole(0, 4000));
  return {
    name,
    length,
    sensor,
    classes,
    get(index): Sample {
      const label = index % classes;
      return { events: make(label, new NumpyRandom((seed * 1_000_003 + index) % u32)), label };
    },
  };
}

/** Events of pairs of time and channel. */
function eventsOf(points: readonly (readonly [time: number, channel: number])[]): Events {
  return inOrder(
    Float64Array.from(points, ([time]) => time),
    Uint32Array.from(points, ([, channel]) => channel),
  );
}

/** Resonances of a made-up word: each goes from one channel to another in some time. */
interface Resonance {
  from: number;
  to: number;
  begin: number;
  length: number;
}

/** The same word every time: three resonances. */
function wordOf(label: number): Resonance[] {
  const random = new NumpyRandom(7919 + label);
  return Array.from({ length: 3 }, (_, at) => {
    const [from, to, begin, length] = random.random(4) as unknown as [number, number, number, number];
    const [low, range] = [30 + at * 220, 200];
    return { from: low + range * from, to: low + range * to, begin: 350 * begin, length: 150 + 250 * length };
  });
}

/**
 * Words as a cochlea might send them: three resonances that glide over the 700 channels, differently fast, high and
 * loud in each sample, in some noise. About 900 spikes in at most 900 ms.
 *
 * @param options `classes` is 20 as in SHD, or 35 as in SSC.
 */
export function syntheticSpeech(options: SyntheticOptions & { classes?: number }): Dataset {
  const { classes = 20 } = options;
  const words = Array.from({ length: given("classes", classes, whole(2, 1000)) }, (_, label) =>
    wordOf(label),
  );
  return made("synthetic speech", cochlea, classes, options, (label, random) => {
    const [pace, pitch, loudness] = random.random(3) as unknown as [number, number, number];
    const points: [number, number][] = [];
    for (const { from, to, begin, length } of words[label] as Resonance[]) {
      const count = Math.round(length * (0.7 + 0.6 * loudness));
      const parts = random.random(count);
      const { data } = random.randn(1, count);
      for (let spike = 0; spike < count; spike++) {
        const part = parts[spike] as number;
        const channel = Math.round(
          from + part * (to - from) + 40 * (pitch - 0.5) + 12 * (data[spike] as number),
        );
        if (channel < 0 || channel >= cochlea.width) continue;
        points.push([(0.85 + 0.3 * pace) * (begin + part * length), channel]);
      }
    }
    const noise = random.random(200);
    for (let at = 0; at < 100; at++) {
      points.push([700 * (noise[at] as number), Math.floor(cochlea.width * (noise[100 + at] as number))]);
    }
    return eventsOf(points);
  });
}

/** Where hands are at a phase of a gesture (pixels from the middle). */
type Motion = (phase: number) => [x: number, y: number][];

const turn = 2 * Math.PI;
const circle =
  (side: number, direction: number): Motion =>
  (phase) => [[side * 28 + 20 * Math.cos(direction * turn * phase), 20 * Math.sin(direction * turn * phase)]];
const wave =
  (side: number): Motion =>
  (phase) => [[side * 28 + 18 * Math.sin(turn * phase), -30]];

/** How hands move in each gesture, in the order of {@link gestures}. */
const motions: readonly Motion[] = [
  (phase) => [-1, 1].map((side) => [side * (4 + 22 * Math.abs(Math.cos(turn * phase))), 0]),
  wave(-1),
  wave(1),
  circle(-1, 1),
  circle(-1, -1),
  circle(1, 1),
  circle(1, -1),
  (phase) => [0, 0.5].map((shift) => [0, 26 * Math.sin(turn * (phase + shift))]),
  (phase) => [-1, 1].map((side) => [side * 22, 20 + 14 * Math.sin(turn * phase + (side * turn) / 4)]),
  (phase) => [
    [-18, 8],
    [20, 10 + 16 * Math.sin(turn * 2 * phase)],
  ],
  (phase) => [[30 * Math.sin(turn * phase), 20 * Math.sin(turn * 2 * phase)]],
];

/**
 * Gestures before a camera of 128 by 128 pixels: hands are discs whose edges fire, on in front and off behind, with
 * place, pace and size of each sample its own, in some noise. About 4,000 events in `duration` ms (600 if left out).
 */
export function syntheticGestures(options: SyntheticOptions & { duration?: number }): Dataset {
  const { duration = 600 } = options;
  given("duration", duration, whole(10, 100_000));
  const { width, height } = gestureSensor;
  return made("synthetic gestures", gestureSensor, gestures.length, options, (label, random) => {
    const [pace, begin, dx, dy, size] = random.random(5) as unknown as [
      number,
      number,
      number,
      number,
      number,
    ];
    const period = 300 + 150 * pace;
    const motion = motions[label] as Motion;
    const points: [number, number][] = [];
    const placesAt = (time: number) => motion(time / period + begin);
    const fire = (time: number, x: number, y: number, polarity: number) => {
      const [column, row] = [Math.round(x), Math.round(y)];
      if (column < 0 || row < 0 || column >= width || row >= height) return;
      points.push([time, (polarity * height + row) * width + column]);
    };
    for (let time = 0; time < duration; time += 4) {
      const after = placesAt(time + 4);
      for (const [hand, [x, y]] of placesAt(time).entries()) {
        const [nextX, nextY] = after[hand] as [number, number];
        const [vx, vy] = [nextX - x, nextY - y];
        const count = Math.round(14 * Math.hypot(vx, vy));
        const drawn = random.random(2 * count);
        for (let event = 0; event < count; event++) {
          const angle = turn * (drawn[event] as number);
          const [ex, ey] = [Math.cos(angle), Math.sin(angle)];
          const radius = 5 + 3 * size;
          const at = time + 4 * (drawn[count + event] as number);
          const polarity = ex * vx + ey * vy > 0 ? 1 : 0;
          fire(at, 64 + 10 * (dx - 0.5) + x + radius * ex, 64 + 10 * (dy - 0.5) + y + radius * ey, polarity);
        }
      }
    }
    const noise = random.random(400);
    for (let at = 0; at < 200; at++) {
      const channel = Math.floor(2 * width * height * (noise[200 + at] as number));
      points.push([duration * (noise[at] as number), channel]);
    }
    return eventsOf(points);
  });
}

/**
 * Digits of 28 by 28 pixels as sequences; size, place and slant are drawn for each.
 *
 * @param options `seed` is that of the permutation; digits from different places `from` on are different ones.
 */
export function syntheticDigits(options: SyntheticOptions & MnistOptions & { from?: number }): Dataset {
  const { length, from = 0, ...rest } = options;
  given("length", length, whole(1, u32));
  const labels = Uint8Array.from({ length }, (_, index) => index % 10);
  const one = (index: number) => {
    const data = digitImage(index % 10, (1_000_003 + from + index) % u32);
    return imageSequences(
      "synthetic digits",
      { data, shape: [1, 28, 28] },
      labels.subarray(index, index + 1),
      rest,
    );
  };
  const { sensor, classes } = one(0);
  return { name: "synthetic digits", length, sensor, classes, get: (index) => one(index).get(0) };
}
