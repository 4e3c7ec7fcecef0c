//! What an interval keeps of its surrogate gradients until it learns.
//!
//! Where there is room, all steps are kept. Where there is not, the last few are, and the state of the neurons at the
//! begin of each such run of steps: going backwards, the open interval computes a run again from that state, to the bit
//! (checkpointing; Griewank and Walther 2000).

use std::ops::Range;

use crate::base::error::Result;
use crate::base::lines::Lines;
use crate::base::real::Real;
use crate::interval::neuron_state::NeuronState;
use crate::interval::plan::SHIFT_RECURRENT;

/// Surrogate gradients of an interval's steps, a row of neurons per step; where voltages cost, followed by the derivative
/// of that by each voltage.
#[derive(Debug, Clone)]
pub struct SurrogateHistory<R> {
    /// Length of a row of neurons.
    neurons: usize,
    /// Length of all that is kept of a step.
    stride: usize,
    /// Steps of a run that is kept at once.
    kept: usize,
    /// Steps of an interval.
    interval: usize,
    /// The rows of one run.
    rows: Lines<R>,
    /// The first step of that run.
    first: usize,
    /// Rows of the steps before `base`, which cannot be computed again: since then, something has changed.
    before: Lines<R>,
    /// Where the first run begins.
    base: usize,
    /// The neurons at the begin of each run.
    states: Vec<NeuronState<R>>,
}

impl<R: Real> SurrogateHistory<R> {
    /// No room.
    #[must_use]
    pub fn without_room(neurons: usize, planes: usize) -> Self {
        Self {
            neurons,
            stride: planes * neurons,
            kept: 0,
            interval: 0,
            rows: Lines::default(),
            first: 0,
            before: Lines::default(),
            base: 0,
            states: Vec::new(),
        }
    }

    /// Fits rows and steps of another plan's interval. All that was kept is before its runs.
    pub fn fit(&mut self, neurons: usize, planes: usize, interval: usize) {
        let stride = planes * neurons;
        if (stride, neurons) != (self.stride, self.neurons) {
            let held = self.rows.len().checked_div(self.stride).unwrap_or(0);
            let from = (self.stride, self.neurons);
            for (rows, steps) in [(&mut self.rows, held), (&mut self.before, self.base)] {
                *rows = widened(rows, from, (stride, neurons), steps);
            }
            (self.stride, self.neurons) = (stride, neurons);
        }
        self.interval = interval;
    }

    /// Forgets what fills up rows of the first `known` neurons: it is none of those that are added.
    pub fn forget_from(&mut self, known: usize) {
        if self.neurons > known {
            for rows in [&mut self.rows, &mut self.before] {
                rows.chunks_mut(self.neurons).for_each(|row| row[known..].fill(R::ZERO));
            }
        }
    }

    /// Makes room for runs of `kept` steps.
    ///
    /// # Errors
    /// `OutOfMemory` where the system has none.
    pub fn make_room(&mut self, kept: usize) -> Result<()> {
        // What comes before the first interval may be longer than one.
        let steps = if kept == 0 { 0 } else { kept.min(self.interval).max(SHIFT_RECURRENT as usize) };
        self.rows.try_resize(self.stride.saturating_mul(steps))?;
        self.kept = kept;
        Ok(())
    }

    /// Gives back the room for steps to come; what is kept of the `done` first ones stays.
    pub fn give_up_room(&mut self, done: usize) {
        if self.base < done {
            // The run holds all of the others, as nothing has to be computed again.
            debug_assert!(self.is_whole() && self.first == self.base);
            let mut rows = std::mem::take(&mut self.before);
            rows.resize(done * self.stride);
            let begin = self.base * self.stride;
            rows[begin..].copy_from_slice(&self.rows[..(done - self.base) * self.stride]);
            self.keep(rows, done);
        }
        self.rows = Lines::default();
        self.kept = 0;
    }

    /// Steps of a run that is kept at once.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.kept
    }

    /// Whether all steps are kept: those done, where there is no room for more.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.kept == 0 || self.kept >= self.interval
    }

    /// Begins an interval.
    pub fn begin(&mut self) {
        (self.first, self.base) = (0, 0);
        self.before.resize(0);
        self.states.clear();
    }

    /// Whether a run begins at a step.
    #[must_use]
    pub fn begins_run(&self, step: usize) -> bool {
        !self.is_whole() && (step - self.base).is_multiple_of(self.kept)
    }

    /// Begins a step whose row is to be written, after the neurons have come to `state`.
    pub fn begin_step(&mut self, step: usize, state: &NeuronState<R>) {
        if self.begins_run(step) {
            self.first = step;
            self.states.push(state.clone());
        }
    }

    /// The row of a step of the present run, to be written.
    #[inline]
    pub fn row_mut(&mut self, step: usize) -> &mut [R] {
        &mut self.rows[(step - self.first) * self.stride..][..self.stride]
    }

    /// Length of all that is kept of a step.
    #[must_use]
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// What is kept of a step that is held: surrogate gradients, and what voltages cost where they do.
    #[must_use]
    #[inline]
    pub fn row(&self, step: usize) -> &[R] {
        let (rows, first) = self.rows_of(step);
        &rows[(step - first) * self.stride..][..self.stride]
    }

    /// The rows that a step is among, and the first one's step.
    #[must_use]
    pub fn rows_of(&self, step: usize) -> (&[R], usize) {
        if step < self.base { (&self.before, 0) } else { (&self.rows, self.first) }
    }

    /// The steps of the run that a step belongs to, up to this one, and the neurons at its begin if the run has to be
    /// computed again.
    #[must_use]
    pub fn run_of(&self, step: usize) -> (Range<usize>, Option<&NeuronState<R>>) {
        if step < self.base {
            return (0..step + 1, None);
        }
        let run = (step - self.base) / self.kept;
        let begin = self.base + run * self.kept;
        (begin..step + 1, (begin != self.first).then(|| &self.states[run]))
    }

    /// Says that the run which begins at a step is computed again.
    pub fn recompute_from(&mut self, step: usize) {
        self.first = step;
    }

    /// Keeps the rows of the first `steps` steps whatever happens; those to come begin with a run of their own.
    pub fn keep(&mut self, rows: Lines<R>, steps: usize) {
        debug_assert_eq!(rows.len(), steps * self.stride);
        self.base = steps;
        self.before = rows;
        self.first = self.base;
        self.states.clear();
    }

    /// Bytes of what is kept beside runs.
    #[must_use]
    pub fn held_before(&self) -> u64 {
        size_of_val(&self.before[..]) as u64
    }

    /// Bytes that runs of `kept` steps take: the rows of one, and states for all.
    #[must_use]
    pub fn bytes_for(neurons: usize, planes: usize, kept: usize, interval: usize) -> u64 {
        if kept == 0 {
            return 0;
        }
        let states = if kept >= interval {
            0
        } else {
            interval.div_ceil(kept).saturating_mul(NeuronState::<R>::ARRAYS)
        };
        (kept.min(interval).saturating_mul(planes).saturating_add(states) as u64)
            .saturating_mul(neurons as u64)
            .saturating_mul(size_of::<R>() as u64)
    }
}

/// Rows of steps for other neurons and planes: `(stride, neurons)` of both.
fn widened<R: Real>(rows: &Lines<R>, from: (usize, usize), to: (usize, usize), steps: usize) -> Lines<R> {
    let mut wider = Lines::zeros(steps * to.0);
    if from.1 == 0 || from.1 > to.1 {
        return wider;
    }
    for (row, wide) in rows.chunks_exact(from.0).zip(wider.chunks_exact_mut(to.0)) {
        for (plane, wide) in row.chunks_exact(from.1).zip(wide.chunks_exact_mut(to.1)) {
            wide[..from.1].copy_from_slice(plane);
        }
    }
    wider
}
