//! What does not change of a network in use: coefficients, weights, who reaches whom.

use std::collections::BTreeMap;

use crate::base::error::{Error, ErrorCode, Result};
use crate::describe::network::{Description, NodeId};
use crate::describe::population::{NodeIndex, Population};
use crate::interval::neurons;
use crate::interval::plan::IntervalPlan;
use crate::plan::route::Route;
use crate::plan::wiring::{Planning, Wiring};
use crate::plus::plan::PlusPlan;

/// The neurons of one of the two rules.
#[derive(Debug)]
pub(super) enum Rule {
    Interval {
        plan: Box<IntervalPlan>,
        neurons: Box<neurons::Neurons<f64>>,
        /// Constant currents as a step adds them, of recurrent neurons and of readouts.
        drive: Vec<f64>,
        readout_drive: Vec<f64>,
    },
    Plus {
        plan: Box<PlusPlan>,
    },
}

/// A network that its users share.
#[derive(Debug)]
pub(super) struct UsedNetwork {
    pub rule: Rule,
    /// Weights of each projection of the description.
    pub weights: Vec<Vec<f64>>,
    /// Number of inputs: generators and parrots, in the order of their ids.
    pub inputs: usize,
    pub recurrent: usize,
    pub readouts: usize,
    /// How many neurons and readouts of which model follow each other.
    pub models: Vec<String>,
    /// Recurrent neurons, filled up to whole vectors.
    pub stride: usize,
    /// Steps whose spikes are remembered.
    pub remembered: usize,
}

fn refuse(message: &str) -> Error {
    Error::new(ErrorCode::KernelException, message)
}

/// How many nodes of which model follow each other.
fn models_of(network: &Description, ids: &[NodeId]) -> Vec<String> {
    let model = |node: &NodeId| network.group_of(*node).map_or("", |group| group.model.name);
    ids.chunk_by(|a, b| model(a) == model(b)).map(|run| format!("{} {}", run.len(), model(&run[0]))).collect()
}

fn product(gain: &[f64], current: &[f64]) -> Vec<f64> {
    gain.iter().zip(current).map(|(gain, current)| gain * current).collect()
}

impl Rule {
    fn new(network: &Description, index: &NodeIndex) -> Result<Self> {
        let planning = Planning {
            network,
            index,
            held: &BTreeMap::new(),
            clock_base: &BTreeMap::new(),
            cutoff_classes: &BTreeMap::new(),
            evaluations: &BTreeMap::new(),
        };
        match (IntervalPlan::new(planning)?, PlusPlan::new(planning)?) {
            (Some(plan), None) => {
                let neurons = neurons::Neurons::new(&plan);
                let mut drive = product(&plan.recurrent.current_gain, &plan.recurrent.current);
                drive.resize(neurons.stride, 0.0);
                Ok(Self::Interval {
                    neurons: Box::new(neurons),
                    drive,
                    readout_drive: product(&plan.readouts.current_gain, &plan.readouts.current),
                    plan: Box::new(plan),
                })
            }
            (None, Some(plan)) => Ok(Self::Plus { plan: Box::new(plan) }),
            (None, None) => Err(refuse("there are no neurons to use")),
            (Some(_), Some(_)) => Err(refuse("the network has neurons of both rules")),
        }
    }

    fn wiring(&self) -> &Wiring {
        match self {
            Self::Interval { plan, .. } => &plan.wiring,
            Self::Plus { plan } => &plan.wiring,
        }
    }
}

impl UsedNetwork {
    /// The network of a description.
    ///
    /// # Errors
    /// Those of [`super::Inference::new`].
    pub fn new(network: &Description) -> Result<Self> {
        if !network.ownership.is_whole() {
            return Err(refuse("of a network whose neurons ranks share, no rank has all").parameter("share"));
        }
        let index = NodeIndex::new(network);
        let rule = Rule::new(network, &index)?;
        let wiring = rule.wiring();
        if wiring.currents.iter().any(|routes| !routes.is_empty()) {
            return Err(refuse("generators of currents answer no input").parameter("amplitude"));
        }
        if !wiring.clocks.is_empty() {
            return Err(
                refuse("a neuron that fires by the clock answers no input").parameter("ignore_and_spike")
            );
        }
        let routes = || wiring.routes();
        if routes().any(|route| route.poisson) {
            return Err(refuse(
                "a poisson_generator sends spikes of its own; put a parrot_neuron in its place",
            )
            .model("poisson_generator"));
        }
        let (recurrent, readouts) = (wiring.recurrent_ids.len(), wiring.readout_ids.len());
        let longest = routes().map(|route: &Route| route.delay).max().unwrap_or(1);
        Ok(Self {
            weights: network.projections.iter().map(|projection| projection.weights.clone()).collect(),
            inputs: index.len(Population::Stimulus),
            recurrent,
            readouts,
            models: [&wiring.recurrent_ids, &wiring.readout_ids]
                .into_iter()
                .flat_map(|ids| models_of(network, ids))
                .collect(),
            stride: match &rule {
                Rule::Interval { neurons, .. } => neurons.stride,
                Rule::Plus { .. } => recurrent,
            },
            remembered: longest + 1,
            rule,
        })
    }

    /// The signal of a readout with these voltages.
    pub fn readout_signal(&self, voltage: &[f64], readout: usize) -> f64 {
        match &self.rule {
            Rule::Plus { plan } => voltage[readout] + plan.readouts.rest[readout],
            Rule::Interval { plan, .. } => {
                let p = &plan.readouts;
                p.signal(readout, &|j| voltage[j] + p.rest[j])
            }
        }
    }
}
