import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { PauseJob, Pauses } from "./measure-pauses.js";

/** Trainings of all tasks at the tutorials' sizes, with few iterations. */
export function pauseCases(recordings?: { data: string; blocklist?: string }) {
  const evidence = { iterations: 2, validateEvery: 1, testIterations: 1, earlyStop: false };
  const digits = { iterations: 1, testIterations: 1 };
  const cases: { name: string; job: PauseJob }[] = [
    { name: "sine-waves", job: { task: "sine-waves", options: { iterations: 4 } } },
    { name: "lemniscate", job: { task: "lemniscate", options: { iterations: 4 } } },
    { name: "handwriting", job: { task: "handwriting", options: { iterations: 4 } } },
    { name: "evidence-accumulation", job: { task: "evidence-accumulation", options: evidence } },
    { name: "sine-waves-plus", job: { task: "sine-waves-plus", options: { iterations: 4 } } },
    { name: "n-mnist, moving digits", job: { task: "n-mnist", options: { ...digits, synthetic: true } } },
  ];
  if (recordings !== undefined) {
    cases.push({
      name: "n-mnist, recordings",
      job: { task: "n-mnist", options: { ...digits, ...recordings } },
    });
  }
  return cases;
}

/** The script of a process of its own. */
const measuring = fileURLToPath(new URL("measure-pauses.js", import.meta.url));

/** The longest pauses of a training, in a process of its own. */
export function pausesOf(job: PauseJob, script = measuring): Pauses {
  const { stdout, stderr, status } = spawnSync(process.execPath, [script, JSON.stringify(job)], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Pauses;
}
