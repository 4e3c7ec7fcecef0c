import { join } from "node:path";
import { Command } from "commander";
import { nestError } from "../core/errors.js";
import { parseSeeds, parseValues, pointName } from "../sweep/grid.js";
import { finalMetrics, terminalTable } from "../sweep/results.js";
import { type SweepOptions, sweep } from "../sweep/index.js";
import { loadTask } from "../tasks/load.js";
import { type TaskArguments, addTaskOptions, number, taskArgument, taskOptions } from "./task-options.js";

interface SweepArguments extends TaskArguments {
  seeds: number[];
  set?: Record<string, number[]>;
  concurrency?: number;
  out: string;
  quiet?: boolean;
}

function values(text: string, previous: Record<string, number[]> = {}): Record<string, number[]> {
  const [name, list] = parseValues(text);
  if (name in previous) {
    throw nestError({
      code: "ValueError",
      message: "a parameter is varied twice",
      parameter: name,
      bound: "all its values in one --set",
    });
  }
  return { ...previous, [name]: list };
}

/** The command `eprop sweep`. */
export function sweepCommand(): Command {
  const command = new Command("sweep")
    .description("train a task with every seed and every combination of values, in worker processes")
    .argument("<task>", taskArgument)
    .requiredOption("--seeds <list>", "seeds, as in 1..20 or 1,2,5", parseSeeds)
    .option("--set <name=values>", "values of a parameter, as in eta=1e-3,5e-3; may be repeated", values)
    .option("--concurrency <n>", "trainings at once; one for each thread if left out", number)
    .requiredOption("--out <folder>", "where results go; a sweep that was interrupted goes on there");
  return addTaskOptions(command).option("--quiet", "no progress").action(runSweep);
}

async function runSweep(name: string, args: SweepArguments): Promise<void> {
  const { seeds, set, concurrency, out, quiet } = args;
  const { entry } = await loadTask(name);
  const stop = new AbortController();
  const interrupt = () => stop.abort();
  process.once("SIGINT", interrupt);
  process.once("SIGTERM", interrupt);
  const options: SweepOptions = {
    out,
    signal: stop.signal,
    taskOptions: taskOptions(entry, args),
    ...(concurrency !== undefined && { concurrency }),
    onRun: (run, { done, total, resumed }) => {
      if (quiet || resumed) return;
      const end =
        run.summary === undefined
          ? `FAILED: ${run.failure}`
          : `loss ${finalMetrics(run.summary).loss.toPrecision(6)}`;
      process.stderr.write(`${done}/${total} ${pointName(run)}: ${end}\n`);
    },
  };
  try {
    const grid = { seeds, ...(set !== undefined && { parameters: set }) };
    const { runs, rows } = await sweep(name, grid, options);
    process.stdout.write(terminalTable(rows));
    process.stdout.write(`runs: ${join(out, "runs.csv")}\nfigure: ${join(out, "sweep.svg")}\n`);
    const failed = runs.filter(({ failure }) => failure !== undefined).length;
    if (failed > 0) {
      process.stderr.write(
        `eprop: ${failed} of ${runs.length} trainings failed; run it again to retry them\n`,
      );
      process.exitCode = 1;
    }
  } finally {
    process.off("SIGINT", interrupt);
    process.off("SIGTERM", interrupt);
  }
}
