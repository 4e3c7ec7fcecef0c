//! The synapse models: tables of what a connection has and of what all connections of a model share.

use crate::feedback;
use crate::models::equations as eq;
use crate::models::shared::table;
use crate::models::{Rule, SynapseKind, SynapseModel};
use crate::optimizer;
use crate::rewiring;
use crate::tables::Equation;
use crate::tables::parameter::join;
use crate::tables::parameter::{Bound, Default, Kind, Parameter};

const CONNECTION: [Parameter; 3] = [
    Parameter::number("weight", "W", "", 1.0, Bound::Finite, "Weight"),
    Parameter::number("delay", "d", "ms", 1.0, Bound::Positive, "Delay"),
    Parameter::integer("receptor_type", 0.0, Bound::NonNegative, "Receptor that is reached"),
];

const RECORDED: [Parameter; 1] = [Parameter::nodes("weight_recorder", "The recorder that sees the weights")];

const OPTIMIZED: [Parameter; 1] = [{
    let mut row = Parameter::choice("optimizer", &[], "The optimizer and its parameters");
    row.kind = Kind::Table(optimizer::PARAMETERS);
    row.default = Default::Empty;
    row
}];

const PER_INTERVAL: [Parameter; 2] = [
    Parameter::number(
        "tau_m_readout",
        "τ_m,out",
        "ms",
        10.0,
        Bound::Positive,
        "Time constant of the eligibility trace's low-pass filter; by default that of the network's readouts",
    ),
    Parameter::bool("average_gradient", false, "Divide an interval's gradient by the learning window"),
];

/// All synapse models.
pub static MODELS: [SynapseModel; 7] = [
    SynapseModel {
        name: "static_synapse",
        text: "a synapse whose weight does not change",
        rule: Rule::Any,
        kind: SynapseKind::Static,
        homogeneous: false,
        parameters: table![CONNECTION, RECORDED],
        equations: &[],
    },
    SynapseModel {
        name: "static_synapse_hom_w",
        text: "a synapse whose weight does not change and is that of the model",
        rule: Rule::Any,
        kind: SynapseKind::Static,
        homogeneous: true,
        parameters: table![CONNECTION, RECORDED],
        equations: &[],
    },
    SynapseModel {
        name: "eprop_synapse_bsshslm_2020",
        text: "a plastic synapse whose weight changes once an update interval",
        rule: Rule::Interval,
        kind: SynapseKind::Plastic,
        homogeneous: false,
        parameters: table![CONNECTION, RECORDED, OPTIMIZED, PER_INTERVAL, rewiring::PARAMETERS],
        equations: join![Equation, eq::TRACE; [
            eq::FILTERED_TRACE,
            eq::ELIGIBILITY,
            eq::INTERVAL_GRADIENT,
            eq::READOUT_GRADIENT,], optimizer::EQUATIONS, rewiring::EQUATIONS],
    },
    SynapseModel {
        name: "eprop_synapse",
        text: "a plastic synapse whose weight changes at every presynaptic spike",
        rule: Rule::Plus,
        kind: SynapseKind::Plastic,
        homogeneous: false,
        parameters: table![CONNECTION, RECORDED, OPTIMIZED],
        equations: join![Equation, eq::TRACE; [
            eq::TRACE,
            eq::ELIGIBILITY,
            eq::SPIKE_GRADIENT,
            eq::READOUT_GRADIENT,], optimizer::EQUATIONS],
    },
    SynapseModel {
        name: "eprop_learning_signal_connection_bsshslm_2020",
        text: "carries the learning signal where weights change once an update interval",
        rule: Rule::Interval,
        kind: SynapseKind::LearningSignal,
        homogeneous: false,
        parameters: table![CONNECTION, RECORDED, feedback::PARAMETERS],
        equations: join![Equation, eq::TRACE; [eq::LEARNING_SIGNAL], feedback::EQUATIONS],
    },
    SynapseModel {
        name: "eprop_learning_signal_connection",
        text: "carries the learning signal where weights change at every presynaptic spike",
        rule: Rule::Plus,
        kind: SynapseKind::LearningSignal,
        homogeneous: false,
        parameters: table![CONNECTION, RECORDED],
        equations: &[],
    },
    SynapseModel {
        name: "rate_connection_delayed",
        text: "carries a rate: a target, a learning window, or what normalizes readouts",
        rule: Rule::Any,
        kind: SynapseKind::Rate,
        homogeneous: false,
        parameters: table![CONNECTION, RECORDED],
        equations: &[],
    },
];
