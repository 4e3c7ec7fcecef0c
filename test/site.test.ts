/** The documentation is built, whole, and needs nothing from elsewhere. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { seriousFindings } from "./browser/accessibility.js";
import { launchChromium, visit } from "./browser/chromium.js";

const folder = mkdtempSync(join(tmpdir(), "eprop-site-"));
const manifest = JSON.parse(readFileSync("package.json", "utf8")) as { exports: Record<string, unknown> };
const page = (name: string) => readFileSync(join(folder, name), "utf8");

beforeAll(() => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["scripts/build-docs.mjs", relative(".", folder)],
    { encoding: "utf8" },
  );
  // A warning, such as of a link that leads nowhere, is an error.
  expect(status, stdout + stderr).toBe(0);
}, 300_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("has a page for each model, with equations and what the table says", () => {
  const text = page("documents/eprop_iaf_adapt_bsshslm_2020.html");
  for (const part of [
    "adapt_beta",
    'class="katex"',
    "Gain of the adaptation on the threshold",
    "V_th_adapt",
  ]) {
    expect(text).toContain(part);
  }
  expect(text).not.toContain("katex-error");
  const tables = page("documents/Models.html");
  for (const model of ["eprop_readout", "eprop_synapse_bsshslm_2020", "poisson_generator", "voltmeter"]) {
    expect(tables).toContain(`${model}.html`);
    expect(readdirSync(join(folder, "documents"))).toContain(`${model}.html`);
  }
});
it("has the guides, the API and the command line", () => {
  expect(page("documents/From_a_NEST_script_to_eprop.html")).toContain("SimulateAsync");
  expect(page("documents/Command_line.html")).toContain("--test-iterations");
  const modules = readdirSync(join(folder, "modules"));
  for (const name of Object.keys(manifest.exports)) {
    if (name === "./package.json") continue;
    expect(modules).toContain(`${name.replace(".", "eprop").replace("/", "_")}.html`);
  }
  expect(page("functions/eprop_report.writeReport.html")).toContain("report.html");
});
it("loads nothing from elsewhere", () => {
  for (const file of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    if (!/\.(html|css)$/.test(file)) continue;
    expect(page(file), file).not.toMatch(/(src|rel="stylesheet" href)="https?:|url\(["']?https?:|@import/);
  }
});

it("says where a model comes from, and what to read on", () => {
  const plus = page("documents/eprop_iaf.html");
  for (const part of [
    "10.1038/s41467-020-17236-y",
    "2511.21674",
    "eprop_iaf_bsshslm_2020.html",
    "Derivation",
  ]) {
    expect(plus.slice(plus.indexOf("References"))).toContain(part);
  }
  const spikes = page("documents/spike_recorder.html");
  const also = spikes.slice(spikes.indexOf('id="see-also"'));
  expect(also.slice(0, also.indexOf("</ul>"))).toContain("multimeter.html");
});
it("finds words in texts, shows icons and keeps nobody out, read from files", async () => {
  const browser = await launchChromium();
  try {
    for (const colorScheme of ["light", "dark"] as const) {
      const file = pathToFileURL(join(folder, "documents/eprop_iaf.html")).href;
      const { page: shown, problems, requests } = await visit(browser, file, { colorScheme });
      expect(await seriousFindings(shown)).toEqual([]);
      const icon = await shown.locator("#tsd-search-trigger use").getAttribute("href");
      expect(await shown.locator(`symbol${icon}`).count()).toBe(1);
      await shown.locator("#tsd-search-trigger").click();
      await shown.locator("#tsd-search-input").fill("SIGTERM");
      await expect.poll(() => shown.locator("#tsd-search-results").innerText()).toContain("Checkpoints");
      expect(problems).toEqual([]);
      expect(requests.every((address) => /^(file|data|blob):/.test(address))).toBe(true);
      await shown.context().close();
    }
  } finally {
    await browser.close();
  }
});
