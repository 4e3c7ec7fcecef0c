import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Figure } from "../figures/index.js";
import { theme } from "../figures/theme.js";
import { escaped } from "./markup.js";

/** A figure with its picture, which stands where the figure is drawn once scripts run. */
export interface Picture {
  readonly figure: Figure;
  readonly svg: string;
  readonly png: Uint8Array;
}

/** Text that ends no script and begins no comment in HTML. */
function scriptText(value: unknown): string {
  return JSON.stringify(value).replaceAll("<", "\\u003c");
}

/** The plotting libraries and the script of the page, as they run in a browser. */
function scripts(): string[] {
  const { resolve } = createRequire(import.meta.url);
  // Beside the module that Node loads, whose package exports nothing else.
  const bundle = (name: string) => join(dirname(resolve(name)), `${name}.min.js`);
  const files = [bundle("vega"), bundle("vega-lite"), resolve("#page/report.js")];
  return files.map((file) => readFileSync(file, "utf8").replace(/^\/\/# sourceMappingURL=.*$/gm, ""));
}

/** A figure of a page. */
export function figureHtml({ figure, png }: Picture): string {
  const picture = `data:image/png;base64,${Buffer.from(png).toString("base64")}`;
  const [width, height] = [16, 20].map((at) => new DataView(png.buffer, png.byteOffset).getUint32(at) / 2);
  return `<figure id="${escaped(figure.name)}">
<div class="bar"><h2>${escaped(figure.title)}</h2></div>
<div class="plot"><img alt="${escaped(`${figure.title}. ${figure.caption}`)}" width="${width}" height="${height}" src="${picture}"></div>
<figcaption>${escaped(figure.caption)}</figcaption>
</figure>`;
}

/** Figures of a page in rows without holes. */
export function figuresHtml(pictures: readonly Picture[]): string {
  return `<div class="figures">\n${pictures.map(figureHtml).join("\n")}\n</div>`;
}

/** A page that needs nothing but itself: pictures without scripts, figures that zoom and answer with them. */
export function pageHtml(title: string, body: string, figures: readonly Figure[]): string {
  const { resolve } = createRequire(import.meta.url);
  const payload = {
    themes: { light: theme("light"), dark: theme("dark") },
    figures: figures.map(({ name, specification }) => ({ name, specification })),
  };
  const style = readFileSync(resolve("#page/report.css"), "utf8");
  const code = scripts().map((text, at) => `<script${at === 2 ? ' type="module"' : ""}>${text}</script>`);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>${escaped(title)}</title><style>${style}</style></head><body>
<main>
${body}
</main>
<script type="application/json" id="payload">${scriptText(payload)}</script>
${code.join("\n")}
</body></html>
`;
}
