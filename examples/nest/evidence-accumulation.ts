/**
 * NEST's tutorial "evidence accumulation", line by line: after a pause, regular and adaptive neurons decide on which
 * side more cues appeared.
 *
 *     node evidence-accumulation.js [iterations] [batch size] [test iterations]
 */
import * as nest from "eprop/nest";
import { NumpyRandom } from "eprop";
import { arange, argmax, bySender, iterationsOr, print, rows, transposed, withoutDiagonal } from "./numpy.js";

// The task

const np = new NumpyRandom(1);
const nBatch = Number(process.argv[3] ?? 32);
const nIterTrain = iterationsOr(50);
const nIterTest = Number(process.argv[4] ?? 4);
const nIterValidateEvery = 10;
const nIterEarlyStop = 8;
const stopCrit = 0.07;
const input = { nSymbols: 4, nCues: 7, probGroup: 0.3, spikeProb: 0.04 };
const cueSteps = { cue: 100, spacing: 50, backgroundNoise: 1050, recall: 150 };
const steps = {
  sequence: input.nCues * (cueSteps.cue + cueSteps.spacing) + cueSteps.backgroundNoise + cueSteps.recall,
  learningWindow: cueSteps.recall,
  offsetGen: 1,
  delayInRec: 1,
  delayRecOut: 1,
  delayOutNorm: 1,
  extensionSim: 3,
};
const step = 1.0;
const duration = {
  step,
  sequence: steps.sequence * step,
  learningWindow: steps.learningWindow * step,
  totalOffset: (steps.offsetGen + steps.delayInRec + steps.delayRecOut + steps.delayOutNorm) * step,
  extensionSim: steps.extensionSim * step,
};

// Setup

nest.ResetKernel();
nest.set({
  eprop_learning_window: duration.learningWindow,
  eprop_reset_neurons_on_update: true,
  eprop_update_interval: duration.sequence,
  print_time: false,
  resolution: duration.step,
  rng_seed: 1,
  total_num_virtual_procs: 1,
});

// Neurons

const group = 10;
const [nIn, nAd, nReg, nOut] = [input.nSymbols * group, 50, 50, 2];
const nRec = nAd + nReg;
const paramsNrnReg = {
  C_m: 1.0,
  c_reg: 300.0,
  E_L: 0.0,
  f_target: 10.0,
  I_e: 0.0,
  regular_spike_arrival: true,
  surrogate_gradient_function: "piecewise_linear",
  surrogate_gradient_height: 0.3 / 0.6,
  surrogate_gradient_width: 0.6,
  t_ref: 5.0,
  tau_m: 20.0,
  V_m: 0.0,
  V_th: 0.6,
};
const adaptTau = 2000.0;
const paramsNrnAd = {
  ...paramsNrnReg,
  adapt_beta: (1.7 * (1.0 - Math.exp(-1 / adaptTau))) / (1.0 - Math.exp(-1.0 / paramsNrnReg.tau_m)),
  adapt_tau: adaptTau,
  adaptation: 0.0,
};
const paramsNrnOut = {
  C_m: 1.0,
  E_L: 0.0,
  I_e: 0.0,
  loss: "cross_entropy",
  regular_spike_arrival: false,
  tau_m: 20.0,
  V_m: 0.0,
};
const genSpkIn = nest.Create("spike_generator", nIn);
const nrnsIn = nest.Create("parrot_neuron", nIn);
const nrnsReg = nest.Create("eprop_iaf_bsshslm_2020", nReg, paramsNrnReg);
const nrnsAd = nest.Create("eprop_iaf_adapt_bsshslm_2020", nAd, paramsNrnAd);
const nrnsOut = nest.Create("eprop_readout_bsshslm_2020", nOut, paramsNrnOut);
const genRateTarget = nest.Create("step_rate_generator", nOut);
const nrnsRec = nrnsReg.concat(nrnsAd);

// Recorders

const nRecord = 1;
const nRecordW = 5;
const paramsMmReg = {
  interval: duration.step,
  record_from: ["V_m", "surrogate_gradient", "learning_signal"],
  start: duration.totalOffset,
};
const paramsMmAd = { ...paramsMmReg, record_from: [...paramsMmReg.record_from, "V_th_adapt", "adaptation"] };
const paramsMmOut = {
  interval: duration.step,
  record_from: ["V_m", "readout_signal", "readout_signal_unnorm", "target_signal", "error_signal"],
  start: duration.totalOffset,
};
const paramsWr = {
  senders: nrnsIn.slice(0, nRecordW).concat(nrnsRec.slice(0, nRecordW)),
  targets: nrnsRec.slice(0, nRecordW).concat(nrnsOut),
  start: duration.totalOffset,
};
const mmReg = nest.Create("multimeter", paramsMmReg);
const mmAd = nest.Create("multimeter", paramsMmAd);
const mmOut = nest.Create("multimeter", paramsMmOut);
const sr = nest.Create("spike_recorder", { start: duration.totalOffset });
const wr = nest.Create("weight_recorder", paramsWr);

// Connections

const paramsConnAllToAll = { rule: "all_to_all", allow_autapses: false };
const paramsConnOneToOne = { rule: "one_to_one" };
const float32 = (divisor: number) => (value: number) => Math.fround(value / divisor);
function glorotUniform(nPre: number, nPost: number): number[][] {
  const limit = Math.sqrt(3.0 / Math.max(1.0, (nPre + nPost) / 2.0));
  return transposed({ data: np.uniform(-limit, limit, nPre * nPost), shape: [nPre, nPost] }, Math.fround);
}
const weightsInRec = transposed(np.randn(nIn, nRec), float32(Math.sqrt(nIn)));
const weightsRecRec = withoutDiagonal(transposed(np.randn(nRec, nRec), float32(Math.sqrt(nRec))));
const weightsRecOut = glorotUniform(nRec, nOut);
const weightsOutRec = rows(np.randn(nRec, nOut), Math.fround);

const optimizer = {
  type: "adam",
  batch_size: nBatch,
  beta_1: 0.9,
  beta_2: 0.999,
  epsilon: 1e-8,
  Wmin: -100.0,
  Wmax: 100.0,
};
const etaTrain = 5e-3;
const etaTest = 0.0;
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
const paramsSynOutOut = { synapse_model: "rate_connection_delayed", delay: duration.step, receptor_type: 1 };
const paramsSynRateTarget = {
  synapse_model: "rate_connection_delayed",
  delay: duration.step,
  receptor_type: 2,
};
const paramsSynStatic = { synapse_model: "static_synapse", delay: duration.step };

nest.SetDefaults("eprop_synapse_bsshslm_2020", {
  optimizer: { ...optimizer, eta: etaTest },
  average_gradient: true,
  weight_recorder: wr,
});

nest.Connect(genSpkIn, nrnsIn, paramsConnOneToOne, paramsSynStatic);
nest.Connect(nrnsIn, nrnsRec, paramsConnAllToAll, paramsSynIn);
nest.Connect(nrnsRec, nrnsRec, paramsConnAllToAll, paramsSynRec);
nest.Connect(nrnsRec, nrnsOut, paramsConnAllToAll, paramsSynOut);
nest.Connect(nrnsOut, nrnsRec, paramsConnAllToAll, paramsSynFeedback);
nest.Connect(genRateTarget, nrnsOut, paramsConnOneToOne, paramsSynRateTarget);
nest.Connect(nrnsOut, nrnsOut, paramsConnAllToAll, paramsSynOutOut);
nest.Connect(nrnsIn.concat(nrnsRec), sr, paramsConnAllToAll, paramsSynStatic);
nest.Connect(mmReg, nrnsReg.slice(0, nRecord), paramsConnAllToAll, paramsSynStatic);
nest.Connect(mmAd, nrnsAd.slice(0, nRecord), paramsConnAllToAll, paramsSynStatic);
nest.Connect(mmOut, nrnsOut, paramsConnAllToAll, paramsSynStatic);

// The moments of single synapses may be set, here of the first neuron's to the two that follow

const paramsInitOptimizer = { optimizer: { m: 0.0, v: 0.0 } };
nest.GetConnections(nrnsRec.at(0), nrnsRec.slice(1, 3)).set([paramsInitOptimizer, paramsInitOptimizer]);

// Input and output: seven cues, most of them on one side; a pause; then a recall signal. There is noise throughout.

function generateEvidenceAccumulationInputOutput(): { spikes: boolean[][][]; targets: number[] } {
  const sides = np.choice(2, nBatch);
  const cues = Array.from(sides, (side) => {
    const p = [Math.fround(input.probGroup), Math.fround(1 - input.probGroup)];
    return np.choice(2, input.nCues, side === 0 ? p : p.toReversed());
  });
  const spikes = cues.map((cue) => {
    const noise = np.rand(steps.sequence, nIn).data;
    return arange(0, steps.sequence).map((at) => {
      const place = Math.floor(at / (cueSteps.cue + cueSteps.spacing));
      const shown = at % (cueSteps.cue + cueSteps.spacing) >= cueSteps.spacing;
      return arange(0, nIn).map((neuron) => {
        const symbol = Math.floor(neuron / group);
        const cueOn = symbol < 2 && place < input.nCues && shown && cue[place] === symbol;
        const recallOn = symbol === 2 && at >= steps.sequence - cueSteps.recall;
        const probability = symbol === 3 ? input.spikeProb / 4 : cueOn || recallOn ? input.spikeProb : 0;
        // A spike in the first step would come too early.
        return at > 0 && (noise[at * nIn + neuron] ?? 1) < probability;
      });
    });
  });
  const targets = cues.map((cue) => (cue.reduce((sum, side) => sum + side, 0) > input.nCues / 2 ? 1 : 0));
  return { spikes, targets };
}

// The pipeline: phases with a learning rate each, one simulation per iteration

class TrainingPipeline {
  readonly results: { error: number[]; loss: number[]; iteration: number[]; label: string[] } = {
    error: [],
    loss: [],
    iteration: [],
    label: [],
  };
  iteration = 0;
  phaseLabel = "";
  error = 1;

  runPhase(phaseLabel: string, eta: number) {
    nest.SetDefaults("eprop_synapse_bsshslm_2020", { optimizer: { eta } });

    const { spikes, targets } = generateEvidenceAccumulationInputOutput();
    const start = this.iteration * nBatch * duration.sequence;
    genSpkIn.set(
      arange(0, nIn).map((neuron) => ({
        spike_times: spikes.flatMap((sequence, at) =>
          arange(0, steps.sequence)
            .filter((time) => sequence[time]?.[neuron])
            .map((time) => start + at * duration.sequence + steps.offsetGen + time * duration.step),
        ),
      })),
    );
    genRateTarget.set(
      arange(0, nOut).map((out) => ({
        amplitude_times: targets.map((_, at) => start + at * duration.sequence + duration.totalOffset),
        amplitude_values: targets.map((target) => (target === out ? 1.0 : 0.0)),
      })),
    );

    // The end of the iteration before is recorded only now.
    if (this.iteration > 0) {
      nest.Simulate(duration.totalOffset);
      nest.Simulate(duration.extensionSim);
      this.evaluate();
    }
    const simulated = this.iteration > 0 ? duration.totalOffset + duration.extensionSim : 0;
    nest.Simulate(nBatch * duration.sequence - simulated);
    this.iteration += 1;
    this.phaseLabel = phaseLabel;
  }

  evaluate() {
    const events = mmOut.get("events");
    const signals = (name: string) =>
      bySender(events.senders, events[name] ?? new Float64Array(), [...nrnsOut]);
    const [readout, target] = [signals("readout_signal"), signals("target_signal")];
    let [loss, wrong] = [0, 0];
    for (const sequence of arange(0, nBatch)) {
      const end = ((this.iteration - 1) * nBatch + sequence + 1) * steps.sequence;
      const sums = { readout: [0, 0], target: [0, 0] };
      for (let at = end - steps.learningWindow; at < end; at++) {
        for (const out of arange(0, nOut)) {
          const [y, wanted] = [readout[out]?.[at] ?? 0, target[out]?.[at] ?? 0];
          if (wanted !== 0) loss -= wanted * Math.log(y);
          sums.readout[out] = (sums.readout[out] ?? 0) + y;
          sums.target[out] = (sums.target[out] ?? 0) + wanted;
        }
      }
      if (argmax(sums.readout) !== argmax(sums.target)) wrong += 1;
    }
    this.error = wrong / nBatch;
    this.results.iteration.push(this.iteration);
    this.results.error.push(this.error);
    this.results.loss.push(loss / (steps.learningWindow * nBatch));
    this.results.label.push(this.phaseLabel);
  }

  run() {
    for (let trained = 0; trained < nIterTrain; trained++) {
      if (trained % nIterValidateEvery === 0 && this.validated()) break;
      this.runPhase("training", etaTrain);
    }
    for (let tested = 0; tested < nIterTest; tested++) this.runPhase("test", etaTest);
    nest.Simulate(duration.totalOffset);
    nest.Simulate(duration.extensionSim);
    this.evaluate();
  }

  validated(): boolean {
    this.runPhase("validation", etaTest);
    if (this.error >= stopCrit) return false;
    const errors = arange(0, nIterEarlyStop).map(() => {
      this.runPhase("early-stopping", etaTest);
      return this.error;
    });
    return errors.reduce((sum, error) => sum + error, 0) / errors.length < stopCrit;
  }
}

const pipeline = new TrainingPipeline();
pipeline.run();

// Results

const { results } = pipeline;
results.label.forEach((label, at) => console.log(`iteration ${results.iteration[at]}: ${label}`));
print("error", results.error);
print("loss", results.loss);
