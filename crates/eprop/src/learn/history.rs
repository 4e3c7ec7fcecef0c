//! What postsynaptic neurons leave behind in each step, for presynaptic spikes to come: a ring of rows, one a step,
//! neurons contiguous.

/// Lanes that are computed together; rows end with so many zeros at least, so that a block may reach beyond the last
/// neuron.
pub const BLOCK: usize = 16;

/// A ring of rows, one a step: quantities one after the other, each with a value per neuron.
#[derive(Debug, Clone)]
pub struct History {
    neurons: usize,
    width: usize,
    columns: usize,
    mask: usize,
    rows: Vec<f64>,
    /// The same, with the quantities of a neuron side by side, for rows of synapses that end at scattered neurons.
    scattered: Option<Vec<[f64; LANE]>>,
}

/// Quantities of a neuron side by side, filled up with zeros.
pub const LANE: usize = 4;

impl History {
    /// A ring that holds at least `steps` steps of `columns` quantities.
    #[must_use]
    pub fn new(neurons: usize, columns: usize, steps: usize) -> Self {
        let width = neurons.next_multiple_of(8) + BLOCK;
        let length = steps.next_power_of_two();
        let rows = vec![0.0; columns * width * length];
        Self { neurons, width, columns, mask: length - 1, rows, scattered: None }
    }

    /// Number of neurons.
    #[must_use]
    pub fn neurons(&self) -> usize {
        self.neurons
    }

    /// Length of a row: the neurons, then zeros.
    #[must_use]
    #[inline(always)]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Place of a neuron that always is zero.
    #[must_use]
    pub fn nobody(&self) -> usize {
        self.width - 1
    }

    /// Number of steps that are kept.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.mask + 1
    }

    fn begin(&self, column: usize, step: i64) -> usize {
        ((step as usize & self.mask) * self.columns + column) * self.width
    }

    /// What is kept of a step: all quantities, each [`Self::width`] long.
    #[must_use]
    #[inline(always)]
    pub fn row(&self, step: i64) -> &[f64] {
        let length = self.columns * self.width;
        &self.rows[(step as usize & self.mask) * length..][..length]
    }

    /// What is kept of a step by neuron, if rows of synapses ask for it.
    #[must_use]
    #[inline(always)]
    pub fn scattered_row(&self, step: i64) -> &[[f64; LANE]] {
        match &self.scattered {
            Some(rows) => &rows[(step as usize & self.mask) * self.width..][..self.width],
            None => &[],
        }
    }

    /// Keeps quantities by neuron, too, from now on.
    pub fn keep_scattered(&mut self) {
        if self.scattered.is_none() {
            self.scattered = Some(vec![[0.0; LANE]; self.width * self.steps()]);
            for slot in 0..self.steps() as i64 {
                self.finish(slot);
            }
        }
    }

    /// Says that all quantities of a step are written.
    pub fn finish(&mut self, step: i64) {
        let begin = (step as usize & self.mask) * self.width;
        let Some(rows) = &mut self.scattered else { return };
        let row = &mut rows[begin..begin + self.neurons];
        for column in 0..self.columns {
            let from = (step as usize & self.mask) * self.columns * self.width + column * self.width;
            for (lane, value) in row.iter_mut().zip(&self.rows[from..from + self.neurons]) {
                lane[column] = *value;
            }
        }
    }

    /// A quantity in a step: the neurons alone.
    #[must_use]
    pub fn at(&self, column: usize, step: i64) -> &[f64] {
        &self.rows[self.begin(column, step)..][..self.neurons]
    }

    /// A quantity in a step, to be written.
    pub fn at_mut(&mut self, column: usize, step: i64) -> &mut [f64] {
        let begin = self.begin(column, step);
        &mut self.rows[begin..][..self.neurons]
    }

    /// Two quantities in a step, to be written; the first comes before the second.
    pub fn pair_mut(&mut self, [first, second]: [usize; 2], step: i64) -> [&mut [f64]; 2] {
        let (from, to) = (self.begin(first, step), self.begin(second, step));
        let (before, after) = self.rows.split_at_mut(to);
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
        let scattered = self.scattered.as_ref().map_or(0, |rows| rows.len() * LANE);
        ((self.rows.len() + scattered) * 8) as u64
    }
}
