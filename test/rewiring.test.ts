/** Signs and rewiring by name, in networks and in tasks; what they compute is held in the engine's tests. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { Kernel, Trainer, buildNetwork, tasks, trainToEnd } from "../ts/index.js";
import { writeRunFolder } from "../ts/report/index.js";

const folder = mkdtempSync(join(tmpdir(), "eprop-rewiring-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const projections = ["in_rec", "rec_rec", "rec_out"] as const;

const rewired = (more: object = {}) =>
  tasks.evidenceAccumulation({
    batchSize: 2,
    iterations: 4,
    testIterations: 0,
    parameters: { connectivity: 0.1, rewiring: "deep_r", rewiring_l1: 0.05, ...more },
  });

const connected = (data: Float64Array) => data.reduce((count, weight) => count + Number(weight !== 0), 0);

describe("a task with sparse connections that are rewired", () => {
  it("keeps their number, and goes on from a checkpoint to the same bits", async () => {
    const whole = await trainToEnd(rewired(), { threads: 1, record: true });
    const wanted = { in_rec: 400, rec_rec: 990, rec_out: 20 };
    for (const name of projections) {
      const [before, after] = [whole.weights.before[name], whole.weights.after[name]];
      expect(connected(before.data)).toBe(wanted[name]);
      // New connections have a weight of zero.
      expect(connected(after.data)).toBeLessThanOrEqual(wanted[name]);
    }
    const moved = whole.weights.after.rec_rec.data.filter(
      (weight, at) => weight !== 0 && whole.weights.before.rec_rec.data[at] === 0,
    );
    expect(moved.length).toBeGreaterThan(0);
    const path = join(folder, "checkpoint");
    const trainer = new Trainer(rewired(), { threads: 2, record: true });
    await trainer.next();
    await trainer.next();
    await trainer.save(path);
    await trainer.close();
    const resumed = await Trainer.resume(path);
    for await (const _ of resumed);
    const result = resumed.result();
    await resumed.close();
    expect(result.weights).toEqual(whole.weights);
    expect(result.iterations.map(({ loss }) => loss)).toEqual(whole.iterations.map(({ loss }) => loss));
    await writeRunFolder(join(folder, "run"), result);
  });

  it("keeps signs where a share of the neurons is excitatory", async () => {
    const { weights } = await trainToEnd(rewired({ exc_fraction: 0.8 }), { threads: 1 });
    for (const name of ["rec_rec", "rec_out"] as const) {
      const { data, shape } = weights.after[name];
      data.forEach((weight, at) => {
        const source = at % shape[1];
        const sign = source % 50 < 40 ? 1 : -1;
        if (weight !== 0) expect(Math.sign(weight), `${name} ${at}`).toBe(sign);
      });
    }
  });

  it("refuses what has no meaning, by its name", async () => {
    await expect(trainToEnd(rewired({ connectivity: 1 }))).rejects.toThrow(/rewiring/);
    expect(() => rewired({ connectivity: 0 })).toThrow(/connectivity/);
    expect(() => rewired({ rewiring: "often" })).toThrow(/one of none, deep_r/);
    const { network } = tasks.sineWavesPlus();
    expect(() => buildNetwork(new Kernel(), { ...network, rewiring: "deep_r" })).toThrow(/network\.rewiring/);
    expect(() => buildNetwork(new Kernel(), { ...network, keepsSign: true })).toThrow(/network\.keepsSign/);
  });
});
