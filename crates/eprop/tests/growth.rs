//! A network that grows, or is changed, in the middle goes on as one that was described so at the start.

mod common;

use common::weights;
use eprop::base::control::RunControl;
use eprop::describe::connections::{ConnectionFilter, ConnectionHandle};
use eprop::random::NumpyRandom;
use eprop::record::EventColumn;
use eprop::tables::value::Params;
use eprop::{Dict, ErrorCode, Kernel, Value};
use proptest::prelude::*;

/// What is added to a network, and has no effect on what there was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Growth {
    /// Plastic connections among the recurrent neurons, with weights 0 and learning rate 0.
    Recurrent,
    /// The same, pair by pair.
    RecurrentPairs,
    /// Plastic connections from a generator that stays silent, onto recurrent neurons.
    SilentInput,
    /// The same, onto readouts.
    SilentReadoutInput,
    /// Recurrent neurons that nothing reaches.
    Neurons,
    /// Readouts that nothing reaches and that reach nothing.
    Readouts,
    /// Neurons of the other rule.
    OtherFamily,
    /// A multimeter and a spike recorder on everything.
    Recorders,
}

const ALL: [Growth; 8] = [
    Growth::Recurrent,
    Growth::RecurrentPairs,
    Growth::SilentInput,
    Growth::SilentReadoutInput,
    Growth::Neurons,
    Growth::Readouts,
    Growth::OtherFamily,
    Growth::Recorders,
];

#[derive(Debug, Clone)]
struct Case {
    plus: bool,
    precision: &'static str,
    gradient: &'static str,
    optimizer: &'static str,
    threads: usize,
    inputs: usize,
    neurons: usize,
    readouts: usize,
    interval: usize,
    batch: usize,
    seed: u32,
}

impl Case {
    fn suffix(&self) -> &'static str {
        if self.plus { "" } else { "_bsshslm_2020" }
    }

    fn model(&self, name: &str) -> String {
        format!("{name}{}", self.suffix())
    }
}

struct Built {
    kernel: Kernel,
    /// Generators that emit nothing, whose connections come first in every order.
    silent: Vec<u32>,
    inputs: Vec<u32>,
    recurrent: Vec<u32>,
    readouts: Vec<u32>,
    target: Vec<u32>,
}

fn create(kernel: &mut Kernel, model: &str, n: usize, params: &Dict) -> Vec<u32> {
    let first = kernel.create(model, n as f64, &Params::Shared(params.clone())).unwrap();
    (first..first + n as u32).collect()
}

fn rule() -> Dict {
    Dict::new().with("rule", "all_to_all").with("allow_autapses", false)
}

fn membrane() -> Dict {
    Dict::new().with("C_m", 1.0).with("E_L", 0.0).with("V_m", 0.0).with("tau_m", 20.0)
}

fn neuron(case: &Case) -> Dict {
    let neuron = membrane().with("V_th", 0.5).with("t_ref", 1.0).with("c_reg", 10.0);
    let neuron = neuron.with("surrogate_gradient_width", 1.0);
    if case.plus { neuron.with("eprop_isi_trace_cutoff", 40.0) } else { neuron }
}

fn simulate(kernel: &mut Kernel, ms: f64) {
    kernel.simulate(ms, &RunControl::default()).unwrap();
}

/// A network of inputs, recurrent neurons and readouts with targets, all plastic.
fn build(case: &Case) -> Built {
    let mut kernel = Kernel::new();
    let mut random = NumpyRandom::new(case.seed);
    kernel
        .set(
            &Dict::new()
                .with("resolution", 1.0)
                .with("eprop_update_interval", case.interval as f64)
                .with("eprop_learning_window", case.interval as f64)
                .with("gradient", case.gradient)
                .with("precision", case.precision)
                .with("local_num_threads", case.threads as f64),
        )
        .unwrap();
    let optimizer = Dict::new()
        .with("type", case.optimizer)
        .with("eta", 1e-2)
        .with("batch_size", case.batch as f64)
        .with("Wmin", -1e3)
        .with("Wmax", 1e3);
    let plastic = case.model("eprop_synapse");
    // What is added later must not learn: it would come to have an effect. No other rate was ever set for it.
    let frozen =
        Dict::new().with("type", case.optimizer).with("eta", 0.0).with("batch_size", case.batch as f64);
    kernel.copy_model(&plastic, "frozen", &Dict::new().with("optimizer", frozen)).unwrap();
    // No learning rate was ever set for this one.
    kernel.copy_model(&plastic, "untouched", &Dict::new()).unwrap();
    kernel.set_defaults(&plastic, &Dict::new().with("optimizer", optimizer)).unwrap();
    let silent = create(&mut kernel, "spike_generator", 2, &Dict::new());
    let inputs = create(&mut kernel, "spike_generator", case.inputs, &Dict::new());
    for node in &inputs {
        let times: Vec<f64> = (1..400).filter(|_| random.random() < 0.15).map(f64::from).collect();
        kernel.set_nodes(&[*node], &Params::Shared(Dict::new().with("spike_times", times))).unwrap();
    }
    let recurrent = create(&mut kernel, &case.model("eprop_iaf"), case.neurons, &neuron(case));
    let readouts = create(&mut kernel, &case.model("eprop_readout"), case.readouts, &membrane());
    let mut connect = |from: &[u32], to: &[u32], model: &str, std: f64| {
        let data = (0..from.len() * to.len()).map(|_| std * random.randn()).collect();
        let mut synapse = Dict::new().with("synapse_model", model).with("delay", 1.0);
        synapse.set("weight", Value::Matrix { rows: to.len(), columns: from.len(), data });
        kernel.connect(from, to, &rule(), &synapse).unwrap();
    };
    connect(&inputs, &recurrent, &plastic, 1.0 / (case.inputs as f64).sqrt());
    connect(&recurrent, &readouts, &plastic, 1.0 / (case.neurons as f64).sqrt());
    connect(&readouts, &recurrent, &case.model("eprop_learning_signal_connection"), 1.0);
    let rate = |receptor: f64| {
        Dict::new()
            .with("synapse_model", "rate_connection_delayed")
            .with("delay", 1.0)
            .with("receptor_type", receptor)
    };
    let signal =
        |value: f64| Dict::new().with("amplitude_times", vec![1.0]).with("amplitude_values", vec![value]);
    let target = create(&mut kernel, "step_rate_generator", 1, &signal(0.3));
    kernel.connect(&target, &readouts, &rule(), &rate(2.0)).unwrap();
    if case.plus {
        let window = create(&mut kernel, "step_rate_generator", 1, &signal(1.0));
        kernel.connect(&window, &readouts, &rule(), &rate(1.0)).unwrap();
    }
    Built { kernel, silent, inputs, recurrent, readouts, target }
}

fn grow(built: &mut Built, case: &Case, growth: Growth) {
    let Built { kernel, silent, inputs, recurrent, readouts, .. } = built;
    let frozen = Dict::new().with("synapse_model", "frozen").with("weight", 0.0).with("delay", 1.0);
    match growth {
        Growth::Recurrent => kernel.connect(recurrent, recurrent, &rule(), &frozen).unwrap(),
        Growth::RecurrentPairs => {
            let pairs = |offset: usize| -> Vec<u32> {
                (0..3 * recurrent.len())
                    .map(|at| recurrent[(at / 2 + offset * at) % recurrent.len()])
                    .collect()
            };
            kernel.connect_pairs(&pairs(0), &pairs(1), &frozen).unwrap();
        }
        Growth::SilentInput | Growth::SilentReadoutInput => {
            let onto = if growth == Growth::SilentInput { recurrent } else { readouts };
            kernel.connect(silent, onto, &rule(), &frozen).unwrap();
        }
        Growth::Neurons => {
            let more = create(kernel, &case.model("eprop_iaf"), 13, &neuron(case));
            kernel.connect(inputs, &more, &rule(), &frozen).unwrap();
        }
        Growth::Readouts => {
            let more = create(kernel, &case.model("eprop_readout"), 3, &membrane());
            kernel.connect(recurrent, &more, &rule(), &frozen).unwrap();
        }
        Growth::OtherFamily => {
            let other = if case.plus { "_bsshslm_2020" } else { "" };
            let neurons = create(kernel, &format!("eprop_iaf{other}"), 5, &membrane().with("V_th", 0.5));
            let readout = create(kernel, &format!("eprop_readout{other}"), 2, &membrane());
            let model = format!("eprop_synapse{other}");
            let synapse = Dict::new().with("synapse_model", model.as_str()).with("delay", 1.0);
            kernel.connect(inputs, &neurons, &rule(), &synapse.clone().with("weight", 0.1)).unwrap();
            kernel.connect(&neurons, &readout, &rule(), &synapse.with("weight", 0.1)).unwrap();
        }
        Growth::Recorders => {
            let meter = create(kernel, "multimeter", 1, &Dict::new());
            kernel.connect(&meter, recurrent, &rule(), &Dict::new()).unwrap();
            let spikes = create(kernel, "spike_recorder", 1, &Dict::new());
            kernel.connect(recurrent, &spikes, &rule(), &Dict::new()).unwrap();
        }
    }
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// Weights of the network that `build` makes.
fn own_weights(built: &Built) -> Vec<u64> {
    let of = |sources: &[u32], targets: &[u32]| {
        let filter = ConnectionFilter {
            sources: Some(sources.to_vec()),
            targets: Some(targets.to_vec()),
            synapse_model: None,
        };
        built.kernel.get_connections(&filter).unwrap().weight
    };
    let mut weights = of(&built.inputs, &built.recurrent);
    weights.extend(of(&built.recurrent, &built.readouts));
    bits(&weights)
}

fn restore(built: &mut Built) {
    built.kernel = Kernel::restored(built.kernel.state().unwrap()).unwrap();
}

/// Grows at these steps, simulates in between and up to the last, and looks at what is there.
fn grown(case: &Case, growths: &[(usize, Growth)], total: usize, saves: bool) -> Vec<u64> {
    let mut built = build(case);
    let mut time = 0;
    for (step, growth) in growths {
        simulate(&mut built.kernel, (step - time) as f64);
        time = *step;
        if saves {
            restore(&mut built);
        }
        grow(&mut built, case, *growth);
        if saves {
            restore(&mut built);
        }
    }
    simulate(&mut built.kernel, (total - time) as f64);
    own_weights(&built)
}

fn cases() -> impl Strategy<Value = Case> {
    let large = prop_oneof![3 => Just((7usize, 21usize)), 1 => Just((100, 260))];
    (
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        1usize..3,
        large,
        1usize..4,
        2usize..30,
        (1usize..4, any::<u32>()),
    )
        .prop_map(
            |(plus, single, forward, adam, threads, (inputs, neurons), readouts, interval, rest)| Case {
                plus,
                precision: if single { "f32" } else { "f64" },
                // The definition takes its time with large networks.
                gradient: if forward && neurons < 100 { "forward" } else { "adjoint" },
                optimizer: if adam { "adam" } else { "gradient_descent" },
                threads,
                inputs,
                neurons,
                readouts,
                interval,
                batch: rest.0,
                seed: rest.1,
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    /// What has no effect changes nothing, whenever it comes, in whatever order, with a kernel saved in between or not.
    #[test]
    fn growth_without_effect_changes_no_bit(
        case in cases(),
        steps in prop::collection::vec((0usize..90, 0usize..ALL.len()), 1..4),
        saves in any::<bool>(),
    ) {
        let mut growths: Vec<(usize, Growth)> = steps.into_iter().map(|(step, at)| (step, ALL[at])).collect();
        growths.sort_by_key(|(step, _)| *step);
        let total = 90 + case.interval;
        let alone = grown(&case, &[], total, false);
        prop_assert!(grown(&case, &growths, total, saves) == alone);
        let at_once: Vec<_> = growths.iter().map(|(_, growth)| (0, *growth)).collect();
        prop_assert!(grown(&case, &at_once, total, saves) == alone);
    }
}

fn several_tiles() -> Case {
    Case {
        plus: false,
        precision: "f64",
        gradient: "adjoint",
        optimizer: "gradient_descent",
        threads: 1,
        inputs: 100,
        neurons: 250,
        readouts: 2,
        interval: 20,
        batch: 3,
        seed: 1,
    }
}

/// The sums of half a batch follow their synapses where tiles become narrower.
#[test]
fn half_a_batch_survives_another_projection() {
    for growth in [Growth::Recurrent, Growth::RecurrentPairs, Growth::Neurons] {
        for step in [10, 33, 59] {
            let case = several_tiles();
            let alone = grown(&case, &[], 64, false);
            assert!(grown(&case, &[(step, growth)], 64, false) == alone, "{growth:?} at {step}");
        }
    }
}

/// Weights from before an update belong to their projection, at the step at which they still hold, too.
#[test]
fn a_projection_added_where_an_update_is_due_disturbs_no_other() {
    for neurons in [50, 250] {
        for step in 20..26 {
            let case = Case { neurons, batch: 1, ..several_tiles() };
            let alone = grown(&case, &[], 64, false);
            for saves in [false, true] {
                let grown = grown(&case, &[(step, Growth::SilentReadoutInput)], 64, saves);
                assert!(grown == alone, "{neurons} neurons, at {step}, saved: {saves}");
            }
        }
    }
}

/// Readouts and neurons may come when the others have run already, alone or not.
#[test]
fn populations_may_begin_at_any_step() {
    for plus in [false, true] {
        for (first, second) in [("eprop_iaf", "eprop_readout"), ("eprop_readout", "eprop_iaf")] {
            for step in [0, 1, 2, 3, 7, 30] {
                let case = Case { plus, interval: 5, ..several_tiles() };
                let mut kernel = Kernel::new();
                let settings = Dict::new().with("resolution", 1.0).with("eprop_update_interval", 5.0);
                kernel.set(&settings.with("eprop_learning_window", 5.0)).unwrap();
                let params = |model: &str| if model == "eprop_iaf" { neuron(&case) } else { membrane() };
                create(&mut kernel, &case.model(first), 3, &params(first));
                kernel.memory().unwrap();
                simulate(&mut kernel, f64::from(step));
                create(&mut kernel, &case.model(second), 4, &params(second));
                simulate(&mut kernel, 1.0);
                kernel = Kernel::restored(kernel.state().unwrap()).unwrap();
                simulate(&mut kernel, 23.0);
                assert_eq!(kernel.time(), f64::from(step) + 24.0);
            }
        }
    }
}

/// A network that is described late runs as one that is described at the same place of an interval at the start.
#[test]
fn a_family_that_begins_late_runs_in_its_own_time() {
    let voltage = |wait: f64| {
        let mut kernel = Kernel::new();
        let settings = Dict::new().with("resolution", 1.0).with("eprop_update_interval", 10.0);
        kernel.set(&settings.with("eprop_learning_window", 10.0)).unwrap();
        create(&mut kernel, "eprop_iaf", 1, &membrane().with("V_th", 0.5));
        simulate(&mut kernel, wait);
        let node =
            create(&mut kernel, "eprop_iaf_bsshslm_2020", 1, &membrane().with("V_th", 5.0).with("I_e", 0.01));
        let names: &[&str] = &["V_m"];
        let meter = create(&mut kernel, "multimeter", 1, &Dict::new().with("record_from", names));
        kernel.connect(&meter, &node, &rule(), &Dict::new()).unwrap();
        simulate(&mut kernel, 40.0);
        let events = kernel.events(meter[0]).unwrap();
        let EventColumn::Floats(values) = &events.columns[2].1 else { panic!("voltages are numbers") };
        let EventColumn::Floats(times) = &events.columns[0].1 else { panic!("times are numbers") };
        assert_eq!(times[0], wait + 1.0);
        values.clone()
    };
    let (late, later) = (voltage(13.0), voltage(233.0));
    assert_eq!(late, later);
    assert!(late[..9].windows(2).all(|pair| pair[0] < pair[1]), "it is charged from rest on");
}

/// An update interval of one step, in which nothing is learned over recurrent synapses.
#[test]
fn an_update_interval_may_be_one_step() {
    for gradient in ["adjoint", "forward"] {
        let case = Case { interval: 1, gradient, batch: 1, inputs: 5, neurons: 20, ..several_tiles() };
        let mut built = build(&case);
        let before = own_weights(&built);
        simulate(&mut built.kernel, 40.0);
        restore(&mut built);
        simulate(&mut built.kernel, 7.0);
        assert_eq!(own_weights(&built)[..100], before[..100]);
    }
}

/// A row may have more synapses than there are readouts.
#[test]
fn multapses_learn_alike() {
    for plus in [false, true] {
        let case = Case { plus, neurons: 20, inputs: 10, batch: 1, ..several_tiles() };
        let mut built = build(&case);
        let plastic = case.model("eprop_synapse");
        let synapse =
            Dict::new().with("synapse_model", plastic.as_str()).with("weight", 0.1).with("delay", 1.0);
        let sources: Vec<u32> = built.recurrent.iter().flat_map(|node| [*node; 6]).collect();
        let targets: Vec<u32> = (0..sources.len()).map(|at| built.readouts[at % 2]).collect();
        built.kernel.connect_pairs(&sources, &targets, &synapse).unwrap();
        simulate(&mut built.kernel, 90.0);
        let weights = built.kernel.network().projections.last().unwrap().weights.clone();
        assert!(weights.iter().any(|weight| *weight != 0.1), "nothing was learned");
        for row in weights.chunks(6) {
            assert!(row[1..3] == [row[0]; 2] && row[4..] == [row[3]; 2], "{row:?}");
        }
    }
}

/// Looking at a kernel settles nothing.
#[test]
fn looking_does_not_freeze_a_learning_rate() {
    for plus in [false, true] {
        let run = |look: fn(&mut Kernel)| {
            let case = Case { plus, neurons: 20, inputs: 10, batch: 1, ..several_tiles() };
            let mut built = build(&case);
            let late = Dict::new().with("synapse_model", "untouched").with("weight", 0.2).with("delay", 1.0);
            built.kernel.connect(&built.inputs, &built.recurrent, &rule(), &late).unwrap();
            look(&mut built.kernel);
            let optimizer = Dict::new().with("eta", 0.7);
            built.kernel.set_defaults("untouched", &Dict::new().with("optimizer", optimizer)).unwrap();
            simulate(&mut built.kernel, 70.0);
            bits(&weights(&built.kernel))
        };
        let blind = run(|_| {});
        let looks: [fn(&mut Kernel); 3] = [
            |kernel| drop(kernel.memory().unwrap()),
            |kernel| drop(kernel.state().unwrap()),
            |kernel| simulate(kernel, 0.0),
        ];
        for look in looks {
            assert!(run(look) == blind);
        }
    }
}

fn handles(kernel: &Kernel, sources: &[u32], targets: &[u32]) -> Vec<ConnectionHandle> {
    let filter = ConnectionFilter {
        sources: Some(sources.to_vec()),
        targets: Some(targets.to_vec()),
        synapse_model: None,
    };
    let table = kernel.get_connections(&filter).unwrap();
    let entries = table.projection.iter().zip(&table.entry);
    entries.map(|(projection, entry)| ConnectionHandle { projection: *projection, entry: *entry }).collect()
}

/// A gradient that overflows stops the simulation, the same way on any number of threads, and changes no weight; what is
/// then mended goes on.
#[test]
fn a_gradient_that_is_not_finite_stops_the_simulation() {
    for (gradient, batch) in [("adjoint", 3), ("forward", 1), ("adjoint", 1)] {
        let run = |threads: usize, cuts: f64| {
            let case = Case { threads, gradient, batch, neurons: 20, inputs: 10, ..several_tiles() };
            let mut built = build(&case);
            let feedback = handles(&built.kernel, &built.readouts, &built.recurrent);
            simulate(&mut built.kernel, 35.0);
            built
                .kernel
                .set_connections(&feedback, &Params::Shared(Dict::new().with("weight", 1e308)))
                .unwrap();
            let signal = Dict::new().with("amplitude_times", vec![36.0]).with("amplitude_values", vec![1e3]);
            built.kernel.set_nodes(&built.target, &Params::Shared(signal)).unwrap();
            let before = own_weights(&built);
            let error = loop {
                if let Err(error) = built.kernel.simulate(cuts, &RunControl::default()) {
                    break error;
                }
            };
            assert_eq!(error.code, ErrorCode::NumericalInstability);
            assert!(
                error.value.as_ref().unwrap().contains("update interval 1, from 22 ms to 42 ms"),
                "{error}"
            );
            assert_eq!(built.kernel.time(), 42.0);
            let again = built.kernel.simulate(5.0, &RunControl::default()).unwrap_err();
            assert_eq!(again, error);
            restore(&mut built);
            assert_eq!(built.kernel.simulate(5.0, &RunControl::default()).unwrap_err(), error);
            assert!(own_weights(&built) == before);
            built
                .kernel
                .set_connections(&feedback, &Params::Shared(Dict::new().with("weight", 1.0)))
                .unwrap();
            simulate(&mut built.kernel, 90.0);
            own_weights(&built)
        };
        let one = run(1, 100.0);
        assert!(run(2, 100.0) == one && run(1, 1.0) == one && run(2, 7.0) == one);
    }
}

/// Where Adam would divide zero by zero, weights stay as they are; with an `epsilon` it goes on.
#[test]
fn an_update_that_is_not_finite_is_refused_as_a_whole() {
    for plus in [false, true] {
        for threads in [1, 2] {
            let case = Case {
                plus,
                threads,
                optimizer: "adam",
                neurons: 20,
                inputs: 10,
                batch: 2,
                ..several_tiles()
            };
            let mut built = build(&case);
            let plastic = case.model("eprop_synapse");
            let epsilon = |value: f64| Dict::new().with("optimizer", Dict::new().with("epsilon", value));
            built.kernel.set_defaults(&plastic, &epsilon(0.0)).unwrap();
            // Its gradients are always zero.
            let numb =
                create(&mut built.kernel, &case.model("eprop_iaf"), 1, &neuron(&case).with("V_th", 1e3));
            let synapse = Dict::new().with("synapse_model", plastic.as_str()).with("delay", 1.0);
            built.kernel.connect(&built.inputs, &numb, &rule(), &synapse).unwrap();
            let before = own_weights(&built);
            let error = built.kernel.simulate(150.0, &RunControl::default()).unwrap_err();
            assert_eq!(error.code, ErrorCode::NumericalInstability);
            if !plus {
                assert!(own_weights(&built) == before);
                assert_eq!(built.kernel.time(), 42.0);
                assert_eq!(built.kernel.simulate(150.0, &RunControl::default()).unwrap_err(), error);
            }
            built.kernel.set_defaults(&plastic, &epsilon(1e-8)).unwrap();
            simulate(&mut built.kernel, 50.0);
            assert!(weights(&built.kernel).iter().all(|weight| weight.is_finite() && weight.abs() < 10.0));
        }
    }
}

/// A refused plan leaves the last one in force.
#[test]
fn a_network_that_cannot_be_planned_stays_as_it_is() {
    let case = Case { neurons: 20, inputs: 10, ..several_tiles() };
    let mut built = build(&case);
    simulate(&mut built.kernel, 30.0);
    let before = own_weights(&built);
    let parrot = create(&mut built.kernel, "parrot_neuron", 1, &Dict::new());
    let refused = built.kernel.connect(&built.recurrent[..1], &parrot, &rule(), &Dict::new()).is_err()
        || built.kernel.simulate(10.0, &RunControl::default()).is_err();
    assert!(refused);
    assert_eq!(built.kernel.time(), 30.0);
    assert!(own_weights(&built) == before);
}
