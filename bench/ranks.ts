/**
 * Two ranks with a thread each against one process with two threads:
 * `npm run -s bench:ranks -- [--pairs N] [--only NAME] [--launcher COMMAND] [--markdown FILE]`.
 *
 * Both do the same work on the same processors, in turns, so what differs is what ranks tell each other and how they wait.
 * What counts is an iteration by the clock: for evidence accumulation the whole of a training's, for the network of the
 * spoken digits a batch that is simulated.
 */
import { parseArgs } from "node:util";
import { Trainer, mpi, tasks } from "../ts/index.js";
import { sequence } from "./cases.js";
import { launchersOf, measuredApart } from "./launchers.js";
import { measure } from "./measure-network.js";
import { median, pairsInTurn, rangeText } from "./statistics.js";
import { writeBlocks } from "./tables.js";

interface Compared {
  name: string;
  /** Milliseconds of each iteration that counts. */
  measured(world: mpi.World | undefined, threads: number): Promise<number[]>;
}

const evidence = (batchSize: number, iterations: number): Compared => ({
  name: `evidence accumulation, batch ${batchSize}`,
  async measured(world, threads) {
    const warmUp = 2;
    const schedule = { iterations: warmUp + iterations, validateEvery: 0, testIterations: 0 };
    const trainer = new Trainer(tasks.evidenceAccumulation({ ...schedule, batchSize, seed: 1 }), {
      threads,
      ...(world && { world }),
    });
    const times: number[] = [];
    let begin = performance.now();
    for await (const { iteration } of trainer) {
      const now = performance.now();
      if (iteration > warmUp) times.push(now - begin);
      begin = now;
    }
    await trainer.close();
    return times;
  },
});

const spokenDigits = (batch: number): Compared => ({
  name: `spoken digits, 256 neurons, batch ${batch}`,
  async measured(world, threads) {
    const run = { kind: "network", family: "interval", ...sequence, neurons: 256, batch } as const;
    return [...(await measure({ ...run, repetitions: 2 }, { threads }, world)).warm];
  },
});

const compared = [evidence(32, 40), evidence(512, 5), spokenDigits(512)];

const { values } = parseArgs({
  options: {
    pairs: { type: "string", default: "5" },
    only: { type: "string", default: "" },
    launcher: { type: "string" },
    markdown: { type: "string" },
    case: { type: "string" },
    threads: { type: "string" },
  },
});

/** Measures a case in this process, which may be one of several ranks. */
async function measureHere(name: string, threads: number): Promise<void> {
  const world = threads === 1 ? await mpi.connect() : undefined;
  const one = compared.find((known) => known.name === name);
  if (one === undefined) throw new Error(`there is no case ${name}`);
  const times = await one.measured(world, threads);
  if (world === undefined || world.rank === 0) process.stdout.write(JSON.stringify(times));
  await world?.close();
}

const launchers = launchersOf(values.launcher);

/** The median iteration of a case in processes of their own. */
function timed(name: string, launcher: readonly string[], threads: number): number {
  const args = ["--case", name, "--threads", String(threads)];
  return median(measuredApart(import.meta.url, args, { launcher, threads }) as number[]);
}

async function compareAll(): Promise<void> {
  const lines = [
    "| case | MPI | one process, 2 threads (ms) | 2 ranks, a thread each (ms) | speed against one process |",
    "| --- | --- | --- | --- | --- |",
  ];
  for (const { name } of compared) {
    if (!name.includes(values.only)) continue;
    for (const [mpiName, launcher] of launchers) {
      const pairs = pairsInTurn(
        Number(values.pairs),
        () => timed(name, [], 2),
        () => timed(name, launcher, 1),
      );
      const [own, ranks] = [pairs.map(([one]) => one), pairs.map(([, several]) => several)];
      const digits = (own[0] ?? 0) < 1000 ? 1 : 0;
      const speeds = pairs.map(([one, several]) => one / several);
      const cells = [rangeText(own, digits), rangeText(ranks, digits), rangeText(speeds, 2)];
      lines.push(`| ${name} | ${mpiName} | ${cells.join(" | ")} |`);
      console.log(lines.at(-1));
    }
  }
  await writeBlocks(values.markdown, new Map([["ranks", lines.join("\n")]]));
}

if (values.case === undefined) await compareAll();
else await measureHere(values.case, Number(values.threads));
