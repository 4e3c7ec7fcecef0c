//! What postsynaptic neurons leave behind in each step, for presynaptic spikes to come: a ring of rows, one a step,
//! neurons contiguous.

/// Lanes that are computed together; rows end with so many zeros at least, so that a block may reach beyond the last
/// neuron.
pub const BLOCK: usize = 16;

/// Rings of one row a step, several quantities side by side.
#[derive(Debug, Clone)]
pub struct History {
    neurons: usize,
    width: usize,
    mask: usize,
    columns: Vec<Vec<f64>>,
}

impl History {
    /// A ring that holds at least `steps` steps of `columns` quantities.
    #[must_use]
    pub fn new(neurons: usize, columns: usize, steps: usize) -> Self {
        let width = neurons.next_multiple_of(8) + BLOCK;
        let length = steps.next_power_of_two();
        Self { neurons, width, mask: length - 1, columns: vec![vec![0.0; width * length]; columns] }
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

    /// Where a step's row begins.
    #[must_use]
    #[inline(always)]
    pub fn row(&self, step: i64) -> usize {
        (step as usize & self.mask) * self.width
    }

    /// All rows of a quantity.
    #[must_use]
    #[inline(always)]
    pub fn column(&self, column: usize) -> &[f64] {
        &self.columns[column]
    }

    /// A quantity in a step: the neurons alone.
    #[must_use]
    pub fn at(&self, column: usize, step: i64) -> &[f64] {
        &self.columns[column][self.row(step)..][..self.neurons]
    }

    /// A quantity in a step, to be written.
    pub fn at_mut(&mut self, column: usize, step: i64) -> &mut [f64] {
        let row = self.row(step);
        &mut self.columns[column][row..][..self.neurons]
    }

    /// Two quantities in a step, to be written.
    pub fn pair_mut(&mut self, columns: [usize; 2], step: i64) -> [&mut [f64]; 2] {
        let row = self.row(step);
        let neurons = self.neurons;
        self.columns
            .get_disjoint_mut(columns)
            .expect("two different columns")
            .map(|values| &mut values[row..][..neurons])
    }

    /// Takes over what another ring holds of the steps from `from` on to `to`; neurons that are new had zeros.
    pub fn copy_from(&mut self, other: &Self, from: i64, to: i64) {
        for step in from.max(0)..to {
            for column in 0..self.columns.len().min(other.columns.len()) {
                let old = other.at(column, step);
                let kept = old.len().min(self.neurons);
                let row = self.row(step);
                self.columns[column][row..][..kept].copy_from_slice(&old[..kept]);
            }
        }
    }

    /// Bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.columns.iter().map(|values| values.len() as u64 * 8).sum()
    }
}
