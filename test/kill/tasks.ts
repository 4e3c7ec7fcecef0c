import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodeRecording } from "../../ts/data/event-recording.js";
import { movingDigit } from "../../ts/data/moving-digits.js";
import { type Task, tasks } from "../../ts/index.js";

/**
 * Small trainings of all kinds: both families, both optimizers, phases, inputs that are drawn, read and repeated.
 *
 * @param recordings A folder that {@link writeRecordings} wrote.
 */
export const smallTasks: Readonly<Record<string, (recordings: string) => Task>> = {
  "sine-waves": () => tasks.sineWaves({ iterations: 40, batchSize: 2 }),
  lemniscate: () => tasks.lemniscate({ iterations: 8 }),
  "evidence-accumulation": () =>
    tasks.evidenceAccumulation({ iterations: 8, batchSize: 4, validateEvery: 3, testIterations: 2 }),
  "sine-waves-plus": () => tasks.sineWavesPlus({ iterations: 12, model: "eprop_iaf_adapt" }),
  "n-mnist": (recordings) =>
    tasks.nMnist({ data: recordings, groupSize: 2, iterations: 4, testIterations: 2 }),
};

/** Writes two recordings of each digit, to learn from and to test with, from the project's own generator. */
export function writeRecordings(folder: string): void {
  for (const [split, seed] of [
    ["Train", 1],
    ["Test", 3],
  ] as const) {
    for (let digit = 0; digit < 10; digit++) {
      const place = join(folder, split, String(digit));
      mkdirSync(place, { recursive: true });
      for (const at of [0, 1]) {
        writeFileSync(join(place, `${at}.bin`), encodeRecording(movingDigit(digit, seed + at)));
      }
    }
  }
}
