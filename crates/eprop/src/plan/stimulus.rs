//! The spike sources that no neuron drives: spike generators, Poisson generators, and parrots behind them.
//!
//! What they emit does not depend on the simulation, so it is laid out before the steps that read it.

use std::sync::Arc;

use crate::describe::network::{Carries, Network, NodeGroup, Targets};
use crate::error::{Error, ErrorCode, Result};
use crate::math::nearest;
use crate::models::NodeClass;
use crate::plan::index::{NodeIndex, Population};

/// Where the spikes of a generator appear, and how much later than it emits them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outlet {
    /// Place among the stimuli of the node that repeats the spikes (or of the generator itself).
    pub place: u32,
    /// Steps between the generator's stamp and the node's.
    pub lag: i64,
}

/// Times between which a device is active, in steps: `(start, stop]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Active {
    /// Stamps up to this one are dropped.
    pub start: i64,
    /// Stamps after this one are dropped.
    pub stop: i64,
}

/// The times of a list of a generator (ms); those between steps, where they are allowed, at the end of their step.
#[must_use]
pub fn times_on_grid(group: &NodeGroup, node: usize, name: &str, resolution: f64) -> Arc<Vec<f64>> {
    let times = &group.lists(name)[node];
    if group.numbers("allow_offgrid_times")[node] == 0.0 {
        return times.clone();
    }
    // What differs from a step by rounding alone lies on it.
    Arc::new(times.iter().map(|time| (time / resolution - 1e-9).ceil() * resolution).collect())
}

impl Active {
    /// The active time of a device.
    #[must_use]
    pub fn of(group: &NodeGroup, node: usize, resolution: f64) -> Self {
        let origin = group.numbers("origin")[node];
        let steps = |ms: f64| -> i64 {
            let steps = ((origin + ms) / resolution).round();
            if steps >= 9e15 { i64::MAX } else { steps as i64 }
        };
        Self { start: steps(group.numbers("start")[node]), stop: steps(group.numbers("stop")[node]) }
    }

    /// Whether a stamp falls into it.
    #[must_use]
    pub fn contains(self, stamp: i64) -> bool {
        stamp > self.start && stamp <= self.stop
    }
}

/// A source of spikes.
#[derive(Debug, Clone)]
pub enum Source {
    /// Spikes at given times (ms, ascending), each with a multiplicity if the list is not empty.
    Times {
        /// Times.
        times: Arc<Vec<f64>>,
        /// Multiplicities, or empty.
        multiplicities: Arc<Vec<f64>>,
        /// Added to each time (steps).
        origin: i64,
    },
    /// Independent spikes, on average `mean` a step.
    Poisson {
        /// Expected number of spikes a step.
        mean: f64,
        /// Names the train: the generator's id.
        generator: u32,
    },
}

/// A generator with what is reached by its spikes.
#[derive(Debug, Clone)]
pub struct Generator {
    /// What it emits.
    pub source: Source,
    /// When it is active.
    pub active: Active,
    /// Where its spikes appear.
    pub outlets: Vec<Outlet>,
}

/// All open-loop sources.
#[derive(Debug, Clone)]
pub struct Stimuli {
    /// The generators.
    pub generators: Vec<Generator>,
    /// How many places stimuli have.
    pub places: usize,
    /// Length of a step (ms).
    pub resolution: f64,
    /// Seed of Poisson trains.
    pub seed: u32,
}

impl Stimuli {
    /// About how many spikes they emit in the steps from `from` on to `to`.
    #[must_use]
    pub fn expected_spikes(&self, from: i64, to: i64) -> u64 {
        let of = |generator: &Generator| {
            let sent = match &generator.source {
                Source::Times { times, origin, .. } => {
                    let step = |time: f64| nearest(time / self.resolution) + origin;
                    let before = |end: i64| times.partition_point(|time| step(*time) < end);
                    before(to).saturating_sub(before(from)) as f64
                }
                Source::Poisson { mean, .. } => mean * (to - from) as f64,
            };
            sent * generator.outlets.len() as f64
        };
        self.generators.iter().map(of).sum::<f64>() as u64
    }

    /// Bytes of the lists of times.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let of = |generator: &Generator| match &generator.source {
            Source::Times { times, multiplicities, .. } => 8 * (times.capacity() + multiplicities.capacity()),
            Source::Poisson { .. } => 0,
        };
        self.generators.iter().map(of).sum()
    }

    /// Follows the connections from generators through parrots.
    ///
    /// # Errors
    /// `NotImplemented` where a neuron drives a parrot, or parrots drive each other in a circle.
    pub fn new(network: &Network, index: &NodeIndex) -> Result<Self> {
        let places = index.len(Population::Stimulus);
        let mut is_parrot = vec![false; places];
        let mut onward: Vec<Vec<Outlet>> = vec![Vec::new(); places];
        let mut emits = vec![false; places];
        for group in &network.groups {
            if group.model.class == NodeClass::Parrot {
                for node in 0..group.len {
                    is_parrot[index.place(group.first + node as u32).1] = true;
                }
            }
        }
        for projection in &network.projections {
            if !matches!(
                projection.carries,
                Carries::Spikes
                    | Carries::PlasticPerInterval
                    | Carries::PlasticPerSpike
                    | Carries::ToRecorder
            ) {
                continue;
            }
            let mut each = |source: u32, target: u32| -> Result<()> {
                let (from, from_place) = index.place(source);
                let (to, to_place) = index.place(target);
                if to == Population::Stimulus {
                    if from != Population::Stimulus {
                        return Err(Error::new(
                            ErrorCode::NotImplemented,
                            "a parrot_neuron can repeat the spikes of generators and of other parrots only",
                        )
                        .model("parrot_neuron")
                        .value(format!("node {source} drives parrot {target}")));
                    }
                    onward[from_place]
                        .push(Outlet { place: to_place as u32, lag: i64::from(projection.delay) });
                } else if from == Population::Stimulus {
                    emits[from_place] = true;
                }
                Ok(())
            };
            for (row, source) in projection.sources.iter().enumerate() {
                match &projection.targets {
                    Targets::Dense { nodes, .. } => {
                        for target in nodes {
                            each(*source, *target)?;
                        }
                    }
                    Targets::Sparse { row_start, nodes } => {
                        for target in &nodes[row_start[row]..row_start[row + 1]] {
                            each(*source, *target)?;
                        }
                    }
                }
            }
        }
        let resolution = network.kernel.resolution;
        let mut generators = Vec::new();
        for group in network.groups.iter().filter(|group| Population::of(group) == Population::Stimulus) {
            if group.model.class == NodeClass::Parrot {
                continue;
            }
            for node in 0..group.len {
                let id = group.first + node as u32;
                let own = index.place(id).1;
                let active = Active::of(group, node, resolution);
                let source = if group.model.class == NodeClass::PoissonGenerator {
                    Source::Poisson { mean: group.numbers("rate")[node] * resolution / 1000.0, generator: id }
                } else {
                    Source::Times {
                        times: times_on_grid(group, node, "spike_times", resolution),
                        multiplicities: group.lists("spike_multiplicities")[node].clone(),
                        origin: (group.numbers("origin")[node] / resolution).round() as i64,
                    }
                };
                let mut outlets = Vec::new();
                follow(own as u32, 0, &onward, &emits, &is_parrot, places, &mut outlets)?;
                if !outlets.is_empty() {
                    generators.push(Generator { source, active, outlets });
                }
            }
        }
        Ok(Self { generators, places, resolution, seed: network.kernel.rng_seed })
    }
}

fn follow(
    place: u32,
    lag: i64,
    onward: &[Vec<Outlet>],
    emits: &[bool],
    is_parrot: &[bool],
    depth_left: usize,
    outlets: &mut Vec<Outlet>,
) -> Result<()> {
    if emits[place as usize] {
        outlets.push(Outlet { place, lag });
    }
    if depth_left == 0 {
        return Err(Error::new(ErrorCode::NotImplemented, "parrots drive each other in a circle")
            .model("parrot_neuron"));
    }
    for next in &onward[place as usize] {
        if is_parrot[next.place as usize] {
            follow(next.place, lag + next.lag, onward, emits, is_parrot, depth_left - 1, outlets)?;
        }
    }
    Ok(())
}
