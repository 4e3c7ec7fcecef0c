//! The last step of readouts in an interval, which is taken back where nothing could be learned.
//!
//! Readouts end an interval one step after the recurrent neurons. Whoever stops before weights are updated finds all
//! neurons at the same step.

use std::ops::Range;

use crate::base::real::Real;
use crate::interval::open_interval::OpenInterval;
use crate::interval::open_interval::last_shown::LastShown;
use crate::interval::plan::IntervalPlan;

/// What the last step of readouts changes, as it was before.
#[derive(Debug, Clone, Default)]
pub(super) struct BeforeLast {
    interval: Option<i64>,
    /// Whether that step integrated another current than those after it.
    other_drive: bool,
    stepped: usize,
    signals_recorded: usize,
    last_shown: LastShown,
    voltage: Vec<f64>,
    sums: Vec<[f64; 2]>,
    /// Errors of the steps before, where losses of the mean readout give all steps the error of the last.
    errors: Vec<f64>,
    /// Rows and values recorded of neurons and readouts, per tap: lengths of stamps and of each stream.
    rows: Vec<usize>,
    /// Weights recorded, per tap.
    weights: Vec<usize>,
}

impl<R: Real> OpenInterval<R> {
    /// Holds what the last step of readouts, and learning from the interval, are about to change. `other_drive`: that step
    /// integrates another current than those after it.
    pub(super) fn hold_before_last(&mut self, plan: &IntervalPlan, other_drive: bool) {
        let window = self.errors_of_window(plan);
        let held = &mut self.before_last;
        held.interval = Some(self.interval);
        held.other_drive = other_drive;
        held.errors.clear();
        held.errors.extend_from_slice(&self.errors[window]);
        held.stepped = self.stepped;
        held.signals_recorded = self.signals_recorded;
        held.last_shown.clone_from(&self.last_shown);
        held.voltage.clone_from(&self.readout_voltage);
        held.sums.clone_from(&self.sums);
        held.rows.clear();
        for chunk in self.recurrent_chunks.iter().chain(&self.readout_chunks) {
            held.rows.push(chunk.stamps.len());
            held.rows.extend(chunk.streams.iter().map(Vec::len));
        }
        held.weights.clear();
        held.weights.extend(self.weight_events.iter().map(|events| events.stamps.len()));
    }

    /// Takes the last step of readouts back, with what was recorded of it, if the interval is finished and that has not
    /// been collected. Returns whether that step integrated another current than those after it.
    pub fn take_back_last(&mut self, plan: &IntervalPlan) -> bool {
        if !self.is_finished(plan) || self.before_last.interval != Some(self.interval) {
            return false;
        }
        let held = std::mem::take(&mut self.before_last);
        self.readout_done -= 1;
        let window = self.errors_of_window(plan);
        self.errors[window].copy_from_slice(&held.errors);
        self.stepped = held.stepped;
        self.signals_recorded = held.signals_recorded;
        self.last_shown = held.last_shown;
        self.readout_voltage = held.voltage;
        self.sums = held.sums;
        self.targets.forget();
        let mut rows = held.rows.into_iter();
        for chunk in self.recurrent_chunks.iter_mut().chain(&mut self.readout_chunks) {
            chunk.stamps.truncate(rows.next().unwrap_or(0));
            for stream in &mut chunk.streams {
                stream.truncate(rows.next().unwrap_or(0));
            }
        }
        for (events, length) in self.weight_events.iter_mut().zip(held.weights) {
            events.truncate(length);
        }
        held.other_drive
    }

    /// Places of the errors of the learning window so far, where learning changes them.
    fn errors_of_window(&self, plan: &IntervalPlan) -> Range<usize> {
        if self.interval < 0 || !plan.readouts.any_of_mean() {
            return 0..0;
        }
        let k = plan.readout_count();
        let begin = plan.interval - plan.window;
        begin.min(self.readout_done) * k..self.readout_done * k
    }
}
