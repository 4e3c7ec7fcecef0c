//! Whatever a saved state says, it is refused or gives a kernel that runs.

use std::io::Write;
use std::sync::{Mutex, Once};
use std::time::{Duration, Instant};

use eprop::base::control::RunControl;
use eprop::base::state::{Array, Numbers, State};
use eprop::describe::connections::ConnectionFilter;
use eprop::random::NumpyRandom;
use eprop::tables::value::Params;
use eprop::{Dict, ErrorCode, Kernel, Value};
use proptest::prelude::*;

/// A small network of all kinds of nodes, in the middle of a simulation.
fn running(seed: u32) -> Kernel {
    let mut random = NumpyRandom::new(seed);
    let mut below = |n: f64| random.random() * n;
    let mut kernel = Kernel::new();
    let interval = 20.0 + below(20.0).floor();
    kernel
        .set(
            &Dict::new()
                .with("resolution", 1.0)
                .with("eprop_update_interval", interval)
                .with("eprop_learning_window", interval)
                .with("eprop_reset_neurons_on_update", below(1.0) < 0.5)
                .with("local_num_threads", 1.0 + below(2.0).floor())
                .with("precision", if below(1.0) < 0.5 { "f64" } else { "f32" }),
        )
        .unwrap();
    let all = Dict::new().with("rule", "all_to_all");
    let one = Dict::new().with("rule", "one_to_one");
    let make = |kernel: &mut Kernel, model: &str, n: u32, values: Dict| -> Vec<u32> {
        let first = kernel.create(model, f64::from(n), &Params::Shared(values)).unwrap();
        (first..first + n).collect()
    };
    let times: Vec<f64> = (1..60).filter(|_| below(1.0) < 0.3).map(f64::from).collect();
    let generators = make(&mut kernel, "spike_generator", 3, Dict::new().with("spike_times", times));
    let parrots = make(&mut kernel, "parrot_neuron", 3, Dict::new());
    kernel
        .connect(&generators, &parrots, &one, &Dict::new().with("delay", 1.0 + below(4.0).floor()))
        .unwrap();
    let noise = make(&mut kernel, "poisson_generator", 2, Dict::new().with("rate", 200.0));
    for suffix in ["", "_bsshslm_2020"] {
        if below(1.0) < 0.3 {
            continue;
        }
        let plus = suffix.is_empty();
        let n = 2 + below(10.0) as u32;
        let model = format!("eprop_iaf{}{suffix}", if below(1.0) < 0.5 { "_adapt" } else { "" });
        let membrane = Dict::new().with("E_L", 0.0).with("V_m", 0.0).with("V_th", 0.5).with("C_m", 1.0);
        let neurons = make(&mut kernel, &model, n, membrane);
        let readouts = make(&mut kernel, &format!("eprop_readout{suffix}"), 2, Dict::new());
        let name = format!("eprop_synapse{suffix}");
        let optimizer = Dict::new()
            .with("type", if below(1.0) < 0.5 { "adam" } else { "gradient_descent" })
            .with("batch_size", 1.0 + below(2.0).floor());
        let watcher = make(&mut kernel, "weight_recorder", 1, Dict::new());
        let defaults =
            Dict::new().with("optimizer", optimizer).with("weight_recorder", Value::Nodes(watcher));
        kernel.set_defaults(&name, &defaults).unwrap();
        let plastic = Dict::new().with("synapse_model", name.as_str()).with("weight", 0.3);
        kernel.connect(&parrots, &neurons, &all, &plastic).unwrap();
        let rule = if below(1.0) < 0.5 {
            Dict::new().with("rule", "fixed_indegree").with("indegree", 2.0)
        } else {
            all.clone().with("allow_autapses", false)
        };
        kernel.connect(&neurons, &neurons, &rule, &plastic).unwrap();
        kernel.connect(&neurons, &readouts, &all, &plastic).unwrap();
        let late = Dict::new().with("delay", 1.0 + below(6.0).floor()).with("weight", 0.1);
        kernel.connect(&neurons, &neurons, &rule, &late).unwrap();
        kernel.connect(&noise, &neurons, &all, &Dict::new().with("weight", 0.1)).unwrap();
        let feedback = format!("eprop_learning_signal_connection{suffix}");
        let feedback = Dict::new().with("synapse_model", feedback.as_str()).with("weight", 1.0);
        kernel.connect(&readouts, &neurons, &all, &feedback).unwrap();
        let amplitudes = Dict::new()
            .with("amplitude_times", vec![1.0, 9.0, 30.0])
            .with("amplitude_values", vec![1.0, 0.0, 2.0]);
        let rate = make(&mut kernel, "step_rate_generator", 1, amplitudes);
        let target = Dict::new().with("synapse_model", "rate_connection_delayed").with("receptor_type", 2.0);
        kernel.connect(&rate, &readouts, &all, &target).unwrap();
        let what: &[&str] = &["V_m", "learning_signal"];
        let meter = make(&mut kernel, "multimeter", 1, Dict::new().with("record_from", what));
        kernel.connect(&meter, &neurons, &all, &Dict::new()).unwrap();
        let spikes = make(&mut kernel, "spike_recorder", 1, Dict::new());
        kernel.connect(&neurons, &spikes, &all, &Dict::new()).unwrap();
        kernel.connect(&parrots, &spikes, &all, &Dict::new()).unwrap();
        if plus {
            kernel.copy_model(&name, "copied", &Dict::new().with("weight", 0.2)).unwrap();
        }
    }
    kernel.simulate(1.0 + below(80.0).floor(), &RunControl::default()).unwrap();
    kernel
}

/// What is done to one array or text of a state.
#[derive(Debug, Clone)]
struct Mutation {
    which: prop::sample::Index,
    at: prop::sample::Index,
    how: u8,
    to: usize,
}

fn mutations() -> impl Strategy<Value = Vec<Mutation>> {
    let one = (any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0u8..16, 0usize..14)
        .prop_map(|(which, at, how, to)| Mutation { which, at, how, to });
    prop::collection::vec(one, 1..4)
}

const FLOATS: [f64; 14] = [
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    0.0,
    -1.0,
    1.0,
    0.5,
    2.0,
    1e300,
    -1e300,
    1e12,
    1e-300,
    4_294_967_296.0,
    9.1e15,
];
const INTEGERS: [i64; 14] =
    [0, 1, -1, 2, 3, 7, 100, 1000, 1_000_000, 1 << 31, 1 << 32, 1 << 53, i64::MAX, i64::MIN];
const TEXTS: [&str; 14] = [
    "",
    "eprop_iaf",
    "eprop_iaf_bsshslm_2020",
    "eprop_readout",
    "spike_generator",
    "parrot_neuron",
    "multimeter",
    "spike_recorder",
    "static_synapse",
    "eprop_synapse",
    "V_m",
    "error_signal",
    "adjoint",
    "f32",
];

macro_rules! change {
    ($values:ident, $mutation:ident, $to:expr) => {{
        let at = if $values.is_empty() { 0 } else { $mutation.at.index($values.len()) };
        match $mutation.how {
            0 => $values.clear(),
            1 => $values.truncate(at),
            2 => $values.extend_from_within(..),
            3 => $values.extend_from_within(..at),
            4 if !$values.is_empty() => {
                $values.remove(at);
            }
            5 if !$values.is_empty() => {
                let first = $values.first().cloned().unwrap();
                $values.fill(first);
            }
            6 => $values.reverse(),
            7 => $values.fill($to),
            _ if !$values.is_empty() => $values[at] = $to,
            _ => {}
        }
    }};
}

fn mutate(state: &mut State, mutation: &Mutation) {
    let names: Vec<String> = state.arrays.keys().cloned().collect();
    let texts: Vec<String> = state.texts.keys().cloned().collect();
    let which = mutation.which.index(names.len() + texts.len());
    if which >= names.len() {
        let list = state.texts.get_mut(&texts[which - names.len()]).unwrap();
        let to = TEXTS[mutation.to].to_owned();
        change!(list, mutation, to);
        return;
    }
    let name = &names[which];
    match mutation.how {
        14 => {
            state.arrays.remove(name);
        }
        15 => {
            // The content of another.
            let other = state.arrays[&names[mutation.at.index(names.len())]].clone();
            state.arrays.insert(name.clone(), other);
        }
        _ => {
            let Array { shape, numbers } = state.arrays.get_mut(name).unwrap();
            let integer = INTEGERS[mutation.to];
            match numbers {
                Numbers::F64(values) => {
                    let near = values.first().copied().unwrap_or(0.0) + 1.0;
                    let to = if mutation.how == 8 { near } else { FLOATS[mutation.to] };
                    change!(values, mutation, to);
                }
                Numbers::I64(values) => {
                    let near = values.first().copied().unwrap_or(0).wrapping_add(1);
                    let to = if mutation.how == 8 { near } else { integer };
                    change!(values, mutation, to);
                }
                Numbers::U64(values) => {
                    let near = values.first().copied().unwrap_or(0).wrapping_add(1);
                    let to = if mutation.how == 8 { near } else { integer as u64 };
                    change!(values, mutation, to);
                }
                Numbers::U32(values) => {
                    let near = values.first().copied().unwrap_or(0).wrapping_add(1);
                    let to = if mutation.how == 8 { near } else { integer as u32 };
                    change!(values, mutation, to);
                }
                Numbers::U8(values) => change!(values, mutation, integer as u8),
            }
            *shape = vec![numbers.len()];
        }
    }
}

/// The case that is under way, and since when.
static CASE: Mutex<Option<(Instant, String)>> = Mutex::new(None);

/// Ends the watch of a case, also where it fails.
struct Watch;

impl Drop for Watch {
    fn drop(&mut self) {
        *CASE.lock().unwrap() = None;
    }
}

/// Ends the process where a case hangs, since nothing else would say so.
fn watched<T>(what: &str, call: impl FnOnce() -> T) -> T {
    static WATCH: Once = Once::new();
    WATCH.call_once(|| {
        std::thread::spawn(|| {
            loop {
                std::thread::sleep(Duration::from_secs(5));
                if let Some((begun, what)) = &*CASE.lock().unwrap()
                    && begun.elapsed() > Duration::from_secs(60)
                {
                    // The tests' harness keeps what is printed by a macro, and loses it with the process.
                    std::io::stderr().write_all(format!("hangs: {what}\n").as_bytes()).unwrap();
                    std::process::abort();
                }
            }
        });
    });
    *CASE.lock().unwrap() = Some((Instant::now(), what.to_owned()));
    let _watch = Watch;
    call()
}

/// Uses a kernel; whatever is refused is refused with an error of its own.
fn used(kernel: &mut Kernel) {
    let allowed = |outcome: eprop::Result<()>| {
        if let Err(error) = outcome {
            assert_ne!(error.code, ErrorCode::InternalError, "{error}");
        }
    };
    allowed(kernel.memory().map(drop));
    allowed(kernel.simulate(5.0 * kernel.network().kernel.resolution, &RunControl::default()));
    allowed(kernel.state().map(drop));
    allowed(kernel.get_connections(&ConnectionFilter::default()).map(drop));
    for node in 1..=kernel.node_count() as u32 {
        allowed(kernel.get_nodes(&[node], "V_m").map(drop));
        allowed(kernel.take_events(node).map(drop));
    }
    let _ = kernel.get();
}

/// Holds two states against each other, to the bit.
fn same(one: &State, other: &State) {
    let bits = |numbers: &Numbers| match numbers {
        Numbers::F64(values) => Numbers::U64(values.iter().map(|value| value.to_bits()).collect()),
        numbers => numbers.clone(),
    };
    assert!(one.arrays.keys().eq(other.arrays.keys()));
    for (name, array) in &one.arrays {
        assert_eq!(bits(&array.numbers), bits(&other.arrays[name].numbers), "{name}");
    }
    assert_eq!(one.texts, other.texts);
}

fn cases(default: u32) -> u32 {
    std::env::var("EPROP_FUZZ_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(300), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_mutated_state_is_refused_or_runs(seed in 0u32..64, mutations in mutations()) {
        let mut state = running(seed).state().unwrap();
        for mutation in &mutations {
            mutate(&mut state, mutation);
        }
        watched(&format!("{seed} {mutations:?}"), || {
            let network = state.clone();
            match Kernel::restored(state) {
                Err(error) => assert_ne!(error.code, ErrorCode::InternalError, "{error}"),
                Ok(mut kernel) => used(&mut kernel),
            }
            match Kernel::with_network(network) {
                Err(error) => assert_ne!(error.code, ErrorCode::InternalError, "{error}"),
                Ok(mut kernel) => used(&mut kernel),
            }
        });
    }

    #[test]
    fn a_state_as_it_was_saved_is_read(seed in any::<u32>()) {
        let mut kernel = running(seed);
        let state = kernel.state().unwrap();
        let mut restored = Kernel::restored(state.clone()).unwrap();
        same(&restored.state().unwrap(), &state);
        kernel.simulate(7.0, &RunControl::default()).unwrap();
        restored.simulate(7.0, &RunControl::default()).unwrap();
        same(&restored.state().unwrap(), &kernel.state().unwrap());
    }
}
