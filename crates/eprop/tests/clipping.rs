//! Gradients that are scaled down to a norm, against the steps that weights take without that.

mod common;

use common::{Drawn, Run, Way, bits};
use eprop::{Dict, ErrorCode, Kernel, Value};
use proptest::prelude::*;

/// A network after one update by gradient descent: the steps of weights and currents are its gradient times `-eta`.
fn one_update(seed: u32) -> Drawn {
    let drawn = Drawn::interval(seed);
    Drawn {
        intervals: drawn.batch_size,
        optimizer: "gradient_descent",
        feedback: "random",
        biased: seed.is_multiple_of(2),
        l2: 0.0,
        ..drawn
    }
}

fn steps(run: &Run) -> Vec<f64> {
    run.weights.iter().zip(&run.initial).map(|(after, before)| after - before).collect()
}

fn norm(values: &[f64]) -> f64 {
    values.iter().map(|value| value * value).sum::<f64>().sqrt()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn all_gradients_of_an_update_shrink_alike(seed in any::<u32>(), share in 0.01f64..0.99) {
        let drawn = one_update(seed);
        let free = drawn.run(&Way::default());
        let steps_free = steps(&free);
        let largest = norm(&steps_free) / drawn.eta;
        prop_assume!(largest > 1e-6);
        for gradient in ["adjoint", "forward"] {
            let way = Way { gradient, ..Way::default() };
            let clipped = Drawn { clip_norm: share * largest, ..drawn.clone() }.run(&way);
            for (found, step) in steps(&clipped).iter().zip(&steps_free) {
                let expected = share * step;
                // Steps are differences of weights of about 1.
                prop_assert!((found - expected).abs() < 1e-13 + 1e-9 * expected.abs(), "{found} for {expected}");
            }
            let way = Way { gradient, ..Way::default() };
            let wide = Drawn { clip_norm: 1.001 * largest + 1e-12, ..drawn.clone() }.run(&way);
            prop_assert_eq!(bits(&wide.weights), bits(&drawn.run(&way).weights));
        }
    }

    /// A weight cost is none of the gradient that is clipped, as a weight decay elsewhere.
    #[test]
    fn costs_of_weights_are_not_clipped(seed in any::<u32>()) {
        // By the smallest number there is, gradients become zero.
        let clip_norm = if seed.is_multiple_of(2) { 1e-90 } else { 5e-324 };
        let drawn = Drawn { clip_norm, l2: 0.1, biased: false, ..one_update(seed) };
        let run = drawn.run(&Way::default());
        for (step, weight) in steps(&run).iter().zip(&run.initial) {
            let expected = -drawn.eta * 0.1 * weight;
            prop_assert!(*step == 0.0 || (step - expected).abs() < 1e-13, "{step} for {expected}");
        }
        prop_assert!(steps(&run).iter().any(|step| *step != 0.0));
    }
}

#[test]
fn only_norms_that_can_be_are_taken() {
    let mut kernel = Kernel::new();
    for value in [-1.0, f64::NAN, f64::INFINITY] {
        let error = kernel.set(&Dict::new().with("clip_norm", value)).unwrap_err();
        assert_eq!((error.code, error.parameter.as_deref()), (ErrorCode::KernelException, Some("clip_norm")));
    }
    kernel.set(&Dict::new().with("clip_norm", 1.5)).unwrap();
    let restored = Kernel::restored(kernel.state().unwrap()).unwrap();
    assert_eq!(restored.get().get("clip_norm"), Some(&Value::Number(1.5)));
}

/// What version 0.1 saved has no such norm.
#[test]
fn a_state_without_a_norm_has_none() {
    let mut kernel = Kernel::new();
    kernel.set(&Dict::new().with("clip_norm", 1.5)).unwrap();
    let mut state = kernel.state().unwrap();
    let before = state.arrays.len();
    state.arrays.retain(|name, _| !name.ends_with("clip_norm"));
    assert_eq!(state.arrays.len(), before - 1);
    assert_eq!(Kernel::restored(state).unwrap().get().get("clip_norm"), Some(&Value::Number(0.0)));
}

#[test]
fn weights_that_change_with_every_spike_are_not_clipped() {
    let drawn = Drawn { clip_norm: 1.0, ..Drawn::plus(1) };
    let outcome = std::panic::catch_unwind(|| drawn.run(&Way::default()));
    let message = *outcome.err().expect("a refusal").downcast::<String>().expect("a message");
    assert!(message.contains("clip_norm") || message.contains("NotImplemented"), "{message}");
}
