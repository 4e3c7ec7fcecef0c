/**
 * What the report of a run costs, with all its figures: each task's, read from its folder, in a process of its own that
 * loads what it needs. The median of some, by the clock and of the processors.
 *
 * node dist-test/bench/figures.js [times]
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Task, tasks, trainToEnd } from "../ts/index.js";
import { writeRunFolder } from "../ts/report/run-folder.js";
import { median } from "./statistics.js";

/** As long as a training is that learns. */
const trainings: Readonly<Record<string, () => Task>> = {
  "sine-waves": () => tasks.sineWaves({ iterations: 200 }),
  lemniscate: () => tasks.lemniscate({ iterations: 200 }),
  handwriting: () => tasks.handwriting({ iterations: 200 }),
  "evidence-accumulation": () =>
    tasks.evidenceAccumulation({ iterations: 200, earlyStop: false, testIterations: 20 }),
  "sine-waves-plus": () => tasks.sineWavesPlus({ iterations: 200 }),
  "n-mnist": () => tasks.nMnist({ synthetic: true, iterations: 20, groupSize: 20, testIterations: 2 }),
};

interface Cost {
  wall: number;
  processor: number;
}

/** What `eprop report` costs (ms), from the package's loading to the last file. */
async function cost(folder: string): Promise<Cost> {
  const begin = performance.now();
  const processor = process.cpuUsage();
  const { readRunFolder, writeReport } = await import("../ts/report/index.js");
  await writeReport(folder, readRunFolder(folder));
  const { user, system } = process.cpuUsage(processor);
  return { wall: performance.now() - begin, processor: (user + system) / 1000 };
}

async function measureAll(times: number): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), "eprop-bench-figures-"));
  process.stdout.write("| task | by the clock (s) | processors (s) |\n| --- | --- | --- |\n");
  for (const [name, task] of Object.entries(trainings)) {
    const folder = join(root, name);
    await writeRunFolder(folder, await trainToEnd(task(), { record: true }));
    const costs = Array.from({ length: times }, () => {
      const child = spawnSync(process.execPath, [fileURLToPath(import.meta.url), "--of", folder], {
        encoding: "utf8",
      });
      if (child.status !== 0) throw new Error(child.stderr);
      return JSON.parse(child.stdout) as Cost;
    });
    const seconds = (of: keyof Cost) => (median(costs.map((one) => one[of])) / 1000).toFixed(2);
    process.stdout.write(`| ${name} | ${seconds("wall")} | ${seconds("processor")} |\n`);
  }
  rmSync(root, { recursive: true });
}

if (process.argv[2] === "--of") process.stdout.write(JSON.stringify(await cost(process.argv[3] as string)));
else await measureAll(Number(process.argv[2] ?? 5));
