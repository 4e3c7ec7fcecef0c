//! `parrot_neuron`: repeats the spikes it receives.

use crate::models::shared::{CLOCK, table, unchecked};
use crate::models::{Dynamics, NodeClass, NodeModel, Receptors, Rule};

/// The model.
pub static MODEL: NodeModel = NodeModel {
    name: "parrot_neuron",
    text: "repeats the spikes it receives",
    rule: Rule::Any,
    class: NodeClass::Parrot,
    parameters: table![CLOCK],
    // It notices what arrives at receptor 1, and does not repeat it.
    receptors: Receptors { spikes: &[0, 1], ..Receptors::NONE },
    drawn: &[],
    dynamics: Dynamics::NONE,
    recordables: &[],
    equations: &[],
    check: unchecked,
};
