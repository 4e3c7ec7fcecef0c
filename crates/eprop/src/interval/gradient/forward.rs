//! The gradient of an update interval by its definition: eligibility traces of every synapse, step by step.
//!
//! It is what [`super::adjoint`] is held against, and the form to read first (docs/derivation.md, The gradient of
//! an interval).

use crate::base::control::RunControl;
use crate::base::real::Real;
use crate::interval::gradient::layout::GradientLayout;
use crate::interval::open_interval::OpenInterval;
use crate::interval::plan::{IntervalPlan, Learner};
use crate::interval::presynaptic::RowEvents;

/// The traces of one synapse.
#[derive(Debug, Clone, Copy, Default)]
struct Traces {
    /// Low-pass filtered presynaptic spikes.
    zbar: f64,
    /// Adaptation part of the eligibility vector.
    eps: f64,
    /// Low-pass filtered eligibility trace.
    ebar: f64,
    /// The gradient so far.
    gradient: f64,
}

/// The gradient of a finished interval for each learner, laid out as [`super::adjoint::gradient`] does. Returns whether it
/// is finite.
pub fn gradient<R: Real>(
    plan: &IntervalPlan,
    open: &OpenInterval<R>,
    events: &[RowEvents],
    layouts: &[GradientLayout],
    control: &RunControl,
    gradients: &mut [Vec<R>],
) -> bool {
    let mut finite = true;
    let signals = learning_signals(plan, open);
    for (place, learner) in plan.learners.iter().enumerate() {
        let route = plan.route_of(learner);
        for (row, _) in &events[place].touched {
            if control.cancelled() {
                return finite;
            }
            let row = *row as usize;
            let entries = route.entries(row);
            let spikes: Vec<usize> = events[place].steps_of(row).collect();
            let values: Vec<R> = entries
                .clone()
                .map(|entry| {
                    let target = route.target(row, entry);
                    R::of(if learner.onto_readouts {
                        onto_readout(plan, open, &spikes, target)
                    } else {
                        let signal_end = plan.interval - usize::from(events[place].is_early(row));
                        onto_recurrent(plan, open, learner, &signals, &spikes, target, signal_end)
                    })
                })
                .collect();
            finite &= values.iter().all(|value| value.f64().is_finite());
            for (piece, part) in layouts[place].pieces(entries, row) {
                gradients[place][piece].copy_from_slice(&values[part]);
            }
        }
    }
    finite
}

/// The derivatives of what the voltages of all neurons cost in a step, where voltages cost.
#[must_use]
pub fn voltage_costs<R: Real>(open: &OpenInterval<R>, step: usize) -> &[R] {
    let row = open.surrogate.row(step);
    &row[row.len() / 2..]
}

/// The same of a neuron.
#[must_use]
pub fn voltage_cost<R: Real>(open: &OpenInterval<R>, step: usize, neuron: usize) -> f64 {
    voltage_costs(open, step)[neuron].f64()
}

/// Learning signals of all neurons in a step, into their row.
pub fn weigh_errors<R>(plan: &IntervalPlan, open: &OpenInterval<R>, step: usize, signals: &mut [f64]) {
    signals.fill(0.0);
    if step < plan.interval - plan.window {
        return;
    }
    let (n, k) = (plan.recurrent_count(), plan.readout_count());
    let errors = &open.errors[step * k..(step + 1) * k];
    for (error, weights) in errors.iter().zip(plan.wiring.feedback.chunks_exact(n)) {
        for (signal, weight) in signals.iter_mut().zip(weights) {
            *signal += weight * error;
        }
    }
}

/// Learning signals of all neurons: a row of neurons per step.
#[must_use]
pub fn learning_signals<R>(plan: &IntervalPlan, open: &OpenInterval<R>) -> Vec<f64> {
    let n = plan.recurrent_count();
    let mut signals = vec![0.0; plan.interval * n];
    for (step, row) in signals.chunks_exact_mut(n.max(1)).enumerate() {
        weigh_errors(plan, open, step, row);
    }
    signals
}

fn onto_recurrent<R: Real>(
    plan: &IntervalPlan,
    open: &OpenInterval<R>,
    learner: &Learner,
    signals: &[f64],
    spikes: &[usize],
    j: usize,
    signal_end: usize,
) -> f64 {
    let n = plan.recurrent_count();
    let p = &plan.recurrent;
    let regularization = open.regularization(plan, j);
    let mut traces = Traces::default();
    let mut next = spikes.iter().peekable();
    let costs = plan.planes() > 1;
    for step in 1..plan.interval {
        let z = f64::from(u8::from(next.next_if(|spike| **spike == step).is_some()));
        traces.zbar = p.decay[j] * traces.zbar + p.spike_gain[j] * z;
        if costs {
            let cost = voltage_cost(open, step, j);
            traces.gradient += cost * traces.zbar - p.adaptation_gain[j] * cost.max(0.0) * traces.eps;
        }
        let e = open.surrogate.row(step)[j].f64() * (traces.zbar - p.adaptation_gain[j] * traces.eps);
        traces.eps = p.adaptation_decay[j] * traces.eps + e;
        traces.ebar = learner.kappa * traces.ebar + (1.0 - learner.kappa) * e;
        let signal = if step < signal_end { signals[step * n + j] } else { 0.0 };
        traces.gradient += signal * traces.ebar + regularization * e;
    }
    traces.gradient
}

/// What a spike that is read in the interval's first step adds to the gradient onto each readout.
#[must_use]
pub fn from_start<R>(plan: &IntervalPlan, open: &OpenInterval<R>) -> Vec<f64> {
    let readouts = plan.readout_count();
    let p = &plan.readouts;
    let gradient = |k: usize| {
        let mut traces = Traces { zbar: p.spike_gain[k], ..Traces::default() };
        traces.gradient = open.errors[k] * traces.zbar;
        for step in 1..plan.interval {
            traces.zbar *= p.decay[k];
            traces.gradient += open.errors[step * readouts + k] * traces.zbar;
        }
        traces.gradient
    };
    (0..readouts).map(gradient).collect()
}

fn onto_readout<R>(plan: &IntervalPlan, open: &OpenInterval<R>, spikes: &[usize], k: usize) -> f64 {
    let readouts = plan.readout_count();
    let p = &plan.readouts;
    let mut traces = Traces::default();
    let mut next = spikes.iter().peekable();
    for step in 1..plan.interval {
        let z = f64::from(u8::from(next.next_if(|spike| **spike == step).is_some()));
        traces.zbar = p.decay[k] * traces.zbar + p.spike_gain[k] * z;
        traces.gradient += open.errors[step * readouts + k] * traces.zbar;
    }
    traces.gradient
}
