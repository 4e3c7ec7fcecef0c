//! What weights keep to besides their bounds, and which connections there are (docs/rewiring.md): signs that stay, and
//! deep rewiring (Bellec et al. 2018).

use crate::random::KeyedRandom;
use crate::tables::Equation;
use crate::tables::parameter::{Bound, Parameter, table};

/// Names of what there is, in the parameter `rewiring`.
pub const NAMES: [&str; 2] = ["none", "deep_r"];

const SIGN: [Parameter; 1] = [Parameter::bool(
    "keeps_sign",
    false,
    "Stop a weight at zero where an update would change its sign; rewired connections keep their source",
)];

const REWIRING: [Parameter; 3] = [
    Parameter::choice(
        "rewiring",
        &NAMES,
        "Which connections there are: the same, or others in place of those whose weight reaches zero",
    ),
    Parameter::number(
        "rewiring_l1",
        "α",
        "",
        1e-4,
        Bound::NonNegative,
        "Pull of weights to zero, times the learning rate, in an update (deep_r)",
    ),
    Parameter::number(
        "rewiring_temperature",
        "T",
        "",
        0.0,
        Bound::NonNegative,
        "Temperature of the random walk of weights (deep_r)",
    ),
];

/// Parameters of plastic connections.
pub const PARAMETERS: &[Parameter] = table![SIGN, REWIRING];

/// What rewiring does to a weight.
pub const EQUATIONS: [Equation; 1] = [Equation::new(
    "With deep_r, after the optimizer's step, for a weight of sign c: where cW falls below zero, the connection is \
     replaced by one of weight zero at a random place; ν is normal",
    r"W \leftarrow W - \eta \alpha c + \sqrt{2 \eta T}\, \nu",
)];

/// What weights of a model keep to, and which connections there are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RewiringProperties {
    /// Whether weights keep their sign, and connections their source.
    pub keeps_sign: bool,
    /// Whether connections whose weight reaches zero are replaced.
    pub rewires: bool,
    /// Pull of weights to zero, times the learning rate.
    pub l1: f64,
    /// Temperature.
    pub temperature: f64,
}

impl RewiringProperties {
    /// Those with values by name.
    #[must_use]
    pub fn of(value: impl Fn(&str) -> f64) -> Self {
        Self::with(["keeps_sign", "rewiring", "rewiring_l1", "rewiring_temperature"].map(value))
    }

    /// The values, in the order of the table.
    #[must_use]
    pub fn values(&self) -> [f64; 4] {
        [f64::from(u8::from(self.keeps_sign)), f64::from(u8::from(self.rewires)), self.l1, self.temperature]
    }

    /// Those with these values.
    #[must_use]
    pub fn with([keeps_sign, rewires, l1, temperature]: [f64; 4]) -> Self {
        Self { keeps_sign: keeps_sign != 0.0, rewires: rewires != 0.0, l1, temperature }
    }

    /// Whether an update has to look at signs.
    #[must_use]
    pub fn looks_at_signs(&self) -> bool {
        self.keeps_sign || self.rewires
    }

    /// Takes the updated weights of a row to where they end, from those before the update. Calls `crossed` with the place
    /// of each that has reached zero; there it is zero, with the sign from before.
    pub fn constrain(
        &self,
        eta: f64,
        (w_min, w_max): (f64, f64),
        before: &[f64],
        weights: &mut [f64],
        random: &mut KeyedRandom,
        mut crossed: impl FnMut(usize),
    ) {
        let (pull, walk) = (eta * self.l1, (2.0 * eta * self.temperature).sqrt());
        for (place, (weight, before)) in weights.iter_mut().zip(before).enumerate() {
            if self.rewires {
                let noise = if walk > 0.0 { walk * random.normal() } else { 0.0 };
                *weight = (*weight - pull.copysign(*before) + noise).clamp(w_min, w_max);
            }
            if weight.is_sign_negative() != before.is_sign_negative() {
                *weight = 0.0_f64.copysign(*before);
                crossed(place);
            }
        }
    }
}
