//! `inhomogeneous_poisson_generator`: emits Poisson spike trains with a piecewise constant rate, one for each target.

use crate::models::shared::{DEVICE, OFFGRID_TIMES, stops_after_start, table};
use crate::models::{Dynamics, NodeClass, NodeModel, Receptors, Rule};
use crate::tables::Equation;
use crate::tables::parameter::{Bound, Parameter};

/// The model.
pub static MODEL: NodeModel = NodeModel {
    name: "inhomogeneous_poisson_generator",
    text: "emits Poisson spike trains with a piecewise constant rate, one for each target",
    rule: Rule::Any,
    class: NodeClass::PoissonGenerator,
    parameters: table![
        DEVICE,
        [
            Parameter::numbers(
                "rate_times",
                "ms",
                Bound::Positive,
                "Times at which the rate changes, strictly ascending"
            ),
            Parameter::numbers(
                "rate_values",
                "spikes/s",
                Bound::AnyRate,
                "Mean firing rate from each of these times on; no spikes where it is negative"
            ),
            OFFGRID_TIMES
        ]
    ],
    receptors: Receptors::NONE,
    drawn: &[],
    dynamics: Dynamics::NONE,
    recordables: &[],
    equations: &[Equation {
        text: "The number of spikes that each target receives in a step",
        tex: r"n^t \sim \mathrm{Poisson}\left(\lambda^t \Delta t\right)",
    }],
    check: stops_after_start,
};
