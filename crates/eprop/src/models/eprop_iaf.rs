//! `eprop_iaf`: leaky integrate-and-fire neuron whose weights change at every presynaptic spike.

use crate::models::equations as eq;
use crate::models::shared::{
    CLOCK, DRAWN, MEMBRANE, SPIKING, SURROGATE, TRACES, table, threshold_above_floor,
};
use crate::models::{Dynamics, NodeClass, NodeModel, Receptors, Reset, Rule};

/// The model.
pub static MODEL: NodeModel = NodeModel {
    name: "eprop_iaf",
    text: "leaky integrate-and-fire neuron whose weights change at every presynaptic spike",
    rule: Rule::Plus,
    class: NodeClass::Recurrent,
    parameters: table![MEMBRANE, SPIKING, SURROGATE, TRACES, CLOCK],
    receptors: Receptors::SPIKES,
    drawn: DRAWN,
    dynamics: Dynamics::fires(Reset::Subtract, false),
    recordables: &["V_m", "eprop_history_duration", "learning_signal", "surrogate_gradient"],
    equations: &[eq::MEMBRANE, eq::SURROGATE, eq::SPIKE, eq::RESET, eq::FIRING_RATE, eq::LEARNING_SIGNAL],
    check: threshold_above_floor,
};
