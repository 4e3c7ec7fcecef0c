import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { deviationOf, interpreter } from "../bench/comparison.js";
import { linear, slope } from "../bench/growth.js";
import { medianInterval } from "../bench/statistics.js";
import { type Report, blocks } from "../bench/tables.js";
import { workOf } from "../bench/work.js";

const folder = mkdtempSync(join(tmpdir(), "eprop-bench-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("npm run bench", () => {
  const json = join(folder, "bench.json");
  const page = join(folder, "page.md");
  let report: Report;
  beforeAll(() => {
    writeFileSync(page, readFileSync("docs/benchmarks.md"));
    const only = ["sine-waves", "steps", "first Simulate", "synapses a neuron"].flatMap((name) => [
      "--only",
      name,
    ]);
    const { status, stderr } = spawnSync(
      process.execPath,
      ["dist-test/bench/run.js", "--quick", ...only, "--json", json, "--markdown", page],
      { encoding: "utf8" },
    );
    expect(stderr).toBe("");
    expect(status).toBe(0);
    report = JSON.parse(readFileSync(json, "utf8")) as Report;
  }, 120_000);

  it("says what the machine can do", () => {
    const { roofs, cores } = report.machine;
    expect(roofs.map(({ threads }) => threads)).toEqual(
      Array.from({ length: cores }, (_, place) => place + 1),
    );
    for (const { bandwidth, vectorRate } of roofs) {
      expect(bandwidth).toBeGreaterThan(1e8);
      expect(vectorRate).toBeGreaterThan(1e8);
    }
  });
  it("gives each case all its figures", () => {
    const simulations = report.lines.filter(({ table }) => table !== "start-up");
    expect(simulations.length).toBeGreaterThan(6);
    for (const line of simulations) {
      for (const figure of [
        line.ms,
        line.coldMs,
        line.nsPerNeuronStep,
        line.nsPerSynapticEvent,
        line.synapseStepsPerSecond,
        line.bandwidthShare,
        line.vectorShare,
        line.work?.bytes,
        line.work?.operations,
      ]) {
        expect(figure, line.name).toBeGreaterThan(0);
      }
      expect(line.vectorShare, line.name).toBeLessThan(1);
      // Node alone takes some tens of megabytes.
      expect(line.peakBytes).toBeGreaterThan(20e6);
      expect(line.peakBytes).toBeLessThan(500e6);
    }
  });
  it("compares with the forward gradient", () => {
    const line = report.lines.find(({ name, threads }) => name === "sine-waves" && threads === 1);
    expect(line?.againstForward).toBeGreaterThan(1);
    // 10,000 synapses from inputs, 9,900 among neurons, 100 onto the readout.
    expect(line?.work?.synapseSteps).toBe(20_000 * 1000);
  });
  it("counts work as the page says", () => {
    const counts = {
      neurons: 2,
      readouts: 3,
      steps: 10,
      learningWindow: 5,
      intervals: 4,
      adaptive: 0.5,
      synapses: 7,
      synapticEvents: 100,
      traceSteps: 1000,
      optimizerCalls: 1,
    } as const;
    // 80 neuron-steps, half of them with adaptation; a learning signal in half of them from 3 readouts.
    const interval = workOf({ ...counts, family: "interval", optimizer: "adam", width: 8 });
    expect(interval.bytes).toBe(8 * (2 * 80 + 2 * 100 + 4 * 7 * 4 + 7 * 7));
    expect(interval.operations).toBe(80 * (13 + 10) + 40 * 3 * 2 + 2 * 100 + 2 * 7 * 4 + 13 * 7);
    expect(interval.synapseSteps).toBe(7 * 40);
    const narrow = workOf({ ...counts, family: "interval", optimizer: "adam", width: 4 });
    expect(narrow.bytes).toBe(4 * (2 * 80 + 2 * 100 + 2 * 7 * 4) + 8 * (2 * 7 * 4 + 7 * 7));
    const plus = workOf({ ...counts, family: "event", optimizer: "gradient_descent", width: 8 });
    expect(plus.bytes).toBe(8 * (3 * 80 + (1 + 8 + 3) * 100));
    expect(plus.operations).toBe(80 * 13 + 40 * 3 * 2 + 100 + 14 * 1000 + 3 * 100);
  });
  it("fits how cost grows", () => {
    expect(report.growth.map(({ series }) => series)).toEqual(["steps", "synapses a neuron"]);
    expect(report.growth.every(({ slope: power }) => Number.isFinite(power))).toBe(true);
    expect(slope([1, 2, 3].map((x) => [x, 5 + 1.5 * x] as const))).toBeCloseTo(1.5, 12);
    const exact = linear([1, 4, 10].map((x) => [x, 5 + 1.5 * x] as const));
    expect([exact.once, exact.each, exact.deviation]).toEqual(
      [5, 1.5, 0].map((value) => expect.closeTo(value, 10)),
    );
    // Nearly quadratic.
    expect(linear([1, 10, 100].map((x) => [x, x * x] as const)).deviation).toBeGreaterThan(0.5);
  });
  it("writes the page's tables, and leaves the others", () => {
    const text = readFileSync(page, "utf8");
    expect(text).toContain("| first Simulate of 20 neurons");
    expect(text).toMatch(/steps, from 100 to 200: cost grows with the power -?\d/);
    expect(text.match(/<!-- bench /g)).toHaveLength(10);
    expect(text).toContain("# What it costs");
    const spoken = text.slice(text.indexOf("<!-- bench spoken digits -->"));
    const before = readFileSync("docs/benchmarks.md", "utf8");
    expect(before).toContain(spoken.slice(0, spoken.indexOf("<!-- end -->")));
  });
});

/** Whether Python has a package. */
const has = (name: string) => spawnSync(interpreter(undefined), ["-c", `import ${name}`]).status === 0;

describe("npm run bench:neurons-over-ranks", () => {
  it("measures networks with as many connections and about as many spikes as the page says", () => {
    const args = ["dist-test/bench/neurons-over-ranks.js", "--case", "1000"];
    const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: "utf8" });
    expect(stderr).toBe("");
    expect(status).toBe(0);
    const [alone, ...others] = JSON.parse(stdout) as Record<string, number>[];
    expect(others).toEqual([]);
    // A hundred from neurons, five from inputs, one to the readout and one back.
    expect(alone?.["connections"]).toBe(107_000);
    expect(alone?.["spikes"]).toBeGreaterThan(12);
    expect(alone?.["spikes"]).toBeLessThan(27);
  });
  it("has a block for its table, as the other scripts have theirs", () => {
    const names = [...readFileSync("docs/cluster.md", "utf8").matchAll(/<!-- bench ([^>]+) -->/g)];
    expect(names.map(([, name]) => name)).toEqual([
      "neurons over ranks",
      "ranks",
      "weak scaling",
      "ranks growth",
      "neurons growth",
    ]);
  });
});

describe("npm run bench beside other simulators", () => {
  const runs = [
    ["NEST", "nest", "--nest", "sine-waves", 1e-12],
    ["JAX", "jax", "--jax", "evidence", 1],
  ] as const;
  for (const [simulator, module, option, only, tolerance] of runs) {
    it.skipIf(!has(module))(
      `takes pairs with ${simulator} of the same computation`,
      () => {
        const json = join(folder, `${simulator}.json`);
        const page = join(folder, `${simulator}.md`);
        writeFileSync(page, readFileSync("docs/benchmarks.md"));
        const { status, stderr } = spawnSync(
          process.execPath,
          ["dist-test/bench/run.js", option, "--quick", "--only", only, "--json", json, "--markdown", page],
          { encoding: "utf8" },
        );
        expect(stderr).toBe("");
        expect(status).toBe(0);
        const { comparisons } = JSON.parse(readFileSync(json, "utf8")) as Report;
        expect(comparisons).toHaveLength(2);
        for (const { name, deviation, pairs } of comparisons) {
          expect(deviation, name).toBeLessThan(tolerance);
          expect(pairs).toHaveLength(1);
          for (const { other, own, ratio } of pairs) expect(ratio).toBe(other / own);
        }
        const text = readFileSync(page, "utf8");
        expect(text).toContain(`| ${simulator}, ms`);
        expect(text).toContain(`${simulator} ${comparisons[0]?.version}`);
      },
      120_000,
    );
  }
  it("refuses to compare what is not the same", () => {
    const contest = { name: "one", simulator: "NEST", tolerance: 1e-8 } as const;
    expect(deviationOf(contest, { losses: [2, 3] }, { losses: [2, 3.3] })).toBeCloseTo(1 / 11, 12);
    for (const [theirs, ours] of [
      [{ losses: [2, 3] }, { losses: [2.001, 3] }],
      [{ losses: [Number.NaN] }, { losses: [2] }],
      [{ losses: [2] }, { losses: [] }],
      [{ spikes: 10 }, { spikes: 11 }],
      [{}, { spikes: 11 }],
    ]) {
      expect(() => deviationOf(contest, theirs ?? {}, ours ?? {})).toThrow("one: ");
    }
  });
  it("says the ratio of each pair, their median and spread", () => {
    const pairs = [10, 30, 20].map((ratio) => ({ other: ratio * 2, own: 2, ratio }));
    const comparison = { version: "3.10.0", threads: 1, precision: "f64", pairs, deviation: 2e-15 } as const;
    const comparisons = ["sine-waves", "sine-waves-plus"].map(
      (name) => ({ name, simulator: "NEST", ...comparison }) as const,
    );
    const machine = { processor: "P", cores: 2, memory: 8e9, instructions: "AVX2", node: "v20", roofs: [] };
    const report = { date: "2026-01-02", quick: false, machine, lines: [], growth: [], comparisons };
    const found = blocks(report);
    expect([...found.keys()]).toEqual(["NEST", "summary"]);
    expect(found.get("NEST")).toContain("| sine-waves | 20 – 60 | 2 | 20 × | 10 – 30 | 10, 30, 20 | 2e-15 |");
    expect(found.get("summary")).toContain(
      "eprop is 20 times as fast in the tutorials, 20 times as fast in those with e-prop+ (medians",
    );
  });
});

describe("the interval of a median", () => {
  // Places of the order statistics, from tables of the sign test.
  it.each([
    [6, 1, 6],
    [9, 2, 8],
    [12, 3, 10],
    [20, 6, 15],
    [100, 40, 61],
    [5000, 2431, 2570],
  ])("of %i values", (n, low, high) => {
    const values = Array.from({ length: n }, (_, place) => place + 1);
    expect(medianInterval(values.toReversed())).toMatchObject({ low, high });
  });
  it("has no bounds where there are too few", () => {
    expect(medianInterval([1, 2, 3, 4, 5])).toMatchObject({ low: -Infinity, high: Infinity });
  });
});
