// Ranks whose programs differ, and what they are told: run by test/mpi.test.ts with two ranks. Arguments: the package's
// address, and whether rank 1 ends at once (`throws`, `ends`) or all go on (`told`).
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

const [, , address, how] = process.argv;
const { mpi, Kernel } = await import(address);
const world = await mpi.connect();
const differs = world.rank === 1;
const error = (work) => work.then(String, ({ code, message }) => `${code}: ${message}`);

/** A small network with one value that is another at rank 1. */
async function simulated(options, change) {
  const kernel = new Kernel({ world, ...options });
  kernel.set({ resolution: 1, eprop_update_interval: 20, eprop_learning_window: 20 });
  const given = kernel.Create("spike_generator", 1, {
    spike_times: change === "spike_times" && differs ? [3] : [2],
  });
  const neurons = kernel.Create("eprop_iaf_bsshslm_2020", 4);
  const readout = kernel.Create("eprop_readout_bsshslm_2020", 1);
  const plastic = { synapse_model: "eprop_synapse_bsshslm_2020", delay: 1, weight: 50 };
  if (differs && change === "eta")
    kernel.SetDefaults("eprop_synapse_bsshslm_2020", { optimizer: { eta: 0.5 } });
  kernel.Connect(given, neurons, "all_to_all", plastic);
  const [from, onto] =
    differs && change === "sources" ? [neurons.slice(0, 3), neurons.slice(0, 3)] : [neurons, neurons];
  if (change === "sources") kernel.Connect(from, onto, "all_to_all", plastic);
  kernel.Connect(neurons, readout, "all_to_all", plastic);
  if (differs && change === "V_th") neurons.set({ V_th: -50 });
  if (differs && change === "learning window") kernel.set({ eprop_learning_window: 10 });
  if (differs && change === "copied") kernel.CopyModel("static_synapse", "copied");
  // Each rank may have its own.
  kernel.set({ local_num_threads: 1 + world.rank });
  return error(kernel.SimulateAsync(60));
}

if (how === "told") {
  const told = {};
  for (const share of ["neurons", undefined]) {
    for (const change of ["V_th", "spike_times", "eta", "learning window", "copied", "sources", "nothing"]) {
      const options = share === undefined ? {} : { share };
      told[`${change}, ${share ?? "sequences"}`] = await simulated(options, change);
    }
  }
  told.calls = await error(differs ? world.barrier() : world.gather(1));
  const kernel = new Kernel({ world, share: "neurons" });
  kernel.Create("eprop_iaf_bsshslm_2020", 4);
  const folder = await world.broadcast(differs ? undefined : mkdtempSync(join(tmpdir(), "eprop-apart-")));
  told.file = await error(kernel.save(join(folder, "state")));
  kernel.ResetKernel();
  told.reset = kernel.GetLocalNodeCollection(kernel.Create("eprop_iaf_bsshslm_2020", 4)).length;
  told.values = [kernel.get("mpi_rank"), kernel.get("num_processes")].join();
  told.files = await error((async () => kernel.Create("spike_recorder", 1, { record_to: "ascii" }))());
  const all = await world.gather(told);
  if (!differs) console.log(JSON.stringify(all));
  await world.close();
} else if (how === "throws") {
  try {
    if (differs) throw new Error("an error of the program");
    await world.gather(1);
  } finally {
    await world[Symbol.asyncDispose]();
  }
} else if (!differs) {
  await world.gather(1);
  await world.close();
}
