//! The gradient of an update interval, backwards.
//!
//! The sum over eligibility traces (Bellec et al. 2020, equations 4, 5 and 24 to 28) is linear in the presynaptic
//! spikes, and its factors depend on the postsynaptic neuron and the step only. Turned round (NUMERICS, section 2,
//! "The same gradient, backwards"), it needs one pass over neurons and steps and one row addition a presynaptic
//! spike, and no trace per synapse.

use std::ops::Range;

use crate::learn::events::{ActiveRow, RowEvents};
use crate::learn::rows::GradientLayout;
use crate::lines::{Lines, per_line};
use crate::plan::interval::{IntervalPlan, Learner};
use crate::plan::route::{Columns, Route};
use crate::real::Real;
use crate::simd::kernels;
use crate::simulate::lane::{Lane, Surroundings};
use crate::simulate::neurons::Neurons;
use crate::simulate::row;

/// Neighbouring neurons that go through a run of steps together, their state in registers.
const TOGETHER: usize = 32;

/// Bytes of factors that are kept at once: few enough to stay in the second-level cache.
const FACTOR_BYTES: usize = 128 << 10;

/// State of the recursion, one value per neuron.
#[derive(Debug, Clone, Default)]
struct Carry<R> {
    /// Filtered learning signal: `lam` of NUMERICS, section 2.
    signal: Lines<R>,
    /// Adaptation's share: `mu`.
    adaptation: Lines<R>,
    /// What a presynaptic spike adds to the gradient: `q`.
    factor: Lines<R>,
}

impl<R: Real> Carry<R> {
    fn clear(&mut self, stride: usize) {
        for values in [&mut self.signal, &mut self.adaptation, &mut self.factor] {
            values.resize(stride);
            values.fill(R::ZERO);
        }
    }
}

/// Buffers of a backward pass.
#[derive(Debug, Clone, Default)]
pub struct Workspace<R> {
    /// Of the rows that learn from all steps, and of those that learn early.
    carries: [Carry<R>; 2],
    signals: Lines<R>,
    factors: Lines<R>,
    regularization: Lines<R>,
    /// Rows with spikes in the present steps, by learner, for each of the carries.
    active: [Vec<Vec<ActiveRow>>; 2],
}

/// What the recursion reads.
#[derive(Debug, Clone, Copy)]
struct Pass<'a, R> {
    neurons: &'a Neurons<R>,
    /// Surrogate gradients, a row per step.
    surrogate: &'a [R],
    /// The step of the first row.
    first: usize,
    /// Steps in which errors count.
    learning: (usize, usize),
    kappa: R,
    regularization: &'a [R],
}

#[inline(always)]
fn lanes<R: Real, const W: usize>(values: &[R], begin: usize) -> [R; W] {
    let mut lanes = [R::ZERO; W];
    lanes.copy_from_slice(&values[begin..begin + W]);
    lanes
}

/// Takes `W` neurons from column `at` on backwards through the steps, and leaves their factors in columns from `to` on.
#[inline(always)]
fn block<R: Real, const ADAPTS: bool, const W: usize>(
    pass: &Pass<'_, R>,
    steps: (usize, usize),
    signals: &[R],
    carry: &mut Carry<R>,
    factors: &mut [R],
    width: usize,
    at: usize,
    to: usize,
) {
    let p = pass.neurons;
    let kappa = pass.kappa;
    let keep = R::ONE - kappa;
    let regularization: [R; W] = lanes(pass.regularization, at);
    let decay: [R; W] = lanes(&p.decay, at);
    let gain: [R; W] = lanes(&p.spike_gain, at);
    let adaptation_decay: [R; W] = lanes(&p.adaptation_decay, at);
    let adaptation_gain: [R; W] = lanes(&p.adaptation_gain, at);
    let mut lambda: [R; W] = lanes(&carry.signal, at);
    let mut mu: [R; W] = lanes(&carry.adaptation, at);
    let mut q: [R; W] = lanes(&carry.factor, at);
    for step in (steps.0..steps.1).rev() {
        let psi: [R; W] = lanes(pass.surrogate, (step - pass.first) * p.stride + at);
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
            let h = psi[l] * a;
            if ADAPTS {
                mu[l] = adaptation_decay[l].mul_add(mu[l], -(adaptation_gain[l] * h));
            }
            q[l] = decay[l].mul_add(q[l], gain[l] * h);
        }
        factors[(step - steps.0) * width + to..][..W].copy_from_slice(&q);
    }
    carry.signal[at..at + W].copy_from_slice(&lambda);
    carry.adaptation[at..at + W].copy_from_slice(&mu);
    carry.factor[at..at + W].copy_from_slice(&q);
}

#[inline(always)]
fn factors_body<R: Real, const ADAPTS: bool>(
    pass: &Pass<'_, R>,
    steps: (usize, usize),
    signals: &[R],
    carry: &mut Carry<R>,
    factors: &mut [R],
    width: usize,
    columns: (usize, usize),
) {
    let mut at = columns.0;
    while at + TOGETHER <= columns.1 {
        block::<R, ADAPTS, TOGETHER>(pass, steps, signals, carry, factors, width, at, at - columns.0);
        at += TOGETHER;
    }
    while at < columns.1 {
        // A cache line of either precision.
        if per_line::<R>() == 8 {
            block::<R, ADAPTS, 8>(pass, steps, signals, carry, factors, width, at, at - columns.0);
        } else {
            block::<R, ADAPTS, 16>(pass, steps, signals, carry, factors, width, at, at - columns.0);
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
struct Factors<'a, R> {
    values: &'a [R],
    width: usize,
    first: usize,
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
    fn learning_signals<R: Real>(
        signals: &mut [R], width: usize, errors: &[f64], readouts: usize, feedback: &[R], stride: usize,
        columns: (usize, usize),
    ) = signals_body;

    /// The recursion for neurons without adaptation.
    fn factors_plain<R: Real>(
        pass: &Pass<'_, R>, steps: (usize, usize), signals: &[R], carry: &mut Carry<R>, factors: &mut [R],
        width: usize, columns: (usize, usize),
    ) = factors_body::<R, false>;

    /// The recursion for neurons of which some adapt.
    fn factors_adaptive<R: Real>(
        pass: &Pass<'_, R>, steps: (usize, usize), signals: &[R], carry: &mut Carry<R>, factors: &mut [R],
        width: usize, columns: (usize, usize),
    ) = factors_body::<R, true>;

    /// Adds factors to the gradients of rows: `columns` of them from `column` of the factors on; `place` is where the
    /// first row's are and how far the next row's are from them.
    fn add_rows<R: Real>(
        gradient: &mut [R], factors: Factors<'_, R>, events: &RowEvents, active: &[ActiveRow], columns: usize,
        column: usize, place: (usize, usize),
    ) = add_rows_body;
}

/// The regularization of a neuron's firing rate, per step: `R` of NUMERICS, section 2.
#[must_use]
pub fn regularization<R: Real>(plan: &IntervalPlan, lane: &Lane<R>, neuron: usize) -> f64 {
    let p = &plan.recurrent;
    let steps = plan.interval as f64;
    p.regularization[neuron] * (f64::from(lane.spike_counts[neuron]) / steps - p.target_rate[neuron]) / steps
}

/// The gradient of a finished interval for each learner: `gradients[learner]` in the learner's layout, of which only
/// the rows touched by `events[learner]` are written. They are not whole if that was cancelled on the way.
pub fn gradient<R: Real>(
    around: &Surroundings<'_, R>,
    lane: &mut Lane<R>,
    events: &mut [RowEvents],
    layouts: &[GradientLayout],
    gradients: &mut [Vec<R>],
    workspace: &mut Workspace<R>,
) {
    let Surroundings { plan, neurons, .. } = *around;
    let recurrent: Vec<usize> =
        (0..plan.learners.len()).filter(|place| !plan.learners[*place].onto_readouts).collect();
    let mut kappas: Vec<f64> = recurrent.iter().map(|place| plan.learners[*place].kappa).collect();
    kappas.sort_by(f64::total_cmp);
    kappas.dedup();
    workspace.regularization.resize(neurons.stride);
    for neuron in 0..plan.recurrent_count() {
        workspace.regularization[neuron] = R::of(regularization(plan, lane, neuron));
    }
    for kappa in kappas {
        let learners: Vec<usize> =
            recurrent.iter().copied().filter(|place| plan.learners[*place].kappa == kappa).collect();
        backward(around, lane, events, kappa, &learners, layouts, gradients, workspace);
    }
    for (place, learner) in plan.learners.iter().enumerate().filter(|(_, learner)| learner.onto_readouts) {
        let active = &mut workspace.active[0];
        active.resize_with(plan.learners.len(), Vec::new);
        events[place].move_on(false, 1, &mut active[place]);
        readout_gradient(plan, lane, learner, &events[place], &active[place], &mut gradients[place]);
    }
}

/// The backward pass for the learners that share a filter of the learning signal.
#[allow(clippy::too_many_arguments, reason = "a part of what `gradient` was given")]
fn backward<R: Real>(
    around: &Surroundings<'_, R>,
    lane: &mut Lane<R>,
    events: &mut [RowEvents],
    kappa: f64,
    learners: &[usize],
    layouts: &[GradientLayout],
    gradients: &mut [Vec<R>],
    workspace: &mut Workspace<R>,
) {
    let Surroundings { plan, neurons, control, .. } = *around;
    let (stride, readouts) = (neurons.stride, plan.readout_count());
    let Workspace { carries, signals, factors, regularization, active } = workspace;
    for carry in &mut *carries {
        carry.clear(stride);
    }
    for active in &mut *active {
        active.resize_with(plan.learners.len(), Vec::new);
    }
    let dense =
        |place: &usize| matches!(plan.route_of(&plan.learners[*place]).columns, Columns::Range { .. });
    // Rows with targets all over need the factors of all neurons at once.
    let width = if learners.iter().all(dense) { TOGETHER.min(stride) } else { stride };
    let together = (FACTOR_BYTES / (width * size_of::<R>())).max(8).min(plan.interval);
    factors.resize(together * width);
    signals.resize(together * width);
    let recursion = if plan.segments.iter().any(|s| s.adaptive) { factors_adaptive } else { factors_plain };
    let learning_from = plan.interval - plan.window;
    // A row that learns early does without the last learning signal.
    let ends = [false, true].map(|early| {
        let some = learners.iter().any(|place| !events[*place].is_empty(early));
        some.then_some(plan.interval - usize::from(early))
    });
    let mut end = plan.interval;
    while end > 1 && !control.cancelled() {
        let begin = end.saturating_sub(together).max(lane.recall(around, end)).max(1);
        let (surrogate, first) = lane.surrogate.rows_of(end - 1);
        let passes = ends.map(|end| {
            let learning = (learning_from, end?);
            Some(Pass { neurons, surrogate, first, learning, kappa: R::of(kappa), regularization })
        });
        for place in learners {
            for (early, active) in [false, true].into_iter().zip(&mut *active) {
                events[*place].move_on(early, begin, &mut active[*place]);
            }
        }
        let mut left = 0;
        while left < stride {
            let columns = (left, (left + width).min(stride));
            let learning = begin.max(learning_from)..end;
            if readouts > 0 && !learning.is_empty() {
                let rows = &mut signals[(learning.start - begin) * width..(end - begin) * width];
                let errors = &lane.errors[learning.start * readouts..end * readouts];
                learning_signals(rows, width, errors, readouts, &neurons.feedback, stride, columns);
            }
            for ((pass, carry), active) in passes.iter().zip(&mut *carries).zip(&*active) {
                let Some(pass) = pass else { continue };
                recursion(pass, (begin, end), signals, carry, factors, width, columns);
                let present = Factors { values: factors, width, first: begin };
                for place in learners {
                    let route = plan.route_of(&plan.learners[*place]);
                    let (layout, events) = (&layouts[*place], &events[*place]);
                    let tile = columns.0..columns.1;
                    add(route, layout, present, events, &active[*place], tile, &mut gradients[*place]);
                }
            }
            left = columns.1;
        }
        end = begin;
    }
}

/// Adds the factors of the columns in `tile` to the gradients of the rows that have spikes in these steps.
fn add<R: Real>(
    route: &Route,
    layout: &GradientLayout,
    factors: Factors<'_, R>,
    events: &RowEvents,
    active: &[ActiveRow],
    tile: Range<usize>,
    gradient: &mut [R],
) {
    match &route.columns {
        Columns::Range { first, .. } => {
            for part in &layout.tiles {
                let low = tile.start.max(first + part.columns.start);
                let high = tile.end.min(first + part.columns.end);
                if low < high {
                    let base = part.base + low - first - part.columns.start;
                    let place = (base, part.columns.len());
                    add_rows(gradient, factors, events, active, high - low, low - tile.start, place);
                }
            }
        }
        Columns::Scattered(_) | Columns::Sparse { .. } => {
            for active in active {
                let entries = route.entries(active.row);
                let places = match &route.columns {
                    Columns::Sparse { places, .. } => &places[entries.clone()],
                    Columns::Scattered(places) => places,
                    Columns::Range { .. } => &[],
                };
                let sums = &mut gradient[entries];
                if active.first {
                    sums.fill(R::ZERO);
                }
                for step in events.steps(*active) {
                    let row =
                        &factors.values[(*step as usize - factors.first) * factors.width..][..factors.width];
                    row::gather(sums, places, row);
                }
            }
        }
    }
}

/// Synapses onto readouts: `g = sum_u error(u + 1) zbar(u)`, turned round likewise.
fn readout_gradient<R: Real>(
    plan: &IntervalPlan,
    lane: &Lane<R>,
    learner: &Learner,
    events: &RowEvents,
    active: &[ActiveRow],
    gradient: &mut [R],
) {
    let k = plan.readout_count();
    let route = plan.route_of(learner);
    let p = &plan.readouts;
    let mut factors = vec![0.0; k * plan.interval];
    let mut factor = vec![0.0; k];
    for step in (1..plan.interval).rev() {
        let errors = &lane.errors[step * k..(step + 1) * k];
        for j in 0..k {
            factor[j] = p.decay[j] * factor[j] + p.spike_gain[j] * errors[j];
        }
        factors[step * k..(step + 1) * k].copy_from_slice(&factor);
    }
    let mut sums = vec![0.0; k];
    for active in active {
        let entries = route.entries(active.row);
        let sums = &mut sums[..entries.len()];
        sums.fill(0.0);
        for step in events.steps(*active) {
            let factors = &factors[*step as usize * k..][..k];
            match &route.columns {
                Columns::Range { first, len } => {
                    for (sum, factor) in sums.iter_mut().zip(&factors[*first..first + len]) {
                        *sum += factor;
                    }
                }
                Columns::Scattered(places) => row::gather(sums, places, factors),
                Columns::Sparse { places, .. } => row::gather(sums, &places[entries.clone()], factors),
            }
        }
        for (gradient, sum) in gradient[entries].iter_mut().zip(&*sums) {
            *gradient = R::of(*sum);
        }
    }
}
