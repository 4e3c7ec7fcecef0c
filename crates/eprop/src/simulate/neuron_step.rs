//! One step of the recurrent neurons `eprop_iaf_bsshslm_2020` and `eprop_iaf_adapt_bsshslm_2020`, as a pure function
//! of input, state and parameters (NUMERICS, section 2; Bellec et al. 2020, equations 6 to 11).

use crate::lines::Lines;
use crate::plan::interval::{Segment, Surrogate};
use crate::real::Real;
use crate::simd::kernels;
use crate::simulate::neurons::Neurons;
use crate::simulate::surrogate::{
    ArctanDerivative, Exponential, FastSigmoidDerivative, PiecewiseLinear, Shape,
};

/// The state of all neurons, one array each, filled up like [`Neurons`].
#[derive(Debug, Clone, Default)]
pub struct State<R> {
    /// Voltage relative to `E_L`.
    pub voltage: Lines<R>,
    /// 1 where the neuron fired in the step before.
    pub spiked: Lines<R>,
    /// Adaptation.
    pub adaptation: Lines<R>,
    /// Steps left of the refractory time.
    pub countdown: Lines<R>,
}

impl<R: Real> State<R> {
    /// All neurons at rest.
    #[must_use]
    pub fn at_rest(stride: usize) -> Self {
        let zeros = || Lines::zeros(stride);
        Self { voltage: zeros(), spiked: zeros(), adaptation: zeros(), countdown: zeros() }
    }

    /// Its arrays.
    pub fn arrays_mut(&mut self) -> [&mut Lines<R>; 4] {
        [&mut self.voltage, &mut self.spiked, &mut self.adaptation, &mut self.countdown]
    }

    /// Puts all neurons to rest.
    pub fn rest(&mut self) {
        for values in self.arrays_mut() {
            values.fill(R::ZERO);
        }
    }
}

#[allow(clippy::too_many_arguments, reason = "separate slices tell the compiler that nothing overlaps")]
#[inline(always)]
fn body<R: Real, S: Shape, const ADAPTS: bool, const RESTS: bool>(
    input: &[R],
    drive: &[R],
    decay: &[R],
    spike_gain: &[R],
    threshold: &[R],
    floor: &[R],
    refractory: &[R],
    adaptation_decay: &[R],
    adaptation_gain: &[R],
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
    let (input, drive, decay, spike_gain) = (&input[..n], &drive[..n], &decay[..n], &spike_gain[..n]);
    let (threshold, floor, refractory) = (&threshold[..n], &floor[..n], &refractory[..n]);
    let (adaptation_decay, adaptation_gain) = (&adaptation_decay[..n], &adaptation_gain[..n]);
    let (height, per_width) = (&height[..n], &per_width[..n]);
    let (spiked, adaptation, countdown) = (&mut spiked[..n], &mut adaptation[..n], &mut countdown[..n]);
    let (surrogate, fired) = (&mut surrogate[..n], &mut fired[..n]);
    for j in 0..n {
        let rest = if RESTS {
            let rest = countdown[j] - R::ONE;
            if rest > R::ZERO { rest } else { R::ZERO }
        } else {
            R::ZERO
        };
        let v = decay[j].mul_add(voltage[j], drive[j] + spike_gain[j] * input[j]);
        let v = v - threshold[j] * spiked[j];
        let v = if v > floor[j] { v } else { floor[j] };
        let x = if ADAPTS {
            let a = adaptation_decay[j].mul_add(adaptation[j], spiked[j]);
            adaptation[j] = a;
            v - adaptation_gain[j].mul_add(a, threshold[j])
        } else {
            v - threshold[j]
        };
        let psi = S::at(x * per_width[j], height[j]);
        surrogate[j] = if RESTS && rest > R::ZERO { R::ZERO } else { psi };
        let fires = (x >= R::ZERO) && (!RESTS || rest == R::ZERO);
        voltage[j] = v;
        spiked[j] = if fires { R::ONE } else { R::ZERO };
        if RESTS {
            countdown[j] = if fires { refractory[j] } else { rest };
        }
        fired[j] = u8::from(fires);
    }
}

macro_rules! steps {
    ($($shape:ident: $plain:ident $resting:ident $adaptive:ident $adaptive_resting:ident;)*) => {
        steps! {@ $($plain = $shape, false, false;)*}
        steps! {@ $($resting = $shape, false, true;)*}
        steps! {@ $($adaptive = $shape, true, false;)*}
        steps! {@ $($adaptive_resting = $shape, true, true;)*}

        /// Which step a run of neurons takes.
        fn step_of<R: Real>(surrogate: Surrogate, adapts: bool, rests: bool) -> Step<R> {
            match (surrogate, adapts, rests) {$(
                (Surrogate::$shape, false, false) => $plain,
                (Surrogate::$shape, false, true) => $resting,
                (Surrogate::$shape, true, false) => $adaptive,
                (Surrogate::$shape, true, true) => $adaptive_resting,
            )*}
        }
    };
    (@ $($name:ident = $shape:ident, $adapts:literal, $rests:literal;)*) => {
        kernels! {$(
            fn $name<R: Real>(
                input: &[R], drive: &[R], decay: &[R], spike_gain: &[R], threshold: &[R], floor: &[R],
                refractory: &[R], adaptation_decay: &[R], adaptation_gain: &[R], height: &[R], per_width: &[R],
                voltage: &mut [R], spiked: &mut [R], adaptation: &mut [R], countdown: &mut [R],
                surrogate: &mut [R], fired: &mut [u8],
            ) = body::<R, $shape, $adapts, $rests>;
        )*}
    };
}

steps! {
    PiecewiseLinear: piecewise_linear piecewise_linear_resting piecewise_linear_adaptive
        piecewise_linear_adaptive_resting;
    Exponential: exponential exponential_resting exponential_adaptive exponential_adaptive_resting;
    FastSigmoidDerivative: fast_sigmoid fast_sigmoid_resting fast_sigmoid_adaptive fast_sigmoid_adaptive_resting;
    ArctanDerivative: arctan arctan_resting arctan_adaptive arctan_adaptive_resting;
}

/// One of the steps above.
type Step<R> = fn(
    &[R],
    &[R],
    &[R],
    &[R],
    &[R],
    &[R],
    &[R],
    &[R],
    &[R],
    &[R],
    &[R],
    &mut [R],
    &mut [R],
    &mut [R],
    &mut [R],
    &mut [R],
    &mut [u8],
);

/// Advances a run of neurons by one step. `input` is the sum of arriving weights, `drive` the constant part of the
/// voltage; `surrogate` and `fired` take the surrogate gradients and the spikes of the step. All slices are rows of
/// `neurons.stride`; `segment` is one of `neurons.segments`.
#[inline]
pub fn advance<R: Real>(
    neurons: &Neurons<R>,
    segment: &Segment,
    drive: &[R],
    input: &[R],
    state: &mut State<R>,
    surrogate: &mut [R],
    fired: &mut [u8],
) {
    let p = neurons;
    let run = segment.places.clone();
    let step = step_of(segment.surrogate, segment.adaptive, p.rests);
    step(
        &input[run.clone()],
        &drive[run.clone()],
        &p.decay[run.clone()],
        &p.spike_gain[run.clone()],
        &p.threshold[run.clone()],
        &p.floor[run.clone()],
        &p.refractory[run.clone()],
        &p.adaptation_decay[run.clone()],
        &p.adaptation_gain[run.clone()],
        &p.height[run.clone()],
        &p.per_width[run.clone()],
        &mut state.voltage[run.clone()],
        &mut state.spiked[run.clone()],
        &mut state.adaptation[run.clone()],
        &mut state.countdown[run.clone()],
        &mut surrogate[run.clone()],
        &mut fired[run],
    );
}
