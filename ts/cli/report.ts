import { Command, Option } from "commander";
import { join } from "node:path";
import { readRunFolder } from "../runs/run-folder.js";

/** The command `eprop report`. */
export function reportCommand(): Command {
  return new Command("report")
    .description("make the report and the figures (SVG, PNG, Vega-Lite) of a run folder again")
    .argument("<folder>", "a folder that `eprop train --out` left")
    .addOption(
      new Option("--scheme <look>", "look of the figures' files; the report has both")
        .choices(["light", "dark"])
        .default("light"),
    )
    .action(async (folder: string, { scheme }: { scheme: "light" | "dark" }) => {
      const run = readRunFolder(folder);
      // The plotting libraries are loaded by those who plot.
      const { writeReport } = await import("../report/write.js");
      await writeReport(folder, run, scheme);
      process.stdout.write(`${join(folder, "report.html")}\n`);
    });
}

/** The command `eprop compare`. */
export function compareCommand(): Command {
  return new Command("compare")
    .description("lay several runs of a task side by side")
    .argument("<folders...>", "folders that `eprop train --out` left")
    .option("--out <file>", "the page to write", "comparison.html")
    .action(async (folders: string[], { out }: { out: string }) => {
      const { writeComparison } = await import("../report/comparison.js");
      await writeComparison(folders, out);
      process.stdout.write(`${out}\n`);
    });
}
