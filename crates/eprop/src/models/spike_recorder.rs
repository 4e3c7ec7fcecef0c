//! `spike_recorder`: records spikes.

use crate::models::shared::{DEVICE, RECORDER, stops_after_start, table};
use crate::models::{Dynamics, NodeClass, NodeModel, Receptors, Rule};

/// The model.
pub static MODEL: NodeModel = NodeModel {
    name: "spike_recorder",
    text: "records spikes",
    rule: Rule::Any,
    class: NodeClass::SpikeRecorder,
    parameters: table![DEVICE, RECORDER],
    receptors: Receptors::SPIKES,
    drawn: &[],
    dynamics: Dynamics::NONE,
    recordables: &[],
    equations: &[],
    check: stops_after_start,
};
