/** Tasks on data sets and on working memory: their data are right, they go on to the bit, and memory stays flat. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Task, Trainer, tasks, trainToEnd } from "../ts/index.js";
import { python } from "./python/python.js";

const folder = mkdtempSync(join(tmpdir(), "eprop-data-tasks-"));
/** Where checkpoints are written: not to the data, which must stay as they are. */
const checkpoints = mkdtempSync(join(tmpdir(), "eprop-data-tasks-checkpoints-"));
afterAll(() => {
  for (const made of [folder, checkpoints]) rmSync(made, { recursive: true, force: true });
});
beforeAll(() => void python(["test/python/write_datasets.py", folder]), 60_000);

const short = { iterations: 3, batchSize: 4, testIterations: 1 };
const losses = (iterations: readonly { loss: number }[]) => iterations.map(({ loss }) => loss);

/** How often the inputs of each group fire in a part of a sequence. */
function groupCounts(task: Task, spikes: Uint32Array, sequence: number, from: number, to: number): number[] {
  const { inputs } = task.network as tasks.PoolDescription;
  const counts = Array.from({ length: inputs / 20 }, () => 0);
  for (const place of spikes) {
    const step = Math.floor(place / inputs) - sequence * task.steps;
    const group = Math.floor((place % inputs) / 20);
    if (step >= from && step < to) counts[group] = (counts[group] as number) + 1;
  }
  return counts;
}

describe("tasks of working memory", () => {
  const none = { training: 0, test: 0 };
  it("store-recall asks for the value that was shown with the order to store", async () => {
    const task = tasks.storeRecall({ batchSize: 30 });
    const { spikes, labels } = await task.next("training", none);
    const found = Array.from({ length: 30 }, (_, sequence) => {
      const shown = Array.from({ length: 6 }, (_value, at) =>
        groupCounts(task, spikes, sequence, 100 * at, 100 * at + 100),
      );
      const stored = shown.reduce(
        (best, counts, at) => ((counts[2] as number) > (shown[best]?.[2] as number) ? at : best),
        0,
      );
      const asked = shown.reduce(
        (best, counts, at) => ((counts[3] as number) > (shown[best]?.[3] as number) ? at : best),
        0,
      );
      expect(asked).toBe(5);
      return Number((shown[stored]?.[1] as number) > (shown[stored]?.[0] as number));
    });
    expect(found).toEqual([...(labels ?? [])]);
    expect(new Set(found).size).toBe(2);
  });
  it("delayed-match asks whether both stimuli were the same", async () => {
    const task = tasks.delayedMatch({ batchSize: 30 });
    const { spikes, labels } = await task.next("training", none);
    const found = Array.from({ length: 30 }, (_, sequence) => {
      const [first, second] = [
        groupCounts(task, spikes, sequence, 0, 150),
        groupCounts(task, spikes, sequence, 450, 600),
      ];
      const which = ([a = 0, b = 0]: number[]) => Number(b > a);
      return Number(which(first) === which(second));
    });
    expect(found).toEqual([...(labels ?? [])]);
  });
  it("store-recall is learned", async () => {
    const { iterations } = await trainToEnd(
      tasks.storeRecall({
        iterations: 60,
        batchSize: 16,
        testIterations: 10,
        parameters: { values: 2, length: 50, eta: 1e-2 },
      }),
    );
    const test = iterations.filter(({ phase }) => phase === "test");
    // Chance is 0.5; 160 sequences have a standard error of 0.04.
    expect(test.reduce((sum, { error = 1 }) => sum + error, 0) / test.length).toBeLessThan(0.3);
  });
});

describe("tasks on data sets", () => {
  const cases: [string, () => Task][] = [
    [
      "shd on its stand-in",
      () => tasks.shd({ ...short, synthetic: true, parameters: { duration: 60, n_rec: 20, channels: 50 } }),
    ],
    [
      "ssc on its stand-in",
      () => tasks.ssc({ ...short, synthetic: true, parameters: { duration: 60, n_rec: 20, channels: 50 } }),
    ],
    [
      "dvs-gesture on its stand-in",
      () => tasks.dvsGesture({ ...short, synthetic: true, parameters: { duration: 60, n_rec: 20, size: 8 } }),
    ],
    [
      "psmnist on its stand-in",
      () => tasks.psmnist({ ...short, synthetic: true, parameters: { n_rec: 20, levels: 8 } }),
    ],
    // 12 samples: the second epoch begins with the fourth iteration, the checkpoint is in the middle of the first.
    [
      "shd on a file",
      () => tasks.shd({ ...short, iterations: 5, data: folder, parameters: { duration: 100, n_rec: 20 } }),
    ],
    [
      "dvs-gesture on files",
      () =>
        tasks.dvsGesture({
          ...short,
          data: join(folder, "DvsGesture"),
          parameters: { duration: 100, n_rec: 20, size: 8 },
        }),
    ],
    [
      "psmnist on files",
      () => tasks.psmnist({ ...short, data: join(folder, "mnist"), parameters: { n_rec: 20, levels: 8 } }),
    ],
  ];
  it.each(cases)("%s is trained, and goes on to the bit", async (name, make) => {
    const whole = await trainToEnd(make());
    expect(losses(whole.iterations).every(Number.isFinite)).toBe(true);
    expect(whole.iterations.some(({ spikesPerNeuron }) => spikesPerNeuron > 0)).toBe(true);
    const trainer = new Trainer(make());
    await trainer.next();
    await trainer.next();
    const path = join(checkpoints, `${name}.checkpoint`);
    await trainer.save(path);
    await trainer.close();
    const resumed = await Trainer.resume(path);
    for await (const _ of resumed);
    expect(losses(resumed.iterations)).toEqual(losses(whole.iterations));
    expect(resumed.result().weights.after).toEqual(whole.weights.after);
    await resumed.close();
  });
  it("say what is missing", async () => {
    expect(() => tasks.shd()).toThrow(/needs a data set.*eprop data shd/);
    expect(() => tasks.psmnist({ data: "nowhere" })).toThrow(/nowhere is no folder.*eprop data mnist/);
    expect(() => tasks.shd({ data: folder, synthetic: true })).toThrow(/needs a data set/);
    await expect(trainToEnd(tasks.ssc({ ...short, data: join(folder, "mnist") }))).rejects.toThrow(
      /ssc_train\.h5 cannot be read/,
    );
    await expect(trainToEnd(tasks.dvsGesture({ ...short, data: folder }))).rejects.toThrow(
      /trials_to_train\.txt/,
    );
  });
});

describe("a training on a data set that is read from disk", () => {
  it("takes the same memory for any number of samples, and learns", () => {
    const file = join(folder, "many.npz");
    python(["test/python/write_events.py", file, "10000"]);
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ["test/processes/train-from-disk.mjs", file, "60"],
      {
        encoding: "utf8",
      },
    );
    expect(status, stderr).toBe(0);
    const { samples, most, resident, first, last } = JSON.parse(stdout) as Record<
      "samples" | "most" | "first" | "last",
      number
    > & {
      resident: number[];
    };
    expect(samples).toBe(10_000);
    expect(most).toBeLessThan(300);
    // What grows with samples would grow with these.
    expect((resident.at(-1) as number) - (resident[4] as number)).toBeLessThan(40);
    expect([first, last]).toEqual([expect.any(Number), expect.any(Number)]);
    expect(last).toBeLessThan(0.3);
  }, 120_000);
});
