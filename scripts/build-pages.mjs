// Puts what pages are made of into dist: each page's script in one file, and its style with what all pages share.
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const source = (name) => join(root, "ts", name);

for (const name of ["live/page/live", "report/page/report", "sweep/page/sweep"]) {
  const target = join(root, "dist", name);
  await mkdir(dirname(target), { recursive: true });
  const bundle = await rolldown({ input: source(`${name}.ts`), platform: "browser" });
  await bundle.write({ file: `${target}.js`, format: "esm" });
  await bundle.close();
  const styles = ["page/page.css", `${name}.css`].map((file) => readFile(source(file), "utf8"));
  await writeFile(`${target}.css`, (await Promise.all(styles)).join(""));
}
await cp(source("live/page/live.html"), join(root, "dist/live/page/live.html"));
