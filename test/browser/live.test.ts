import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LiveFeed } from "../../ts/live/feed.js";
import { livePage } from "../../ts/live/page.js";
import { serveLive } from "../../ts/live/server.js";
import { readMetrics } from "../../ts/runs/metrics-file.js";
import { seriousFindings } from "./accessibility.js";
import { launchChromium, visit } from "./chromium.js";

const folder = mkdtempSync(join(tmpdir(), "eprop-live-"));
let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

const children: ChildProcess[] = [];
afterAll(() => children.forEach((child) => child.kill("SIGKILL")));

/** A training with a live view, in a process of its own; the code it ends with. */
interface LiveTraining {
  child: ChildProcess;
  url: string;
  ended: Promise<number | null>;
}

async function liveTraining(...args: string[]): Promise<LiveTraining> {
  const child = spawn(process.execPath, ["dist/cli/main.js", "train", ...args, "--live", "--quiet"], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  children.push(child);
  const ended = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
  let said = "";
  for await (const part of child.stderr) {
    said += String(part);
    const url = /live view: (\S+)/.exec(said)?.[1];
    if (url !== undefined) return { child, url, ended };
  }
  throw new Error(`the training did not begin: ${said}`);
}

/** How many different colours the canvases of a page show. */
const colours = (page: Page) =>
  page.evaluate<number[]>(`[...document.querySelectorAll("canvas")].map((canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return new Set(new Uint32Array(data.buffer)).size;
  })`);

/** A value of the page as it becomes; its policy allows no other way to wait. */
const poll = <T>(read: () => Promise<T>) => expect.poll(read, { timeout: 30_000, interval: 50 });
const text = (page: Page, selector: string) => page.locator(selector).first().innerText();
const number = async (page: Page) => Number.parseInt(await text(page, "#numbers dd"), 10);

describe("the live view", () => {
  it("shows a training while it runs, and its button ends it with everything saved", async () => {
    const out = join(folder, "sine");
    const { url, ended } = await liveTraining("sine-waves", "--iterations", "100000", "--out", out);
    const { page, problems, requests } = await visit(browser, url);
    await page.waitForSelector("figure:nth-of-type(2) canvas >> nth=0");
    await page.waitForSelector("#sequence figure:nth-of-type(2) canvas");
    expect(await page.locator("h2").allTextContents()).toEqual([
      "Loss",
      "Firing rate",
      "Gradient",
      "Readout against target",
      "Spikes",
    ]);
    for (const count of await colours(page)) expect(count).toBeGreaterThan(3);
    // It goes on.
    const before = await number(page);
    await poll(() => number(page)).toBeGreaterThan(before);
    // Pointing at a curve says what is there.
    await page
      .locator("#learning .u-over")
      .first()
      .hover({ position: { x: 20, y: 40 } });
    const legend = page.locator("#learning .u-legend").first();
    const pointed = Number.parseInt(
      (await legend.locator(".u-value").first().innerText()).replace(",", ""),
      10,
    );
    expect(pointed).toBeLessThan(await number(page));

    await page.getByRole("button", { name: "Stop and save" }).click();
    await poll(() => text(page, "#state")).toContain("everything is saved");
    expect(await page.getByRole("button", { name: "Stop and save" }).isVisible()).toBe(false);
    // All that there was to do is done.
    expect(await text(page, "#numbers dd")).toMatch(/^\d+$/);
    expect(await ended).toBe(0);
    // The browser keeps the report of a training that is gone.
    const opened = page.waitForEvent("popup");
    await page.getByRole("link", { name: "Open the report" }).click();
    const report = await opened;
    await report.waitForSelector("#learning-performance[data-drawn]");
    expect(await report.locator(".lead").innerText()).toContain("variance");
    const run = JSON.parse(readFileSync(join(out, "run.json"), "utf8")) as { ended: string; loss: number[] };
    expect(run.ended).toBe("request");
    expect(readMetrics(join(out, "metrics.jsonl"))).toHaveLength(run.loss.length);
    // At the end the page hangs up by itself.
    const hungUp = `request failed: ${url}events net::ERR_ABORTED`;
    expect(problems.filter((problem) => problem !== hungUp)).toEqual([]);
    expect(requests.filter((one) => !one.startsWith(url) && one !== "data:,")).toEqual([]);
    await page.context().close();
  });

  it("says so when the run is gone, in the dark on a small screen too", async () => {
    const { child, url } = await liveTraining(
      "evidence-accumulation",
      "--iterations",
      "5000",
      "--out",
      join(folder, "evidence"),
    );
    const { page, problems } = await visit(browser, url, { width: 400, colorScheme: "dark" });
    await page.waitForSelector("#sequence figure:nth-of-type(2) canvas");
    expect(await page.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
    expect(await page.evaluate("getComputedStyle(document.body).backgroundColor")).toBe("rgb(13, 17, 23)");
    expect(problems).toEqual([]);
    expect(await seriousFindings(page)).toEqual([]);
    child.kill("SIGKILL");
    await poll(() => text(page, "#state")).toContain("does not answer");
    await page.context().close();
  });

  it("stays responsive with a hundred thousand spikes", async () => {
    const feed = new LiveFeed(
      {
        task: "large",
        text: "",
        seed: 1,
        kind: "regression",
        gradient: false,
        planned: 9,
        populations: [{ name: "recurrent neurons", n: 2000 }],
        facts: [],
      },
      1000,
    );
    const parts = new URL("../../dist/live/page/", import.meta.url);
    await using server = await serveLive(feed, livePage(parts), () => {});
    const { page, problems } = await visit(browser, server.url);
    // The courses have the whole width until there is a sequence beside them.
    const wide = () => page.evaluate<number>(`document.getElementById("learning").clientWidth / innerWidth`);
    expect(await wide()).toBeGreaterThan(0.9);
    const count = 100_000;
    const spikes = {
      times: Float64Array.from({ length: count }, (_, at) => Math.floor(at / 100)),
      neurons: Uint32Array.from({ length: count }, (_, at) => (at * 37) % 2000),
      size: 2000,
    };
    await page.evaluate(`{
      window.longest = 0;
      let last = performance.now();
      const beat = () => {
        const now = performance.now();
        window.longest = Math.max(window.longest, now - last);
        last = now;
        setTimeout(beat, 5);
      };
      beat();
    }`);
    for (let at = 1; at <= 4; at++) {
      feed.push({
        iteration: at,
        phase: "training",
        loss: 1,
        readoutLosses: [1],
        ms: 1,
        spikesPerNeuron: 50,
      });
      feed.sample({
        iteration: at,
        duration: 1000,
        resolution: 1,
        learningFrom: 0,
        input: spikes,
        recurrent: spikes,
        signals: { readout: new Float64Array(1000), target: new Float64Array(1000).fill(1) },
        readouts: 1,
      });
      await poll(() => text(page, "#sequence")).toContain(`iteration ${at}`);
    }
    expect(await wide()).toBeLessThan(0.7);
    // Generous: whatever else runs on the machine holds the page up too.
    expect(await page.evaluate("window.longest")).toBeLessThan(2000);
    expect(await page.locator("figcaption span").allTextContents()).toContain(
      "iteration 4: 100 of 2000 inputs, 100 of 2000 neurons",
    );
    expect(problems).toEqual([]);
    await page.context().close();
  });
});
