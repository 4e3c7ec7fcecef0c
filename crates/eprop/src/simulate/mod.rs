//! Simulation: step by step, an update interval per lane.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

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
