//! Histories, drawn.
//!
//! What proptest draws and shrinks is a list of operations. They become calls while a sketch of the network is kept, so
//! that most calls are accepted and those that are left when others are taken away still mean something.

use eprop::models::{NODE_MODELS, NodeClass, NodeModel, Rule, SynapseKind, synapses};
use eprop::optimizer::METHODS;
use eprop::tables::parameter::{Bound, Kind as ParameterKind, Parameter, Role};
use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};

use crate::Call;
use crate::dice::Dice;

/// Which histories are drawn.
#[derive(Debug, Clone, Copy, Default)]
pub struct Settings {
    /// Only what NEST computes as we do, and accepts.
    pub nest: bool,
    /// Most operations of a history; 0 for the usual number.
    pub most: usize,
}

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Describes a network that learns, with inputs, targets and recorders.
    Network,
    /// Creates nodes.
    Nodes,
    /// Connects nodes.
    Connect,
    /// Sets parameters of nodes.
    Set,
    /// Sets defaults of a model.
    Defaults,
    /// Copies a model.
    Copy,
    /// Sets weights.
    Weights,
    /// Simulates.
    Simulate,
    /// Asks for something.
    Look,
    /// Calls something in a way that is refused.
    Bad,
    /// Sets kernel parameters.
    Kernel,
    /// Forgets everything.
    Reset,
}

/// How often each kind is drawn.
const KINDS: [(Kind, u32); 12] = [
    (Kind::Network, 3),
    (Kind::Nodes, 10),
    (Kind::Connect, 22),
    (Kind::Set, 14),
    (Kind::Defaults, 6),
    (Kind::Copy, 3),
    (Kind::Weights, 6),
    (Kind::Simulate, 26),
    (Kind::Look, 4),
    (Kind::Bad, 8),
    (Kind::Kernel, 2),
    (Kind::Reset, 1),
];

/// An operation: what it does, and what its details follow from.
#[derive(Debug, Clone, Copy)]
pub struct Operation {
    /// What it does.
    pub kind: Kind,
    /// What its details follow from.
    pub detail: u64,
}

/// Lists of operations, each beginning with a network.
pub fn operations(settings: Settings) -> impl Strategy<Value = Vec<Operation>> {
    let most = if settings.most == 0 { 32 } else { settings.most };
    let total: u32 = KINDS.iter().map(|(_, often)| often).sum();
    let kind = (0..total).no_shrink().prop_map(|mut drawn| {
        for (kind, often) in KINDS {
            if drawn < often {
                return kind;
            }
            drawn -= often;
        }
        Kind::Simulate
    });
    let operation = (kind, any::<u64>().no_shrink()).prop_map(|(kind, detail)| Operation { kind, detail });
    (any::<u64>().no_shrink(), prop::collection::vec(operation, 2..most)).prop_map(|(detail, rest)| {
        let network = Operation { kind: Kind::Network, detail };
        std::iter::once(network).chain(rest).collect()
    })
}

/// Nodes that were created together.
#[derive(Debug, Clone)]
struct Group {
    name: String,
    model: &'static NodeModel,
    n: usize,
    first: usize,
}

#[derive(Debug, Clone)]
struct Synapse {
    name: String,
    kind: SynapseKind,
    rule: Rule,
    /// Its optimizer's `type`.
    method: &'static str,
    /// Whether its learning rate was ever changed.
    rated: bool,
}

/// What the calls so far have made, as far as drawing further ones needs it.
struct Sketch {
    settings: Settings,
    calls: Vec<Call>,
    groups: Vec<Group>,
    synapses: Vec<Synapse>,
    /// Names of node models: built in ones, and copies.
    models: Vec<(String, &'static NodeModel)>,
    named: usize,
    nodes: usize,
    resolution: f64,
    interval: usize,
    /// Steps done.
    time: usize,
    /// Populations that were joined, and whether not by static synapses.
    joined: Vec<(String, String, bool)>,
    /// Whether there are synapses that learn.
    learns: bool,
}

/// Where values lie that keep neurons lively, by parameter. Times in steps are marked by the last entry.
const RANGES: &[(&str, f64, f64, bool)] = &[
    ("C_m", 0.5, 2.0, false),
    ("tau_m", 3.0, 40.0, false),
    ("I_e", -0.02, 0.06, false),
    ("V_min", -2.0, -0.1, false),
    ("E_L", -0.3, 0.1, false),
    ("V_m", -0.3, 0.5, false),
    ("V_th", 0.2, 0.8, false),
    ("V_reset", -0.5, 0.1, false),
    ("t_ref", 0.0, 4.0, true),
    ("c_reg", 0.0, 30.0, false),
    ("f_target", 1.0, 50.0, false),
    ("surrogate_gradient_height", 0.1, 1.0, false),
    ("surrogate_gradient_width", 0.1, 2.0, false),
    ("adapt_beta", 0.0, 0.5, false),
    ("adapt_tau", 5.0, 200.0, false),
    ("adaptation", 0.0, 1.0, false),
    ("kappa", 0.5, 0.99, false),
    ("kappa_reg", 0.5, 0.99, false),
    ("eprop_isi_trace_cutoff", 1.0, 40.0, true),
    ("ignore_and_spike_offset", 1.0, 10.0, true),
    ("ignore_and_spike_interval", 1.0, 30.0, true),
    ("rate", 0.0, 300.0, false),
    ("start", 0.0, 60.0, true),
    ("stop", 60.0, 300.0, true),
    ("origin", 0.0, 20.0, true),
    ("interval", 1.0, 6.0, true),
    ("offset", 0.0, 5.0, true),
    ("delay", 1.0, 6.0, true),
    ("weight", -1.0, 1.0, false),
    ("n_events", 0.0, 0.0, false),
    ("precision", 0.0, 6.0, true),
];

/// Parameters that are drawn elsewhere or left alone.
const LEFT_ALONE: &[&str] = &[
    "label",
    "file_extension",
    "record_to",
    "precision",
    "record_from",
    "spike_times",
    "spike_multiplicities",
    "spike_weights",
    "precise_times",
    "allow_offgrid_times",
    "shift_now_spikes",
    "amplitude_times",
    "amplitude_values",
    "senders",
    "targets",
    "n_events",
    "flush_event_send_interval",
];

/// What NEST shows in another way.
const NOT_WITH_NEST: &[&str] = &["time_in_steps"];

/// What NEST computes the gradient of an update interval with when a source next fires, as it is then.
const READ_LATE: &[&str] = &["tau_m", "adapt_tau", "adapt_beta", "regular_spike_arrival"];

/// The shortest update interval of which NEST shows no errors before the first (steps).
const SHORTEST_WITH_NEST: usize = 5;

/// Whether NEST leaves out the connections among such nodes where it is asked for those between some nodes.
fn is_device(group: &Group) -> bool {
    use NodeClass::{
        CurrentGenerator, Multimeter, PoissonGenerator, SpikeGenerator, SpikeRecorder, StepRateGenerator,
        WeightRecorder,
    };
    matches!(
        group.model.class,
        SpikeGenerator
            | PoissonGenerator
            | StepRateGenerator
            | CurrentGenerator
            | Multimeter
            | SpikeRecorder
            | WeightRecorder
    )
}

/// The calls that operations stand for.
#[must_use]
pub fn interpret(operations: &[Operation], settings: Settings) -> Vec<Call> {
    let mut sketch = Sketch::new(settings);
    let mut dice = Dice::new(operations.first().map_or(0, |operation| operation.detail) ^ 0x5eed);
    sketch.begin(&mut dice);
    for operation in operations {
        let mut dice = Dice::new(operation.detail);
        sketch.operate(operation.kind, &mut dice);
    }
    if sketch.calls.last().is_none_or(|call| call.name() != "Simulate") {
        sketch.simulate(&mut Dice::new(1));
    }
    sketch.calls
}

/// Parameters under construction.
#[derive(Debug, Default)]
struct Fields(Map<String, Json>);

impl Fields {
    fn set(&mut self, name: &str, value: impl Into<Json>) {
        self.0.insert(name.to_owned(), value.into());
    }
}

impl From<Fields> for Json {
    fn from(fields: Fields) -> Self {
        Self::Object(fields.0)
    }
}

impl Sketch {
    fn new(settings: Settings) -> Self {
        Self {
            settings,
            calls: vec![Call::new("ResetKernel")],
            groups: Vec::new(),
            synapses: synapses::MODELS
                .iter()
                .map(|model| Synapse {
                    name: model.name.to_owned(),
                    kind: model.kind,
                    rule: model.rule,
                    method: "gradient_descent",
                    rated: false,
                })
                .collect(),
            models: NODE_MODELS.iter().map(|model| (model.name.to_owned(), *model)).collect(),
            named: 0,
            nodes: 0,
            resolution: 1.0,
            interval: 20,
            time: 0,
            joined: Vec::new(),
            learns: false,
        }
    }

    /// Kernel parameters that cannot change later.
    fn begin(&mut self, dice: &mut Dice) {
        self.resolution = *dice.pick(&[1.0, 1.0, 1.0, 0.5, 0.1, 2.0]);
        self.interval = if dice.chance(0.1) { dice.whole(1, 4) } else { dice.whole(5, 40) };
        if self.settings.nest {
            self.interval = self.interval.max(SHORTEST_WITH_NEST);
        }
        let window = if dice.chance(0.5) { self.interval } else { dice.whole(1, self.interval) };
        let mut values = Fields::default();
        values.set("resolution", self.resolution);
        values.set("eprop_update_interval", self.ms(self.interval));
        values.set("eprop_learning_window", self.ms(window));
        values.set("eprop_reset_neurons_on_update", dice.chance(0.6));
        values.set("rng_seed", dice.whole(1, 1000));
        if !self.settings.nest && dice.chance(0.2) {
            values.set("precision", "f32");
        }
        self.calls.push(Call::new("set").with(values));
    }

    fn ms(&self, steps: usize) -> f64 {
        // As a user writes it: 0.3, not 0.30000000000000004.
        (steps as f64 * self.resolution * 1000.0).round() / 1000.0
    }

    fn operate(&mut self, kind: Kind, dice: &mut Dice) {
        // What is created or connected between two simulations changes what is learned elsewhere in NEST.
        let grows = matches!(kind, Kind::Network | Kind::Nodes | Kind::Connect);
        if self.settings.nest && grows && self.time > 0 && self.learns {
            return;
        }
        match kind {
            Kind::Network => self.network(dice),
            Kind::Nodes => self.nodes(dice),
            Kind::Connect => self.connect(dice),
            Kind::Set => self.set(dice),
            Kind::Defaults => self.defaults(dice),
            Kind::Copy => self.copy(dice),
            Kind::Weights => self.weights(dice),
            Kind::Simulate => self.simulate(dice),
            Kind::Look => self.look(dice),
            Kind::Bad => self.bad(dice),
            Kind::Kernel => self.kernel(dice),
            Kind::Reset => {
                if dice.chance(0.3) {
                    let (settings, calls, named) =
                        (self.settings, std::mem::take(&mut self.calls), self.named);
                    *self = Self::new(settings);
                    self.named = named;
                    self.calls.splice(0..0, calls);
                    self.begin(dice);
                    self.network(dice);
                }
            }
        }
    }

    fn name(&mut self, prefix: &str) -> String {
        self.named += 1;
        format!("{prefix}{}", self.named)
    }

    fn create(&mut self, model: &str, n: usize, params: Fields) -> Group {
        let known = self.models.iter().find(|(name, _)| name == model).expect("a model that was listed").1;
        let prefix: String = known.name.split('_').map(|word| &word[..1]).collect();
        let name = self.name(&prefix);
        let params = if params.0.is_empty() { Json::Null } else { params.into() };
        self.calls.push(Call::new("Create").with(name.as_str()).with(model).with(n).with(params));
        let group = Group { name, model: known, n, first: self.nodes + 1 };
        self.nodes += n;
        self.groups.push(group.clone());
        group
    }

    /// A model of that class, a copy perhaps.
    fn model(&self, dice: &mut Dice, fits: impl Fn(&NodeModel) -> bool) -> String {
        let models: Vec<&str> =
            self.models.iter().filter(|(_, model)| fits(model)).map(|(name, _)| name.as_str()).collect();
        (*dice.pick(&models)).to_owned()
    }

    /// A value that the parameter takes.
    fn value(&self, parameter: &Parameter, dice: &mut Dice) -> Json {
        match parameter.kind {
            ParameterKind::Bool => return json!(dice.chance(0.5)),
            ParameterKind::Choice(choices) => return json!(dice.pick(choices)),
            _ => {}
        }
        if let Some((_, low, high, in_steps)) = RANGES.iter().find(|(name, ..)| *name == parameter.name) {
            return if *in_steps {
                json!(self.ms(dice.whole(*low as usize, *high as usize)))
            } else {
                json!(dice.number(*low, *high))
            };
        }
        let (low, high): (f64, f64) = match parameter.bound {
            Bound::UnitInterval | Bound::BelowOne => (0.0, 0.99),
            Bound::Positive | Bound::PositiveOrInfinite => (0.1, 10.0),
            Bound::NonNegative | Bound::NonNegativeOrInfinite => (0.0, 10.0),
            _ => (-1.0, 1.0),
        };
        if parameter.kind == ParameterKind::Integer {
            json!(dice.whole(low.max(1.0) as usize, high as usize))
        } else {
            json!(dice.number(low, high))
        }
    }

    /// Values of some rows of a model's table, each with this probability; some with an entry for each of `n` nodes.
    fn some(&self, model: &NodeModel, n: usize, probability: f64, fields: &mut Fields, dice: &mut Dice) {
        for parameter in model.parameters {
            if parameter.role == Role::ReadOnly
                || LEFT_ALONE.contains(&parameter.name)
                || (self.settings.nest && NOT_WITH_NEST.contains(&parameter.name))
                || !dice.chance(probability)
            {
                continue;
            }
            let number = parameter.kind == ParameterKind::Number;
            let value = if number && n > 1 && dice.chance(0.2) {
                Json::Array((0..n).map(|_| self.value(parameter, dice)).collect())
            } else if number && !self.settings.nest && dice.chance(0.1) && parameter.name.starts_with("V_") {
                json!({"random": ["normal", dice.number(0.2, 0.5), 0.05]})
            } else {
                self.value(parameter, dice)
            };
            fields.set(parameter.name, value);
        }
    }

    fn recurrent(&mut self, rule: Rule, n: usize, dice: &mut Dice) -> Group {
        let model = self.model(dice, |model| model.class == NodeClass::Recurrent && model.rule == rule);
        let known = self.models.iter().find(|(name, _)| *name == model).expect("a model that was listed").1;
        let mut fields = Fields::default();
        for (name, value) in [("C_m", 1.0), ("E_L", 0.0), ("V_m", 0.0)] {
            fields.set(name, value);
        }
        fields.set("V_th", dice.number(0.3, 0.6));
        fields.set("tau_m", dice.number(5.0, 40.0));
        if known.place("V_reset").is_some() {
            fields.set("V_reset", dice.number(-0.3, 0.0));
        }
        fields.set("t_ref", self.ms(dice.whole(0, 3)));
        fields.set("surrogate_gradient_width", dice.number(0.2, 1.5));
        self.some(known, n, 0.12, &mut fields, dice);
        self.create(&model, n, fields)
    }

    fn readouts(&mut self, rule: Rule, n: usize, dice: &mut Dice) -> Group {
        let model = self.model(dice, |model| model.class == NodeClass::Readout && model.rule == rule);
        let known = self.models.iter().find(|(name, _)| *name == model).expect("a model that was listed").1;
        let mut fields = Fields::default();
        for (name, value) in [("C_m", 1.0), ("E_L", 0.0), ("V_m", 0.0)] {
            fields.set(name, value);
        }
        fields.set("tau_m", dice.number(5.0, 40.0));
        self.some(known, n, 0.08, &mut fields, dice);
        self.create(&model, n, fields)
    }

    /// Ascending steps after now, or in part before.
    fn steps(&self, dice: &mut Dice, probability: f64, length: usize, past: bool) -> Vec<usize> {
        let from = if past { self.time.saturating_sub(5).max(1) } else { self.time + 1 };
        (from..from + length).filter(|_| dice.chance(probability)).collect()
    }

    fn spike_times(&self, fields: &mut Fields, dice: &mut Dice) {
        let (probability, length) = (dice.number(0.02, 0.4), dice.whole(5, 120));
        let past = dice.chance(0.2);
        let steps = self.steps(dice, probability, length, past);
        fields.set("spike_times", steps.iter().map(|step| self.ms(*step)).collect::<Vec<f64>>());
        if dice.chance(0.2) {
            fields.set("spike_multiplicities", steps.iter().map(|_| dice.whole(0, 3)).collect::<Vec<_>>());
        }
    }

    fn amplitudes(&self, fields: &mut Fields, dice: &mut Dice) {
        self.piecewise("amplitude", (-1.0, 1.0), fields, dice);
    }

    fn piecewise(&self, what: &str, (least, most): (f64, f64), fields: &mut Fields, dice: &mut Dice) {
        let (probability, length) = (dice.number(0.1, 1.0), dice.whole(5, 150));
        let steps = self.steps(dice, probability, length, false);
        let times = steps.iter().map(|step| self.ms(*step)).collect::<Vec<f64>>();
        fields.set(&format!("{what}_times"), times);
        let values = steps.iter().map(|_| dice.number(least, most)).collect::<Vec<f64>>();
        fields.set(&format!("{what}_values"), values);
    }

    /// What a generator of currents sends.
    fn current(&self, model: &NodeModel, fields: &mut Fields, dice: &mut Dice) {
        for (name, most) in
            [("amplitude", 0.5), ("offset", 0.2), ("frequency", 60.0), ("phase", 360.0), ("mean", 0.1)]
        {
            if model.place(name).is_some() && dice.chance(0.8) {
                fields.set(name, dice.number(-0.3 * most, most));
            }
        }
        if model.place("dt").is_some() {
            fields.set("dt", self.ms(dice.whole(1, 4)));
            fields.set("std", dice.number(0.1, 0.3));
            fields.set("std_mod", dice.number(0.0, 0.1));
        }
        if model.takes_list("amplitude_times") {
            self.amplitudes(fields, dice);
        }
        if dice.chance(0.2) {
            fields.set("start", self.ms(self.time + dice.whole(0, 30)));
            fields.set("stop", self.ms(self.time + dice.whole(30, 90)));
        }
    }

    fn currents(&mut self, dice: &mut Dice) -> Group {
        let nest = self.settings.nest;
        let model = self.model(dice, |model| {
            model.class == NodeClass::CurrentGenerator && !(nest && model.place("dt").is_some())
        });
        let known = self.models.iter().find(|(name, _)| *name == model).expect("a model that was listed").1;
        let mut fields = Fields::default();
        self.current(known, &mut fields, dice);
        self.create(&model, 1, fields)
    }

    fn generators(&mut self, n: usize, dice: &mut Dice) -> Group {
        let poisson = !self.settings.nest && dice.chance(0.15);
        let class = if poisson { NodeClass::PoissonGenerator } else { NodeClass::SpikeGenerator };
        let model = self.model(dice, |model| model.class == class);
        let known = self.models.iter().find(|(name, _)| *name == model).expect("a model that was listed").1;
        let mut fields = Fields::default();
        if poisson && known.place("rate").is_some() {
            fields.set("rate", dice.number(20.0, 300.0));
        } else if poisson {
            self.piecewise("rate", (0.0, 300.0), &mut fields, dice);
        }
        self.some(known, n, 0.05, &mut fields, dice);
        // A list for several nodes is one for each with NEST.
        if !poisson && (n == 1 || !self.settings.nest) && dice.chance(0.3) {
            self.spike_times(&mut fields, dice);
        }
        let group = self.create(&model, n, fields);
        if !poisson && self.calls.last().is_some_and(|call| call.argument(3).get("spike_times").is_none()) {
            let list: Vec<Json> = (0..n)
                .map(|_| {
                    let mut fields = Fields::default();
                    self.spike_times(&mut fields, dice);
                    fields.into()
                })
                .collect();
            self.calls.push(Call::new("Set").with(group.name.as_str()).with(list));
        }
        group
    }

    fn rates(&mut self, n: usize, dice: &mut Dice) -> Group {
        let group = self.create("step_rate_generator", n, Fields::default());
        let list: Vec<Json> = (0..n)
            .map(|_| {
                let mut fields = Fields::default();
                self.amplitudes(&mut fields, dice);
                fields.into()
            })
            .collect();
        self.calls.push(Call::new("Set").with(group.name.as_str()).with(list));
        group
    }

    /// A recorder of these nodes.
    fn record(&mut self, nodes: &Group, dice: &mut Dice) {
        let spiking = !matches!(
            nodes.model.class,
            NodeClass::Readout | NodeClass::StepRateGenerator | NodeClass::CurrentGenerator
        );
        let mut fields = Fields::default();
        let model = if spiking && (nodes.model.recordables.is_empty() || dice.chance(0.5)) {
            "spike_recorder"
        } else {
            let names: Vec<&str> = nodes
                .model
                .recordables
                .iter()
                .copied()
                .filter(|name| *name != "eprop_history_duration" && dice.chance(0.6))
                .collect();
            if matches!(nodes.model.class, NodeClass::StepRateGenerator | NodeClass::CurrentGenerator) {
                return;
            }
            if names.is_empty() && dice.chance(0.8) {
                "voltmeter"
            } else {
                fields.set("record_from", names);
                "multimeter"
            }
        };
        let known = self.models.iter().find(|(name, _)| name == model).expect("a model").1;
        self.some(known, 1, 0.1, &mut fields, dice);
        let recorder = self.create(model, 1, fields);
        let (from, to) = if model == "spike_recorder" { (nodes, &recorder) } else { (&recorder, nodes) };
        let mut synapse = Fields::default();
        synapse.set("delay", self.ms(if dice.chance(0.2) { dice.whole(1, 4) } else { 1 }));
        let (from, to) = (Self::part(from, dice), Self::part(to, dice));
        self.calls
            .push(Call::new("Connect").with(from).with(to).with(json!({"rule": "all_to_all"})).with(synapse));
    }

    fn part(group: &Group, dice: &mut Dice) -> Json {
        if group.n > 1 && dice.chance(0.15) {
            let from = dice.whole(0, group.n - 1);
            json!([group.name, from, dice.whole(from + 1, group.n)])
        } else {
            json!(group.name)
        }
    }

    fn network(&mut self, dice: &mut Dice) {
        let rule = if dice.chance(0.55) { Rule::Interval } else { Rule::Plus };
        let large = dice.chance(0.1);
        let inputs = dice.whole(1, 6);
        let n = if large { dice.whole(60, 300) } else { dice.whole(1, 12) };
        let generators = self.generators(inputs, dice);
        let first = if self.settings.nest || dice.chance(0.5) {
            let parrots = self.create("parrot_neuron", inputs, Fields::default());
            let delay = self.ms(if dice.chance(0.3) { dice.whole(1, 5) } else { 1 });
            self.calls.push(
                Call::new("Connect")
                    .with(generators.name.as_str())
                    .with(parrots.name.as_str())
                    .with(json!({"rule": "one_to_one"}))
                    .with(json!({"synapse_model": "static_synapse", "delay": delay})),
            );
            parrots
        } else {
            generators.clone()
        };
        let recurrent = self.recurrent(rule, n, dice);
        let count = dice.whole(1, 3);
        let readouts = self.readouts(rule, count, dice);
        if dice.chance(0.8) {
            self.optimizer(rule, dice);
        }
        self.join(&first, &recurrent, SynapseKind::Plastic, dice);
        if dice.chance(0.8) {
            self.join(&recurrent, &recurrent, SynapseKind::Plastic, dice);
        }
        if dice.chance(0.9) {
            self.join(&recurrent, &readouts, SynapseKind::Plastic, dice);
        }
        if dice.chance(0.9) {
            self.join(&readouts, &recurrent, SynapseKind::LearningSignal, dice);
        }
        if dice.chance(0.9) {
            let targets = self.rates(readouts.n, dice);
            self.rate(&targets, &readouts, 2);
        }
        if rule == Rule::Plus && dice.chance(0.9) {
            let window = self.create("step_rate_generator", 1, Fields::default());
            let at = self.ms(self.time + 2);
            self.calls.push(
                Call::new("Set")
                    .with(window.name.as_str())
                    .with(json!({"amplitude_times": [at], "amplitude_values": [1.0]})),
            );
            self.rate(&window, &readouts, 1);
        }
        if rule == Rule::Interval && readouts.n > 1 && dice.chance(0.3) {
            self.rate(&readouts.clone(), &readouts, 1);
        }
        if dice.chance(0.3) {
            let generators = self.currents(dice);
            self.join(&generators, &recurrent, SynapseKind::Static, dice);
            if dice.chance(0.5) {
                self.join(&generators, &readouts, SynapseKind::Static, dice);
            }
        }
        self.record(&recurrent, dice);
        self.record(&readouts, dice);
        if dice.chance(0.5) {
            self.record(&first, dice);
        }
    }

    /// Carries a rate.
    fn rate(&mut self, from: &Group, to: &Group, receptor: usize) {
        let rule = if from.name == to.name {
            json!({"rule": "all_to_all", "allow_autapses": false})
        } else if from.n == to.n && receptor == 2 {
            json!({"rule": "one_to_one"})
        } else {
            json!({"rule": "all_to_all"})
        };
        self.calls.push(
            Call::new("Connect").with(from.name.as_str()).with(to.name.as_str()).with(rule).with(json!({
                "synapse_model": "rate_connection_delayed",
                "delay": self.resolution,
                "receptor_type": receptor
            })),
        );
    }

    /// Sets the optimizer of a rule's synapses.
    fn optimizer(&mut self, rule: Rule, dice: &mut Dice) {
        let places: Vec<usize> = (0..self.synapses.len())
            .filter(|place| {
                self.synapses[*place].kind == SynapseKind::Plastic && self.synapses[*place].rule == rule
            })
            .collect();
        let place = *dice.pick(&places);
        let used = self.calls.iter().any(|call| {
            call.name().starts_with("Connect") && call.to_string().contains(&self.synapses[place].name)
        });
        let mut optimizer = Fields::default();
        if used {
            if self.synapses[place].method != "gradient_descent" && !self.settings.nest {
                optimizer.set("type", self.synapses[place].method);
            }
        } else {
            // NEST has the first two.
            let known = if self.settings.nest { 2 } else { METHODS.len() };
            let method = if dice.chance(0.6) { 0 } else { dice.whole(1, known - 1) };
            self.synapses[place].method = METHODS[method].name;
            optimizer.set("type", METHODS[method].name);
            if dice.chance(0.4) {
                optimizer.set("batch_size", dice.whole(1, 4));
            }
        }
        // NEST looks for the first rate that was ever set when a source next fires.
        let late = self.settings.nest && self.time > 0 && !self.synapses[place].rated;
        if dice.chance(0.8) && !late {
            let eta = *dice.pick(&[0.1, 0.03, 0.01, 1e-3, 1e-4, 0.0]);
            self.synapses[place].rated |= eta != 1e-4;
            optimizer.set("eta", eta);
        }
        if dice.chance(0.2) {
            optimizer.set("Wmin", -4.0);
            optimizer.set("Wmax", 4.0);
        }
        if rule == Rule::Plus && dice.chance(0.5) {
            optimizer.set("optimize_each_step", dice.chance(0.5));
        }
        if self.synapses[place].method != "gradient_descent" && !used && dice.chance(0.5) {
            optimizer.set("beta_1", 0.8);
            optimizer.set("epsilon", 1e-5);
        }
        let mut fields = Fields::default();
        fields.set("optimizer", optimizer);
        if rule == Rule::Interval && dice.chance(0.3) {
            fields.set("average_gradient", dice.chance(0.5));
        }
        if dice.chance(0.3) && !(self.settings.nest && self.time > 0) {
            let recorder = self.create("weight_recorder", 1, Fields::default());
            fields.set("weight_recorder", recorder.name);
        }
        self.calls.push(Call::new("SetDefaults").with(self.synapses[place].name.as_str()).with(fields));
    }

    /// Connects two populations by a rule that is drawn.
    fn join(&mut self, from: &Group, to: &Group, kind: SynapseKind, dice: &mut Dice) {
        let rule = to.model.rule;
        let candidates: Vec<String> = self
            .synapses
            .iter()
            .filter(|synapse| synapse.kind == kind && (synapse.rule == rule || synapse.rule == Rule::Any))
            .map(|synapse| synapse.name.clone())
            .collect();
        if candidates.is_empty() {
            return;
        }
        self.learns |= kind == SynapseKind::Plastic;
        // NEST has not made the last update of a weight that learns, and takes a learning signal that is on its way by
        // the weight that is set.
        self.joined.push((from.name.clone(), to.name.clone(), kind != SynapseKind::Static));
        let mut model = dice.pick(&candidates).clone();
        if self.settings.nest && self.time > 0 && kind != SynapseKind::LearningSignal {
            // What was just emitted goes over a new connection in NEST if its source had one of that model.
            let copy = self.name("late");
            self.calls.push(Call::new("CopyModel").with(model).with(copy.as_str()).with(json!({})));
            model = copy;
        }
        let mut synapse = Fields::default();
        synapse.set("synapse_model", model);
        let fixed = matches!(kind, SynapseKind::Plastic | SynapseKind::LearningSignal);
        let delay = if fixed { 1 } else { dice.whole(1, 5) };
        synapse.set("delay", self.ms(delay));
        let scale = match kind {
            SynapseKind::LearningSignal => 1.0,
            _ => *dice.pick(&[0.5, 1.0, 1.0, 2.0]) / (from.n as f64).sqrt(),
        };
        let drawn = |dice: &mut Dice| dice.number(-0.8 * scale, 1.2 * scale);
        let (source, target) = (Self::part(from, dice), Self::part(to, dice));
        let whole = source.is_string() && target.is_string();
        let sizes = (selected(&source, from.n), selected(&target, to.n));
        let mut pattern = Fields::default();
        let which = dice.uniform();
        // NEST does not take it from the readouts.
        if rule == Rule::Interval && kind == SynapseKind::Plastic && (self.settings.nest || dice.chance(0.3))
        {
            synapse.set("tau_m_readout", dice.number(5.0, 40.0));
        }
        if whole && dice.chance(0.1) {
            // Pairs of ids, in any order, some of them more than once.
            let count = dice.whole(1, (from.n * to.n).min(20));
            let pairs: Vec<(usize, usize)> = (0..count)
                .map(|_| (from.first + dice.whole(0, from.n - 1), to.first + dice.whole(0, to.n - 1)))
                .collect();
            synapse.set("weight", (0..count).map(|_| drawn(dice)).collect::<Vec<f64>>());
            if fixed {
                synapse.set("delay", vec![self.resolution; count]);
            } else {
                let delays: Vec<f64> = (0..count).map(|_| self.ms(dice.whole(1, 5))).collect();
                synapse.set("delay", delays);
            }
            self.calls.push(
                Call::new("ConnectIds")
                    .with(pairs.iter().map(|(source, _)| *source).collect::<Vec<usize>>())
                    .with(pairs.iter().map(|(_, target)| *target).collect::<Vec<usize>>())
                    .with(synapse),
            );
            return;
        }
        if sizes.0 == sizes.1 && which < 0.15 {
            pattern.set("rule", "one_to_one");
            synapse.set("weight", drawn(dice));
        } else if which < 0.7 || (self.settings.nest && which > 0.85) {
            pattern.set("rule", "all_to_all");
            if from.name == to.name && dice.chance(0.6) {
                pattern.set("allow_autapses", false);
            }
            if dice.chance(0.85) {
                let rows: Vec<Vec<f64>> =
                    (0..sizes.1).map(|_| (0..sizes.0).map(|_| drawn(dice)).collect()).collect();
                synapse.set("weight", rows);
            } else {
                synapse.set("weight", drawn(dice));
            }
        } else if which < 0.8 {
            pattern.set("rule", "pairwise_bernoulli");
            pattern.set("p", dice.number(0.1, 0.9));
            synapse.set("weight", drawn(dice));
        } else if which < 0.9 {
            pattern.set("rule", "fixed_indegree");
            pattern.set("indegree", dice.whole(1, sizes.0.min(5) + 1));
            pattern.set("allow_multapses", dice.chance(0.6));
            synapse.set("weight", drawn(dice));
        } else {
            pattern.set("rule", "fixed_outdegree");
            pattern.set("outdegree", dice.whole(1, sizes.1.min(5) + 1));
            pattern.set("allow_multapses", dice.chance(0.6));
            synapse.set("weight", drawn(dice));
        }
        if !self.settings.nest && dice.chance(0.08) && kind != SynapseKind::LearningSignal {
            synapse.set("weight", json!({"random": ["normal", 0.0, scale * 0.5]}));
        }
        self.calls.push(Call::new("Connect").with(source).with(target).with(pattern).with(synapse));
    }

    fn nodes(&mut self, dice: &mut Dice) {
        let rule = if dice.chance(0.5) { Rule::Interval } else { Rule::Plus };
        match dice.whole(0, 9) {
            0 | 1 => {
                let n = dice.whole(1, 6);
                let group = self.recurrent(rule, n, dice);
                if dice.chance(0.5) {
                    self.record(&group, dice);
                }
            }
            2 => {
                let n = dice.whole(1, 3);
                let group = self.readouts(rule, n, dice);
                if dice.chance(0.5) {
                    self.record(&group, dice);
                }
            }
            3 | 4 => {
                let n = dice.whole(1, 4);
                self.generators(n, dice);
            }
            5 => {
                let n = dice.whole(1, 4);
                let group = self.create("parrot_neuron", n, Fields::default());
                if dice.chance(0.7) {
                    self.record(&group, dice);
                }
            }
            6 if dice.chance(0.5) => {
                let generators = self.currents(dice);
                let to = self.any(dice, |group| {
                    matches!(group.model.class, NodeClass::Recurrent | NodeClass::Readout)
                });
                if let Some(to) = to {
                    self.join(&generators, &to, SynapseKind::Static, dice);
                }
            }
            6 => {
                let n = dice.whole(1, 3);
                self.rates(n, dice);
            }
            _ => {
                if let Some(group) = self.any(dice, |group| {
                    !matches!(
                        group.model.class,
                        NodeClass::SpikeRecorder | NodeClass::WeightRecorder | NodeClass::Multimeter
                    )
                }) {
                    self.record(&group, dice);
                }
            }
        }
    }

    fn any(&self, dice: &mut Dice, fits: impl Fn(&Group) -> bool) -> Option<Group> {
        let fitting: Vec<&Group> = self.groups.iter().filter(|group| fits(group)).collect();
        if fitting.is_empty() { None } else { Some((*dice.pick(&fitting)).clone()) }
    }

    fn record_spikes(&mut self, from: &Group, to: Group, dice: &mut Dice) {
        self.calls.push(
            Call::new("Connect")
                .with(Self::part(from, dice))
                .with(to.name)
                .with(json!({"rule": "all_to_all"}))
                .with(json!({"delay": self.resolution})),
        );
    }

    fn connect(&mut self, dice: &mut Dice) {
        let nest = self.settings.nest;
        let stimulus = |group: &Group| {
            matches!(
                group.model.class,
                NodeClass::SpikeGenerator | NodeClass::PoissonGenerator | NodeClass::Parrot
            )
        };
        let of = |class: NodeClass| move |group: &Group| group.model.class == class;
        match dice.whole(0, 9) {
            0 => {
                if let (Some(from), Some(to)) =
                    (self.any(dice, stimulus), self.any(dice, of(NodeClass::Parrot)))
                    && from.first < to.first
                {
                    self.join(&from, &to, SynapseKind::Static, dice);
                    if dice.chance(0.1)
                        && let Some(call) = self.calls.last_mut()
                        && call.name() == "Connect"
                    {
                        call.0[4]["receptor_type"] = json!(1);
                    }
                }
            }
            1 | 2 => {
                let plastic = dice.chance(0.6);
                let from = self.any(dice, |group| {
                    stimulus(group) && !(nest && plastic && group.model.class != NodeClass::Parrot)
                });
                if let (Some(from), Some(to)) = (from, self.any(dice, of(NodeClass::Recurrent))) {
                    let kind = if plastic { SynapseKind::Plastic } else { SynapseKind::Static };
                    self.join(&from, &to, kind, dice);
                }
            }
            3 | 4 => {
                if let Some(from) = self.any(dice, of(NodeClass::Recurrent)) {
                    let rule = from.model.rule;
                    let to = self.any(dice, |group| {
                        matches!(group.model.class, NodeClass::Recurrent | NodeClass::Readout)
                            && group.model.rule == rule
                    });
                    if let Some(to) = to {
                        let kind = if dice.chance(0.6) { SynapseKind::Plastic } else { SynapseKind::Static };
                        self.join(&from, &to, kind, dice);
                    }
                }
            }
            5 => {
                if let Some(from) = self.any(dice, of(NodeClass::Readout)) {
                    let rule = from.model.rule;
                    let to = self.any(dice, |group| {
                        group.model.class == NodeClass::Recurrent && group.model.rule == rule
                    });
                    if let Some(to) = to {
                        self.join(&from, &to, SynapseKind::LearningSignal, dice);
                    }
                }
            }
            6 => {
                if let (Some(from), Some(to)) =
                    (self.any(dice, of(NodeClass::StepRateGenerator)), self.any(dice, of(NodeClass::Readout)))
                {
                    let receptor = if to.model.rule == Rule::Plus { dice.whole(1, 2) } else { 2 };
                    self.rate(&from, &to, receptor);
                }
            }
            7 => {
                let spiking = |group: &Group| stimulus(group) || group.model.class == NodeClass::Recurrent;
                if let (Some(from), Some(to)) =
                    (self.any(dice, spiking), self.any(dice, of(NodeClass::SpikeRecorder)))
                {
                    self.record_spikes(&from, to, dice);
                }
            }
            8 => {
                let from = self
                    .any(dice, |group| stimulus(group) && (!nest || group.model.class == NodeClass::Parrot));
                if let (Some(from), Some(to)) = (from, self.any(dice, of(NodeClass::Readout))) {
                    let kind = if dice.chance(0.5) { SynapseKind::Plastic } else { SynapseKind::Static };
                    self.join(&from, &to, kind, dice);
                }
            }
            _ => {
                if !nest && let (Some(from), Some(to)) = (self.any(dice, |_| true), self.any(dice, |_| true))
                {
                    let kind = *dice.pick(&[
                        SynapseKind::Static,
                        SynapseKind::Plastic,
                        SynapseKind::LearningSignal,
                        SynapseKind::Rate,
                    ]);
                    if !(to.model.class == NodeClass::Parrot && from.first >= to.first) {
                        self.join(&from, &to, kind, dice);
                    }
                }
            }
        }
    }

    fn set(&mut self, dice: &mut Dice) {
        let Some(group) = self.any(dice, |_| true) else { return };
        let selection = Self::part(&group, dice);
        let n = selected(&selection, group.n);
        let mut fields = Fields::default();
        match group.model.class {
            NodeClass::SpikeGenerator | NodeClass::StepRateGenerator if self.settings.nest && n > 1 => {
                let list: Vec<Json> = (0..n)
                    .map(|_| {
                        let mut fields = Fields::default();
                        if group.model.class == NodeClass::SpikeGenerator {
                            self.spike_times(&mut fields, dice);
                        } else {
                            self.amplitudes(&mut fields, dice);
                        }
                        fields.into()
                    })
                    .collect();
                self.calls.push(Call::new("Set").with(selection).with(list));
                return;
            }
            NodeClass::SpikeGenerator => {
                if dice.chance(0.8) {
                    self.spike_times(&mut fields, dice);
                } else {
                    self.some(group.model, n, 0.5, &mut fields, dice);
                }
            }
            NodeClass::StepRateGenerator => self.amplitudes(&mut fields, dice),
            NodeClass::CurrentGenerator => self.current(group.model, &mut fields, dice),
            NodeClass::SpikeRecorder | NodeClass::WeightRecorder | NodeClass::Multimeter => {
                // A new window of a multimeter holds a step earlier in NEST.
                let window = self.settings.nest && group.model.class == NodeClass::Multimeter;
                if window || dice.chance(0.4) {
                    fields.set("n_events", 0);
                } else {
                    self.some(group.model, n, 0.3, &mut fields, dice);
                }
            }
            _ => {
                self.some(group.model, n, if dice.chance(0.5) { 0.08 } else { 0.3 }, &mut fields, dice);
                if self.settings.nest && self.time > 0 && group.model.rule == Rule::Interval {
                    // An exponential of the voltage that is sent without having been computed gives no number there.
                    fields.0.retain(|name, _| name != "loss" && !READ_LATE.contains(&name.as_str()));
                }
            }
        }
        if !fields.0.is_empty() {
            self.calls.push(Call::new("Set").with(selection).with(fields));
        }
    }

    fn defaults(&mut self, dice: &mut Dice) {
        if dice.chance(0.7) {
            let rule = if dice.chance(0.5) { Rule::Interval } else { Rule::Plus };
            self.optimizer(rule, dice);
            return;
        }
        let (name, model) = dice.pick(&self.models).clone();
        let mut fields = Fields::default();
        self.some(model, 1, 0.1, &mut fields, dice);
        if !fields.0.is_empty() {
            self.calls.push(Call::new("SetDefaults").with(name).with(fields));
        }
    }

    fn copy(&mut self, dice: &mut Dice) {
        if dice.chance(0.5) {
            let mut synapse = dice.pick(&self.synapses).clone();
            let existing = synapse.name.clone();
            synapse.name = self.name("synapse");
            let mut fields = Fields::default();
            if synapse.kind == SynapseKind::Plastic && dice.chance(0.7) {
                let mut optimizer = Fields::default();
                optimizer.set("eta", *dice.pick(&[0.1, 0.01, 1e-3]));
                synapse.rated = true;
                fields.set("optimizer", optimizer);
            }
            self.calls.push(Call::new("CopyModel").with(existing).with(synapse.name.as_str()).with(fields));
            self.synapses.push(synapse);
        } else {
            let (existing, model) = dice.pick(&self.models).clone();
            let name = self.name("model");
            let mut fields = Fields::default();
            self.some(model, 1, 0.1, &mut fields, dice);
            self.calls.push(Call::new("CopyModel").with(existing).with(name.as_str()).with(fields));
            self.models.push((name, model));
        }
    }

    fn weights(&mut self, dice: &mut Dice) {
        if self.settings.nest {
            let learns = |from: &str, to: &str| {
                self.joined.iter().any(|(a, b, plastic)| *plastic && a == from && b == to)
            };
            let fixed: Vec<(String, String)> = self
                .joined
                .iter()
                .filter(|(from, to, _)| !learns(from, to))
                .map(|(from, to, _)| (from.clone(), to.clone()))
                .collect();
            if !fixed.is_empty() {
                let (from, to) = dice.pick(&fixed).clone();
                let weight = dice.number(-1.0, 1.0);
                self.calls
                    .push(Call::new("SetConnections").with(from).with(to).with(json!({"weight": weight})));
            }
            return;
        }
        if let (Some(from), Some(to)) = (self.any(dice, |_| true), self.any(dice, |_| true)) {
            let (from, to) = (Self::part(&from, dice), Self::part(&to, dice));
            let weight = dice.number(-1.0, 1.0);
            self.calls.push(Call::new("SetConnections").with(from).with(to).with(json!({"weight": weight})));
        }
    }

    fn simulate(&mut self, dice: &mut Dice) {
        let steps = match dice.whole(0, 3) {
            0 => dice.whole(1, 6),
            1 => self.interval,
            2 => dice.whole(1, 2 * self.interval),
            _ => dice.whole(1, 60),
        };
        self.calls.push(Call::new("Simulate").with(self.ms(steps)));
        self.time += steps;
    }

    fn look(&mut self, dice: &mut Dice) {
        if self.settings.nest || dice.chance(0.4) {
            if let (Some(from), Some(to)) = (self.any(dice, |_| true), self.any(dice, |_| true)) {
                if self.settings.nest && is_device(&from) && is_device(&to) {
                    return;
                }
                let label = self.name("look");
                self.calls.push(Call::new("GetConnections").with(label).with(from.name).with(to.name));
            }
        } else if dice.chance(0.5) {
            let recorder = self.any(dice, |group| {
                matches!(group.model.class, NodeClass::SpikeRecorder | NodeClass::Multimeter)
            });
            if let Some(recorder) = recorder {
                self.calls.push(Call::new("TakeEvents").with(recorder.name));
            }
        } else {
            self.calls.push(Call::new("Restore"));
        }
    }

    fn kernel(&mut self, dice: &mut Dice) {
        if self.settings.nest {
            return;
        }
        let (name, value) = match dice.whole(0, 3) {
            0 => ("rng_seed", json!(dice.whole(1, 1000))),
            1 => ("local_num_threads", json!(dice.whole(1, 4))),
            2 => ("eprop_reset_neurons_on_update", json!(dice.chance(0.5))),
            _ => ("total_num_virtual_procs", json!(1)),
        };
        let mut fields = Fields::default();
        fields.set(name, value);
        self.calls.push(Call::new("set").with(fields));
    }

    /// A call that should be refused.
    fn bad(&mut self, dice: &mut Dice) {
        if self.settings.nest {
            return;
        }
        let group = self.any(dice, |_| true);
        let other = self.any(dice, |_| true);
        let (Some(group), Some(other)) = (group, other) else { return };
        let call = Call::new;
        let bad = match dice.whole(0, 15) {
            0 => call("Create").with("bad").with("no_such_model").with(1).with(Json::Null),
            1 => call("Create")
                .with("bad")
                .with(group.model.name)
                .with(*dice.pick(&[0.0, -1.0, 1.5]))
                .with(Json::Null),
            2 => call("Create").with("bad").with(group.model.name).with(2).with(json!([{}, {"tau_n": 1.0}])),
            3 => {
                let parameter = dice.pick(group.model.parameters);
                let mut fields = Fields::default();
                fields.set(parameter.name, json!({"float": "nan"}));
                call("Set").with(group.name).with(fields)
            }
            4 => {
                let parameter = dice.pick(group.model.parameters);
                let mut fields = Fields::default();
                fields.set(parameter.name, json!({"nonsense": true}));
                call("Create").with("bad").with(group.model.name).with(3).with(fields)
            }
            5 => {
                // The first is all right, the last is not.
                let list: Vec<Json> = vec![json!({"n_events": 0}), json!({"no_such": 1.0})];
                call("Set").with(json!([[group.name, 0, 1], [other.name, 0, 1]])).with(list)
            }
            6 => call("Connect")
                .with(group.name)
                .with(other.name)
                .with(json!({"rule": "one_to_one"}))
                .with(json!({"delay": -1.0})),
            7 => call("Connect")
                .with(group.name)
                .with(other.name)
                .with(json!({"rule": "fixed_indegree", "indegree": 1000, "allow_multapses": false}))
                .with(json!({})),
            8 => call("Connect").with(group.name).with(other.name).with(json!({"rule": "all_to_all"})).with(
                json!({"synapse_model": "eprop_synapse", "weight": [[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]]}),
            ),
            9 => call("Connect")
                .with(group.name)
                .with(other.name)
                .with(json!({"rule": "pairwise_bernoulli", "p": 1.5}))
                .with(json!({})),
            10 => call("Simulate").with(*dice.pick(&[-1.0, 0.013, 1e300])),
            11 => call("set").with(json!({"eprop_update_interval": 0.0123})),
            12 => call("set").with(json!({"rng_seed": 5, "no_such": 1})),
            13 => call("CopyModel").with("eprop_iaf").with("eprop_synapse").with(json!({})),
            14 => call("SetDefaults")
                .with("eprop_synapse")
                .with(json!({"optimizer": {"Wmin": 5.0, "Wmax": -5.0}})),
            _ => call("SetConnections")
                .with(group.name)
                .with(other.name)
                .with(json!({"weight": 1e30, "delay": 2.0})),
        };
        self.calls.push(bad);
    }
}

fn selected(selection: &Json, n: usize) -> usize {
    match selection {
        Json::Array(parts) => {
            let number = |place: usize| parts[place].as_u64().unwrap_or(0) as usize;
            number(2) - number(1)
        }
        _ => n,
    }
}
