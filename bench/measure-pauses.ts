/**
 * Trains a task in a process of its own, in which nothing is compiled yet, and prints the longest pauses of the event
 * loop as JSON: `node measure-pauses.js '{"task":"sine-waves","options":{"iterations":4}}'`.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type * as eprop from "../ts/index.js";
import type * as runFolders from "../ts/runs/run-folder.js";
import type * as native from "../ts/native/index.js";
import type * as taskTables from "../ts/tasks/index.js";
import { type Pause, PauseMeter } from "./pause-meter.js";

/** The training that is watched. */
export interface PauseJob {
  /** Name in the table of tasks. */
  task: string;
  options: Readonly<Record<string, unknown>>;
}

/** Longest pauses of the event loop. */
export interface Pauses {
  /** While the task is made, which is one call. */
  making: Pause;
  /** From the begin of a training to its end: with recordings, checkpoints and a run folder's metrics. */
  training: Pause;
  /** From `Trainer.resume` with the last checkpoint, and the task made again, to the training's end. */
  resuming: Pause;
}

/** A module of the package as it is installed. */
const load = <M>(module: string) =>
  import(new URL(`../../dist/${module}`, import.meta.url).href) as Promise<M>;

const { Trainer, trainToEnd } = await load<typeof eprop>("index.js");
const { threadTime } = await load<typeof native>("native/index.js");
const { RunFolder } = await load<typeof runFolders>("runs/run-folder.js");
const { findTask } = await load<typeof taskTables>("tasks/index.js");

const { task: name, options } = JSON.parse(process.argv[2] as string) as PauseJob;
const parent = mkdtempSync(join(tmpdir(), "eprop-pauses-"));
const turn = () => new Promise((resolve) => setTimeout(resolve, 10));
const meter = new PauseMeter(() => threadTime() ?? performance.now());
try {
  const folder = new RunFolder(join(parent, "run"));
  const checkpoint = { path: folder.checkpoint, every: 1 };
  await turn();
  meter.take();
  const task = findTask(name).create({ ...options });
  const making = meter.take();
  // As `eprop train` does before it trains.
  folder.open();
  await turn();
  meter.take();
  await trainToEnd(task, { record: true, checkpoint, onIteration: (iteration) => folder.append(iteration) });
  await turn();
  const training = meter.take();
  const again = findTask(name).create({ ...options });
  await turn();
  meter.take();
  const trainer = await Trainer.resume(folder.checkpoint, { task: again });
  for await (const _ of trainer);
  await turn();
  const resuming = meter.take();
  await trainer.close();
  folder.close();
  process.stdout.write(`${JSON.stringify({ making, training, resuming } satisfies Pauses)}\n`);
} finally {
  meter.stop();
  rmSync(parent, { recursive: true, force: true });
}
