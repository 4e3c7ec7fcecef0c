//! From a user's value to a checked one.

use std::sync::Arc;

use crate::base::error::{Error, ErrorCode, Result, Shown};
use crate::describe::network::NodeId;
use crate::describe::suggest;
use crate::models::{NODE_MODELS, synapses};
use crate::tables::parameter::{Default, Kind, Parameter};
use crate::tables::value::{Dict, Value};

/// A checked value of one node.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// A number, truth value (0 or 1) or place in a list of choices.
    Number(f64),
    /// Numbers.
    List(Arc<Vec<f64>>),
    /// A text.
    Text(String),
    /// Texts.
    Texts(Vec<String>),
    /// Node ids.
    Nodes(Vec<NodeId>),
}

impl Cell {
    /// The default of a parameter.
    #[must_use]
    pub fn default_of(parameter: &Parameter) -> Self {
        match (parameter.default, parameter.kind) {
            (Default::Number(number), _) => Self::Number(number),
            (Default::Text(text), _) => Self::Text(text.to_owned()),
            (Default::Texts(texts), _) => Self::Texts(texts.iter().map(|text| (*text).to_owned()).collect()),
            (Default::Empty, Kind::Nodes) => Self::Nodes(Vec::new()),
            (Default::Empty, Kind::Texts) => Self::Texts(Vec::new()),
            (Default::Empty, _) => Self::List(Arc::new(Vec::new())),
        }
    }

    /// The value as the user reads it.
    #[must_use]
    pub fn value(&self, parameter: &Parameter) -> Value {
        match (self, parameter.kind) {
            (Self::Number(number), Kind::Bool) => Value::Bool(*number != 0.0),
            (Self::Number(number), Kind::Choice(choices)) => {
                Value::Text(choices[*number as usize].to_owned())
            }
            (Self::Number(number), _) => Value::Number(*number),
            (Self::List(numbers), _) => Value::Numbers(numbers.to_vec()),
            (Self::Text(text), _) => Value::Text(text.clone()),
            (Self::Texts(texts), _) => Value::Texts(texts.clone()),
            (Self::Nodes(nodes), _) => Value::Nodes(nodes.clone()),
        }
    }
}

fn wrong_type(model: &str, parameter: &Parameter, value: &Value, expected: &str) -> Error {
    Error::new(ErrorCode::TypeMismatch, format!("{} takes {expected}", parameter.name))
        .model(model)
        .parameter(parameter.name)
        .value(value)
        .bound(expected)
}

/// Checks a number against a parameter's bound.
///
/// # Errors
/// `BadProperty` if it lies outside.
pub fn number(model: &str, parameter: &Parameter, number: f64) -> Result<f64> {
    let whole = parameter.kind != Kind::Integer || number.fract() == 0.0;
    if parameter.bound.accepts(number) && whole {
        return Ok(number);
    }
    let bound = if whole { parameter.bound.text() } else { "a whole number" };
    Err(Error::new(ErrorCode::BadProperty, format!("{} must be {bound}", parameter.name))
        .model(model)
        .parameter(parameter.name)
        .value(format!("{} {}", Shown(number), parameter.unit).trim())
        .bound(bound))
}

/// Checks a value of one node.
///
/// # Errors
/// `TypeMismatch` for a value of the wrong type, `BadProperty` for one outside the bound.
pub fn cell(model: &str, parameter: &Parameter, value: &Value) -> Result<Cell> {
    match (parameter.kind, value) {
        (Kind::Number | Kind::Integer, Value::Number(given)) => {
            Ok(Cell::Number(number(model, parameter, *given)?))
        }
        (Kind::Bool, Value::Bool(given)) => Ok(Cell::Number(f64::from(u8::from(*given)))),
        (Kind::Choice(choices), Value::Text(given)) => choices
            .iter()
            .position(|choice| choice == given)
            .map(|place| Cell::Number(place as f64))
            .ok_or_else(|| {
                let what = if parameter.name == "record_to" {
                    format!("unknown recording backend '{given}'")
                } else {
                    format!("{} must be one of {}", parameter.name, choices.join(", "))
                };
                Error::new(ErrorCode::BadProperty, what)
                    .model(model)
                    .parameter(parameter.name)
                    .value(value)
                    .bound(format!("one of {}", choices.join(", ")))
            }),
        (Kind::Text, Value::Text(given)) => Ok(Cell::Text(given.clone())),
        (Kind::Numbers, Value::Numbers(given)) => {
            for value in given {
                number(model, parameter, *value)?;
            }
            Ok(Cell::List(Arc::new(given.clone())))
        }
        (Kind::Numbers, Value::Texts(given)) if given.is_empty() => Ok(Cell::List(Arc::default())),
        (Kind::Texts, Value::Texts(given)) => Ok(Cell::Texts(given.clone())),
        (Kind::Texts, Value::Text(given)) => Ok(Cell::Texts(vec![given.clone()])),
        (Kind::Texts, Value::Numbers(given)) if given.is_empty() => Ok(Cell::Texts(Vec::new())),
        (Kind::Nodes, Value::Nodes(given)) => Ok(Cell::Nodes(given.clone())),
        (Kind::Nodes, Value::Number(given)) if *given >= 1.0 && given.fract() == 0.0 => {
            Ok(Cell::Nodes(vec![*given as NodeId]))
        }
        (Kind::Nodes, Value::Numbers(given)) if given.iter().all(|id| *id >= 1.0 && id.fract() == 0.0) => {
            Ok(Cell::Nodes(given.iter().map(|id| *id as NodeId).collect()))
        }
        (kind, _) => {
            let expected = match kind {
                Kind::Number => "a number",
                Kind::Integer => "a whole number",
                Kind::Bool => "true or false",
                Kind::Choice(_) | Kind::Text => "a text",
                Kind::Numbers => "a list of numbers",
                Kind::Texts => "a list of texts",
                Kind::Nodes => "nodes",
                Kind::Table(_) => "a dictionary",
            };
            Err(wrong_type(model, parameter, value, expected))
        }
    }
}

/// The row of a table for a name, or an error that says where there is one of that name, or names the nearest.
///
/// # Errors
/// `UnaccessedDictionaryEntry` if there is none.
pub fn find<'a>(model: &str, table: &'a [Parameter], name: &str) -> Result<(usize, &'a Parameter)> {
    table.iter().enumerate().find(|(_, parameter)| parameter.name == name).ok_or_else(|| {
        let names = table.iter().map(|parameter| parameter.name);
        let within = table
            .iter()
            .find(|part| matches!(part.kind, Kind::Table(inner) if inner.iter().any(|row| row.name == name)));
        let hint = match (within, elsewhere(model, name)) {
            (Some(part), _) => format!("did you mean {}.{name}?", part.name),
            (None, Some(other)) => format!("one of {}; the model {other} has it", suggest::listed(names)),
            (None, None) => suggest::hint(name, names),
        };
        Error::new(ErrorCode::UnaccessedDictionaryEntry, format!("{model} has no parameter {name}"))
            .model(model)
            .parameter(name)
            .bound(hint)
    })
}

/// The model of the other rule that a model has a counterpart in, if that has a parameter of that name.
fn elsewhere(model: &str, name: &str) -> Option<String> {
    const INTERVAL: &str = "_bsshslm_2020";
    let other = model.strip_suffix(INTERVAL).map_or_else(|| format!("{model}{INTERVAL}"), str::to_owned);
    let of_node = NODE_MODELS.iter().find(|known| known.name == other).map(|known| known.parameters);
    let of_synapse = synapses::MODELS.iter().find(|known| known.name == other).map(|known| known.parameters);
    of_node.or(of_synapse)?.iter().any(|row| row.name == name).then_some(other)
}

/// The text of a dictionary entry.
///
/// # Errors
/// `TypeMismatch` if it is something else.
pub fn text<'a>(values: &'a Dict, name: &str, otherwise: &'a str) -> Result<&'a str> {
    match values.get(name) {
        None => Ok(otherwise),
        Some(Value::Text(text)) => Ok(text),
        Some(value) => Err(Error::new(ErrorCode::TypeMismatch, format!("{name} takes a text"))
            .parameter(name)
            .value(value)
            .bound("a text")),
    }
}

/// A time (ms) in tics: whole microseconds, the nearest.
#[must_use]
pub fn tics(time: f64) -> f64 {
    (time * 1000.0 + 0.5).floor()
}

/// The time (ms) of a step, in whole tics.
#[must_use]
pub fn time_of(resolution: f64, step: i64) -> f64 {
    tics(step as f64 * resolution) / 1000.0
}

/// Whether a time (ms), to the nearest tic, is a whole number of steps. Times so long that tics are between them count
/// as such.
#[must_use]
pub fn on_grid(time: f64, resolution: f64) -> bool {
    let time = tics(time);
    time % tics(resolution) == 0.0 || time.abs() >= 1.0 / f64::EPSILON
}

/// The steps that a time (ms) lasts: to the nearest tic, and to the end of a step that it ends in, as in NEST.
#[must_use]
pub fn lasting_steps(time: f64, resolution: f64) -> f64 {
    (tics(time) / tics(resolution)).ceil()
}

/// The step (not a whole number) that a delay (ms) ends in: as NEST computes it, so that halves are rounded alike.
#[must_use]
pub fn delay_in_steps(delay: f64, resolution: f64) -> f64 {
    delay * (1.0 / (tics(resolution) / 1000.0))
}
