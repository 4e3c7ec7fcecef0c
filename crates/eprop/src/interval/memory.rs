//! How much memory the neurons take, and histories that are kept in parts.

use crate::base::control::RunControl;
use crate::base::error::Result;
use crate::base::real::Real;
use crate::describe::kernel_parameters::GradientMethod;
use crate::describe::network::Description;
use crate::interval::IntervalRule;
use crate::interval::drives::{Drives, Sent, converted};
use crate::interval::gradient::adjoint::Workspace;
use crate::interval::gradient::batch::SynapseState;
use crate::interval::open_interval::OpenInterval;
use crate::interval::surrogate_history::SurrogateHistory;
use crate::rule::LearningRule;
use crate::step::emission::Emission;

/// Name of the history's share of the memory.
pub const HISTORY: &str = "history of surrogate gradients and errors";

/// Fewer steps are not kept at once: the states at their begins would take more than they save.
const SHORTEST_RUN: usize = 8;

impl<R: Real> IntervalRule<R> {
    pub(super) fn keep_history(&mut self, network: &Description, emission: &Emission) {
        let (current, readout_current) = (&self.plan.recurrent.current, &self.plan.readouts.current);
        let drives = Drives::new(&self.plan, &self.neurons, current, readout_current);
        let mut room = std::mem::take(&mut self.converted);
        let weights = converted(&network.projections, &mut room);
        let (plan, neurons, projections) = (&self.plan, &self.neurons, &network.projections);
        let sent = Sent { emission, arrivals: &self.arrivals, currents: &self.currents };
        let control = RunControl::default();
        let around = drives.surroundings(plan, neurons, projections, &weights, &[], sent, &control);
        self.open.keep_history(&around);
        self.converted = room;
    }

    /// Keeps no more of the history of an interval than fits into so many bytes, if it can: what is not kept is computed
    /// again. Changes no result.
    ///
    /// # Errors
    /// `OutOfMemory` where the system has no room even for that.
    pub(super) fn keep_within(
        &mut self,
        network: &Description,
        emission: &Emission,
        bytes: u64,
    ) -> Result<()> {
        let whole = self.plan.interval;
        let kept = match self.gradient {
            // The definition reads all of it for every synapse.
            GradientMethod::Forward => whole,
            GradientMethod::Adjoint => {
                let runs = std::iter::successors(Some(whole), |kept| Some(kept.div_ceil(2)));
                let runs =
                    runs.take_while(|kept| *kept >= SHORTEST_RUN.min(whole)).take(usize::BITS as usize);
                let cost = |kept: &usize| self.histories_of(network, *kept);
                let fits = runs.clone().find(|kept| cost(kept) <= bytes);
                fits.or_else(|| runs.min_by_key(cost)).unwrap_or(whole)
            }
        };
        if kept != self.kept {
            self.keep_history(network, emission);
            self.kept = kept;
            self.histories.clear();
        } else if self.open.has_room() {
            return Ok(());
        }
        self.open.make_room(&self.plan, kept)
    }

    /// Bytes of the histories of all intervals that run at the same time, if so many steps are kept of each.
    pub(super) fn histories_of(&self, network: &Description, kept: usize) -> u64 {
        let plan = &self.plan;
        let threads = match self.together(network) {
            1 => 0,
            together => self.threads.min(together) as u64,
        };
        let errors = (plan.readout_count() * plan.error_steps() * 8) as u64;
        let surrogate =
            SurrogateHistory::<R>::bytes_for(self.neurons.stride, plan.planes(), kept, plan.interval);
        (1 + threads) * surrogate.saturating_add(errors) + self.open.surrogate.held_before()
    }

    /// Bytes that a simulation of so many steps takes, by part, if so many spikes of inputs are read in an interval.
    pub(super) fn memory_of(
        &self,
        network: &Description,
        steps: usize,
        input_spikes: u64,
    ) -> Vec<(&'static str, u64)> {
        let plan = &self.plan;
        let together = self.together(network).min((steps / plan.interval).saturating_add(1)) as u64;
        let gradients: u64 = self.layouts.iter().map(|layout| (layout.len * size_of::<R>()) as u64).sum();
        let moments: u64 = self.synapses.values().map(SynapseState::bytes).sum();
        let onto_readouts = plan.learners.iter().filter(|learner| learner.onto_readouts);
        let before: u64 = onto_readouts.map(|learner| 8 * plan.route_of(learner).entry_count() as u64).sum();
        let together = together + u64::from(together > 1);
        let spikes = (LearningRule::spikes_per_step(self) * steps.min(plan.interval) as f64) as u64;
        let open = OpenInterval::<R>::bytes_for(plan, self.neurons.stride, steps, spikes, input_spikes);
        let waiting = together.min((steps / plan.interval).max(1) as u64)
            * OpenInterval::<R>::events_for(plan, spikes, input_spikes);
        let converts = size_of::<R>() < size_of::<f64>();
        let weights: usize = network.projections.iter().map(|projection| projection.weights.len()).sum();
        let converted = if converts { (weights * size_of::<R>()) as u64 } else { 0 };
        // Threads share one interval, or each has its own.
        let workspace = |threads| Workspace::<R>::bytes_for(plan, self.neurons.stride, threads);
        let threads = self.threads.min(self.together(network));
        let workspaces = match self.gradient {
            GradientMethod::Forward => 0,
            GradientMethod::Adjoint if threads > 1 => threads as u64 * workspace(1),
            GradientMethod::Adjoint => workspace(self.threads),
        };
        vec![
            (HISTORY, self.histories_of(network, self.kept)),
            ("gradients of intervals in progress", together * gradients),
            ("buffers of backward passes", workspaces),
            ("gradient sums and moments", moments),
            (
                "neurons and intervals in progress",
                plan.bytes() + self.neurons.bytes() + together * open + waiting,
            ),
            ("weights beside their present ones", before + converted),
        ]
    }
}
