//! Piecewise constant signals from rate generators: targets and learning windows.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::describe::network::{Carries, Network, NodeId, Targets};
use crate::math::nearest;
use crate::models::NodeClass;
use crate::plan::index::{NodeIndex, Population};
use crate::plan::stimulus::{Active, times_on_grid};

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
    /// The amplitude that is read, with a delay of one step, in a step, and the first step after it in which it may
    /// be another.
    #[must_use]
    pub fn at(&self, step: i64) -> (f64, i64) {
        self.at_near(step, &mut 0)
    }

    /// The amplitude that a multimeter shows with that stamp.
    #[must_use]
    pub fn emitted(&self, stamp: i64) -> f64 {
        let active = (self.active.start..self.active.stop).contains(&stamp);
        if active { self.set_at(stamp, &mut 0).0 } else { 0.0 }
    }

    /// As [`Self::at`]; `hint` is the number of times that had begun when this was last asked, and is kept.
    fn at_near(&self, step: i64, hint: &mut usize) -> (f64, i64) {
        if step <= self.active.start {
            return (0.0, self.active.start + 1);
        }
        if step > self.active.stop {
            return (0.0, i64::MAX);
        }
        let (value, next) = self.set_at(step, hint);
        (value, next.min(self.active.stop.saturating_add(1)))
    }

    /// The amplitude that was last set in a step, whether the generator is active or not, and when the next one is set.
    fn set_at(&self, step: i64, hint: &mut usize) -> (f64, i64) {
        let when = |place: usize| -> i64 {
            self.times.get(place).map_or(i64::MAX, |time| nearest(time / self.resolution) + self.origin)
        };
        // Mostly the next time begins, or none does.
        let mut begun = *hint;
        if begun > self.times.len() || (begun > 0 && when(begun - 1) > step) || when(begun) <= step {
            begun += 1;
            if begun > self.times.len() || when(begun - 1) > step || when(begun) <= step {
                let begins = |time: &f64| nearest(time / self.resolution) + self.origin <= step;
                begun = self.times.partition_point(begins);
            }
        }
        *hint = begun;
        let value = if begun == 0 { self.held } else { self.values[begun - 1] };
        (value, when(begun))
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
        self.read_until(place, step, &mut 0).0
    }

    /// What readout `place` reads in a step, and the first step after it in which that may be something else. `hint`
    /// makes the next look-up short.
    #[must_use]
    pub fn read_until(&self, place: usize, step: i64, hint: &mut usize) -> (f64, i64) {
        if let [(amplitudes, weight, 1)] = &self.inputs[place][..] {
            let (value, next) = amplitudes.at_near(step, hint);
            return (0.0 + weight * value, next);
        }
        self.inputs[place].iter().fold((0.0, i64::MAX), |(sum, until), (amplitudes, weight, delay)| {
            let lag = delay - 1;
            let (value, next) = amplitudes.at(step - lag);
            (sum + weight * value, until.min(next.saturating_add(lag)))
        })
    }

    /// Whether anything arrives at that readout.
    #[must_use]
    pub fn is_connected(&self, place: usize) -> bool {
        !self.inputs[place].is_empty()
    }
}

/// What readouts read, looked up again only where it may have changed.
#[derive(Debug, Clone, Default)]
pub struct RateReader {
    /// Per readout: the value, the steps in which it holds, and a hint for the next look-up.
    held: Vec<(f64, std::ops::Range<i64>, usize)>,
}

impl RateReader {
    /// What readout `place` reads in a step.
    #[inline]
    pub fn read(&mut self, inputs: &RateInputs, place: usize, step: i64) -> f64 {
        if place >= self.held.len() {
            self.held.resize(place + 1, (0.0, 0..0, 0));
        }
        let (value, steps, hint) = &mut self.held[place];
        if !steps.contains(&step) {
            let (now, until) = inputs.read_until(place, step, hint);
            (*value, *steps) = (now, step..until);
        }
        *value
    }

    /// Forgets what was read, since it may have changed.
    pub fn forget(&mut self) {
        self.held.clear();
    }
}

/// The amplitudes of a rate generator.
#[must_use]
pub fn amplitudes(network: &Network, node: NodeId, held: &BTreeMap<NodeId, f64>) -> Option<Amplitudes> {
    let group = network.group_of(node).filter(|group| group.model.class == NodeClass::StepRateGenerator)?;
    let place = (node - group.first) as usize;
    let resolution = network.kernel.resolution;
    Some(Amplitudes {
        times: times_on_grid(group, place, "amplitude_times", resolution),
        values: group.lists("amplitude_values")[place].clone(),
        active: Active::of(group, place, resolution),
        origin: (group.numbers("origin")[place] / resolution).round() as i64,
        resolution,
        held: held.get(&node).copied().unwrap_or(0.0),
    })
}
