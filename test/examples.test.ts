import { spawnSync } from "node:child_process";
import { beforeAll, describe, expect, it } from "vitest";
import reference from "./reference/losses.json" with { type: "json" };

/** The losses that an example prints. */
function lossesOf(example: string, ...args: string[]): number[] {
  const { stdout, stderr } = spawnSync(process.execPath, [`dist-examples/${example}.js`, ...args], {
    encoding: "utf8",
  });
  const losses = [...stdout.matchAll(/loss ([\d.]+)/g)].map(([, loss]) => Number(loss));
  if (losses.length === 0) throw new Error(stderr);
  return losses;
}

describe("the tutorials as scripts", () => {
  beforeAll(() => {
    const { status, stdout } = spawnSync("npx", ["tsc", "-p", "tsconfig.examples.json"], {
      encoding: "utf8",
    });
    expect(status, stdout).toBe(0);
  });
  it.each([
    ["sine-waves", reference["sine-waves"].loss],
    ["lemniscate", reference.lemniscate.loss],
    [
      "evidence-accumulation",
      [0.702163370672, 0.735555303152, 0.740354864111, 0.683882815282, 0.707841122268],
    ],
  ])("%s gives NEST's losses", (example, expected) => {
    const losses = lossesOf(example);
    expected.forEach((loss, at) => expect(losses[at]).toBeCloseTo(loss, 5));
  });
});
