/**
 * What eprop costs, against what:
 * `npm run -s bench -- [--json FILE] [--markdown FILE] [--quick] [--only NAME] [--precision f32] [--n-mnist DIR]`, and
 * `npm run -s bench -- --nest --jax [--python FILE] [--pairs N]` beside other simulators.
 *
 * `--markdown` writes the tables into pages; with `--from FILE` they come from an earlier `--json` instead of new
 * measurements.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { Precision } from "./case.js";
import { type Choice, allCases } from "./cases.js";
import { type Comparison, type Simulator, compare, interpreter } from "./comparison.js";
import { contests } from "./contests.js";
import { growthOf } from "./growth.js";
import { type Line, linesOf } from "./line.js";
import { describeMachine, measureMachine } from "./machine.js";
import { type Report, body, comparisonText, fillPage, growthText, head, machineText } from "./tables.js";

const { values } = parseArgs({
  options: {
    json: { type: "string" },
    markdown: { type: "string", multiple: true },
    from: { type: "string" },
    quick: { type: "boolean", default: false },
    only: { type: "string", multiple: true },
    precision: { type: "string" },
    "n-mnist": { type: "string" },
    blocklist: { type: "string" },
    nest: { type: "boolean", default: false },
    jax: { type: "boolean", default: false },
    python: { type: "string" },
    pairs: { type: "string" },
  },
});

const { only } = values;
const wanted = (...names: (string | undefined)[]) =>
  only === undefined || only.some((part) => names.some((name) => name?.includes(part)));

function choice(): Choice {
  const { quick, precision } = values;
  if (precision !== undefined && precision !== "f32" && precision !== "f64") {
    throw new RangeError(`--precision is f32 or f64, not ${precision}`);
  }
  const data = values["n-mnist"];
  return {
    quick,
    settings: precision === undefined ? {} : { precision: precision satisfies Precision },
    ...(data !== undefined && {
      nMnist: { data, ...(values.blocklist !== undefined && { blocklist: values.blocklist }) },
    }),
  };
}

/** Another simulator and eprop in turn. */
async function compareAll(simulators: readonly Simulator[]): Promise<Report> {
  const { quick } = values;
  const pairs = values.pairs === undefined ? undefined : Number(values.pairs);
  if (pairs !== undefined && !(Number.isInteger(pairs) && pairs > 0)) {
    throw new RangeError(`--pairs is a whole number from 1, not ${values.pairs}`);
  }
  const python = interpreter(values.python);
  const comparisons: Comparison[] = [];
  for (const simulator of simulators) {
    for (const contest of contests(simulator, choice())) {
      if (!wanted(contest.name)) continue;
      const chosen = pairs === undefined ? contest : { ...contest, pairs };
      const found = await compare(chosen, python, ({ other, own, ratio }, number) => {
        const times = `${simulator} ${other.toFixed(2)} ms, eprop ${own.toFixed(3)} ms`;
        process.stdout.write(`${contest.name}, pair ${number}: ${times}, ${ratio.toFixed(1)} x\n`);
      });
      comparisons.push(found);
      process.stdout.write(`${comparisonText(found)}\n`);
    }
  }
  return {
    date: new Date().toISOString(),
    quick,
    machine: describeMachine(),
    lines: [],
    growth: [],
    comparisons,
  };
}

function measureAll(): Report {
  const { quick } = values;
  const cases = allCases(choice()).filter(({ name, table, series }) => wanted(name, table, series?.name));
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
  return { date: new Date().toISOString(), quick, machine, lines, growth, comparisons: [] };
}

async function newReport(): Promise<Report> {
  const simulators = (["NEST", "JAX"] as const).filter((name) =>
    name === "NEST" ? values.nest : values.jax,
  );
  return simulators.length > 0 ? await compareAll(simulators) : measureAll();
}

const report =
  values.from === undefined ? await newReport() : (JSON.parse(readFileSync(values.from, "utf8")) as Report);
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
for (const page of values.markdown ?? []) {
  writeFileSync(page, await fillPage(page, readFileSync(page, "utf8"), report));
}
