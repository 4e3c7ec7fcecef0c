/** The packed packages on ranks of every MPI that is installed; `npm run -s ranks` does all tasks and numbers of ranks. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launchers } from "./mpi/launchers.js";
import { Consumer } from "./mpi/packed.js";

const installed = launchers.filter(({ isInstalled }) => isInstalled);
const tasks = ["sine-waves", "evidence-accumulation", "store-recall"];

describe.skipIf(installed.length === 0)("eprop from its packed files, without a compiler,", () => {
  let consumer: Consumer;
  let expected: string;
  beforeAll(() => {
    consumer = new Consumer();
    expected = consumer.alone(...tasks);
  }, 300_000);
  afterAll(() => consumer[Symbol.dispose](), 60_000);

  it("finds neither cargo nor rustc", () => {
    expect([consumer.has("node"), consumer.has("cargo"), consumer.has("rustc")]).toEqual([
      true,
      false,
      false,
    ]);
  });
  it.each(installed)("$name: trains with the bits of one process", async (launcher) => {
    for (const [ranks, threads] of [
      [2, 1],
      [3, 2],
    ] as const) {
      expect(await consumer.onRanks(launcher, ranks, threads, "tasks.mjs", "ranks", ...tasks)).toBe(expected);
    }
  });
  it.each(installed)("$name: 3 ranks have NEST's numbers", async (launcher) => {
    const filter = ["--filter", "^bsshslm-(iaf|adapt)"];
    const said = await consumer.onRanks(launcher, 3, 1, "run.js", "cases", "--ranks", ...filter);
    expect(said).toMatch(/^[1-9]\d* passed, 0 failed, 3 ranks$/m);
  });
});
