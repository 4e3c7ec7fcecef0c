/** Which trainings of a sweep go on, and what is asked for line by line. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { eprop } from "./command.js";
import type { RunSummary } from "../ts/runs/summary.js";

const folder = mkdtempSync(join(tmpdir(), "eprop-choices-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("eprop sweep", { timeout: 120_000 }, () => {
  it("trains the best to the end where fewer are compared than one of which goes on", async () => {
    const out = join(folder, "few");
    const args = "sweep sine-waves --seeds 1 --set eta=1e-4,2e-4,1e-9 --set c_reg=0 --iterations 6".split(
      " ",
    );
    const few = [...args, ..."--halving 2 --reduction 4 --concurrency 1 --out".split(" ")];
    const { code, stdout, stderr } = await eprop([...few, out]);
    expect(code, stderr).toBe(0);
    const csv = readFileSync(join(out, "runs.csv"), "utf8").split("\n").slice(1, -1);
    const ends = csv.map((line) => line.split(","));
    expect(ends.map((cells) => cells[3]).toSorted()).toEqual(["finished", "pruned", "pruned"]);
    // The best after two iterations is the one that went on.
    const losses = ends.map((cells) => {
      const name = `c_reg=0,eta=${cells[0]},seed=1.json`;
      const { run } = JSON.parse(readFileSync(join(out, "runs", name), "utf8")) as { run: RunSummary };
      return (run.loss[0] as number) + (run.loss[1] as number);
    });
    expect(losses.indexOf(Math.min(...losses))).toBe(ends.findIndex((cells) => cells[3] === "finished"));
    // Each has a line when it is over, and its loss in the table.
    expect(stderr).toMatch(/^1\/3 .*: loss [\d.]+$/m);
    expect(stderr.match(/^[23]\/3 .*: loss [\d.]+, pruned after 2 iterations$/gm)).toHaveLength(2);
    expect(stdout.match(/1 \(1 of 1 pruned\) +[\d.]+/g)).toHaveLength(2);
    // Several processes choose the same one.
    const shared = join(folder, "few-shared");
    const both = await Promise.all([eprop([...few, shared]), eprop([...few, shared])]);
    for (const of of both) expect(of.code, of.stderr).toBe(0);
    const statuses = readFileSync(join(shared, "runs.csv"), "utf8").match(/finished|pruned/g);
    expect(statuses?.toSorted()).toEqual(["finished", "pruned", "pruned"]);
  });

  it("trains what it is asked for, and answers", async () => {
    const asked = [
      { id: "a", parameters: { eta: 1e-3 } },
      { id: "b", parameters: { eta: 2e-3 }, seed: 2 },
    ];
    const args = "sweep sine-waves --iterations 2 --ask --concurrency 2".split(" ");
    const { code, stdout, stderr } = await eprop(args, {
      input: asked.map((of) => JSON.stringify(of)).join("\n"),
    });
    expect(code, stderr).toBe(0);
    const answers = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { id: string; loss: number });
    expect(answers.toSorted((a, b) => (a.id < b.id ? -1 : 1))).toMatchObject([
      { id: "a", seed: 1, status: "finished", parameters: { eta: 1e-3 }, iterations: 2 },
      { id: "b", seed: 2, status: "finished", parameters: { eta: 2e-3 }, iterations: 2 },
    ]);
    // What cannot be trained is answered; the others go on.
    const asking: [string, RegExp][] = [
      ['{"id": 1, "parmeters": {"eta": 1}}', /parmeters.*did you mean parameters/],
      ['{"id": 2, "sed": 1}', /sed.*did you mean seed/],
      ["[1]", /ask/],
      ["null", /ask/],
      ["{", /not JSON/],
      ['{"id": 6, "parameters": {"eta": 100}}', /eta is outside its bounds/],
      ['{"id": 7, "parameters": {"etta": 1}}', /no parameter etta/],
      ['{"id": "a", "parameters": {"batch-size": 1}}', /no parameter batch-size.*did you mean batchSize/],
      ['{"id": "b", "parameters": {"seed": 1}}', /a seed is no parameter/],
      ['{"id": 8, "seed": "one"}', /seed/],
      ['{"id": 9, "parameters": {"n_rec": 10.5}}', /n_rec must be a whole number/],
    ];
    const good = '{"id": "good", "parameters": {"n_rec": 10}}';
    const bad = await eprop(args, { input: [...asking.map(([line]) => line), good].join("\n") });
    expect(bad.code).toBe(1);
    expect(bad.stderr).toMatch(/11 lines of standard input/);
    const told = bad.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { id?: unknown; status: string; error?: string });
    expect(told).toHaveLength(asking.length + 1);
    asking.forEach(([, message], at) => {
      expect(told[at]).toMatchObject({ status: "failed", error: expect.stringMatching(message) as string });
    });
    expect(told.map(({ id }) => id)).toEqual([
      1,
      2,
      undefined,
      undefined,
      undefined,
      6,
      7,
      "a",
      "b",
      8,
      9,
      "good",
    ]);
    expect(told.at(-1)).toMatchObject({ id: "good", status: "finished" });
  });
});
