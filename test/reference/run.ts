/**
 * Compares all tutorials as scripts, and as tasks those that need data from outside, with NEST's recorded losses:
 * `npm run -s reference -- [--handwriting FILE] [--n-mnist DIR --blocklist FILE]`. Exit code 1 if one deviates.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { compileExamples, deviation, printedBy } from "../examples/scripts.js";
import { type Task, tasks, trainToEnd } from "../../ts/index.js";

const { values } = parseArgs({
  options: { handwriting: { type: "string" }, "n-mnist": { type: "string" }, blocklist: { type: "string" } },
});

interface Recorded {
  loss?: number[];
  results?: { loss: number[]; error: number[] };
}
const recorded = JSON.parse(readFileSync("test/reference/losses.json", "utf8")) as Record<string, Recorded>;

/** How much is compared, and by which gradient. */
interface Extent {
  gradient?: "adjoint" | "forward";
  /** Iterations that are compared; all if left out. */
  first?: number;
}

async function compare(
  name: string,
  task: Task,
  { gradient = "adjoint", first }: Extent = {},
): Promise<boolean> {
  const { iterations } = await trainToEnd(task, { gradient });
  const losses = recorded[name]?.loss ?? recorded[name]?.results?.loss ?? [];
  const expected = losses.slice(0, first);
  const most = expected.reduce(
    (largest, loss, at) => Math.max(largest, Math.abs((iterations[at]?.loss ?? Number.NaN) - loss) / loss),
    0,
  );
  const held = recorded[name]?.results?.error.slice(0, first);
  const errors = held?.every((error, at) => error === iterations[at]?.error) ?? true;
  const ok = most <= 1e-9 && errors && iterations.length === losses.length;
  console.log(`${ok ? "ok" : "FAIL"} ${name} (${gradient}) ${most.toExponential(1)}`);
  return ok;
}

const outcomes: boolean[] = [];
if (values.handwriting !== undefined) {
  outcomes.push(
    await compare("handwriting", tasks.handwriting({ seed: 1, iterations: 10, data: values.handwriting })),
  );
}
if (values["n-mnist"] !== undefined) {
  const options = { seed: 1, iterations: 4, testIterations: 1, groupSize: 20, data: values["n-mnist"] };
  const task = tasks.nMnist({
    ...options,
    ...(values.blocklist !== undefined && { blocklist: values.blocklist }),
  });
  outcomes.push(await compare("n-mnist", task, { gradient: "forward" }));
  // Another order of rounding: a spike differs in the end, and all that follows.
  outcomes.push(await compare("n-mnist", task, { first: 3 }));
}
// The same as scripts, carried over line by line.
compileExamples();
const scripts: [string, (string | number)[], number[]][] = [
  ["sine-waves", [10], recorded["sine-waves"]?.loss ?? []],
  ["sine-waves-plus", [10], recorded["sine-waves-plus"]?.loss ?? []],
  ["lemniscate", [10], recorded["lemniscate"]?.loss ?? []],
  ["evidence-accumulation", [4, 8, 2], recorded["evidence-accumulation"]?.results?.loss ?? []],
];
if (values.handwriting !== undefined) {
  scripts.push(["handwriting", [10, values.handwriting], recorded["handwriting"]?.loss ?? []]);
}
if (values["n-mnist"] !== undefined && values.blocklist !== undefined) {
  const losses = recorded["n-mnist"]?.results?.loss.slice(0, 3) ?? [];
  scripts.push(["n-mnist", [4, values["n-mnist"], values.blocklist, 20, 1], losses]);
}
for (const [name, args, expected] of scripts) {
  const most = deviation(printedBy(`nest/${name}`, ...args)("loss"), expected);
  const ok = expected.length > 0 && most <= 1e-9;
  console.log(`${ok ? "ok" : "FAIL"} examples/nest/${name} ${most.toExponential(1)}`);
  outcomes.push(ok);
}
const failed = outcomes.filter((ok) => !ok).length;
console.log(`${outcomes.length - failed} passed, ${failed} failed`);
process.exitCode = failed > 0 || outcomes.length === 0 ? 1 : 0;
