//! Networks whose neurons ranks share: of all that is described and recorded, ranks have together what one process has.

mod ranks;

use eprop::base::control::RunControl;
use eprop::base::threads;
use eprop::describe::connections::{ConnectionFilter, ConnectionHandle, ConnectionTable};
use eprop::inference::Inference;
use eprop::random::RandomParameter;
use eprop::tables::value::Params;
use eprop::{Dict, ErrorCode, Kernel, Value};
use ranks::{Rank, Tables, connections, events, joined, normal, over_ranks, rule};

fn handles(table: &ConnectionTable) -> Vec<ConnectionHandle> {
    let places = table.projection.iter().zip(&table.entry);
    places.map(|(projection, entry)| ConnectionHandle { projection: *projection, entry: *entry }).collect()
}

/// Builds a network with all rules, delays and recorders, runs it, lets it grow and runs it on.
#[allow(clippy::too_many_lines, reason = "one network with all that there is")]
fn grown(mut rank: Rank, plus: bool, threads: usize, cut: f64) -> (Tables, Vec<u32>, u32) {
    let named = |model: &str| format!("{model}{}", if plus { "" } else { "_bsshslm_2020" });
    let interval = Dict::new()
        .with("resolution", 1.0)
        .with("eprop_update_interval", 30.0)
        .with("eprop_learning_window", 20.0)
        .with("local_num_threads", threads as f64)
        .with("rng_seed", 7.0);
    rank.kernel.set(&interval).unwrap();
    let neuron = || {
        Dict::new()
            .with("E_L", 0.0)
            .with("V_m", normal(0.1, 0.1))
            .with("C_m", 1.0)
            .with("V_th", normal(0.5, 0.05))
            .with("tau_m", 20.0)
            .with("c_reg", 5.0)
            .with("surrogate_gradient_width", 1.0)
    };
    let times: Vec<f64> = (1..200).map(f64::from).collect();
    let inputs = rank.create("poisson_generator", 5, Dict::new().with("rate", 150.0));
    let relays = rank.create("parrot_neuron", 5, Dict::new());
    rank.connect(&inputs, &relays, rule("one_to_one"), Dict::new());
    let mut neurons = rank.create(&named("eprop_iaf"), 37, neuron());
    neurons.extend(rank.create(&named("eprop_iaf_adapt"), 3, neuron().with("adapt_beta", 0.2)));
    neurons.extend(rank.create(&named("eprop_iaf"), 1, neuron().with("I_e", 0.1)));
    let readouts = rank.create(&named("eprop_readout"), 2, Dict::new().with("E_L", 0.0).with("C_m", 1.0));
    let weights = rank.create("weight_recorder", 1, Dict::new());
    let optimizer = Dict::new().with("type", "adam").with("eta", 0.01);
    let defaults =
        Dict::new().with("weight_recorder", Value::Nodes(weights.clone())).with("optimizer", optimizer);
    rank.kernel.set_defaults(&named("eprop_synapse"), &defaults).unwrap();
    let plastic = || {
        Dict::new().with("synapse_model", named("eprop_synapse").as_str()).with("weight", normal(0.1, 0.2))
    };
    rank.connect(&relays, &neurons, rule("all_to_all"), plastic());
    let bernoulli = rule("pairwise_bernoulli").with("p", 0.2).with("allow_autapses", false);
    rank.connect(&neurons, &neurons, bernoulli, plastic());
    let fixed = rule("fixed_indegree").with("indegree", 3.0);
    let uniform = Value::Random(RandomParameter::new("uniform", 1.0, 5.0).unwrap());
    let delayed = Dict::new().with("weight", normal(0.02, 0.05)).with("delay", uniform);
    rank.connect(&neurons, &neurons, fixed, delayed);
    let fixed = rule("fixed_outdegree").with("outdegree", 2.0);
    rank.connect(&neurons, &neurons, fixed, Dict::new().with("weight", normal(0.0, 0.1)).with("delay", 2.0));
    let total = rule("fixed_total_number").with("N", 40.0);
    rank.connect(&neurons, &neurons, total, plastic());
    rank.connect(&neurons, &readouts, rule("all_to_all"), plastic());
    let signal = Dict::new().with("synapse_model", named("eprop_learning_signal_connection").as_str());
    rank.connect(&readouts, &neurons, rule("all_to_all"), signal.clone().with("weight", normal(0.0, 1.0)));
    let target = Dict::new().with("amplitude_times", times.clone());
    let target =
        target.with("amplitude_values", times.iter().map(|time| (time / 9.0).sin()).collect::<Vec<f64>>());
    let targets = rank.create("step_rate_generator", 1, target);
    let rate = Dict::new().with("synapse_model", "rate_connection_delayed").with("receptor_type", 2.0);
    rank.connect(&targets, &readouts, rule("all_to_all"), rate.clone());
    if plus {
        let window = Dict::new().with("amplitude_times", vec![1.0]).with("amplitude_values", vec![1.0]);
        let window = rank.create("step_rate_generator", 1, window);
        rank.connect(&window, &readouts, rule("all_to_all"), rate.with("receptor_type", 1.0));
    }
    let step =
        Dict::new().with("amplitude_times", vec![10.0, 40.0]).with("amplitude_values", vec![0.05, 0.0]);
    let current = rank.create("step_current_generator", 1, step);
    rank.connect(&current, &neurons, rule("all_to_all"), Dict::new());
    let recorded = ["V_m", "surrogate_gradient", "learning_signal", "eprop_history_duration"];
    let meter = rank.create("multimeter", 1, Dict::new().with("record_from", &recorded[..]));
    rank.connect(&meter, &neurons, rule("all_to_all"), Dict::new());
    let recorded = ["V_m", "readout_signal", "error_signal"];
    let readout_meter = rank.create("multimeter", 1, Dict::new().with("record_from", &recorded[..]));
    rank.connect(&readout_meter, &readouts, rule("all_to_all"), Dict::new());
    let spikes = rank.create("spike_recorder", 1, Dict::new());
    rank.connect(&neurons, &spikes, rule("all_to_all"), Dict::new());
    rank.connect(&relays, &spikes, rule("all_to_all"), Dict::new());

    let run = |rank: &mut Rank, ms: f64| {
        let mut left = ms;
        while left > 0.0 {
            rank.simulate(cut.min(left)).unwrap();
            left -= cut.min(left);
        }
    };
    run(&mut rank, 70.0);
    // It grows in the middle of an interval, and weights are set.
    let new = rank.create(&named("eprop_iaf"), 9, neuron());
    rank.connect(&relays, &new, rule("all_to_all"), plastic());
    rank.connect(&neurons, &new, rule("fixed_indegree").with("indegree", 4.0), plastic());
    rank.connect(&new, &readouts, rule("all_to_all"), plastic());
    rank.connect(&readouts, &new, rule("all_to_all"), signal.with("weight", 0.5));
    rank.connect(&new, &spikes, rule("all_to_all"), Dict::new());
    rank.kernel
        .set_nodes(&neurons[3..30], &Params::Shared(Dict::new().with("V_m", normal(0.2, 0.1))))
        .unwrap();
    let table = rank
        .kernel
        .get_connections(&ConnectionFilter {
            synapse_model: Some(named("eprop_synapse")),
            ..ConnectionFilter::default()
        })
        .unwrap();
    for (row, handle) in handles(&table).into_iter().enumerate() {
        if (table.source[row] + table.target[row]).is_multiple_of(5) {
            let weight = f64::from(table.source[row]) / 100.0 - 0.2;
            rank.kernel
                .set_connections(&[handle], &Params::Shared(Dict::new().with("weight", weight)))
                .unwrap();
        }
    }
    run(&mut rank, 63.0);
    neurons.extend(new);
    let mut tables = Tables::new();
    for (name, recorder) in [
        ("neurons", meter[0]),
        ("readouts", readout_meter[0]),
        ("spikes", spikes[0]),
        ("weights", weights[0]),
    ] {
        tables.insert(name, events(&mut rank.kernel, recorder));
    }
    tables.insert("connections", connections(&rank.kernel));
    let fired = rank.kernel.take_interval_spikes();
    tables.insert("spikes an interval", fired.into_iter().map(|count| vec![count]).collect());
    (tables, neurons, spikes[0])
}

#[test]
fn ranks_have_together_what_one_process_has() {
    have_together(false);
}

#[test]
fn ranks_of_e_prop_plus_have_together_what_one_process_has() {
    threads::set_grain(1);
    have_together(true);
}

fn have_together(plus: bool) {
    threads::set_budget(24.0).unwrap();
    let (one, neurons, recorder) = grown(Rank::new(None), plus, 1, 1e9);
    for name in ["neurons", "readouts", "spikes", "weights", "connections"] {
        assert!(one[name].len() > 100, "{name}: {}", one[name].len());
    }
    let expected = joined(std::slice::from_ref(&one), |_, _| true);
    let is_neuron = |id: u64| neurons.iter().any(|neuron| u64::from(*neuron) == id);
    let of_one = |name: &'static str, row: &[u64]| match name {
        "neurons" | "spikes" => row.iter().take(2).any(|value| is_neuron(*value)),
        // Times, senders, targets.
        "weights" => is_neuron(row[2]),
        "connections" => is_neuron(row[1]) || (is_neuron(row[0]) && row[1] == u64::from(recorder)),
        _ => false,
    };
    for (ranks, threads, cut) in [(1, 1, 1e9), (2, 1, 1e9), (3, 2, 17.0), (4, 1, 1.0), (8, 2, 30.0)] {
        let tables: Vec<Tables> = over_ranks(ranks, |rank| grown(rank, plus, threads, cut).0);
        let all = joined(&tables, of_one);
        for (name, rows) in &expected {
            assert!(
                *rows == all[name],
                "{name} of {ranks} ranks: {} rows, {} of one",
                all[name].len(),
                rows.len()
            );
        }
    }
}

/// A small network that learns.
fn small(rank: &mut Rank, synapse: &Dict) -> Vec<u32> {
    let kernel = Dict::new().with("resolution", 1.0).with("eprop_update_interval", 20.0);
    rank.kernel.set(&kernel.with("eprop_learning_window", 20.0)).unwrap();
    let times: Vec<f64> = (1..100).map(f64::from).collect();
    let input = rank.create("spike_generator", 1, Dict::new().with("spike_times", times));
    let neurons = rank.create(
        "eprop_iaf_bsshslm_2020",
        8,
        Dict::new().with("E_L", 0.0).with("V_th", 1.0).with("C_m", 1.0).with("surrogate_gradient_width", 1e3),
    );
    let readout = rank.create("eprop_readout_bsshslm_2020", 1, Dict::new());
    rank.kernel.set_defaults("eprop_synapse_bsshslm_2020", synapse).unwrap();
    let plastic = Dict::new().with("synapse_model", "eprop_synapse_bsshslm_2020");
    rank.connect(&input, &neurons, rule("all_to_all"), plastic.clone());
    rank.connect(&neurons, &readout, rule("all_to_all"), plastic);
    let signal = Dict::new().with("synapse_model", "eprop_learning_signal_connection_bsshslm_2020");
    rank.connect(&readout, &neurons, rule("all_to_all"), signal);
    neurons
}

/// A kernel with the neurons of the other of two ranks.
fn other_part(rank: usize) -> Kernel {
    let mut kernel = Kernel::new();
    kernel.share_neurons(1 - rank, 2).unwrap();
    kernel
}

#[test]
fn what_ranks_that_share_neurons_cannot_do_is_refused_by_name() {
    threads::set_budget(8.0).unwrap();
    let refused = |change: &(dyn Fn(&mut Rank) + Sync)| {
        let errors = over_ranks(2, |mut rank| {
            change(&mut rank);
            rank.simulate(50.0).unwrap_err()
        });
        assert_eq!(errors[0], errors[1]);
        errors[0].clone()
    };
    let named = |name: &str, change: &(dyn Fn(&mut Rank) + Sync)| {
        let error = refused(change);
        assert_eq!(
            (error.code, error.parameter.as_deref()),
            (ErrorCode::NotImplemented, Some(name)),
            "{error}"
        );
    };
    named("clip_norm", &|rank| {
        small(rank, &Dict::new());
        rank.kernel.set(&Dict::new().with("clip_norm", 1.0)).unwrap();
    });
    named("rewiring", &|rank| {
        small(rank, &Dict::new().with("rewiring", "prune"));
    });
    named("learns_bias", &|rank| {
        let neurons = small(rank, &Dict::new());
        let learns = Params::Shared(Dict::new().with("learns_bias", true));
        rank.kernel.set_nodes(&neurons[..1], &learns).unwrap();
    });
    named("feedback_decay", &|rank| {
        small(rank, &Dict::new());
        let adaptive = Dict::new().with("feedback", "adaptive").with("feedback_decay", 0.1);
        rank.kernel.set_defaults("eprop_learning_signal_connection_bsshslm_2020", &adaptive).unwrap();
    });
    for model in ["poisson_generator", "noise_generator"] {
        let error = refused(&|rank| {
            let neurons = small(rank, &Dict::new());
            let generator = rank.create(model, 1, Dict::new());
            // One of the ranks has that neuron.
            rank.connect(&generator, &neurons[..1], rule("all_to_all"), Dict::new());
        });
        assert_eq!((error.code, error.model.as_deref()), (ErrorCode::NotImplemented, Some(model)));
    }
    // What needs no exchange.
    over_ranks(2, |mut rank| {
        let neurons = small(&mut rank, &Dict::new());
        rank.connect(&neurons, &neurons, rule("all_to_all"), Dict::new().with("delay", 3.0));
        rank.simulate(50.0).unwrap();
        // Each has a state of its own, and none a network that could be used elsewhere.
        let restored = |kernel: &mut Kernel| Kernel::restored(kernel.state().unwrap()).unwrap();
        let own = restored(&mut rank.kernel);
        assert!(rank.kernel.take_over(own).is_ok());
        for mut other in [Kernel::new(), other_part(rank.kernel.network().ownership.rank())] {
            let error = other.take_over(restored(&mut rank.kernel)).unwrap_err();
            assert_eq!((error.code, error.parameter.as_deref()), (ErrorCode::ValueError, Some("share")));
        }
        let error = rank.kernel.network_state().unwrap_err();
        assert_eq!((error.code, error.parameter.as_deref()), (ErrorCode::NotImplemented, Some("share")));
        let constant = ConnectionFilter {
            synapse_model: Some("static_synapse".to_owned()),
            ..ConnectionFilter::default()
        };
        let constant = handles(&rank.kernel.get_connections(&constant).unwrap());
        let weight = Params::Shared(Dict::new().with("weight", 2.0));
        let error = rank.kernel.set_connections(&constant, &weight).unwrap_err();
        assert_eq!((error.code, error.parameter.as_deref()), (ErrorCode::NotImplemented, Some("weight")));
        assert!(rank.kernel.disconnect(&[]).is_err());
        let recorder = rank.create("spike_recorder", 1, Dict::new());
        let file = Dict::new().with("record_to", "ascii");
        let shared = Params::Shared(file.clone());
        for error in [
            rank.kernel.set_nodes(&recorder, &shared).unwrap_err(),
            rank.kernel.create("multimeter", 1.0, &shared).unwrap_err(),
            rank.kernel.set_defaults("weight_recorder", &file).unwrap_err(),
            rank.kernel.copy_model("spike_recorder", "of_files", &file).unwrap_err(),
        ] {
            let of = (error.code, error.parameter.as_deref());
            assert_eq!(of, (ErrorCode::NotImplemented, Some("record_to")));
        }
        assert!(Inference::new(rank.kernel.network()).is_err());
        let known = neurons.iter().filter(|neuron| rank.kernel.get_nodes(&[**neuron], "V_m").is_ok()).count();
        assert_eq!(known, 4);
        assert_eq!(rank.kernel.get_nodes(&neurons, "V_th").unwrap().len(), 8);
        // It goes on with its ranks alone.
        let alone = rank.kernel.simulate(1.0, &RunControl::default()).unwrap_err();
        assert_eq!((alone.code, alone.parameter.as_deref()), (ErrorCode::KernelException, Some("world")));
        assert!(rank.kernel.share_neurons(0, 2).is_err());
    });
}

#[test]
fn ranks_that_drew_differently_do_not_begin() {
    threads::set_budget(8.0).unwrap();
    let errors = over_ranks(3, |mut rank| {
        let neurons = small(&mut rank, &Dict::new());
        let n = if rank.kernel.network().ownership.rank() == 2 { 3.0 } else { 2.0 };
        let fixed = rule("fixed_indegree").with("indegree", n);
        rank.connect(&neurons, &neurons, fixed, Dict::new());
        rank.simulate(10.0).unwrap_err()
    });
    for error in errors {
        assert_eq!(error.code, ErrorCode::MPIError);
        assert_eq!(error.parameter.as_deref(), Some("connections"));
    }
}

#[test]
fn a_weight_that_would_not_be_finite_stops_all_ranks_at_the_same_step() {
    threads::set_budget(8.0).unwrap();
    let stopped = |ranks: usize| {
        over_ranks(ranks, |mut rank| {
            let neurons = small(&mut rank, &Dict::new());
            // Onto one neuron alone.
            let optimizer = Dict::new().with("eta", 1e308).with("Wmin", -1e308).with("Wmax", 1e308);
            let wild = Dict::new().with("optimizer", optimizer);
            rank.kernel.copy_model("eprop_synapse_bsshslm_2020", "wild", &wild).unwrap();
            let synapse = Dict::new().with("synapse_model", "wild").with("weight", 30.0);
            rank.connect(&[1], &neurons[6..7], rule("one_to_one"), synapse);
            (rank.simulate(90.0).map_err(|error| error.code), rank.kernel.time())
        })
    };
    let one = stopped(1);
    assert_eq!(one[0].0, Err(ErrorCode::NumericalInstability));
    for ranks in [2, 3, 8] {
        assert!(stopped(ranks).into_iter().all(|outcome| outcome == one[0]), "{ranks} ranks");
    }
}
