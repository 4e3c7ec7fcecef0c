//! Connecting nodes: what a call's synapses are, and how its connections are stored.

use std::collections::BTreeSet;

use crate::base::error::{Error, ErrorCode, Result, Shown};
use crate::describe::check::{self, Cell};
use crate::describe::compatible::Link;
use crate::describe::listing::{Ends, Listing};
use crate::describe::network::{Carries, Description, NodeId, Projection, Settled, Targets};
use crate::describe::per_connection::{PerConnection, Synapse};
use crate::describe::population::Population;
use crate::describe::rules::Chosen;
use crate::models::Rule;
use crate::random::NestRandom;
use crate::tables::value::Dict;

/// Bytes of a connection whose projection has all pairs: its weight.
const DENSE: u64 = 8;
/// Bytes of a weight that is drawn before its place is known.
const DRAWN: u64 = 8;
/// Bytes of a connection that is listed: its ends and its weight as they come, in room that is twice as large at most, and
/// in their order.
pub(super) const LISTED: u64 = 2 * (4 + 4 + 8) + 12;

fn connections_of(sources: &[NodeId], targets: &[NodeId], count: f64) -> String {
    format!("{count:.0} connections from {} to {} nodes", sources.len(), targets.len())
}

/// Steps that a spike can take at most: who emits has to remember so many.
pub(super) const LONGEST_DELAY: f64 = 1e6;

/// A node and its place in the list that names it.
type Placed = (NodeId, usize);

/// The shape that a matrix of values may have; rows first.
type Shape = Option<(usize, usize)>;

impl Description {
    pub(super) fn population(&self, node: NodeId) -> Result<Population> {
        self.group_of(node)
            .map(Population::of)
            .ok_or_else(|| Error::new(ErrorCode::UnknownNode, format!("there is no node {node}")).value(node))
    }

    pub(super) fn synapse<'a>(&self, values: &'a Dict) -> Result<Synapse<'a>> {
        let name = check::text(values, "synapse_model", "static_synapse")?;
        let place = self.synapse_model(name)?;
        let state = &self.synapse_models[place];
        let mut synapse = Synapse {
            model: place,
            weight: PerConnection::All(state.weight),
            delay: PerConnection::All(state.delay),
            receptor: PerConnection::All(f64::from(state.receptor)),
            tau_m_readout: state.tau_m_readout_set.then_some(state.tau_m_readout),
        };
        for (key, value) in values.0.iter().filter(|(key, _)| key != "synapse_model") {
            let (_, parameter) = check::find(name, state.model.parameters, key)?;
            match key.as_str() {
                "weight" | "delay" | "receptor_type" if !(key == "weight" && state.model.homogeneous) => {
                    let Some(per_connection) = PerConnection::new(value) else {
                        return Err(check::cell(name, parameter, value).expect_err("neither number nor list"));
                    };
                    let check = |number: &f64| match key.as_str() {
                        "delay" => self.rounded_steps(name, *number).map(drop),
                        _ => check::number(name, parameter, *number).map(drop),
                    };
                    match &per_connection {
                        PerConnection::All(number) => check(number)?,
                        PerConnection::Each(list, _) => list.iter().try_for_each(check)?,
                        PerConnection::Drawn(_) => {}
                    }
                    *match key.as_str() {
                        "weight" => &mut synapse.weight,
                        "delay" => &mut synapse.delay,
                        _ => &mut synapse.receptor,
                    } = per_connection;
                }
                "tau_m_readout" => {
                    if let Cell::Number(number) = check::cell(name, parameter, value)? {
                        synapse.tau_m_readout = Some(number);
                    }
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

    /// A delay in steps, to the nearest one.
    pub(super) fn rounded_steps(&self, model: &str, delay: f64) -> Result<u32> {
        let steps = (check::delay_in_steps(delay, self.kernel.resolution) + 0.5).floor();
        if !steps.is_finite() || steps < 1.0 {
            let bound = format!("at least the resolution, {} ms", self.kernel.resolution);
            return Err(bad_delay(model, delay, bound));
        }
        if steps > LONGEST_DELAY {
            return Err(bad_delay(model, delay, "at most a million steps".into()));
        }
        Ok(steps as u32)
    }

    /// Connects nodes by a rule, each pair with every one of the synapses.
    ///
    /// # Errors
    /// What is wrong with nodes, rule, synapse models or parameters.
    pub fn connect(
        &mut self,
        sources: &[NodeId],
        targets: &[NodeId],
        rule: &Dict,
        synapses: &[Dict],
        random: &mut NestRandom,
    ) -> Result<()> {
        let chosen = Chosen::new(rule)?;
        if chosen.symmetric {
            return self.connect_both_ways((sources, targets), rule, synapses, random);
        }
        if synapses.is_empty() {
            return Err(Error::new(ErrorCode::ValueError, "there are no synapses to connect with")
                .parameter("synapse")
                .value("an empty list")
                .bound("at least one synapse"));
        }
        self.check_ends(sources, targets)?;
        let synapses: Vec<Synapse<'_>> =
            synapses.iter().map(|synapse| self.synapse(synapse)).collect::<Result<_>>()?;
        self.may_connect(&chosen, sources, targets, &synapses)?;
        let mut generator = random.clone();
        let ends = (sources, targets);
        let made = match &synapses[..] {
            [
                synapse @ Synapse {
                    delay: PerConnection::All(delay),
                    receptor: PerConnection::All(receptor),
                    ..
                },
            ] if chosen.rule.dense => {
                let link = self.link(synapse, self.rounded_steps(self.name_of(synapse), *delay)?, *receptor);
                self.matrix(&chosen, ends, synapse, &link, &mut generator)?
            }
            _ => self.drawn(&chosen, ends, &synapses, &mut generator)?,
        };
        self.add(made)?;
        *random = generator;
        Ok(())
    }

    /// All pairs, with one delay. Where weights are given or drawn for each connection, they are looked up by source and
    /// target.
    fn matrix(
        &self,
        chosen: &Chosen,
        (sources, targets): (&[NodeId], &[NodeId]),
        synapse: &Synapse<'_>,
        link: &Link<'_>,
        generator: &mut NestRandom,
    ) -> Result<Vec<Projection>> {
        if let PerConnection::Drawn(distribution) = &synapse.weight {
            // Of what is drawn, no more is held than is kept.
            let mut rows = vec![usize::MAX; targets.len()];
            let mut count = 0;
            let metered = sources.iter().any(|source| self.is_multimeter(*source));
            for (row, target) in rows.iter_mut().zip(targets) {
                if metered || self.has(*target) {
                    *row = count;
                    count += 1;
                }
            }
            let mut of_pair = vec![0.0; sources.len() * count];
            chosen.draw(sources, targets, generator, &mut |random, source, target| {
                let weight = distribution.draw(random)?;
                match rows[target] {
                    usize::MAX => self.check_weight(synapse.model, weight)?,
                    row => of_pair[row * sources.len() + source] = weight,
                }
                Ok(())
            })?;
            let weight = |row: usize, column: usize| of_pair[rows[row] * sources.len() + column];
            return self.dense((sources, targets), chosen, synapse, link, weight);
        }
        match synapse.weight {
            PerConnection::Each(list, shape) => {
                self.check_shape(synapse, "weight", shape, chosen.shape(sources.len(), targets.len()))?;
                let weight = |row: usize, column: usize| list[row * sources.len() + column];
                if !self.ownership.is_whole() {
                    list.iter().try_for_each(|weight| self.check_weight(synapse.model, *weight))?;
                }
                self.dense((sources, targets), chosen, synapse, link, weight)
            }
            PerConnection::All(weight) => {
                self.check_weight(synapse.model, weight)?;
                self.dense((sources, targets), chosen, synapse, link, |_, _| weight)
            }
            PerConnection::Drawn(_) => unreachable!("drawn weights have been drawn"),
        }
    }

    /// Connects pairs of nodes; ids may repeat.
    ///
    /// # Errors
    /// As [`Description::connect`].
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
        let synapse = self.synapse(synapse)?;
        self.may_take(
            LISTED * sources.len() as u64,
            &connections_of(sources, targets, sources.len() as f64),
        )?;
        let mut generator = random.clone();
        let mut listing = Listing::new(self, &synapse);
        let (from, to) = (Ends::of(self, sources)?, Ends::of(self, targets)?);
        for at in 0..sources.len() {
            let values = synapse.draw(&mut generator)?;
            listing.connect((&from, at), (&to, at), values.or_listed(&synapse, at))?;
        }
        let made = listing.made()?;
        self.add(made)?;
        *random = generator;
        Ok(())
    }

    /// Refuses a rule whose connections would take more memory than may be taken, before any is drawn.
    pub(super) fn may_connect(
        &self,
        chosen: &Chosen,
        sources: &[NodeId],
        targets: &[NodeId],
        synapses: &[Synapse<'_>],
    ) -> Result<()> {
        // Where a drawn degree says how many there are, it is asked as they are made.
        let Some(connections) = chosen.most(sources.len(), targets.len()) else { return Ok(()) };
        let of = |synapse: &Synapse<'_>| match (&synapse.weight, &synapse.delay, &synapse.receptor) {
            _ if synapses.len() > 1 => LISTED,
            (weight, PerConnection::All(_), PerConnection::All(_)) if chosen.rule.dense => {
                if matches!(weight, PerConnection::Drawn(_)) { DENSE + DRAWN } else { DENSE }
            }
            _ => LISTED,
        };
        let each: u64 = synapses.iter().map(of).sum();
        let kept = targets.iter().filter(|target| self.has(**target)).count();
        let connections = connections * kept as f64 / targets.len().max(1) as f64;
        // More bytes than a number can say are the most that it can.
        self.may_take((each as f64 * connections) as u64, &connections_of(sources, targets, connections))
    }

    /// Adds projections whose weights are within bounds.
    pub(super) fn add(&mut self, mut made: Vec<Projection>) -> Result<()> {
        self.refuse_second_meter(&made)?;
        for projection in &made {
            projection
                .weights
                .iter()
                .try_for_each(|weight| self.check_weight(projection.synapse, *weight))?;
        }
        self.projections.append(&mut made);
        self.version += 1;
        Ok(())
    }

    /// Refuses a weight that a connection of a synapse model cannot have.
    pub(super) fn check_weight(&self, synapse: usize, weight: f64) -> Result<()> {
        let model = &self.synapse_models[synapse];
        let (_, parameter) = check::find(&model.name, model.model.parameters, "weight")?;
        check::number(&model.name, parameter, weight)?;
        self.within_bounds(synapse, weight)
    }

    /// Refuses to connect a multimeter with a node a second time.
    fn refuse_second_meter(&self, made: &[Projection]) -> Result<()> {
        let meters = |projection: &&Projection| projection.carries == Carries::FromMultimeter;
        if made.iter().find(meters).is_none() {
            return Ok(());
        }
        let mut known = BTreeSet::new();
        for projection in self.projections.iter().filter(meters) {
            projection.for_each_pair(|meter, node| {
                known.insert((meter, node));
            });
        }
        let mut second = None;
        for projection in made.iter().filter(meters) {
            projection.for_each_pair(|meter, node| {
                if !known.insert((meter, node)) {
                    second.get_or_insert((meter, node));
                }
            });
        }
        let Some((meter, node)) = second else { return Ok(()) };
        let what = "a multimeter can be connected with a node only once";
        Err(Error::new(ErrorCode::IllegalConnection, what)
            .model(self.group_of(meter).map_or("", |group| group.model_name.as_str()))
            .value(format!("node {meter} to node {node}")))
    }

    pub(super) fn check_shape(
        &self,
        synapse: &Synapse<'_>,
        name: &str,
        given: Shape,
        wanted: Shape,
    ) -> Result<()> {
        if given.is_some() && given == wanted {
            return Ok(());
        }
        let given =
            given.map_or_else(|| "a list".into(), |(rows, columns)| format!("a {rows}x{columns} matrix"));
        let bound =
            wanted.map_or_else(String::new, |(rows, columns)| format!(" or a {rows}x{columns} matrix"));
        Err(Error::new(ErrorCode::ValueError, format!("the values of {name} have the wrong shape"))
            .model(self.synapse_models[synapse.model].name.clone())
            .parameter(name)
            .value(given)
            .bound(format!("a number{bound}")))
    }

    /// Projections of a call that connects each source to each target. `weight` is that of a target and a source, by their
    /// places in the call.
    fn dense(
        &self,
        (sources, targets): (&[NodeId], &[NodeId]),
        chosen: &Chosen,
        synapse: &Synapse<'_>,
        link: &Link<'_>,
        weight: impl Fn(usize, usize) -> f64,
    ) -> Result<Vec<Projection>> {
        let by_population = |nodes: &[NodeId]| -> Result<Vec<Vec<Placed>>> {
            let mut parts: Vec<(Population, Vec<Placed>)> = Vec::new();
            for (place, node) in nodes.iter().enumerate() {
                let population = self.population(*node)?;
                match parts.iter_mut().find(|(known, _)| *known == population) {
                    Some((_, nodes)) => nodes.push((*node, place)),
                    None => parts.push((population, vec![(*node, place)])),
                }
            }
            Ok(parts
                .into_iter()
                .map(|(_, mut nodes)| {
                    nodes.sort_unstable();
                    nodes
                })
                .collect())
        };
        let mut made = Vec::new();
        let (from, to) = (by_population(sources)?, by_population(targets)?);
        for from in &from {
            for to in &to {
                let ids = |placed: &[Placed]| placed.iter().map(|(node, _)| *node).collect::<Vec<NodeId>>();
                let carries = self.carries(link, &ids(from), &ids(to))?;
                // All ranks know what recorders are connected with.
                let held = |placed: &&Placed| carries == Carries::FromMultimeter || self.has(placed.0);
                let loops = from.iter().any(|of| to.binary_search_by_key(&of.0, |to| to.0).is_ok());
                let onto = to.first().map(|(node, _)| *node).filter(|_| !self.ownership.is_whole());
                let to: Vec<Placed> = to.iter().filter(held).copied().collect();
                let (sources_here, nodes) = (ids(from), ids(&to));
                let mut values = Vec::with_capacity(from.len() * to.len());
                for (source, column) in from {
                    for (target, row) in &to {
                        let hole = loops && !chosen.autapses && source == target;
                        values.push(if hole { 0.0 } else { weight(*row, *column) });
                    }
                }
                made.push(Projection {
                    synapse: synapse.model,
                    carries,
                    receptor: link.receptor,
                    delay: link.delay,
                    tau_m_readout: synapse.tau_m_readout,
                    made: 0,
                    sources: sources_here,
                    targets: Targets::Dense { nodes, autapses: chosen.autapses || !loops },
                    weights: values,
                    settled: Settled::default(),
                    rewired: 0,
                    candidates: Vec::new(),
                    onto,
                });
            }
        }
        Ok(made)
    }

    /// What a projection carries, as its nodes and synapse model have it.
    ///
    /// # Errors
    /// If there is no such node, nodes are of several populations, or it could not have been connected.
    pub(super) fn carried(&self, projection: &Projection) -> Result<Carries> {
        let one_population = |nodes: &[NodeId]| -> Result<Population> {
            let first = self.population(nodes[0])?;
            for node in nodes {
                if self.population(*node)? != first {
                    return Err(Error::new(ErrorCode::IllegalConnection, "nodes of several populations")
                        .value(format!("nodes {} and {node}", nodes[0])));
                }
            }
            Ok(first)
        };
        let targets = match &projection.targets {
            Targets::Dense { nodes, .. } | Targets::Sparse { nodes, .. } => nodes,
        };
        let state = &self.synapse_models[projection.synapse];
        let link = Link {
            name: &state.name,
            model: state.model,
            receptor: projection.receptor,
            delay: projection.delay,
        };
        one_population(&projection.sources)?;
        one_population(targets)?;
        self.carries(&link, &projection.sources, targets)
    }

    pub(super) fn link(&self, synapse: &Synapse<'_>, delay: u32, receptor: f64) -> Link<'_> {
        let state = &self.synapse_models[synapse.model];
        Link { name: &state.name, model: state.model, receptor: receptor as u32, delay }
    }

    fn name_of(&self, synapse: &Synapse<'_>) -> &str {
        &self.synapse_models[synapse.model].name
    }
}

fn bad_delay(model: &str, delay: f64, bound: String) -> Error {
    Error::new(ErrorCode::BadDelay, "a delay must be at least one step, to the nearest one")
        .model(model)
        .parameter("delay")
        .value(format!("{} ms", Shown(delay)))
        .bound(bound)
}

/// A population as something that can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct NodeKey(u8);

impl NodeKey {
    /// Of a population.
    pub(super) fn of(population: Population) -> Self {
        let rule = |rule: Rule| match rule {
            Rule::Any => 0,
            Rule::Interval => 1,
            Rule::Plus => 2,
        };
        Self(match population {
            Population::Stimulus => 0,
            Population::Waveform => 1,
            Population::Recorder => 2,
            Population::Recurrent(of) => 3 + rule(of),
            Population::Readout(of) => 6 + rule(of),
        })
    }
}
