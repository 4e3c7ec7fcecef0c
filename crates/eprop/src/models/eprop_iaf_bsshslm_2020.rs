//! `eprop_iaf_bsshslm_2020`: leaky integrate-and-fire neuron whose weights change once an update interval.

use crate::models::equations as eq;
use crate::models::shared::{
    ARRIVAL, BIAS, CLOCK, DRAWN, MEMBRANE, SPIKING, SURROGATE, VOLTAGE_COST, table, threshold_above_floor,
};
use crate::models::{Dynamics, NodeClass, NodeModel, Receptors, Reset, Rule};

/// The model.
pub static MODEL: NodeModel = NodeModel {
    name: "eprop_iaf_bsshslm_2020",
    text: "leaky integrate-and-fire neuron whose weights change once an update interval",
    rule: Rule::Interval,
    class: NodeClass::Recurrent,
    parameters: table![MEMBRANE, SPIKING, VOLTAGE_COST, BIAS, ARRIVAL, SURROGATE, CLOCK],
    receptors: Receptors::SPIKES,
    drawn: DRAWN,
    dynamics: Dynamics::fires(Reset::Subtract, false),
    recordables: &["V_m", "eprop_history_duration", "learning_signal", "surrogate_gradient"],
    equations: &[
        eq::FILTERED_MEMBRANE,
        eq::LATE_RESET,
        eq::SURROGATE,
        eq::SPIKE,
        eq::LEARNING_SIGNAL,
        eq::VOLTAGE_COST,
        eq::BIAS_GRADIENT,
    ],
    check: threshold_above_floor,
};
