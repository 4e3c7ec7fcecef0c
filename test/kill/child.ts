// Trains a task in a folder, goes on where a process before it was killed or stopped, and leaves a digest of all that
// came out. SIGTERM stops it with the iteration that comes next.
import { existsSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Trainer } from "../../ts/index.js";
import { outcome } from "./outcome.js";
import { smallTasks } from "./tasks.js";

/** Exit code where there are iterations left. */
const stopped = 143;

const [name = "", folder = "", recordings = ""] = process.argv.slice(2);
const path = join(folder, "checkpoint");
const make = smallTasks[name];
if (make === undefined) throw new Error(`there is no task ${name}`);

const stop = new AbortController();
process.once("SIGTERM", () => stop.abort());
const finish = stop.signal;
const trainer = existsSync(path)
  ? await Trainer.resume(path, { finish })
  : new Trainer(make(recordings), { threads: 2, record: true, checkpoint: { path, every: 2 }, finish });
process.stdout.write("training\n");
for await (const _ of trainer);
if (trainer.ending === "request") process.exit(stopped);
const { iterations } = trainer.result();
const exact = iterations.map(({ ms: _ms, readoutLosses, ...rest }) => [
  ...Object.values(rest),
  ...Float64Array.from(readoutLosses),
]);
const result = JSON.stringify({ ...outcome(trainer.result()), iterations: exact });
writeFileSync(join(folder, "result.partial"), result);
renameSync(join(folder, "result.partial"), join(folder, "result.json"));
