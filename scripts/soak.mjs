// Trains back to back and watches memory: npm run soak -- --minutes 30. Fails if memory grows.
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { tasks, train, trainToEnd } from "../dist/index.js";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "30" },
    /** Growth over the measured time, by a straight line, that is taken for none (MB). */
    tolerance: { type: "string", default: "8" },
  },
});
const duration = Number(values.minutes) * 60_000;
const tolerance = Number(values.tolerance);
if (!(duration > 0) || !(tolerance > 0) || typeof globalThis.gc !== "function") {
  console.error("usage: npm run soak -- [--minutes <n>] [--tolerance <MB>]");
  process.exit(2);
}

/** Trainings of every kind, one after the other; the last two do not come to their end. */
const trainings = [
  (seed) => trainToEnd(tasks.sineWaves({ seed, iterations: 4 })),
  (seed) => trainToEnd(tasks.lemniscate({ seed, iterations: 2 }), { record: true }),
  (seed) => trainToEnd(tasks.sineWavesPlus({ seed, iterations: 2 })),
  (seed) =>
    trainToEnd(
      tasks.evidenceAccumulation({
        seed,
        iterations: 2,
        batchSize: 2,
        validateEvery: 1,
        testIterations: 1,
      }),
    ),
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

/** The straight line through points, by least squares: its slope. */
function slope(points) {
  const mean = (of) => points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [time, value] = [mean((point) => point.time), mean((point) => point.memory)];
  const covariance = mean((point) => (point.time - time) * (point.memory - value));
  return covariance / mean((point) => (point.time - time) ** 2);
}

const points = [];
const begin = performance.now();
const every = Math.max(200, duration / 200);
let done = 0;
let next = 0;
for (let time = 0; time < duration; time = performance.now() - begin) {
  await trainings[done % trainings.length](1 + (done % 1000));
  done += 1;
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
const growth = slope(measured) * span;
console.log(
  `${done} trainings; memory grew by ${growth.toFixed(1)} MB in the last ${(span / 60_000).toFixed(2)} minutes`,
);
if (!(growth < tolerance)) {
  console.error(`That is more than ${tolerance} MB.`);
  process.exit(1);
}
