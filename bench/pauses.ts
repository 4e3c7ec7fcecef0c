/**
 * How long trainings hold up the event loop: `npm run -s bench:pauses -- [--n-mnist DIR] [--blocklist FILE]`.
 */
import { parseArgs } from "node:util";
import { pauseCases, pausesOf } from "./pause-cases.js";

const { values } = parseArgs({ options: { "n-mnist": { type: "string" }, blocklist: { type: "string" } } });
const { "n-mnist": data, blocklist } = values;

const columns = ["making", "training", "resuming"] as const;
const head = ["the task is made", "training", "resumed training"];
process.stdout.write(
  `| longest pause (ms) | ${head.join(" | ")} |\n| --- | ${head.map(() => "--- ").join("| ")}|\n`,
);
for (const { name, job } of pauseCases(
  data === undefined ? undefined : { data, ...(blocklist && { blocklist }) },
)) {
  const pauses = pausesOf(job);
  const cells = columns.map(
    (column) => `${pauses[column].cpu.toFixed(1)} (${pauses[column].wall.toFixed(1)})`,
  );
  process.stdout.write(`| ${name} | ${cells.join(" | ")} |\n`);
}
