//! What synapses know outlives a change of the layout.

use crate::plus::eligibility::{Trace, TraceSet};
use crate::plus::ring::{LANES, Vector};
use crate::plus::rows::{PlasticRows, at};
use std::collections::BTreeMap;

impl PlasticRows {
    /// Takes over traces and moments from the same synapses as they were laid out before; `weights` are those of the
    /// projection. Targets of one part have been targets of one part then.
    pub fn carry_over(&mut self, old: &mut Vec<Self>, weights: &[f64]) {
        let by_target = TraceSet { uniform: false, ..self.set };
        let same = |old: &Self| {
            old.layout == self.layout
                && old.lookback == self.lookback
                && [self.set, by_target].contains(&old.set)
        };
        if let Some(place) = old.iter().position(same) {
            let mut old = old.swap_remove(place);
            std::mem::swap(&mut old.coefficients, &mut self.coefficients);
            *self = old;
            return;
        }
        // Rows keep their filtered spikes for each target once they may have differed.
        if !old.iter().all(|old| old.set.uniform) {
            self.keep_filtered_by_target();
        }
        for old in &*old {
            for row in 0..self.rows.len() {
                self.carry_row_over(row, old, weights);
            }
        }
    }

    /// Makes room for filtered spikes of each target; traces begin from zero.
    pub(super) fn keep_filtered_by_target(&mut self) {
        self.set.uniform = false;
        self.traces = vec![Vector::default(); self.gradient.len() * self.set.count()];
    }

    fn carry_row_over(&mut self, row: usize, old: &Self, weights: &[f64]) {
        let mut position_of: BTreeMap<usize, usize> = BTreeMap::new();
        old.layout.for_each_entry(row, |position, entry| {
            position_of.insert(entry, position);
        });
        let mut pairs = Vec::new();
        self.layout.for_each_entry(row, |position, entry| {
            pairs.extend(position_of.get(&entry).map(|from| (*from, position)));
        });
        if pairs.is_empty() {
            return;
        }
        let theirs = old.rows[row];
        self.rows[row] = theirs;
        if let Some(ahead) = old.ahead.get(&row) {
            let ours = self.ahead.entry(row).or_insert_with(|| self.layout.weights(row, 0, weights));
            let (from_first, to_first) = (old.layout.positions(row).start, self.layout.positions(row).start);
            for (from, to) in &pairs {
                ours[to - to_first] = ahead[from - from_first];
            }
        }
        let set = self.set;
        for (from, to) in pairs {
            for trace in TraceSet::ALL.into_iter().filter(|trace| set.has(*trace)) {
                if old.set.has(trace) {
                    *self.trace_mut(trace, to) = old.trace(trace, from);
                } else if trace == Trace::Filtered {
                    *self.trace_mut(trace, to) = theirs.filtered;
                }
            }
            if theirs.caught_up {
                self.gradient[to / LANES].0[to % LANES] = at(&old.gradient, from);
            }
            for (ours, theirs) in
                [(&mut self.sum, &old.sum), (&mut self.first, &old.first), (&mut self.second, &old.second)]
            {
                if let (Some(ours), Some(theirs)) = (ours.get_mut(to), theirs.get(from)) {
                    *ours = *theirs;
                }
            }
        }
    }
}
