import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launchChromium, visit } from "./chromium.js";

const folder = mkdtempSync(join(tmpdir(), "eprop-browser-"));
let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

describe("a visit", () => {
  it("sees what goes wrong in a page", async () => {
    const file = join(folder, "wrong.html");
    writeFileSync(
      file,
      `<title>wrong</title><img src="missing.png"><script>console.error("said"); missing();</script>`,
    );
    const { page, problems, requests } = await visit(browser, pathToFileURL(file).href, {
      width: 400,
      colorScheme: "dark",
    });
    expect(await page.title()).toBe("wrong");
    const look = await page.evaluate("[innerWidth, matchMedia('(prefers-color-scheme: dark)').matches]");
    expect(look).toEqual([400, true]);
    expect(problems.join("\n")).toMatch(/error: said/);
    expect(problems.join("\n")).toMatch(/exception: missing is not defined/);
    expect(problems.join("\n")).toMatch(/request failed: .*missing.png/);
    expect(requests).toHaveLength(2);
    await page.context().close();
  });
  it("says what to install where there is no browser", async () => {
    const before = process.env.CHROMIUM;
    process.env.CHROMIUM = join(folder, "nowhere");
    try {
      expect(() => launchChromium()).toThrow(/need Chromium.*nowhere.*apt-get install chromium/);
    } finally {
      if (before === undefined) delete process.env.CHROMIUM;
      else process.env.CHROMIUM = before;
    }
  });
});
