/**
 * Trains the tutorials to their end on several seeds and writes a table: do they learn as NEST's do?
 *
 * `node dist-test/bench/learning.js [--seeds N] [--handwriting FILE] [--n-mnist DIR] [--precision f32] [--out FILE]`
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { type Task, tasks, trainToEnd } from "../ts/index.js";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "5" },
    handwriting: { type: "string" },
    "n-mnist": { type: "string" },
    blocklist: { type: "string" },
    precision: { type: "string", default: "f64" },
    out: { type: "string" },
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

const seeds = Array.from({ length: Number(values.seeds) }, (_, place) => place + 1);
const lines = [
  `| task | goal | NEST, seed 1 | ${seeds.map((seed) => `seed ${seed}`).join(" | ")} | training iterations |`,
  `| --- | --- | --- | ${seeds.map(() => "---").join(" | ")} | --- |`,
];
for (const row of rows) {
  const figures: string[] = [];
  const lengths = new Set<number>();
  for (const seed of seeds) {
    const result = await trainToEnd(row.make(seed), precision === "f64" ? {} : { precision });
    figures.push(row.figure(result).toPrecision(3));
    lengths.add(result.iterations.filter(({ phase }) => phase === "training").length);
    process.stderr.write(`${row.name}: seed ${seed}: ${figures.at(-1)}\n`);
  }
  const counts = [...lengths].toSorted((a, b) => a - b);
  const trained = counts.length === 1 ? `${counts[0]}` : `${counts[0]} to ${counts.at(-1)}`;
  lines.push(
    `| ${row.name}${precision === "f64" ? "" : `, ${precision}`} | ${row.goal} | ${row.nest} | ${figures.join(" | ")} | ${trained} |`,
  );
}
const table = `${lines.join("\n")}\n`;
process.stdout.write(table);
if (values.out !== undefined) writeFileSync(values.out, table);
