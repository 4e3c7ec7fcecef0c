// Trains on a small disk until its checkpoint cannot be written any more, and says what is left then.
import { readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { NESTError, Trainer, tasks } from "../../ts/index.js";

const [folder = ""] = process.argv.slice(2);
const path = join(folder, "checkpoint");
const filler = join(folder, "filler");

const trainer = new Trainer(tasks.sineWaves({ iterations: 6 }), { threads: 1 });
await trainer.next();
await trainer.save(path);
const saved = readFileSync(path);
// Room for half a checkpoint is left.
for (let size = 1 << 22; size >= 1 << 12; size >>= 1) {
  try {
    writeFileSync(filler, new Uint8Array(size), { flag: "a" });
  } catch {
    // The next smaller piece may fit.
  }
}
const all = readFileSync(filler).length;
writeFileSync(filler, new Uint8Array(all - saved.length / 2));
await trainer.next();
let refused: unknown;
try {
  await trainer.save(path);
} catch (error) {
  refused = error;
}
const files = readdirSync(folder).toSorted();
const kept = readFileSync(path).equals(saved);
rmSync(filler);
// The training goes on, and can be saved again once there is room.
for await (const _ of trainer);
await trainer.save(path);
const resumed = await Trainer.resume(path);
process.stdout.write(
  JSON.stringify({
    refused: refused instanceof NESTError && {
      code: refused.code,
      value: refused.value,
      message: refused.message,
    },
    files,
    kept,
    same: trainer.iterations.length === 6 && resumed.iterations.length === 6,
  }),
);
