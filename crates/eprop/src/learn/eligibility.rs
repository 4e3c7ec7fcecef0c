//! Eligibility traces of a row of synapses over a window of steps (NUMERICS, section 3): the innermost loops of
//! e-prop+.
//!
//! A block of synapses keeps its traces in registers while it goes through the window; what postsynaptic neurons left
//! in each step comes from their [`History`], read in rows.

use crate::learn::history::{BLOCK, History};
use crate::simd::kernels;

/// Quantities that recurrent neurons leave.
pub mod recurrent {
    /// Surrogate gradient.
    pub const SURROGATE: usize = 0;
    /// Learning signal.
    pub const SIGNAL: usize = 1;
    /// Firing-rate regularization.
    pub const REGULARIZATION: usize = 2;
    /// How many there are.
    pub const COUNT: usize = 3;
    /// Their names, in that order.
    pub const NAMES: [&str; COUNT] = ["surrogate", "signal", "regularization"];
}

/// Quantities that readouts leave.
pub mod readout {
    /// Error signal.
    pub const ERROR: usize = 0;
    /// How many there are.
    pub const COUNT: usize = 1;
    /// Their names, in that order.
    pub const NAMES: [&str; COUNT] = ["error"];
}

/// Where the synapses of a row end.
#[derive(Debug, Clone, Copy)]
pub enum Targets<'a> {
    /// Consecutive places from this one on.
    Range(usize),
    /// These places, one a lane.
    Places(&'a [u32]),
}

/// Coefficients of the postsynaptic neurons: by lane of the row for [`Targets::Range`], else by place.
#[derive(Debug, Clone, Default)]
pub struct Coefficients {
    /// `exp(-dt / tau_m)`
    pub decay: Vec<f64>,
    /// Decay of the eligibility trace.
    pub kappa: Vec<f64>,
    /// Decay of the firing-rate trace.
    pub kappa_reg: Vec<f64>,
    /// `exp(-dt / adapt_tau)`
    pub rho: Vec<f64>,
    /// Gain of the adaptation.
    pub beta: Vec<f64>,
}

/// How an optimizer is called for one step of a window.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Call {
    /// How many optimizer steps it makes; with the gradient first, then without.
    pub steps: u32,
    /// Number of the first of them, counted from 1.
    pub first: u32,
    /// Learning rate.
    pub eta: f64,
}

/// Traces of a row of synapses, one lane each, padded to a multiple of eight lanes.
#[derive(Debug)]
pub struct Traces<'a> {
    /// Low-pass filtered presynaptic spikes.
    pub filtered: &'a mut [f64],
    /// Adaptation's share of the eligibility; empty where no target adapts.
    pub adaptation: &'a mut [f64],
    /// Low-pass filtered eligibility.
    pub eligibility: &'a mut [f64],
    /// Eligibility for the firing-rate regularization.
    pub regularization: &'a mut [f64],
    /// Gradient of the window.
    pub gradient: &'a mut [f64],
}

/// A window of steps.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// First step.
    pub begin: i64,
    /// How many steps.
    pub steps: usize,
    /// Presynaptic spikes that enter the trace in the first and in the second step.
    pub spikes: [f64; 2],
}

#[inline(always)]
fn lanes<const W: usize>(values: &[f64], begin: usize) -> [f64; W] {
    let mut lanes = [0.0; W];
    lanes.copy_from_slice(&values[begin..begin + W]);
    lanes
}

/// A coefficient of a block: by lane, or by place.
#[inline(always)]
fn coefficient<const W: usize>(values: &[f64], targets: Targets<'_>, lane: usize) -> [f64; W] {
    match targets {
        Targets::Range(_) => lanes(values, lane),
        Targets::Places(places) => {
            let mut picked = [0.0; W];
            for (value, place) in picked.iter_mut().zip(&places[lane..lane + W]) {
                *value = values[*place as usize];
            }
            picked
        }
    }
}

/// What the postsynaptic neurons of a block left in a step.
struct Left<const W: usize> {
    surrogate: [f64; W],
    signal: [f64; W],
    regularization: [f64; W],
}

/// Where a block reads what its postsynaptic neurons left.
trait Source {
    fn read<const W: usize>(&self, history: &History, step: i64, lane: usize) -> Left<W>;
}

/// From consecutive places.
struct Consecutive(usize);

impl Source for Consecutive {
    #[inline(always)]
    fn read<const W: usize>(&self, history: &History, step: i64, lane: usize) -> Left<W> {
        let (row, width) = (history.row(step), history.width());
        let at = self.0 + lane;
        Left {
            surrogate: lanes(row, recurrent::SURROGATE * width + at),
            signal: lanes(row, recurrent::SIGNAL * width + at),
            regularization: lanes(row, recurrent::REGULARIZATION * width + at),
        }
    }
}

/// From places that are listed.
struct Scattered<'a>(&'a [u32]);

impl Source for Scattered<'_> {
    #[inline(always)]
    fn read<const W: usize>(&self, history: &History, step: i64, lane: usize) -> Left<W> {
        let row = history.scattered_row(step);
        let mut left = Left { surrogate: [0.0; W], signal: [0.0; W], regularization: [0.0; W] };
        let places = &self.0[lane..lane + W];
        for l in 0..W {
            let [surrogate, signal, regularization, _] = row[places[l] as usize];
            left.surrogate[l] = surrogate;
            left.signal[l] = signal;
            left.regularization[l] = regularization;
        }
        left
    }
}

#[inline(always)]
fn recurrent_block<const W: usize, const ADAPTS: bool, S: Source>(
    source: &S,
    coefficients: &Coefficients,
    history: &History,
    targets: Targets<'_>,
    window: Window,
    traces: &mut Traces<'_>,
    lane: usize,
) {
    let decay: [f64; W] = coefficient(&coefficients.decay, targets, lane);
    let kappa: [f64; W] = coefficient(&coefficients.kappa, targets, lane);
    let kappa_reg: [f64; W] = coefficient(&coefficients.kappa_reg, targets, lane);
    let keep = kappa_reg.map(|kappa| 1.0 - kappa);
    let rho: [f64; W] = if ADAPTS { coefficient(&coefficients.rho, targets, lane) } else { [0.0; W] };
    let beta: [f64; W] = if ADAPTS { coefficient(&coefficients.beta, targets, lane) } else { [0.0; W] };
    let mut filtered: [f64; W] = lanes(traces.filtered, lane);
    let mut adaptation: [f64; W] = if ADAPTS { lanes(traces.adaptation, lane) } else { [0.0; W] };
    let mut eligibility: [f64; W] = lanes(traces.eligibility, lane);
    let mut regularization: [f64; W] = lanes(traces.regularization, lane);
    let mut gradient: [f64; W] = lanes(traces.gradient, lane);
    for step in 0..window.steps {
        let z = if step < 2 { window.spikes[step] } else { 0.0 };
        let left: Left<W> = source.read(history, window.begin + step as i64, lane);
        for l in 0..W {
            filtered[l] = decay[l].mul_add(filtered[l], z);
            let e = if ADAPTS {
                let e = left.surrogate[l] * (-beta[l]).mul_add(adaptation[l], filtered[l]);
                adaptation[l] = rho[l].mul_add(adaptation[l], e);
                e
            } else {
                left.surrogate[l] * filtered[l]
            };
            eligibility[l] = kappa[l].mul_add(eligibility[l], e);
            regularization[l] = kappa_reg[l].mul_add(regularization[l], keep[l] * e);
            let pressed = left.regularization[l] * regularization[l];
            gradient[l] += left.signal[l].mul_add(eligibility[l], pressed);
        }
    }
    traces.filtered[lane..lane + W].copy_from_slice(&filtered);
    if ADAPTS {
        traces.adaptation[lane..lane + W].copy_from_slice(&adaptation);
    }
    traces.eligibility[lane..lane + W].copy_from_slice(&eligibility);
    traces.regularization[lane..lane + W].copy_from_slice(&regularization);
    traces.gradient[lane..lane + W].copy_from_slice(&gradient);
}

#[inline(always)]
fn recurrent_blocks<const ADAPTS: bool, S: Source>(
    source: &S,
    coefficients: &Coefficients,
    history: &History,
    targets: Targets<'_>,
    window: Window,
    traces: &mut Traces<'_>,
) {
    let mut lane = 0;
    while lane + BLOCK <= traces.filtered.len() {
        recurrent_block::<BLOCK, ADAPTS, S>(source, coefficients, history, targets, window, traces, lane);
        lane += BLOCK;
    }
    while lane < traces.filtered.len() {
        recurrent_block::<8, ADAPTS, S>(source, coefficients, history, targets, window, traces, lane);
        lane += 8;
    }
}

#[inline(always)]
fn recurrent_body<const ADAPTS: bool>(
    coefficients: &Coefficients,
    history: &History,
    targets: Targets<'_>,
    window: Window,
    traces: &mut Traces<'_>,
) {
    match targets {
        Targets::Range(first) => {
            let source = Consecutive(first);
            recurrent_blocks::<ADAPTS, _>(&source, coefficients, history, targets, window, traces);
        }
        Targets::Places(places) => {
            let source = Scattered(places);
            recurrent_blocks::<ADAPTS, _>(&source, coefficients, history, targets, window, traces);
        }
    }
}

#[inline(always)]
fn readout_body(
    coefficients: &Coefficients,
    history: &History,
    targets: Targets<'_>,
    window: Window,
    traces: &mut Traces<'_>,
) {
    let mut lane = 0;
    while lane < traces.filtered.len() {
        let decay: [f64; 8] = coefficient(&coefficients.decay, targets, lane);
        let mut filtered: [f64; 8] = lanes(traces.filtered, lane);
        let mut gradient: [f64; 8] = lanes(traces.gradient, lane);
        for step in 0..window.steps {
            let z = if step < 2 { window.spikes[step] } else { 0.0 };
            let row = history.row(window.begin + step as i64);
            let error: [f64; 8] = match targets {
                Targets::Range(first) => lanes(row, readout::ERROR * history.width() + first + lane),
                Targets::Places(_) => coefficient(&row[readout::ERROR * history.width()..], targets, lane),
            };
            for l in 0..8 {
                filtered[l] = decay[l].mul_add(filtered[l], z);
                gradient[l] = error[l].mul_add(filtered[l], gradient[l]);
            }
        }
        traces.filtered[lane..lane + 8].copy_from_slice(&filtered);
        traces.gradient[lane..lane + 8].copy_from_slice(&gradient);
        lane += 8;
    }
}

kernels! {
    /// Traces and gradient of synapses onto neurons that don't adapt.
    pub fn onto_recurrent(
        coefficients: &Coefficients, history: &History, targets: Targets<'_>, window: Window,
        traces: &mut Traces<'_>,
    ) = recurrent_body::<false>;

    /// Traces and gradient of synapses onto neurons of which some adapt.
    pub fn onto_adaptive(
        coefficients: &Coefficients, history: &History, targets: Targets<'_>, window: Window,
        traces: &mut Traces<'_>,
    ) = recurrent_body::<true>;

    /// Traces and gradient of synapses onto readouts.
    pub fn onto_readouts(
        coefficients: &Coefficients, history: &History, targets: Targets<'_>, window: Window,
        traces: &mut Traces<'_>,
    ) = readout_body;
}
