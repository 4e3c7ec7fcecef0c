/** Figures of a verification. */
import {
  type Figure,
  type Specification,
  axis,
  lineLegend,
  plotWidth,
  shown,
  stacked,
} from "../figures/figure.js";
import { type Verification, bounds } from "./verification.js";

/** The smallest deviation that is drawn: what is zero stands there. */
const least = 1e-18;

const powers = { format: ".0e", tickCount: 6 };

/** Where projections stand side by side. */
function projectionAxis(projections: readonly string[], title = true): Specification {
  return {
    field: "projection",
    type: "nominal",
    title: title ? "projection" : null,
    scale: { domain: projections },
    axis: { labelAngle: projections.length > 4 ? -40 : 0, labelOverlap: projections.length > 20, grid: true },
  };
}

/** Colour and shape by what is compared; the legend has those that there are. */
function markEncoding(domain: readonly string[], rows: readonly { of: string }[]): Specification {
  const field = { field: "of", type: "nominal", title: null, scale: { domain } } as const;
  const legend = { columns: 3, values: domain.filter((name) => rows.some(({ of }) => of === name)) };
  return { color: { ...field, legend }, shape: { ...field, legend } };
}

/** Horizontal lines with a word each, on the axis of that title; the words end at the right, or stand in the middle. */
function marked(
  title: string,
  values: readonly { y: number; text: string }[],
  words: "right" | "center" = "right",
): Specification[] {
  const data = { values };
  const y = axis("y", title);
  return [
    { data, mark: { type: "rule", style: "reference" }, encoding: { y } },
    {
      data,
      mark: { type: "text", align: words, baseline: "bottom", dy: -2, fontSize: 10 },
      encoding: { x: { value: words === "right" ? "width" : plotWidth / 2 }, y, text: { field: "text" } },
    },
  ];
}

/** Ticks of a logarithmic axis: powers of ten, and their doubles and halves where there are few. */
function logTicks([low, high]: readonly [number, number]): number[] {
  const decades = Math.ceil(Math.log10(high / low));
  const every = Math.max(1, Math.ceil(decades / 5));
  const first = Math.floor(Math.log10(low));
  const powersOfTen = Array.from({ length: decades + 2 }, (_, at) => 10 ** (first + at)).filter(
    (_, at) => (first + at) % every === 0,
  );
  const all = decades > 2 ? powersOfTen : powersOfTen.flatMap((power) => [power, 2 * power, 5 * power]);
  return all.filter((tick) => tick >= low && tick <= high);
}

/** How far other computations of the same gradient are from it. */
function deviationsFigure(proof: Verification): Figure | undefined {
  const names = proof.projections.map(({ projection }) => projection);
  const found = [
    ...proof.projections.flatMap(({ projection, forward, definition, norm }) =>
      norm === 0
        ? []
        : [
            { projection, of: "forward", value: forward },
            { projection, of: "definition", value: definition },
          ],
    ),
    ...proof.paths.flatMap(({ projection, rtrl }) =>
      rtrl === undefined ? [] : [{ projection, of: "RTRL", value: rtrl }],
    ),
  ];
  if (found.length === 0) return undefined;
  const limits = [
    ...(proof.family === "interval" ? [{ y: bounds.forward, text: "accepted: forward" }] : []),
    {
      y: proof.family === "interval" ? bounds.definition : bounds.changes,
      text: "accepted: definition",
    },
  ];
  const most = Math.max(1e-8, ...found.map(({ value }) => (Number.isFinite(value) ? 10 * value : 1)));
  const values = found.map(({ value, ...row }) => ({
    ...row,
    value,
    y: Math.min(Math.max(value, least), most),
  }));
  const scale = { type: "log", domain: [least, most], nice: false };
  return {
    name: "deviations",
    title: "Deviations",
    caption:
      "Largest deviation of other computations of the same, relative to the largest entry of a projection. " +
      "What is zero stands at the bottom.",
    specification: {
      width: plotWidth,
      height: 200,
      layer: [
        {
          data: { values },
          mark: { type: "point", filled: true, size: 70 },
          encoding: {
            x: projectionAxis(names),
            y: axis("y", "deviation", { scale, axis: powers }),
            ...markEncoding(["forward", "definition", "RTRL"], values),
            tooltip: [
              { field: "projection" },
              { field: "of", title: "held against" },
              { field: "value", title: "deviation", format: ".2e" },
            ],
          },
        },
        ...marked("deviation", limits),
      ],
    },
  };
}

/** Deviations of slopes over step sizes: the plateau between curvature and rounding. */
function plateauFigure({ slopes }: Verification): Figure | undefined {
  if (slopes.length === 0) return undefined;
  const values = slopes.flatMap(({ projection, direction, steps }) =>
    steps
      .filter(({ deviation }) => Number.isFinite(deviation))
      .map(({ size, deviation }) => ({
        of: `${projection}, ${direction === "gradient" ? "along the gradient" : "random direction"}`,
        size,
        deviation,
        y: Math.min(1e3, Math.max(deviation, least)),
      })),
  );
  const scale = { type: "log", domain: [1e-17, Math.max(10, ...values.map(({ y }) => y))], nice: false };
  const field = { field: "of", type: "nominal", title: null } as const;
  return {
    name: "plateau",
    title: "Differences of the loss",
    caption:
      "How far central differences of the loss are from the slope that the gradient says, relative to the gradient's norm, " +
      "by step size. Large steps see the curvature of the loss, where it is not quadratic, and small ones its rounding; " +
      "in between a right gradient is met to many digits.",
    specification: {
      width: plotWidth,
      height: 200,
      layer: [
        {
          data: { values },
          mark: { type: "line", point: { filled: true, size: 30 } },
          encoding: {
            x: axis("size", "step size (of the weights' norm)", {
              scale: { type: "log", reverse: true, nice: false },
              axis: powers,
            }),
            y: axis("y", "deviation", { scale, axis: powers }),
            color: { ...field, legend: { columns: 1, ...lineLegend } },
            tooltip: [field, { field: "size", format: ".0e" }, { field: "deviation", format: ".2e" }],
          },
        },
        ...marked("deviation", [{ y: bounds.slope, text: "accepted at the best size" }], "center"),
      ],
    },
  };
}

const own = "the network's feedback";
const symmetric = "symmetric feedback";

/** Angles and norms of e-prop relative to backpropagation through time. */
function anglesFigure({ paths }: Verification): Figure | undefined {
  const names = paths.map(({ projection }) => projection);
  const values = paths.flatMap(({ projection, angle, ratio, symmetricAngle, symmetricRatio }) => [
    ...(angle === undefined ? [] : [{ projection, of: own, angle, ratio }]),
    ...(symmetricAngle === undefined
      ? []
      : [{ projection, of: symmetric, angle: symmetricAngle, ratio: symmetricRatio }]),
  ]);
  if (values.length === 0) return undefined;
  const rows = values.map((row) => ({ ...row, angle: shown(row.angle), ratio: shown(row.ratio) }));
  const positive = values.flatMap(({ ratio }) => (ratio !== undefined && ratio > 0 ? [ratio] : []));
  const panel = (field: "angle" | "ratio", y: Specification, bottom: boolean, lines: Specification[]) => ({
    width: plotWidth,
    height: 120,
    layer: [
      {
        data: { values: rows },
        mark: { type: "point", filled: true, size: 70 },
        encoding: {
          x: { ...projectionAxis(names, bottom), ...(bottom ? {} : { axis: { labels: false, grid: true } }) },
          y,
          ...markEncoding([own, symmetric], rows),
          tooltip: [{ field: "projection" }, { field: "of", title: "with" }, { field, format: ".4~g" }],
        },
      },
      ...lines,
    ],
  });
  const domain: [number, number] = [Math.min(0.5, ...positive) / 1.5, Math.max(2, ...positive) * 1.5];
  const log = {
    scale: { type: "log", domain, nice: false },
    axis: { format: "~g", values: logTicks(domain) },
  };
  return {
    name: "angles",
    title: "What e-prop gives up",
    caption:
      "Angle between the gradients of e-prop and of backpropagation through time (above; 90° is uphill no more), and " +
      "the norm of e-prop's relative to the other (below), with the network's feedback and with the readout weights in its place.",
    specification: stacked([
      panel(
        "angle",
        axis("angle", "angle (°)", {
          scale: { domain: [0, 180] },
          axis: { values: [0, 45, 90, 135, 180] },
        }),
        false,
        marked("angle (°)", [{ y: 90, text: "" }]),
      ),
      panel("ratio", axis("ratio", "norm", log), true, marked("norm", [{ y: 1, text: "" }])),
    ]),
  };
}

const x = (title: string) => axis("iteration", title, { axis: { format: "d", tickMinStep: 1 } });

/** Angles over the first iterations of a training. */
function trainingFigure({ training }: Verification): Figure | undefined {
  if (training.length < 2) return undefined;
  const values = training.flatMap(({ iteration, angles }) =>
    angles
      .filter(({ angle }) => angle !== undefined)
      .map(({ projection, angle, ratio }) => ({
        iteration,
        projection,
        angle: shown(angle),
        ratio: shown(ratio),
      })),
  );
  if (values.length === 0) return undefined;
  const losses = training.map(({ iteration, loss }) => ({ iteration, loss: shown(loss, 6) }));
  return {
    name: "training",
    title: "Over the training",
    caption:
      "The same angle before iterations of a training with the task's own optimizer (above), and the loss (below).",
    specification: stacked([
      {
        width: plotWidth,
        height: 120,
        layer: [
          {
            data: { values },
            mark: { type: "line", point: { filled: true, size: 30 } },
            encoding: {
              x: x(""),
              y: axis("angle", "angle (°)", {
                scale: { domain: [0, 180] },
                axis: { values: [0, 45, 90, 135, 180] },
              }),
              color: {
                field: "projection",
                type: "nominal",
                title: null,
                legend: { columns: 3, ...lineLegend },
              },
              tooltip: [
                { field: "iteration" },
                { field: "projection" },
                { field: "angle", format: ".4~g" },
                { field: "ratio", title: "norm", format: ".4~g" },
              ],
            },
          },
          ...marked("angle (°)", [{ y: 90, text: "" }]),
        ],
      },
      {
        width: plotWidth,
        height: 90,
        data: { values: losses },
        mark: { type: "line", point: { filled: true, size: 30 } },
        encoding: {
          x: x("iteration"),
          y: axis("loss", "loss", { scale: { zero: false }, axis: { tickCount: 4 } }),
          tooltip: [{ field: "iteration" }, { field: "loss", format: ".5~g" }],
        },
      },
    ]),
  };
}

/** The figures that a verification has the data for. */
export function proofFigures(proof: Verification): Figure[] {
  return [deviationsFigure(proof), plateauFigure(proof), anglesFigure(proof), trainingFigure(proof)].filter(
    (figure) => figure !== undefined,
  );
}
