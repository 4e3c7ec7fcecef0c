import { given, oneOf, path as filePath } from "../arguments.js";
import { runDataCheck } from "../recording/run-check.js";
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  type Figure,
  type Scheme,
  figuresOf,
  renderPng,
  renderSvg,
  specificationOf,
} from "../figures/index.js";
import type { RunData } from "../figures/run-data.js";
import type { Picture } from "./page.js";
import { reportHtml } from "./report.js";

/** Figures with their pictures. */
export async function picturesOf(figures: readonly Figure[], scheme: Scheme = "light"): Promise<Picture[]> {
  const pictures: Promise<Picture>[] = [];
  for (const figure of figures) {
    const svg = await renderSvg(figure, scheme);
    // Made on another thread while the next figure is drawn.
    pictures.push(renderPng(svg).then((png) => ({ figure, svg, png })));
  }
  return Promise.all(pictures);
}

/** Writes a file that is there whole or not at all. */
export function writeWhole(path: string, content: string): void {
  writeFileSync(`${path}.partial`, content);
  renameSync(`${path}.partial`, path);
}

/**
 * Writes `report.html` and, in `figures/`, each figure as SVG, as PNG and as a Vega-Lite specification.
 *
 * @param scheme The look of the files in `figures/`; the report has both.
 */
export async function writeReport(path: string, data: RunData, look: Scheme = "light"): Promise<void> {
  const [folder, run] = [given("folder", path, filePath), given("run", data, runDataCheck)];
  const scheme = given("scheme", look, oneOf("light", "dark"));
  const pictures = await picturesOf(figuresOf(run), scheme);
  mkdirSync(join(folder, "figures"), { recursive: true });
  for (const { figure, svg, png } of pictures) {
    const file = join(folder, "figures", figure.name);
    writeFileSync(`${file}.svg`, svg);
    writeFileSync(`${file}.png`, png);
    writeFileSync(`${file}.vl.json`, `${JSON.stringify(specificationOf(figure, scheme))}\n`);
  }
  writeWhole(join(folder, "report.html"), reportHtml(run, pictures));
}
