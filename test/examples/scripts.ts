/** Runs the examples, compiled into `dist-examples`. */
import { spawnSync } from "node:child_process";

/** Compiles all examples; throws with what the compiler says. */
export function compileExamples(): void {
  const { status, stdout } = spawnSync("npx", ["tsc", "-p", "tsconfig.examples.json"], { encoding: "utf8" });
  if (status !== 0) throw new Error(stdout);
}

/** Runs a script; gives what it prints as `NAME number: value`, by name. */
export function printedBy(
  example: string,
  ...args: readonly (string | number)[]
): (name: string) => number[] {
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [`dist-examples/${example}.js`, ...args.map(String)],
    { encoding: "utf8" },
  );
  return (name) => {
    const found = [...stdout.matchAll(new RegExp(`^${name} \\d+: (.+)$`, "gm"))];
    if (found.length === 0) throw new Error(stderr || "nothing was printed");
    return found.map(([, value]) => Number(value));
  };
}

/** The largest deviation of values from those expected, relative to them. */
export function deviation(values: readonly number[], expected: readonly number[]): number {
  return expected.reduce(
    (most, value, at) => Math.max(most, Math.abs((values[at] ?? Number.NaN) - value) / Math.abs(value || 1)),
    0,
  );
}
