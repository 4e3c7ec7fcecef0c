/**
 * NEST's tutorial "neuromorphic MNIST", line by line: neurons learn with every spike which digit moves before an event
 * camera. The folder has `Train` and `Test` with a folder of recordings (`*.bin`) for each digit; the blocklist names
 * pixels to leave out, one per line.
 *
 *     node n-mnist.js ITERATIONS FOLDER BLOCKLIST [recordings per iteration] [test iterations]
 */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import * as nest from "eprop/nest";
import { type NumberMatrix, NumpyRandom } from "eprop";
import { arange, argmax, bySender, iterationsOr, print, rows, transposed } from "./numpy.js";

// The task

const np = new NumpyRandom(1);
const [, , , folder, blocklist] = process.argv;
if (folder === undefined || blocklist === undefined) throw new Error("give a folder and a blocklist");
const nBatch = Number(process.argv[5] ?? 100);
const nIterTrain = iterationsOr(200);
const nIterTest = Number(process.argv[6] ?? 2);
const steps = {
  sequence: 300,
  learningWindow: 10,
  offsetGen: 1,
  delayInRec: 1,
  extensionSim: 3,
  cutoff: 100,
};
const step = 1.0;
const duration = {
  step,
  sequence: steps.sequence * step,
  learningWindow: steps.learningWindow * step,
  totalOffset: (steps.offsetGen + steps.delayInRec) * step,
  extensionSim: steps.extensionSim * step,
};

// Setup

nest.ResetKernel();
nest.set({ print_time: false, resolution: duration.step, rng_seed: 1, total_num_virtual_procs: 1 });

// Neurons

const size = 34;
const blocked = new Set(readFileSync(blocklist, "utf8").trim().split("\n").map(Number));
const pixels = arange(0, 2 * size * size).filter((pixel) => !blocked.has(pixel));
const inputOf = new Map(pixels.map((pixel, neuron) => [pixel, neuron]));
const [nIn, nRec, nOut] = [pixels.length, 150, 10];
const kappa = 0.99;
const scale = 1.0 - kappa;
const paramsNrnRec = {
  C_m: 1.0,
  c_reg: 2.0 / steps.sequence / scale ** 2,
  E_L: 0.0,
  eprop_isi_trace_cutoff: steps.cutoff,
  f_target: 10.0,
  I_e: 0.0,
  kappa,
  kappa_reg: kappa,
  surrogate_gradient_function: "piecewise_linear",
  surrogate_gradient_height: 0.5,
  surrogate_gradient_width: 1.0 / 1.7,
  t_ref: 0.0,
  tau_m: 30.0,
  V_m: 0.0,
  V_th: 0.6,
};
const paramsNrnOut = {
  C_m: 1.0,
  E_L: 0.0,
  eprop_isi_trace_cutoff: steps.cutoff,
  I_e: 0.0,
  tau_m: 100.0,
  V_m: 0.0,
};
const genSpkIn = nest.Create("spike_generator", nIn);
const nrnsIn = nest.Create("parrot_neuron", nIn);
const nrnsRec = nest.Create("eprop_iaf", nRec, paramsNrnRec);
const nrnsOut = nest.Create("eprop_readout", nOut, paramsNrnOut);
const genRateTarget = nest.Create("step_rate_generator", nOut);
const genLearningWindow = nest.Create("step_rate_generator", 1);

// Recorders

const mmOut = nest.Create("multimeter", {
  interval: duration.step,
  record_from: ["V_m", "readout_signal", "target_signal", "error_signal"],
  start: duration.totalOffset,
});

// Connections

const paramsConnAllToAll = { rule: "all_to_all", allow_autapses: false };
const paramsConnOneToOne = { rule: "one_to_one" };
const [densityInRec, densityRecRec, densityRecOut] = [0.25, 0.01, 1.0];
const divided = (divisor: number) => (value: number) => value / divisor;
const times = (factor: number) => (value: number) => value * factor;
function glorotUniform(nPre: number, nPost: number): NumberMatrix {
  const limit = Math.sqrt(3.0 / Math.max(1.0, (nPre + nPost) / 2.0));
  return { data: np.uniform(-limit, limit, nPre * nPost), shape: [nPre, nPost] };
}
const weightsInRec = transposed(np.randn(nIn, nRec), times(1.0 / Math.sqrt(nIn)));
const weightsRecRec = transposed(np.randn(nRec, nRec), times(1.0 / Math.sqrt(nRec)));
const weightsRecOut = transposed(glorotUniform(nRec, nOut), times(scale));
const weightsOutRec = rows(np.randn(nRec, nOut), divided(scale));

const etaTrain = 5e-3 * scale ** 2;
const etaTest = 0.0;
nest.SetDefaults("eprop_synapse", {
  optimizer: {
    type: "gradient_descent",
    batch_size: 1,
    eta: etaTrain,
    optimize_each_step: false,
    Wmin: -100.0,
    Wmax: 100.0,
  },
});
const paramsSynFeedback = {
  synapse_model: "eprop_learning_signal_connection",
  delay: duration.step,
  weight: weightsOutRec,
};
const rateConnection = { synapse_model: "rate_connection_delayed", delay: duration.step };
const paramsSynStatic = { synapse_model: "static_synapse", delay: duration.step };

/** Connects the pairs of a matrix that a mask, drawn with a density, leaves. */
function sparselyConnect(
  pre: nest.NodeCollection,
  post: nest.NodeCollection,
  weights: number[][],
  density: number,
) {
  const mask = np.choice(2, pre.length * post.length, [1.0 - density, density]);
  const [sources, targets, weight]: number[][] = [[], [], []];
  [...pre].forEach((source, column) =>
    [...post].forEach((target, row) => {
      if (mask[row * pre.length + column] === 0 || source === target) return;
      sources?.push(source);
      targets?.push(target);
      weight?.push(weights[row]?.[column] ?? 0);
    }),
  );
  nest.Connect(sources ?? [], targets ?? [], "one_to_one", {
    synapse_model: "eprop_synapse",
    delay: duration.step,
    weight: weight ?? [],
  });
}

nest.Connect(genSpkIn, nrnsIn, paramsConnOneToOne, paramsSynStatic);
sparselyConnect(nrnsIn, nrnsRec, weightsInRec, densityInRec);
sparselyConnect(nrnsRec, nrnsRec, weightsRecRec, densityRecRec);
sparselyConnect(nrnsRec, nrnsOut, weightsRecOut, densityRecOut);
nest.Connect(nrnsOut, nrnsRec, paramsConnAllToAll, paramsSynFeedback);
nest.Connect(genRateTarget, nrnsOut, paramsConnOneToOne, { ...rateConnection, receptor_type: 2 });
nest.Connect(genLearningWindow, nrnsOut, paramsConnAllToAll, { ...rateConnection, receptor_type: 1 });
nest.Connect(mmOut, nrnsOut, paramsConnAllToAll, paramsSynStatic);

// Input and output: recordings in a shuffled order

/** Rounds to the nearest whole number, halves to the even one, as `np.round`. */
function round(value: number): number {
  const below = Math.floor(value);
  if (value - below !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}

class DataLoader {
  readonly #files: { file: string; label: number }[];
  readonly #order: number[];
  #next = 0;

  constructor(split: string) {
    this.#files = arange(0, 10).flatMap((label) => {
      const digits = join(folder ?? "", split, String(label));
      const files = readdirSync(digits).filter((name) => name.endsWith(".bin"));
      return files.toSorted().map((name) => ({ file: join(digits, name), label }));
    });
    this.#order = [...np.permutation(this.#files.length)];
  }

  /** The recordings that come next: steps of the spikes of each input, and the digits. */
  getNewEvaluationGroup(): { spikes: number[][][]; targets: number[] } {
    const group = arange(0, nBatch).map(() => {
      const place = this.#order[this.#next % this.#order.length] ?? 0;
      this.#next += 1;
      return this.#files[place] ?? { file: "", label: 0 };
    });
    return {
      spikes: group.map(({ file }) => this.#load(file)),
      targets: group.map(({ label }) => label),
    };
  }

  #load(file: string): number[][] {
    const recordedTime = 336_040;
    const spikes: number[][] = arange(0, nIn).map(() => []);
    const bytes = readFileSync(file);
    for (let at = 0; at < bytes.length; at += 5) {
      const [x, y] = [bytes.readUInt8(at), bytes.readUInt8(at + 1)];
      const polarityAndTime = bytes.readUIntBE(at + 2, 3);
      const pixel = (polarityAndTime >> 23) * size * size + y * size + x;
      const time = round(((polarityAndTime & 0x7f_ffff) * steps.sequence) / recordedTime);
      spikes[inputOf.get(pixel) ?? -1]?.push(time);
    }
    return spikes.map((of) => of.toSorted((a, b) => a - b));
  }
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
  readonly training = new DataLoader("Train");
  readonly test = new DataLoader("Test");

  runPhase(phaseLabel: string, eta: number) {
    nest.SetDefaults("eprop_synapse", { optimizer: { eta } });

    const loader = phaseLabel === "test" ? this.test : this.training;
    const { spikes, targets } = loader.getNewEvaluationGroup();
    const start = this.iteration * nBatch * duration.sequence;
    genSpkIn.set(
      arange(0, nIn).map((neuron) => ({
        spike_times: spikes.flatMap((sequence, at) =>
          (sequence[neuron] ?? []).map((time) => start + at * duration.sequence + steps.offsetGen + time),
        ),
      })),
    );
    const begins = targets.map((_, at) => start + at * duration.sequence + duration.totalOffset);
    genRateTarget.set(
      arange(0, nOut).map((out) => ({
        amplitude_times: begins,
        amplitude_values: targets.map((target) => (target === out ? 1.0 : 0.0)),
      })),
    );
    const closed = duration.sequence - duration.learningWindow;
    genLearningWindow.set({
      amplitude_times: begins.flatMap((begin) => [begin, begin + closed]),
      amplitude_values: begins.flatMap(() => [0.0, 1.0]),
    });

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
      const sums = { readout: arange(0, nOut).fill(0), target: arange(0, nOut).fill(0) };
      for (let at = end - steps.learningWindow; at < end; at++) {
        for (const out of arange(0, nOut)) {
          const [y, wanted] = [readout[out]?.[at] ?? 0, target[out]?.[at] ?? 0];
          loss += 0.5 * (y - wanted) ** 2;
          sums.readout[out] = (sums.readout[out] ?? 0) + y;
          sums.target[out] = (sums.target[out] ?? 0) + wanted;
        }
      }
      if (argmax(sums.readout) !== argmax(sums.target)) wrong += 1;
    }
    this.results.iteration.push(this.iteration);
    this.results.error.push(wrong / nBatch);
    this.results.loss.push(loss / (nOut * nBatch));
    this.results.label.push(this.phaseLabel);
  }

  run() {
    for (let trained = 0; trained < nIterTrain; trained++) this.runPhase("training", etaTrain);
    for (let tested = 0; tested < nIterTest; tested++) this.runPhase("test", etaTest);
    nest.Simulate(duration.totalOffset);
    nest.Simulate(duration.extensionSim);
    this.evaluate();
  }
}

const pipeline = new TrainingPipeline();
pipeline.run();

// Results

const { results } = pipeline;
results.label.forEach((label, at) => console.log(`iteration ${results.iteration[at]}: ${label}`));
print("error", results.error);
print("loss", results.loss);
