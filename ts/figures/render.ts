import { createRequire } from "node:module";
import { type Check, dictionary, given, oneOf, optional, refuse, text, whole } from "../core/arguments.js";
import { nestError } from "../core/errors.js";
import type { Figure, Specification } from "./figure.js";
import { type Scheme, theme } from "./theme.js";
import { pictured } from "./picture.js";

const schemes = oneOf("light", "dark");

const figureCheck: Check<Figure> = {
  allowed: "a figure, as figuresOf gives it",
  read(value, at) {
    const figure = (
      typeof value === "object" && value !== null ? value : refuse(at, value, this.allowed)
    ) as {
      readonly [name in keyof Figure]: unknown;
    };
    return {
      name: text.read(figure.name, `${at}.name`),
      title: text.read(figure.title, `${at}.title`),
      caption: text.read(figure.caption, `${at}.caption`),
      specification: dictionary.read(figure.specification, `${at}.specification`),
    };
  },
};

/** Does what a library does; what it cannot do is said in words of ours. */
async function made<T>(parameter: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw nestError({
      code: "ValueError",
      message: `${parameter} cannot be drawn: ${error instanceof Error ? error.message : String(error)}`,
      parameter,
    });
  }
}

/** A figure's whole Vega-Lite specification, as the Vega editor and other tools take it. */
export function specificationOf(drawn: Figure, look: Scheme = "light"): Specification {
  const figure = given("figure", drawn, figureCheck);
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    description: `${figure.title}. ${figure.caption}`,
    ...figure.specification,
    config: theme(given("scheme", look, schemes)),
  };
}

/** How wide letters are on average, in font sizes: where there is no canvas, Vega takes them for much wider. */
const letterWidth = 0.56;

async function plottingLibraries() {
  const [vega, vegaLite] = await Promise.all([import("vega"), import("vega-lite")]);
  const metrics = (vega as unknown as { textMetrics: TextMetrics }).textMetrics;
  metrics.width = ({ fontSize = 11 }, letters) => letterWidth * fontSize * String(letters ?? "").length;
  return { vega, vegaLite };
}

/** A picture has nobody who points at it. */
function withoutTooltips(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(withoutTooltips);
  if (typeof part !== "object" || part === null) return part;
  const kept = Object.entries(part).filter(([name]) => name !== "tooltip");
  // Data hold no specifications.
  return Object.fromEntries(
    kept.map(([name, value]) => [name, dataNames.has(name) ? value : withoutTooltips(value)]),
  );
}

const dataNames: ReadonlySet<string> = new Set(["data", "datasets"]);

interface TextMetrics {
  width: (item: { fontSize?: number }, text: unknown) => number;
}

/** A figure as SVG. The plotting libraries are loaded when the first one is wanted. */
export async function renderSvg(figure: Figure, scheme: Scheme = "light"): Promise<string> {
  const specification = specificationOf(figure, scheme);
  return made("figure", () => svgOf(specification));
}

async function svgOf(described: Specification): Promise<string> {
  const { vega, vegaLite } = await plottingLibraries();
  const specification = withoutTooltips(pictured(described));
  const { spec } = vegaLite.compile(specification as Parameters<typeof vegaLite.compile>[0]);
  const view = new vega.View(vega.parse(spec), { renderer: "none" });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}

/** A font that has all symbols of the figures; a system may have none. */
const fontFile = "dejavu-fonts-ttf/ttf/DejaVuSans.ttf";

/**
 * A picture of an SVG, with the same letters on every system.
 *
 * @param width Width of the picture (pixels); twice that of the SVG if left out.
 */
export async function renderPng(svg: string, width?: number): Promise<Uint8Array> {
  const [source, pixels] = [given("svg", svg, svgText), given("width", width, optional(whole(1, 32_767)))];
  return made("svg", () => pngOf(source, pixels));
}

const svgText: Check<string> = {
  allowed: "an SVG",
  read(value, at) {
    return typeof value === "string" ? value : refuse(at, value, this.allowed);
  },
};

async function pngOf(svg: string, width: number | undefined): Promise<Uint8Array> {
  const { renderAsync } = await import("@resvg/resvg-js");
  const { resolve } = createRequire(import.meta.url);
  const picture = await renderAsync(svg, {
    fitTo: width === undefined ? { mode: "zoom", value: 2 } : { mode: "width", value: width },
    // A pixel is a weight.
    imageRendering: 1,
    font: {
      loadSystemFonts: false,
      fontFiles: [resolve(fontFile)],
      defaultFontFamily: "DejaVu Sans",
      sansSerifFamily: "DejaVu Sans",
    },
  });
  return picture.asPng();
}
