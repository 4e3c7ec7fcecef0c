//! The state of a network whose neurons ranks share is put together to that of one process, and taken apart again, for any
//! number of ranks at any time.

use std::sync::Arc;

use eprop::base::control::RunControl;
use eprop::base::exchange::{DryRun, Exchange};
use eprop::base::state::State;
use eprop::base::threads;
use eprop::describe::connections::{ConnectionFilter, ConnectionHandle};
use eprop::random::{NumpyRandom, RandomParameter};
use eprop::tables::value::Params;
use eprop::{Dict, ErrorCode, Kernel, Result, Value};
use proptest::prelude::*;

fn rule(name: &str) -> Dict {
    Dict::new().with("rule", name)
}

fn normal(mean: f64, std: f64) -> Value {
    Value::Random(RandomParameter::new("normal", mean, std).unwrap())
}

/// Builds the same network in each kernel that it is given.
struct Builder {
    random: NumpyRandom,
    /// Nodes of the last network, of those that are connected later.
    neurons: Vec<Vec<u32>>,
    relays: Vec<u32>,
    meter: Vec<u32>,
    recorder: Vec<u32>,
}

fn create(kernel: &mut Kernel, model: &str, n: usize, params: Dict) -> Vec<u32> {
    let first = kernel.create(model, n as f64, &Params::Shared(params)).unwrap();
    (first..first + n as u32).collect()
}

fn set_weights(kernel: &mut Kernel, sources: &[u32], targets: &[u32], weight: f64) {
    let (sources, targets) = (Some(sources.to_vec()), Some(targets.to_vec()));
    let filter = ConnectionFilter { sources, targets, synapse_model: None };
    let table = kernel.get_connections(&filter).unwrap();
    let places = table.projection.iter().zip(&table.entry);
    let handles: Vec<_> = places
        .map(|(projection, entry)| ConnectionHandle { projection: *projection, entry: *entry })
        .collect();
    kernel.set_connections(&handles, &Params::Shared(Dict::new().with("weight", weight))).unwrap();
}

fn neuron(random: &mut NumpyRandom) -> Dict {
    Dict::new()
        .with("E_L", 0.0)
        .with("V_m", normal(0.1, 0.1))
        .with("C_m", 1.0)
        .with("V_th", normal(0.5, 0.05))
        .with("tau_m", 10.0 + (random.random() * 20.0).floor())
        .with("c_reg", 5.0)
        .with("surrogate_gradient_width", 1.0)
}

impl Builder {
    fn new(seed: u32) -> Self {
        Self {
            random: NumpyRandom::new(seed),
            neurons: Vec::new(),
            relays: Vec::new(),
            meter: Vec::new(),
            recorder: Vec::new(),
        }
    }

    fn chance(&mut self, p: f64) -> bool {
        self.random.random() < p
    }

    fn below(&mut self, n: usize) -> usize {
        (self.random.random() * n as f64) as usize
    }

    fn begin(&mut self, kernel: &mut Kernel) {
        let interval = 20 + self.below(20);
        let window = interval - self.below(10);
        let precision = if self.chance(0.5) { "f64" } else { "f32" };
        let resets = self.chance(0.5);
        let gradient = if self.chance(0.7) { "adjoint" } else { "forward" };
        let values = Dict::new()
            .with("resolution", 1.0)
            .with("eprop_update_interval", interval as f64)
            .with("eprop_learning_window", window as f64)
            .with("eprop_reset_neurons_on_update", resets)
            .with("gradient", gradient)
            .with("rng_seed", 7.0)
            .with("local_num_threads", 2.0)
            .with("precision", precision);
        kernel.set(&values).unwrap();
        let inputs = create(kernel, "poisson_generator", 4, Dict::new().with("rate", 150.0));
        self.relays = create(kernel, "parrot_neuron", 4, Dict::new());
        let late = Dict::new().with("delay", 1.0 + self.below(4) as f64);
        kernel.connect(&inputs, &self.relays, &rule("one_to_one"), &late).unwrap();
        let recorded = ["V_m", "surrogate_gradient", "learning_signal", "eprop_history_duration"];
        let mut values = Dict::new().with("record_from", &recorded[..]);
        if self.chance(0.5) {
            values = values.with("interval", 3.0);
        }
        if self.chance(0.3) {
            values = values.with("offset", 6.0);
        }
        self.meter = create(kernel, "multimeter", 1, values);
        self.recorder = create(kernel, "spike_recorder", 2, Dict::new());
        kernel.connect(&self.relays, &self.recorder, &rule("all_to_all"), &Dict::new()).unwrap();
    }

    /// Neurons of a rule, with all that there is.
    #[allow(clippy::too_many_lines, reason = "one network with all that there is")]
    fn add_rule(&mut self, kernel: &mut Kernel, plus: bool) {
        let named = |model: &str| format!("{model}{}", if plus { "" } else { "_bsshslm_2020" });
        let mut all = Vec::new();
        for (model, most) in [("eprop_iaf", 17), ("eprop_iaf_adapt", 9), ("eprop_iaf", 2)] {
            if self.chance(0.2) && !all.is_empty() {
                continue;
            }
            let n = 1 + self.below(most);
            let mut values = neuron(&mut self.random);
            if model == "eprop_iaf_adapt" {
                values = values.with("adapt_beta", if self.chance(0.8) { 0.2 } else { 0.0 });
            }
            if self.chance(0.3) {
                values = values.with("t_ref", 2.0);
            }
            if self.chance(0.3) {
                values = values.with("surrogate_gradient_function", "exponential");
            }
            if plus && self.chance(0.3) {
                values = values.with("kappa", 0.9).with("kappa_reg", 0.8);
            }
            if plus && self.chance(0.4) {
                values = values.with("eprop_isi_trace_cutoff", 5.0 + self.below(3) as f64 * 4.0);
            }
            if !plus && self.chance(0.3) {
                values = values.with("c_voltage", 0.1);
            }
            if self.chance(0.2) {
                values = values.with("ignore_and_spike", true).with("ignore_and_spike_interval", 7.0);
            }
            all.extend(create(kernel, &named(model), n, values));
        }
        let loss = if !plus && self.chance(0.4) { "cross_entropy_of_mean" } else { "mean_squared_error" };
        let readout = Dict::new().with("E_L", 0.0).with("C_m", 1.0).with("loss", loss);
        let readouts = create(
            kernel,
            &named("eprop_readout"),
            2,
            if plus { Dict::new().with("E_L", 0.0).with("C_m", 1.0) } else { readout },
        );
        let weights = create(kernel, "weight_recorder", 1, Dict::new());
        let method = if self.chance(0.6) { "adam" } else { "gradient_descent" };
        let mut optimizer =
            Dict::new().with("type", method).with("eta", 0.01).with("batch_size", 1.0 + self.below(3) as f64);
        if plus && self.chance(0.2) {
            optimizer = optimizer.with("optimize_each_step", true);
        }
        let mut defaults = Dict::new().with("optimizer", optimizer);
        if self.chance(0.5) {
            defaults = defaults.with("weight_recorder", Value::Nodes(weights));
        }
        kernel.set_defaults(&named("eprop_synapse"), &defaults).unwrap();
        let plastic = || {
            Dict::new()
                .with("synapse_model", named("eprop_synapse").as_str())
                .with("weight", normal(0.1, 0.2))
        };
        let mut connect = |sources: &[u32], targets: &[u32], rule: Dict, synapse: Dict| {
            kernel.connect(sources, targets, &rule, &synapse).unwrap();
        };
        connect(&self.relays, &all, rule("all_to_all"), plastic());
        let bernoulli = rule("pairwise_bernoulli").with("p", 0.2).with("allow_autapses", false);
        connect(&all, &all, bernoulli, plastic());
        let dense = rule("all_to_all").with("allow_autapses", false);
        connect(&all[..all.len().div_ceil(2)], &all[all.len() / 3..], dense, plastic());
        let fixed = rule("fixed_indegree").with("indegree", 3.0);
        let uniform = Value::Random(RandomParameter::new("uniform", 1.0, 5.0).unwrap());
        connect(&all, &all, fixed, Dict::new().with("weight", normal(0.02, 0.05)).with("delay", uniform));
        // Onto few neurons, which some ranks have none of.
        let last = &all[all.len() - 1..];
        connect(&all, last, rule("all_to_all"), Dict::new().with("weight", 0.1).with("delay", 8.0));
        connect(&self.relays, last, rule("all_to_all"), plastic());
        connect(&all, &readouts, rule("all_to_all"), plastic());
        let signal = Dict::new().with("synapse_model", named("eprop_learning_signal_connection").as_str());
        connect(&readouts, &all, rule("all_to_all"), signal.with("weight", normal(0.0, 1.0)));
        let times: Vec<f64> = (1..200).map(f64::from).collect();
        let values = times.iter().map(|time| (time / 9.0).sin().abs() / 2.0).collect::<Vec<f64>>();
        let target = Dict::new().with("amplitude_times", times).with("amplitude_values", values);
        let target = create(kernel, "step_rate_generator", 1, target);
        let rate = Dict::new().with("synapse_model", "rate_connection_delayed").with("receptor_type", 2.0);
        kernel.connect(&target, &readouts, &rule("all_to_all"), &rate).unwrap();
        if plus {
            let window = Dict::new().with("amplitude_times", vec![1.0]).with("amplitude_values", vec![1.0]);
            let window = create(kernel, "step_rate_generator", 1, window);
            let rate = rate.with("receptor_type", 1.0);
            kernel.connect(&window, &readouts, &rule("all_to_all"), &rate).unwrap();
        } else if loss != "mean_squared_error" {
            let rate = rate.with("receptor_type", 1.0);
            kernel.connect(&readouts, &readouts, &rule("all_to_all"), &rate).unwrap();
        }
        let step = Dict::new()
            .with("amplitude_times", vec![10.0, 40.0, 60.0])
            .with("amplitude_values", vec![0.05, 0.0, 0.02]);
        let current = create(kernel, "step_current_generator", 1, step);
        let late = Dict::new().with("delay", 4.0);
        kernel.connect(&current, &all, &rule("all_to_all"), &late).unwrap();
        kernel.connect(&self.meter, &all, &rule("all_to_all"), &Dict::new()).unwrap();
        let recorded = ["V_m", "readout_signal", "error_signal"];
        let meter = create(kernel, "multimeter", 1, Dict::new().with("record_from", &recorded[..]));
        kernel.connect(&meter, &readouts, &rule("all_to_all"), &Dict::new()).unwrap();
        kernel.connect(&all, &self.recorder[..1], &rule("all_to_all"), &Dict::new()).unwrap();
        // Each rank has the connections of its own neurons.
        set_weights(kernel, &all, &self.recorder[..1], -0.3);
        set_weights(kernel, &self.meter, &all, 0.7);
        let some = rule("fixed_indegree").with("indegree", 3.0);
        kernel.connect(&all, &self.recorder, &some, &Dict::new()).unwrap();
        self.neurons.push(all);
    }

    /// Adds neurons in the middle of a simulation, which takes settings, too.
    fn grow(&mut self, kernel: &mut Kernel, plus: bool) {
        let model = if plus { "eprop_iaf" } else { "eprop_iaf_bsshslm_2020" };
        let synapse = if plus { "eprop_synapse" } else { "eprop_synapse_bsshslm_2020" };
        let Some(neurons) = self.neurons.last().cloned() else { return };
        let n = 1 + self.below(3);
        let new = create(kernel, model, n, neuron(&mut self.random));
        let plastic = Dict::new().with("synapse_model", synapse).with("weight", 0.2);
        kernel.connect(&neurons, &new, &rule("all_to_all"), &plastic).unwrap();
        kernel.connect(&new, &neurons, &rule("all_to_all"), &Dict::new().with("delay", 11.0)).unwrap();
        kernel.connect(&self.meter, &new, &rule("all_to_all"), &Dict::new()).unwrap();
        kernel.connect(&new, &self.recorder, &rule("all_to_all"), &Dict::new()).unwrap();
        kernel.set_defaults(synapse, &Dict::new().with("optimizer", Dict::new().with("eta", 0.003))).unwrap();
    }
}

/// What a network has to do between two times at which it is saved.
#[derive(Debug, Clone)]
struct Stage {
    ranks: usize,
    /// Time of each call of `Simulate`.
    runs: Vec<f64>,
    grows: bool,
    takes: bool,
}

/// Which rules a network has.
fn rules(seed: u32) -> &'static [bool] {
    [&[false][..], &[true], &[true, false]][seed as usize % 3]
}

/// Carries out a stage at a process.
fn run(
    kernel: &mut Kernel,
    builder: &mut Builder,
    seed: u32,
    stage: &Stage,
    control: &RunControl,
) -> Result<()> {
    if stage.grows {
        builder.grow(kernel, rules(seed).last() == Some(&true));
    }
    for ms in &stage.runs {
        kernel.simulate(*ms, control)?;
    }
    if stage.takes {
        for recorder in builder.meter.iter().chain(&builder.recorder) {
            kernel.take_events(*recorder)?;
        }
    }
    Ok(())
}

fn built(kernel: &mut Kernel, seed: u32) -> Builder {
    let mut builder = Builder::new(seed);
    builder.begin(kernel);
    for plus in rules(seed) {
        builder.add_rule(kernel, *plus);
    }
    builder
}

/// The state that ranks have come to at the end of a stage, which begins with the one before.
fn by_ranks(seed: u32, stages: &[Stage], place: usize, before: Option<&State>) -> Result<Option<State>> {
    let stage = &stages[place];
    let outcomes = std::thread::scope(|scope| {
        let ranks: Vec<_> = DryRun::ranks(stage.ranks).into_iter().map(Arc::new).collect();
        let threads: Vec<_> = ranks
            .into_iter()
            .map(|world| {
                scope.spawn(move || -> Result<Option<State>> {
                    let mut aside = Kernel::new();
                    let mut builder = built(&mut aside, seed);
                    // What was drawn for the stages before.
                    for stage in stages[..place].iter().filter(|stage| stage.grows) {
                        assert!(!stage.runs.is_empty());
                        builder.grow(&mut aside, rules(seed).last() == Some(&true));
                    }
                    let rank = world.rank();
                    let exchange: Arc<dyn Exchange> = Arc::<DryRun>::clone(&world);
                    let control = RunControl { world: Some(exchange), ..RunControl::default() };
                    let mut kernel = Kernel::new();
                    if let Some(state) = before {
                        let state = if rank == 0 { state.clone() } else { State::default() };
                        kernel = Kernel::scattered(&*world, Ok(state))?;
                    } else {
                        kernel.share_neurons(rank, world.size())?;
                        builder = built(&mut kernel, seed);
                    }
                    run(&mut kernel, &mut builder, seed, stage, &control)?;
                    // Each may save its own and go on from it.
                    if stage.grows {
                        kernel = Kernel::restored(kernel.state()?)?;
                    }
                    kernel.gathered_state(Some(&*world))
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("no rank panics")).collect::<Vec<_>>()
    });
    let mut outcomes = outcomes.into_iter().collect::<Result<Vec<_>>>()?;
    assert!(outcomes[1..].iter().all(Option::is_none), "rank 0 alone has it");
    Ok(outcomes.swap_remove(0))
}

/// What no rank knows: the norms of gradients over all neurons.
const UNKNOWN: [&str; 3] =
    ["interval.gradient_norms", "interval.gradient_square_sums.keys", "interval.gradient_square_sums.values"];

/// The first difference of two states.
fn difference(one: &State, other: &State) -> Option<String> {
    let names = one.arrays.keys().chain(other.arrays.keys());
    for name in names.filter(|name| !UNKNOWN.contains(&name.as_str())) {
        let (Some(a), Some(b)) = (one.arrays.get(name), other.arrays.get(name)) else {
            return Some(format!("{name} in one: {}", one.arrays.contains_key(name)));
        };
        // NaN is like itself here.
        let (a, b) = (format!("{a:?}"), format!("{b:?}"));
        if a != b {
            let short = |text: &str| text.chars().take(600).collect::<String>();
            return Some(format!("{name}: {} of one, {}", short(&a), short(&b)));
        }
    }
    (one.texts != other.texts).then(|| format!("{:?} {:?}", one.texts, other.texts))
}

fn check(seed: u32, stages: &[Stage]) -> std::result::Result<(), String> {
    let mut one = Kernel::new();
    let mut builder = built(&mut one, seed);
    let mut held: Option<State> = None;
    for (place, stage) in stages.iter().enumerate() {
        let said = |error: eprop::Error| format!("stage {place}: {error}");
        run(&mut one, &mut builder, seed, stage, &RunControl::default()).map_err(said)?;
        let expected = one.state().map_err(said)?;
        let state = if stage.ranks > 1 {
            by_ranks(seed, stages, place, held.as_ref()).map_err(said)?.ok_or("rank 0 has none")?
        } else {
            let mut kernel = Kernel::new();
            let mut aside = built(&mut kernel, seed);
            for stage in stages[..place].iter().filter(|stage| stage.grows) {
                assert!(!stage.runs.is_empty());
                aside.grow(&mut kernel, rules(seed).last() == Some(&true));
            }
            if let Some(state) = &held {
                kernel = Kernel::restored(state.clone()).map_err(said)?;
            }
            run(&mut kernel, &mut aside, seed, stage, &RunControl::default()).map_err(said)?;
            kernel.gathered_state(None).map_err(said)?.ok_or("it has none")?
        };
        if let Some(what) = difference(&expected, &state) {
            return Err(format!("stage {place} of {} ranks: {what}", stage.ranks));
        }
        held = Some(state);
    }
    Ok(())
}

fn stages() -> impl Strategy<Value = Vec<Stage>> {
    let run = prop_oneof![1..80_u32, Just(1), Just(0)].prop_map(f64::from);
    let ranks = prop::sample::select(vec![1_usize, 2, 3, 5]);
    let stage =
        (ranks, prop::collection::vec(run, 1..3), prop::bool::weighted(0.3), prop::bool::weighted(0.3));
    let stage = stage.prop_map(|(ranks, runs, grows, takes)| Stage { ranks, runs, grows, takes });
    prop::collection::vec(stage, 1..4)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn ranks_have_together_the_state_of_one_process(seed in any::<u32>(), stages in stages()) {
        threads::set_budget(24.0).unwrap();
        threads::set_grain(1);
        let outcome = check(seed, &stages);
        prop_assert!(outcome.is_ok(), "{}", outcome.unwrap_err());
    }
}

/// What is compared is not at rest.
#[test]
fn the_networks_fire_and_learn() {
    threads::set_budget(24.0).unwrap();
    let mut counts = [0; 5];
    for seed in 0..9 {
        let mut kernel = Kernel::new();
        let mut builder = built(&mut kernel, seed);
        let before = kernel.state().unwrap();
        let stage = Stage { ranks: 1, runs: vec![130.0], grows: false, takes: false };
        run(&mut kernel, &mut builder, seed, &stage, &RunControl::default()).unwrap();
        let after = kernel.state().unwrap();
        let other = |name: &String| before.arrays[name] != after.arrays[name];
        let weights = before.arrays.keys().filter(|name| name.ends_with(".weights") && other(name)).count();
        let filled = |end: &str| {
            let of = |(name, array): &(&String, &eprop::base::state::Array)| {
                name.ends_with(end) && !array.numbers.is_empty()
            };
            after.arrays.iter().filter(of).count()
        };
        let fired = usize::from(kernel.spike_count() > 20);
        let now = [fired, weights, filled(".stamps"), filled("learning_signal"), filled(".surrogate")];
        counts.iter_mut().zip(now).for_each(|(sum, count)| *sum += count);
    }
    assert!(counts.iter().all(|count| *count > 5), "{counts:?}");
}

#[test]
fn an_error_of_one_rank_is_that_of_all() {
    threads::set_budget(24.0).unwrap();
    let outcomes = DryRun::run(3, |world| {
        let refused = || eprop::Error::new(ErrorCode::ValueError, "no such file");
        Kernel::scattered(world, if world.rank() == 0 { Err(refused()) } else { Ok(State::default()) })
            .map(drop)
    });
    assert!(
        outcomes
            .iter()
            .all(|outcome| outcome.as_ref().is_err_and(|error| error.code == ErrorCode::ValueError))
    );
    // What ranks that share neurons cannot do.
    let mut clipped = Kernel::new();
    built(&mut clipped, 0);
    clipped.set(&Dict::new().with("clip_norm", 1.0)).unwrap();
    let state = clipped.state().unwrap();
    let outcomes = DryRun::run(2, |world| {
        Kernel::scattered(world, Ok(if world.rank() == 0 { state.clone() } else { State::default() }))
            .map(drop)
    });
    for outcome in outcomes {
        let error = outcome.unwrap_err();
        assert_eq!((error.code, error.parameter.as_deref()), (ErrorCode::NotImplemented, Some("clip_norm")));
    }
    // Who is at another time.
    let outcomes = DryRun::run(2, |world| {
        let mut kernel = Kernel::new();
        kernel.share_neurons(world.rank(), 2).unwrap();
        built(&mut kernel, 1 + world.rank() as u32);
        kernel.gathered_state(Some(world)).map(drop)
    });
    for outcome in outcomes {
        assert_eq!(outcome.unwrap_err().code, ErrorCode::MPIError);
    }
}
