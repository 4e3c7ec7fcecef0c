//! Room for what an interval keeps for learning.

use crate::base::error::Result;
use crate::base::memory;
use crate::base::real::Real;
use crate::interval::plan::IntervalPlan;
use crate::interval::surrogate_history::SurrogateHistory;

/// Room for what an open interval keeps for learning. A thread uses one for all its intervals, so that it stays in its cache.
#[derive(Debug)]
pub struct IntervalHistory<R> {
    pub(super) surrogate: SurrogateHistory<R>,
    pub(super) errors: Vec<f64>,
}

impl<R: Real> Default for IntervalHistory<R> {
    fn default() -> Self {
        Self { surrogate: SurrogateHistory::without_room(0, 1), errors: Vec::new() }
    }
}

impl<R: Real> IntervalHistory<R> {
    /// Makes room for `kept` steps of rows of `stride` neurons.
    ///
    /// # Errors
    /// `OutOfMemory` where the system has none.
    pub fn make_room(&mut self, plan: &IntervalPlan, stride: usize, kept: usize) -> Result<()> {
        self.surrogate.fit(stride, plan.planes(), plan.interval);
        self.surrogate.make_room(kept)?;
        let errors = plan.readout_count().saturating_mul(plan.error_steps());
        let more = errors.saturating_sub(self.errors.len());
        memory::make_room(&mut self.errors, more, "the history of the readouts' errors")?;
        self.errors.resize(errors, 0.0);
        Ok(())
    }
}
