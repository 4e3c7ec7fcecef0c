/** Colours that colour-blind people can tell apart (Okabe and Ito 2008). */
export const colours = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"];

/** The look of a figure. */
export type Scheme = "light" | "dark";

/** Vega-Lite's configuration for a look. */
export function theme(scheme: Scheme) {
  const ink = scheme === "light" ? "#1f2328" : "#e6edf3";
  const grid = scheme === "light" ? "#e4e7eb" : "#2d333b";
  return {
    background: scheme === "light" ? "#ffffff" : "#0d1117",
    font: "system-ui, sans-serif",
    axis: {
      labelColor: ink,
      titleColor: ink,
      gridColor: grid,
      domainColor: ink,
      tickColor: ink,
      titleFontWeight: 500,
    },
    legend: { labelColor: ink, titleColor: ink },
    title: { color: ink, fontSize: 13, fontWeight: 600, anchor: "start" },
    view: { stroke: null },
    range: { category: scheme === "light" ? colours : [...colours.slice(0, -1), "#ffffff"] },
  };
}
