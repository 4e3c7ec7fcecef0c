import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { mpi } from "../../ts/index.js";
import { type Outcome, type Settings, readBadInputs, readCases, refuse, replay } from "./replay.js";

const usage =
  "usage: npm run -s conformance -- DIR [--json FILE] [--gradient forward|adjoint] [--threads N] [--restore] [--filter REGEX] [--ranks]";

async function main(): Promise<number> {
  let parsed;
  try {
    parsed = parseArgs({
      allowPositionals: true,
      options: {
        json: { type: "string" },
        gradient: { type: "string" },
        threads: { type: "string" },
        restore: { type: "boolean" },
        filter: { type: "string" },
        ranks: { type: "boolean" },
      },
    });
  } catch (error) {
    console.error(`${(error as Error).message}\n${usage}`);
    return 2;
  }
  const { positionals, values } = parsed;
  const [folder] = positionals;
  const threads = values.threads === undefined ? undefined : Number(values.threads);
  const knownGradient = values.gradient === undefined || ["forward", "adjoint"].includes(values.gradient);
  if (
    folder === undefined ||
    positionals.length !== 1 ||
    !knownGradient ||
    (threads !== undefined && !(threads >= 1))
  ) {
    console.error(usage);
    return 2;
  }
  // Each rank holds its own results against NEST's; one of them tells.
  const world = values.ranks ? await mpi.connect() : undefined;
  const isFirst = world === undefined || world.rank === 0;
  const settings: Settings = {
    ...(world && { world }),
    ...(values.gradient && { gradient: values.gradient as "forward" | "adjoint" }),
    ...(threads && { threads }),
    ...(values.restore && { restore: true }),
  };
  const wanted = new RegExp(values.filter ?? "");
  let outcomes: Outcome[];
  try {
    const cases = readCases(folder).filter(({ name }) => wanted.test(name));
    const inputs = readBadInputs(folder).filter(({ about }) => wanted.test(`refused: ${about}`));
    outcomes = [];
    for (const outcome of steps(cases, inputs, settings)) {
      const { ok, name, deviation, where } = outcome;
      if (isFirst || !ok)
        console.log(`${ok ? "ok" : "FAIL"} ${name} ${deviation.toExponential(1)} ${where}`.trimEnd());
      outcomes.push(outcome);
    }
  } catch (error) {
    console.error(`${folder} cannot be read: ${(error as Error).message}`);
    return 2;
  }
  const passed = outcomes.filter(({ ok }) => ok).length;
  const failed = outcomes.length - passed;
  if (values.json && isFirst)
    writeFileSync(values.json, `${JSON.stringify({ passed, failed, outcomes }, null, 1)}\n`);
  await world?.same("results", outcomes);
  if (isFirst) console.log(`${passed} passed, ${failed} failed${world ? `, ${world.size} ranks` : ""}`);
  await world?.close();
  return failed > 0 || passed === 0 ? 1 : 0;
}

function* steps(
  cases: ReturnType<typeof readCases>,
  inputs: ReturnType<typeof readBadInputs>,
  settings: Settings,
): Generator<Outcome> {
  for (const recorded of cases) yield replay(recorded, settings);
  for (const input of inputs) yield refuse(input);
}

process.exitCode = await main();
