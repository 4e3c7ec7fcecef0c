//! Rows of parameter tables that several models have.

use crate::tables::parameter::{Bound, Default, Parameter, Role};

pub(crate) use crate::tables::parameter::{FILLER, table};

const LOWEST: f64 = f64::MIN;
const LONGEST: f64 = f64::MAX;

/// The order in which NEST draws a neuron's random parameters, as seen in the numbers that it gives them.
pub(crate) const DRAWN: &[&str] = &[
    "ignore_and_spike_offset",
    "ignore_and_spike_interval",
    "E_L",
    "V_th",
    "V_min",
    "adapt_beta",
    "adapt_tau",
    "C_m",
    "c_reg",
    "f_target",
    "I_e",
    "surrogate_gradient_width",
    "surrogate_gradient_height",
    "t_ref",
    "tau_m",
    "kappa",
    "kappa_reg",
    "V_m",
    "adaptation",
];

/// The same where the height of the surrogate gradient comes before its width.
pub(crate) const DRAWN_HEIGHT_FIRST: &[&str] = &[
    "ignore_and_spike_offset",
    "ignore_and_spike_interval",
    "E_L",
    "V_th",
    "V_min",
    "adapt_beta",
    "adapt_tau",
    "C_m",
    "c_reg",
    "f_target",
    "I_e",
    "surrogate_gradient_height",
    "surrogate_gradient_width",
    "t_ref",
    "tau_m",
    "V_m",
    "adaptation",
];

/// The same for neurons with a hard reset.
pub(crate) const DRAWN_HARD_RESET: &[&str] = &[
    "ignore_and_spike_offset",
    "ignore_and_spike_interval",
    "E_L",
    "V_reset",
    "V_th",
    "V_min",
    "I_e",
    "C_m",
    "tau_m",
    "t_ref",
    "adapt_beta",
    "adapt_tau",
    "c_reg",
    "f_target",
    "surrogate_gradient_width",
    "surrogate_gradient_height",
    "kappa",
    "kappa_reg",
    "V_m",
    "adaptation",
];

/// Parameters of every membrane.
pub(crate) const MEMBRANE: [Parameter; 5] = [
    Parameter::number("C_m", "C_m", "pF", 250.0, Bound::Positive, "Capacitance of the membrane"),
    Parameter::number("tau_m", "τ_m", "ms", 10.0, Bound::Positive, "Time constant of the membrane"),
    Parameter::number("I_e", "I_e", "pA", 0.0, Bound::Finite, "Constant current"),
    Parameter::number("V_min", "v_min", "mV", LOWEST, Bound::NotNan, "Lower bound of the membrane voltage"),
    Parameter::number("E_L", "E_L", "mV", -70.0, Bound::Finite, "Resting voltage"),
];

/// Parameters of every spiking neuron that learns.
pub(crate) const SPIKING: [Parameter; 7] = [
    Parameter::number("V_m", "v", "mV", -70.0, Bound::Finite, "Membrane voltage").state(),
    Parameter::number("V_th", "v_th", "mV", -55.0, Bound::Finite, "Spike threshold"),
    Parameter::number("t_ref", "t_ref", "ms", 2.0, Bound::NonNegative, "Refractory time"),
    Parameter::number(
        "c_reg",
        "c_reg",
        "",
        0.0,
        Bound::NonNegative,
        "Coefficient of firing-rate regularization",
    ),
    Parameter::number("f_target", "f^target", "spikes/s", 10.0, Bound::NonNegative, "Target firing rate"),
    Parameter::number("surrogate_gradient", "ψ", "", 0.0, Bound::Finite, "Surrogate gradient").read_only(),
    Parameter::number("learning_signal", "L", "pA", 0.0, Bound::Finite, "Learning signal").read_only(),
];

/// Regularization of the voltage, where weights change once an interval.
pub(crate) const VOLTAGE_COST: [Parameter; 1] = [Parameter::number(
    "c_voltage",
    "c_v",
    "",
    0.0,
    Bound::NonNegative,
    "Coefficient of voltage regularization",
)];

/// A constant current that learns, where weights change once an interval.
pub(crate) const BIAS: [Parameter; 2] = [
    Parameter::bool(
        "learns_bias",
        false,
        "Whether I_e learns, by the optimizer of the first plastic connections onto neurons of this kind",
    ),
    Parameter::number(
        "bias_rate",
        "",
        "",
        1.0,
        Bound::NonNegative,
        "Learning rate of I_e, as a multiple of that of these connections",
    ),
];

/// Shape of the surrogate gradient.
pub(crate) const SURROGATE: [Parameter; 3] = [
    Parameter::choice(
        "surrogate_gradient_function",
        &["piecewise_linear", "exponential", "fast_sigmoid_derivative", "arctan_derivative"],
        "Shape of the surrogate gradient",
    ),
    Parameter::number(
        "surrogate_gradient_height",
        "γ",
        "",
        0.3,
        Bound::Positive,
        "Height of the surrogate gradient",
    ),
    Parameter::number(
        "surrogate_gradient_width",
        "β",
        "mV",
        1.0,
        Bound::Positive,
        "Width of the surrogate gradient",
    ),
];

/// Parameters of an adaptive threshold.
pub(crate) const ADAPTIVE: [Parameter; 4] = [
    Parameter::number(
        "adapt_beta",
        "β_a",
        "mV",
        1.0,
        Bound::NonNegative,
        "Gain of the adaptation on the threshold",
    ),
    Parameter::number("adapt_tau", "τ_a", "ms", 10.0, Bound::Positive, "Time constant of the adaptation"),
    Parameter::number("adaptation", "a", "", 0.0, Bound::NonNegative, "Adaptation").state(),
    Parameter::number("V_th_adapt", "v_th,a", "mV", -55.0, Bound::Finite, "Adapted spike threshold")
        .read_only(),
];

/// Firing by the clock instead of by the threshold.
pub(crate) const CLOCK: [Parameter; 4] = [
    Parameter::bool("ignore_and_spike", false, "Ignore the input and fire by the clock"),
    Parameter::number(
        "ignore_and_spike_offset",
        "",
        "ms",
        1.0,
        Bound::Positive,
        "Time of the first spike of a neuron that fires by the clock",
    ),
    Parameter::number(
        "ignore_and_spike_interval",
        "",
        "ms",
        100.0,
        Bound::Positive,
        "Time between spikes of a neuron that fires by the clock",
    ),
    Parameter::number(
        "flush_event_send_interval",
        "",
        "ms",
        f64::INFINITY,
        Bound::PositiveOrInfinite,
        "Accepted and without effect: history is bounded without it",
    ),
];

/// How input spikes enter the voltage, and low-pass filters, where weights change once an interval.
pub(crate) const ARRIVAL: [Parameter; 1] = [Parameter::bool(
    "regular_spike_arrival",
    true,
    "Input spikes move the voltage by their whole weight, not by 1 - exp(-dt/τ_m) of it",
)];

/// Decay of traces, where weights change at every spike.
pub(crate) const TRACES: [Parameter; 3] = [
    Parameter::number(
        "kappa",
        "κ",
        "",
        0.97,
        Bound::UnitInterval,
        "Decay of the eligibility trace in a step",
    ),
    Parameter::number(
        "kappa_reg",
        "κ_reg",
        "",
        0.97,
        Bound::UnitInterval,
        "Decay of the firing-rate trace in a step",
    ),
    CUTOFF,
];

/// Bound of the history that a presynaptic spike looks at.
pub(crate) const CUTOFF: Parameter = Parameter::number(
    "eprop_isi_trace_cutoff",
    "Δt_c",
    "ms",
    f64::INFINITY,
    Bound::NonNegativeOrInfinite,
    "Longest part of an interspike interval that eligibility is computed for",
);

/// State variables of a readout.
pub(crate) const READOUT: [Parameter; 4] = [
    Parameter::number("V_m", "v", "mV", 0.0, Bound::Finite, "Membrane voltage").state(),
    Parameter::number("readout_signal", "y", "mV", 0.0, Bound::Finite, "Readout signal").read_only(),
    Parameter::number("target_signal", "y*", "mV", 0.0, Bound::Finite, "Target signal").read_only(),
    Parameter::number("error_signal", "E", "mV", 0.0, Bound::Finite, "Error signal").read_only(),
];

/// A row with another default.
pub(crate) const fn with_default(mut row: Parameter, default: f64) -> Parameter {
    row.default = Default::Number(default);
    row
}

/// When a device is active.
pub(crate) const DEVICE: [Parameter; 4] = [
    Parameter::number(
        "start",
        "",
        "ms",
        0.0,
        Bound::Finite,
        "Time from which the device is active (excluded)",
    ),
    Parameter::number(
        "stop",
        "",
        "ms",
        LONGEST,
        Bound::NotNan,
        "Time until which the device is active (included)",
    ),
    Parameter::number("origin", "", "ms", 0.0, Bound::Finite, "Added to start and stop"),
    Parameter::text("label", "", "A name for files").of_process(),
];

/// A sine.
pub(crate) const SINE: [Parameter; 2] = [
    Parameter::number("frequency", "f", "Hz", 0.0, Bound::Finite, "Frequency of the sine"),
    Parameter::number("phase", "φ", "°", 0.0, Bound::Finite, "Phase of the sine at time 0"),
];

/// What every recorder has.
pub(crate) const RECORDER: [Parameter; 5] = [
    Parameter::choice("record_to", &["memory", "ascii"], "Where events go").of_process(),
    Parameter::bool("time_in_steps", false, "Give times in steps"),
    Parameter::text("file_extension", "dat", "End of the names of files").of_process(),
    Parameter::integer("precision", 3.0, Bound::NonNegative, "Decimal places of numbers in files")
        .of_process(),
    {
        let mut row = Parameter::integer(
            "n_events",
            0.0,
            Bound::NonNegative,
            "Number of events held; setting it to 0 drops them",
        );
        row.role = Role::State;
        row
    },
];

/// The threshold is not below the lower bound of the voltage.
pub(crate) fn threshold_above_floor(read: super::Read<'_>) -> crate::base::error::Result<()> {
    if read("V_th") < read("V_min") {
        return Err(crate::base::error::Error::new(
            crate::base::error::ErrorCode::BadProperty,
            "the threshold lies below the lower bound of the voltage",
        )
        .parameter("V_th")
        .value(read("V_th"))
        .bound(format!("at least V_min = {}", read("V_min"))));
    }
    Ok(())
}

/// Nothing to check across parameters.
#[allow(clippy::unnecessary_wraps, reason = "a check of a model table")]
pub(crate) fn unchecked(_: super::Read<'_>) -> crate::base::error::Result<()> {
    Ok(())
}

/// A device does not stop before it starts.
pub(crate) fn stops_after_start(read: super::Read<'_>) -> crate::base::error::Result<()> {
    if read("stop") < read("start") {
        return Err(crate::base::error::Error::new(
            crate::base::error::ErrorCode::BadProperty,
            "the device would stop before it starts",
        )
        .parameter("stop")
        .value(read("stop"))
        .bound(format!("at least start = {}", read("start"))));
    }
    Ok(())
}

/// The reset voltage lies below the threshold, which is not below the lower bound.
pub(crate) fn reset_below_threshold(read: super::Read<'_>) -> crate::base::error::Result<()> {
    threshold_above_floor(read)?;
    if read("V_reset") >= read("V_th") {
        return Err(crate::base::error::Error::new(
            crate::base::error::ErrorCode::BadProperty,
            "the voltage after a spike must lie below the threshold",
        )
        .parameter("V_reset")
        .value(read("V_reset"))
        .bound(format!("below V_th = {}", read("V_th"))));
    }
    Ok(())
}

/// What is sent by those that send spikes at given times.
pub(crate) const SENT: [Parameter; 2] = [
    Parameter::numbers(
        "spike_times",
        "ms",
        Bound::NonNegative,
        "Times of the spikes, ascending, none of them 0",
    ),
    Parameter::numbers(
        "spike_multiplicities",
        "",
        Bound::NonNegative,
        "How many spikes each time stands for",
    ),
];

/// Of what has a list of times.
pub(crate) const OFFGRID_TIMES: Parameter =
    Parameter::bool("allow_offgrid_times", false, "Move times between steps to the end of their step");

/// How their times are brought onto the grid.
pub(crate) const ON_GRID: [Parameter; 3] = [
    OFFGRID_TIMES,
    Parameter::bool("precise_times", false, "Not supported: leave it off"),
    Parameter::bool("shift_now_spikes", false, "Move a spike at the present time to the next step"),
];
