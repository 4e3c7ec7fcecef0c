import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import {
  Kernel,
  type NIRGraph,
  Network,
  type Task,
  Trainer,
  fromNIR,
  readNIR,
  tasks,
  toNIR,
  trainToEnd,
  writeNIR,
} from "../ts/index.js";
import { python } from "./python/python.js";
import { countOf } from "../ts/tasks/network-description.js";

const folder = mkdtempSync(join(tmpdir(), "eprop-network-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The input of a sequence, or of its first steps, as spike trains. */
async function inputOf(task: Task, steps = task.steps) {
  const { spikes } = await task.next("training", { training: 0, test: 0 });
  const inputs = countOf(task.network, "input");
  const sequence = spikes.filter((place) => place < steps * inputs);
  return {
    times: Float64Array.from(sequence, (place) => Math.floor(place / inputs)),
    senders: sequence.map((place) => place % inputs),
  };
}

describe("a network in use", () => {
  const cases = [
    { make: () => tasks.sineWaves({ iterations: 1, parameters: { eta: 0 } }), stamp: 5, lag: 1 },
    { make: () => tasks.lemniscate({ iterations: 1, parameters: { eta: 0 } }), stamp: 5, lag: 1 },
    { make: () => tasks.sineWavesPlus({ iterations: 1, parameters: { eta: 0 } }), stamp: 3, lag: 0 },
    {
      make: () =>
        tasks.sineWavesPlus({ iterations: 1, parameters: { eta: 0 }, model: "eprop_iaf_psc_delta" }),
      stamp: 3,
      lag: 0,
    },
    {
      make: () =>
        tasks.evidenceAccumulation({
          iterations: 1,
          batchSize: 1,
          validateEvery: 0,
          testIterations: 0,
          parameters: { eta: 0 },
        }),
      stamp: 5,
      lag: 1,
    },
  ];
  for (const { make, stamp, lag } of cases) {
    const task = make();
    it(`answers as the training did, to the bit: ${task.network.recurrent[0]?.model}, ${task.name}`, async () => {
      const { state } = task.random;
      const { network, recorded } = await trainToEnd(task, { record: true });
      task.random.state = state;
      const { readoutSignals, spikes } = network.infer(await inputOf(task), task.steps);
      const { times = [], readout_signal = [], senders = [] } = recorded.readouts ?? {};
      const n = network.readouts;
      const first = Math.min(...senders);
      let compared = 0;
      for (let row = 0; row < times.length; row++) {
        const step = (times[row] as number) - stamp + lag;
        // The training shows signals in the learning window alone.
        if (step < task.steps - task.learningWindow + 1 || step >= task.steps) continue;
        const place = step * n + (senders[row] as number) - first;
        expect(readoutSignals[place], `row ${row}`).toBe(readout_signal[row]);
        compared++;
      }
      expect(compared).toBeGreaterThan(100);
      const recordedSpikes = (recorded.spikes_rec?.times ?? []).filter((time) => time <= task.steps);
      expect(Math.abs(recordedSpikes.length - spikes.times.length)).toBeLessThan(network.neurons / 10);
    });
  }

  it("keeps its state from call to call, until it is reset", async () => {
    const task = tasks.lemniscate({ iterations: 1 });
    const { network } = await trainToEnd(task);
    const { times, senders } = await inputOf(task, 900);
    const whole = network.infer({ times, senders }, 900);
    for (let round = 0; round < 2; round++) {
      network.reset();
      const parts = [0, 1, 250, 251, 700].map((begin, at, all) => {
        const end = all[at + 1] ?? 900;
        const places = [...times.keys()].filter(
          (k) => (times[k] as number) >= begin && (times[k] as number) < end,
        );
        return network.infer(
          {
            times: places.map((k) => (times[k] as number) - begin),
            senders: places.map((k) => senders[k] as number),
          },
          end - begin,
        );
      });
      const signals = parts.flatMap(({ readoutSignals }) => [...readoutSignals]);
      expect(Float64Array.from(signals)).toEqual(whole.readoutSignals);
      expect(parts.reduce((sum, { spikes }) => sum + spikes.times.length, 0)).toBe(whole.spikes.times.length);
    }
  });

  it("does not learn, and is no part of the kernel it comes from", async () => {
    const kernel = new Kernel();
    kernel.set({ resolution: 1 });
    const input = kernel.Create("spike_generator", 2);
    const neurons = kernel.Create("eprop_iaf", 3, { V_th: 1, E_L: 0, V_m: 0 });
    const readout = kernel.Create("eprop_readout", 1, { E_L: 0, V_m: 0 });
    kernel.Connect(input, neurons, "all_to_all", { synapse_model: "eprop_synapse", weight: 2 });
    kernel.Connect(neurons, readout, "all_to_all", { weight: 1, delay: 3 });
    const network = Network.of(kernel);
    const before = network.infer({ times: [0], senders: [1] }, 10).readoutSignals;
    expect([...before.keys()].find((step) => before[step] !== 0)).toBe(3);
    kernel.GetConnections().set({ weight: 7 });
    network.reset();
    expect(network.infer({ times: [0], senders: [1] }, 10).readoutSignals).toEqual(before);
    expect([network.inputs, network.neurons, network.readouts]).toEqual([2, 3, 1]);
  });

  it("is saved and loaded, also from a checkpoint and from a kernel's file", async () => {
    const task = tasks.sineWaves({ iterations: 3 });
    const trainer = new Trainer(task);
    for await (const _ of trainer);
    const { network } = trainer.result();
    const [own, checkpoint, kernel] = ["own", "checkpoint", "kernel"].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    await network.save(own);
    await trainer.save(checkpoint);
    await trainer.network.kernel.save(kernel);
    const expected = network.infer(await inputOf(task, 500), 500);
    for (const path of [own, checkpoint, kernel]) {
      const loaded = await Network.load(path);
      expect(loaded.infer(await inputOf(task, 500), 500)).toEqual(expected);
    }
    await expect(Kernel.load(own)).rejects.toThrow("own is a network");
    await expect(Network.load(join(folder, "none"))).rejects.toThrow("none cannot be read");
  });

  it("refuses what is no stretch of input", async () => {
    const { network } = await trainToEnd(tasks.sineWaves({ iterations: 1 }));
    expect(() => network.infer({ times: [5], senders: [0] }, 5)).toThrow("outside the stretch");
    expect(() => network.infer({ times: [1], senders: [100] }, 5)).toThrow("outside the stretch");
    expect(() => network.infer({ times: [0.5], senders: [1] }, 5)).toThrow("grid");
    expect(() => network.infer({ times: [1, 2], senders: [1] }, 5)).toThrow("one sender");
    expect(() => network.infer({ times: [], senders: [] }, -1)).toThrow("grid");
    expect(() => Network.of(new Kernel())).toThrow("no neurons");
  });
});

/** A simulation of the representation's equations in numpy: edges from spiking nodes take a step. */
const simulation = `
import json, sys
import numpy as np
import nir

def simulate(graph, spikes, steps, dt):
    nodes, sources = graph.nodes, {}
    for a, b in graph.edges:
        sources.setdefault(b, []).append(a)
    kind = {name: type(node).__name__ for name, node in nodes.items()}
    v = {name: node.v_leak.astype(float).copy() for name, node in nodes.items() if kind[name] in ("LI", "LIF")}
    v.update({name: np.zeros(len(node.r)) for name, node in nodes.items() if kind[name] == "IF"})
    size = {name: int(np.prod(list(node.output_type.values())[0])) for name, node in nodes.items()}
    last = {name: np.zeros(size[name]) for name in nodes if kind[name] in ("LIF", "IF", "Threshold")}
    lines = {name: [np.zeros(size[name])] * int(round(node.delay.flat[0] / dt)) for name, node in nodes.items() if kind[name] == "Delay"}
    inputs = next(n for n in nodes if kind[n] == "Input")
    output = next(n for n in nodes if kind[n] == "Output")
    out, fired = [], []
    for step in range(steps):
        done, now = {}, {}
        x = np.zeros(size[inputs])
        for s in spikes[step]:
            x[s] += 1
        def arriving(name):
            return sum((value(a) for a in sources.get(name, [])), np.zeros(1))
        def value(name):
            return last[name] if name in last else evaluate(name)
        def evaluate(name):
            if name not in done:
                done[name] = compute(name, nodes[name])
            return done[name]
        def compute(name, node):
            if kind[name] == "Input":
                return x
            total = arriving(name)
            if kind[name] == "Linear":
                return node.weight @ total
            if kind[name] == "Affine":
                return node.weight @ total + node.bias
            if kind[name] == "Scale":
                return node.scale * total
            if kind[name] == "Delay":
                lines[name].append(total)
                return lines[name].pop(0)
            if kind[name] == "IF":
                v[name] = v[name] + dt * node.r * total
                z = (v[name] > node.v_threshold).astype(float)
                v[name] = np.where(z > 0, node.v_reset, v[name])
                return z
            if kind[name] in ("LI", "LIF"):
                alpha = np.exp(-dt / node.tau)
                v[name] = node.v_leak + alpha * (v[name] - node.v_leak) + (1 - alpha) * node.r * total
                if kind[name] == "LIF":
                    z = (v[name] > node.v_threshold).astype(float)
                    v[name] = np.where(z > 0, node.v_reset, v[name])
                    return z
                return v[name].copy()
            if kind[name] == "Threshold":
                return (total > node.threshold).astype(float)
            if kind[name] == "Output":
                return total
            raise ValueError(kind[name])
        for name in last:
            now[name] = evaluate(name)
        for name in nodes:
            evaluate(name)
        last = now
        out.extend(done[output].tolist())
        fired.extend([step, int(j)] for j in np.flatnonzero(np.concatenate(list(now.values()))))
    return out, fired

def case(path, spikes, steps, dt):
    out, fired = simulate(nir.read(path), spikes, steps, dt)
    print(json.dumps({"out": out, "fired": fired}))
`;

interface Simulated {
  out: number[];
  fired: [number, number][];
}

function simulated(
  path: string,
  input: { times: Float64Array; senders: Uint32Array },
  steps: number,
): Simulated {
  const spikes: number[][] = Array.from({ length: steps }, () => []);
  input.times.forEach((time, at) => spikes[time]?.push(input.senders[at] as number));
  const call = `case(sys.argv[1], json.loads(sys.argv[2]), ${steps}, 0.001)`;
  return JSON.parse(python(["-c", `${simulation}\n${call}`, path, JSON.stringify(spikes)])) as Simulated;
}

function compare(
  network: Network,
  input: Awaited<ReturnType<typeof inputOf>>,
  steps: number,
  expected: Simulated,
) {
  network.reset();
  const { readoutSignals, spikes } = network.infer(input, steps);
  expect(Array.from(spikes.times, (time, at) => [time, spikes.senders[at]])).toEqual(expected.fired);
  const largest = Math.max(...expected.out.map(Math.abs));
  const off = Math.max(
    ...readoutSignals.map((signal, at) => Math.abs(signal - (expected.out[at] as number))),
  );
  expect(off).toBeLessThan(1e-10 * largest);
}

describe("the Neuromorphic Intermediate Representation", () => {
  const cases = [
    () => tasks.sineWaves({ iterations: 5 }),
    () => tasks.lemniscate({ iterations: 3 }),
    () => tasks.sineWavesPlus({ iterations: 2 }),
    () => tasks.sineWavesPlus({ iterations: 2, model: "eprop_iaf_psc_delta" }),
  ];
  for (const make of cases) {
    const task = make();
    it(`says what ${task.network.recurrent[0]?.model} does`, async () => {
      const { network } = await trainToEnd(task);
      const path = join(folder, `${task.name}.nir`);
      const input = await inputOf(task, 400);
      await writeNIR(path, toNIR(network));
      const expected = simulated(path, input, 400);
      expect(expected.fired.length).toBeGreaterThan(50);
      compare(network, input, 400, expected);
      const read = fromNIR(await readNIR(path));
      compare(read, input, 400, expected);
      expect([read.inputs, read.neurons, read.readouts]).toEqual([
        network.inputs,
        network.neurons,
        network.readouts,
      ]);
    });
  }

  it("keeps delays, constant currents and resting voltages", async () => {
    const kernel = new Kernel();
    kernel.set({ resolution: 1 });
    const input = kernel.Create("spike_generator", 3);
    const neurons = kernel.Create("eprop_iaf", 4, {
      E_L: -70,
      V_m: -70,
      V_th: -66,
      I_e: [20, 90, 10, 60],
      t_ref: 0,
      tau_m: [9, 12, 15, 20],
    });
    const readout = kernel.Create("eprop_readout", 2, { E_L: 1, V_m: 1, I_e: 3 });
    kernel.Connect(input, neurons, "all_to_all", { weight: 1.5, delay: 2 });
    kernel.Connect(neurons, neurons, "all_to_all", { weight: -0.7, delay: 4 });
    kernel.Connect(
      neurons,
      neurons,
      { rule: "all_to_all", allow_autapses: false },
      { synapse_model: "eprop_synapse", weight: 0.4 },
    );
    kernel.Connect(neurons, readout, "all_to_all", { weight: 0.3, delay: 3 });
    const network = Network.of(kernel);
    const path = join(folder, "delays.nir");
    await writeNIR(path, toNIR(network));
    const times = Float64Array.from({ length: 60 }, (_, at) => Math.floor(at * 1.6));
    const stimulus = { times, senders: Uint32Array.from(times, (_, at) => at % 3) };
    const expected = simulated(path, stimulus, 120);
    expect(expected.fired.length).toBeGreaterThan(20);
    compare(network, stimulus, 120, expected);
    compare(fromNIR(await readNIR(path)), stimulus, 120, expected);
  });

  it("says what neurons do that do not leak, beside others and alone", async () => {
    const inputs = 3;
    const times = Float64Array.from({ length: 90 }, (_, at) => at);
    const stimulus = { times, senders: Uint32Array.from(times, (_, at) => (at * 7) % inputs) };
    for (const tau of [[1e253], [1e253, 1e253, 20, 20, 1e253, 15]]) {
      const kernel = new Kernel();
      kernel.set({ resolution: 1 });
      const input = kernel.Create("spike_generator", inputs);
      const tau_m = Array.from({ length: 6 }, (_, at) => tau[at % tau.length] as number);
      const voltages = { E_L: -70, V_m: -70, V_th: -65.2, V_reset: -71 };
      const neurons = kernel.Create("eprop_iaf_psc_delta", 6, { ...voltages, t_ref: 0, tau_m, I_e: 0.1 });
      const readout = kernel.Create("eprop_readout", 2, { E_L: 0, V_m: 0 });
      const weight = Array.from({ length: 6 }, (_, to) => [0.7, 0.93, 1.2].map((of) => of + (to % 4) / 10));
      kernel.Connect(input, neurons, "all_to_all", { weight, synapse_model: "static_synapse", delay: 3 });
      kernel.Connect(neurons, readout, "all_to_all", { weight: 0.3, delay: 3 });
      kernel.Connect(neurons, neurons, "all_to_all", { weight: 0.07, delay: 3 });
      const network = Network.of(kernel);
      const graph = toNIR(network);
      const kinds = Object.values(graph.nodes).map(({ type }) => type);
      expect(kinds.filter((type) => type === "IF")).toHaveLength(tau.length === 1 ? 1 : 2);
      expect(kinds.filter((type) => type === "LIF")).toHaveLength(tau.length === 1 ? 0 : 2);
      const path = join(folder, "leakless.nir");
      await writeNIR(path, graph);
      const expected = simulated(path, stimulus, 120);
      expect(expected.fired.length).toBeGreaterThan(20);
      compare(network, stimulus, 120, expected);
      compare(fromNIR(await readNIR(path)), stimulus, 120, expected);
    }
  });

  it("is read from what the Python package writes", async () => {
    const path = join(folder, "python.nir");
    python([
      "-c",
      `
import sys
import numpy as np
import nir
rng = np.random.default_rng(1)
f = lambda n, value: np.full(n, value)
nir.write(sys.argv[1], nir.NIRGraph(
    nodes={
        "in": nir.Input(np.array([4])),
        "w": nir.Affine(rng.normal(1, 1, (6, 4)), f(6, 0.2)),
        "lif": nir.LIF(tau=f(6, 0.02), r=f(6, 3.0), v_leak=f(6, 0.1), v_threshold=f(6, 0.4), v_reset=f(6, -0.1)),
        "rec": nir.Linear(rng.normal(0, 0.5, (6, 6)).astype(np.float32)),
        "out_w": nir.Linear(rng.normal(0, 1, (2, 6))),
        "li": nir.LI(tau=f(2, 0.03), r=f(2, 1.0), v_leak=f(2, 0.0)),
        "out": nir.Output(np.array([2])),
    },
    edges=[("in", "w"), ("w", "lif"), ("lif", "rec"), ("rec", "lif"), ("lif", "out_w"), ("out_w", "li"), ("li", "out")],
))`,
      path,
    ]);
    const network = fromNIR(await readNIR(path), 1);
    const times = Float64Array.from({ length: 200 }, (_, at) => at);
    const input = { times, senders: Uint32Array.from(times, (_, at) => at % 4) };
    const expected = simulated(path, input, 200);
    expect(expected.fired.length).toBeGreaterThan(20);
    compare(network, input, 200, expected);
  });

  it("reads what other versions and programs write", async () => {
    const path = (name: string) => join(folder, `${name}.nir`);
    python([
      "-c",
      `
import sys
import h5py
import numpy as np
import nir

folder = sys.argv[1]
rng = np.random.default_rng(2)
f = lambda n, v: np.full(n, v)
lif = lambda n: nir.LIF(tau=f(n, 0.02), r=f(n, 1.0), v_leak=f(n, 0.0), v_threshold=f(n, 0.1), v_reset=f(n, 0.0))
weights = {"w": nir.Linear(rng.normal(1, 1, (4, 3))), "rec": nir.Linear(rng.normal(0, 1, (4, 4))),
           "w2": nir.Linear(rng.normal(1, 1, (2, 4)))}
li = nir.LI(tau=f(2, 0.03), r=f(2, 1.0), v_leak=f(2, 0.0))
ends = {"in": nir.Input(np.array([3])), "out": nir.Output(np.array([2]))}
through = [("in", "w"), ("w", "n"), ("n", "w2"), ("w2", "li"), ("li", "out")]

def write(name, nodes, edges):
    nir.write(f"{folder}/{name}.nir", nir.NIRGraph(nodes, edges, type_check=False))

flat = {**ends, **weights, "n": lif(4), "li": li}
write("flat", flat, through + [("n", "rec"), ("rec", "n")])
inner = nir.NIRGraph({"input": nir.Input(np.array([4])), "output": nir.Output(np.array([4])), "n": lif(4), "rec": weights["rec"]},
                     [("input", "n"), ("n", "rec"), ("rec", "n"), ("n", "output")], type_check=False)
write("nested", {**{k: v for k, v in flat.items() if k != "rec"}, "n": inner}, through)
write("flatten", {**flat, "in": nir.Input(np.array([1, 3])), "fl": nir.Flatten({"input": np.array([1, 3])}, 0)},
      [("in", "fl"), ("fl", "w")] + through[1:] + [("n", "rec"), ("rec", "n")])
one = lambda v: np.array([v])
short = nir.LIF(tau=one(0.02), r=one(1.0), v_leak=one(0.0), v_threshold=one(0.1), v_reset=one(0.0))
write("short", {**flat, "n": short}, through + [("n", "rec"), ("rec", "n")])
write("old", flat, through + [("n", "rec"), ("rec", "n")])
with h5py.File(f"{folder}/old.nir", "a") as file:
    del file["node/nodes/n/v_reset"]
layers = {**ends, "w": weights["w"], "n": lif(4), "m": lif(4), "mid": nir.Linear(np.eye(4) * 9), "w2": weights["w2"], "li": li}
write("layers", layers, [("in", "w"), ("w", "n"), ("n", "mid"), ("mid", "m"), ("m", "w2"), ("w2", "li"), ("li", "out")])
write("if", {"in": nir.Input(np.array([1])), "w": nir.Linear(np.array([[1.0]])),
             "if": nir.IF(r=one(400.0), v_threshold=one(1.1), v_reset=one(0.0)), "out": nir.Output(np.array([1]))},
      [("in", "w"), ("w", "if"), ("if", "out")])
`,
      folder,
    ]);
    const times = Float64Array.from({ length: 80 }, (_, at) => at);
    const stimulus = { times, senders: Uint32Array.from(times, (_, at) => (at * 5) % 3) };
    const run = async (name: string) => fromNIR(await readNIR(path(name)), 1).infer(stimulus, 100);
    const flat = await run("flat");
    expect(flat.spikes.times.length).toBeGreaterThan(20);
    for (const name of ["nested", "flatten", "short", "old"]) expect(await run(name), name).toEqual(flat);

    // The second layer repeats the first, a step later.
    const { spikes } = await run("layers");
    const of = (first: number) =>
      Array.from(spikes.times).flatMap((time, at) => {
        const neuron = (spikes.senders[at] ?? 0) - first;
        return neuron >= 0 && neuron < 4 ? [`${time + (first === 0 ? 1 : 0)} ${neuron}`] : [];
      });
    expect(of(0).length).toBeGreaterThan(20);
    expect(of(4)).toEqual(of(0).filter((event) => Number(event.split(" ")[0]) <= 100));

    // Each spike adds 0.4, and nothing is forgotten: the third one in a row of pauses reaches 1.1.
    const counted = fromNIR(await readNIR(path("if")), 1).infer(
      { times: Float64Array.of(1, 21, 41, 61, 81, 91), senders: new Uint32Array(6) },
      100,
    );
    expect(counted.spikes.times.length).toBe(2);
    // How long a step is, is not guessed.
    await expect((async () => fromNIR(await readNIR(path("flat"))))()).rejects.toThrow(
      expect.objectContaining({ parameter: "resolution" }),
    );
  });

  it("names what cannot be said", async () => {
    const { network } = await trainToEnd(
      tasks.evidenceAccumulation({ iterations: 1, batchSize: 1, validateEvery: 0, testIterations: 0 }),
    );
    expect(() => toNIR(network)).toThrow("NIR has no refractory time");
    const path = join(folder, "cuba.nir");
    python([
      "-c",
      `
import sys
import numpy as np
import nir
one = np.ones(1)
nir.write(sys.argv[1], nir.NIRGraph(
    nodes={"in": nir.Input(np.array([1])), "cuba": nir.CubaLIF(one, one, one, one, one), "out": nir.Output(np.array([1]))},
    edges=[("in", "cuba"), ("cuba", "out")],
))`,
      path,
    ]);
    await expect(readNIR(path)).rejects.toThrow(
      "eprop has no model for the node cuba, a CubaLIF: its neurons filter their input with a time constant of its own",
    );
    const one = Float64Array.of(1);
    const graph = (nodes: NIRGraph["nodes"], edges: [string, string][]): NIRGraph => ({
      nodes: { in: { type: "Input", shape: [1] }, out: { type: "Output", shape: [1] }, ...nodes },
      edges,
    });
    const threshold = { threshold: { type: "Threshold", threshold: one } } as const;
    const edges: [string, string][] = [
      ["in", "threshold"],
      ["threshold", "out"],
    ];
    expect(() => fromNIR(graph(threshold, edges), 1)).toThrow("a Threshold follows one LI");
    expect(() => fromNIR({ nodes: {}, edges: [] }, 1)).toThrow("one input and one output");
    await expect(readNIR(join(folder, "nothing.nir"))).rejects.toThrow("nothing.nir cannot be read");
  });
});
