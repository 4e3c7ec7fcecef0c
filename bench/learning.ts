/**
 * Trains the tutorials to their end on several seeds and writes a table: do they learn as NEST's do?
 *
 * `node dist-test/bench/learning.js [--seeds N] [--handwriting FILE] [--n-mnist DIR] [--precision f32] [--only NAME]
 * [--spread] [--out FILE]`; `--spread` tells median, quartiles and the largest of all seeds instead of each. With
 * `--layers`, one layer and two are compared instead, and `--figure FILE` draws their learning curves.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { type Task, tasks, trainToEnd } from "../ts/index.js";
import { layersTable } from "./learning-layers.js";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "5" },
    handwriting: { type: "string" },
    "n-mnist": { type: "string" },
    blocklist: { type: "string" },
    precision: { type: "string", default: "f64" },
    only: { type: "string", multiple: true },
    spread: { type: "boolean", default: false },
    out: { type: "string" },
    layers: { type: "boolean", default: false },
    figure: { type: "string" },
  },
});

const { precision } = values;
if (precision !== "f32" && precision !== "f64") {
  throw new RangeError(`--precision is f32 or f64, not ${precision}`);
}

interface Row {
  name: string;
  goal: string;
  nest: string;
  make: (seed: number) => Task;
  /** The figure that is compared, from losses and errors of training and test iterations. */
  figure: (result: Awaited<ReturnType<typeof trainToEnd>>) => number;
}

const mean = (numbers: readonly number[]) => numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
const lastLoss: Row["figure"] = ({ iterations }) => iterations.at(-1)?.loss ?? Number.NaN;
const testError: Row["figure"] = ({ iterations }) =>
  mean(iterations.filter(({ phase }) => phase === "test").map(({ error }) => error ?? 1));

const rows: Row[] = [
  {
    name: "sine waves, 200 iterations: last loss",
    goal: "below 65",
    nest: "61.4",
    make: (seed) => tasks.sineWaves({ seed, iterations: 200 }),
    figure: lastLoss,
  },
  ...[200, 250].map((iterations) => ({
    name: `lemniscate, ${iterations} iterations: last loss`,
    goal: iterations === 200 ? "about 3" : "below 3",
    nest: iterations === 200 ? "2.1" : "",
    make: (seed: number) => tasks.lemniscate({ seed, iterations }),
    figure: lastLoss,
  })),
  {
    name: values.handwriting
      ? "handwriting, NEST's drawing, 200 iterations: last loss"
      : "handwriting, 200 iterations: last loss",
    goal: "below 2",
    nest: "1.25",
    make: (seed) =>
      tasks.handwriting({ seed, iterations: 200, ...(values.handwriting && { data: values.handwriting }) }),
    figure: lastLoss,
  },
  {
    name: "evidence accumulation, at most 2000 iterations: test error",
    goal: "below 0.1",
    nest: "",
    make: (seed) => tasks.evidenceAccumulation({ seed, iterations: 2000, testIterations: 20 }),
    figure: testError,
  },
  {
    name: "sine waves with e-prop+, 200 iterations: last loss",
    goal: "",
    nest: "",
    make: (seed) => tasks.sineWavesPlus({ seed, iterations: 200 }),
    figure: lastLoss,
  },
];
const digits = values["n-mnist"];
if (digits !== undefined) {
  for (const iterations of [10, 50, 100, 200]) {
    rows.push({
      name: `N-MNIST, ${iterations * 20} recordings in groups of 20: test error`,
      goal: "well below 0.9",
      nest: "",
      make: (seed) =>
        tasks.nMnist({
          seed,
          data: digits,
          ...(values.blocklist && { blocklist: values.blocklist }),
          groupSize: 20,
          iterations,
          testIterations: 5,
        }),
      figure: testError,
    });
  }
}

const chosen = rows.filter(({ name }) => values.only?.some((part) => name.includes(part)) ?? true);
const seeds = Array.from({ length: Number(values.seeds) }, (_, place) => place + 1);
const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
const head = values.spread
  ? ["task", "precision", "goal", "seeds", "median", "quartiles", "largest"]
  : ["task", "goal", "NEST, seed 1", ...seeds.map((seed) => `seed ${seed}`), "training iterations"];
const lines = values.layers
  ? await layersTable(seeds.length, values.figure)
  : [line(head), line(head.map(() => "---"))];
for (const row of values.layers ? [] : chosen) {
  const figures: number[] = [];
  const lengths = new Set<number>();
  for (const seed of seeds) {
    const result = await trainToEnd(row.make(seed), precision === "f64" ? {} : { precision });
    figures.push(row.figure(result));
    lengths.add(result.iterations.filter(({ phase }) => phase === "training").length);
    process.stderr.write(`${row.name}: seed ${seed}: ${figures.at(-1)?.toPrecision(3)}\n`);
  }
  if (values.spread) {
    const ascending = figures.toSorted((a, b) => a - b);
    const [low = "", middle = "", high = "", largest = ""] = [0.25, 0.5, 0.75, 1].map((share) =>
      ascending[Math.round(share * (ascending.length - 1))]?.toPrecision(3),
    );
    lines.push(
      line([row.name, precision, row.goal, `${seeds.length}`, middle, `${low} to ${high}`, largest]),
    );
  } else {
    const counts = [...lengths].toSorted((a, b) => a - b);
    const trained = counts.length === 1 ? `${counts[0]}` : `${counts[0]} to ${counts.at(-1)}`;
    const name = precision === "f64" ? row.name : `${row.name}, ${precision}`;
    lines.push(line([name, row.goal, row.nest, ...figures.map((figure) => figure.toPrecision(3)), trained]));
  }
}
const table = `${lines.join("\n")}\n`;
process.stdout.write(table);
if (values.out !== undefined) writeFileSync(values.out, table);
