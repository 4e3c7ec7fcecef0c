//! `spike_generator`: emits spikes at given times.

use crate::models::shared::{DEVICE, ON_GRID, SENT, stops_after_start, table};
use crate::models::{Dynamics, NodeClass, NodeModel, Receptors, Rule};
use crate::tables::parameter::{Bound, Parameter};

/// The model.
pub static MODEL: NodeModel = NodeModel {
    name: "spike_generator",
    text: "emits spikes at given times",
    rule: Rule::Any,
    class: NodeClass::SpikeGenerator,
    parameters: table![
        DEVICE,
        SENT,
        [Parameter::numbers("spike_weights", "", Bound::Finite, "Not supported: leave it empty")],
        ON_GRID
    ],
    receptors: Receptors::NONE,
    drawn: &[],
    dynamics: Dynamics::NONE,
    recordables: &[],
    equations: &[],
    check: stops_after_start,
};
