/** Controls: what each takes away, what is said of them, and the command. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { type ControlName, controlNames, controlled } from "../ts/controls/control.js";
import { type ControlRow, answer, bootstrapMedian, controlRows } from "../ts/controls/results.js";
import { controlsText } from "../ts/controls/text.js";
import { NumpyRandom, type Task, tasks, trainToEnd } from "../ts/index.js";
import type { SweepRun } from "../ts/sweep/index.js";
import {
  type ProjectionDescription,
  type Weights,
  describedNetwork,
} from "../ts/tasks/network-description.js";

const folder = mkdtempSync(join(tmpdir(), "eprop-controls-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("bootstrap intervals", () => {
  // Of seven values, 4 of 7 draws are the least with probability 0.010, one of the two least with 0.105.
  it("are those of the median's exact bootstrap distribution", () => {
    expect(bootstrapMedian([7, 3, 1, 4, 6, 2, 5])).toEqual({ n: 7, median: 4, low: 2, high: 6 });
    // Of five, 3 of 5 draws are the least with probability 0.058.
    expect(bootstrapMedian([50, 10, 40, 20, 30])).toEqual({ n: 5, median: 30, low: 10, high: 50 });
    expect(bootstrapMedian([2])).toEqual({ n: 1, median: 2, low: 2, high: 2 });
  });
  it("reach to infinity where trainings diverged", () => {
    const { median, high } = bootstrapMedian([1, 2, 3, Infinity, Infinity]);
    expect([median, high]).toEqual([3, Infinity]);
  });
});

describe("a control", () => {
  const task = tasks.evidenceAccumulation({
    batchSize: 2,
    iterations: 1,
    validateEvery: 0,
    testIterations: 0,
  });
  const changes = async (control: ControlName) => {
    const of = controlled(task, control) as Task;
    const { weights } = await trainToEnd(of);
    return Object.fromEntries(
      ["in_rec", "rec_rec", "rec_out"].map((name) => {
        const [before, after] = [weights.before[name], weights.after[name]];
        // What does not learn is not among the plastic weights.
        return [
          name,
          after === undefined ? false : after.data.some((value, at) => value !== before?.data[at]),
        ];
      }),
    );
  };

  it("takes learning from what it says", async () => {
    const all = { in_rec: true, rec_rec: true, rec_out: true };
    expect(await changes("trained")).toEqual(all);
    expect(await changes("readouts-only")).toEqual({ ...all, in_rec: false, rec_rec: false });
    expect(await changes("recurrent-frozen")).toEqual({ ...all, rec_rec: false });
  });

  it("changes the feedback and nothing else", () => {
    const feedback = (control: ControlName) => {
      const { projections } = describedNetwork((controlled(task, control) as Task).network);
      const { out_rec, ...rest } = projections;
      return { out_rec, rest };
    };
    const own = feedback("trained");
    const matrix = (of: typeof own) => ((of.out_rec as ProjectionDescription).weights as Weights).data;
    const columns = (of: typeof own) =>
      [0, 1].map((column) =>
        Array.from(matrix(of))
          .filter((_, at) => at % 2 === column)
          .toSorted((a, b) => a - b),
      );
    for (const control of ["feedback-shuffled", "feedback-zero", "feedback-symmetric"] as const) {
      expect(feedback(control).rest, control).toEqual(own.rest);
    }
    expect(Array.from(matrix(feedback("feedback-zero"))).every((weight) => weight === 0)).toBe(true);
    const shuffled = feedback("feedback-shuffled");
    expect(columns(shuffled)).toEqual(columns(own));
    expect(Array.from(matrix(shuffled))).not.toEqual(Array.from(matrix(own)));
    expect(feedback("feedback-symmetric").out_rec?.feedback).toBe("symmetric");
  });

  it("takes feedback away wherever its weights come from", () => {
    const of = (feedback: tasks.FeedbackSource, control: ControlName) => {
      const own = controlled({ ...task, network: { ...describedNetwork(task.network), feedback } }, control);
      return own && (describedNetwork(own.network).projections["out_rec"] as ProjectionDescription);
    };
    for (const source of ["symmetric", "adaptive"] as const) {
      const zero = of(source, "feedback-zero");
      expect(zero?.feedback, source).toBe("random");
      expect(new Set((zero as { weights: Weights }).weights.data), source).toEqual(new Set([0]));
    }
    expect(of("adaptive", "feedback-shuffled")).toBeDefined();
    expect(of("adaptive", "feedback-symmetric")?.feedback).toBe("symmetric");
    // Weights that follow the readouts' are not dealt out, and feedback that is symmetric stays so.
    expect(of("symmetric", "feedback-shuffled")).toBeUndefined();
    expect(of("symmetric", "feedback-symmetric")).toBeUndefined();
  });

  it("leaves layers that no readout reads the feedback that they have", () => {
    const layer = { model: "eprop_iaf_bsshslm_2020", n: 6, params: { C_m: 1, E_L: 0, V_th: 0.6 } } as const;
    const network = tasks.layeredNetwork(
      {
        inputs: 40,
        layers: [layer, layer],
        readout: { model: "eprop_readout_bsshslm_2020", n: 2 },
        optimizer: { eta: 5e-3 },
      },
      new NumpyRandom(1),
    );
    const symmetric = controlled({ ...task, network }, "feedback-symmetric") as Task;
    const { out_layer_1, out_layer_2 } = describedNetwork(symmetric.network).projections;
    expect([out_layer_1?.feedback ?? "random", out_layer_2?.feedback]).toEqual(["random", "symmetric"]);
  });

  it("is not there where nothing can be taken away", () => {
    const { network } = task;
    const described = describedNetwork(network);
    const { rec_rec: _none, ...projections } = described.projections;
    const apart = { ...task, network: { ...described, projections } };
    expect(controlNames.filter((control) => controlled(apart, control) === undefined)).toEqual([
      "recurrent-frozen",
    ]);
    const plus = controlNames.filter((control) => controlled(tasks.sineWavesPlus(), control) === undefined);
    expect(plus).toEqual(["feedback-symmetric"]);
  });
});

describe("the table", () => {
  it("counts each training once", () => {
    const run = (seed: number, loss: number[], ended = "schedule") =>
      ({
        seed,
        parameters: { control: "trained" },
        summary: { ended, loss, spikes_per_neuron: loss, ms_per_iteration: 1 },
      }) as unknown as SweepRun;
    const failed = { seed: 4, parameters: { control: "trained" }, failure: "no" } as unknown as SweepRun;
    const { rows } = controlRows([run(1, [2, 1]), run(2, [2, 30]), run(3, [2], "divergence"), failed]);
    expect(rows).toMatchObject([{ finished: 1, diverged: 2, failed: 1 }]);
  });
});

describe("the answer", () => {
  const of = (n: number, median: number, low: number, high: number) => ({ n, median, low, high });
  const row = (control: ControlName, more: Partial<ControlRow>): ControlRow => ({
    control,
    finished: 5,
    diverged: 0,
    failed: 0,
    ...more,
  });
  const said = (n: number, low: number, high: number) =>
    answer("loss", [
      row("trained", { loss: of(n, 1, 0.9, 1.1) }),
      row("readouts-only", { loss: of(n, 2, 1.9, 2.1), worse: of(n, (low + high) / 2, low, high) }),
    ]);
  it("is what the interval of the differences says", () => {
    expect(said(5, 0.5, 1.5)).toMatch(/^Yes.*ends at 1 \[0.9, 1.1\].*alone at 2/);
    expect(said(5, -0.1, 1.5)).toMatch(/^It is not shown/);
    expect(said(5, -2, -0.1)).toMatch(/^No, e-prop does harm/);
    expect(said(4, 0.5, 1.5)).toMatch(/^Too few seeds/);
    expect(answer("loss", [row("trained", { loss: of(5, 1, 1, 1) })])).toMatch(/^Nothing can be said/);
  });
});

describe("trainings that diverged", () => {
  const run = (control: ControlName, seed: number, loss: readonly number[]) =>
    ({
      seed,
      parameters: { control },
      status: "finished",
      summary: { loss, phase: loss.map(() => "training"), spikes_per_neuron: loss.map(() => 1) },
    }) as unknown as SweepRun;
  // Of six seeds, those of the network that is trained diverge from the fourth on.
  const seeds = [1, 2, 3, 4, 5, 6];
  const { measure, rows } = controlRows([
    ...seeds.map((seed) => run("trained", seed, [1, seed < 4 ? 0.5 : 1e6])),
    ...seeds.map((seed) => run("readouts-only", seed, [1, 0.7])),
  ]);

  it("count once, and their differences have a sign", () => {
    const [trained, still] = rows;
    expect(trained).toMatchObject({ finished: 3, diverged: 3, failed: 0 });
    expect(trained?.loss).toEqual({ n: 6, median: Infinity, low: 0.5, high: Infinity });
    expect(still?.worse).toEqual({ n: 6, median: -Infinity, low: -Infinity, high: expect.closeTo(0.2, 12) });
    const text = controlsText(answer(measure, rows), measure, rows);
    expect(text).toContain("seed by seed -∞ [-∞, 0.2] more");
    expect(text).toMatch(/^trained +6 \(3 of 6 diverged\) /m);
  });
});

describe("eprop controls", () => {
  const run = (...args: string[]) =>
    spawnSync(process.execPath, ["dist/cli/main.js", "controls", ...args], { encoding: "utf8" });

  it("trains, tells in a table, a page and JSON, and goes on where it was", { timeout: 120_000 }, () => {
    const out = join(folder, "sine-waves");
    const asked = ["sine-waves", "--seeds", "1,2", "--iterations", "2", "--out", out];
    const first = run(...asked, "--only", "trained,feedback-zero");
    expect(first.stderr).toContain("4/4");
    expect(first.stdout).toContain("Nothing can be said");
    const runs = () => readdirSync(join(out, "runs")).filter((name) => name.endsWith(".json"));
    expect(runs().length).toBe(4);
    const done = statSync(join(out, "runs", runs()[0] as string)).mtimeMs;
    const second = run(...asked, "--only", "trained,feedback-zero,readouts-only", "--json");
    expect(second.status, second.stderr).toBe(0);
    const told = JSON.parse(second.stdout) as { rows: ControlRow[]; answer: string; measure: string };
    expect(told.measure).toBe("loss");
    expect(told.rows.map(({ control, finished }) => [control, finished])).toEqual([
      ["trained", 2],
      ["readouts-only", 2],
      ["feedback-zero", 2],
    ]);
    expect(told.answer).toMatch(/^Too few seeds/);
    expect(runs().length).toBe(6);
    expect(Math.min(...runs().map((name) => statSync(join(out, "runs", name)).mtimeMs))).toBeLessThanOrEqual(
      done,
    );
    const page = readFileSync(join(out, "controls.html"), "utf8");
    expect(page).toContain("Too few seeds");
    expect(existsSync(join(out, "figures/controls.png"))).toBe(true);
  });

  it("refuses what cannot be, before anything is trained", () => {
    const [none, wrong] = [run("sine-wave"), run("sine-waves", "--only", "frozen")];
    expect(none.stderr).toContain("did you mean sine-waves");
    expect(wrong.stderr).toMatch(/readouts-only/);
    const absent = run("sine-waves-plus", "--only", "feedback-symmetric", "--seeds", "1");
    expect(absent.stderr).toContain("nothing that the control feedback-symmetric could change");
    for (const { status } of [none, wrong, absent]) expect(status).toBe(1);
    const elsewhere = run("sine-waves", "--seeds", "1", "--iterations", "1", "--out", "docs");
    expect(elsewhere.stderr).toContain("holds something else");
  });
});
