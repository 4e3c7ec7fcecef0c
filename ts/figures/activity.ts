import { type Figure, type Specification, plotWidth, stacked } from "./figure.js";
import {
  iterationAxis,
  iterationRange,
  iterationRows,
  iterationTooltip,
  quantityAxis,
} from "./iterations.js";
import type { RunData } from "./run-data.js";

/** Why e-prop+ has no panel of the gradient's norm, in lines of a figure's width. */
const noGradient = [
  "There is no gradient norm: with e-prop+, each synapse learns at its own",
  "spikes, and no gradient of all weights belongs to an iteration.",
];

/** Firing rate and norm of the gradient over iterations. */
export function activityFigure({ summary }: RunData): Figure {
  const rows = iterationRows(summary);
  const target = Number(summary.parameters.f_target);
  const gradients = rows.filter(({ gradient }) => gradient !== undefined);
  const panel = (field: string, title: string, scale: Specification, bottom: boolean): Specification => ({
    width: plotWidth,
    height: 110,
    data: { values: field === "gradient" ? gradients : rows },
    layer: [
      ...(field === "rate" && Number.isFinite(target)
        ? [
            {
              data: { values: [{ target }] },
              mark: { type: "rule", style: "reference" },
              encoding: { y: { field: "target", type: "quantitative" } },
            },
            {
              data: { values: [{ target }] },
              mark: { type: "text", align: "right", baseline: "bottom", dy: -2, fontSize: 10.5 },
              encoding: {
                x: { value: "width" },
                y: { field: "target", type: "quantitative" },
                text: { value: "target rate" },
              },
            },
          ]
        : []),
      {
        mark: { type: "line", clip: true, strokeWidth: 1.4 },
        encoding: {
          x: iterationAxis(bottom),
          y: quantityAxis(field, title, scale, field === "gradient" ? { tickCount: 3, grid: false } : {}),
          tooltip: iterationTooltip(field, title),
        },
      },
    ],
  });
  const missing = summary.gradient_norm === undefined;
  const panels = [
    panel("rate", "firing rate (spikes/s)", { zero: true }, gradients.length === 0),
    ...(gradients.length > 0
      ? [panel("gradient", "gradient norm ‖∇ℒ‖", { type: "log", nice: false, padding: 4 }, true)]
      : []),
  ];
  return {
    name: "activity",
    title: "Firing rate and gradient",
    caption:
      "Mean firing rate of the recurrent neurons in every iteration" +
      (gradients.length > 0
        ? ", and the norm of the gradient of all plastic weights in every training iteration."
        : ".") +
      (missing ? ` ${noGradient.join(" ")}` : ""),
    specification: {
      params: iterationRange(summary.loss.length),
      ...(missing && { title: { text: noGradient, orient: "bottom", fontSize: 10.5, offset: 12 } }),
      ...stacked(panels),
    },
  };
}
