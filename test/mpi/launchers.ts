/** Launchers of MPI, and which of them this machine has. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";

/** A launcher, and how it starts a number of ranks on this machine, more than it has processors too. */
export interface TestLauncher {
  name: string;
  /** What its library calls itself. */
  library: "Open MPI" | "MPICH";
  command(ranks: number): string[];
  /** Variables that its ranks are started with. */
  env: Record<string, string>;
}

const asRoot = process.getuid?.() === 0 ? ["--allow-run-as-root"] : [];

/** More ranks than processors, on any of them. */
const anywhere = ["--map-by", ":OVERSUBSCRIBE", "--bind-to", "none"];

const openMpi = (program: string, name = "Open MPI", env: Record<string, string> = {}): TestLauncher => ({
  name,
  library: "Open MPI",
  command: (ranks) => [program, ...asRoot, ...anywhere, "-n", String(ranks)],
  env,
});

const mpich = (program: string, name = "MPICH", env: Record<string, string> = {}): TestLauncher => ({
  name,
  library: "MPICH",
  command: (ranks) => [program, "-n", String(ranks)],
  env,
});

/** What is in the folder of an MPI: launchers with its library, and with that of the MPI Forum's interface. */
function launchersIn(folder: string): TestLauncher[] {
  const program = join(folder, "bin/mpirun");
  const lib = join(folder, "lib");
  const { stdout } = spawnSync(program, ["--version"], { encoding: "utf8" });
  const version = /Open MPI\) ([\d.]+)|Version:\s*([\d.]+)/.exec(stdout ?? "");
  if (version === null) throw new Error(`EPROP_TEST_MPI: ${program} is no launcher of Open MPI or MPICH`);
  const [, open, other] = version;
  const make = open === undefined ? mpich : openMpi;
  const name = open === undefined ? `MPICH ${other}` : `Open MPI ${open}`;
  const env = { LD_LIBRARY_PATH: lib };
  const found = [make(program, name, env)];
  const standard = join(lib, "libmpi_abi.so.1");
  if (existsSync(standard)) {
    found.push(make(program, `${name}, the MPI Forum's interface`, { ...env, EPROP_MPI: standard }));
  }
  const runtime = join(folder, "bin/prterun");
  if (existsSync(runtime)) found.push(openMpi(runtime, `${name}, prterun`, env));
  return found;
}

/** By Debian's names; elsewhere `mpirun` is one of both, and not looked for. */
const debian = [openMpi("mpirun.openmpi"), mpich("mpirun.mpich")].map((launcher) => ({
  ...launcher,
  isInstalled: spawnSync(launcher.command(1)[0] as string, ["--version"]).status === 0,
}));

/** `EPROP_TEST_MPI` names folders of others, each with `bin/mpirun` and `lib`; else there is that of prepare-tests.mjs. */
const prepared = existsSync(".mpi/bin/mpirun") ? resolve(".mpi") : "";
const named = (process.env["EPROP_TEST_MPI"] ?? prepared).split(delimiter).filter((folder) => folder !== "");

export const launchers = [
  ...debian,
  ...named.flatMap(launchersIn).map((launcher) => ({ ...launcher, isInstalled: true })),
];

/** What a program left that was run by several ranks. */
export interface Outcome {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Ranks that run a program. */
export function started(
  launcher: TestLauncher,
  ranks: number,
  program: readonly string[],
  env: Record<string, string> = {},
  cwd = process.cwd(),
): { child: ChildProcess; outcome: Promise<Outcome> } {
  const [command, ...args] = [...launcher.command(ranks), process.execPath, ...program];
  const child = spawn(command as string, args, {
    cwd,
    env: { ...process.env, EPROP_THREADS: "1", ...launcher.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const left = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk: Buffer) => (left.stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (left.stderr += chunk.toString()));
  const outcome = new Promise<Outcome>((settle, reject) => {
    child.on("error", reject);
    child.on("close", (status) => settle({ status, ...left }));
  });
  return { child, outcome };
}
