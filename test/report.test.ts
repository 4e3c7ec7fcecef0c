import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { decode } from "fast-png";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "./fuzz/fast-check.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { shown } from "../ts/figures/figure.js";
import {
  type Figure,
  type Specification,
  figuresOf,
  renderPng,
  renderSvg,
  specificationOf,
} from "../ts/figures/index.js";
import { rasterOf } from "../ts/figures/raster.js";
import { type RunData, sequenceEvents } from "../ts/figures/run-data.js";
import { thinnedCurve } from "../ts/figures/thinned-curve.js";
import { theme } from "../ts/figures/theme.js";
import { tasks, trainToEnd } from "../ts/index.js";
import { type NumberArray, npz, readNpz } from "../ts/formats/npz.js";
import { writeRunFolder } from "../ts/report/run-folder.js";
import { readRunFolder, runData } from "../ts/runs/run-folder.js";
import { comparisonHtml, labelledRuns, writeComparison } from "../ts/report/comparison.js";
import type { RunSummary } from "../ts/runs/summary.js";
import type { Schedule } from "../ts/tasks/task.js";
import { explainedVariance, leadOf, shareInterval } from "../ts/report/lead.js";
import { reportHtml } from "../ts/report/report.js";
import { writeReport } from "../ts/report/write.js";

const folder = mkdtempSync(join(tmpdir(), "eprop-report-"));
const run = join(folder, "run");
let data: ReturnType<typeof runData>;
let bare: ReturnType<typeof runData>;
let cues: ReturnType<typeof runData>;
let digits: ReturnType<typeof runData>;
beforeAll(async () => {
  const result = await trainToEnd(tasks.lemniscate({ iterations: 3 }), { record: true });
  data = runData(result);
  bare = runData(await trainToEnd(tasks.sineWaves({ iterations: 2 })));
  const evidence = tasks.evidenceAccumulation({ iterations: 1, testIterations: 1 });
  cues = runData(await trainToEnd(evidence, { record: true }));
  const events = tasks.nMnist({ synthetic: true, iterations: 1, groupSize: 2, testIterations: 1 });
  digits = runData(await trainToEnd(events, { record: true }));
  await writeRunFolder(run, result);
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const patternFigures = [
  "readouts",
  "pattern",
  "learning-performance",
  "activity",
  "dynamics-before",
  "dynamics-after",
  "weight-courses",
  "weight-matrices",
];

/** Edits `run.json` of a folder. */
const edited = (edit: (text: string) => string) => (path: string) => {
  const file = join(path, "run.json");
  writeFileSync(file, edit(readFileSync(file, "utf8")));
};

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
  it.each<[string, (folder: string) => void, RegExp]>([
    [
      "without run.json",
      (path) => rmSync(join(path, "run.json")),
      /run.json is missing: .* after 3 iterations/,
    ],
    ["with half a run.json", edited((text) => text.slice(0, 200)), /run.json is not JSON/],
    [
      "with another format",
      edited((text) => text.replace('"format": 2', '"format": 99')),
      /format 99 of eprop 0/,
    ],
    ["with a list for run.json", edited(() => "[]"), /format undefined/],
    ["with null for run.json", edited(() => "null"), /format undefined/],
    ["without losses", edited((text) => text.replace('"loss":', '"los":')), /run.json has no loss/],
    [
      "with text for steps",
      edited((text) => text.replace('"steps": 1258', '"steps": "x"')),
      /no timing.steps/,
    ],
    [
      "with too few times",
      edited((text) => JSON.stringify({ ...(JSON.parse(text) as object), ms: [1] })),
      /1 value in ms for 3 iterations/,
    ],
    ["without weights", (path) => rmSync(join(path, "weights.npz")), /weights.npz cannot be read/],
    ["with a broken archive", (path) => writeFileSync(join(path, "events.npz"), "none"), /events.npz/],
    [
      "with weights of another network",
      (path) =>
        writeFileSync(join(path, "weights.npz"), npz({ in_rec_before: { data: new Float64Array(3) } })),
      /weights.npz has no in_rec_before of shape 200 × 100/,
    ],
    [
      "with events of different lengths",
      (path) =>
        writeFileSync(
          join(path, "events.npz"),
          npz({ "a.times": { data: new Float64Array(3) }, "a.V_m": { data: new Float64Array(2) } }),
        ),
      /events.npz has 2 values in a.V_m for 3 times/,
    ],
  ])("are refused %s", (name, damage, message) => {
    const copy = join(folder, name);
    cpSync(run, copy, { recursive: true });
    damage(copy);
    expect(() => readRunFolder(copy)).toThrow(message);
  });
  it("are read where a loss is no number", () => {
    const copy = join(folder, "diverged");
    cpSync(run, copy, { recursive: true });
    edited((text) => text.replace(/"loss": \[\s*[\d.]+/, '"loss": [null'))(copy);
    const { loss } = readRunFolder(copy).summary;
    expect(loss).toEqual([Number.NaN, ...data.summary.loss.slice(1)]);
  });
});

const names = (figures: readonly Figure[]) => figures.map(({ name }) => name);

describe("figures", () => {
  it("show one sequence before and one after training", () => {
    const [first, last] = (["first", "last"] as const).map((when) => sequenceEvents(data, "readouts", when));
    expect(first?.times).toHaveLength(2 * 1258);
    expect([first?.times[0], last?.times[0], last?.times.at(-1)]).toEqual([1, 1, 1258]);
    expect(last?.values.readout_signal).not.toEqual(first?.values.readout_signal);
  });
  it("are those of the tutorial, in a whole Vega-Lite specification, drawn light and dark", async () => {
    const figures = figuresOf(data);
    expect(names(figures)).toEqual(patternFigures);
    const [light, dark] = [theme("light").background, theme("dark").background];
    for (const figure of figures) {
      expect(specificationOf(figure)).toMatchObject({ $schema: expect.stringContaining("vega-lite/v6") });
      const [onLight, onDark] = [await renderSvg(figure), await renderSvg(figure, "dark")];
      expect(onLight).toMatch(/^<svg[^]*<\/svg>$/);
      expect([onLight.includes(light), onDark.includes(dark)]).toEqual([true, true]);
    }
  });
  it("have the panels of NEST's figures, with its symbols and units", async () => {
    interface Panel {
      title: { text: string };
      encoding: { y: { scale: object } };
    }
    const dynamics = figuresOf(data).filter(({ name }) => name.startsWith("dynamics"));
    const [before = [], after = []] = dynamics.map(({ specification }) => specification.vconcat as Panel[]);
    const panels = ["zᵢ", "zⱼ", "vⱼ (mV)", "ψⱼ", "Aⱼ (mV)", "Lⱼ (pA)", "vₖ (mV)", "yₖ*", "yₖ", "yₖ − yₖ*"];
    for (const figure of [before, after]) {
      expect(figure.map(({ title }) => title.text.split("\u2003")[0])).toEqual(panels);
    }
    const scales = (figure: Panel[]) => figure.map(({ encoding }) => encoding.y.scale);
    expect(scales(after)).toEqual(scales(before));
  });
  interface Curves {
    title: { text: string };
    data: { name: string };
    encoding: Record<
      "color" | "strokeDash" | "y",
      { field: string; scale: { domain: number[]; range: unknown } }
    >;
  }
  const figureOf = (of: RunData, wanted: string) =>
    figuresOf(of).find(({ name }) => name === wanted)?.specification as Specification;
  it("begin when what they show is of their own sequence", () => {
    const { datasets } = figureOf(cues, "dynamics-after") as {
      datasets: Record<string, Record<string, number>[]>;
    };
    // The target comes at the sequence's end, and with it errors and learning signals.
    const signals = ["learning_signal", "error_signal", "target_signal"];
    for (const rows of Object.values(datasets)) {
      for (const row of rows.filter(({ t = 0 }) => t < 2000)) {
        for (const signal of signals) expect(row[signal] ?? 0, `${signal} at ${row.t} ms`).toBe(0);
      }
    }
    expect(datasets.recurrent_1?.some(({ learning_signal }) => learning_signal !== 0)).toBe(true);
  });
  it("tell ten readouts apart by colour and dashes, and say which is which", async () => {
    const panels = (figureOf(digits, "dynamics-after").vconcat as Curves[]).filter(
      (panel) => panel.data.name === "readouts",
    );
    expect(panels).toHaveLength(4);
    for (const { encoding } of panels) {
      expect(encoding.color.scale).toMatchObject({ domain: [...Array(10).keys()], range: "ordinal" });
      const { ordinal } = theme("light").range;
      const dashes = encoding.strokeDash.scale.range as number[][];
      const looks = dashes.map((dash, k) => `${ordinal[k % ordinal.length]} ${dash.join(" ")}`);
      expect(new Set(looks).size).toBe(10);
    }
    const figure = figuresOf(digits).find(({ name }) => name === "dynamics-after") as Figure;
    const svg = await renderSvg(figure);
    expect(svg.match(/class="mark-symbol role-legend-symbol"/g)).toHaveLength(10);
  });
  it("say why there is no gradient norm with e-prop+", async () => {
    const [activity] = figuresOf(digits).filter(({ name }) => name === "activity") as [Figure];
    expect(activity.specification.vconcat).toHaveLength(1);
    expect(await renderSvg(activity)).toContain("There is no gradient norm: with e-prop+");
    expect(await renderSvg(figuresOf(data)[3] as Figure)).not.toContain("no gradient norm");
  });
  it("draw what was written on a screen the right way up", () => {
    const vertical = (task: string, drawing: string) => {
      const parameters = { ...data.summary.parameters, data: drawing };
      const { params } = figureOf({ ...data, summary: { ...data.summary, task, parameters } }, "pattern");
      const of = (wanted: string) =>
        (params as { name: string; value: number }[]).find(({ name }) => name === wanted)?.value as number;
      return Math.sign(of("high") - of("low"));
    };
    expect(vertical("lemniscate", "")).toBe(1);
    expect(vertical("handwriting", "eprop")).toBe(1);
    expect(vertical("handwriting", "pen.txt")).toBe(-1);
  });
  it("draw weights of zero close to the background, in both looks", async () => {
    const of = data.weights["rec_rec_after"] as NumberArray;
    const sparse = {
      ...of,
      data: (of.data as Float64Array).map((weight, at) => (at % 10 === 0 ? weight : 0)),
    };
    const weights = { ...data.weights, rec_rec_before: sparse, rec_rec_after: sparse };
    const figure = figuresOf({ ...data, weights }).find(({ name }) => name === "weight-matrices") as Figure;
    const grey = (hex: string) => parseInt(hex.slice(1, 3), 16) + parseInt(hex.slice(5, 7), 16);
    for (const scheme of ["light", "dark"] as const) {
      const svg = await renderSvg(figure, scheme);
      const [, between] = [...svg.matchAll(/href="data:image\/png;base64,([^"]+)"/g)].filter(
        (_, at) => at % 2 === 0,
      );
      const { data: pixels } = decode(Buffer.from(between?.[1] ?? "", "base64"));
      let quiet = 0;
      for (let at = 0; at < pixels.length; at += 3) {
        const [red = 0, , blue = 0] = pixels.slice(at, at + 3);
        if (Math.abs(red + blue - grey(theme(scheme).background)) < 60) quiet++;
      }
      expect(quiet / (pixels.length / 3)).toBeGreaterThan(0.85);
    }
  });
  it("leave out what was not recorded", () => {
    expect(names(figuresOf(bare))).toEqual(["learning-performance", "activity", "weight-matrices"]);
  });
  it("have letters where the system has no fonts", async () => {
    const svg =
      '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><text y="15" font-family="system-ui, sans-serif">ψⱼ</text></svg>';
    const empty = svg.replace("ψⱼ", "");
    expect(await renderPng(svg)).not.toEqual(await renderPng(empty));
    const png = Buffer.from(await renderPng(svg, 400));
    expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([400, 200]);
  });
});

describe("numbers in figures", () => {
  it("have so many digits", () => {
    const number = fc.property(
      fc.double({ min: -1e300, max: 1e300 }),
      fc.integer({ min: 1, max: 8 }),
      (value, most) => {
        const rounded = shown(value, most) ?? Number.NaN;
        if (Number.isNaN(value)) {
          expect(rounded).toBeNaN();
          return;
        }
        // In the middle between two numbers, either is right; the smallest numbers have few digits themselves.
        const room = Math.max(0.500001 * 10 ** (1 - most) * Math.abs(value), 1e-300);
        expect(Math.abs(rounded - value)).toBeLessThanOrEqual(room);
        const [mantissa = ""] = Math.abs(rounded).toExponential().split("e");
        expect(mantissa.replace(".", "").length).toBeLessThanOrEqual(most);
      },
    );
    fc.assert(number, { numRuns: 1000 });
  });
});

describe("curves in pictures", () => {
  const curve = fc.array(fc.option(fc.double({ min: -10, max: 10, noNaN: true }), { freq: 20 }), {
    minLength: 1,
    maxLength: 200,
  });
  it("pass all points at a distance below what can be seen, through points alone", () => {
    const property = fc.property(curve, fc.double({ min: 0.01, max: 5 }), (values, most) => {
      const points = values.map((y, x) => ({ x, y }));
      const kept = thinnedCurve(points, ({ x, y }) => [x, y], most);
      expect(kept[0]).toBe(points[0]);
      expect(kept.at(-1)).toBe(points.at(-1));
      expect(kept.map(({ x }) => x)).toEqual(kept.map(({ x }) => x).toSorted((a, b) => a - b));
      for (const { x, y } of points) {
        const after = kept.find((point) => point.x >= x) as (typeof points)[number];
        const before = kept.findLast((point) => point.x <= x) as (typeof points)[number];
        if (y === null) expect(after).toBe(before);
        else if (after !== before) {
          const share = (x - before.x) / (after.x - before.x);
          const line = (before.y as number) + share * ((after.y as number) - (before.y as number));
          expect(Math.abs(line - y)).toBeLessThanOrEqual(most + 1e-9);
        }
      }
    });
    fc.assert(property, { numRuns: 200 });
  });
  it("need two points for a line", () => {
    const points = Array.from({ length: 1000 }, (_, x) => ({ x, y: 3 * x }));
    expect(thinnedCurve(points, ({ x, y }) => [x, y], 0.1)).toEqual([points[0], points[999]]);
  });
});

describe("rasters", () => {
  it("draw each spike where there are few", () => {
    const { marks, every } = rasterOf([10, 20, 900], [0, 1, 0], 2, 1000);
    expect(every).toBe(1);
    expect(marks).toEqual([
      { neuron: 1, from: 10, to: 10, spikes: 1 },
      { neuron: 2, from: 20, to: 20, spikes: 1 },
      { neuron: 1, from: 900, to: 900, spikes: 1 },
    ]);
  });
  it("draw few marks of many spikes, and lose none of the neurons drawn", () => {
    const spike = fc.tuple(fc.integer({ min: 1, max: 2000 }), fc.nat({ max: 299 }));
    const property = fc.property(
      fc.array(spike, { maxLength: 3000 }),
      fc.integer({ min: 1, max: 20 }),
      (few, times) => {
        const spikes = Array.from({ length: times }, () => few)
          .flat()
          .toSorted(([a], [b]) => a - b);
        const { marks, every } = rasterOf(
          spikes.map(([time]) => time),
          spikes.map(([, neuron]) => neuron),
          300,
          2000,
        );
        expect(marks.length).toBeLessThanOrEqual(6000);
        const drawn = spikes.filter(([, neuron]) => neuron % every === 0).length;
        expect(marks.reduce((sum, mark) => sum + mark.spikes, 0)).toBe(drawn);
      },
    );
    fc.assert(property, { numRuns: 30 });
  });
});

describe("reports", () => {
  it("are one file that needs no network, and have the figures beside them", () => {
    const html = readFileSync(join(run, "report.html"), "utf8");
    expect(html.match(/<figure /g)).toHaveLength(patternFigures.length);
    expect(html).not.toMatch(/<(script|link|img|iframe)[^>]+(src|href)="(?!data:)/);
    expect(readdirSync(join(run, "figures")).toSorted()).toEqual(
      patternFigures.flatMap((name) => [`${name}.png`, `${name}.svg`, `${name}.vl.json`]).toSorted(),
    );
  });
  it("say what was trained, on what, and what it cost", () => {
    const html = readFileSync(join(run, "report.html"), "utf8");
    const { machine, eprop, loss } = data.summary;
    for (const text of [
      "lemniscate, seed 1",
      machine.node,
      eprop,
      "200 eprop_iaf_adapt_bsshslm_2020",
      "MiB",
    ]) {
      expect(html).toContain(text);
    }
    expect(html).toContain(`<td>${Number(loss[2]?.toPrecision(8))}</td>`);
  });
  it("begin with what was learned, how well and against chance", () => {
    const decided = (errors: number[], batchSize: number): RunData => {
      const { summary } = cues;
      const label = errors.map(() => "test");
      const results = { iteration: errors.map((_, at) => at + 1), label, loss: errors, error: errors };
      return { ...cues, summary: { ...summary, results, timing: { ...summary.timing, batchSize } } };
    };
    // Wilson (1927): 8 of 10 give 0.490 to 0.943.
    expect(shareInterval(0.8, 10).map((bound) => bound.toFixed(3))).toEqual(["0.490", "0.943"]);
    expect(leadOf(decided([0.25, 0.25], 50))).toBe(
      "75 % of 100 test sequences were classified correctly (95 % interval: 65.7 % to 82.5 %); chance is 50 %.",
    );
    expect(leadOf(decided([0.45], 20))).toContain("cannot be distinguished from chance, 50 %");
    const diverged = { ...bare, summary: { ...bare.summary, loss: [1, Number.NaN] } };
    expect(leadOf(diverged)).toContain("diverged: the loss of iteration 2");
    const far = (ended: RunSummary["ended"], loss: number[]) =>
      leadOf({ ...bare, summary: { ...bare.summary, ended, loss } });
    expect(far("schedule", [1, 10])).toMatch(/^After 2/);
    expect(far("schedule", [1, 11])).toBe(
      "The training diverged: the loss went from 1 to 11 in 2 iterations.",
    );
    expect(far("divergence", [1, 2])).toContain("The training diverged: the loss went from 1 to 2");
    expect(leadOf(bare)).toMatch(/^After 2 iterations the loss went from 102 to /);
  });
  it("tell phases apart where nothing is classified", async () => {
    const task = tasks.sineWaves({ iterations: 4, validateEvery: 2, testIterations: 1 });
    const told = runData(await trainToEnd(task));
    const { loss, phases } = told.summary;
    const at = (phase: string) => loss.filter((_, place) => phases?.[place] === phase);
    expect(at("training")).toHaveLength(4);
    expect(at("validation").length).toBeGreaterThan(0);
    const [first, last] = [at("training")[0], at("training").at(-1)].map((value) =>
      Number(value?.toPrecision(4)),
    );
    expect(leadOf(told)).toContain(`After 4 iterations the loss went from ${first} to ${last}`);
    expect(reportHtml(told, [])).toContain("loss, validation");
    const performance = figuresOf(told).find(({ name }) => name === "learning-performance") as Figure;
    expect(JSON.stringify(performance.specification)).toContain('"phase":"validation"');
    expect(bare.summary.phases).toBeUndefined();
  });
  it("say which part of the targets' variance readouts explain", () => {
    const target = data.events["readouts.target_signal"]?.data as Float64Array;
    const readoutsOf = (of: (value: number) => number): RunData => ({
      ...data,
      events: { ...data.events, "readouts.readout_signal": { data: target.map(of) } },
    });
    expect(
      explainedVariance(
        readoutsOf((value) => value),
        "last",
      ),
    ).toBe(1);
    expect(
      explainedVariance(
        readoutsOf((value) => value / 2),
        "last",
      ),
    ).toBeCloseTo(0.75, 2);
    // Targets swing about zero.
    expect(
      explainedVariance(
        readoutsOf(() => 0),
        "last",
      ),
    ).toBeCloseTo(0, 2);
    expect(leadOf(readoutsOf((value) => value / 2))).toContain("The readouts explain 75");
    expect(leadOf(readoutsOf((value) => -value))).toContain("no better yet than a constant");
  });
  it("show text that looks like markup as text", () => {
    const parameters = { ...data.summary.parameters, data: "</script><script>alert(1)</script>" };
    const html = reportHtml({ ...data, summary: { ...data.summary, parameters } }, []);
    expect(html).not.toContain("<script>alert");
    expect(html).toContain("&lt;script&gt;alert");
  });
  it.each([
    ["lemniscate", () => data],
    ["evidence-accumulation", () => cues],
    ["n-mnist", () => digits],
  ] as const)("take less than 3 s of the processor, figures and all: %s", async (_, of) => {
    const seconds: number[] = [];
    // The best of a few: others use the machine too.
    for (let times = 0; times < 3 && !(Math.min(...seconds) < 3); times++) {
      const begin = process.cpuUsage();
      await writeReport(join(folder, "again"), of());
      const { user, system } = process.cpuUsage(begin);
      seconds.push((user + system) / 1e6);
    }
    expect(Math.min(...seconds)).toBeLessThan(3);
  });
});

describe("comparisons", () => {
  const runOf = (seed: number, eta: number): RunData => ({
    ...data,
    summary: { ...data.summary, seed, parameters: { ...data.summary.parameters, seed, eta } },
  });
  it("name runs by what they differ in", () => {
    const labels = (...runs: RunData[]) =>
      labelledRuns(
        runs.map((_, at) => `runs/${at}`),
        runs,
      ).map(({ label }) => label);
    expect(labels(runOf(1, 0.1), runOf(2, 0.1))).toEqual(["seed 1", "seed 2"]);
    expect(labels(runOf(1, 0.1), runOf(1, 0.2))).toEqual(["eta 0.1", "eta 0.2"]);
    expect(labels(runOf(1, 0.1), runOf(1, 0.1))).toEqual(["0", "1"]);
  });
  it("have all runs in each figure, and mark settings that differ", async () => {
    const html = await comparisonHtml(labelledRuns(["a", "b"], [runOf(1, 0.1), runOf(2, 0.1)]));
    expect([...html.matchAll(/<figure id="([^"]+)"/g)].map(([, id]) => id)).toEqual([
      "learning-performance",
      "activity",
      "readouts",
      "pattern-1",
      "pattern-2",
    ]);
    expect(html).toContain('<tr class="differs"><td>seed</td><td>1</td><td>2</td></tr>');
    expect(html.match(/class="differs"/g)).toHaveLength(1);
  });
  it("take together what differs in its seed alone, and count what diverged", async () => {
    const ending = (seed: number, eta: number, last: number): RunData => {
      const { summary, ...rest } = runOf(seed, eta);
      return { ...rest, summary: { ...summary, loss: [...summary.loss.slice(0, -1), last] } };
    };
    const first = data.summary.loss[0] as number;
    const few = [ending(1, 0.1, 40), ending(2, 0.1, 60), ending(3, 0.1, 50), ending(4, 0.1, 99 * first)];
    const many = [...few, ...[1, 2, 3, 4, 5].map((seed) => ending(seed, 0.2, 10 * seed))];
    const html = await comparisonHtml(
      labelledRuns(
        many.map((_, at) => String(at)),
        many,
      ),
    );
    expect(html).toContain("9 runs of 2 settings");
    expect(html).toContain("<tr><td>eta 0.1</td><td>4 (1 of 4 diverged)</td><td>55 [47.5, ∞]</td></tr>");
    expect(html).toContain("<tr><td>eta 0.2</td><td>5</td><td>30 [20, 40]</td></tr>");
    // A row for each run, and of each setting the run in the middle.
    expect(html.match(/<td>seed \d, eta 0\.\d<\/td>/g)).toHaveLength(9);
    expect([...html.matchAll(/<h2>Pattern[^<]*: ([^<]*)<\/h2>|id="pattern-(\d)"/g)].length).toBe(4);
    const beginning = (seed: number, projections: string[]): RunData => {
      const { summary, ...rest } = runOf(seed, 0.1);
      const init = { path: "a", projections };
      const of = { precision: "f64", gradient: "adjoint", digests: {}, schedule: {}, init };
      return { ...rest, summary: { ...summary, made: of as never } };
    };
    const begun = [beginning(1, ["in_rec"]), beginning(2, ["in_rec"]), beginning(1, ["rec_out"])];
    const all = labelledRuns(["1", "2", "3"], begun).map(({ label }) => label);
    expect(all[2]).toContain("rec_out");
    const forward = runOf(2, 0.1);
    const made = { precision: "f64", gradient: "forward", digests: {}, schedule: {} } as never;
    const [a, b] = labelledRuns(
      ["a", "b"],
      [runOf(1, 0.1), { ...forward, summary: { ...forward.summary, made } }],
    );
    expect(a?.group).not.toBe(b?.group);
  });
  it("show the others beside a run that diverged", async () => {
    const { summary, ...rest } = runOf(1, 5);
    const loss = summary.loss.map((value, at) => (at === 0 ? value : 1e12));
    const diverged = { ...rest, summary: { ...summary, loss } };
    const runs = labelledRuns(["a", "b", "c"], [runOf(1, 0.1), runOf(2, 0.1), diverged]);
    const html = await comparisonHtml(runs);
    expect(html).toContain("Runs that diverged lie beyond the panels");
    expect(html).not.toContain("500,000,000,000");
    expect(html).toContain("<td>1e+12</td>");
    const alike = await comparisonHtml(runs.slice(0, 2));
    expect(alike).not.toContain("Runs that diverged");
    expect(alike).toContain("2 runs of one setting, which differ in their seeds alone.");
    const again = labelledRuns(["a", "b"], [runOf(1, 0.1), runOf(1, 0.1)]);
    expect(await comparisonHtml(again)).toContain("2 runs of one setting with one seed.");
  });
  it("name settings by what was chosen", () => {
    const of = (n_rec: number, schedule: Partial<Schedule>): RunData => {
      const { summary, ...rest } = runOf(1, 0.1);
      const planned = {
        iterations: 5,
        validateEvery: 0,
        earlyStopIterations: 0,
        testIterations: 0,
        ...schedule,
      };
      const made = { precision: "f64", gradient: "adjoint", digests: {}, schedule: planned } as never;
      const network = { ...summary.network, recurrent: [{ model: "eprop_iaf_bsshslm_2020", n: n_rec }] };
      const parameters = { ...summary.parameters, n_rec };
      return { ...rest, summary: { ...summary, made, network, parameters } };
    };
    const groups = (...runs: RunData[]) => labelledRuns(["a", "b"], runs).map(({ group }) => group);
    expect(groups(of(10, {}), of(20, {}))).toEqual(["n_rec 10", "n_rec 20"]);
    expect(
      groups(
        of(10, { validateEvery: 5, earlyStopIterations: 8, patience: 2 }),
        of(10, { validateEvery: 5, testIterations: 1 }),
      ),
    ).toEqual([
      "schedule 5 iterations, a validation every 5, patience 2",
      "schedule 5 iterations, a validation every 5, no early stop, 1 test iteration",
    ]);
  });
  it("have each run once, and replace nothing but pages", async () => {
    const paths = ["one", "two"].map((name) => join(folder, name));
    for (const path of paths) cpSync(run, path, { recursive: true });
    const out = join(folder, "kept.txt");
    writeFileSync(out, "kept");
    await expect(writeComparison([...paths, join(paths[0] as string, ".")], out)).rejects.toThrow(
      /cannot be compared with itself/,
    );
    await expect(writeComparison(paths, out)).rejects.toThrow(/kept.txt is there already, and is no page/);
    expect(readFileSync(out, "utf8")).toBe("kept");
    writeFileSync(out, "<!DOCTYPE html>");
    await writeComparison(paths, out);
    expect(readFileSync(out, "utf8").length).toBeGreaterThan(1e4);
  });
  it("are of two runs or more of one task", async () => {
    await expect(comparisonHtml(labelledRuns(["a"], [data]))).rejects.toThrow(/1 run/);
    await expect(comparisonHtml(labelledRuns(["a", "b"], [data, bare]))).rejects.toThrow(
      /lemniscate, sine-waves/,
    );
  });
});
