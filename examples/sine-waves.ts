/** The sine-wave tutorial, call by call: 100 neurons learn a sum of four sine waves from frozen noise. */
import * as nest from "eprop/nest";
import { NumpyRandom } from "eprop";

const steps = 1000;
const iterations = 20;
const [nIn, nRec, nOut] = [100, 100, 1];
const np = new NumpyRandom(1);

nest.ResetKernel();
nest.set({
  resolution: 1,
  eprop_update_interval: steps,
  eprop_learning_window: steps,
  eprop_reset_neurons_on_update: true,
});

const genSpkIn = nest.Create("spike_generator", nIn);
const nrnsRec = nest.Create("eprop_iaf_bsshslm_2020", nRec, {
  C_m: 1,
  E_L: 0,
  V_m: 0,
  V_th: 0.03,
  tau_m: 30,
  t_ref: 0,
  regular_spike_arrival: false,
  c_reg: 300,
  f_target: 10,
  surrogate_gradient_function: "piecewise_linear",
  surrogate_gradient_height: 10,
  surrogate_gradient_width: 0.03,
});
const nrnsOut = nest.Create("eprop_readout_bsshslm_2020", nOut, {
  C_m: 1,
  E_L: 0,
  V_m: 0,
  tau_m: 30,
  regular_spike_arrival: false,
  loss: "mean_squared_error",
});
const genRateTarget = nest.Create("step_rate_generator", nOut);
const mmOut = nest.Create("multimeter", 1, {
  record_from: ["readout_signal", "target_signal"],
  interval: 1,
  start: 4,
});

/** Weights in rows per target from a draw in rows per source. */
const transposed = (pre: number, post: number) => {
  const { data } = np.randn(pre, post);
  return Array.from({ length: post }, (_, j) =>
    Array.from({ length: pre }, (__, i) => Math.fround((data[i * post + j] ?? 0) / Math.sqrt(pre))),
  );
};
const inRec = transposed(nIn, nRec);
const recRec = transposed(nRec, nRec);
const recOut = transposed(nRec, nOut);
const outRec = [...np.randn(nRec, nOut).data].map((weight) => [Math.fround(weight / Math.sqrt(nRec))]);

nest.SetDefaults("eprop_synapse_bsshslm_2020", {
  optimizer: { type: "gradient_descent", eta: 1e-4, batch_size: 1, Wmin: -100, Wmax: 100 },
});
const plastic = { synapse_model: "eprop_synapse_bsshslm_2020", delay: 1 } as const;
const rule = { rule: "all_to_all", allow_autapses: false } as const;
nest.Connect(genSpkIn, nrnsRec, rule, { ...plastic, weight: inRec });
nest.Connect(nrnsRec, nrnsRec, rule, { ...plastic, weight: recRec.map((row, j) => row.with(j, 0)) });
nest.Connect(nrnsRec, nrnsOut, rule, { ...plastic, weight: recOut });
nest.Connect(nrnsOut, nrnsRec, rule, {
  synapse_model: "eprop_learning_signal_connection_bsshslm_2020",
  delay: 1,
  weight: outRec,
});
nest.Connect(genRateTarget, nrnsOut, "one_to_one", {
  synapse_model: "rate_connection_delayed",
  delay: 1,
  receptor_type: 2,
});
nest.Connect(mmOut, nrnsOut);

// Inputs: frozen noise, the same in every iteration; a spike of step 0 would come too early.
const fires = np.rand(steps, nIn).data.map((p) => (p < 0.05 ? 1 : 0));
const repeat = <T>(one: (offset: number) => T[]) =>
  Array.from({ length: iterations }, (_, iteration) => one(iteration * steps)).flat();
genSpkIn.set(
  Array.from({ length: nIn }, (_, input) => ({
    spike_times: repeat((offset) =>
      Array.from({ length: steps - 1 }, (__, step) => step + 1)
        .filter((step) => fires[step * nIn + input] === 1)
        .map((step) => offset + step + 2),
    ),
  })),
);

// Target: four sine waves, less the first value, over the largest magnitude.
const amplitudes = np.uniform(0.5, 2, 4);
const phases = np.uniform(0, 2 * Math.PI, 4);
const signal = Array.from({ length: steps }, (_, step) =>
  [1000, 500, 333, 200].reduce((sum, period, wave) => {
    const span = 2 * Math.PI * Math.floor(steps / period);
    return sum + (amplitudes[wave] ?? 0) * Math.sin((step / (steps - 1)) * span + (phases[wave] ?? 0));
  }, 0),
);
const shifted = signal.map((value) => value - (signal[0] ?? 0));
const largest = Math.max(...shifted.map(Math.abs));
genRateTarget.set({
  amplitude_times: repeat((offset) => shifted.map((_, step) => offset + step + 4)),
  amplitude_values: repeat(() => shifted.map((value) => value / largest)),
});

nest.Simulate(iterations * steps + 5);

const { readout_signal, target_signal } = mmOut.get("events");
for (let iteration = 0; iteration < iterations; iteration++) {
  let loss = 0;
  for (let row = iteration * steps; row < (iteration + 1) * steps; row++) {
    loss += 0.5 * ((readout_signal?.[row] ?? 0) - (target_signal?.[row] ?? 0)) ** 2;
  }
  console.log(`iteration ${iteration + 1}: loss ${loss.toFixed(6)}`);
}
