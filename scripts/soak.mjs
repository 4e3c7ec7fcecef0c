// Trains back to back and watches memory: npm run soak -- --minutes 30, or --seconds 20. Fails if memory grows.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Trainer, tasks, train, trainToEnd } from "../dist/index.js";

const { values } = parseArgs({
  options: {
    minutes: { type: "string" },
    seconds: { type: "string" },
    /** Growth over the measured time, by a straight line and beyond its uncertainty, that is taken for none (MB). */
    tolerance: { type: "string", default: "8" },
  },
});
const duration = 1000 * (values.seconds === undefined ? 60 * Number(values.minutes ?? 30) : +values.seconds);
const tolerance = Number(values.tolerance);
if (!(duration > 0) || !(tolerance > 0) || typeof globalThis.gc !== "function") {
  console.error("usage: npm run soak -- [--minutes <n> | --seconds <n>] [--tolerance <MB>]");
  process.exit(2);
}

const folder = mkdtempSync(join(tmpdir(), "eprop-soak-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
const checkpoint = join(folder, "checkpoint");
/** Pixels of the event sensor to leave out: none. */
const blocklist = join(folder, "blocklist.txt");
writeFileSync(blocklist, "");

/** Saves itself after every iteration, is left in the middle, and goes on from the file to its end. */
async function interrupted(task) {
  const trainer = new Trainer(task, { record: true, checkpoint: { path: checkpoint, every: 1 } });
  for (let at = 0; at < 3; at++) await trainer.next();
  await trainer.close();
  const resumed = await Trainer.resume(checkpoint);
  for await (const _ of resumed);
  resumed.result();
  await resumed.close();
}

const evidence = { iterations: 2, batchSize: 2, validateEvery: 1, testIterations: 1 };
const digits = { synthetic: true, blocklist, iterations: 2, groupSize: 2, testIterations: 1 };

/** Trainings of every kind, one after the other; the last two do not come to their end. */
const trainings = [
  (seed) => trainToEnd(tasks.sineWaves({ seed, iterations: 4 })),
  (seed) => trainToEnd(tasks.lemniscate({ seed, iterations: 2 }), { record: true }),
  (seed) => trainToEnd(tasks.sineWavesPlus({ seed, iterations: 2 })),
  (seed) => trainToEnd(tasks.evidenceAccumulation({ seed, ...evidence })),
  (seed) => trainToEnd(tasks.nMnist({ seed, ...digits })),
  (seed) => interrupted(tasks.evidenceAccumulation({ seed, ...evidence })),
  (seed) => interrupted(tasks.nMnist({ seed, ...digits })),
  async (seed) => {
    for await (const { iteration } of train(tasks.sineWaves({ seed }))) if (iteration === 2) break;
  },
  async (seed) => {
    const signal = AbortSignal.timeout(30);
    await trainToEnd(tasks.sineWaves({ seed }), { signal }).catch((error) => {
      if (error.name !== "TimeoutError") throw error;
    });
  },
];

/** Memory of the process after a collection of garbage (MB). */
async function memory() {
  for (let at = 0; at < 2; at++) {
    globalThis.gc();
    await sleep(5);
  }
  return process.memoryUsage().rss / 2 ** 20;
}

/** The straight line through points, by least squares: its slope, and the standard error of that. */
function slope(points) {
  const mean = (of) => points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [time, value] = [mean((point) => point.time), mean((point) => point.memory)];
  const covariance = mean((point) => (point.time - time) * (point.memory - value));
  const spread = mean((point) => (point.time - time) ** 2);
  const of = covariance / spread;
  const scatter = mean((point) => (point.memory - value - of * (point.time - time)) ** 2);
  return { of, error: Math.sqrt(scatter / spread / Math.max(1, points.length - 2)) };
}

const points = [];
const begin = performance.now();
const every = Math.max(200, duration / 200);
let rounds = 0;
let next = 0;
for (let time = 0; time < duration; time = performance.now() - begin) {
  // Whole rounds, so that each point comes after the same trainings.
  for (const training of trainings) await training(1 + (rounds % 1000));
  rounds += 1;
  if (time < next) continue;
  next = time + every;
  points.push({ time: performance.now() - begin, memory: await memory() });
}

// What is compiled and cached in the beginning is no leak.
const measured = points.filter(({ time }) => time > duration / 3);
const most = Math.max(...points.map((point) => point.memory));
const shown = Math.ceil(points.length / 40);
points
  .filter((_, at) => at % shown === 0)
  .forEach(({ time, memory: value }) => {
    const bar = "#".repeat(Math.round((60 * value) / most));
    console.log(`${(time / 60_000).toFixed(2).padStart(6)} min ${value.toFixed(1).padStart(7)} MB ${bar}`);
  });
const span = measured.at(-1).time - measured[0].time;
const { of, error } = slope(measured);
const [growth, uncertain] = [of * span, 3 * error * span];
console.log(
  `${rounds * trainings.length} trainings; memory grew by ${growth.toFixed(1)} ± ${uncertain.toFixed(1)} MB in the last ${(span / 60_000).toFixed(2)} minutes`,
);
if (!(growth - uncertain < tolerance)) {
  console.error(`That is more than ${tolerance} MB, and more than memory goes up and down.`);
  process.exit(1);
}
