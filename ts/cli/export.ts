import { Command } from "commander";
import { formats, parseFormats, writeExports } from "../runs/export.js";
import { readRunFolder } from "../runs/run-folder.js";

/** What can be given as a list of formats. */
export const formatHelp = Object.entries(formats)
  .map(([name, { text }]) => `${name} (${text})`)
  .join(", ");

/** The command `eprop export`. */
export function exportCommand(): Command {
  return new Command("export")
    .description("write the recorded events and the weights of a run folder in other formats")
    .argument("<folder>", "a folder that `eprop train --out` left")
    .requiredOption("--format <list>", `separated by commas: ${formatHelp}`, parseFormats)
    .option("--to <folder>", "where to write; the run folder if left out")
    .action(
      async (folder: string, { format, to }: { format: ReturnType<typeof parseFormats>; to?: string }) => {
        const paths = await writeExports(to ?? folder, readRunFolder(folder), format);
        process.stdout.write(`${paths.join("\n")}\n`);
      },
    );
}
