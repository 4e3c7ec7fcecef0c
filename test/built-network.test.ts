/** Networks that calls on a kernel build, as data. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { Kernel, Trainer, type TrainingResult, buildNetwork, nest, tasks, trainToEnd } from "../ts/index.js";
import { writeRunFolder } from "../ts/report/index.js";
import type { RunSummary } from "../ts/runs/summary.js";
import { batchSize, inputs, waveTask } from "./wave-task.js";

const folder = mkdtempSync(join(tmpdir(), "eprop-built-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const membrane = { C_m: 1, E_L: 0, V_th: 0.5, t_ref: 1, tau_m: 20, c_reg: 2, f_target: 10 };

const described: tasks.NetworkDescription = {
  populations: {
    retina: { kind: "input", n: inputs },
    cells: {
      kind: "recurrent",
      model: "eprop_iaf_bsshslm_2020",
      n: 12,
      params: Array.from({ length: 12 }, (_, at) => ({ ...membrane, V_th: 0.4 + at / 100 })),
    },
    slow: {
      kind: "recurrent",
      model: "eprop_iaf_adapt_bsshslm_2020",
      n: 8,
      params: { ...membrane, adapt_beta: 0.03, adapt_tau: 200 },
    },
    wave: { kind: "readout", model: "eprop_readout_bsshslm_2020", n: 1, params: { C_m: 1, E_L: 0 } },
  },
  projections: {
    retina_cells: {
      from: "retina",
      to: "cells",
      weights: nest.random.normal({ std: 0.3 }),
      rule: { rule: "pairwise_bernoulli", p: 0.6 },
    },
    among: { from: ["cells", "slow"], to: ["cells", "slow"], weights: nest.random.normal({ std: 0.1 }) },
    fixed: { from: "retina", to: "slow", weights: 0.2, plastic: false, delay: 3 },
    out: {
      from: ["cells", "slow"],
      to: "wave",
      weights: nest.random.normal({ std: 0.2 }),
      optimizer: { type: "gradient_descent", eta: 1e-3, Wmin: -1, Wmax: 1 },
    },
    back: { from: "wave", to: ["cells", "slow"], weights: nest.random.normal(), feedback: "adaptive" },
  },
  optimizer: { type: "adam", eta: 5e-3, batch_size: batchSize },
  averageGradient: true,
};

const found = ({ iterations, weights }: TrainingResult) => ({
  losses: iterations.map(({ loss, gradientNorm }) => [loss, gradientNorm]),
  weights,
});

it("says again what a description said that the kernel was built of, to the bit", async () => {
  const network = tasks.builtNetwork(
    (kernel) => {
      const { populations } = buildNetwork(kernel, described);
      const projections = Object.fromEntries(
        Object.entries(described.projections).map(([name, { from, to }]) => [name, { from, to }]),
      );
      return { populations, projections };
    },
    { seed: 5 },
  );
  expect(Object.keys(network.projections)).toEqual(Object.keys(described.projections));
  expect(network.populations["slow"]).toMatchObject({ kind: "recurrent", n: 8, params: { adapt_tau: 200 } });
  expect(network.projections["fixed"]).toMatchObject({ plastic: false, delay: 3 });
  const whole = found(await trainToEnd(waveTask(described)));
  expect(found(await trainToEnd(waveTask(network)))).toEqual(whole);
  expect(new Set(whole.losses.map(([loss]) => loss)).size).toBe(3);
});

it("takes what an optimizer of another type leaves out from the network's", () => {
  const kernel = new Kernel();
  const common = { c_l2: 0.3, optimize_each_step: false, Wmin: -7 };
  buildNetwork(kernel, { ...described, optimizer: { ...described.optimizer, ...common, beta_1: 0.5 } });
  const own: string = "eprop_synapse_bsshslm_2020_out";
  const { optimizer } = kernel.GetDefaults(own as "eprop_synapse_bsshslm_2020");
  expect(optimizer).toMatchObject({ ...common, eta: 1e-3, Wmin: -1, Wmax: 1, batch_size: batchSize });
  expect(optimizer).not.toHaveProperty("beta_1");
});

it("names a description that cannot be read", () => {
  const network = new Proxy(described, {
    has() {
      throw new Error("on purpose");
    },
  });
  expect(() => buildNetwork(new Kernel(), network)).toThrow(/^network cannot be read.*on purpose/);
});

it("names a projection whose mask has no connection", () => {
  const { among, ...projections } = described.projections;
  const mask = new Uint8Array(400).map((_, at) => Number(at % 21 === 0));
  const weights = { data: new Float64Array(400), shape: [20, 20] as const, mask };
  const network = { ...described, projections: { ...projections, among: { ...among, weights } } };
  expect(() => buildNetwork(new Kernel(), network as tasks.NetworkDescription)).toThrow(
    /among has no connections.*network\.projections\.among\.weights\.mask/,
  );
});

/** A network by calls as in NEST. */
function called(kernel: Kernel) {
  const retina = kernel.Create("spike_generator", inputs);
  const cells = kernel.Create("eprop_iaf", 20, { ...membrane, kappa: 0.97 });
  const wave = kernel.Create("eprop_readout", 2, { C_m: 1, E_L: 0 });
  const learns = {
    synapse_model: "eprop_synapse",
    weight: nest.random.normal({ std: 0.2 }),
    delay: 1,
  } as const;
  kernel.SetDefaults("eprop_synapse", { optimizer: { eta: 1e-3 } });
  const slowly: string = "slowly";
  kernel.CopyModel("eprop_synapse", slowly, { optimizer: { eta: 1e-5, Wmax: 5 } });
  kernel.Connect(retina, cells, "all_to_all", learns);
  kernel.Connect(
    cells,
    cells,
    { rule: "fixed_indegree", indegree: 5, allow_autapses: false, allow_multapses: false },
    learns,
  );
  kernel.Connect(cells, wave, "all_to_all", { ...learns, synapse_model: slowly });
  const back = { synapse_model: "eprop_learning_signal_connection", weight: 1, delay: 1 } as const;
  kernel.Connect(wave, cells, "all_to_all", back);
  return { populations: { retina, cells, wave } };
}

describe("built by calls", () => {
  it("is trained, recorded, saved and resumed by its names", async () => {
    const make = () => waveTask(tasks.builtNetwork(called, { seed: 5 }), 2, 4);
    const task = make();
    const { projections } = task.network as tasks.NetworkDescription;
    expect(Object.keys(projections)).toEqual(["retina_cells", "cells_cells", "cells_wave", "wave_cells"]);
    expect(projections["cells_wave"]?.optimizer).toMatchObject({ eta: 1e-5, Wmax: 5 });
    const path = join(folder, "built.checkpoint");
    const whole = await trainToEnd(task, { record: true });
    expect(Object.keys(whole.recorded)).toContain("weights_cells_cells");
    const { before, after } = whole.weights;
    const moved = (name: string) => before[name]?.data.some((weight, at) => weight !== after[name]?.data[at]);
    expect(["retina_cells", "cells_cells", "cells_wave"].map(moved)).toEqual([true, true, true]);
    // Five sources for each, and no more.
    const rows = before["cells_cells"]?.data as Float64Array;
    expect(rows.filter((weight) => weight !== 0)).toHaveLength(20 * 5);
    const trainer = new Trainer(make(), { record: true });
    await trainer.next();
    await trainer.next();
    await trainer.save(path);
    await trainer.close();
    const resumed = await Trainer.resume(path, { task: make() });
    for await (const _ of resumed);
    expect(found(resumed.result())).toEqual(found(whole));
    await resumed.close();
    const out = join(folder, "run");
    await writeRunFolder(out, whole);
    const { network } = JSON.parse(readFileSync(join(out, "run.json"), "utf8")) as RunSummary;
    expect(network.populations?.map(({ name, n, first }) => [name, n, first])).toEqual([
      ["retina", 10, 1],
      ["cells", 20, 11],
      ["wave", 2, 31],
    ]);
  });

  const changed = (change: (kernel: Kernel, made: ReturnType<typeof called>) => object | void) => () =>
    tasks.builtNetwork((kernel) => {
      const made = called(kernel);
      return (change(kernel, made) ?? made) as ReturnType<typeof called>;
    });
  const plain = { synapse_model: "static_synapse", weight: 0.1 } as const;
  it.each([
    ["a device", changed((kernel) => void kernel.Create("multimeter")), /node 33 \(multimeter\) has no name/],
    [
      "a generator of its own",
      changed((kernel, { populations }) => ({
        populations: { ...populations, noise: kernel.Create("poisson_generator") },
      })),
      /a task's network has no poisson_generator/,
    ],
    [
      "spikes of its own",
      changed((_, { populations }) => populations.retina.set({ spike_times: [1] })),
      /inputs send the spikes of the task, and spike_times is set/,
    ],
    [
      "several models in a population",
      changed((_, { populations: { retina, cells, wave } }) => ({
        populations: { retina, all: cells.concat(wave) },
      })),
      /the nodes of all are of several models/,
    ],
    [
      "a node in two populations",
      changed((_, { populations }) => ({ populations: { ...populations, again: populations.cells } })),
      /node 11 is in cells, too/,
    ],
    [
      "a neuron onto itself",
      changed((kernel, { populations: { cells } }) =>
        kernel.Connect(cells.slice(0, 1), cells.slice(0, 1), "one_to_one", {
          ...plain,
          synapse_model: "eprop_synapse",
        }),
      ),
      /a connection of cells_cells joins a node with itself/,
    ],
    [
      "two models in a projection",
      changed((kernel, { populations: { retina, cells } }) =>
        kernel.Connect(retina, cells.slice(0, inputs), "one_to_one", plain),
      ),
      /connections of retina_cells differ in synapse_model/,
    ],
    [
      "a connection without a name",
      changed((_, { populations }) => ({
        populations,
        projections: { only: { from: "retina", to: "cells" } },
      })),
      /the connection from node 11 of cells to node \d+ of \w+ is in no projection/,
    ],
    [
      "a projection of nothing",
      changed((_, { populations }) => ({
        populations,
        projections: { none: { from: "retina", to: "wave" } },
      })),
      /none has no connections/,
    ],
    [
      "an unknown population",
      changed((_, { populations }) => ({
        populations,
        projections: { all: { from: "retina", to: "cortex" } },
      })),
      /there is no population cortex/,
    ],
    [
      "times that are the task's",
      changed((kernel) => kernel.set({ eprop_update_interval: 50 })),
      /eprop_update_interval is the task's/,
    ],
    [
      "no nodes",
      () => tasks.builtNetwork(() => ({ populations: { none: 3 as never } })),
      /none is no collection/,
    ],
    ["a promise", () => tasks.builtNetwork((async () => ({})) as never), /build returned a promise/],
    [
      "nothing returned",
      () => tasks.builtNetwork((() => undefined) as never),
      /no populations.*value nothing/,
    ],
    [
      "populations that are not said to be",
      changed((_, { populations }) => populations as never),
      /build returned no populations.*a function that returns \{ populations \}/,
    ],
    [
      "another name",
      changed((_, { populations }) => ({ populations, projection: {} }) as never),
      /build has no "projection".*did you mean projections/,
    ],
    ["no function", () => tasks.builtNetwork({} as never), /takes a function/],
  ])("refuses %s by name", (_, build, message) => {
    expect(build).toThrow(message);
  });
});

describe("networks of calls that a description cannot say", () => {
  const plastic = "eprop_synapse_bsshslm_2020" as const;

  /** An input, two neurons and a readout; `synapse` is what their connections are. */
  function small(kernel: Kernel, synapse: object = {}) {
    const a = kernel.Create("spike_generator", 2);
    const b = kernel.Create("eprop_iaf_bsshslm_2020", 2);
    const c = kernel.Create("eprop_readout_bsshslm_2020", 1, { tau_m: 20 });
    kernel.Connect(a, b, "all_to_all", { synapse_model: plastic, ...synapse });
    kernel.Connect(b, c, "all_to_all", { synapse_model: plastic, ...synapse });
    return { a, b, c };
  }

  it.each<[string, (kernel: Kernel) => unknown, RegExp]>([
    ["a promise", async (kernel) => ({ populations: small(kernel) }), /returned a promise/],
    [
      "a promise that fails",
      async () => {
        throw new Error("nobody catches it");
      },
      /returned a promise/,
    ],
    [
      "a simulation",
      (kernel) => {
        const populations = small(kernel);
        kernel.Simulate(10);
        return { populations };
      },
      /was simulated/,
    ],
    [
      "filters of their own",
      (kernel) => ({ populations: small(kernel, { tau_m_readout: 7 }) }),
      /tau_m_readout of their own/,
    ],
    ...["adam", "adamw"].map((optimizer): [string, (kernel: Kernel) => unknown, RegExp] => [
      `moments of ${optimizer}`,
      (kernel) => {
        kernel.SetDefaults(plastic, { optimizer: { optimizer } });
        const populations = small(kernel);
        kernel.GetConnections().set({ optimizer: { m: 0.5, v: 0.1 } });
        return { populations };
      },
      new RegExp(`${optimizer} remembers`),
    ]),
    [
      "a population that is named twice",
      (kernel) => ({
        populations: small(kernel),
        projections: { in: { from: ["a", "a"], to: "b" }, out: { from: "b", to: "c" } },
      }),
      /a is named twice/,
    ],
    [
      "sources that are no names",
      (kernel) => ({ populations: small(kernel), projections: { in: { from: 1, to: "b" } } }),
      /in\.from/,
    ],
    ["no sources", (kernel) => ({ populations: small(kernel), projections: { in: {} } }), /in\.from/],
    [
      "two projections of one name",
      (kernel) => {
        const { a, b, c } = small(kernel);
        const more = kernel.Create("spike_generator", 2);
        const cells = kernel.Create("eprop_iaf_bsshslm_2020", 2);
        kernel.Connect(more, cells, "all_to_all", { synapse_model: plastic });
        kernel.Connect(a, cells, "all_to_all", { synapse_model: plastic });
        kernel.Connect(more, b, "all_to_all", { synapse_model: plastic });
        return { populations: { a, a_b: more, b_c: cells, c: b, d: c } };
      },
      /two projections would be called a_b_c/,
    ],
  ])("refuses %s", (_, build, message) => {
    expect(() => tasks.builtNetwork(build as never)).toThrow(
      expect.objectContaining({ code: expect.any(String), message: expect.stringMatching(message) }),
    );
  });

  it("reads copies of models as what they are copies of", () => {
    const { populations } = tasks.builtNetwork((kernel) => {
      const cell = kernel.CopyModel("eprop_iaf_bsshslm_2020", "cell", { tau_m: 30 });
      const a = kernel.Create("spike_generator", 2);
      const b = kernel.Create(cell, 2);
      const c = kernel.Create("eprop_readout_bsshslm_2020", 1, { tau_m: 20 });
      kernel.Connect(a, b, "all_to_all", { synapse_model: plastic, tau_m_readout: 20 });
      kernel.Connect(b, c, "all_to_all", { synapse_model: plastic });
      return { populations: { a, b, c } };
    });
    expect(populations["b"]).toEqual({
      kind: "recurrent",
      model: "eprop_iaf_bsshslm_2020",
      n: 2,
      params: { tau_m: 30 },
    });
  });
});
