/** The page of a sweep in a browser. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { RunSummary } from "../../ts/runs/summary.js";
import { sweepHtml } from "../../ts/sweep/page.js";
import type { SweepRun } from "../../ts/sweep/results.js";
import { launchChromium, visit } from "./chromium.js";

const folder = mkdtempSync(join(tmpdir(), "eprop-sweep-page-"));
const file = join(folder, "sweep.html");
let browser: Browser;

beforeAll(async () => {
  const runs = Array.from({ length: 20 }, (_, at): SweepRun => {
    const end = at === 19 ? 1e9 : 50 + at;
    return {
      seed: 1,
      parameters: {
        eta: Number((10 ** (-4 + at / 8)).toPrecision(4)),
        model: at % 2 === 0 ? "<b>lif" : "alif",
      },
      status: "finished",
      summary: {
        loss: [100, 80, end],
        spikes_per_neuron: [1, 2, 3],
        ms_per_iteration: 1.5,
        timing: { steps: 1000, resolution: 1 },
      } as unknown as RunSummary,
    };
  });
  const failed: SweepRun = { seed: 2, parameters: { eta: 0.1 }, status: "failed", failure: "killed" };
  writeFileSync(file, sweepHtml("sine-waves", [...runs, failed]));
  browser = await launchChromium();
});
afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

it("selects runs by parts of axes, and shows the one that is pointed at", async () => {
  const { page, problems, requests } = await visit(browser, pathToFileURL(file).href);
  const rows = page.locator("#runs tbody tr");
  await expect.poll(() => rows.count()).toBe(21);
  expect(await page.locator(".lead").textContent()).toBe(
    "Best: eta=0.0001,model=<b>lif with loss 50.00. 21 trainings: 19 finished, 1 diverged, 1 failed.",
  );
  // Runs are sorted by loss, what diverged and what failed at the end.
  expect(await rows.first().textContent()).toMatch(
    /50.*eprop train --from runs\/eta=0\.0001,model=%3cb%3elif,seed=1\.json/,
  );
  expect(await rows.nth(19).textContent()).toMatch(/diverged/);
  expect(await rows.nth(20).textContent()).toMatch(/killed/);
  // The lower half of the first axis.
  const axis = await page.locator(".handle").first().boundingBox();
  if (axis === null) throw new Error("there is no axis");
  const x = axis.x + axis.width / 2;
  await page.mouse.move(x, axis.y + axis.height / 2);
  await page.mouse.down();
  await page.mouse.move(x, axis.y + axis.height - 1, { steps: 4 });
  await page.mouse.up();
  const chosen = await rows.count();
  expect(chosen).toBeGreaterThan(5);
  expect(chosen).toBeLessThan(16);
  expect(await page.locator("figure").first().locator(".run.out").count()).toBe(21 - chosen);
  await page.getByRole("button", { name: "select all" }).click();
  expect(await rows.count()).toBe(21);
  // Another axis, and another quantity across.
  await page.getByLabel("firing rate (spikes/s)").check();
  expect(await page.locator(".handle").count()).toBe(5);
  await page.getByLabel("across").selectOption("model");
  const marks = page.locator(".panels figure").first().locator("circle.run");
  expect(await marks.count()).toBe(19);
  await marks.first().hover();
  expect(await page.locator(".tooltip").textContent()).toMatch(/eta0\.0001.*model<b>lif.*loss50/);
  expect(await page.locator("#runs tr.near").count()).toBe(1);
  expect(problems).toEqual([]);
  expect(requests).toHaveLength(1);
  await page.context().close();
});

it("fits narrow screens, and has its medians without scripts", async () => {
  const { page } = await visit(browser, pathToFileURL(file).href, { width: 400, colorScheme: "dark" });
  expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(400);
  expect(await page.evaluate("getComputedStyle(document.body).backgroundColor")).toBe("rgb(13, 17, 23)");
  await page.context().close();
  const context = await browser.newContext({ javaScriptEnabled: false });
  const plain = await context.newPage();
  await plain.goto(pathToFileURL(file).href);
  expect(await plain.locator("table").first().locator("tbody tr").count()).toBe(21);
  await context.close();
});

it.each([1280, 400])("shows long values whole, or cut by a sign, at %d pixels", async (width) => {
  const names = ["trained", "feedback-symmetric", "feedback-shuffled", "a-name-that-has-no-end-in-sight"];
  const runs = names.map((control, at): SweepRun => ({
    seed: 1,
    parameters: { control },
    status: "finished",
    summary: {
      loss: [100, 50 + at],
      spikes_per_neuron: [1, 2],
      ms_per_iteration: 1.5,
      timing: { steps: 1000, resolution: 1 },
    } as unknown as RunSummary,
  }));
  const long = join(folder, "long.html");
  writeFileSync(long, sweepHtml("sine-waves", runs));
  const { page, problems } = await visit(browser, pathToFileURL(long).href, { width });
  await expect.poll(() => page.locator("svg text").count()).toBeGreaterThan(8);
  const outside = await page.evaluate<string[]>(`[...document.querySelectorAll("svg text")].filter((text) => {
    const [inner, outer] = [text, text.ownerSVGElement].map((of) => of.getBoundingClientRect());
    return inner.left < outer.left - 1 || inner.right > outer.right + 1;
  }).map(({ textContent }) => textContent)`);
  expect(outside).toEqual([]);
  const labels = await page.locator("figure").first().locator("text").allTextContents();
  expect(labels).toContain("feedback-symmetric");
  expect(labels).toContain("a-name-that-has-no-…");
  expect(problems).toEqual([]);
  await page.context().close();
});
