//! The spike sources that no neuron drives: spike generators, Poisson generators, and parrots behind them.
//!
//! What they emit does not depend on the neurons, so it is laid out before the steps that read it, but never beyond the
//! present call: what changes afterwards has no say in what was emitted.

use std::ops::Range;
use std::sync::Arc;

use crate::base::error::{Error, ErrorCode, Result};
use crate::base::math::{count_before, nearest};
use crate::describe::network::{Carries, Description, NodeGroup, NodeId, Projection, Targets};
use crate::describe::population::{NodeIndex, Population, groups_of};
use crate::models::{NodeClass, NodeModel, spike_train_injector};
use crate::plan::amplitudes::{Amplitudes, HeldRates, amplitudes};

/// A connection onto a parrot.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Onward {
    /// Place among the stimuli of the parrot.
    pub target: u32,
    /// Steps between the stamp of a spike and that of its repetition.
    pub delay: u32,
    /// Names the connection, and with it the train that a Poisson generator sends over it.
    pub train: TrainKey,
}

/// Names a connection: the place of its projection and of its weight there. Neither changes when a network grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrainKey {
    /// Place of the projection.
    pub projection: usize,
    /// Place among its entries.
    pub entry: usize,
}

/// Times between which a device is active, in steps: `(start, stop]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Active {
    /// Stamps up to this one are dropped.
    pub start: i64,
    /// Stamps after this one are dropped.
    pub stop: i64,
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

    /// Whether a rate or a current goes by a stamp.
    #[must_use]
    pub fn sends(self, stamp: i64) -> bool {
        (self.start..self.stop).contains(&stamp)
    }

    /// Whether a spike with that stamp falls into it.
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
    /// Independent spikes.
    Poisson {
        /// Expected number of spikes in each step.
        mean: Mean,
        /// Names the train: the generator's id.
        generator: u32,
    },
}

/// The expected number of spikes in each step.
#[derive(Debug, Clone)]
pub enum Mean {
    /// The same in all.
    Constant(f64),
    /// Firing rates over time, and the length of a step (s).
    Steps(Amplitudes, f64),
}

impl Mean {
    /// That of the step that ends at a stamp.
    #[must_use]
    #[inline]
    pub fn at(&self, stamp: i64) -> f64 {
        match self {
            Self::Constant(mean) => *mean,
            Self::Steps(rates, step) => rates.at(stamp, &mut 0).0.max(0.0) * step,
        }
    }

    /// The sum over the steps from `from` on to `to`.
    fn total(&self, from: i64, to: i64) -> f64 {
        let Self::Steps(rates, step) = self else { return self.at(from) * (to - from) as f64 };
        let (mut total, mut stamp) = (0.0, from + 1);
        while stamp <= to {
            let (rate, next) = rates.at(stamp, &mut 0);
            let end = next.clamp(stamp + 1, to + 1);
            total += rate.max(0.0) * step * (end - stamp) as f64;
            stamp = end;
        }
        total
    }

    /// Whether there are never any.
    #[must_use]
    pub fn is_none(&self) -> bool {
        matches!(self, Self::Constant(mean) if *mean <= 0.0)
    }

    /// The highest.
    fn highest(&self) -> f64 {
        match self {
            Self::Constant(mean) => *mean,
            Self::Steps(rates, step) => rates.highest() * step,
        }
    }
}

/// A generator that reaches something.
#[derive(Debug, Clone)]
pub struct Generator {
    /// What it emits.
    pub source: Source,
    /// When it is active.
    pub active: Active,
    /// Its place among the stimuli.
    pub place: u32,
}

/// All open-loop sources.
#[derive(Debug, Clone)]
pub struct Stimuli {
    /// The generators.
    pub generators: Vec<Generator>,
    /// Length of a step (ms).
    pub resolution: f64,
    /// Seed of Poisson trains.
    pub seed: u32,
    /// Where the connections of each place onto parrots begin; one more entry than places.
    starts: Vec<usize>,
    onward: Vec<Onward>,
    /// The places whose spikes neurons or recorders hear, or weight recorders see on their way to parrots.
    heard: Vec<bool>,
    /// The places whose spikes NEST counts: all but those of devices.
    counted: Vec<bool>,
}

/// More than six standard deviations above the mean of a Poisson distribution are not met with in the life of a machine.
fn likely(mean: f64) -> f64 {
    mean + 6.0 * mean.sqrt()
}

/// More spikes than anyone would wait for.
const BEYOND_COUNTING: f64 = 1e18;

impl Stimuli {
    /// The connections of a place onto parrots.
    #[must_use]
    #[inline]
    pub fn onward(&self, place: u32) -> &[Onward] {
        &self.onward[self.starts[place as usize]..self.starts[place as usize + 1]]
    }

    /// Whether there are parrots that repeat something.
    #[must_use]
    pub fn repeat(&self) -> bool {
        !self.onward.is_empty()
    }

    /// Whether neurons or recorders hear a place.
    #[must_use]
    #[inline]
    pub fn is_heard(&self, place: u32) -> bool {
        self.heard[place as usize]
    }

    /// Whether NEST counts the spikes of a place.
    #[must_use]
    #[inline]
    pub fn counts(&self, place: u32) -> bool {
        self.counted[place as usize]
    }

    /// About how many spikes generators emit and parrots repeat in the steps from `from` on to `to`; several at once count
    /// as one.
    #[must_use]
    pub fn expected_spikes(&self, from: i64, to: i64) -> u64 {
        self.repeated(|source| match source {
            Source::Times { times, origin, .. } => self.places_of(times, *origin, from, to).len() as f64,
            Source::Poisson { mean, .. } => mean.total(from, to),
        })
    }

    /// No fewer than [`Self::expected_spikes`] in any steps up to `to`, without a look at the times.
    #[must_use]
    pub fn spikes_at_most(&self, from: i64, to: i64) -> u64 {
        self.repeated(|source| match source {
            Source::Times { times, .. } => times.len() as f64,
            Source::Poisson { mean, .. } => mean.total(from, to),
        })
    }

    /// As [`Self::expected_spikes`], with each of several spikes at once; of Poisson generators, as many as are expected,
    /// and then some.
    #[must_use]
    pub fn most_recorded(&self, from: i64, to: i64) -> u64 {
        self.repeated(|source| match source {
            Source::Times { times, multiplicities, origin } => {
                let places = self.places_of(times, *origin, from, to);
                let all = multiplicities.get(places.clone()).map(|counts| counts.iter().sum());
                all.unwrap_or(places.len() as f64)
            }
            Source::Poisson { mean, .. } => likely(mean.total(from, to)),
        })
    }

    /// The most spikes that a Poisson generator at a place is likely to send to one target in so many steps.
    #[must_use]
    pub fn most_of_train(&self, place: u32, steps: i64) -> f64 {
        let of = |generator: &Generator| match &generator.source {
            Source::Poisson { mean, .. } if generator.place == place => likely(mean.highest() * steps as f64),
            _ => 0.0,
        };
        self.generators.iter().map(of).sum()
    }

    /// The stamp of what is sent at a time (ms) of a generator whose times are counted from a step.
    #[must_use]
    pub fn stamp_of(&self, time: f64, origin: i64) -> i64 {
        nearest(time / self.resolution).saturating_add(origin)
    }

    /// The times of a list that lie in the steps from `from` on to `to`.
    fn places_of(&self, times: &[f64], origin: i64, from: i64, to: i64) -> Range<usize> {
        let begin = self.count_before(times, origin, from);
        begin..begin + self.count_before(&times[begin..], origin, to)
    }

    /// How many times of a list have stamps before `end`.
    #[must_use]
    pub fn count_before(&self, times: &[f64], origin: i64, end: i64) -> usize {
        let about = (end.saturating_sub(origin) as f64 - 0.5) * self.resolution;
        count_before(times, about, |time| self.stamp_of(time, origin) < end)
    }

    /// How many spikes there are if each generator sends so many, along chains of parrots, and not for ever round a
    /// circle.
    fn repeated(&self, sent_by: impl Fn(&Source) -> f64) -> u64 {
        let places = self.heard.len();
        let mut sent = vec![0.0; places];
        for generator in &self.generators {
            sent[generator.place as usize] += sent_by(&generator.source);
        }
        let mut total = 0.0;
        for _ in 0..=places {
            total += sent.iter().sum::<f64>();
            let mut repeated = vec![0.0; places];
            for (place, sent) in sent.iter().enumerate().filter(|(_, sent)| **sent > 0.0) {
                for onward in self.onward(place as u32) {
                    repeated[onward.target as usize] += sent;
                }
            }
            if total > BEYOND_COUNTING || repeated.iter().all(|sent| *sent == 0.0) {
                break;
            }
            sent = repeated;
        }
        total.min(BEYOND_COUNTING) as u64
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

    /// Collects generators and the connections onto parrots.
    ///
    /// # Errors
    /// `NotImplemented` where a neuron drives a parrot.
    pub fn new(network: &Description, index: &NodeIndex, held: &HeldRates) -> Result<Self> {
        let places = index.len(Population::Stimulus);
        let mut heard = vec![false; places];
        let mut edges: Vec<(u32, Onward)> = Vec::new();
        for (number, projection) in network.projections.iter().enumerate() {
            let sends_spikes = matches!(
                projection.carries,
                Carries::Spikes
                    | Carries::PlasticPerInterval
                    | Carries::PlasticPerSpike
                    | Carries::ToRecorder
            );
            let (Some(source), Some(target)) = (projection.sources.first(), projection.first_target()) else {
                continue;
            };
            if !sends_spikes {
                continue;
            }
            let from_stimuli = index.place(*source).0 == Population::Stimulus;
            if index.place(target).0 != Population::Stimulus {
                if from_stimuli {
                    projection.sources.iter().for_each(|source| heard[index.place(*source).1] = true);
                }
                continue;
            }
            if !from_stimuli {
                return Err(Error::new(
                    ErrorCode::NotImplemented,
                    "a parrot_neuron can repeat the spikes of generators and of other parrots only",
                )
                .model("parrot_neuron")
                .value(format!("node {source} drives parrot {target}")));
            }
            // Weight recorders may see what is sent to parrots, but not what generators send.
            for source in &projection.sources {
                let group = network.group_of(*source);
                heard[index.place(*source).1] |= group.is_some_and(|group| !is_device(group.model));
            }
            // A parrot takes notice of what arrives at its receptor 1, but does not repeat it.
            if projection.receptor == 0 {
                onward_of(projection, number, index, &mut edges);
            }
        }
        edges.sort_by_key(|(from, _)| *from);
        let starts =
            (0..=places).map(|place| edges.partition_point(|(from, _)| (*from as usize) < place)).collect();
        let onward = edges.into_iter().map(|(_, onward)| onward).collect();
        let mut this = Self {
            generators: Vec::new(),
            resolution: network.kernel.resolution,
            seed: network.kernel.rng_seed,
            starts,
            onward,
            heard,
            counted: groups_of(network, Population::Stimulus)
                .flat_map(|group| {
                    let device = is_device(group.model);
                    std::iter::repeat_n(!device, group.len)
                })
                .collect(),
        };
        let resolution = this.resolution;
        for group in network.groups.iter().filter(|group| Population::of(group) == Population::Stimulus) {
            if group.model.class == NodeClass::Parrot {
                continue;
            }
            for node in 0..group.len {
                let id = group.first + node as u32;
                let place = index.place(id).1 as u32;
                if !this.is_heard(place) && this.onward(place).is_empty() {
                    continue;
                }
                let active = Active::of(group, node, resolution);
                let source = if group.model.class == NodeClass::PoissonGenerator {
                    let mean = match amplitudes(network, id, held) {
                        Some(rates) => Mean::Steps(rates, resolution / 1000.0),
                        None => Mean::Constant(group.numbers("rate")[node] * resolution / 1000.0),
                    };
                    Source::Poisson { mean, generator: id }
                } else {
                    Source::Times {
                        times: group.lists("spike_times")[node].clone(),
                        multiplicities: group.lists("spike_multiplicities")[node].clone(),
                        origin: (group.numbers("origin")[node] / resolution).round() as i64,
                    }
                };
                this.generators.push(Generator { source, active, place });
            }
        }
        Ok(this)
    }
}

/// Whether nodes of a model are devices, which NEST has once per thread, and whose spikes it does not count.
fn is_device(model: &NodeModel) -> bool {
    model.class != NodeClass::Parrot && model.name != spike_train_injector::MODEL.name
}

/// The connections of a projection onto parrots, by the place of their source.
fn onward_of(projection: &Projection, number: usize, index: &NodeIndex, edges: &mut Vec<(u32, Onward)>) {
    let mut add = |source: NodeId, target: NodeId, entry: usize| {
        let train = TrainKey { projection: number, entry };
        let target = index.place(target).1 as u32;
        edges.push((index.place(source).1 as u32, Onward { target, delay: projection.delay, train }));
    };
    for (row, source) in projection.sources.iter().enumerate() {
        match &projection.targets {
            Targets::Dense { nodes, autapses } => {
                for (column, target) in nodes.iter().enumerate() {
                    if *autapses || target != source {
                        add(*source, *target, row * nodes.len() + column);
                    }
                }
            }
            Targets::Sparse { row_start, nodes } => {
                for entry in row_start[row]..row_start[row + 1] {
                    add(*source, nodes[entry], entry);
                }
            }
        }
    }
}
