//! Values as the user gives and reads them, before they become checked numbers.

use std::fmt;

use crate::base::error::Shown;
use crate::random::RandomParameter;

/// A value of a parameter.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A truth value.
    Bool(bool),
    /// A number; integers too, as JavaScript has them.
    Number(f64),
    /// A text.
    Text(String),
    /// A list of numbers.
    Numbers(Vec<f64>),
    /// A list of texts.
    Texts(Vec<String>),
    /// Node ids.
    Nodes(Vec<u32>),
    /// Numbers in rows per target and columns per source, row after row.
    Matrix {
        /// Number of rows.
        rows: usize,
        /// Number of columns.
        columns: usize,
        /// `rows * columns` numbers.
        data: Vec<f64>,
    },
    /// A dictionary.
    Dict(Dict),
    /// A distribution that is drawn from once per node or connection.
    Random(RandomParameter),
}

impl Params {
    /// The dictionary of the node at that place of a call.
    #[must_use]
    pub fn of(&self, place: usize) -> Option<&Dict> {
        match self {
            Self::None => None,
            Self::Shared(values) => Some(values),
            Self::PerNode(list) => list.get(place),
        }
    }

    /// All dictionaries.
    #[must_use]
    pub fn dicts(&self) -> &[Dict] {
        match self {
            Self::None => &[],
            Self::Shared(values) => std::slice::from_ref(values),
            Self::PerNode(list) => list,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => write!(f, "{value}"),
            Self::Number(value) => write!(f, "{}", Shown(*value)),
            Self::Text(value) => write!(f, "\"{value}\""),
            Self::Numbers(values) => write!(f, "a list of {} numbers", values.len()),
            Self::Texts(values) => write!(f, "{values:?}"),
            Self::Nodes(values) => write!(f, "{} nodes", values.len()),
            Self::Matrix { rows, columns, .. } => write!(f, "a {rows}x{columns} matrix"),
            Self::Dict(_) => f.write_str("a dictionary"),
            Self::Random(_) => f.write_str("a random parameter"),
        }
    }
}

impl Value {
    /// What the value is, as an error says it.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Bool(_) => "a truth value",
            Self::Number(_) => "a number",
            Self::Text(_) => "a text",
            Self::Numbers(_) => "a list of numbers",
            Self::Texts(_) => "a list of texts",
            Self::Nodes(_) => "nodes",
            Self::Matrix { .. } => "a matrix",
            Self::Dict(_) => "a dictionary",
            Self::Random(_) => "a random parameter",
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Number(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<Vec<f64>> for Value {
    fn from(value: Vec<f64>) -> Self {
        Self::Numbers(value)
    }
}

impl From<Vec<String>> for Value {
    fn from(value: Vec<String>) -> Self {
        Self::Texts(value)
    }
}

impl From<&[&str]> for Value {
    fn from(value: &[&str]) -> Self {
        Self::Texts(value.iter().map(|&text| text.to_owned()).collect())
    }
}

impl From<Vec<u32>> for Value {
    fn from(value: Vec<u32>) -> Self {
        Self::Nodes(value)
    }
}

impl From<Dict> for Value {
    fn from(value: Dict) -> Self {
        Self::Dict(value)
    }
}

impl From<RandomParameter> for Value {
    fn from(value: RandomParameter) -> Self {
        Self::Random(value)
    }
}

/// Named values in the order in which they were given.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Dict(pub Vec<(String, Value)>);

impl Dict {
    /// An empty dictionary.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The value of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// Sets the value of that name.
    pub fn set(&mut self, name: impl Into<String>, value: Value) {
        let name = name.into();
        match self.0.iter_mut().find(|(key, _)| *key == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name, value)),
        }
    }

    /// Adds a value and returns the dictionary, for writing one down in an expression.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.set(name, value.into());
        self
    }
}

/// Parameters of several nodes in one call.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Params {
    /// Nothing is set.
    #[default]
    None,
    /// The same for each node; a list of numbers for a scalar parameter gives one to each.
    Shared(Dict),
    /// One dictionary a node.
    PerNode(Vec<Dict>),
}
