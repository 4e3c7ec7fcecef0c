import { Command } from "commander";
import { NESTError } from "../core/errors.js";
import { type PublicDataSet, publicDataSets } from "../data/public-data-sets.js";
import { conclude } from "./output.js";

/** Says how far a download is, at most once a second. */
function reporter() {
  let shown = 0;
  return ({ name, done, total }: { name: string; done: number; total: number | undefined }) => {
    if (performance.now() - shown < 1000) return;
    shown = performance.now();
    const of = total === undefined ? "" : ` of ${(total / 1e6).toFixed(0)}`;
    process.stderr.write(`${name}: ${(done / 1e6).toFixed(0)}${of} MB\n`);
  };
}

/** The files of a data set, at their addresses or at another place. */
function filesAt({ files }: PublicDataSet, source: string | undefined) {
  if (source === undefined) return files;
  return files.map((file) => ({ ...file, url: `${source.replace(/\/$/, "")}/${file.name}` }));
}

/** The command `eprop data`. */
export function dataCommand(): Command {
  const data = new Command("data").description("fetch public data sets");
  for (const set of publicDataSets) {
    const names = set.files.map(({ name }) => name).join(", ");
    data
      .command(set.name)
      .description(`fetch and unpack ${set.text}; a broken download goes on where it ended`)
      .requiredOption("--dir <folder>", "where to put it")
      .option("--source <url>", `another place that has ${names}`)
      .action(async ({ dir, source }: { dir: string; source?: string }) => {
        const files = filesAt(set, source);
        if (files.some(({ url }) => url === "")) {
          conclude(`eprop: ${set.name} cannot be fetched without --source.\nBy hand: ${set.byHand}.`, 1);
          return;
        }
        try {
          const what = await set.fetch(dir, files, { onProgress: reporter() });
          process.stdout.write(`${what} in ${dir}\n`);
        } catch (error) {
          if (!(error instanceof NESTError)) throw error;
          conclude(`eprop: ${error.name}: ${error.message}\nBy hand: ${set.byHand}.`, 1);
        }
      });
  }
  return data;
}
