import { encode } from "fast-png";
import type { NumberArray } from "../formats/npz.js";
import { type Figure, type Specification, axis, colourBar, plotWidth, shown } from "./figure.js";
import { type RunData, namedProjections } from "./run-data.js";
import { type Scheme, diverging } from "./theme.js";

/** Rows and columns of a matrix that are drawn at the most; of larger ones, every second, third, … is. */
const most = 240;

/** Share of all weights that the colours tell apart; the few that are larger have the colour of the largest. */
const within = 0.995;

/** Steps between zero and the largest weight in the numbers that a matrix carries for those who point at it. */
const levels = 1000;

const gap = 14;
const width = (plotWidth - gap) / 2;

/** Plastic projections as the tutorials draw them: recurrent neurons along the horizontal axis. */
const poolLayout: readonly Layout[] = [
  {
    name: "in_rec",
    rows: ["input", "neuron i"],
    transposed: true,
    height: 92,
    horizontal: "recurrent neuron j",
  },
  {
    name: "rec_rec",
    rows: ["recurrent", "neuron i"],
    transposed: true,
    height: 92,
    horizontal: "recurrent neuron j",
  },
  {
    name: "rec_out",
    rows: ["readout", "neuron k"],
    transposed: false,
    height: 46,
    horizontal: "recurrent neuron j",
  },
];

/** How a projection's matrix is drawn. */
interface Layout {
  readonly name: string;
  /** What is along the vertical axis, in two lines. */
  readonly rows: readonly [string, string];
  readonly horizontal: string;
  readonly transposed: boolean;
  readonly height: number;
}

/** Matrices of a network with names of its own: targets along the horizontal axis, unless they are fewer. */
function layoutOf(run: RunData): readonly Layout[] {
  const named = namedProjections(run)?.map(({ name, from, to }): Layout => {
    const [targets = 0, sources = 0] = run.weights[`${name}_before`]?.shape ?? [];
    const transposed = targets >= sources || targets > 40;
    const [vertical, horizontal] = transposed ? [from, to] : [to, from];
    return { name, rows: [vertical, "neuron"], horizontal, transposed, height: transposed ? 92 : 46 };
  });
  return named ?? poolLayout;
}

/** Red, green and blue of every level from -1 to 1, in steps of 1 / {@link levels}. */
function coloursOf(scheme: Scheme): Uint8Array {
  const stops = diverging[scheme].map((hex) =>
    [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)),
  );
  const colours = new Uint8Array(3 * (2 * levels + 1));
  for (let level = 0; level <= 2 * levels; level++) {
    const place = (level / (2 * levels)) * (stops.length - 1);
    const low = Math.min(stops.length - 2, Math.floor(place));
    const above = stops[low + 1] ?? [];
    const colour = (stops[low] ?? []).map((part, at) => part + (place - low) * ((above[at] ?? 0) - part));
    colours.set(colour.map(Math.round), 3 * level);
  }
  return colours;
}

const palettes = { light: coloursOf("light"), dark: coloursOf("dark") };

/** A picture with a pixel per level, whose first row is at the bottom, as a URL. */
function pictureUrl(weights: readonly number[], rows: number, columns: number, scheme: Scheme): string {
  const data = new Uint8Array(weights.length * 3);
  for (const [at, weight] of weights.entries()) {
    const pixel = (rows - 1 - Math.floor(at / columns)) * columns + (at % columns);
    const level = levels + Math.max(-levels, Math.min(levels, weight));
    data.set(palettes[scheme].subarray(3 * level, 3 * level + 3), 3 * pixel);
  }
  const png = Buffer.from(encode({ width: columns, height: rows, data, channels: 3 }));
  return `data:image/png;base64,${png.toString("base64")}`;
}

/** A matrix as a picture for each look with a pixel per weight, and the weights it shows. */
function picture({ data, shape }: NumberArray, { transposed }: Layout, largest: number) {
  const [targets = 0, sources = 0] = shape ?? [];
  const [allRows, allColumns] = transposed ? [sources, targets] : [targets, sources];
  const [rowStep, columnStep] = [Math.ceil(allRows / most), Math.ceil(allColumns / most)];
  const [rows, columns] = [Math.ceil(allRows / rowStep), Math.ceil(allColumns / columnStep)];
  const weights: number[] = [];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const [r, c] = [row * rowStep, column * columnStep];
      const weight = data[transposed ? c * sources + r : r * sources + c] as number;
      weights.push(Math.round((weight / largest) * levels));
    }
  }
  return {
    light: pictureUrl(weights, rows, columns, "light"),
    dark: pictureUrl(weights, rows, columns, "dark"),
    matrix: { rows, columns, rowStep, columnStep, unit: shown(largest / levels), weights },
    size: [allRows, allColumns] as const,
  };
}

/** The scale of rows or columns, which are as wide as one. */
const range = (n: number) => ({ domain: [0.5, n + 0.5], nice: false, zero: false });

/** Rows or columns that have a label. */
const ticks = (n: number) =>
  n <= 10 ? Array.from({ length: n }, (_, at) => at + 1) : [1, Math.round(n / 2), n];

/** Where a matrix stands among the others. */
interface Place {
  readonly first: boolean;
  readonly bottom: boolean;
  readonly left: boolean;
}

function panel(
  matrix: NumberArray,
  of: Layout,
  largest: number,
  when: string,
  { first, bottom, left }: Place,
): Specification {
  const { light, dark, matrix: shownMatrix, size } = picture(matrix, of, largest);
  return {
    width,
    height: of.height,
    ...(first && { title: { text: `${when} training`, anchor: "start", frame: "group" } }),
    layer: [
      {
        data: {
          values: [
            {
              light,
              dark,
              labels: [of.rows.join(" "), of.horizontal],
              begin: [of.name === "rec_out" ? 0 : 1, 1],
              ...shownMatrix,
            },
          ],
        },
        transform: [{ calculate: "scheme === 'dark' ? datum.dark : datum.light", as: "url" }],
        mark: {
          type: "image",
          align: "left",
          baseline: "top",
          aspect: false,
          smooth: false,
          width,
          height: of.height,
        },
        encoding: { url: { field: "url", type: "nominal" }, x: { value: 0 }, y: { value: 0 } },
      },
      {
        data: { values: [{ weight: 0, row: 1, column: 1 }] },
        mark: { type: "point", opacity: 0 },
        encoding: {
          x: axis("column", bottom ? of.horizontal : "", {
            scale: range(size[1]),
            // Labels of the ends stay within the panel: what juts out would move the panels of its row.
            axis: { values: ticks(size[1]), labels: bottom, labelFlush: 8, grid: false },
          }),
          y: axis("row", "", {
            title: left ? of.rows : null,
            scale: range(size[0]),
            axis: {
              values: ticks(size[0]),
              ...(of.name === "rec_out" && { labelExpr: "datum.value - 1" }),
              labels: left,
              labelFlush: 6,
              grid: false,
              ...(left ? {} : { minExtent: 0, maxExtent: 0 }),
            },
          }),
          color: axis("weight", "weight (pA)", {
            scale: { domain: [-largest, 0, largest], range: "diverging", interpolate: "rgb" },
            legend: {
              ...colourBar,
              values: [-largest, -largest / 2, 0, largest / 2, largest],
              format: ".2~g",
            },
          }),
        },
      },
    ],
  };
}

/** The size of weights that {@link within} of all reach at the most. */
function largestWeight(matrices: readonly NumberArray[]): number {
  const all = new Float64Array(matrices.reduce((sum, { data }) => sum + data.length, 0));
  let count = 0;
  for (const { data } of matrices) {
    for (const weight of data) if (weight !== 0) all[count++] = Math.abs(weight);
  }
  const sizes = all.subarray(0, count).toSorted();
  return shown(sizes[Math.min(sizes.length - 1, Math.floor(sizes.length * within))], 2) || 1;
}

/** Weight matrices before and after training, all with one diverging scale of colours. */
export function weightMatricesFigure(run: RunData): Figure | undefined {
  const matrices = layoutOf(run).flatMap((of) => {
    const [before, after] = [run.weights[`${of.name}_before`], run.weights[`${of.name}_after`]];
    return before === undefined || after === undefined ? [] : [{ of, before, after }];
  });
  if (matrices.length === 0) return undefined;
  const largest = largestWeight(matrices.flatMap(({ before, after }) => [before, after]));
  return {
    name: "weight-matrices",
    title: "Weight matrices",
    caption:
      "A cell is the weight of a synapse; input, recurrent and readout weights have one scale of colours, " +
      `which ends at ±${largest} pA (${100 * within} % of the weights are smaller).`,
    specification: {
      vconcat: matrices.map(({ of, before, after }, at) => {
        // Panels with the same axis share its labels.
        const bottom = matrices[at + 1]?.of.horizontal !== of.horizontal;
        const place = { first: at === 0, bottom, left: true };
        return {
          hconcat: [
            panel(before, of, largest, "before", place),
            panel(after, of, largest, "after", { ...place, left: false }),
          ],
          spacing: gap,
        };
      }),
      spacing: 10,
      resolve: { scale: { color: "shared" } },
    },
  };
}
