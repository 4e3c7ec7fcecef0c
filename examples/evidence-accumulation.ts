/** The evidence-accumulation tutorial without its phases: regular and adaptive neurons, softmax readouts, Adam. */
import * as nest from "eprop/nest";
import { NumpyRandom } from "eprop";
import { rows, transposed, withoutDiagonal } from "./support.js";

const [seed, batch, iterations] = [1, 2, 5];
const [cues, cue, spacing, pause, recall] = [7, 100, 50, 1050, 150];
const steps = cues * (cue + spacing) + pause + recall;
const [group, nIn, nReg, nAd, nOut] = [10, 40, 50, 50, 2];
const nRec = nReg + nAd;
const np = new NumpyRandom(seed);

nest.ResetKernel();
nest.set({
  resolution: 1,
  rng_seed: seed,
  eprop_update_interval: steps,
  eprop_learning_window: recall,
  eprop_reset_neurons_on_update: true,
});
const params = {
  C_m: 1,
  c_reg: 300,
  E_L: 0,
  f_target: 10,
  regular_spike_arrival: true,
  surrogate_gradient_function: "piecewise_linear",
  surrogate_gradient_height: 0.3 / 0.6,
  surrogate_gradient_width: 0.6,
  t_ref: 5,
  tau_m: 20,
  V_m: 0,
  V_th: 0.6,
} as const;
const genSpkIn = nest.Create("spike_generator", nIn);
const nrnsReg = nest.Create("eprop_iaf_bsshslm_2020", nReg, params);
const nrnsAd = nest.Create("eprop_iaf_adapt_bsshslm_2020", nAd, {
  ...params,
  adapt_beta: (1.7 * (1 - Math.exp(-1 / 2000))) / (1 - Math.exp(-1 / 20)),
  adapt_tau: 2000,
});
const nrnsRec = nrnsReg.concat(nrnsAd);
const nrnsOut = nest.Create("eprop_readout_bsshslm_2020", nOut, {
  C_m: 1,
  E_L: 0,
  loss: "cross_entropy",
  regular_spike_arrival: false,
  tau_m: 20,
  V_m: 0,
});
const genRateTarget = nest.Create("step_rate_generator", nOut);
const mmOut = nest.Create("multimeter", 1, { record_from: ["readout_signal", "target_signal"], start: 4 });

const inRec = transposed(np.randn(nIn, nRec), Math.sqrt(nIn));
const recRec = withoutDiagonal(transposed(np.randn(nRec, nRec), Math.sqrt(nRec)));
const limit = Math.sqrt(3 / Math.max(1, (nRec + nOut) / 2));
const recOut = transposed({ data: np.uniform(-limit, limit, nRec * nOut), shape: [nRec, nOut] }, 1);
const outRec = rows(np.randn(nRec, nOut), 1);

nest.SetDefaults("eprop_synapse_bsshslm_2020", {
  optimizer: { type: "adam", eta: 5e-3, epsilon: 1e-8, batch_size: batch, Wmin: -100, Wmax: 100 },
  average_gradient: true,
});
const plastic = { synapse_model: "eprop_synapse_bsshslm_2020", delay: 1 } as const;
const all = { rule: "all_to_all", allow_autapses: false } as const;
const rate = { synapse_model: "rate_connection_delayed", delay: 1 } as const;
nest.Connect(genSpkIn, nrnsRec, all, { ...plastic, weight: inRec });
nest.Connect(nrnsRec, nrnsRec, all, { ...plastic, weight: recRec });
nest.Connect(nrnsRec, nrnsOut, all, { ...plastic, weight: recOut });
nest.Connect(nrnsOut, nrnsRec, all, {
  synapse_model: "eprop_learning_signal_connection_bsshslm_2020",
  delay: 1,
  weight: outRec,
});
nest.Connect(nrnsOut, nrnsOut, all, { ...rate, receptor_type: 1 });
nest.Connect(genRateTarget, nrnsOut, "one_to_one", { ...rate, receptor_type: 2 });
nest.Connect(mmOut, nrnsOut);

// Inputs of the whole run: in each sequence seven cues, a pause, and a recall signal; noise throughout.
const spikeTimes: number[][] = Array.from({ length: nIn }, () => []);
const labels: number[] = [];
for (let iteration = 0; iteration < iterations; iteration++) {
  const sides = np.choice(2, batch);
  const shown = Array.from(sides, (side) => {
    const p = [Math.fround(0.3), Math.fround(0.7)];
    return np.choice(2, cues, Float64Array.from(side === 0 ? p : p.toReversed()));
  });
  for (const sequence of shown) {
    const begin = labels.length * steps;
    const noise = np.rand(steps, nIn).data;
    for (let step = 1; step < steps; step++) {
      const inPeriod = step % (spacing + cue);
      const at = Math.floor(step / (spacing + cue));
      for (let input = 0; input < nIn; input++) {
        const of = Math.floor(input / group);
        const cueOn = of < 2 && at < cues && inPeriod >= spacing && sequence[at] === of;
        const on = cueOn || (of === 2 && step >= steps - recall);
        const probability = of === 3 ? 0.01 : on ? 0.04 : 0;
        if ((noise[step * nIn + input] ?? 1) < probability) spikeTimes[input]?.push(begin + step + 2);
      }
    }
    labels.push(sequence.reduce((sum, side) => sum + side, 0) > 3 ? 1 : 0);
  }
}
genSpkIn.set(spikeTimes.map((times) => ({ spike_times: times })));
genRateTarget.set(
  [0, 1].map((readout) => ({
    amplitude_times: labels.map((_, sequence) => sequence * steps + 4),
    amplitude_values: labels.map((label) => (label === readout ? 1 : 0)),
  })),
);

nest.Simulate(iterations * batch * steps + 5);

const { readout_signal = new Float64Array(), target_signal = new Float64Array() } = mmOut.get("events");
const rowsPerIteration = batch * steps * nOut;
for (let iteration = 0; iteration < iterations; iteration++) {
  let loss = 0;
  for (let row = iteration * rowsPerIteration; row < (iteration + 1) * rowsPerIteration; row++) {
    const target = target_signal[row] ?? 0;
    if (target > 0) loss -= (target * Math.log(readout_signal[row] ?? 1)) / (recall * batch);
  }
  console.log(`iteration ${iteration + 1}: loss ${loss.toFixed(12)}`);
}
