import type { mpi } from "../ts/index.js";
import { Kernel, random } from "../ts/nest/index.js";
import { NumpyRandom } from "../ts/random/index.js";
import type { Measurement, NetworkRun, Settings } from "./case.js";
import { workOf } from "./work.js";

/** Steps that the kernel does before the first interval begins in all populations. */
const before = 3;
/** The first step after those in which inputs may still change. */
const first = before + 1;

/** Channels of the spoken-digits data set; weights are scaled to where so many have synapses. */
const channels = 700;

/** Longest part of an interspike interval that counts in e-prop+ (ms). */
const cutoff = 100;

const all = { rule: "all_to_all", allow_autapses: false } as const;
const some = (indegree: number) => ({ rule: "fixed_indegree", indegree, allow_multapses: false }) as const;

/** The models of a family, with what only its neurons have. */
const models = {
  interval: {
    neuron: "eprop_iaf_adapt_bsshslm_2020",
    readout: "eprop_readout_bsshslm_2020",
    synapse: "eprop_synapse_bsshslm_2020",
    feedback: "eprop_learning_signal_connection_bsshslm_2020",
    optimizer: "adam",
    window: {},
  },
  event: {
    neuron: "eprop_iaf_adapt",
    readout: "eprop_readout",
    synapse: "eprop_synapse",
    feedback: "eprop_learning_signal_connection",
    // Adam makes up for each step without a spike.
    optimizer: "gradient_descent",
    window: { eprop_isi_trace_cutoff: cutoff },
  },
} as const;

/** Parameters of a network as for the spoken digits. */
export function descriptionOf({ family, neurons, inputs, batch, indegree }: NetworkRun) {
  const model = models[family];
  const [fromInputs, fromNeurons] = [indegree?.inputs ?? inputs, indegree?.neurons ?? neurons];
  return {
    models: model,
    neuron: {
      ...model.window,
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
      surrogate_gradient_function: "piecewise_linear" as const,
      surrogate_gradient_height: 0.3,
      surrogate_gradient_width: 0.6,
    },
    readout: { ...model.window, C_m: 1, E_L: 0, V_m: 0, tau_m: 20 },
    optimizer: {
      type: model.optimizer,
      batch_size: batch,
      // So small a rate that all batches fire alike.
      eta: 1e-12,
      ...(family === "event" && { optimize_each_step: false }),
    },
    // A neuron's drive has the same variance with any number of synapses.
    deviations: {
      inputs: 0.12 * Math.sqrt(channels / fromInputs),
      neurons: 0.3 / Math.sqrt(fromNeurons),
      readouts: 1 / Math.sqrt(neurons),
    },
  };
}

/** A network as for the spoken digits: inputs, adaptive neurons, readouts; dense, or so many synapses a neuron. */
function build(run: NetworkRun, settings: Settings, world?: mpi.World) {
  const { family, neurons, inputs, readouts, steps, indegree } = run;
  const kernel = new Kernel(world ? { world } : {});
  const { models: model, neuron, readout, optimizer, deviations } = descriptionOf(run);
  const normal = (std: number) => ({
    synapse_model: model.synapse,
    delay: 1,
    weight: random.normal({ mean: 0, std }),
  });
  kernel.set({
    resolution: 1,
    eprop_update_interval: steps,
    eprop_learning_window: steps,
    eprop_reset_neurons_on_update: true,
    local_num_threads: settings.threads,
    ...(settings.gradient && { gradient: settings.gradient }),
    ...(settings.precision && { precision: settings.precision }),
  });
  const input = kernel.Create("spike_generator", inputs);
  const rec = kernel.Create(model.neuron, neurons, neuron);
  const out = kernel.Create(model.readout, readouts, readout);
  const target = kernel.Create("step_rate_generator", readouts);
  kernel.SetDefaults(model.synapse, { optimizer });
  kernel.Connect(input, rec, indegree ? some(indegree.inputs) : all, normal(deviations.inputs));
  kernel.Connect(rec, rec, indegree ? some(indegree.neurons) : all, normal(deviations.neurons));
  kernel.Connect(rec, out, all, normal(deviations.readouts));
  kernel.Connect(out, rec, all, {
    synapse_model: model.feedback,
    delay: 1,
    weight: random.normal(),
  });
  kernel.Connect(target, out, "one_to_one", {
    synapse_model: "rate_connection_delayed",
    delay: 1,
    receptor_type: 2,
  });
  if (family === "event") {
    const window = kernel.Create("step_rate_generator", 1, { amplitude_times: [1], amplitude_values: [1] });
    kernel.Connect(window, out, "all_to_all", {
      synapse_model: "rate_connection_delayed",
      delay: 1,
      receptor_type: 1,
    });
  }
  return { kernel, input, target };
}

/** The steps of a batch in which each input fires. */
export function drawSpikes({ inputs, spikes, batch, steps }: NetworkRun): Float64Array[] {
  const draws = new NumpyRandom(1).random(2 * spikes * batch);
  const counts = new Uint32Array(inputs);
  const inputOf = (at: number) => Math.floor((draws[at] as number) * inputs);
  for (let at = 0; at < draws.length; at += 2) counts[inputOf(at)] = (counts[inputOf(at)] ?? 0) + 1;
  const times = Array.from(counts, (count) => new Float64Array(count));
  for (let at = 0; at < draws.length; at += 2) {
    const place = (counts[inputOf(at)] ?? 0) - 1;
    counts[inputOf(at)] = place;
    (times[inputOf(at)] as Float64Array)[place] = Math.floor((draws[at + 1] as number) * batch * steps);
  }
  return times.map((list) => list.toSorted());
}

/** Simulates batches of a network; with a world, on its ranks. */
export async function measure(run: NetworkRun, settings: Settings, world?: mpi.World): Promise<Measurement> {
  const { family, neurons, readouts, batch, steps, inputs, indegree, repetitions } = run;
  const { kernel, input, target } = build(run, settings, world);
  const spikes = drawSpikes(run);
  const total = batch * steps;
  const samples = Array.from({ length: batch }, (_, sample) => sample);
  const firings: number[] = [];
  const times: number[] = [];
  let processor = 0;
  kernel.Simulate(before);
  for (let repetition = 0; repetition <= repetitions; repetition++) {
    const from = repetition * total;
    input.set(spikes.map((list) => ({ spike_times: list.map((step) => from + first + step) })));
    target.set(
      Array.from({ length: readouts }, (_, readout) => ({
        amplitude_times: samples.map((sample) => from + first + sample * steps),
        amplitude_values: samples.map((sample) => Number(sample % readouts === readout)),
      })),
    );
    const fired = kernel.spikeCount();
    const cpu = process.cpuUsage();
    const begin = performance.now();
    kernel.Simulate(total);
    times.push(performance.now() - begin);
    const { user, system } = process.cpuUsage(cpu);
    processor += (user + system) / 1e3;
    firings.push(kernel.spikeCount() - fired);
  }
  kernel.close();

  const fromInputs = neurons * (indegree?.inputs ?? inputs);
  const fromNeurons = neurons * ((indegree?.neurons ?? neurons) + readouts);
  const fired = (firings.at(-1) ?? 0) / neurons;
  const synapses = fromInputs + fromNeurons;
  const [cold = Number.NaN, ...warm] = times;
  return {
    cold,
    warm,
    busy: processor / times.reduce((sum, ms) => sum + ms, 0) / settings.threads,
    peak: process.resourceUsage().maxRSS * 1024,
    work: workOf({
      family,
      neurons,
      readouts,
      steps,
      learningWindow: steps,
      intervals: batch,
      adaptive: 1,
      synapses,
      synapticEvents: (run.spikes * batch * fromInputs) / inputs + fired * fromNeurons,
      // Trains are long against the cutoff.
      traceSteps:
        fromInputs * Math.min(total, ((run.spikes * batch) / inputs) * cutoff) +
        (fromNeurons - neurons * readouts) * Math.min(total, fired * cutoff),
      optimizer: models[family].optimizer,
      optimizerCalls: 1,
      width: settings.precision === "f32" ? 4 : 8,
    }),
  };
}
