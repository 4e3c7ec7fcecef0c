import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { Kernel } from "../ts/index.js";

const folder = mkdtempSync(join(tmpdir(), "eprop-limits-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A kernel with neurons that have something to do for ever. */
function endless(): Kernel {
  const kernel = new Kernel();
  kernel.set({ resolution: 1 });
  kernel.Create("eprop_iaf", 10);
  return kernel;
}

/** The longest simulation that is begun (ms). */
const longest = 1e13;

describe("a simulation without an end", () => {
  it("is refused where no machine would see it", () => {
    expect(() => endless().Simulate(9e15)).toThrow(/too long/);
  });
  it("stops with its signal", async () => {
    await expect(endless().SimulateAsync(longest, { signal: AbortSignal.timeout(50) })).rejects.toThrow(
      expect.objectContaining({ name: "TimeoutError" }),
    );
  });
  it("stops with close", async () => {
    const kernel = endless();
    const simulation = kernel.SimulateAsync(longest);
    await kernel.close();
    await expect(simulation).rejects.toMatchObject({ code: "Aborted" });
  });
  it("is not begun with a signal that cannot be listened to", async () => {
    const kernel = endless();
    const { signal } = new AbortController();
    signal.addEventListener = () => {
      throw new Error("deaf");
    };
    await expect(kernel.SimulateAsync(longest, { signal })).rejects.toThrow("deaf");
    kernel.Simulate(5);
    expect(kernel.get("biological_time")).toBe(5);
    await kernel.close();
  });
  it("closes while a report of its progress never settles", async () => {
    const kernel = endless();
    let tell = () => {};
    const told = new Promise<void>((resolve) => (tell = resolve));
    const simulation = kernel.SimulateAsync(longest, {
      onProgress: () => {
        tell();
        return new Promise(() => {});
      },
    });
    simulation.catch(() => {});
    await told;
    await kernel.close();
    expect(() => kernel.Simulate(1)).toThrow(/closed/);
  });
});

describe.runIf(process.platform === "linux")("a place where nothing can be made", () => {
  const train = (out: string) =>
    spawnSync(
      process.execPath,
      ["dist/cli/main.js", "train", "sine-waves", "--iterations", "1", "--out", out],
      { encoding: "utf8", timeout: 30_000 },
    );
  const file = join(folder, "file");
  writeFileSync(file, "");

  it.each(["/proc/run", "/proc/x/y", "/dev/null/run", join(file, "run")])(
    "is refused before any work: %s",
    (out) => {
      const { status, stderr } = train(out);
      expect(status).toBe(1);
      expect(stderr).toMatch(/the run folder .* cannot be written.*a folder that can be made/);
      expect(existsSync(out)).toBe(false);
    },
  );
  it("is no file that a kernel is saved over", async () => {
    await expect(endless().save("/dev/null")).rejects.toThrow(/cannot be written/);
    await expect(endless().save("/proc/kernel")).rejects.toThrow(/cannot be written/);
  });
});
