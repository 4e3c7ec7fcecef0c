// Trains with a few seeds, alone or side by side in workers, and says what came out.
import { createHash } from "node:crypto";
import { Worker, isMainThread, parentPort, workerData } from "node:worker_threads";
import { tasks, trainToEnd } from "../../dist/index.js";

async function digest(seed) {
  const task =
    seed % 2 === 0
      ? tasks.sineWavesPlus({ seed, iterations: 2 })
      : tasks.evidenceAccumulation({
          seed,
          iterations: 2,
          batchSize: 4,
          validateEvery: 1,
          testIterations: 1,
        });
  const { weights, iterations } = await trainToEnd(task);
  const hash = createHash("sha256");
  for (const { data } of Object.values(weights.after)) hash.update(data);
  return hash.update(JSON.stringify(iterations.map(({ loss }) => loss))).digest("hex");
}

const digests = (seeds) => Promise.all(seeds.map(digest));

const inWorker = (seeds) =>
  new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: seeds });
    worker.once("message", resolve).once("error", reject);
  });

if (isMainThread) {
  const seeds = [1, 2, 3, 4, 5, 6, 7, 8];
  const alone = [];
  for (const seed of seeds) alone.push(await digest(seed));
  const together = await Promise.all([0, 2, 4, 6].map((at) => inWorker(seeds.slice(at, at + 2))));
  console.log(JSON.stringify({ alone, together: together.flat() }));
} else {
  parentPort.postMessage(await digests(workerData));
}
