//! `spike_recorder`: records spikes.

use crate::models::shared::{DEVICE, RECORDER, stops_after_start, table};
use crate::models::{Family, NodeClass, NodeModel, Receptors};

/// The model.
pub static MODEL: NodeModel = NodeModel {
    name: "spike_recorder",
    text: "records spikes",
    family: Family::Any,
    class: NodeClass::SpikeRecorder,
    parameters: table![DEVICE, RECORDER],
    receptors: Receptors::SPIKES,
    drawn: &[],
    recordables: &[],
    equations: &[],
    check: stops_after_start,
};
