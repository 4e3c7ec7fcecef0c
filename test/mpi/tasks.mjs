// Trains every task with update intervals, small, and prints the digest of all that each of them leaves: iterations,
// weights, recordings and a checkpoint. Run by packed.ts, alone and as one of several ranks, where eprop is installed.
// Arguments: `ranks` or `alone`, and the names of tasks; all, if there are none.
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { Trainer, mpi, tasks } from "eprop";

const [, , how, ...names] = process.argv;
const small = { iterations: 2, batchSize: 5, testIterations: 1, seed: 3 };
const data = { ...small, batchSize: 3, synthetic: true };
const known = {
  "sine-waves": () => tasks.sineWaves(small),
  lemniscate: () => tasks.lemniscate(small),
  handwriting: () => tasks.handwriting(small),
  "evidence-accumulation": () => tasks.evidenceAccumulation(small),
  "store-recall": () => tasks.storeRecall(small),
  "delayed-match": () => tasks.delayedMatch(small),
  shd: () => tasks.shd(data),
  ssc: () => tasks.ssc(data),
  "dvs-gesture": () => tasks.dvsGesture(data),
  psmnist: () => tasks.psmnist(data),
};

/** What a checkpoint holds, without times that pass and the number of threads. */
function digestOfCheckpoint(path) {
  const bytes = readFileSync(path);
  const length = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.subarray(8, 8 + length).toString());
  const hash = createHash("sha256");
  for (const name of Object.keys(header).toSorted()) {
    if (name === "__metadata__" || /(^|[.])ms$|threads/.test(name)) continue;
    const [begin, end] = header[name].data_offsets;
    hash.update(name).update(bytes.subarray(8 + length + begin, 8 + length + end));
  }
  return hash.digest("hex");
}

const world = how === "ranks" ? await mpi.connect() : undefined;
const folder = mkdtempSync(join(tmpdir(), "eprop-tasks-"));
const digests = {};
for (const name of names.length > 0 ? names : Object.keys(known)) {
  const trainer = new Trainer(known[name](), { record: true, ...(world && { world }) });
  const checkpoint = join(folder, "checkpoint.safetensors");
  const hash = createHash("sha256");
  for await (const iteration of trainer) {
    hash.update(JSON.stringify({ ...iteration, ms: 0 }));
    if (iteration.iteration > 1) continue;
    await trainer.save(checkpoint);
    if (world === undefined || world.rank === 0) hash.update(digestOfCheckpoint(checkpoint));
  }
  const { weights, recorded } = await trainer.resultAsync();
  for (const weight of Object.keys(weights.after).toSorted()) hash.update(weights.after[weight].data);
  for (const recorder of Object.keys(recorded).toSorted()) {
    for (const column of Object.keys(recorded[recorder]).toSorted()) hash.update(recorded[recorder][column]);
  }
  await trainer.close();
  digests[name] = hash.digest("hex");
}
rmSync(folder, { recursive: true });
if (world === undefined || world.rank === 0) console.log(JSON.stringify(digests, null, 1));
await world?.close();
