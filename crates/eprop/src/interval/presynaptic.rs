//! The presynaptic spikes that learning counts in an interval.

use std::ops::Range;

use crate::interval::open_interval::OpenInterval;
use crate::interval::plan::{IntervalPlan, Learner, RECURRENT};
use crate::step::emission::Emission;

/// A row with spikes in a run of steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActiveRow {
    /// The row.
    pub row: usize,
    /// Where its spikes in these steps begin, for [`RowEvents::steps`].
    pub from: u32,
    /// Where they end.
    pub to: u32,
    /// Whether no later step of the interval has one.
    pub first: bool,
}

/// The spikes over one projection that count in one interval, by row.
///
/// A row onto recurrent neurons whose source spikes again so early that the spike is read in the second step of the
/// next interval learns without the learning signal of the interval's last step, which arrives too late for it
/// (`docs/numerics-corrections.md`). Such rows are kept apart.
#[derive(Debug, Clone, Default)]
pub struct RowEvents {
    /// The rows with a spike, in the order of their first one, and the step of that one.
    pub touched: Vec<(u32, u32)>,
    /// Where each row's steps begin; one more entry than rows.
    starts: Vec<u32>,
    /// Steps that read a spike, row after row, from the last to the first.
    steps: Vec<u32>,
    /// Where the steps begin that a pass has still to come to.
    next: Vec<u32>,
    is_early: Vec<bool>,
    /// Rows with spikes, ascending: those that learn from all steps, and those that learn early.
    rows: [Vec<u32>; 2],
    /// Rows onto readouts with a spike in the interval's first step, ascending.
    at_start: Vec<u32>,
    /// Those of them that learn from it.
    learning_at_start: Vec<u32>,
}

/// Why none can be missing.
const ALL_SPIKES: &str = "a finished interval has all its spikes";

impl RowEvents {
    /// Collects the events of a finished interval. `next` holds the neurons that fire in the first step of the next
    /// one.
    pub fn collect<R>(
        &mut self,
        plan: &IntervalPlan,
        learner: &Learner,
        open: &OpenInterval<R>,
        emission: &Emission,
        next: &[u32],
    ) {
        let route = plan.route_of(learner);
        let (interval, spikes) = (open.interval, &open.spikes);
        let start =
            if learner.onto_readouts { plan.start_readout(interval) } else { plan.start_recurrent(interval) };
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
        self.touched.clear();
        self.starts.clear();
        self.starts.resize(route.row_count + 1, 0);
        let read_in = |steps: Range<usize>| {
            if route.source == RECURRENT {
                let emitted = |step: usize| step as isize - emitted_before as isize;
                spikes.rows(emitted(steps.start)..emitted(steps.end)).expect(ALL_SPIKES)
            } else {
                emission.rows(start + steps.start as i64..start + steps.end as i64).expect(ALL_SPIKES)
            }
        };
        self.at_start.clear();
        self.learning_at_start.clear();
        if learner.onto_readouts && route.made < start {
            let (starts, places) = read_in(0..1);
            let places = &places[starts[0]..starts[1]];
            self.at_start
                .extend(places.iter().filter_map(|place| route.rows.row(*place)).map(|row| row as u32));
            self.at_start.sort_unstable();
            self.at_start.dedup();
        }
        // The first step of an interval is looked at apart (docs/derivation.md, Edges of an interval), and no synapse
        // learns from what was sent before it was made.
        let first = (route.made - start + 1).clamp(1, steps as i64) as usize;
        let (starts, places) = if first == steps { (&[][..], &[][..]) } else { read_in(first..steps) };
        for (step, row) in (first as u32..).zip(starts.windows(2)) {
            for row in places[row[0]..row[1]].iter().filter_map(|place| route.rows.row(*place)) {
                let before = self.starts[row];
                self.starts[row] = before + 1;
                if before == 0 {
                    self.touched.push((row as u32, step));
                }
            }
        }
        self.rows.iter_mut().for_each(Vec::clear);
        let mut total = 0;
        for row in 0..route.row_count {
            if self.starts[row] > 0 {
                self.rows[usize::from(self.is_early[row])].push(row as u32);
            }
            total += self.starts[row];
            self.starts[row] = total;
        }
        self.starts[route.row_count] = total;
        // Filling each row from its end puts the last step first, and leaves in `starts` where the row begins.
        self.steps.resize(total as usize, 0);
        for (step, row) in (first as u32..).zip(starts.windows(2)) {
            for row in places[row[0]..row[1]].iter().filter_map(|place| route.rows.row(*place)) {
                let at = &mut self.starts[row];
                *at -= 1;
                self.steps[*at as usize] = step;
            }
        }
        self.next.clone_from(&self.starts);
    }

    /// The events of an interval that another simulated, as far as intervals after it have to know them: the rows with a
    /// spike, and those with one in the interval's first step. `None` where there are no such rows.
    #[must_use]
    pub fn noted(touched: Vec<(u32, u32)>, at_start: Vec<u32>, row_count: usize) -> Option<Self> {
        let mut starts = vec![0; row_count + 1];
        for (row, _) in &touched {
            *starts.get_mut(*row as usize + 1).filter(|_| (*row as usize) < row_count)? = 1;
        }
        for row in 0..row_count {
            starts[row + 1] += starts[row];
        }
        at_start.iter().all(|row| (*row as usize) < row_count).then(|| Self {
            touched,
            starts,
            at_start,
            ..Self::default()
        })
    }

    /// Rows onto readouts with a spike in the interval's first step, ascending.
    #[must_use]
    pub fn at_start(&self) -> &[u32] {
        &self.at_start
    }

    /// Whether no row learns early, or no other row learns.
    #[must_use]
    pub fn is_empty(&self, early: bool) -> bool {
        self.rows[usize::from(early)].is_empty()
    }

    /// The rows that have spikes in the steps from `begin` on that were not asked for before; asked for from the
    /// interval's end on.
    pub fn move_on(&mut self, early: bool, begin: usize, active: &mut Vec<ActiveRow>) {
        active.clear();
        for row in &self.rows[usize::from(early)] {
            let row = *row as usize;
            let from = self.next[row];
            let rest = &self.steps[from as usize..self.starts[row + 1] as usize];
            let taken = rest.iter().take_while(|step| **step as usize >= begin).count() as u32;
            if taken > 0 {
                self.next[row] = from + taken;
                active.push(ActiveRow { row, from, to: from + taken, first: from == self.starts[row] });
            }
        }
    }

    /// The steps in which spikes of an active row are read, from the last to the first.
    #[must_use]
    #[inline(always)]
    pub fn steps(&self, active: ActiveRow) -> &[u32] {
        &self.steps[active.from as usize..active.to as usize]
    }

    /// Whether a row has a spike that it learns from.
    #[must_use]
    #[inline]
    pub fn has(&self, row: usize) -> bool {
        self.starts[row] < self.starts[row + 1]
            || (!self.learning_at_start.is_empty() && self.learns_at_start(row))
    }

    fn learns_at_start(&self, row: usize) -> bool {
        self.learning_at_start.binary_search(&(row as u32)).is_ok()
    }

    /// Decides which rows onto readouts learn from a spike in the interval's first step: those that the interval
    /// before did not learn from, nor still has to (docs/derivation.md, Edges of an interval). `latest` is the last
    /// interval that each row learned in, and is brought up to this one. Calls `each` with a row and whether it has
    /// no other spike.
    pub fn decide_at_start(&mut self, interval: i64, latest: &mut [i64], mut each: impl FnMut(usize, bool)) {
        self.learning_at_start.clear();
        let learns = |row: &u32| latest[*row as usize] != interval - 1;
        self.learning_at_start.extend(self.at_start.iter().filter(|row| learns(row)));
        for row in &self.learning_at_start {
            let row = *row as usize;
            let alone = self.starts[row] == self.starts[row + 1];
            each(row, alone);
        }
        if !self.learning_at_start.is_empty() {
            let others = self.touched.iter().filter(|(row, _)| !self.learns_at_start(*row as usize)).copied();
            let others: Vec<(u32, u32)> = others.collect();
            self.touched.clear();
            self.touched.extend(self.learning_at_start.iter().map(|row| (*row, 0)));
            self.touched.extend(others);
        }
        for (row, _) in &self.touched {
            latest[*row as usize] = interval;
        }
    }

    /// Whether a row learns without the last learning signal.
    #[must_use]
    pub fn is_early(&self, row: usize) -> bool {
        self.is_early[row]
    }

    /// The steps in which a row's spikes are read, from the first to the last.
    pub fn steps_of(&self, row: usize) -> impl Iterator<Item = usize> + '_ {
        let range = self.starts[row] as usize..self.starts[row + 1] as usize;
        self.steps[range].iter().rev().map(|step| *step as usize)
    }
}
