//! Layout of the neurons whose weights change at every presynaptic spike (e-prop+).

use std::ops::Range;

use crate::base::error::{Error, ErrorCode, Result};
use crate::describe::check;
use crate::describe::kernel_parameters::CLIP_NORM;
use crate::describe::network::{Description, NodeId};
use crate::describe::population::{Population, gather, gather_all, gather_or, groups_of};
use crate::models::{Reset, Rule};
use crate::plan::amplitudes::RateInputs;
use crate::plan::membrane::{current_gains, decays};
use crate::plan::route::longest_delay;
use crate::plan::wiring::{Planning, Wiring};
use crate::step::surrogate::Surrogate;

/// The recurrent neurons.
pub const RECURRENT: Population = Population::Recurrent(Rule::Plus);
/// The readouts.
pub const READOUT: Population = Population::Readout(Rule::Plus);

/// Neurons with consecutive places that take the same step.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    /// Their places.
    pub places: Range<usize>,
    /// Whether the voltage is reset to `V_reset` (the `psc_delta` models) instead of lowered by the threshold.
    pub hard_reset: bool,
    /// Shape of the surrogate gradient.
    pub surrogate: Surrogate,
}

/// Coefficients of the recurrent neurons, one array per coefficient. Voltages are relative to `E_L`.
#[derive(Debug, Clone, Default)]
pub struct Recurrent {
    /// `exp(-dt / tau_m)`
    pub decay: Vec<f64>,
    /// `tau_m / C_m (1 - exp(-dt / tau_m))`
    pub current_gain: Vec<f64>,
    /// Constant current (pA).
    pub current: Vec<f64>,
    /// Resting voltage (mV).
    pub rest: Vec<f64>,
    /// Spike threshold.
    pub threshold: Vec<f64>,
    /// Lower bound of the voltage.
    pub floor: Vec<f64>,
    /// Voltage after a spike, of the models with hard reset.
    pub reset: Vec<f64>,
    /// Decay rate (1 / steps) with which input that arrives in the refractory time is kept; infinite where it is not.
    pub keep_rate: Vec<f64>,
    /// Refractory time (steps).
    pub refractory: Vec<f64>,
    /// `exp(-dt / adapt_tau)`
    pub adaptation_decay: Vec<f64>,
    /// Gain of the adaptation on the threshold; 0 where there is none.
    pub adaptation_gain: Vec<f64>,
    /// Whether the model adapts, be the gain 0 at present.
    pub adapts: Vec<bool>,
    /// Height of the surrogate gradient.
    pub height: Vec<f64>,
    /// Width of the surrogate gradient.
    pub width: Vec<f64>,
    /// Coefficient of firing-rate regularization.
    pub regularization: Vec<f64>,
    /// Target number of spikes a step.
    pub target_rate: Vec<f64>,
    /// Decay of the eligibility trace in a step.
    pub kappa: Vec<f64>,
    /// Decay of the firing-rate trace in a step.
    pub kappa_reg: Vec<f64>,
    /// How far back each looks.
    pub lookback: Vec<Lookback>,
    /// Steps without a spike after which NEST sends a flush event, of the neurons of all ranks.
    pub flush_interval: Vec<i64>,
}

/// How far back neurons look for what their synapses learn from. Those with the same share rows of synapses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lookback {
    /// Tells neurons apart that have not always looked equally far.
    pub class: u32,
    /// Longest window that eligibility is computed for (steps).
    pub cutoff: i64,
}

/// Coefficients of the readouts.
#[derive(Debug, Clone, Default)]
pub struct Readouts {
    /// `exp(-dt / tau_m)`
    pub decay: Vec<f64>,
    /// `tau_m / C_m (1 - exp(-dt / tau_m))`
    pub current_gain: Vec<f64>,
    /// Constant current (pA).
    pub current: Vec<f64>,
    /// Resting voltage (mV).
    pub rest: Vec<f64>,
    /// Lower bound of the voltage.
    pub floor: Vec<f64>,
    /// How far back each looks.
    pub lookback: Vec<Lookback>,
    /// Learning windows.
    pub windows: RateInputs,
    /// Target signals.
    pub targets: RateInputs,
}

/// The plan.
#[derive(Debug, Clone)]
pub struct PlusPlan {
    /// Who is where, what reaches whom.
    pub wiring: Wiring,
    /// Length of a step (ms).
    pub resolution: f64,
    /// Recurrent neurons.
    pub recurrent: Recurrent,
    /// Segments of equal neurons.
    pub segments: Vec<Segment>,
    /// Readouts.
    pub readouts: Readouts,
    /// Longest delay of a projection (steps).
    pub longest_delay: usize,
}

impl PlusPlan {
    /// Lays out the neurons of this rule; `None` where there are none.
    ///
    /// # Errors
    /// `NotImplemented` for a Poisson generator on plastic synapses, and where gradients are to be clipped.
    pub fn new(planning: Planning<'_>) -> Result<Option<Self>> {
        let Planning { network, index, .. } = planning;
        let Some(wiring) = Wiring::new(planning, Rule::Plus)? else { return Ok(None) };
        if network.kernel.clip_norm > 0.0 && wiring.routes().any(|route| route.plastic) {
            let what = "weights that change with every spike have no update of all weights, whose gradient could be clipped";
            return Err(Error::new(ErrorCode::NotImplemented, what)
                .parameter(CLIP_NORM)
                .number(network.kernel.clip_norm)
                .bound("0 with e-prop+"));
        }
        Ok(Some(Self {
            resolution: network.kernel.resolution,
            recurrent: recurrent(planning, &wiring.recurrent_ids),
            segments: segments(network),
            readouts: readouts(planning, &wiring.readout_ids),
            longest_delay: longest_delay(network, index, [RECURRENT, READOUT], None),
            wiring,
        }))
    }

    /// About how many bytes it takes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let (n, k) = (self.recurrent_count(), self.readout_count());
        (n * 19 * 8 + k * 7 * 8) as u64 + self.wiring.bytes()
    }

    /// Number of recurrent neurons.
    #[must_use]
    pub fn recurrent_count(&self) -> usize {
        self.wiring.recurrent_ids.len()
    }

    /// Number of readouts.
    #[must_use]
    pub fn readout_count(&self) -> usize {
        self.wiring.readout_ids.len()
    }
}

/// Times in whole steps; those that are never over become the largest number.
fn steps(times: &[f64], dt: f64) -> Vec<i64> {
    let steps =
        |time: &f64| if *time / dt < 9e12 { check::lasting_steps(*time, dt) as i64 } else { i64::MAX };
    times.iter().map(steps).collect()
}

/// How far back neurons look, by place.
fn lookbacks(planning: Planning<'_>, ids: &[NodeId], cutoffs: &[f64]) -> Vec<Lookback> {
    let class = |node| planning.cutoff_classes.get(node).copied().unwrap_or(0);
    let cutoffs = steps(cutoffs, planning.network.kernel.resolution);
    ids.iter().zip(cutoffs).map(|(node, cutoff)| Lookback { class: class(node), cutoff }).collect()
}

fn recurrent(planning: Planning<'_>, ids: &[NodeId]) -> Recurrent {
    let network = planning.network;
    let dt = network.kernel.resolution;
    let of = |name: &str| gather(network, RECURRENT, name);
    let or = |name: &str, otherwise: f64| gather_or(network, RECURRENT, name, otherwise);
    let (tau_m, e_l) = (of("tau_m"), of("E_L"));
    let decay = decays(&tau_m, dt);
    let relative = |values: Vec<f64>| -> Vec<f64> {
        values.iter().zip(&e_l).map(|(value, rest)| value - rest).collect()
    };
    Recurrent {
        current_gain: current_gains(&tau_m, &of("C_m"), &decay),
        decay,
        current: of("I_e"),
        threshold: relative(of("V_th")),
        floor: relative(of("V_min")),
        reset: relative(or("V_reset", 0.0)),
        keep_rate: or("refractory_input", 0.0)
            .iter()
            .zip(&tau_m)
            .map(|(keeps, tau)| if *keeps == 0.0 { f64::INFINITY } else { dt / tau })
            .collect(),
        refractory: of("t_ref").iter().map(|time| check::lasting_steps(*time, dt)).collect(),
        adaptation_decay: decays(&or("adapt_tau", 1.0), dt),
        adaptation_gain: or("adapt_beta", 0.0),
        adapts: or("adapt_beta", f64::NAN).iter().map(|gain| !gain.is_nan()).collect(),
        height: of("surrogate_gradient_height"),
        width: of("surrogate_gradient_width"),
        regularization: of("c_reg"),
        target_rate: of("f_target").iter().map(|rate| rate / 1000.0 * dt).collect(),
        kappa: of("kappa"),
        kappa_reg: of("kappa_reg"),
        lookback: lookbacks(planning, ids, &of("eprop_isi_trace_cutoff")),
        flush_interval: steps(&gather_all(network, RECURRENT, "flush_event_send_interval"), dt)
            .iter()
            .map(|steps| *steps.max(&1))
            .collect(),
        rest: e_l,
    }
}

fn readouts(planning: Planning<'_>, ids: &[NodeId]) -> Readouts {
    let Planning { network, index, held, .. } = planning;
    let dt = network.kernel.resolution;
    let of = |name: &str| gather(network, READOUT, name);
    let (tau_m, e_l) = (of("tau_m"), of("E_L"));
    let decay = decays(&tau_m, dt);
    Readouts {
        current_gain: current_gains(&tau_m, &of("C_m"), &decay),
        decay,
        current: of("I_e"),
        floor: of("V_min").iter().zip(&e_l).map(|(value, rest)| value - rest).collect(),
        rest: e_l,
        lookback: lookbacks(planning, ids, &of("eprop_isi_trace_cutoff")),
        windows: RateInputs::new(network, index, READOUT, 1, held),
        targets: RateInputs::new(network, index, READOUT, 2, held),
    }
}

fn segments(network: &Description) -> Vec<Segment> {
    let mut segments: Vec<Segment> = Vec::new();
    let mut place = 0;
    for group in groups_of(network, RECURRENT) {
        let hard_reset = group.model.dynamics.reset == Some(Reset::Hard);
        for choice in &group.numbers("surrogate_gradient_function")[network.ownership.part(group)] {
            let surrogate = Surrogate::from_choice(*choice);
            match segments.last_mut() {
                Some(last) if last.hard_reset == hard_reset && last.surrogate == surrogate => {
                    last.places.end += 1;
                }
                _ => segments.push(Segment { places: place..place + 1, hard_reset, surrogate }),
            }
            place += 1;
        }
    }
    segments
}
