#!/usr/bin/env node
import { Command, CommanderError } from "commander";
import { controlsCommand } from "./controls.js";
import { dataCommand } from "./data.js";
import { exportCommand } from "./export.js";
import { conclude, concludeWith, nameOptions, tasksTable } from "./output.js";
import { compareCommand, reportCommand } from "./report.js";
import { taskArgument } from "./task-options.js";
import { sweepCommand } from "./sweep.js";
import { trainCommand } from "./train.js";
import { verifyCommand } from "./verify.js";
import { loadTask } from "../tasks/load.js";
import { version } from "../core/version.js";
import { systemWords } from "../files/file-errors.js";

// Whoever read what is told may have gone, or their disk is full: a training goes on and is saved all the same.
for (const [name, stream] of [
  ["standard output", process.stdout],
  ["standard error", process.stderr],
] as const) {
  let failed = false;
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE" || failed) return;
    failed = true;
    conclude(`eprop: ${name} cannot be written: ${systemWords(error)} (${error.code})`, 1);
  });
}

const program = new Command("eprop")
  .description("Train recurrent spiking networks with eligibility propagation.")
  .version(version)
  .showHelpAfterError("(add --help for what there is)")
  .exitOverride();

program.addCommand(trainCommand());
program.addCommand(dataCommand());
program.addCommand(reportCommand());
program.addCommand(compareCommand());
program.addCommand(exportCommand());
program.addCommand(sweepCommand());
program.addCommand(verifyCommand());
program.addCommand(controlsCommand());
program
  .command("tasks")
  .description("list the tasks and their parameters, or show one alone")
  .argument("[task]", taskArgument)
  .option("--json", "as JSON")
  .action(async (name: string | undefined, { json }: { json?: boolean }) => {
    const entry = name === undefined ? undefined : (await loadTask(name)).entry;
    process.stdout.write(tasksTable(json ?? false, entry));
  });

nameOptions(program.commands);

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode;
  else concludeWith(error);
}
