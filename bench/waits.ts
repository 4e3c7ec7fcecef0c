/**
 * What a whole training takes by the clock, over what its simulation takes. With `--against FOLDER`, another build of
 * the package (its `dist`) takes turns with this one.
 */
import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { median } from "./statistics.js";

/** What is trained, with one thread, so that there is a processor for drawing inputs. */
const cases = [
  { name: "256 neurons", task: "storeRecall", options: { batchSize: 32, parameters: { n_rec: 256 } } },
  { name: "evidence accumulation", task: "evidenceAccumulation", options: { validateEvery: 0 } },
] as const;

/** Iterations that count, after those in which nothing is compiled yet. */
const [warmUp, counted] = [6, 50];

/** Trains a case in this process: milliseconds of an iteration by the clock, and of its simulation. */
async function measured(name: string, build: string): Promise<{ wall: number; engine: number }> {
  const { task: of, options } = cases.find((known) => known.name === name) ?? cases[0];
  const { Trainer, tasks } = (await import(build)) as typeof import("../ts/index.js");
  const task = tasks[of]({ ...options, iterations: warmUp + counted, testIterations: 0 });
  const trainer = new Trainer(task, { threads: 1 });
  let [begin, engine] = [0, 0];
  for await (const { iteration, ms } of trainer) {
    if (iteration === warmUp) begin = performance.now();
    else if (iteration > warmUp) engine += ms;
  }
  const wall = performance.now() - begin;
  await trainer.close();
  return { wall: wall / counted, engine: engine / counted };
}

const { values } = parseArgs({
  options: {
    against: { type: "string" },
    pairs: { type: "string", default: "5" },
    case: { type: "string" },
    build: { type: "string" },
  },
});
const own = new URL("../ts/index.js", import.meta.url).href;
if (values.case !== undefined) {
  process.stdout.write(JSON.stringify(await measured(values.case, values.build ?? own)));
} else {
  const builds = [own];
  if (values.against !== undefined) builds.unshift(pathToFileURL(resolve(values.against, "index.js")).href);
  for (const { name } of cases) {
    const found = builds.map((): { wall: number; engine: number }[] => []);
    for (let pair = 0; pair < Number(values.pairs); pair++) {
      for (const [at, build] of builds.entries()) {
        const args = [fileURLToPath(import.meta.url), "--case", name, "--build", build];
        const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: "utf8" });
        if (status !== 0) throw new Error(stderr);
        found[at]?.push(JSON.parse(stdout) as { wall: number; engine: number });
      }
    }
    for (const [at, all] of found.entries()) {
      const figure = (of: (one: { wall: number; engine: number }) => number, digits: number) => {
        const sorted = all.map(of).toSorted((a, b) => a - b);
        const [least, most] = [sorted[0] as number, sorted.at(-1) as number];
        return `${median(sorted).toFixed(digits)} (${least.toFixed(digits)}–${most.toFixed(digits)})`;
      };
      const build = builds.length > 1 ? `, ${at === 0 ? "other" : "this"} build` : "";
      process.stdout.write(
        `${name}${build}: ${figure(({ wall }) => wall, 1)} ms an iteration by the clock, ` +
          `${figure(({ engine }) => engine, 1)} ms of simulation, ratio ${figure(({ wall, engine }) => wall / engine, 3)}\n`,
      );
    }
  }
}
