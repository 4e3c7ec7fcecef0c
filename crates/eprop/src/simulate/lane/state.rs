//! The state of the interval in progress.

use crate::error::Result;
use crate::plan::interval::IntervalPlan;
use crate::simulate::lane::{Lane, SpikeHistory};
use crate::state::Archive;

impl Lane {
    /// Writes the state between two `Simulate` calls, or reads it. What is recorded has been collected.
    ///
    /// # Errors
    /// `ValueError` where the archive holds something that does not fit.
    pub fn persist(&mut self, plan: &IntervalPlan, archive: &mut Archive<'_>) -> Result<()> {
        let (n, k) = (plan.recurrent_count(), plan.readout_count());
        archive.number("interval", &mut self.interval)?;
        archive.number("recurrent_done", &mut self.recurrent_done)?;
        archive.number("readout_done", &mut self.readout_done)?;
        archive.number("signals_recorded", &mut self.signals_recorded)?;
        if self.interval < -1
            || self.recurrent_done > self.recurrent_length(plan)
            || self.readout_done > self.readout_length(plan)
            || self.signals_recorded > self.recurrent_length(plan)
        {
            return Err(archive.misfit("interval", "steps beyond its end"));
        }
        archive.within("recurrent", |archive| {
            archive.fixed("voltage", &mut self.state.voltage)?;
            archive.fixed("spiked", &mut self.state.spiked)?;
            archive.fixed("adaptation", &mut self.state.adaptation)?;
            archive.fixed("countdown", &mut self.state.countdown)?;
            archive.fixed("spike_counts", &mut self.spike_counts)?;
            archive.rows("surrogate", n, &mut self.surrogate[..self.recurrent_done * n])
        })?;
        archive.within("readout", |archive| {
            archive.fixed("voltage", &mut self.readout_voltage)?;
            archive.rows("errors", k, &mut self.errors[..self.readout_done * k])
        })?;
        let steps = self.recurrent_done;
        archive.within("spikes", |archive| self.spikes.persist(plan.longest_delay, steps, n, archive))?;
        self.targets.forget();
        Ok(())
    }
}

impl SpikeHistory {
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
        *self = Self { lookback, starts: vec![0], places: Vec::new() };
        for list in lists {
            self.places.extend(list);
            self.finish_step();
        }
        Ok(())
    }
}
