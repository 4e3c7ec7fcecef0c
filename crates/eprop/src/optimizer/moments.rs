//! What methods with moments remember of a synapse, as the user reads and sets it.

use std::collections::BTreeMap;

/// Names a synapse: the place of its projection, and its entry there.
pub type SynapseKey = (usize, usize);

/// What a method remembers of a synapse.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Moments {
    /// First moment.
    pub first: f64,
    /// Second moment.
    pub second: f64,
}

/// Moments that the user sets; one that is left out stays as it is.
pub type MomentChanges = BTreeMap<SynapseKey, (Option<f64>, Option<f64>)>;

impl Moments {
    /// These with those that are set in their place.
    #[must_use]
    pub fn with(self, (first, second): (Option<f64>, Option<f64>)) -> Self {
        Self { first: first.unwrap_or(self.first), second: second.unwrap_or(self.second) }
    }
}
