//! Weights that stay as they were connected: random feedback, as in NEST.

use crate::feedback::Source;
use crate::tables::Equation;

pub(super) const NAME: &str = "random";

pub(super) const EQUATION: Equation =
    Equation::new("Random feedback: weights stay as they were connected", r"B_{jk} \leftarrow B_{jk}");

/// Weights stay as they were connected.
#[derive(Debug)]
pub struct Random;

impl Source for Random {
    fn name(&self) -> &'static str {
        NAME
    }

    fn changes(&self) -> bool {
        false
    }

    fn updated(&self, feedback: f64, _before: f64, _after: f64, _decay: f64) -> f64 {
        feedback
    }
}
