//! The presynaptic spikes that learning counts in an interval.

use crate::plan::interval::{IntervalPlan, Learner, RECURRENT};
use crate::simulate::emission::Emission;
use crate::simulate::lane::Lane;

/// Rows by the step that reads their spikes.
#[derive(Debug, Clone, Default)]
pub struct RowsByStep {
    starts: Vec<u32>,
    rows: Vec<u32>,
}

impl RowsByStep {
    fn clear(&mut self) {
        self.starts.clear();
        self.rows.clear();
        // The first step of an interval reads none (NUMERICS, section 2, edges).
        self.starts.extend([0, 0]);
    }

    fn finish_step(&mut self) {
        self.starts.push(self.rows.len() as u32);
    }

    /// Rows whose spikes are read in a step of the interval.
    #[must_use]
    #[inline]
    pub fn at(&self, step: usize) -> &[u32] {
        &self.rows[self.starts[step] as usize..self.starts[step + 1] as usize]
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

/// The spikes over one projection that count in one interval.
///
/// A row onto recurrent neurons whose source spikes again so early that the spike is read in the second step of the
/// next interval learns without the learning signal of the interval's last step, which arrives too late for it
/// (`docs/numerics-corrections.md`). Such rows are kept apart.
#[derive(Debug, Clone, Default)]
pub struct RowEvents {
    /// Rows that learn from all steps.
    pub whole: RowsByStep,
    /// Rows that learn without the last learning signal.
    pub early: RowsByStep,
    /// The rows with a spike, in the order of their first one, and the step of that one.
    pub touched: Vec<(u32, u32)>,
    seen: Vec<bool>,
    is_early: Vec<bool>,
}

impl RowEvents {
    /// Collects the events of a finished interval. `next` holds the neurons that fire in the first step of the next
    /// one.
    pub fn collect(
        &mut self,
        plan: &IntervalPlan,
        learner: &Learner,
        lane: &Lane,
        emission: &Emission,
        next: &[u32],
    ) {
        let route = plan.route_of(learner);
        let start = if learner.onto_readouts {
            plan.start_readout(lane.interval)
        } else {
            plan.start_recurrent(lane.interval)
        };
        let emitted_before = usize::from(!learner.onto_readouts);
        let steps = plan.interval;
        self.is_early.clear();
        self.is_early.resize(route.row_count, false);
        if !learner.onto_readouts {
            let places =
                if route.source == RECURRENT { next } else { emission.at(start + steps as i64 + 1).places };
            for row in places.iter().filter_map(|place| route.rows.row(*place)) {
                self.is_early[row] = true;
            }
        }
        self.whole.clear();
        self.early.clear();
        self.touched.clear();
        self.seen.clear();
        self.seen.resize(route.row_count, false);
        for step in 1..steps {
            let places = if route.source == RECURRENT {
                lane.spikes.at((step - emitted_before) as isize)
            } else {
                emission.at(start + step as i64).places
            };
            for row in places.iter().filter_map(|place| route.rows.row(*place)) {
                let list = if self.is_early[row] { &mut self.early } else { &mut self.whole };
                list.rows.push(row as u32);
                if !std::mem::replace(&mut self.seen[row], true) {
                    self.touched.push((row as u32, step as u32));
                }
            }
            self.whole.finish_step();
            self.early.finish_step();
        }
    }

    /// Whether a row learns without the last learning signal.
    #[must_use]
    pub fn is_early(&self, row: usize) -> bool {
        self.is_early[row]
    }

    /// Steps of the spikes of each row.
    #[must_use]
    pub fn by_row(&self, rows: usize, steps: usize) -> Vec<Vec<usize>> {
        let mut spikes = vec![Vec::new(); rows];
        for step in 1..steps {
            for row in self.whole.at(step).iter().chain(self.early.at(step)) {
                spikes[*row as usize].push(step);
            }
        }
        spikes
    }
}
