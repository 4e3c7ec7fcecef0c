import { dirname, join } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { nestError } from "../errors.js";
import { type Format, parseFormats } from "../recording/export.js";
import { RunFolder } from "../recording/run-folder.js";
import { runSummary } from "../recording/summary.js";
import { isModule, loadTask } from "../tasks/load.js";
import { type ResumeOptions, Trainer } from "../training/index.js";
import { plannedIterations } from "../training/pace.js";
import { formatHelp } from "./export.js";
import { ProgressLine } from "./progress.js";
import {
  type TaskArguments,
  addTaskOptions,
  given,
  number,
  taskArgument,
  taskOptions,
} from "./task-options.js";

interface TrainArguments extends TaskArguments {
  seed?: number;
  threads?: number;
  gradient?: "adjoint" | "forward";
  precision?: "f64" | "f32";
  set?: Record<string, number>;
  record?: boolean;
  checkpointEvery?: number;
  resume?: string;
  out?: string;
  runs?: string;
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

function assignment(text: string, previous: Record<string, number> = {}): Record<string, number> {
  const [name, value] = text.split(/=(.*)/s);
  if (!name || value === undefined) throw new InvalidArgumentError("It must be name=value.");
  return { ...previous, [name]: number(value) };
}

/** The command `eprop train`. */
export function trainCommand(): Command {
  const command = new Command("train")
    .description("train a task")
    .argument("[task]", taskArgument)
    .option("--seed <n>", "seed of all random numbers", number);
  return addTaskOptions(command)
    .option("--threads <n>", "threads; all cores if left out", number)
    .option("--set <name=value>", "a parameter of the task; may be given several times", assignment)
    .addOption(
      new Option("--gradient <method>", "how gradients are computed").choices(["adjoint", "forward"]),
    )
    .addOption(new Option("--precision <name>", "what is computed in").choices(["f64", "f32"]))
    .option("--record", "record states and spikes of the first and the last iteration")
    .option("--out <folder>", "leave losses, weights and recorded events in a new folder (implies --record)")
    .option("--runs <folder>", "as --out, with a name made of task and time, in this folder")
    .option("--format <list>", `events and weights also as, separated by commas: ${formatHelp}`, parseFormats)
    .option("--live", "serve a page that shows the training while it runs (in a run folder, as --runs runs)")
    .addOption(
      new Option("--port <n>", "port of the live view; any free one if left out")
        .argParser(number)
        .implies({ live: true }),
    )
    .option("--checkpoint-every <n>", "iterations between checkpoints in the run folder", wholeNumber)
    .option(
      "--resume <file>",
      "go on with the run of a checkpoint, in its folder; takes no task but a module",
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
]);

/** A training, and where its results go. */
interface Run {
  trainer: Trainer;
  folder: RunFolder | undefined;
}

type Signals = Required<Pick<ResumeOptions, "signal" | "finish">>;

function checkpoints(path: string, { checkpointEvery: every }: TrainArguments) {
  return every === undefined ? {} : { checkpoint: { path, every } };
}

async function begun(name: string, args: TrainArguments, signals: Signals): Promise<Run> {
  const { entry } = await loadTask(name);
  const options = taskOptions(entry, args);
  const time = new Date().toISOString().slice(0, 19).replaceAll(":", "-");
  const runs = args.runs ?? (args.live ? "runs" : undefined);
  const out = args.out ?? (runs === undefined ? undefined : join(runs, `${entry.name}-${time}`));
  const folder = out === undefined ? undefined : new RunFolder(out);
  if (folder === undefined && args.checkpointEvery !== undefined) {
    throw nestError({
      code: "ValueError",
      message: "checkpoints go into a run folder, and there is none",
      parameter: "checkpoint-every",
      value: String(args.checkpointEvery),
      bound: "--out or --runs besides",
    });
  }
  const task = entry.create({ ...options, ...given({ seed: args.seed, parameters: args.set }) });
  const trainer = new Trainer(task, {
    ...given({ threads: args.threads, gradient: args.gradient, precision: args.precision }),
    ...signals,
    ...(folder && checkpoints(folder.checkpoint, args)),
    record: args.record ?? folder !== undefined,
  });
  return { trainer, folder };
}

async function resumed(
  path: string,
  name: string | undefined,
  args: TrainArguments,
  signals: Signals,
): Promise<Run> {
  const other = (Object.keys(args) as (keyof TrainArguments)[]).find(
    (option) => args[option] !== undefined && !ofResumption.has(option),
  );
  if (other !== undefined) {
    throw nestError({
      code: "ValueError",
      message: `a run that is resumed takes no ${other}`,
      parameter: other,
      value: String(args[other]),
      bound: "left out",
    });
  }
  const task = name === undefined ? undefined : (await loadTask(name)).entry;
  const trainer = await Trainer.resume(path, {
    ...given({ task, threads: args.threads }),
    ...signals,
    ...checkpoints(path, args),
  });
  return { trainer, folder: new RunFolder(dirname(path), trainer.iterations) };
}

async function runTraining(name: string | undefined, args: TrainArguments): Promise<void> {
  // A checkpoint knows its task, but not where a task that is none of eprop's own comes from.
  if (name === undefined ? args.resume === undefined : args.resume !== undefined && !isModule(name)) {
    throw nestError({
      code: "ValueError",
      message: name === undefined ? "there is no task to train" : "a run that is resumed has its task",
      parameter: "task",
      bound: "the name of a task, or --resume with a checkpoint",
    });
  }
  const [finish, stop] = [new AbortController(), new AbortController()];
  // The first signal ends the training with everything saved, the second at once.
  const interrupt = () => {
    if (finish.signal.aborted) stop.abort();
    else {
      progress?.end();
      process.stderr.write("eprop: ending after this iteration; again to stop at once\n");
    }
    finish.abort();
    process.exitCode = 130;
  };
  const signals = { signal: stop.signal, finish: finish.signal };
  const run =
    args.resume === undefined
      ? await begun(name as string, args, signals)
      : await resumed(args.resume, name, args, signals);
  const { trainer, folder } = run;
  const { task } = trainer;
  const progress = args.quiet
    ? undefined
    : new ProgressLine(plannedIterations(task.schedule), process.stderr, trainer.iterations.length);
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", interrupt);
  // Whoever asks for the task's network from here on need not make it at once.
  await task.prepare?.(stop.signal);
  const live = args.live
    ? await (
        await import("../live/index.js")
      ).openLiveView(task, {
        ...given({ port: args.port, folder: folder?.path }),
        onStop: () => finish.abort(),
      })
    : undefined;
  if (live !== undefined) {
    trainer.observe(live.feed);
    process.stderr.write(`live view: ${live.server.url}\n`);
  }
  try {
    for await (const iteration of trainer) {
      folder?.append(iteration);
      live?.feed.push(iteration);
      progress?.show(iteration);
    }
    const result = await trainer.resultAsync();
    progress?.end();
    live?.feed.saving();
    await live?.server.flush();
    await folder?.finish(result, args.format);
    live?.feed.end({ how: result.ended });
    const summary = runSummary(result);
    if (args.json) {
      process.stdout.write(`${JSON.stringify(summary)}\n`);
    } else {
      const { loss, ms_per_iteration } = summary;
      process.stdout.write(
        `${task.name}: loss ${loss[0]?.toPrecision(6)} → ${loss.at(-1)?.toPrecision(6)} in ${loss.length} iterations, ` +
          `${ms_per_iteration.toFixed(2)} ms per iteration\n`,
      );
      if (folder !== undefined) process.stdout.write(`run folder: ${folder.path}\n`);
    }
  } catch (error) {
    live?.feed.end({ how: "failure", message: error instanceof Error ? error.message : String(error) });
    throw error;
  } finally {
    progress?.end();
    folder?.close();
    await trainer.close();
    await live?.server.close();
    process.off("SIGINT", interrupt);
    process.off("SIGTERM", interrupt);
  }
}
