//! Parameters that are drawn from a distribution, once per node or connection.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::base::error::{Error, ErrorCode, Result};
use crate::random::NestRandom;

/// A distribution of numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Distribution {
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

/// A distribution that parameters are drawn from. Copies are one and the same: normal numbers come in pairs, and the
/// second of a pair is left for the next draw from the same distribution, as in NEST.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RandomParameter {
    distribution: Distribution,
    identity: u64,
}

/// Distributions made by [`RandomParameter::new`] so far. Others may number theirs from 0 on.
static MADE: AtomicU64 = AtomicU64::new(1 << 63);

impl RandomParameter {
    /// A distribution of its own, as [`RandomParameter::identified`].
    ///
    /// # Errors
    /// As [`RandomParameter::identified`].
    pub fn new(name: &str, first: f64, second: f64) -> Result<Self> {
        Self::identified(MADE.fetch_add(1, Ordering::Relaxed), name, first, second)
    }

    /// The distribution of that name with two parameters (the second one is not used by `exponential`).
    /// Those of one `identity` share the normal number that is left over.
    ///
    /// # Errors
    /// If there is none, or a parameter is outside its bound.
    pub fn identified(identity: u64, name: &str, first: f64, second: f64) -> Result<Self> {
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
        let distribution = match name {
            "normal" | "lognormal" if second < 0.0 => return Err(refuse("std", second, "≥ 0")),
            "normal" => Distribution::Normal { mean: first, std: second },
            "lognormal" => Distribution::Lognormal { mean: first, std: second },
            "uniform" if first > second => return Err(refuse("max", second, "≥ min")),
            "uniform" => Distribution::Uniform { min: first, max: second },
            "exponential" if first <= 0.0 => return Err(refuse("beta", first, "> 0")),
            "exponential" => Distribution::Exponential { beta: first },
            _ => {
                return Err(Error::new(ErrorCode::BadProperty, format!("there is no distribution {name}"))
                    .parameter("distribution")
                    .value(name)
                    .bound("one of normal, uniform, lognormal, exponential"));
            }
        };
        Ok(Self { distribution, identity })
    }

    /// Draws a value.
    pub fn draw(&self, random: &mut NestRandom) -> f64 {
        match self.distribution {
            Distribution::Normal { mean, std } => mean + std * random.normal01(self.identity),
            Distribution::Uniform { min, max } => min + (max - min) * random.uniform01(),
            Distribution::Lognormal { mean, std } => libm::exp(mean + std * random.normal01(self.identity)),
            Distribution::Exponential { beta } => beta * -libm::log1p(-random.uniform01()),
        }
    }
}
