//! Defaults of models, and copies of models.

use std::collections::BTreeMap;

use crate::base::error::{Error, ErrorCode, Result};
use crate::describe::check::{self, Cell};
use crate::describe::network::{Description, NodeId, NodeModelState, SynapseModelState};
use crate::describe::nodes::row;
use crate::describe::suggest;
use crate::feedback::{self, FeedbackProperties, SOURCES};
use crate::models::{NodeClass, SynapseKind, SynapseModel};
use crate::optimizer::{self, GradientDescent, METHODS, Method, OptimizerProperties};
use crate::random::NestRandom;
use crate::rewiring::{self, Rewiring, RewiringProperties};
use crate::tables::parameter::{Kind, Parameter};
use crate::tables::value::{Dict, Value};

fn default_number(table: &[Parameter], name: &str) -> f64 {
    table.iter().find(|row| row.name == name).map_or(0.0, |row| match Cell::default_of(row) {
        Cell::Number(number) => number,
        _ => 0.0,
    })
}

/// An optimizer that nothing was set of.
fn default_optimizer() -> OptimizerProperties {
    let number = |name| default_number(optimizer::PARAMETERS, name);
    OptimizerProperties {
        method: Method::GradientDescent(GradientDescent),
        eta: number("eta"),
        eta_first: number("eta"),
        eta_set: false,
        batch_size: number("batch_size") as usize,
        l2: number("c_l2"),
        w_min: number("Wmin"),
        w_max: number("Wmax"),
        optimize_each_step: number("optimize_each_step") != 0.0,
    }
}

/// The state of a built-in synapse model before anything was set.
pub(super) fn built_in(model: &'static SynapseModel) -> SynapseModelState {
    let number = |name| default_number(model.parameters, name);
    SynapseModelState {
        name: model.name.to_owned(),
        model,
        weight: number("weight"),
        delay: number("delay"),
        receptor: number("receptor_type") as u32,
        tau_m_readout: number("tau_m_readout"),
        tau_m_readout_set: false,
        average_gradient: number("average_gradient") != 0.0,
        weight_recorder: None,
        optimizer: default_optimizer(),
        rewiring: RewiringProperties::of(|name| default_number(rewiring::PARAMETERS, name)),
        feedback: FeedbackProperties {
            source: SOURCES[0],
            decay: default_number(feedback::PARAMETERS, "feedback_decay"),
        },
    }
}

impl Description {
    /// The place of a synapse model.
    ///
    /// # Errors
    /// `UnknownSynapseType` if there is none of that name.
    pub fn synapse_model(&self, name: &str) -> Result<usize> {
        self.synapse_models.iter().position(|model| model.name == name).ok_or_else(|| {
            let names: Vec<&str> = self.synapse_models.iter().map(|model| model.name.as_str()).collect();
            Error::new(ErrorCode::UnknownSynapseType, format!("there is no synapse model {name}"))
                .model(name)
                .bound(suggest::hint(name, names))
        })
    }

    /// Whether there are connections of a synapse model.
    #[must_use]
    pub fn is_in_use(&self, synapse: usize) -> bool {
        self.projections.iter().any(|projection| projection.synapse == synapse)
    }

    fn unknown_model(&self, code: ErrorCode, name: &str) -> Error {
        let names: Vec<&str> = self
            .node_models
            .iter()
            .map(|model| model.name.as_str())
            .chain(self.synapse_models.iter().map(|model| model.name.as_str()))
            .collect();
        Error::new(code, format!("{name} is not a known model name"))
            .model(name)
            .bound(suggest::hint(name, names))
    }

    /// Sets defaults of a node or synapse model.
    ///
    /// # Errors
    /// `UnknownComponent`, or what is wrong with the values.
    pub fn set_defaults(&mut self, model: &str, values: &Dict) -> Result<()> {
        if let Some(place) = self.node_models.iter().position(|known| known.name == model) {
            self.node_models[place] = with_node_defaults(&self.node_models[place], values)?;
        } else if let Some(place) = self.synapse_models.iter().position(|known| known.name == model) {
            let in_use = self.is_in_use(place);
            self.synapse_models[place] =
                with_synapse_defaults(&self.synapse_models[place], values, in_use, self)?;
        } else {
            return Err(self.unknown_model(ErrorCode::UnknownComponent, model));
        }
        self.defaults_set |= !values.0.is_empty();
        self.version += 1;
        Ok(())
    }

    /// Defaults of a node or synapse model.
    ///
    /// # Errors
    /// `UnknownComponent`.
    pub fn get_defaults(&self, model: &str) -> Result<Dict> {
        if let Some(known) = self.node_models.iter().find(|known| known.name == model) {
            let mut values = Dict::new();
            for (parameter, cell) in known.model.parameters.iter().zip(&known.defaults) {
                values.set(parameter.name, cell.value(parameter));
            }
            values.set(
                "recordables",
                Value::Texts(known.model.recordables.iter().map(|name| (*name).to_owned()).collect()),
            );
            let receptors = known.model.receptors.names.iter();
            let receptors: Vec<_> = receptors
                .map(|(name, number)| ((*name).to_owned(), Value::Number(f64::from(*number))))
                .collect();
            if !receptors.is_empty() {
                values.set("receptor_types", Value::Dict(Dict(receptors)));
            }
            values.set("type_id", Value::Text(known.model.name.to_owned()));
            return Ok(values);
        }
        let known = self.synapse_models.iter().find(|known| known.name == model);
        known.map(synapse_values).ok_or_else(|| self.unknown_model(ErrorCode::UnknownComponent, model))
    }

    /// Copies a node or synapse model under a new name, with other defaults.
    ///
    /// # Errors
    /// `UnknownModelName`, `NewModelNameExists` if the name is taken, or what is wrong with the values.
    pub fn copy_model(&mut self, existing: &str, new: &str, values: &Dict) -> Result<()> {
        let taken = self.node_models.iter().any(|known| known.name == new)
            || self.synapse_models.iter().any(|known| known.name == new);
        if taken || new.is_empty() {
            let (code, what) = if taken {
                (ErrorCode::NewModelNameExists, "this name of a model is taken")
            } else {
                (ErrorCode::BadParameter, "a model needs a name")
            };
            return Err(Error::new(code, what)
                .parameter("copy")
                .value(format!("\"{new}\""))
                .bound("a name that no model has"));
        }
        if let Some(known) = self.node_models.iter().find(|known| known.name == existing) {
            let mut copy = with_node_defaults(known, values)?;
            new.clone_into(&mut copy.name);
            self.node_models.push(copy);
        } else if let Some(known) = self.synapse_models.iter().find(|known| known.name == existing) {
            let mut copy = with_synapse_defaults(known, values, false, self)?;
            new.clone_into(&mut copy.name);
            self.synapse_models.push(copy);
        } else {
            return Err(self.unknown_model(ErrorCode::UnknownModelName, existing));
        }
        self.defaults_set = true;
        self.version += 1;
        Ok(())
    }
}

/// A default is one value: nothing is drawn for it.
fn refuse_random(model: &str, values: &Dict) -> Result<()> {
    match values.0.iter().find(|(_, value)| matches!(value, Value::Random(_))) {
        Some((name, value)) => Err(Error::new(ErrorCode::ValueError, format!("{name} takes a single value"))
            .model(model)
            .parameter(name.clone())
            .value(value)
            .bound("a single value; a distribution is drawn from where nodes or connections are made")),
        None => Ok(()),
    }
}

/// The defaults of a synapse model as the user reads them.
pub(super) fn synapse_values(known: &SynapseModelState) -> Dict {
    let mut values = Dict::new();
    for parameter in known.model.parameters {
        let value = match parameter.name {
            "weight" => Value::Number(known.weight),
            "delay" => Value::Number(known.delay),
            "receptor_type" => Value::Number(f64::from(known.receptor)),
            "weight_recorder" => Value::Nodes(known.weight_recorder.into_iter().collect()),
            "tau_m_readout" => Value::Number(known.tau_m_readout),
            "average_gradient" => Value::Bool(known.average_gradient),
            "keeps_sign" => Value::Bool(known.rewiring.keeps_sign),
            "rewiring" => Value::Text(known.rewiring.rewiring.name().to_owned()),
            "rewiring_l1" => Value::Number(known.rewiring.l1),
            "rewiring_temperature" => Value::Number(known.rewiring.temperature),
            "rewiring_threshold" => Value::Number(known.rewiring.threshold),
            "feedback" => Value::Text(known.feedback.source.name().to_owned()),
            "feedback_decay" => Value::Number(known.feedback.decay),
            _ => Value::Dict(optimizer_values(&known.optimizer)),
        };
        values.set(parameter.name, value);
    }
    values
}

fn with_node_defaults(known: &NodeModelState, values: &Dict) -> Result<NodeModelState> {
    refuse_random(&known.name, values)?;
    let mut next = known.clone();
    // Defaults are the same for all nodes: nothing is drawn for them.
    for (place, cell) in row(known.model, &known.name, values, None, &mut NestRandom::new(1))? {
        next.defaults[place] = cell;
    }
    let scalar = |name: &str| match known.model.place(name).map(|place| &next.defaults[place]) {
        Some(Cell::Number(number)) => *number,
        _ => 0.0,
    };
    (known.model.check)(&scalar).map_err(|error| error.model(known.name.clone()))?;
    Ok(next)
}

pub(super) fn with_synapse_defaults(
    known: &SynapseModelState,
    values: &Dict,
    in_use: bool,
    network: &Description,
) -> Result<SynapseModelState> {
    let mut next = known.clone();
    let name = known.name.as_str();
    refuse_random(name, values)?;
    for (key, value) in &values.0 {
        let (_, parameter) = check::find(name, known.model.parameters, key)?;
        if let Kind::Table(_) = parameter.kind {
            let Value::Dict(values) = value else {
                return Err(check::cell(name, parameter, value).expect_err("a table takes a dictionary only"));
            };
            next.optimizer = with_optimizer(name, &known.optimizer, values, in_use)?;
            continue;
        }
        match (parameter.name, check::cell(name, parameter, value)?) {
            ("weight", Cell::Number(number)) => next.weight = number,
            ("delay", Cell::Number(number)) => {
                let steps = network.rounded_steps(name, number)?;
                next.delay = check::time_of(network.kernel.resolution, i64::from(steps));
            }
            ("receptor_type", Cell::Number(number)) => next.receptor = number as u32,
            ("tau_m_readout", Cell::Number(number)) => {
                next.tau_m_readout = number;
                next.tau_m_readout_set = true;
            }
            ("average_gradient", Cell::Number(number)) => next.average_gradient = number != 0.0,
            ("keeps_sign", Cell::Number(number)) => next.rewiring.keeps_sign = number != 0.0,
            ("rewiring", Cell::Number(place)) => next.rewiring.rewiring = Rewiring::at(place),
            ("rewiring_l1", Cell::Number(number)) => next.rewiring.l1 = number,
            ("rewiring_temperature", Cell::Number(number)) => next.rewiring.temperature = number,
            ("rewiring_threshold", Cell::Number(number)) => next.rewiring.threshold = number,
            ("feedback", Cell::Number(place)) => next.feedback.source = SOURCES[place as usize],
            ("feedback_decay", Cell::Number(number)) => next.feedback.decay = number,
            ("weight_recorder", Cell::Nodes(nodes)) => {
                next.weight_recorder = recorder_of(known, &nodes, network)?;
            }
            _ => unreachable!("every row of the table has an arm"),
        }
    }
    Ok(next)
}

/// The weight recorder of a synapse model, if it is one.
fn recorder_of(model: &SynapseModelState, nodes: &[NodeId], network: &Description) -> Result<Option<NodeId>> {
    let refuse = |code: ErrorCode, what: &str, value: String, bound: &str| {
        Err(Error::new(code, what)
            .model(model.name.clone())
            .parameter("weight_recorder")
            .value(value)
            .bound(bound))
    };
    let node = match *nodes {
        [] => return Ok(None),
        [node] => node,
        _ => {
            let value = format!("{} nodes", nodes.len());
            return refuse(
                ErrorCode::BadProperty,
                "a synapse model has one weight recorder",
                value,
                "one node",
            );
        }
    };
    let value = format!("node {node}");
    let group = network.group_of(node);
    if group.is_none_or(|group| group.model.class != NodeClass::WeightRecorder) {
        let what = "this node is not a weight_recorder";
        return refuse(ErrorCode::BadProperty, what, value, "a weight_recorder");
    }
    if model.model.kind == SynapseKind::LearningSignal {
        let what = "weight recorders see spikes alone; over this connection something is sent in every step";
        let bound = "left out, or set in a model whose synapses transmit spikes";
        return refuse(ErrorCode::NotImplemented, what, value, bound);
    }
    Ok(Some(node))
}

pub(super) fn with_optimizer(
    model: &str,
    known: &OptimizerProperties,
    values: &Dict,
    in_use: bool,
) -> Result<OptimizerProperties> {
    let refuse = |parameter: &str, value: String, what: &str, bound: &str| {
        Error::new(ErrorCode::BadProperty, what)
            .model(model)
            .parameter(format!("optimizer.{parameter}"))
            .value(value)
            .bound(bound)
    };
    let given = |(key, value): &(String, Value)| {
        let key = if key == "optimizer" { "type" } else { key.as_str() };
        let (_, parameter) = check::find(model, optimizer::PARAMETERS, key)?;
        let Cell::Number(number) = check::cell(model, parameter, value)? else {
            unreachable!("every parameter of an optimizer is a number or a choice")
        };
        Ok((parameter.name, number))
    };
    let values = values.0.iter().map(given).collect::<Result<Vec<_>>>()?;
    let named = values.iter().rev().find(|(name, _)| *name == "type");
    let place = named.map_or(known.method.place(), |(_, place)| *place as usize);
    // As with NEST, another optimizer is a new one, of which nothing was set.
    let is_new = place != known.method.place();
    let mut next = if is_new { default_optimizer() } else { *known };
    let mut own = BTreeMap::new();
    for (name, number) in values {
        match name {
            "type" => {}
            "batch_size" => next.batch_size = number as usize,
            "eta" => {
                // To set the rate that there is changes nothing.
                if !next.eta_set && number != next.eta {
                    next.eta_set = true;
                    next.eta_first = number;
                }
                next.eta = number;
            }
            "optimize_each_step" => next.optimize_each_step = number != 0.0,
            "c_l2" => next.l2 = number,
            "Wmin" => next.w_min = number,
            "Wmax" => next.w_max = number,
            name => {
                own.insert(name, number);
            }
        }
    }
    let (method, before) = (&METHODS[place], known.method.entry());
    if in_use && method.name != before.name {
        return Err(Error::new(
            ErrorCode::BadParameter,
            "the optimizer cannot be changed once synapses have been created",
        )
        .model(model)
        .parameter("optimizer.type")
        .value(method.name)
        .bound(before.name));
    }
    if in_use && next.batch_size != known.batch_size {
        return Err(Error::new(
            ErrorCode::BadParameter,
            "the batch size cannot be changed once synapses have been created",
        )
        .model(model)
        .parameter("optimizer.batch_size")
        .value(next.batch_size)
        .bound(known.batch_size.to_string()));
    }
    if next.w_min > next.w_max {
        return Err(refuse(
            "Wmin",
            next.w_min.to_string(),
            "the lower bound of the weight lies above the upper one",
            &format!("at most Wmax = {}", next.w_max),
        ));
    }
    if let Some(name) = own.keys().find(|name| !method.has(name)) {
        let having: Vec<&str> =
            METHODS.iter().filter(|other| other.has(name)).map(|other| other.name).collect();
        return Err(Error::new(
            ErrorCode::UnaccessedDictionaryEntry,
            format!("{} has no such parameter", method.name),
        )
        .model(model)
        .parameter(format!("optimizer.{name}"))
        .bound(format!("a parameter of {}, or type {}", method.name, having.join(" or "))));
    }
    let held = before.parameters.iter().map(|parameter| parameter.name).zip(known.method.values());
    let held: BTreeMap<&str, f64> = held.filter(|_| !is_new).collect();
    let values: Vec<f64> = (method.parameters.iter().map(|parameter| parameter.name))
        .map(|name| {
            let found = own.get(name).or_else(|| held.get(name));
            found.copied().unwrap_or_else(|| default_number(optimizer::PARAMETERS, name))
        })
        .collect();
    next.method = Method::with_values(place, &values).expect("a value for each of its parameters");
    Ok(next)
}

fn optimizer_values(properties: &OptimizerProperties) -> Dict {
    let number = Value::Number;
    let mut values = Dict::new()
        .with("optimizer", Value::Text(properties.method.entry().name.to_owned()))
        .with("batch_size", number(properties.batch_size as f64))
        .with("eta", number(properties.eta))
        .with("optimize_each_step", Value::Bool(properties.optimize_each_step))
        .with("c_l2", number(properties.l2))
        .with("Wmin", number(properties.w_min))
        .with("Wmax", number(properties.w_max));
    for (parameter, value) in properties.method.entry().parameters.iter().zip(properties.method.values()) {
        values.set(parameter.name, number(value));
    }
    values
}
