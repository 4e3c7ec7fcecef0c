//! The state of the interval in progress.

use crate::base::error::Result;
use crate::base::lines::Lines;
use crate::base::real::Real;
use crate::base::state::Archive;
use crate::base::state::layout::{Cells, Layout};
use crate::interval::open_interval::{IntervalSpikes, OpenInterval};
use crate::interval::plan::{IntervalPlan, SHIFT_RECURRENT};

/// What the adaptation of neurons is called.
const ADAPTATION: &str = "adaptation";

/// Steps that neurons can be ahead of a kernel that version 0.1 has stopped and saved.
const AHEAD: i64 = 1 << 12;

impl<R: Real> OpenInterval<R> {
    /// Writes the state between two `Simulate` calls, or reads it. What is recorded has been collected, and the history
    /// is whole or kept ([`Self::keep_history`]).
    ///
    /// # Errors
    /// `ValueError` where the archive holds something that does not fit.
    pub fn persist(&mut self, plan: &IntervalPlan, now: i64, archive: &mut Archive<'_>) -> Result<()> {
        // A new field needs a place here.
        let Self {
            interval: _,
            recurrent_done: _,
            readout_done: _,
            stepped: _,
            state: _,
            readout_voltage: _,
            surrogate: _,
            errors: _,
            spikes: _,
            spike_counts: _,
            held_regularization: _,
            input: _,
            readout_input: _,
            readout_currents: _,
            fired: _,
            signals_recorded: _,
            stride: _,
            latest: _,
            other_drive: _,
            shown: _,
            last_shown: _,
            before_last: _,
            targets: _,
            sums: _,
            recurrent_chunks: _,
            readout_chunks: _,
            spike_events: _,
            weight_events: _,
        } = self;
        let k = plan.readout_count();
        archive.number("interval", &mut self.interval)?;
        archive.number("recurrent_done", &mut self.recurrent_done)?;
        archive.number("readout_done", &mut self.readout_done)?;
        archive.number("stepped", &mut self.stepped)?;
        archive.number("signals_recorded", &mut self.signals_recorded)?;
        if self.interval < -1
            || self.recurrent_done > self.recurrent_length(plan)
            || self.readout_done > self.readout_length(plan)
            || self.signals_recorded > self.recurrent_length(plan)
        {
            return Err(archive.misfit("interval", "steps beyond its end"));
        }
        // Beside neurons of the other rule, what version 0.1 has stopped may be some steps ahead.
        if self.interval > plan.interval_at(now.saturating_add(AHEAD)) {
            return Err(
                archive.misfit("interval", format!("it is interval {}, at step {now}", self.interval))
            );
        }
        let reached = plan.start_recurrent(self.interval) + self.recurrent_done as i64;
        let readouts =
            (reached - plan.start_readout(self.interval)).clamp(0, self.readout_length(plan) as i64);
        // Readouts follow; in files of version 0.1, they have ended an interval that could not be learned from.
        let follow = (readouts..=readouts + 1).contains(&(self.readout_done as i64));
        if !(now..=now + AHEAD).contains(&reached) || !follow {
            return Err(archive.misfit("interval", format!("it is at step {reached}, the kernel at {now}")));
        }
        self.persist_recurrent(plan, archive)?;
        archive.within("readout", |archive| {
            archive.fixed("voltage", &mut self.readout_voltage)?;
            // Networks without such a loss have none.
            if plan.readouts.any_of_mean() {
                let mut sums = self.sums.concat();
                archive.fixed("sums", &mut sums)?;
                let (pairs, _) = sums.as_chunks::<2>();
                self.sums.copy_from_slice(pairs);
            }
            self.last_shown.persist(k, archive)?;
            // Before the first interval there are none.
            let held = self.errors.len().min(self.readout_done * k);
            let mut errors = self.errors[..held].to_vec();
            errors.resize(if archive.reads() { 0 } else { self.readout_done * k }, 0.0);
            archive.all_rows("errors", k, self.readout_done, &mut errors)?;
            if archive.reads() {
                self.errors = errors;
            }
            Ok(())
        })?;
        let steps = self.recurrent_done;
        self.persist_spikes(plan, (steps, now), archive)?;
        self.targets.forget();
        Ok(())
    }

    /// Writes the state of the recurrent neurons, or reads it.
    fn persist_recurrent(&mut self, plan: &IntervalPlan, archive: &mut Archive<'_>) -> Result<()> {
        let n = plan.recurrent_count();
        let neurons = archive.cells(|| Cells::columns(&plan.wiring.recurrent_ids));
        archive.within("recurrent", |archive| {
            for (name, values) in self.state.arrays_mut() {
                persist_reals(&mut values[..n], |numbers| {
                    if name == ADAPTATION && !archive.reads() {
                        // Of neurons that do not adapt it counts for nothing, and hangs on their neighbours.
                        let idle = numbers.iter_mut().zip(&plan.adapts).filter(|(_, adapts)| !**adapts);
                        idle.for_each(|(value, _)| *value = 0.0);
                    }
                    archive.by(&neurons).fixed(name, numbers)
                })?;
            }
            archive.by(&neurons).fixed("spike_counts", &mut self.spike_counts)?;
            // The first interval's count has what came before it.
            let most = self.recurrent_done + SHIFT_RECURRENT as usize;
            if self.spike_counts.iter().any(|count| *count as usize > most) {
                return Err(archive.misfit("spike_counts", "more spikes than steps"));
            }
            // Mostly there is none.
            if archive.has("regularization", !self.held_regularization.is_empty()) {
                // Those of neurons that were there.
                let count = self.held_regularization.len();
                let held = archive.cells(|| Cells::columns(&plan.wiring.recurrent_ids[..count]));
                archive.by(&held).list("regularization", &mut self.held_regularization)?;
                if self.held_regularization.len() > n {
                    return Err(archive.misfit("regularization", "more than neurons"));
                }
            }
            self.persist_history(plan, &neurons, archive)
        })
    }

    /// Writes the spikes of the steps done, or reads them.
    fn persist_spikes(
        &mut self,
        plan: &IntervalPlan,
        (steps, now): (usize, i64),
        archive: &mut Archive<'_>,
    ) -> Result<()> {
        let senders = plan.wiring.sender_ids().len();
        archive.within("spikes", |archive| {
            let mut fired = self.spikes_fired();
            self.spikes.persist(plan.longest_delay, steps, senders, archive)?;
            if archive.has("fired", archive.is_for_ranks()) {
                archive.of_ranks(&Layout::Same).number("fired", &mut fired)?;
            }
            if archive.reads() {
                // Those that are not of this rank's neurons are of others'.
                let own = self.spike_counts.iter().map(|count| u64::from(*count)).sum();
                let most = (now.max(0) as u64).saturating_mul(senders as u64);
                let elsewhere = if plan.wiring.shared.is_some() { fired.checked_sub(own) } else { Some(0) };
                self.spikes.elsewhere = elsewhere
                    .filter(|count| *count <= most)
                    .ok_or_else(|| archive.misfit("fired", fired.to_string()))?;
            }
            Ok(())
        })
    }

    /// Before the network is laid out anew: how firing rates are regularized in an interval is decided with its neurons'
    /// last step, which readouts have still to do.
    pub fn hold_regularization(&mut self, plan: &IntervalPlan) {
        let waits = self.recurrent_done == self.recurrent_length(plan)
            && self.readout_done < self.readout_length(plan);
        if self.interval >= 0 && waits && self.held_regularization.is_empty() {
            self.held_regularization =
                (0..plan.recurrent_count()).map(|neuron| self.regularization(plan, neuron)).collect();
        }
    }

    /// Writes what is kept of the recurrent neurons' steps, or reads it.
    fn persist_history(
        &mut self,
        plan: &IntervalPlan,
        neurons: &Layout,
        archive: &mut Archive<'_>,
    ) -> Result<()> {
        let n = plan.recurrent_count();
        let mut rows = Vec::new();
        for step in 0..if archive.reads() { 0 } else { self.recurrent_done } {
            rows.extend(self.surrogate.row(step)[..n].iter().map(|value| value.f64()));
        }
        archive.by(neurons).all_rows("surrogate", n, self.recurrent_done, &mut rows)?;
        let mut costs = Vec::new();
        if plan.planes() > 1 {
            for step in 0..if archive.reads() { 0 } else { self.recurrent_done } {
                costs.extend(self.surrogate.row(step)[self.stride..][..n].iter().map(|cost| cost.f64()));
            }
            archive.by(neurons).all_rows("voltage_costs", n, self.recurrent_done, &mut costs)?;
        }
        if archive.reads() {
            let stride = plan.planes() * self.stride;
            let mut held = Lines::default();
            held.try_resize(self.recurrent_done * stride)?;
            for (plane, rows) in [rows, costs].iter().enumerate() {
                for (row, values) in held.chunks_mut(stride.max(1)).zip(rows.chunks(n.max(1))) {
                    let row = row[plane * self.stride..].iter_mut();
                    row.zip(values).for_each(|(to, from)| *to = R::of(*from));
                }
            }
            if let Some(last) = held.chunks(stride.max(1)).next_back() {
                self.latest.copy_from_slice(&last[..self.stride]);
            }
            self.surrogate.keep(held, self.recurrent_done);
        }
        Ok(())
    }
}

/// Writes or reads numbers of either precision as 64-bit ones.
fn persist_reals<R: Real>(values: &mut [R], each: impl FnOnce(&mut Vec<f64>) -> Result<()>) -> Result<()> {
    let mut numbers: Vec<f64> = values.iter().map(|value| value.f64()).collect();
    each(&mut numbers)?;
    values.iter_mut().zip(numbers).for_each(|(to, from)| *to = R::of(from));
    Ok(())
}

impl IntervalSpikes {
    /// The steps from `lookback` before the interval's first one to `steps` after it, of `neurons` neurons.
    fn persist(
        &mut self,
        lookback: usize,
        steps: usize,
        neurons: usize,
        archive: &mut Archive<'_>,
    ) -> Result<()> {
        let rows = -(lookback as isize)..steps as isize;
        let mut lists: Vec<Vec<u32>> =
            if archive.reads() { Vec::new() } else { rows.map(|step| self.at(step).to_vec()).collect() };
        archive.lists("places", &mut lists)?;
        if !archive.reads() {
            return Ok(());
        }
        if lists.len() != lookback + steps || lists.iter().flatten().any(|place| *place as usize >= neurons) {
            return Err(archive.misfit("places", "not one list of neurons a step"));
        }
        *self = Self { lookback, starts: vec![0], places: Vec::new(), elsewhere: 0 };
        for list in lists {
            self.places.extend(list);
            self.finish_step();
        }
        Ok(())
    }
}
