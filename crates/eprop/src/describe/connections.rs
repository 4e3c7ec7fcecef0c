//! Finding connections, and reading and setting their values.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::error::{Error, ErrorCode, Result};
use crate::base::memory;
use crate::describe::check;
use crate::describe::network::{Description, NodeId, Projection, Targets};
use crate::optimizer::{MomentChanges, SynapseKey};
use crate::tables::parameter::{Bound, Parameter};
use crate::tables::value::{Params, Value};

/// Which connections are wanted; `None` for all.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ConnectionFilter {
    /// From these nodes.
    pub sources: Option<Vec<NodeId>>,
    /// To these nodes.
    pub targets: Option<Vec<NodeId>>,
    /// Of this synapse model.
    pub synapse_model: Option<String>,
}

/// Names a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionHandle {
    /// Place of its projection.
    pub projection: u32,
    /// Place of its weight in the projection, and above that how often the projection had been rewired.
    pub entry: u64,
}

/// Bits of a handle for the place of a weight; the others say how often the projection had been rewired.
const PLACE_BITS: u32 = 40;

impl ConnectionHandle {
    /// Place of its weight in the projection.
    #[must_use]
    pub fn at(&self) -> usize {
        (self.entry & ((1 << PLACE_BITS) - 1)) as usize
    }

    /// The entry of a handle for a place in a projection that was rewired so often.
    fn entry_of(place: u64, rewired: u32) -> u64 {
        place | u64::from(rewired) << PLACE_BITS
    }

    /// Whether it was made for the connections that the projection has now.
    fn is_of(&self, projection: &Projection) -> bool {
        Self::entry_of(0, projection.rewired) >> PLACE_BITS == self.entry >> PLACE_BITS
    }
}

/// Source, target, place of the projection and of the weight in it.
type Found = (NodeId, NodeId, u32, u64);

/// Connections, sorted by source, then by target.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ConnectionTable {
    /// Sources.
    pub source: Vec<NodeId>,
    /// Targets.
    pub target: Vec<NodeId>,
    /// Places of the synapse models.
    pub synapse: Vec<u32>,
    /// Receptors.
    pub receptor: Vec<u32>,
    /// Delays (ms).
    pub delay: Vec<f64>,
    /// Weights now.
    pub weight: Vec<f64>,
    /// Places of the projections.
    pub projection: Vec<u32>,
    /// Places of the weights in the projections.
    pub entry: Vec<u64>,
}

impl Description {
    /// Finds connections.
    ///
    /// # Errors
    /// `UnknownSynapseType` or `UnknownNode`.
    pub fn get_connections(&self, filter: &ConnectionFilter) -> Result<ConnectionTable> {
        let model = filter.synapse_model.as_deref().map(|name| self.synapse_model(name)).transpose()?;
        let wanted = |nodes: &Option<Vec<NodeId>>| -> Result<Option<Vec<bool>>> {
            let Some(nodes) = nodes else { return Ok(None) };
            let count = self.groups.last().map_or(0, |group| group.first as usize + group.len);
            let mut wanted = vec![false; count];
            for node in nodes {
                match wanted.get_mut(*node as usize) {
                    Some(flag) if *node > 0 => *flag = true,
                    _ => {
                        return Err(Error::new(ErrorCode::UnknownNode, format!("there is no node {node}"))
                            .value(node));
                    }
                }
            }
            Ok(Some(wanted))
        };
        let (sources, targets) = (wanted(&filter.sources)?, wanted(&filter.targets)?);
        let is_wanted =
            |wanted: &Option<Vec<bool>>, node: NodeId| wanted.as_ref().is_none_or(|w| w[node as usize]);
        // Each is found, sorted and listed.
        let each = size_of::<Found>() + 2 * size_of::<f64>() + size_of::<u64>() + 5 * size_of::<u32>();
        let chosen = |nodes: &Option<Vec<bool>>| {
            nodes.as_ref().map_or(usize::MAX, |nodes| nodes.iter().filter(|wanted| **wanted).count())
        };
        let (from, to) = (chosen(&sources), chosen(&targets));
        let at_most = |projection: &Projection| match &projection.targets {
            Targets::Dense { nodes, .. } => projection.sources.len().min(from) * nodes.len().min(to),
            Targets::Sparse { nodes, .. } => nodes.len(),
        };
        let projections = self.projections.iter();
        let wanted = projections.filter(|projection| model.is_none_or(|model| projection.synapse == model));
        let count: u64 = wanted.map(|projection| at_most(projection) as u64).sum();
        let bytes = count.saturating_mul(each as u64);
        memory::may_take(0, || 0, bytes, &format!("a list of {count} connections"))?;
        let mut found: Vec<Found> = Vec::new();
        for (place, projection) in self.projections.iter().enumerate() {
            if model.is_some_and(|model| projection.synapse != model) {
                continue;
            }
            for (row, source) in projection.sources.iter().enumerate() {
                if !is_wanted(&sources, *source) {
                    continue;
                }
                let mut add = |target: NodeId, entry: usize| {
                    if is_wanted(&targets, target) && self.shows(projection, *source, target) {
                        found.push((*source, target, place as u32, entry as u64));
                    }
                };
                match &projection.targets {
                    Targets::Dense { nodes, autapses } => {
                        for (column, target) in nodes.iter().enumerate() {
                            if *autapses || target != source {
                                add(*target, row * nodes.len() + column);
                            }
                        }
                    }
                    Targets::Sparse { row_start, nodes } => {
                        for entry in row_start[row]..row_start[row + 1] {
                            add(nodes[entry], entry);
                        }
                    }
                }
            }
        }
        found.sort_unstable();
        let mut table = ConnectionTable::default();
        for (source, target, place, entry) in found {
            let projection = &self.projections[place as usize];
            table.source.push(source);
            table.target.push(target);
            table.synapse.push(projection.synapse as u32);
            table.receptor.push(projection.receptor);
            table.delay.push(f64::from(projection.delay) * self.kernel.resolution);
            table.weight.push(projection.weights[entry as usize]);
            table.projection.push(place);
            table.entry.push(ConnectionHandle::entry_of(entry, projection.rewired));
        }
        Ok(table)
    }

    /// Weights now of all connections between some nodes: a row per target, a column per source, zero where there is
    /// none.
    ///
    /// # Errors
    /// `UnknownNode`.
    pub fn weight_matrix(&self, sources: &[NodeId], targets: &[NodeId]) -> Result<Vec<f64>> {
        let places = |nodes: &[NodeId]| -> Result<Vec<u32>> {
            let mut places = vec![u32::MAX; self.node_count() + 1];
            for (place, node) in nodes.iter().enumerate() {
                self.existing_group(*node)?;
                places[*node as usize] = place as u32;
            }
            Ok(places)
        };
        let (columns, rows) = (places(sources)?, places(targets)?);
        let pairs = (sources.len() as u64).saturating_mul(targets.len() as u64);
        memory::may_take(0, || 0, pairs.saturating_mul(8), &format!("a matrix of {pairs} weights"))?;
        let mut matrix = vec![0.0; sources.len() * targets.len()];
        for projection in &self.projections {
            for (source, from) in projection.sources.iter().enumerate() {
                let column = columns[*from as usize];
                if column == u32::MAX {
                    continue;
                }
                let (first, nodes) = match &projection.targets {
                    Targets::Dense { nodes, .. } => (source * nodes.len(), nodes.as_slice()),
                    Targets::Sparse { row_start, nodes } => {
                        (row_start[source], &nodes[row_start[source]..row_start[source + 1]])
                    }
                };
                let autapses = !matches!(&projection.targets, Targets::Dense { autapses: false, .. });
                for (target, weight) in nodes.iter().zip(&projection.weights[first..]) {
                    let row = rows[*target as usize];
                    let counts = (autapses || target != from) && self.shows(projection, *from, *target);
                    if row != u32::MAX && counts {
                        matrix[row as usize * sources.len() + column as usize] = *weight;
                    }
                }
            }
        }
        Ok(matrix)
    }

    /// Has the states of all nodes taken over anew.
    pub fn all_states_changed(&mut self) {
        let groups = self.groups.iter().enumerate();
        self.state_changes =
            groups.flat_map(|(place, group)| (0..group.len).map(move |node| (place, node))).collect();
    }

    fn existing(&self, handle: ConnectionHandle) -> Result<()> {
        let none = || Error::new(ErrorCode::IndexError, "there is no such connection");
        let projection = self.projections.get(handle.projection as usize).ok_or_else(none)?;
        if handle.is_of(projection) {
            return if handle.at() < projection.weights.len() { Ok(()) } else { Err(none()) };
        }
        let what = "the connections have been rewired since they were found; GetConnections finds those there are now";
        Err(Error::new(ErrorCode::IndexError, what)
            .model(self.synapse_models[projection.synapse].name.clone())
            .parameter("connections")
            .value(format!("rewired {} times since the network was made", projection.rewired)))
    }

    /// The weight of a connection.
    ///
    /// # Errors
    /// `IndexError` where it does not exist, or no more.
    pub fn weight(&self, handle: ConnectionHandle) -> Result<f64> {
        self.existing(handle)?;
        Ok(self.projections[handle.projection as usize].weights[handle.at()])
    }

    /// A value of each of the connections.
    ///
    /// # Errors
    /// `UnaccessedDictionaryEntry` where a connection has no such value.
    pub fn connection_values(&self, handles: &[ConnectionHandle], name: &str) -> Result<Vec<Value>> {
        handles
            .iter()
            .map(|handle| {
                self.existing(*handle)?;
                let projection = &self.projections[handle.projection as usize];
                let model = &self.synapse_models[projection.synapse];
                let entry = handle.at();
                Ok(match name {
                    "weight" => Value::Number(projection.weights[entry]),
                    "delay" => Value::Number(f64::from(projection.delay) * self.kernel.resolution),
                    "receptor" | "receptor_type" => Value::Number(f64::from(projection.receptor)),
                    // There is one process, and its threads have no neurons of their own.
                    "target_thread" => Value::Number(0.0),
                    "synapse_model" => Value::Text(model.name.clone()),
                    "source" => Value::Number(f64::from(projection.source_of(entry))),
                    "target" => Value::Number(f64::from(projection.target_of(entry))),
                    "tau_m_readout" if model.model.parameter(name).is_some() => {
                        Value::Number(projection.tau_m_readout.unwrap_or(model.tau_m_readout))
                    }
                    _ => {
                        check::find(&model.name, model.model.parameters, name)?;
                        self.get_defaults(&model.name)?.get(name).cloned().unwrap_or(Value::Bool(false))
                    }
                })
            })
            .collect()
    }

    /// Sets values of connections: weights, and what Adam remembers (`optimizer` with `m` and `v`). Of the same values for
    /// all, a list of weights has one for each connection. What a connection has already may be named, too.
    ///
    /// Returns the moments; who knows them sets them.
    ///
    /// # Errors
    /// What is wrong with the values; then nothing is set.
    pub fn set_connections(
        &mut self,
        handles: &[ConnectionHandle],
        values: &Params,
    ) -> Result<MomentChanges> {
        if let Params::PerNode(list) = values
            && list.len() != handles.len()
        {
            return Err(Error::new(ErrorCode::IndexError, "there must be one dictionary per connection")
                .value(format!("{} dictionaries", list.len()))
                .bound(format!("{} dictionaries", handles.len())));
        }
        let mut weights = Vec::new();
        let mut moments = MomentChanges::new();
        for (at, handle) in handles.iter().enumerate() {
            self.existing(*handle)?;
            for (name, value) in values.of(at).map_or(&[][..], |values| &values.0) {
                let (projection, entry) = (handle.projection as usize, handle.at());
                match name.as_str() {
                    "weight" if !self.is_homogeneous(projection) => {
                        let shared = matches!(values, Params::Shared(_));
                        weights.push((
                            *handle,
                            self.weight_for(*handle, value, shared.then_some((at, handles.len())))?,
                        ));
                    }
                    "optimizer" if self.is_plastic(projection) => {
                        moments.insert((projection, entry), self.moments_of(projection, value)?);
                    }
                    _ => self.refuse_other(*handle, name, value)?,
                }
            }
        }
        for (handle, weight) in weights {
            self.projections[handle.projection as usize].weights[handle.at()] = weight;
        }
        self.version += 1;
        Ok(moments)
    }

    /// Moments for a connection; those of an optimizer without any are zero.
    fn moments_of(&self, projection: usize, value: &Value) -> Result<(Option<f64>, Option<f64>)> {
        let moments = moments_in(self.model_name(projection), value)?;
        let method = self.synapse_models[self.projections[projection].synapse].optimizer.method;
        let held = [("m", moments.0), ("v", moments.1)];
        let surplus = held.into_iter().find(|(_, moment)| moment.is_some_and(|moment| moment != 0.0));
        match surplus {
            Some((name, Some(moment))) if !method.has_moments() => {
                Err(Error::new(ErrorCode::BadProperty, format!("{} has no moments", method.entry().name))
                    .model(self.model_name(projection))
                    .parameter(format!("optimizer.{name}"))
                    .number(moment)
                    .bound("an optimizer with moments, as adam"))
            }
            _ => Ok(moments),
        }
    }

    fn model_name(&self, projection: usize) -> &str {
        &self.synapse_models[self.projections[projection].synapse].name
    }

    fn is_homogeneous(&self, projection: usize) -> bool {
        self.synapse_models[self.projections[projection].synapse].model.homogeneous
    }

    fn is_plastic(&self, projection: usize) -> bool {
        let model = self.synapse_models[self.projections[projection].synapse].model;
        model.kind == crate::models::SynapseKind::Plastic
    }

    /// The weight that a value stands for; where it is the same value for all, a list has one for each.
    fn weight_for(
        &self,
        handle: ConnectionHandle,
        value: &Value,
        place: Option<(usize, usize)>,
    ) -> Result<f64> {
        let row = Parameter::number("weight", "W", "", 1.0, Bound::Finite, "");
        let weight = match (value, place) {
            (Value::Number(number), _) => *number,
            (Value::Numbers(list), Some((at, count))) if list.len() == count => list[at],
            (Value::Numbers(list), Some((_, count))) => {
                return Err(Error::new(ErrorCode::IndexError, "the list must have one entry per connection")
                    .parameter("weight")
                    .value(format!("a list of {}", list.len()))
                    .bound(format!("{count} entries")));
            }
            (other, _) => return Err(check::cell("synapse", &row, other).expect_err("not a number")),
        };
        let projection = handle.projection as usize;
        check::number(self.model_name(projection), &row, weight)?;
        self.within_bounds(self.projections[projection].synapse, weight)?;
        if weight != self.projections[projection].weights[handle.at()] {
            self.refuse_readout_feedback(projection, weight)?;
        }
        Ok(weight)
    }

    /// Refuses to change what is common to several connections; what it is already may be named.
    fn refuse_other(&self, handle: ConnectionHandle, name: &str, value: &Value) -> Result<()> {
        let model = self.model_name(handle.projection as usize);
        let held = self.connection_values(&[handle], name)?;
        if held.first() == Some(value) {
            return Ok(());
        }
        Err(Error::new(
            ErrorCode::BadProperty,
            if self.is_homogeneous(handle.projection as usize) {
                format!("all connections of the model have the same {name}: set it with SetDefaults")
            } else {
                format!("{name} of a connection cannot be changed; set it when connecting")
            },
        )
        .model(model)
        .parameter(name)
        .value(value)
        .bound("weight, or m and v of the optimizer"))
    }

    /// All connections of a model whose connections have the same weight.
    #[must_use]
    pub fn homogeneous_connections(&self, model: &str) -> Vec<ConnectionHandle> {
        let of_model = |projection: &&(usize, &Projection)| {
            let state = &self.synapse_models[projection.1.synapse];
            state.model.homogeneous && state.name == model
        };
        let entries = |(place, projection): (usize, &Projection)| {
            (0..projection.weights.len() as u64)
                .map(move |entry| ConnectionHandle { projection: place as u32, entry })
        };
        self.projections.iter().enumerate().filter(|found| of_model(&found)).flat_map(entries).collect()
    }

    /// Gives connections another weight.
    pub fn set_weights(&mut self, handles: &[ConnectionHandle], weight: f64) {
        for handle in handles {
            self.projections[handle.projection as usize].weights[handle.at()] = weight;
        }
        self.version += 1;
    }

    /// Takes connections away. Tells where those that stay are then, by where they were.
    ///
    /// # Errors
    /// `IndexError` where there is no such connection; then none is taken away.
    pub fn disconnect(&mut self, handles: &[ConnectionHandle]) -> Result<BTreeMap<SynapseKey, SynapseKey>> {
        handles.iter().try_for_each(|handle| self.existing(*handle))?;
        let mut gone: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
        for handle in handles {
            gone.entry(handle.projection as usize).or_default().insert(handle.at());
        }
        let mut moved = BTreeMap::new();
        let mut kept = Vec::new();
        for (place, mut projection) in std::mem::take(&mut self.projections).into_iter().enumerate() {
            let entries = match gone.get(&place) {
                Some(gone) => projection.without(gone),
                None => (0..projection.weights.len()).collect(),
            };
            if entries.is_empty() {
                continue;
            }
            moved.extend(entries.iter().enumerate().map(|(now, was)| ((place, *was), (kept.len(), now))));
            kept.push(projection);
        }
        self.projections = kept;
        self.version += 1;
        Ok(moved)
    }

    /// Checks a weight against the bounds of a plastic synapse model.
    pub(super) fn within_bounds(&self, synapse: usize, weight: f64) -> Result<()> {
        let model = &self.synapse_models[synapse];
        let (low, high) = (model.optimizer.w_min, model.optimizer.w_max);
        if model.model.kind != crate::models::SynapseKind::Plastic || (low..=high).contains(&weight) {
            return Ok(());
        }
        Err(Error::new(ErrorCode::BadProperty, "the weight lies outside the bounds of the optimizer")
            .model(model.name.clone())
            .parameter("weight")
            .number(weight)
            .bound(format!("from Wmin = {low} to Wmax = {high}")))
    }
}

/// What a connection's `optimizer` sets.
fn moments_in(model: &str, value: &Value) -> Result<(Option<f64>, Option<f64>)> {
    const ROWS: [Parameter; 2] = [
        Parameter::number("m", "m", "", 0.0, Bound::Finite, "First moment"),
        Parameter::number("v", "v", "", 0.0, Bound::NonNegative, "Second moment"),
    ];
    let Value::Dict(values) = value else {
        return Err(Error::new(ErrorCode::TypeMismatch, "optimizer takes a dictionary")
            .model(model)
            .parameter("optimizer")
            .value(value)
            .bound("a dictionary with m and v"));
    };
    let mut moments = [None; 2];
    for (name, value) in &values.0 {
        let Some(place) = ROWS.iter().position(|row| row.name == name) else {
            return Err(Error::new(
                ErrorCode::UnaccessedDictionaryEntry,
                "all synapses of a model share their optimizer's parameters: set them with SetDefaults",
            )
            .model(model)
            .parameter(format!("optimizer.{name}"))
            .bound("m or v"));
        };
        if let check::Cell::Number(number) = check::cell(model, &ROWS[place], value)? {
            moments[place] = Some(number);
        }
    }
    Ok((moments[0], moments[1]))
}
