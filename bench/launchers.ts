import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** How two ranks are started, by the name of the MPI; `command` instead of those that there are, if it is given. */
export const launchersOf = (
  command: string | undefined,
): readonly (readonly [string, readonly string[]])[] =>
  command === undefined
    ? [
        ["Open MPI", ["mpirun.openmpi", "--allow-run-as-root", "--bind-to", "none", "-n", "2"]],
        ["MPICH", ["mpirun.mpich", "-n", "2"]],
      ]
    : [[command, [...command.split(" "), "-n", "2"]]];

/**
 * What a script prints as JSON in processes of its own: in one, or in those that a launcher starts.
 *
 * @param module Address of the script.
 */
export function measuredApart(
  module: string,
  args: readonly string[],
  options: { launcher: readonly string[]; threads: number },
): unknown {
  const { launcher, threads } = options;
  const [program = "", ...rest] = [...launcher, process.execPath, fileURLToPath(module), ...args];
  const { stdout, stderr, status } = spawnSync(program, rest, {
    encoding: "utf8",
    env: { ...process.env, EPROP_THREADS: String(threads) },
  });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}
