#!/usr/bin/env node
import { Command, CommanderError } from "commander";
import { dataCommand } from "./data.js";
import { exportCommand } from "./export.js";
import { concludeWith, tasksTable } from "./output.js";
import { compareCommand, reportCommand } from "./report.js";
import { sweepCommand } from "./sweep.js";
import { trainCommand } from "./train.js";
import { verifyCommand } from "./verify.js";
import { version } from "../core/version.js";

// Whoever read what is told may have gone: a training goes on and is saved all the same.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
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
program
  .command("tasks")
  .description("list the tasks and their parameters")
  .option("--json", "as JSON")
  .action(({ json }: { json?: boolean }) => {
    process.stdout.write(tasksTable(json ?? false));
  });

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode;
  else concludeWith(error);
}
