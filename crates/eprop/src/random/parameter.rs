//! Parameters that are drawn from a distribution, once per node or connection.

use std::sync::Arc;
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
    /// Whole numbers from 0 on, each as likely as the others.
    UniformInt {
        /// How many.
        count: usize,
    },
}

/// How often NEST draws anew before it gives up.
const MOST_REDRAWS: usize = 1000;

/// What is computed of one or several numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Operation {
    Add,
    Subtract,
    Multiply,
    Divide,
    Power,
    Exp,
    Sin,
    Cos,
    Min,
    Max,
    Less,
    LessOrEqual,
    Equal,
    Unequal,
    GreaterOrEqual,
    Greater,
    /// The second number where the first is not 0, else the third.
    Conditional,
    /// The number drawn anew until it lies between the second and the third, which do not change.
    Redraw,
}

/// Names of the distributions.
pub const DISTRIBUTIONS: [&str; 5] = ["normal", "uniform", "lognormal", "exponential", "uniform_int"];

/// All operations: name, number of operands.
const OPERATIONS: [(Operation, &str, usize); 18] = [
    (Operation::Add, "add", 2),
    (Operation::Subtract, "subtract", 2),
    (Operation::Multiply, "multiply", 2),
    (Operation::Divide, "divide", 2),
    (Operation::Power, "power", 2),
    (Operation::Exp, "exp", 1),
    (Operation::Sin, "sin", 1),
    (Operation::Cos, "cos", 1),
    (Operation::Min, "min", 2),
    (Operation::Max, "max", 2),
    (Operation::Less, "less", 2),
    (Operation::LessOrEqual, "less_or_equal", 2),
    (Operation::Equal, "equal", 2),
    (Operation::Unequal, "unequal", 2),
    (Operation::GreaterOrEqual, "greater_or_equal", 2),
    (Operation::Greater, "greater", 2),
    (Operation::Conditional, "conditional", 3),
    (Operation::Redraw, "redraw", 3),
];

/// What is computed of random numbers: names, and numbers of operands.
pub fn operations() -> impl Iterator<Item = (&'static str, usize)> {
    OPERATIONS.iter().map(|(_, name, count)| (*name, *count))
}

/// A distribution that parameters are drawn from, or what is computed of such numbers. Copies are one and the same:
/// normal numbers come in pairs, and the second of a pair is left for the next draw from the same distribution, as in
/// NEST.
#[derive(Debug, Clone, PartialEq)]
pub struct RandomParameter(Node);

#[derive(Debug, Clone, PartialEq)]
enum Node {
    Constant(f64),
    Drawn(Distribution, u64),
    Computed(Operation, Arc<[RandomParameter]>),
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

    /// The distribution of that name with two parameters (the second one is not used by `exponential` and
    /// `uniform_int`). Those of one `identity` share the normal number that is left over.
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
            "uniform_int" if !(1.0..=1e15).contains(&first) || first.fract() != 0.0 => {
                return Err(refuse("max", first, "a whole number from 1 to 1e15"));
            }
            "uniform_int" => Distribution::UniformInt { count: first as usize },
            _ => {
                return Err(Error::new(ErrorCode::BadProperty, format!("there is no distribution {name}"))
                    .parameter("distribution")
                    .value(name)
                    .bound(format!("one of {}", DISTRIBUTIONS.join(", "))));
            }
        };
        Ok(Self(Node::Drawn(distribution, identity)))
    }

    /// A number that is always the same.
    #[must_use]
    pub fn constant(value: f64) -> Self {
        Self(Node::Constant(value))
    }

    /// What is computed of others by the operation of that name.
    ///
    /// # Errors
    /// `BadProperty` if there is no such operation with so many operands, or nothing between the bounds of `redraw`.
    pub fn computed(name: &str, operands: Vec<Self>) -> Result<Self> {
        let known = OPERATIONS.iter().find(|(_, of, count)| *of == name && *count == operands.len());
        let Some((operation, ..)) = known else {
            let names: Vec<&str> = OPERATIONS.iter().map(|(_, name, _)| *name).collect();
            let what = format!("there is no operation {name} of {} numbers", operands.len());
            return Err(Error::new(ErrorCode::BadProperty, what)
                .parameter("operation")
                .value(name)
                .bound(format!("one of {}", names.join(", "))));
        };
        if *operation == Operation::Redraw {
            let bounds: Vec<f64> = operands[1..].iter().filter_map(Self::value).collect();
            if bounds.len() != 2 || bounds[0] >= bounds[1] {
                return Err(Error::new(ErrorCode::BadProperty, "the bounds of redraw hold no number")
                    .model("math.redraw")
                    .parameter("max")
                    .value(bounds.last().map_or(String::new(), f64::to_string))
                    .bound("two numbers, min < max"));
            }
        }
        Ok(Self(Node::Computed(*operation, operands.into())))
    }

    fn value(&self) -> Option<f64> {
        if let Node::Constant(value) = self.0 { Some(value) } else { None }
    }

    /// Draws a value.
    ///
    /// # Errors
    /// `KernelException` where `redraw` finds none.
    pub fn draw(&self, random: &mut NestRandom) -> Result<f64> {
        Ok(match &self.0 {
            Node::Constant(value) => *value,
            Node::Drawn(distribution, identity) => distribution.draw(*identity, random),
            Node::Computed(Operation::Redraw, operands) => {
                let (min, max) = (operands[1].value().unwrap_or(0.0), operands[2].value().unwrap_or(0.0));
                for _ in 0..MOST_REDRAWS {
                    let value = operands[0].draw(random)?;
                    if min <= value && value <= max {
                        return Ok(value);
                    }
                }
                let what = format!("{MOST_REDRAWS} numbers were drawn, and none lies between the bounds");
                return Err(Error::new(ErrorCode::KernelException, what)
                    .model("math.redraw")
                    .parameter("min, max")
                    .value(format!("{min}, {max}"))
                    .bound("bounds that the distribution reaches"));
            }
            Node::Computed(Operation::Conditional, operands) => {
                let chosen = if operands[0].draw(random)? == 0.0 { 2 } else { 1 };
                operands[chosen].draw(random)?
            }
            Node::Computed(operation, operands) => {
                let first = operands[0].draw(random)?;
                let second = operands.get(1).map_or(Ok(0.0), |operand| operand.draw(random))?;
                operation.of(first, second)
            }
        })
    }
}

impl Distribution {
    fn draw(self, identity: u64, random: &mut NestRandom) -> f64 {
        match self {
            Self::Normal { mean, std } => mean + std * random.normal01(identity),
            Self::Uniform { min, max } => min + (max - min) * random.uniform01(),
            Self::Lognormal { mean, std } => libm::exp(mean + std * random.normal01(identity)),
            Self::Exponential { beta } => beta * -libm::log1p(-random.uniform01()),
            Self::UniformInt { count } => random.below(count) as f64,
        }
    }
}

impl Operation {
    fn of(self, first: f64, second: f64) -> f64 {
        let truth = |holds: bool| f64::from(u8::from(holds));
        match self {
            Self::Add => first + second,
            Self::Subtract => first - second,
            Self::Multiply => first * second,
            Self::Divide => first / second,
            Self::Power => libm::pow(first, second),
            Self::Exp => libm::exp(first),
            Self::Sin => libm::sin(first),
            Self::Cos => libm::cos(first),
            Self::Min => first.min(second),
            Self::Max => first.max(second),
            Self::Less => truth(first < second),
            Self::LessOrEqual => truth(first <= second),
            Self::Equal => truth(first == second),
            Self::Unequal => truth(first != second),
            Self::GreaterOrEqual => truth(first >= second),
            Self::Greater => truth(first > second),
            Self::Conditional | Self::Redraw => unreachable!("drawn as they are needed"),
        }
    }
}
