// Trains tasks of several kinds and prints their digests: run by test/mpi.test.ts, alone and as one of several ranks.
// Arguments: the package's address, `ranks` or `alone`.
import { createHash } from "node:crypto";
import process from "node:process";

const [, , address, how] = process.argv;
const { mpi, tasks, trainToEnd } = await import(address);
const world = how === "ranks" ? await mpi.connect() : undefined;

/** Iterations without their times, weights and everything recorded, to the bit. */
function digest({ iterations, weights, recorded, ended }) {
  const hash = createHash("sha256");
  hash.update(JSON.stringify(iterations.map((iteration) => ({ ...iteration, ms: 0 }))));
  for (const name of Object.keys(weights.after).toSorted()) hash.update(weights.after[name].data);
  for (const recorder of Object.keys(recorded).toSorted()) {
    for (const column of Object.keys(recorded[recorder]).toSorted()) hash.update(recorded[recorder][column]);
  }
  return hash.update(ended).digest("hex");
}

const small = { iterations: 2, seed: 3 };
const trainings = {
  // More sequences than ranks, both precisions.
  evidence: [tasks.evidenceAccumulation({ ...small, iterations: 1, batchSize: 7, testIterations: 1 }), {}],
  single: [tasks.evidenceAccumulation({ ...small, iterations: 1, batchSize: 4 }), { precision: "f32" }],
  // Fewer sequences than ranks, all of them the same.
  sines: [tasks.sineWaves({ ...small, batchSize: 2 }), { gradient: "forward" }],
  // Nothing to share.
  plus: [tasks.sineWavesPlus({ ...small, iterations: 1 }), {}],
};
const digests = {};
for (const [name, [task, options]] of Object.entries(trainings)) {
  // One of them with as many threads as it has processors.
  const threads = world?.rank === 0 ? 2 : 1;
  const result = await trainToEnd(task, { ...options, threads, record: true, ...(world && { world }) });
  digests[name] = digest(result);
}
const text = JSON.stringify(digests);
if (world !== undefined) await world.same("digests", text);
if (world === undefined || world.rank === 0) console.log(text);
await world?.close();
