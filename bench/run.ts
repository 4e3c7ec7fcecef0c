/**
 * What eprop costs, against what: `npm run -s bench -- [--json FILE] [--quick] [--only NAME] [--n-mnist DIR]`.
 *
 * The tutorials at their own size (against NEST's recorded times and the forward gradient of the same run), a batch as
 * in the spoken-digits data set, and how cost grows.
 */
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { type Cost, type Settings, nMnistCase, spokenDigits, taskCost, tutorials } from "./cases.js";
import { measureMachine } from "./machine.js";
import { nestTimes } from "./nest-times.js";

const { values } = parseArgs({
  options: {
    json: { type: "string" },
    quick: { type: "boolean", default: false },
    only: { type: "string" },
    "n-mnist": { type: "string" },
    blocklist: { type: "string" },
  },
});
const quick = values.quick ?? false;
const wanted = (name: string) => values.only === undefined || name.includes(values.only);

interface Line extends Cost {
  name: string;
  threads: number;
  forward?: number;
  nest?: number;
  peakMB: number;
}

const lines: Line[] = [];
const number = (value: number, digits = 2) => (Number.isFinite(value) ? value.toFixed(digits) : "");

function report(
  name: string,
  { threads }: Settings,
  cost: Cost,
  more: { forward?: number; nest?: number } = {},
): void {
  const line: Line = { name, threads, ...cost, ...more, peakMB: process.resourceUsage().maxRSS / 1024 };
  lines.push(line);
  process.stdout.write(
    `| ${[
      name,
      threads,
      number(cost.ms),
      number((cost.ms * 1e6) / cost.neuronSteps),
      number((cost.ms * 1e6) / cost.synapticEvents),
      number(cost.synapseSteps / cost.ms / 1e6, 1),
      more.forward === undefined ? "" : `${number(more.forward / cost.ms, 1)} ×`,
      more.nest === undefined ? "" : `${number(more.nest / cost.ms, 0)} ×`,
      number(line.peakMB, 0),
    ].join(" | ")} |\n`,
  );
}

const machine = measureMachine();
process.stdout.write(
  `${machine.processor}, ${machine.cores} cores, ${machine.instructions}, copies ${number(machine.bandwidth / 1e9, 1)} GB/s\n\n` +
    "| case | threads | ms | ns / neuron-step | ns / synaptic event | 10^9 synapse-steps / s | against forward | against NEST | peak MB |\n" +
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
);

const all = cpus().length;
const cases = [...tutorials, ...(values["n-mnist"] ? [nMnistCase(values["n-mnist"], values.blocklist)] : [])];
for (const { name, make, per } of cases.filter((tutorial) => wanted(tutorial.name))) {
  const nest = nestTimes[name];
  const plus = ["sine-waves-plus", "moving digits", "n-mnist"].includes(name);
  const one = await taskCost(make(), { threads: 1 }, per);
  const short = { ...make(), schedule: { ...make().schedule, iterations: 2 } };
  const forward =
    plus || quick ? undefined : (await taskCost(short, { threads: 1, gradient: "forward" }, per)).ms;
  report(name, { threads: 1 }, one, {
    ...(forward !== undefined && { forward }),
    ...(nest !== undefined && { nest }),
  });
  if (!plus) {
    report(name, { threads: all }, await taskCost(make(), { threads: all }, per), {
      ...(nest !== undefined && { nest }),
    });
  }
}
const batch = quick ? 32 : 512;
for (const neurons of quick ? [256] : [256, 512, 1024]) {
  const name = `spoken digits, ${neurons} neurons, batch ${batch}`;
  if (wanted(name))
    report(name, { threads: all }, spokenDigits({ neurons, batch, steps: 1370 }, { threads: all }));
}
const base = { neurons: 256, batch: 16, steps: 1000 };
const series = [
  ...[64, 128, 256, 512, 1024].map((neurons) => [`neurons ${neurons}`, { ...base, neurons }, 1] as const),
  ...[250, 500, 1000, 2000, 4000].map((steps) => [`steps ${steps}`, { ...base, steps }, 1] as const),
  ...[4, 8, 16, 32, 64].map((size) => [`batch ${size}`, { ...base, batch: size }, 1] as const),
  ...[1, 2].map((threads) => [`threads ${threads}`, base, threads] as const),
];
if (!quick) {
  for (const [name, size, threads] of series.filter(([one]) => wanted(one))) {
    report(name, { threads }, spokenDigits(size, { threads }));
  }
}
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ machine, lines }, null, 2)}\n`);
