//! `weight_recorder`: records the weights that spikes meet.

use crate::models::shared::{DEVICE, RECORDER, stops_after_start, table};
use crate::models::{Dynamics, NodeClass, NodeModel, Receptors, Rule};
use crate::tables::parameter::Parameter;

/// The model.
pub static MODEL: NodeModel = NodeModel {
    name: "weight_recorder",
    text: "records the weights that spikes meet",
    rule: Rule::Any,
    class: NodeClass::WeightRecorder,
    parameters: table![
        DEVICE,
        RECORDER,
        [
            Parameter::nodes("senders", "Presynaptic nodes to record; all if empty"),
            Parameter::nodes("targets", "Postsynaptic nodes to record; all if empty")
        ]
    ],
    receptors: Receptors::NONE,
    drawn: &[],
    dynamics: Dynamics::NONE,
    recordables: &[],
    equations: &[],
    check: stops_after_start,
};
