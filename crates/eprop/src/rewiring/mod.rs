//! What weights keep to besides their bounds, and which connections there are (docs/rewiring.md): signs that stay, deep
//! rewiring (Bellec et al. 2018), and pruning by magnitude.

use crate::random::KeyedRandom;
use crate::tables::Equation;
use crate::tables::parameter::{Bound, Parameter, table};

/// Names of what there is, in the parameter `rewiring`.
pub const NAMES: [&str; 3] = ["none", "deep_r", "prune"];

/// What becomes of connections in an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rewiring {
    /// They stay.
    None,
    /// Those whose weight reaches zero are replaced by others.
    DeepR,
    /// Those with a small weight go.
    Prune,
}

impl Rewiring {
    /// All, in the order of [`NAMES`].
    pub const ALL: [Self; NAMES.len()] = [Self::None, Self::DeepR, Self::Prune];

    /// That at a place in [`NAMES`].
    #[must_use]
    pub fn at(place: f64) -> Self {
        Self::ALL[(place as usize).min(Self::ALL.len() - 1)]
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        NAMES[self as usize]
    }

    /// Whether others come in place of connections that go.
    #[must_use]
    pub fn replaces(self) -> bool {
        self == Self::DeepR
    }

    /// Whether connections go and none comes in their place.
    #[must_use]
    pub fn takes_away(self) -> bool {
        self == Self::Prune
    }

    /// Names of the parameters that it has.
    #[must_use]
    pub fn parameters(self) -> &'static [&'static str] {
        match self {
            Self::None => &[],
            Self::DeepR => &["rewiring_l1", "rewiring_temperature"],
            Self::Prune => &["rewiring_threshold"],
        }
    }
}

const SIGN: [Parameter; 1] = [Parameter::bool(
    "keeps_sign",
    false,
    "Stop a weight at zero where an update would change its sign; rewired connections keep their source",
)];

const REWIRING: [Parameter; 4] = [
    Parameter::choice(
        "rewiring",
        &NAMES,
        "Which connections there are: the same, others in place of those whose weight reaches zero, or those with a weight \
         above a threshold",
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
    Parameter::number(
        "rewiring_threshold",
        "W_0",
        "",
        1e-2,
        Bound::NonNegative,
        "Connections go whose weight is not larger than this after an update (prune)",
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
    /// What becomes of connections.
    pub rewiring: Rewiring,
    /// Pull of weights to zero, times the learning rate.
    pub l1: f64,
    /// Temperature.
    pub temperature: f64,
    /// The largest weight that is pruned.
    pub threshold: f64,
}

impl RewiringProperties {
    /// Those with values by name.
    #[must_use]
    pub fn of(value: impl Fn(&str) -> f64) -> Self {
        let names = ["keeps_sign", "rewiring", "rewiring_l1", "rewiring_temperature", "rewiring_threshold"];
        Self::with(names.map(value))
    }

    /// The values, in the order of the table.
    #[must_use]
    pub fn values(&self) -> [f64; 5] {
        let keeps_sign = f64::from(u8::from(self.keeps_sign));
        [keeps_sign, f64::from(self.rewiring as u8), self.l1, self.temperature, self.threshold]
    }

    /// Those with these values.
    #[must_use]
    pub fn with([keeps_sign, rewiring, l1, temperature, threshold]: [f64; 5]) -> Self {
        let (keeps_sign, rewiring) = (keeps_sign != 0.0, Rewiring::at(rewiring));
        Self { keeps_sign, rewiring, l1, temperature, threshold }
    }

    /// Whether connections change.
    #[must_use]
    pub fn rewires(&self) -> bool {
        self.rewiring != Rewiring::None
    }

    /// Whether an update has to look at weights from before.
    #[must_use]
    pub fn looks_at_signs(&self) -> bool {
        self.keeps_sign || self.rewires()
    }

    /// Takes the updated weights of a row to where they end, from those before the update. Calls `crossed` with the place
    /// of each that has reached zero, where it is zero with the sign from before, or that is to be pruned. Without
    /// a learning rate, as where nothing learns for the time being, weights keep their signs and connections stay.
    pub fn constrain(
        &self,
        eta: Option<f64>,
        (w_min, w_max): (f64, f64),
        before: &[f64],
        weights: &mut [f64],
        random: &mut KeyedRandom,
        mut crossed: impl FnMut(usize),
    ) {
        let rewiring = eta.map_or(Rewiring::None, |_| self.rewiring);
        let eta = eta.unwrap_or(0.0);
        let (pull, walk) = (eta * self.l1, (2.0 * eta * self.temperature).sqrt());
        let keeps = self.keeps_sign || self.rewiring == Rewiring::DeepR;
        for (place, (weight, before)) in weights.iter_mut().zip(before).enumerate() {
            let mut moved = *weight;
            if rewiring == Rewiring::DeepR {
                let noise = if walk > 0.0 { walk * random.normal() } else { 0.0 };
                moved = moved - pull.copysign(*before) + noise;
                *weight = moved.clamp(w_min, w_max);
            }
            let crosses = keeps && moved.is_sign_negative() != before.is_sign_negative();
            if crosses {
                *weight = 0.0_f64.copysign(*before);
            }
            // Where zero is the bound, the optimizer has left nothing of a weight that went beyond.
            let bound = if before.is_sign_negative() { w_max } else { w_min };
            let ends = match rewiring {
                Rewiring::None => false,
                Rewiring::DeepR => crosses || (bound == 0.0 && *weight == 0.0),
                Rewiring::Prune => crosses || weight.abs() <= self.threshold,
            };
            if ends {
                crossed(place);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_name_and_parameters_of_the_table() {
        for (place, rewiring) in Rewiring::ALL.into_iter().enumerate() {
            assert_eq!(rewiring.name(), NAMES[place]);
            assert_eq!(Rewiring::at(place as f64), rewiring);
            for name in rewiring.parameters() {
                assert!(PARAMETERS.iter().any(|row| row.name == *name), "{name}");
            }
        }
    }
}
