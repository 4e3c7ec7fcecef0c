//! The presynaptic spikes that learning counts in an interval.

use crate::plan::interval::{IntervalPlan, Learner, RECURRENT};
use crate::simulate::emission::Emission;
use crate::simulate::lane::Lane;

/// Rows of a projection by the step that reads their spikes; the first step of an interval reads none
/// (NUMERICS, section 2, edges).
#[derive(Debug, Clone, Default)]
pub struct RowEvents {
    starts: Vec<u32>,
    rows: Vec<u32>,
    /// The rows with a spike, in the order of their first one, and the step of that one.
    pub touched: Vec<(u32, u32)>,
    seen: Vec<bool>,
}

impl RowEvents {
    /// Collects the events of a finished interval.
    pub fn collect(&mut self, plan: &IntervalPlan, learner: &Learner, lane: &Lane, emission: &Emission) {
        let route = plan.route_of(learner);
        let steps = plan.interval;
        let start = if learner.onto_readouts {
            plan.start_readout(lane.interval)
        } else {
            plan.start_recurrent(lane.interval)
        };
        let emitted_before = usize::from(!learner.onto_readouts);
        self.starts.clear();
        self.rows.clear();
        self.touched.clear();
        self.seen.clear();
        self.seen.resize(route.row_count, false);
        self.starts.extend([0, 0]);
        for step in 1..steps {
            if route.source == RECURRENT {
                for place in lane.spikes.at((step - emitted_before) as isize) {
                    self.rows.extend(route.rows.row(*place).map(|row| row as u32));
                }
            } else {
                for place in emission.at(start + step as i64).places {
                    self.rows.extend(route.rows.row(*place).map(|row| row as u32));
                }
            }
            let begin = *self.starts.last().expect("never empty") as usize;
            for row in &self.rows[begin..] {
                if !std::mem::replace(&mut self.seen[*row as usize], true) {
                    self.touched.push((*row, step as u32));
                }
            }
            self.starts.push(self.rows.len() as u32);
        }
    }

    /// Rows whose spikes are read in a step of the interval.
    #[must_use]
    #[inline]
    pub fn at(&self, step: usize) -> &[u32] {
        &self.rows[self.starts[step] as usize..self.starts[step + 1] as usize]
    }
}
