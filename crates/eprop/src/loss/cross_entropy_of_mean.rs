//! The cross-entropy of the softmax of the readouts' mean voltages over the learning window.

use crate::loss::cross_entropy::CrossEntropy;
use crate::tables::Equation;

pub(super) const NAME: &str = "cross_entropy_of_mean";

pub(super) const EQUATION: Equation = Equation::new(
    "cross_entropy_of_mean: the same of the mean voltages and mean target signals of a learning window of W steps; all of \
     its steps have the error signal of the last",
    r"\bar v_k = \frac{1}{W} \sum_t v_k^{t-1} + E_L, \qquad y_k = \frac{\exp(\bar v_k)}{\sum_l \exp(\bar v_l)}, \qquad
\mathcal{L} = -W \sum_k \bar y_k^* \log y_k",
);

/// The cross-entropy of the mean readout.
pub(super) static LOSS: CrossEntropy = CrossEntropy { name: NAME, of_mean: true };
