//! Half the squared distance from the target, in each step.

use crate::loss::{Loss, Others};
use crate::tables::Equation;

pub(super) const NAME: &str = "mean_squared_error";

pub(super) const EQUATION: Equation = Equation::new(
    "mean_squared_error: the signal is the voltage, each readout and step counts for itself",
    r"y_k^t = v_k^{t-1} + E_L, \qquad \mathcal{L} = \tfrac{1}{2} \sum_{t,k} \left(y_k^t - y_k^{*,t}\right)^2",
);

/// Half the squared distance.
#[derive(Debug)]
pub struct MeanSquaredError;

/// Half the squared distance, in each step.
pub(super) static LOSS: MeanSquaredError = MeanSquaredError;

impl Loss for MeanSquaredError {
    fn name(&self) -> &'static str {
        NAME
    }

    fn formula(&self) -> &'static str {
        "ℒ = ½ Σ (yₖ − yₖ*)²"
    }

    fn is_shared(&self) -> bool {
        false
    }

    fn signal(&self, own: f64, _others: Others<'_>) -> f64 {
        own
    }

    fn value(&self, signal: f64, target: f64) -> f64 {
        let error = signal - target;
        0.5 * (error * error)
    }

    fn divisors(&self, _window: usize, readouts: usize) -> (f64, f64) {
        (readouts as f64, 1.0)
    }
}
