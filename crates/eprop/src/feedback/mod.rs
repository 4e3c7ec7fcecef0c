//! Where the weights of learning signals come from (docs/feedback.md). One file per source; a source is known by its line
//! in [`SOURCES`].

mod adaptive;
mod random;
mod symmetric;

use std::fmt;

use crate::tables::Equation;
use crate::tables::parameter::{Bound, Parameter, table};

/// What a source does with the weight of a feedback connection from readout `k` to neuron `j`. Next to it stands the sum
/// of the weights of all synapses from neuron `j` to readout `k`.
pub trait Source: fmt::Debug + Sync {
    /// Its name in the parameter `feedback`.
    fn name(&self) -> &'static str;

    /// Whether weights change, or are other ones than those that were set.
    fn changes(&self) -> bool {
        true
    }

    /// Whether the weights are those of the readouts, so that none can be set.
    fn is_readouts(&self) -> bool {
        false
    }

    /// The weight after an update of the readouts' weights from `before` to `after`.
    fn updated(&self, feedback: f64, before: f64, after: f64, decay: f64) -> f64;

    /// Whether a share of the weights, and of the readouts' weights, is lost in such an update.
    fn decays(&self) -> bool {
        false
    }
}

/// All sources, the default first.
pub static SOURCES: [&dyn Source; 3] = [&random::Random, &symmetric::Symmetric, &adaptive::Adaptive];

const NAMES: [&str; 3] = [random::NAME, symmetric::NAME, adaptive::NAME];

/// The equations of all sources.
pub const EQUATIONS: [Equation; 3] = [random::EQUATION, symmetric::EQUATION, adaptive::EQUATION];

const SOURCE: [Parameter; 1] =
    [Parameter::choice("feedback", &NAMES, "Where the weights of the learning signals come from")];

const DECAY: [Parameter; 1] = [Parameter::number(
    "feedback_decay",
    "c_B",
    "",
    1e-3,
    Bound::UnitInterval,
    "Share of feedback weights, and of the readouts' weights, that is lost in an update (adaptive)",
)];

/// Parameters of connections that carry learning signals.
pub const PARAMETERS: &[Parameter] = table![SOURCE, DECAY];

/// Where the weights of a connection model come from.
#[derive(Debug, Clone, Copy)]
pub struct FeedbackProperties {
    /// The source.
    pub source: &'static dyn Source,
    /// Share of the weights that is lost in an update, where the source has one.
    pub decay: f64,
}

impl FeedbackProperties {
    /// The place of the source in [`SOURCES`].
    #[must_use]
    pub fn place(&self) -> usize {
        SOURCES.iter().position(|source| source.name() == self.source.name()).unwrap_or(0)
    }

    /// The weight after an update of the readouts' weights from `before` to `after`: a finite one.
    #[must_use]
    pub fn updated(&self, feedback: f64, before: f64, after: f64, decays: bool) -> f64 {
        let decay = if decays { self.decay } else { 0.0 };
        self.source.updated(feedback, before, after, decay).clamp(f64::MIN, f64::MAX)
    }

    /// The share of the readouts' weights that an update loses besides.
    #[must_use]
    pub fn readout_decay(&self) -> f64 {
        if self.source.decays() { self.decay } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_a_source_is_what_it_does() {
        for source in SOURCES {
            let after = |feedback, before, decay| source.updated(feedback, before, 0.5, decay);
            let name = source.name();
            assert_eq!(source.changes(), after(0.25, 0.0, 0.0) != 0.25, "{name} changes");
            assert_eq!(source.is_readouts(), after(0.25, 0.0, 0.0) == 0.5, "{name} is the readouts' weight");
            assert_eq!(source.decays(), after(0.25, 0.5, 0.5) != after(0.25, 0.5, 0.0), "{name} decays");
        }
    }

    #[test]
    fn names_are_those_of_the_table() {
        assert_eq!(SOURCES.map(Source::name), NAMES);
    }
}
