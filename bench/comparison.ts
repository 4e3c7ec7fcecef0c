/**
 * Other simulators beside eprop, in turn: a process that times the other one, then one that times eprop, and the ratio
 * of each such pair. How fast a machine is changes by the minute; pairs are of the same minute.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ByRuleRun, Measurement, NetworkRun, Settings, TaskRun } from "./case.js";
import { type ForeignJob, exportByRule, exportNetwork, exportTask } from "./export.js";
import { measure, unitTime } from "./line.js";
import { median } from "./statistics.js";

/** Who eprop is compared with. */
export type Simulator = "NEST" | "JAX";

/** What both are timed with. */
export interface Contest {
  name: string;
  simulator: Simulator;
  settings: Settings;
  run: TaskRun | NetworkRun | ByRuleRun;
  /** Pairs of processes. */
  pairs: number;
  /** Largest relative difference of the losses of the first iteration, for both to have computed the same. */
  tolerance: number;
}

/** Milliseconds of an iteration in the two processes of a pair. */
export interface Pair {
  other: number;
  own: number;
  ratio: number;
}

/** What came out. */
export interface Comparison {
  name: string;
  simulator: Simulator;
  version: string;
  threads: number;
  precision: "f64" | "f32";
  pairs: readonly Pair[];
  /** Largest relative difference of any iteration's loss. */
  deviation?: number;
}

/** What another simulator's program prints. */
interface Foreign {
  version: string;
  cold: number;
  warm: readonly number[];
  losses?: readonly number[];
  spikes?: number;
}

/** Interpreter that the tests use, too. */
const environment = ".venv/bin/python";

/** The interpreter: what is named, what PYTHON names, the project's own, or the system's. */
export function interpreter(named: string | undefined): string {
  return named ?? process.env.PYTHON ?? (existsSync(environment) ? environment : "python3");
}

/** The folder of a simulator's program, in the checkout. */
const folders = { NEST: "bench/nest", JAX: "bench/jax" } as const satisfies Record<Simulator, string>;

const checkout = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

function foreign(simulator: Simulator, python: string, job: string): Foreign {
  const folder = folders[simulator];
  const { stdout, stderr, status, error } = spawnSync(python, [checkout(`${folder}/measure.py`), job], {
    encoding: "utf8",
    maxBuffer: 1 << 26,
    // One thread is one thread, in the libraries that it calls, too.
    env: {
      ...process.env,
      PYTHONDONTWRITEBYTECODE: "1",
      ...(simulator === "NEST" && { OMP_NUM_THREADS: "1" }),
    },
  });
  if (error) throw new Error(`${python} cannot be run: ${error.message}`);
  if (stderr.includes("ModuleNotFoundError")) {
    throw new Error(
      `${python} lacks packages of ${folder}/requirements.txt (--python names another)\n${stderr}`,
    );
  }
  if (status !== 0) throw new Error(`${simulator} failed\n${stderr || stdout}`);
  return JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "") as Foreign;
}

function exported(folder: string, { run }: Contest): ForeignJob | Promise<ForeignJob> {
  if (run.kind === "task") return exportTask(folder, run);
  return run.kind === "network" ? exportNetwork(folder, run) : exportByRule(run);
}

/** What shows that two simulators did the same. */
type Shown = Pick<Measurement, "losses" | "spikes">;

/**
 * The largest relative difference of any iteration's loss, where both have losses.
 *
 * @throws `Error` where those of the first iteration or the spikes differ: the times would be of different things.
 */
export function deviationOf(
  { name, simulator, tolerance }: Pick<Contest, "name" | "simulator" | "tolerance">,
  theirs: Shown,
  ours: Shown,
): number | undefined {
  if (ours.spikes !== undefined && theirs.spikes !== ours.spikes) {
    throw new Error(`${name}: ${simulator} has ${theirs.spikes} spikes, eprop ${ours.spikes}`);
  }
  if (theirs.losses === undefined || ours.losses === undefined) return undefined;
  const own = ours.losses;
  const deviations = theirs.losses.map((loss, iteration) =>
    Math.abs(loss / (own[iteration] ?? Number.NaN) - 1),
  );
  if (!((deviations[0] ?? Number.NaN) <= tolerance)) {
    throw new Error(`${name}: the loss of ${simulator} is ${theirs.losses[0]}, that of eprop ${own[0]}`);
  }
  return Math.max(...deviations);
}

/** Takes pairs of a contest; `done` is told each. */
export async function compare(
  contest: Contest,
  python: string,
  done: (pair: Pair, number: number) => void,
): Promise<Comparison> {
  const { name, simulator, settings, run } = contest;
  const folder = mkdtempSync(join(tmpdir(), "eprop-comparison-"));
  try {
    const path = join(folder, "job.json");
    const precision = settings.precision ?? "f64";
    const job = await exported(folder, contest);
    writeFileSync(path, JSON.stringify({ ...job, threads: settings.threads, precision }));
    const parts = run.kind === "task" ? (run.parts ?? 1) : 1;
    const pairs: Pair[] = [];
    let version = "";
    let deviation: number | undefined;
    while (pairs.length < contest.pairs) {
      const theirs = foreign(simulator, python, path);
      const ours = measure({ run, settings });
      version = theirs.version;
      const [other, own] = [unitTime(theirs) / parts, unitTime(ours)];
      deviation = deviationOf(contest, theirs, ours);
      const pair = { other, own, ratio: other / own };
      pairs.push(pair);
      done(pair, pairs.length);
    }
    return {
      name,
      simulator,
      version,
      threads: settings.threads,
      precision,
      pairs,
      ...(deviation !== undefined && { deviation }),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The median ratio of the pairs, and the least and the most. */
export function ratios({ pairs }: Comparison): { median: number; least: number; most: number } {
  const all = pairs.map(({ ratio }) => ratio);
  return { median: median(all), least: Math.min(...all), most: Math.max(...all) };
}
