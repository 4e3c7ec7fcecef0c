//! What both rules do in a step of time: membranes, delivery, emission, amplitudes, surrogate gradients.

use crate::base::error::{Error, ErrorCode};
use crate::describe::network::Description;

pub mod arrivals;
pub mod currents;
pub mod delivery;
pub mod emission;
pub mod row;
pub mod surrogate;

/// Says that a synapse's gradient or weight is not finite.
#[must_use]
pub fn not_finite(network: &Description, what: &str, projection: usize, entry: usize, when: &str) -> Error {
    let projection = &network.projections[projection];
    let (source, target) = (projection.source_of(entry), projection.target_of(entry));
    Error::new(ErrorCode::NumericalInstability, what)
        .model(network.synapse_models[projection.synapse].name.clone())
        .parameter("weight")
        .value(format!("of node {source} to node {target}, {when}"))
        .bound("finite numbers")
}
