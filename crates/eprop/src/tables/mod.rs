//! What models and optimizers are stated in: parameters with their bounds, the values that they take, equations.

pub mod parameter;
pub mod value;

/// An equation of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Equation {
    /// What it says, in words.
    pub text: &'static str,
    /// The equation in TeX, with the symbols of the parameter tables.
    pub tex: &'static str,
}

impl Equation {
    /// An equation in TeX and what it says.
    #[must_use]
    pub const fn new(text: &'static str, tex: &'static str) -> Self {
        Self { text, tex }
    }
}
