//! Ranks that share neurons exchange spikes once in as many steps as the shortest delay has, and have together what one
//! process has.

mod ranks;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use eprop::base::control::RunControl;
use eprop::base::exchange::{DryRun, Exchange};
use eprop::base::threads;
use eprop::models::Rule;
use eprop::tables::value::Params;
use eprop::{Dict, ErrorCode, Kernel, Result};
use ranks::{Rank, Tables, connections, events, joined, normal, over_ranks, over_worlds, rule};

/// A network that is drawn.
#[derive(Debug, Clone, Copy)]
struct Drawn {
    rule: Rule,
    neurons: usize,
    /// Delays of connections among neurons that do not learn; the first of them reach one neuron alone.
    delays: &'static [f64],
    /// Whether connections among neurons learn, too.
    recurrent_learns: bool,
    /// Whether inputs learn.
    inputs_learn: bool,
    /// Delay of the connections onto readouts; `None` for those that learn.
    onto_readouts: Option<f64>,
    /// Whether voltages of neurons are recorded.
    metered: bool,
}

const SMALL: Drawn = Drawn {
    rule: Rule::Interval,
    neurons: 23,
    delays: &[5.0],
    recurrent_learns: false,
    inputs_learn: true,
    onto_readouts: None,
    metered: true,
};

/// Networks, and after how many steps spikes are to be exchanged.
const NETWORKS: [(Drawn, usize); 17] = [
    (Drawn { delays: &[1.0], ..SMALL }, 1),
    (Drawn { delays: &[3.0], ..SMALL }, 3),
    (Drawn { delays: &[5.0], ..SMALL }, 5),
    (Drawn { delays: &[2.0, 3.0, 7.0], ..SMALL }, 2),
    (Drawn { delays: &[7.0, 40.0], onto_readouts: Some(3.0), ..SMALL }, 7),
    (Drawn { delays: &[200.0], inputs_learn: false, ..SMALL }, 32),
    (Drawn { delays: &[], ..SMALL }, 32),
    (Drawn { neurons: 60, recurrent_learns: true, ..SMALL }, 1),
    // With e-prop+, weights onto neurons learn from what readouts have shown in the step before.
    (Drawn { rule: Rule::Plus, delays: &[1.0], ..SMALL }, 1),
    (Drawn { rule: Rule::Plus, delays: &[5.0], ..SMALL }, 2),
    (Drawn { rule: Rule::Plus, delays: &[5.0, 7.0], onto_readouts: Some(2.0), ..SMALL }, 3),
    (Drawn { rule: Rule::Plus, delays: &[5.0], onto_readouts: Some(4.0), ..SMALL }, 5),
    (Drawn { rule: Rule::Plus, delays: &[3.0], onto_readouts: Some(9.0), ..SMALL }, 3),
    (Drawn { rule: Rule::Plus, delays: &[3.0, 2.0, 7.0], inputs_learn: false, ..SMALL }, 2),
    (Drawn { rule: Rule::Plus, delays: &[5.0], inputs_learn: false, ..SMALL }, 5),
    (Drawn { rule: Rule::Plus, delays: &[], inputs_learn: false, ..SMALL }, 32),
    (Drawn { rule: Rule::Plus, recurrent_learns: true, ..SMALL }, 1),
];

/// Nodes of a network.
struct Built {
    neurons: Vec<u32>,
    spike_recorders: Vec<u32>,
    recorders: Vec<(&'static str, u32)>,
}

impl Drawn {
    fn plus(&self) -> bool {
        self.rule == Rule::Plus
    }

    fn named(&self, model: &str) -> String {
        format!("{model}{}", if self.plus() { "" } else { "_bsshslm_2020" })
    }

    fn plastic(&self) -> Dict {
        Dict::new()
            .with("synapse_model", self.named("eprop_synapse").as_str())
            .with("weight", normal(0.1, 0.2))
    }

    fn build(&self, rank: &mut Rank, threads: usize) -> Built {
        let settings = Dict::new()
            .with("resolution", 1.0)
            .with("eprop_update_interval", 30.0)
            .with("eprop_learning_window", 20.0)
            // Who fires first in an update interval counts where neurons go on from the one before.
            .with("eprop_reset_neurons_on_update", !self.recurrent_learns)
            .with("local_num_threads", threads as f64)
            .with("rng_seed", 5.0);
        if rank.kernel.network().groups.is_empty() {
            rank.kernel.set(&settings).unwrap();
        }
        let inputs = rank.create("poisson_generator", 4, Dict::new().with("rate", 200.0));
        let relays = rank.create("parrot_neuron", 4, Dict::new());
        rank.connect(&inputs, &relays, rule("one_to_one"), Dict::new());
        let neuron = Dict::new()
            .with("E_L", 0.0)
            .with("V_m", normal(0.2, 0.2))
            .with("C_m", 1.0)
            .with("V_th", normal(0.5, 0.05))
            .with("tau_m", 20.0)
            .with("c_reg", 5.0)
            .with("surrogate_gradient_width", 1.0);
        let mut neurons = rank.create(&self.named("eprop_iaf"), self.neurons, neuron.clone());
        let adaptive = neuron.with("adapt_beta", 0.2);
        neurons.extend(rank.create(&self.named("eprop_iaf_adapt"), 2, adaptive));
        let readout = Dict::new().with("E_L", 0.0).with("C_m", 1.0);
        let readouts = rank.create(&self.named("eprop_readout"), 2, readout);
        let weights = rank.create("weight_recorder", 1, Dict::new());
        let recorded = eprop::Value::Nodes(weights.clone());
        let optimizer = Dict::new().with("type", "adam").with("eta", 0.01);
        let learns = Dict::new().with("weight_recorder", recorded.clone()).with("optimizer", optimizer);
        rank.kernel.set_defaults(&self.named("eprop_synapse"), &learns).unwrap();
        let seen = Dict::new().with("weight_recorder", recorded);
        rank.kernel.copy_model("static_synapse", &self.named("seen"), &seen).unwrap();
        let constant = || Dict::new().with("weight", normal(0.1, 0.2));
        let onto_neurons = if self.inputs_learn { self.plastic() } else { constant() };
        rank.connect(&relays, &neurons, rule("all_to_all"), onto_neurons);
        for (place, delay) in self.delays.iter().enumerate() {
            let delayed = constant().with("delay", *delay);
            // All ranks but one have no targets of these.
            let targets = if place == 0 { &neurons[3..4] } else { &neurons[..] };
            let model = if self.metered { self.named("seen") } else { "static_synapse".into() };
            let fixed = rule("fixed_indegree").with("indegree", 4.0);
            rank.connect(&neurons, targets, fixed, delayed.with("synapse_model", model.as_str()));
        }
        if self.recurrent_learns {
            rank.connect(&neurons, &neurons, rule("pairwise_bernoulli").with("p", 0.2), self.plastic());
        }
        let onto_readouts =
            self.onto_readouts.map_or_else(|| self.plastic(), |delay| constant().with("delay", delay));
        rank.connect(&neurons, &readouts, rule("all_to_all"), onto_readouts);
        let signal = self.named("eprop_learning_signal_connection");
        let signal = Dict::new().with("synapse_model", signal.as_str()).with("weight", normal(0.0, 1.0));
        rank.connect(&readouts, &neurons, rule("all_to_all"), signal);
        self.teach(rank, &readouts);
        let mut recorders = vec![("weights", weights[0])];
        if self.metered {
            let values = ["V_m", "surrogate_gradient", "learning_signal", "eprop_history_duration"];
            let meter = rank.create("multimeter", 1, Dict::new().with("record_from", &values[..]));
            rank.connect(&meter, &neurons, rule("all_to_all"), Dict::new());
            recorders.push(("neurons", meter[0]));
        }
        let values = ["V_m", "readout_signal", "error_signal"];
        let meter = rank.create("multimeter", 1, Dict::new().with("record_from", &values[..]));
        rank.connect(&meter, &readouts, rule("all_to_all"), Dict::new());
        let spikes = rank.create("spike_recorder", 1, Dict::new());
        rank.connect(&neurons, &spikes, rule("all_to_all"), Dict::new());
        recorders.extend([("readouts", meter[0]), ("spikes", spikes[0])]);
        Built { neurons, spike_recorders: spikes, recorders }
    }

    fn teach(&self, rank: &mut Rank, readouts: &[u32]) {
        let times: Vec<f64> = (1..300).map(f64::from).collect();
        let values: Vec<f64> = times.iter().map(|time| (time / 9.0).sin()).collect();
        let target = Dict::new().with("amplitude_times", times).with("amplitude_values", values);
        let target = rank.create("step_rate_generator", 1, target);
        let rate = Dict::new().with("synapse_model", "rate_connection_delayed");
        rank.connect(&target, readouts, rule("all_to_all"), rate.clone().with("receptor_type", 2.0));
        if self.plus() {
            let window = Dict::new().with("amplitude_times", vec![1.0]).with("amplitude_values", vec![1.0]);
            let window = rank.create("step_rate_generator", 1, window);
            rank.connect(&window, readouts, rule("all_to_all"), rate.with("receptor_type", 1.0));
        }
    }
}

impl Built {
    fn tables(&self, rank: &mut Rank) -> Tables {
        let kernel = &mut rank.kernel;
        let mut tables: Tables =
            self.recorders.iter().map(|(name, recorder)| (*name, events(kernel, *recorder))).collect();
        tables.insert("connections", connections(kernel));
        let fired = kernel.take_interval_spikes();
        tables.insert("spikes an interval", fired.into_iter().map(|count| vec![count]).collect());
        tables
    }

    /// Checks that ranks have together what one process has.
    fn check(&self, what: &str, ranks: &[Tables], one: &Tables) {
        let is_neuron = |id: u64| self.neurons.iter().any(|neuron| u64::from(*neuron) == id);
        let records = |id: u64| self.spike_recorders.iter().any(|recorder| u64::from(*recorder) == id);
        let of_one = |name: &'static str, row: &[u64]| match name {
            "neurons" | "spikes" => row.iter().take(2).any(|value| is_neuron(*value)),
            "weights" => is_neuron(row[2]),
            "connections" => is_neuron(row[1]) || (is_neuron(row[0]) && records(row[1])),
            _ => false,
        };
        let expected = joined(std::slice::from_ref(one), |_, _| true);
        let all = joined(ranks, of_one);
        for (name, rows) in &expected {
            let same = rows.iter().zip(&all[name]).take_while(|(one, other)| one == other).count();
            assert!(
                *rows == all[name],
                "{what}: {name}: {} rows, {} of one process; row {same} differs",
                all[name].len(),
                rows.len()
            );
        }
    }
}

/// Simulates a network in calls of these lengths, over and over. In the middle it is saved and restored, and gets a
/// shorter delay; later, one of a step.
fn run(drawn: &Drawn, mut rank: Rank, threads: usize, cuts: &[f64]) -> (Built, Tables) {
    let mut cuts = cuts.iter().cycle();
    let mut simulate = |rank: &mut Rank, ms: f64| {
        let mut left = ms;
        while left > 0.0 {
            let step = cuts.next().unwrap().min(left);
            rank.simulate(step).unwrap();
            left -= step;
        }
    };
    let built = drawn.build(&mut rank, threads);
    simulate(&mut rank, 77.0);
    rank.kernel = Kernel::restored(rank.kernel.state().unwrap()).unwrap();
    rank.kernel.set(&Dict::new().with("local_num_threads", threads as f64)).unwrap();
    simulate(&mut rank, 22.0);
    for delay in [2.0, 1.0] {
        let fixed = rule("fixed_indegree").with("indegree", 2.0);
        let more = Dict::new().with("weight", normal(0.1, 0.1)).with("delay", delay);
        rank.connect(&built.neurons, &built.neurons[8..11], fixed, more);
        simulate(&mut rank, 31.0);
    }
    let tables = built.tables(&mut rank);
    (built, tables)
}

#[test]
fn ranks_have_together_what_one_process_has_whatever_the_delays() {
    threads::set_budget(24.0).unwrap();
    threads::set_grain(1);
    let ways: [(usize, usize, &[f64]); 5] =
        [(2, 1, &[1e9]), (3, 2, &[17.0]), (3, 1, &[1.0]), (5, 1, &[4.0, 1.0, 23.0]), (18, 1, &[32.0, 3.0])];
    for (drawn, _) in &NETWORKS {
        let (built, one) = run(drawn, Rank::new(None), 1, &[1e9]);
        let rows = |name: &str| one.get(name).map_or(0, Vec::len);
        assert!(rows("spikes") > 100 && rows("readouts") > 100 && rows("weights") > 50, "{drawn:?}");
        for (ranks, threads, cuts) in ways {
            let all = over_ranks(ranks, |rank| run(drawn, rank, threads, cuts).1);
            built.check(&format!("{ranks} ranks, {threads} threads, {cuts:?}, {drawn:?}"), &all, &one);
        }
    }
}

#[test]
fn neurons_of_both_rules_exchange_their_spikes_apart() {
    threads::set_budget(24.0).unwrap();
    let drawn = [SMALL, Drawn { rule: Rule::Plus, delays: &[3.0], onto_readouts: Some(2.0), ..SMALL }];
    let run = |mut rank: Rank, cut: f64| {
        let mut built = drawn.map(|drawn| drawn.build(&mut rank, 1));
        for _ in 0..(120.0 / cut) as usize {
            rank.simulate(cut).unwrap();
        }
        let tables: Vec<Tables> = built.iter().map(|built| built.tables(&mut rank)).collect();
        let [one, other] = &mut built;
        for (all, more) in
            [(&mut one.neurons, &mut other.neurons), (&mut one.spike_recorders, &mut other.spike_recorders)]
        {
            all.append(more);
            more.clone_from(all);
        }
        (built, tables)
    };
    let (built, one) = run(Rank::new(None), 120.0);
    for (ranks, cut) in [(2, 120.0), (3, 8.0)] {
        let all = over_ranks(ranks, |rank| run(rank, cut).1);
        for (place, built) in built.iter().enumerate() {
            let all: Vec<Tables> = all.iter().map(|tables| tables[place].clone()).collect();
            built.check(&format!("{ranks} ranks, {cut} ms"), &all, &one[place]);
        }
    }
}

#[test]
fn ranks_whose_threads_share_a_step_have_what_one_process_has() {
    threads::set_budget(24.0).unwrap();
    let drawn = Drawn { neurons: 1700, delays: &[7.0, 5.0], metered: false, ..SMALL };
    let (built, one) = run(&drawn, Rank::new(None), 1, &[1e9]);
    assert!(one["spikes"].len() > 10_000);
    // At two ranks, threads share the steps; at three there are too few neurons for that.
    for (ranks, cuts) in [(2, &[1e9][..]), (2, &[9.0, 31.0]), (3, &[8.0])] {
        let all = over_ranks(ranks, |rank| run(&drawn, rank, 2, cuts).1);
        built.check(&format!("{ranks} ranks"), &all, &one);
    }
}

#[test]
fn spikes_are_exchanged_once_in_the_shortest_delay() {
    threads::set_budget(24.0).unwrap();
    for ranks in [2, 3] {
        let others = ranks as u64 - 1;
        // What is sent besides, by rule.
        let mut besides = [None; 2];
        for (drawn, every) in &NETWORKS {
            let sent = over_worlds(ranks, |world| {
                let mut rank = Rank::new(Some(Arc::clone(&world)));
                drawn.build(&mut rank, 1);
                let before = world.sent().messages;
                rank.simulate(93.0).unwrap();
                world.sent().messages - before
            });
            assert!(sent.iter().all(|messages| *messages == sent[0]));
            let (every, interval) = (*every as u64, 30_u64);
            let mut exchanges = 93_u64.div_ceil(every);
            if !drawn.plus() {
                // Two steps before the first update interval, and one after the third.
                exchanges = 2_u64.div_ceil(every) + 3 * interval.div_ceil(every) + 1;
                // Who fires first in the next one.
                exchanges += if drawn.recurrent_learns { 3 } else { 0 };
            }
            let rest = sent[0].checked_sub(exchanges * others);
            let rest = rest.unwrap_or_else(|| panic!("{} messages of {drawn:?}", sent[0]));
            let expected = besides[usize::from(drawn.plus())].get_or_insert(rest);
            assert_eq!(rest, *expected, "{drawn:?}: {exchanges} exchanges, {} messages", sent[0]);
        }
        // One to begin with, and a few for each update interval.
        assert!(besides.iter().flatten().all(|rest| *rest <= 12 * others), "{besides:?}");
    }
}

/// An exchange that has its rank asked to stop with one of the messages that it sends.
#[derive(Debug)]
struct Stopping {
    world: Arc<DryRun>,
    left: AtomicU64,
    control: RunControl,
}

impl Exchange for Stopping {
    fn rank(&self) -> usize {
        self.world.rank()
    }

    fn size(&self) -> usize {
        self.world.size()
    }

    fn send_shared(&self, to: usize, bytes: Arc<Vec<u8>>) -> Result<()> {
        if self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.control.cancel.store(true, Ordering::Relaxed);
        }
        self.world.send_shared(to, bytes)
    }

    fn receive_within(&self, from: usize, patience: Duration) -> Result<Option<Vec<u8>>> {
        self.world.receive_within(from, patience)
    }

    fn flush(&self) -> Result<()> {
        Ok(())
    }

    fn take(&self) -> bool {
        self.world.take()
    }

    fn give_back(&self) {
        self.world.give_back();
    }
}

#[test]
fn ranks_that_are_stopped_end_at_the_same_step_and_go_on() {
    threads::set_budget(24.0).unwrap();
    for (drawn, every) in NETWORKS.iter().filter(|(_, every)| (2..20).contains(every)) {
        let mut one = Rank::new(None);
        let built = drawn.build(&mut one, 1);
        one.simulate(100.0).unwrap();
        let one = built.tables(&mut one);
        let outcomes = over_worlds(3, |world| {
            let mut rank = Rank::new(Some(Arc::clone(&world)));
            let built = drawn.build(&mut rank, 1);
            let control = rank.control.clone();
            if world.rank() == 2 {
                // Two to begin with, two for the first steps, and two for each exchange.
                let exchange = Stopping { world, left: AtomicU64::new(11), control };
                rank.control.world = Some(Arc::new(exchange));
            }
            let stopped = rank.simulate(100.0).unwrap_err();
            assert_eq!(stopped.code, ErrorCode::Aborted, "{stopped}");
            let time = rank.kernel.time();
            rank.control.cancel.store(false, Ordering::Relaxed);
            rank.simulate(100.0 - time).unwrap();
            (time, built.tables(&mut rank))
        });
        let (times, all): (Vec<f64>, Vec<Tables>) = outcomes.into_iter().unzip();
        assert!(times.iter().all(|time| *time == times[0] && *time < 100.0), "{times:?}");
        // Of update intervals, the first begins after two steps.
        let begun = if drawn.plus() { 0.0 } else { 2.0 };
        assert_eq!((times[0] - begun) % *every as f64, 0.0, "{times:?} of {drawn:?}");
        built.check(&format!("stopped at {} ms, {drawn:?}", times[0]), &all, &one);
    }
}

#[test]
fn a_weight_of_one_rank_that_would_not_be_finite_stops_all_with_the_exchange() {
    threads::set_budget(24.0).unwrap();
    let drawn = Drawn { rule: Rule::Plus, delays: &[5.0], onto_readouts: Some(4.0), ..SMALL };
    let stopped = |ranks: usize| {
        over_ranks(ranks, |mut rank| {
            let built = drawn.build(&mut rank, 1);
            // Adam divides zero by zero where a gradient is always zero.
            let wild = Dict::new().with("optimizer", Dict::new().with("epsilon", 0.0));
            rank.kernel.copy_model("eprop_synapse", "wild", &wild).unwrap();
            let numb = Params::Shared(Dict::new().with("V_th", 1e3).with("c_reg", 0.0));
            rank.kernel.set_nodes(&built.neurons[12..13], &numb).unwrap();
            let synapse = Dict::new().with("synapse_model", "wild");
            // The third parrot.
            rank.connect(&[7], &built.neurons[12..13], rule("one_to_one"), synapse);
            let error = rank.simulate(90.0).unwrap_err();
            (error.code, rank.kernel.time())
        })
    };
    let (code, time) = stopped(1)[0];
    assert_eq!(code, ErrorCode::NumericalInstability);
    for ranks in [2, 3, 8] {
        let expected = (code, (time / 5.0).ceil() * 5.0);
        assert!(stopped(ranks).into_iter().all(|outcome| outcome == expected), "{ranks} ranks");
    }
}
