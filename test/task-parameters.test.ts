/** What may be varied of the tutorials: size, density, neurons, and how learning rates go. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { Trainer, tasks, trainToEnd } from "../ts/index.js";
import { learningRateFactor } from "../ts/tasks/learning-rate.js";

const folder = mkdtempSync(join(tmpdir(), "eprop-task-parameters-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("parameters of the tutorials", () => {
  it("set size, density and neurons of the network", () => {
    const parameters = { n_rec: 30, density_rec_rec: 0.1, V_th: 0.05, surrogate_width: 0.1, t_ref: 2 };
    for (const task of [tasks.sineWaves({ parameters }), tasks.lemniscate({ parameters })]) {
      const { recurrent, weights } = task.network;
      expect(recurrent[0]).toMatchObject({
        n: 30,
        params: { V_th: 0.05, surrogate_gradient_width: 0.1, t_ref: 2 },
      });
      expect(weights.rec_rec.shape).toEqual([30, 30]);
      const connected = weights.rec_rec.mask?.reduce((sum, is) => sum + is, 0) ?? 0;
      expect(connected).toBeGreaterThan(60);
      expect(connected).toBeLessThan(120);
      expect(weights.in_rec.mask).toBeUndefined();
    }
    const halves = tasks.evidenceAccumulation({ parameters: { n_rec: 31 } }).network.recurrent;
    expect(halves.map(({ n }) => n)).toEqual([15, 16]);
  });

  it("leave inputs as they are where connections are left out", () => {
    const [dense, sparse] = [tasks.sineWaves(), tasks.sineWaves({ parameters: { density_in_rec: 0.5 } })];
    expect(sparse.random.state).toEqual(dense.random.state);
  });

  it.each([
    [{ n_rec: 1.5 }, /n_rec must be a whole number/],
    [{ n_rec: 0 }, /n_rec is outside its bounds/],
    [{ density_rec_rec: 1.1 }, /density_rec_rec.*from 0 to 1/],
  ])("refuse %o by name", (parameters, message) => {
    expect(() => tasks.sineWaves({ parameters })).toThrow(message);
  });
});

describe("learning-rate schedules", () => {
  it("are what their names say", () => {
    const factors = (of: tasks.LearningRateSchedule) =>
      [0, 1, 2, 3, 4, 5].map((iteration) => Number(learningRateFactor(of, iteration, 6).toFixed(6)));
    expect(factors({ kind: "step", every: 2, by: 0.5 })).toEqual([1, 1, 0.5, 0.5, 0.25, 0.25]);
    expect(factors({ kind: "cosine", warmUp: 2 })).toEqual([0.5, 1, 1, 0.853553, 0.5, 0.146447]);
    expect(factors((iteration, all) => iteration / all)).toEqual([
      0, 0.166667, 0.333333, 0.5, 0.666667, 0.833333,
    ]);
  });

  it("make the changes of weights smaller in proportion", async () => {
    const learned = async (by: number) => {
      const task = tasks.sineWaves({ iterations: 2, learningRate: { kind: "step", every: 1, by } });
      const trainer = new Trainer(task);
      const weights = () => Float64Array.from(trainer.network.built.weights("rec_out").data);
      await trainer.next();
      await trainer.next();
      const result = trainer.result();
      const after = weights();
      await trainer.close();
      return { result, after };
    };
    const plain = await trainToEnd(tasks.sineWaves({ iterations: 2 }));
    const one = await learned(1);
    expect(one.result.iterations.map(({ loss }) => loss)).toEqual(plain.iterations.map(({ loss }) => loss));
    const falling = await learned(0.1);
    expect(falling.after).not.toEqual(one.after);
  });

  it("go on from a checkpoint to the same bits", async () => {
    const make = () => tasks.sineWaves({ iterations: 6, learningRate: { kind: "cosine", warmUp: 2 } });
    const whole = await trainToEnd(make());
    const constant = await trainToEnd(tasks.sineWaves({ iterations: 6 }));
    const path = join(folder, "cosine.checkpoint");
    const trainer = new Trainer(make());
    for (let at = 0; at < 3; at++) await trainer.next();
    await trainer.save(path);
    await trainer.close();
    const resumed = await Trainer.resume(path);
    for await (const _ of resumed);
    const { iterations, weights } = resumed.result();
    await resumed.close();
    expect(iterations.map(({ loss }) => loss)).toEqual(whole.iterations.map(({ loss }) => loss));
    expect(weights.after).toEqual(whole.weights.after);
    expect(weights.after).not.toEqual(constant.weights.after);
  });

  it("are refused by name", () => {
    expect(() => tasks.sineWaves({ learningRate: { kind: "step" } })).toThrow(/learningRate\.every/);
  });
});

it("a factor of one's own that is no number is refused by name", async () => {
  const task = tasks.sineWaves({ iterations: 3 });
  const learningRate = (iteration: number) => (iteration === 0 ? Number.NaN : 1);
  const changed = { ...task, schedule: { ...task.schedule, learningRate } };
  await expect(trainToEnd(changed)).rejects.toThrow(/learningRate\(0\)/);
});
