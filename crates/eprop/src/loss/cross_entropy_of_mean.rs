//! The cross-entropy of the softmax of the readouts' mean voltages over the learning window.

use crate::loss::cross_entropy::{part, softmax};
use crate::loss::{Loss, Others};
use crate::tables::Equation;

pub(super) const NAME: &str = "cross_entropy_of_mean";

pub(super) const EQUATION: Equation = Equation::new(
    "cross_entropy_of_mean: the same of the mean voltages and mean target signals of a learning window of W steps; all of \
     its steps have the error signal of the last",
    r"\bar v_k = \frac{1}{W} \sum_t v_k^{t-1} + E_L, \qquad y_k = \frac{\exp(\bar v_k)}{\sum_l \exp(\bar v_l)}, \qquad
\mathcal{L} = -W \sum_k \bar y_k^* \log y_k",
);

/// The cross-entropy of the mean readout.
#[derive(Debug)]
pub struct CrossEntropyOfMean;

impl Loss for CrossEntropyOfMean {
    fn name(&self) -> &'static str {
        NAME
    }

    fn formula(&self) -> &'static str {
        "ℒ = −Σ πₖ* log πₖ"
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn is_of_mean(&self) -> bool {
        true
    }

    fn signal(&self, own: f64, others: Others<'_>) -> f64 {
        softmax(own, others)
    }

    fn value(&self, signal: f64, target: f64) -> f64 {
        part(signal, target)
    }

    fn divisors(&self, window: usize, _readouts: usize) -> (f64, f64) {
        (window as f64, window as f64)
    }
}
