/** Gradients that are scaled down to a norm, against the steps that weights take without that. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { type TrainOptions, Trainer, type TrainingResult, tasks, trainToEnd } from "../ts/index.js";
import type { RunSummary } from "../ts/runs/summary.js";
import { parseValues, pointOptions, sweepPoints } from "../ts/sweep/grid.js";
import { type TaskEntry, taskNamed } from "../ts/tasks/index.js";

const folder = mkdtempSync(join(tmpdir(), "eprop-clipping-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A power of two, so that a weight's step divided by it is the gradient but for one rounding. */
const eta = 2 ** -6;

const task = (iterations: number, optimizer: "gradient_descent" | "adam" = "gradient_descent") =>
  tasks.evidenceAccumulation({
    iterations,
    batchSize: 4,
    validateEvery: 0,
    testIterations: 0,
    parameters: { eta, optimizer, n_rec: 20 },
  });

/** The mean gradient of the batch of a training with one update, of all weights. */
function gradient({ weights: { before, after } }: TrainingResult): number[] {
  return Object.keys(before).flatMap((name) =>
    Array.from(before[name]?.data ?? [], (weight, at) => (weight - (after[name]?.data[at] as number)) / eta),
  );
}

const norm = (values: readonly number[]) => Math.hypot(...values);
const bits = ({ weights, iterations }: TrainingResult) => ({
  weights: weights.after,
  losses: iterations.map(({ loss, gradientNorm }) => [loss, gradientNorm]),
});

it.each(["adjoint", "forward"] as const)(
  "scales the gradient of an update to the norm (%s)",
  async (method) => {
    const free = await trainToEnd(task(1), { gradient: method });
    const whole = gradient(free);
    const largest = norm(whole);
    expect(largest).toBeGreaterThan(1e-3);
    // What is told is the norm before, of the weights that there are: no neuron reaches itself.
    expect(free.iterations[0]?.gradientNorm).toBeCloseTo(largest, 10);
    const clipNorm = largest / 3;
    const clipped = await trainToEnd(task(1), { gradient: method, clipNorm });
    const found = gradient(clipped);
    expect(norm(found)).toBeCloseTo(clipNorm, 10);
    const most = Math.max(...found.map((value, at) => Math.abs(value - (whole[at] as number) / 3)));
    expect(most).toBeLessThan(1e-12);
    expect(clipped.iterations[0]?.gradientNorm).toBe(free.iterations[0]?.gradientNorm);
    expect(clipped.settings.clipNorm).toBe(clipNorm);
  },
);

it("has the same bits with any number of threads, and those without it where the norm is never reached", async () => {
  const run = (options: TrainOptions) => trainToEnd(task(4, "adam"), options);
  const free = await run({ threads: 1 });
  const norms = free.iterations.map(({ gradientNorm }) => gradientNorm as number);
  const clipNorm = Math.min(...norms) / 2;
  const one = await run({ threads: 1, clipNorm });
  expect(bits(one).weights).not.toEqual(bits(free).weights);
  for (const threads of [2, 3]) expect(bits(await run({ threads, clipNorm }))).toEqual(bits(one));
  for (const wide of [0, 2 * Math.max(...norms)]) {
    expect(bits(await run({ threads: 2, clipNorm: wide }))).toEqual(bits(free));
  }
});

it("goes on from a checkpoint with the same norm", async () => {
  const clipNorm = 1e-2;
  const whole = await trainToEnd(task(5), { clipNorm });
  const path = join(folder, "clipped.checkpoint");
  const trainer = new Trainer(task(5), { clipNorm });
  for (let at = 0; at < 2; at++) await trainer.next();
  await trainer.save(path);
  await trainer.close();
  const resumed = await Trainer.resume(path);
  for await (const _ of resumed);
  expect(bits(resumed.result())).toEqual(bits(whole));
  expect(resumed.result().settings.clipNorm).toBe(clipNorm);
  await resumed.close();
});

it("refuses what cannot be, by name", async () => {
  expect(() => new Trainer(task(1), { clipNorm: -1 })).toThrow("clipNorm");
  expect(() => new Trainer(task(1), { clipNorm: Number.NaN })).toThrow("clipNorm");
  const plus = tasks.sineWavesPlus({ iterations: 1 });
  await expect(trainToEnd(plus, { clipNorm: 1 })).rejects.toMatchObject({
    parameter: "clipNorm",
    bound: "left out with e-prop+",
  });
  expect((await trainToEnd(tasks.sineWavesPlus({ iterations: 1 }), { clipNorm: 0 })).iterations.length).toBe(
    1,
  );
});

function eprop(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["dist/cli/main.js", ...args], {
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

it("is an option of the command line that a run's origin has", () => {
  const [first, second] = [join(folder, "first"), join(folder, "second")];
  const options = "--iterations 3 --batch-size 4 --quiet --no-record --out".split(" ");
  const made = eprop("train", "store-recall", "--clip-norm", "0.01", "--set", "n_rec=20", ...options, first);
  expect(made.status, made.stderr).toBe(0);
  expect(eprop("train", "--from", first, "--quiet", "--out", second).status).toBe(0);
  const [a, b] = [first, second].map(
    (run) => JSON.parse(readFileSync(join(run, "run.json"), "utf8")) as RunSummary,
  );
  expect(a?.made?.clipNorm).toBe(0.01);
  expect(readFileSync(join(first, "report.html"), "utf8")).toContain("clip norm</th><td>0.01</td>");
  expect(b?.made?.clipNorm).toBe(0.01);
  expect(b?.loss).toEqual(a?.loss);
  const other = eprop(
    "train",
    "--from",
    first,
    "--clip-norm",
    "0",
    "--quiet",
    "--out",
    join(folder, "third"),
  );
  expect(other.status).toBe(0);
  const third = JSON.parse(readFileSync(join(folder, "third", "run.json"), "utf8")) as RunSummary;
  expect(third.made?.clipNorm).toBeUndefined();
  expect(third.loss).not.toEqual(a?.loss);
});

it("is varied and drawn in sweeps", () => {
  const entry = taskNamed("store-recall") as TaskEntry;
  const points = sweepPoints(entry, {
    seeds: [1],
    parameters: Object.fromEntries([parseValues("clip-norm=0.1,1")]),
  });
  expect(points.map((point) => pointOptions(entry, point, {}).training)).toEqual([
    { clipNorm: 0.1 },
    { clipNorm: 1 },
  ]);
  const drawn = Object.fromEntries([parseValues("clip-norm=log:0.01..10")]);
  expect(sweepPoints(entry, { seeds: [1], parameters: drawn, samples: 3 })).toHaveLength(3);
  for (const value of ["-1", "wide"]) {
    const parameters = Object.fromEntries([parseValues(`clip-norm=${value}`)]);
    expect(() => sweepPoints(entry, { seeds: [1], parameters })).toThrow("clipNorm");
  }
});

it("a sweep of which nothing came names no page", () => {
  const out = join(folder, "failed");
  const args = "--seeds 1 --set clip-norm=1 --iterations 1 --quiet --out".split(" ");
  const { status, stdout } = eprop("sweep", "sine-waves-plus", ...args, out);
  expect(status).toBe(1);
  expect(stdout).toMatch(/1 of 1 failed[^]*runs\.csv/);
  expect(stdout).not.toContain("sweep.html");
  expect(existsSync(join(out, "sweep.html"))).toBe(false);
});
