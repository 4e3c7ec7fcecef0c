//! The gradient of an update interval, held against its definition and against finite differences.

mod common;

use common::{Drawn, Way};
use proptest::prelude::*;

fn largest(values: impl IntoIterator<Item = f64>) -> f64 {
    values.into_iter().fold(0.0, |most: f64, value| most.max(value.abs()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// The backward recursion is the transpose of the forward one (docs/derivation.md, The transpose).
    #[test]
    fn adjoint_equals_forward(seed in any::<u32>()) {
        let drawn = Drawn { optimizer: "gradient_descent", biased: seed % 2 == 0, ..Drawn::interval(seed) };
        let adjoint = drawn.run(&Way::default());
        let forward = drawn.run(&Way { gradient: "forward", ..Way::default() });
        prop_assert_eq!(&adjoint.spikes, &forward.spikes);
        let scale = largest(forward.weights.iter().zip(&forward.initial).map(|(after, before)| after - before))
            .max(largest(forward.initial.iter().copied()));
        for (a, f) in adjoint.weights.iter().zip(&forward.weights) {
            prop_assert!((a - f).abs() <= 1e-12 * scale, "{a} and {f} differ on a scale of {scale}");
        }
    }
}

/// Networks with e-prop+ whose neurons are silent for a few steps or for hundreds.
fn plus() -> impl Strategy<Value = (bool, Drawn)> {
    let cutoff = prop_oneof![Just(None), (1.0f64..500.0).prop_map(|ms| Some(ms.floor())), Just(Some(1e9))];
    let optimizer = prop_oneof![Just("gradient_descent"), Just("adam"), Just("adamw")];
    (any::<u32>(), 0.003f64..0.3, cutoff, optimizer, any::<bool>()).prop_map(
        |(seed, rate, cutoff, optimizer, sparse)| {
            (
                sparse,
                Drawn {
                    interval: 150,
                    window: 150,
                    intervals: 8,
                    eta: 1e-4,
                    rate,
                    cutoff,
                    optimizer,
                    ..Drawn::plus(seed)
                },
            )
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// A window of e-prop+ by maps is the same as step by step, also where rows are silent for longer than the history.
    #[test]
    fn windows_by_maps_equal_those_step_by_step((sparse, drawn) in plus()) {
        let way = Way { sparse, ..Way::default() };
        let maps = drawn.run(&way);
        let steps = drawn.run(&Way { gradient: "forward", ..way.clone() });
        // Where learning itself amplifies what rounding leaves, or moves a spike, another order of rounding says nothing.
        let shaken = Drawn { shaken: 1e-15, ..drawn.clone() }.run(&Way { gradient: "forward", ..way });
        prop_assume!(maps.spikes == steps.spikes && shaken.spikes == steps.spikes);
        let scale = largest(steps.weights.iter().zip(&steps.initial).map(|(after, before)| after - before))
            .max(largest(steps.initial.iter().copied()));
        let apart = |run: &common::Run| largest(run.weights.iter().zip(&steps.weights).map(|(a, b)| a - b));
        prop_assume!(apart(&shaken) <= 1e-13 * scale);
        prop_assert!(apart(&maps) <= 1e-12 * scale, "{} apart on a scale of {scale}", apart(&maps));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    /// In 32 bits, the gradient of the first interval has the digits that these have, as long as no spike differs.
    #[test]
    fn single_precision_is_near(seed in any::<u32>()) {
        let drawn = Drawn { optimizer: "gradient_descent", intervals: 1, batch_size: 1, ..Drawn::interval(seed) };
        let double = drawn.run(&Way::default());
        let single = drawn.run(&Way { precision: "f32", ..Way::default() });
        prop_assume!(double.spikes == single.spikes);
        let change = |run: &common::Run| -> Vec<f64> {
            run.weights.iter().zip(&run.initial).map(|(after, before)| after - before).collect()
        };
        let (double, single) = (change(&double), change(&single));
        let scale = largest(double.iter().copied());
        for (d, s) in double.iter().zip(&single) {
            prop_assert!((d - s).abs() <= 1e-3 * scale, "{d} and {s} differ on a scale of {scale}");
        }
    }
}

/// Loss of a run's first interval in its learning window (outside it both signals are recorded as zero).
fn loss(drawn: &Drawn, run: &common::Run) -> f64 {
    // Error signals of the first interval are recorded in the interval's steps, four steps later.
    let rows = 4 * drawn.readouts()..(drawn.interval + 4) * drawn.readouts();
    run.readout[rows.clone()]
        .iter()
        .zip(&run.target[rows])
        .map(|(y, target)| match (drawn.softmax, *target == 0.0) {
            (true, true) => 0.0,
            (true, false) => -target * y.ln(),
            (false, _) => 0.5 * (y - target) * (y - target),
        })
        .sum()
}

/// For readout weights the e-prop gradient is the derivative of the loss: nothing behind them depends on them.
#[test]
fn readout_gradients_are_finite_differences_of_the_loss() {
    let mut checked = 0;
    for seed in 0..400 {
        for gradient in ["adjoint", "forward"] {
            let drawn = Drawn {
                optimizer: "gradient_descent",
                feedback: "random",
                intervals: 1,
                batch_size: 1,
                eta: 1.0,
                l2: 0.0,
                ..Drawn::interval(seed)
            };
            let way = Way { gradient, ..Way::default() };
            let run = drawn.run(&way);
            // Spikes that readouts read before their interval's second step leave no eligibility in it.
            if run.spikes.is_empty() || run.spikes.iter().any(|time| *time <= 3.0) {
                continue;
            }
            let moved: Vec<f64> =
                run.initial.iter().zip(&run.weights).map(|(before, after)| before - after).collect();
            let h = 1e-4;
            let place = seed as usize % drawn.readout_weights();
            let nudged = |change: f64| Drawn { nudge: Some((place, change)), ..drawn.clone() }.run(&way);
            let (up, down) = (nudged(h), nudged(-h));
            let derivative = (loss(&drawn, &up) - loss(&drawn, &down)) / (2.0 * h);
            // The nudged weight is the one in which the initial weights differ.
            let at = (0..moved.len()).find(|at| up.initial[*at] != down.initial[*at]).expect("one is nudged");
            let averaged = moved[at];
            let expected = if drawn.average { derivative / drawn.window as f64 } else { derivative };
            assert!(
                (averaged - expected).abs() <= 1e-6 * expected.abs().max(1e-3),
                "seed {seed}, {gradient}: gradient {averaged}, finite difference {expected}"
            );
            checked += usize::from(expected != 0.0);
        }
    }
    assert!(checked > 100, "only {checked} derivatives were not zero");
}
