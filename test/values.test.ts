/** What is drawn and is no number that can be used, values of several models, and methods that are taken from a kernel. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Kernel, NESTErrors, math, random } from "../ts/nest/index.js";

const infinite = math.exp(math.exp(random.normal({ mean: 10, std: 1 })));
const noNumber = math.power(random.uniform({ min: -2, max: -1 }), 0.5);

describe("numbers that are drawn", () => {
  const nest = new Kernel();
  const parrots = nest.Create("parrot_neuron", 3);

  it.each([
    ["one_to_one", { weight: infinite }, "weight", "inf"],
    ["all_to_all", { weight: infinite }, "weight", "inf"],
    [{ rule: "pairwise_bernoulli", p: 1 }, { weight: noNumber }, "weight", "NaN"],
    [
      { rule: "all_to_all", allow_autapses: false },
      { weight: noNumber, delay: random.uniform({ min: 1 }) },
      "weight",
      "NaN",
    ],
    ["one_to_one", { delay: infinite }, "delay", "inf ms"],
    ["all_to_all", { delay: noNumber }, "delay", "NaN ms"],
    ["one_to_one", { receptor_type: noNumber }, "receptor_type", "NaN"],
    ["one_to_one", { receptor_type: random.uniform({ min: 0.1, max: 0.9 }) }, "receptor_type", /^0\.\d+$/],
    [{ rule: "fixed_indegree", indegree: infinite }, {}, "indegree", "inf"],
    [{ rule: "fixed_outdegree", outdegree: noNumber }, {}, "outdegree", "NaN"],
    [{ rule: "pairwise_bernoulli", p: noNumber }, {}, "p", "NaN"],
    [{ rule: "pairwise_poisson", pairwise_avg_num_conns: infinite }, {}, "pairwise_avg_num_conns", "inf"],
    [
      { rule: "fixed_indegree", indegree: math.add(4, random.uniform_int(2)), allow_multapses: false },
      {},
      "indegree",
      /[45]/,
    ],
  ])("%j with %j is refused by name and value", (rule, synapse, parameter, value) => {
    const before = nest.get("num_connections");
    const drawn = () => nest.Connect(parrots, parrots, rule as "one_to_one", synapse as object);
    const shown: unknown = value instanceof RegExp ? expect.stringMatching(value) : value;
    expect(drawn).toThrow(expect.objectContaining({ parameter, value: shown }));
    expect(nest.get("num_connections")).toBe(before);
  });

  it("are refused before anything has been drawn of the generator", () => {
    const weights = (refused: boolean) => {
      const kernel = new Kernel();
      const nodes = kernel.Create("parrot_neuron", 3);
      if (refused)
        expect(() => kernel.Connect(nodes, nodes, "one_to_one", { weight: infinite })).toThrow("weight");
      kernel.Connect(nodes, nodes, "one_to_one", { weight: random.uniform() });
      return kernel.GetConnections().get("weight");
    };
    expect(weights(true)).toEqual(weights(false));
  });
});

describe("values of several models", () => {
  const nest = new Kernel();
  nest.set({ resolution: 1 });
  const neurons = nest.Create("eprop_iaf", 2, { tau_m: [20, 30] });
  const parrots = nest.Create("parrot_neuron", 1);
  const recorders = nest.Create("spike_recorder", 2);
  nest.Connect(parrots, neurons, "all_to_all", { synapse_model: "eprop_synapse" });
  nest.Connect(parrots, parrots);

  const mixed = neurons.concat(parrots);

  it("of nodes have a place for each, as with NEST", () => {
    expect(mixed.get("tau_m")).toEqual([20, 30, null]);
    expect(mixed.get(["model", "tau_m"])).toEqual({
      model: ["eprop_iaf", "eprop_iaf", "parrot_neuron"],
      tau_m: [20, 30, null],
    });
    expect(mixed.get()).toMatchObject({ tau_m: [20, 30, null], global_id: [1, 2, 3], thread: [0, 0, 0] });
    expect(() => mixed.get("tau" as string)).toThrow(NESTErrors.UnaccessedDictionaryEntry);
    expect(nest.Create("eprop_readout").get("receptor_types")).toEqual({
      eprop_learning_window: 1,
      target_signal: 2,
    });
    expect(() => parrots.get("receptor_types" as string)).toThrow(NESTErrors.UnaccessedDictionaryEntry);
  });

  it("are named where one is asked for that there is not, also those that can only be read", () => {
    expect(() => mixed.get("globel_id" as string)).toThrow(/one of .*global_id.*did you mean global_id\?/);
    expect(() => nest.GetConnections().get("synaps_model" as string)).toThrow(/did you mean synapse_model\?/);
    expect(() => nest.GetKernelStatus("resolutio" as "resolution")).toThrow(/did you mean resolution\?/);
    for (const name of ["global_id", "model", "receptor_types", "events"]) {
      const values = { [name]: 1 } as object;
      expect(() => neurons.set(values)).toThrow(`${name} can only be read`);
      expect(() => nest.Create("eprop_iaf", 1, values)).toThrow(`${name} can only be read`);
      expect(() => nest.SetDefaults("eprop_iaf", values)).toThrow(`${name} can only be read`);
    }
    expect(() => parrots.set({ C_m: 1 } as object)).toThrow("parrot_neuron has no parameter C_m");
  });

  it("are shown shortly by errors, and with an exponent where they are large", () => {
    const wrong = (values: object) => () => nest.Create("eprop_iaf", 1, values);
    expect(wrong({ tau_m: -1e300 })).toThrow("value -1e300 ms");
    expect(wrong({ C_m: -1e-300 })).toThrow("value -1e-300 pF");
    expect(wrong({ surrogate_gradient_function: "x".repeat(1e4) })).toThrow(/x… \(10002 characters\)/);
  });

  it("of recorders hold the events of each", () => {
    const { events, n_events } = recorders.get();
    expect(n_events).toEqual([0, 0]);
    expect(events).toHaveLength(2);
    expect(recorders.at(0).get()["events"]).toHaveProperty("times");
    expect(recorders.concat(parrots).get(["events"])["events"]).toContain(null);
  });

  it("of connections have a place for each", () => {
    const connections = nest.GetConnections();
    expect(connections.get().optimizer?.[2]).toBeNull();
    expect(connections.get("synapse_model")).toEqual(["eprop_synapse", "eprop_synapse", "static_synapse"]);
    expect(Array.from(connections.get("target_thread"))).toEqual([0, 0, 0]);
    expect(() => connections.get("tau" as string)).toThrow(NESTErrors.UnaccessedDictionaryEntry);
  });
});

describe("the resolution", () => {
  it("is settled by defaults also in a kernel that was saved and loaded", async () => {
    const nest = new Kernel();
    nest.SetDefaults("static_synapse", { delay: 1 });
    const file = join(mkdtempSync(join(tmpdir(), "eprop-")), "kernel.safetensors");
    await nest.save(file);
    const loaded = await Kernel.load(file);
    expect(() => loaded.set({ resolution: 1 })).toThrow(NESTErrors.KernelException);
    loaded.ResetKernel();
    loaded.set({ resolution: 1 });
    loaded.SetDefaults("static_synapse", {});
    loaded.set({ resolution: 0.5 });
    expect(loaded.get("resolution")).toBe(0.5);
  });
});

it("methods are the kernel's wherever they are called", async () => {
  const { Create, Connect, GetConnections, Simulate, SimulateAsync, get, set } = new Kernel();
  set({ resolution: 1 });
  const parrots = Create("parrot_neuron", 2);
  Connect(parrots, parrots, "one_to_one");
  Simulate(5);
  await SimulateAsync(5);
  expect([get("biological_time"), GetConnections().length]).toEqual([10, 2]);
  const other = new Kernel();
  expect(Object.keys(other)).not.toContain("Create");
  expect(other.get("biological_time")).toBe(0);
});
