/** Networks with named populations and projections: in layers, with several readouts, drawn, frozen. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { Kernel, NumpyRandom, Trainer, buildNetwork, nest, tasks, trainToEnd } from "../ts/index.js";
import { readRunFolder, writeRunFolder } from "../ts/report/index.js";
import { resumedAfter } from "./resumed.js";
import { batchSize, inputs, waveTask } from "./wave-task.js";

const folder = mkdtempSync(join(tmpdir(), "eprop-networks-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const membrane = {
  C_m: 1,
  E_L: 0,
  I_e: 0,
  V_m: 0,
  tau_m: 20,
  V_th: 0.5,
  t_ref: 1,
  c_reg: 2,
  f_target: 10,
  regular_spike_arrival: true,
  surrogate_gradient_function: "piecewise_linear",
  surrogate_gradient_width: 0.5,
  surrogate_gradient_height: 0.6,
} as const;
const readout = { C_m: 1, E_L: 0, I_e: 0, V_m: 0, tau_m: 20, regular_spike_arrival: false } as const;

const layers = (random: NumpyRandom, overrides: Partial<tasks.LayersDescription> = {}) =>
  tasks.layeredNetwork(
    {
      inputs,
      layers: [
        {
          model: "eprop_iaf_adapt_bsshslm_2020",
          n: 12,
          params: { ...membrane, adapt_beta: 0.1, adapt_tau: 50 },
        },
        { model: "eprop_iaf_bsshslm_2020", n: 8, params: membrane },
      ],
      readout: { model: "eprop_readout_bsshslm_2020", n: 1, params: readout },
      optimizer: { type: "gradient_descent", eta: 1e-2, batch_size: batchSize },
      ...overrides,
    },
    random,
  );

const learned = (of: Awaited<ReturnType<typeof trainToEnd>>, name: string) => {
  const [before, after] = [of.weights.before[name], of.weights.after[name]];
  return Float64Array.from(after?.data ?? [], (weight, at) => weight - (before?.data[at] ?? 0));
};

describe("a network in layers", () => {
  it("has the same gradient forward and backwards in time, projection by projection", async () => {
    const [adjoint, forward] = [
      await trainToEnd(waveTask(layers, 1, 1), { gradient: "adjoint" }),
      await trainToEnd(waveTask(layers, 1, 1), { gradient: "forward" }),
    ];
    expect(Object.keys(adjoint.weights.after)).toEqual([
      "in_layer_1",
      "layer_1_layer_1",
      "layer_1_layer_2",
      "layer_2_layer_2",
      "layer_2_out",
    ]);
    for (const name of Object.keys(adjoint.weights.after)) {
      const [one, other] = [learned(adjoint, name), learned(forward, name)];
      const largest = other.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      expect(largest, name).toBeGreaterThan(0);
      one.forEach((value, at) =>
        expect(Math.abs(value - (other[at] as number))).toBeLessThan(1e-9 * largest),
      );
    }
  });

  it("computes what the same network does as a pool with masks", async () => {
    const layered = waveTask(layers);
    const { projections, populations, optimizer } = layered.network as tasks.NetworkDescription;
    const pool = waveTask((random) => {
      layers(random);
      const matrix = (rows: number, columns: number, parts: [string, number, number][]): tasks.Weights => {
        const [data, mask] = [new Float64Array(rows * columns), new Uint8Array(rows * columns)];
        for (const [name, row, column] of parts) {
          const { data: from, shape } = (projections[name] as tasks.ProjectionDescription)
            .weights as tasks.Weights;
          from.forEach((weight, at) => {
            const place = (row + Math.floor(at / shape[1])) * columns + column + (at % shape[1]);
            data[place] = weight;
            mask[place] = 1;
          });
        }
        return { data, shape: [rows, columns], mask };
      };
      const of = (name: string) => populations[name] as tasks.RecurrentPopulation;
      return {
        inputs,
        recurrent: [of("layer_1"), of("layer_2")].map(({ model, n, params }) => ({ model, n, params })),
        readout: { model: "eprop_readout_bsshslm_2020", n: 1, params: readout },
        weights: {
          in_rec: matrix(20, inputs, [["in_layer_1", 0, 0]]),
          rec_rec: matrix(20, 20, [
            ["layer_1_layer_1", 0, 0],
            ["layer_1_layer_2", 12, 0],
            ["layer_2_layer_2", 12, 12],
          ]),
          rec_out: matrix(1, 20, [["layer_2_out", 0, 12]]),
          out_rec: matrix(20, 1, [
            ["out_layer_1", 0, 0],
            ["out_layer_2", 12, 0],
          ]),
        },
        optimizer,
        averageGradient: false,
      };
    });
    const [one, other] = [await trainToEnd(layered), await trainToEnd(pool)];
    expect(one.iterations.map(({ loss }) => loss)).toEqual(other.iterations.map(({ loss }) => loss));
  });

  it("goes on from a checkpoint to the same bits, and leaves a run folder that names its parts", async () => {
    const task = () => waveTask(layers, 1, 4);
    const whole = await trainToEnd(task(), { record: true });
    const path = join(folder, "layers.checkpoint");
    const resumed = await resumedAfter(2, path, task, { record: true });
    const result = resumed.result();
    await resumed.close();
    expect(result.weights).toEqual(whole.weights);
    expect(result.recorded).toEqual(whole.recorded);
    expect(Object.keys(result.recorded)).toContain("layer_2");
    const run = join(folder, "run");
    await writeRunFolder(run, result);
    const { summary, weights } = readRunFolder(run);
    expect(summary.network.populations).toEqual([
      { name: "in", kind: "input", model: "spike_generator", n: 10, first: 1 },
      { name: "layer_1", kind: "recurrent", model: "eprop_iaf_adapt_bsshslm_2020", n: 12, first: 11 },
      { name: "layer_2", kind: "recurrent", model: "eprop_iaf_bsshslm_2020", n: 8, first: 23 },
      { name: "out", kind: "readout", model: "eprop_readout_bsshslm_2020", n: 1, first: 31 },
    ]);
    expect(weights["layer_1_layer_2_after"]?.shape).toEqual([8, 12]);
    const report = readFileSync(join(run, "report.html"), "utf8");
    expect(report).toContain("spikes of layer_2");
    expect(report).toContain("layer_1 to layer_2");
  });
});

describe("named populations and projections", () => {
  it("may be drawn, frozen, and have optimizers of their own", async () => {
    const network = (random: NumpyRandom): tasks.NetworkDescription => {
      const { populations, projections, optimizer } = layers(random);
      return {
        populations: {
          ...populations,
          // An entry per neuron.
          layer_2: {
            ...(populations["layer_2"] as tasks.NeuronPopulation),
            params: Array.from({ length: 8 }, (_, at) => ({ ...membrane, tau_m: 10 + at })),
          },
          other: { kind: "readout", model: "eprop_readout_bsshslm_2020", n: 2, params: readout },
        },
        projections: {
          ...projections,
          in_layer_1: {
            from: "in",
            to: "layer_1",
            weights: nest.random.normal({ std: 0.3 }),
            rule: { rule: "pairwise_bernoulli", p: 0.5 },
          },
          layer_1_layer_1: {
            ...(projections["layer_1_layer_1"] as tasks.ProjectionDescription),
            plastic: false,
          },
          layer_2_layer_2: {
            ...(projections["layer_2_layer_2"] as tasks.ProjectionDescription),
            optimizer: { type: "adam", eta: 1e-3, Wmin: -1.5, Wmax: 1.5 },
          },
          layer_2_other: { from: "layer_2", to: "other", weights: 0.1 },
          other_layer_2: { from: "other", to: "layer_2", weights: nest.random.uniform({ min: -1, max: 1 }) },
        },
        optimizer,
      };
    };
    const trainer = new Trainer(waveTask(network, 3));
    const frozen = () => trainer.network.built.weights("layer_1_layer_1").data;
    const before = frozen();
    for await (const _ of trainer);
    expect(frozen()).toEqual(before);
    const { weights, iterations } = trainer.result();
    expect(iterations[0]?.readoutLosses).toHaveLength(3);
    expect(Object.keys(weights.after)).not.toContain("layer_1_layer_1");
    const drawn = weights.before["in_layer_1"]?.data ?? new Float64Array(0);
    const connected = drawn.filter((weight) => weight !== 0).length;
    expect(connected).toBeGreaterThan(30);
    expect(connected).toBeLessThan(90);
    const bounded = weights.after["layer_2_layer_2"]?.data ?? new Float64Array(0);
    expect(bounded.every((weight) => Math.abs(weight) <= 1.5)).toBe(true);
    expect(bounded).not.toEqual(weights.before["layer_2_layer_2"]?.data);
    expect(trainer.network.built.connections("layer_2_other").length).toBe(16);
    await trainer.close();
  });

  it("are built on a kernel of one's own", () => {
    const kernel = new Kernel();
    kernel.set({ rng_seed: 3 });
    const built = buildNetwork(kernel, layers(new NumpyRandom(1)));
    expect(Object.keys(built.populations)).toEqual(["in", "layer_1", "layer_2", "out"]);
    expect(built.populations["layer_2"]?.length).toBe(8);
    expect(built.projections.map(({ name, kind }) => `${name}: ${kind}`)).toContain("out_layer_1: feedback");
    expect(() => built.weights("in_layer_2")).toThrow(/no projection in_layer_2.*one of in_layer_1/s);
  });

  const wrong: [string, (of: tasks.NetworkDescription) => unknown, RegExp][] = [
    [
      "a population that is not there",
      (of) => ({ ...of, projections: { a: { from: "in", to: "layer_3", weights: 1 } } }),
      /no such population.*projections\.a\.to.*layer_3/s,
    ],
    [
      "an entry of a projection that there is not",
      (of) => ({ ...of, projections: { a: { from: "in", to: "layer_1", weights: 1, keepSign: true } } }),
      /projections\.a has no "keepSign".*did you mean keepsSign/s,
    ],
    [
      "an entry of the network that there is not",
      (of) => ({ ...of, rewirng: "deep_r" }),
      /network has no "rewirng".*did you mean rewiring/s,
    ],
    [
      "a projection from inputs to readouts",
      (of) => ({ ...of, projections: { a: { from: "in", to: "out", weights: 1 } } }),
      /from populations of kind input to those of kind readout/,
    ],
    [
      "two projections between the same populations",
      (of) => ({
        ...of,
        projections: {
          a: { from: "in", to: "layer_1", weights: 1 },
          b: { from: ["in"], to: ["layer_2", "layer_1"], weights: 1 },
        },
      }),
      /the projection a connects the same populations/,
    ],
    [
      "weights of another shape",
      (of) => ({
        ...of,
        projections: {
          a: { from: "in", to: "layer_1", weights: { data: new Float64Array(6), shape: [2, 3] } },
        },
      }),
      /projections\.a\.weights\.shape.*2x3.*12 rows/s,
    ],
    [
      "feedback that should learn",
      (of) => ({ ...of, projections: { a: { from: "out", to: "layer_1", weights: 1, plastic: true } } }),
      /feedback does not learn/,
    ],
    [
      "models of two rules",
      (of) => ({
        ...of,
        populations: { ...of.populations, b: { kind: "recurrent", model: "eprop_iaf", n: 1 } },
      }),
      /populations\.b\.model.*eprop_iaf/s,
    ],
    [
      "no readouts",
      (of) => ({
        ...of,
        populations: { in: { kind: "input", n: 10 }, b: { kind: "recurrent", model: "eprop_iaf", n: 1 } },
      }),
      /no population of kind readout/,
    ],
    [
      "a name with other characters",
      (of) => ({ ...of, populations: { ...of.populations, "a.b": { kind: "input", n: 1 } } }),
      /a name has other characters/,
    ],
    [
      "parameters for other neurons",
      (of) => ({
        ...of,
        populations: {
          ...of.populations,
          b: { kind: "recurrent", model: "eprop_iaf_bsshslm_2020", n: 2, params: [{}] },
        },
      }),
      /one dictionary for each neuron/,
    ],
  ];
  it.each(wrong)("%s: is refused by name", async (_, change, message) => {
    const task = waveTask((random) => change(layers(random)) as tasks.NetworkDescription);
    await expect(trainToEnd(task)).rejects.toThrow(message);
  });
});
