//! What the optimizer remembers of synapses, and weights that the user has set.

use crate::optimizer::{MomentChanges, Moments, OptimizerProperties};
use crate::plus::rows::PlasticRows;
use std::collections::BTreeMap;

impl PlasticRows {
    /// Moves weights that show at the next spike of their row by what the user has changed of those that show now, by
    /// projection and entry.
    pub fn shift_ahead(&mut self, changes: &BTreeMap<(usize, usize), f64>, optimizer: &OptimizerProperties) {
        let Self { ahead, layout, projection, .. } = self;
        for (row, weights) in ahead {
            let begin = layout.positions(*row).start;
            layout.for_each_entry(*row, |position, entry| {
                if let Some(change) = changes.get(&(*projection, entry)) {
                    let weight = &mut weights[position - begin];
                    *weight = (*weight + change).clamp(optimizer.w_min, optimizer.w_max);
                }
            });
        }
    }

    /// Calls `each` with entry, position and moments of every synapse of which there are any.
    pub fn for_each_moment(&self, mut each: impl FnMut(usize, usize, Moments)) {
        if !self.first.is_empty() {
            for row in 0..self.rows.len() {
                self.layout.for_each_entry(row, |position, entry| {
                    let moments = Moments { first: self.first[position], second: self.second[position] };
                    each(entry, position, moments);
                });
            }
        }
    }

    /// Takes over moments that the user has set.
    pub fn set_moments(&mut self, changes: &MomentChanges) {
        let mut set = Vec::new();
        self.for_each_moment(|entry, position, held| {
            set.extend(changes.get(&(self.projection, entry)).map(|change| (position, held.with(*change))));
        });
        for (position, moments) in set {
            (self.first[position], self.second[position]) = (moments.first, moments.second);
        }
    }
}
