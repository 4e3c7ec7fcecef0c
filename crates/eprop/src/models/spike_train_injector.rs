//! `spike_train_injector`: emits spikes at given times, as a neuron does.

use crate::models::shared::{DEVICE, flag, numbers, stops_after_start, table};
use crate::models::{Dynamics, NodeClass, NodeModel, Receptors, Rule};
use crate::tables::parameter::Bound;

/// The model.
pub static MODEL: NodeModel = NodeModel {
    name: "spike_train_injector",
    text: "emits spikes at given times, as a neuron does",
    rule: Rule::Any,
    class: NodeClass::SpikeGenerator,
    parameters: table![
        DEVICE,
        [
            numbers(
                "spike_times",
                "",
                "ms",
                Bound::NonNegative,
                "Times of the spikes, ascending, none of them 0"
            ),
            numbers(
                "spike_multiplicities",
                "",
                "",
                Bound::NonNegative,
                "How many spikes each time stands for"
            ),
            flag("allow_offgrid_times", false, "Move times between steps to the end of their step"),
            flag("precise_times", false, "Not supported: leave it off"),
            flag("shift_now_spikes", false, "Move a spike at the present time to the next step")
        ]
    ],
    receptors: Receptors::NONE,
    drawn: &[],
    dynamics: Dynamics::NONE,
    recordables: &[],
    equations: &[],
    check: stops_after_start,
};
