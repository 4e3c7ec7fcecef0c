/**
 * NEST's tutorial "generate a lemniscate", line by line: adaptive neurons whose readouts draw an infinite loop.
 *
 *     node lemniscate.js [iterations]
 */
import * as nest from "eprop/nest";
import { NumpyRandom } from "eprop";
import {
  arange,
  bySender,
  iterationsOr,
  linspace,
  print,
  rows,
  tile,
  transposed,
  withoutDiagonal,
} from "./numpy.js";

// The task

const np = new NumpyRandom(1);
const nBatch = 1;
const nIter = iterationsOr(200);
const steps = {
  sequence: 1258,
  offsetGen: 1,
  delayInRec: 1,
  delayRecOut: 1,
  delayOutNorm: 1,
  extensionSim: 3,
  finalUpdate: 3,
};
const step = 1.0;
const duration = {
  step,
  sequence: steps.sequence * step,
  learningWindow: steps.sequence * step,
  task: steps.sequence * nIter * nBatch * step,
  totalOffset: (steps.offsetGen + steps.delayInRec + steps.delayRecOut + steps.delayOutNorm) * step,
  extensionSim: steps.extensionSim * step,
  finalUpdate: steps.finalUpdate * step,
};

// Setup

nest.ResetKernel();
nest.set({
  eprop_learning_window: duration.learningWindow,
  eprop_reset_neurons_on_update: true,
  eprop_update_interval: duration.sequence,
  print_time: false,
  rng_seed: 1,
  resolution: duration.step,
  total_num_virtual_procs: 1,
});

// Neurons

const [nIn, nRec, nOut] = [100, 200, 2];
const tauMMean = 30.0;
const adaptTau = 2000.0;
const paramsNrnRec = {
  adapt_beta:
    (1.7 * (1.0 - Math.exp(-duration.step / adaptTau))) / (1.0 - Math.exp(-duration.step / tauMMean)),
  adapt_tau: adaptTau,
  adaptation: 0.0,
  C_m: 250.0,
  c_reg: 150.0,
  E_L: 0.0,
  f_target: 20.0,
  I_e: 0.0,
  regular_spike_arrival: false,
  surrogate_gradient_function: "piecewise_linear",
  surrogate_gradient_height: 0.3 / 0.03,
  surrogate_gradient_width: 0.03,
  t_ref: 0.0,
  tau_m: nest.random.normal({ mean: tauMMean, std: 2.0 }),
  V_m: 0.0,
  V_th: 0.03,
};
const paramsNrnOut = {
  C_m: 250.0,
  E_L: 0.0,
  I_e: 0.0,
  loss: "mean_squared_error",
  regular_spike_arrival: false,
  tau_m: 50.0,
  V_m: 0.0,
};
const genSpkIn = nest.Create("spike_generator", nIn);
const nrnsIn = nest.Create("parrot_neuron", nIn);
const nrnsRec = nest.Create("eprop_iaf_adapt_bsshslm_2020", nRec, paramsNrnRec);
const nrnsOut = nest.Create("eprop_readout_bsshslm_2020", nOut, paramsNrnOut);
const genRateTarget = nest.Create("step_rate_generator", nOut);

// Recorders

const nRecord = 1;
const nRecordW = 3;
const paramsMmRec = {
  interval: duration.step,
  record_from: ["V_m", "V_th_adapt", "surrogate_gradient", "learning_signal"],
  start: duration.totalOffset,
  stop: duration.totalOffset + duration.task,
};
const paramsMmOut = {
  interval: duration.step,
  record_from: ["V_m", "readout_signal", "readout_signal_unnorm", "target_signal", "error_signal"],
  start: duration.totalOffset,
  stop: duration.totalOffset + duration.task,
};
const paramsWr = {
  senders: nrnsIn.slice(0, nRecordW).concat(nrnsRec.slice(0, nRecordW)),
  targets: nrnsRec.slice(0, nRecordW).concat(nrnsOut),
  start: duration.totalOffset,
  stop: duration.totalOffset + duration.task,
};
const paramsSr = { start: duration.totalOffset, stop: duration.totalOffset + duration.task };
const mmRec = nest.Create("multimeter", paramsMmRec);
const mmOut = nest.Create("multimeter", paramsMmOut);
const sr = nest.Create("spike_recorder", paramsSr);
const wr = nest.Create("weight_recorder", paramsWr);

// Connections

const paramsConnAllToAll = { rule: "all_to_all", allow_autapses: false };
const paramsConnOneToOne = { rule: "one_to_one" };
const float32 = (divisor: number) => (value: number) => Math.fround(value / divisor);
const weightsInRec = transposed(np.randn(nIn, nRec), float32(Math.sqrt(nIn)));
const weightsRecRec = withoutDiagonal(transposed(np.randn(nRec, nRec), float32(Math.sqrt(nRec))));
const weightsRecOut = transposed(np.randn(nRec, nOut), float32(Math.sqrt(nRec)));
const weightsOutRec = rows(np.randn(nRec, nOut), float32(Math.sqrt(nRec)));

const paramsCommonSynEprop = {
  optimizer: {
    type: "adam",
    batch_size: nBatch,
    beta_1: 0.9,
    beta_2: 0.999,
    epsilon: 1e-8,
    eta: 5e-3,
    Wmin: -100.0,
    Wmax: 100.0,
  },
  average_gradient: false,
  weight_recorder: wr,
};
const paramsSynBase = {
  synapse_model: "eprop_synapse_bsshslm_2020",
  delay: duration.step,
  tau_m_readout: paramsNrnOut.tau_m,
};
const paramsSynIn = { ...paramsSynBase, weight: weightsInRec };
const paramsSynRec = { ...paramsSynBase, weight: weightsRecRec };
const paramsSynOut = { ...paramsSynBase, weight: weightsRecOut };
const paramsSynFeedback = {
  synapse_model: "eprop_learning_signal_connection_bsshslm_2020",
  delay: duration.step,
  weight: weightsOutRec,
};
const paramsSynRateTarget = {
  synapse_model: "rate_connection_delayed",
  delay: duration.step,
  receptor_type: 2,
};
const paramsSynStatic = { synapse_model: "static_synapse", delay: duration.step };

nest.SetDefaults("eprop_synapse_bsshslm_2020", paramsCommonSynEprop);

nest.Connect(genSpkIn, nrnsIn, paramsConnOneToOne, paramsSynStatic);
nest.Connect(nrnsIn, nrnsRec, paramsConnAllToAll, paramsSynIn);
nest.Connect(nrnsRec, nrnsRec, paramsConnAllToAll, paramsSynRec);
nest.Connect(nrnsRec, nrnsOut, paramsConnAllToAll, paramsSynOut);
nest.Connect(nrnsOut, nrnsRec, paramsConnAllToAll, paramsSynFeedback);
nest.Connect(genRateTarget, nrnsOut, paramsConnOneToOne, paramsSynRateTarget);
nest.Connect(nrnsIn.concat(nrnsRec), sr, paramsConnAllToAll, paramsSynStatic);
nest.Connect(mmRec, nrnsRec.slice(0, nRecord), paramsConnAllToAll, paramsSynStatic);
nest.Connect(mmOut, nrnsOut, paramsConnAllToAll, paramsSynStatic);

// The moments of single synapses may be set, here of the first neuron's to the two that follow

const paramsInitOptimizer = { optimizer: { m: 0.0, v: 0.0 } };
nest.GetConnections(nrnsRec.at(0), nrnsRec.slice(1, 3)).set([paramsInitOptimizer, paramsInitOptimizer]);

// Input: noise, the same in every iteration

const probability = 0.05;
const noise = np.rand(steps.sequence, nIn).data;
const inputSpikeTimes = arange(0, nIn).map((neuron) =>
  arange(1, steps.sequence).filter((at) => (noise[at * nIn + neuron] ?? 1) < probability),
);
const sequenceStarts = arange(0, nIter * nBatch).map(
  (sequence) => sequence * duration.sequence + steps.offsetGen,
);
genSpkIn.set(
  inputSpikeTimes.map((times) => ({
    spike_times: sequenceStarts.flatMap((start) => times.map((time) => start + time)),
  })),
);

// Output: a lemniscate, drawn once in a sequence

const angles = linspace(0.0, 2.0 * Math.PI, steps.sequence);
const targetSignals = [angles.map((x) => Math.sin(x)), angles.map((x) => Math.sin(2.0 * x))];
genRateTarget.set(
  targetSignals.map((signal) => ({
    amplitude_times: arange(0, duration.task, duration.step).map((time) => time + duration.totalOffset),
    amplitude_values: tile(signal, nIter * nBatch),
  })),
);

// Simulation

nest.Simulate(duration.totalOffset + duration.task + duration.extensionSim);

// The final update: a spike of every input and neuron, so that NEST computes all weights up to now

const genSpkFinalUpdate = nest.Create("spike_generator", 1);
nest.Connect(genSpkFinalUpdate, nrnsIn, "all_to_all", { weight: 1000.0 });
nest.Connect(genSpkFinalUpdate, nrnsRec, "all_to_all", { weight: 1000.0 });
genSpkFinalUpdate.set({ spike_times: [duration.task + duration.totalOffset + duration.extensionSim + 1] });
nest.Simulate(duration.finalUpdate);

// Losses

const eventsMmOut = mmOut.get("events");
const column = (name: string) => eventsMmOut[name] ?? new Float64Array();
const readoutSignal = bySender(eventsMmOut.senders, column("readout_signal"), [...nrnsOut]);
const target = bySender(eventsMmOut.senders, column("target_signal"), [...nrnsOut]);
const loss = arange(0, nIter).map((iteration) => {
  let sum = 0;
  readoutSignal.forEach((signal, out) => {
    for (let at = iteration * steps.sequence; at < (iteration + 1) * steps.sequence; at++) {
      sum += 0.5 * ((signal[at] ?? 0) - (target[out]?.[at] ?? 0)) ** 2;
    }
  });
  return sum / nOut;
});
print("loss", loss);
