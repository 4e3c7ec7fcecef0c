// Writes what bundlers take for browsers in place of eprop, dist/browser/: the same names, and an error that says why
// there is nothing behind them. Without it a bundler complains of modules of Node, or nothing is said before it is used.
import { mkdir, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const load = (path) => import(pathToFileURL(join(root, path)).href);

const { exports } = createRequire(import.meta.url)("../package.json");
const { notInBrowsers } = await load("dist/core/runtime.js");
for (const { browser, default: entry } of Object.values(exports)) {
  if (browser === undefined) continue;
  const lines = [
    `throw Object.assign(new Error(${JSON.stringify(notInBrowsers)}), { code: "ERR_EPROP_RUNTIME" });`,
    ...Object.keys(await load(entry)).map((name) => `export const ${name} = undefined;`),
    "",
  ];
  await mkdir(join(root, dirname(browser)), { recursive: true });
  await writeFile(join(root, browser), lines.join("\n"));
}
