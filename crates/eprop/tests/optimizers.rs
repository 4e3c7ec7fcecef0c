//! Optimizers against their published algorithms, written out for one weight.

use eprop::optimizer::{METHODS, Method, OptimizerProperties, Row};
use proptest::prelude::*;

fn optimizer(name: &str, values: &[f64], eta: f64, batch_size: usize) -> OptimizerProperties {
    let place = METHODS.iter().position(|entry| entry.name == name).expect("a method of that name");
    OptimizerProperties {
        method: Method::with_values(place, values).expect("a value for each parameter"),
        eta,
        eta_first: eta,
        eta_set: true,
        batch_size,
        l2: 0.0,
        w_min: -100.0,
        w_max: 100.0,
        optimize_each_step: false,
    }
}

/// Weights after steps with these gradients; `None` where a step has none.
fn weights(optimizer: &OptimizerProperties, weight: f64, gradients: &[Option<f64>]) -> Vec<f64> {
    let (mut weights, mut first, mut second) = ([weight], [0.0], [0.0]);
    let mut course = Vec::new();
    for (number, gradient) in (1..).zip(gradients) {
        let row = Row { weights: &mut weights, first: &mut first, second: &mut second };
        let gradient = gradient.map(|gradient| [gradient]);
        optimizer.step(optimizer.eta, number, row, gradient.as_ref().map(|gradient| &gradient[..]));
        course.push(weights[0]);
    }
    course
}

/// Loshchilov and Hutter (2019), algorithm 2, lines 5 to 12, with the schedule multiplier as the learning rate. Its
/// `epsilon` is added to the bias-corrected root, ours to the root: it is scaled by the step's correction.
fn algorithm_2(
    (beta_1, beta_2, epsilon, decay): (f64, f64, f64, f64),
    eta: f64,
    weight: f64,
    gradients: &[Option<f64>],
) -> Vec<f64> {
    let (mut theta, mut m, mut v) = (weight, 0.0, 0.0);
    let mut course = Vec::new();
    for (t, gradient) in (1..).zip(gradients) {
        let g = gradient.unwrap_or(0.0);
        m = beta_1 * m + (1.0 - beta_1) * g;
        v = beta_2 * v + (1.0 - beta_2) * g * g;
        let correction = 1.0 - f64::powi(beta_2, t);
        let m_hat = m / (1.0 - f64::powi(beta_1, t));
        let v_hat = v / correction;
        let epsilon = epsilon / correction.sqrt();
        theta -= eta * (m_hat / (v_hat.sqrt() + epsilon) + decay * theta);
        course.push(theta);
    }
    course
}

proptest! {
    #[test]
    fn adam_w_follows_its_algorithm(
        gradients in prop::collection::vec(prop::option::weighted(0.7, -3.0f64..3.0), 1..40),
        weight in -2.0f64..2.0,
        eta in 1e-4f64..0.1,
        decay in 0.0f64..2.0,
    ) {
        let parameters = (0.9, 0.999, 1e-7, decay);
        let held = optimizer("adamw", &[0.9, 0.999, 1e-7, decay], eta, 1);
        let expected = algorithm_2(parameters, eta, weight, &gradients);
        for (found, expected) in weights(&held, weight, &gradients).iter().zip(&expected) {
            prop_assert!((found - expected).abs() <= 1e-12 * (1.0 + expected.abs()), "{found} for {expected}");
        }
    }

    /// Without decay it is Adam, to the bit.
    #[test]
    fn adam_w_without_decay_is_adam(
        gradients in prop::collection::vec(prop::option::weighted(0.7, -3.0f64..3.0), 1..40),
        weight in -2.0f64..2.0,
        batch_size in 1usize..5,
    ) {
        let adam = optimizer("adam", &[0.8, 0.99, 1e-5], 0.01, batch_size);
        let adam_w = optimizer("adamw", &[0.8, 0.99, 1e-5, 0.0], 0.01, batch_size);
        let (one, other) = (weights(&adam, weight, &gradients), weights(&adam_w, weight, &gradients));
        prop_assert_eq!(one, other);
    }
}

/// A weight that never has a gradient loses its share in every step.
#[test]
fn weights_decay_without_a_gradient() {
    let held = optimizer("adamw", &[0.9, 0.999, 1e-7, 0.5], 0.1, 3);
    let course = weights(&held, 2.0, &[None; 10]);
    for (number, weight) in (1..).zip(course) {
        assert!((weight - 2.0 * f64::powi(0.95, number)).abs() < 1e-14);
    }
}
