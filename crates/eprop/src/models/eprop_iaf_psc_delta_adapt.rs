//! `eprop_iaf_psc_delta_adapt`: leaky integrate-and-fire neuron with hard reset and adaptive threshold whose weights change at every presynaptic spike.

use crate::models::equations as eq;
use crate::models::shared::{
    ADAPTIVE, CLOCK, DRAWN_HARD_RESET, MEMBRANE, SPIKING, SURROGATE, TRACES, reset_below_threshold, table,
};
use crate::models::{Dynamics, NodeClass, NodeModel, Receptors, Reset, Rule};
use crate::tables::parameter::{Bound, Parameter};

/// The model.
pub static MODEL: NodeModel = NodeModel {
    name: "eprop_iaf_psc_delta_adapt",
    text: "leaky integrate-and-fire neuron with hard reset and adaptive threshold whose weights change at every presynaptic spike",
    rule: Rule::Plus,
    class: NodeClass::Recurrent,
    parameters: table![
        MEMBRANE,
        SPIKING,
        [
            Parameter::number("V_reset", "v_reset", "mV", -70.0, Bound::Finite, "Voltage after a spike"),
            Parameter::bool(
                "refractory_input",
                false,
                "Keep input that arrives in the refractory time until its end"
            )
        ],
        ADAPTIVE,
        SURROGATE,
        TRACES,
        CLOCK
    ],
    receptors: Receptors::SPIKES,
    drawn: DRAWN_HARD_RESET,
    dynamics: Dynamics::fires(Reset::Hard, true),
    recordables: &[
        "V_m",
        "V_th_adapt",
        "adaptation",
        "eprop_history_duration",
        "learning_signal",
        "surrogate_gradient",
    ],
    equations: &[
        eq::MEMBRANE,
        eq::REFRACTORY_INPUT,
        eq::ADAPTATION,
        eq::ADAPTED_SURROGATE,
        eq::ADAPTED_SPIKE,
        eq::HARD_RESET,
        eq::FIRING_RATE,
        eq::LEARNING_SIGNAL,
    ],
    check: reset_below_threshold,
};
