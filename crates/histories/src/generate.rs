//! Histories, drawn.
//!
//! What proptest draws and shrinks is a list of operations. They become calls while a sketch of the network is kept, so
//! that most calls are accepted and those that are left when others are taken away still mean something.

mod change;
mod connect;
mod models;
mod nodes;
mod values;

use eprop::models::{NODE_MODELS, NodeModel, Rule, SynapseKind, synapses};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::Call;
use crate::dice::Dice;
use crate::generate::values::Fields;

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
    /// Whether its optimizer is called for each step of a window.
    each_step: bool,
    /// Whether its connections are rewired, perhaps: not all there can be may be there.
    rewires: bool,
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
    /// Whether there are spikes that are several at once; with NEST, windows of e-prop+ are not cut off then.
    several: bool,
}

/// Steps that neurons advance without a look at whether to stop; longer update intervals are few.
const LONG: usize = 256;

/// The shortest update interval of which NEST shows no errors before the first (steps).
const SHORTEST_WITH_NEST: usize = 5;

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
                    each_step: true,
                    rewires: false,
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
            several: true,
        }
    }

    /// Kernel parameters that cannot change later.
    fn begin(&mut self, dice: &mut Dice) {
        self.resolution = *dice.pick(&[1.0, 1.0, 1.0, 0.5, 0.1, 2.0]);
        self.interval = if dice.chance(0.1) { dice.whole(1, 4) } else { dice.whole(5, 40) };
        if self.settings.nest {
            self.interval = self.interval.max(SHORTEST_WITH_NEST);
        } else if dice.chance(0.06) {
            self.interval = dice.whole(LONG + 1, 600);
        }
        let window = if dice.chance(0.5) { self.interval } else { dice.whole(1, self.interval) };
        self.several = !self.settings.nest || dice.chance(0.5);
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

    fn part(group: &Group, dice: &mut Dice) -> Json {
        if group.n > 1 && dice.chance(0.15) {
            let from = dice.whole(0, group.n - 1);
            json!([group.name, from, dice.whole(from + 1, group.n)])
        } else {
            json!(group.name)
        }
    }

    fn any(&self, dice: &mut Dice, fits: impl Fn(&Group) -> bool) -> Option<Group> {
        let fitting: Vec<&Group> = self.groups.iter().filter(|group| fits(group)).collect();
        if fitting.is_empty() { None } else { Some((*dice.pick(&fitting)).clone()) }
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
