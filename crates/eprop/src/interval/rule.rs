//! The neurons whose weights change once an update interval, as a kernel sees them.

use crate::base::control::Halt;
use crate::base::error::{Error, ErrorCode, Result};
use crate::base::exchange::Team;
use crate::base::real::Real;
use crate::base::state::Archive;
use crate::describe::connections::ConnectionHandle;
use crate::describe::kernel_parameters::Precision;
use crate::describe::network::{Description, NodeId};
use crate::describe::population::NodeIndex;
use crate::interval::IntervalRule;
use crate::interval::plan::{IntervalPlan, RECURRENT};
use crate::optimizer::{MomentChanges, Moments, SynapseKey};
use crate::plan::wiring::{Planning, Wiring};
use crate::record::Recordings;
use crate::rule::{Held, LearningRule, RuleEntry, Span};
use crate::step::arrivals::Arrivals;
use crate::step::emission::Emission;

/// Weights change once an update interval (NEST's `*_bsshslm_2020`).
pub const RULE: RuleEntry = RuleEntry { name: "interval", begin };

fn begin(planning: Planning<'_>, now: i64) -> Result<Held> {
    let network = planning.network;
    let begin = |plan: IntervalPlan| -> Box<dyn LearningRule> {
        match network.kernel.precision {
            Precision::F64 => Box::new(IntervalRule::<f64>::new(network, plan, now)),
            Precision::F32 => Box::new(IntervalRule::<f32>::new(network, plan, now)),
        }
    };
    Ok(IntervalPlan::new(planning)?.map(begin))
}

impl<R: Real> LearningRule for IntervalRule<R> {
    fn goes_on_with(&self, network: &Description) -> bool {
        (network.kernel.precision == Precision::F32) == (size_of::<R>() == size_of::<f32>())
    }

    fn prepare(&mut self, planning: Planning<'_>) -> Result<()> {
        self.prepared = IntervalPlan::new(planning)?;
        Ok(())
    }

    fn commit(&mut self, network: &Description, _now: i64) {
        if let Some(plan) = self.prepared.take() {
            self.replan(network, plan);
        }
    }

    fn wiring(&self) -> &Wiring {
        &self.plan.wiring
    }

    fn fired(&self, stamp: i64) -> &[u32] {
        let start = self.plan.start_recurrent(self.open.interval);
        self.open.spikes.at((stamp - 1 - start) as isize)
    }

    fn arrivals_mut(&mut self) -> &mut [Arrivals; 2] {
        &mut self.arrivals
    }

    fn load_states(&mut self, network: &Description, index: &NodeIndex, nodes: &[NodeId]) {
        self.load(network, index, nodes);
    }

    fn store_states(&self, network: &mut Description, _now: i64) {
        self.store(network);
    }

    fn before_change(&mut self, network: &Description, emission: &Emission) {
        if !self.open.surrogate.is_whole() {
            self.keep_history(network, emission);
        }
    }

    fn weights_were_set(&mut self, network: &Description, handles: &[ConnectionHandle], _before: &[f64]) {
        for handle in handles {
            if let Some(Some(before)) = self.before.get_mut(handle.projection as usize) {
                let entry = handle.at();
                before[entry] = network.projections[handle.projection as usize].weights[entry];
            }
        }
    }

    fn for_each_moment(&self, each: &mut dyn FnMut(SynapseKey, Moments)) {
        for (projection, state) in &self.synapses {
            state.all_moments().enumerate().for_each(|(entry, moments)| each((*projection, entry), moments));
        }
    }

    fn set_moments(&mut self, changes: &MomentChanges) {
        for ((projection, entry), change) in changes {
            if let Some(state) = self.synapses.get_mut(projection)
                && let Some(moments) = state.moments(*entry)
            {
                state.set_moments(*entry, moments.with(*change));
            }
        }
    }

    fn begin_recording(&mut self, recordings: &mut Recordings, now: i64) {
        self.begin_taps(recordings, now);
    }

    fn slice_end(&self, from: i64, to: i64, team: Option<&Team<'_>>) -> i64 {
        self.group_end(from, to, team)
    }

    fn needs_from(&self, _now: i64) -> i64 {
        self.plan.start_recurrent(self.open.interval) - self.plan.reach as i64
    }

    fn learns_from(&self) -> i64 {
        let start = self.plan.start_recurrent(self.open.interval);
        let routes = self.plan.learners.iter().map(|learner| self.plan.route_of(learner));
        // Nothing is learned from what was sent before a synapse was made.
        routes
            .filter(|route| route.source != RECURRENT)
            .map(|route| if route.made < start { start } else { route.made + 1 })
            .min()
            .unwrap_or(i64::MAX)
    }

    fn advance(
        &mut self,
        network: &mut Description,
        span: Span<'_>,
        recordings: &mut Recordings,
    ) -> std::result::Result<i64, Halt> {
        let Span { from, to, emission, control, team, .. } = span;
        let sharing = team.filter(|team| team.shares_neurons());
        if team.is_some() && self.plan.biases.iter().any(Option::is_some) {
            let what = "currents that learn do so in one process";
            let error = Error::new(ErrorCode::NotImplemented, what).parameter("learns_bias").value(true);
            return Err(Halt { reached: from, error: error.bound("false with several ranks") });
        }
        let begun = self.plan.start_recurrent(self.open.interval);
        self.arrivals.iter_mut().for_each(|arrivals| arrivals.forget_before(begun));
        self.currents.forget_before(begun);
        let needed = begun - 1;
        for (place, model) in network.synapse_models.iter().enumerate() {
            self.rates.entry(place).or_default().note(from, model.optimizer.eta, needed);
        }
        loop {
            let end =
                self.plan.start_readout(self.open.interval) + self.open.readout_length(&self.plan) as i64;
            if end > to && !span.last && self.open.is_fresh() {
                return Ok(self.plan.start_recurrent(self.open.interval).min(to));
            }
            // Of shared neurons, none has all spikes of an interval before the others.
            let together = if sharing.is_some() { 1 } else { self.intervals_at_once(network, to, team) };
            let outcome = match team {
                _ if together < 2 => None,
                Some(team) => Some(self.run_over_ranks(team, network, emission, together, recordings)),
                None => self
                    .make_histories(together)
                    .then(|| self.run_side_by_side(network, emission, together, control, recordings)),
            };
            match outcome {
                None => {}
                Some(Ok(true)) => continue,
                Some(Ok(false)) => return Ok(self.reached().min(to)),
                Some(Err(error)) => return Err(Halt { reached: self.reached().min(to), error }),
            }
            let done = self.advance_open(network, emission, to, (control, sharing));
            let finished = self.open.is_finished(&self.plan);
            if !done || !finished {
                self.collect_recorded(recordings);
                return Ok(if done { to } else { self.reached().min(to) });
            }
            let learned = self.finish_open(network, emission, control, sharing);
            if !matches!(learned, Ok(true)) {
                self.take_back_last();
            }
            self.collect_recorded(recordings);
            match learned {
                Ok(true) => {}
                Ok(false) => return Ok(self.reached().min(to)),
                Err(error) => return Err(Halt { reached: self.reached().min(to), error }),
            }
            // Readouts are a step ahead, so who stops goes on with one of the next interval.
            self.open.begin_next(&self.plan);
        }
    }

    fn is_between_intervals(&self) -> bool {
        self.open.interval >= 0 && self.open.is_fresh()
    }

    fn memory(
        &self,
        network: &Description,
        steps: usize,
        inputs: &dyn Fn(i64) -> u64,
    ) -> Vec<(&'static str, u64)> {
        self.memory_of(network, steps, inputs(self.plan.interval.min(steps) as i64))
    }

    fn not_held(&self, network: &Description) -> u64 {
        if self.open.has_room() { 0 } else { self.history_bytes(network) }
    }

    fn history_bytes(&self, network: &Description) -> u64 {
        self.histories_of(network, self.kept)
    }

    fn limit_history(&mut self, network: &Description, emission: &Emission, bytes: u64) -> Result<()> {
        self.keep_within(network, emission, bytes)
    }

    fn spikes_per_step(&self) -> f64 {
        let steps = self.plan.start_recurrent(self.open.interval);
        if steps > 0 && self.spike_count > 0 {
            return self.spike_count as f64 / steps as f64;
        }
        // Once a step is the most.
        self.plan.recurrent.target_rate.iter().map(|rate| rate.min(1.0)).sum()
    }

    fn spike_count(&self) -> u64 {
        self.spike_count
    }

    fn spikes_fired(&self) -> u64 {
        self.spike_count + self.open.spikes_fired()
    }

    fn gradient_square_sum(&self) -> f64 {
        self.gradient_square_sums.values().sum()
    }

    fn take_gradient_norms(&mut self) -> Vec<f64> {
        std::mem::take(&mut self.gradient_norms)
    }

    fn take_interval_spikes(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.interval_spikes)
    }

    fn persist(&mut self, network: &Description, now: i64, archive: &mut Archive<'_>) -> Result<()> {
        self.persist_state(network, now, archive)
    }
}
