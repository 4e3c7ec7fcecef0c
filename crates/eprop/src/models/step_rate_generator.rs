//! `step_rate_generator`: emits a piecewise constant rate.

use crate::models::shared::{DEVICE, OFFGRID_TIMES, stops_after_start, table};
use crate::models::{Dynamics, NodeClass, NodeModel, Receptors, Rule, Signal};
use crate::tables::parameter::{Bound, Parameter};

/// The model.
pub static MODEL: NodeModel = NodeModel {
    name: "step_rate_generator",
    text: "emits a piecewise constant rate",
    rule: Rule::Any,
    class: NodeClass::StepRateGenerator,
    parameters: table![
        DEVICE,
        [
            Parameter::numbers(
                "amplitude_times",
                "ms",
                Bound::Positive,
                "Times at which the rate changes, strictly ascending"
            ),
            Parameter::numbers("amplitude_values", "", Bound::Finite, "The rate from each of these times on"),
            OFFGRID_TIMES
        ]
    ],
    receptors: Receptors::NONE,
    drawn: &[],
    dynamics: Dynamics::sends(Signal::Steps),
    recordables: &["rate"],
    equations: &[],
    check: stops_after_start,
};
