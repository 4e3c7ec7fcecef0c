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
            shares_neurons: false,
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn ranks_that_share_neurons_give_the_bits_of_one_process(
        seed in any::<u32>(),
        way in ways(),
        ranks in prop::sample::select(vec![2usize, 3, 4, 8]),
    ) {
        threads::set_budget(24.0).unwrap();
        let drawn = Drawn::interval(seed);
        let feedback = if drawn.feedback == "adaptive" { "random" } else { drawn.feedback };
        let drawn = Drawn { feedback, keeps_sign: seed % 3 == 0, ..drawn };
        let threads = 1 + way.threads % 2;
        let way = Way { ranks, shares_neurons: true, threads, device_first: false, ..way };
        let one = Way { sparse: way.sparse, ..Way::default() };
        let same_network = |expected: &Run, run: &Run| {
            prop_assert_eq!(&expected.ends, &run.ends);
            prop_assert_eq!(bits(&expected.initial), bits(&run.initial));
            prop_assert_eq!(bits(&expected.senders), bits(&run.senders));
            same(expected, run)
        };
        same_network(&drawn.run(&one), &drawn.run(&way))?;
        let single = |way: &Way| drawn.run(&Way { precision: "f32", ..way.clone() });
        same_network(&single(&one), &single(&way))?;
        share_all();
        threads::set_budget(24.0).unwrap();
        let cutoff = if seed % 4 == 0 { Some(1e5) } else { None };
        let rate = if seed % 4 == 0 { 0.01 } else { 0.1 };
        let drawn = Drawn { intervals: 6, cutoff, rate, ..Drawn::plus(seed) };
        same_network(&drawn.run(&one), &drawn.run(&way))?;
    }
}

/// Networks that are large enough are shared by threads, in their neurons and in their gradients.
#[test]
fn neurons_shared_by_threads_give_the_same_bits() {
    threads::set_budget(12.0).unwrap();
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
            if seed > 0 {
                continue;
            }
            // Of 1700 neurons, each of two ranks has enough for two threads.
            let drawn = Drawn { neurons: Some(1700), clip_norm: 0.0, feedback: "symmetric", ..drawn.clone() };
            let way = Way { threads: 2, ranks: 2, shares_neurons: true, history: 0.85, ..one.clone() };
            same(&drawn.run(&one), &drawn.run(&way)).unwrap();
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

/// The current of the step before a change is integrated in one step more, and in no later one.
#[test]
fn a_current_that_changes_in_a_long_interval_changes_once() {
    use eprop::tables::value::Params;
    use eprop::{Dict, Kernel};
    let run = |cut: f64| {
        let mut kernel = Kernel::new();
        let settings = Dict::new().with("resolution", 1.0).with("eprop_update_interval", 2000.0);
        kernel.set(&settings.with("eprop_learning_window", 2000.0)).unwrap();
        let neuron = Dict::new().with("E_L", 0.0).with("C_m", 1.0).with("V_th", 1e3).with("I_e", 1.0);
        let neurons = kernel.create("eprop_iaf_bsshslm_2020", 3.0, &Params::Shared(neuron)).unwrap();
        let control = eprop::base::control::RunControl::default();
        kernel.simulate(100.0, &control).unwrap();
        kernel.set_nodes(&[neurons], &Params::Shared(Dict::new().with("I_e", 3.0))).unwrap();
        for _ in 0..(900.0 / cut) as usize {
            kernel.simulate(cut, &control).unwrap();
        }
        kernel.get_nodes(&[neurons], "V_m").unwrap()
    };
    assert_eq!(run(900.0), run(1.0));
}
