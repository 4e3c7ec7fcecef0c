import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { figuresOf, renderSvg } from "../ts/figures/index.js";
import { sequenceEvents } from "../ts/figures/run-data.js";
import { tasks, trainToEnd } from "../ts/index.js";
import { npz, readNpz } from "../ts/recording/npz.js";
import { readRunFolder, runData, writeRunFolder } from "../ts/recording/run-folder.js";

const folder = mkdtempSync(join(tmpdir(), "eprop-report-"));
const run = join(folder, "run");
let data: ReturnType<typeof runData>;
beforeAll(async () => {
  const result = await trainToEnd(tasks.lemniscate({ iterations: 3 }), { record: true });
  data = runData(result);
  await writeRunFolder(run, result);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("NumPy archives", () => {
  it("are read as they were written", () => {
    const array = fc.oneof(
      fc.float64Array({ noNaN: true }).map((values) => ({ data: values, shape: [values.length] })),
      fc.uint32Array().map((values) => ({ data: values, shape: [values.length] })),
      fc
        .float64Array({ noNaN: true, minLength: 6, maxLength: 6 })
        .map((values) => ({ data: values, shape: [2, 3] })),
    );
    const same = fc.property(array, (one) => {
      expect(readNpz(npz({ one }))).toEqual({ one });
    });
    fc.assert(same, { numRuns: 50 });
  });
});

describe("run folders", () => {
  it("are read as they were written", () => {
    const read = readRunFolder(run);
    expect(read.summary.loss).toEqual(data.summary.loss);
    expect(read.weights.in_rec_after?.data).toEqual(data.weights.in_rec_after?.data);
    expect(Object.keys(read.events).toSorted()).toEqual(Object.keys(data.events).toSorted());
  });
  it("say what is wrong with them", () => {
    const write = (text: string) => writeFileSync(join(run, "run.json"), text);
    const whole = readFileSync(join(run, "run.json"), "utf8");
    write("{");
    expect(() => readRunFolder(run)).toThrow(/run.json is not JSON/);
    write(whole.replace('"format": 2', '"format": 99'));
    expect(() => readRunFolder(run)).toThrow(/format 99/);
    write('{"format":2}');
    expect(() => readRunFolder(run)).toThrow(/incomplete/);
    write(whole);
    writeFileSync(join(folder, "weights.npz"), "no archive");
    expect(() => readRunFolder(folder)).toThrow(/run.json cannot be read/);
  });
});

describe("figures", () => {
  it("show one sequence before and one after training", () => {
    const [first, last] = (["first", "last"] as const).map((when) => sequenceEvents(data, "readouts", when));
    expect(first?.times).toHaveLength(2 * 1258);
    expect([first?.times[0], last?.times[0], last?.times.at(-1)]).toEqual([1, 1, 1258]);
    expect(last?.values.readout_signal).not.toEqual(first?.values.readout_signal);
  });
  it("are those the run has data for, and are drawn", async () => {
    const figures = figuresOf(data);
    expect(figures.map(({ name }) => name)).toEqual([
      "learning-performance",
      "pattern",
      "dynamics",
      "weights",
    ]);
    for (const figure of figures) expect(await renderSvg(figure, "dark")).toMatch(/^<svg[^]*<\/svg>$/);
  });
  it("leave out what was not recorded", async () => {
    const bare = runData(await trainToEnd(tasks.sineWaves({ iterations: 2 })));
    expect(figuresOf(bare).map(({ name }) => name)).toEqual(["learning-performance", "weights"]);
  });
});

describe("reports", () => {
  it("are one file that needs no network", () => {
    const html = readFileSync(join(run, "report.html"), "utf8");
    expect(html.match(/<figure /g)).toHaveLength(4);
    expect(html.replaceAll("http://www.w3.org/", "")).not.toMatch(/https?:\/\/|<script/);
    expect(readdirSync(join(run, "figures")).filter((name) => name.endsWith(".svg"))).toHaveLength(4);
  });
});
