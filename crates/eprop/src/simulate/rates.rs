//! Piecewise constant signals from rate generators: targets and learning windows.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::describe::network::{Carries, Network, NodeId, Targets};
use crate::models::NodeClass;
use crate::plan::index::{NodeIndex, Population};
use crate::plan::stimulus::Active;

/// A generator's amplitude over time.
#[derive(Debug, Clone)]
pub struct Amplitudes {
    times: Arc<Vec<f64>>,
    values: Arc<Vec<f64>>,
    active: Active,
    origin: i64,
    resolution: f64,
    /// What holds before the first time: the amplitude at the moment the times were last set.
    held: f64,
}

impl Amplitudes {
    /// The amplitude that is read, with a delay of one step, in a step.
    #[must_use]
    pub fn at(&self, step: i64) -> f64 {
        if !self.active.contains(step) {
            return 0.0;
        }
        let begun =
            self.times.partition_point(|time| (time / self.resolution).round() as i64 + self.origin <= step);
        if begun == 0 { self.held } else { self.values[begun - 1] }
    }
}

/// The weighted generators that reach a receptor of each readout.
#[derive(Debug, Clone, Default)]
pub struct RateInputs {
    /// Per readout: generator, weight, delay in steps.
    inputs: Vec<Vec<(Amplitudes, f64, i64)>>,
}

impl RateInputs {
    /// Collects what arrives at `receptor` of the readouts of a population. `held` names the amplitudes that
    /// generators had when their times were last set.
    #[must_use]
    pub fn new(
        network: &Network,
        index: &NodeIndex,
        readouts: Population,
        receptor: u32,
        held: &BTreeMap<NodeId, f64>,
    ) -> Self {
        let mut inputs = vec![Vec::new(); index.len(readouts)];
        for projection in
            network.projections.iter().filter(|p| p.carries == Carries::Rate && p.receptor == receptor)
        {
            for (row, source) in projection.sources.iter().enumerate() {
                let Some(amplitudes) = amplitudes(network, *source, held) else { continue };
                let (targets, first): (&[NodeId], usize) = match &projection.targets {
                    Targets::Dense { nodes, .. } => (nodes, row * nodes.len()),
                    Targets::Sparse { row_start, nodes } => {
                        (&nodes[row_start[row]..row_start[row + 1]], row_start[row])
                    }
                };
                for (entry, target) in targets.iter().enumerate() {
                    let (population, place) = index.place(*target);
                    if population == readouts {
                        inputs[place].push((
                            amplitudes.clone(),
                            projection.weights[first + entry],
                            i64::from(projection.delay),
                        ));
                    }
                }
            }
        }
        Self { inputs }
    }

    /// What readout `place` reads in a step.
    #[must_use]
    pub fn read(&self, place: usize, step: i64) -> f64 {
        self.inputs[place]
            .iter()
            .map(|(amplitudes, weight, delay)| weight * amplitudes.at(step + 1 - delay))
            .sum()
    }

    /// Whether anything arrives at that readout.
    #[must_use]
    pub fn is_connected(&self, place: usize) -> bool {
        !self.inputs[place].is_empty()
    }
}

/// The amplitudes of a rate generator.
#[must_use]
pub fn amplitudes(network: &Network, node: NodeId, held: &BTreeMap<NodeId, f64>) -> Option<Amplitudes> {
    let group = network.group_of(node).filter(|group| group.model.class == NodeClass::StepRateGenerator)?;
    let place = (node - group.first) as usize;
    let resolution = network.kernel.resolution;
    Some(Amplitudes {
        times: group.lists("amplitude_times")[place].clone(),
        values: group.lists("amplitude_values")[place].clone(),
        active: Active::of(group, place, resolution),
        origin: (group.numbers("origin")[place] / resolution).round() as i64,
        resolution,
        held: held.get(&node).copied().unwrap_or(0.0),
    })
}
