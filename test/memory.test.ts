import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";

/** Simulates a network in a process of its own; gives the bytes it was said to take and those it took. */
function measure(neurons: number, steps: number, batch: number): { said: number; took: number } {
  const script = `
    import { readFileSync } from "node:fs";
    import { Kernel } from "./dist/nest/index.js";
    const status = (name) => 1024 * Number(new RegExp(name + ":\\\\s+(\\\\d+)").exec(readFileSync("/proc/self/status", "utf8"))[1]);
    const [n, steps, batch] = ${JSON.stringify([neurons, steps, batch])};
    const kernel = new Kernel();
    const length = { eprop_update_interval: steps, eprop_learning_window: steps };
    kernel.set({ resolution: 1, ...length, local_num_threads: 1 });
    const before = status("VmRSS");
    const input = kernel.Create("spike_generator", n, {
      spike_times: Float64Array.from({ length: (steps * batch) / 20 }, (_, at) => 2 + at * 20),
    });
    const rec = kernel.Create("eprop_iaf_bsshslm_2020", n, { V_th: 0.03, E_L: 0, V_m: 0, C_m: 1, tau_m: 30 });
    const out = kernel.Create("eprop_readout_bsshslm_2020", 2);
    kernel.SetDefaults("eprop_synapse_bsshslm_2020", { optimizer: { type: "adam", batch_size: batch } });
    const plastic = { synapse_model: "eprop_synapse_bsshslm_2020", delay: 1 };
    kernel.Connect(input, rec, "all_to_all", { ...plastic, weight: 0.01 / n });
    kernel.Connect(rec, rec, "all_to_all", { ...plastic, weight: 0 });
    kernel.Connect(rec, out, "all_to_all", { ...plastic, weight: 0 });
    const said = kernel.memory().total;
    kernel.Simulate(steps * batch + 10);
    console.log(JSON.stringify({ said, took: status("VmHWM") - before }));
  `;
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    encoding: "utf8",
  });
  if (stdout === "") throw new Error(stderr);
  return JSON.parse(stdout) as { said: number; took: number };
}

describe.runIf(process.platform === "linux")("the memory a simulation takes", () => {
  it.each([
    [1500, 200, 2],
    [1000, 1000, 8],
    [2000, 100, 1],
  ])("is known before: %i neurons, %i steps, batch %i", (neurons, steps, batch) => {
    const { said, took } = measure(neurons, steps, batch);
    expect(Math.abs(said - took) / took, `said ${said}, took ${took}`).toBeLessThan(0.2);
  });
});
