import { flag, optional } from "../core/arguments.js";
import { atOnce, inSlices, type Pieces } from "../core/event-loop.js";
import { NumpyRandom } from "../random/index.js";
import { concatenated, isWanted, spikesBelowInPieces } from "./inputs.js";
import { classificationParameters, withLearning } from "./learning-parameters.js";
import { withLearningRate } from "./learning-rate.js";
import {
  neuronRows,
  optimizerOf,
  optimizerParameters,
  numberRow,
  surrogateParameters,
} from "./network-parameters.js";
import { checkBatch, commonOptions, ownOptions, taskParameters } from "./options.js";
import type { PoolDescription } from "./network-description.js";
import type { IterationData, SequenceRange, Task, TaskOptions } from "./task.js";
import { scaledFloat32, transposedFloat32, withoutDiagonal } from "./weights.js";
import { regularAndAdaptive, softmaxReadouts } from "./recurrent-classifier.js";

/** The task's parameter table. */
export const evidenceAccumulationParameters = {
  eta: { default: 5e-3, unit: "", min: 0, max: 10, text: "Learning rate" },
  c_reg: { default: 300, unit: "", min: 0, max: 1e9, text: "Coefficient of firing-rate regularization" },
  f_target: { default: 10, unit: "spikes/s", min: 0, max: 1000, text: "Target firing rate" },
  adapt_tau: { default: 2000, unit: "ms", min: 0.1, max: 1e9, text: "Time constant of the adaptation" },
  adapt_beta: neuronRows.adapt_beta,
  n_rec: neuronRows.n_rec,
  adaptive: numberRow(0.5, "", 0, 1, "Share of recurrent neurons that adapt"),
  tau_m: neuronRows.tau_m,
  tau_m_out: neuronRows.tau_m_out,
  V_th: neuronRows.V_th,
  t_ref: neuronRows.t_ref,
  ...surrogateParameters({ V_th: neuronRows.V_th.default }),
  ...optimizerParameters("adam"),
  ...classificationParameters,
} as const;

const timing = { cues: 7, cue: 100, spacing: 50, background: 1050, recall: 150 };
const steps = timing.cues * (timing.cue + timing.spacing) + timing.background + timing.recall;
const group = 10;
const inputs = 4 * group;
const readouts = 2;
/** Probability of a spike per step of an input that is on. */
const probability = 0.04;

/** Which rows of `table` hold in the steps of a sequence with these cues. */
function rowsOf(cues: Uint32Array): Uint32Array {
  const rows = new Uint32Array(steps);
  cues.forEach((cue, at) => {
    const begin = at * (timing.cue + timing.spacing) + timing.spacing;
    rows.fill(1 + cue, begin, begin + timing.cue);
  });
  rows.fill(3, steps - timing.recall);
  return rows;
}

/** Spike probabilities: background, cue left, cue right, recall; a row of one per input each. */
function probabilityTable(): Float64Array {
  const table = new Float64Array(4 * inputs);
  for (let row = 0; row < 4; row++) {
    for (let input = 0; input < inputs; input++) {
      const of = Math.floor(input / group);
      if (of === 3) table[row * inputs + input] = probability / 4;
      else if (row > 0 && of === row - 1) table[row * inputs + input] = probability;
    }
  }
  return table;
}

/** Inputs and targets of one iteration, in the tutorial's order of draws; spikes of some sequences alone if they are named. */
function* draw(random: NumpyRandom, batchSize: number, sequences?: SequenceRange): Pieces<IterationData> {
  const table = probabilityTable();
  const favoured = random.choice(2, batchSize);
  const cues: Uint32Array[] = [];
  for (const side of favoured) {
    const p = [Math.fround(0.3), Math.fround(0.7)];
    cues.push(random.choice(2, timing.cues, Float64Array.from(side === 0 ? p : p.toReversed())));
  }
  const spikes: Uint32Array[] = [];
  for (const [sequence, of] of cues.entries()) {
    if (sequence > 0) yield;
    if (!isWanted(sequences, sequence)) {
      random.skip(steps * inputs);
      continue;
    }
    const drawn = yield* spikesBelowInPieces(random, table, inputs, rowsOf(of));
    spikes.push(drawn.filter((place) => place >= inputs).map((place) => place + sequence * steps * inputs));
  }
  const labels = Uint32Array.from(cues, (of) => (of.reduce((sum, cue) => sum + cue, 0) > 3 ? 1 : 0));
  return {
    spikes: concatenated(spikes),
    labels,
    targets: Array.from({ length: readouts }, (_, readout) => ({
      steps: Uint32Array.from(labels, (_label, sequence) => sequence * steps),
      values: Float64Array.from(labels, (label) => (label === readout ? 1 : 0)),
    })),
    ...(sequences && { sequences }),
  };
}

/** Decide on which side more cues appeared, after a long pause: regular and adaptive neurons, softmax readouts, Adam. */
export function evidenceAccumulation(
  asked: TaskOptions<typeof evidenceAccumulationParameters> & { drawAllFirst?: boolean } = {},
): Task<PoolDescription> {
  const options = ownOptions(asked, { drawAllFirst: optional(flag) });
  const name = "evidence-accumulation";
  const { seed, batchSize, schedule } = commonOptions(name, options, {
    iterations: 50,
    batchSize: 32,
    validateEvery: 10,
    testIterations: 4,
  });
  const parameters = taskParameters(name, evidenceAccumulationParameters, options.parameters);
  checkBatch(name, batchSize, { steps, inputs, rate: probability, readouts });
  const random = new NumpyRandom(seed);
  const n = parameters.n_rec;
  const in_rec = transposedFloat32(random.randn(inputs, n), Math.sqrt(inputs));
  const rec_rec = withoutDiagonal(transposedFloat32(random.randn(n, n), Math.sqrt(n)));
  const limit = Math.sqrt(3 / Math.max(1, (n + readouts) / 2));
  const rec_out = transposedFloat32(
    { data: random.uniform(-limit, limit, n * readouts), shape: [n, readouts] },
    1,
  );
  const out_rec = scaledFloat32(random.randn(n, readouts), 1);
  const prepared = options.drawAllFirst
    ? Array.from({ length: schedule.iterations }, () => atOnce(draw(random, batchSize)))
    : [];
  return {
    name,
    text: "Decide on which side more cues appeared, after a pause",
    seed,
    resolution: 1,
    steps,
    learningWindow: timing.recall,
    batchSize,
    kind: "classification",
    loss: parameters.loss,
    network: withLearning(
      {
        inputs,
        recurrent: regularAndAdaptive(n, parameters),
        readout: softmaxReadouts(readouts, parameters.tau_m_out, parameters),
        weights: { in_rec, rec_rec, rec_out, out_rec },
        optimizer: optimizerOf(parameters, parameters.eta, batchSize),
        averageGradient: true,
      },
      parameters,
      seed,
    ),
    ...withLearningRate(parameters),
    schedule,
    sameEveryIteration: false,
    next: (_split, drawn, signal, sequences) =>
      prepared[drawn.training + drawn.test] ?? inSlices(draw(random, batchSize, sequences), signal),
    parameters: { seed, batchSize, ...parameters },
    options,
    random,
  };
}
