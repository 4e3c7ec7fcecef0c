//! The learning rate by step, for synapses that are updated after it has changed.

use crate::base::error::Result;
use crate::base::state::{Archive, Persist};

/// A learning rate from some step on.
#[derive(Debug, Clone, Default)]
pub(super) struct LearningRates(Vec<(i64, f64)>);

impl LearningRates {
    /// Notes the rate from a step on; what held before the step `needed` alone is forgotten.
    pub(super) fn note(&mut self, step: i64, rate: f64, needed: i64) {
        self.forget_before(needed);
        if self.0.last().is_none_or(|(_, last)| *last != rate) {
            self.0.push((step, rate));
        }
    }

    /// Forgets what held before a step alone.
    pub(super) fn forget_before(&mut self, step: i64) {
        let begun = self.0.partition_point(|(from, _)| *from <= step);
        self.0.drain(..begun.saturating_sub(1));
    }

    pub(super) fn at(&self, step: i64) -> f64 {
        let begun = self.0.partition_point(|(from, _)| *from <= step);
        self.0[begun.saturating_sub(1)].1
    }
}

impl Persist for LearningRates {
    fn persist(&mut self, archive: &mut Archive<'_>) -> Result<()> {
        let (mut steps, mut rates): (Vec<i64>, Vec<f64>) = self.0.iter().copied().unzip();
        archive.list("steps", &mut steps)?;
        archive.list("rates", &mut rates)?;
        if steps.len() != rates.len() || steps.is_empty() {
            return Err(archive.misfit("rates", "not one for each step"));
        }
        self.0 = steps.into_iter().zip(rates).collect();
        Ok(())
    }
}
