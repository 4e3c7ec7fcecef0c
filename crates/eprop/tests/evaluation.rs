//! Losses that are summed while readouts are recorded are those of all that is recorded.

use std::sync::Arc;

use eprop::base::control::RunControl;
use eprop::base::exchange::{DryRun, Exchange};
use eprop::base::threads;
use eprop::random::RandomParameter;
use eprop::record::EventColumn;
use eprop::tables::value::Params;
use eprop::{Dict, ErrorCode, Kernel, Value};

/// Steps of a sequence, those that count, and sequences of a batch.
const STEPS: usize = 40;
const WINDOW: usize = 7;
const BATCH: usize = 3;
const READOUTS: usize = 2;

struct Network {
    kernel: Kernel,
    control: RunControl,
    /// What is evaluated, and what keeps all of it.
    evaluated: u32,
    whole: u32,
    readouts: Vec<u32>,
}

fn normal(std: f64) -> Value {
    Value::Random(RandomParameter::new("normal", 0.0, std).unwrap())
}

/// A family's models: neurons, readouts, synapses, learning signals.
const FAMILIES: [[&str; 4]; 2] = [
    [
        "eprop_iaf_bsshslm_2020",
        "eprop_readout_bsshslm_2020",
        "eprop_synapse_bsshslm_2020",
        "eprop_learning_signal_connection_bsshslm_2020",
    ],
    ["eprop_iaf", "eprop_readout", "eprop_synapse", "eprop_learning_signal_connection"],
];

fn network([neuron, readout, synapse, feedback]: [&str; 4], world: Option<Arc<dyn Exchange>>) -> Network {
    let mut kernel = Kernel::new();
    let parameters = Dict::new()
        .with("resolution", 1.0)
        .with("eprop_update_interval", STEPS as f64)
        .with("eprop_learning_window", WINDOW as f64)
        .with("eprop_reset_neurons_on_update", true);
    kernel.set(&parameters).unwrap();
    if synapse == FAMILIES[0][2] {
        let optimizer = Dict::new().with("batch_size", BATCH as f64);
        kernel.set_defaults(synapse, &Dict::new().with("optimizer", Value::Dict(optimizer))).unwrap();
    }
    let mut create = |model: &str, n: usize, params: Dict| -> Vec<u32> {
        let first = kernel.create(model, n as f64, &Params::Shared(params)).unwrap();
        (first..first + n as u32).collect()
    };
    let rate = Dict::new().with("rate", 2000.0);
    let generators = create("poisson_generator", 5, rate);
    let parrots = create("parrot_neuron", 5, Dict::new());
    let neurons = create(neuron, 12, Dict::new());
    let readouts = create(readout, READOUTS, Dict::new());
    let times: Vec<f64> = (1..20).map(|time| 13.0 * f64::from(time)).collect();
    let values: Vec<f64> = times.iter().map(|time| (time * 0.7).sin()).collect();
    let target = Dict::new().with("amplitude_times", times).with("amplitude_values", values);
    let targets = create("step_rate_generator", READOUTS, target);
    let record = ["readout_signal", "target_signal"].map(String::from).to_vec();
    let multimeter = Dict::new().with("record_from", Value::Texts(record)).with("interval", 1.0);
    let open = Dict::new().with("amplitude_times", vec![1.0]).with("amplitude_values", vec![1.0]);
    let window = create("step_rate_generator", 1, open);
    let evaluated = create("multimeter", 1, multimeter.clone());
    let whole = create("multimeter", 1, multimeter);
    let rule = |name: &str| Dict::new().with("rule", name);
    let of = |model: &str, std: f64| Dict::new().with("synapse_model", model).with("weight", normal(std));
    let all = rule("all_to_all");
    let constant = Dict::new().with("delay", 1.0);
    let mut connect = |from: &[u32], to: &[u32], rule: &Dict, synapse: &Dict| {
        kernel.connect(from, to, rule, synapse).unwrap();
    };
    connect(&generators, &parrots, &rule("one_to_one"), &constant);
    connect(&parrots, &neurons, &all, &of(synapse, 20.0));
    connect(&neurons, &readouts, &all, &of(synapse, 1.0));
    connect(&readouts, &neurons, &all, &of(feedback, 1.0));
    let onto = Dict::new().with("synapse_model", "rate_connection_delayed").with("delay", 1.0);
    connect(&targets, &readouts, &rule("one_to_one"), &onto.clone().with("receptor_type", 2.0));
    if synapse != FAMILIES[0][2] {
        connect(&window, &readouts, &all, &onto.with("receptor_type", 1.0));
    }
    connect(&evaluated, &readouts, &all, &constant);
    connect(&whole, &readouts, &all, &constant);
    let (evaluated, whole) = (evaluated[0], whole[0]);
    kernel.evaluate(evaluated, STEPS, WINDOW, BATCH).unwrap();
    Network { kernel, control: RunControl { world, ..RunControl::default() }, evaluated, whole, readouts }
}

impl Network {
    /// Simulates in parts of so many steps, with another kernel from the state of the one before after each.
    fn run(&mut self, parts: &[usize]) -> Vec<f64> {
        for steps in parts {
            self.kernel.simulate(*steps as f64, &self.control).unwrap();
            self.kernel = Kernel::restored(self.kernel.state().unwrap()).unwrap();
            // Said again, it changes nothing.
            self.kernel.evaluate(self.evaluated, STEPS, WINDOW, BATCH).unwrap();
        }
        self.kernel.take_losses(self.evaluated)
    }

    /// The losses of what was recorded, from its first step on: of all readouts, the share of wrong decisions, of each.
    fn expected(&mut self) -> Vec<f64> {
        let events = self.kernel.events(self.whole).unwrap();
        let column = |name: &str| match events.columns.iter().find(|(of, _)| *of == name) {
            Some((_, EventColumn::Floats(values))) => values.clone(),
            _ => panic!("{name} is recorded"),
        };
        let (signals, targets) = (column("readout_signal"), column("target_signal"));
        let each = STEPS * READOUTS;
        let mut losses = Vec::new();
        for batch in 0..signals.len() / (each * BATCH) {
            let (mut of_each, mut all, mut wrong) = ([0.0; READOUTS], 0.0, 0.0);
            for sequence in 0..BATCH {
                let begin = (batch * BATCH + sequence) * each;
                let (mut said, mut wanted) = ([0.0; READOUTS], [0.0; READOUTS]);
                for at in begin + (STEPS - WINDOW) * READOUTS..begin + each {
                    let loss = 0.5 * (signals[at] - targets[at]).powi(2);
                    of_each[at % READOUTS] += loss;
                    all += loss;
                    said[at % READOUTS] += signals[at];
                    wanted[at % READOUTS] += targets[at];
                }
                let choice = |sums: [f64; READOUTS]| sums[1] > sums[0];
                wrong += f64::from(choice(said) != choice(wanted));
            }
            let count = BATCH as f64;
            losses.extend([all / (count * READOUTS as f64), wrong / count]);
            losses.extend(of_each.map(|loss| loss / count));
        }
        losses
    }
}

fn differ(one: &[f64], other: &[f64]) -> bool {
    one.len() != other.len()
        || one.iter().zip(other).any(|(a, b)| (a - b).abs() > 1e-12 * a.abs().max(b.abs()).max(1e-300))
}

#[test]
fn they_are_those_of_all_steps_that_count_however_it_is_cut() {
    let ahead = 4 * STEPS * BATCH + 10;
    for family in FAMILIES {
        let mut cut = network(family, None);
        let losses = cut.run(&[1, 3, STEPS - 5, 2, WINDOW, STEPS, 1, 1, 2 * STEPS, ahead]);
        let expected = cut.expected();
        assert!(losses.len() >= 4 * (2 + READOUTS));
        assert!(losses.iter().filter(|loss| **loss > 0.0).count() > 4, "{losses:?}");
        assert!(!differ(&losses, &expected[..losses.len()]), "{losses:?} are not {expected:?}");
        let steps = [1, 3, STEPS - 5, 2, WINDOW, STEPS, 1, 1, 2 * STEPS, ahead].iter().sum();
        let mut at_once = network(family, None);
        assert_eq!(at_once.run(&[steps]), losses);
        // Steps that do not count are not kept.
        assert_eq!(at_once.kernel.event_count(at_once.evaluated).unwrap(), 0);
    }
}

#[test]
fn ranks_that_share_sequences_have_the_same_losses() {
    threads::set_budget(24.0).unwrap();
    let mut alone = network(FAMILIES[0], None);
    let expected = alone.run(&[STEPS + 3, 5 * STEPS * BATCH]);
    for size in [2, 3, 5] {
        let losses: Vec<Vec<f64>> = std::thread::scope(|scope| {
            let run = |world: DryRun| {
                let world: Arc<dyn Exchange> = Arc::new(world);
                network(FAMILIES[0], Some(world)).run(&[STEPS + 3, 5 * STEPS * BATCH])
            };
            let ranks: Vec<_> =
                DryRun::ranks(size).into_iter().map(|world| scope.spawn(move || run(world))).collect();
            ranks.into_iter().map(|rank| rank.join().expect("no rank panics")).collect()
        });
        assert!(losses.iter().all(|of_rank| *of_rank == expected), "{size} ranks");
    }
}

#[test]
fn what_is_not_recorded_in_each_step_is_not_evaluated() {
    let mut network = network(FAMILIES[0], None);
    let record = ["readout_signal", "target_signal"].map(String::from).to_vec();
    let every_other = Dict::new().with("record_from", Value::Texts(record)).with("interval", 2.0);
    let recorder = network.kernel.create("multimeter", 1.0, &Params::Shared(every_other)).unwrap();
    let (all, constant) = (Dict::new().with("rule", "all_to_all"), Dict::new().with("delay", 1.0));
    network.kernel.connect(&[recorder], &network.readouts, &all, &constant).unwrap();
    let refused = network.kernel.evaluate(recorder, STEPS, WINDOW, BATCH).expect_err("rows are missing");
    assert_eq!(refused.code, ErrorCode::ValueError);
    assert!(refused.to_string().contains("in each step"), "{refused}");
}
