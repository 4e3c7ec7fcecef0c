//! Random networks for property tests: every choice follows from one seed.

#![allow(dead_code, reason = "each test uses a part")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use eprop::base::control::RunControl;
use eprop::base::exchange::{DryRun, Exchange};
use eprop::describe::connections::ConnectionFilter;
use eprop::internals::HISTORY;
use eprop::random::NumpyRandom;
use eprop::record::EventColumn;
use eprop::tables::value::Params;
use eprop::{Dict, ErrorCode, Kernel, Value};

/// How a network is built and run; none of it may change what comes out.
#[derive(Debug, Clone)]
pub struct Way {
    pub gradient: &'static str,
    /// Precision of neurons and gradients; this alone changes bits.
    pub precision: &'static str,
    pub threads: usize,
    /// Connect pair by pair, which stores what `all_to_all` stores densely as sparse rows.
    pub sparse: bool,
    /// Lengths of `Simulate` calls (ms), one after the other and over again.
    pub cuts: Vec<f64>,
    /// Create an unrelated device before all others.
    pub device_first: bool,
    /// What happens after each `Simulate` call.
    pub between: Between,
    /// How much of an interval's history fits into the memory that is allowed.
    pub history: f64,
    /// How often another thread stops the simulation, which then goes on.
    pub stops: usize,
    /// Ranks that simulate it together; every second one with a thread more, and the last one is stopped.
    pub ranks: usize,
    /// Whether each of them has a part of the neurons, and not all.
    pub shares_neurons: bool,
}

/// What happens between simulations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Between {
    Nothing,
    /// It goes on, also where it was stopped, with a kernel restored from the state of the one before.
    Restore,
    /// A parameter is set to the value that it has, so that the network is laid out anew.
    Replan,
}

impl Default for Way {
    fn default() -> Self {
        Self {
            gradient: "adjoint",
            precision: "f64",
            threads: 1,
            sparse: false,
            cuts: vec![1e9],
            device_first: false,
            between: Between::Nothing,
            stops: 0,
            ranks: 1,
            shares_neurons: false,
            history: 1.0,
        }
    }
}

/// A network that has been run.
pub struct Run {
    pub weights: Vec<f64>,
    /// Source, target and projection of each connection.
    pub ends: Vec<(u32, u32, u32)>,
    /// How many connections there were from each source in each projection, and with a sign, after each call.
    pub counts: Vec<Vec<(u32, u32, bool)>>,
    pub initial: Vec<f64>,
    pub readout: Vec<f64>,
    pub target: Vec<f64>,
    pub spikes: Vec<f64>,
    /// Who sent them.
    pub senders: Vec<f64>,
}

/// A network of one of the rules, drawn from a seed.
#[allow(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
#[derive(Debug, Clone)]
pub struct Drawn {
    pub seed: u32,
    /// Number of recurrent neurons, if it is not to be drawn.
    pub neurons: Option<usize>,
    /// Added to the readout weight at a place.
    pub nudge: Option<(usize, f64)>,
    pub interval: usize,
    pub window: usize,
    pub average: bool,
    pub intervals: usize,
    pub batch_size: usize,
    pub softmax: bool,
    pub optimizer: &'static str,
    pub plus: bool,
    pub eta: f64,
    /// Probability that an input fires in a step.
    pub rate: f64,
    /// Longest part of an interspike interval that counts in e-prop+ (ms), if it is not to be drawn.
    pub cutoff: Option<f64>,
    /// By how much of itself each weight is larger.
    pub shaken: f64,
    /// Where the weights of feedback come from.
    pub feedback: &'static str,
    /// Leave out connections at random, and rewire the others.
    pub rewires: bool,
    /// Weights keep their sign.
    pub keeps_sign: bool,
    /// Voltages cost.
    pub costly: bool,
    /// Currents learn, and count as weights.
    pub biased: bool,
    /// Squared weights cost.
    pub l2: f64,
    /// Norm that gradients are scaled down to; 0 for none.
    pub clip_norm: f64,
}

impl Drawn {
    /// A network that changes its weights once an update interval.
    pub fn interval(seed: u32) -> Self {
        let mut random = NumpyRandom::new(seed);
        let interval = 8 + (random.random() * 50.0) as usize;
        Self {
            seed,
            neurons: None,
            nudge: None,
            interval,
            window: 1 + (random.random() * interval as f64) as usize,
            average: random.random() < 0.5,
            intervals: 4,
            batch_size: 1 + (random.random() * 2.0) as usize,
            softmax: random.random() < 0.3,
            optimizer: match random.random() {
                drawn if drawn < 0.2 => "adam",
                drawn if drawn < 0.3 => "adamw",
                _ => "gradient_descent",
            },
            plus: false,
            eta: 1e-2,
            rate: 0.1,
            cutoff: None,
            shaken: 0.0,
            rewires: false,
            keeps_sign: false,
            feedback: match random.random() {
                drawn if drawn < 0.25 => "symmetric",
                drawn if drawn < 0.5 => "adaptive",
                _ => "random",
            },
            costly: random.random() < 0.3,
            biased: false,
            l2: if random.random() < 0.3 { 0.1 } else { 0.0 },
            clip_norm: 0.0,
        }
    }

    /// A network that changes its weights with every spike.
    pub fn plus(seed: u32) -> Self {
        Self { plus: true, softmax: false, feedback: "random", ..Self::interval(seed) }
    }

    /// Number of plastic connections onto readouts.
    pub fn readout_weights(&self) -> usize {
        let sizes = self.sizes();
        sizes.recurrent * sizes.readouts
    }

    /// Ids of the recurrent neurons of a network without a device first.
    fn recurrent_nodes(&self) -> std::ops::Range<u32> {
        let sizes = self.sizes();
        let first = 1 + sizes.inputs as u32;
        first..first + sizes.recurrent as u32
    }

    /// Number of readouts.
    pub fn readouts(&self) -> usize {
        self.sizes().readouts
    }

    fn sizes(&self) -> Sizes {
        self.draw_sizes(&mut NumpyRandom::new(self.seed.wrapping_add(1)))
    }

    fn draw_sizes(&self, random: &mut NumpyRandom) -> Sizes {
        let sizes = Sizes::draw(random);
        Sizes { recurrent: self.neurons.unwrap_or(sizes.recurrent), ..sizes }
    }

    /// Builds the network and runs it; at the last of several ranks.
    ///
    /// # Panics
    /// Where ranks do not come to the same.
    pub fn run(&self, way: &Way) -> Run {
        let mut runs = self.run_over_ranks(way);
        if way.shares_neurons {
            return joined(&runs, &self.recurrent_nodes());
        }
        let run = runs.pop().expect("there is a rank");
        for other in runs {
            assert_eq!(bits(&run.weights), bits(&other.weights));
            assert_eq!(bits(&run.readout), bits(&other.readout));
            assert_eq!(bits(&run.spikes), bits(&other.spikes));
        }
        run
    }

    fn run_over_ranks(&self, way: &Way) -> Vec<Run> {
        if way.ranks == 1 {
            return vec![self.run_at(way, None)];
        }
        let ranks: Vec<Arc<DryRun>> = DryRun::ranks(way.ranks).into_iter().map(Arc::new).collect();
        std::thread::scope(|scope| {
            let threads: Vec<_> = ranks
                .into_iter()
                .map(|rank| {
                    let stops = if rank.rank() + 1 == rank.size() { way.stops } else { 0 };
                    let way = Way { threads: way.threads + rank.rank() % 2, stops, ..way.clone() };
                    scope.spawn(move || self.run_at(&way, Some(&rank)))
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().expect("no rank panics")).collect()
        })
    }

    fn run_at(&self, way: &Way, world: Option<&Arc<DryRun>>) -> Run {
        let mut random = NumpyRandom::new(self.seed.wrapping_add(1));
        let sizes = self.draw_sizes(&mut random);
        let mut kernel = Kernel::new();
        if let Some(world) = world.filter(|_| way.shares_neurons) {
            kernel.share_neurons(world.rank(), world.size()).unwrap();
        }
        let steps = self.interval * self.intervals;
        kernel
            .set(
                &Dict::new()
                    .with("resolution", 1.0)
                    .with("eprop_update_interval", self.interval as f64)
                    .with("eprop_learning_window", self.window as f64)
                    .with("eprop_reset_neurons_on_update", random.random() < 0.7)
                    .with("gradient", way.gradient)
                    .with("precision", way.precision)
                    .with("clip_norm", self.clip_norm)
                    .with("local_num_threads", way.threads as f64),
            )
            .unwrap();
        if way.device_first {
            kernel.create("multimeter", 2.0, &Params::None).unwrap();
        }
        let mut build =
            Builder { kernel: &mut kernel, random, way, shaken: self.shaken, leaves_out: self.rewires };
        let inputs = build.inputs(sizes.inputs, steps, self.rate);
        let recurrent = build.recurrent(sizes.recurrent, self);
        let readouts = build.readouts(sizes.readouts, self);
        build.connect_all(&inputs, &recurrent, &readouts, self);
        let recorder = build.record(&recurrent, &readouts);
        let learned: Vec<u32> =
            if self.biased { recurrent.iter().chain(&readouts).copied().collect() } else { Vec::new() };
        let learned = |kernel: &Kernel| -> Vec<f64> {
            let currents = kernel.get_nodes(&learned, "I_e").unwrap().into_iter();
            let currents = currents.map(|current| match current {
                Value::Number(current) => current,
                other => panic!("a current is {other:?}"),
            });
            weights(kernel).into_iter().chain(currents).collect()
        };
        let initial = learned(&kernel);
        let mut counts = vec![signs(&kernel)];
        let total = (steps + 6) as f64;
        let mut done = 0.0;
        let mut whole = None;
        for cut in way.cuts.iter().cycle() {
            let ms = cut.min(total - done);
            simulate(&mut kernel, ms, way, world.cloned(), |kernel| {
                // Shorter intervals have nothing to gain.
                if way.history < 1.0 && self.interval >= 32 && !self.plus {
                    limit_history(kernel, total - kernel.time(), way.history, &mut whole);
                }
            });
            done += ms;
            if way.between == Between::Replan {
                replan(&mut kernel, recurrent[0]);
            }
            restore(&mut kernel, way);
            counts.push(signs(&kernel));
            if done >= total {
                break;
            }
        }
        let signals = kernel.events(recorder[0]).unwrap();
        let spikes = kernel.events(recorder[1]).unwrap();
        let column = |events: &eprop::record::Events, name: &str| {
            events
                .columns
                .iter()
                .find_map(|(column, values)| match values {
                    EventColumn::Floats(values) if *column == name => Some(values.clone()),
                    EventColumn::Ids(ids) if *column == name => {
                        Some(ids.iter().map(|id| f64::from(*id)).collect())
                    }
                    _ => None,
                })
                .unwrap()
        };
        Run {
            weights: learned(&kernel),
            ends: ends(&kernel),
            counts,
            initial,
            readout: column(&signals, "readout_signal"),
            target: column(&signals, "target_signal"),
            spikes: column(&spikes, "times"),
            senders: column(&spikes, "senders"),
        }
    }
}

/// What ranks that share neurons have, together: what each has of its own neurons, and what all have, which is the same.
fn joined(runs: &[Run], recurrent: &std::ops::Range<u32>) -> Run {
    let first = &runs[0];
    for other in runs {
        assert_eq!(bits(&first.readout), bits(&other.readout));
        assert_eq!(bits(&first.target), bits(&other.target));
    }
    let mut connections = Vec::new();
    let mut spikes = Vec::new();
    let mut of_all = BTreeMap::new();
    for run in runs {
        for ((ends, weight), initial) in run.ends.iter().zip(&run.weights).zip(&run.initial) {
            let known =
                if recurrent.contains(&ends.1) { None } else { of_all.insert(*ends, weight.to_bits()) };
            match known {
                Some(known) => assert_eq!(known, weight.to_bits()),
                None => connections.push((*ends, *weight, *initial)),
            }
        }
        spikes.extend(run.spikes.iter().copied().zip(run.senders.iter().copied()));
    }
    assert!(of_all.len() > 1, "readouts are at all ranks");
    connections.sort_by_key(|(ends, _, _)| *ends);
    spikes.sort_by(|a, b| a.partial_cmp(b).expect("times are numbers"));
    Run {
        weights: connections.iter().map(|(_, weight, _)| *weight).collect(),
        initial: connections.iter().map(|(_, _, initial)| *initial).collect(),
        ends: connections.iter().map(|(ends, _, _)| *ends).collect(),
        counts: Vec::new(),
        readout: first.readout.clone(),
        target: first.target.clone(),
        spikes: spikes.iter().map(|(time, _)| *time).collect(),
        senders: spikes.iter().map(|(_, sender)| *sender).collect(),
    }
}

/// Allows a part of the memory that the history of whole intervals takes, besides all else.
fn limit_history(kernel: &mut Kernel, ms: f64, part: f64, whole: &mut Option<u64>) {
    let memory = kernel.memory_for(ms).unwrap();
    let held = memory.parts.iter().find(|(name, _)| *name == HISTORY).unwrap().1;
    let whole = *whole.get_or_insert(held);
    // The spikes of a step are recorded, however many they are.
    let limit = memory.total - held + (whole as f64 * part) as u64 + 1024;
    kernel.set(&Dict::new().with("memory_limit", limit as f64)).unwrap();
}

/// Sets the threshold of a neuron to the value that it has.
fn replan(kernel: &mut Kernel, node: u32) {
    let threshold = kernel.get_nodes(&[node], "V_th").unwrap().remove(0);
    kernel.set_nodes(&[node], &Params::Shared(Dict::new().with("V_th", threshold))).unwrap();
}

fn restore(kernel: &mut Kernel, way: &Way) {
    if way.between == Between::Restore {
        *kernel = Kernel::restored(kernel.state().unwrap()).unwrap();
    }
}

/// Simulates; another thread stops that so many times at most, and it goes on from there. `before` is called each time.
fn simulate(
    kernel: &mut Kernel,
    ms: f64,
    way: &Way,
    world: Option<Arc<DryRun>>,
    mut before: impl FnMut(&mut Kernel),
) {
    let stops = way.stops;
    let end = kernel.time() + ms;
    let world = world.map(|world| world as Arc<dyn Exchange>);
    let control = RunControl { world, ..RunControl::default() };
    std::thread::scope(|scope| {
        if stops > 0 {
            let cancel = control.cancel.clone();
            scope.spawn(move || {
                for stop in 0..stops {
                    (0..(stop * 7919) % 3000).for_each(|_| std::hint::spin_loop());
                    cancel.store(true, Ordering::Relaxed);
                }
            });
        }
        before(kernel);
        while let Err(error) = kernel.simulate(end - kernel.time(), &control) {
            if error.code == ErrorCode::OutOfMemory {
                // More spikes were recorded than were expected.
                kernel.set(&Dict::new().with("memory_limit", 0.0)).unwrap();
                continue;
            }
            assert_eq!(error.code, ErrorCode::Aborted);
            restore(kernel, way);
            control.cancel.store(false, Ordering::Relaxed);
            before(kernel);
        }
    });
    assert_eq!(kernel.time(), end);
}

struct Sizes {
    inputs: usize,
    recurrent: usize,
    readouts: usize,
}

impl Sizes {
    fn draw(random: &mut NumpyRandom) -> Self {
        let mut size = |most: f64| 1 + (random.random() * most) as usize;
        Self { inputs: size(12.0), recurrent: 1 + size(20.0), readouts: size(3.0) }
    }
}

/// Values as they are told apart.
pub fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// All weights in the order of connections.
pub fn weights(kernel: &Kernel) -> Vec<f64> {
    kernel.get_connections(&ConnectionFilter::default()).unwrap().weight
}

/// Source, target and projection of each connection.
fn ends(kernel: &Kernel) -> Vec<(u32, u32, u32)> {
    let table = kernel.get_connections(&ConnectionFilter::default()).unwrap();
    let pairs = table.source.iter().zip(&table.target).zip(&table.projection);
    pairs.map(|((source, target), projection)| (*source, *target, *projection)).collect()
}

/// Projection, source and sign of each plastic connection, sorted.
fn signs(kernel: &Kernel) -> Vec<(u32, u32, bool)> {
    let model = Some("eprop_synapse_bsshslm_2020".to_owned());
    let filter = ConnectionFilter { synapse_model: model, ..ConnectionFilter::default() };
    let table = kernel.get_connections(&filter).unwrap();
    let rows = table.projection.iter().zip(&table.source).zip(&table.weight);
    let mut signs: Vec<_> = rows
        .map(|((projection, source), weight)| (*projection, *source, weight.is_sign_negative()))
        .collect();
    signs.sort_unstable();
    signs
}

struct Builder<'a> {
    kernel: &'a mut Kernel,
    random: NumpyRandom,
    way: &'a Way,
    shaken: f64,
    leaves_out: bool,
}

impl Builder<'_> {
    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.random.random()
    }

    fn chance(&mut self, probability: f64) -> bool {
        self.random.random() < probability
    }

    fn create(&mut self, model: &str, n: usize, params: &Dict) -> Vec<u32> {
        let first = self.kernel.create(model, n as f64, &Params::Shared(params.clone())).unwrap();
        (first..first + n as u32).collect()
    }

    fn inputs(&mut self, n: usize, steps: usize, rate: f64) -> Vec<u32> {
        let nodes = self.create("spike_generator", n, &Dict::new());
        for node in &nodes {
            let times: Vec<f64> =
                (1..steps).filter(|_| self.random.random() < rate).map(|step| step as f64).collect();
            self.kernel.set_nodes(&[*node], &Params::Shared(Dict::new().with("spike_times", times))).unwrap();
        }
        nodes
    }

    fn recurrent(&mut self, n: usize, drawn: &Drawn) -> Vec<u32> {
        let adaptive = self.random.random();
        let count = if adaptive < 0.3 {
            0
        } else if adaptive < 0.6 {
            n
        } else {
            n / 2
        };
        let surrogate = ["piecewise_linear", "exponential", "fast_sigmoid_derivative", "arctan_derivative"]
            [self.random.choice(4, 1).unwrap()[0] as usize];
        let mut common = Dict::new()
            .with("E_L", 0.0)
            .with("V_m", 0.0)
            .with("C_m", 1.0)
            .with("V_th", self.between(0.3, 0.6))
            .with("tau_m", self.between(5.0, 40.0))
            .with("t_ref", f64::from(u8::from(self.chance(0.5))) * 2.0)
            .with("c_reg", self.between(0.0, 30.0))
            .with("f_target", self.between(5.0, 40.0))
            .with("surrogate_gradient_function", surrogate)
            .with("surrogate_gradient_width", self.between(0.2, 1.5))
            .with("surrogate_gradient_height", self.between(0.2, 1.0));
        if drawn.plus {
            common = common
                .with("kappa", self.between(0.5, 0.99))
                .with("kappa_reg", self.between(0.5, 0.99))
                .with("eprop_isi_trace_cutoff", drawn.cutoff.unwrap_or(self.between(2.0, 40.0).floor()));
        } else {
            common = common.with("regular_spike_arrival", self.chance(0.5)).with("learns_bias", drawn.biased);
            if drawn.costly {
                common = common.with("c_voltage", self.between(0.0, 2.0));
            }
        }
        let suffix = if drawn.plus { "" } else { "_bsshslm_2020" };
        let mut nodes = Vec::new();
        if count < n {
            nodes.extend(self.create(&format!("eprop_iaf{suffix}"), n - count, &common));
        }
        if count > 0 {
            let adapting = common
                .with("adapt_beta", self.between(0.0, 0.3))
                .with("adapt_tau", self.between(10.0, 200.0));
            // Synapses of a row that look back differently far are kept apart.
            let adapting = if drawn.plus && self.chance(0.5) {
                adapting.with("eprop_isi_trace_cutoff", self.between(2.0, 40.0).floor())
            } else {
                adapting
            };
            nodes.extend(self.create(&format!("eprop_iaf_adapt{suffix}"), count, &adapting));
        }
        nodes
    }

    fn readouts(&mut self, n: usize, drawn: &Drawn) -> Vec<u32> {
        let mut params = Dict::new()
            .with("E_L", 0.0)
            .with("V_m", 0.0)
            .with("C_m", 1.0)
            .with("tau_m", self.between(5.0, 40.0));
        if !drawn.plus {
            params = params
                .with("regular_spike_arrival", self.chance(0.5))
                .with("learns_bias", drawn.biased)
                .with("loss", if drawn.softmax { "cross_entropy" } else { "mean_squared_error" });
        }
        self.create(if drawn.plus { "eprop_readout" } else { "eprop_readout_bsshslm_2020" }, n, &params)
    }

    /// Connects all pairs but those of a node with itself; weights are normal with this standard deviation.
    fn connect(
        &mut self,
        sources: &[u32],
        targets: &[u32],
        std: f64,
        synapse: &Dict,
        nudge: Option<(usize, f64)>,
    ) {
        let pairs: Vec<(u32, u32)> =
            sources.iter().flat_map(|source| targets.iter().map(move |target| (*source, *target))).collect();
        let mut drawn =
            (0..pairs.len()).map(|_| self.random.randn() * std * (1.0 + self.shaken)).collect::<Vec<f64>>();
        if let Some((place, change)) = nudge {
            drawn[place] += change;
        }
        let leaves_out = self.leaves_out
            && synapse
                .get("synapse_model")
                .is_some_and(|model| *model == Value::from("eprop_synapse_bsshslm_2020"));
        if self.way.sparse || leaves_out {
            let mut chance = NumpyRandom::new(pairs.len() as u32);
            let kept: Vec<usize> = (0..pairs.len())
                .filter(|at| pairs[*at].0 != pairs[*at].1)
                .filter(|at| !leaves_out || *at < 2 || chance.random() < 0.4)
                .collect();
            let from: Vec<u32> = kept.iter().map(|at| pairs[*at].0).collect();
            let to: Vec<u32> = kept.iter().map(|at| pairs[*at].1).collect();
            let weight: Vec<f64> = kept.iter().map(|at| drawn[*at]).collect();
            self.kernel.connect_pairs(&from, &to, &synapse.clone().with("weight", weight)).unwrap();
        } else {
            let (rows, columns) = (targets.len(), sources.len());
            let data = (0..rows * columns).map(|at| drawn[(at % columns) * rows + at / columns]).collect();
            let mut synapse = synapse.clone();
            synapse.set("weight", Value::Matrix { rows, columns, data });
            let rule = Dict::new().with("rule", "all_to_all").with("allow_autapses", false);
            self.kernel.connect(sources, targets, &rule, &synapse).unwrap();
        }
    }

    fn connect_all(&mut self, inputs: &[u32], recurrent: &[u32], readouts: &[u32], drawn: &Drawn) {
        let suffix = if drawn.plus { "" } else { "_bsshslm_2020" };
        let plastic = format!("eprop_synapse{suffix}");
        let mut optimizer = Dict::new()
            .with("type", drawn.optimizer)
            .with("eta", drawn.eta)
            .with("c_l2", drawn.l2)
            .with("batch_size", drawn.batch_size as f64)
            .with("Wmin", -1e6)
            .with("Wmax", 1e6);
        if drawn.plus {
            optimizer = optimizer.with("optimize_each_step", self.chance(0.5));
        }
        let mut defaults = Dict::new().with("optimizer", optimizer);
        if !drawn.plus {
            defaults = defaults
                .with("average_gradient", drawn.average)
                .with("keeps_sign", drawn.keeps_sign)
                .with("rewiring", if drawn.rewires { "deep_r" } else { "none" })
                .with("rewiring_l1", 0.5)
                .with("rewiring_temperature", if drawn.seed.is_multiple_of(2) { 0.0 } else { 1e-3 });
        }
        self.kernel.set_defaults(&plastic, &defaults).unwrap();
        let synapse = Dict::new().with("synapse_model", plastic.as_str()).with("delay", 1.0);
        let fan = |n: usize| 1.0 / (n as f64).sqrt();
        self.connect(inputs, recurrent, fan(inputs.len()), &synapse, None);
        self.connect(recurrent, recurrent, 0.5 * fan(recurrent.len()), &synapse, None);
        self.connect(recurrent, readouts, fan(recurrent.len()), &synapse, drawn.nudge);
        let feedback = format!("eprop_learning_signal_connection{suffix}");
        if !drawn.plus {
            let source = Dict::new().with("feedback", drawn.feedback).with("feedback_decay", 0.1);
            self.kernel.set_defaults(&feedback, &source).unwrap();
        }
        let feedback = Dict::new().with("synapse_model", feedback.as_str()).with("delay", 1.0);
        self.connect(readouts, recurrent, 1.0, &feedback, None);
        let rate = Dict::new().with("synapse_model", "rate_connection_delayed").with("delay", 1.0);
        if drawn.softmax && readouts.len() > 1 {
            self.kernel
                .connect(
                    readouts,
                    readouts,
                    &Dict::new().with("rule", "all_to_all").with("allow_autapses", false),
                    &rate.clone().with("receptor_type", 1.0),
                )
                .unwrap();
        }
        for readout in readouts {
            let total = drawn.interval * drawn.intervals;
            let times: Vec<f64> = (2..total + 4).map(|step| step as f64).collect();
            let values: Vec<f64> = if drawn.softmax {
                let on = f64::from(u8::from(readout == &readouts[0]));
                vec![on; times.len()]
            } else {
                times.iter().map(|_| self.random.random()).collect()
            };
            let generator = self.create(
                "step_rate_generator",
                1,
                &Dict::new().with("amplitude_times", times).with("amplitude_values", values),
            );
            self.kernel
                .connect(
                    &generator,
                    &[*readout],
                    &Dict::new().with("rule", "one_to_one"),
                    &rate.clone().with("receptor_type", 2.0),
                )
                .unwrap();
        }
        if drawn.plus {
            let generator = self.create(
                "step_rate_generator",
                1,
                &Dict::new().with("amplitude_times", vec![2.0]).with("amplitude_values", vec![1.0]),
            );
            self.kernel
                .connect(
                    &generator,
                    readouts,
                    &Dict::new().with("rule", "all_to_all"),
                    &rate.with("receptor_type", 1.0),
                )
                .unwrap();
        }
    }

    /// A multimeter on the readouts and a spike recorder on the recurrent neurons.
    fn record(&mut self, recurrent: &[u32], readouts: &[u32]) -> [u32; 2] {
        let rule = Dict::new().with("rule", "all_to_all");
        let signals: &[&str] = &["readout_signal", "target_signal"];
        let meter = self.create("multimeter", 1, &Dict::new().with("record_from", signals));
        self.kernel.connect(&meter, readouts, &rule, &Dict::new()).unwrap();
        let spikes = self.create("spike_recorder", 1, &Dict::new());
        self.kernel.connect(recurrent, &spikes, &rule, &Dict::new()).unwrap();
        [meter[0], spikes[0]]
    }
}
