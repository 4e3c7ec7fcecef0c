//! Laying out what was described, and what that does to spikes in flight.

use crate::base::error::Result;
use crate::base::memory;
use crate::describe::network::{Carries, NodeId, Projection};
use crate::describe::population::{NodeIndex, Population};
use crate::kernel::sharing::check_shared;
use crate::kernel::{INTERVAL, Kernel, Plans, RULES};
use crate::models::NodeClass;
use crate::optimizer::Moments;
use crate::plan::probes::{spike_taps, waveform_taps, weight_taps};
use crate::plan::route::{handed_over, recorded_routes_onto_parrots};
use crate::plan::stimulus::Stimuli;
use crate::plan::wiring::Planning;
use crate::rule::Held;
use crate::step::arrivals::Settlement;

impl Kernel {
    /// What the spikes in flight over projections with constant weights amount to with the present ones. Plastic synapses
    /// have a delay of one step: their weights are those at the arrival.
    pub(super) fn settle(&self, projections: impl IntoIterator<Item = usize>) -> Vec<Settlement> {
        if self.time == 0 {
            return Vec::new();
        }
        let constant = |place: &usize| {
            self.network
                .projections
                .get(*place)
                .is_some_and(|projection| projection.carries == Carries::Spikes)
        };
        projections
            .into_iter()
            .filter(constant)
            .filter_map(|place| {
                let mut rules = self.rules.iter().flatten();
                rules.find_map(|rule| rule.settle(&self.network, &self.emission, place, self.time))
            })
            .collect()
    }

    /// The same of all projections from Poisson generators.
    pub(super) fn settle_poisson(&self) -> Vec<Settlement> {
        let from_poisson = |projection: &Projection| {
            let group = projection.sources.first().and_then(|source| self.network.group_of(*source));
            group.is_some_and(|group| group.model.class == NodeClass::PoissonGenerator)
        };
        let projections = self.network.projections.iter().enumerate();
        self.settle(projections.filter(|(_, projection)| from_poisson(projection)).map(|(place, _)| place))
    }

    pub(super) fn take_settlements(&mut self, settlements: Vec<Settlement>) {
        let handed = handed_over(&self.network.projections, self.time);
        for settlement in settlements {
            let projection = &mut self.network.projections[settlement.projection];
            let settled = &mut projection.settled;
            settled.generators = settled.generators.max(handed.generators);
            settled.neurons = settled.neurons.max(handed.neurons);
            let mut rules = self.rules.iter_mut().flatten();
            if let Some(rule) = rules.find(|rule| rule.wiring().route_over(settlement.projection).is_some()) {
                rule.take_settlement(settlement, &mut self.recordings);
            }
        }
    }

    /// Lays out what was described since the last time. Nothing but time depends on when or how often.
    pub(super) fn plan(&mut self) -> Result<()> {
        if self.plans.as_ref().is_some_and(|plans| plans.version == self.network.version) {
            return Ok(());
        }
        if self.plans.is_some() {
            // A longer delay reads nothing of what happened to be still there.
            self.emission.trim_before(self.needs_from(self.time));
        }
        // Neurons that are new in the middle of an interval have been at rest in its steps so far.
        let before = if self.rules[INTERVAL].is_none() {
            self.time % self.network.kernel.update_interval as i64
        } else {
            0
        };
        let rested = (8 * self.node_count() as u64).saturating_mul(before as u64);
        let needed = self.network.laid_out_bytes().saturating_add(rested);
        memory::may_take(0, || 0, needed.saturating_sub(self.working_bytes()), "the network's layout")?;
        self.network.begin_rewiring()?;
        let index = NodeIndex::new(&self.network);
        check_shared(&self.network)?;
        let stimuli = Stimuli::new(&self.network, &index, &self.held)?;
        let planning = Planning {
            network: &self.network,
            index: &index,
            held: &self.held,
            clock_base: &self.clock_base,
            cutoff_classes: &self.cutoff_classes,
            evaluations: &self.recordings.evaluations,
        };
        let waveform_taps = waveform_taps(planning);
        let mut begun: [Held; RULES.len()] = Default::default();
        let mut begins_anew = false;
        for ((held, entry), begun) in self.rules.iter_mut().zip(RULES).zip(&mut begun) {
            match held {
                Some(rule) if rule.goes_on_with(&self.network) => rule.prepare(planning)?,
                other => {
                    begins_anew |= other.is_some();
                    *begun = (entry.begin)(planning, self.time)?;
                }
            }
        }
        // Nothing was changed so far; from here on, nothing is refused.
        for (held, begun) in self.rules.iter_mut().zip(begun) {
            match held {
                Some(rule) if rule.goes_on_with(&self.network) => rule.commit(&self.network, self.time),
                held => {
                    // Nothing was simulated yet: moments are those that the user has set.
                    for rule in held.iter() {
                        rule.for_each_moment(&mut |synapse, of| {
                            if of != Moments::default() {
                                let waiting = self.moments.entry(synapse).or_default();
                                let moments = of.with(*waiting);
                                *waiting = (Some(moments.first), Some(moments.second));
                            }
                        });
                    }
                    *held = begun;
                }
            }
        }
        if begins_anew {
            // Nothing was simulated yet: all there is to keep are states that the user has set.
            self.network.all_states_changed();
        }
        let changed: Vec<NodeId> = self
            .network
            .state_changes
            .drain(..)
            .map(|(group, node)| self.network.groups[group].first + node as NodeId)
            .collect();
        for rule in self.rules.iter_mut().flatten() {
            rule.load_states(&self.network, &index, &changed);
            rule.set_moments(&self.moments);
        }
        self.moments.clear();
        self.emission.set_trains(&stimuli);
        self.plans = Some(Plans {
            version: self.network.version,
            stimuli,
            stimulus_ids: index.members(Population::Stimulus).to_vec(),
            stimulus_taps: spike_taps(&self.network, &index, Population::Stimulus),
            waveform_taps,
            parrot_routes: recorded_routes_onto_parrots(&self.network, &index),
            weight_taps: weight_taps(&self.network),
        });
        Ok(())
    }
}
