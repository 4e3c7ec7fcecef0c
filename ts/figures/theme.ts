/** The look of a figure. */
export type Scheme = "light" | "dark";

/** Colours that colour-blind people can tell apart (after Okabe and Ito 2008), on white and on black. */
const categories: Readonly<Record<Scheme, readonly string[]>> = {
  light: ["#0072B2", "#D55E00", "#009E73", "#AA4499", "#A86F00", "#2B9FD9", "#444444"],
  dark: ["#56B4E9", "#FF8C42", "#2FC79B", "#E29BCB", "#F0C24B", "#9AD0F5", "#CFCFCF"],
};

/** How many of the colours differ in more than lightness. */
export const hues = 5;

/** Blue and orange: values below and above zero. Zero is close to the background, so sparse matrices are quiet. */
export const diverging: Readonly<Record<Scheme, readonly string[]>> = {
  light: ["#053061", "#2166AC", "#6BAED6", "#F7F7F7", "#F4A261", "#D55E00", "#7F2704"],
  dark: ["#C3E4FA", "#4FA7E0", "#20608F", "#1A212B", "#8A4A1E", "#EE8434", "#FFD3A8"],
};

/** Vega-Lite's configuration for a look. */
export function theme(scheme: Scheme) {
  const light = scheme === "light";
  const ink = light ? "#1f2328" : "#e6edf3";
  const grid = light ? "#e7eaee" : "#2a313a";
  const muted = light ? "#57606a" : "#9aa4af";
  const ramp = light
    ? ["#f4f7fb", "#a6cbe6", "#3f8fc5", "#08306b"]
    : ["#161d27", "#1f5f93", "#56b4e9", "#e9f5fd"];
  const category = categories[scheme];
  return {
    background: light ? "#ffffff" : "#0d1117",
    font: "system-ui, 'DejaVu Sans', sans-serif",
    padding: 6,
    aria: false,
    axis: {
      labelColor: muted,
      titleColor: ink,
      gridColor: grid,
      domainColor: muted,
      tickColor: muted,
      tickSize: 4,
      labelFontSize: 10.5,
      titleFontSize: 11.5,
      titleFontWeight: 500,
      labelOverlap: true,
      labelFlush: true,
    },
    axisY: {
      grid: true,
      domain: false,
      ticks: false,
      minExtent: 40,
      maxExtent: 40,
      labelPadding: 5,
      labelFlush: false,
    },
    axisX: { grid: false, titlePadding: 4 },
    legend: {
      labelColor: ink,
      titleColor: ink,
      labelFontSize: 11,
      titleFontSize: 11,
      titleFontWeight: 500,
      orient: "top",
      symbolStrokeWidth: 1.8,
      symbolSize: 90,
      padding: 0,
      offset: 6,
      columnPadding: 14,
      labelLimit: 300,
    },
    title: { color: ink, fontSize: 11.5, fontWeight: 500, anchor: "start", offset: 8 },
    view: { stroke: null },
    // What a specification asks for where data carry a picture for each look.
    params: [{ name: "scheme", value: scheme }],
    mark: { color: category[0] },
    line: { strokeWidth: 1.2, strokeCap: "round", strokeJoin: "round" },
    rule: { color: muted },
    text: { color: ink },
    style: {
      spikes: { fill: ink, stroke: ink, strokeWidth: 0.9 },
      course: { stroke: category[0], strokeWidth: 1, opacity: 0.75 },
      decision: { color: category[1] },
      reference: { stroke: muted, strokeDash: [4, 3] },
    },
    range: {
      category,
      ordinal: category.slice(0, hues),
      symbol: ["circle", "triangle-up", "diamond", "square", "cross", "triangle-down"],
      diverging: diverging[scheme],
      ramp,
      heatmap: ramp,
    },
  };
}
