//! How weights follow gradients (docs/derivation.md, Optimizers). One file per method: its parameters, its equation,
//! its step. A method is known by its line in [`METHODS`].

mod adam;
mod adam_w;
mod gradient_descent;
mod moments;

use crate::tables::Equation;
use crate::tables::parameter::{Bound, Default, Parameter, table};

pub use self::adam::Adam;
pub use self::adam_w::AdamW;
pub use self::gradient_descent::GradientDescent;
pub use self::moments::{MomentChanges, Moments, SynapseKey};

/// A method with its parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Method {
    /// `W <- W - eta g`.
    GradientDescent(GradientDescent),
    /// Adam (Kingma and Ba 2015), with `epsilon` outside the square root.
    Adam(Adam),
    /// Adam with decoupled weight decay (Loshchilov and Hutter 2019).
    AdamW(AdamW),
}

/// What is known of a method by its name.
#[derive(Debug, Clone, Copy)]
pub struct MethodEntry {
    /// Its name in the parameter `type`.
    pub name: &'static str,
    /// Its own parameters, in the order in which [`Method::values`] tells them.
    pub parameters: &'static [Parameter],
    /// Its equation.
    pub equation: Equation,
    /// The method with these values of its own parameters.
    make: fn(&[f64]) -> Method,
}

/// All methods, the default first.
pub const METHODS: [MethodEntry; 3] = [gradient_descent::ENTRY, adam::ENTRY, adam_w::ENTRY];

impl MethodEntry {
    /// The method with the defaults of its own parameters.
    #[must_use]
    pub fn by_default(&self) -> Method {
        let number = |row: &Parameter| if let Default::Number(number) = row.default { number } else { 0.0 };
        let values: Vec<f64> = self.parameters.iter().map(number).collect();
        (self.make)(&values)
    }

    /// Whether the method has a parameter of its own of that name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.parameters.iter().any(|row| row.name == name)
    }
}

/// The equations of all methods.
pub const EQUATIONS: [Equation; METHODS.len()] = {
    let mut equations = [METHODS[0].equation; METHODS.len()];
    let mut place = 0;
    while place < METHODS.len() {
        equations[place] = METHODS[place].equation;
        place += 1;
    }
    equations
};

const NAMES: [&str; METHODS.len()] = {
    let mut names = [""; METHODS.len()];
    let mut place = 0;
    while place < METHODS.len() {
        names[place] = METHODS[place].name;
        place += 1;
    }
    names
};

/// What optimizers of every method have.
const COMMON: [Parameter; 7] = [
    Parameter::choice("type", &NAMES, "How weights follow gradients"),
    Parameter::integer("batch_size", 1.0, Bound::Count, "Update intervals (or spikes) per optimizer step")
        .with_symbol("B"),
    Parameter::number("eta", "η", "", 1e-4, Bound::NonNegative, "Learning rate"),
    Parameter::bool(
        "optimize_each_step",
        true,
        "Call the optimizer for every step of a window, not once with the sum",
    ),
    Parameter::number(
        "c_l2",
        "c_2",
        "",
        0.0,
        Bound::NonNegative,
        "Coefficient of the squared weights in the loss, whose gradient pulls each weight to zero",
    ),
    Parameter::number("Wmin", "W_min", "", -100.0, Bound::Finite, "Lower bound of the weight"),
    Parameter::number("Wmax", "W_max", "", 100.0, Bound::Finite, "Upper bound of the weight"),
];

/// Parameters of optimizers: those of every method, then those of some.
pub const PARAMETERS: &[Parameter] = table![COMMON, adam::PARAMETERS, adam_w::DECAY];

/// The weights of a row of synapses and what a method remembers of them, in the same order.
#[derive(Debug)]
pub struct Row<'a> {
    /// Weights.
    pub weights: &'a mut [f64],
    /// First moments; empty where the method has none.
    pub first: &'a mut [f64],
    /// Second moments; empty where the method has none.
    pub second: &'a mut [f64],
}

impl Row<'_> {
    /// The same row, for a step among several.
    pub fn reborrow(&mut self) -> Row<'_> {
        Row { weights: self.weights, first: self.first, second: self.second }
    }

    /// Part of the row.
    #[must_use]
    pub fn part(&mut self, part: std::ops::Range<usize>) -> Row<'_> {
        let moments = if self.first.is_empty() { 0..0 } else { part.clone() };
        Row {
            weights: &mut self.weights[part],
            first: &mut self.first[moments.clone()],
            second: &mut self.second[moments],
        }
    }
}

/// A call of an optimizer.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    /// Learning rate.
    pub eta: f64,
    /// Which step of the optimizer it is, counted from 1.
    pub number: u64,
    /// What gradients are divided by.
    pub divisor: f64,
    /// Lower bound of the weight.
    pub w_min: f64,
    /// Upper bound of the weight.
    pub w_max: f64,
}

/// What a method does. Gradients are sums that are yet to be divided.
trait Optimize {
    /// What is known of it by its name.
    fn entry(&self) -> &'static MethodEntry;

    /// The values of its own parameters, in the order of its entry.
    fn values(&self) -> Vec<f64>;

    /// Whether it remembers moments. If so, it moves weights in steps without a gradient, too.
    fn has_moments(&self) -> bool;

    /// Moves the weights of a row by a gradient; `None` where the gradient is zero.
    fn step(&self, step: Step, row: Row<'_>, gradient: Option<&[f64]>);

    /// Whether weights and moments surely are finite after a step with a learning rate and gradients up to a size below
    /// [`TAME`], if they are before. A `false` means that one has to see.
    fn stays_finite(&self, eta: f64) -> bool;
}

/// Numbers up to this size can be squared and multiplied by a few others, and stay finite.
const TAME: f64 = 1e150;

impl Method {
    fn method(&self) -> &dyn Optimize {
        match self {
            Self::GradientDescent(method) => method,
            Self::Adam(method) => method,
            Self::AdamW(method) => method,
        }
    }

    /// What is known of it by its name.
    #[must_use]
    pub fn entry(&self) -> &'static MethodEntry {
        self.method().entry()
    }

    /// Whether it remembers moments.
    #[must_use]
    pub fn has_moments(&self) -> bool {
        self.method().has_moments()
    }

    /// The values of its own parameters.
    #[must_use]
    pub fn values(&self) -> Vec<f64> {
        self.method().values()
    }

    /// The method at a place in [`METHODS`] with values of its own parameters; `None` where there is no such method, or
    /// as many values are not its.
    #[must_use]
    pub fn with_values(place: usize, values: &[f64]) -> Option<Self> {
        let entry = METHODS.get(place).filter(|entry| entry.parameters.len() == values.len())?;
        Some((entry.make)(values))
    }

    /// Its place in [`METHODS`].
    #[must_use]
    pub fn place(&self) -> usize {
        METHODS.iter().position(|entry| entry.name == self.entry().name).unwrap_or(0)
    }
}

/// Properties that all synapses of a model share.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OptimizerProperties {
    /// The method.
    pub method: Method,
    /// Learning rate.
    pub eta: f64,
    /// The first learning rate ever set.
    pub eta_first: f64,
    /// Whether a learning rate was ever set.
    pub eta_set: bool,
    /// Update intervals per optimizer step.
    pub batch_size: usize,
    /// Coefficient of the squared weights in the loss.
    pub l2: f64,
    /// Lower bound of the weight.
    pub w_min: f64,
    /// Upper bound of the weight.
    pub w_max: f64,
    /// Call the optimizer for every step of a window instead of once with the sum (e-prop+ only).
    pub optimize_each_step: bool,
}

impl OptimizerProperties {
    /// Has the present learning rate count as the first that was set, if none was.
    pub fn hold_rate(&mut self) {
        if !self.eta_set {
            (self.eta_set, self.eta_first) = (true, self.eta);
        }
    }

    /// Whether it remembers moments of every synapse.
    #[must_use]
    pub fn has_moments(&self) -> bool {
        self.method.method().has_moments()
    }

    /// Whether weights and moments surely are finite after an update with learning rates up to `eta` and gradients up to
    /// `largest`, if they are before. A `false` means that one has to see.
    #[must_use]
    #[inline]
    pub fn stays_finite(&self, eta: f64, largest: f64) -> bool {
        eta < TAME && largest < TAME && eta * self.l2 < TAME && self.method.method().stays_finite(eta)
    }

    /// One without bounds of the weight.
    #[must_use]
    pub fn unbounded(&self) -> Self {
        Self { w_min: f64::NEG_INFINITY, w_max: f64::INFINITY, ..*self }
    }

    /// The optimizer's step `number` for a row, with the sum of a batch's gradients or, where that is zero, without one.
    pub fn step(&self, eta: f64, number: u64, row: Row<'_>, gradient: Option<&[f64]>) {
        self.step_divided(self.batch_size as f64, eta, number, row, gradient);
    }

    /// As [`Self::step`], where the sum is divided by something else than the size of the batch.
    pub fn step_divided(&self, divisor: f64, eta: f64, number: u64, row: Row<'_>, gradient: Option<&[f64]>) {
        let (w_min, w_max) = (self.w_min, self.w_max);
        let step = Step { eta, number, divisor, w_min, w_max };
        if self.l2 > 0.0 {
            self.step_with_l2(step, row, gradient);
        } else {
            self.method.method().step(step, row, gradient);
        }
    }

    /// A step whose gradient has that of the squared weights in it.
    fn step_with_l2(&self, step: Step, mut row: Row<'_>, gradient: Option<&[f64]>) {
        let mut sums = [0.0; 64];
        let len = row.weights.len();
        for begin in (0..len).step_by(sums.len()) {
            let part = begin..(begin + sums.len()).min(len);
            let sums = &mut sums[..part.len()];
            for (sum, place) in sums.iter_mut().zip(part.clone()) {
                *sum = gradient.map_or(0.0, |gradient| gradient[place])
                    + step.divisor * self.l2 * row.weights[place];
            }
            self.method.method().step(step, row.part(part), Some(sums));
        }
    }

    /// The optimizer's steps of these numbers for a row: the first with a gradient, the others without one. Weights keep to
    /// their bounds after the last one.
    pub fn steps(&self, eta: f64, numbers: std::ops::Range<u64>, mut row: Row<'_>, gradient: &[f64]) {
        if !self.has_moments() && self.l2 == 0.0 {
            return self.step(eta, numbers.start, row, Some(gradient));
        }
        for number in numbers.clone() {
            let optimizer = if number + 1 == numbers.end { *self } else { self.unbounded() };
            let gradient = (number == numbers.start).then_some(gradient);
            optimizer.step(eta, number, row.reborrow(), gradient);
        }
    }
}

#[inline(always)]
fn magnitude_body(values: &[f64], sum: &mut f64) {
    let (blocks, rest) = values.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for block in blocks {
        for (sum, value) in sums.iter_mut().zip(block) {
            *sum += value.abs();
        }
    }
    *sum += sums.iter().sum::<f64>() + rest.iter().map(|value| value.abs()).sum::<f64>();
}

crate::base::simd::kernels! {
    /// Adds absolute values, in no particular order: the sum is finite where they are, unless they are huge.
    pub fn magnitude(values: &[f64], sum: &mut f64) = magnitude_body;
}

/// A weight within its bounds; the upper one where it is no number.
#[inline(always)]
fn bounded(weight: f64, w_min: f64, w_max: f64) -> f64 {
    let weight = if weight < w_max { weight } else { w_max };
    if weight > w_min { weight } else { w_min }
}
