//! How a simulation is watched and stopped by who asked for it, and how it says that it could not go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::base::error::Error;
use crate::base::exchange::Exchange;

/// A simulation that could not go on.
#[derive(Debug)]
pub struct Halt {
    /// The step that was reached.
    pub reached: i64,
    /// Why it stopped there.
    pub error: Error,
}

/// How a caller watches and stops a simulation.
#[derive(Debug, Clone, Default)]
pub struct RunControl {
    /// Set to stop at the next opportunity.
    pub cancel: Arc<AtomicBool>,
    /// Steps done so far in this call.
    pub steps_done: Arc<AtomicU64>,
    /// The ranks that simulate the same network together, where there are several.
    pub world: Option<Arc<dyn Exchange>>,
}

impl RunControl {
    /// Whether the caller wants the simulation to stop.
    #[must_use]
    pub fn cancelled(&self) -> bool {
        self.cancel.load(Ordering::Relaxed)
    }
}
