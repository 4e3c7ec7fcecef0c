//! What postsynaptic neurons leave behind in each step, for presynaptic spikes to come: a ring of rows, one a step,
//! neurons contiguous.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};

/// How many values are computed together.
pub const LANES: usize = 8;

/// Values that are computed together, aligned to a cache line so that the widest vectors read them in one go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct Vector(pub [f64; LANES]);

impl Vector {
    /// The same value in each lane.
    #[must_use]
    #[inline(always)]
    pub fn splat(value: f64) -> Self {
        Self([value; LANES])
    }
}

/// A ring of rows, one a step: quantities one after the other, each with a value per neuron.
///
/// The first quantity is what teaches: steps in which it is zero for all neurons are quiet.
#[derive(Debug, Clone)]
pub struct Ring {
    neurons: usize,
    blocks: usize,
    columns: usize,
    mask: usize,
    rows: Vec<Vector>,
    /// For rows of synapses that end at scattered neurons: the second and the third quantity of each neuron, slot after
    /// slot.
    courses: Vec<[f64; 2]>,
    /// By step: the first of the steps up to it that are as quiet as it is.
    since: Vec<i64>,
    quiet: Vec<bool>,
}

impl Ring {
    /// A ring that holds at least `steps` steps of `columns` quantities.
    #[must_use]
    pub fn new(neurons: usize, columns: usize, steps: usize) -> Self {
        let blocks = neurons / LANES + 1;
        let length = steps.next_power_of_two();
        Self {
            neurons,
            blocks,
            columns,
            mask: length - 1,
            rows: vec![Vector::default(); columns * blocks * length],
            courses: Vec::new(),
            since: vec![0; length],
            quiet: vec![true; length],
        }
    }

    /// Number of neurons.
    #[must_use]
    pub fn neurons(&self) -> usize {
        self.neurons
    }

    /// Length of a quantity in a row: the neurons, then zeros.
    #[must_use]
    pub fn width(&self) -> usize {
        self.blocks * LANES
    }

    /// As [`Self::width`], in blocks of [`LANES`].
    #[must_use]
    pub fn blocks(&self) -> usize {
        self.blocks
    }

    /// Place of a neuron that always is zero.
    #[must_use]
    pub fn nobody(&self) -> usize {
        self.width() - 1
    }

    /// Number of steps that are kept.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.mask + 1
    }

    /// The slot of a step.
    #[must_use]
    pub fn slot(&self, step: i64) -> usize {
        step as usize & self.mask
    }

    /// Cuts a window of finished steps into stretches that lie in the ring one step after the other and are quiet
    /// throughout or nowhere; tells `each` the slots of a stretch and whether it is quiet.
    pub fn stretches(&self, window: Range<i64>, mut each: impl FnMut(Range<usize>, bool)) {
        let mut begin = window.start;
        while begin < window.end {
            let slot = self.slot(begin);
            let most = ((window.end - begin) as usize).min(self.steps() - slot);
            let quiet = self.quiet[slot];
            let steps = if self.since[slot + most - 1] <= begin {
                most
            } else {
                self.quiet[slot..slot + most].iter().take_while(|other| **other == quiet).count()
            };
            each(slot..slot + steps, quiet);
            begin += steps as i64;
        }
    }

    /// Rows of consecutive slots: in each, all quantities, each [`Self::blocks`] long.
    #[must_use]
    #[inline(always)]
    pub fn rows(&self, slots: Range<usize>) -> &[Vector] {
        let length = self.columns * self.blocks;
        &self.rows[slots.start * length..slots.end * length]
    }

    /// For each place, the second and the third quantity by slot, if rows of synapses ask for it. A course is
    /// [`Self::course_length`] long.
    #[must_use]
    #[inline(always)]
    pub fn courses(&self) -> &[[f64; 2]] {
        &self.courses
    }

    /// Slots and a cache line more: the same slot of different neurons would compete for the same lines of the cache
    /// otherwise.
    #[must_use]
    #[inline(always)]
    pub fn course_length(&self) -> usize {
        self.steps() + LANES / 2
    }

    /// Keeps courses of neurons, too, from now on.
    pub fn keep_courses(&mut self) {
        if self.courses.is_empty() {
            self.courses = vec![[0.0; 2]; self.width() * self.course_length()];
            for slot in 0..self.steps() {
                self.continue_courses(slot);
            }
        }
    }

    fn continue_courses(&mut self, slot: usize) {
        let (width, length) = (self.width(), self.course_length());
        let row: &[f64] = bytemuck::cast_slice(&self.rows[slot * self.columns * self.blocks..]);
        for (place, course) in self.courses.chunks_exact_mut(length).enumerate() {
            course[slot] = [row[width + place], row[2 * width + place]];
        }
    }

    /// Says that all quantities of a step are written.
    pub fn finish(&mut self, step: i64) {
        let (slot, before) = (self.slot(step), self.slot(step - 1));
        let quiet = self.at(0, step).iter().all(|value| *value == 0.0);
        let goes_on = step > 0 && self.quiet[before] == quiet;
        self.since[slot] = if goes_on { self.since[before] } else { step };
        self.quiet[slot] = quiet;
        self.continue_courses(slot);
    }

    fn begin(&self, column: usize, step: i64) -> usize {
        (self.slot(step) * self.columns + column) * self.width()
    }

    /// A quantity in a step: the neurons alone.
    #[must_use]
    pub fn at(&self, column: usize, step: i64) -> &[f64] {
        &bytemuck::cast_slice(&self.rows)[self.begin(column, step)..][..self.neurons]
    }

    /// A quantity in a step, to be written.
    pub fn at_mut(&mut self, column: usize, step: i64) -> &mut [f64] {
        let begin = self.begin(column, step);
        &mut bytemuck::cast_slice_mut(&mut self.rows)[begin..][..self.neurons]
    }

    /// Two quantities in a step, to be written; the first comes before the second.
    pub fn pair_mut(&mut self, [first, second]: [usize; 2], step: i64) -> [&mut [f64]; 2] {
        let (from, to) = (self.begin(first, step), self.begin(second, step));
        let (before, after) = bytemuck::cast_slice_mut(&mut self.rows).split_at_mut(to);
        [&mut before[from..][..self.neurons], &mut after[..self.neurons]]
    }

    /// Takes over what another ring holds of the steps from `from` on to `to`; neurons that are new had zeros.
    pub fn copy_from(&mut self, other: &Self, from: i64, to: i64) {
        for step in from.max(0)..to {
            for column in 0..self.columns.min(other.columns) {
                let old = other.at(column, step);
                let kept = old.len().min(self.neurons);
                self.at_mut(column, step)[..kept].copy_from_slice(&old[..kept]);
            }
            self.finish(step);
        }
    }

    /// Bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        (size_of_val(&self.rows[..]) + size_of_val(&self.courses[..]) + 9 * self.steps()) as u64
    }
}
