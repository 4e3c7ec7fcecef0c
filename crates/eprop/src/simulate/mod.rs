//! Simulation: step by step, an update interval per lane.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::describe::network::Network;
use crate::error::{Error, ErrorCode};

pub mod arrivals;
pub mod delivery;
pub mod emission;
pub mod event;
pub mod event_neuron_step;
pub mod inference;
pub mod interval;
pub mod lane;
pub mod neuron_step;
pub mod neurons;
pub mod rates;
pub mod row;
pub mod surrogate;
pub mod surrogate_history;

/// A simulation that could not go on.
#[derive(Debug)]
pub struct Halt {
    /// The step that was reached.
    pub reached: i64,
    /// Why it stopped there.
    pub error: Error,
}

/// Says that a synapse's gradient or weight is not finite.
#[must_use]
pub fn not_finite(network: &Network, what: &str, projection: usize, entry: usize, when: &str) -> Error {
    let projection = &network.projections[projection];
    let (source, target) = (projection.source_of(entry), projection.target_of(entry));
    Error::new(ErrorCode::NumericalInstability, what)
        .model(network.synapse_models[projection.synapse].name.clone())
        .parameter("weight")
        .value(format!("of node {source} to node {target}, {when}"))
        .bound("finite numbers")
}

/// How a caller watches and stops a simulation.
#[derive(Debug, Clone, Default)]
pub struct RunControl {
    /// Set to stop at the next opportunity.
    pub cancel: Arc<AtomicBool>,
    /// Steps done so far in this call.
    pub steps_done: Arc<AtomicU64>,
}

impl RunControl {
    /// Whether the caller wants the simulation to stop.
    #[must_use]
    pub fn cancelled(&self) -> bool {
        self.cancel.load(Ordering::Relaxed)
    }
}
