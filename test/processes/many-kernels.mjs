// Makes and drops a thousand kernels, in one of several ways, and says how memory went (bytes).
import { setTimeout as sleep } from "node:timers/promises";
import { Kernel } from "../../dist/index.js";

const [how, count] = [process.argv[2], Number(process.argv[3])];

async function makeAndDrop() {
  const kernel = new Kernel();
  kernel.set({ resolution: 1, eprop_update_interval: 20, eprop_learning_window: 20 });
  const input = kernel.Create("spike_generator", 100, { spike_times: [3, 5, 9] });
  const rec = kernel.Create("eprop_iaf_bsshslm_2020", 100, { V_th: 0.03 });
  const out = kernel.Create("eprop_readout_bsshslm_2020", 2);
  const recorder = kernel.Create("multimeter", 1, { record_from: ["V_m"] });
  const plastic = { synapse_model: "eprop_synapse_bsshslm_2020", delay: 1, weight: 0.01 };
  kernel.Connect(input, rec, "all_to_all", plastic);
  kernel.Connect(rec, rec, "all_to_all", plastic);
  kernel.Connect(rec, out, "all_to_all", plastic);
  kernel.Connect(recorder, rec);
  if (how === "dropped") kernel.Simulate(60);
  else await kernel.SimulateAsync(60);
  if (how === "closed") await kernel.close();
}

const resident = async () => {
  for (let at = 0; at < 3; at++) {
    globalThis.gc();
    await sleep(20);
  }
  return process.memoryUsage().rss;
};

for (let at = 0; at < 500; at++) {
  await makeAndDrop();
  await sleep(0);
}
const before = await resident();
for (let at = 0; at < count; at++) {
  await makeAndDrop();
  // Finalizers have their turn between turns of the event loop.
  await sleep(0);
}
console.log(JSON.stringify({ before, after: await resident() }));
