//! Networks in which one stage of a simulation takes nearly all the time.

#![allow(dead_code, reason = "each benchmark uses a part")]

use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput, measurement::WallTime};
use eprop::base::control::RunControl;
use eprop::describe::network::NodeId;
use eprop::tables::value::Params;
use eprop::{Dict, Kernel};

/// Neurons of a network: a row of synapses, and more than any vector.
pub const NEURONS: usize = 1024;

/// Steps that are simulated at a time: an update interval.
pub const STEPS: usize = 200;

/// Names of the surrogate gradients.
pub const SURROGATES: [&str; 4] =
    ["piecewise_linear", "exponential", "fast_sigmoid_derivative", "arctan_derivative"];

/// Whether thresholds adapt.
pub const ADAPTATION: [(&str, bool); 2] = [("plain", false), ("adaptive", true)];

/// A way in which weights change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Once an update interval.
    Interval,
    /// With every spike (e-prop+).
    Spike,
}

impl Rule {
    fn suffix(self) -> &'static str {
        match self {
            Self::Interval => "_bsshslm_2020",
            Self::Spike => "",
        }
    }
}

/// A network on one thread.
pub struct Network {
    pub kernel: Kernel,
    rule: Rule,
}

impl Network {
    /// A kernel whose update interval has so many steps.
    pub fn new(rule: Rule, steps: usize) -> Self {
        let mut kernel = Kernel::new();
        let interval = Dict::new()
            .with("resolution", 1.0)
            .with("local_num_threads", 1.0)
            .with("eprop_update_interval", steps as f64)
            .with("eprop_learning_window", steps as f64);
        kernel.set(&interval).expect("a valid interval");
        Self { kernel, rule }
    }

    fn create(&mut self, model: &str, n: usize, params: Dict) -> Vec<NodeId> {
        let model = format!("{model}{}", self.rule.suffix());
        let params = params.with("E_L", 0.0).with("V_m", 0.0).with("C_m", 1.0);
        let first = self.kernel.create(&model, n as f64, &Params::Shared(params)).expect("a valid model");
        (first..first + n as NodeId).collect()
    }

    /// Neurons that never reach their threshold and always have a surrogate gradient.
    pub fn silent(&mut self, n: usize, surrogate: &str, adaptive: bool) -> Vec<NodeId> {
        let params = Dict::new()
            .with("V_th", 1e3)
            .with("surrogate_gradient_function", surrogate)
            .with("surrogate_gradient_width", 1e4);
        if adaptive {
            self.create("eprop_iaf_adapt", n, params.with("adapt_beta", 0.1))
        } else {
            self.create("eprop_iaf", n, params)
        }
    }

    /// Neurons that fire every so many milliseconds.
    pub fn clocks(&mut self, n: usize, interval: f64) -> Vec<NodeId> {
        let params = Dict::new()
            .with("ignore_and_spike", true)
            .with("ignore_and_spike_offset", 1.0)
            .with("ignore_and_spike_interval", interval);
        self.create("eprop_iaf", n, params)
    }

    /// Readouts, each with a learning signal to all of `neurons`.
    pub fn readouts(&mut self, n: usize, neurons: &[NodeId]) -> Vec<NodeId> {
        let readouts = self.create("eprop_readout", n, Dict::new());
        self.connect(&readouts, neurons, "eprop_learning_signal_connection");
        readouts
    }

    /// Plastic synapses from all to all.
    pub fn plastic(&mut self, sources: &[NodeId], targets: &[NodeId], optimizer: &str) {
        let model = format!("eprop_synapse{}", self.rule.suffix());
        let optimizer = Dict::new().with("type", optimizer).with("eta", 1e-9);
        self.kernel
            .set_defaults(&model, &Dict::new().with("optimizer", optimizer))
            .expect("a valid optimizer");
        self.connect(sources, targets, "eprop_synapse");
    }

    fn connect(&mut self, sources: &[NodeId], targets: &[NodeId], synapse: &str) {
        let synapse = Dict::new()
            .with("synapse_model", format!("{synapse}{}", self.rule.suffix()))
            .with("weight", 1e-6)
            .with("delay", 1.0);
        let rule = Dict::new().with("rule", "all_to_all").with("allow_autapses", false);
        self.kernel.connect(sources, targets, &rule, &synapse).expect("valid connections");
    }

    /// Static synapses from all to each of `targets`, from so many sources each where that is given.
    pub fn fixed(&mut self, sources: &[NodeId], targets: &[NodeId], indegree: Option<usize>) {
        let rule = match indegree {
            Some(indegree) => Dict::new().with("rule", "fixed_indegree").with("indegree", indegree as f64),
            None => Dict::new().with("rule", "all_to_all"),
        };
        let synapse = Dict::new().with("synapse_model", "static_synapse").with("weight", 1e-6);
        self.kernel.connect(sources, targets, &rule, &synapse).expect("valid connections");
    }

    /// Measures `steps` steps after a few, with so many elements in them.
    pub fn bench(
        mut self,
        group: &mut BenchmarkGroup<'_, WallTime>,
        id: BenchmarkId,
        steps: usize,
        elements: usize,
    ) {
        let control = RunControl::default();
        self.kernel.simulate(3.0 + steps as f64, &control).expect("a network that runs");
        group.throughput(Throughput::Elements(elements as u64));
        group.bench_function(id, |bencher| {
            bencher.iter(|| self.kernel.simulate(steps as f64, &control).expect("a network that runs"));
        });
    }
}

/// Settings under which all benchmarks take a minute.
pub fn short() -> Criterion {
    Criterion::default()
        .sample_size(20)
        .warm_up_time(std::time::Duration::from_millis(200))
        .measurement_time(std::time::Duration::from_millis(800))
}
