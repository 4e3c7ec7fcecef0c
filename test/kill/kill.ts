import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { smallTasks, writeRecordings } from "./tasks.js";

/** A training that was killed until it got to its end. */
export interface KilledRun {
  task: string;
  /** How often it was killed, and how often there was something to go on with. */
  kills: number;
  resumes: number;
  /** Whether it left what an undisturbed one leaves, to the bit. */
  same: boolean;
}

/** The compiled child: it runs in a process of its own. */
const child = new URL(
  import.meta.url.includes("/dist-test/") ? "child.js" : "../../dist-test/test/kill/child.js",
  import.meta.url,
);

/** How a training is ended: at once, or with the iteration that comes next. */
export type KillSignal = "SIGKILL" | "SIGTERM";

/**
 * Runs the child; sends it a signal so many milliseconds after its training began. Returns how long it ran, if to its
 * end.
 */
async function run(
  task: string,
  folder: string,
  recordings: string,
  kill: KillSignal = "SIGKILL",
  killAfter?: number,
): Promise<number | undefined> {
  const started = spawn(process.execPath, [fileURLToPath(child), task, folder, recordings], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let begin = performance.now();
  started.stdout.once("data", async () => {
    begin = performance.now();
    if (killAfter === undefined) return;
    await sleep(killAfter);
    started.kill(kill);
  });
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve, reject) => {
    started.once("error", reject);
    started.once("close", (...how) => resolve(how));
  });
  if (signal === kill || (kill === "SIGTERM" && code === 143)) return undefined;
  if (code !== 0) throw new Error(`${task}: the training failed with code ${code}`);
  return performance.now() - begin;
}

/**
 * Trainings that are killed or stopped at random moments, and resumed until they get to their end.
 *
 * @param random Gives numbers from 0 to 1.
 */
export async function* killedRuns(
  runs: number,
  random: () => number,
  signal: KillSignal = "SIGKILL",
): AsyncGenerator<KilledRun> {
  const folder = mkdtempSync(join(tmpdir(), "eprop-kill-"));
  const fresh = (name: string) => {
    const place = join(folder, name);
    rmSync(place, { recursive: true, force: true });
    mkdirSync(place);
    return place;
  };
  const left = (place: string) => readFileSync(join(place, "result.json"), "utf8");
  const recordings = join(folder, "recordings");
  writeRecordings(recordings);
  const expected = new Map<string, { result: string; ms: number }>();
  try {
    for (let at = 0; at < runs; at++) {
      const task = Object.keys(smallTasks)[at % Object.keys(smallTasks).length] as string;
      let known = expected.get(task);
      if (known === undefined) {
        const place = fresh("undisturbed");
        const ms = (await run(task, place, recordings)) ?? 0;
        known = { result: left(place), ms };
        expected.set(task, known);
      }
      const place = fresh("killed");
      const killed: KilledRun = { task, kills: 0, resumes: 0, same: false };
      for (;;) {
        if (existsSync(join(place, "checkpoint"))) killed.resumes += 1;
        // At most three times, so that every run gets to its end.
        const moment = killed.kills < 3 ? random() * known.ms : undefined;
        if ((await run(task, place, recordings, signal, moment)) !== undefined) break;
        killed.kills += 1;
        if (existsSync(join(place, "result.json"))) break;
      }
      killed.same = left(place) === known.result;
      yield killed;
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
