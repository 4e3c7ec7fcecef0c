//! `spike_train_injector`: emits spikes at given times, as a neuron does.

use crate::models::shared::{DEVICE, ON_GRID, SENT, stops_after_start, table};
use crate::models::{Dynamics, NodeClass, NodeModel, Receptors, Rule};

/// The model.
pub static MODEL: NodeModel = NodeModel {
    name: "spike_train_injector",
    text: "emits spikes at given times, as a neuron does",
    rule: Rule::Any,
    class: NodeClass::SpikeGenerator,
    parameters: table![DEVICE, SENT, ON_GRID],
    receptors: Receptors::NONE,
    drawn: &[],
    dynamics: Dynamics::NONE,
    recordables: &[],
    equations: &[],
    check: stops_after_start,
};
