import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Command, InvalidArgumentError, Option } from "commander";
import { nestError } from "../core/errors.js";
import { threadBudget } from "../core/threads.js";
import { version } from "../core/version.js";
import { type Format, parseFormats } from "../runs/export.js";
import type { openLiveView } from "../live/index.js";
import { type RunOrigin, type RunRequest, checkDigests, readRunOrigin, runOrigin } from "../runs/origin.js";
import { claimInterruptedRun } from "../runs/run-claim.js";
import { ReportError, RunFolder, checkpointOf, refuseOver } from "../runs/run-folder.js";
import { keptWeights, runSummary } from "../runs/summary.js";
import { reportOfRun } from "../report/run-folder.js";
import { isModule, loadTask } from "../tasks/load.js";
import { type ResumeOptions, Trainer, type TrainingResult } from "../training/index.js";
import { plannedIterations } from "../training/pace.js";
import { type ComputedWith, computedWith } from "../training/settings.js";
import { formatHelp } from "./export.js";
import { stopSignals } from "./interrupt.js";
import { outcomeLine } from "./outcome.js";
import { isStop, setParameters, typedOption } from "./output.js";
import { ProgressLine } from "./progress.js";
import { CommandRanks } from "./ranks.js";
import {
  type TaskArguments,
  addSettings,
  addTaskOptions,
  assignment,
  given,
  number,
  taskArgument,
  taskOptions,
} from "./task-options.js";

interface TrainArguments extends TaskArguments, ComputedWith {
  seed?: number;
  threads?: number;
  init?: string;
  initProjections?: string[];
  set?: Record<string, number | string>;
  record?: boolean;
  checkpointEvery?: number;
  resume?: string;
  from?: string;
  out?: string;
  runs?: string;
  force?: boolean;
  format?: Format[];
  live?: boolean;
  port?: number;
  json?: boolean;
  quiet?: boolean;
}

function wholeNumber(text: string): number {
  const value = number(text);
  if (!Number.isInteger(value) || value < 1) {
    throw new InvalidArgumentError("It must be a whole number from 1 on.");
  }
  return value;
}

/** Largest number of a port. */
const mostPort = 65_535;

function portNumber(text: string): number {
  const value = number(text);
  if (!Number.isInteger(value) || value < 0 || value > mostPort) {
    throw new InvalidArgumentError(`It must be a whole number from 0 (any free port) to ${mostPort}.`);
  }
  return value;
}

/** The command `eprop train`. */
export function trainCommand(): Command {
  const command = new Command("train")
    .description("train a task")
    .argument("[task]", taskArgument)
    .option("--seed <n>", "seed of all random numbers", number);
  return addSettings(addTaskOptions(command))
    .option("--threads <n>", "threads; all cores if left out", number)
    .option(
      "--init <file>",
      "begin with weights and connections of a saved network, run folder or checkpoint",
    )
    .option("--init-projections <list>", "of these projections alone, separated by commas", (list) =>
      list.split(","),
    )
    .option("--set <name=value>", "a parameter of the task; may be given several times", assignment)
    .option(
      "--record",
      "record states and spikes of the first and the last iteration (default in a run folder)",
    )
    .option("--no-record", "record none")
    .addOption(
      new Option(
        "--out <folder>",
        "leave losses, weights, recorded events and a report in a new or empty folder",
      ).conflicts("runs"),
    )
    .option("--runs <folder>", "as --out, with a name made of task and time, in this folder")
    .option(
      "--force",
      "replace the run that is in the folder of --out; with --resume or --from, go on though module or data have changed",
    )
    .option("--format <list>", `events and weights also as, separated by commas: ${formatHelp}`, parseFormats)
    .option("--live", "serve a page that shows the training while it runs (in a run folder, as --runs runs)")
    .addOption(
      new Option("--port <n>", "port of the page of --live; any free one if left out").argParser(portNumber),
    )
    .option("--checkpoint-every <n>", "iterations between checkpoints in the run folder", wholeNumber)
    .option(
      "--resume <folder>",
      "go on with the run of a run folder or its checkpoint, in that folder; takes no task but a module",
    )
    .addOption(
      new Option(
        "--from <run.json>",
        "repeat the run of a run folder, as its run.json says; options besides replace those of that run",
      ).conflicts("resume"),
    )
    .option("--json", "print a JSON object on standard output")
    .option("--quiet", "no progress")
    .action(runTraining);
}

/** Options that may be given anew where a run is resumed. */
const ofResumption: ReadonlySet<keyof TrainArguments> = new Set([
  "resume",
  "threads",
  "checkpointEvery",
  "live",
  "format",
  "port",
  "json",
  "quiet",
  "force",
  "iterations",
]);

/** Options that say what a run folder holds, and are ignored without one. */
const ofFolder = ["record", "format", "checkpointEvery"] as const satisfies (keyof TrainArguments)[];

function refuse(parameter: string, message: string, bound: string): never {
  throw nestError({ code: "ValueError", message, parameter, bound });
}

/** Refuses options that would be ignored. */
function refuseIgnored(args: TrainArguments): void {
  if (args.resume === undefined && args.out === undefined && args.runs === undefined && !args.live) {
    for (const name of ofFolder) {
      if (args[name] === undefined) continue;
      const message = `${typedOption(name)} says what a run folder holds, and there is none`;
      refuse(name, message, "--out or --runs besides");
    }
  }
  if (args.force && args.out === undefined && args.resume === undefined && args.from === undefined) {
    refuse(
      "force",
      "--force replaces the run in a folder, and none is given",
      "--out, --resume or --from besides",
    );
  }
  if (args.initProjections !== undefined && args.init === undefined) {
    refuse(
      "initProjections",
      "--init-projections are those of a saved network, and none is given",
      "--init besides",
    );
  }
  if (args.port !== undefined && !args.live) {
    refuse("port", "--port is that of a page that shows the training, and there is none", "--live besides");
  }
}

/** A training, and where its results go. */
interface Run {
  trainer: Trainer;
  /** At the rank that writes. */
  folder: RunFolder | undefined;
  /** The checkpoint in it, at every rank. */
  checkpoint: string | undefined;
  /** The address of the task's module, where it is none of eprop's own. */
  module: string | undefined;
}

type Signals = Required<Pick<ResumeOptions, "signal" | "finish">>;

/** Where a checkpoint is written: when the run is stopped or ends, and now and then if that is asked for. */
function checkpoint(path: string, { checkpointEvery: every }: TrainArguments) {
  return { path, atEnd: true, ...given({ every }) };
}

/** The run that is to be repeated, if there is one; its data are those that it was made from. */
async function repeated({ from, ...args }: TrainArguments): Promise<RunOrigin | undefined> {
  if (from === undefined) return undefined;
  const { origin, eprop } = readRunOrigin(from);
  if (!args.force) await checkDigests(from, origin, new Set(Object.keys(args)));
  if (eprop !== version) {
    process.stderr.write(`eprop: ${from} was made by eprop ${eprop}; this is ${version}\n`);
  }
  if (origin.trainedOn !== undefined) {
    process.stderr.write(
      `eprop: ${from} was trained on; in one go it is the same where learning rates do not depend on the number of iterations\n`,
    );
  }
  return origin;
}

/** What a training begins with in place of its task's weights. */
function initOf({ init: path, initProjections }: TrainArguments, origin: RunOrigin | undefined) {
  if (path === undefined) return origin?.init;
  return { path, ...given({ projections: initProjections }) };
}

async function begun(
  name: string | undefined,
  args: TrainArguments,
  signals: Signals,
  ranks: CommandRanks,
): Promise<Run> {
  const origin = await repeated(args);
  const { entry, reference } = await loadTask(origin?.task ?? (name as string));
  const options = { ...origin?.options, ...taskOptions(entry, args) };
  const parameters = { ...origin?.options.parameters, ...setParameters("train", entry, args.set) };
  const time = new Date().toISOString().slice(0, 19).replaceAll(":", "-");
  const runs = args.runs ?? (args.live ? "runs" : undefined);
  const out = await ranks.told(
    args.out ?? (runs === undefined ? undefined : join(runs, `${entry.name}-${time}`)),
  );
  const folder = await ranks.atFirst(() =>
    out === undefined
      ? undefined
      : new RunFolder(out, {
          ...given({ force: args.force }),
          parameter: args.out === undefined ? "runs" : "out",
        }),
  );
  const saved = await ranks.told(folder?.checkpoint);
  const task = entry.create({ ...options, ...given({ seed: args.seed }), parameters });
  const module = isModule(reference) ? reference : undefined;
  const trainer = new Trainer(task, {
    ...given({
      threads: args.threads ?? (origin && Math.min(origin.threads, threadBudget())),
    }),
    ...given({ init: initOf(args, origin) }),
    ...computedWith(origin ?? {}),
    ...computedWith(args),
    ...signals,
    ...given({ world: ranks.world, module }),
    ...(saved !== undefined && { checkpoint: checkpoint(saved, args) }),
    record: args.record ?? (saved !== undefined && (origin?.record ?? true)),
  });
  return { trainer, folder, checkpoint: saved, module };
}

async function resumed(
  from: string,
  name: string | undefined,
  args: TrainArguments,
  signals: Signals,
  ranks: CommandRanks,
): Promise<Run> {
  const other = (Object.keys(args) as (keyof TrainArguments)[]).find(
    (option) => args[option] !== undefined && !ofResumption.has(option),
  );
  if (other !== undefined) {
    throw nestError({
      code: "ValueError",
      message: `a run that is resumed takes no ${typedOption(other)}`,
      parameter: other,
      bound: "left out",
    });
  }
  const loaded = name === undefined ? undefined : await loadTask(name);
  const { entry: task, reference: module } = loaded ?? {};
  const path = checkpointOf(from);
  const { iterations: wanted } = args;
  if (wanted === undefined) refuseOver(path);
  const place = dirname(path);
  // What somebody else is writing is not even read: it may be over by then.
  const claim = await ranks.atFirst(() => {
    const wait = (holder: string) =>
      process.stderr.write(`eprop: waiting to see whether ${holder} still writes ${place}\n`);
    return existsSync(path) ? claimInterruptedRun(place, wait) : undefined;
  });
  try {
    const trainer = await Trainer.resume(path, {
      ...given({
        task,
        module,
        iterations: wanted,
        force: args.force,
        threads: args.threads,
        world: ranks.world,
      }),
      ...signals,
      // As often as before, if that is not said.
      checkpoint: checkpoint(path, args),
    });
    // Whatever ends it from here on, it goes on with as many iterations.
    if (wanted !== undefined) await trainer.save(path);
    const { iterations } = trainer;
    const folder = await ranks.atFirst(() => new RunFolder(place, { iterations, ...given({ claim }) }));
    return { trainer, folder, checkpoint: await ranks.told(folder?.checkpoint), module };
  } catch (error) {
    claim?.release();
    throw error;
  }
}

/** A word of a shell's command. */
function shellWord(text: string): string {
  return /^[\w./:@%+,=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** How to go on with a run that has iterations left: what to type. */
function resumption(path: string, name: string | undefined): string {
  const module = name !== undefined && isModule(name) ? [shellWord(name)] : [];
  return ["eprop train", ...module, "--resume", shellWord(path)].join(" ");
}

/** Refuses a command that names no task, or one besides the task that a run to resume or to repeat has. */
function checkTask(name: string | undefined, { resume, from }: TrainArguments): void {
  const refused = (message: string, bound: string) =>
    nestError({ code: "ValueError", message, parameter: "task", ...given({ value: name }), bound });
  if (name === undefined) {
    if (resume !== undefined || from !== undefined) return;
    throw refused(
      "there is no task to train",
      "a name that `eprop tasks` lists, the path of a module that exports a task, --resume with a run folder or --from with a run.json",
    );
  }
  if (from !== undefined) throw refused("a run that is repeated has its task", "left out");
  // A checkpoint knows its task, but not where a task that is none of eprop's own comes from.
  if (resume !== undefined && !isModule(name)) {
    throw refused(
      "a run that is resumed has its task",
      "left out; of a task of your own, the path of its module",
    );
  }
}

/** Prints what came of a training: as JSON where the request is given, else in a line. */
async function print(result: TrainingResult, { folder }: Run, request?: RunRequest): Promise<void> {
  if (request !== undefined) {
    process.stdout.write(`${JSON.stringify(runSummary(result, await runOrigin(result, request)))}\n`);
    return;
  }
  process.stdout.write(`${outcomeLine(result)}\n`);
  const phases = result.iterations.map(({ phase }) => phase);
  const kept = keptWeights(result, phases);
  if (kept !== undefined) process.stdout.write(`weights: ${kept}\n`);
  if (folder !== undefined) process.stdout.write(`run folder: ${folder.path}\n`);
}

async function runTraining(name: string | undefined, args: TrainArguments): Promise<void> {
  checkTask(name, args);
  refuseIgnored(args);
  await CommandRanks.run([name, args], (ranks) => trained(name, args, ranks));
}

type LiveView = Awaited<ReturnType<typeof openLiveView>>;

/** Serves a page that shows a training. */
async function liveView(
  { trainer, folder }: Run,
  args: TrainArguments,
  onStop: () => void,
): Promise<LiveView> {
  const module = await import("../live/index.js");
  const view = await module.openLiveView(trainer.task, {
    ...given({ port: args.port, folder: folder?.path }),
    onStop,
  });
  trainer.observe(view.feed);
  process.stderr.write(`live view: ${view.server.url}\n`);
  return view;
}

/** What looks on while a run is saved, and may stop that. */
interface Saving {
  live: LiveView | undefined;
  stop: AbortSignal;
  request: RunRequest;
  tell: (text: string) => void;
}

/** Saves a run whose training is over, and prints what came of it. */
async function finished(
  result: TrainingResult,
  run: Run,
  args: TrainArguments,
  saving: Saving,
): Promise<void> {
  const { live, stop, request, tell } = saving;
  const { folder } = run;
  live?.feed.saving();
  await live?.server.flush();
  const report = await folder
    ?.finish(result, {
      report: reportOfRun,
      formats: args.format ?? [],
      signal: stop,
      request,
      onSaved: () => {
        if (!args.quiet) tell("making figures and the report; Ctrl-C leaves them out");
      },
    })
    .catch((error: unknown) => error);
  if (report !== undefined && !(report instanceof ReportError)) throw report;
  live?.feed.end({ how: result.ended });
  await print(result, run, args.json ? request : undefined);
  if (report !== undefined && folder !== undefined) {
    tell(`${report.message}; to make it: eprop report ${folder.path}`);
    // Who wanted it left out got what they asked for.
    if (!stop.aborted) process.exitCode ??= 1;
  }
}

/** Saves what a training leaves that has diverged, for whoever wants to see how. */
async function keepDiverged(
  { trainer, folder }: Run,
  args: TrainArguments,
  request: RunRequest,
  tell: (text: string) => void,
): Promise<void> {
  if (folder === undefined) return;
  try {
    const result = await trainer.resultAsync();
    await folder.finish(result, { report: reportOfRun, formats: args.format ?? [], request });
    tell(`what the training left until it diverged: ${folder.path}`);
  } catch (error) {
    // The error that it ended with is told anyway.
    if (error instanceof Error) tell(error.message);
  }
}

async function trained(name: string | undefined, args: TrainArguments, ranks: CommandRanks): Promise<void> {
  const [finish, stop, leaveOut] = [new AbortController(), new AbortController(), new AbortController()];
  const tell = (text: string) => {
    progress?.end();
    if (ranks.isFirst) process.stderr.write(`eprop: ${text}\n`);
  };
  let isOver = false;
  // The first signal ends the training with everything saved, the second at once. Launchers of several ranks do not
  // wait long after the first. What comes when the training is over leaves out its figures: the run is whole.
  const interrupt = () => {
    if (isOver) {
      if (!leaveOut.signal.aborted) tell("leaving out figures and report");
      leaveOut.abort();
      return;
    }
    if (finish.signal.aborted || ranks.world !== undefined) stop.abort();
    else tell("ending after this iteration; again to stop at once");
    finish.abort();
    process.exitCode = 130;
  };
  const signals = { signal: stop.signal, finish: finish.signal };
  const run =
    args.resume === undefined
      ? await begun(name, args, signals, ranks)
      : await resumed(args.resume, name, args, signals, ranks);
  const { trainer, folder } = run;
  const request: RunRequest = {
    ...given({ module: run.module }),
    command: ["eprop", ...process.argv.slice(2)],
  };
  const { task } = trainer;
  const progress =
    args.quiet || !ranks.isFirst
      ? undefined
      : new ProgressLine(plannedIterations(task.schedule), process.stderr);
  const preflight = await ranks.preflight(task.batchSize, args.threads);
  if (preflight !== undefined && !args.quiet) tell(preflight);
  for (const signal of stopSignals) process.on(signal, interrupt);
  let live: LiveView | undefined;
  let isComplete = false;
  let failure: unknown;
  try {
    // Whoever asks for the task's network from here on need not make it at once.
    await task.prepare?.(ranks.world === undefined ? stop.signal : undefined);
    live = await ranks.atFirst(async () => {
      folder?.open();
      return args.live ? liveView(run, args, () => finish.abort()) : undefined;
    });
    for await (const iteration of trainer) {
      folder?.append(iteration);
      live?.feed.push(iteration);
      progress?.show(iteration);
    }
    isOver = true;
    const result = await trainer.resultAsync();
    progress?.end();
    isComplete = result.ended !== "request";
    await ranks.atFirst(() => finished(result, run, args, { live, stop: leaveOut.signal, request, tell }));
  } catch (error) {
    failure = error;
    if (trainer.ending === "divergence") await ranks.atFirst(() => keepDiverged(run, args, request, tell));
    // What was stopped in the middle of an iteration can go on from there.
    if (isStop(error) && run.checkpoint !== undefined && trainer.ending === "schedule") {
      await trainer.save(run.checkpoint).catch(() => undefined);
    }
    live?.feed.end({ how: "failure", message: error instanceof Error ? error.message : String(error) });
    await ranks.end(error);
  } finally {
    progress?.end();
    folder?.close();
    await trainer.close();
    await live?.server.close();
    for (const signal of stopSignals) process.off(signal, interrupt);
  }
  if ((failure !== undefined || !isComplete) && folder !== undefined && existsSync(folder.checkpoint)) {
    tell(
      `to go on with the run: ${resumption(folder.checkpoint, name ?? (run.module && fileURLToPath(run.module)))}`,
    );
  }
}
