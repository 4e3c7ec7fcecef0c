import type { Figure } from "./figure.js";
import { type Scheme, theme } from "./theme.js";

/** A figure as SVG. The plotting libraries are loaded when the first one is wanted. */
export async function renderSvg(figure: Figure, scheme: Scheme = "light"): Promise<string> {
  const [vega, vegaLite] = await Promise.all([import("vega"), import("vega-lite")]);
  const specification = {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    ...figure.specification,
    config: theme(scheme),
  };
  const { spec } = vegaLite.compile(specification as unknown as Parameters<typeof vegaLite.compile>[0]);
  const view = new vega.View(vega.parse(spec), { renderer: "none" });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}
