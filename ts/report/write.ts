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
import { writeWhole } from "../recording/write-whole.js";
import type { Picture } from "./page.js";
import { reportHtml } from "./report.js";

/** Figures with their pictures. */
export async function picturesOf(
  figures: readonly Figure[],
  scheme: Scheme = "light",
  signal?: AbortSignal,
): Promise<Picture[]> {
  const pictures: Promise<Picture>[] = [];
  for (const figure of figures) {
    if (signal?.aborted) {
      await Promise.allSettled(pictures);
      signal.throwIfAborted();
    }
    const svg = await renderSvg(figure, scheme);
    // Made on another thread while the next figure is drawn.
    pictures.push(renderPng(svg).then((png) => ({ figure, svg, png })));
  }
  return Promise.all(pictures);
}

/**
 * Writes `report.html` and, in `figures/`, each figure as SVG, as PNG and as a Vega-Lite specification.
 *
 * @param scheme The look of the files in `figures/`; the report has both.
 * @param signal Stops it between two figures: it rejects with the signal's reason, and nothing is written.
 */
export async function writeReport(
  folder: string,
  run: RunData,
  scheme: Scheme = "light",
  signal?: AbortSignal,
): Promise<void> {
  const pictures = await picturesOf(figuresOf(run), scheme, signal);
  for (const { figure, svg, png } of pictures) {
    const path = join(folder, "figures", figure.name);
    writeWhole(`${path}.svg`, svg);
    writeWhole(`${path}.png`, png);
    writeWhole(`${path}.vl.json`, `${JSON.stringify(specificationOf(figure, scheme))}\n`);
  }
  writeWhole(join(folder, "report.html"), reportHtml(run, pictures));
}
