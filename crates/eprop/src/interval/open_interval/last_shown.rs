//! What readouts showed in the last step done, for whoever asks once the network has been laid out anew.

use crate::base::error::Result;
use crate::base::real::Real;
use crate::base::state::Archive;
use crate::interval::open_interval::OpenInterval;
use crate::interval::plan::{self, IntervalPlan};

/// Signals of the readouts that did the last step, as their losses were then. Empty where the network was not laid out
/// anew since: then they follow from the plan.
#[derive(Debug, Clone, Default)]
pub(super) struct LastShown {
    signals: Vec<f64>,
    /// Shares by which target signals were smoothed.
    smoothing: Vec<f64>,
    /// Sums of the target signals in the learning window, where a loss was of their mean; else NaN.
    sums: Vec<f64>,
}

impl LastShown {
    pub(super) fn clear(&mut self) {
        [&mut self.signals, &mut self.smoothing, &mut self.sums].into_iter().for_each(Vec::clear);
    }

    fn smoothed(&self, readout: usize, target: f64) -> f64 {
        plan::smoothed(self.smoothing[readout], target, self.signals.len())
    }

    /// Writes what there is, mostly nothing, or reads it.
    ///
    /// # Errors
    /// `ValueError` where the archive holds lists of different length, or more than readouts.
    pub(super) fn persist(&mut self, readouts: usize, archive: &mut Archive<'_>) -> Result<()> {
        if !archive.has("signals", !self.signals.is_empty()) {
            self.clear();
            return Ok(());
        }
        archive.list("signals", &mut self.signals)?;
        archive.list("smoothing", &mut self.smoothing)?;
        archive.list("target_sums", &mut self.sums)?;
        let n = self.signals.len();
        if n > readouts || self.smoothing.len() != n || self.sums.len() != n {
            return Err(archive.misfit("signals", "not one of each readout"));
        }
        Ok(())
    }
}

impl<R: Real> OpenInterval<R> {
    /// The last step of readouts, if it was in the learning window of an interval.
    pub(super) fn last_learned(&self, plan: &IntervalPlan) -> Option<usize> {
        let local = self.readout_done.checked_sub(1)?;
        (self.interval >= 0 && local + plan.window >= plan.interval).then_some(local)
    }

    /// Before the network is laid out anew: holds what readouts showed in the last step, which losses and voltages that
    /// are set from here on have no part in.
    pub fn hold_shown(&mut self, plan: &IntervalPlan) {
        let Some(local) = self.last_learned(plan).filter(|_| self.last_shown.signals.is_empty()) else {
            return;
        };
        let readouts = plan.readout_count().min(self.stepped);
        let p = &plan.readouts;
        let sum = |j: usize| if p.losses[j].is_of_mean() { self.sums[j][1] } else { f64::NAN };
        self.last_shown = LastShown {
            signals: (0..readouts).map(|j| self.readout_signal(plan, j, local)).collect(),
            smoothing: p.smoothing[..readouts].to_vec(),
            sums: (0..readouts).map(sum).collect(),
        };
    }

    /// The readout signal of the last step.
    pub(super) fn last_signal(&self, plan: &IntervalPlan, readout: usize, local: usize) -> f64 {
        let held = self.last_shown.signals.get(readout).copied();
        held.unwrap_or_else(|| self.readout_signal(plan, readout, local))
    }

    /// The target signal of the last step, in which `target` was read.
    pub(super) fn last_target(&self, plan: &IntervalPlan, readout: usize, local: usize, target: f64) -> f64 {
        match self.last_shown.sums.get(readout) {
            None => self.target_signal(plan, readout, local, target),
            Some(sum) if sum.is_nan() => self.last_shown.smoothed(readout, target),
            Some(sum) => sum / Self::steps_learned(plan, local),
        }
    }

    /// Takes another target of the last step, in place of the one before, into the sums over the learning window.
    pub(super) fn change_last_target(
        &mut self,
        plan: &IntervalPlan,
        readout: usize,
        target: f64,
        before: f64,
    ) {
        let of = |value: f64| match self.last_shown.signals.get(readout) {
            Some(_) => self.last_shown.smoothed(readout, value),
            None => plan.readouts.smoothed(readout, value),
        };
        let by = of(target) - of(before);
        self.sums[readout][1] += by;
        if let Some(sum) = self.last_shown.sums.get_mut(readout) {
            *sum += by;
        }
    }
}
