//! Recorded weights.

use std::sync::Arc;

use crate::base::error::Result;
use crate::base::state::layout::{Event, Layout};
use crate::base::state::{Archive, Persist};
use crate::record::{EventColumn, Events, TimeUnit, append, permuted};

/// Weights a recorder saw, one event a spike and synapse.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WeightEvents {
    /// Stamps (steps).
    pub stamps: Vec<i64>,
    /// Presynaptic nodes.
    pub senders: Vec<u32>,
    /// Postsynaptic nodes.
    pub targets: Vec<u32>,
    /// Receptors.
    pub receptors: Vec<u32>,
    /// Weights as transmitted.
    pub weights: Vec<f64>,
}

impl WeightEvents {
    /// Adds an event.
    pub fn push(&mut self, stamp: i64, sender: u32, target: u32, receptor: u32, weight: f64) {
        self.stamps.push(stamp);
        self.senders.push(sender);
        self.targets.push(target);
        self.receptors.push(receptor);
        self.weights.push(weight);
    }

    /// Drops all events but the first ones.
    pub fn truncate(&mut self, length: usize) {
        self.stamps.truncate(length);
        self.senders.truncate(length);
        self.targets.truncate(length);
        self.receptors.truncate(length);
        self.weights.truncate(length);
    }

    /// Moves all events of another to the end of this one.
    pub fn append(&mut self, other: &mut Self) {
        append(&mut self.stamps, &mut other.stamps);
        append(&mut self.senders, &mut other.senders);
        append(&mut self.targets, &mut other.targets);
        append(&mut self.receptors, &mut other.receptors);
        append(&mut self.weights, &mut other.weights);
    }

    /// The places of the events, by time, sender, target, receptor and weight.
    fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.stamps.len()).collect();
        let key = |event: usize| {
            (self.stamps[event], self.senders[event], self.targets[event], self.receptors[event])
        };
        order.sort_by(|a, b| key(*a).cmp(&key(*b)).then(self.weights[*a].total_cmp(&self.weights[*b])));
        order
    }

    /// The events as columns, ordered by time, sender, target, receptor and weight: in whichever order connections were
    /// gone through.
    #[must_use]
    pub fn into_events(self, unit: TimeUnit) -> Events {
        let order = self.order();
        let ids = |values: &[u32]| EventColumn::Ids(order.iter().map(|place| values[*place]).collect());
        Events {
            columns: vec![
                (
                    "times",
                    EventColumn::Floats(order.iter().map(|place| unit.time(self.stamps[*place])).collect()),
                ),
                ("senders", ids(&self.senders)),
                ("targets", ids(&self.targets)),
                ("receptors", ids(&self.receptors)),
                ("weights", EventColumn::Floats(order.iter().map(|place| self.weights[*place]).collect())),
            ],
        }
    }
}

impl Persist for WeightEvents {
    fn persist(&mut self, archive: &mut Archive<'_>) -> Result<()> {
        // Whoever recorded them, they are in one order.
        if !archive.reads() {
            let order = self.order();
            let Self { stamps, senders, targets, receptors, weights } = self;
            *stamps = permuted(std::mem::take(stamps), Some(&order));
            *weights = permuted(std::mem::take(weights), Some(&order));
            for ids in [senders, targets, receptors] {
                *ids = permuted(std::mem::take(ids), Some(&order));
            }
        }
        let layout = archive.layout(|| {
            let event = |at: usize| Event {
                // Events of one connection after the other.
                key: [self.stamps[at], i64::from(self.senders[at]) << 32 | i64::from(self.targets[at])],
                node: self.targets[at],
            };
            Layout::Events(Arc::new((0..self.stamps.len()).map(event).collect()))
        });
        archive.by(&layout).list("stamps", &mut self.stamps)?;
        archive.by(&layout).list("senders", &mut self.senders)?;
        archive.by(&layout).list("targets", &mut self.targets)?;
        archive.by(&layout).list("receptors", &mut self.receptors)?;
        archive.by(&layout).list("weights", &mut self.weights)?;
        let events = self.stamps.len();
        if [self.senders.len(), self.targets.len(), self.receptors.len(), self.weights.len()] == [events; 4] {
            Ok(())
        } else {
            Err(archive.misfit("weights", "not one for each event"))
        }
    }
}
