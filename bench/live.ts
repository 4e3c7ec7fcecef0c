/**
 * What the live view costs a training: the same training without it, with its server alone, and with a page that
 * reads, in alternation. Processor time counts, which other work on the machine changes less than time by the clock.
 *
 * node dist-test/bench/live.js [pairs]
 */
import { spawn } from "node:child_process";
import { type TrainOptions, tasks, trainToEnd } from "../ts/index.js";
import { LiveFeed } from "../ts/live/feed.js";
import { serveLive } from "../ts/live/server.js";

const pairs = Number(process.argv[2] ?? 7);
const page = { html: "", headers: {} };

const trainings = {
  "sine-waves": () => tasks.sineWaves({ iterations: 2000 }),
  lemniscate: () => tasks.lemniscate({ iterations: 700 }),
  "evidence-accumulation": () =>
    tasks.evidenceAccumulation({ iterations: 50, earlyStop: false, testIterations: 0 }),
} as const;

/** Processor time of a training (ms), with so many pages; no server if undefined. */
async function cost(name: keyof typeof trainings, pages?: number): Promise<number> {
  const task = trainings[name]();
  const run = { task: name, text: "", seed: 1, kind: task.kind, gradient: true, planned: 1000, facts: [] };
  const feed = new LiveFeed(run, task.steps);
  const server = pages === undefined ? undefined : await serveLive(feed, page, () => {});
  const readers = Array.from({ length: pages ?? 0 }, () =>
    spawn("curl", ["-sN", `${server?.url}events`], { stdio: "ignore" }),
  );
  while (feed.viewers < readers.length) await new Promise((resolve) => setTimeout(resolve, 10));
  const options: TrainOptions = server === undefined ? {} : { observer: feed };
  const begin = process.cpuUsage();
  await trainToEnd(task, { ...options, onIteration: (iteration) => feed.push(iteration) });
  const { user, system } = process.cpuUsage(begin);
  for (const reader of readers) reader.kill();
  await server?.close();
  return (user + system) / 1000;
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number;
}

process.stdout.write("task                    without (ms)  server alone  one page\n");
for (const name of Object.keys(trainings) as (keyof typeof trainings)[]) {
  await cost(name);
  const [plain, alone, watched]: [number[], number[], number[]] = [[], [], []];
  for (let pair = 0; pair < pairs; pair++) {
    plain.push(await cost(name));
    alone.push(await cost(name, 0));
    watched.push(await cost(name, 1));
  }
  const ratio = (costs: number[]) =>
    median(costs.map((value, at) => value / (plain[at] as number))).toFixed(3);
  process.stdout.write(
    `${name.padEnd(24)}${median(plain).toFixed(0).padStart(12)}${ratio(alone).padStart(14)}${ratio(watched).padStart(10)}\n`,
  );
}
