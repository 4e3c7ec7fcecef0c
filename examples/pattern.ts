/** The network that both drawing tutorials train: adaptive neurons whose readouts follow two coordinates. */
import * as nest from "eprop/nest";
import { NumpyRandom } from "eprop";
import { losses, repeated, rows, transposed, withoutDiagonal } from "./support.js";

export function trainPattern(
  seed: number,
  coordinates: readonly (readonly number[])[],
  iterations: number,
): number[] {
  const steps = coordinates[0]?.length ?? 0;
  const [nIn, nRec, nOut] = [100, 200, 2];
  const np = new NumpyRandom(seed);

  nest.ResetKernel();
  nest.set({
    resolution: 1,
    rng_seed: seed,
    eprop_update_interval: steps,
    eprop_learning_window: steps,
    eprop_reset_neurons_on_update: true,
  });
  const genSpkIn = nest.Create("spike_generator", nIn);
  const nrnsRec = nest.Create("eprop_iaf_adapt_bsshslm_2020", nRec, {
    adapt_beta: (1.7 * (1 - Math.exp(-1 / 2000))) / (1 - Math.exp(-1 / 30)),
    adapt_tau: 2000,
    C_m: 250,
    c_reg: 150,
    E_L: 0,
    f_target: 20,
    regular_spike_arrival: false,
    surrogate_gradient_function: "piecewise_linear",
    surrogate_gradient_height: 10,
    surrogate_gradient_width: 0.03,
    t_ref: 0,
    tau_m: nest.random.normal({ mean: 30, std: 2 }),
    V_m: 0,
    V_th: 0.03,
  });
  const nrnsOut = nest.Create("eprop_readout_bsshslm_2020", nOut, {
    E_L: 0,
    loss: "mean_squared_error",
    regular_spike_arrival: false,
    tau_m: 50,
    V_m: 0,
  });
  const genRateTarget = nest.Create("step_rate_generator", nOut);
  const mmOut = nest.Create("multimeter", 1, { record_from: ["readout_signal", "target_signal"], start: 4 });

  const inRec = transposed(np.randn(nIn, nRec), Math.sqrt(nIn));
  const recRec = withoutDiagonal(transposed(np.randn(nRec, nRec), Math.sqrt(nRec)));
  const recOut = transposed(np.randn(nRec, nOut), Math.sqrt(nRec));
  const outRec = rows(np.randn(nRec, nOut), Math.sqrt(nRec));

  nest.SetDefaults("eprop_synapse_bsshslm_2020", {
    optimizer: { type: "adam", eta: 5e-3, epsilon: 1e-8, batch_size: 1, Wmin: -100, Wmax: 100 },
  });
  const plastic = { synapse_model: "eprop_synapse_bsshslm_2020", delay: 1 } as const;
  const all = { rule: "all_to_all", allow_autapses: false } as const;
  nest.Connect(genSpkIn, nrnsRec, all, { ...plastic, weight: inRec });
  nest.Connect(nrnsRec, nrnsRec, all, { ...plastic, weight: recRec });
  nest.Connect(nrnsRec, nrnsOut, all, { ...plastic, weight: recOut });
  nest.Connect(nrnsOut, nrnsRec, all, {
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

  const noise = np.rand(steps, nIn).data;
  genSpkIn.set(
    Array.from({ length: nIn }, (_, input) => ({
      spike_times: repeated(iterations, steps, (offset) =>
        Array.from({ length: steps - 1 }, (__, step) => step + 1)
          .filter((step) => (noise[step * nIn + input] ?? 1) < 0.05)
          .map((step) => offset + step + 2),
      ),
    })),
  );
  genRateTarget.set(
    coordinates.map((coordinate) => ({
      amplitude_times: repeated(iterations, steps, (offset) =>
        coordinate.map((_, step) => offset + step + 4),
      ),
      amplitude_values: repeated(iterations, steps, () => coordinate),
    })),
  );

  nest.Simulate(iterations * steps + 5);
  const { readout_signal = new Float64Array(), target_signal = new Float64Array() } = mmOut.get("events");
  return losses(readout_signal, target_signal, nOut, steps * nOut);
}
