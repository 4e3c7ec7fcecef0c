/**
 * Weak scaling of networks whose neurons ranks share: the network of the scaling benchmark with so many neurons in one
 * process, and with twice as many over two ranks, a thread each:
 * `npm run -s bench:weak-scaling -- [--neurons N] [--pairs N] [--launcher COMMAND] [--markdown FILE]`.
 *
 * Each in processes of their own, which take turns.
 */
import { parseArgs } from "node:util";
import { mpi } from "../ts/index.js";
import type { ByRuleRun } from "./case.js";
import { launchersOf, measuredApart } from "./launchers.js";
import { measure } from "./measure-by-rule.js";
import { scalingNetwork } from "./scaling-network.js";
import { median, pairsInTurn, rangeText } from "./statistics.js";
import { writeBlocks } from "./tables.js";

const { values } = parseArgs({
  options: {
    neurons: { type: "string", default: "50000" },
    pairs: { type: "string", default: "3" },
    launcher: { type: "string" },
    markdown: { type: "string" },
    case: { type: "string" },
    ranks: { type: "boolean", default: false },
  },
});

/** What a process has measured. */
interface Measured {
  /** An iteration of 1,000 steps (ms). */
  iteration: number;
  /** Bytes. */
  peak: number;
}

const rules: readonly (readonly [ByRuleRun["family"], string])[] = [
  ["interval", "once an update interval"],
  ["event", "e-prop+"],
];

/** Measures a network in this process, which may be one of several ranks. */
async function measureHere(family: ByRuleRun["family"], neurons: number, shared: boolean): Promise<void> {
  const world = shared ? await mpi.connect() : undefined;
  const { warm, peak } = await measure(scalingNetwork(family, neurons, 4), { threads: 1 }, world);
  const own: Measured = { iteration: median(warm), peak };
  const all = (await world?.gather(own)) ?? [own];
  if (world === undefined || world.rank === 0) process.stdout.write(JSON.stringify(all));
  await world?.close();
}

/** Of ranks, what the slower one took, and the one that held more. */
function measured(family: string, neurons: number, launcher: readonly string[]): Measured {
  const shared = launcher.length > 0 ? ["--ranks"] : [];
  const args = ["--case", family, "--neurons", String(neurons), ...shared];
  const all = measuredApart(import.meta.url, args, { launcher, threads: 1 }) as Measured[];
  const most = (key: keyof Measured) => Math.max(...all.map((one) => one[key]));
  return { iteration: most("iteration"), peak: most("peak") };
}

async function compareAll(): Promise<void> {
  const lines = [
    "| weights change | MPI | neurons of a rank | one rank (s) | two ranks (s) | speed of each that is kept | memory of a rank |",
    "| --- | --- | --- | --- | --- | --- | --- |",
  ];
  const neurons = Number(values.neurons);
  for (const [family, name] of rules) {
    for (const [library, launcher] of launchersOf(values.launcher)) {
      const pairs = pairsInTurn(
        Number(values.pairs),
        () => measured(family, neurons, []),
        () => measured(family, 2 * neurons, launcher),
      );
      const [one, two] = [pairs.map(([alone]) => alone), pairs.map(([, both]) => both)];
      const seconds = (of: readonly Measured[]) => of.map(({ iteration }) => iteration / 1000);
      const speeds = pairs.map(([alone, both]) => alone.iteration / both.iteration);
      const peak = Math.max(...two.map((both) => both.peak)) / 2 ** 30;
      const cells = [
        name,
        library,
        neurons.toLocaleString("en-US"),
        rangeText(seconds(one), 2),
        rangeText(seconds(two), 2),
        rangeText(speeds, 2),
        `${peak.toFixed(1)} GiB`,
      ];
      lines.push(`| ${cells.join(" | ")} |`);
      console.log(lines.at(-1));
    }
  }
  await writeBlocks(values.markdown, new Map([["weak scaling", lines.join("\n")]]));
}

if (values.case === undefined) await compareAll();
else await measureHere(values.case as ByRuleRun["family"], Number(values.neurons), values.ranks);
