/**
 * The packages as a user of a cluster gets them: packed, installed in an empty folder without a compiler, and run by ranks.
 * All that a training leaves must have the bits of one process.
 */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { consumerManifest, installArguments, packCheckout } from "../packed.js";
import { type TestLauncher, started } from "./launchers.js";

/** A folder in which eprop is installed from its packed files. */
export class Consumer implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), "eprop-packed-ranks-"));
  /** A PATH without cargo and rustc. */
  readonly #path = (process.env["PATH"] ?? "")
    .split(delimiter)
    .filter((place) => !["cargo", "rustc"].some((program) => existsSync(join(place, program))))
    .join(delimiter);
  /** Where it is installed. */
  readonly folder = join(this.#folder, "consumer");

  constructor() {
    const packages = join(this.#folder, "packages");
    packCheckout(packages, join(this.#folder, "artifacts"));
    mkdirSync(this.folder);
    writeFileSync(join(this.folder, "package.json"), JSON.stringify(consumerManifest(packages)));
    this.#run("npm", ...installArguments(packages));
    cpSync("test/mpi/tasks.mjs", join(this.folder, "tasks.mjs"));
    cpSync("test/conformance/cases", join(this.folder, "cases"), { recursive: true });
    const addresses = { "../../ts/nest/index.js": "eprop/nest", "../../ts/index.js": "eprop" };
    for (const name of ["replay.js", "run.js"]) {
      const text = readFileSync(join("dist-test/test/conformance", name), "utf8");
      const own = Object.entries(addresses).reduce((all, [from, to]) => all.replaceAll(from, to), text);
      writeFileSync(join(this.folder, name), own);
    }
  }

  #run(program: string, ...args: string[]): string {
    const { status, stdout, stderr, error } = spawnSync(program, args, {
      cwd: this.folder,
      encoding: "utf8",
      env: { ...process.env, PATH: this.#path },
    });
    if (error) throw error;
    if (status !== 0) throw new Error(`${program} ${args.join(" ")} failed:\n${stdout}${stderr}`);
    return stdout;
  }

  /** Whether a program is found on the PATH that eprop is used with. */
  has(program: string): boolean {
    return spawnSync(program, ["--version"], { env: { PATH: this.#path } }).error === undefined;
  }

  /** What the program of all tasks prints, in one process. */
  alone(...names: string[]): string {
    return this.#run("node", "tasks.mjs", "alone", ...names);
  }

  /** What a program prints that is run by ranks. */
  async onRanks(
    launcher: TestLauncher,
    ranks: number,
    threads: number,
    ...program: string[]
  ): Promise<string> {
    const env = { EPROP_THREADS: String(threads), PATH: this.#path };
    const { status, stdout, stderr } = await started(launcher, ranks, program, env, this.folder).outcome;
    if (status !== 0)
      throw new Error(`${launcher.name}, ${ranks} ranks: ${program.join(" ")}\n${stdout}${stderr}`);
    return stdout;
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Compares all tasks and the conformance cases with each launcher that is installed: `npm run -s ranks`. */
async function main(): Promise<void> {
  const { launchers } = await import("./launchers.js");
  const installed = launchers.filter(({ isInstalled }) => isInstalled);
  if (installed.length === 0) throw new Error("neither Open MPI nor MPICH is installed");
  using consumer = new Consumer();
  const expected = consumer.alone();
  const tasks = Object.keys(JSON.parse(expected) as object);
  let [passed, failed] = [0, 0];
  const note = (same: boolean, what: string) => {
    if (same) passed += 1;
    else failed += 1;
    process.stdout.write(`${same ? "ok" : "FAIL"} ${what}\n`);
  };
  for (const launcher of installed) {
    for (const ranks of [1, 2, 3, 4, 8]) {
      for (const threads of [1, 2]) {
        const got = JSON.parse(
          await consumer.onRanks(launcher, ranks, threads, "tasks.mjs", "ranks"),
        ) as Record<string, string>;
        const wanted = JSON.parse(expected) as Record<string, string>;
        const others = tasks.filter((name) => got[name] !== wanted[name]);
        note(
          others.length === 0,
          `${launcher.name}, ${ranks} ranks with ${threads} threads: ${others.join(", ") || `${tasks.length} tasks`}`,
        );
      }
    }
    const replayed = await consumer.onRanks(launcher, 3, 1, "run.js", "cases", "--ranks");
    const last = replayed.trim().split("\n").at(-1) ?? "";
    note(last.includes(" 0 failed"), `${launcher.name}, conformance: ${last}`);
  }
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  process.exitCode = failed === 0 ? 0 : 1;
}

if (process.argv[1] === resolve("dist-test/test/mpi/packed.js")) await main();
