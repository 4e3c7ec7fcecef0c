//! The cross-entropy of the readouts' softmax, in each step.

use crate::base::math;
use crate::loss::{Loss, Others};
use crate::tables::Equation;

pub(super) const NAME: &str = "cross_entropy";

pub(super) const EQUATION: Equation = Equation::new(
    "cross_entropy: the signal is the softmax over the readouts with this loss that reach one another",
    r"y_k^t = \frac{\exp(v_k^{t-1} + E_L)}{\sum_l \exp(v_l^{t-1} + E_L)}, \qquad
\mathcal{L} = -\sum_{t,k} y_k^{*,t} \log y_k^t",
);

/// A cross-entropy: in each step, or of the mean readout.
#[derive(Debug)]
pub struct CrossEntropy {
    pub(super) name: &'static str,
    pub(super) of_mean: bool,
}

/// The cross-entropy in each step.
pub(super) static LOSS: CrossEntropy = CrossEntropy { name: NAME, of_mean: false };

/// The softmax. Relative to the largest voltage, no exponential overflows.
fn softmax(own: f64, Others { places, voltage }: Others<'_>) -> f64 {
    let largest = places.iter().map(|(j, _)| voltage(*j)).fold(own, f64::max);
    let power = math::exp(own - largest);
    let others: f64 = places.iter().map(|(j, weight)| weight * math::exp(voltage(*j) - largest)).sum();
    power / (power + others)
}

impl Loss for CrossEntropy {
    fn name(&self) -> &'static str {
        self.name
    }

    fn formula(&self) -> &'static str {
        "ℒ = −Σ πₖ* log πₖ"
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn is_of_mean(&self) -> bool {
        self.of_mean
    }

    fn signal(&self, own: f64, others: Others<'_>) -> f64 {
        softmax(own, others)
    }

    fn value(&self, signal: f64, target: f64) -> f64 {
        if target == 0.0 { 0.0 } else { -target * math::log(signal) }
    }

    fn divisors(&self, window: usize, _readouts: usize) -> (f64, f64) {
        (window as f64, window as f64)
    }
}
