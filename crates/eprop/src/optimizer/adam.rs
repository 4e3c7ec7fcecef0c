//! Adam (Kingma and Ba 2015, algorithm 1), in the form of its section 2 with `epsilon` outside the square root.

use crate::optimizer::{Method, MethodEntry, Optimize, Row, Step, bounded};
use crate::tables::Equation;
use crate::tables::parameter::{Bound, Parameter};

pub(super) const PARAMETERS: [Parameter; 3] = [
    Parameter::number("beta_1", "β_1", "", 0.9, Bound::BelowOne, "Decay of the first moment"),
    Parameter::number("beta_2", "β_2", "", 0.999, Bound::BelowOne, "Decay of the second moment"),
    Parameter::number("epsilon", "ε", "", 1e-7, Bound::NonNegative, "Keeps the quotient finite"),
];

pub(super) const ENTRY: MethodEntry = MethodEntry {
    name: "adam",
    parameters: &PARAMETERS,
    equation: Equation::new(
        "Adam, in its step n",
        r"m \leftarrow \beta_1 m + (1 - \beta_1) g, \qquad s \leftarrow \beta_2 s + (1 - \beta_2) g^2, \qquad
W \leftarrow W - \eta \frac{\sqrt{1 - \beta_2^n}}{1 - \beta_1^n} \frac{m}{\sqrt{s} + \varepsilon}",
    ),
    make: |values| Method::Adam(Adam::new(values)),
};

/// Parameters of Adam.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Adam {
    /// Decay of the first moment.
    pub beta_1: f64,
    /// Decay of the second moment.
    pub beta_2: f64,
    /// Keeps the quotient finite.
    pub epsilon: f64,
}

impl Adam {
    pub(super) fn new(values: &[f64]) -> Self {
        Self { beta_1: values[0], beta_2: values[1], epsilon: values[2] }
    }

    /// The bias-corrected learning rate of step `number`, counted from 1.
    fn rate(self, eta: f64, number: u64) -> f64 {
        let number = number as f64;
        eta * (1.0 - libm::pow(self.beta_2, number)).sqrt() / (1.0 - libm::pow(self.beta_1, number))
    }

    /// A step after which weights are also multiplied by `kept`.
    pub(super) fn step_keeping(self, kept: f64, step: Step, row: Row<'_>, gradient: Option<&[f64]>) {
        let Row { weights, first, second } = row;
        let course = Course {
            rate: self.rate(step.eta, step.number),
            kept,
            adam: self,
            divisor: step.divisor,
            bounds: (step.w_min, step.w_max),
        };
        match (gradient, kept == 1.0) {
            (Some(gradient), true) => adam(weights, first, second, gradient, course),
            (None, true) => adam_without_gradient(weights, first, second, course),
            (Some(gradient), false) => decaying(weights, first, second, gradient, course),
            (None, false) => decaying_without_gradient(weights, first, second, course),
        }
    }
}

impl Optimize for Adam {
    fn entry(&self) -> &'static MethodEntry {
        &ENTRY
    }

    fn values(&self) -> Vec<f64> {
        vec![self.beta_1, self.beta_2, self.epsilon]
    }

    fn has_moments(&self) -> bool {
        true
    }

    fn step(&self, step: Step, row: Row<'_>, gradient: Option<&[f64]>) {
        self.step_keeping(1.0, step, row, gradient);
    }

    fn stays_finite(&self, _eta: f64) -> bool {
        // By Cauchy and Schwarz, the quotient of the moments is below 1e11 where the second one decays more slowly than the
        // square of the first.
        self.epsilon > 1e-140 && self.beta_1 * self.beta_1 < 0.999_999 * self.beta_2
    }
}

/// What is the same for all weights of a step.
#[derive(Clone, Copy)]
struct Course {
    /// Bias-corrected learning rate.
    rate: f64,
    /// What weights are multiplied by.
    kept: f64,
    adam: Adam,
    divisor: f64,
    bounds: (f64, f64),
}

/// `decays` is known where this is compiled: without it, nothing of the decay is left.
#[inline(always)]
fn moved(weight: f64, m: f64, v: f64, course: Course, decays: bool) -> f64 {
    let kept = if decays { course.kept * weight } else { weight };
    let moved = kept - course.rate * m / (v.sqrt() + course.adam.epsilon);
    bounded(moved, course.bounds.0, course.bounds.1)
}

#[inline(always)]
fn with_gradient(
    weights: &mut [f64],
    first: &mut [f64],
    second: &mut [f64],
    gradients: &[f64],
    course: Course,
    decays: bool,
) {
    let n = weights.len();
    let (first, second, gradients) = (&mut first[..n], &mut second[..n], &gradients[..n]);
    let Adam { beta_1, beta_2, .. } = course.adam;
    for j in 0..n {
        let gradient = gradients[j] / course.divisor;
        let m = beta_1.mul_add(first[j], (1.0 - beta_1) * gradient);
        let v = beta_2.mul_add(second[j], (1.0 - beta_2) * gradient * gradient);
        first[j] = m;
        second[j] = v;
        weights[j] = moved(weights[j], m, v, course, decays);
    }
}

#[inline(always)]
fn without_gradient(
    weights: &mut [f64],
    first: &mut [f64],
    second: &mut [f64],
    course: Course,
    decays: bool,
) {
    let n = weights.len();
    let (first, second) = (&mut first[..n], &mut second[..n]);
    let Adam { beta_1, beta_2, .. } = course.adam;
    for j in 0..n {
        let m = beta_1 * first[j];
        let v = beta_2 * second[j];
        first[j] = m;
        second[j] = v;
        weights[j] = moved(weights[j], m, v, course, decays);
    }
}

#[inline(always)]
fn adam_body(weights: &mut [f64], first: &mut [f64], second: &mut [f64], gradients: &[f64], course: Course) {
    with_gradient(weights, first, second, gradients, course, false);
}

#[inline(always)]
fn adam_without_gradient_body(weights: &mut [f64], first: &mut [f64], second: &mut [f64], course: Course) {
    without_gradient(weights, first, second, course, false);
}

#[inline(always)]
fn decaying_body(
    weights: &mut [f64],
    first: &mut [f64],
    second: &mut [f64],
    gradients: &[f64],
    course: Course,
) {
    with_gradient(weights, first, second, gradients, course, true);
}

#[inline(always)]
fn decaying_without_gradient_body(
    weights: &mut [f64],
    first: &mut [f64],
    second: &mut [f64],
    course: Course,
) {
    without_gradient(weights, first, second, course, true);
}

crate::base::simd::kernels! {
    fn adam(
        weights: &mut [f64], first: &mut [f64], second: &mut [f64], gradients: &[f64], course: Course,
    ) = adam_body;

    fn adam_without_gradient(
        weights: &mut [f64], first: &mut [f64], second: &mut [f64], course: Course,
    ) = adam_without_gradient_body;

    fn decaying(
        weights: &mut [f64], first: &mut [f64], second: &mut [f64], gradients: &[f64], course: Course,
    ) = decaying_body;

    fn decaying_without_gradient(
        weights: &mut [f64], first: &mut [f64], second: &mut [f64], course: Course,
    ) = decaying_without_gradient_body;
}
