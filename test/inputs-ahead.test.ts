/** The next iteration's inputs are drawn while the present one is simulated, and nothing shows it but the clock. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { NESTErrors, type Task, Trainer, tasks } from "../ts/index.js";

const folder = mkdtempSync(join(tmpdir(), "eprop-inputs-ahead-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A task of long iterations, with something done before each draws its inputs. */
function watched(before: (drawn: number) => void, options = { iterations: 5, batchSize: 8 }): Task {
  const task = tasks.storeRecall(options);
  const next: Task["next"] = (split, drawn, signal) => {
    before(drawn.training + drawn.test);
    return task.next(split, drawn, signal);
  };
  return { ...task, next };
}

/** What iterations are compared by. */
const figures = ({ iteration, loss, error }: { iteration: number; loss: number; error?: number }) => [
  iteration,
  loss,
  error,
];

async function trained(trainer: Trainer) {
  const all: unknown[] = [];
  for await (const iteration of trainer) all.push(figures(iteration));
  const { weights } = trainer.result();
  await trainer.close();
  return { all, weights: weights.after };
}

it("are drawn while the kernel is busy, and no earlier than that", async () => {
  const busy: boolean[] = [];
  const trainer = new Trainer(
    watched(() => {
      try {
        trainer.network.kernel.get("biological_time");
        busy.push(false);
      } catch (error) {
        expect(error).toBeInstanceOf(NESTErrors.KernelException);
        busy.push(true);
      }
    }),
  );
  const drawnAt: number[] = [];
  for await (const _ of trainer) drawnAt.push(busy.length);
  await trainer.close();
  // Nothing is simulated before the first one. A simulation may be over before the others begin, but not each time.
  expect([busy.length, busy[0]]).toEqual([9, false]);
  expect(busy).toContain(true);
  // Who holds an iteration has the generator as it was after the one that is simulated next.
  expect(drawnAt.slice(0, 3)).toEqual([2, 3, 4]);
});

it("fail in the place where they are wanted, and are drawn again by who tries again", async () => {
  const undisturbed = await trained(new Trainer(watched(() => undefined)));
  let failures = 0;
  const trainer = new Trainer(
    watched((drawn) => {
      if (drawn === 3 && failures++ === 0) throw new Error("the disk is gone");
    }),
  );
  const all: unknown[] = [];
  const said: string[] = [];
  for (;;) {
    try {
      const iteration = await trainer.next();
      if (iteration === undefined) break;
      all.push(figures(iteration));
    } catch (error) {
      said.push(`${all.length}: ${(error as Error).message}`);
    }
  }
  expect(said).toEqual(["2: the disk is gone"]);
  expect({ all, weights: trainer.result().weights.after }).toEqual(undisturbed);
  await trainer.close();
});

it("are taken back where a request to finish makes them void", async () => {
  const options = { iterations: 40 };
  const undisturbed = await trained(new Trainer(tasks.sineWaves(options)));
  const finish = new AbortController();
  const path = join(folder, "finished.checkpoint");
  const trainer = new Trainer(tasks.sineWaves(options), {
    finish: finish.signal,
    checkpoint: { path },
    // Iterations up to the next snapshot of weights are simulated together, so that several are drawn ahead.
    record: true,
  });
  const all: unknown[] = [];
  for await (const iteration of trainer) {
    all.push(figures(iteration));
    // While the next ones are simulated, and those after them are drawn.
    if (iteration.iteration === 3) setImmediate(() => finish.abort());
  }
  expect(trainer.ending).toBe("request");
  await trainer.close();
  const resumed = await trained(await Trainer.resume(path));
  const kept = all.slice(0, undisturbed.all.length - resumed.all.length);
  expect([...kept, ...resumed.all]).toEqual(undisturbed.all);
  expect(resumed.weights).toEqual(undisturbed.weights);
});

it.each([tasks.evidenceAccumulation, tasks.storeRecall, tasks.delayedMatch])(
  "are those of all together where each rank draws a part (%#)",
  async (make) => {
    const batchSize = 5;
    const [whole, ...parts] = [undefined, [0, 2], [2, 2], [2, 5]].map((part) => ({
      part,
      task: make({ batchSize, seed: 7 }),
    }));
    const drawn = { training: 0, validation: 0, test: 0 };
    for (let iteration = 0; iteration < 2; iteration++) {
      const all = await whole?.task.next("training", drawn);
      const spikes: number[] = [];
      for (const { task, part } of parts) {
        const sequences = { begin: part?.[0] ?? 0, end: part?.[1] ?? 0 };
        const data = await task.next("training", drawn, undefined, sequences);
        expect(data.sequences).toEqual(sequences);
        expect([data.labels, data.targets]).toEqual([all?.labels, all?.targets]);
        spikes.push(...data.spikes);
        expect(task.random.state).toEqual(whole?.task.random.state);
      }
      expect(spikes.length).toBeGreaterThan(1000);
      expect(spikes).toEqual(Array.from(all?.spikes ?? []));
    }
  },
);

it("leave no task at work that is closed or stopped in between", async () => {
  const stop = new AbortController();
  let given: AbortSignal | undefined;
  const task = watched(() => undefined);
  const next: Task["next"] = (split, drawn, signal) => {
    if (drawn.training < 2) return task.next(split, drawn, signal);
    // Never ready by itself.
    given = signal;
    stop.abort(new Error("enough"));
    return new Promise((_, reject) => {
      signal?.addEventListener("abort", () => reject(signal.reason as Error));
      if (signal?.aborted) reject(signal.reason as Error);
    });
  };
  const trainer = new Trainer({ ...task, next }, { signal: stop.signal });
  await trainer.next();
  await expect(trainer.next()).rejects.toThrow("enough");
  expect(given?.aborted).toBe(true);
  await trainer.close();
});
