//! What both rules lay out of recurrent neurons alike.

use std::collections::BTreeMap;

use crate::describe::check;
use crate::describe::network::{Description, NodeId};
use crate::describe::population::{NodeIndex, Population, gather};

/// A neuron that fires by the clock.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clocked {
    /// Its place.
    pub place: usize,
    /// Stamp of its first spike.
    pub first: i64,
    /// Steps between spikes.
    pub interval: i64,
}

impl Clocked {
    /// Whether it fires in a step.
    #[must_use]
    pub fn fires(&self, step: i64) -> bool {
        let since = step + 1 - self.first;
        since >= 0 && since % self.interval == 0
    }
}

/// The neurons of a population that fire by the clock. `base` names the steps that their clocks count from.
#[must_use]
pub fn clocked(
    network: &Description,
    index: &NodeIndex,
    population: Population,
    base: &BTreeMap<NodeId, i64>,
) -> Vec<Clocked> {
    let dt = network.kernel.resolution;
    let steps = |name: &str| -> Vec<i64> {
        gather(network, population, name).iter().map(|time| check::lasting_steps(*time, dt) as i64).collect()
    };
    let (offset, interval) = (steps("ignore_and_spike_offset"), steps("ignore_and_spike_interval"));
    let ids = index.held_members(population);
    gather(network, population, "ignore_and_spike")
        .iter()
        .enumerate()
        .filter(|(_, ignore)| **ignore != 0.0)
        .map(|(place, _)| Clocked {
            place,
            first: base.get(&ids[place]).copied().unwrap_or(0) + offset[place],
            interval: interval[place].max(1),
        })
        .collect()
}
