import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { findTask } from "../ts/tasks/index.js";
import { parseSeeds, parseValues, sweepPoints } from "../ts/sweep/grid.js";
import { runsCsv, sweepRows } from "../ts/sweep/results.js";
import { meanInterval, studentT } from "../ts/sweep/statistics.js";
import type { RunSummary } from "../ts/runs/summary.js";

const folder = mkdtempSync(join(tmpdir(), "eprop-sweep-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("confidence intervals", () => {
  // scipy 1.17.1: stats.t.ppf(0.975, degrees).
  it.each([
    [1, 12.706204736174694],
    [2, 4.302652729749462],
    [3, 3.1824463052837078],
    [4, 2.7764451051977934],
    [5, 2.5705818356363146],
    [9, 2.262157162798205],
    [19, 2.0930240544083087],
    [30, 2.0422724563012378],
    [99, 1.9842169515864174],
    [1000, 1.9623390808264083],
  ])("use Student's t: %i degrees of freedom", (degrees, expected) => {
    expect(studentT(0.95, degrees) / expected - 1).toBeCloseTo(0, 12);
  });
  it("are those of scipy", () => {
    // stats.t.interval(0.95, 4, loc=mean, scale=stats.sem(values))
    const { n, mean, low, high } = meanInterval([1.5, 2.25, 0.75, 3, 2.5]);
    expect([n, mean]).toEqual([5, 2]);
    expect(low).toBeCloseTo(0.9025137086436466, 12);
    expect(high).toBeCloseTo(3.0974862913563532, 12);
  });
  it("of one value are that value", () => {
    expect(meanInterval([7])).toEqual({ n: 1, mean: 7, low: 7, high: 7 });
  });
});

describe("a grid", () => {
  it("is every seed with every combination of values", () => {
    expect(parseSeeds("1..3,7")).toEqual([1, 2, 3, 7]);
    expect(parseValues("eta=1e-3,5e-3")).toEqual(["eta", [0.001, 0.005]]);
    const points = sweepPoints(findTask("sine-waves"), {
      seeds: [1, 2],
      parameters: { eta: [0.1, 0.2], c_reg: [300] },
    });
    expect(points).toHaveLength(4);
    expect(points[3]).toEqual({ seed: 2, parameters: { eta: 0.2, c_reg: 300 } });
  });
  it.each([
    ["a range backwards", () => parseSeeds("5..1"), /ends before it begins/],
    ["no seeds", () => parseSeeds(""), /no seeds/],
    ["words for seeds", () => parseSeeds("1..many"), /no seeds.*1\.\.20/],
    ["far too many seeds", () => parseSeeds("1..99999999"), /too many/],
    ["a parameter without values", () => parseValues("eta="), /sets no parameter/],
    ["a word for a value", () => parseValues("eta=1,fast"), /no number.*eta/],
    ["a value that is left out", () => parseValues("eta=1,,2"), /no number/],
    ["seed 0", () => sweepPoints(findTask("sine-waves"), { seeds: [0] }), /no seed.*value 0/],
    [
      "an empty list",
      () => sweepPoints(findTask("sine-waves"), { seeds: [1], parameters: { eta: [] } }),
      /eta.*no values/,
    ],
    ["a seed twice", () => sweepPoints(findTask("sine-waves"), { seeds: [1, 1] }), /twice/],
    [
      "an unknown parameter",
      () => sweepPoints(findTask("sine-waves"), { seeds: [1], parameters: { etta: [1] } }),
      /no parameter etta.*eta/,
    ],
    [
      "a value outside its bounds",
      () => sweepPoints(findTask("sine-waves"), { seeds: [1], parameters: { eta: [0.1, -1] } }),
      /eta.*value -1/,
    ],
    ["an unknown task", () => sweepPoints(findTask("sine-wave"), { seeds: [1] }), /did you mean sine-waves/],
  ])("with %s is refused", (_name, make, message) => {
    expect(make).toThrow(message);
  });
});

describe("results", () => {
  const summary = (loss: (number | null)[], test?: [number, number]) =>
    ({
      loss,
      spikes_per_neuron: loss.map(() => 1),
      ms_per_iteration: 1,
      ...(test && { results: { label: ["training", "test"], error: test, loss, iteration: [1, 2] } }),
    }) as unknown as RunSummary;
  it("are means over test iterations, else the last iteration", () => {
    const parameters = { eta: 1 };
    const rows = sweepRows([
      { seed: 1, parameters, summary: summary([5, 2], [1, 0.5]) },
      { seed: 2, parameters, summary: summary([5, 4], [1, 0.25]) },
      { seed: 3, parameters, failure: "the process was killed by SIGKILL" },
    ]);
    expect(rows).toMatchObject([
      { parameters, finished: 2, failed: 1, loss: { n: 2, mean: 3 }, error: { mean: 0.375 } },
    ]);
  });
  it("that are no numbers stay none, and commas stay in their cell", () => {
    const csv = runsCsv([
      { seed: 1, parameters: {}, summary: summary([null]) },
      { seed: 2, parameters: {}, failure: 'a, "b"' },
    ]);
    expect(csv.split("\n")).toEqual([
      "seed,status,loss,error,spikes_per_neuron,iterations,ms_per_iteration,failure",
      "1,finished,NaN,,1,1,1,",
      '2,failed,,,,,,"a, ""b"""',
      "",
    ]);
  });
});

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

function eprop(args: readonly string[], meanwhile?: (pid: number) => Promise<void>): Promise<Ended> {
  const child = spawn(process.execPath, ["dist/cli/bin.js", ...args]);
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (data) => (stdout += data));
  child.stderr.on("data", (data) => (stderr += data));
  const ended = new Promise<Ended>((resolve) => {
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
  return meanwhile === undefined ? ended : meanwhile(child.pid as number).then(() => ended);
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until something is there. */
async function until<T>(look: () => T | undefined): Promise<T> {
  for (let tries = 0; tries < 3000; tries++) {
    const found = look();
    if (found !== undefined) return found;
    await sleep(10);
  }
  throw new Error("it did not come");
}

/** Processes that a process has begun. */
function children(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

const written = (out: string) => {
  const runs = join(out, "runs");
  const files = existsSync(runs) ? readdirSync(runs).filter((file) => file.endsWith(".json")) : [];
  return Object.fromEntries(files.map((file) => [file, statSync(join(runs, file)).mtimeMs]));
};

describe("eprop sweep", () => {
  const sweep = (out: string, iterations = 2, more: string[] = []) => [
    ..."sweep sine-waves --seeds 1..2 --set eta=1e-3,5e-3 --concurrency 2 --iterations".split(" "),
    String(iterations),
    "--out",
    out,
    ...more,
  ];

  it("leaves tables and a figure, and does nothing twice", async () => {
    const out = join(folder, "whole");
    const first = await eprop(sweep(out));
    expect(first.code, first.stderr).toBe(0);
    expect(first.stdout).toMatch(/^eta\s+runs\s+loss\n0.001\s+2\s+\S+ ± \S+\n0.005\s+2\s+\S+ ± \S+\n/);
    expect(readdirSync(out).toSorted()).toEqual([
      "runs",
      "runs.csv",
      "summary.csv",
      "sweep.json",
      "sweep.svg",
    ]);
    expect(readFileSync(join(out, "sweep.svg"), "utf8")).toMatch(/^<svg[\s\S]*eta=0.005/);
    const before = written(out);
    expect(Object.keys(before)).toHaveLength(4);
    const csv = readFileSync(join(out, "runs.csv"), "utf8");
    // A training of the sweep is the training that one would have done by hand.
    const alone = await eprop([
      "train",
      "sine-waves",
      "--seed",
      "2",
      "--set",
      "eta=0.005",
      "--iterations",
      "2",
      "--json",
      "--quiet",
    ]);
    const { loss } = JSON.parse(alone.stdout) as { loss: number[] };
    expect(csv).toContain(`\n0.005,2,finished,${loss.at(-1)},`);
    // A damaged and a missing result are made again, and no other.
    rmSync(join(out, "runs", "eta=0.001,seed=1.json"));
    writeFileSync(join(out, "runs", "eta=0.005,seed=1.json"), "{");
    const second = await eprop(sweep(out));
    expect(second.code, second.stderr).toBe(0);
    expect(second.stderr.split("\n").filter((line) => line.includes("loss"))).toHaveLength(2);
    const after = written(out);
    for (const name of ["eta=0.001,seed=2.json", "eta=0.005,seed=2.json"])
      expect(after[name]).toBe(before[name]);
    const values = (text: string) => text.split("\n").map((line) => line.split(",").slice(0, 6));
    expect(values(readFileSync(join(out, "runs.csv"), "utf8"))).toEqual(values(csv));
    // More seeds are added; another kind of sweep is refused.
    const other = await eprop(sweep(out, 3));
    expect(other.code).toBe(1);
    expect(other.stderr).toMatch(/holds something else/);
  });

  it.runIf(process.platform === "linux")("reports a training that is killed, and does it again", async () => {
    const out = join(folder, "worker-killed");
    const args = sweep(out, 60);
    const first = await eprop(args, async (pid) => {
      process.kill(await until(() => children(pid)[0]), "SIGKILL");
    });
    expect(first.code).toBe(1);
    expect(first.stderr).toMatch(/FAILED: the process was killed by SIGKILL/);
    expect(first.stderr).toMatch(/1 of 4 trainings failed/);
    expect(Object.keys(written(out))).toHaveLength(3);
    const second = await eprop(args);
    expect(second.code, second.stderr).toBe(0);
    expect(Object.keys(written(out))).toHaveLength(4);
  });

  it.runIf(process.platform === "linux")("goes on after it was killed, and leaves no process", async () => {
    const out = join(folder, "killed");
    const args = sweep(out, 60, ["--concurrency", "1"]);
    let workers: number[] = [];
    await eprop(args, async (pid) => {
      await until(() => (Object.keys(written(out)).length > 0 ? true : undefined));
      workers = [await until(() => children(pid)[0])];
      process.kill(pid, "SIGKILL");
    });
    await until(() => (workers.every((pid) => !existsSync(`/proc/${pid}`)) ? true : undefined));
    const before = written(out);
    const second = await eprop(args);
    expect(second.code, second.stderr).toBe(0);
    const after = written(out);
    expect(Object.keys(after)).toHaveLength(4);
    for (const [name, time] of Object.entries(before)) expect(after[name]).toBe(time);
  });

  it.each<[string, string[], RegExp]>([
    ["no seeds", ["--set", "eta=1"], /--seeds/],
    ["bad seeds", ["--seeds", "a..b"], /no seeds/],
    ["an option of another task", ["--seeds", "1", "--synthetic"], /takes no synthetic/],
    ["no processes", ["--seeds", "1", "--concurrency", "0"], /concurrency/],
    ["a parameter twice", ["--seeds", "1", "--set", "eta=1", "--set", "eta=2"], /varied twice/],
  ])("refuses %s", async (_name, args, message) => {
    const out = join(folder, "refused");
    const { code, stderr } = await eprop(["sweep", "sine-waves", "--out", out, ...args]);
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
    expect(existsSync(out)).toBe(false);
  });
});
