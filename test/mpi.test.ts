/** Ranks of MPI, with each MPI that is installed; the tests of others are skipped. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { pathToFileURL } from "node:url";
import { join, resolve } from "node:path";
import { setTimeout } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { launchers, started } from "./mpi/launchers.js";

const dist = pathToFileURL(resolve("dist/index.js")).href;
const program = (name: string) => join("test/mpi", name);

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

describe.each(launchers)("$name", ({ isInstalled, ...launcher }) => {
  const withIt = it.skipIf(!isInstalled);
  withIt("ranks tell each other", async () => {
    const { outcome } = started(launcher, 3, [program("talk.mjs"), dist]);
    const { status, stdout, stderr } = await outcome;
    expect(status, stderr).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      size: 3,
      library: expect.stringContaining(launcher.library) as string,
      last: "the last one's",
      refused: expect.stringContaining("rank 1 and rank 0 do not have the same rank") as string,
      busy: expect.stringContaining("this world is in use") as string,
      is: true,
      linked: true,
      same: true,
    });
  });

  withIt("trainings of 3 ranks have the bits of one process", async () => {
    const { outcome } = started(launcher, 3, [program("train.mjs"), dist, "ranks"]);
    const { status, stdout, stderr } = await outcome;
    expect(status, stderr).toBe(0);
    expect(stdout).toBe(printed(program("train.mjs")));
  });

  withIt("the signal of one rank stops all of them, where they agree on it", async () => {
    const { status, stdout, stderr } = await started(launcher, 3, [program("stop.mjs"), dist]).outcome;
    expect(status, stderr).toBe(0);
    expect(JSON.parse(stdout)).toEqual([
      { first: "rank 1: the simulation was cancelled at 0 ms", second: "complete", time: 20 },
      { first: "asked for", second: "complete", time: 20 },
      { first: "rank 1: the simulation was cancelled at 0 ms", second: "complete", time: 20 },
    ]);
  });

  withIt("ranks whose programs differ are told what differs", async () => {
    const { status, stdout, stderr } = await started(launcher, 2, [program("apart.mjs"), dist, "told"])
      .outcome;
    expect(status, stderr).toBe(0);
    const [first, second] = JSON.parse(stdout) as Record<string, string>[];
    const other = "MPIError: rank 1 and rank 0 do not simulate the same";
    const all = (share: string) => ({
      [`V_th, ${share}`]: `${other} (model eprop_iaf_bsshslm_2020, parameter V_th, required: the same values at every rank)`,
      [`spike_times, ${share}`]: `${other} (model spike_generator, parameter spike_times, required: the same values at every rank)`,
      [`eta, ${share}`]: `${other} (model eprop_synapse_bsshslm_2020, parameter optimizer.eta, required: the same values at every rank)`,
      [`learning window, ${share}`]: `${other} (parameter eprop_learning_window, required: the same values at every rank)`,
      [`copied, ${share}`]: expect.stringContaining(other) as string,
      [`sources, ${share}`]: expect.stringContaining(other) as string,
      [`nothing, ${share}`]: "undefined",
    });
    const told = {
      ...all("neurons"),
      ...all("sequences"),
      file: expect.stringMatching(/^ValueError: rank 1 and another rank would write/) as string,
      reset: 2,
      files: expect.stringMatching(/^NotImplemented: .*recorders keep events in memory/) as string,
    };
    const mixed = "MPIError: rank 1 calls barrier where rank 0 calls gather";
    expect(first).toEqual({ ...told, values: "0,2", calls: expect.stringContaining(mixed) as string });
    const back = "MPIError: rank 0 calls gather where rank 1 calls barrier";
    expect(second).toEqual({ ...told, values: "1,2", calls: expect.stringContaining(back) as string });
  });

  withIt.each([
    ["throws", /an error of the program/],
    // That of the rank which is faster.
    ["ends", /rank 1 calls close where rank 0 calls gather|rank 0 calls gather where rank 1 calls close/],
  ])("a rank that %s while others wait for it ends them", async (how, message) => {
    const { status, stderr } = await started(launcher, 2, [program("apart.mjs"), dist, how]).outcome;
    expect(status).not.toBe(0);
    expect(stderr).toMatch(message);
  });

  withIt.each([2, 3])("networks whose neurons %i ranks share have the bits of one process", async (ranks) => {
    const { outcome } = started(launcher, ranks, [program("neurons.mjs"), dist, "ranks"]);
    const { status, stdout, stderr } = await outcome;
    expect(status, stderr).toBe(0);
    expect(stdout).toBe(printed(program("neurons.mjs")));
  });

  withIt("ranks share the trainings of a sweep, which one of them sums up", async () => {
    const folder = mkdtempSync(join(tmpdir(), "eprop-ranks-"));
    const bin = resolve("dist/cli/bin.js");
    const sweep = (out: string) => [
      ...`${bin} sweep sine-waves --seeds 1..4 --set eta=1e-4,1e-3`.split(" "),
      ...`--iterations 2 --concurrency 1 --out ${join(folder, out)}`.split(" "),
    ];
    const whole = spawnSync(process.execPath, sweep("whole"), { encoding: "utf8" });
    expect(whole.status, whole.stderr).toBe(0);
    const { status, stdout, stderr } = await started(launcher, 3, sweep("ranks")).outcome;
    expect(status, stderr).toBe(0);
    // Rank 0 tells of all trainings, each of which was done once.
    expect(stderr.match(/^\d\/8 /gm)).toHaveLength(8);
    expect(stdout).toBe(whole.stdout.replaceAll(join(folder, "whole"), join(folder, "ranks")));
    const medians = (out: string) => readFileSync(join(folder, out, "summary.csv"), "utf8");
    expect(medians("ranks")).toBe(medians("whole"));

    const asked = await started(launcher, 2, [bin, "sweep", "sine-waves", "--ask"]).outcome;
    expect(asked.status).not.toBe(0);
    expect(asked.stderr).toContain("the standard input of several ranks is that of one");
    rmSync(folder, { recursive: true });
  });

  withIt("the command trains on ranks, is stopped, and goes on with another number of them", async () => {
    const folder = mkdtempSync(join(tmpdir(), "eprop-ranks-"));
    const out = (name: string) => join(folder, name);
    const bin = resolve("dist/cli/bin.js");
    const options = ["--iterations", "300", "--batch-size", "3", "--seed", "1", "--no-record"];
    const training = ["train", "sine-waves", ...options, "--quiet", "--out"];
    const whole = spawnSync(process.execPath, [bin, ...training, out("whole")], { encoding: "utf8" });
    expect(whole.status, whole.stderr).toBe(0);

    const args = [bin, ...training, out("ranks"), "--checkpoint-every", "1"];
    // Open MPI waits for ranks that it has told to end: a second, if nothing else is said.
    const { child, outcome } = started(launcher, 3, args, { OMPI_MCA_odls_base_sigkill_timeout: "3" });
    const checkpoint = join(out("ranks"), "checkpoint.safetensors");
    while (!existsSync(checkpoint)) await setTimeout(5);
    child.kill("SIGTERM");
    const stopped = await outcome;
    expect(stopped.status).not.toBe(0);
    // On a busy machine Open MPI may end a rank before it has said so.
    const said = stopped.stderr.match(/^eprop: stopped$/gm)?.length ?? 0;
    expect(said).toBeLessThanOrEqual(1);
    if (launcher.library === "MPICH") expect(said, stopped.stderr).toBe(1);
    const resumed = started(launcher, 2, [bin, "train", "--resume", checkpoint]);
    const { status, stdout, stderr } = await resumed.outcome;
    expect(status, stderr).toBe(0);
    expect(stdout.match(/300 iterations/g)).toHaveLength(1);
    expect(stderr).toMatch(/^eprop: 2 ranks on 1 host: .* 1 to 2 of 3 sequences each$/m);
    const weights = (name: string) => readFileSync(join(out(name), "weights.npz")).toString("base64");
    expect(weights("ranks")).toBe(weights("whole"));
    rmSync(folder, { recursive: true });
  });

  // MPICH's launcher does not pass it on.
  it.skipIf(!isInstalled || launcher.library === "MPICH")(
    "SIGUSR2 stops ranks, which have the time to save",
    async () => {
      const folder = mkdtempSync(join(tmpdir(), "eprop-ranks-"));
      const bin = resolve("dist/cli/bin.js");
      const options = ["--iterations", "1000", "--batch-size", "3", "--no-record", "--quiet", "--out"];
      const { child, outcome } = started(launcher, 3, [bin, "train", "sine-waves", ...options, folder]);
      while (!existsSync(join(folder, "metrics.jsonl"))) await setTimeout(5);
      child.kill("SIGUSR2");
      const { status, stderr } = await outcome;
      expect(status, stderr).not.toBe(0);
      expect(stderr.match(/^eprop: stopped$/gm), stderr).toHaveLength(1);
      expect(existsSync(join(folder, "checkpoint.safetensors"))).toBe(true);
      rmSync(folder, { recursive: true });
    },
  );

  withIt("commands that differ are refused once", async () => {
    const differ = `process.argv = [process.argv[0], "train", "sine-waves", "--seed", process.env.PMIX_RANK ?? process.env.PMI_RANK]; await import("${pathToFileURL(resolve("dist/cli/main.js")).href}");`;
    const { status, stderr } = await started(launcher, 2, ["--input-type=module", "-e", differ]).outcome;
    expect(status).not.toBe(0);
    expect(stderr.match(/rank 1 and rank 0 do not have the same command/g)).toHaveLength(1);
  });

  withIt("a rank that fails ends all", async () => {
    const fails = `const { mpi } = await import("${dist}"); const world = await mpi.connect(); if (world.rank === 1) throw new Error("as it should"); await world.barrier();`;
    const begin = performance.now();
    const { outcome } = started(launcher, 3, ["--input-type=module", "-e", fails]);
    const { status, stderr } = await outcome;
    expect(status).not.toBe(0);
    expect(stderr).toMatch(/^rank 1: Error: as it should/m);
    expect(performance.now() - begin).toBeLessThan(10_000);
  });
});

it.skipIf(launchers.every(({ isInstalled }) => !isInstalled))(
  "a library that is not that of a launcher which does not count its ranks is refused",
  () => {
    const path = launchers.find(({ isInstalled }) => isInstalled)?.library;
    const library = path === "MPICH" ? "libmpich.so.12" : "libmpi.so.40";
    const connects = `const { mpi } = await import("${dist}"); await mpi.connect().catch(({ message }) => console.log(message));`;
    const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", connects], {
      encoding: "utf8",
      env: { ...process.env, PRTE_LAUNCHED: "1", PMIX_RANK: "1", EPROP_MPI: library },
    });
    expect(stdout, stderr).toMatch(/^prterun has started several ranks, but .* knows of one only/);
  },
);

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
