import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "eprop-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function eprop(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["dist/cli/main.js", ...args], {
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

describe("eprop train", () => {
  it("prints one JSON object, progress on standard error", () => {
    const { status, stdout, stderr } = eprop("train", "sine-waves", "--iterations", "2", "--json");
    expect(status).toBe(0);
    const run = JSON.parse(stdout) as { task: string; loss: number[]; weights: Record<string, unknown> };
    expect(run.task).toBe("sine-waves");
    expect(run.loss[0]).toBeCloseTo(101.9643569990416, 9);
    expect(Object.keys(run.weights)).toEqual(["in_rec", "rec_rec", "rec_out"]);
    expect(stderr).toContain("2/2  training");
  });
  it("leaves a whole run folder, and refuses one that exists", () => {
    const out = join(folder, "run");
    expect(eprop("train", "sine-waves", "--iterations", "2", "--quiet", "--out", out).status).toBe(0);
    expect(readdirSync(out).toSorted()).toEqual([
      "events.npz",
      "figures",
      "losses.csv",
      "metrics.jsonl",
      "network.safetensors",
      "report.html",
      "run.json",
      "weights.npz",
    ]);
    expect(readFileSync(join(out, "losses.csv"), "utf8").split("\n")).toHaveLength(4);
    const again = eprop("train", "sine-waves", "--iterations", "2", "--out", out);
    expect(again.status).toBe(1);
    expect(again.stderr).toContain("exists already");
  });
  it("gives results by phase for evidence accumulation", () => {
    const args = ["--iterations", "1", "--batch-size", "2", "--test-iterations", "1", "--json", "--quiet"];
    const { results } = JSON.parse(eprop("train", "evidence-accumulation", ...args).stdout) as {
      results: { label: string[]; error: number[] };
    };
    expect(results.label).toEqual(["validation", "training", "test"]);
    expect(results.error).toHaveLength(3);
  });

  const file = (name: string, text: string) => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  const drawing = (name: string, text: string) => ["handwriting", "--data", file(name, text)];
  it.each<[string, string[], RegExp]>([
    ["an unknown task", ["sine-wave"], /did you mean sine-waves/],
    ["no iterations", ["sine-waves", "--iterations", "0"], /iterations.*value 0/],
    ["a number that is none", ["sine-waves", "--iterations", "ten"], /must be a number/],
    ["a batch larger than memory", ["lemniscate", "--batch-size", "900000"], /GiB/],
    ["data for a task without", ["sine-waves", "--data", "x"], /takes no data/],
    ["a drawing with text", drawing("text.txt", "1 2\nthree 4\n"), /line 2.*three 4/],
    ["a drawing with one column", drawing("one.txt", "1\n2\n"), /line 1/],
    ["a drawing with NaN", drawing("nan.txt", "1 2\nNaN 1\n"), /line 2/],
    ["an empty drawing", drawing("empty.txt", ""), /too few points/],
    ["a drawing of a million points", drawing("long.txt", "1 1\n".repeat(1_000_000)), /too many points/],
    ["a file that is not there", ["handwriting", "--data", "nowhere.txt"], /ENOENT/],
    ["recordings that are not there", ["n-mnist", "--data", "nowhere"], /does not exist/],
    ["no recordings", ["n-mnist"], /needs recordings/],
    ["a parameter that is not there", ["sine-waves", "--set", "etta=1"], /etta/],
  ])("refuses %s", (_, args, message) => {
    const out = join(folder, "refused");
    const { status, stderr } = eprop("train", ...args, "--quiet", "--out", out);
    expect(status).toBe(1);
    expect(stderr).toMatch(message);
    expect(existsSync(out)).toBe(false);
  });
});

describe("eprop tasks", () => {
  it("lists what there is", () => {
    const { stdout } = eprop("tasks");
    for (const task of ["sine-waves", "infinite-loop", "handwriting", "evidence-accumulation", "n-mnist"]) {
      expect(stdout).toContain(task);
    }
  });
});
