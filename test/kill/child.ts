// Trains a task in a folder, goes on where a process before it was killed, and leaves a digest of all that came out.
import { existsSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Trainer } from "../../ts/index.js";
import { outcome } from "./outcome.js";
import { smallTasks } from "./tasks.js";

const [name = "", folder = "", recordings = ""] = process.argv.slice(2);
const path = join(folder, "checkpoint");
const make = smallTasks[name];
if (make === undefined) throw new Error(`there is no task ${name}`);

const trainer = existsSync(path)
  ? await Trainer.resume(path)
  : new Trainer(make(recordings), { threads: 2, record: true, checkpoint: { path, every: 2 } });
process.stdout.write("training\n");
for await (const _ of trainer);
const { iterations } = trainer.result();
const exact = iterations.map(({ ms: _ms, readoutLosses, ...rest }) => [
  ...Object.values(rest),
  ...Float64Array.from(readoutLosses),
]);
const result = JSON.stringify({ ...outcome(trainer.result()), iterations: exact });
writeFileSync(join(folder, "result.partial"), result);
renameSync(join(folder, "result.partial"), join(folder, "result.json"));
