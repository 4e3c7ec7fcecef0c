import { Command } from "commander";
import { join } from "node:path";
import { readRunFolder } from "../recording/run-folder.js";

/** The command `eprop report`. */
export function reportCommand(): Command {
  return new Command("report")
    .description("make the report and the figures of a run folder again")
    .argument("<folder>", "a folder that `eprop train --out` left")
    .action(async (folder: string) => {
      const run = readRunFolder(folder);
      // The plotting libraries are loaded by those who plot.
      const { writeReport } = await import("../report/write.js");
      await writeReport(folder, run);
      process.stdout.write(`${join(folder, "report.html")}\n`);
    });
}
