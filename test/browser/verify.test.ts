/** The page of a verification in a browser. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { tasks } from "../../ts/index.js";
import { type Verification, verifyTask, writeVerification } from "../../ts/verify/index.js";
import { seriousFindings } from "./accessibility.js";
import { launchChromium, visit } from "./chromium.js";

const folder = mkdtempSync(join(tmpdir(), "eprop-verification-"));
let browser: Browser;
let proof: Verification;

beforeAll(async () => {
  const options = { neurons: 8, steps: 200, sequences: 2, iterations: 3 };
  proof = await verifyTask(tasks.evidenceAccumulation({ batchSize: 4 }), options);
  await writeVerification(proof, folder);
  browser = await launchChromium();
}, 60_000);
afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

it.each([
  [1280, "light"],
  [400, "dark"],
] as const)("draws all that was found, in %d pixels, %s", async (width, colorScheme) => {
  const url = pathToFileURL(join(folder, "verification.html")).href;
  const { page, problems } = await visit(browser, url, { width, colorScheme });
  for (const name of ["deviations", "plateau", "angles", "training"]) {
    await page.locator(`#${name}`).scrollIntoViewIfNeeded();
    await page.waitForSelector(`#${name}[data-drawn]`);
  }
  expect(await page.locator(".lead").textContent()).toBe(`All ${proof.checks.length} comparisons agree.`);
  const cells = await page.locator('[aria-label="Gradients"] tbody tr td:first-child').allTextContents();
  expect(cells).toEqual(["in_rec", "rec_rec", "rec_out"]);
  const overflow = "document.documentElement.scrollWidth - innerWidth";
  expect(await page.evaluate(overflow)).toBeLessThanOrEqual(0);
  expect(await seriousFindings(page)).toEqual([]);
  expect(problems).toEqual([]);
  await page.context().close();
});

it("leaves in its folder what it found, and writes over nothing else", async () => {
  const saved: unknown = JSON.parse(readFileSync(join(folder, "verification.json"), "utf8"));
  expect(saved).toEqual(JSON.parse(JSON.stringify(proof)));
  await expect(writeVerification(proof, "docs")).rejects.toThrow(/holds something else/);
});
