//! What readouts learn to make small (docs/losses.md). One file per loss; a loss is known by its line in [`LOSSES`].

mod cross_entropy;
mod cross_entropy_of_mean;
mod mean_squared_error;

use std::fmt;

use crate::tables::Equation;
use crate::tables::parameter::{Bound, Parameter};

/// What a readout shows, and how far that is from its target. All of it is of one step of a learning window; a loss that
/// [`Loss::is_of_mean`] is given means over the window's steps so far in place of the step's own values.
pub trait Loss: fmt::Debug + Sync {
    /// Its name in the parameter `loss`.
    fn name(&self) -> &'static str;

    /// What is measured of a training, as figures write it.
    fn formula(&self) -> &'static str;

    /// Whether signals are shares of a whole: readouts need the voltages of the others.
    fn is_shared(&self) -> bool;

    /// Whether the loss is of the mean readout: what a learning window's last step shows holds for all of its steps.
    fn is_of_mean(&self) -> bool {
        false
    }

    /// The readout signal: of a voltage, and of those of the other readouts with the weights that they reach it with.
    fn signal(&self, own: f64, others: Others<'_>) -> f64;

    /// The error signal: the derivative of the value by the readout's own voltage.
    fn error(&self, signal: f64, target: f64) -> f64 {
        signal - target
    }

    /// The readout's part of the loss.
    fn value(&self, signal: f64, target: f64) -> f64;

    /// What the sum of the values of a sequence is divided by: for the loss of a network, and for that of each readout.
    fn divisors(&self, window: usize, readouts: usize) -> (f64, f64);

    /// For how many steps the last step of a learning window, or one before it, counts.
    fn counts_for(&self, is_last: bool, window: usize) -> f64 {
        match (self.is_of_mean(), is_last) {
            (false, _) => 1.0,
            (true, true) => window as f64,
            (true, false) => 0.0,
        }
    }
}

/// The voltages of the readouts that reach one.
#[derive(Clone, Copy)]
pub struct Others<'a> {
    /// Their places and the weights that they reach it with.
    pub places: &'a [(usize, f64)],
    /// The voltage of a place.
    pub voltage: &'a dyn Fn(usize) -> f64,
}

/// All losses, the default first.
pub static LOSSES: [&dyn Loss; 3] =
    [&mean_squared_error::LOSS, &cross_entropy::LOSS, &cross_entropy_of_mean::LOSS];

const NAMES: [&str; 3] = [mean_squared_error::NAME, cross_entropy::NAME, cross_entropy_of_mean::NAME];

/// The equations of all losses.
pub const EQUATIONS: [Equation; 4] = [
    mean_squared_error::EQUATION,
    cross_entropy::EQUATION,
    cross_entropy_of_mean::EQUATION,
    Equation::new(
        "Label smoothing s, of K readouts: the target signal of every loss",
        r"y_k^{*,t} = (1 - s)\, \mathrm{target}_k^t + \frac{s}{K}",
    ),
];

/// Parameters of readouts that have a choice of losses.
pub const PARAMETERS: [Parameter; 2] = [
    Parameter::choice("loss", &NAMES, "Loss function"),
    Parameter::number(
        "label_smoothing",
        "s",
        "",
        0.0,
        Bound::BelowOne,
        "Share of a target signal that is spread evenly over all readouts",
    ),
];

/// The loss at a place in [`LOSSES`], as the parameter holds it.
#[must_use]
pub fn at(choice: f64) -> &'static dyn Loss {
    LOSSES[(choice as usize).min(LOSSES.len() - 1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_table() {
        assert_eq!(LOSSES.map(Loss::name), NAMES);
    }

    #[test]
    fn errors_are_derivatives_of_values() {
        let (voltages, targets) = ([0.3, -1.2, 0.8], [0.1, 0.6, 0.3]);
        for loss in LOSSES {
            let total = |moved: usize, by: f64| -> f64 {
                let voltage = |place: usize| voltages[place] + if place == moved { by } else { 0.0 };
                let signal = |own: usize| {
                    let places: Vec<(usize, f64)> =
                        (0..3).filter(|place| *place != own).map(|place| (place, 1.0)).collect();
                    loss.signal(voltage(own), Others { places: &places, voltage: &voltage })
                };
                (0..3).map(|place| loss.value(signal(place), targets[place])).sum()
            };
            for place in 0..3 {
                let places: Vec<(usize, f64)> =
                    (0..3).filter(|other| *other != place).map(|other| (other, 1.0)).collect();
                let others = Others { places: &places, voltage: &|other| voltages[other] };
                let error = loss.error(loss.signal(voltages[place], others), targets[place]);
                let slope = (total(place, 1e-6) - total(place, -1e-6)) / 2e-6;
                assert!((error - slope).abs() < 1e-9, "{}: {error}, by differences {slope}", loss.name());
            }
        }
    }
}
