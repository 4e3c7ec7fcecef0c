import { Kernel } from "../ts/nest/index.js";
import { NumpyRandom } from "../ts/random/index.js";
import { type Task, tasks, trainToEnd } from "../ts/index.js";

/** What one run of a case cost. */
export interface Cost {
  /** Milliseconds of an iteration (or a recording, or a batch). */
  ms: number;
  /** Steps of recurrent neurons in it. */
  neuronSteps: number;
  /** Synapses times steps in it: what a trace per synapse would update. */
  synapseSteps: number;
  /** Spikes times their plastic synapses in it. */
  synapticEvents: number;
}

/** How a case is run. */
export interface Settings {
  threads: number;
  gradient?: "adjoint" | "forward";
}

/** The median of some numbers. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Trains a task; `per` is how many recordings (or other parts) an iteration has that are counted singly. */
export async function taskCost(task: Task, settings: Settings, per = 1): Promise<Cost> {
  const { iterations } = await trainToEnd(task, settings);
  const { network, steps, batchSize } = task;
  const neurons = network.recurrent.reduce((sum, { n }) => sum + n, 0);
  const synapses = ["in_rec", "rec_rec", "rec_out"].reduce((sum, name) => {
    const { data, mask } = network.weights[name as "in_rec"];
    return sum + (mask ? mask.reduce((count, on) => count + on, 0) : data.length);
  }, 0);
  const { spikes } = task.next("training");
  const fromInputs = (spikes.length * network.weights.in_rec.data.length) / network.inputs;
  const fromNeurons =
    median(iterations.map(({ spikesPerNeuron }) => spikesPerNeuron)) * batchSize * neurons * neurons;
  return {
    ms: median(iterations.slice(1).map(({ ms }) => ms)) / per,
    neuronSteps: (neurons * steps * batchSize) / per,
    synapseSteps: (synapses * steps * batchSize) / per,
    synapticEvents: (fromInputs + fromNeurons) / per,
  };
}

/** The tutorials at their own size. */
export const tutorials: readonly { name: string; make: () => Task; per?: number }[] = [
  { name: "sine-waves", make: () => tasks.sineWaves({ iterations: 200 }) },
  { name: "lemniscate", make: () => tasks.lemniscate({ iterations: 60 }) },
  { name: "handwriting", make: () => tasks.handwriting({ iterations: 60 }) },
  {
    name: "evidence-accumulation",
    make: () => tasks.evidenceAccumulation({ iterations: 20, validateEvery: 0, testIterations: 0 }),
  },
  { name: "sine-waves-plus", make: () => tasks.sineWavesPlus({ iterations: 60 }) },
  {
    name: "moving digits",
    make: () => tasks.nMnist({ synthetic: true, groupSize: 20, iterations: 8, testIterations: 0 }),
    per: 20,
  },
];

/** N-MNIST from a folder of recordings, as NEST's time for it was taken. */
export function nMnistCase(
  data: string,
  blocklist?: string,
): { name: string; make: () => Task; per: number } {
  const from = { data, ...(blocklist !== undefined && { blocklist }) };
  return {
    name: "n-mnist",
    make: () => tasks.nMnist({ ...from, groupSize: 20, iterations: 8, testIterations: 0 }),
    per: 20,
  };
}

/** A batch as in the spoken-digits data set: 700 channels, about 8,000 spikes a sample, adaptive neurons. */
export function spokenDigits(
  size: { neurons: number; batch: number; steps: number; inputs?: number; rate?: number },
  { threads, gradient = "adjoint" }: Settings,
): Cost {
  const { neurons, batch, steps, inputs = 700, rate = 8000 / 700 / 1370 } = size;
  const random = new NumpyRandom(1);
  const kernel = new Kernel();
  kernel.set({
    resolution: 1,
    eprop_update_interval: steps,
    eprop_learning_window: steps,
    eprop_reset_neurons_on_update: true,
    local_num_threads: threads,
    gradient,
  });
  const input = kernel.Create("spike_generator", inputs);
  const rec = kernel.Create("eprop_iaf_adapt_bsshslm_2020", neurons, {
    C_m: 1,
    E_L: 0,
    V_m: 0,
    V_th: 0.6,
    tau_m: 20,
    t_ref: 0,
    c_reg: 10,
    f_target: 10,
    adapt_tau: 200,
    adapt_beta: 0.02,
    surrogate_gradient_width: 0.6,
  });
  const out = kernel.Create("eprop_readout_bsshslm_2020", 20, { C_m: 1, E_L: 0, V_m: 0, tau_m: 20 });
  const target = kernel.Create("step_rate_generator", 20);
  kernel.SetDefaults("eprop_synapse_bsshslm_2020", {
    optimizer: { type: "adam", batch_size: batch, eta: 1e-3 },
  });
  const normal = (to: number, from: number, scale: number) => ({
    data: random.randn(to, from).data.map((weight) => weight * scale),
    shape: [to, from] as const,
  });
  const plastic = { synapse_model: "eprop_synapse_bsshslm_2020", delay: 1 } as const;
  const rule = { rule: "all_to_all", allow_autapses: false } as const;
  kernel.Connect(input, rec, rule, { ...plastic, weight: normal(neurons, inputs, 0.12) });
  kernel.Connect(rec, rec, rule, { ...plastic, weight: normal(neurons, neurons, 0.3 / Math.sqrt(neurons)) });
  kernel.Connect(rec, out, rule, { ...plastic, weight: normal(20, neurons, 1 / Math.sqrt(neurons)) });
  kernel.Connect(out, rec, rule, {
    synapse_model: "eprop_learning_signal_connection_bsshslm_2020",
    delay: 1,
    weight: normal(neurons, 20, 1),
  });
  kernel.Connect(target, out, "one_to_one", {
    synapse_model: "rate_connection_delayed",
    delay: 1,
    receptor_type: 2,
  });
  const total = steps * batch;
  const times: number[][] = Array.from({ length: inputs }, () => []);
  for (let spike = 0; spike < inputs * rate * total; spike++) {
    const [input_, time] = random.random(2) as unknown as [number, number];
    times[Math.floor(input_ * inputs)]?.push(2 + Math.floor(time * total));
  }
  const spikes = times.reduce((sum, list) => sum + list.length, 0);
  input.set(times.map((list) => ({ spike_times: Float64Array.from(list).toSorted() })));
  target.set(
    Array.from({ length: 20 }, (_, readout) => ({
      amplitude_times: Array.from({ length: batch }, (__, sample) => 4 + sample * steps),
      amplitude_values: Array.from({ length: batch }, (__, sample) => (sample % 20 === readout ? 1 : 0)),
    })),
  );
  kernel.Simulate(3);
  const begin = performance.now();
  kernel.Simulate(total);
  const ms = performance.now() - begin;
  const fired = kernel.spikeCount();
  kernel.close();
  return {
    ms,
    neuronSteps: neurons * total,
    synapseSteps: (inputs + neurons + 20) * neurons * total,
    synapticEvents: spikes * neurons + fired * (neurons + 20),
  };
}
