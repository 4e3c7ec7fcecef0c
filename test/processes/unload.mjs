// Ends workers, or the process, while kernels are being simulated.
import { Worker, isMainThread, parentPort, workerData } from "node:worker_threads";
import { Kernel } from "../../dist/index.js";

/** A kernel that is simulated for hours. */
function busy() {
  const kernel = new Kernel();
  kernel.set({ resolution: 1, eprop_update_interval: 1000, eprop_learning_window: 1000 });
  const rec = kernel.Create("eprop_iaf_bsshslm_2020", 400, { I_e: 400 });
  const out = kernel.Create("eprop_readout_bsshslm_2020", 1);
  const plastic = { synapse_model: "eprop_synapse_bsshslm_2020", delay: 1 };
  kernel.Connect(rec, rec, "all_to_all", plastic);
  kernel.Connect(rec, out, "all_to_all", plastic);
  kernel.SimulateAsync(1e9).catch(() => {});
}

const how = isMainThread ? process.argv[2] : workerData;
if (isMainThread && how !== "exit") {
  const workers = Array.from({ length: 4 }, () => new Worker(new URL(import.meta.url), { workerData: how }));
  await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once("message", resolve))));
  await new Promise((resolve) => setTimeout(resolve, 50));
  const begin = performance.now();
  if (how === "terminate") await Promise.all(workers.map((worker) => worker.terminate()));
  else process.exitCode = 0;
  console.log(performance.now() - begin);
  if (how !== "terminate") process.exit();
} else {
  for (let at = 0; at < 2; at++) busy();
  parentPort?.postMessage("busy");
  if (isMainThread) setTimeout(() => process.exit(), 50);
}
