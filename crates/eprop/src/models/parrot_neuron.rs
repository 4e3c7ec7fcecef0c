//! `parrot_neuron`: repeats the spikes it receives.

use crate::models::shared::{CLOCK, table, unchecked};
use crate::models::{Family, NodeClass, NodeModel};

/// The model.
pub static MODEL: NodeModel = NodeModel {
    name: "parrot_neuron",
    text: "repeats the spikes it receives",
    family: Family::Any,
    class: NodeClass::Parrot,
    parameters: table![CLOCK],
    drawn: &[],
    recordables: &[],
    equations: &[],
    check: unchecked,
};
