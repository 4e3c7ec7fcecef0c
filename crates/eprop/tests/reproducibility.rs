//! What must not change a bit: cuts, stops, threads, storage, saving and restoring, the order in which unrelated devices are created.

mod common;

use common::{Between, Drawn, Run, Way, bits};
use eprop::base::simd::{self, Level};
use eprop::base::threads;
use proptest::prelude::*;

fn same(a: &Run, b: &Run) -> Result<(), TestCaseError> {
    prop_assert_eq!(bits(&a.weights), bits(&b.weights));
    prop_assert_eq!(bits(&a.readout), bits(&b.readout));
    prop_assert_eq!(bits(&a.target), bits(&b.target));
    prop_assert_eq!(bits(&a.spikes), bits(&b.spikes));
    Ok(())
}

fn ways() -> impl Strategy<Value = Way> {
    let cuts = prop::collection::vec((1u32..40).prop_map(f64::from), 1..6);
    let parts = prop_oneof![Just(1.0), Just(0.85)];
    let between = prop_oneof![Just(Between::Nothing), Just(Between::Restore), Just(Between::Replan)];
    (cuts, 1usize..4, any::<bool>(), any::<bool>(), between, 0usize..30, parts).prop_map(
        |(cuts, threads, sparse, device_first, between, stops, history)| Way {
            gradient: "adjoint",
            precision: "f64",
            threads,
            sparse,
            cuts,
            device_first,
            between,
            stops,
            history,
            ranks: 1,
        },
    )
}

/// Lets as many threads as are wanted take part in steps of e-prop+, however little there is to do.
fn share_all() {
    threads::set_budget(8.0).unwrap();
    threads::set_grain(1);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn spikes_that_change_weights_give_the_same_bits_in_every_way(seed in any::<u32>(), way in ways()) {
        share_all();
        let drawn = Drawn { intervals: 6, ..Drawn::plus(seed) };
        same(&drawn.run(&Way::default()), &drawn.run(&way))?;
    }

    #[test]
    fn update_intervals_give_the_same_bits_in_every_way(seed in any::<u32>(), way in ways(), batch in 1usize..6) {
        let biased = seed % 2 == 0;
        let clip_norm = if seed % 3 == 0 { 1e-3 } else { 0.0 };
        let intervals = 2 * batch + 1;
        let drawn = Drawn { batch_size: batch, intervals, biased, clip_norm, ..Drawn::interval(seed) };
        same(&drawn.run(&Way::default()), &drawn.run(&way))?;
        let single = |way: &Way| drawn.run(&Way { precision: "f32", ..way.clone() });
        same(&single(&Way::default()), &single(&way))?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn ranks_give_the_bits_of_one_process(seed in any::<u32>(), way in ways(), batch in 1usize..24, ranks in 2usize..7) {
        threads::set_budget(16.0).unwrap();
        let clip_norm = if seed % 2 == 0 { 1e-3 } else { 0.0 };
        let drawn =
            Drawn { batch_size: batch, intervals: 2 * batch + 1, clip_norm, ..Drawn::interval(seed) };
        // Several sequences belong to a call.
        let cuts = way.cuts.iter().map(|cut| cut * 40.0).collect();
        let way = Way { cuts, ranks, ..way };
        same(&drawn.run(&Way::default()), &drawn.run(&way))?;
        let single = |way: &Way| drawn.run(&Way { precision: "f32", ..way.clone() });
        same(&single(&Way::default()), &single(&way))?;
    }
}

/// Networks that are large enough are shared by threads, in their neurons and in their gradients.
#[test]
fn neurons_shared_by_threads_give_the_same_bits() {
    threads::set_budget(8.0).unwrap();
    for seed in 0..4 {
        let drawn = Drawn {
            neurons: Some(800 + 37 * seed as usize),
            interval: 40,
            window: 30,
            intervals: 2,
            batch_size: 1,
            clip_norm: if seed % 2 == 0 { 1e-3 } else { 0.0 },
            ..Drawn::interval(seed)
        };
        for (sparse, precision) in [(false, "f64"), (true, "f32")] {
            let one = Way { precision, sparse, ..Way::default() };
            let expected = drawn.run(&one);
            for threads in [2, 3, 8] {
                let history = if threads == 3 { 0.85 } else { 1.0 };
                let cuts = if threads == 2 { vec![7.0, 30.0] } else { vec![1e9] };
                same(&expected, &drawn.run(&Way { threads, cuts, history, ..one.clone() })).unwrap();
            }
        }
    }
}

/// The rows that learn in a step of e-prop+ are shared by threads, and so is what they deliver.
#[test]
fn rows_shared_by_threads_give_the_same_bits() {
    share_all();
    for seed in 0..6 {
        let drawn = Drawn { neurons: Some(40 + 17 * seed as usize), ..Drawn::plus(seed) };
        for sparse in [false, true] {
            let one = Way { sparse, ..Way::default() };
            let expected = drawn.run(&one);
            for threads in [2, 3, 8] {
                let cuts = if threads == 2 { vec![7.0, 30.0] } else { vec![1e9] };
                same(&expected, &drawn.run(&Way { threads, cuts, ..one.clone() })).unwrap();
            }
        }
    }
}

/// Rows that are silent for long are caught up, also where the network is saved or laid out anew in between.
#[test]
fn rows_that_are_caught_up_give_the_same_bits() {
    share_all();
    for seed in 0..20 {
        let drawn = Drawn {
            interval: 100,
            window: 60,
            intervals: 16,
            rate: 0.003,
            cutoff: Some(1e5),
            ..Drawn::plus(seed)
        };
        let expected = drawn.run(&Way::default());
        for way in [
            Way { threads: 3, ..Way::default() },
            Way { threads: 2, sparse: true, cuts: vec![190.0], between: Between::Replan, ..Way::default() },
            Way { cuts: vec![250.0, 330.0], between: Between::Restore, ..Way::default() },
        ] {
            same(&expected, &drawn.run(&way)).unwrap();
        }
    }
}

/// A network that is laid out anew goes on with the same bits, also where the targets of a row look back differently
/// far, and windows reach over several chunks of steps.
#[test]
fn a_new_layout_gives_the_same_bits() {
    share_all();
    for seed in 0..60 {
        let drawn = Drawn { interval: 50, window: 40, intervals: 5, rate: 0.03, ..Drawn::plus(seed) };
        let way = Way { cuts: vec![37.0], between: Between::Replan, ..Way::default() };
        same(&drawn.run(&Way::default()), &drawn.run(&way)).unwrap();
    }
}

/// Every instruction set computes the same bits; the narrowest has no fused multiply-add of its own.
#[test]
fn instruction_sets_give_the_same_bits() {
    let widest = simd::detected();
    for seed in 0..20 {
        for drawn in [Drawn::interval(seed), Drawn::plus(seed)] {
            for precision in ["f64", "f32"] {
                let way = Way { precision, ..Way::default() };
                let expected = drawn.run(&way);
                for level in [Level::Baseline, Level::Avx2, Level::Avx512] {
                    simd::limit(level);
                    let run = drawn.run(&way);
                    simd::limit(widest);
                    same(&expected, &run).unwrap();
                }
            }
        }
    }
}
