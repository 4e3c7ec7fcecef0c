//! Parameters that are drawn from a distribution, once per node or connection.

use crate::error::{Error, ErrorCode, Result};
use crate::random::NestRandom;

/// A distribution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RandomParameter {
    /// Normal.
    Normal {
        /// Mean.
        mean: f64,
        /// Standard deviation.
        std: f64,
    },
    /// Uniform.
    Uniform {
        /// Least value.
        min: f64,
        /// Bound that is not reached.
        max: f64,
    },
    /// Exponential of a normal number.
    Lognormal {
        /// Mean of the logarithm.
        mean: f64,
        /// Standard deviation of the logarithm.
        std: f64,
    },
    /// Exponential.
    Exponential {
        /// Mean.
        beta: f64,
    },
}

impl RandomParameter {
    /// The distribution of that name with two parameters (the second one is not used by `exponential`).
    ///
    /// # Errors
    /// If there is none, or a parameter is outside its bound.
    pub fn new(name: &str, first: f64, second: f64) -> Result<Self> {
        let refuse = |parameter: &str, value: f64, bound: &str| {
            Error::new(ErrorCode::BadProperty, format!("{parameter} must be {bound}"))
                .model(format!("random.{name}"))
                .parameter(parameter)
                .value(value)
                .bound(bound)
        };
        for value in [first, second] {
            if !value.is_finite() {
                return Err(refuse("a parameter", value, "a finite number"));
            }
        }
        match name {
            "normal" | "lognormal" if second < 0.0 => Err(refuse("std", second, "≥ 0")),
            "normal" => Ok(Self::Normal { mean: first, std: second }),
            "lognormal" => Ok(Self::Lognormal { mean: first, std: second }),
            "uniform" if first > second => Err(refuse("max", second, "≥ min")),
            "uniform" => Ok(Self::Uniform { min: first, max: second }),
            "exponential" if first <= 0.0 => Err(refuse("beta", first, "> 0")),
            "exponential" => Ok(Self::Exponential { beta: first }),
            _ => Err(Error::new(ErrorCode::BadProperty, format!("there is no distribution {name}"))
                .parameter("distribution")
                .value(name)
                .bound("one of normal, uniform, lognormal, exponential")),
        }
    }

    /// Draws a value.
    pub fn draw(&self, random: &mut NestRandom) -> f64 {
        match self {
            Self::Normal { mean, std } => mean + std * random.normal01(),
            Self::Uniform { min, max } => min + (max - min) * random.uniform01(),
            Self::Lognormal { mean, std } => libm::exp(mean + std * random.normal01()),
            Self::Exponential { beta } => beta * -libm::log1p(-random.uniform01()),
        }
    }
}
