import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Check, dictionary, given, optional, record, text, whole } from "../core/arguments.js";
import { nestError } from "../core/errors.js";
import { inSlices } from "../core/event-loop.js";
import { systemWords } from "../files/file-errors.js";
import { dataDigests, digestOf, withAbsolutePaths } from "../tasks/digests.js";
import { isModule } from "../tasks/load.js";
import { moduleDigest } from "../tasks/module-digest.js";
import type { Schedule, TaskOptions } from "../tasks/task.js";
import { type InitOptions, initCheck } from "../training/initial-weights.js";
import type { TrainingResult } from "../training/result.js";
import { settingChecks } from "../training/settings.js";

/** How a run was made: what repeats it, and what tells its setting from that of another run. */
export interface RunOrigin {
  /** The task's name, or the address of its module. */
  task: string;
  /** The options that the task was made with, its seed and parameters among them; paths are absolute. */
  options: TaskOptions & Readonly<Record<string, unknown>>;
  gradient: "adjoint" | "forward";
  precision: "f64" | "f32";
  /** Norm that gradients were scaled down to, where that was asked for. */
  clipNorm?: number;
  /** The saved network that it began with, where there was one: its file, which has a digest, and which projections. */
  init?: InitOptions;
  /** Threads that a simulation might use; they change no bit of the results. */
  threads: number;
  /** What was recorded besides losses. */
  record: NonNullable<TrainingResult["settings"]["record"]>;
  /** Iterations of each kind, as they were planned. */
  schedule: Schedule;
  /** Where it was trained on: training iterations by then, and how many it was made for before. */
  trainedOn?: NonNullable<TrainingResult["settings"]["trainedOn"]>;
  /**
   * SHA-256 of what options name: of a file its content, of a folder its files' names and sizes; `task` of a module and
   * of what it imports by relative paths; `init` of the saved network.
   */
  digests: Readonly<Record<string, string>>;
  /** The command line, where there was one. */
  command?: readonly string[];
}

/** What only the one who asked for a run knows of it. */
export interface RunRequest {
  /** The task's module, where it is none of eprop's own: its address. */
  module?: string;
  command?: readonly string[];
}

/** How a training was made, with digests of what it was made from. */
export async function runOrigin(
  { task, settings }: TrainingResult,
  { module, command }: RunRequest = {},
): Promise<RunOrigin> {
  const digests = await inSlices(dataDigests(task.options));
  const ofModule = module === undefined ? {} : { task: settings.module ?? moduleDigest(module) };
  const { sha256, ...init } = settings.init ?? { sha256: undefined, path: "" };
  return {
    task: module ?? task.name,
    options: { ...withAbsolutePaths(task.options), seed: task.seed },
    gradient: settings.gradient,
    precision: settings.precision,
    ...(settings.clipNorm !== undefined && { clipNorm: settings.clipNorm }),
    ...(sha256 !== undefined && { init }),
    threads: settings.threads,
    record: settings.record ?? false,
    schedule: task.schedule,
    ...(settings.trainedOn !== undefined && { trainedOn: settings.trainedOn }),
    digests: { ...digests, ...ofModule, ...(sha256 !== undefined && { init: sha256 }) },
    ...(command !== undefined && { command }),
  };
}

/** What is read of a run's origin when it is repeated; whatever else is in it says more. */
const originFields: Check<unknown> = {
  allowed: "how a run was made",
  read(value, at) {
    const of = given(at, value, dictionary);
    const check = (name: string, as: Check<unknown>) => given(`${at}.${name}`, of[name], as);
    check("task", text);
    const options = given(`${at}.options`, of["options"], dictionary);
    given(`${at}.options.parameters`, options["parameters"], optional(dictionary));
    check("gradient", settingChecks.gradient);
    check("precision", settingChecks.precision);
    check("clipNorm", optional(settingChecks.clipNorm));
    check("init", optional(initCheck));
    check("threads", whole(1));
    check("digests", record(text));
    return value;
  },
};

function refuse(path: string, what: string, bound: string): never {
  throw nestError({ code: "ValueError", message: `${path} ${what}`, parameter: "from", value: path, bound });
}

/**
 * How the run of a `run.json` was made.
 *
 * @param path The file, or the run folder that it is in.
 * @returns Besides, the version of eprop that made it.
 * @throws {@link NESTError} where there is no such file, or it does not say how the run was made.
 */
export function readRunOrigin(path: string): { origin: RunOrigin; eprop: string } {
  let content: string;
  try {
    content = readFileSync(statSync(path).isDirectory() ? join(path, "run.json") : path, "utf8");
  } catch (error) {
    return refuse(path, `cannot be read: ${systemWords(error as Error)}`, "a run folder or its run.json");
  }
  let found: { made?: RunOrigin; eprop?: string; run?: { made?: RunOrigin; eprop?: string } } | null;
  try {
    found = JSON.parse(content) as typeof found;
  } catch {
    return refuse(path, "is not JSON", "a run folder or its run.json");
  }
  // A run of a sweep is in a file with what the sweep knows of it.
  const { made, eprop } = found?.run ?? found ?? {};
  if (made === undefined) {
    return refuse(path, "does not say how the run was made", "a run.json of this version of eprop");
  }
  try {
    given("made", made, originFields);
  } catch (error) {
    return refuse(path, `is damaged: ${(error as Error).message}`, "the file as it was written");
  }
  return { origin: made, eprop: typeof eprop === "string" ? eprop : "unknown" };
}

/** Where it lies what a digest is of. */
function placeOf(name: string, { task, init, options }: RunOrigin): string {
  if (name === "task" && isModule(task)) return fileURLToPath(task);
  return name === "init" && init !== undefined ? init.path : String(options[name]);
}

/**
 * Refuses to repeat a run whose data or module have changed since.
 *
 * @param replaced Options that were given anew, whose data are meant to differ.
 */
export async function checkDigests(
  path: string,
  origin: RunOrigin,
  replaced: ReadonlySet<string>,
): Promise<void> {
  const names = Object.keys(origin.digests ?? {}).filter((name) => !replaced.has(name));
  for (const name of names) {
    const place = placeOf(name, origin);
    let now: string;
    try {
      now = await inSlices(digestOf(place));
      // Earlier versions looked at the module's file alone.
      if (name === "task" && now !== origin.digests[name]) now = moduleDigest(place);
    } catch (error) {
      return refuse(
        path,
        `was made from ${place}, which cannot be read: ${systemWords(error as Error)}`,
        name,
      );
    }
    if (now !== origin.digests[name]) {
      refuse(
        path,
        `was made from ${place}, which has changed since`,
        `the ${name} as it was, or another given besides; --force repeats it all the same`,
      );
    }
  }
}
