//! The innermost loops: factors of neighbouring neurons backwards in time, and rows that add them.

use crate::base::lines::per_line;
use crate::base::real::Real;
use crate::base::simd::kernels;
use crate::interval::gradient::adjoint::{Carry, TOGETHER};
use crate::interval::neurons::Neurons;
use crate::interval::presynaptic::{ActiveRow, RowEvents};

/// What the recursion reads.
#[derive(Debug, Clone, Copy)]
pub struct Pass<'a, R> {
    pub neurons: &'a Neurons<R>,
    /// Surrogate gradients, a row of `width` per step, and what voltages cost where they do.
    pub surrogate: &'a [R],
    pub width: usize,
    /// The step of the first row.
    pub first: usize,
    /// Steps in which errors count.
    pub learning: (usize, usize),
    pub kappa: R,
    pub regularization: &'a [R],
}

#[inline(always)]
fn lanes<R: Real, const W: usize>(values: &[R], begin: usize) -> [R; W] {
    let mut lanes = [R::ZERO; W];
    lanes.copy_from_slice(&values[begin..begin + W]);
    lanes
}

/// Takes `W` neurons from column `at` on, whose carries begin at `within`, backwards through the steps, and leaves their
/// factors in columns from `to` on.
#[inline(always)]
fn block<R: Real, const ADAPTS: bool, const COSTS: bool, const W: usize>(
    pass: &Pass<'_, R>,
    steps: (usize, usize),
    signals: &[R],
    carry: &mut Carry<R>,
    factors: &mut [R],
    width: usize,
    at: usize,
    (within, to): (usize, usize),
) {
    let p = pass.neurons;
    let kappa = pass.kappa;
    let keep = R::ONE - kappa;
    let regularization: [R; W] = lanes(pass.regularization, at);
    let decay: [R; W] = lanes(&p.decay, at);
    let gain: [R; W] = lanes(&p.spike_gain, at);
    let adaptation_decay: [R; W] = lanes(&p.adaptation_decay, at);
    let adaptation_gain: [R; W] = lanes(&p.adaptation_gain, at);
    let mut lambda: [R; W] = lanes(&carry.signal, within);
    let mut mu: [R; W] = lanes(&carry.adaptation, within);
    let mut q: [R; W] = lanes(&carry.factor, within);
    for step in (steps.0..steps.1).rev() {
        let row = (step - pass.first) * pass.width;
        let psi: [R; W] = lanes(pass.surrogate, row + at);
        let cost: [R; W] = if COSTS { lanes(pass.surrogate, row + p.stride + at) } else { [R::ZERO; W] };
        if step >= pass.learning.0 && step < pass.learning.1 {
            let signal: [R; W] = lanes(signals, (step - steps.0) * width + to);
            for l in 0..W {
                lambda[l] = kappa.mul_add(lambda[l], signal[l]);
            }
        } else {
            for l in 0..W {
                lambda[l] = kappa * lambda[l];
            }
        }
        for l in 0..W {
            let mut a = keep.mul_add(lambda[l], regularization[l]);
            if ADAPTS {
                a += mu[l];
            }
            let mut h = psi[l] * a;
            if ADAPTS {
                // Only what lies above the threshold depends on it.
                let over = if COSTS && cost[l] > R::ZERO { h + cost[l] } else { h };
                mu[l] = adaptation_decay[l].mul_add(mu[l], -(adaptation_gain[l] * over));
            }
            if COSTS {
                h += cost[l];
            }
            q[l] = decay[l].mul_add(q[l], gain[l] * h);
        }
        factors[(step - steps.0) * width + to..][..W].copy_from_slice(&q);
    }
    carry.signal[within..within + W].copy_from_slice(&lambda);
    carry.adaptation[within..within + W].copy_from_slice(&mu);
    carry.factor[within..within + W].copy_from_slice(&q);
}

#[inline(always)]
fn factors_body<R: Real, const ADAPTS: bool, const COSTS: bool>(
    pass: &Pass<'_, R>,
    steps: (usize, usize),
    signals: &[R],
    carry: &mut Carry<R>,
    factors: &mut [R],
    width: usize,
    columns: (usize, usize),
    tile: usize,
) {
    let mut at = columns.0;
    while at + TOGETHER <= columns.1 {
        let places = (at - tile, at - columns.0);
        block::<R, ADAPTS, COSTS, TOGETHER>(pass, steps, signals, carry, factors, width, at, places);
        at += TOGETHER;
    }
    while at < columns.1 {
        let places = (at - tile, at - columns.0);
        // A cache line of either precision.
        if per_line::<R>() == 8 {
            block::<R, ADAPTS, COSTS, 8>(pass, steps, signals, carry, factors, width, at, places);
        } else {
            block::<R, ADAPTS, COSTS, 16>(pass, steps, signals, carry, factors, width, at, places);
        }
        at += per_line::<R>();
    }
}

#[inline(always)]
fn signal_block<R: Real, const W: usize>(
    signals: &mut [R],
    errors: &[f64],
    feedback: &[R],
    stride: usize,
    at: usize,
) {
    let mut sum = [R::ZERO; W];
    for (readout, error) in errors.iter().enumerate() {
        let error = R::of(*error);
        let weights: [R; W] = lanes(feedback, readout * stride + at);
        for l in 0..W {
            sum[l] += error * weights[l];
        }
    }
    signals[..W].copy_from_slice(&sum);
}

#[inline(always)]
fn signals_body<R: Real>(
    signals: &mut [R],
    width: usize,
    errors: &[f64],
    readouts: usize,
    feedback: &[R],
    stride: usize,
    columns: (usize, usize),
) {
    for (signals, errors) in signals.chunks_exact_mut(width).zip(errors.chunks_exact(readouts)) {
        let mut at = columns.0;
        while at + TOGETHER <= columns.1 {
            signal_block::<R, TOGETHER>(&mut signals[at - columns.0..], errors, feedback, stride, at);
            at += TOGETHER;
        }
        while at < columns.1 {
            signal_block::<R, 8>(&mut signals[at - columns.0..], errors, feedback, stride, at);
            at += 8;
        }
    }
}

/// Factors of steps, one row of `width` each, from the first step's on.
#[derive(Debug, Clone, Copy)]
pub struct Factors<'a, R> {
    pub values: &'a [R],
    pub width: usize,
    pub first: usize,
}

#[inline(always)]
fn add_block<R: Real, const W: usize>(
    gradient: &mut [R],
    factors: Factors<'_, R>,
    steps: &[u32],
    column: usize,
    first: bool,
) {
    let mut sum: [R; W] = if first { [R::ZERO; W] } else { lanes(gradient, 0) };
    for step in steps {
        let factors: [R; W] =
            lanes(factors.values, (*step as usize - factors.first) * factors.width + column);
        for l in 0..W {
            sum[l] += factors[l];
        }
    }
    gradient[..W].copy_from_slice(&sum);
}

/// `gradient[c] += factors[step][column + c]` for all of a row's steps, in their order.
#[inline(always)]
fn add_row<R: Real>(gradient: &mut [R], factors: Factors<'_, R>, steps: &[u32], column: usize, first: bool) {
    let mut at = 0;
    while at + TOGETHER <= gradient.len() {
        add_block::<R, TOGETHER>(&mut gradient[at..at + TOGETHER], factors, steps, column + at, first);
        at += TOGETHER;
    }
    while at + 4 <= gradient.len() {
        add_block::<R, 4>(&mut gradient[at..at + 4], factors, steps, column + at, first);
        at += 4;
    }
    while at < gradient.len() {
        add_block::<R, 1>(&mut gradient[at..=at], factors, steps, column + at, first);
        at += 1;
    }
}

#[inline(always)]
fn add_rows_body<R: Real>(
    gradient: &mut [R],
    factors: Factors<'_, R>,
    events: &RowEvents,
    active: &[ActiveRow],
    columns: usize,
    column: usize,
    place: (usize, usize),
) {
    let (base, stride) = place;
    for active in active {
        let at = base + active.row * stride;
        let steps = events.steps(*active);
        add_row(&mut gradient[at..at + columns], factors, steps, column, active.first);
    }
}

kernels! {
    /// Learning signals of consecutive steps, a row of `width` each, for a run of neurons: the readouts' errors in each
    /// step, weighted by the rows of `feedback`.
    pub fn learning_signals<R: Real>(
        signals: &mut [R], width: usize, errors: &[f64], readouts: usize, feedback: &[R], stride: usize,
        columns: (usize, usize),
    ) = signals_body;

    /// The recursion for neurons without adaptation, of a tile that begins at column `tile`.
    pub fn factors_plain<R: Real>(
        pass: &Pass<'_, R>, steps: (usize, usize), signals: &[R], carry: &mut Carry<R>, factors: &mut [R],
        width: usize, columns: (usize, usize), tile: usize,
    ) = factors_body::<R, false, false>;

    /// The recursion for neurons of which some adapt, likewise.
    pub fn factors_adaptive<R: Real>(
        pass: &Pass<'_, R>, steps: (usize, usize), signals: &[R], carry: &mut Carry<R>, factors: &mut [R],
        width: usize, columns: (usize, usize), tile: usize,
    ) = factors_body::<R, true, false>;

    /// The recursion for neurons whose voltages cost, likewise.
    pub fn factors_costly<R: Real>(
        pass: &Pass<'_, R>, steps: (usize, usize), signals: &[R], carry: &mut Carry<R>, factors: &mut [R],
        width: usize, columns: (usize, usize), tile: usize,
    ) = factors_body::<R, true, true>;

    /// Adds factors to the gradients of rows: `columns` of them from `column` of the factors on; `place` is where the
    /// first row's are and how far the next row's are from them.
    pub fn add_rows<R: Real>(
        gradient: &mut [R], factors: Factors<'_, R>, events: &RowEvents, active: &[ActiveRow], columns: usize,
        column: usize, place: (usize, usize),
    ) = add_rows_body;
}
