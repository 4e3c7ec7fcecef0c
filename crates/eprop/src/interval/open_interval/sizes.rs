//! Memory of an open interval, before it is taken.

use crate::base::real::Real;
use crate::interval::neuron_state::NeuronState;
use crate::interval::open_interval::OpenInterval;
use crate::interval::plan::{IntervalPlan, RECURRENT};
use crate::plan::probes::SpikeTap;
use crate::record::{SPIKE, WEIGHT};

impl<R: Real> OpenInterval<R> {
    /// Bytes that an open interval takes in a simulation of so many steps besides its history, if so many of its neurons' and
    /// inputs' spikes are read in an interval.
    #[must_use]
    pub fn bytes_for(
        plan: &IntervalPlan,
        stride: usize,
        steps: usize,
        spikes: u64,
        input_spikes: u64,
    ) -> u64 {
        let steps = steps.min(plan.interval);
        let (n, k) = (plan.recurrent_count() as u64, plan.readout_count() as u64);
        // The state, what arrives, and the surrogate gradients of the last step.
        let reals = (NeuronState::<R>::ARRAYS + 2) * size_of::<R>();
        let state = (reals as u64 + 1) * stride as u64 + 4 * n + 16 * k;
        let start = plan.start_recurrent(0);
        let taps = plan.wiring.recurrent_taps.iter().chain(&plan.wiring.readout_taps);
        let recorded: u64 = taps.map(|tap| tap.bytes(start, start + steps as i64)).sum();
        let shown = if plan.wiring.readout_taps.is_empty() { 0 } else { 24 * k * steps as u64 };
        let listed = 8 * (steps + 2 * plan.longest_delay) as u64;
        // Each spike is listed by step, and by row and step for each projection that learns from it.
        let learned: u64 = plan
            .learners
            .iter()
            .map(|learner| {
                let route = plan.route_of(learner);
                let read = if route.source == RECURRENT { spikes } else { input_spikes };
                17 * route.row_count as u64 + 12 * read
            })
            .sum();
        state + recorded + shown + listed + 4 * spikes + learned
    }

    /// Bytes of spikes and weights that are recorded and wait in an open interval until its interval is over, if so many spikes of
    /// its neurons and inputs are read.
    #[must_use]
    pub fn events_for(plan: &IntervalPlan, spikes: u64, input_spikes: u64) -> u64 {
        let listens = |tap: &SpikeTap| tap.listens.iter().map(|times| u64::from(*times)).sum::<u64>();
        let heard = plan.wiring.spike_taps.iter().map(listens).sum::<u64>() * spikes
            / plan.recurrent_count().max(1) as u64;
        let watched = plan.wiring.recurrent_routes.iter().chain(&plan.wiring.readout_routes);
        let seen: u64 = watched
            .filter(|route| route.weight_recorder.is_some())
            .map(|route| {
                let read = if route.source == RECURRENT { spikes } else { input_spikes };
                read * route.entry_count() as u64 / route.row_count.max(1) as u64
            })
            .sum();
        // Lists have room to spare.
        (heard * SPIKE as u64 + seen * WEIGHT as u64) * 5 / 4
    }
}
