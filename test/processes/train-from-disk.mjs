// Trains on an archive of events that is read while it trains; prints the memory that it takes and what was learned.
//
//   node train-from-disk.mjs FILE ITERATIONS
import { DataLoader, nextIteration, openEventArchive } from "../../dist/data/index.js";
import { NumpyRandom, Trainer } from "../../dist/index.js";

const [file, iterations] = [process.argv[2], Number(process.argv[3])];
const [inputs, neurons, classes, steps, batchSize] = [40, 30, 4, 50, 50];
const dataset = openEventArchive(file, { sensor: { width: inputs, height: 1, polarities: 1 }, classes });
const loader = new DataLoader(dataset, { batchSize, seed: 3, last: "drop" });
const random = new NumpyRandom(3);
const weights = (rows, columns) => {
  const { data, shape } = random.randn(rows, columns);
  return { data: data.map((value) => (2 * value) / Math.sqrt(columns)), shape };
};
const membrane = { C_m: 1, E_L: 0, V_m: 0, tau_m: 20 };
const task = {
  name: "from-disk",
  text: "Tell in which quarter of the channels events begin",
  seed: 3,
  resolution: 1,
  steps,
  learningWindow: steps,
  batchSize,
  kind: "classification",
  loss: "cross_entropy",
  network: {
    inputs,
    recurrent: [
      {
        model: "eprop_iaf_bsshslm_2020",
        n: neurons,
        params: { ...membrane, V_th: 0.6, regular_spike_arrival: true },
      },
    ],
    readout: {
      model: "eprop_readout_bsshslm_2020",
      n: classes,
      params: { ...membrane, loss: "cross_entropy" },
    },
    weights: {
      in_rec: weights(neurons, inputs),
      rec_rec: weights(neurons, neurons),
      rec_out: weights(classes, neurons),
      out_rec: weights(neurons, classes),
    },
    optimizer: { type: "adam", eta: 5e-3, batch_size: batchSize },
    averageGradient: true,
  },
  schedule: { iterations, validateEvery: 0, earlyStopIterations: 0, earlyStopError: 0, testIterations: 0 },
  sameEveryIteration: false,
  next: (_split, drawn, signal) =>
    nextIteration(loader, drawn.training, { steps, resolution: 1, readouts: classes }, signal),
  parameters: {},
  options: {},
  random,
};
const trainer = new Trainer(task, { threads: 1 });
const resident = [];
let [simulated, begin] = [0, performance.now()];
const errors = [];
for await (const { iteration, ms, error } of trainer) {
  simulated += ms;
  errors.push(error);
  if (iteration % Math.max(1, Math.floor(iterations / 10)) === 0)
    resident.push(process.memoryUsage().rss / 2 ** 20);
}
const wall = performance.now() - begin;
await trainer.close();
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
const few = Math.max(1, Math.floor(iterations / 10));
console.log(
  JSON.stringify({
    samples: dataset.length,
    resident,
    most: process.resourceUsage().maxRSS / 1024,
    wall,
    simulated,
    first: mean(errors.slice(0, few)),
    last: mean(errors.slice(-few)),
  }),
);
