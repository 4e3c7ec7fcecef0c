import { spawnSync } from "node:child_process";
import { describe, expect, it, vi } from "vitest";
import { Course, ProgressLine, duration, sparkline } from "../ts/cli/progress.js";
import { Pace } from "../ts/training/pace.js";
import { python } from "./python/python.js";

const command = ["dist/cli/main.js", "train", "sine-waves", "--iterations", "150"];

/** What the command shows on a terminal of so many columns. */
function terminal(columns: number, args: string[] = [], env: Record<string, string> = {}): string {
  return python(["test/python/terminal.py", String(columns), process.execPath, ...command, ...args], {
    TERM: "xterm-256color",
    ...env,
  });
}

/** The states that a line which is written over went through. */
const states = (shown: string) =>
  shown
    .split(`\r${escape}[K`)
    .slice(1)
    .map((line) => line.split("\r\n")[0] ?? "");
const escape = "\u001b";
const colours = new RegExp(`${escape}\\[\\d+m`, "g");

describe("on a terminal", () => {
  it("progress is one line with phase, iteration, loss, time left and the loss's course", () => {
    const shown = terminal(100);
    const lines = states(shown);
    expect(lines.length).toBeGreaterThan(1);
    const last = lines.at(-1) ?? "";
    expect(last).toMatch(colours);
    expect(last.replaceAll(colours, "")).toMatch(
      /^150\/150 {2}training {2}loss \d+\.\d+ {2}0 s left {2}█[▁-█]{7,15} {2}[\d.]+ ms\/iteration$/,
    );
    // The line is left before the summary comes.
    expect(shown.replaceAll(colours, "")).toMatch(/ms\/iteration\r\nsine-waves: loss/);
  });
  it("a narrow one gets less, and never a line that wraps", () => {
    const lines = states(terminal(40)).map((line) => line.replaceAll(colours, ""));
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(40);
    expect(lines.at(-1)).toMatch(/^150\/150 {2}training {2}loss/);
  });
  it("NO_COLOR is heeded, and a dumb terminal gets lines", () => {
    expect(terminal(100, [], { NO_COLOR: "1" })).not.toMatch(colours);
    const dumb = terminal(100, [], { TERM: "dumb" });
    expect(dumb).not.toContain(escape);
    expect(dumb).not.toMatch(/\r(?!\n)/);
  });
  it("--quiet shows nothing but the result", () => {
    expect(terminal(100, ["--quiet"])).toMatch(/^sine-waves: loss .* ms per iteration\r\n$/);
  });
});

describe("elsewhere", () => {
  it("progress is plain lines, few of them", () => {
    const { stderr } = spawnSync(process.execPath, command, { encoding: "utf8" });
    expect(stderr).not.toContain(escape);
    expect(stderr).not.toContain("\r");
    const lines = stderr.trimEnd().split("\n");
    expect(lines.length).toBeLessThan(20);
    // How long the first iteration took says nothing of the others.
    expect(lines[0]).toMatch(/^1\/150 {2}training {2}loss 101.964 {2}[\d.]+ ms\/iteration$/);
    expect(lines.at(-1)).toMatch(/^150\/150/);
  });
  it("lines are at least two seconds apart, and the last one is shown", () => {
    const lines: string[] = [];
    const progress = new ProgressLine(1e6, { write: (line: string) => lines.push(line) > 0 });
    for (let at = 1; at <= 1000; at++) {
      const iteration = { phase: "test", loss: 1, readoutLosses: [1], error: 0.5, ms: 1, spikesPerNeuron: 1 };
      progress.show({ ...iteration, iteration: at } as Parameters<typeof progress.show>[0]);
    }
    progress.end();
    progress.end();
    expect(lines.map((line) => line.split(" ")[0])).toEqual(["1/1000000", "1000/1000000"]);
    expect(lines[1]).toContain("error 0.500");
  });
  it("counts iterations that decided on an early end", () => {
    const lines: string[] = [];
    const progress = new ProgressLine(4, { write: (line: string) => lines.push(line) > 0 });
    const phases = [
      "validation",
      "early-stopping",
      "early-stopping",
      "training",
      "training",
      "test",
    ] as const;
    for (const [at, phase] of phases.entries()) {
      progress.show({ iteration: at + 1, phase, loss: 1, readoutLosses: [1], ms: at, spikesPerNeuron: 1 });
    }
    progress.end();
    expect(lines.at(-1)).toMatch(/^6\/6 /);
  });
});

describe("the time left", () => {
  /** What is told after each of some iterations that come at given times (ms). */
  function told(planned: number, iterations: readonly { at: number; ms: number }[]): (number | undefined)[] {
    vi.useFakeTimers({ toFake: ["performance"] });
    try {
      const pace = new Pace(planned);
      let now = 0;
      return iterations.map(({ at, ms }, place) => {
        vi.advanceTimersByTime(at - now);
        now = at;
        pace.push({ iteration: place + 1, phase: "training", ms });
        return pace.left();
      });
    } finally {
      vi.useRealTimers();
    }
  }
  it("does not count the first iteration, which is slow", () => {
    const each = [5000, 5101, 5199, 5300].map((at, place) => ({ at, ms: 90 + place }));
    const [first, second, third, fourth] = told(10, each);
    expect(first).toBeUndefined();
    expect(second).toBeCloseTo(8 * 0.091, 9);
    expect(third).toBeCloseTo(7 * 0.101, 9);
    expect(fourth).toBeCloseTo(6 * 0.0995, 9);
  });
  it("counts iterations that come together when it is known how many they are", () => {
    // One alone, then ten at a time, every 50 ms.
    const together = Array.from({ length: 31 }, (_, at) =>
      at === 0
        ? { at: 1000, ms: 900 }
        : { at: 1000 + 50 * Math.ceil(at / 10), ms: 5 + Math.ceil(at / 10) / 1000 },
    );
    const left = told(100, together);
    expect(left[0]).toBeUndefined();
    for (const [place, seconds] of left.entries()) {
      if (place > 0) expect(seconds).toBeCloseTo((99 - place) * 0.005, 2);
    }
  });
});

describe("the parts of a line", () => {
  it("are short for long courses", () => {
    const course = new Course(16);
    for (let at = 0; at < 100_000; at++) course.add(at);
    expect(course.values().length).toBeGreaterThan(8);
    expect(course.values().length).toBeLessThanOrEqual(16);
    expect(course.values()).toEqual(course.values().toSorted((a, b) => a - b));
    expect(sparkline(course.values())).toMatch(/^▁.*█$/);
  });
  it("say large, equal and broken values", () => {
    expect(sparkline([1, 10, 100, 1000])).toBe("▁▃▆█");
    expect(sparkline([2, 2, 2])).toBe("▁▁▁");
    expect(sparkline([1, Number.NaN, 2])).toBe("▁!█");
    expect(sparkline([])).toBe("");
    expect([0.4, 61, 7322].map(duration)).toEqual(["0 s", "1 min 1 s", "2 h 2 min"]);
  });
});
