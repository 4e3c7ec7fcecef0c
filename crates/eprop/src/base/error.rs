//! The one error of the engine: a stable code and what the user needs to mend the call.

use std::fmt;

/// What kind of mistake was made. The names are those of NEST's exceptions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// A parameter value outside its bound, or one that contradicts another.
    BadProperty,
    /// A kernel parameter or an argument outside its bound.
    BadParameter,
    /// An argument of a call outside its bound.
    BadParameterValue,
    /// A delay shorter than the resolution or not a whole number of steps.
    BadDelay,
    /// Populations or arrays whose sizes do not fit together.
    DimensionMismatch,
    /// A connection these models cannot have.
    IllegalConnection,
    /// A list with too few or too many entries.
    IndexError,
    /// A kernel parameter that contradicts the kernel's state.
    KernelException,
    /// A combination that the models do not support.
    NotImplemented,
    /// A value of the wrong type.
    TypeMismatch,
    /// A connection that there is not.
    InexistentConnection,
    /// A parameter name that the model does not have.
    UnaccessedDictionaryEntry,
    /// A model whose defaults are asked for or set, and that does not exist.
    UnknownComponent,
    /// A node model that does not exist.
    UnknownModelName,
    /// A node id that does not exist.
    UnknownNode,
    /// A synapse model that does not exist.
    UnknownSynapseType,
    /// An array of the wrong shape, or an unknown kernel parameter.
    ValueError,
    /// A network that does not fit into the memory it may use.
    OutOfMemory,
    /// A model of that name exists already.
    NewModelNameExists,
    /// A receptor that the target does not have for what arrives.
    UnknownReceptorType,
    /// A gradient or a weight that is not finite.
    NumericalInstability,
    /// Ranks that cannot be connected, or that do not do the same.
    MPIError,
    /// The run was cancelled.
    Aborted,
    /// A mistake of the engine itself.
    InternalError,
}

impl ErrorCode {
    /// All codes.
    pub const ALL: [Self; 24] = [
        Self::BadProperty,
        Self::BadParameter,
        Self::BadParameterValue,
        Self::BadDelay,
        Self::DimensionMismatch,
        Self::IllegalConnection,
        Self::IndexError,
        Self::KernelException,
        Self::NotImplemented,
        Self::TypeMismatch,
        Self::InexistentConnection,
        Self::UnaccessedDictionaryEntry,
        Self::UnknownComponent,
        Self::UnknownModelName,
        Self::UnknownNode,
        Self::UnknownSynapseType,
        Self::ValueError,
        Self::OutOfMemory,
        Self::NewModelNameExists,
        Self::UnknownReceptorType,
        Self::NumericalInstability,
        Self::MPIError,
        Self::Aborted,
        Self::InternalError,
    ];

    /// The stable name of the code.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::BadProperty => "BadProperty",
            Self::BadParameter => "BadParameter",
            Self::BadParameterValue => "BadParameterValue",
            Self::BadDelay => "BadDelay",
            Self::DimensionMismatch => "DimensionMismatch",
            Self::IllegalConnection => "IllegalConnection",
            Self::IndexError => "IndexError",
            Self::KernelException => "KernelException",
            Self::NotImplemented => "NotImplemented",
            Self::TypeMismatch => "TypeMismatch",
            Self::InexistentConnection => "InexistentConnection",
            Self::UnaccessedDictionaryEntry => "UnaccessedDictionaryEntry",
            Self::UnknownComponent => "UnknownComponent",
            Self::UnknownModelName => "UnknownModelName",
            Self::UnknownNode => "UnknownNode",
            Self::UnknownSynapseType => "UnknownSynapseType",
            Self::ValueError => "ValueError",
            Self::OutOfMemory => "OutOfMemory",
            Self::NewModelNameExists => "NewModelNameExists",
            Self::UnknownReceptorType => "UnknownReceptorType",
            Self::NumericalInstability => "NumericalInstability",
            Self::MPIError => "MPIError",
            Self::Aborted => "Aborted",
            Self::InternalError => "InternalError",
        }
    }
}

/// A refused call: nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Error {
    /// What kind of mistake it is.
    pub code: ErrorCode,
    /// One sentence that names what was wrong.
    pub message: String,
    /// The model concerned, where there is one.
    pub model: Option<Box<str>>,
    /// The parameter concerned, where there is one.
    pub parameter: Option<Box<str>>,
    /// The value given, as text.
    pub value: Option<Box<str>>,
    /// What would be accepted.
    pub bound: Option<Box<str>>,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(model) = &self.model {
            write!(f, " (model {model}")?;
        }
        let mut separator = if self.model.is_some() { ", " } else { " (" };
        for (label, part) in
            [("parameter", &self.parameter), ("value", &self.value), ("required", &self.bound)]
        {
            if let Some(part) = part {
                write!(f, "{separator}{label} {part}")?;
                separator = ", ";
            }
        }
        if self.model.is_some() || separator == ", " { f.write_str(")") } else { Ok(()) }
    }
}

impl Error {
    /// An error that says only what was wrong.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), model: None, parameter: None, value: None, bound: None }
    }

    /// Names the model concerned.
    #[must_use]
    pub fn model(mut self, model: impl Into<String>) -> Self {
        self.model = Some(model.into().into());
        self
    }

    /// Names the parameter concerned.
    #[must_use]
    pub fn parameter(mut self, parameter: impl Into<String>) -> Self {
        self.parameter = Some(parameter.into().into());
        self
    }

    /// Shows the value given.
    #[must_use]
    pub fn value(mut self, value: impl fmt::Display) -> Self {
        self.value = Some(shortened(value.to_string()).into());
        self
    }

    /// Says which number was given.
    #[must_use]
    pub fn number(self, number: f64) -> Self {
        self.value(Shown(number))
    }

    /// Says what would be accepted.
    #[must_use]
    pub fn bound(mut self, bound: impl Into<String>) -> Self {
        self.bound = Some(bound.into().into());
        self
    }
}

/// Characters of a value that an error shows.
const SHOWN: usize = 200;

/// A text of which an error shows the beginning where it is long.
fn shortened(text: String) -> String {
    match text.char_indices().nth(SHOWN) {
        None => text,
        Some((end, _)) => format!("{}… ({} characters)", &text[..end], text.chars().count()),
    }
}

/// A number as errors show it: with an exponent where it would be long without, as JavaScript does.
#[derive(Debug, Clone, Copy)]
pub struct Shown(pub f64);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.0.abs();
        if size.is_finite() && size != 0.0 && !(1e-6..1e21).contains(&size) {
            write!(f, "{:e}", self.0)
        } else {
            write!(f, "{}", self.0)
        }
    }
}

/// A result whose error is [`struct@Error`].
pub type Result<T> = std::result::Result<T, Error>;
