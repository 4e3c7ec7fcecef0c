/**
 * Networks whose neurons two ranks with a thread each share, and the same ones in one process with one thread:
 * `npm run -s bench:neurons-over-ranks -- [--neurons N,…] [--alone N] [--launcher COMMAND] [--markdown FILE]`.
 *
 * Each in processes of their own. `--alone` is the size up to which one process has the network, too. Of ranks, the one
 * that holds more or takes longer counts.
 */
import { parseArgs } from "node:util";
import { Kernel, mpi } from "../ts/index.js";
import { random } from "../ts/nest/index.js";
import { launchersOf, measuredApart } from "./launchers.js";
import { writeBlocks } from "./tables.js";

const { values } = parseArgs({
  options: {
    neurons: { type: "string", default: "50000,400000,2000000" },
    alone: { type: "string", default: "400000" },
    launcher: { type: "string" },
    markdown: { type: "string" },
    case: { type: "string" },
    ranks: { type: "boolean", default: false },
  },
});

/** What a process holds, and how long it takes (s). */
interface Measured {
  connections: number;
  bytes: number;
  connecting: number;
  simulating: number;
  /** Of each neuron, in all that was simulated. */
  spikes: number;
}

const [indegree, inputCount, interval, intervals] = [100, 5, 100, 3];
/** Steps before the first update interval begins in all populations. */
const before = 3;

/** Spikes every fourth step, each input in its turn. */
const timesOf = (input: number) =>
  Array.from({ length: (before + intervals * interval) / 4 }, (_, place) => 1 + 4 * place + (input % 4));

const plastic = (mean: number, std: number) =>
  ({ synapse_model: "eprop_synapse_bsshslm_2020", weight: random.normal({ mean, std }) }) as const;

function build(kernel: Kernel, count: number): void {
  kernel.set({
    resolution: 1,
    eprop_update_interval: interval,
    eprop_learning_window: interval,
    local_num_threads: 1,
    rng_seed: 1,
  });
  const inputs = kernel.Create("spike_generator", inputCount);
  for (let input = 0; input < inputCount; input++) {
    kernel.SetStatus(inputs.at(input), { spike_times: timesOf(input) });
  }
  const neurons = kernel.Create("eprop_iaf_bsshslm_2020", count, {
    C_m: 1,
    E_L: 0,
    V_m: 0,
    V_th: 0.6,
    tau_m: 20,
    t_ref: 2,
  });
  const readout = kernel.Create("eprop_readout_bsshslm_2020", 1, { C_m: 1, E_L: 0 });
  kernel.SetDefaults("eprop_synapse_bsshslm_2020", { optimizer: { type: "gradient_descent", eta: 1e-4 } });
  kernel.Connect(inputs, neurons, "all_to_all", plastic(0.045, 0.04));
  kernel.Connect(neurons, neurons, { rule: "fixed_indegree", indegree }, plastic(0, 0.02));
  kernel.Connect(neurons, readout, "all_to_all", plastic(0, 1 / count));
  kernel.Connect(readout, neurons, "all_to_all", {
    synapse_model: "eprop_learning_signal_connection_bsshslm_2020",
    weight: random.normal({ mean: 0, std: 1 }),
  });
}

/** Measures a network in this process, which may be one of several ranks. */
async function measureHere(count: number, shared: boolean): Promise<void> {
  const world = shared ? await mpi.connect() : undefined;
  const kernel = new Kernel(world && { world, share: "neurons" });
  const begin = performance.now();
  build(kernel, count);
  const connected = performance.now();
  await world?.barrier();
  const ready = performance.now();
  await kernel.SimulateAsync(before + intervals * interval);
  const own: Measured = {
    connections: kernel.get("num_connections"),
    connecting: (connected - begin) / 1000,
    simulating: (performance.now() - ready) / 1000,
    bytes: process.resourceUsage().maxRSS * 1024,
    spikes: kernel.get("local_spike_counter") / count,
  };
  const all = (await world?.gather(own)) ?? [own];
  kernel.close();
  if (world === undefined || world.rank === 0) process.stdout.write(JSON.stringify(all));
  await world?.close();
}

/** The most of what processes of their own have measured. */
function measured(count: number, launcher: readonly string[]): Measured {
  const shared = launcher.length > 0 ? ["--ranks"] : [];
  const args = ["--case", String(count), ...shared];
  const all = measuredApart(import.meta.url, args, { launcher, threads: 1 }) as Measured[];
  const most = (key: keyof Measured) => Math.max(...all.map((one) => one[key]));
  return {
    connections: most("connections"),
    bytes: most("bytes"),
    connecting: most("connecting"),
    simulating: most("simulating"),
    spikes: most("spikes"),
  };
}

/** Two digits at least. */
const digits = (value: number) => (value >= 10 ? value.toFixed(0) : value.toPrecision(2));
const seconds = (value: number) => `${digits(value)} s`;
const gibibytes = (bytes: number) => `${digits(bytes / 2 ** 30)} GiB`;
const millions = (count: number) =>
  `${count >= 1e8 ? (count / 1e6).toFixed(0) : (count / 1e6).toFixed(1)} million`;

async function compareAll(): Promise<void> {
  const [launcher] = launchersOf(values.launcher);
  const lines = [
    "| neurons | connections of a rank | memory of a rank | connecting | simulating | one process |",
    "| --- | --- | --- | --- | --- | --- |",
  ];
  for (const count of values.neurons.split(",").map(Number)) {
    const ranks = measured(count, launcher?.[1] ?? []);
    const alone = count <= Number(values.alone) ? measured(count, []) : undefined;
    const cells = [
      count.toLocaleString("en-US"),
      millions(ranks.connections),
      gibibytes(ranks.bytes),
      seconds(ranks.connecting),
      seconds(ranks.simulating),
      alone === undefined ? "" : `${gibibytes(alone.bytes)}, ${seconds(alone.simulating)}`,
    ];
    lines.push(`| ${cells.join(" | ")} |`);
    console.log(`${lines.at(-1)} ${ranks.spikes.toFixed(1)} spikes a neuron`);
  }
  await writeBlocks(values.markdown, new Map([["neurons over ranks", lines.join("\n")]]));
}

if (values.case === undefined) await compareAll();
else await measureHere(Number(values.case), values.ranks);
