/** NEST's tutorials, carried over line by line, give NEST's losses. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeRecording } from "../ts/data/event-recording.js";
import { movingDigits } from "../ts/data/moving-digits.js";
import { drawnWord } from "../ts/tasks/pen-strokes.js";
import { tasks, trainToEnd } from "../ts/index.js";
import { compileExamples, deviation, printedBy } from "./examples/scripts.js";
import reference from "./reference/losses.json" with { type: "json" };

const folder = mkdtempSync(join(tmpdir(), "eprop-examples-"));
afterAll(() => rmSync(folder, { recursive: true }));
beforeAll(compileExamples, 60_000);

describe("the tutorials as scripts", () => {
  it.each([
    ["sine-waves", reference["sine-waves"].loss],
    ["sine-waves-plus", reference["sine-waves-plus"].loss],
    ["lemniscate", reference.lemniscate.loss],
  ])("%s gives NEST's losses", (example, expected) => {
    const losses = printedBy(`nest/${example}`, 3)("loss");
    expect(losses).toHaveLength(3);
    expect(deviation(losses, expected.slice(0, 3))).toBeLessThan(1e-12);
  });

  it("evidence-accumulation gives NEST's losses and errors in all phases", () => {
    const { results, n_iter_train, batch_size, n_iter_test } = reference["evidence-accumulation"];
    const args = [n_iter_train, batch_size, n_iter_test];
    const printed = printedBy("nest/evidence-accumulation", ...args);
    const losses = printed("loss");
    expect(losses).toHaveLength(results.loss.length);
    expect(deviation(losses, results.loss)).toBeLessThan(1e-12);
    expect(printed("error")).toEqual(results.error);
  });

  // Their data come from outside; `npm run reference` compares with NEST's losses.
  it("handwriting gives the losses of the task", async () => {
    const { x, y } = drawnWord();
    const data = join(folder, "pen.txt");
    const few = Array.from(x, (right, at) => `${right} ${y[at]}`).slice(0, 60);
    writeFileSync(data, few.join("\n"));
    const { iterations } = await trainToEnd(tasks.handwriting({ seed: 1, iterations: 2, data }));
    const losses = printedBy("nest/handwriting", 2, data)("loss");
    expect(
      deviation(
        losses,
        iterations.map(({ loss }) => loss),
      ),
    ).toBeLessThan(1e-12);
  });

  it("n-mnist gives the losses of the task", async () => {
    const { training, test } = movingDigits(20, 10, 1);
    for (const [split, set] of [
      ["Train", training],
      ["Test", test],
    ] as const) {
      for (let place = 0; place < set.labels.length; place++) {
        const digits = join(folder, split, String(set.labels[place]));
        mkdirSync(digits, { recursive: true });
        const recording = await set.recording(place);
        writeFileSync(join(digits, `${String(place).padStart(5, "0")}.bin`), encodeRecording(recording));
      }
    }
    const blocklist = join(folder, "blocklist.txt");
    // What the corners see is left out.
    writeFileSync(blocklist, "0\n33\n");
    const options = { seed: 1, iterations: 2, testIterations: 1, groupSize: 2, data: folder, blocklist };
    const { iterations } = await trainToEnd(tasks.nMnist(options));
    const losses = printedBy("nest/n-mnist", 2, folder, blocklist, 2, 1)("loss");
    expect(
      deviation(
        losses,
        iterations.map(({ loss }) => loss),
      ),
    ).toBeLessThan(1e-12);
  });
});
