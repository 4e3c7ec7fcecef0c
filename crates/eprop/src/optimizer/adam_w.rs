//! Adam with decoupled weight decay (Loshchilov and Hutter 2019, algorithm 2): weights decay in every step by their own
//! size times the learning rate, and the decay does not enter the moments.

use crate::optimizer::adam::{Adam, PARAMETERS};
use crate::optimizer::{Method, MethodEntry, Optimize, Row, Step, TAME};
use crate::tables::Equation;
use crate::tables::parameter::{Bound, Parameter, table};

/// What it has beside the parameters of Adam.
pub(super) const DECAY: [Parameter; 1] = [Parameter::number(
    "weight_decay",
    "λ",
    "",
    0.01,
    Bound::NonNegative,
    "Share of the weight, times the learning rate, that is lost in a step",
)];

pub(super) const ENTRY: MethodEntry = MethodEntry {
    name: "adamw",
    parameters: table![PARAMETERS, DECAY],
    equation: Equation::new(
        "AdamW, in its step n: Adam with decoupled weight decay; m and s as for Adam",
        r"W \leftarrow (1 - \eta \lambda) W - \eta \frac{\sqrt{1 - \beta_2^n}}{1 - \beta_1^n} \frac{m}{\sqrt{s} + \varepsilon}",
    ),
    make: |values| Method::AdamW(AdamW { adam: Adam::new(values), weight_decay: values[3] }),
};

/// The parameters of Adam with decoupled weight decay.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamW {
    /// What it has in common with Adam.
    pub adam: Adam,
    /// Share of the weight, times the learning rate, that is lost in a step.
    pub weight_decay: f64,
}

impl Optimize for AdamW {
    fn entry(&self) -> &'static MethodEntry {
        &ENTRY
    }

    fn values(&self) -> Vec<f64> {
        [self.adam.values(), vec![self.weight_decay]].concat()
    }

    fn has_moments(&self) -> bool {
        true
    }

    fn step(&self, step: Step, row: Row<'_>, gradient: Option<&[f64]>) {
        self.adam.step_keeping(1.0 - step.eta * self.weight_decay, step, row, gradient);
    }

    fn stays_finite(&self, eta: f64) -> bool {
        self.adam.stays_finite(eta) && eta * self.weight_decay < TAME
    }
}
