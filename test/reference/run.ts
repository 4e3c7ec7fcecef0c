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
  const deviation = expected.reduce(
    (most, loss, at) => Math.max(most, Math.abs((iterations[at]?.loss ?? Number.NaN) - loss) / loss),
    0,
  );
  const held = recorded[name]?.results?.error.slice(0, first);
  const errors = held?.every((error, at) => error === iterations[at]?.error) ?? true;
  const ok = deviation <= 1e-9 && errors && iterations.length === losses.length;
  console.log(`${ok ? "ok" : "FAIL"} ${name} (${gradient}) ${deviation.toExponential(1)}`);
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
const failed = outcomes.filter((ok) => !ok).length;
console.log(`${outcomes.length - failed} passed, ${failed} failed`);
process.exitCode = failed > 0 || outcomes.length === 0 ? 1 : 0;
