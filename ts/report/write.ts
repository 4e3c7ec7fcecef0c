import { abortSignal, given, oneOf, optional, path as filePath } from "../core/arguments.js";
import { eventLoopTurn } from "../core/event-loop.js";
import { runDataCheck } from "../runs/run-check.js";
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
import { writeWhole } from "../files/write-whole.js";
import type { Picture } from "./page.js";
import { reportHtml } from "./report.js";

/** Figures with their pictures. */
export async function picturesOf(
  figures: readonly Figure[],
  scheme: Scheme = "light",
  signal?: AbortSignal,
): Promise<Picture[]> {
  const pictures: Promise<Picture>[] = [];
  const stopped = async () => {
    // Drawing awaits nothing that is not there: signals of the system come in turns of the event loop.
    await eventLoopTurn();
    if (!signal?.aborted) return;
    await Promise.allSettled(pictures);
    signal.throwIfAborted();
  };
  for (const figure of figures) {
    await stopped();
    const svg = await renderSvg(figure, scheme);
    // Made on another thread while the next figure is drawn.
    pictures.push(renderPng(svg).then((png) => ({ figure, svg, png })));
  }
  const made = await Promise.all(pictures);
  await stopped();
  return made;
}

/**
 * Writes `report.html` and, in `figures/`, each figure as SVG, as PNG and as a Vega-Lite specification.
 *
 * @param look The look of the files in `figures/`; the report has both.
 * @param signal Stops it between two figures: it rejects with the signal's reason, and nothing is written.
 */
export async function writeReport(
  path: string,
  data: RunData,
  look: Scheme = "light",
  signal?: AbortSignal,
): Promise<void> {
  const [folder, run] = [given("folder", path, filePath), given("run", data, runDataCheck)];
  const scheme = given("scheme", look, oneOf("light", "dark"));
  const pictures = await picturesOf(figuresOf(run), scheme, given("signal", signal, optional(abortSignal)));
  for (const { figure, svg, png } of pictures) {
    const file = join(folder, "figures", figure.name);
    writeWhole(`${file}.svg`, svg);
    writeWhole(`${file}.png`, png);
    writeWhole(`${file}.vl.json`, `${JSON.stringify(specificationOf(figure, scheme))}\n`);
  }
  writeWhole(join(folder, "report.html"), reportHtml(run, pictures));
}
