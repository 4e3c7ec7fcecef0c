import type { mpi } from "../ts/index.js";
import { Kernel, random } from "../ts/nest/index.js";
import { NumpyRandom } from "../ts/random/index.js";
import type { ByRuleRun, Measurement, Settings } from "./case.js";

function build(run: ByRuleRun, settings: Settings, world: mpi.World | undefined): Kernel {
  const { family, models, neurons, degree, readouts, interval, std } = run;
  const kernel = new Kernel(world && { world, share: "neurons" });
  kernel.set({
    resolution: 1,
    rng_seed: 1,
    eprop_update_interval: interval,
    eprop_learning_window: interval,
    eprop_reset_neurons_on_update: true,
    local_num_threads: settings.threads,
    ...(settings.gradient && { gradient: settings.gradient }),
    ...(settings.precision && { precision: settings.precision }),
  });
  const [first, last] = run.offsets;
  const offsets = new NumpyRandom(1).random(neurons).map((u) => first + Math.floor(u * (last + 1 - first)));
  // Names of parameters come from data here, as in NEST.
  const recurrent = kernel.Create(models.neuron, neurons, { ...run.neuron });
  recurrent.set(Array.from(offsets, (offset) => ({ ignore_and_spike_offset: offset })));
  const out = kernel.Create(models.readout, readouts, { ...run.readout });
  const targets = kernel.Create("step_rate_generator", readouts, {
    amplitude_times: [...run.target.amplitude_times],
    amplitude_values: [...run.target.amplitude_values],
  });
  kernel.SetDefaults(models.synapse, { optimizer: { ...run.optimizer } });
  const weight = random.normal({ mean: 0, std });
  const indegree = { rule: "fixed_indegree", indegree: degree } as const;
  kernel.Connect(recurrent, recurrent, indegree, { synapse_model: models.synapse, delay: 1, weight });
  kernel.Connect(recurrent, out, indegree, { synapse_model: "static_synapse", delay: 1, weight });
  kernel.Connect(
    out,
    recurrent,
    { rule: "fixed_outdegree", outdegree: degree },
    { synapse_model: models.feedback, delay: 1, weight: random.normal() },
  );
  const rate = { synapse_model: "rate_connection_delayed", delay: 1 } as const;
  kernel.Connect(targets, out, "one_to_one", { ...rate, receptor_type: 2 });
  if (family === "event") {
    const window = kernel.Create("step_rate_generator", 1, { amplitude_times: [1], amplitude_values: [1] });
    kernel.Connect(window, out, "all_to_all", { ...rate, receptor_type: 1 });
  }
  return kernel;
}

/** Simulates iterations of a network by rules; with a world, its ranks share the neurons. */
export async function measure(run: ByRuleRun, settings: Settings, world?: mpi.World): Promise<Measurement> {
  const kernel = build(run, settings, world);
  kernel.Simulate(run.before);
  const times: number[] = [];
  const cpu = process.cpuUsage();
  const start = performance.now();
  for (let iteration = 0; iteration < run.iterations; iteration++) {
    const begin = performance.now();
    kernel.Simulate(run.duration);
    times.push(performance.now() - begin);
  }
  const { user, system } = process.cpuUsage(cpu);
  const busy = (user + system) / 1e3 / (performance.now() - start) / settings.threads;
  const spikes = kernel.spikeCount();
  kernel.close();
  const [cold = Number.NaN, ...warm] = times;
  return { cold, warm, busy, peak: process.resourceUsage().maxRSS * 1024, spikes };
}
