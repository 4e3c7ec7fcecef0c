//! `step_current_generator`: sends a piecewise constant current.

use crate::models::shared::{DEVICE, OFFGRID_TIMES, stops_after_start, table};
use crate::models::{Dynamics, NodeClass, NodeModel, Receptors, Rule, Signal};
use crate::tables::parameter::{Bound, Parameter};

/// The model.
pub static MODEL: NodeModel = NodeModel {
    name: "step_current_generator",
    text: "sends a piecewise constant current",
    rule: Rule::Any,
    class: NodeClass::CurrentGenerator,
    parameters: table![
        DEVICE,
        [
            Parameter::numbers(
                "amplitude_times",
                "ms",
                Bound::Positive,
                "Times at which the current changes, strictly ascending"
            ),
            Parameter::numbers(
                "amplitude_values",
                "pA",
                Bound::Finite,
                "The current from each of these times on"
            ),
            OFFGRID_TIMES
        ]
    ],
    receptors: Receptors::NONE,
    drawn: &[],
    dynamics: Dynamics::sends(Signal::Steps),
    recordables: &["I"],
    equations: &[],
    check: stops_after_start,
};
