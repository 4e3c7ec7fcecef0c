import { describe, expect, it } from "vitest";
import { Kernel, NESTErrors } from "../ts/nest/index.js";
import recorded from "./nest/moments.json" with { type: "json" };

const rules = {
  interval: {
    neuron: "eprop_iaf_bsshslm_2020",
    readout: "eprop_readout_bsshslm_2020",
    plastic: "eprop_synapse_bsshslm_2020",
    feedback: "eprop_learning_signal_connection_bsshslm_2020",
  },
  plus: {
    neuron: "eprop_iaf",
    readout: "eprop_readout",
    plastic: "eprop_synapse",
    feedback: "eprop_learning_signal_connection",
  },
} as const;

/** The network of test/nest/record_moments.py. */
function network(rule: keyof typeof rules, type: "adam" | "gradient_descent" = "adam") {
  const { neuron, readout, plastic, feedback } = rules[rule];
  const nest = new Kernel();
  nest.set({ resolution: 1, eprop_update_interval: 50, eprop_learning_window: 50 });
  const generators = nest.Create("spike_generator", 2);
  const parrots = nest.Create("parrot_neuron", 2);
  const common = { C_m: 1, E_L: 0, V_m: 0, tau_m: 20 };
  const neurons = nest.Create(neuron, 3, { ...common, V_th: 0.6, t_ref: 0 });
  const readouts = nest.Create(readout, 1, common);
  const step = { amplitude_times: [1], amplitude_values: [1] };
  const target = nest.Create("step_rate_generator", step);
  const window = nest.Create("step_rate_generator", step);
  const times = (from: number) => Array.from({ length: Math.ceil((201 - from) / 7) }, (_, n) => from + 7 * n);
  generators.set([{ spike_times: times(3) }, { spike_times: times(4) }]);
  nest.SetDefaults(plastic, { optimizer: { type, eta: 0.01, batch_size: 1 } });
  const synapse = { synapse_model: plastic, delay: 1, ...(rule === "interval" && { tau_m_readout: 20 }) };
  nest.Connect(generators, parrots, "one_to_one");
  nest.Connect(parrots, neurons, "all_to_all", { ...synapse, weight: 0.5 });
  nest.Connect(neurons, readouts, "all_to_all", { ...synapse, weight: 0.1 });
  nest.Connect(readouts, neurons, "all_to_all", { synapse_model: feedback, delay: 1, weight: 0.3 });
  const rate = { synapse_model: "rate_connection_delayed", delay: 1 };
  nest.Connect(target, readouts, "all_to_all", { ...rate, receptor_type: 2 });
  if (rule === "plus") nest.Connect(window, readouts, "all_to_all", { ...rate, receptor_type: 1 });
  const from = nest.GetConnections(parrots.at(0), neurons);
  return { nest, parrots, neurons, from };
}

const moments = [
  { optimizer: { m: 0.5, v: 0.25 } },
  { optimizer: { m: -0.25 } },
  { weight: 0.75, optimizer: { v: 0.125 } },
];

describe.each(["interval", "plus"] as const)("moments of synapses (%s)", (rule) => {
  it("are set for each connection, and learning goes on from them as in NEST", () => {
    const { nest, parrots, neurons, from } = network(rule);
    from.set(moments);
    expect(from.get("optimizer")).toEqual(recorded[rule].before);
    nest.Simulate(190);
    const all = nest.GetConnections(parrots, neurons);
    const close = (values: Iterable<number>, expected: number[]) =>
      [...values].forEach((value, at) => expect(value).toBeCloseTo(expected[at] ?? Number.NaN, 12));
    close(all.get("weight"), recorded[rule].weight);
    const held = all.get("optimizer") as unknown as { m: number; v: number }[];
    for (const name of ["m", "v"] as const) {
      close(
        held.map((of) => of[name]),
        recorded[rule].optimizer.map((of) => of[name]),
      );
    }
  });

  it("stay through a save, and where the precision is chosen afterwards", async () => {
    const { nest, from } = network(rule);
    from.set(moments);
    nest.memory();
    nest.set({ precision: "f32" });
    nest.memory();
    const copy = new Kernel();
    copy.restore(nest.state());
    const held = copy.GetConnections().get(["source", "target"]);
    expect(held.source.length).toBeGreaterThan(0);
    expect(from.get("optimizer")).toEqual(recorded[rule].before);
    expect(copy.GetConnections(nest.GetNodes("parrot_neuron").ids.slice(0, 1)).get("optimizer")).toEqual(
      recorded[rule].before,
    );
  });

  it("gradient descent has none", () => {
    const { from } = network(rule, "gradient_descent");
    expect(() => from.set(moments)).toThrow("gradient_descent has no moments");
    from.set({ optimizer: { m: 0, v: 0 } });
    expect(from.get("optimizer")).toEqual([{}, {}, {}]);
  });

  it("a refused call changes nothing", () => {
    const { from } = network(rule);
    const refused = (values: Parameters<typeof from.set>[0], named: string) => {
      expect(() => from.set(values)).toThrow(expect.objectContaining({ parameter: named }));
      expect([...from.get("weight")]).toEqual([0.5, 0.5, 0.5]);
      expect(from.get("optimizer")).toEqual([
        { m: 0, v: 0 },
        { m: 0, v: 0 },
        { m: 0, v: 0 },
      ]);
    };
    refused([{ weight: 1 }, { optimizer: { m: 1 } }, { optimizer: { v: -1 } }], "v");
    refused([{ weight: 1 }, { weight: 1 }, { optimizer: { m: Number.NaN } }], "m");
    refused([{ weight: 1 }, { weight: 1 }, { weight: 101 }], "weight");
    refused([{ weight: 1 }, { weight: 1 }, { delay: 2 }], "delay");
    expect(() => from.set([{ weight: 1 }])).toThrow(NESTErrors.IndexError);
  });

  it("whole dictionaries, as they are read, may be set again", () => {
    const { from } = network(rule);
    const { weight, delay, synapse_model } = from.get(["weight", "delay", "synapse_model"]);
    from.set(
      Array.from({ length: 3 }, (_, at) => ({
        weight: Number(weight[at]) + 1,
        delay: Number(delay[at]),
        synapse_model: String(synapse_model[at]),
      })),
    );
    expect([...from.get("weight")]).toEqual([1.5, 1.5, 1.5]);
  });
});
