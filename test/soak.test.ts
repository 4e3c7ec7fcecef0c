import { spawnSync } from "node:child_process";
import { expect, it } from "vitest";

// Half an hour of it is `npm run soak`. A kernel that stayed behind after each training would take some 100 MB.
it("memory stays where it is while trainings come and go", () => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--expose-gc", "scripts/soak.mjs", "--seconds", "12", "--tolerance", "24"],
    { encoding: "utf8" },
  );
  expect(status, stdout + stderr).toBe(0);
  expect(stdout).toMatch(/memory grew by -?\d+\.\d ± \d+\.\d MB/);
});
