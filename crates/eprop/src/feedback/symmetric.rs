//! The readouts' own weights, as they change: symmetric feedback.

use crate::feedback::Source;
use crate::tables::Equation;

pub(super) const NAME: &str = "symmetric";

pub(super) const EQUATION: Equation = Equation::new(
    "Symmetric feedback: the weights of the synapses onto the readout, as they change",
    r"B_{jk} = W^\mathrm{out}_{kj}",
);

/// The readouts' own weights.
#[derive(Debug)]
pub struct Symmetric;

impl Source for Symmetric {
    fn name(&self) -> &'static str {
        NAME
    }

    fn is_readouts(&self) -> bool {
        true
    }

    fn updated(&self, _feedback: f64, _before: f64, after: f64, _decay: f64) -> f64 {
        after
    }
}
