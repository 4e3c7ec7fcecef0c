import { Command } from "commander";
import { loadTask } from "../tasks/load.js";
import { untilInterrupted } from "./interrupt.js";
import { setParameters } from "./output.js";
import {
  type TaskArguments,
  addTaskOptions,
  assignment,
  given,
  number,
  taskArgument,
  taskOptions,
} from "./task-options.js";

interface VerifyArguments extends TaskArguments {
  seed?: number;
  set?: Record<string, number | string>;
  neurons?: number;
  steps?: number;
  sequences?: number;
  train?: number;
  nest?: boolean;
  python?: string;
  out?: string;
  json?: boolean;
  quiet?: boolean;
}

/** The command `eprop verify`. */
export function verifyCommand(): Command {
  const command = new Command("verify")
    .description(
      "hold the gradient of a task's network against slow programs that share nothing with the engine",
    )
    .argument("<task>", taskArgument)
    .option("--seed <n>", "seed of all random numbers", number)
    .option("--set <name=value>", "a parameter of the task; may be given several times", assignment)
    .option("--neurons <n>", "recurrent neurons that are kept, of each population its share", number)
    .option("--steps <n>", "steps of each sequence that are kept: the last ones", number)
    .option("--sequences <n>", "sequences of an iteration that are kept: the first ones", number)
    .option(
      "--train <n>",
      "training iterations over which e-prop is held against backpropagation through time; 10 if left out",
      number,
    );
  command
    .option("--nest", "build the network in NEST, too, and fail where that is not installed")
    .option("--no-nest", "do not; if neither is said, where Python has nest-simulator")
    .option("--python <program>", "the Python that has NEST; $PYTHON or python3 if left out");
  return addTaskOptions(command)
    .option("--out <folder>", "leave a page with figures, and everything as JSON, in this folder")
    .option("--json", "print a JSON object on standard output")
    .option("--quiet", "no progress")
    .action(runVerification);
}

async function runVerification(name: string, args: VerifyArguments): Promise<void> {
  const { entry } = await loadTask(name);
  const parameters = setParameters("verify", entry, args.set);
  const task = entry.create({ ...taskOptions(entry, args), ...given({ seed: args.seed }), parameters });
  await untilInterrupted(async (signal) => {
    const { verifyTask } = await import("../verify/index.js");
    const { terminalText } = await import("../verify/text.js");
    const page = args.out === undefined ? undefined : await import("../verify/page.js");
    page?.checkProofFolder(args.out as string);
    const proof = await verifyTask(task, {
      ...given({ neurons: args.neurons, steps: args.steps, sequences: args.sequences }),
      ...given({ iterations: args.train }),
      ...given({ python: args.python }),
      nest: args.nest ?? "if-installed",
      signal,
      onProgress: (doing) => {
        if (!args.quiet) process.stderr.write(`verify: ${doing}\n`);
      },
    });
    process.stdout.write(args.json ? `${JSON.stringify(proof)}\n` : terminalText(proof));
    const path = await page?.writeVerification(proof, args.out as string, signal);
    if (path !== undefined && !args.json) process.stdout.write(`page: ${path}\n`);
    if (!proof.passed) process.exitCode = 1;
  });
}
