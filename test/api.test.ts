import { afterEach, describe, expect, it } from "vitest";
import * as nest from "../ts/nest/index.js";

const { Kernel, NESTError, NESTErrors } = nest;

/** A kernel with two inputs, three neurons and one readout. */
function small() {
  const kernel = new Kernel();
  kernel.set({ resolution: 1, eprop_update_interval: 20, eprop_learning_window: 20 });
  const input = kernel.Create("spike_generator", 2);
  const rec = kernel.Create("eprop_iaf_bsshslm_2020", 3, {
    V_th: 0.5,
    E_L: 0,
    V_m: 0,
    C_m: 1,
    tau_m: [10, 20, 30],
  });
  const out = kernel.Create("eprop_readout_bsshslm_2020", 1, { E_L: 0, V_m: 0 });
  const synapse = { synapse_model: "eprop_synapse_bsshslm_2020", delay: 1 } as const;
  kernel.Connect(input, rec, "all_to_all", { ...synapse, weight: [[1, 2], [3, 4], [5, 6]] }); // prettier-ignore
  kernel.Connect(rec, out, "all_to_all", { ...synapse, weight: 0.1 });
  kernel.Connect(out, rec, "all_to_all", {
    synapse_model: "eprop_learning_signal_connection_bsshslm_2020",
    delay: 1,
    weight: 1,
  });
  return { kernel, input, rec, out };
}

describe("nodes", () => {
  it("keep their state when only that of others is set", () => {
    const { kernel, input, rec } = small();
    input.set([{ spike_times: [2, 5] }, { spike_times: [3] }]);
    kernel.Simulate(7);
    const before = rec.get("V_m") as number[];
    expect(before.every((voltage) => voltage !== 0)).toBe(true);
    rec.set([{ V_th: 7 }, { V_m: 0.25 }, {}]);
    kernel.Simulate(0);
    expect(rec.get("V_m")).toEqual([before[0], 0.25, before[2]]);
  });

  it("are sliced, joined, read and set", () => {
    const { rec, out } = small();
    expect([...rec]).toEqual([3, 4, 5]);
    expect(rec.get("tau_m")).toEqual([10, 20, 30]);
    expect(rec.slice(1, 3).get("tau_m")).toEqual([20, 30]);
    expect(rec.at(-1).get("tau_m")).toBe(30);
    expect(Array.from(rec.slice(0, 1).concat(out))).toEqual([3, 6]);
    rec.set([{ V_th: 0.1 }, { V_th: 0.2 }, { V_th: 0.3 }]);
    expect(rec.get("V_th")).toEqual([0.1, 0.2, 0.3]);
    expect(rec.get(["V_th", "model"])).toMatchObject({ model: Array(3).fill("eprop_iaf_bsshslm_2020") });
    expect(() => rec.concat(rec)).toThrow(/in common/);
    expect(() => rec.at(7)).toThrow(/no node at this place/);
  });
  it("read f_target in spikes/s", () => {
    const { rec } = small();
    rec.set({ f_target: 15 });
    expect(rec.get("f_target")).toEqual([15, 15, 15]);
  });
});

describe("connections", () => {
  it("are found with typed columns, ordered by source and target", () => {
    const { kernel, input, rec } = small();
    const found = kernel.GetConnections(input, rec);
    expect(found.length).toBe(6);
    expect(found.get("source")).toBeInstanceOf(Uint32Array);
    expect([...found.get("weight")]).toEqual([1, 3, 5, 2, 4, 6]);
    found.set({ weight: [1, 1, 1, 2, 2, 2] });
    expect([...kernel.GetConnections(null, rec.at(0)).get("weight")]).toEqual([1, 2, 1]);
  });
  it.each([
    ["all_to_all", { rule: "all_to_all" }, 9],
    ["one_to_one", { rule: "one_to_one" }, 3],
    ["fixed_indegree", { rule: "fixed_indegree", indegree: 4 }, 12],
    ["fixed_outdegree", { rule: "fixed_outdegree", outdegree: 2 }, 6],
    ["pairwise_bernoulli with certainty", { rule: "pairwise_bernoulli", p: 1 }, 9],
    ["all_to_all without autapses", { rule: "all_to_all", allow_autapses: false }, 6],
  ] as const)("follow the rule %s", (_, rule, count) => {
    const kernel = new Kernel();
    const nodes = kernel.Create("eprop_iaf_bsshslm_2020", 3);
    kernel.Connect(nodes, nodes, rule, "static_synapse");
    expect(kernel.GetConnections(nodes, nodes).length).toBe(count);
  });
});

describe("models", () => {
  it("have NEST's defaults, are copied and changed", () => {
    const kernel = new Kernel();
    expect(kernel.GetDefaults("eprop_iaf_bsshslm_2020")).toMatchObject({ C_m: 250, tau_m: 10, V_th: -55 });
    const mine = kernel.CopyModel("eprop_synapse_bsshslm_2020", "mine", {
      optimizer: { type: "adam", eta: 0.01 },
    });
    expect(kernel.GetDefaults(mine)).toMatchObject({ optimizer: { eta: 0.01 } });
    kernel.SetDefaults("eprop_iaf_bsshslm_2020", { tau_m: 12 });
    expect(kernel.Create("eprop_iaf_bsshslm_2020", 1).get("tau_m")).toBe(12);
  });
});

describe("recorders", () => {
  it("give typed columns, and hand them out once when they are taken", () => {
    const { kernel, input, rec } = small();
    input.set({ spike_times: [3, 8, 13] });
    const spikes = kernel.Create("spike_recorder", 1);
    const meter = kernel.Create("multimeter", 1, { record_from: ["V_m"], interval: 2, start: 4, stop: 10 });
    kernel.Connect(rec, spikes);
    kernel.Connect(meter, rec);
    kernel.Simulate(30);
    const { times, senders, V_m } = meter.get("events");
    expect(V_m).toBeInstanceOf(Float64Array);
    expect([...(times ?? [])]).toEqual([6, 6, 6, 8, 8, 8, 10, 10, 10]);
    expect([...senders]).toEqual([3, 4, 5, 3, 4, 5, 3, 4, 5]);
    const taken = kernel.takeEvents(spikes);
    expect(taken.senders.length).toBeGreaterThan(0);
    expect(kernel.takeEvents(spikes).senders).toHaveLength(0);
  });
});

describe("generators", () => {
  it("move times between steps to the end of their step, where that is allowed", () => {
    const kernel = new Kernel();
    kernel.set({ resolution: 1 });
    const input = kernel.Create("spike_generator", 1, {
      allow_offgrid_times: true,
      spike_times: [1.3, 4, 6.9],
    });
    const parrot = kernel.Create("parrot_neuron", 1);
    const spikes = kernel.Create("spike_recorder", 1);
    kernel.Connect(input, parrot);
    kernel.Connect(parrot, spikes);
    kernel.Simulate(20);
    expect([...(kernel.events(spikes).times ?? [])]).toEqual([3, 5, 8]);
  });
});

describe("simulating", () => {
  it("does not block, tells progress and stops at a signal", async () => {
    const { kernel, input } = small();
    input.set({ spike_times: [3, 5, 7] });
    const told: number[] = [];
    await kernel.SimulateAsync(500, { onProgress: ({ done }) => told.push(done) });
    expect(told.at(-1)).toBe(500);
    const reason = new Error("enough");
    const stop = new AbortController();
    setTimeout(() => stop.abort(reason), 20);
    await expect(kernel.SimulateAsync(1e12, { signal: stop.signal })).rejects.toBe(reason);
    kernel.Simulate(10);
  });
  it("refuses other calls meanwhile, and goes on afterwards", async () => {
    const { kernel } = small();
    const simulation = kernel.SimulateAsync(200_000);
    expect(() => kernel.Create("multimeter", 1)).toThrow(/being simulated/);
    await simulation;
    kernel.Create("multimeter", 1);
  });
});

describe("the default kernel", () => {
  afterEach(() => nest.ResetKernel());
  it("is what module functions act on", () => {
    nest.Create("parrot_neuron", 4);
    expect(nest.GetNodes().length).toBe(4);
    nest.ResetKernel();
    expect(nest.GetNodes().length).toBe(0);
  });
});

describe("mistakes", () => {
  const cases: [string, (kernel: nest.Kernel) => unknown, Partial<InstanceType<typeof NESTError>>][] = [
    [
      "a misspelt parameter",
      (k) => k.Create("eprop_iaf_bsshslm_2020", 1, { tau_n: 1 } as object),
      { parameter: "tau_n" },
    ],
    ["NaN", (k) => k.Create("eprop_iaf_bsshslm_2020", 1, { tau_m: Number.NaN }), { parameter: "tau_m" }],
    [
      "an infinite time constant",
      (k) => k.Create("eprop_iaf_bsshslm_2020", 1, { tau_m: Infinity }),
      { parameter: "tau_m" },
    ],
    [
      "unsorted spike times",
      (k) => k.Create("spike_generator", 1, { spike_times: [3, 1] }),
      { parameter: "spike_times" },
    ],
    [
      "a time off the grid",
      (k) => k.Create("spike_generator", 1, { spike_times: [1.23456] }),
      { parameter: "spike_times" },
    ],
    ["a delay of zero", (k) => connect(k, { delay: 0 }), { parameter: "delay" }],
    ["a weight that is NaN", (k) => connect(k, { weight: Number.NaN }), { parameter: "weight" }],
    ["weights of the wrong shape", (k) => connect(k, { weight: [[1, 2]] }), { parameter: "weight" }],
    ["an unknown kernel parameter", (k) => k.set({ resolutoin: 1 } as object), { parameter: "resolutoin" }],
    ["an unknown node", (k) => k.GetConnections(77), { code: "UnknownNode" }],
    ["half a step", (k) => k.Simulate(0.05), { parameter: "simulation time" }],
  ];
  function connect(kernel: nest.Kernel, synapse: nest.SynapseSpec): void {
    const all = kernel.GetNodes();
    kernel.Connect(all, all, "all_to_all", synapse);
  }
  it.each(cases)("%s", (_, call, expected) => {
    const kernel = new Kernel();
    kernel.Create("eprop_iaf_bsshslm_2020", 2);
    const state = () => [kernel.get(), kernel.GetNodes().get(), kernel.GetConnections().length];
    const before = state();
    let refused: unknown;
    try {
      call(kernel);
    } catch (error) {
      refused = error;
    }
    expect(refused).toBeInstanceOf(NESTError);
    expect(refused).toMatchObject(expected);
    expect(state()).toEqual(before);
  });
  it("have classes by code", () => {
    // @ts-expect-error: no such model
    expect(() => new Kernel().Create("nope", 1)).toThrow(NESTErrors.UnknownModelName);
  });
  it("refuse a network that cannot fit, with the figure", () => {
    const { kernel } = small();
    kernel.set({ memory_limit: 100 });
    expect(() => kernel.Simulate(10)).toThrow(/bytes needed.*at most 100 bytes/);
  });
});
