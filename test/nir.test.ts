/** Graphs of NIR whose neurons do not leak, and delays that differ, there and back. */
import { describe, expect, it, vi } from "vitest";
import * as fc from "./fuzz/fast-check.js";
import { Kernel, type NIRGraph, Network, fromNIR, toNIR } from "../ts/index.js";

type Nodes = Record<string, NIRGraph["nodes"][string]>;

const values = (...list: number[]) => Float64Array.from(list);
const filled = (n: number, value: number) => new Float64Array(n).fill(value);

/** Nodes one after the other, between an input and an output. */
function row(inputs: number, outputs: number, nodes: Nodes, more: [string, string][] = []): NIRGraph {
  const all: Nodes = {
    input: { type: "Input", shape: [inputs] },
    ...nodes,
    output: { type: "Output", shape: [outputs] },
  };
  const names = Object.keys(all);
  const edges = names.slice(1).map((name, at): [string, string] => [names[at] as string, name]);
  return { nodes: all, edges: [...edges, ...more] };
}

const linear = (rows: number, columns: number, ...data: number[]) =>
  ({
    type: "Linear",
    weight: {
      data: Float64Array.from({ length: rows * columns }, (_, at) => data[at % data.length] as number),
      shape: [rows, columns],
    },
  }) as const;
const integrators = (n: number, r: number, threshold: number, reset = 0) =>
  ({ type: "IF", r: filled(n, r), v_threshold: filled(n, threshold), v_reset: filled(n, reset) }) as const;
const leaky = (n: number, tau: number, r: number, threshold: number, reset = 0) =>
  ({
    ...integrators(n, r, threshold, reset),
    type: "LIF",
    tau: filled(n, tau),
    v_leak: filled(n, 0),
  }) as const;

/** The numbers of a graph that are not finite. */
const wrong = (graph: NIRGraph) =>
  JSON.stringify(graph, (_, value: unknown) =>
    ArrayBuffer.isView(value)
      ? [...(value as Float64Array)].filter((each) => !Number.isFinite(each)).map(String)
      : value,
  ).match(/Infinity|NaN/g);

function spikes(network: Network, steps = 80) {
  const times = Array.from({ length: steps }, (_, at) => at).flatMap((at) =>
    Array.from({ length: network.inputs }, (_, sender) => [at, sender] as const).filter(
      ([step, sender]) => (step * 7 + sender * 5) % 3 === 0,
    ),
  );
  const { resolution } = network;
  const { spikes: fired } = network.infer(
    {
      times: Float64Array.from(times, ([at]) => at * resolution),
      senders: Uint32Array.from(times, ([, sender]) => sender),
    },
    steps * resolution,
  );
  return Array.from(fired.times, (time, at) => `${Math.round(time / resolution)} ${fired.senders[at]}`);
}

describe("neurons that do not leak", () => {
  it("an IF is written as it was read", () => {
    const graph = row(1, 1, { w: linear(1, 1, 2000), n: integrators(1, 1, 1) });
    for (const how of ["exact", "euler"] as const) {
      const { nodes } = toNIR(fromNIR(graph, 1), { integration: how });
      expect(nodes["neurons"]).toEqual(graph.nodes["n"]);
      expect(nodes["input_neurons"]).toEqual(graph.nodes["w"]);
    }
  });

  it("so are an LIF that forgets nothing in a step, and one that hardly does", () => {
    for (const tau of [1e3, 1e9, 1e12, 1e15]) {
      const network = fromNIR(row(1, 1, { w: linear(1, 1, 300), n: leaky(1, tau, tau, 1) }), 1);
      const graph = toNIR(network);
      expect(graph.nodes["neurons"]?.type).toBe(tau > 1e13 ? "IF" : "LIF");
      expect(wrong(graph)).toBeNull();
      expect(spikes(fromNIR(graph))).toEqual(spikes(network));
      expect(spikes(network).length).toBeGreaterThan(3);
    }
  });

  const layers = fc.array(
    fc.record({
      n: fc.integer({ min: 1, max: 4 }),
      leaks: fc.boolean(),
      tau: fc.constantFrom(0.005, 0.02, 1),
      r: fc.constantFrom(1, 0.3, 40),
      reset: fc.constantFrom(0, -0.5),
      weights: fc.array(fc.integer({ min: -3, max: 12 }), { minLength: 1, maxLength: 7 }),
      bias: fc.constantFrom(0, 0, 0.25),
      recurrent: fc.boolean(),
    }),
    { minLength: 1, maxLength: 4 },
  );

  it("layers of both are the same after writing and reading: the same spikes, of the same neurons", () => {
    let fired = 0;
    fc.assert(
      fc.property(
        layers,
        fc.constantFrom(1, 0.5),
        fc.constantFrom("exact", "euler"),
        (list, resolution, how) => {
          const inputs = 2;
          const nodes: Nodes = {};
          const more: [string, string][] = [];
          let before = inputs;
          list.forEach(({ n, leaks, tau, r, reset, weights, bias, recurrent }, at) => {
            // Tenths of the threshold, step by step; with a leak a little more, so that rounding decides no spike.
            const unit = leaks ? 1 / (r * -Math.expm1(-resolution / 1000 / tau)) : 1000 / (r * resolution);
            const data = weights.map((weight) => (weight * unit) / (leaks ? 9.643 : 10));
            const weight = linear(n, before, ...data);
            nodes[`w${at}`] = { ...weight, type: "Affine", bias: filled(n, bias * unit) };
            nodes[`n${at}`] = leaks ? leaky(n, tau, r, 1, reset) : integrators(n, r, 1, reset);
            if (recurrent) {
              nodes[`r${at}`] = linear(n, n, data[0] as number);
              more.push([`n${at}`, `r${at}`], [`r${at}`, `n${at}`]);
            }
            before = n;
          });
          const chain = Object.fromEntries(Object.entries(nodes).filter(([name]) => !name.startsWith("r")));
          const graph = row(inputs, before, chain, more);
          const whole = { ...graph, nodes: { ...graph.nodes, ...nodes } };
          const network = fromNIR(whole, resolution);
          const written = toNIR(network, { integration: how });
          expect(wrong(written)).toBeNull();
          const kinds = new Set(Object.values(written.nodes).map(({ type }) => type));
          expect(kinds.has("IF")).toBe(list.some(({ leaks }) => !leaks));
          expect(kinds.has("LIF")).toBe(list.some(({ leaks }) => leaks));
          const expected = spikes(network);
          expect(spikes(fromNIR(written))).toEqual(expected);
          fired += expected.length;
        },
      ),
      { numRuns: 100 },
    );
    expect(fired).toBeGreaterThan(1000);
  });

  it("a constant input is integrated: 0.25 a step passes 1 in every fifth", () => {
    const affine = { ...linear(1, 1, 0), type: "Affine", bias: values(250) } as const;
    const fired = spikes(fromNIR(row(1, 1, { w: affine, n: integrators(1, 1, 1) }), 1), 50);
    expect(fired).toEqual(Array.from({ length: 10 }, (_, at) => `${4 + 5 * at} 0`));
  });

  it("what would not be finite is refused by its node", () => {
    const kernel = new Kernel();
    kernel.set({ resolution: 1 });
    const input = kernel.Create("spike_generator");
    const neuron = kernel.Create("eprop_iaf", 1, { t_ref: 0, tau_m: 1e300 });
    kernel.Connect(input, neuron, "all_to_all", { weight: 1e10 });
    expect(() => toNIR(Network.of(kernel))).toThrow(
      expect.objectContaining({
        message: expect.stringMatching(
          /Infinity for weight of the node input_neurons.*finite numbers/s,
        ) as string,
      }),
    );
  });
});

describe("delays", () => {
  const resolution = 1;
  /** Two inputs onto two neurons that each fire with every input spike. */
  const fires = integrators(2, 1, 0.5);
  const times = values(0, 0, 20);
  const senders = Uint32Array.of(0, 1, 1);
  const steps = (graph: NIRGraph) => {
    const { spikes: fired } = fromNIR(graph, resolution).infer({ times, senders }, 40);
    return Array.from(fired.times, (time, at) => [time, fired.senders[at]]).filter(
      ([, sender]) => (sender ?? 9) < 2,
    );
  };
  const delay = { type: "Delay", delay: values(0.002, 0.005) } as const;
  const each = linear(2, 2, 1000, 0, 0, 1000);

  it("that differ before and after a matrix are those of its connections", () => {
    const plain = steps(row(2, 2, { w: each, n: fires }));
    expect(plain).toHaveLength(3);
    const [first = 0] = plain[0] as [number, number];
    const expected = [
      [first + 2, 0],
      [first + 5, 1],
      [first + 25, 1],
    ];
    expect(steps(row(2, 2, { d: delay, w: each, n: fires }))).toEqual(expected);
    expect(steps(row(2, 2, { w: each, d: delay, n: fires }))).toEqual(expected);
    const both = steps(row(2, 2, { d: delay, w: each, e: { ...delay, delay: values(0.003, 0) }, n: fires }));
    expect(both).toEqual(expected.map(([time, sender]) => [(time ?? 0) + (sender === 0 ? 3 : 0), sender]));
  });

  it("a matrix between takes each source with its own", () => {
    const all = linear(2, 2, 1000);
    const { kernel } = fromNIR(row(2, 2, { d: delay, w: all, n: fires }), resolution);
    const found = kernel.GetConnections();
    const delays = Array.from(found.get("source"), (source, at) => `${source} ${found.get("delay")[at]}`);
    expect(new Set(delays)).toEqual(new Set(["1 3", "2 6"]));
    expect(delays).toHaveLength(4);
  });

  it("of the same length to neurons and to readouts are a node once", () => {
    const kernel = new Kernel();
    kernel.set({ resolution: 1 });
    const input = kernel.Create("spike_generator");
    const neuron = kernel.Create("eprop_iaf_psc_delta", 1, { t_ref: 0 });
    const readout = kernel.Create("eprop_readout");
    for (const target of [neuron, readout]) {
      kernel.Connect(input, target, "all_to_all", { synapse_model: "static_synapse", weight: 3, delay: 4 });
    }
    const graph = toNIR(Network.of(kernel));
    expect(new Set(graph.edges.map(String)).size).toBe(graph.edges.length);
    const weights = fromNIR(graph).kernel.GetConnections().get("weight");
    for (const weight of weights) expect(weight).toBeCloseTo(3, 12);
  });
});

it("refuses neurons whose equations it does not know, copies of those it knows it writes", () => {
  const kernel = new Kernel();
  kernel.CopyModel("eprop_iaf_psc_delta", "copied");
  kernel.Create("copied" as "eprop_iaf_psc_delta", 1, { t_ref: 0 });
  const network = Network.of(kernel);
  expect(Object.values(toNIR(network).nodes).map(({ type }) => type)).toContain("LIF");
  const another = "iaf_psc_exp";
  const told = vi.spyOn(network.kernel, "GetDefaults").mockReturnValue(another as never);
  expect(() => toNIR(network)).toThrow(/neurons of the model iaf_psc_exp are not written as NIR/);
  told.mockRestore();
});
