import { join } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { parseSeeds } from "../sweep/grid.js";
import { statusOf } from "../sweep/results.js";
import { loadTask } from "../tasks/load.js";
import type { ControlName } from "../controls/control.js";
import { untilInterrupted } from "./interrupt.js";
import { setParameters, tellFailed } from "./output.js";
import {
  type TaskArguments,
  type WorkerArguments,
  addTaskOptions,
  addWorkerOptions,
  assignment,
  given,
  taskArgument,
  taskOptions,
} from "./task-options.js";

interface ControlsArguments extends TaskArguments, WorkerArguments {
  seeds: number[];
  only?: ControlName[];
  set?: Record<string, number | string>;
  out?: string;
  json?: boolean;
  quiet?: boolean;
}

function names(text: string): string[] {
  const all = text.split(",").map((name) => name.trim());
  if (all.includes("")) throw new InvalidArgumentError("It must be names, separated by commas.");
  return all;
}

/** The command `eprop controls`. */
export function controlsCommand(): Command {
  const command = new Command("controls")
    .description("does e-prop do anything here? train a task beside its controls, in worker processes")
    .argument("<task>", taskArgument)
    .option("--seeds <list>", "seeds, as in 1..20 or 1,2,5", parseSeeds, [1, 2, 3, 4, 5])
    .option(
      "--only <list>",
      "controls, separated by commas; all that the network has something for if left out",
      names,
    )
    .option("--set <name=value>", "a parameter of the task; may be given several times", assignment)
    .option("--out <folder>", "where results and their page go; controls that were interrupted go on there");
  return addTaskOptions(addWorkerOptions(command))
    .option("--json", "print a JSON object on standard output")
    .option("--quiet", "no progress")
    .action(runControls);
}

async function runControls(name: string, args: ControlsArguments): Promise<void> {
  const { entry } = await loadTask(name);
  await untilInterrupted(async (signal) => {
    const { controls } = await import("../controls/index.js");
    const { controlsText } = await import("../controls/text.js");
    const { concurrency, threads, checkpointEvery, out, only } = args;
    const result = await controls(name, {
      seeds: args.seeds,
      ...given({ controls: only, concurrency, threads, checkpointEvery, out }),
      taskOptions: { ...taskOptions(entry, args), parameters: setParameters("controls", entry, args.set) },
      signal,
      onRun: (run, { done, total, resumed }) => {
        if (args.quiet || resumed) return;
        const end = run.failure === undefined ? statusOf(run) : `FAILED: ${run.failure}`;
        process.stderr.write(
          `${done}/${total} ${String(run.parameters["control"])}, seed ${run.seed}: ${end}\n`,
        );
      },
    });
    const { runs, ...told } = result;
    if (args.json) process.stdout.write(`${JSON.stringify(told)}\n`);
    else {
      process.stdout.write(controlsText(result.answer, result.measure, result.rows));
      if (out !== undefined) process.stdout.write(`page: ${join(out, "controls.html")}\n`);
    }
    tellFailed(runs);
  }, args.out !== undefined);
}
