/**
 * What a second layer learns: delayed-match with layers of adaptive neurons, each with feedback of its own from the
 * readouts, which read all layers. Gives the lines of a table, and draws learning curves of every seed.
 */
import { writeFileSync } from "node:fs";
import { tasks, trainToEnd } from "../ts/index.js";
import { renderSvg } from "../ts/figures/render.js";
import { sweepFigure } from "../ts/sweep/figure.js";
import type { SweepRun } from "../ts/sweep/results.js";
import { runSummary } from "../ts/runs/summary.js";
import { median } from "./statistics.js";

/** What is compared: layers, and neurons of each. */
const cases = [
  { layers: 1, n_rec: 128 },
  { layers: 2, n_rec: 128 },
  { layers: 1, n_rec: 256 },
] as const;

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Trains all cases with seeds from 1 on; a figure goes to the file, if there is one. */
export async function layersTable(seeds: number, figure: string | undefined): Promise<string[]> {
  const runs: SweepRun[] = [];
  const lines = [
    `| layers of adaptive neurons | ${Array.from({ length: seeds }, (_, at) => `seed ${at + 1}`).join(" | ")} | median |`,
    `| --- |${" --- |".repeat(seeds + 1)}`,
  ];
  for (const size of cases) {
    const errors: number[] = [];
    const layers = Array<number>(size.layers).fill(size.n_rec).join(" + ");
    for (let seed = 1; seed <= seeds; seed++) {
      const parameters = { ...size, adaptive: 1, eta: 5e-3 };
      const task = tasks.delayedMatch({
        seed,
        iterations: 200,
        batchSize: 32,
        testIterations: 8,
        parameters,
      });
      const result = await trainToEnd(task);
      const tests = result.iterations.filter(({ phase }) => phase === "test");
      errors.push(mean(tests.map(({ error }) => error ?? 1)));
      runs.push({ seed, parameters: { layers }, status: "finished", summary: runSummary(result) });
      process.stderr.write(`${layers}, seed ${seed}: ${errors.at(-1)?.toFixed(3)}\n`);
    }
    lines.push(`| ${layers} | ${[...errors, median(errors)].map((error) => error.toFixed(3)).join(" | ")} |`);
  }
  if (figure !== undefined)
    writeFileSync(figure, await renderSvg(sweepFigure("delayed-match", runs), "light"));
  return lines;
}
