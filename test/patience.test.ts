/** Training that ends where validations get no better, with the weights of the best one. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { type Iteration, NESTErrors, Trainer, tasks } from "../ts/index.js";

const folder = mkdtempSync(join(tmpdir(), "eprop-patience-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Steps are far too large, so that validations soon get worse. */
const options = {
  iterations: 40,
  batchSize: 4,
  validateEvery: 1,
  earlyStop: false,
  testIterations: 2,
  parameters: { n_rec: 20, eta: 0.05, values: 2, length: 20 },
} as const;
const create = (patience: number) => tasks.storeRecall({ ...options, patience });

/** The weights of a training now, as bytes of each projection. */
const weightsOf = (trainer: Trainer) =>
  Object.fromEntries(
    trainer.network.built.plastic.map(({ name }) => [name, [...trainer.network.built.weights(name).data]]),
  );

/** Trains, saved and resumed after a few iterations where that is asked for; what it leaves and did. */
async function trained(patience: number, saveAt?: number) {
  let trainer = new Trainer(create(patience), { threads: 1 });
  const all: Omit<Iteration, "ms">[] = [];
  const weights: ReturnType<typeof weightsOf>[] = [];
  for (;;) {
    const iteration = await trainer.next();
    if (iteration === undefined) break;
    const { ms: _ms, ...rest } = iteration;
    all.push(rest);
    weights.push(weightsOf(trainer));
    if (iteration.iteration !== saveAt) continue;
    const path = join(folder, `${saveAt}.checkpoint`);
    await trainer.save(path);
    await trainer.close();
    trainer = await Trainer.resume(path);
  }
  const { best, ended } = trainer.result();
  await trainer.close();
  return { all, weights, best, ended };
}

it("ends after as many validations as it has patience for, and goes back to the best one", async () => {
  const undisturbed = await trained(0);
  expect([undisturbed.ended, undisturbed.best]).toEqual(["schedule", undefined]);
  const { all, weights, best, ended } = await trained(3);
  expect(ended).toBe("early-stopping");
  const validations = all.filter(({ phase }) => phase === "validation");
  expect(validations.length).toBeLessThan(options.iterations);
  const least = Math.min(...validations.map(({ loss }) => loss));
  const at = validations.findIndex(({ loss }) => loss === least);
  expect(best).toEqual({ iteration: validations[at]?.iteration, loss: least });
  expect(validations.length - 1 - at).toBe(3);
  // Up to the end of training it is the same training; the weights in the end are those of the best validation.
  const upTo = all.findIndex(({ phase }) => phase === "test");
  expect(all.slice(0, upTo)).toEqual(undisturbed.all.slice(0, upTo));
  expect(all.slice(upTo).map(({ phase }) => phase)).toEqual(["test", "test"]);
  const ofBest = undisturbed.weights[(best?.iteration ?? 0) - 1];
  expect(weights.at(-1)).toEqual(ofBest);
  expect(undisturbed.weights.at(-1)).not.toEqual(ofBest);
  // Wherever it is saved and goes on.
  for (const saveAt of [1, best?.iteration ?? 0, upTo - 1, upTo + 1]) {
    const resumed = await trained(3, saveAt);
    expect({ ...resumed, weights: resumed.weights.at(-1) }).toEqual({
      all,
      best,
      ended,
      weights: weights.at(-1),
    });
  }
});

it("goes back to the best validation at the planned end, too", async () => {
  const { best, weights, ended } = await trained(1000);
  const undisturbed = await trained(0);
  expect(ended).toBe("schedule");
  expect(weights.at(-1)).toEqual(undisturbed.weights[(best?.iteration ?? 0) - 1]);
});

it("needs validations, and a whole number of them", () => {
  expect(() => tasks.sineWaves({ patience: 2 })).toThrow(NESTErrors.BadParameterValue);
  expect(() => tasks.sineWaves({ patience: 2 })).toThrow(/patience.*value 2.*validateEvery above 0/);
  expect(() => create(-1)).toThrow(/patience.*value -1/);
  expect(() => create(1.5)).toThrow(/patience.*value 1\.5/);
});

it("is an option of the command, and its best validation stands in run.json", () => {
  const out = join(folder, "run");
  const set = Object.entries(options.parameters).flatMap(([name, value]) => ["--set", `${name}=${value}`]);
  const run = ["--iterations", "40", "--batch-size", "4", "--validate-every", "1", "--no-early-stop"];
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["dist/cli/bin.js", "train", "store-recall", ...run, ...set, "--patience", "2", "--out", out, "--quiet"],
    { encoding: "utf8" },
  );
  expect(status, stderr).toBe(0);
  const { best, ended, results } = JSON.parse(readFileSync(join(out, "run.json"), "utf8")) as {
    best: { iteration: number; loss: number };
    ended: string;
    results: { label: string[]; loss: number[] };
  };
  expect(ended).toBe("early-stopping");
  const kept = `those of iteration ${best.iteration}, the validation with the smallest loss`;
  expect(stdout).toContain(`weights: ${kept}`);
  expect(results.label).toContain("test");
  expect(stdout).toMatch(/^weights: .*; test iterations ran with the last ones$/m);
  expect(readFileSync(join(out, "report.html"), "utf8")).toContain(kept);
  expect(best.loss).toBe(Math.min(...results.loss.filter((_, at) => results.label[at] === "validation")));
});
