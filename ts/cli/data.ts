import { Command } from "commander";
import { fetchNMnist, nMnistArchives, nMnistByHand } from "../data/n-mnist.js";
import { NESTError } from "../core/errors.js";
import { conclude } from "./output.js";

/** The command `eprop data`. */
export function dataCommand(): Command {
  const data = new Command("data").description("fetch public data sets");
  data
    .command("n-mnist")
    .description("fetch and unpack N-MNIST (about 1.2 GB); a broken download goes on where it ended")
    .requiredOption("--dir <folder>", "where to put Train and Test")
    .option("--source <url>", "another place that has Train.zip and Test.zip")
    .action(async ({ dir, source }: { dir: string; source?: string }) => {
      const archives =
        source === undefined
          ? nMnistArchives
          : nMnistArchives.map((file) => ({ ...file, url: `${source.replace(/\/$/, "")}/${file.name}` }));
      let shown = 0;
      try {
        const count = await fetchNMnist(
          dir,
          {
            onProgress: ({ name, done, total }) => {
              if (performance.now() - shown < 1000) return;
              shown = performance.now();
              const of = total === undefined ? "" : ` of ${(total / 1e6).toFixed(0)}`;
              process.stderr.write(`${name}: ${(done / 1e6).toFixed(0)}${of} MB\n`);
            },
          },
          archives,
        );
        process.stdout.write(`${count} recordings in ${dir}\n`);
      } catch (error) {
        if (!(error instanceof NESTError)) throw error;
        conclude(`eprop: ${error.name}: ${error.message}\nBy hand: ${nMnistByHand}.`, 1);
      }
    });
  return data;
}
