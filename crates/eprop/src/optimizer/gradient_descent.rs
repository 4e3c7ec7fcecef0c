//! Gradient descent.

use crate::optimizer::{Method, MethodEntry, Optimize, Row, Step, bounded};
use crate::tables::Equation;

pub(super) const ENTRY: MethodEntry = MethodEntry {
    name: "gradient_descent",
    parameters: &[],
    equation: Equation::new(
        "Gradient descent; weights are kept from W_min to W_max",
        r"W \leftarrow W - \eta g",
    ),
    make: |_| Method::GradientDescent(GradientDescent),
};

/// Gradient descent has no parameters of its own.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GradientDescent;

impl Optimize for GradientDescent {
    fn entry(&self) -> &'static MethodEntry {
        &ENTRY
    }

    fn values(&self) -> Vec<f64> {
        Vec::new()
    }

    fn has_moments(&self) -> bool {
        false
    }

    fn step(&self, step: Step, row: Row<'_>, gradient: Option<&[f64]>) {
        if let Some(gradient) = gradient {
            let Step { eta, divisor, w_min, w_max, .. } = step;
            descend(row.weights, gradient, divisor, eta, w_min, w_max);
        }
    }

    fn stays_finite(&self, _eta: f64) -> bool {
        true
    }
}

#[inline(always)]
fn descend_body(weights: &mut [f64], gradients: &[f64], divisor: f64, eta: f64, w_min: f64, w_max: f64) {
    for (weight, gradient) in weights.iter_mut().zip(gradients) {
        let moved = (-eta).mul_add(gradient / divisor, *weight);
        *weight = bounded(moved, w_min, w_max);
    }
}

crate::base::simd::kernels! {
    /// `W <- clamp(W - eta g / divisor)`.
    fn descend(
        weights: &mut [f64], gradients: &[f64], divisor: f64, eta: f64, w_min: f64, w_max: f64,
    ) = descend_body;
}
