import { type Figure, type Specification, axis, panelWidth } from "./figure.js";
import type { RunData } from "./run-data.js";

/** Rows and columns of a matrix that are drawn at the most; larger ones are sampled. */
const cells = 60;

const projections: Readonly<Record<string, { title: string; row: string; column: string }>> = {
  in_rec: { title: "input → recurrent", row: "neuron j", column: "input i" },
  rec_rec: { title: "recurrent → recurrent", row: "neuron j", column: "neuron i" },
  rec_out: { title: "recurrent → readout", row: "readout k", column: "neuron j" },
};

function matrix(run: RunData, projection: string, when: "before" | "after", largest: number): Specification {
  const { data, shape } = run.weights[`${projection}_${when}`] ?? { data: new Float64Array(0) };
  const [rows = 0, columns = 0] = shape ?? [];
  const { row, column } = projections[projection] ?? { row: "", column: "" };
  const rowStep = Math.ceil(rows / cells);
  const columnStep = Math.ceil(columns / cells);
  const values: object[] = [];
  for (let j = 0; j < rows; j += rowStep) {
    for (let i = 0; i < columns; i += columnStep) values.push({ i, j, weight: data[j * columns + i] });
  }
  return {
    width: panelWidth - 80,
    height: Math.min(240, Math.max(30, 8 * Math.ceil(rows / rowStep))),
    title: `${projections[projection]?.title ?? projection}, ${when}`,
    data: { values },
    mark: "rect",
    encoding: {
      x: { field: "i", type: "ordinal", title: column, axis: { labels: false, ticks: false } },
      y: {
        field: "j",
        type: "ordinal",
        title: row,
        sort: "descending",
        axis: { labels: false, ticks: false },
      },
      color: axis("weight", "weight", { scale: { scheme: "blueorange", domain: [-largest, largest] } }),
      tooltip: [{ field: "i" }, { field: "j" }, { field: "weight", format: ".4g" }],
    },
  };
}

/** Weight matrices before and after training; both of a projection share a diverging scale. */
export function weightsFigure(run: RunData): Figure {
  const row = (projection: string): Specification => {
    let largest = 0;
    for (const when of ["before", "after"]) {
      for (const weight of run.weights[`${projection}_${when}`]?.data ?? []) {
        largest = Math.max(largest, Math.abs(weight));
      }
    }
    return {
      hconcat: [matrix(run, projection, "before", largest), matrix(run, projection, "after", largest)],
    };
  };
  return {
    name: "weights",
    title: "Weight matrices",
    caption: "Rows are targets, columns are sources; large matrices are sampled.",
    specification: {
      vconcat: Object.keys(projections).map(row),
      resolve: { scale: { color: "independent" } },
    },
  };
}
