import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, describe, expect, it } from "vitest";
import { MetricsFile, readMetrics } from "../ts/runs/metrics-file.js";
import type { Iteration } from "../ts/index.js";

const folder = mkdtempSync(join(tmpdir(), "eprop-metrics-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const iteration = (number: number, loss = 1 / 3): Iteration => ({
  iteration: number,
  phase: "training",
  loss,
  readoutLosses: [loss],
  ms: 0.123456789,
  spikesPerNeuron: 4,
});

/** A long training in a process of its own that has finished some iterations; the folder it writes. */
async function longTraining(name: string): Promise<{ child: ChildProcess; out: string; file: string }> {
  const out = join(folder, name);
  const file = join(out, "metrics.jsonl");
  const args = ["dist/cli/main.js", "train", "sine-waves", "--iterations", "100000", "--quiet", "--out", out];
  const child = spawn(process.execPath, args, { stdio: "ignore" });
  while (!existsSync(file) || readMetrics(file).length < 20) await wait(20);
  return { child, out, file };
}

const ended = (child: ChildProcess) =>
  new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));

describe("metrics.jsonl", () => {
  it("is whole up to the last line when the run is killed", async () => {
    const { child, out, file } = await longTraining("killed");
    child.kill("SIGKILL");
    await ended(child);
    const text = readFileSync(file, "utf8");
    expect(text.endsWith("}\n")).toBe(true);
    const numbers = text
      .trimEnd()
      .split("\n")
      .map((line) => (JSON.parse(line) as { iteration: number }).iteration);
    expect(numbers).toEqual(numbers.map((_, at) => at + 1));
    const { status, stderr } = spawnSync(process.execPath, ["dist/cli/main.js", "report", out], {
      encoding: "utf8",
    });
    expect(status).toBe(1);
    expect(stderr).toContain(`was killed after ${numbers.length} iterations`);
  });
  it("has every iteration of a run that was asked to end", async () => {
    const { child, out, file } = await longTraining("interrupted");
    child.kill("SIGINT");
    expect(await ended(child)).toBe(130);
    const run = JSON.parse(readFileSync(join(out, "run.json"), "utf8")) as { ended: string; loss: number[] };
    expect(run.ended).toBe("request");
    expect(readMetrics(file).map(({ loss }) => loss)).toEqual(run.loss);
    expect(existsSync(join(out, "report.html"))).toBe(true);
  });
  it("goes on after an iteration, and drops what was not whole", () => {
    const path = join(folder, "resumed.jsonl");
    const first = new MetricsFile(path);
    for (const number of [1, 2, 3]) first.append(iteration(number));
    first.close();
    expect(() => new MetricsFile(path)).toThrow(
      /file already exists \(parameter path, value .*resumed\.jsonl, required: a name that is not taken/,
    );
    appendFileSync(path, '{"iteration":4,"lo');
    expect(readMetrics(path)).toHaveLength(3);
    const second = new MetricsFile(path, 2);
    second.append(iteration(3, Number.NaN));
    second.close();
    expect(readMetrics(path).map((line) => [line.iteration, line.loss])).toEqual([
      [1, 1 / 3],
      [2, 1 / 3],
      [3, null],
    ]);
  });
});
