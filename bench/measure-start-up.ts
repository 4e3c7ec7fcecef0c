import type * as eprop from "../ts/index.js";
import type { Measurement, Settings, StartUpRun } from "./case.js";

/** The package as it is installed. */
const load = () => import(new URL("../../dist/index.js", import.meta.url).href) as Promise<typeof eprop>;

const started = {
  /** Milliseconds until the package can be used. */
  async import(): Promise<number> {
    const begin = performance.now();
    await load();
    return performance.now() - begin;
  },

  /** Milliseconds that the first call of `Simulate` takes. */
  async "first-simulate"({ threads }: Settings): Promise<number> {
    const { nest } = await load();
    const steps = 100;
    const batch = 2 * threads;
    nest.set({
      resolution: 1,
      eprop_update_interval: steps,
      eprop_learning_window: steps,
      local_num_threads: threads,
    });
    const input = nest.Create("spike_generator", 10, { spike_times: Float64Array.of(5, 10, 20, 50) });
    const rec = nest.Create("eprop_iaf_bsshslm_2020", 20, { V_th: 0.03, E_L: 0, V_m: 0, C_m: 1 });
    const out = nest.Create("eprop_readout_bsshslm_2020", 2);
    nest.SetDefaults("eprop_synapse_bsshslm_2020", { optimizer: { type: "adam", batch_size: batch } });
    const plastic = { synapse_model: "eprop_synapse_bsshslm_2020", weight: 0.05, delay: 1 } as const;
    const feedback = { synapse_model: "eprop_learning_signal_connection_bsshslm_2020", weight: 1 } as const;
    nest.Connect(input, rec, "all_to_all", plastic);
    nest.Connect(rec, rec, "all_to_all", plastic);
    nest.Connect(rec, out, "all_to_all", plastic);
    nest.Connect(out, rec, "all_to_all", { ...feedback, delay: 1 });
    const begin = performance.now();
    nest.Simulate(steps * batch + 10);
    return performance.now() - begin;
  },
};

/** Starts once; several processes make a measurement. */
export async function measure({ what }: StartUpRun, settings: Settings): Promise<Measurement> {
  const cpu = process.cpuUsage();
  const begin = performance.now();
  const cold = await started[what](settings);
  const { user, system } = process.cpuUsage(cpu);
  return {
    cold,
    warm: [],
    busy: (user + system) / 1e3 / (performance.now() - begin),
    peak: process.resourceUsage().maxRSS * 1024,
  };
}
