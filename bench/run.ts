/**
 * What eprop costs, against what:
 * `npm run -s bench -- [--json FILE] [--markdown FILE] [--quick] [--only NAME] [--precision f32] [--n-mnist DIR]`.
 *
 * `--markdown` writes the tables into a page; with `--from FILE` they come from an earlier `--json` instead of new
 * measurements.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { Precision } from "./case.js";
import { allCases } from "./cases.js";
import { growthOf } from "./growth.js";
import { type Line, linesOf } from "./line.js";
import { measureMachine } from "./machine.js";
import { type Report, body, fillPage, growthText, head, machineText } from "./tables.js";

const { values } = parseArgs({
  options: {
    json: { type: "string" },
    markdown: { type: "string" },
    from: { type: "string" },
    quick: { type: "boolean", default: false },
    only: { type: "string", multiple: true },
    precision: { type: "string" },
    "n-mnist": { type: "string" },
    blocklist: { type: "string" },
  },
});

function measureAll(): Report {
  const { quick, only, precision } = values;
  if (precision !== undefined && precision !== "f32" && precision !== "f64") {
    throw new RangeError(`--precision is f32 or f64, not ${precision}`);
  }
  const data = values["n-mnist"];
  const cases = allCases({
    quick,
    settings: precision === undefined ? {} : { precision: precision satisfies Precision },
    ...(data !== undefined && {
      nMnist: { data, ...(values.blocklist !== undefined && { blocklist: values.blocklist }) },
    }),
  }).filter(
    ({ name, table, series }) =>
      only === undefined ||
      only.some((wanted) => [name, table, series?.name].some((own) => own?.includes(wanted))),
  );
  const machine = measureMachine();
  process.stdout.write(`${machineText(machine)}\n`);
  const lines: Line[] = [];
  for (const table of new Set(cases.map((one) => one.table))) {
    process.stdout.write(`\n${head(table).join("\n")}\n`);
    const own = cases.filter((one) => one.table === table);
    lines.push(...linesOf(own, machine, (line) => process.stdout.write(`${body(line)}\n`)));
  }
  const growth = growthOf(lines);
  if (growth.length > 0) process.stdout.write(`\n${growth.map(growthText).join("\n")}\n`);
  return { date: new Date().toISOString(), quick, machine, lines, growth };
}

const report =
  values.from === undefined ? measureAll() : (JSON.parse(readFileSync(values.from, "utf8")) as Report);
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
if (values.markdown !== undefined) {
  writeFileSync(
    values.markdown,
    await fillPage(values.markdown, readFileSync(values.markdown, "utf8"), report),
  );
}
