import type { ByRuleRun } from "./case.js";

/** A neuron that fires by a clock, ten times a second. */
const clocked = {
  C_m: 250,
  E_L: 0,
  V_m: 0,
  V_th: 20,
  tau_m: 20,
  t_ref: 0,
  c_reg: 0.1,
  f_target: 10,
  surrogate_gradient_function: "piecewise_linear",
  surrogate_gradient_height: 0.3,
  surrogate_gradient_width: 30,
  ignore_and_spike: true,
  ignore_and_spike_interval: 100,
} as const;

const integrating = { C_m: 250, E_L: 0, V_m: 0, tau_m: 20 } as const;

/**
 * The network of the scaling benchmark of Korcsak-Gorzo et al. (2025): 100 synapses a neuron, 10 readouts, iterations of
 * 1,000 steps.
 */
export function scalingNetwork(family: ByRuleRun["family"], neurons: number, iterations: number): ByRuleRun {
  const plus = family === "event";
  return {
    kind: "by-rule",
    family,
    models: plus
      ? {
          neuron: "eprop_iaf_psc_delta",
          readout: "eprop_readout",
          synapse: "eprop_synapse",
          feedback: "eprop_learning_signal_connection",
        }
      : {
          neuron: "eprop_iaf_bsshslm_2020",
          readout: "eprop_readout_bsshslm_2020",
          synapse: "eprop_synapse_bsshslm_2020",
          feedback: "eprop_learning_signal_connection_bsshslm_2020",
        },
    neurons,
    degree: Math.min(100, neurons / 2),
    readouts: 10,
    interval: 100,
    offsets: [5, 99],
    std: 1,
    neuron: plus ? { ...clocked, V_reset: 0, eprop_isi_trace_cutoff: 100 } : clocked,
    readout: plus
      ? { ...integrating, eprop_isi_trace_cutoff: 100 }
      : { ...integrating, loss: "mean_squared_error" },
    target: { amplitude_times: [1], amplitude_values: [1] },
    optimizer: {
      type: "gradient_descent",
      batch_size: 1,
      eta: 1e-6,
      ...(plus && { optimize_each_step: false }),
    },
    before: 3,
    duration: 1000,
    iterations,
  };
}
