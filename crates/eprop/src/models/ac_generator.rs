//! `ac_generator`: sends a sinusoidal current.

use crate::models::shared::{DEVICE, SINE, stops_after_start, table};
use crate::models::{Dynamics, NodeClass, NodeModel, Receptors, Rule, Signal};
use crate::tables::Equation;
use crate::tables::parameter::{Bound, Parameter};

/// The model.
pub static MODEL: NodeModel = NodeModel {
    name: "ac_generator",
    text: "sends a sinusoidal current",
    rule: Rule::Any,
    class: NodeClass::CurrentGenerator,
    parameters: table![
        DEVICE,
        [
            Parameter::number("amplitude", "I_1", "pA", 0.0, Bound::Finite, "Amplitude of the sine"),
            Parameter::number("offset", "I_0", "pA", 0.0, Bound::Finite, "Constant part of the current"),
        ],
        SINE
    ],
    receptors: Receptors::NONE,
    drawn: &[],
    dynamics: Dynamics::sends(Signal::Sine),
    recordables: &["I"],
    equations: &[Equation {
        text: "The current at time t",
        tex: r"I^t = I_0 + I_1 \sin(2\pi f t + \varphi)",
    }],
    check: stops_after_start,
};
