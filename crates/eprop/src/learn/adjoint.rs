//! The gradient of an update interval, backwards.
//!
//! The sum over eligibility traces (Bellec et al. 2020, equations 4, 5 and 24 to 28) is linear in the presynaptic
//! spikes, and its factors depend on the postsynaptic neuron and the step only. Turned round (NUMERICS, section 2,
//! "The same gradient, backwards"), it needs one pass over neurons and steps and one row addition a presynaptic
//! spike, and no trace per synapse.

use crate::learn::events::{RowEvents, RowsByStep};
use crate::learn::rows::GradientLayout;
use crate::plan::interval::{IntervalPlan, Learner};
use crate::plan::route::Columns;
use crate::simd::kernels;
use crate::simulate::RunControl;
use crate::simulate::lane::Lane;
use crate::simulate::row;

/// Steps whose filtered factors are kept at once: few enough to stay in the first-level cache.
const BLOCK: usize = 16;

/// Buffers of a backward pass.
#[derive(Debug, Clone, Default)]
pub struct Workspace {
    filtered_signal: Vec<f64>,
    adaptation_signal: Vec<f64>,
    factor: Vec<f64>,
    factors: Vec<f64>,
    signal: Vec<f64>,
    regularization: Vec<f64>,
}

#[allow(clippy::too_many_arguments, reason = "separate slices tell the compiler that nothing overlaps")]
#[inline(always)]
fn step_body<const ADAPTIVE: bool, const SIGNAL: bool>(
    surrogate: &[f64],
    signal: &[f64],
    regularization: &[f64],
    decay: &[f64],
    gain: &[f64],
    adaptation_decay: &[f64],
    adaptation_gain: &[f64],
    kappa: f64,
    filtered_signal: &mut [f64],
    adaptation_signal: &mut [f64],
    factor: &mut [f64],
    factors: &mut [f64],
) {
    let n = surrogate.len();
    let (regularization, decay, gain) = (&regularization[..n], &decay[..n], &gain[..n]);
    let (adaptation_decay, adaptation_gain) = (&adaptation_decay[..n], &adaptation_gain[..n]);
    let signal = if SIGNAL { &signal[..n] } else { signal };
    let (filtered_signal, adaptation_signal) = (&mut filtered_signal[..n], &mut adaptation_signal[..n]);
    let (factor, factors) = (&mut factor[..n], &mut factors[..n]);
    let keep = 1.0 - kappa;
    for j in 0..n {
        let lambda =
            if SIGNAL { kappa.mul_add(filtered_signal[j], signal[j]) } else { kappa * filtered_signal[j] };
        filtered_signal[j] = lambda;
        let mut a = keep.mul_add(lambda, regularization[j]);
        if ADAPTIVE {
            a += adaptation_signal[j];
        }
        let h = surrogate[j] * a;
        if ADAPTIVE {
            adaptation_signal[j] =
                adaptation_decay[j].mul_add(adaptation_signal[j], -(adaptation_gain[j] * h));
        }
        let q = decay[j].mul_add(factor[j], gain[j] * h);
        factor[j] = q;
        factors[j] = q;
    }
}

macro_rules! steps {
    ($($name:ident = $adaptive:literal, $signal:literal;)*) => {
        kernels! {$(
            fn $name(
                surrogate: &[f64], signal: &[f64], regularization: &[f64], decay: &[f64], gain: &[f64],
                adaptation_decay: &[f64], adaptation_gain: &[f64], kappa: f64, filtered_signal: &mut [f64],
                adaptation_signal: &mut [f64], factor: &mut [f64], factors: &mut [f64],
            ) = step_body::<$adaptive, $signal>;
        )*}
    };
}

steps! {
    step_quiet = false, false;
    step_signal = false, true;
    step_adaptive_quiet = true, false;
    step_adaptive_signal = true, true;
}

/// The regularization of a neuron's firing rate, per step: `R` of NUMERICS, section 2.
#[must_use]
pub fn regularization(plan: &IntervalPlan, lane: &Lane, neuron: usize) -> f64 {
    let p = &plan.recurrent;
    let steps = plan.interval as f64;
    p.regularization[neuron] * (f64::from(lane.spike_counts[neuron]) / steps - p.target_rate[neuron]) / steps
}

/// The gradient of a finished interval for each learner: `gradients[learner]` in the learner's layout, of which only
/// the rows touched by `events[learner]` are written. They are not whole if that was cancelled on the way.
pub fn gradient(
    plan: &IntervalPlan,
    lane: &Lane,
    events: &[RowEvents],
    layouts: &[GradientLayout],
    tile_width: usize,
    control: &RunControl,
    gradients: &mut [Vec<f64>],
    workspace: &mut Workspace,
) {
    for (place, learner) in plan.learners.iter().enumerate() {
        let route = plan.route_of(learner);
        for (row, _) in &events[place].touched {
            for (piece, _) in layouts[place].pieces(route.entries(*row as usize), *row as usize) {
                gradients[place][piece].fill(0.0);
            }
        }
    }
    let recurrent: Vec<usize> =
        (0..plan.learners.len()).filter(|place| !plan.learners[*place].onto_readouts).collect();
    let mut kappas: Vec<f64> = recurrent.iter().map(|place| plan.learners[*place].kappa).collect();
    kappas.sort_by(f64::total_cmp);
    kappas.dedup();
    let n = plan.recurrent_count();
    workspace.regularization.clear();
    workspace.regularization.extend((0..n).map(|neuron| regularization(plan, lane, neuron)));
    for kappa in kappas {
        let learners: Vec<usize> =
            recurrent.iter().copied().filter(|place| plan.learners[*place].kappa == kappa).collect();
        let mut begin = 0;
        while begin < n {
            let end = (begin + tile_width).min(n);
            let tile = begin..end;
            let whole = |place: usize| &events[place].whole;
            backward(
                plan,
                lane,
                &whole,
                plan.interval,
                kappa,
                &learners,
                tile.clone(),
                control,
                gradients,
                workspace,
            );
            if learners.iter().any(|place| !events[*place].early.is_empty()) {
                let early = |place: usize| &events[place].early;
                let end = plan.interval - 1;
                backward(plan, lane, &early, end, kappa, &learners, tile, control, gradients, workspace);
            }
            begin = end;
        }
    }
    for (place, learner) in plan.learners.iter().enumerate().filter(|(_, learner)| learner.onto_readouts) {
        readout_gradient(plan, lane, learner, &events[place], &mut gradients[place]);
    }
}

/// The backward pass for neighbouring neurons, with the learning signals before step `signal_end`. Either `tile` is all
/// neurons, or all `learners` have tiles.
#[allow(clippy::too_many_arguments, reason = "one tile of what `gradient` was given")]
fn backward<'a>(
    plan: &IntervalPlan,
    lane: &Lane,
    rows: &dyn Fn(usize) -> &'a RowsByStep,
    signal_end: usize,
    kappa: f64,
    learners: &[usize],
    tile: std::ops::Range<usize>,
    control: &RunControl,
    gradients: &mut [Vec<f64>],
    workspace: &mut Workspace,
) {
    let (n, k) = (plan.recurrent_count(), plan.readout_count());
    let width = tile.len();
    let p = &plan.recurrent;
    let adaptive =
        plan.segments.iter().any(|s| s.adaptive && s.places.start < tile.end && tile.start < s.places.end);
    let Workspace { filtered_signal, adaptation_signal, factor, factors, signal, regularization } = workspace;
    for values in [&mut *filtered_signal, adaptation_signal, factor, signal] {
        values.clear();
        values.resize(width, 0.0);
    }
    factors.resize(BLOCK * width, 0.0);
    let learning_from = plan.interval - plan.window;
    let mut end = plan.interval;
    while end > 1 && !control.cancelled() {
        let begin = end.saturating_sub(BLOCK).max(1);
        for step in (begin..end).rev() {
            let with_signal = step >= learning_from && step < signal_end && k > 0;
            if with_signal {
                signal.fill(0.0);
                for readout in 0..k {
                    let error = lane.errors[step * k + readout];
                    let weights = &plan.feedback[readout * n..][tile.clone()];
                    row::add_scaled(signal, weights, error);
                }
            }
            let kernel = match (adaptive, with_signal) {
                (false, false) => step_quiet,
                (false, true) => step_signal,
                (true, false) => step_adaptive_quiet,
                (true, true) => step_adaptive_signal,
            };
            kernel(
                &lane.surrogate[step * n..][tile.clone()],
                signal,
                &regularization[tile.clone()],
                &p.decay[tile.clone()],
                &p.spike_gain[tile.clone()],
                &p.adaptation_decay[tile.clone()],
                &p.adaptation_gain[tile.clone()],
                kappa,
                filtered_signal,
                adaptation_signal,
                factor,
                &mut factors[(step - begin) * width..][..width],
            );
        }
        for place in learners {
            let route = plan.route_of(&plan.learners[*place]);
            let gradient = &mut gradients[*place];
            match &route.columns {
                Columns::Range { first, len } => {
                    let (low, high) = (tile.start.max(*first), tile.end.min(first + len));
                    if low >= high {
                        continue;
                    }
                    let base = route.row_count * (low - first);
                    for step in (begin..end).rev() {
                        let factors = &factors[(step - begin) * width..][low - tile.start..high - tile.start];
                        for row in rows(*place).at(step) {
                            let at = base + *row as usize * (high - low);
                            row::add(&mut gradient[at..at + (high - low)], factors);
                        }
                    }
                }
                Columns::Scattered(places) => {
                    for step in (begin..end).rev() {
                        let factors = &factors[(step - begin) * width..][..width];
                        for row in rows(*place).at(step) {
                            row::gather(&mut gradient[route.entries(*row as usize)], places, factors);
                        }
                    }
                }
                Columns::Sparse { places, .. } => {
                    for step in (begin..end).rev() {
                        let factors = &factors[(step - begin) * width..][..width];
                        for row in rows(*place).at(step) {
                            let entries = route.entries(*row as usize);
                            row::gather(&mut gradient[entries.clone()], &places[entries], factors);
                        }
                    }
                }
            }
        }
        end = begin;
    }
}

/// Synapses onto readouts: `g = sum_u error(u + 1) zbar(u)`, turned round likewise.
fn readout_gradient(
    plan: &IntervalPlan,
    lane: &Lane,
    learner: &Learner,
    events: &RowEvents,
    gradient: &mut [f64],
) {
    let k = plan.readout_count();
    let route = plan.route_of(learner);
    let p = &plan.readouts;
    let mut factor = vec![0.0; k];
    for step in (1..plan.interval).rev() {
        let errors = &lane.errors[step * k..(step + 1) * k];
        for j in 0..k {
            factor[j] = p.decay[j] * factor[j] + p.spike_gain[j] * errors[j];
        }
        for row in events.whole.at(step) {
            let entries = route.entries(*row as usize);
            match &route.columns {
                Columns::Range { first, len } => {
                    let row = &mut gradient[entries];
                    for (sum, factor) in row.iter_mut().zip(&factor[*first..first + len]) {
                        *sum += factor;
                    }
                }
                Columns::Scattered(places) => row::gather(&mut gradient[entries], places, &factor),
                Columns::Sparse { places, .. } => {
                    row::gather(&mut gradient[entries.clone()], &places[entries], &factor);
                }
            }
        }
    }
}
