/** Launchers of MPI, and which of them this machine has. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";

/** A launcher, and how it starts a number of ranks on this machine, more than it has processors too. */
export interface TestLauncher {
  name: "Open MPI" | "MPICH";
  command(ranks: number): string[];
}

const known: TestLauncher[] = [
  {
    name: "Open MPI",
    command: (ranks) => [
      "mpirun.openmpi",
      ...(process.getuid?.() === 0 ? ["--allow-run-as-root"] : []),
      "--oversubscribe",
      "--bind-to",
      "none",
      "-n",
      String(ranks),
    ],
  },
  { name: "MPICH", command: (ranks) => ["mpirun.mpich", "-n", String(ranks)] },
];

/** By Debian's names; elsewhere `mpirun` is one of both, and not looked for. */
export const launchers = known.map((launcher) => ({
  ...launcher,
  isInstalled: spawnSync(launcher.command(1)[0] as string, ["--version"]).status === 0,
}));

/** What a program left that was run by several ranks. */
export interface Outcome {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Ranks that run a program. */
export function started(
  { command }: TestLauncher,
  ranks: number,
  program: readonly string[],
  env: Record<string, string> = {},
): { child: ChildProcess; outcome: Promise<Outcome> } {
  const [launcher, ...args] = [...command(ranks), process.execPath, ...program];
  const child = spawn(launcher as string, args, {
    env: { ...process.env, EPROP_THREADS: "1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const left = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk: Buffer) => (left.stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (left.stderr += chunk.toString()));
  const outcome = new Promise<Outcome>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status) => resolve({ status, ...left }));
  });
  return { child, outcome };
}
