//! One step of the recurrent neurons `eprop_iaf_bsshslm_2020` and `eprop_iaf_adapt_bsshslm_2020`, as a pure function
//! of input, state and parameters (docs/derivation.md, Dynamics; Bellec et al. 2020, equations 6 to 11).

use crate::base::real::Real;
use crate::base::simd::kernels;
use crate::interval::neuron_state::NeuronStatePart;
use crate::interval::neurons::Neurons;
use crate::interval::plan::Segment;
use crate::step::surrogate::{
    ArctanDerivative, Exponential, FastSigmoidDerivative, PiecewiseLinear, Shape, Surrogate,
};

/// A coefficient of neuron `j`: where neurons share it, the first one's.
#[inline(always)]
fn at<R: Real, const SHARED: bool>(values: &[R], j: usize) -> R {
    if SHARED { values[0] } else { values[j] }
}

#[allow(clippy::too_many_arguments, reason = "separate slices tell the compiler that nothing overlaps")]
#[allow(clippy::needless_bitwise_bool, reason = "a lazy operator would be a branch")]
#[inline(always)]
fn body<R: Real, S: Shape, const ADAPTS: bool, const RESTS: bool, const SHARED: bool>(
    input: &[R],
    decay: &[R],
    spike_gain: &[R],
    adaptation_gain: &[R],
    drive: &[R],
    threshold: &[R],
    floor: &[R],
    refractory: &[R],
    adaptation_decay: &[R],
    height: &[R],
    per_width: &[R],
    voltage: &mut [R],
    spiked: &mut [R],
    adaptation: &mut [R],
    countdown: &mut [R],
    surrogate: &mut [R],
    fired: &mut [u8],
) {
    let n = voltage.len();
    if n == 0 {
        return;
    }
    let (input, decay, spike_gain) = (&input[..n], &decay[..n], &spike_gain[..n]);
    let adaptation_gain = &adaptation_gain[..n];
    let (drive, threshold, floor) = (&drive[..n], &threshold[..n], &floor[..n]);
    let (refractory, adaptation_decay) = (&refractory[..n], &adaptation_decay[..n]);
    let (height, per_width) = (&height[..n], &per_width[..n]);
    let (spiked, adaptation, countdown) = (&mut spiked[..n], &mut adaptation[..n], &mut countdown[..n]);
    let (surrogate, fired) = (&mut surrogate[..n], &mut fired[..n]);
    for j in 0..n {
        // All is read before the first condition, and conditions are combined without a branch: a value that is read
        // under a condition becomes a gather, which costs more than all the rest.
        let (threshold, floor) = (at::<R, SHARED>(threshold, j), at::<R, SHARED>(floor, j));
        let (height, per_width) = (at::<R, SHARED>(height, j), at::<R, SHARED>(per_width, j));
        let refractory = at::<R, SHARED>(refractory, j);
        let rest = if RESTS {
            let rest = countdown[j] - R::ONE;
            if rest > R::ZERO { rest } else { R::ZERO }
        } else {
            R::ZERO
        };
        let v = decay[j].mul_add(voltage[j], at::<R, SHARED>(drive, j) + spike_gain[j] * input[j]);
        let v = v - threshold * spiked[j];
        let v = if v > floor { v } else { floor };
        let x = if ADAPTS {
            let a = at::<R, SHARED>(adaptation_decay, j).mul_add(adaptation[j], spiked[j]);
            adaptation[j] = a;
            v - adaptation_gain[j].mul_add(a, threshold)
        } else {
            v - threshold
        };
        let psi = S::at(x * per_width, height);
        surrogate[j] = if RESTS && rest > R::ZERO { R::ZERO } else { psi };
        let fires = (x >= R::ZERO) & (!RESTS | (rest == R::ZERO));
        voltage[j] = v;
        spiked[j] = if fires { R::ONE } else { R::ZERO };
        if RESTS {
            countdown[j] = if fires { refractory } else { rest };
        }
        fired[j] = u8::from(fires);
    }
}

macro_rules! steps {
    ($($name:ident = $shape:ident, $adapts:literal, $rests:literal, $shared:literal;)*) => {
        kernels! {$(
            fn $name<R: Real>(
                input: &[R], decay: &[R], spike_gain: &[R], adaptation_gain: &[R], drive: &[R], threshold: &[R],
                floor: &[R], refractory: &[R], adaptation_decay: &[R], height: &[R], per_width: &[R],
                voltage: &mut [R], spiked: &mut [R], adaptation: &mut [R], countdown: &mut [R],
                surrogate: &mut [R], fired: &mut [u8],
            ) = body::<R, $shape, $adapts, $rests, $shared>;
        )*}
    };
}

steps! {
    exponential = Exponential, true, true, false;
    fast_sigmoid = FastSigmoidDerivative, true, true, false;
    arctan = ArctanDerivative, true, true, false;
    piecewise_linear = PiecewiseLinear, true, true, false;
    shared = PiecewiseLinear, false, false, true;
    shared_resting = PiecewiseLinear, false, true, true;
    shared_adaptive = PiecewiseLinear, true, false, true;
    shared_adaptive_resting = PiecewiseLinear, true, true, true;
}

/// Advances those neurons of a segment that `state` has by one step. `drive` is the constant part of the voltage of all
/// neurons, the same for all if `shares`; `input`, the sum of arriving weights, and `surrogate` and `fired`, which take
/// the surrogate gradients and the spikes of the step, are of the neurons of `state`. `segment` is one of
/// `neurons.segments`.
#[inline]
pub fn advance<R: Real>(
    neurons: &Neurons<R>,
    segment: &Segment,
    drive: &[R],
    shares: bool,
    input: &[R],
    state: &mut NeuronStatePart<'_, R>,
    surrogate: &mut [R],
    fired: &mut [u8],
) {
    let p = neurons;
    let places = &state.places;
    let run = segment.places.start.max(places.start)..segment.places.end.min(places.end);
    if run.is_empty() {
        return;
    }
    let part = run.start - places.start..run.end - places.start;
    // The tutorials' neurons have steps of their own; any other network's take the general one.
    let step = match (segment.surrogate, shares && p.shares, segment.adaptive, p.rests) {
        (Surrogate::PiecewiseLinear, true, false, false) => shared,
        (Surrogate::PiecewiseLinear, true, false, true) => shared_resting,
        (Surrogate::PiecewiseLinear, true, true, false) => shared_adaptive,
        (Surrogate::PiecewiseLinear, true, true, true) => shared_adaptive_resting,
        (Surrogate::PiecewiseLinear, ..) => piecewise_linear,
        (Surrogate::Exponential, ..) => exponential,
        (Surrogate::FastSigmoidDerivative, ..) => fast_sigmoid,
        (Surrogate::ArctanDerivative, ..) => arctan,
    };
    step(
        &input[part.clone()],
        &p.decay[run.clone()],
        &p.spike_gain[run.clone()],
        &p.adaptation_gain[run.clone()],
        &drive[run.clone()],
        &p.threshold[run.clone()],
        &p.floor[run.clone()],
        &p.refractory[run.clone()],
        &p.adaptation_decay[run.clone()],
        &p.height[run.clone()],
        &p.per_width[run],
        &mut state.voltage[part.clone()],
        &mut state.spiked[part.clone()],
        &mut state.adaptation[part.clone()],
        &mut state.countdown[part.clone()],
        &mut surrogate[part.clone()],
        &mut fired[part],
    );
}
