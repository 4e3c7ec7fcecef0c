import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

/** Tests of how long something takes or what a process holds: one at a time, with nothing beside them. */
const alone = [
  "async",
  "live",
  "memory",
  "mpi",
  "observer",
  "pauses",
  "queue",
  "run-claims",
  "soak",
  "start-up",
].map((name) => `test/${name}.test.ts`);

const shared = { testTimeout: 60_000, hookTimeout: 60_000, pool: "forks" } as const;

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...shared,
          name: "side by side",
          include: ["test/**/*.test.ts"],
          exclude: alone,
          // On two processors there would be only one.
          maxWorkers: Math.max(2, availableParallelism() - 1),
          sequence: { groupOrder: 0 },
        },
      },
      { test: { ...shared, name: "alone", include: alone, maxWorkers: 1, sequence: { groupOrder: 1 } } },
    ],
  },
});
