//! The state of the neurons whose weights change once an update interval.

use crate::base::error::Result;
use crate::base::real::Real;
use crate::base::state::Archive;
use crate::base::state::layout::{Cells, Layout};
use crate::describe::network::Description;
use crate::interval::{IntervalRule, LearningRates};
use crate::rule::persist_arrivals;

impl<R: Real> IntervalRule<R> {
    /// Writes the state between two `Simulate` calls, or reads it into a network that was laid out for it.
    ///
    /// # Errors
    /// `ValueError` where the archive holds something that does not fit.
    pub(super) fn persist_state(
        &mut self,
        network: &Description,
        now: i64,
        archive: &mut Archive<'_>,
    ) -> Result<()> {
        // A new field needs a place here.
        let Self {
            plan: _,
            layouts: _,
            neurons: _,
            learned: _,
            kept: _,
            converted: _,
            gradient: _,
            open: _,
            arrivals: _,
            currents: _,
            reread: _,
            synapses: _,
            rates: _,
            biases: _,
            before: _,
            before_of: _,
            absorbed: _,
            current: _,
            readout_current: _,
            readout_current_before: _,
            spare: _,
            histories: _,
            workspaces: _,
            threads: _,
            prepared: _,
            gradient_square_sums: _,
            gradient_norms: _,
            spike_count: _,
            interval_spikes: _,
        } = self;
        archive.within("lane", |archive| self.open.persist(&self.plan, now, archive))?;
        self.keep_resting();
        let now = self.plan.start_readout(self.open.interval) + self.open.readout_done as i64;
        self.plan.readouts.targets.persist("target_signal", now, archive)?;
        archive.number("reread", &mut self.reread)?;
        if !archive.reads() {
            // Where a simulation was cut does not matter.
            let begun = self.plan.start_recurrent(self.open.interval);
            self.arrivals.iter_mut().for_each(|arrivals| arrivals.forget_before(begun));
            self.rates.values_mut().for_each(|rates| rates.forget_before(begun - 1));
        }
        persist_arrivals(&mut self.arrivals, &self.plan.wiring, archive)?;
        self.currents.persist(&self.plan.wiring, now, archive)?;
        for learner in &self.plan.learners {
            let route = self.plan.route_of(learner);
            let state = self.synapses.get_mut(&route.projection).expect("laid out with the plan");
            let layout = archive.projection(route.projection);
            archive.within_part(("synapses", route.projection), None, &layout, |archive| {
                state.persist(route, &layout, archive)
            })?;
        }
        archive.parts("learning_rates", &mut self.rates, LearningRates::default)?;
        archive.within("biases", |archive| self.biases.persist(&self.plan, archive))?;
        // Weights before the last update matter in the first step of the interval that follows it.
        let mut kept: Vec<usize> =
            self.before.iter().enumerate().filter(|(_, before)| before.is_some()).map(|(at, _)| at).collect();
        archive.by(&Layout::Keys).list("before.projections", &mut kept)?;
        archive.number("before.interval", &mut self.before_of)?;
        if archive.reads() {
            self.before = vec![None; network.projections.len()];
        }
        for place in kept {
            let Some(projection) = network.projections.get(place) else {
                return Err(archive.misfit("before.projections", format!("there is no projection {place}")));
            };
            let before = self.before[place].get_or_insert_with(|| projection.weights.clone());
            let layout = archive.projection(place);
            archive.by(&layout).fixed(&format!("before.{place}"), before)?;
        }
        archive.number("absorbed", &mut self.absorbed)?;
        let neurons = archive.cells(|| Cells::columns(&self.plan.wiring.recurrent_ids));
        archive.by(&neurons).fixed("current", &mut self.current)?;
        archive.fixed("readout_current", &mut self.readout_current)?;
        archive.map("gradient_square_sums", &mut self.gradient_square_sums)?;
        archive.list("gradient_norms", &mut self.gradient_norms)?;
        if self.plan.wiring.shared.is_some() {
            // No rank knows the norm over all neurons.
            self.gradient_square_sums.clear();
            self.gradient_norms.clear();
        }
        archive.number("spike_count", &mut self.spike_count)?;
        let most = (now.max(0) as u64).saturating_mul(self.plan.wiring.sender_ids().len() as u64);
        if self.spike_count > most {
            return Err(archive.misfit("spike_count", self.spike_count.to_string()));
        }
        archive.list("interval_spikes", &mut self.interval_spikes)
    }
}
