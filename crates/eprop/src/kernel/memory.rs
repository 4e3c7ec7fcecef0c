//! How much memory a simulation takes.

use crate::base::error::Result;
use crate::base::exchange::Team;
use crate::base::memory::MemoryEstimate;
use crate::describe::population::Population;
use crate::kernel::{Kernel, Plans};
use crate::plan::route::handed_over;
use crate::record::{SPIKE, Tap, WEIGHT};
use crate::rule::LearningRule;

/// Steps that are simulated in one go where nothing else says how many.
const SLICE: i64 = 4096;

/// Steps that are simulated in one go where there are several learning rules: who stops the first waits for the others.
const SLICE_OF_SEVERAL: i64 = 64;

/// An input spike as it is found, sorted and kept.
pub(super) const BYTES_PER_INPUT_SPIKE: u64 = 12 + 8 + 8;

impl Kernel {
    /// Memory that a simulation of the network takes, before it runs, with what was recorded so far: all but what
    /// recorders will add, for which [`Self::memory_for`] has to know how long it is.
    ///
    /// # Errors
    /// If the description leaves something open; `OutOfMemory` where it cannot even be laid out.
    pub fn memory(&mut self) -> Result<MemoryEstimate> {
        self.memory_for(0.0)
    }

    /// As [`Self::memory`], with what recorders add in so many milliseconds. How many spikes are recorded is known
    /// beforehand for generators; neurons are taken to fire as often as they have so far, or else as they should
    /// (`f_target`).
    ///
    /// # Errors
    /// As [`Self::memory`] and, for the time, [`Self::simulate`].
    pub fn memory_for(&mut self, ms: f64) -> Result<MemoryEstimate> {
        let steps = self.steps_of(ms)?;
        self.plan()?;
        let end = self.time + steps;
        Ok(self.estimate(end, self.recorded_until(end).0).into())
    }

    /// What a simulation up to the step `end` takes, by part, if so many bytes are recorded.
    pub(super) fn estimate(&self, end: i64, recorded: u64) -> Vec<(&'static str, u64)> {
        let projections = &self.network.projections;
        let weights: usize = projections.iter().map(|projection| projection.weights.capacity() * 8).sum();
        let described = self.network.bytes().saturating_sub(weights as u64);
        let mut parts = vec![("weights", weights as u64), ("nodes and connections", described)];
        let slice = self.slice_end(if end > self.time { end } else { i64::MAX }, None) - self.time;
        let inputs = |steps: i64| {
            let spikes = |plans: &Plans| plans.stimuli.expected_spikes(self.time, self.time + steps);
            self.plans.as_ref().map_or(0, spikes)
        };
        let steps = if end > self.time { (end - self.time) as usize } else { usize::MAX };
        for rule in self.rules.iter().flatten() {
            parts.extend(rule.memory(&self.network, steps, &inputs));
        }
        // Those that may still arrive are kept: what is dropped waits until it is half of all.
        let kept = (self.time - self.needs_from(self.time)).max(0).saturating_add(slice);
        let late = inputs(kept.saturating_sub(slice)).saturating_mul(8).saturating_add(kept as u64 * 16);
        parts.push((
            "spikes of inputs",
            inputs(slice).saturating_mul(BYTES_PER_INPUT_SPIKE).saturating_add(late),
        ));
        let recorded = self.recordings.used_bytes().saturating_add(recorded);
        parts.push(("recordings", recorded.max(self.recordings.bytes() as u64)));
        parts
    }

    /// What multimeters record of neurons.
    pub(super) fn state_taps(&self) -> impl Iterator<Item = &Tap> {
        let neurons = self.rules.iter().flatten().flat_map(|rule| rule.wiring().taps());
        let rates = self.plans.iter().flat_map(|plans| plans.waveform_taps.iter().map(|(tap, _)| tap));
        neurons.chain(rates)
    }

    /// Bytes that multimeters record up to the step `end`.
    pub(super) fn states_until(&self, end: i64) -> u64 {
        self.state_taps().map(|tap| tap.bytes(self.time, end)).fold(0, u64::saturating_add)
    }

    /// Bytes that are recorded up to the step `end`: as many as are expected, and the most that there can be.
    pub(super) fn recorded_until(&self, end: i64) -> (u64, u64) {
        let states = self.states_until(end);
        let (expected, most) = self.events_until(end);
        (states.saturating_add(expected), states.saturating_add(most))
    }

    /// As [`Self::recorded_until`], of spikes and weights.
    pub(super) fn events_until(&self, end: i64) -> (u64, u64) {
        let steps = (end - self.time).max(0);
        let (mut expected, mut most) = (0.0, 0.0);
        let parrot_routes = || self.plans.iter().flat_map(|plans| &plans.parrot_routes);
        let onto_neurons = self.rules.iter().flatten().flat_map(|rule| rule.wiring().routes());
        let mut routes = onto_neurons.chain(parrot_routes());
        let weights_recorded = routes.any(|route| route.weight_recorder.is_some());
        let stimuli = self.plans.as_ref().filter(|plans| !plans.stimulus_taps.is_empty() || weights_recorded);
        let stimuli =
            stimuli.map_or(0.0, |plans| plans.stimuli.most_recorded(self.time, end.saturating_add(1)) as f64);
        let stimulus_places = self.plans.as_ref().map_or(1, |plans| plans.stimulus_ids.len().max(1)) as f64;
        for tap in self.plans.iter().flat_map(|plans| &plans.stimulus_taps) {
            // Whatever few sources a recorder listens to, they may be those that send.
            let listens: u32 = tap.listens.iter().sum();
            let loudest = tap.listens.iter().max().copied().unwrap_or(0);
            let known = stimuli * SPIKE as f64;
            expected += known * (f64::from(listens) / stimulus_places).min(f64::from(loudest));
            most += known * f64::from(loudest);
            let of_trains: f64 = self
                .plans
                .iter()
                .flat_map(|plans| {
                    tap.trains.iter().map(|(place, _)| plans.stimuli.most_of_train(*place, steps))
                })
                .sum();
            expected += of_trains * SPIKE as f64;
            most += of_trains * SPIKE as f64;
        }
        for route in parrot_routes() {
            let each = stimuli * route.entry_count() as f64 * WEIGHT as f64;
            expected += each / stimulus_places;
            most += each / route.row_count.max(1) as f64;
        }
        for rule in self.rules.iter().flatten() {
            let wiring = rule.wiring();
            let share = rule.spikes_per_step() / wiring.recurrent_ids.len().max(1) as f64;
            for tap in &wiring.spike_taps {
                let steps = tap.window.count(self.time, end) as f64;
                let listens: u64 = tap.listens.iter().map(|times| u64::from(*times)).sum();
                let each = steps * listens as f64 * SPIKE as f64;
                expected += share * each;
                most += each;
            }
            for route in wiring.routes().filter(|route| route.weight_recorder.is_some()) {
                let each = route.entry_count() as f64 * WEIGHT as f64;
                if route.source == Population::Stimulus {
                    expected += stimuli / stimulus_places * each;
                    most += stimuli * each / route.row_count.max(1) as f64;
                } else {
                    expected += share * steps as f64 * each;
                    most += steps as f64 * each;
                }
            }
        }
        (expected as u64, most as u64)
    }

    /// The step that may be reached in one go, at most `end`.
    pub(super) fn slice_end(&self, end: i64, team: Option<&Team<'_>>) -> i64 {
        let short = end.min(self.time + SLICE);
        let ends = self.rules.iter().flatten().map(|rule| rule.slice_end(self.time, end, team));
        let whole = ends.min().unwrap_or(short);
        if self.has_several_rules() { whole.min(self.time + SLICE_OF_SEVERAL) } else { whole }
    }

    pub(super) fn has_several_rules(&self) -> bool {
        self.rules.iter().flatten().count() > 1
    }

    /// The earliest stamp of inputs that is still needed at a step: by neurons, or by weight recorders, which have not
    /// seen what has not been handed over to the synapses.
    pub(super) fn needs_from(&self, step: i64) -> i64 {
        let needed = self.rules.iter().flatten().map(|rule| rule.needs_from(step));
        let unseen = handed_over(&self.network.projections, step).neurons + 1;
        needed.min().map_or(step, |stamp| stamp.min(step)).min(unseen)
    }

    /// About how many bytes this kernel holds now; what each node and synapse model takes is left out.
    #[must_use]
    pub fn held_bytes(&self) -> u64 {
        let times: usize = self.plans.iter().map(|plans| plans.stimuli.bytes()).sum();
        let here = size_of::<Self>() + times + self.emission.bytes() + self.recordings.bytes();
        here as u64 + self.network.bytes() + self.working_bytes()
    }

    /// About how many bytes of neurons and synapses in use are held.
    pub(super) fn working_bytes(&self) -> u64 {
        let of_rule = |rule: &dyn LearningRule| {
            let all: u64 =
                rule.memory(&self.network, usize::MAX, &|_| 0).iter().map(|(_, bytes)| bytes).sum();
            all.saturating_sub(rule.not_held(&self.network))
        };
        self.rules.iter().flatten().map(|rule| of_rule(&**rule)).fold(0, u64::saturating_add)
    }
}
