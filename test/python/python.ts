import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

/** Where `npm test` puts what the tests read recordings with. */
const environment = ".venv/bin/python";

/** The interpreter: what PYTHON names, the project's own, or the system's. */
const interpreter = process.env.PYTHON ?? (existsSync(environment) ? environment : "python3");

/**
 * Runs Python.
 *
 * @returns What it printed.
 * @throws `Error` with what it said where it failed.
 */
export function python(args: readonly string[], env: Readonly<Record<string, string>> = {}): string {
  const { NO_COLOR: _, ...inherited } = process.env;
  const { status, stdout, stderr, error } = spawnSync(interpreter, args, {
    encoding: "utf8",
    env: { ...inherited, ...env },
    maxBuffer: 1 << 28,
  });
  if (error !== undefined) {
    throw new Error(
      `The tests need Python 3, and ${interpreter} cannot be run. Run \`npm run pretest\`, or set PYTHON.`,
    );
  }
  if (stderr.includes("ModuleNotFoundError")) {
    throw new Error(
      `The tests need packages of test/python/requirements.txt: run \`npm run pretest\`.\n${stderr}`,
    );
  }
  if (status !== 0) throw new Error(stderr || stdout);
  return stdout;
}
