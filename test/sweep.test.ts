import {
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { findTask } from "../ts/tasks/index.js";
import { Claims } from "../ts/files/claims.js";
import { parseSeeds, parseValues, pointFile, sweepPoints } from "../ts/sweep/grid.js";
import { promotable, rungsOf } from "../ts/sweep/halving.js";
import { runsCsv, sweepRows, terminalTable } from "../ts/sweep/results.js";
import { meanInterval, quartiles, studentT } from "../ts/core/statistics.js";
import { eprop } from "./command.js";
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

describe("quartiles", () => {
  // numpy 2.4: np.quantile(values, [0.25, 0.5, 0.75])
  it("are those of numpy", () => {
    expect(quartiles([1.5, 2.25, 0.75, 3])).toEqual({ n: 4, low: 1.3125, median: 1.875, high: 2.4375 });
    expect(quartiles([1.5, 2.25, 0.75, 3, 2.5])).toEqual({ n: 5, low: 1.5, median: 2.25, high: 2.5 });
  });
  it("of values that are no numbers are infinite, and the others stay", () => {
    const infinite = Number.POSITIVE_INFINITY;
    expect(quartiles([4, Number.NaN, 2, 3, 1])).toEqual({ n: 5, low: 2, median: 3, high: 4 });
    expect(quartiles([1, infinite])).toEqual({ n: 2, low: infinite, median: infinite, high: infinite });
    expect(quartiles([infinite])).toEqual({ n: 1, low: infinite, median: infinite, high: infinite });
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
  it("draws from ranges, the same whatever else is drawn and however much", () => {
    expect(parseValues("eta=log:1e-4..1e-2")).toEqual(["eta", { from: 1e-4, to: 1e-2, log: true }]);
    expect(parseValues("c_reg=0..500")).toEqual(["c_reg", { from: 0, to: 500 }]);
    expect(parseValues("--batch-size=1")).toEqual(["batchSize", [1]]);
    expect(parseValues("batch-size=int:1..8")).toEqual(["batchSize", { from: 1, to: 8, whole: true }]);
    expect(parseValues("data=../x,b")).toEqual(["data", ["../x", "b"]]);
    const task = findTask("sine-waves");
    const eta = { from: 1e-4, to: 1e-2, log: true };
    const drawn = (
      parameters: Parameters<typeof sweepPoints>[1]["parameters"],
      samples: number,
      of: string,
    ) =>
      sweepPoints(task, { seeds: [1], ...(parameters && { parameters }), samples }).map(
        (point) => point.parameters[of] as number,
      );
    const values = drawn({ eta }, 400, "eta");
    expect(drawn({ c_reg: { from: 0, to: 500 }, eta }, 20, "eta")).toEqual(values.slice(0, 20));
    // Evenly over a logarithmic scale: half of them below its middle, each as it is written.
    expect(Math.min(...values)).toBeGreaterThanOrEqual(1e-4);
    expect(Math.max(...values)).toBeLessThanOrEqual(1e-2);
    expect(values.filter((value) => value < 1e-3).length / 400).toBeCloseTo(0.5, 1);
    expect(values.every((value) => String(value).replace(/e.*|[^1-9]/g, "").length <= 6)).toBe(true);
    expect(new Set(drawn({ batchSize: { from: 1, to: 3, whole: true } }, 60, "batchSize"))).toEqual(
      new Set([1, 2, 3]),
    );
    const models = sweepPoints(findTask("sine-waves-plus"), {
      seeds: [1],
      parameters: { model: ["eprop_iaf", "eprop_iaf_adapt"], precision: ["f64", "f32"] },
    });
    expect(models).toHaveLength(4);
  });
  it("gives files names that every file system takes", () => {
    expect(pointFile({ seed: 1, parameters: { data: "../a b/ü" } })).toBe("data=..%2fa%20b%2f%c3%bc,seed=1");
    const long = (end: string) => pointFile({ seed: 1, parameters: { data: "x".repeat(300) + end } });
    expect(long("a")).not.toBe(long("b"));
    expect(long("a").length).toBeLessThan(200);
  });
  it.each([
    ["a range backwards", () => parseSeeds("5..1"), /ends before it begins/],
    ["no seeds", () => parseSeeds(""), /no seeds/],
    ["words for seeds", () => parseSeeds("1..many"), /no seeds.*1\.\.20/],
    ["far too many seeds", () => parseSeeds("1..99999999"), /too many/],
    ["a parameter without values", () => parseValues("eta="), /sets no parameter/],
    [
      "a word for a number",
      () => sweepPoints(findTask("sine-waves"), { seeds: [1], parameters: { eta: [1, "fast"] } }),
      /no number.*eta.*fast/,
    ],
    ["a value that is left out", () => parseValues("eta=1,,2"), /a value is missing/],
    ["a range backwards", () => parseValues("eta=1..0"), /no range.*1\.\.0/],
    ["a logarithmic range from zero", () => parseValues("eta=log:0..1"), /above zero/],
    ["whole numbers between others", () => parseValues("batch-size=int:0.5..4"), /between whole numbers/],
    [
      "a range outside the bounds",
      () => sweepPoints(findTask("sine-waves"), { seeds: [1], parameters: { eta: { from: -1, to: 1 } } }),
      /eta.*value -1/,
    ],
    [
      "samples of nothing",
      () => sweepPoints(findTask("sine-waves"), { seeds: [1], samples: 3 }),
      /nothing is drawn/,
    ],
    [
      "a precision that there is not",
      () => sweepPoints(findTask("sine-waves"), { seeds: [1], parameters: { precision: ["f16"] } }),
      /precision.*f16.*f64, f32/,
    ],
    [
      "a model that there is not",
      () => sweepPoints(findTask("sine-waves-plus"), { seeds: [1], parameters: { model: ["eprop_lif"] } }),
      /eprop_lif/,
    ],
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
      /no parameter etta.*did you mean eta\?/,
    ],
    [
      "an option in another spelling",
      () => sweepPoints(findTask("sine-waves"), { seeds: [1], parameters: { clip_norm: [1] } }),
      /one of eta, .*iterations.*did you mean clipNorm\?/,
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
  it("are means over test iterations, else the last iteration; medians and quartiles over seeds", () => {
    const parameters = { eta: 1 };
    const finished = (seed: number, of: RunSummary) =>
      ({ seed, parameters, status: "finished", summary: of }) as const;
    const failed = {
      seed: 4,
      parameters,
      status: "failed",
      failure: "the process was killed by SIGKILL",
    } as const;
    const rows = sweepRows([
      finished(1, summary([5, 2], [1, 0.5])),
      finished(2, summary([5, 4], [1, 0.25])),
      finished(3, summary([5, 3], [1, 0.3])),
      failed,
    ]);
    expect(rows).toMatchObject([
      { parameters, finished: 3, failed: 1, diverged: 0, loss: { n: 3, median: 3, low: 2.5, high: 3.5 } },
    ]);
    expect(rows[0]?.error).toMatchObject({ low: 0.275, median: 0.3, high: 0.4 });
    // What diverged is the worst, and does not move the others.
    const odd = sweepRows([
      finished(1, summary([5, 2])),
      finished(2, summary([5, 4])),
      finished(3, summary([5, 3])),
      finished(5, summary([5, 3e8])),
      { ...failed, code: "NumericalInstability" },
    ]);
    expect(odd).toMatchObject([{ finished: 3, failed: 0, diverged: 2, loss: { n: 5, median: 4, low: 3 } }]);
    expect(terminalTable(odd)).toBe(
      "eta  runs                 loss\n1    5 (2 of 5 diverged)  4.000 [3.000, ∞]\n",
    );
  });
  it("that are no numbers stay none, and commas stay in their cell", () => {
    const csv = runsCsv([
      { seed: 1, parameters: {}, status: "finished", summary: summary([null]) },
      { seed: 2, parameters: {}, status: "failed", failure: 'a, "b"' },
    ]);
    expect(csv.split("\n")).toEqual([
      "seed,status,loss,error,spikes_per_neuron,iterations,ms_per_iteration,failure",
      "1,diverged,NaN,,1,1,1,",
      '2,failed,,,,,,"a, ""b"""',
      "",
    ]);
  });
});

describe("a claim", () => {
  const claims = new Claims(join(folder, "claims"));
  const path = (name: string) => join(folder, "claims", name);
  const owner = (host: string, pid: number) => JSON.stringify({ host, pid, instance: "another" });
  const ago = (seconds: number) => new Date(Date.now() - 1000 * seconds);

  it("is had by one, until it is released", () => {
    const others = new Claims(join(folder, "claims"));
    const claim = claims.take("a");
    expect(claim).toBeDefined();
    expect(others.take("a")).toBeUndefined();
    expect(others.isTaken("a")).toBe(true);
    claim?.release();
    expect(others.take("a")).toBeDefined();
    others.close();
    expect(readdirSync(join(folder, "claims"))).toEqual([]);
  });
  it.each<[string, string, number, number, boolean]>([
    ["of another machine", "elsewhere", 1, 5, false],
    ["of another machine that is not heard of any more", "elsewhere", 1, 120, true],
    ["of a process that runs", hostname(), process.ppid, 5, false],
    ["of a process that has ended", hostname(), 0x3fffffff, 5, true],
    ["of a process with the same number before", hostname(), process.pid, 5, true],
  ])("%s is taken over or not", (_name, host, pid, seconds, isTaken) => {
    writeFileSync(path("b.1"), owner(host, pid));
    utimesSync(path("b.1"), ago(seconds), ago(seconds));
    const claim = claims.take("b");
    expect(claim !== undefined).toBe(isTaken);
    if (isTaken) expect(readdirSync(join(folder, "claims"))).toEqual(["b.1", "b.2"]);
    claim?.release();
    rmSync(path("b.1"), { force: true });
    expect(readdirSync(join(folder, "claims"))).toEqual([]);
  });
});

describe("successive halving", () => {
  it("lets the best third of a rung go on, once", () => {
    const rungs = rungsOf({ minIterations: 2 }, 20);
    expect(rungs).toEqual([2, 6, 18]);
    const at = (seed: number, losses: number[], isPaused = true) => ({
      point: { seed, parameters: {} },
      isPaused,
      summary: { loss: losses } as unknown as RunSummary,
    });
    const four = [at(1, [9, 5]), at(2, [9, 1]), at(3, [9, 4]), at(4, [9, Number.NaN])];
    expect(promotable(four.slice(0, 2), rungs, 3)).toEqual([]);
    // Where nobody else comes, one goes on from each rung.
    expect(promotable(four.slice(0, 2), rungs, 3, 1)).toEqual([{ point: four[1]?.point, rung: 1 }]);
    expect(promotable(four.slice(3), rungs, 3, 1)).toEqual([]);
    expect(promotable(four, rungs, 3)).toEqual([{ point: four[1]?.point, rung: 1 }]);
    // Two of seven: the second is let go on as soon as there are enough; the first has gone on.
    const gone = at(2, [9, 1, 1, 1, 1, 1]);
    const seven = [...four.filter((of) => of !== four[1]), gone, at(5, [9, 6]), at(6, [9, 7])];
    expect(promotable(seven, rungs, 3)).toEqual([{ point: four[2]?.point, rung: 1 }]);
    expect(promotable([gone, at(7, [9, 9, 9, 9, 9, 9]), at(8, [9, 9, 9, 9, 9, 9], false)], rungs, 3)).toEqual(
      [{ point: gone.point, rung: 2 }],
    );
  });
});

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
    expect(first.stdout).toMatch(/^eta\s+runs\s+loss\n0.001\s+2\s+\S+ \[\S+, \S+\]\n0.005\s+2\s/);
    expect(readdirSync(out).toSorted()).toEqual([
      "claims",
      "runs",
      "runs.csv",
      "summary.csv",
      "sweep.html",
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
    expect(other.stderr).toMatch(/holds another sweep \(iterations: 2 there, 3 here\)/);
  });

  it.runIf(process.platform === "linux")("reports a training that is killed, and does it again", async () => {
    const out = join(folder, "worker-killed");
    const args = sweep(out, 60);
    const first = await eprop(args, {
      meanwhile: async (pid) => {
        process.kill(await until(() => children(pid)[0]), "SIGKILL");
      },
    });
    expect(first.code).toBe(1);
    expect(first.stderr).toMatch(/FAILED: the process was killed by SIGKILL/);
    expect(first.stderr).toMatch(/1 of 4 trainings failed/);
    // The failure is kept until it is tried again.
    expect(readFileSync(join(out, "runs.csv"), "utf8")).toMatch(/,failed,.*SIGKILL/);
    expect(Object.keys(written(out))).toHaveLength(4);
    const second = await eprop(args);
    expect(second.code, second.stderr).toBe(0);
    expect(Object.keys(written(out))).toHaveLength(4);
  });

  it.runIf(process.platform === "linux")("goes on after it was killed, and leaves no process", async () => {
    const out = join(folder, "killed");
    const args = sweep(out, 60, ["--concurrency", "1"]);
    let workers: number[] = [];
    await eprop(args, {
      meanwhile: async (pid) => {
        await until(() => (Object.keys(written(out)).length > 0 ? true : undefined));
        workers = [await until(() => children(pid)[0])];
        process.kill(pid, "SIGKILL");
      },
    });
    await until(() => (workers.every((pid) => !existsSync(`/proc/${pid}`)) ? true : undefined));
    const before = written(out);
    const second = await eprop(args);
    expect(second.code, second.stderr).toBe(0);
    const after = written(out);
    expect(Object.keys(after)).toHaveLength(4);
    for (const [name, time] of Object.entries(before)) expect(after[name]).toBe(time);
  });

  it.runIf(process.platform === "linux")("says how to go on after Ctrl-C", async () => {
    const { code, stderr } = await eprop(sweep(join(folder, "stopped"), 60), {
      meanwhile: async (pid) => {
        await until(() => children(pid)[0]);
        process.kill(pid, "SIGINT");
      },
    });
    expect(code).toBe(130);
    expect(stderr).toMatch(/eprop: stopped; to go on, run the same command again\n$/);
  });

  const lines = (text: string) => text.split("\n").filter((line) => /^\d+\/\d+ .*loss/.test(line));

  it("is shared by processes, each training done once", async () => {
    const out = join(folder, "shared");
    const args = [..."sweep sine-waves --seeds 1..8 --iterations 3 --concurrency 1 --out".split(" "), out];
    const both = await Promise.all([eprop(args), eprop(args)]);
    for (const { code, stderr, stdout } of both) {
      expect(code, stderr).toBe(0);
      expect(stdout).toMatch(/^runs +loss\n8 /);
    }
    const done = both.map(({ stderr }) => lines(stderr).length);
    expect(done[0] as number).toBeGreaterThan(0);
    expect(done[1] as number).toBeGreaterThan(0);
    expect((done[0] as number) + (done[1] as number)).toBe(8);
    expect(readdirSync(join(out, "claims"))).toEqual([]);
  });

  it("is cut into shards, and collected", async () => {
    const out = join(folder, "shards");
    const args = [..."sweep sine-waves --seeds 1..3 --iterations 2 --weights --out".split(" "), out];
    const first = await eprop([...args, "--shard", "1/2"]);
    expect(first.code, first.stderr).toBe(0);
    expect(existsSync(join(out, "runs.csv"))).toBe(false);
    expect(first.stdout).toContain(`tables: eprop sweep --collect --out ${out}\n`);
    expect(first.stdout).not.toMatch(/runs\.csv|page:/);
    const half = await eprop(["sweep", "--collect", "--out", out, "--json"]);
    expect((JSON.parse(half.stdout) as { runs: { seed: number }[] }).runs.map(({ seed }) => seed)).toEqual([
      1, 3,
    ]);
    await eprop([...args, "--shard", "2/2"]);
    const whole = await eprop(["sweep", "--collect", "--out", out]);
    expect(whole.stdout).toMatch(/^runs +loss\n3 /);
    expect(readFileSync(join(out, "runs.csv"), "utf8").split("\n")).toHaveLength(5);
    expect(readdirSync(join(out, "runs"))).toContain("default,seed=2.network.safetensors");
    // What is damaged is named and counted; the same sweep trains it again.
    const result = (seed: number) => join(out, "runs", `default,seed=${seed}.json`);
    writeFileSync(result(1), readFileSync(result(1), "utf8").slice(0, 200));
    const { run, ...rest } = JSON.parse(readFileSync(result(3), "utf8")) as { run: object };
    writeFileSync(result(3), JSON.stringify({ ...rest, run: { ...run, loss: "high" } }));
    const damaged = await eprop(["sweep", "--collect", "--out", out]);
    expect(damaged.code).toBe(1);
    expect(damaged.stdout).toMatch(/^runs +loss\n1 /);
    expect(damaged.stderr).toMatch(
      /seed=1\.json is not JSON\n.*seed=3\.json has a run that has no loss.*\n.*2 results/,
    );
    const mended = await eprop(args);
    expect(mended.code, mended.stderr).toBe(0);
    expect((await eprop(["sweep", "--collect", "--out", out])).stdout).toMatch(/^runs +loss\n3 /);
  });

  it.runIf(process.platform === "linux")("goes on in the middle of a training", async () => {
    const out = join(folder, "checkpoints");
    const sweepOf = (more: string[], to: string) => [
      ..."sweep evidence-accumulation --seeds 1 --iterations 12 --batch-size 4".split(" "),
      ...more,
      "--out",
      to,
    ];
    const args = sweepOf(["--checkpoint-every", "2"], out);
    const file = join(out, "checkpoints/default,seed=1.safetensors");
    await eprop(args, {
      meanwhile: async (pid) => {
        await until(() => (existsSync(file) ? true : undefined));
        const workers = children(pid);
        process.kill(pid, "SIGKILL");
        await until(() => (workers.every((of) => !existsSync(`/proc/${of}`)) ? true : undefined));
      },
    });
    expect(existsSync(file)).toBe(true);
    await eprop(args);
    expect(existsSync(file)).toBe(false);
    const plain = join(folder, "uninterrupted");
    await eprop(sweepOf([], plain));
    const [resumed, whole] = [out, plain].map(
      (of) => JSON.parse(readFileSync(join(of, "runs/default,seed=1.json"), "utf8")) as { run: RunSummary },
    );
    expect(resumed?.run.loss).toEqual(whole?.run.loss);
  });

  it("trains on what does well, and ends what takes too long", async () => {
    const out = join(folder, "halving");
    const args =
      "sweep sine-waves --seeds 1 --set eta=log:1e-4..1e-1 --samples 6 --iterations 9 --halving 2 --json";
    const { code, stdout, stderr } = await eprop([...args.split(" "), "--out", out]);
    expect(code, stderr).toBe(0);
    const { runs } = JSON.parse(stdout) as { runs: { status: string; iterations: number; loss: number }[] };
    const finished = runs.filter(({ status }) => status === "finished");
    expect(finished.length).toBeGreaterThan(0);
    expect(finished.length).toBeLessThan(4);
    expect(finished.every(({ iterations }) => iterations === 9)).toBe(true);
    const pruned = runs.filter(({ status }) => status === "pruned");
    expect(pruned.length + finished.length).toBe(6);
    expect(pruned.every(({ iterations }) => iterations === 2 || iterations === 6)).toBe(true);
    expect(existsSync(join(out, "checkpoints"))).toBe(false);
    const long =
      "sweep evidence-accumulation --seeds 1 --iterations 100000 --time-limit 1s --json --quiet --out";
    const stopped = await eprop([...long.split(" "), join(folder, "late")]);
    expect(JSON.parse(stopped.stdout)).toMatchObject({ runs: [{ status: "stopped" }] });
  });

  it.each<[string, string[], RegExp]>([
    ["no seeds", ["--set", "eta=1"], /--seeds/],
    ["bad seeds", ["--seeds", "a..b"], /no seeds/],
    ["an option of another task", ["--seeds", "1", "--synthetic"], /takes no synthetic/],
    ["no processes", ["--seeds", "1", "--concurrency", "0"], /concurrency/],
    [
      "options by their names in programs",
      ["--seeds", "1", "--set", "batchSize=0"],
      /--batch-size is outside/,
    ],
    [
      "values without effect in some combinations",
      ["--seeds", "1", "--set", "feedback=random,adaptive", "--set", "feedback_decay=0.5"],
      /feedback_decay has no effect with feedback=random/,
    ],
    ["a shard beyond the last", ["--seeds", "1", "--shard", "3/2"], /third of 16/],
    [
      "halving by the luckiest seed",
      ["--seeds", "1..2", "--halving", "2"],
      /luckiest.*parameter seeds, value 1,2, required: one/,
    ],
    [
      "halving that compares nothing",
      ["--seeds", "1", "--iterations", "4", "--halving", "20"],
      /--halving.*value 20.*below the 4 training iterations/,
    ],
    [
      "parts of neurons",
      ["--seeds", "1", "--set", "n_rec=10.6"],
      /n_rec.*10\.6.*whole number from 1 to 100000/,
    ],
    [
      "draws of parts of sequences",
      ["--seeds", "1", "--set", "batch-size=1..32"],
      /takes whole numbers.*int:1\.\.32/,
    ],
    ["a time without a unit", ["--seeds", "1", "--time-limit", "5"], /as in 90s, 10m or 2h/],
    ["draws of parts of neurons", ["--seeds", "1", "--set", "n_rec=10..20"], /whole numbers.*int:10\.\.20/],
    ["a collection with seeds", ["--seeds", "1", "--collect"], /--collect and --out alone/],
    ["a parameter twice", ["--seeds", "1", "--set", "eta=1", "--set", "eta=2"], /varied twice/],
  ])("refuses %s", async (_name, args, message) => {
    const out = join(folder, "refused");
    const { code, stderr } = await eprop(["sweep", "sine-waves", "--out", out, ...args]);
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
    expect(existsSync(out)).toBe(false);
  });
});
