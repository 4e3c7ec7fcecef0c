//! The description as named arrays and texts (see [`crate::base::state`]).

mod projections;

use std::sync::Arc;

use crate::base::error::{Error, ErrorCode, Result};
use crate::base::state::layout::Layout;
use crate::base::state::{Archive, Persist, optional};
use crate::describe::check::{self, Cell};
use crate::describe::check_node::check_values;
use crate::describe::connect::LONGEST_DELAY;
use crate::describe::kernel_parameters::{CLIP_NORM, KernelParameters};
use crate::describe::network::{
    Carries, Column, Description, NodeGroup, NodeId, NodeModelState, Projection, Settled, SynapseModelState,
    Targets,
};
use crate::describe::nodes::{MOST_NODES, column};
use crate::describe::ownership::Ownership;
use crate::describe::population::Population;
use crate::feedback::{FeedbackProperties, SOURCES};
use crate::models::{NODE_MODELS, NodeClass, NodeModel, synapses};
use crate::optimizer::{METHODS, Method, OptimizerProperties};
use crate::rewiring::{NAMES, RewiringProperties};
use crate::tables::parameter::{Kind, Parameter, Role};
use crate::tables::value::Value;

impl Persist for KernelParameters {
    fn persist(&mut self, archive: &mut Archive<'_>) -> Result<()> {
        let mut values = self.values();
        for (name, value) in &mut values.0 {
            if archive.reads() && name == CLIP_NORM && !archive.holds(name) {
                // Kernels that were saved by version 0.1 have none.
                continue;
            }
            match value {
                Value::Number(number) => archive.number(name, number)?,
                Value::Bool(flag) => archive.number(name, flag)?,
                Value::Text(text) => archive.text(name, text)?,
                _ => unreachable!("kernel parameters are numbers, truth values and texts"),
            }
        }
        if archive.reads() {
            *self = Self::default().with_any_window(&values, None)?;
        }
        Ok(())
    }
}

impl Persist for Cell {
    fn persist(&mut self, archive: &mut Archive<'_>) -> Result<()> {
        match self {
            Self::Number(number) => archive.number("value", number),
            Self::List(list) => archive.list("value", Arc::make_mut(list)),
            Self::Text(text) => archive.text("value", text),
            Self::Texts(texts) => archive.texts("value", texts),
            Self::Nodes(nodes) => archive.list("value", nodes),
        }
    }
}

fn of_default(parameter: &Parameter, nodes: usize) -> Column {
    column(&Cell::default_of(parameter), nodes)
}

impl Persist for NodeModelState {
    fn persist(&mut self, archive: &mut Archive<'_>) -> Result<()> {
        archive.text("name", &mut self.name)?;
        self.model = node_model(archive, self.model)?;
        // Only defaults that were changed are written.
        let built_in: Vec<Cell> = self.model.parameters.iter().map(Cell::default_of).collect();
        if archive.reads() {
            self.defaults.clone_from(&built_in);
        }
        let rows = self.model.parameters.iter().zip(&self.defaults).zip(&built_in);
        let mut changed: Vec<String> =
            rows.filter(|((_, now), then)| now != then).map(|((row, _), _)| row.name.to_owned()).collect();
        archive.texts("changed", &mut changed)?;
        for name in changed {
            let Some(place) = self.model.place(&name) else {
                return Err(archive.misfit("changed", format!("{} has no {name}", self.model.name)));
            };
            archive.within(&name, |archive| self.defaults[place].persist(archive))?;
        }
        Ok(())
    }
}

fn node_model(archive: &mut Archive<'_>, model: &'static NodeModel) -> Result<&'static NodeModel> {
    let mut name = model.name.to_owned();
    archive.text("model", &mut name)?;
    NODE_MODELS
        .into_iter()
        .find(|known| known.name == name)
        .ok_or_else(|| archive.misfit("model", format!("there is no model {name}")))
}

impl Persist for SynapseModelState {
    fn persist(&mut self, archive: &mut Archive<'_>) -> Result<()> {
        let mut model = self.model.name.to_owned();
        archive.text("name", &mut self.name)?;
        archive.text("model", &mut model)?;
        self.model = synapses::MODELS
            .iter()
            .find(|known| known.name == model)
            .ok_or_else(|| archive.misfit("model", format!("there is no synapse model {model}")))?;
        archive.number("weight", &mut self.weight)?;
        archive.number("delay", &mut self.delay)?;
        archive.number("receptor_type", &mut self.receptor)?;
        archive.number("tau_m_readout", &mut self.tau_m_readout)?;
        archive.number("tau_m_readout_set", &mut self.tau_m_readout_set)?;
        archive.number("average_gradient", &mut self.average_gradient)?;
        optional(archive, "weight_recorder", &mut self.weight_recorder)?;
        archive.within("optimizer", |archive| self.optimizer.persist(archive))?;
        let fresh = super::defaults::built_in(self.model).rewiring;
        if archive.reads() {
            archive.within("rewiring", |archive| {
                self.rewiring = fresh;
                if archive.holds("values") { self.rewiring.persist(archive) } else { Ok(()) }
            })?;
        } else if self.rewiring != fresh {
            archive.within("rewiring", |archive| self.rewiring.persist(archive))?;
        }
        // Only what carries learning signals and differs from the default has it, as files of version 0.1 have none.
        let fresh = super::defaults::built_in(self.model).feedback;
        let differs = self.feedback.place() != fresh.place() || self.feedback.decay != fresh.decay;
        if archive.reads() {
            self.feedback = fresh;
        }
        if archive.has("feedback.decay", differs) {
            archive.within("feedback", |archive| self.feedback.persist(archive))?;
        }
        Ok(())
    }
}

impl Persist for RewiringProperties {
    fn persist(&mut self, archive: &mut Archive<'_>) -> Result<()> {
        let mut values = self.values().to_vec();
        archive.list("values", &mut values)?;
        // Files of version 0.1 have no threshold.
        values.resize(5, self.threshold);
        let fits = values[1] >= 0.0 && values[1] < NAMES.len() as f64;
        *self = Self::with(values.try_into().unwrap_or_default());
        if fits { Ok(()) } else { Err(archive.misfit("values", "no rewiring that is known")) }
    }
}

impl Persist for FeedbackProperties {
    fn persist(&mut self, archive: &mut Archive<'_>) -> Result<()> {
        let mut source = self.source.name().to_owned();
        archive.text("source", &mut source)?;
        self.source = SOURCES
            .into_iter()
            .find(|known| known.name() == source)
            .ok_or_else(|| archive.misfit("source", format!("there is no feedback {source}")))?;
        archive.number("decay", &mut self.decay)
    }
}

impl Persist for OptimizerProperties {
    fn persist(&mut self, archive: &mut Archive<'_>) -> Result<()> {
        let mut method = self.method.entry().name.to_owned();
        let mut values = self.method.values();
        if archive.reads() && archive.holds("adam") {
            // Files of version 0.1 have the values of Adam, or none where weights follow the gradient.
            archive.list("adam", &mut values)?;
            METHODS[usize::from(!values.is_empty())].name.clone_into(&mut method);
        } else {
            archive.text("type", &mut method)?;
            archive.list("values", &mut values)?;
        }
        self.method = METHODS
            .iter()
            .position(|entry| entry.name == method)
            .and_then(|place| Method::with_values(place, &values))
            .ok_or_else(|| archive.misfit("type", format!("{method} with {} values", values.len())))?;
        archive.number("eta", &mut self.eta)?;
        archive.number("eta_first", &mut self.eta_first)?;
        archive.number("eta_set", &mut self.eta_set)?;
        archive.number("batch_size", &mut self.batch_size)?;
        archive.number("Wmin", &mut self.w_min)?;
        archive.number("Wmax", &mut self.w_max)?;
        archive.number("optimize_each_step", &mut self.optimize_each_step)?;
        // Only where it is not zero, as files of version 0.1 have none.
        if archive.reads() {
            self.l2 = 0.0;
        }
        if archive.has("c_l2", self.l2 != 0.0) {
            archive.number("c_l2", &mut self.l2)?;
        }
        Ok(())
    }
}

impl Persist for Ownership {
    fn persist(&mut self, archive: &mut Archive<'_>) -> Result<()> {
        // Who has all neurons says nothing of it.
        if !archive.has("ranks", !self.is_whole()) {
            *self = Self::WHOLE;
            return Ok(());
        }
        let (mut rank, mut size) = (self.rank(), self.size());
        archive.of_ranks(&Layout::Same).number("rank", &mut rank)?;
        archive.of_ranks(&Layout::Same).number("ranks", &mut size)?;
        if rank >= size || size < 2 {
            return Err(archive.misfit("rank", format!("rank {rank} of {size}")));
        }
        *self = Self::new(rank, size);
        Ok(())
    }
}

impl Persist for NodeGroup {
    fn persist(&mut self, archive: &mut Archive<'_>) -> Result<()> {
        archive.number("first", &mut self.first)?;
        archive.number("len", &mut self.len)?;
        archive.text("name", &mut self.model_name)?;
        self.model = node_model(archive, self.model)?;
        if archive.reads() {
            if self.len as f64 > MOST_NODES {
                return Err(archive.misfit("len", format!("{} nodes", self.len)));
            }
            // Columns get their lengths from what is read.
            let rows = self.model.parameters.iter();
            self.columns = rows.map(|parameter| of_default(parameter, 0)).collect();
        }
        // Of neurons that it does not have, a rank knows no state.
        let recurrent = self.model.class == NodeClass::Recurrent;
        let layout = if recurrent { Layout::Nodes(self.first) } else { Layout::Same };
        for (parameter, column) in self.model.parameters.iter().zip(&mut self.columns) {
            let is_new = ADDED.contains(&parameter.name);
            archive.within(parameter.name, |archive| {
                if is_new && archive.reads() && !archive.holds("value") {
                    *column = of_default(parameter, self.len);
                    return Ok(());
                }
                persist_column(column, self.len, &layout, archive)
            })?;
        }
        Ok(())
    }
}

/// Parameters that nodes did not have when the format was first written.
const ADDED: [&str; 4] = ["label_smoothing", "c_voltage", "learns_bias", "bias_rate"];

/// `layout` is that of a number a node.
fn persist_column(
    column: &mut Column,
    nodes: usize,
    layout: &Layout,
    archive: &mut Archive<'_>,
) -> Result<()> {
    let held = match column {
        Column::Numbers(values) => return archive.by(layout).all_rows("value", 1, nodes, values),
        Column::Lists(lists) => {
            let mut values: Vec<Vec<f64>> = lists.iter().map(|list| list.to_vec()).collect();
            archive.lists("value", &mut values)?;
            *lists = values.into_iter().map(Arc::new).collect();
            lists.len()
        }
        Column::Texts(texts) => {
            archive.texts("value", texts)?;
            texts.len()
        }
        Column::TextLists(lists) => {
            for node in 0..nodes {
                let mut list = lists.get_mut(node).map(std::mem::take).unwrap_or_default();
                archive.texts(&node.to_string(), &mut list)?;
                if archive.reads() {
                    lists.push(list);
                } else {
                    lists[node] = list;
                }
            }
            lists.len()
        }
        Column::NodeLists(lists) => {
            archive.lists("value", lists)?;
            lists.len()
        }
    };
    if held == nodes { Ok(()) } else { Err(archive.misfit("value", format!("{held} values, {nodes} nodes"))) }
}

/// As many parts as are saved, each made by `make` where they are read.
fn parts<T: Persist>(
    archive: &mut Archive<'_>,
    name: &str,
    parts: &mut Vec<T>,
    make: impl Fn() -> T,
) -> Result<()> {
    let mut count = parts.len();
    archive.number(name, &mut count)?;
    if archive.reads() {
        parts.clear();
    }
    for place in 0..count {
        if archive.reads() {
            parts.push(make());
        }
        archive.within(&format!("{name}.{place}"), |archive| parts[place].persist(archive))?;
    }
    Ok(())
}

impl Persist for Description {
    fn persist(&mut self, archive: &mut Archive<'_>) -> Result<()> {
        archive.within("kernel", |archive| self.kernel.persist(archive))?;
        archive.within("share", |archive| self.ownership.persist(archive))?;
        parts(archive, "node_models", &mut self.node_models, || NodeModelState {
            name: String::new(),
            model: NODE_MODELS[0],
            defaults: Vec::new(),
        })?;
        parts(archive, "synapse_models", &mut self.synapse_models, || {
            super::defaults::built_in(&synapses::MODELS[0])
        })?;
        parts(archive, "nodes", &mut self.groups, || NodeGroup {
            first: 0,
            len: 0,
            model: NODE_MODELS[0],
            model_name: String::new(),
            columns: Vec::new(),
        })?;
        parts(archive, "projections", &mut self.projections, || Projection {
            synapse: 0,
            carries: Carries::Spikes,
            receptor: 0,
            delay: 1,
            tau_m_readout: None,
            made: 0,
            sources: Vec::new(),
            targets: Targets::Dense { nodes: Vec::new(), autapses: true },
            weights: Vec::new(),
            settled: Settled::default(),
            rewired: 0,
            candidates: Vec::new(),
            onto: None,
        })?;
        // Nodes say by themselves that the resolution stays.
        let mut alone = self.defaults_set && self.groups.is_empty();
        if archive.reads() {
            alone = archive.holds("defaults_set");
            self.defaults_set = false;
        }
        if alone {
            archive.number("defaults_set", &mut self.defaults_set)?;
        }
        if archive.reads() {
            self.check_saved(archive)?;
            self.may_take(self.laid_out_bytes(), "a saved network")?;
            self.state_changes.clear();
            self.version += 1;
        }
        Ok(())
    }
}

impl Description {
    /// The same network with nodes at rest and generators that emit nothing.
    #[must_use]
    pub fn at_rest(&self) -> Self {
        let mut network = self.clone();
        for group in &mut network.groups {
            let rest = group.model.place("E_L").map(|place| group.columns[place].clone());
            for (parameter, column) in group.model.parameters.iter().zip(&mut group.columns) {
                match (parameter.role, parameter.kind) {
                    (Role::Parameter, Kind::Numbers) => *column = of_default(parameter, group.len),
                    (Role::Parameter, _) => {}
                    (Role::State | Role::ReadOnly, _) => {
                        *column = match &rest {
                            Some(rest) if parameter.name == "V_m" => rest.clone(),
                            _ => of_default(parameter, group.len),
                        }
                    }
                }
            }
        }
        network.projections.iter_mut().for_each(|projection| projection.made = 0);
        let places = |(place, group): (usize, &NodeGroup)| (0..group.len).map(move |node| (place, node));
        network.state_changes = network.groups.iter().enumerate().flat_map(places).collect();
        network.projections.iter_mut().for_each(|projection| projection.settled = Settled::default());
        network
    }

    /// Refuses what could not have been described: values outside their bounds, and nodes and connections that do not
    /// exist or do not fit each other.
    fn check_saved(&self, archive: &Archive<'_>) -> Result<()> {
        let mut next = 1;
        for (place, group) in self.groups.iter().enumerate() {
            if group.first as usize != next || group.len == 0 {
                return Err(archive.misfit("nodes", format!("node {} where {next} is next", group.first)));
            }
            next += group.len;
            if next as f64 > MOST_NODES {
                return Err(archive.misfit("nodes", format!("{next} nodes")));
            }
            check_group(group, &self.kernel)
                .map_err(|error| archive.misfit(&format!("nodes.{place}"), error.to_string()))?;
        }
        for (place, model) in self.node_models.iter().enumerate() {
            let outcome = check_defaults(model);
            outcome.map_err(|error| archive.misfit(&format!("node_models.{place}"), error.to_string()))?;
        }
        for (place, model) in self.synapse_models.iter().enumerate() {
            let outcome = self.check_synapse_model(model);
            outcome.map_err(|error| archive.misfit(&format!("synapse_models.{place}"), error.to_string()))?;
        }
        for (place, projection) in self.projections.iter().enumerate() {
            let outcome = self.check_projection(projection);
            outcome.map_err(|what| archive.misfit(&format!("projections.{place}"), what))?;
        }
        Ok(())
    }

    /// What is wrong with a projection, if anything.
    fn check_projection(&self, projection: &Projection) -> std::result::Result<(), String> {
        let Projection { synapse, delay, sources, targets, weights, .. } = projection;
        let (nodes, ascending) = match targets {
            Targets::Dense { nodes, .. } => (nodes, nodes.is_sorted_by(|a, b| a < b)),
            Targets::Sparse { row_start, nodes } => {
                (nodes, row_start.windows(2).all(|row| nodes[row[0]..row[1]].is_sorted()))
            }
        };
        // Of ranks that share neurons, not all have connections of each projection.
        let shared = !self.ownership.is_whole();
        if (!shared && (sources.is_empty() || nodes.is_empty()))
            || !ascending
            || !sources.is_sorted_by(|a, b| a < b)
        {
            return Err("nodes that do not ascend, or none".to_owned());
        }
        if *synapse >= self.synapse_models.len() {
            return Err(format!("there is no synapse model {synapse}"));
        }
        if !(1.0..=LONGEST_DELAY).contains(&f64::from(*delay)) {
            return Err(format!("a delay of {delay} steps"));
        }
        if let Some(weight) = weights.iter().find(|weight| !weight.is_finite()) {
            return Err(format!("a weight of {weight}"));
        }
        if let Some(tau) = projection.tau_m_readout.filter(|tau| !(*tau > 0.0 && tau.is_finite())) {
            return Err(format!("a time constant of {tau} ms"));
        }
        let population = |node: &NodeId| self.group_of(*node).map(Population::of);
        let candidates = &projection.candidates;
        let onto = projection.first_target().and_then(|target| population(&target));
        if !candidates.is_sorted_by(|a, b| a < b) || candidates.iter().any(|node| population(node) != onto) {
            return Err("candidates that are none of its targets".to_owned());
        }
        let metered = projection.carries == Carries::FromMultimeter;
        if projection.onto.is_some_and(|node| !shared || population(&node).is_none()) {
            return Err("it ends nowhere".to_owned());
        }
        if shared && !metered && !nodes.iter().all(|node| self.has(*node)) {
            return Err("connections of another rank".to_owned());
        }
        if shared && (nodes.is_empty() || sources.is_empty()) {
            return Ok(());
        }
        match self.carried(projection) {
            Ok(carries) if carries == projection.carries => Ok(()),
            Ok(_) => Err("it carries something else".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Refuses a synapse model with values that could not have been set.
    fn check_synapse_model(&self, model: &SynapseModelState) -> Result<()> {
        let mut values = super::defaults::synapse_values(model);
        // An adaptive optimizer's parameters are no parameters of the built-in one.
        let fresh = super::defaults::built_in(model.model);
        if let Some(Value::Dict(optimizer)) =
            values.0.iter_mut().find(|(name, _)| name == "optimizer").map(|(_, value)| value)
        {
            super::defaults::with_optimizer(&model.name, &fresh.optimizer, optimizer, false)?;
        }
        values.0.retain(|(name, _)| name != "optimizer");
        super::defaults::with_synapse_defaults(&fresh, &values, false, self)?;
        let learned = &model.optimizer;
        if learned.eta_first.is_nan() {
            return Err(Error::new(ErrorCode::BadProperty, "the first learning rate is no number"));
        }
        Ok(())
    }
}

/// Refuses values of nodes that could not have been set. Those that a simulation writes may be any.
fn check_group(group: &NodeGroup, kernel: &KernelParameters) -> Result<()> {
    for (parameter, column) in group.model.parameters.iter().zip(&group.columns) {
        let check = |value: f64| check_number(&group.model_name, parameter, value);
        match column {
            Column::Numbers(values) => values.iter().try_for_each(|value| check(*value))?,
            Column::Lists(lists) => {
                lists.iter().flat_map(|list| list.iter()).try_for_each(|value| check(*value))?;
            }
            _ => {}
        }
    }
    (0..group.len).try_for_each(|node| check_values(group, node, kernel))
}

/// Refuses defaults that could not have been set.
fn check_defaults(model: &NodeModelState) -> Result<()> {
    for (parameter, cell) in model.model.parameters.iter().zip(&model.defaults) {
        let check = |value: f64| check_number(&model.name, parameter, value);
        match cell {
            Cell::Number(value) => check(*value)?,
            Cell::List(list) => list.iter().try_for_each(|value| check(*value))?,
            _ => {}
        }
    }
    Ok(())
}

fn check_number(model: &str, parameter: &Parameter, value: f64) -> Result<()> {
    let choices = match parameter.kind {
        Kind::Bool => 2,
        Kind::Choice(choices) => choices.len(),
        _ if parameter.role == Role::Parameter => return check::number(model, parameter, value).map(drop),
        _ => return Ok(()),
    };
    if (0..choices).any(|choice| value == choice as f64) {
        return Ok(());
    }
    Err(Error::new(ErrorCode::BadProperty, format!("{} is no choice", parameter.name))
        .model(model)
        .parameter(parameter.name)
        .value(value))
}
