//! `eprop_iaf_adapt`: leaky integrate-and-fire neuron with an adaptive threshold whose weights change at every presynaptic spike.

use crate::models::equations as eq;
use crate::models::shared::{
    ADAPTIVE, CLOCK, DRAWN, MEMBRANE, SPIKING, SURROGATE, TRACES, table, threshold_above_floor,
};
use crate::models::{Dynamics, NodeClass, NodeModel, Receptors, Reset, Rule};

/// The model.
pub static MODEL: NodeModel = NodeModel {
    name: "eprop_iaf_adapt",
    text: "leaky integrate-and-fire neuron with an adaptive threshold whose weights change at every presynaptic spike",
    rule: Rule::Plus,
    class: NodeClass::Recurrent,
    parameters: table![MEMBRANE, SPIKING, ADAPTIVE, SURROGATE, TRACES, CLOCK],
    receptors: Receptors::SPIKES,
    drawn: DRAWN,
    dynamics: Dynamics::fires(Reset::Subtract, true),
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
        eq::ADAPTATION,
        eq::ADAPTED_SURROGATE,
        eq::ADAPTED_SPIKE,
        eq::RESET,
        eq::FIRING_RATE,
        eq::LEARNING_SIGNAL,
    ],
    check: threshold_above_floor,
};
