/** Trainings that are asked for another number of iterations than they were made for. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { Trainer, type TrainingResult, tasks, trainToEnd } from "../ts/index.js";
import type { RunSummary } from "../ts/runs/summary.js";

const folder = mkdtempSync(join(tmpdir(), "eprop-train-on-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const cases = {
  "sine-waves": (iterations: number) =>
    tasks.sineWaves({ iterations, parameters: { n_rec: 20, optimizer: "adam" } }),
  "store-recall": (iterations: number) =>
    tasks.storeRecall({
      iterations,
      batchSize: 4,
      validateEvery: 2,
      earlyStop: false,
      testIterations: 2,
      parameters: { n_rec: 20 },
    }),
  "sine-waves-plus": (iterations: number) => tasks.sineWavesPlus({ iterations, parameters: { n_rec: 20 } }),
} as const;

/** What does not depend on how often weights were noted. */
const exact = ({ iterations, weights, recorded }: TrainingResult) => ({
  iterations: iterations.map(({ ms: _ms, ...rest }) => rest),
  weights,
  recorded: Object.fromEntries(Object.entries(recorded).filter(([name]) => !name.startsWith("weights_"))),
});

describe.each(Object.entries(cases))("%s", (name, make) => {
  it("ends with the bits of one that was asked for as many from the start", async () => {
    const path = join(folder, `${name}.checkpoint`);
    const options = { threads: 1, record: true } as const;
    const whole = await trainToEnd(make(7), options);
    const short = await trainToEnd(make(4), { ...options, checkpoint: { path, atEnd: true } });
    expect(short.iterations.length).toBeLessThan(whole.iterations.length);
    const on = await Trainer.resume(path, { iterations: 7 });
    for await (const _ of on);
    const result = on.result();
    await on.close();
    expect(exact(result)).toEqual(exact(whole));
    expect(result.settings.trainedOn).toEqual([{ after: 4, of: 4 }]);
    // What that one kept at its own end goes on again.
    const further = await Trainer.resume(path, { iterations: 9 });
    for await (const _ of further);
    expect(exact(further.result())).toEqual(exact(await trainToEnd(make(9), options)));
    expect(further.result().settings.trainedOn).toEqual([
      { after: 4, of: 4 },
      { after: 7, of: 7 },
    ]);
    await further.close();
  });
});

it("may be stopped before, and may end earlier", async () => {
  const path = join(folder, "stopped");
  const trainer = new Trainer(cases["store-recall"](9), { threads: 1 });
  for (let at = 0; at < 3; at++) await trainer.next();
  await trainer.save(path);
  await trainer.close();
  for (const iterations of [5, 12]) {
    const resumed = await Trainer.resume(path, { iterations });
    for await (const _ of resumed);
    expect(exact(resumed.result())).toEqual(
      exact(await trainToEnd(cases["store-recall"](iterations), { threads: 1 })),
    );
    await resumed.close();
  }
});

it("is refused where there is nothing to go on with", async () => {
  const path = join(folder, "refused");
  const trainer = new Trainer(cases["store-recall"](4), { threads: 1 });
  for (let at = 0; at < 5; at++) await trainer.next();
  await trainer.save(path);
  await expect(Trainer.resume(path, { iterations: 1 })).rejects.toThrow(
    /saved in training iteration 4.*from 4/,
  );
  await expect(Trainer.resume(path, { iterations: 0 })).rejects.toThrow(
    /iterations must be a whole number from 1/,
  );
  const task = cases["store-recall"](4);
  await expect(Trainer.resume(path, { iterations: 9, task })).rejects.toThrow(/a task that is made already/);
  for await (const _ of trainer);
  await trainer.save(path);
  await expect(Trainer.resume(path, { iterations: 9 })).rejects.toThrow(
    /after the training iterations.*atEnd/,
  );
  await trainer.close();
});

it("is what --iterations does with --resume, in the folder of the run", () => {
  const eprop = (...args: string[]) =>
    spawnSync(process.execPath, ["dist/cli/main.js", "train", ...args, "--quiet"], { encoding: "utf8" });
  const summary = (out: string) => JSON.parse(readFileSync(join(out, "run.json"), "utf8")) as RunSummary;
  const [out, whole] = [join(folder, "run"), join(folder, "whole")];
  const run = (iterations: number, to: string) =>
    eprop("sine-waves", "--set", "n_rec=20", "--iterations", String(iterations), "--out", to);
  expect(run(3, out).status).toBe(0);
  expect(run(8, whole).status).toBe(0);
  const over = eprop("--resume", out);
  expect(over.status).toBe(1);
  expect(over.stderr).toMatch(
    /is over after 3 training iterations.*--iterations besides, with a larger number/,
  );
  const few = eprop("--resume", out, "--iterations", "2");
  expect(few.stderr).toMatch(/saved in training iteration 3/);
  expect(summary(out).loss).toHaveLength(3);
  const on = eprop("--resume", out, "--iterations", "8");
  expect(on.status, on.stderr).toBe(0);
  expect(summary(out).loss).toEqual(summary(whole).loss);
  expect(summary(out).made).toMatchObject({
    options: { iterations: 8 },
    schedule: { iterations: 8 },
    trainedOn: [{ after: 3, of: 3 }],
  });
  expect(readFileSync(join(out, "metrics.jsonl"), "utf8").trimEnd().split("\n")).toHaveLength(8);
  expect(readdirSync(out)).toEqual(readdirSync(whole));
});
