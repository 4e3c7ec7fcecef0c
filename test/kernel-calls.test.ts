import { describe, expect, it, vi } from "vitest";
import { inspect } from "node:util";
import { Kernel, NESTErrors, NodeCollection, type RandomParameter, math, random } from "../ts/nest/index.js";

const pairs = (kernel: Kernel) => {
  const { source, target } = kernel.GetConnections().get(["source", "target"]);
  return Array.from(source as Uint32Array, (from, at) => [from, (target as Uint32Array)[at]]);
};

describe("kernel values", () => {
  it("those without a meaning here are kept, and give way to a reset", () => {
    const nest = new Kernel();
    nest.SetKernelStatus({ use_compressed_spikes: false, wfr_tol: 0.5, resolution: 0.5 });
    expect(nest.GetKernelStatus(["use_compressed_spikes", "wfr_tol", "resolution"])).toEqual([
      false,
      0.5,
      0.5,
    ]);
    expect(nest.get("tics_per_step")).toBe(500);
    nest.set({ tics_per_ms: 1000 } as object);
    expect(() => nest.set({ tics_per_ms: 2000 } as object)).toThrow(NESTErrors.ValueError);
    expect(() => nest.set({ wfr_tol: "small", resolution: 1 } as object)).toThrow("wfr_tol");
    expect(nest.get("resolution")).toBe(0.5);
    nest.ResetKernel();
    expect(nest.get("use_compressed_spikes")).toBe(true);
  });

  it("delays of connections, models, and biological time before anything has passed", () => {
    const nest = new Kernel();
    nest.set({ resolution: 0.1, biological_time: 0 });
    expect([nest.get("min_delay"), nest.get("max_delay")]).toEqual([0.1, 0.1]);
    const parrots = nest.Create("parrot_neuron", 2);
    nest.Connect(parrots, parrots, "all_to_all", { delay: 1.04 });
    nest.Connect(parrots, parrots, "all_to_all", { delay: 2.5 });
    expect([nest.get("min_delay"), nest.get("max_delay")]).toEqual([1, 2.5]);
    nest.CopyModel("static_synapse", "mine");
    expect(nest.get("synapse_models")).toContain("mine");
    expect(nest.get("node_models")).toContain("spike_train_injector");
    nest.Simulate(1);
    expect(() => nest.set({ biological_time: 0 })).toThrow(NESTErrors.KernelException);
  });

  it("a window that is longer than the update interval alone covers all of it", () => {
    const signal = (values: object) => {
      const nest = new Kernel();
      nest.set({ resolution: 1, ...values });
      const neurons = nest.Create("eprop_iaf_bsshslm_2020", 1, { I_e: 500 });
      const readouts = nest.Create("eprop_readout_bsshslm_2020", 1);
      const target = nest.Create("step_rate_generator", { amplitude_times: [1], amplitude_values: [1] });
      const plastic = { synapse_model: "eprop_synapse_bsshslm_2020", delay: 1, weight: 1 };
      nest.Connect(neurons, readouts, "all_to_all", plastic);
      const rate = { synapse_model: "rate_connection_delayed", receptor_type: 2 };
      nest.Connect(target, readouts, "one_to_one", rate);
      nest.Simulate(200);
      return nest.GetConnections(neurons, readouts).get("weight")[0];
    };
    const alone = signal({ eprop_update_interval: 50 });
    expect(alone).toBe(signal({ eprop_update_interval: 50, eprop_learning_window: 50 }));
    expect(alone).not.toBe(signal({ eprop_update_interval: 50, eprop_learning_window: 10 }));
    expect(() => signal({ eprop_update_interval: 50, eprop_learning_window: 60 })).toThrow(
      NESTErrors.KernelException,
    );
  });
});

describe("calls", () => {
  it("Prepare, Run and Cleanup are one simulation", () => {
    const run = (simulate: (nest: Kernel) => void) => {
      const nest = new Kernel();
      const neurons = nest.Create("eprop_iaf", 1, { I_e: 500 });
      const recorder = nest.Create("spike_recorder");
      nest.Connect(neurons, recorder);
      simulate(nest);
      return nest.events(recorder)["times"];
    };
    const whole = run((nest) => nest.Simulate(100));
    const parts = run((nest) => {
      nest.Prepare();
      nest.Run(40);
      nest.Run(60);
      nest.Cleanup();
    });
    expect(whole?.length).toBeGreaterThan(2);
    expect(parts).toEqual(whole);
    const nest = new Kernel();
    expect(() => nest.Run(1)).toThrow(NESTErrors.KernelException);
    expect(() => nest.Cleanup()).toThrow(NESTErrors.KernelException);
    nest.Prepare();
    expect(() => nest.Prepare()).toThrow(NESTErrors.KernelException);
    expect(() => nest.Simulate(1)).toThrow(NESTErrors.KernelException);
  });

  it("Disconnect takes connections away, and what is left learns as if they had never been", () => {
    const build = (connect: (nest: Kernel, inputs: NodeCollection, neurons: NodeCollection) => void) => {
      const nest = new Kernel();
      nest.set({ resolution: 1, eprop_update_interval: 50, eprop_learning_window: 50 });
      const inputs = nest.Create("spike_generator", 3, { spike_times: [3, 13, 23, 33] });
      const neurons = nest.Create("eprop_iaf_bsshslm_2020", 3, { E_L: 0, V_m: 0, V_th: 0.5, c_reg: 1 });
      const readouts = nest.Create("eprop_readout_bsshslm_2020", 1);
      nest.SetDefaults("eprop_synapse_bsshslm_2020", { optimizer: { type: "adam", eta: 0.01 } });
      connect(nest, inputs, neurons);
      nest.Connect(neurons, readouts, "all_to_all", { synapse_model: "eprop_synapse_bsshslm_2020" });
      nest.Simulate(160);
      return nest;
    };
    const plastic = { synapse_model: "eprop_synapse_bsshslm_2020", weight: 0.6 } as const;
    const m = (connections: { set(values: object): void }, value: number) =>
      connections.set({ optimizer: { m: value } });
    const less = build((nest, inputs, neurons) => {
      nest.Connect(inputs, neurons, "all_to_all", plastic);
      nest.memory();
      const old = nest.GetConnections();
      m(nest.GetConnections(inputs.at(2), neurons.at(2)), 0.25);
      nest.Disconnect(inputs, neurons, "one_to_one", "eprop_synapse_bsshslm_2020");
      expect(() => old.get("weight")).toThrow("out of date");
      m(nest.GetConnections(inputs.at(0), neurons.at(1)), 0.5);
      nest.GetConnections(inputs.at(1)).disconnect();
    });
    const never = build((nest, inputs, neurons) => {
      nest.Connect([1, 1, 3, 3], [5, 6, 4, 5], "one_to_one", plastic);
      m(nest.GetConnections(inputs.at(0), neurons.at(1)), 0.5);
    });
    expect(pairs(less)).toEqual(pairs(never));
    expect(less.get("num_connections")).toBe(7);
    expect(less.GetConnections().get("weight")).toEqual(never.GetConnections().get("weight"));
    expect([...less.GetConnections().get("weight")]).not.toEqual([0.6, 0.6, 0.6, 0.6, 1, 1, 1]);
    expect(() => less.GetConnections().disconnect()).toThrow(NESTErrors.NotImplemented);
    expect(() => less.Disconnect([1], [1])).toThrow(NESTErrors.InexistentConnection);
  });

  it("Disconnect takes the oldest connection of each pair, and none where one is missing", () => {
    const nest = new Kernel();
    const nodes = nest.Create("parrot_neuron", 3);
    const weights = () => [...nest.GetConnections().get("weight")];
    for (const weight of [1, 2]) nest.Connect([1], [2], "all_to_all", { weight });
    nest.Connect([1], [3], "all_to_all", { weight: 3 });
    expect(() => nest.Disconnect(nodes, nodes, "all_to_all")).toThrow(NESTErrors.InexistentConnection);
    expect(weights()).toEqual([1, 2, 3]);
    nest.Disconnect([1], [2, 3], "all_to_all");
    expect(weights()).toEqual([2]);
    nest.Disconnect([1], [2]);
    expect(() => nest.Disconnect([1], [2])).toThrow(NESTErrors.InexistentConnection);
    for (const weight of [4, 5, 6]) nest.Connect([2], [3], "all_to_all", { weight });
    nest.Disconnect([2, 2], [3, 3]);
    expect(weights()).toEqual([6]);
  });

  it("connections are iterated, compared and picked; what they give is the caller's", () => {
    const nest = new Kernel();
    const nodes = nest.Create("parrot_neuron", 3);
    nest.Connect(nodes, nodes, "one_to_one", { weight: [1, 2, 3] });
    const connections = nest.GetConnections();
    expect([...connections].map((one) => one.get("weight")[0])).toEqual([1, 2, 3]);
    expect(connections.at(-1).sources()).toEqual(Uint32Array.of(3));
    expect(() => connections.at(3)).toThrow(NESTErrors.IndexError);
    expect(connections.slice(1, 2).equals(connections.at(1))).toBe(true);
    expect(connections.equals(connections.slice(1))).toBe(false);
    for (const name of ["source", "target", "delay"] as const) connections.get(name).fill(7);
    expect(connections.targets()).toEqual(Uint32Array.of(1, 2, 3));
    expect([...connections.get("delay")]).toEqual([1, 1, 1]);
    expect(JSON.stringify(nodes)).toBe("[1,2,3]");
  });

  it("what is set by an assignment is refused by the language, not unheard", () => {
    const nest = new Kernel();
    const nodes = nest.Create("eprop_iaf", 1);
    nest.Connect(nodes, nodes);
    for (const of of [nest, nodes, nest.GetConnections()] as object[] as { tau_m: number }[]) {
      expect(() => (of.tau_m = 20)).toThrow(TypeError);
    }
  });

  it("of one process", () => {
    const nest = new Kernel();
    const nodes = nest.Create("parrot_neuron", 2);
    expect([nest.Rank(), nest.NumProcesses(), nest.GetLocalVPs()]).toEqual([0, 1, [0]]);
    expect(nest.GetLocalNodeCollection(nodes)).toBe(nodes);
    nest.SyncProcesses();
    nest.set_verbosity(nest.get_verbosity());
    expect(() => nest.set({ rng_type: "Philox_64" })).toThrow("rng_type");
  });

  it("a column of events, by its name", () => {
    const nest = new Kernel();
    const meter = nest.Create("multimeter", 1, { record_from: ["V_m"] });
    nest.Connect(meter, nest.Create("eprop_iaf"));
    nest.Simulate(3);
    expect(meter.get("events", "V_m")).toEqual(meter.get("events")["V_m"]);
    expect(() => meter.get("events", "v_m")).toThrow(/did you mean V_m\?/);
    expect(() => meter.get("interval" as "events", "V_m")).toThrow("names");
  });

  it("Prepare and Cleanup are refused while the kernel is at work", async () => {
    const nest = new Kernel();
    nest.Create("parrot_neuron");
    const work = nest.SimulateAsync(10_000);
    expect(() => nest.Prepare()).toThrow(NESTErrors.KernelException);
    await work;
    nest.Prepare();
    nest.Cleanup();
  });

  it("a resolution that does not divide the preset update interval is taken where there is none", () => {
    const nest = new Kernel();
    nest.set({ resolution: 0.3 });
    nest.Create("eprop_iaf");
    nest.Simulate(30);
    nest.Create("eprop_iaf_bsshslm_2020");
    expect(() => nest.Simulate(30)).toThrow(/eprop_update_interval must be a whole number of steps/);
    const other = new Kernel();
    other.set({ eprop_update_interval: 100, eprop_learning_window: 100 });
    expect(() => other.set({ resolution: 0.3 })).toThrow(/eprop_update_interval must be a whole number/);
  });

  it("PrintNodes tells the nodes as NEST does", () => {
    const nest = new Kernel();
    nest.Create("parrot_neuron", 8);
    nest.Create("eprop_iaf");
    const log = vi.spyOn(console, "log").mockImplementation(() => undefined);
    nest.PrintNodes();
    expect(log.mock.calls).toEqual([["1 .. 8 parrot_neuron\n9 eprop_iaf"]]);
    log.mockRestore();
  });
});

describe("connections", () => {
  it("make_symmetric connects both ways, or not at all", () => {
    const nest = new Kernel();
    const [some, others] = [nest.Create("parrot_neuron", 2), nest.Create("parrot_neuron", 2)];
    nest.Connect(some, others, { rule: "one_to_one", make_symmetric: true }, { weight: [1, 2] });
    expect(pairs(nest)).toEqual([[1, 3], [2, 4], [3, 1], [4, 2]]); // prettier-ignore
    expect([...nest.GetConnections().get("weight")]).toEqual([1, 2, 1, 2]);
    const recorder = nest.Create("spike_recorder", 2);
    const symmetric = { rule: "one_to_one", make_symmetric: true };
    expect(() => nest.Connect(some, recorder, symmetric)).toThrow(NESTErrors.IllegalConnection);
    expect(nest.get("num_connections")).toBe(4);
    expect(() => nest.Connect(some, others, { rule: "all_to_all", make_symmetric: true })).toThrow(
      NESTErrors.NotImplemented,
    );
  });

  it("static_synapse_hom_w has one weight, that of the model, in flight as in use", () => {
    const nest = new Kernel();
    nest.set({ resolution: 1 });
    const generator = nest.Create("spike_train_injector", { spike_times: [1, 11] });
    const readout = nest.Create("eprop_readout", 1, { E_L: 0, V_m: 0 });
    const meter = nest.Create("multimeter", { record_from: ["V_m"] });
    nest.Connect(meter, readout);
    nest.SetDefaults("static_synapse_hom_w", { weight: 2 });
    const synapse = { synapse_model: "static_synapse_hom_w", delay: 2 };
    nest.Connect(generator, readout, "all_to_all", synapse);
    expect(() => nest.Connect(generator, readout, "all_to_all", { ...synapse, weight: 1 })).toThrow(
      NESTErrors.NotImplemented,
    );
    const found = nest.GetConnections(generator);
    expect([...found.get("weight")]).toEqual([2]);
    expect(() => found.set({ weight: 3 })).toThrow(expect.objectContaining({ parameter: "weight" }));
    nest.Simulate(2);
    nest.SetDefaults("static_synapse_hom_w", { weight: 6 });
    expect([...found.get("weight")]).toEqual([6]);
    nest.Simulate(20);
    const { times = [], V_m = [] } = nest.events(meter);
    const at = (time: number) => V_m[Array.from(times).indexOf(time)] ?? Number.NaN;
    const decay = Math.exp(-10 / 10);
    // The first spike was on its way when the weight changed.
    expect((at(13) - at(3) * decay) / at(3)).toBeCloseTo(3, 9);
  });

  it("codes are NEST's", () => {
    const nest = new Kernel();
    const parrots = nest.Create("parrot_neuron", 3);
    const none = new NodeCollection(nest, Uint32Array.of());
    expect(() => nest.Connect(none, parrots)).toThrow(NESTErrors.IllegalConnection);
    expect(() => nest.Connect(parrots, none)).toThrow(NESTErrors.IllegalConnection);
    expect(() => parrots.concat(parrots.at(0))).toThrow(NESTErrors.BadProperty);
    expect(() => nest.Connect(parrots, parrots, "all_to_all", { delay: 0.04 })).toThrow(NESTErrors.BadDelay);
    const total = { rule: "fixed_total_number", N: 2, allow_multapses: false };
    expect(() => nest.Connect(parrots, parrots, total)).toThrow(NESTErrors.NotImplemented);
    const several = { rule: "pairwise_poisson", pairwise_avg_num_conns: 2, allow_multapses: false } as const;
    expect(() => nest.Connect(parrots, parrots, several)).toThrow(NESTErrors.BadProperty);
    let refused: unknown;
    try {
      nest.Create("eprop_iaf", 1, { foo: 1 } as object);
    } catch (error) {
      refused = error;
    }
    expect(String(refused)).not.toContain("did you mean");
  });
});

describe("collections", () => {
  const nest = new Kernel();
  const nodes = nest.Create("parrot_neuron", 5);
  it("are indexed by step, place and truth value, compared and printed", () => {
    expect(Array.from(nodes.slice(0, 5, 2).ids)).toEqual([1, 3, 5]);
    expect(Array.from(nodes.slice(-2).ids)).toEqual([4, 5]);
    expect([...nodes.pick([0, -1])]).toEqual([1, 5]);
    expect([...nodes.pick([true, false, false, true, false])]).toEqual([1, 4]);
    expect(() => nodes.pick([true])).toThrow(NESTErrors.IndexError);
    expect(() => nodes.pick([5])).toThrow(NESTErrors.ValueError);
    expect([...nodes.nodes()].map(({ ids }) => ids[0])).toEqual([1, 2, 3, 4, 5]);
    expect(nodes.equals(nest.GetNodes())).toBe(true);
    expect(nodes.equals(nodes.slice(1))).toBe(false);
    expect(inspect(nodes)).toBe("NodeCollection(model=parrot_neuron, size=5, first=1, last=5)");
    expect(nodes.at(0).get("frozen")).toBe(false);
  });
  it("may be empty", () => {
    const none = nodes.slice(5);
    expect([none.length, none.get(), String(none)]).toEqual([0, {}, "NodeCollection(<empty>)"]);
    expect(nest.GetConnections().length).toBe(0);
    expect(inspect(nest.GetConnections())).toContain("does not contain any connections");
  });
  it("of connections are a table", () => {
    nest.Connect(nodes.at(0), nodes.at(1), "one_to_one", { weight: 2.5 });
    const [head = "", line = "", row = ""] = String(nest.GetConnections()).split("\n");
    expect(head.split(/\s+/).filter(Boolean)).toEqual([
      "source",
      "target",
      "synapse_model",
      "weight",
      "delay",
    ]);
    expect(line).toMatch(/^[ -]+$/);
    expect(row.trim().split(/\s+/)).toEqual(["1", "2", "static_synapse", "2.5", "1"]);
  });
});

describe("forms that NEST's calls have", () => {
  it("of what is looked at", () => {
    const nest = new Kernel();
    const nodes = nest.Create("eprop_iaf", 2, { tau_m: [10, 20] });
    const parrot = nest.Create("parrot_neuron");
    expect(nest.GetStatus(nodes, "tau_m")).toEqual(Array.from(nodes.nodes(), (node) => node.get("tau_m")));
    expect(nest.GetDefaults("eprop_iaf", ["V_m", "tau_m"])).toEqual([-70, 10]);
    expect(nest.GetDefaults("eprop_iaf", "C_m")).toBe(250);
    expect(() => nest.GetDefaults("eprop_iaf", "C_x" as string)).toThrow(
      NESTErrors.UnaccessedDictionaryEntry,
    );
    expect([...nest.GetNodes({ model: "eprop_iaf" })]).toEqual([1, 2]);
    expect([...nest.GetNodes({ tau_m: 20 })]).toEqual([2]);
    nest.SetDefaults("eprop_iaf", "tau_m", 5);
    expect(nest.GetDefaults("eprop_iaf", "tau_m")).toBe(5);
    expect(() => nest.SetDefaults("eprop_iaf", "tau_m", undefined as unknown as number)).toThrow("values");
    nest.Connect(parrot, parrot);
    const connections = nest.GetConnections();
    nest.SetStatus(connections, "weight", [0.5]);
    expect(nest.GetStatus(connections, ["source", "weight"])).toEqual([[3, 0.5]]);
    expect(nest.GetStatus(connections)[0]).toMatchObject({ synapse_model: "static_synapse", weight: 0.5 });
    expect(() => new Kernel().GetStatus(connections)).toThrow("another kernel");
    nest.SetStatus(nodes, "V_m", [-60, -61]);
    nest.SetStatus(parrot, {});
    expect(nest.GetStatus(nodes, ["V_m", "model"])).toEqual([
      [-60, "eprop_iaf"],
      [-61, "eprop_iaf"],
    ]);
    expect(() => nest.SetStatus(nodes, "V_m", undefined as unknown as number)).toThrow("params");
    nest.Disconnect(nest.GetConnections());
    expect(nest.GetConnections()).toHaveLength(0);
  });

  it("refused as there: SimulateAsync after Prepare, devices off the grid, random symmetric connections", async () => {
    const nest = new Kernel();
    const parrots = nest.Create("parrot_neuron", 2);
    nest.Prepare();
    await expect(nest.SimulateAsync(1)).rejects.toThrow("Cleanup");
    nest.Cleanup();
    expect(() => nest.Create("dc_generator", { start: 1.04 })).toThrow(/start.*multiple of 0.1 ms/);
    const both = { rule: "one_to_one", make_symmetric: true } as const;
    const weight = random.uniform();
    expect(() => nest.Connect(parrots, parrots.pick([1, 0]), both, { weight })).toThrow(
      NESTErrors.NotImplemented,
    );
  });

  it("times are shown where they lie on the grid", () => {
    const nest = new Kernel();
    const offgrid = { spike_times: [1.04, 2.06], allow_offgrid_times: true };
    expect(nest.Create("spike_generator", offgrid).get("spike_times")).toEqual(Float64Array.of(1.1, 2.1));
    const single = { spike_times: Float32Array.of(1.1, 2.3) };
    expect(nest.Create("spike_generator", single).get("spike_times")).toEqual(Float64Array.of(1.1, 2.3));
  });

  it("what is computed of random numbers is looked at once, however often it is used", () => {
    const nest = new Kernel();
    const start = performance.now();
    let doubled: RandomParameter = random.uniform();
    for (let time = 0; time < 24; time++) doubled = math.add(doubled, doubled);
    let deep: RandomParameter = random.uniform();
    for (let time = 0; time < 900; time++) deep = math.add(deep, 1);
    // Looked at each time, what is doubled would take minutes.
    expect(performance.now() - start).toBeLessThan(1000);
    const V_m = nest.Create("eprop_iaf", 1, { V_m: deep }).get("V_m");
    expect(V_m).toBeGreaterThan(900);
    expect(() => nest.Create("eprop_iaf", 1, { V_m: doubled })).toThrow("too much is computed");
  });
});

describe("names that all objects have", () => {
  it.each(["__proto__", "toString", "constructor"])("%s is no value of nodes or models", (name) => {
    const nest = new Kernel();
    const nodes = nest.Create("eprop_iaf", 2);
    const calls = [
      () => nest.GetStatus(nodes, name),
      () => nest.GetStatus(nodes, [name]),
      () => nodes.get(name),
      () => nest.GetDefaults("eprop_iaf", name),
      () => nest.get(name as "resolution"),
    ];
    for (const call of calls) {
      expect(call).toThrow(
        expect.objectContaining({ code: expect.any(String), parameter: expect.any(String) }),
      );
    }
  });

  it("what cannot be read is refused by its name", () => {
    const { proxy, revoke } = Proxy.revocable([], {});
    revoke();
    const refused = expect.objectContaining({ code: "TypeMismatch", parameter: "keys" });
    expect(() => new Kernel().GetDefaults("eprop_iaf", proxy as string[])).toThrow(refused);
  });
});
