//! The equations that models share, in TeX with the symbols of the parameter tables. How they follow from each other is
//! in `docs/derivation.md`.
//!
//! `t` counts steps of `Δt` (the resolution), `T` is the length of an update interval in steps. Voltages are relative
//! to `E_L`. Indices: presynaptic neuron `i`, postsynaptic neuron `j`, readout `k`.

use crate::tables::Equation;

const fn equation(text: &'static str, tex: &'static str) -> Equation {
    Equation { text, tex }
}

/// The sum of what arrives, and the decay of the membrane.
pub(crate) const MEMBRANE: Equation = equation(
    "The membrane integrates the constant current and arriving weights; it is kept at or above v_min",
    r"v^t = \alpha v^{t-1} + \frac{\tau_m}{C_m} (1 - \alpha) I_e + \sum_i W_i z_i^t, \qquad \alpha = e^{-\Delta t / \tau_m}",
);

/// The same, with input spikes that move the voltage by a part of their weight only.
pub(crate) const FILTERED_MEMBRANE: Equation = equation(
    "The membrane integrates the constant current and arriving weights; it is kept at or above v_min. \
     ζ is 1 with regular_spike_arrival and 1 - α without",
    r"v^t = \alpha v^{t-1} + \frac{\tau_m}{C_m} (1 - \alpha) I_e + \zeta \sum_i W_i z_i^t, \qquad \alpha = e^{-\Delta t / \tau_m}",
);

/// Reset in the step after a spike.
pub(crate) const LATE_RESET: Equation = equation(
    "The step after a spike takes the threshold off the voltage",
    r"v^t \leftarrow v^t - z^{t-1} v_\mathrm{th}",
);

/// Reset at once.
pub(crate) const RESET: Equation =
    equation("A spike takes the threshold off the voltage", r"v^t \leftarrow v^t - z^t v_\mathrm{th}");

/// Reset to a value.
pub(crate) const HARD_RESET: Equation = equation(
    "A spike sets the voltage; it stands still in the refractory time",
    r"v^t \leftarrow v_\mathrm{reset} \quad \text{where } z^t = 1",
);

/// Input that arrives in the refractory time.
pub(crate) const REFRACTORY_INPUT: Equation = equation(
    "With refractory_input, what arrives r steps before the refractory time ends is added at its end, decayed; \
     without, it is lost",
    r"v^{t+r} \leftarrow v^{t+r} + e^{-r \Delta t / \tau_m} \sum_i W_i z_i^t",
);

/// Spike where the voltage reaches the threshold.
pub(crate) const SPIKE: Equation = equation(
    "A spike where the voltage reaches the threshold and the refractory time t_ref is over",
    r"z^t = H\left(v^t - v_\mathrm{th}\right)",
);

/// Spike where the voltage reaches the adapted threshold.
pub(crate) const ADAPTED_SPIKE: Equation = equation(
    "A spike where the voltage reaches the adapted threshold and the refractory time t_ref is over",
    r"z^t = H\left(v^t - v_\mathrm{th,a}^t\right)",
);

/// Adaptation of the threshold.
pub(crate) const ADAPTATION: Equation = equation(
    "Each spike raises the threshold, which decays back",
    r"a^t = \rho a^{t-1} + z^{t-1}, \qquad v_\mathrm{th,a}^t = v_\mathrm{th} + \beta_a a^t, \qquad \rho = e^{-\Delta t / \tau_a}",
);

/// The four shapes of the surrogate gradient.
pub(crate) const SURROGATE: Equation = equation(
    "The surrogate gradient stands for the derivative of the spike; it is zero in the refractory time",
    r"\psi = \begin{cases}
\gamma \max\left(0, 1 - |x|\right) & \texttt{piecewise\_linear} \\
\gamma e^{-|x|} & \texttt{exponential} \\
\gamma \left(1 + |x|\right)^{-2} & \texttt{fast\_sigmoid\_derivative} \\
\gamma \left(1 + x^2\right)^{-1} & \texttt{arctan\_derivative}
\end{cases} \qquad x = \frac{v - v_\mathrm{th}}{\beta}",
);

/// The same about the adapted threshold.
pub(crate) const ADAPTED_SURROGATE: Equation = equation(
    "The surrogate gradient stands for the derivative of the spike; it is zero in the refractory time",
    r"\psi = \begin{cases}
\gamma \max\left(0, 1 - |x|\right) & \texttt{piecewise\_linear} \\
\gamma e^{-|x|} & \texttt{exponential} \\
\gamma \left(1 + |x|\right)^{-2} & \texttt{fast\_sigmoid\_derivative} \\
\gamma \left(1 + x^2\right)^{-1} & \texttt{arctan\_derivative}
\end{cases} \qquad x = \frac{v - v_\mathrm{th,a}}{\beta}",
);

/// What a recurrent neuron learns from.
pub(crate) const LEARNING_SIGNAL: Equation = equation(
    "The learning signal is the readouts' errors, weighted by the feedback",
    r"L_j^t = \sum_k B_{jk} E_k^t",
);

/// Running average of the firing rate.
pub(crate) const FIRING_RATE: Equation = equation(
    "The firing rate is a running average",
    r"f^t = \kappa_\mathrm{reg} f^{t-1} + (1 - \kappa_\mathrm{reg}) \frac{z^t}{\Delta t}",
);

/// Voltage regularization.
pub(crate) const VOLTAGE_COST: Equation = equation(
    "Voltage regularization: voltages above the threshold or far below it cost",
    r"\mathcal{L}_v = \frac{c_v}{2} \sum_t \left(\max(0, v^t - \theta^t)^2 + \max(0, -v^t - v_\mathrm{th})^2\right)",
);

/// The gradient of a constant current that learns.
pub(crate) const BIAS_GRADIENT: Equation = equation(
    "The gradient of a current I_e that learns is that of the weight of an input in every step with its gain",
    r"\bar z^t = \alpha \bar z^{t-1} + \tfrac{\tau_m}{C_m}(1 - \alpha)",
);

/// The error of a readout.
pub(crate) const ERROR: Equation = equation(
    "The error, in the last steps of an interval as given by eprop_learning_window, and zero before",
    r"E_k^t = y_k^t - y_k^{*,t}",
);

/// Signals of a readout with a learning window that arrives as a rate.
pub(crate) const WINDOWED_READOUT: Equation = equation(
    "The readout signal, the target and the error, within the learning window w that arrives at receptor 1",
    r"y_k^t = w^t \left(v_k^t + E_L\right), \qquad y_k^{*,t} = w^t\, \mathrm{target}^t, \qquad E_k^t = y_k^t - y_k^{*,t}",
);

/// Low-pass filter of presynaptic spikes, once an interval.
pub(crate) const FILTERED_TRACE: Equation = equation(
    "The presynaptic spikes as the postsynaptic membrane filters them; all traces begin an interval with zero",
    r"\bar z_i^t = \alpha \bar z_i^{t-1} + \zeta z_i^t",
);

/// Low-pass filter of presynaptic spikes.
pub(crate) const TRACE: Equation = equation(
    "The presynaptic spikes as the postsynaptic membrane filters them",
    r"\bar z_i^t = \alpha \bar z_i^{t-1} + z_i^t",
);

/// The eligibility trace.
pub(crate) const ELIGIBILITY: Equation = equation(
    "The eligibility trace; β_a is zero for neurons that do not adapt",
    r"e_{ij}^t = \psi_j^t \left(\bar z_i^t - \beta_a \epsilon_{ij}^t\right), \qquad \epsilon_{ij}^{t+1} = \rho \epsilon_{ij}^t + e_{ij}^t",
);

/// The eligibility trace as the readout sees it, and the gradient of an interval.
pub(crate) const INTERVAL_GRADIENT: Equation = equation(
    "The gradient of an interval onto a recurrent neuron that fired n times in it; the second term keeps its firing rate",
    r"g_{ij} = \sum_t L_j^t \bar e_{ij}^t + \frac{c_\mathrm{reg}}{T} \left(\frac{n_j}{T} - f^\mathrm{target} \Delta t\right) \sum_t e_{ij}^t, \qquad
\bar e_{ij}^t = \kappa \bar e_{ij}^{t-1} + (1 - \kappa) e_{ij}^t, \qquad \kappa = e^{-\Delta t / \tau_\mathrm{m,out}}",
);

/// The same onto a readout.
pub(crate) const READOUT_GRADIENT: Equation =
    equation("The gradient onto a readout", r"g_{ik} = \sum_t E_k^t \bar z_i^t");

/// The gradient of a window between two presynaptic spikes.
pub(crate) const SPIKE_GRADIENT: Equation = equation(
    "When a presynaptic spike arrives, the gradient of the steps since the last one (at most Δt_c) is known",
    r"g_{ij} = \sum_t L_j^t \bar e_{ij}^t + c_\mathrm{reg} \left(f_j^t - f^\mathrm{target} \Delta t\right) \bar e_{\mathrm{reg},ij}^t, \qquad
\bar e_{ij}^t = \kappa \bar e_{ij}^{t-1} + e_{ij}^t, \qquad
\bar e_{\mathrm{reg},ij}^t = \kappa_\mathrm{reg} \bar e_{\mathrm{reg},ij}^{t-1} + (1 - \kappa_\mathrm{reg}) e_{ij}^t",
);
