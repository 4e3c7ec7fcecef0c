//! Every way through the loops of e-prop+ gives the same bits.

use std::ops::Range;

use eprop::internals::eligibility::{
    BlockTargets, Coefficients, Stretch, filter, onto_adaptive, onto_recurrent, onto_uniform,
    onto_uniform_adaptive, recurrent,
};
use eprop::internals::ring::{LANES, Ring, Vector};
use eprop::random::NumpyRandom;

const NEURONS: usize = 2 * LANES;
const STEPS: usize = 40;

/// A history in which learning signals come in the last steps alone.
fn history(random: &mut NumpyRandom, quiet: usize) -> Ring {
    let mut history = Ring::new(NEURONS, recurrent::COUNT, STEPS);
    history.keep_courses();
    for step in 0..STEPS as i64 {
        for column in [recurrent::SURROGATE, recurrent::REGULARIZATION, recurrent::SIGNAL] {
            for value in history.at_mut(column, step) {
                let drawn = random.random() - 0.3;
                let zero = match column {
                    recurrent::SIGNAL => step < quiet as i64,
                    _ => drawn < 0.0 && column == recurrent::SURROGATE,
                };
                *value = if zero { 0.0 } else { drawn };
            }
        }
        history.finish(step);
    }
    history
}

struct Row {
    gradient: Vec<u64>,
    eligibility: Vec<u64>,
    regularization: Vec<u64>,
}

/// Takes one row, to all neurons, through these stretches.
fn run(
    history: &Ring,
    coefficients: &Coefficients,
    (uniform, adapts, scattered): (bool, bool, bool),
    stretches: &[(Range<usize>, bool)],
) -> Row {
    let mut drive = vec![0.0; STEPS];
    drive[1] = 1.0;
    if uniform {
        filter(coefficients.decay[0].0[0], &mut 0.0, &mut drive);
    }
    let blocks = NEURONS / LANES;
    let count = 2 + usize::from(!uniform) + usize::from(adapts);
    let mut traces = vec![Vector::default(); blocks * count];
    let mut gradients = vec![Vector::default(); blocks];
    let stretches: Vec<Stretch> = stretches
        .iter()
        .map(|(slots, quiet)| Stretch {
            blocks: 0..blocks,
            gradient: 0,
            slots: slots.clone(),
            quiet: *quiet,
            drive: slots.start,
        })
        .collect();
    let places: Vec<[u32; LANES]> =
        (0..blocks).map(|block| std::array::from_fn(|lane| (block * LANES + lane) as u32)).collect();
    let targets = if scattered { BlockTargets::Places(&places) } else { BlockTargets::Range(0) };
    let kernel = match (uniform, adapts) {
        (true, false) => onto_uniform,
        (false, false) => onto_recurrent,
        (true, true) => onto_uniform_adaptive,
        (false, true) => onto_adaptive,
    };
    kernel(coefficients, history, targets, &stretches, &drive, &mut traces, &mut gradients);
    let bits = |lanes: Vec<Vector>| lanes.iter().flat_map(|lanes| lanes.0.map(f64::to_bits)).collect();
    Row {
        gradient: bits(gradients),
        eligibility: bits(traces.iter().step_by(count).copied().collect()),
        regularization: bits(traces.iter().skip(1).step_by(count).copied().collect()),
    }
}

#[test]
fn all_ways_through_a_window_give_the_same_bits() {
    for seed in 0..50 {
        let mut random = NumpyRandom::new(seed);
        let quiet = (random.random() * STEPS as f64) as usize;
        let history = history(&mut random, quiet);
        let mut equal = || vec![Vector::splat(0.5 + 0.49 * random.random()); NEURONS / LANES + 1];
        let coefficients =
            Coefficients { decay: equal(), kappa: equal(), kappa_reg: equal(), rho: equal(), beta: equal() };
        let mut found = Vec::new();
        history.stretches(0..STEPS as i64, |slots, quiet| found.push((slots, quiet)));
        let whole = [(0..STEPS, false)];
        for adapts in [false, true] {
            let plain = run(&history, &coefficients, (false, adapts, false), &whole);
            assert!(plain.gradient.iter().any(|bits| *bits != 0));
            for uniform in [false, true] {
                for scattered in [false, true] {
                    for stretches in [&whole[..], &found] {
                        let row = run(&history, &coefficients, (uniform, adapts, scattered), stretches);
                        assert_eq!(row.gradient, plain.gradient, "seed {seed}");
                        assert_eq!(row.eligibility, plain.eligibility, "seed {seed}");
                        assert_eq!(row.regularization, plain.regularization, "seed {seed}");
                    }
                }
            }
        }
    }
}

#[test]
fn windows_are_cut_where_the_ring_ends_and_where_signals_begin() {
    let mut random = NumpyRandom::new(1);
    let mut history = history(&mut random, STEPS);
    for step in STEPS as i64..100 {
        history.at_mut(recurrent::SIGNAL, step).fill(if step == 70 { 1.0 } else { 0.0 });
        history.finish(step);
    }
    let mut found = Vec::new();
    history.stretches(60..80, |slots, quiet| found.push((slots, quiet)));
    assert_eq!(history.steps(), 64);
    assert_eq!(found, [(60..64, true), (0..6, true), (6..7, false), (7..16, true)]);
}
