import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RunData } from "../../ts/figures/run-data.js";
import { tasks, trainToEnd } from "../../ts/index.js";
import { runData } from "../../ts/runs/run-folder.js";
import { labelledRuns, writeComparisonOf } from "../../ts/report/comparison.js";
import { writeReport } from "../../ts/report/write.js";
import { seriousFindings } from "./accessibility.js";
import { type Look, launchChromium, visit } from "./chromium.js";

const folder = mkdtempSync(join(tmpdir(), "eprop-report-page-"));
const spikes = 100_000;
let browser: Browser;

/** A run whose recurrent neurons spike a hundred thousand times in a sequence. */
function busy(run: RunData): RunData {
  const { steps } = run.summary.timing;
  const times = Float64Array.from({ length: spikes }, (_, at) => 1 + Math.floor((at * steps) / spikes));
  const senders = Uint32Array.from({ length: spikes }, (_, at) => 101 + ((at * 7919) % 200));
  const events = {
    ...run.events,
    "spikes_rec.times": { data: times },
    "spikes_rec.senders": { data: senders },
  };
  return { ...run, events };
}

beforeAll(async () => {
  const run = runData(await trainToEnd(tasks.lemniscate({ iterations: 3 }), { record: true }));
  for (const [name, data] of [
    ["run", run],
    ["busy", busy(run)],
  ] as const) {
    mkdirSync(join(folder, name));
    await writeReport(join(folder, name), data);
  }
  await writeComparisonOf(labelledRuns(["run", "busy"], [run, busy(run)]), join(folder, "comparison.html"));
  browser = await launchChromium();
}, 60_000);
afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

const open = (path: string, look: Look = {}) => visit(browser, pathToFileURL(join(folder, path)).href, look);

/** Brings a figure into sight and waits until it is drawn; where its picture is. */
async function figure(page: Page, name: string) {
  await page.locator(`#${name} .plot`).scrollIntoViewIfNeeded();
  await page.waitForSelector(`#${name}[data-drawn]`);
  await page.evaluate(`document.querySelector("#${name} .plot").scrollIntoView()`);
  const box = await page.locator(`#${name} canvas`).boundingBox();
  if (box === null) throw new Error(`${name} has no picture`);
  return box;
}

/** How many colours a figure has; a blank one has one. */
const coloursOf = (page: Page, name: string) =>
  page.evaluate<number>(`(() => {
    const canvas = document.querySelector("#${name} canvas");
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return new Set(new Uint32Array(data.buffer)).size;
  })()`);

const figures = [
  "readouts",
  "pattern",
  "learning-performance",
  "activity",
  "dynamics-before",
  "dynamics-after",
  "weight-courses",
  "weight-matrices",
];

describe("a report", () => {
  it.each<[string, Look]>([
    ["on a wide light screen", { width: 1400, colorScheme: "light" }],
    ["on a narrow dark screen", { width: 400, colorScheme: "dark" }],
  ])("shows every figure %s, asks for nothing and complains of nothing", async (_, look) => {
    const { page, problems, requests } = await open("run/report.html", look);
    for (const name of figures) {
      const { width } = await figure(page, name);
      expect(width, name).toBeGreaterThan(250);
      expect(width, name).toBeLessThanOrEqual(look.width ?? 0);
      expect(await coloursOf(page, name), name).toBeGreaterThan(10);
    }
    expect(await page.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
    expect(problems).toEqual([]);
    expect(requests.filter((address) => !address.startsWith("data:"))).toHaveLength(1);
    await page.context().close();
  });

  it.each(["run/report.html", "comparison.html"])("keeps nobody out: %s", async (path) => {
    for (const colorScheme of ["light", "dark"] as const) {
      const { page } = await open(path, { colorScheme });
      await page.waitForSelector("figure[data-drawn]");
      expect(await seriousFindings(page)).toEqual([]);
      await page.context().close();
    }
  });

  it.each([1920, 1280, 400])("fills %d pixels without holes", async (width) => {
    const { page } = await open("run/report.html", { width });
    await expect.poll(() => page.locator("figure:not([data-drawn])").count(), { timeout: 30_000 }).toBe(0);
    await page.waitForTimeout(300);
    const holes = await page.evaluate<
      string[]
    >(`[...document.querySelectorAll(".figures")].flatMap((grid) => {
      const right = grid.getBoundingClientRect().right;
      return [...grid.querySelectorAll("figure")].flatMap((figure) => {
        const card = figure.getBoundingClientRect();
        const plot = figure.querySelector("canvas").getBoundingClientRect();
        const caption = figure.querySelector("figcaption").getBoundingClientRect();
        const next = figure.nextElementSibling?.getBoundingClientRect();
        const isLast = next === undefined || next.top > card.top + 1;
        return [
          ...(card.width - plot.width > 60 ? [figure.id + " is narrower than its card"] : []),
          ...(caption.top - plot.bottom > 60 ? [figure.id + " is lower than its card"] : []),
          ...(isLast && right - card.right > 2 ? [figure.id + " leaves its row empty"] : []),
        ];
      });
    })`);
    expect(holes).toEqual([]);
    await page.context().close();
  });

  it("is light on paper, whatever the screen is", async () => {
    const { page } = await open("run/report.html", { colorScheme: "dark" });
    await page.waitForSelector("#readouts[data-drawn=dark]");
    await page.emulateMedia({ media: "print" });
    expect(await page.locator("#readouts .drawn").isVisible()).toBe(false);
    expect(await page.locator("#readouts img").isVisible()).toBe(true);
    const look = `[document.querySelector("figure"), document.querySelector("#readouts img")].map((element) => {
      const { backgroundColor, filter } = getComputedStyle(element);
      return [backgroundColor, filter];
    })`;
    expect(await page.evaluate(look)).toEqual([
      ["rgb(255, 255, 255)", "none"],
      ["rgba(0, 0, 0, 0)", "none"],
    ]);
    await page.context().close();
  });

  it("tells what is under the pointer", async () => {
    const { page } = await open("run/report.html");
    const told = async (name: string, x: number, y: number) => {
      const box = await figure(page, name);
      await page.mouse.move(box.x + x * box.width, box.y + y * box.height);
      return page.locator(".tooltip").innerText();
    };
    expect(await told("weight-matrices", 0.3, 0.2)).toMatch(
      /input neuron i\s+\d+\s+recurrent neuron j\s+\d+\s+weight \(pA\)\s+-?[\d.]+/,
    );
    expect(await told("learning-performance", 0.55, 0.2)).toMatch(/iteration\s+2\s+loss\s+3\d\d/);
    expect(await told("dynamics-after", 0.5, 0.06)).toMatch(/input i\s+\d+\s+t \(ms\)\s+\d+/);
    await page.mouse.move(2, 2);
    expect(await page.locator(".tooltip").isVisible()).toBe(false);
    await page.context().close();
  });

  it("zooms all panels of a figure into what is dragged over, and back", async () => {
    const { page, problems } = await open("run/report.html");
    const box = await figure(page, "dynamics-after");
    const range = async () =>
      (await page.locator("#dynamics-after").getAttribute("data-range"))?.split(" ").map(Number) ?? [];
    await page.mouse.move(box.x + 0.4 * box.width, box.y + 50);
    await page.mouse.down();
    await page.mouse.move(box.x + 0.6 * box.width, box.y + 55, { steps: 3 });
    await page.mouse.up();
    await page.waitForSelector("#dynamics-after[data-range]");
    const [from = 0, to = 0] = await range();
    expect([from > 300, to < 900, to - from > 200]).toEqual([true, true, true]);
    await page.mouse.dblclick(box.x + 0.5 * box.width, box.y + 50);
    await expect.poll(range).toEqual([0, 1258]);
    await page.keyboard.down("Control");
    await page.mouse.wheel(0, -100);
    await page.keyboard.up("Control");
    await expect
      .poll(async () => (await range()).map((place) => place > 0 && place < 1258))
      .toEqual([true, true]);
    await page.getByRole("button", { name: "whole range" }).click();
    await expect.poll(range).toEqual([0, 1258]);
    expect(problems).toEqual([]);
    await page.context().close();
  });

  it("changes between dark and light", async () => {
    const { page } = await open("run/report.html", { colorScheme: "light" });
    await figure(page, "pattern");
    await page.getByRole("button", { name: "dark / light" }).click();
    await page.waitForSelector("#pattern[data-drawn=dark]");
    expect(await page.evaluate("getComputedStyle(document.body).backgroundColor")).toBe("rgb(13, 17, 23)");
    await page.context().close();
  });

  it("shows pictures where scripts do not run", async () => {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    await page.goto(pathToFileURL(join(folder, "run/report.html")).href);
    const images = page.locator("figure img");
    expect(await images.count()).toBe(figures.length);
    expect((await images.first().boundingBox())?.width).toBeGreaterThan(250);
    await context.close();
  });

  it("answers at once with 100,000 spikes in a raster", async () => {
    const { page, problems } = await open("busy/report.html");
    const box = await figure(page, "dynamics-before");
    const milliseconds: number[] = [];
    for (let at = 0; at < 20; at++) {
      const begin = performance.now();
      await page.mouse.move(box.x + (0.3 + at / 50) * box.width, box.y + 130 + (at % 5));
      await page.evaluate("new Promise(requestAnimationFrame)");
      milliseconds.push(performance.now() - begin);
    }
    expect(await page.locator(".tooltip").innerText()).toMatch(/neuron j\s+\d+/);
    expect(milliseconds.toSorted((a, b) => a - b)[10]).toBeLessThan(250);
    const begin = performance.now();
    await page.mouse.down();
    await page.mouse.move(box.x + 0.4 * box.width, box.y + 130, { steps: 3 });
    await page.mouse.up();
    await page.waitForSelector("#dynamics-before[data-range]");
    expect(performance.now() - begin).toBeLessThan(4000);
    expect(problems).toEqual([]);
    await page.context().close();
  });
});

describe("a comparison", () => {
  it("shows its figures and complains of nothing", async () => {
    const { page, problems } = await open("comparison.html");
    for (const name of ["learning-performance", "activity", "readouts", "pattern-1", "pattern-2"]) {
      await figure(page, name);
      expect(await coloursOf(page, name), name).toBeGreaterThan(10);
    }
    expect(problems).toEqual([]);
    await page.context().close();
  });
});
