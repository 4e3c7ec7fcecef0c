//! One step of the recurrent neurons of e-prop+ (docs/derivation.md, Dynamics of e-prop+): `eprop_iaf` and
//! `eprop_iaf_adapt` lower the voltage by the threshold when they fire, `eprop_iaf_psc_delta` and
//! `eprop_iaf_psc_delta_adapt` reset it.

use crate::base::math;
use crate::base::simd::kernels;
use crate::plus::neuron_state::StateSlices;
use crate::plus::plan::{Recurrent, Segment};
use crate::plus::ring::LANES;
use crate::step::surrogate::{
    ArctanDerivative, Exponential, FastSigmoidDerivative, PiecewiseLinear, Shape, Surrogate,
};

/// What a step leaves for learning.
#[derive(Debug)]
pub struct StepOutput<'a> {
    /// Surrogate gradients.
    pub surrogate: &'a mut [f64],
    /// Firing-rate regularization: coefficient times deviation from the target rate.
    pub regularization: &'a mut [f64],
    /// 1 where the neuron fires.
    pub fired: &'a mut [u8],
}

/// What drives a step.
#[derive(Debug, Clone, Copy)]
pub struct StepInput<'a> {
    /// Sum of arriving weights.
    pub input: &'a [f64],
    /// Current that is integrated (pA).
    pub current: &'a [f64],
    /// 1 where the clock fires, 0 where it does not, NaN where the voltage decides.
    pub clock: &'a [f64],
    /// Length of a step (ms).
    pub resolution: f64,
}

#[allow(clippy::too_many_arguments, reason = "separate slices tell the compiler that nothing overlaps")]
#[allow(clippy::needless_bitwise_bool, reason = "a lazy operator would be a branch")]
#[inline(always)]
fn body<S: Shape, const HARD_RESET: bool>(
    p: &Recurrent,
    first: usize,
    step: StepInput<'_>,
    voltage: &mut [f64],
    spiked: &mut [f64],
    adaptation: &mut [f64],
    countdown: &mut [f64],
    kept: &mut [f64],
    rate: &mut [f64],
    surrogate_out: &mut [f64],
    regularization_out: &mut [f64],
    fired: &mut [u8],
) {
    let n = voltage.len();
    let (input, current, clock) = (&step.input[..n], &step.current[..n], &step.clock[..n]);
    let gain = &p.current_gain[first..][..n];
    let decay = &p.decay[first..][..n];
    let threshold = &p.threshold[first..][..n];
    let floor = &p.floor[first..][..n];
    let reset = &p.reset[first..][..n];
    let keep_rate = &p.keep_rate[first..][..n];
    let refractory = &p.refractory[first..][..n];
    let adaptation_decay = &p.adaptation_decay[first..][..n];
    let adaptation_gain = &p.adaptation_gain[first..][..n];
    let height = &p.height[first..][..n];
    let width = &p.width[first..][..n];
    let regularization = &p.regularization[first..][..n];
    let target_rate = &p.target_rate[first..][..n];
    let kappa_reg = &p.kappa_reg[first..][..n];
    let (spiked, adaptation, countdown) = (&mut spiked[..n], &mut adaptation[..n], &mut countdown[..n]);
    let (kept, rate) = (&mut kept[..n], &mut rate[..n]);
    let (surrogate_out, regularization_out) = (&mut surrogate_out[..n], &mut regularization_out[..n]);
    let fired = &mut fired[..n];
    if HARD_RESET {
        keep_input(input, countdown, keep_rate, kept);
    }
    for j in 0..n {
        let left = countdown[j] - 1.0;
        let left = if left > 0.0 { left } else { 0.0 };
        let integrates = !HARD_RESET || countdown[j] == 0.0;
        let v = if HARD_RESET {
            let v = gain[j].mul_add(current[j], decay[j] * voltage[j]) + input[j];
            // What a neuron has kept and may no longer add (`refractory_input` is set to false) waits until it may again.
            let adds = keep_rate[j] != f64::INFINITY;
            let v = v + if adds { kept[j] } else { 0.0 };
            kept[j] = if integrates & adds { 0.0 } else { kept[j] };
            v
        } else {
            decay[j].mul_add(voltage[j], gain[j].mul_add(current[j], input[j]))
        };
        let v = if v > floor[j] { v } else { floor[j] };
        let v = if integrates { v } else { voltage[j] };
        let a = adaptation_decay[j].mul_add(adaptation[j], spiked[j]);
        let a = if integrates { a } else { adaptation[j] };
        adaptation[j] = a;
        let x = v - adaptation_gain[j].mul_add(a, threshold[j]);
        let psi = S::at(x / width[j], height[j]);
        surrogate_out[j] = if left > 0.0 { 0.0 } else { psi };
        // A voltage above the threshold that is set in the refractory time fires where the reset is a hard one.
        let by_voltage = (x >= 0.0) & (HARD_RESET | (left == 0.0));
        let by_clock = clock[j] > 0.0;
        let fires = if clock[j].is_nan() { by_voltage } else { by_clock };
        let after = if HARD_RESET { reset[j] } else { v - threshold[j] };
        voltage[j] = if fires { after } else { v };
        let z = if fires { 1.0 } else { 0.0 };
        spiked[j] = z;
        countdown[j] = if fires { refractory[j] } else { left };
        let average = kappa_reg[j].mul_add(rate[j], (1.0 - kappa_reg[j]) * z / step.resolution);
        rate[j] = average;
        regularization_out[j] = regularization[j] * (average - target_rate[j]);
        fired[j] = u8::from(fires);
    }
}

/// Keeps what arrives at neurons in their refractory time, which are few, until that is over.
#[inline(always)]
fn keep_input(input: &[f64], countdown: &[f64], keep_rate: &[f64], kept: &mut [f64]) {
    let (blocks, rest) = countdown.as_chunks::<LANES>();
    let begins = (0..).step_by(LANES).zip(blocks.iter().map(|block| &block[..]).chain([rest]));
    for (begin, block) in begins {
        if block.iter().all(|left| *left == 0.0) {
            continue;
        }
        for j in (begin..begin + block.len()).filter(|j| countdown[*j] != 0.0) {
            // An infinite rate would make NaN of no input.
            if keep_rate[j] != f64::INFINITY {
                kept[j] += input[j] * math::exp(-countdown[j] * keep_rate[j]);
            }
        }
    }
}

macro_rules! steps {
    ($($name:ident = $shape:ident, $hard_reset:literal;)*) => {
        kernels! {$(
            fn $name(
                p: &Recurrent, first: usize, step: StepInput<'_>, voltage: &mut [f64], spiked: &mut [f64],
                adaptation: &mut [f64], countdown: &mut [f64], kept: &mut [f64], rate: &mut [f64],
                surrogate_out: &mut [f64], regularization_out: &mut [f64], fired: &mut [u8],
            ) = body::<$shape, $hard_reset>;
        )*}
    };
}

steps! {
    piecewise_linear = PiecewiseLinear, false;
    piecewise_linear_hard = PiecewiseLinear, true;
    exponential = Exponential, false;
    exponential_hard = Exponential, true;
    fast_sigmoid = FastSigmoidDerivative, false;
    fast_sigmoid_hard = FastSigmoidDerivative, true;
    arctan = ArctanDerivative, false;
    arctan_hard = ArctanDerivative, true;
}

/// Advances all neurons by one step, segment by segment. All slices are over all neurons.
pub fn advance(
    neurons: &Recurrent,
    segments: &[Segment],
    step: StepInput<'_>,
    state: &mut StateSlices<'_>,
    out: &mut StepOutput<'_>,
) {
    for segment in segments {
        let at = segment.places.clone();
        let kernel = match (segment.surrogate, segment.hard_reset) {
            (Surrogate::PiecewiseLinear, false) => piecewise_linear,
            (Surrogate::PiecewiseLinear, true) => piecewise_linear_hard,
            (Surrogate::Exponential, false) => exponential,
            (Surrogate::Exponential, true) => exponential_hard,
            (Surrogate::FastSigmoidDerivative, false) => fast_sigmoid,
            (Surrogate::FastSigmoidDerivative, true) => fast_sigmoid_hard,
            (Surrogate::ArctanDerivative, false) => arctan,
            (Surrogate::ArctanDerivative, true) => arctan_hard,
        };
        kernel(
            neurons,
            at.start,
            StepInput {
                input: &step.input[at.clone()],
                current: &step.current[at.clone()],
                clock: &step.clock[at.clone()],
                resolution: step.resolution,
            },
            &mut state.voltage[at.clone()],
            &mut state.spiked[at.clone()],
            &mut state.adaptation[at.clone()],
            &mut state.countdown[at.clone()],
            &mut state.kept[at.clone()],
            &mut state.rate[at.clone()],
            &mut out.surrogate[at.clone()],
            &mut out.regularization[at.clone()],
            &mut out.fired[at],
        );
    }
}
