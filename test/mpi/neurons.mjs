// Simulates networks of both rules and prints what comes of them: run by test/mpi.test.ts, alone and by ranks that share
// the neurons. Arguments: the package's address, `ranks` or `alone`.
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

const [, , address, how] = process.argv;
const { mpi, Kernel } = await import(address);
const { NodeCollection, random } = await import(new URL("nest/index.js", address));
const world = how === "ranks" ? await mpi.connect() : undefined;

/** All ranks of this test are on one machine. */
const folder = await (async () => {
  const own = world?.rank === 0 ? mkdtempSync(join(tmpdir(), "eprop-neurons-")) : undefined;
  return world?.broadcast(own);
})();

/** Events of a recorder, which a loaded kernel knows by its id. */
const eventsOf = (kernel, recorder) => new NodeCollection(kernel, recorder.ids).get("events");

/** Saves a kernel and goes on with what is loaded; files of one rank are none of another. */
async function reloaded(kernel) {
  const file = (rank) => join(folder, `rank-${rank}.safetensors`);
  await kernel.save(file(world.rank));
  await world.barrier();
  const options = { world, share: "neurons" };
  const other = await Kernel.load(file((world.rank + 1) % world.size), options).catch(({ code }) => code);
  const whole = await Kernel.load(file(world.rank)).catch(({ code }) => code);
  if (other !== "ValueError" || whole !== "ValueError") throw new Error(`not refused: ${other}, ${whole}`);
  return Kernel.load(file(world.rank), options);
}

/** One file of the whole network, in the middle of an interval. What is loaded from it goes on, at ranks and in one process. */
async function gathered(kernel, expected) {
  const file = join(folder, "whole.safetensors");
  await kernel.save(file, { gather: true });
  if (readdirSync(folder).some((name) => name.includes("partial")))
    throw new Error("a file that is not whole");
  // An error of rank 0 is that of all, and nothing is written.
  const nowhere = join(folder, "missing", "whole.safetensors");
  const refused = await kernel.save(nowhere, { gather: true }).catch(({ code }) => code);
  const missing = await Kernel.load(nowhere, { world, share: "neurons" }).catch(({ code }) => code);
  if (refused !== "ValueError" || missing !== "ValueError" || existsSync(nowhere)) {
    throw new Error(`not refused: ${refused}, ${missing}`);
  }
  if (world.rank === 0) {
    // As one process saves it, but for the norms of gradients, which no rank knows.
    await expected.save(join(folder, "one.safetensors"));
    const one = arraysOf("one.safetensors");
    for (const [name, bytes] of arraysOf("whole.safetensors")) {
      if (!name.includes("gradient_") && one.get(name) !== bytes) throw new Error(`${name} differs`);
      one.delete(name);
    }
    if (one.size > 0) throw new Error(`without ${[...one.keys()].join()}`);
    await Kernel.load(file);
  }
  return Kernel.load(file, { world, share: "neurons" });
}

/** The arrays of a file by name, as text. */
function arraysOf(name) {
  const bytes = readFileSync(join(folder, name));
  const begin = 8 + Number(bytes.readBigUInt64LE());
  const { __metadata__, ...arrays } = JSON.parse(bytes.toString("utf8", 8, begin));
  const text = ({ dtype, shape, data_offsets: [from, to] }) =>
    `${dtype} ${shape.join()} ${bytes.toString("base64", begin + from, begin + to)}`;
  return new Map(Object.entries(arrays).map(([array, of]) => [array, text(of)]));
}

/** Builds and trains; rows of connections and of spikes, and what readouts show, of this process. */
async function run(plus, learnsWithin) {
  const made = build(new Kernel(world && { world, share: "neurons" }), plus, learnsWithin);
  const { neurons, recorder, meter } = made;
  let { kernel } = made;
  if (world) {
    for (const ms of [1, 76]) await kernel.SimulateAsync(ms);
    kernel = await reloaded(kernel);
    await kernel.SimulateAsync(40);
    const one = build(new Kernel(), plus, learnsWithin).kernel;
    one.Simulate(117);
    kernel = await gathered(kernel, one);
    await kernel.SimulateAsync(63);
  } else kernel.Simulate(180);
  const held = kernel.GetConnections().get(["source", "target", "weight"]);
  const { times: fired, senders } = eventsOf(kernel, recorder);
  const shown = eventsOf(kernel, meter);
  return {
    connections: Array.from(held.source, (source, at) => [source, held.target[at], held.weight[at]]),
    spikes: Array.from(fired, (time, at) => [time, senders[at]]),
    readouts: Array.from(shown.times, (time, at) => [time, shown.senders[at], shown.readout_signal[at]]),
    local:
      kernel.Rank() +
      (kernel.GetLocalNodeCollection(new NodeCollection(kernel, neurons.ids)).length >
      50 / kernel.NumProcesses() + 1
        ? 100
        : 0),
    refused: world && (await refusals(kernel)),
  };
}

/**
 * Builds a network of a rule. Where neurons learn from each other, ranks exchange spikes in every step, otherwise in every
 * third, or second with e-prop+.
 */
function build(kernel, plus, learnsWithin) {
  const named = (model) => (plus ? model : `${model}_bsshslm_2020`);
  kernel.set({ resolution: 1, eprop_update_interval: 50, eprop_learning_window: 40, rng_seed: 5 });
  const parameters = {
    E_L: 0,
    C_m: 1,
    V_th: random.normal({ mean: 0.5, std: 0.05 }),
    V_m: random.normal({ mean: 0.1, std: 0.1 }),
    c_reg: 3,
  };
  const inputs = kernel.Create("poisson_generator", 6, { rate: 120 });
  const relays = kernel.Create("parrot_neuron", 6);
  const neurons = kernel.Create(named("eprop_iaf"), 50, parameters);
  const adaptive = kernel.Create(named("eprop_iaf_adapt"), 21, { ...parameters, adapt_beta: 0.1 });
  const readouts = kernel.Create(named("eprop_readout"), 2, { E_L: 0, C_m: 1 });
  const recorder = kernel.Create("spike_recorder");
  const meter = kernel.Create("multimeter", 1, { record_from: ["readout_signal", "error_signal"] });
  const times = Array.from({ length: 190 }, (_, step) => step + 1);
  const target = kernel.Create("step_rate_generator", 1, {
    amplitude_times: times,
    amplitude_values: times.map((time) => Math.sin(time / 11)),
  });
  const plastic = { synapse_model: named("eprop_synapse"), weight: random.normal({ mean: 0.1, std: 0.2 }) };
  kernel.SetDefaults(named("eprop_synapse"), { optimizer: { type: "adam", eta: 5e-3 } });
  kernel.Connect(inputs, relays, "one_to_one");
  for (const group of [neurons, adaptive]) {
    kernel.Connect(relays, group, "all_to_all", plastic);
    const within = learnsWithin ? plastic : { weight: plastic.weight, delay: 5 };
    kernel.Connect(neurons, group, { rule: "fixed_indegree", indegree: 7 }, within);
    kernel.Connect(group, neurons, { rule: "pairwise_bernoulli", p: 0.1 }, { weight: 0.02, delay: 3 });
    kernel.Connect(group, readouts, "all_to_all", plastic);
    kernel.Connect(readouts, group, "all_to_all", {
      synapse_model: named("eprop_learning_signal_connection"),
      weight: random.normal({ mean: 0, std: 1 }),
    });
    kernel.Connect(group, recorder);
  }
  kernel.Connect(meter, readouts);
  const rate = { synapse_model: "rate_connection_delayed" };
  kernel.Connect(target, readouts, "all_to_all", { ...rate, receptor_type: 2 });
  if (plus) {
    const window = kernel.Create("step_rate_generator", 1, { amplitude_times: [1], amplitude_values: [1] });
    kernel.Connect(window, readouts, "all_to_all", { ...rate, receptor_type: 1 });
  }
  return { kernel, neurons, recorder, meter };
}

/** What a kernel with a part of the neurons says to those who ask for all. */
async function refusals(kernel) {
  const asked = [() => kernel.gradientNorm(), () => kernel.takeGradientNorms()];
  const said = [];
  for (const ask of asked) {
    try {
      await ask();
      said.push("nothing");
    } catch (error) {
      said.push(error.code);
    }
  }
  return said;
}

/** Rows of all ranks, once each. */
const united = (parts) => [...new Set(parts.flat().map((row) => JSON.stringify(row)))].toSorted();

const digests = {};
const kinds = [false, true].flatMap((plus) => [true, false].map((learnsWithin) => ({ plus, learnsWithin })));
for (const { plus, learnsWithin } of kinds) {
  const own = await run(plus, learnsWithin);
  if (own.local !== (world ? world.rank : 0)) throw new Error("the wrong rank");
  const parts = world ? await world.gather(own) : [own];
  if (world && parts.some(({ connections }) => connections.length > parts[0].connections.length * 1.5)) {
    throw new Error("a rank has far more than others");
  }
  for (const name of ["connections", "spikes", "readouts"]) {
    const rows = united(parts.map((part) => part[name]));
    const digest = createHash("sha256").update(rows.join("\n")).digest("hex");
    const kind = `${plus ? "plus" : "interval"}${learnsWithin ? "" : ", delayed"}`;
    digests[`${kind}: ${name}`] = `${rows.length} ${digest}`;
  }
  if (own.refused?.some((code) => code !== "NotImplemented")) {
    throw new Error(`not refused: ${own.refused.join()}`);
  }
}
const text = JSON.stringify(digests);
if (world !== undefined) await world.same("digests", text);
if (world === undefined || world.rank === 0) console.log(text);
if (world?.rank === 0) rmSync(folder, { recursive: true });
await world?.close();
