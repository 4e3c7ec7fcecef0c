//! The neurons whose weights change with every presynaptic spike, as a kernel sees them.

use std::collections::BTreeMap;

use crate::base::control::Halt;
use crate::base::error::Result;
use crate::base::exchange::Team;
use crate::base::state::Archive;
use crate::base::threads;
use crate::describe::connections::ConnectionHandle;
use crate::describe::network::{Description, NodeId};
use crate::describe::population::NodeIndex;
use crate::optimizer::{MomentChanges, Moments, SynapseKey};
use crate::plan::wiring::{Planning, Wiring};
use crate::plus::plan::PlusPlan;
use crate::plus::recording::Recorded;
use crate::plus::rows::PlasticRows;
use crate::plus::windows::Windows;
use crate::plus::{PlusRule, RUN};
use crate::record::Recordings;
use crate::rule::{Held, LearningRule, RuleEntry, Span};
use crate::step::arrivals::Arrivals;

/// Weights change with every presynaptic spike (e-prop+).
pub const RULE: RuleEntry = RuleEntry { name: "event", begin };

fn begin(planning: Planning<'_>, now: i64) -> Result<Held> {
    let begin =
        |plan: PlusPlan| -> Box<dyn LearningRule> { Box::new(PlusRule::new(planning.network, plan, now)) };
    Ok(PlusPlan::new(planning)?.map(begin))
}

/// Steps that are simulated in one go, for those who want to stop.
const SLICE: i64 = 4096;

impl LearningRule for PlusRule {
    fn prepare(&mut self, planning: Planning<'_>) -> Result<()> {
        self.prepared = PlusPlan::new(planning)?;
        Ok(())
    }

    fn commit(&mut self, network: &Description, now: i64) {
        if let Some(plan) = self.prepared.take() {
            self.replan(network, plan, now);
        }
    }

    fn wiring(&self) -> &Wiring {
        &self.plan.wiring
    }

    fn fired(&self, stamp: i64) -> &[u32] {
        &self.fired[stamp as usize % self.fired.len()]
    }

    fn arrivals_mut(&mut self) -> &mut [Arrivals; 2] {
        &mut self.arrivals
    }

    fn load_states(&mut self, network: &Description, index: &NodeIndex, nodes: &[NodeId]) {
        self.load(network, index, nodes);
    }

    fn store_states(&self, network: &mut Description, now: i64) {
        self.store(network, now);
    }

    fn weights_were_set(&mut self, network: &Description, handles: &[ConnectionHandle], before: &[f64]) {
        let changes: BTreeMap<(usize, usize), f64> = handles
            .iter()
            .zip(before)
            .map(|(handle, before)| {
                let (projection, entry) = (handle.projection as usize, handle.at());
                ((projection, entry), network.projections[projection].weights[entry] - before)
            })
            .collect();
        for part in self.recurrent_rows.iter_mut().chain(&mut self.readout_rows).flatten() {
            let synapse = network.projections[part.projection].synapse;
            part.shift_ahead(&changes, &network.synapse_models[synapse].optimizer);
        }
    }

    fn for_each_moment(&self, each: &mut dyn FnMut(SynapseKey, Moments)) {
        for part in self.recurrent_rows.iter().chain(&self.readout_rows).flatten() {
            part.for_each_moment(|entry, _, moments| each((part.projection, entry), moments));
        }
    }

    fn set_moments(&mut self, changes: &MomentChanges) {
        for part in self.recurrent_rows.iter_mut().chain(&mut self.readout_rows).flatten() {
            part.set_moments(changes);
        }
    }

    fn slice_end(&self, from: i64, to: i64, _team: Option<&Team<'_>>) -> i64 {
        to.min(from + SLICE)
    }

    fn needs_from(&self, now: i64) -> i64 {
        now - self.plan.longest_delay as i64
    }

    fn advance(
        &mut self,
        network: &mut Description,
        span: Span<'_>,
        recordings: &mut Recordings,
    ) -> std::result::Result<i64, Halt> {
        let Span { from, to, emission, control, team, .. } = span;
        let team = team.filter(|team| team.shares_neurons());
        self.arrivals.iter_mut().for_each(|arrivals| arrivals.forget_before(from));
        self.currents.forget_before(from);
        let mut recorded = Recorded::new(&self.plan);
        let threads = network.kernel.local_num_threads;
        let mut reached = from;
        while reached < to {
            let end = to.min(reached + RUN);
            // Threads wait for each other without sleeping, so those that would find little to do stay away.
            let wanted = threads::worth(self.shareable, threads);
            let stopped = threads::with_crew(wanted, |crew| {
                self.advance_run(network, emission, reached, end, (control, team), &mut recorded, crew)
            });
            recorded.collect(&self.plan, recordings);
            reached = stopped;
            if stopped < end || self.failure.is_some() {
                break;
            }
        }
        self.steps += (reached - from) as u64;
        let mut outcome = self.failure.take().map_or(Ok(()), Err);
        if let Some(team) = team.filter(|_| outcome.is_err() || control.cancelled()) {
            outcome = team.agree_on_neurons(outcome);
        }
        outcome.map(|()| reached).map_err(|error| Halt { reached, error })
    }

    fn memory(
        &self,
        _network: &Description,
        _steps: usize,
        _inputs: &dyn Fn(i64) -> u64,
    ) -> Vec<(&'static str, u64)> {
        let rows = self.recurrent_rows.iter().chain(&self.readout_rows).flatten();
        let (n, k) = (self.plan.recurrent_count() as u64, self.plan.readout_count() as u64);
        let rings = size_of_val(&self.fired[..]) as u64;
        let taps = self.plan.wiring.recurrent_taps.iter().chain(&self.plan.wiring.readout_taps);
        // Until they are collected, in lists with room to spare.
        let recorded = taps.map(|tap| tap.bytes(0, RUN).saturating_mul(3) / 2).fold(0, u64::saturating_add);
        let on_their_way = (4.0 * self.spikes_per_step() * self.fired.len() as f64) as u64;
        vec![
            ("history of postsynaptic neurons", self.history.bytes() + self.errors.bytes()),
            ("traces and moments of synapses", rows.map(PlasticRows::bytes).sum()),
            ("maps of windows", self.windows.iter().chain(&self.error_windows).map(Windows::bytes).sum()),
            (
                "neurons and spikes on their way",
                (self.plan.bytes() + 81 * n + 40 * k + rings + on_their_way).saturating_add(recorded),
            ),
        ]
    }

    fn spikes_per_step(&self) -> f64 {
        if self.steps > 0 && self.spike_count > 0 {
            return self.spike_count as f64 / self.steps as f64;
        }
        // Once a step is the most.
        self.plan.recurrent.target_rate.iter().map(|rate| rate.min(1.0)).sum()
    }

    fn spikes_fired(&self) -> u64 {
        self.spike_count
    }

    fn spike_count(&self) -> u64 {
        self.spike_count
    }

    fn persist(&mut self, _network: &Description, now: i64, archive: &mut Archive<'_>) -> Result<()> {
        self.persist_state(now, archive)
    }
}
