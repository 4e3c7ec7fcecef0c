//! One step of the recurrent neurons `eprop_iaf_bsshslm_2020` and `eprop_iaf_adapt_bsshslm_2020`, as a pure function
//! of input, state and parameters (NUMERICS, section 2; Bellec et al. 2020, equations 6 to 11).

use crate::plan::interval::Surrogate;
use crate::simd::kernels;
use crate::simulate::surrogate::{
    ArctanDerivative, Exponential, FastSigmoidDerivative, PiecewiseLinear, Shape,
};

#[allow(clippy::too_many_arguments, reason = "separate slices tell the compiler that nothing overlaps")]
#[inline(always)]
fn body<S: Shape, const ADAPTIVE: bool>(
    input: &[f64],
    drive: &[f64],
    decay: &[f64],
    spike_gain: &[f64],
    threshold: &[f64],
    floor: &[f64],
    refractory: &[f64],
    adaptation_decay: &[f64],
    adaptation_gain: &[f64],
    height: &[f64],
    per_width: &[f64],
    voltage: &mut [f64],
    spiked: &mut [f64],
    adaptation: &mut [f64],
    countdown: &mut [f64],
    surrogate: &mut [f64],
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
        let left = countdown[j] - 1.0;
        let left = if left > 0.0 { left } else { 0.0 };
        let v = decay[j].mul_add(voltage[j], drive[j] + spike_gain[j] * input[j]);
        let v = v - threshold[j] * spiked[j];
        let v = if v > floor[j] { v } else { floor[j] };
        let x = if ADAPTIVE {
            let a = adaptation_decay[j].mul_add(adaptation[j], spiked[j]);
            adaptation[j] = a;
            v - adaptation_gain[j].mul_add(a, threshold[j])
        } else {
            v - threshold[j]
        };
        let psi = S::at(x * per_width[j], height[j]);
        surrogate[j] = if left > 0.0 { 0.0 } else { psi };
        let fires = (x >= 0.0) && (left == 0.0);
        voltage[j] = v;
        spiked[j] = if fires { 1.0 } else { 0.0 };
        countdown[j] = if fires { refractory[j] } else { left };
        fired[j] = u8::from(fires);
    }
}

macro_rules! steps {
    ($($name:ident = $shape:ident, $adaptive:literal;)*) => {
        kernels! {$(
            fn $name(
                input: &[f64], drive: &[f64], decay: &[f64], spike_gain: &[f64], threshold: &[f64],
                floor: &[f64], refractory: &[f64], adaptation_decay: &[f64], adaptation_gain: &[f64],
                height: &[f64], per_width: &[f64], voltage: &mut [f64], spiked: &mut [f64],
                adaptation: &mut [f64], countdown: &mut [f64], surrogate: &mut [f64], fired: &mut [u8],
            ) = body::<$shape, $adaptive>;
        )*}
    };
}

steps! {
    piecewise_linear = PiecewiseLinear, false;
    piecewise_linear_adaptive = PiecewiseLinear, true;
    exponential = Exponential, false;
    exponential_adaptive = Exponential, true;
    fast_sigmoid = FastSigmoidDerivative, false;
    fast_sigmoid_adaptive = FastSigmoidDerivative, true;
    arctan = ArctanDerivative, false;
    arctan_adaptive = ArctanDerivative, true;
}

/// The parameters of a run of neurons, one array each.
#[derive(Debug, Clone, Copy)]
pub struct Parameters<'a> {
    /// Constant part of the voltage: gain times current.
    pub drive: &'a [f64],
    /// The coefficients.
    pub neurons: &'a crate::plan::interval::Recurrent,
    /// The run.
    pub segment: &'a crate::plan::interval::Segment,
}

/// The state of all neurons, one array each.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// Voltage relative to `E_L`.
    pub voltage: Vec<f64>,
    /// 1 where the neuron fired in the step before.
    pub spiked: Vec<f64>,
    /// Adaptation.
    pub adaptation: Vec<f64>,
    /// Steps left of the refractory time.
    pub countdown: Vec<f64>,
}

impl State {
    /// All neurons at rest.
    #[must_use]
    pub fn at_rest(neurons: usize) -> Self {
        Self {
            voltage: vec![0.0; neurons],
            spiked: vec![0.0; neurons],
            adaptation: vec![0.0; neurons],
            countdown: vec![0.0; neurons],
        }
    }

    /// Puts all neurons to rest.
    pub fn rest(&mut self) {
        for values in [&mut self.voltage, &mut self.spiked, &mut self.adaptation, &mut self.countdown] {
            values.fill(0.0);
        }
    }
}

/// Advances a run of neurons by one step. `input` is the sum of arriving weights; `surrogate` and `fired` take the
/// surrogate gradients and the spikes of the step. All slices but those of `parameters` are over all neurons.
#[inline]
pub fn advance(
    parameters: Parameters<'_>,
    input: &[f64],
    state: &mut State,
    surrogate: &mut [f64],
    fired: &mut [u8],
) {
    let Parameters { drive, neurons: p, segment } = parameters;
    let run = segment.places.clone();
    let step = match (segment.surrogate, segment.adaptive) {
        (Surrogate::PiecewiseLinear, false) => piecewise_linear,
        (Surrogate::PiecewiseLinear, true) => piecewise_linear_adaptive,
        (Surrogate::Exponential, false) => exponential,
        (Surrogate::Exponential, true) => exponential_adaptive,
        (Surrogate::FastSigmoidDerivative, false) => fast_sigmoid,
        (Surrogate::FastSigmoidDerivative, true) => fast_sigmoid_adaptive,
        (Surrogate::ArctanDerivative, false) => arctan,
        (Surrogate::ArctanDerivative, true) => arctan_adaptive,
    };
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
