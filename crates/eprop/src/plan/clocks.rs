//! Neurons that fire by the clock.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::describe::check;
use crate::describe::network::{Description, NodeId};
use crate::describe::population::{NodeIndex, Population, gather};

/// A neuron that fires by the clock.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Clocked {
    place: usize,
    /// Stamp of its first spike.
    first: i64,
    /// What remains of that, and of the stamps of all its spikes, beside whole intervals.
    remainder: i64,
}

/// Neurons that fire at the same interval.
#[derive(Debug, Clone, PartialEq)]
struct Clock {
    /// Steps between spikes of a neuron.
    interval: i64,
    /// In the order of their remainders.
    neurons: Vec<Clocked>,
}

/// The neurons of a population that fire by the clock.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Clocks {
    places: Vec<Range<usize>>,
    clocks: Vec<Clock>,
}

impl Clocks {
    /// Those of a population. `base` names the steps that their clocks count from.
    #[must_use]
    pub fn of(
        network: &Description,
        index: &NodeIndex,
        population: Population,
        base: &BTreeMap<NodeId, i64>,
    ) -> Self {
        let dt = network.kernel.resolution;
        let steps = |name: &str| -> Vec<i64> {
            gather(network, population, name)
                .iter()
                .map(|time| check::lasting_steps(*time, dt) as i64)
                .collect()
        };
        let (offset, interval) = (steps("ignore_and_spike_offset"), steps("ignore_and_spike_interval"));
        let ids = index.held_members(population);
        Self::new(
            gather(network, population, "ignore_and_spike")
                .iter()
                .enumerate()
                .filter(|(_, ignore)| **ignore != 0.0)
                .map(|(place, _)| {
                    let first = base.get(&ids[place]).copied().unwrap_or(0) + offset[place];
                    (place, first, interval[place].max(1))
                }),
        )
    }

    /// Of places in ascending order, stamps of the first spikes, and steps between spikes.
    fn new(clocked: impl IntoIterator<Item = (usize, i64, i64)>) -> Self {
        let mut places: Vec<Range<usize>> = Vec::new();
        let mut by_interval = BTreeMap::<i64, Vec<Clocked>>::new();
        for (place, first, interval) in clocked {
            match places.last_mut() {
                Some(last) if last.end == place => last.end += 1,
                _ => places.push(place..place + 1),
            }
            let remainder = first.rem_euclid(interval);
            by_interval.entry(interval).or_default().push(Clocked { place, first, remainder });
        }
        let clocks = by_interval.into_iter().map(|(interval, mut neurons)| {
            neurons.sort_by_key(|neuron| neuron.remainder);
            Clock { interval, neurons }
        });
        Self { places, clocks: clocks.collect() }
    }

    /// Whether no neuron fires by the clock.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The places of all these neurons, in runs.
    #[must_use]
    pub fn places(&self) -> &[Range<usize>] {
        &self.places
    }

    /// The places of those that fire in a step.
    pub fn firing(&self, step: i64) -> impl Iterator<Item = usize> + '_ {
        let stamp = step + 1;
        self.clocks.iter().flat_map(move |clock| {
            let now = stamp.rem_euclid(clock.interval);
            let begin = clock.neurons.partition_point(|neuron| neuron.remainder < now);
            clock.neurons[begin..]
                .iter()
                .take_while(move |neuron| neuron.remainder == now)
                .filter(move |neuron| neuron.first <= stamp)
                .map(|neuron| neuron.place)
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn neurons_fire_at_their_first_stamp_and_each_interval_after(
            neurons in prop::collection::btree_map(0..40_usize, (-3..30_i64, 1..9_i64), 0..20),
        ) {
            let clocks = Clocks::new(neurons.iter().map(|(place, (first, interval))| (*place, *first, *interval)));
            prop_assert_eq!(clocks.is_empty(), neurons.is_empty());
            let places: Vec<usize> = clocks.places().iter().cloned().flatten().collect();
            prop_assert_eq!(places, neurons.keys().copied().collect::<Vec<_>>());
            prop_assert!(clocks.places().is_sorted_by(|a, b| a.end < b.start));
            for step in -5..60 {
                let mut fire: Vec<usize> = clocks.firing(step).collect();
                fire.sort_unstable();
                let expected: Vec<usize> = neurons
                    .iter()
                    .filter(|(_, (first, interval))| {
                        let mut stamp = *first;
                        while stamp < step + 1 {
                            stamp += interval;
                        }
                        stamp == step + 1
                    })
                    .map(|(place, _)| *place)
                    .collect();
                prop_assert_eq!(fire, expected);
            }
        }
    }
}
