//! Creating nodes, and setting and reading their parameters.

use std::sync::Arc;

use crate::base::error::{Error, ErrorCode, Result};
use crate::base::memory;
use crate::describe::check::{self, Cell};
use crate::describe::check_node::check_node;
use crate::describe::kernel_parameters::KernelParameters;
use crate::describe::network::{
    Carries, Column, Description, NodeGroup, NodeId, NodeModelState, Projection, Targets,
};
use crate::describe::ownership::Ownership;
use crate::describe::population::Population;
use crate::describe::suggest;
use crate::describe::times::{check_together, place_times, time_list};
use crate::models::{NODE_MODELS, NodeClass, NodeModel, Rule, synapses};
use crate::random::NestRandom;
use crate::tables::parameter::{Kind, Role};
use crate::tables::value::{Dict, Params, Value};

/// Checked values for one node: place in the model's table, value.
type Row = Vec<(usize, Cell)>;

/// Ids are 32 bits wide, and so are the places made of them.
pub(super) const MOST_NODES: f64 = 1e9;

impl Description {
    /// A network without nodes.
    #[must_use]
    pub fn new() -> Self {
        Self {
            kernel: KernelParameters::default(),
            ownership: Ownership::WHOLE,
            groups: Vec::new(),
            projections: Vec::new(),
            synapse_models: synapses::MODELS.iter().map(super::defaults::built_in).collect(),
            node_models: NODE_MODELS
                .iter()
                .map(|model| NodeModelState {
                    name: model.name.to_owned(),
                    model,
                    defaults: model.parameters.iter().map(Cell::default_of).collect(),
                })
                .collect(),
            state_changes: Vec::new(),
            defaults_set: false,
            version: 0,
            connected: 0,
        }
    }

    /// Sets kernel parameters.
    ///
    /// # Errors
    /// As [`KernelParameters::with`].
    pub fn set_kernel(&mut self, values: &Dict) -> Result<()> {
        let settled = if !self.groups.is_empty() {
            Some("nodes have been created")
        } else if self.defaults_set {
            Some("defaults have been set or a model copied")
        } else {
            None
        };
        self.kernel = self.kernel.with(values, settled)?;
        if values.get("resolution").is_some() {
            self.fit_default_times();
        }
        self.version += 1;
        Ok(())
    }

    /// Makes default times whole numbers of steps, as NEST does where the resolution is set: delays at least as long as
    /// they were, and where noise would change between two steps, every ten steps.
    fn fit_default_times(&mut self) {
        let resolution = self.kernel.resolution;
        for known in &mut self.node_models {
            if let Some(place) = known.model.place("dt")
                && let Cell::Number(dt) = &mut known.defaults[place]
                && !check::on_grid(*dt, resolution)
            {
                *dt = check::time_of(resolution, 10);
            }
        }
        for model in &mut self.synapse_models {
            let steps = (check::tics(model.delay) / check::tics(resolution)).ceil();
            model.delay = check::time_of(resolution, steps as i64);
        }
    }

    /// Kernel parameters that the description knows.
    #[must_use]
    pub fn get_kernel(&self) -> Dict {
        self.kernel.values()
    }

    /// The group that a node is in.
    #[must_use]
    pub fn group_of(&self, node: NodeId) -> Option<&NodeGroup> {
        self.group_place(node).map(|place| &self.groups[place])
    }

    fn group_place(&self, node: NodeId) -> Option<usize> {
        let after = self.groups.partition_point(|group| group.first <= node);
        after.checked_sub(1).filter(|place| self.groups[*place].contains(node))
    }

    /// Whether a node is a multimeter.
    pub(super) fn is_multimeter(&self, node: NodeId) -> bool {
        self.group_of(node).is_some_and(|group| group.model.class == NodeClass::Multimeter)
    }

    /// Whether a connection is one of this process's: all but those with neurons of other ranks, of which it knows those of
    /// recorders.
    #[must_use]
    pub fn shows(&self, projection: &Projection, source: NodeId, target: NodeId) -> bool {
        match projection.carries {
            _ if self.ownership.is_whole() => true,
            Carries::ToRecorder => self.has(source),
            Carries::FromMultimeter => self.has(target),
            _ => true,
        }
    }

    /// How many connections of a projection are this process's.
    #[must_use]
    pub fn shown_count(&self, projection: &Projection) -> usize {
        let autapses = !matches!(&projection.targets, Targets::Dense { autapses: false, .. });
        let mut count = 0;
        projection.for_each_pair(|source, target| {
            count += usize::from((autapses || source != target) && self.shows(projection, source, target));
        });
        count
    }

    /// Whether this process has a node: all but recurrent neurons of other ranks.
    #[must_use]
    pub fn has(&self, node: NodeId) -> bool {
        self.group_of(node).is_some_and(|group| self.ownership.has(group, node))
    }

    /// Number of nodes.
    #[must_use]
    pub fn node_count(&self) -> usize {
        self.groups.iter().map(|group| group.len).sum()
    }

    pub(super) fn existing_group(&self, node: NodeId) -> Result<usize> {
        self.group_place(node).ok_or_else(|| {
            let last = self.groups.last().map_or(0, |group| group.first + group.len as NodeId - 1);
            Error::new(ErrorCode::UnknownNode, format!("there is no node {node}"))
                .value(node)
                .bound(format!("from 1 to {last}"))
        })
    }

    /// Creates nodes and returns the id of the first.
    ///
    /// # Errors
    /// `UnknownModelName`, or what is wrong with the parameters.
    pub fn create(
        &mut self,
        model: &str,
        n: f64,
        params: &Params,
        random: &mut NestRandom,
        now: i64,
    ) -> Result<NodeId> {
        let Some(known) = self.node_models.iter().find(|known| known.name == model) else {
            let names: Vec<&str> = self.node_models.iter().map(|known| known.name.as_str()).collect();
            return Err(Error::new(
                ErrorCode::UnknownModelName,
                format!("{model} is not a known model name"),
            )
            .model(model)
            .bound(suggest::hint(model, names)));
        };
        let first = self.groups.last().map_or(1, |group| group.first + group.len as NodeId);
        let count_error = |code, bound: &str| {
            Error::new(code, "the number of nodes is not possible")
                .model(model)
                .parameter("n")
                .value(n)
                .bound(bound)
        };
        if !n.is_finite() || n.fract() != 0.0 {
            return Err(count_error(ErrorCode::TypeMismatch, "a whole number"));
        }
        if n < 0.0 {
            return Err(count_error(ErrorCode::BadProperty, "at least 1"));
        }
        if n < 1.0 {
            return Err(count_error(ErrorCode::BadParameterValue, "at least 1"));
        }
        if n + f64::from(first) > MOST_NODES {
            return Err(count_error(ErrorCode::BadParameterValue, "at most 1e9 nodes in all"));
        }
        let count = n as usize;
        let each = Self::bytes_of_node(known, params);
        self.may_take((count as u64).saturating_mul(each), &format!("{count} nodes of {model}"))?;
        let mut generator = random.clone();
        let rows = rows(known, params, count, &mut generator)?;
        let mut group = NodeGroup {
            first,
            len: count,
            model: known.model,
            model_name: known.name.clone(),
            columns: known.defaults.iter().map(|default| column(default, count)).collect(),
        };
        for (node, row) in rows.into_iter().enumerate() {
            write(&mut group, node, row, &self.kernel, now)?;
        }
        if params_is_empty(params) {
            for node in 0..count {
                place_times(&mut group, node, &self.kernel, now)?;
            }
            check_node(&group, 0, &self.kernel)?;
        }
        *random = generator;
        let place = self.groups.len();
        self.state_changes.extend((0..count).map(|node| (place, node)));
        self.groups.push(group);
        self.version += 1;
        Ok(first)
    }

    /// Refuses to take so many bytes more for the description.
    ///
    /// # Errors
    /// `OutOfMemory`.
    pub fn may_take(&self, more: u64, what: &str) -> Result<()> {
        memory::may_take(self.kernel.memory_limit, || self.bytes(), more, what)
    }

    /// About how many bytes the description holds.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes_from(0, 0) + self.noted_bytes()
    }

    /// About how many bytes groups of nodes and projections hold, from a place among each on.
    #[must_use]
    pub fn bytes_from(&self, group: usize, projection: usize) -> u64 {
        let columns = self.groups.iter().skip(group).flat_map(|group| &group.columns);
        let projections = self.projections.iter().skip(projection);
        columns.map(Column::bytes).sum::<u64>() + projections.map(Projection::bytes).sum::<u64>()
    }

    /// About how many bytes the nodes hold.
    #[must_use]
    pub fn node_bytes(&self) -> u64 {
        self.bytes_from(0, self.projections.len()) + self.noted_bytes()
    }

    /// Bytes that the notes of changed states take.
    fn noted_bytes(&self) -> u64 {
        (self.state_changes.capacity() * size_of::<(usize, usize)>()) as u64
    }

    /// Bytes that laying the network out takes at least: of what may be far larger than the description.
    #[must_use]
    pub fn laid_out_bytes(&self) -> u64 {
        let count = |population: Population| -> u64 {
            let groups = self.groups.iter().filter(|group| Population::of(group) == population);
            groups.map(|group| group.len as u64).sum()
        };
        let mut bytes = 12 * self.node_count() as u64;
        for rule in [Rule::Interval, Rule::Plus] {
            let (n, k) = (count(Population::Recurrent(rule)), count(Population::Readout(rule)));
            bytes = bytes.saturating_add(n.saturating_mul(k).saturating_mul(8));
            bytes = bytes.saturating_add(200 * n);
            if rule == Rule::Plus {
                // Whatever their windows are, as many steps are kept as lie between looks for silent rows.
                bytes = bytes.saturating_add(n * 4 * 8 * 128);
            }
        }
        for projection in &self.projections {
            let each = match projection.carries {
                Carries::PlasticPerInterval => 8,
                Carries::PlasticPerSpike => 16,
                _ => 0,
            };
            bytes = bytes.saturating_add(each * projection.weights.len() as u64);
        }
        bytes
    }

    /// Bytes that creating a node takes: its values, and what is noted while they are checked.
    fn bytes_of_node(model: &NodeModelState, params: &Params) -> u64 {
        let columns: u64 = model.defaults.iter().map(|default| column(default, 1).bytes()).sum();
        columns + Self::bytes_of_values(model.model, params) + size_of::<(usize, usize)>() as u64
    }

    /// Bytes that checked values of a node take.
    fn bytes_of_values(model: &NodeModel, params: &Params) -> u64 {
        let values = |values: &Dict| -> u64 {
            let lists = values.0.iter().map(|(name, value)| match value {
                Value::Numbers(list) if model.takes_list(name) => 8 * list.len() as u64,
                _ => 0,
            });
            size_of::<Row>() as u64
                + (size_of::<(usize, Cell)>() * values.0.len()) as u64
                + lists.sum::<u64>()
        };
        match params {
            Params::None => 0,
            Params::Shared(shared) => values(shared),
            // What each node gets of its own is there already, once.
            Params::PerNode(list) => list.iter().map(values).sum::<u64>().div_ceil(list.len().max(1) as u64),
        }
    }

    /// Sets parameters of nodes.
    ///
    /// # Errors
    /// What is wrong with the parameters.
    pub fn set_nodes(
        &mut self,
        nodes: &[NodeId],
        params: &Params,
        random: &mut NestRandom,
        now: i64,
    ) -> Result<()> {
        let places: Vec<usize> =
            nodes.iter().map(|node| self.existing_group(*node)).collect::<Result<_>>()?;
        if let Params::PerNode(list) = params
            && list.len() != nodes.len()
        {
            return Err(wrong_length("params", list.len(), nodes.len()));
        }
        self.refuse_change_of_connected(nodes, params)?;
        if let Some(place) = places.first() {
            // All nodes may be of one model or not: lists are what counts.
            let group = &self.groups[*place];
            let lists = Self::bytes_of_values(group.model, params);
            let what = format!("values of {} nodes", nodes.len());
            self.may_take((nodes.len() as u64).saturating_mul(lists), &what)?;
        }
        let mut generator = random.clone();
        let mut changed: Vec<(usize, NodeGroup)> = Vec::new();
        for (at, (node, place)) in nodes.iter().zip(&places).enumerate() {
            let group = if let Some((_, group)) = changed.iter_mut().find(|(known, _)| known == place) {
                group
            } else {
                changed.push((*place, self.groups[*place].clone()));
                &mut changed.last_mut().expect("just pushed").1
            };
            let row = match params {
                Params::None => Vec::new(),
                Params::Shared(values) => {
                    row(group.model, &group.model_name, values, Some((at, nodes.len())), &mut generator)?
                }
                Params::PerNode(list) => {
                    row(group.model, &group.model_name, &list[at], None, &mut generator)?
                }
            };
            write(group, (node - group.first) as usize, row, &self.kernel, now)?;
        }
        *random = generator;
        let sets_state = |place: usize, values: &Dict| {
            let parameters = self.groups[place].model.parameters;
            let is_state = |name: &str| {
                name == "E_L" || parameters.iter().any(|p| p.role == Role::State && p.name == name)
            };
            values.0.iter().any(|(name, _)| is_state(name))
        };
        let shared: Vec<(usize, bool)> = match params {
            Params::Shared(values) => {
                changed.iter().map(|(place, _)| (*place, sets_state(*place, values))).collect()
            }
            Params::None | Params::PerNode(_) => Vec::new(),
        };
        for (at, (node, place)) in nodes.iter().zip(&places).enumerate() {
            let touched = match params {
                Params::None => false,
                Params::Shared(_) => shared.iter().any(|(other, touched)| other == place && *touched),
                Params::PerNode(list) => sets_state(*place, &list[at]),
            };
            if touched {
                self.state_changes.push((*place, (node - self.groups[*place].first) as usize));
            }
        }
        for (place, group) in changed {
            self.groups[place] = group;
        }
        self.version += 1;
        Ok(())
    }

    /// Refuses to change what a multimeter has told the nodes that it is connected with.
    fn refuse_change_of_connected(&self, nodes: &[NodeId], params: &Params) -> Result<()> {
        for (at, node) in nodes.iter().enumerate() {
            let Some(values) = params.of(at) else { continue };
            let fixed = ["interval", "offset", "record_from"]
                .into_iter()
                .find_map(|name| values.get(name).map(|value| (name, value)));
            let Some((name, value)) = fixed else { continue };
            let meter = self.projections.iter().any(|projection| {
                projection.carries == Carries::FromMultimeter && projection.sources.contains(node)
            });
            if meter {
                let what =
                    "interval, offset and recordables of a multimeter that is connected cannot be changed";
                return Err(Error::new(ErrorCode::BadProperty, what)
                    .model(self.groups[self.existing_group(*node)?].model_name.clone())
                    .parameter(name)
                    .value(value)
                    .bound("a multimeter that is not connected"));
            }
        }
        Ok(())
    }

    /// The model of that name, where there is one.
    pub(crate) fn node_model(&self, name: &str) -> Option<&'static NodeModel> {
        self.node_models.iter().find(|known| known.name == name).map(|known| known.model)
    }

    /// A value of each of the nodes, in the user's units.
    ///
    /// # Errors
    /// `UnknownNode`, or `UnaccessedDictionaryEntry` where a model has no such parameter.
    pub fn get_nodes(&self, nodes: &[NodeId], name: &str) -> Result<Vec<Value>> {
        nodes
            .iter()
            .map(|node| {
                let group = &self.groups[self.existing_group(*node)?];
                let (place, parameter) = check::find(&group.model_name, group.model.parameters, name)?;
                if parameter.role != Role::Parameter
                    && let Some(owner) = self.ownership.owner(group, (*node - group.first) as usize)
                    && owner != self.ownership.rank()
                {
                    let what = format!("the {name} of a neuron is known to the rank that has it alone");
                    return Err(Error::new(ErrorCode::KernelException, what)
                        .model(group.model_name.clone())
                        .parameter(name)
                        .value(format!("node {node}, of rank {owner}"))
                        .bound(format!("neurons of rank {}", self.ownership.rank())));
                }
                Ok(read(group, place, (*node - group.first) as usize).value(parameter))
            })
            .collect()
    }
}

impl Default for Description {
    fn default() -> Self {
        Self::new()
    }
}

fn params_is_empty(params: &Params) -> bool {
    matches!(params, Params::None)
}

fn wrong_length(parameter: &str, given: usize, nodes: usize) -> Error {
    Error::new(ErrorCode::IndexError, "a list has not one entry per node")
        .parameter(parameter)
        .value(format!("a list of {given}"))
        .bound(format!("{nodes} entries, one a node"))
}

fn rows(model: &NodeModelState, params: &Params, count: usize, random: &mut NestRandom) -> Result<Vec<Row>> {
    match params {
        Params::None => Ok(Vec::new()),
        Params::Shared(values) => (0..count)
            .map(|node| row(model.model, &model.name, values, Some((node, count)), random))
            .collect(),
        Params::PerNode(list) if list.len() == count => {
            list.iter().map(|values| row(model.model, &model.name, values, None, random)).collect()
        }
        Params::PerNode(list) => Err(wrong_length("params", list.len(), count).model(model.name.clone())),
    }
}

/// Checks a dictionary for one node. With `of`, a list for a scalar parameter has one entry for each of so many
/// nodes. Random parameters are drawn in NEST's order.
pub(super) fn row(
    model: &NodeModel,
    name: &str,
    values: &Dict,
    of: Option<(usize, usize)>,
    random: &mut NestRandom,
) -> Result<Row> {
    let mut row = Vec::with_capacity(values.0.len());
    for (key, value) in &values.0 {
        let (place, parameter) = check::find(name, model.parameters, key)?;
        if parameter.role == Role::ReadOnly {
            return Err(Error::new(ErrorCode::BadProperty, format!("{key} can only be read"))
                .model(name)
                .parameter(key.clone())
                .value(value));
        }
        row.push((place, parameter, value));
    }
    row.sort_by_key(|(place, parameter, _)| (model.draw_rank(parameter.name), *place));
    row.into_iter()
        .map(|(place, parameter, value)| {
            let scalar =
                matches!(parameter.kind, Kind::Number | Kind::Integer | Kind::Bool | Kind::Choice(_));
            let cell = match (value, of) {
                (Value::Random(distribution), _) if parameter.kind == Kind::Number => {
                    check::cell(name, parameter, &Value::Number(distribution.draw(random)?))?
                }
                (Value::Numbers(list), Some((node, nodes))) if scalar => {
                    if list.len() != nodes {
                        return Err(wrong_length(parameter.name, list.len(), nodes).model(name));
                    }
                    check::cell(name, parameter, &Value::Number(list[node]))?
                }
                _ => check::cell(name, parameter, value)?,
            };
            Ok((place, cell))
        })
        .collect()
}

pub(super) fn column(default: &Cell, count: usize) -> Column {
    match default {
        Cell::Number(number) => Column::Numbers(vec![*number; count]),
        Cell::List(list) => Column::Lists(vec![Arc::clone(list); count]),
        Cell::Text(text) => Column::Texts(vec![text.clone(); count]),
        Cell::Texts(texts) => Column::TextLists(vec![texts.clone(); count]),
        Cell::Nodes(nodes) => Column::NodeLists(vec![nodes.clone(); count]),
    }
}

fn read(group: &NodeGroup, place: usize, node: usize) -> Cell {
    match &group.columns[place] {
        Column::Numbers(values) => Cell::Number(values[node]),
        Column::Lists(values) => Cell::List(Arc::clone(&values[node])),
        Column::Texts(values) => Cell::Text(values[node].clone()),
        Column::TextLists(values) => Cell::Texts(values[node].clone()),
        Column::NodeLists(values) => Cell::Nodes(values[node].clone()),
    }
}

/// Writes checked values of one node and checks how all of them go together.
fn write(group: &mut NodeGroup, node: usize, row: Row, kernel: &KernelParameters, now: i64) -> Result<()> {
    let gives = |name: &str| {
        group.model.place(name).is_some_and(|place| row.iter().any(|(given, _)| *given == place))
    };
    check_together(group, node, gives)?;
    let gives_times = time_list(group.model).is_some_and(|list| gives(list.times));
    for (place, cell) in row {
        match (&mut group.columns[place], cell) {
            (Column::Numbers(values), Cell::Number(value)) => values[node] = value,
            (Column::Lists(values), Cell::List(value)) => values[node] = value,
            (Column::Texts(values), Cell::Text(value)) => values[node] = value,
            (Column::TextLists(values), Cell::Texts(value)) => values[node] = value,
            (Column::NodeLists(values), Cell::Nodes(value)) => values[node] = value,
            _ => unreachable!("a column holds what its parameter's kind says"),
        }
    }
    if gives_times {
        place_times(group, node, kernel, now)?;
    }
    check_node(group, node, kernel)
}
