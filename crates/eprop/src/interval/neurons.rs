//! Coefficients of the recurrent neurons of update intervals, as their inner loops read them.

use crate::base::lines::{Lines, per_line};
use crate::base::real::Real;
use crate::interval::plan::{IntervalPlan, Segment};

/// One array per coefficient, in the precision that is computed in. Rows are filled up to whole vectors with neurons
/// that never fire and have no surrogate gradient.
#[derive(Debug, Clone, Default)]
pub struct Neurons<R> {
    /// Length of a row: the neurons, then what fills it up.
    pub stride: usize,
    /// Runs of equal neurons; the last one reaches to the end of the row.
    pub segments: Vec<Segment>,
    /// Whether neurons differ in `decay`, `spike_gain` and `adaptation_gain` at most.
    pub shares: bool,
    /// `exp(-dt / tau_m)`
    pub decay: Lines<R>,
    /// Gain of arriving spikes.
    pub spike_gain: Lines<R>,
    /// Spike threshold.
    pub threshold: Lines<R>,
    /// Lower bound of the voltage.
    pub floor: Lines<R>,
    /// Refractory time (steps).
    pub refractory: Lines<R>,
    /// Whether any neuron has a refractory time.
    pub rests: bool,
    /// `exp(-dt / adapt_tau)`
    pub adaptation_decay: Lines<R>,
    /// Gain of the adaptation on the threshold; 0 where there is none.
    pub adaptation_gain: Lines<R>,
    /// Height of the surrogate gradient.
    pub height: Lines<R>,
    /// One over the width of the surrogate gradient.
    pub per_width: Lines<R>,
    /// Coefficient of voltage regularization.
    pub voltage_cost: Lines<R>,
    /// Weights of the learning signals: one row per readout.
    pub feedback: Lines<R>,
}

impl<R: Real> Neurons<R> {
    /// Bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let lines = [&self.decay, &self.spike_gain, &self.threshold, &self.floor, &self.refractory];
        let more = [&self.adaptation_decay, &self.adaptation_gain, &self.height, &self.per_width];
        let held = lines.into_iter().chain(more).chain([&self.voltage_cost, &self.feedback]);
        held.map(|values| size_of_val(&values[..]) as u64).sum()
    }

    /// The coefficients of a plan's neurons.
    #[must_use]
    pub fn new(plan: &IntervalPlan) -> Self {
        let n = plan.recurrent_count();
        let stride = n.next_multiple_of(per_line::<R>());
        let p = &plan.recurrent;
        let padded = |values: &[f64], fill: R| -> Lines<R> {
            let fills = std::iter::repeat_n(fill, stride - values.len());
            values.iter().map(|value| R::of(*value)).chain(fills).collect()
        };
        let zero = |values: &[f64]| padded(values, R::ZERO);
        let same = |values: &[f64]| values.iter().all(|value| *value == values[0]);
        let mut segments = plan.segments.clone();
        if let Some(last) = segments.last_mut() {
            last.places.end = stride;
        }
        Self {
            stride,
            segments,
            shares: [
                &p.current_gain.iter().zip(&p.current).map(|(gain, current)| gain * current).collect(),
                &p.threshold,
                &p.floor,
                &p.refractory,
                &p.adaptation_decay,
                &p.height,
                &p.per_width,
            ]
            .into_iter()
            .all(|values| same(values))
                && plan.biases[0].is_none(),
            decay: zero(&p.decay),
            spike_gain: zero(&p.spike_gain),
            threshold: padded(&p.threshold, R::MAX),
            floor: zero(&p.floor),
            refractory: zero(&p.refractory),
            rests: p.refractory.iter().any(|steps| *steps > 0.0),
            adaptation_decay: zero(&p.adaptation_decay),
            adaptation_gain: zero(&p.adaptation_gain),
            voltage_cost: zero(&p.voltage_cost),
            height: zero(&p.height),
            per_width: zero(&p.per_width),
            feedback: padded_rows(&plan.wiring.feedback, n, stride),
        }
    }

    /// Takes over the weights of the learning signals, which have changed.
    pub fn take_feedback(&mut self, plan: &IntervalPlan) {
        self.feedback = padded_rows(&plan.wiring.feedback, plan.recurrent_count(), self.stride);
    }
}

/// Rows of `n` numbers, each filled up to `stride`.
fn padded_rows<R: Real>(rows: &[f64], n: usize, stride: usize) -> Lines<R> {
    rows.chunks(n.max(1))
        .flat_map(|row| {
            let fills = std::iter::repeat_n(R::ZERO, stride - row.len());
            row.iter().map(|value| R::of(*value)).chain(fills)
        })
        .collect()
}
