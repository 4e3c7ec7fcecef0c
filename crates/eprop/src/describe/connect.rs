//! Connecting nodes: rules, and which model may stand between which nodes.

use std::collections::BTreeMap;

use crate::describe::check::{self, Cell};
use crate::describe::network::{Carries, Network, NodeId, Projection, Targets};
use crate::describe::parameter::{Bound, Kind, Parameter};
use crate::describe::suggest;
use crate::error::{Error, ErrorCode, Result};
use crate::models::{Family, NodeClass, SynapseKind};
use crate::plan::index::Population;
use crate::random::NestRandom;
use crate::value::{Dict, Value};

/// Names of the connection rules.
pub const RULES: [&str; 5] =
    ["all_to_all", "one_to_one", "pairwise_bernoulli", "fixed_indegree", "fixed_outdegree"];

/// What a rule may be given.
const RULE_TABLE: &[Parameter] = &[
    Parameter::number("rule", "", "", 0.0, Bound::None, "Name of the rule"),
    Parameter::number("p", "p", "", 1.0, Bound::UnitInterval, "Probability of a connection"),
    integer("indegree", "Connections per target"),
    integer("outdegree", "Connections per source"),
    flag("allow_autapses", "Nodes may connect to themselves"),
    flag("allow_multapses", "A pair may be connected several times"),
];

const fn integer(name: &'static str, text: &'static str) -> Parameter {
    let mut row = Parameter::number(name, "", "", 0.0, Bound::NonNegative, text);
    row.kind = Kind::Integer;
    row
}

const fn flag(name: &'static str, text: &'static str) -> Parameter {
    let mut row = Parameter::number(name, "", "", 1.0, Bound::None, text);
    row.kind = Kind::Bool;
    row
}

/// A node and its place in the list that names it.
type Placed = (NodeId, usize);
/// Source, target and weight of a connection.
type Listed = (NodeId, NodeId, f64);

/// A checked connection rule.
#[derive(Debug, Clone, PartialEq)]
struct Rule {
    name: String,
    probability: f64,
    degree: Option<usize>,
    autapses: bool,
    multapses: bool,
}

impl Rule {
    fn new(values: &Dict) -> Result<Self> {
        let name = check::text(values, "rule", "all_to_all")?;
        if !RULES.contains(&name) {
            return Err(Error::new(ErrorCode::BadProperty, format!("unknown connectivity rule: {name}"))
                .parameter("rule")
                .value(name)
                .bound(suggest::hint(name, RULES)));
        }
        let mut rule =
            Self { name: name.to_owned(), probability: 1.0, degree: None, autapses: true, multapses: true };
        let needed = match name {
            "pairwise_bernoulli" => Some("p"),
            "fixed_indegree" => Some("indegree"),
            "fixed_outdegree" => Some("outdegree"),
            _ => None,
        };
        for (key, value) in values.0.iter().filter(|(key, _)| key != "rule") {
            let (_, parameter) = check::find(name, RULE_TABLE, key)?;
            let Cell::Number(number) = check::cell(name, parameter, value)? else { continue };
            match key.as_str() {
                "allow_autapses" => rule.autapses = number != 0.0,
                "allow_multapses" => rule.multapses = number != 0.0,
                _ if Some(key.as_str()) != needed => {
                    return Err(Error::new(
                        ErrorCode::UnaccessedDictionaryEntry,
                        format!("the rule {name} has no parameter {key}"),
                    )
                    .parameter(key.clone())
                    .value(value));
                }
                "p" => rule.probability = number,
                _ => rule.degree = Some(number as usize),
            }
        }
        if let Some(needed) = needed
            && values.get(needed).is_none()
        {
            return Err(Error::new(ErrorCode::BadProperty, format!("the rule {name} needs {needed}"))
                .parameter(needed)
                .bound("a number"));
        }
        Ok(rule)
    }
}

/// Checked properties of the synapses of one call.
struct Synapse<'a> {
    model: usize,
    weight: &'a Value,
    delay: Delay,
    receptor: u32,
    tau_m_readout: Option<f64>,
}

enum Delay {
    All(u32),
    Each(Vec<u32>),
}

/// The pairs that a call connects.
enum Pairs {
    /// Each source to each target.
    All { autapses: bool },
    /// Source, target, place of the weight in a list (call order).
    Listed(Vec<(NodeId, NodeId)>),
}

impl Network {
    fn population(&self, node: NodeId) -> Result<Population> {
        self.group_of(node)
            .map(Population::of)
            .ok_or_else(|| Error::new(ErrorCode::UnknownNode, format!("there is no node {node}")).value(node))
    }

    fn synapse<'a>(&self, values: &'a Dict, default: &'a Value) -> Result<Synapse<'a>> {
        let name = check::text(values, "synapse_model", "static_synapse")?;
        let place = self.synapse_model(name)?;
        let state = &self.synapse_models[place];
        let mut synapse = Synapse {
            model: place,
            weight: default,
            delay: Delay::All((state.delay / self.kernel.resolution).round().max(1.0) as u32),
            receptor: state.receptor,
            tau_m_readout: state.tau_m_readout_set.then_some(state.tau_m_readout),
        };
        for (key, value) in values.0.iter().filter(|(key, _)| key != "synapse_model") {
            let (_, parameter) = check::find(name, state.model.parameters, key)?;
            match (key.as_str(), value) {
                ("weight", Value::Number(_)) => {
                    check::cell(name, parameter, value)?;
                    synapse.weight = value;
                }
                ("weight", Value::Numbers(list) | Value::Matrix { data: list, .. }) => {
                    for weight in list {
                        check::number(name, parameter, *weight)?;
                    }
                    synapse.weight = value;
                }
                ("weight", Value::Random(_)) => synapse.weight = value,
                ("delay", Value::Numbers(list)) => {
                    synapse.delay = Delay::Each(
                        list.iter().map(|delay| self.steps(name, *delay)).collect::<Result<_>>()?,
                    );
                }
                ("delay", Value::Number(delay)) => synapse.delay = Delay::All(self.steps(name, *delay)?),
                ("receptor_type" | "tau_m_readout", _) => match check::cell(name, parameter, value)? {
                    Cell::Number(number) if key == "receptor_type" => synapse.receptor = number as u32,
                    Cell::Number(number) => synapse.tau_m_readout = Some(number),
                    _ => {}
                },
                ("weight" | "delay", _) => {
                    check::cell(name, parameter, value)?;
                }
                _ => {
                    return Err(Error::new(
                        ErrorCode::NotImplemented,
                        format!(
                            "{key} is common to all synapses of a model: set it with SetDefaults or CopyModel"
                        ),
                    )
                    .model(name)
                    .parameter(key.clone()));
                }
            }
        }
        Ok(synapse)
    }

    fn steps(&self, model: &str, delay: f64) -> Result<u32> {
        let resolution = self.kernel.resolution;
        let refuse = |bound: String| {
            Error::new(ErrorCode::BadDelay, "a delay must be a whole number of steps, at least one")
                .model(model)
                .parameter("delay")
                .value(format!("{delay} ms"))
                .bound(bound)
        };
        if !delay.is_finite() || delay < resolution * (1.0 - 1e-9) {
            return Err(refuse(format!("at least the resolution, {resolution} ms")));
        }
        if !check::on_grid(delay, resolution) || delay / resolution > 1e6 {
            return Err(refuse(format!("a multiple of {resolution} ms, at most a million steps")));
        }
        Ok((delay / resolution).round() as u32)
    }

    /// Connects nodes by a rule.
    ///
    /// # Errors
    /// What is wrong with nodes, rule, synapse model or parameters.
    pub fn connect(
        &mut self,
        sources: &[NodeId],
        targets: &[NodeId],
        rule: &Dict,
        synapse: &Dict,
        random: &mut NestRandom,
    ) -> Result<()> {
        let rule = Rule::new(rule)?;
        for (nodes, what) in [(sources, "sources"), (targets, "targets")] {
            if nodes.is_empty() {
                return Err(Error::new(ErrorCode::ValueError, "there is nothing to connect")
                    .parameter(what)
                    .value("no nodes")
                    .bound("at least one node"));
            }
            let mut sorted = nodes.to_vec();
            sorted.sort_unstable();
            if let Some([node, ..]) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
                return Err(Error::new(ErrorCode::ValueError, "a node is named twice")
                    .parameter(what)
                    .value(format!("node {node}"))
                    .bound("each node once, or pairs of node ids"));
            }
        }
        let mut generator = random.clone();
        let mut listed = Vec::new();
        let below = |random: &mut NestRandom, n: usize| ((random.uniform01() * n as f64) as usize).min(n - 1);
        match rule.name.as_str() {
            "one_to_one" => {
                if sources.len() != targets.len() {
                    return Err(Error::new(
                        ErrorCode::DimensionMismatch,
                        "source and target population must be of the same size",
                    )
                    .parameter("targets")
                    .value(format!("{} sources, {} targets", sources.len(), targets.len()))
                    .bound("as many targets as sources"));
                }
                listed.extend(sources.iter().copied().zip(targets.iter().copied()));
            }
            "pairwise_bernoulli" => {
                for target in targets {
                    for source in sources {
                        if generator.uniform01() < rule.probability && (rule.autapses || source != target) {
                            listed.push((*source, *target));
                        }
                    }
                }
            }
            "fixed_indegree" | "fixed_outdegree" => {
                let inward = rule.name == "fixed_indegree";
                let (fixed, pool) = if inward { (targets, sources) } else { (sources, targets) };
                let degree = rule.degree.unwrap_or(0);
                for node in fixed {
                    let candidates = pool.len() - usize::from(!rule.autapses && pool.contains(node));
                    if degree > 0 && (candidates == 0 || (!rule.multapses && degree > candidates)) {
                        return Err(Error::new(
                            ErrorCode::BadProperty,
                            "there are not enough nodes for that many connections",
                        )
                        .parameter(if inward { "indegree" } else { "outdegree" })
                        .value(degree)
                        .bound(format!("at most {candidates}")));
                    }
                    let mut taken = std::collections::BTreeSet::new();
                    while taken.len() < degree {
                        let other = pool[below(&mut generator, pool.len())];
                        if !rule.autapses && other == *node {
                            continue;
                        }
                        let repeat = listed.len();
                        if rule.multapses {
                            taken.insert((repeat, other));
                        } else if !taken.insert((0, other)) {
                            continue;
                        }
                        listed.push(if inward { (other, *node) } else { (*node, other) });
                    }
                }
            }
            _ => {
                let pairs = Pairs::All { autapses: rule.autapses };
                self.connect_checked(sources, targets, &pairs, synapse, &mut generator)?;
                *random = generator;
                return Ok(());
            }
        }
        if rule.name == "one_to_one" && !rule.autapses {
            listed.retain(|(source, target)| source != target);
        }
        self.connect_checked(sources, targets, &Pairs::Listed(listed), synapse, &mut generator)?;
        *random = generator;
        Ok(())
    }

    /// Connects pairs of nodes; ids may repeat.
    ///
    /// # Errors
    /// As [`Network::connect`].
    pub fn connect_pairs(
        &mut self,
        sources: &[NodeId],
        targets: &[NodeId],
        synapse: &Dict,
        random: &mut NestRandom,
    ) -> Result<()> {
        if sources.len() != targets.len() || sources.is_empty() {
            return Err(Error::new(ErrorCode::DimensionMismatch, "pairs need as many sources as targets")
                .parameter("targets")
                .value(format!("{} sources, {} targets", sources.len(), targets.len()))
                .bound("as many targets as sources, at least one"));
        }
        let mut generator = random.clone();
        let listed = sources.iter().copied().zip(targets.iter().copied()).collect();
        self.connect_checked(sources, targets, &Pairs::Listed(listed), synapse, &mut generator)?;
        *random = generator;
        Ok(())
    }

    fn connect_checked(
        &mut self,
        sources: &[NodeId],
        targets: &[NodeId],
        pairs: &Pairs,
        synapse: &Dict,
        random: &mut NestRandom,
    ) -> Result<()> {
        let default = Value::Number(
            self.synapse_models
                [self.synapse_model(check::text(synapse, "synapse_model", "static_synapse")?)?]
            .weight,
        );
        let synapse = self.synapse(synapse, &default)?;
        let by_population = |nodes: &[NodeId]| -> Result<Vec<(Population, Vec<Placed>)>> {
            let mut parts: Vec<(Population, Vec<Placed>)> = Vec::new();
            for (place, node) in nodes.iter().enumerate() {
                let population = self.population(*node)?;
                match parts.iter_mut().find(|(known, _)| *known == population) {
                    Some((_, nodes)) => nodes.push((*node, place)),
                    None => parts.push((population, vec![(*node, place)])),
                }
            }
            for (_, nodes) in &mut parts {
                nodes.sort_unstable();
            }
            Ok(parts)
        };
        let mut made = Vec::new();
        match pairs {
            Pairs::All { autapses } => {
                let Delay::All(delay) = synapse.delay else {
                    return Err(Error::new(ErrorCode::ValueError, "all_to_all takes one delay")
                        .parameter("delay")
                        .bound("a number"));
                };
                if let Value::Numbers(_) | Value::Matrix { .. } = synapse.weight {
                    let fits = matches!(synapse.weight, Value::Matrix { rows, columns, .. }
                        if *rows == targets.len() && *columns == sources.len());
                    if !fits {
                        return Err(Error::new(ErrorCode::ValueError, "the weights have the wrong shape")
                            .model(self.synapse_models[synapse.model].name.clone())
                            .parameter("weight")
                            .value(synapse.weight)
                            .bound(format!(
                                "a number or a {}x{} matrix (targets x sources)",
                                targets.len(),
                                sources.len()
                            )));
                    }
                }
                // Drawn target by target, as the rows of a matrix.
                let drawn: Vec<f64> = match synapse.weight {
                    Value::Random(distribution) => {
                        (0..targets.len() * sources.len()).map(|_| distribution.draw(random)).collect()
                    }
                    _ => Vec::new(),
                };
                let weight_at = |source: usize, target: usize| match synapse.weight {
                    Value::Matrix { columns, data, .. } => data[target * columns + source],
                    Value::Random(_) => drawn[target * sources.len() + source],
                    Value::Number(weight) => *weight,
                    _ => 0.0,
                };
                for (from, from_nodes) in by_population(sources)? {
                    for (to, to_nodes) in by_population(targets)? {
                        let carries = self.carries(
                            (from, from_nodes[0].0),
                            (to, to_nodes[0].0),
                            &synapse,
                            delay,
                            from_nodes.iter().map(|(node, _)| *node),
                            to_nodes.iter().map(|(node, _)| *node),
                        )?;
                        let nodes: Vec<NodeId> = to_nodes.iter().map(|(node, _)| *node).collect();
                        let loops =
                            from == to && from_nodes.iter().any(|(n, _)| nodes.binary_search(n).is_ok());
                        let mut weights = Vec::with_capacity(from_nodes.len() * nodes.len());
                        for (source, source_place) in &from_nodes {
                            for (target, target_place) in &to_nodes {
                                let hole = loops && !autapses && source == target;
                                weights.push(if hole {
                                    0.0
                                } else {
                                    weight_at(*source_place, *target_place)
                                });
                            }
                        }
                        made.push(Projection {
                            synapse: synapse.model,
                            carries,
                            receptor: synapse.receptor,
                            delay,
                            tau_m_readout: synapse.tau_m_readout,
                            made: 0,
                            sources: from_nodes.iter().map(|(node, _)| *node).collect(),
                            targets: Targets::Dense { nodes, autapses: *autapses || !loops },
                            weights,
                        });
                    }
                }
            }
            Pairs::Listed(listed) => {
                if listed.is_empty() {
                    return Ok(());
                }
                let wrong_length = |name: &str, given: &Value| {
                    Error::new(ErrorCode::ValueError, "a list has not one entry per connection")
                        .model(self.synapse_models[synapse.model].name.clone())
                        .parameter(name)
                        .value(given)
                        .bound(format!("a number or {} numbers", listed.len()))
                };
                let weights: Vec<f64> = match synapse.weight {
                    Value::Number(weight) => vec![*weight; listed.len()],
                    Value::Numbers(list) if list.len() == listed.len() => list.clone(),
                    Value::Random(distribution) => listed.iter().map(|_| distribution.draw(random)).collect(),
                    other => return Err(wrong_length("weight", other)),
                };
                let delays: Vec<u32> = match &synapse.delay {
                    Delay::All(delay) => vec![*delay; listed.len()],
                    Delay::Each(list) if list.len() == listed.len() => list.clone(),
                    Delay::Each(list) => {
                        return Err(wrong_length("delay", &Value::Numbers(vec![0.0; list.len()])));
                    }
                };
                let mut parts: BTreeMap<(u32, NodeKey, NodeKey), Vec<Listed>> = BTreeMap::new();
                for (place, (source, target)) in listed.iter().enumerate() {
                    let key = (
                        delays[place],
                        NodeKey::of(self.population(*source)?),
                        NodeKey::of(self.population(*target)?),
                    );
                    parts.entry(key).or_default().push((*source, *target, weights[place]));
                }
                for ((delay, _, _), mut entries) in parts {
                    entries.sort_by_key(|(source, target, _)| (*source, *target));
                    let (from, to) = (self.population(entries[0].0)?, self.population(entries[0].1)?);
                    let carries = self.carries(
                        (from, entries[0].0),
                        (to, entries[0].1),
                        &synapse,
                        delay,
                        entries.iter().map(|(source, _, _)| *source),
                        entries.iter().map(|(_, target, _)| *target),
                    )?;
                    let mut sources: Vec<NodeId> = Vec::new();
                    let mut row_start = Vec::new();
                    for (place, (source, _, _)) in entries.iter().enumerate() {
                        if sources.last() != Some(source) {
                            sources.push(*source);
                            row_start.push(place);
                        }
                    }
                    row_start.push(entries.len());
                    made.push(Projection {
                        synapse: synapse.model,
                        carries,
                        receptor: synapse.receptor,
                        delay,
                        tau_m_readout: synapse.tau_m_readout,
                        made: 0,
                        sources,
                        targets: Targets::Sparse {
                            row_start,
                            nodes: entries.iter().map(|(_, target, _)| *target).collect(),
                        },
                        weights: entries.iter().map(|(_, _, weight)| *weight).collect(),
                    });
                }
            }
        }
        for projection in &made {
            for weight in &projection.weights {
                self.within_bounds(projection.synapse, *weight)?;
            }
        }
        self.projections.append(&mut made);
        self.version += 1;
        Ok(())
    }

    /// What connections between these nodes carry.
    fn carries(
        &self,
        (from, source): (Population, NodeId),
        (to, target): (Population, NodeId),
        synapse: &Synapse<'_>,
        delay: u32,
        sources: impl Iterator<Item = NodeId>,
        targets: impl Iterator<Item = NodeId>,
    ) -> Result<Carries> {
        let model = &self.synapse_models[synapse.model];
        let group_name = |node: NodeId| self.group_of(node).map_or("", |group| group.model_name.as_str());
        let pair =
            format!("{} (node {source}) to {} (node {target})", group_name(source), group_name(target));
        let refuse = |code: ErrorCode, what: &str| {
            Err(Error::new(code, what)
                .model(model.name.clone())
                .parameter("synapse_model")
                .value(pair.clone()))
        };
        match model.model.kind {
            SynapseKind::Static | SynapseKind::Plastic => {
                let plastic = model.model.kind == SynapseKind::Plastic;
                match (from, to) {
                    (Population::Recorder, Population::Recurrent(_) | Population::Readout(_)) if !plastic => {
                        self.check_recordables(sources, targets)?;
                        Ok(Carries::FromMultimeter)
                    }
                    (Population::Recorder, _) => refuse(
                        ErrorCode::IllegalConnection,
                        "a recorder can only be the source of a connection if it is a multimeter",
                    ),
                    (Population::Readout(_) | Population::Rate, _) => {
                        refuse(ErrorCode::IllegalConnection, "the source emits no spikes")
                    }
                    (_, Population::Rate) => {
                        refuse(ErrorCode::IllegalConnection, "the target receives no spikes")
                    }
                    (_, Population::Stimulus | Population::Recorder) if plastic => refuse(
                        ErrorCode::NotImplemented,
                        "this synapse model is not supported by the neuron model of at least one connection",
                    ),
                    (_, Population::Stimulus) => {
                        let all_parrots = targets.into_iter().all(|node| {
                            self.group_of(node).is_some_and(|group| group.model.class == NodeClass::Parrot)
                        });
                        if all_parrots {
                            Ok(Carries::Spikes)
                        } else {
                            refuse(ErrorCode::IllegalConnection, "a generator receives no spikes")
                        }
                    }
                    (_, Population::Recorder) => {
                        let all_record_spikes = targets.into_iter().all(|node| {
                            self.group_of(node)
                                .is_some_and(|group| group.model.class == NodeClass::SpikeRecorder)
                        });
                        if all_record_spikes {
                            Ok(Carries::ToRecorder)
                        } else {
                            refuse(ErrorCode::IllegalConnection, "only a spike_recorder receives spikes")
                        }
                    }
                    (_, Population::Recurrent(family) | Population::Readout(family)) => {
                        if let Population::Recurrent(of) = from
                            && of != family
                        {
                            return refuse(
                                ErrorCode::NotImplemented,
                                "neurons whose weights change once an interval and neurons whose weights change at every \
                                 spike cannot be connected",
                            );
                        }
                        if !plastic {
                            return Ok(Carries::Spikes);
                        }
                        if model.model.family != family {
                            return refuse(
                                ErrorCode::NotImplemented,
                                "this synapse model is not supported by the neuron model of at least one connection",
                            );
                        }
                        if delay != 1 {
                            return Err(Error::new(
                                ErrorCode::IllegalConnection,
                                "e-prop synapses require a delay of one simulation step",
                            )
                            .model(model.name.clone())
                            .parameter("delay")
                            .value(format!("{} ms", f64::from(delay) * self.kernel.resolution))
                            .bound(format!("{} ms", self.kernel.resolution)));
                        }
                        Ok(if family == Family::PerInterval {
                            Carries::PlasticPerInterval
                        } else {
                            Carries::PlasticPerSpike
                        })
                    }
                }
            }
            SynapseKind::LearningSignal => match (from, to) {
                (Population::Readout(of), Population::Recurrent(family))
                    if of == family && family == model.model.family =>
                {
                    if delay == 1 {
                        Ok(Carries::LearningSignal)
                    } else {
                        Err(Error::new(
                            ErrorCode::IllegalConnection,
                            "learning signals require a delay of one simulation step",
                        )
                        .model(model.name.clone())
                        .parameter("delay")
                        .value(format!("{} ms", f64::from(delay) * self.kernel.resolution))
                        .bound(format!("{} ms", self.kernel.resolution)))
                    }
                }
                _ => refuse(
                    ErrorCode::IllegalConnection,
                    "learning signals go from readouts to recurrent neurons of the same family",
                ),
            },
            SynapseKind::Rate => {
                let possible = match (from, to) {
                    (Population::Rate, Population::Readout(Family::PerInterval)) => synapse.receptor == 2,
                    (Population::Rate, Population::Readout(_)) => matches!(synapse.receptor, 1 | 2),
                    (Population::Readout(Family::PerInterval), Population::Readout(Family::PerInterval)) => {
                        synapse.receptor == 1 && delay == 1
                    }
                    _ => false,
                };
                if possible {
                    Ok(Carries::Rate)
                } else {
                    Err(Error::new(
                        ErrorCode::IllegalConnection,
                        "rates go from generators or readouts to a receptor of readouts",
                    )
                    .model(model.name.clone())
                    .parameter("receptor_type")
                    .value(format!("{}, {pair}", synapse.receptor))
                    .bound("2 for targets; 1 for what normalizes readouts, or the learning window"))
                }
            }
        }
    }

    fn check_recordables(
        &self,
        sources: impl Iterator<Item = NodeId>,
        targets: impl Iterator<Item = NodeId>,
    ) -> Result<()> {
        let mut models: Vec<&crate::models::NodeModel> = Vec::new();
        for target in targets {
            if let Some(group) = self.group_of(target)
                && !models.iter().any(|model| std::ptr::eq(*model, group.model))
            {
                models.push(group.model);
            }
        }
        for source in sources {
            let Some(group) = self.group_of(source) else { continue };
            if group.model.class != NodeClass::Multimeter {
                return Err(Error::new(
                    ErrorCode::IllegalConnection,
                    "a recorder can only be the source of a connection if it is a multimeter",
                )
                .model(group.model_name.clone())
                .value(format!("node {source}")));
            }
            let crate::describe::network::Column::TextLists(lists) = group.column("record_from") else {
                continue;
            };
            for name in &lists[(source - group.first) as usize] {
                for model in &models {
                    if !model.recordables.contains(&name.as_str()) {
                        return Err(Error::new(
                            ErrorCode::IllegalConnection,
                            format!("cannot connect with unknown recordable {name}"),
                        )
                        .model(model.name)
                        .parameter("record_from")
                        .value(name)
                        .bound(format!("one of {}", model.recordables.join(", "))));
                    }
                }
            }
        }
        Ok(())
    }
}

/// A population as something that can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct NodeKey(u8);

impl NodeKey {
    fn of(population: Population) -> Self {
        let family = |family: Family| match family {
            Family::Any => 0,
            Family::PerInterval => 1,
            Family::PerSpike => 2,
        };
        Self(match population {
            Population::Stimulus => 0,
            Population::Rate => 1,
            Population::Recorder => 2,
            Population::Recurrent(of) => 3 + family(of),
            Population::Readout(of) => 6 + family(of),
        })
    }
}
