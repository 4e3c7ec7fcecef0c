/** Signs and rewiring by name, in networks and in tasks; what they compute is held in the engine's tests. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { Kernel, Trainer, buildNetwork, tasks, trainToEnd } from "../ts/index.js";
import { describedNetwork } from "../ts/tasks/network-description.js";
import { writeRunFolder } from "../ts/report/index.js";
import { resumedAfter } from "./resumed.js";

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
    const resumed = await resumedAfter(2, path, () => rewired(), { threads: 2, record: true });
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

describe("pruning, and rewiring of single projections", () => {
  it("takes small weights away for good, and says so over time", async () => {
    const task = () =>
      tasks.evidenceAccumulation({
        batchSize: 2,
        iterations: 5,
        testIterations: 0,
        parameters: { rewiring: "prune", rewiring_threshold: 0.05 },
      });
    const whole = await trainToEnd(task(), { threads: 1, record: true });
    const { times, connections, replaced } = whole.recorded["structure_rec_rec"] ?? {};
    const counts = [...(connections ?? [])];
    expect(counts[0]).toBe(9900);
    expect(times).toHaveLength(counts.length);
    counts.forEach((count, at) => expect(count).toBeLessThanOrEqual(counts[at - 1] ?? 9900));
    expect(counts.at(-1)).toBeLessThan(9000);
    expect([...(replaced ?? [])].every((count) => count === 0)).toBe(true);
    for (const name of projections) {
      const left = whole.weights.after[name].data.filter((weight) => weight !== 0);
      expect(left.every((weight) => Math.abs(weight) > 0.05)).toBe(true);
    }
    const path = join(folder, "pruned");
    const resumed = await resumedAfter(2, path, task, { threads: 2, record: true });
    const result = resumed.result();
    await resumed.close();
    expect(result.weights).toEqual(whole.weights);
    expect(result.recorded["structure_rec_rec"]).toEqual(whole.recorded["structure_rec_rec"]);
    await writeRunFolder(join(folder, "pruned-run"), result);
  });

  it("is refused by projection where that has all connections, before anything is simulated", () => {
    const dense = (parameters: object) =>
      new Trainer(tasks.sineWaves({ parameters: { rewiring: "deep_r", ...parameters } })).network;
    expect(() => dense({})).toThrow(
      /the projection in_rec has all connections.*network\.weights\.in_rec\.mask/,
    );
    expect(() => dense({ connectivity_in_rec: 0.5 })).toThrow(/the projection rec_rec has all connections/);
    expect(() => dense({ connectivity: 0.5 })).not.toThrow();
    const sparse = describedNetwork(tasks.sineWaves({ parameters: { connectivity: 0.5 } }).network);
    const built = (rec_rec: object, of: object = {}) =>
      buildNetwork(new Kernel(), {
        ...sparse,
        ...of,
        projections: { ...sparse.projections, rec_rec: { ...sparse.projections["rec_rec"], ...rec_rec } },
      } as typeof sparse);
    const all = { weights: 0.1 };
    expect(() => built(all, { rewiring: "deep_r" })).toThrow(
      /the projection rec_rec has all connections.*network\.projections\.rec_rec\.rule/,
    );
    expect(() => built({ ...all, rewiring: "prune" })).toThrow(
      /the projection rec_rec has no connections that go/,
    );
    expect(() =>
      built({ ...all, rewiring: "deep_r", rule: { rule: "fixed_indegree", indegree: 3 } }),
    ).not.toThrow();
    expect(() => built(all)).not.toThrow();
  });

  it("is not for trainings that go back to weights of other connections", () => {
    for (const rewiring of ["deep_r", "prune"] as const) {
      const task = tasks.evidenceAccumulation({
        validateEvery: 1,
        patience: 1,
        parameters: { connectivity: 0.5, rewiring },
      });
      expect(() => new Trainer(task).network).toThrow(/connections of in_rec change.*schedule\.patience/);
    }
  });

  it("takes no connection in a validation", async () => {
    const parameters = { n_rec: 20, rewiring: "prune", rewiring_threshold: 0.1 } as const;
    const task = tasks.evidenceAccumulation({
      batchSize: 2,
      iterations: 1,
      validateEvery: 1,
      testIterations: 0,
      parameters,
    });
    const trainer = new Trainer(task, { threads: 1 });
    const count = () => trainer.network.built.connections("in_rec").length;
    expect((await trainer.next())?.phase).toBe("validation");
    expect(count()).toBe(800);
    expect((await trainer.next())?.phase).toBe("training");
    expect(count()).toBeLessThan(800);
    await trainer.close();
  });

  it("leaves collections of before no ends either", () => {
    const kernel = new Kernel();
    kernel.set({ resolution: 1, eprop_update_interval: 20, eprop_learning_window: 20 });
    const plastic = "eprop_synapse_bsshslm_2020";
    kernel.SetDefaults(plastic, { rewiring: "deep_r", rewiring_l1: 1e6 });
    const inputs = kernel.Create("spike_generator", 4);
    const neurons = kernel.Create("eprop_iaf_bsshslm_2020", 5);
    kernel.Create("eprop_readout_bsshslm_2020");
    const rule = { rule: "fixed_indegree", indegree: 2 } as const;
    kernel.Connect(inputs, neurons, rule, { synapse_model: plastic, weight: 0.02 });
    const found = kernel.GetConnections(inputs, neurons);
    expect(found.get("source").length).toBe(10);
    kernel.Simulate(45);
    for (const read of [
      () => found.get("source"),
      () => found.sources(),
      () => found.targets(),
      () => found.get("delay"),
      () => found.get(["source", "receptor"]),
    ]) {
      expect(read).toThrow(/rewired since they were found/);
    }
  });

  it("holds for one projection where it says so", async () => {
    const task = tasks.evidenceAccumulation({
      batchSize: 2,
      iterations: 4,
      testIterations: 0,
      parameters: { connectivity: 0.1 },
    });
    const network = describedNetwork(task.network);
    const own = { rewiring: "deep_r", rewiringL1: 0.05, keepsSign: true } as const;
    const { rec_rec, ...rest } = network.projections;
    const described = { ...rest, rec_rec: { ...rec_rec, ...own } } as typeof network.projections;
    const { weights, recorded } = await trainToEnd(
      { ...task, network: { ...network, projections: described } },
      { threads: 1, record: true },
    );
    const places = (data: Float64Array) => data.map((weight) => Number(weight !== 0));
    expect(places(weights.after.in_rec.data)).toEqual(places(weights.before.in_rec.data));
    expect(Object.keys(recorded).filter((name) => name.startsWith("structure_"))).toEqual([
      "structure_rec_rec",
    ]);
    const replaced = recorded["structure_rec_rec"]?.["replaced"] ?? [];
    expect(Array.from(replaced).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(0);
    const wrong = { ...rest, out_rec: { ...rest["out_rec"], keepsSign: true } } as never;
    const refused = { ...task, network: { ...network, projections: wrong } };
    expect(() => new Trainer(refused).network).toThrow(/only weights that learn/);
  });
});
