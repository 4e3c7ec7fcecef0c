//! The models: one file each, with its parameter table, its state and its step.

pub mod ac_generator;
pub mod dc_generator;
pub mod eprop_iaf;
pub mod eprop_iaf_adapt;
pub mod eprop_iaf_adapt_bsshslm_2020;
pub mod eprop_iaf_bsshslm_2020;
pub mod eprop_iaf_psc_delta;
pub mod eprop_iaf_psc_delta_adapt;
pub mod eprop_readout;
pub mod eprop_readout_bsshslm_2020;
mod equations;
pub mod inhomogeneous_poisson_generator;
pub mod multimeter;
pub mod noise_generator;
pub mod parrot_neuron;
pub mod poisson_generator;
pub(crate) mod shared;
pub mod spike_generator;
pub mod spike_recorder;
pub mod spike_train_injector;
pub mod step_current_generator;
pub mod step_rate_generator;
pub mod synapses;
pub mod weight_recorder;

use crate::base::error::Result;
use crate::tables::Equation;
use crate::tables::parameter::{Kind, Parameter};

/// Which learning rule a model belongs to; spikes do not cross between the two rules' neurons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Generators, parrots and recorders serve both.
    Any,
    /// `*_bsshslm_2020`: weights change once an update interval.
    Interval,
    /// e-prop+: weights change at every presynaptic spike.
    Plus,
}

/// What a node does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeClass {
    /// Emits given spikes.
    SpikeGenerator,
    /// Emits Poisson spike trains, one for each target.
    PoissonGenerator,
    /// Emits a piecewise constant rate.
    StepRateGenerator,
    /// Sends a current.
    CurrentGenerator,
    /// Repeats the spikes it receives.
    Parrot,
    /// A recurrent neuron that learns.
    Recurrent,
    /// A readout neuron.
    Readout,
    /// Records spikes.
    SpikeRecorder,
    /// Records state variables (`multimeter`, `voltmeter`).
    Multimeter,
    /// Records weights.
    WeightRecorder,
}

/// The receptors that a model has, by what arrives there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receptors {
    /// For spikes; learning signals and what multimeters ask for arrive there, too.
    pub spikes: &'static [u32],
    /// For rates of generators.
    pub generators: &'static [u32],
    /// For rates of readouts.
    pub readouts: &'static [u32],
    /// Those that have a name.
    pub names: &'static [(&'static str, u32)],
}

impl Receptors {
    /// Nothing arrives.
    pub const NONE: Self = Self { spikes: &[], generators: &[], readouts: &[], names: &[] };
    /// Spikes arrive at receptor 0.
    pub const SPIKES: Self = Self { spikes: &[0], ..Self::NONE };
}

/// What happens to the membrane potential of a neuron that has fired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reset {
    /// The threshold is subtracted in the next step.
    Subtract,
    /// It is set to `V_reset`.
    Hard,
}

/// What the neurons and generators of a model do, beside the numbers of their parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dynamics {
    /// What happens after a spike; `None` for what does not fire by itself.
    pub reset: Option<Reset>,
    /// Whether the threshold adapts.
    pub adapts: bool,
    /// What a generator of rates or currents sends.
    pub signal: Option<Signal>,
}

/// What a generator sends as a function of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// `amplitude`.
    Constant,
    /// The value from the last of a list of times on.
    Steps,
    /// `offset`, and a sine of `amplitude`.
    Sine,
    /// Normal noise.
    Noise,
}

impl Dynamics {
    /// No membrane that fires.
    pub const NONE: Self = Self { reset: None, adapts: false, signal: None };

    /// A neuron that fires.
    pub(crate) const fn fires(reset: Reset, adapts: bool) -> Self {
        Self { reset: Some(reset), adapts, ..Self::NONE }
    }

    /// A generator of rates or currents.
    pub(crate) const fn sends(signal: Signal) -> Self {
        Self { signal: Some(signal), ..Self::NONE }
    }
}

/// Reads a checked scalar of one node by parameter name.
pub type Read<'a> = &'a dyn Fn(&str) -> f64;

/// A node model: everything about it that is data.
#[derive(Debug)]
pub struct NodeModel {
    /// NEST's name.
    pub name: &'static str,
    /// One line of text.
    pub text: &'static str,
    /// The rule it learns by.
    pub rule: Rule,
    /// What it does.
    pub class: NodeClass,
    /// Parameters, state variables and read-only values.
    pub parameters: &'static [Parameter],
    /// Numbers in the order in which NEST draws them where several are random; any others follow.
    pub drawn: &'static [&'static str],
    /// What its neurons or generators do.
    pub dynamics: Dynamics,
    /// What a multimeter can record.
    pub recordables: &'static [&'static str],
    /// Where what is sent to it arrives.
    pub receptors: Receptors,
    /// What it computes in a step, in the order of computing.
    pub equations: &'static [Equation],
    /// Checks that concern several parameters of one node.
    pub check: fn(Read<'_>) -> Result<()>,
}

impl NodeModel {
    /// The place of that parameter in the table.
    #[must_use]
    pub fn place(&self, name: &str) -> Option<usize> {
        self.parameters.iter().position(|parameter| parameter.name == name)
    }

    /// When that parameter is drawn, as something to sort by.
    #[must_use]
    pub fn draw_rank(&self, name: &str) -> usize {
        self.drawn.iter().position(|drawn| *drawn == name).unwrap_or(self.drawn.len())
    }

    /// Whether that parameter is a list of numbers.
    #[must_use]
    pub fn takes_list(&self, name: &str) -> bool {
        self.place(name).is_some_and(|place| self.parameters[place].kind == Kind::Numbers)
    }
}

/// What a synapse model carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SynapseKind {
    /// Spikes, with a constant weight.
    Static,
    /// Spikes, with a weight that learns.
    Plastic,
    /// A learning signal.
    LearningSignal,
    /// A rate.
    Rate,
}

/// A synapse model: everything about it that is data.
#[derive(Debug)]
pub struct SynapseModel {
    /// NEST's name.
    pub name: &'static str,
    /// One line of text.
    pub text: &'static str,
    /// The rule it learns by.
    pub rule: Rule,
    /// What it carries.
    pub kind: SynapseKind,
    /// Whether all its connections have the same weight, that of the model.
    pub homogeneous: bool,
    /// Properties of a connection and common properties.
    pub parameters: &'static [Parameter],
    /// How its weight changes.
    pub equations: &'static [Equation],
}

impl SynapseModel {
    /// The parameter of that name.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&'static Parameter> {
        self.parameters.iter().find(|parameter| parameter.name == name)
    }
}

/// All node models.
pub static NODE_MODELS: [&NodeModel; 22] = [
    &eprop_iaf_bsshslm_2020::MODEL,
    &eprop_iaf_adapt_bsshslm_2020::MODEL,
    &eprop_readout_bsshslm_2020::MODEL,
    &eprop_iaf::MODEL,
    &eprop_iaf_adapt::MODEL,
    &eprop_iaf_psc_delta::MODEL,
    &eprop_iaf_psc_delta_adapt::MODEL,
    &eprop_readout::MODEL,
    &parrot_neuron::MODEL,
    &spike_generator::MODEL,
    &spike_train_injector::MODEL,
    &poisson_generator::MODEL,
    &inhomogeneous_poisson_generator::MODEL,
    &dc_generator::MODEL,
    &ac_generator::MODEL,
    &step_current_generator::MODEL,
    &noise_generator::MODEL,
    &step_rate_generator::MODEL,
    &multimeter::MODEL,
    &multimeter::VOLTMETER,
    &spike_recorder::MODEL,
    &weight_recorder::MODEL,
];
