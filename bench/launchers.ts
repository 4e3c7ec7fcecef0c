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
