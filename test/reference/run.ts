/**
 * Compares the tutorials that need data from outside with NEST's recorded losses:
 * `npm run -s reference -- [--handwriting FILE] [--n-mnist DIR --blocklist FILE]`. Exit code 1 if one deviates.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { type Task, tasks, trainToEnd } from "../../ts/index.js";

const { values } = parseArgs({
  options: { handwriting: { type: "string" }, "n-mnist": { type: "string" }, blocklist: { type: "string" } },
});

interface Recorded {
  loss?: number[];
  results?: { loss: number[]; error: number[] };
}
const recorded = JSON.parse(readFileSync("test/reference/losses.json", "utf8")) as Record<string, Recorded>;

async function compare(name: string, task: Task): Promise<boolean> {
  const { iterations } = await trainToEnd(task);
  const expected = recorded[name]?.loss ?? recorded[name]?.results?.loss ?? [];
  const deviation = expected.reduce(
    (most, loss, at) => Math.max(most, Math.abs((iterations[at]?.loss ?? Number.NaN) - loss) / loss),
    0,
  );
  const errors = recorded[name]?.results?.error.every((error, at) => error === iterations[at]?.error) ?? true;
  const ok = deviation <= 1e-9 && errors && iterations.length === expected.length;
  console.log(`${ok ? "ok" : "FAIL"} ${name} ${deviation.toExponential(1)}`);
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
  outcomes.push(await compare("n-mnist", task));
}
const failed = outcomes.filter((ok) => !ok).length;
console.log(`${outcomes.length - failed} passed, ${failed} failed`);
process.exitCode = failed > 0 || outcomes.length === 0 ? 1 : 0;
