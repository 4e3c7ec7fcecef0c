/** A run folder is written by one process at a time. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isRunning } from "../ts/core/processes.js";
import { Trainer, tasks } from "../ts/index.js";
import { claimInterruptedRun, claimRunFolder } from "../ts/runs/run-claim.js";
import { RunFolder } from "../ts/runs/run-folder.js";

const folder = mkdtempSync(join(tmpdir(), "eprop-claims-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const main = [process.execPath, "dist/cli/main.js"] as const;
const eprop = (...args: string[]) => spawnSync(main[0], [main[1], ...args], { encoding: "utf8" });

const claimOf = (host: string, pid: number) => JSON.stringify({ host, pid, instance: "another" });
const ago = (seconds: number) => new Date(Date.now() - 1000 * seconds);

/** A folder that a process of that number has claimed, so many seconds ago. */
function claimed(name: string, host: string, pid: number, seconds: number): string {
  const path = join(folder, name);
  mkdirSync(path);
  writeFileSync(join(path, ".claim.1"), claimOf(host, pid));
  utimesSync(join(path, ".claim.1"), ago(seconds), ago(seconds));
  return path;
}

const ended = 0x3fffffff;

it.runIf(process.platform === "linux")(
  "a process that has ended is none, though nobody took note of it",
  async () => {
    // The shell becomes a program that does not wait for its child.
    const shell = spawn("sh", ["-c", "sleep 0.1 & echo $!; exec sleep 60"]);
    const [line] = (await once(shell.stdout, "data")) as [Buffer];
    const child = Number(line.toString());
    expect(isRunning(shell.pid ?? 0)).toBe(true);
    await expect.poll(() => isRunning(child), { timeout: 10_000 }).toBe(false);
    // It is still there.
    expect(readFileSync(`/proc/${child}/stat`, "utf8")).toContain(" Z ");
    shell.kill();
  },
);

describe("a run that is resumed twice at once", () => {
  const iterations = 250;
  const interrupted = join(folder, "interrupted");
  beforeAll(async () => {
    const trainer = new Trainer(tasks.sineWaves({ iterations }), { record: true });
    const run = new RunFolder(interrupted);
    for (let at = 0; at < 3; at++) {
      const iteration = await trainer.next();
      if (iteration !== undefined) run.append(iteration);
    }
    await trainer.save(run.checkpoint);
    run.close();
    await trainer.close();
  });
  const copy = (name: string) => {
    const path = join(folder, name);
    cpSync(interrupted, path, { recursive: true });
    return path;
  };

  it("is written by the first, and the second says who that is", async () => {
    const path = copy("twice");
    const first = spawn(main[0], [main[1], "train", "--resume", path]);
    let said = "";
    const begun = new Promise<void>((resolve) => {
      first.stderr.setEncoding("utf8").on("data", (text: string) => {
        said += text;
        if (said.includes("training")) resolve();
      });
    });
    const over = new Promise<number | null>((resolve) => first.once("close", resolve));
    await begun;
    const second = eprop("train", "--resume", join(path, "checkpoint.safetensors"));
    expect(second.status).toBe(1);
    expect(second.stderr).toContain(
      `process ${first.pid} on ${hostname()} is writing the run folder ${path}`,
    );
    const third = eprop("train", "sine-waves", "--iterations", "1", "--out", path, "--force");
    expect(third.status).toBe(1);
    expect(third.stderr).toContain(`process ${first.pid} on`);
    expect(await over, said).toBe(0);
    const lines = readFileSync(join(path, "metrics.jsonl"), "utf8").trimEnd().split("\n");
    expect(lines.map((line) => (JSON.parse(line) as { iteration: number }).iteration)).toEqual(
      Array.from({ length: iterations }, (_, at) => at + 1),
    );
    expect(readdirSync(path).filter((name) => name.startsWith("."))).toEqual([]);
  });

  it("goes on where the process that wrote it has ended, given its folder", () => {
    const path = copy("killed");
    writeFileSync(join(path, ".claim.1"), claimOf(hostname(), ended));
    const { status, stderr } = eprop("train", "--resume", path, "--quiet");
    expect(status, stderr).toBe(0);
    expect(readdirSync(path).filter((name) => name.startsWith("."))).toEqual([]);
    const again = eprop("train", "--resume", path, "--quiet");
    expect(again.status).toBe(1);
    expect(again.stderr).toMatch(/is over after 250 training iterations/);
  });
});

describe("a claim on a run folder", () => {
  it("of a process that runs is kept, and named", () => {
    const path = claimed("running", hostname(), process.ppid, 1);
    expect(() => claimRunFolder(path, "out")).toThrow(`process ${process.ppid} on ${hostname()} is writing`);
    expect(() => new RunFolder(path).open()).toThrow(/is writing the run folder/);
    expect(readdirSync(path)).toEqual([".claim.1"]);
  });
  it("of a run that was killed before its first iteration is no content", () => {
    const path = claimed("killed-early", hostname(), ended, 1);
    const run = new RunFolder(path);
    run.open();
    run.close();
    expect(readdirSync(path)).toEqual([]);
  });
  it("of another machine is taken over once it is not renewed any more", async () => {
    const path = claimed("elsewhere", "elsewhere", 1, 59);
    const told: string[] = [];
    const claim = await claimInterruptedRun(path, (holder) => told.push(holder));
    expect(told).toEqual(["process 1 on elsewhere"]);
    claim.release();
    expect(readdirSync(path)).toEqual([]);
  });
  it("of another machine is kept where it is renewed", async () => {
    const path = claimed("alive", "elsewhere", 1, 5);
    const renewal = setTimeout(() => utimesSync(join(path, ".claim.1"), ago(0), ago(0)), 300);
    await expect(claimInterruptedRun(path, () => {})).rejects.toThrow("process 1 on elsewhere is writing");
    clearTimeout(renewal);
  });
});
