import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "./fuzz/fast-check.js";
import { afterAll, describe, expect, it } from "vitest";
import { decodeRecording, encodeRecording } from "../ts/data/event-recording.js";
import { movingDigit, movingDigits } from "../ts/data/moving-digits.js";
import { checkRecordings, openRecordings, readBlocklist, silentPixels } from "../ts/data/recordings.js";
import { atOnce } from "../ts/core/event-loop.js";
import { tasks, trainToEnd } from "../ts/index.js";

const folder = mkdtempSync(join(tmpdir(), "eprop-recordings-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A folder of recordings as the data set has them, from the project's own generator. */
async function writeFolder(name: string): Promise<string> {
  const root = join(folder, name);
  const { training, test } = movingDigits(20, 10, 1);
  for (const [split, set] of [
    ["Train", training],
    ["Test", test],
  ] as const) {
    for (const [place, label] of set.labels.entries()) {
      mkdirSync(join(root, split, String(label)), { recursive: true });
      const file = join(root, split, String(label), `${String(place).padStart(5, "0")}.bin`);
      writeFileSync(file, encodeRecording(await set.recording(place)));
    }
  }
  return root;
}

describe("event recordings", () => {
  it("are decoded as they were encoded", () => {
    const event = fc.record({
      pixel: fc.integer({ min: 0, max: 2311 }),
      time: fc.integer({ min: 0, max: 0x7f_ffff }),
    });
    fc.assert(
      fc.property(fc.array(event, { minLength: 1 }), (events) => {
        const recording = {
          pixels: Uint16Array.from(events, ({ pixel }) => pixel),
          times: Uint32Array.from(events, ({ time }) => time),
        };
        expect(decodeRecording(encodeRecording(recording), "x")).toEqual(recording);
      }),
    );
  });
  it.each([
    ["an empty file", [], /clip.bin: is empty/],
    ["a truncated file", [1, 2, 3, 4, 5, 6, 7], /within an event at offset 5/],
    ["a pixel outside the sensor", [1, 2, 0, 0, 0, 34, 0, 0, 0, 0], /outside the sensor at offset 5/],
  ])("refuse %s", (_, bytes, message) => {
    expect(() => decodeRecording(Uint8Array.from(bytes), "clip.bin")).toThrow(message);
  });
});

describe("folders of recordings", () => {
  it("are read in order of digit and name", async () => {
    const { training, test } = atOnce(openRecordings(await writeFolder("whole")));
    expect([...training.labels]).toEqual([0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9]);
    expect(await test.recording(3)).toEqual(await movingDigits(20, 10, 1).test.recording(3));
    const silent = atOnce(silentPixels(training, 2312));
    expect(silent.size).toBeGreaterThan(100);
    // Drawn ones say which pixels fire without being drawn whole.
    expect(atOnce(silentPixels(movingDigits(20, 10, 1).training, 2312))).toEqual(silent);
  });
  it("say what is missing", async () => {
    const root = await writeFolder("damaged");
    rmSync(join(root, "Train", "7"), { recursive: true });
    expect(() => tasks.nMnist({ data: root })).toThrow(/Train.7 is missing/);
    const archive = join(folder, "n-mnist.zip");
    writeFileSync(archive, "PK");
    expect(() => checkRecordings(archive)).toThrow(/not a folder.*unpack/);
    expect(() => checkRecordings(join(folder, "nothing"))).toThrow(/does not exist/);
  });
  it("leave out the pixels of a blocklist", () => {
    const list = join(folder, "blocked.txt");
    writeFileSync(list, "0\n5\n");
    expect(readBlocklist(list, 2312)).toEqual(new Set([0, 5]));
    writeFileSync(list, "0\n2312\n");
    expect(() => readBlocklist(list, 2312)).toThrow(/line 2/);
  });
});

describe("moving digits", () => {
  it("are the same for the same seed, and fire in all three saccades", () => {
    const { times } = movingDigit(3, 1);
    expect(movingDigit(3, 1)).toEqual(movingDigit(3, 1));
    for (const saccade of [0, 1, 2]) {
      expect(times.filter((time) => Math.floor(time / 100_000) === saccade).length).toBeGreaterThan(100);
    }
  });
  it("are learned", async () => {
    const task = tasks.nMnist({ synthetic: true, seed: 1, groupSize: 20, iterations: 15, testIterations: 2 });
    const { iterations } = await trainToEnd(task);
    const errors = iterations.map(({ error }) => error ?? 1);
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(mean(errors.slice(10, 15))).toBeLessThan(mean(errors.slice(0, 5)) - 0.1);
  });
});
