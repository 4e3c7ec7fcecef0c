//! `poisson_generator`: emits Poisson spike trains, one for each target.

use crate::models::shared::{DEVICE, stops_after_start, table};
use crate::models::{Dynamics, NodeClass, NodeModel, Receptors, Rule};
use crate::tables::Equation;
use crate::tables::parameter::{Bound, Parameter};

/// The model.
pub static MODEL: NodeModel = NodeModel {
    name: "poisson_generator",
    text: "emits Poisson spike trains, one for each target",
    rule: Rule::Any,
    class: NodeClass::PoissonGenerator,
    parameters: table![
        DEVICE,
        [Parameter::number("rate", "λ", "spikes/s", 0.0, Bound::Rate, "Mean firing rate")]
    ],
    receptors: Receptors::NONE,
    drawn: &[],
    dynamics: Dynamics::NONE,
    recordables: &[],
    equations: &[Equation {
        text: "The number of spikes that each target receives in a step",
        tex: r"n^t \sim \mathrm{Poisson}\left(\lambda \Delta t\right)",
    }],
    check: stops_after_start,
};
