//! Deep rewiring and signs that stay: what must hold of both in random networks, and the same bits in every way.

mod common;

use common::{Between, Drawn, Way};
use eprop::base::control::RunControl;
use eprop::describe::connections::{ConnectionFilter, ConnectionHandle};
use eprop::tables::value::Params;
use eprop::{Dict, ErrorCode, Kernel};
use proptest::prelude::*;

fn rewired(seed: u32, keeps_sign: bool) -> Drawn {
    Drawn { rewires: true, keeps_sign, intervals: 8, eta: 3e-2, ..Drawn::interval(seed) }
}

/// As many connections per projection, none twice, none with itself.
fn check_connections(run: &common::Run) {
    let mut ends = run.ends.clone();
    ends.sort_unstable();
    ends.dedup();
    assert_eq!(ends.len(), run.ends.len());
    assert!(run.ends.iter().all(|(source, target, _)| source != target));
    let per_projection = |signs: &Vec<(u32, u32, bool)>| -> Vec<u32> {
        signs.iter().map(|(projection, _, _)| *projection).collect()
    };
    for counts in &run.counts {
        assert_eq!(per_projection(counts), per_projection(&run.counts[0]));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_number_of_connections_stays(seed in any::<u32>()) {
        let run = rewired(seed, false).run(&Way { cuts: vec![7.0], ..Way::default() });
        check_connections(&run);
    }

    /// With signs that stay, each source keeps its number of connections of each sign, rewired or not.
    #[test]
    fn signs_stay(seed in any::<u32>(), rewires in any::<bool>()) {
        let drawn = Drawn { rewires, ..rewired(seed, true) };
        let run = drawn.run(&Way { cuts: vec![7.0], ..Way::default() });
        check_connections(&run);
        for counts in &run.counts {
            prop_assert_eq!(counts, &run.counts[0]);
        }
        // Other feedback may change its sign.
        if !rewires && drawn.feedback == "random" {
            for (weight, initial) in run.weights.iter().zip(&run.initial) {
                prop_assert_eq!(weight.is_sign_negative(), initial.is_sign_negative());
            }
        }
    }

    #[test]
    fn the_same_bits_in_every_way(seed in any::<u32>(), keeps_sign in any::<bool>(), cut in 1u8..60, threads in 2usize..5) {
        let drawn = rewired(seed, keeps_sign);
        let bits = |run: &common::Run| -> Vec<u64> { run.weights.iter().map(|weight| weight.to_bits()).collect() };
        let plain = drawn.run(&Way::default());
        for between in [Between::Nothing, Between::Restore, Between::Replan] {
            let way = Way { cuts: vec![f64::from(cut)], between, threads, ..Way::default() };
            let other = drawn.run(&way);
            prop_assert_eq!(&plain.ends, &other.ends);
            prop_assert_eq!(bits(&plain), bits(&other));
            prop_assert_eq!(&plain.spikes, &other.spikes);
        }
    }
}

#[test]
fn most_networks_are_rewired() {
    let moved = (0..20).filter(|seed| {
        let drawn = rewired(*seed, false);
        let [before, after] = [0, 8].map(|intervals| {
            Drawn {
                intervals: intervals.max(1),
                eta: if intervals == 0 { 0.0 } else { drawn.eta },
                ..drawn.clone()
            }
            .run(&Way::default())
            .ends
        });
        before != after
    });
    assert!(moved.count() >= 10);
}

/// Two inputs, three neurons and a readout with sparse connections that are pulled to zero at once.
fn pulled() -> Kernel {
    let mut kernel = Kernel::new();
    kernel
        .set(
            &Dict::new()
                .with("resolution", 1.0)
                .with("eprop_update_interval", 10.0)
                .with("eprop_learning_window", 10.0),
        )
        .unwrap();
    kernel.create("spike_generator", 2.0, &Params::None).unwrap();
    kernel.create("eprop_iaf_bsshslm_2020", 3.0, &Params::None).unwrap();
    kernel.create("eprop_readout_bsshslm_2020", 1.0, &Params::None).unwrap();
    let values = Dict::new().with("rewiring", "deep_r").with("rewiring_l1", 1e6);
    kernel.set_defaults("eprop_synapse_bsshslm_2020", &values).unwrap();
    kernel
}

#[test]
fn handles_of_connections_that_are_gone_are_refused() {
    let mut kernel = pulled();
    let synapse = Dict::new().with("synapse_model", "eprop_synapse_bsshslm_2020").with("weight", 0.5);
    kernel.connect_pairs(&[1, 1, 2], &[3, 4, 5], &synapse).unwrap();
    let table = kernel.get_connections(&ConnectionFilter::default()).unwrap();
    let handle = ConnectionHandle { projection: table.projection[0], entry: table.entry[0] };
    kernel.connection_values(&[handle], "weight").unwrap();
    kernel.simulate(25.0, &RunControl::default()).unwrap();
    let refused = kernel.connection_values(&[handle], "weight").unwrap_err();
    assert_eq!((refused.code, refused.parameter.as_deref()), (ErrorCode::IndexError, Some("connections")));
    let set = Params::Shared(Dict::new().with("weight", 1.0));
    assert_eq!(kernel.set_connections(&[handle], &set).unwrap_err().code, ErrorCode::IndexError);
    let table = kernel.get_connections(&ConnectionFilter::default()).unwrap();
    assert_eq!(table.weight.len(), 3);
    let handle = ConnectionHandle { projection: table.projection[0], entry: table.entry[0] };
    kernel.set_connections(&[handle], &set).unwrap();
    let mut restored = Kernel::restored(kernel.state().unwrap()).unwrap();
    restored.connection_values(&[handle], "weight").unwrap();
    restored.simulate(10.0, &RunControl::default()).unwrap();
    kernel.simulate(10.0, &RunControl::default()).unwrap();
    let all = ConnectionFilter::default();
    assert_eq!(restored.get_connections(&all).unwrap(), kernel.get_connections(&all).unwrap());
}

#[test]
fn connections_with_small_weights_go() {
    let mut kernel = pulled();
    let values = Dict::new().with("rewiring", "prune").with("rewiring_threshold", 0.4);
    let eta = |eta: f64| Dict::new().with("optimizer", Dict::new().with("eta", eta));
    kernel.set_defaults("eprop_synapse_bsshslm_2020", &values).unwrap();
    kernel.set_defaults("eprop_synapse_bsshslm_2020", &eta(0.0)).unwrap();
    let synapse = Dict::new()
        .with("synapse_model", "eprop_synapse_bsshslm_2020")
        .with("weight", vec![0.5, -0.3, 0.4, -0.6]);
    kernel.connect_pairs(&[1, 1, 2, 2], &[3, 4, 5, 3], &synapse).unwrap();
    kernel.simulate(5.0, &RunControl::default()).unwrap();
    let all = ConnectionFilter::default();
    assert_eq!(kernel.get_connections(&all).unwrap().weight.len(), 4);
    // Without a learning rate, as in a validation, there is no update that they could go after.
    kernel.simulate(20.0, &RunControl::default()).unwrap();
    let found = kernel.get_connections(&all).unwrap();
    assert_eq!(found.weight.len(), 4);
    kernel.set_defaults("eprop_synapse_bsshslm_2020", &eta(1e-3)).unwrap();
    kernel.simulate(20.0, &RunControl::default()).unwrap();
    // All that are left of those that were found are refused as being of before, whatever their place.
    for (projection, entry) in found.projection.iter().zip(&found.entry) {
        let handle = ConnectionHandle { projection: *projection, entry: *entry };
        let refused = kernel.connection_values(&[handle], "weight").unwrap_err();
        assert_eq!(
            (refused.code, refused.parameter.as_deref()),
            (ErrorCode::IndexError, Some("connections"))
        );
    }
    let mut left = kernel.get_connections(&all).unwrap().weight;
    left.sort_by(f64::total_cmp);
    assert_eq!(left, [-0.6, 0.5]);
    let mut restored = Kernel::restored(kernel.state().unwrap()).unwrap();
    restored.simulate(20.0, &RunControl::default()).unwrap();
    assert_eq!(restored.get_connections(&all).unwrap().weight.len(), 2);
}

/// Where a bound is zero, weights that reach it are those that reach zero, from either side.
#[test]
fn connections_at_a_bound_of_zero_are_replaced() {
    for (weight, bound) in [(0.5, "Wmin"), (-0.5, "Wmax")] {
        for pull in [1e6, 0.0] {
            let mut kernel = pulled();
            let optimizer = Dict::new().with("optimizer", Dict::new().with(bound, 0.0));
            kernel.set_defaults("eprop_synapse_bsshslm_2020", &optimizer.with("rewiring_l1", pull)).unwrap();
            let synapse =
                Dict::new().with("synapse_model", "eprop_synapse_bsshslm_2020").with("weight", weight);
            kernel.connect_pairs(&[1, 1, 2], &[3, 4, 5], &synapse).unwrap();
            let all = ConnectionFilter::default();
            let ends = |kernel: &Kernel| {
                let table = kernel.get_connections(&all).unwrap();
                (table.source, table.target)
            };
            let before = ends(&kernel);
            kernel.simulate(65.0, &RunControl::default()).unwrap();
            let table = kernel.get_connections(&all).unwrap();
            assert_eq!(table.weight.len(), 3);
            // Without gradient and without pull, weights do not reach it.
            assert_eq!(ends(&kernel) == before, pull == 0.0, "{bound} {pull}");
            assert!(table.weight.iter().all(|now| now * weight >= 0.0), "{bound}");
        }
    }
}

#[test]
fn bounds_without_zero_are_refused() {
    for (weight, bound, value) in [(0.5, "Wmin", 0.1), (-0.5, "Wmax", -0.1)] {
        let mut kernel = pulled();
        let optimizer = Dict::new().with("optimizer", Dict::new().with(bound, value));
        kernel.set_defaults("eprop_synapse_bsshslm_2020", &optimizer).unwrap();
        let synapse = Dict::new().with("synapse_model", "eprop_synapse_bsshslm_2020").with("weight", weight);
        kernel.connect_pairs(&[1, 1, 2], &[3, 4, 5], &synapse).unwrap();
        let refused = kernel.simulate(5.0, &RunControl::default()).unwrap_err();
        let parameter = format!("optimizer.{bound}");
        assert_eq!(
            (refused.code, refused.parameter.as_deref()),
            (ErrorCode::BadProperty, Some(&parameter[..]))
        );
    }
}

#[test]
fn all_to_all_cannot_be_rewired() {
    let mut kernel = pulled();
    let synapse = Dict::new().with("synapse_model", "eprop_synapse_bsshslm_2020");
    kernel.connect(&[1, 2], &[3, 4, 5], &Dict::new().with("rule", "all_to_all"), &synapse).unwrap();
    let refused = kernel.simulate(5.0, &RunControl::default()).unwrap_err();
    assert_eq!((refused.code, refused.parameter.as_deref()), (ErrorCode::NotImplemented, Some("rewiring")));
}
