import { join } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { nestError } from "../errors.js";
import { type Format, parseFormats } from "../recording/export.js";
import { RunFolder } from "../recording/run-folder.js";
import { runSummary } from "../recording/summary.js";
import { findTask } from "../tasks/index.js";
import { trainToEnd } from "../training/index.js";
import { plannedIterations } from "../training/pace.js";
import { formatHelp } from "./export.js";
import { ProgressLine } from "./progress.js";

interface TrainArguments {
  seed?: number;
  iterations?: number;
  batchSize?: number;
  threads?: number;
  validateEvery?: number;
  earlyStop?: boolean;
  testIterations?: number;
  gradient?: "adjoint" | "forward";
  precision?: "f64" | "f32";
  data?: string;
  blocklist?: string;
  groupSize?: number;
  synthetic?: boolean;
  model?: string;
  set?: Record<string, number>;
  record?: boolean;
  out?: string;
  runs?: string;
  format?: Format[];
  live?: boolean;
  port?: number;
  json?: boolean;
  quiet?: boolean;
}

function number(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || Number.isNaN(value)) throw new InvalidArgumentError("It must be a number.");
  return value;
}

function assignment(text: string, previous: Record<string, number> = {}): Record<string, number> {
  const [name, value] = text.split(/=(.*)/s);
  if (!name || value === undefined) throw new InvalidArgumentError("It must be name=value.");
  return { ...previous, [name]: number(value) };
}

/** The command `eprop train`. */
export function trainCommand(): Command {
  return new Command("train")
    .description("train a task")
    .argument("<task>", "its name; `eprop tasks` lists them")
    .option("--seed <n>", "seed of all random numbers", number)
    .option("--iterations <n>", "training iterations", number)
    .option("--batch-size <n>", "sequences per iteration", number)
    .option("--threads <n>", "threads; all cores if left out", number)
    .option("--validate-every <n>", "training iterations between validations; 0 for none", number)
    .option("--early-stop", "stop once validation errors are small enough (default)")
    .option("--no-early-stop", "do not stop early")
    .option("--test-iterations <n>", "test iterations at the end", number)
    .option("--data <path>", "data to learn from, where a task takes it")
    .option("--blocklist <file>", "pixels to leave out, one index a line (n-mnist)")
    .option("--group-size <n>", "recordings per iteration (n-mnist)", number)
    .option("--synthetic", "learn from simulated recordings of moving digits (n-mnist)")
    .option("--model <name>", "model of the recurrent neurons, where a task has a choice")
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
    .option("--json", "print a JSON object on standard output")
    .option("--quiet", "no progress")
    .action(runTraining);
}

async function runTraining(name: string, args: TrainArguments): Promise<void> {
  const entry = findTask(name);
  for (const option of ["data", "blocklist", "groupSize", "synthetic", "model"] as const) {
    if (args[option] === undefined || entry.options.includes(option)) continue;
    throw nestError({
      code: "ValueError",
      message: `the task ${entry.name} takes no ${option}`,
      parameter: option,
      value: String(args[option]),
      bound: "left out",
    });
  }
  const time = new Date().toISOString().slice(0, 19).replaceAll(":", "-");
  const runs = args.runs ?? (args.live ? "runs" : undefined);
  const out = args.out ?? (runs === undefined ? undefined : join(runs, `${entry.name}-${time}`));
  const folder = out === undefined ? undefined : new RunFolder(out);
  const task = entry.create(
    given({
      seed: args.seed,
      iterations: args.iterations,
      batchSize: args.batchSize,
      validateEvery: args.validateEvery,
      earlyStop: args.earlyStop,
      testIterations: args.testIterations,
      data: args.data,
      blocklist: args.blocklist,
      groupSize: args.groupSize,
      synthetic: args.synthetic,
      model: args.model,
      parameters: args.set,
    }),
  );
  const progress = args.quiet
    ? undefined
    : new ProgressLine(plannedIterations(task.schedule), process.stderr);
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
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", interrupt);
  const live = args.live
    ? await (
        await import("../live/index.js")
      ).openLiveView(task, {
        ...given({ port: args.port, folder: folder?.path }),
        onStop: () => finish.abort(),
      })
    : undefined;
  if (live !== undefined) process.stderr.write(`live view: ${live.server.url}\n`);
  try {
    const result = await trainToEnd(task, {
      ...given({ threads: args.threads, gradient: args.gradient, precision: args.precision }),
      signal: stop.signal,
      finish: finish.signal,
      ...(live !== undefined && { observer: live.feed }),
      record: args.record ?? folder !== undefined,
      onIteration: (iteration) => {
        folder?.append(iteration);
        live?.feed.push(iteration);
        progress?.show(iteration);
      },
    });
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
    await live?.server.close();
    process.off("SIGINT", interrupt);
    process.off("SIGTERM", interrupt);
  }
}

/** Only what has a value. */
function given<T extends object>(values: T): { [name in keyof T]: Exclude<T[name], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;
}
