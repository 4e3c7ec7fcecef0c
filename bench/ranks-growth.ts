/**
 * How ranks grow, on paper: `npm run -s bench:ranks-growth -- [--markdown FILE]`.
 *
 * What ranks send is counted where they are imagined in one process (`crates/eprop/examples/dry_run.rs`), with the kernel of
 * a training. For more ranks than fit one process, messages grow by as many with every doubling as was counted. Times are
 * computed for a network with a stated latency and bandwidth. Of ranks that share the neurons of one network, all is
 * computed, from the bytes that a smaller network takes.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Kernel, Trainer, tasks } from "../ts/index.js";
import { median } from "./statistics.js";
import { writeBlocks } from "./tables.js";

/** Of the network between ranks: seconds, and bytes a second. */
const [latency, bandwidth] = [2e-6, 10e9];

const { values } = parseArgs({
  options: { batch: { type: "string", default: "512" }, markdown: { type: "string" } },
});

/** What ranks sent in a batch: the most messages and bytes of a rank, and what it receives. */
interface Counted {
  ranks: number;
  messages: number;
  sent: number;
  received: number;
}

const doublings = (ranks: number) => Math.ceil(Math.log2(ranks));
const ms = (seconds: number) => {
  const value = seconds * 1e3;
  return `${value >= 100 ? value.toFixed(0) : value.toFixed(value < 1 ? 2 : 1)} ms`;
};
const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`;

/**
 * Trains some iterations, timed on one thread, and saves the next where its inputs are drawn; counts what ranks send in the
 * rest of it.
 */
async function counted(batchSize: number, sizes: readonly number[]) {
  const folder = mkdtempSync(join(tmpdir(), "eprop-ranks-growth-"));
  const checkpoint = join(folder, "checkpoint.safetensors");
  const task = tasks.evidenceAccumulation({
    batchSize,
    iterations: 5,
    seed: 1,
    testIterations: 0,
    validateEvery: 0,
  });
  const trainer = new Trainer(task, { threads: 1 });
  const times: number[] = [];
  for (let iteration = 0; iteration < 3; iteration++) {
    const value = await trainer.next();
    if (value !== undefined) times.push(value.ms);
  }
  await trainer.save(checkpoint);
  const { weights } = await trainer.resultAsync();
  await trainer.close();
  const plastic = Object.entries(weights.after).filter(([name]) => name !== "out_rec");
  const args = ["run", "--quiet", "--release", "--example", "dry_run", "--", checkpoint];
  // The next iteration but for the steps by which neurons are ahead of the readouts.
  const steps = task.steps * batchSize - 3;
  const { status, stdout, stderr } = spawnSync("cargo", [...args, String(steps), ...sizes.map(String)], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(stderr);
  rmSync(folder, { recursive: true });
  return {
    perSequence: median(times) / 1000 / batchSize,
    projections: plastic.length,
    gradients: 8 * plastic.reduce((sum, [, { data }]) => sum + data.length, 0),
    counts: stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Counted),
  };
}

/** Sequences that a rank with one thread takes at a time. */
const atOnce = 8;

async function sequences(batchSize: number): Promise<string[]> {
  const sizes = [2, 4, 16, 64, 80];
  const { perSequence, projections, gradients, counts } = await counted(batchSize, sizes);
  const [last, beyond] = [counts[3], counts[4]] as [Counted, Counted];
  const perDoubling = beyond.messages - last.messages;
  const lines = [
    `A sequence was measured to take ${ms(perSequence)} on one thread.`,
    "",
    "| ranks | sequences each | messages sent by a rank | received by a rank | counted | simulation | telling | sums | iteration |",
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    `| 1 | ${batchSize} | | | | ${ms(batchSize * perSequence)} | | | ${ms(batchSize * perSequence)} |`,
  ];
  for (const ranks of [2, 4, 16, 64, 256, 1024, 4096]) {
    const found = counts.find((count) => count.ranks === ranks);
    const own = Math.ceil(batchSize / ranks);
    const messages =
      found?.messages ?? last.messages + perDoubling * (doublings(ranks) - doublings(last.ranks));
    const received = found?.received ?? last.received;
    const groups = Math.ceil(batchSize / (ranks * atOnce));
    const simulation = own * perSequence;
    const telling = received / bandwidth + (messages - 2 * projections * groups) * latency;
    // Each projection's sums go to the last rank and back, one behind the other.
    const hop = latency + gradients / projections / bandwidth;
    const sums = groups * 2 * (ranks + projections - 1) * hop;
    lines.push(
      `| ${ranks} | ${own} | ${messages} | ${megabytes(received)} | ${found ? "yes" : "no"} | ` +
        `${[simulation, telling, sums, simulation + telling + sums].map(ms).join(" | ")} |`,
    );
  }
  console.log(lines.join("\n"));
  return lines;
}

/** Bytes that a network takes, and neurons alone. */
function bytesOf(count: number, indegree: number, interval: number): number {
  const kernel = new Kernel();
  kernel.set({
    resolution: 1,
    eprop_update_interval: interval,
    eprop_learning_window: interval,
    eprop_reset_neurons_on_update: true,
    local_num_threads: 1,
  });
  const recurrent = kernel.Create("eprop_iaf_bsshslm_2020", count);
  if (indegree > 0) {
    const readout = kernel.Create("eprop_readout_bsshslm_2020", 1);
    const plastic = { synapse_model: "eprop_synapse_bsshslm_2020", delay: 1, weight: 0.01 } as const;
    kernel.Connect(recurrent, recurrent, { rule: "fixed_indegree", indegree }, plastic);
    kernel.Connect(recurrent, readout, "all_to_all", plastic);
    kernel.Connect(readout, recurrent, "all_to_all", {
      synapse_model: "eprop_learning_signal_connection_bsshslm_2020",
      delay: 1,
    });
  }
  const { total, parts } = kernel.memory(interval);
  kernel.close();
  // Neurons alone have no history to keep.
  return indegree > 0 ? total : (parts["nodes and connections"] ?? total);
}

/** Nanoseconds of a step of a neuron with its 100 synapses on one thread, of 100,000 neurons (docs/benchmarks.md). */
const nsPerNeuronStep = 50;
/** Of a neuron, per second; steps are of a millisecond. */
const rate = 10;
/** A rank sends to all others at once, up to so many; in rounds, if there are more. */
const mostAtOnce = 16;

function neurons(): string[] {
  const [small, indegree, interval] = [20_000, 100, 1000];
  const all = bytesOf(small, indegree, interval);
  const perSynapse = (all - bytesOf(small, indegree / 2, interval)) / ((small * indegree) / 2);
  const perNeuron = all / small - perSynapse * indegree;
  const everywhere = bytesOf(small, 0, interval) / small;
  const said =
    `Measured with \`kernel.memory()\` of ${small.toLocaleString("en")} neurons: ${perSynapse.toFixed(0)} bytes a synapse, ` +
    `${(perNeuron / 1000).toFixed(1)} kB a neuron (its history of ${interval} steps), of which every rank holds ${everywhere.toFixed(0)} bytes.`;
  const lines = [
    said,
    "",
    "| neurons | ranks | memory of a rank | messages sent in a step | received in a step | computing | exchanging | a step | bound by |",
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
  ];
  for (const [count, sizes] of [
    [1e6, [1, 4, 16, 64]],
    [1e7, [16, 64, 256]],
    [1e8, [64, 256, 1024, 4096]],
    [1e9, [1024, 4096, 16_384]],
  ] as const) {
    for (const ranks of sizes) {
      const memory =
        (count / ranks) * (perSynapse * indegree + perNeuron) + count * everywhere * (1 - 1 / ranks);
      const direct = ranks <= mostAtOnce;
      const messages = direct ? ranks - 1 : doublings(ranks);
      // A header of four bytes; in rounds, the length of each list.
      const header = direct ? 4 : 12;
      const spikes = count * rate * 1e-3 * 4;
      const received = spikes * (1 - 1 / ranks) + (ranks - 1) * header;
      const computing = (count / ranks) * nsPerNeuronStep * 1e-9;
      const exchanging = messages * latency + received / bandwidth;
      const parts: readonly (readonly [string, number])[] = [
        ["computing", computing],
        ["spikes of all", received / bandwidth],
        ["latency", messages * latency],
      ];
      const [bound] = parts.toSorted(([, one], [, other]) => other - one)[0] as [string, number];
      const gigabytes = memory / 1e9;
      lines.push(
        `| 10^${Math.log10(count)} | ${ranks} | ${gigabytes >= 10 ? gigabytes.toFixed(0) : gigabytes.toFixed(1)} GB | ${messages} | ` +
          `${(received / 1e6).toFixed(received > 1e7 ? 0 : 2)} MB | ${[computing, exchanging, computing + exchanging].map(ms).join(" | ")} | ${bound} |`,
      );
    }
  }
  console.log(lines.join("\n"));
  return lines;
}

const blocks = new Map([
  ["ranks growth", (await sequences(Number(values.batch))).join("\n")],
  ["neurons growth", neurons().join("\n")],
]);
await writeBlocks(values.markdown, blocks);
