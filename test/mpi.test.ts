/** Ranks of MPI, with each MPI that is installed; without one they are left out. */
import { spawnSync } from "node:child_process";
import { pathToFileURL } from "node:url";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { launchers, started } from "./mpi/launchers.js";

const dist = pathToFileURL(resolve("dist/index.js")).href;
const program = (name: string) => join("test/mpi", name);

if (launchers.length === 0) {
  it.skip("left out: neither Open MPI nor MPICH is installed (Debian: openmpi-bin, mpich)", () => undefined);
}

/** What a program prints when it is run by one process. */
const alone = new Map<string, string>();
function printed(path: string): string {
  const known = alone.get(path);
  if (known !== undefined) return known;
  const { status, stdout, stderr } = spawnSync(process.execPath, [path, dist, "alone"], {
    encoding: "utf8",
  });
  expect(status, stderr).toBe(0);
  alone.set(path, stdout);
  return stdout;
}

describe.each(launchers)("$name", (launcher) => {
  it("ranks tell each other", async () => {
    const { outcome } = started(launcher, 3, [program("talk.mjs"), dist]);
    const { status, stdout, stderr } = await outcome;
    expect(status, stderr).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      size: 3,
      library: expect.stringContaining(launcher.name) as string,
      last: "the last one's",
      refused: expect.stringContaining("rank 1 and rank 0 do not have the same rank") as string,
      busy: expect.stringContaining("this world is in use") as string,
      is: true,
      same: true,
    });
  });

  it("trainings of 3 ranks have the bits of one process", async () => {
    const { outcome } = started(launcher, 3, [program("train.mjs"), dist, "ranks"]);
    const { status, stdout, stderr } = await outcome;
    expect(status, stderr).toBe(0);
    expect(stdout).toBe(printed(program("train.mjs")));
  });

  it("a rank that fails ends all", async () => {
    const fails = `const { mpi } = await import("${dist}"); const world = await mpi.connect(); if (world.rank === 1) throw new Error("as it should"); await world.barrier();`;
    const begin = performance.now();
    const { outcome } = started(launcher, 3, ["--input-type=module", "-e", fails]);
    const { status, stderr } = await outcome;
    expect(status).not.toBe(0);
    expect(stderr).toMatch(/^rank 1: Error: as it should/m);
    expect(performance.now() - begin).toBeLessThan(10_000);
  });
});

it("a library that is not there, or is none of MPI, is named", () => {
  const asked = (name: string, env: Record<string, string> = {}) =>
    spawnSync(
      process.execPath,
      [
        "--input-type=module",
        "-e",
        `const { mpi } = await import("${dist}"); await mpi.connect(${name}).catch(({ code, message }) => console.log(code, message));`,
      ],
      { encoding: "utf8", env: { ...process.env, ...env } },
    ).stdout;
  if (process.platform === "win32") {
    expect(asked("")).toMatch(/^MPIError there is no MPI on this system/);
    return;
  }
  expect(asked("{ library: '/nowhere/libmpi.so' }")).toMatch(
    /^MPIError this library of MPI can't be loaded: .*EPROP_MPI, value \/nowhere\/libmpi\.so/,
  );
  expect(asked("", { EPROP_MPI: "/nowhere/libmpi.so" })).toContain("parameter EPROP_MPI");
  expect(asked("{ library: 3 }")).toMatch(/^TypeMismatch .*library/);
});
