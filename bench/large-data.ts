/**
 * `examples/events.js` on a file of events that is larger than the memory it may take: memory over time, the clock over
 * the simulation, and whether a training that goes on across an epoch ends with the same bits.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { zipSync } from "fflate";
import { npy } from "../ts/formats/npz.js";
import { NumpyRandom } from "../ts/random/index.js";
import type { TaskEntry } from "../ts/tasks/index.js";

const [batchSize, channels, classes, steps] = [64, 40, 4, 100];

/** Writes samples of so many events each; those of a class have more events in its part of the channels. */
function write(path: string, samples: number, events: number): void {
  const random = new NumpyRandom(1);
  const times = new Float64Array(samples * events);
  const places = new Uint32Array(samples * events);
  const labels = new Uint32Array(samples);
  const offsets = Uint32Array.from({ length: samples + 1 }, (_, at) => at * events);
  for (let sample = 0; sample < samples; sample++) {
    const label = sample % classes;
    labels[sample] = label;
    const at = sample * events;
    times.set(random.random(events).toSorted(), at);
    const [where, which] = [random.random(events), random.random(events)];
    for (let event = 0; event < events; event++) {
      times[at + event] = (times[at + event] as number) * steps;
      // A fifth of the events says what the class is.
      const part = (which[event] as number) < 0.2 ? label : Math.floor(classes * (which[event] as number));
      places[at + event] = Math.floor(((part + (where[event] as number)) * channels) / classes);
    }
  }
  const arrays = { times, channels: places, offsets, labels };
  const files = Object.entries(arrays).map(([name, data]) => [`${name}.npy`, npy({ data })]);
  writeFileSync(path, zipSync(Object.fromEntries(files) as Record<string, Uint8Array>, { level: 0 }));
}

const mean = (of: readonly number[]) => of.reduce((sum, loss) => sum + loss, 0) / of.length;

/** A training in this process, which saves or goes on at an iteration. */
async function train(data: string, iterations: number, saved: string, goesOn: boolean): Promise<object> {
  const build = new URL("../../dist/index.js", import.meta.url).href;
  const { Trainer } = (await import(build)) as typeof import("../ts/index.js");
  const example = new URL("../../examples/events.js", import.meta.url).href;
  const { default: entry } = (await import(example)) as { default: TaskEntry };
  const task = entry.create({ data, iterations, batchSize });
  const trainer = goesOn
    ? await Trainer.resume(saved, { task, threads: 1 })
    : new Trainer(task, { threads: 1 });
  const saveAt = iterations - 40;
  const memory: number[] = [];
  let [begin, engine] = [performance.now(), 0];
  let processor = process.cpuUsage();
  const losses: number[] = [];
  for await (const { iteration, loss, ms } of trainer) {
    losses.push(loss);
    // What happens once is no part of the rate.
    if (iteration === 20) [begin, engine, processor] = [performance.now(), 0, process.cpuUsage()];
    else engine += ms;
    if (iteration % Math.ceil(iterations / 16) === 0)
      memory.push(Math.round(process.memoryUsage.rss() / 2 ** 20));
    if (!goesOn && iteration === saveAt) await trainer.save(saved);
  }
  const wall = performance.now() - begin;
  const { user, system } = process.cpuUsage(processor);
  const { weights } = await trainer.resultAsync();
  const digest = createHash("sha256").update(JSON.stringify(losses.slice(-30)));
  for (const { data: of } of Object.values(weights.after)) digest.update(new Uint8Array(of.buffer));
  await trainer.close();
  return {
    iterations: losses.length,
    loss: [mean(losses.slice(0, 20)), mean(losses.slice(-20))],
    bits: digest.digest("hex").slice(0, 16),
    wallOverEngine: wall / engine,
    processorOverEngine: (user + system) / 1000 / engine,
    msPerIteration: wall / Math.max(1, losses.length - 20),
    memory,
    most: Math.round(process.resourceUsage().maxRSS / 1024),
  };
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    samples: { type: "string", default: "100000" },
    events: { type: "string", default: "250" },
    iterations: { type: "string" },
  },
});
const [samples, events] = [Number(values.samples), Number(values.events)];
// A little more than an epoch.
const iterations = Number(values.iterations ?? Math.ceil(samples / batchSize) + 20);
const [part, folder = ""] = positionals;
const [data, saved] = [join(folder, "events.npz"), join(folder, "checkpoint")];
if (part === "write") write(data, samples, events);
else if (part === "train" || part === "resume") {
  process.stdout.write(`${JSON.stringify(await train(data, iterations, saved, part === "resume"))}\n`);
} else {
  const place = mkdtempSync(join(tmpdir(), "eprop-large-data-"));
  const sizes = ["--samples", values.samples, "--events", values.events, "--iterations", String(iterations)];
  try {
    for (const which of ["write", "train", "resume"]) {
      const args = [fileURLToPath(import.meta.url), which, place, ...sizes];
      const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: "utf8" });
      if (status !== 0) throw new Error(stderr);
      if (which === "write") {
        const size = statSync(join(place, "events.npz")).size / 2 ** 20;
        process.stdout.write(`${samples} samples of ${events} events in a file of ${size.toFixed(0)} MiB\n`);
      } else process.stdout.write(`${which}: ${stdout}`);
    }
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}
