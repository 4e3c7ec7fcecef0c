//! `dc_generator`: sends a constant current.

use crate::models::shared::{DEVICE, stops_after_start, table};
use crate::models::{Dynamics, NodeClass, NodeModel, Receptors, Rule, Signal};
use crate::tables::Equation;
use crate::tables::parameter::{Bound, Parameter};

/// The model.
pub static MODEL: NodeModel = NodeModel {
    name: "dc_generator",
    text: "sends a constant current",
    rule: Rule::Any,
    class: NodeClass::CurrentGenerator,
    parameters: table![
        DEVICE,
        [Parameter::number("amplitude", "I", "pA", 0.0, Bound::Finite, "The current")]
    ],
    receptors: Receptors::NONE,
    drawn: &[],
    dynamics: Dynamics::sends(Signal::Constant),
    recordables: &["I"],
    equations: &[Equation {
        text: "The current that a target with weight W and delay d integrates in the step from t on",
        tex: r"W\,I \quad\text{for}\quad \mathtt{start} \le t - d < \mathtt{stop}",
    }],
    check: stops_after_start,
};
