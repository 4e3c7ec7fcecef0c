//! What stimuli emit, by stamp.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::error::Result;
use crate::math::nearest;
use crate::plan::stimulus::{Active, Source, Stimuli};
use crate::simulate::RunControl;
use crate::state::{Archive, Persist};

/// Events of one stamp.
#[derive(Debug, Clone, Copy)]
pub struct Events<'a> {
    /// Places of the sources, ascending, each once.
    pub places: &'a [u32],
    /// How many spikes each sends at once.
    pub multiplicities: &'a [u32],
}

impl<'a> Events<'a> {
    /// Place and multiplicity of each event.
    pub fn iter(self) -> impl Iterator<Item = (u32, u32)> + 'a {
        self.places.iter().copied().zip(self.multiplicities.iter().copied())
    }
}

/// Emitted spikes of consecutive stamps.
#[derive(Debug, Clone)]
pub struct Emission {
    first: i64,
    starts: Vec<usize>,
    places: Vec<u32>,
    multiplicities: Vec<u32>,
    scratch: Scratch,
    trains: BTreeMap<u32, Train>,
}

/// Room to lay out stamps in.
#[derive(Debug, Clone, Default)]
struct Scratch {
    /// Row, place and multiplicity of each event, generator by generator.
    found: Vec<(u32, u32, u32)>,
    /// How many events the rows before each one have; once they are sorted, with those of the row itself.
    ends: Vec<usize>,
    /// Place and multiplicity, row by row.
    sorted: Vec<(u32, u32)>,
}

/// What a Poisson generator needs to send each target a train of its own.
#[derive(Debug, Clone, Copy)]
struct Train {
    mean: f64,
    seed: u32,
    active: Active,
}

impl Default for Emission {
    fn default() -> Self {
        Self {
            first: 1,
            starts: vec![0],
            places: Vec::new(),
            multiplicities: Vec::new(),
            scratch: Scratch::default(),
            trains: BTreeMap::new(),
        }
    }
}

impl Emission {
    /// The stamp after the last one laid out.
    #[must_use]
    pub fn end(&self) -> i64 {
        self.first + self.starts.len() as i64 - 1
    }

    /// Events of a stamp; none where nothing is laid out.
    #[must_use]
    #[inline]
    pub fn at(&self, stamp: i64) -> Events<'_> {
        let range = usize::try_from(stamp - self.first)
            .ok()
            .filter(|row| row + 1 < self.starts.len())
            .map_or(0..0, |row| self.starts[row]..self.starts[row + 1]);
        Events { places: &self.places[range.clone()], multiplicities: &self.multiplicities[range] }
    }

    /// Where the events of consecutive stamps begin in a list of places, one more than there are stamps, and that list;
    /// `None` where not all of them are laid out.
    #[must_use]
    pub fn rows(&self, stamps: Range<i64>) -> Option<(&[usize], &[u32])> {
        let first = usize::try_from(stamps.start - self.first).ok()?;
        let last = usize::try_from(stamps.end - self.first).ok()?;
        Some((self.starts.get(first..=last)?, &self.places))
    }

    /// The spikes that a Poisson generator sends to one of its targets.
    #[must_use]
    pub fn poisson_count(&self, generator: u32, train: u32, stamp: i64) -> u32 {
        match self.trains.get(&generator) {
            Some(Train { mean, seed, active }) if *mean > 0.0 && stamp > 0 && active.contains(stamp) => {
                poisson(*mean, *seed, generator, train, stamp)
            }
            _ => 0,
        }
    }

    /// Lays out the stamps up to `last`, included. Returns false if that was cancelled, and lays out none.
    pub fn extend_to(&mut self, stimuli: &Stimuli, last: i64, control: &RunControl) -> bool {
        let from = self.end();
        if last < from {
            return true;
        }
        let length = (last - from + 1) as usize;
        let mut scratch = std::mem::take(&mut self.scratch);
        let Scratch { found, ends, sorted } = &mut scratch;
        found.clear();
        for generator in &stimuli.generators {
            if control.cancelled() {
                self.scratch = scratch;
                return false;
            }
            if let Source::Poisson { mean, generator: id } = generator.source {
                let train = Train { mean, seed: stimuli.seed, active: generator.active };
                self.trains.insert(id, train);
            }
            for outlet in &generator.outlets {
                let (low, high) = (from - outlet.lag, last - outlet.lag);
                match &generator.source {
                    Source::Times { times, multiplicities, origin } => {
                        let step = |time: f64| nearest(time / stimuli.resolution) + origin;
                        let begin = times.partition_point(|time| step(*time) < low);
                        for (place, time) in times.iter().enumerate().skip(begin) {
                            let stamp = step(*time);
                            if stamp > high {
                                break;
                            }
                            let count = multiplicities.get(place).map_or(1, |count| *count as u32);
                            if stamp > 0 && count > 0 && generator.active.contains(stamp) {
                                found.push(((stamp - low) as u32, outlet.place, count));
                            }
                        }
                    }
                    Source::Poisson { mean, generator: id } => {
                        if *mean <= 0.0 {
                            continue;
                        }
                        for stamp in low.max(1)..=high {
                            let count = poisson(*mean, stimuli.seed, *id, outlet.place, stamp);
                            if count > 0 && generator.active.contains(stamp) {
                                found.push(((stamp - low) as u32, outlet.place, count));
                            }
                        }
                    }
                }
            }
        }
        // A counting sort by stamp; within a stamp the sources ascend.
        let base = self.places.len();
        ends.clear();
        ends.resize(length + 1, 0);
        for (row, _, _) in found.iter() {
            ends[*row as usize + 1] += 1;
        }
        for row in 0..length {
            ends[row + 1] += ends[row];
        }
        sorted.clear();
        sorted.resize(found.len(), (0, 0));
        for (row, place, count) in found.iter() {
            sorted[ends[*row as usize]] = (*place, *count);
            ends[*row as usize] += 1;
        }
        let mut start = 0;
        for end in &ends[..length] {
            let events = &mut sorted[start..*end];
            start = *end;
            events.sort_unstable_by_key(|(place, _)| *place);
            let begin = self.places.len();
            for (place, count) in events.iter() {
                if self.places.len() > begin && self.places.last() == Some(place) {
                    *self.multiplicities.last_mut().expect("one per place") += count;
                } else {
                    self.places.push(*place);
                    self.multiplicities.push(*count);
                }
            }
            self.starts.push(self.places.len());
        }
        debug_assert!(self.places.len() <= base + found.len());
        self.scratch = scratch;
        true
    }

    /// Forgets stamps before `stamp`.
    pub fn forget_before(&mut self, stamp: i64) {
        let rows = (stamp - self.first).clamp(0, self.starts.len() as i64 - 1) as usize;
        // Moving what is kept costs as much as what is dropped saves, so wait until the latter prevails.
        if rows * 2 < self.starts.len() {
            return;
        }
        let events = self.starts[rows];
        self.places.drain(..events);
        self.multiplicities.drain(..events);
        self.starts.drain(..rows);
        for start in &mut self.starts {
            *start -= events;
        }
        self.first += rows as i64;
    }

    /// Bytes held.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.starts.capacity() * 8 + (self.places.capacity() + self.multiplicities.capacity()) * 4
    }
}

/// What is laid out may come from generators that have been set anew since, so it is kept.
impl Persist for Emission {
    fn persist(&mut self, archive: &mut Archive<'_>) -> Result<()> {
        archive.number("first", &mut self.first)?;
        archive.list("starts", &mut self.starts)?;
        archive.list("places", &mut self.places)?;
        archive.list("multiplicities", &mut self.multiplicities)?;
        let whole = self.starts.is_sorted()
            && self.starts.first() == Some(&0)
            && self.starts.last() == Some(&self.places.len())
            && self.places.len() == self.multiplicities.len();
        if !whole {
            return Err(archive.misfit("starts", "ends beyond the list"));
        }
        archive.parts("trains", &mut self.trains, || Train {
            mean: 0.0,
            seed: 0,
            active: Active { start: 0, stop: 0 },
        })
    }
}

impl Persist for Train {
    fn persist(&mut self, archive: &mut Archive<'_>) -> Result<()> {
        archive.number("mean", &mut self.mean)?;
        archive.number("seed", &mut self.seed)?;
        archive.number("start", &mut self.active.start)?;
        archive.number("stop", &mut self.active.stop)
    }
}

/// The number of spikes of one Poisson train in one step. It is a function of the train and the step alone, so
/// neither the way a simulation is cut nor the number of threads can change it.
fn poisson(mean: f64, seed: u32, generator: u32, place: u32, stamp: i64) -> u32 {
    let mut state = u64::from(seed) << 32 | u64::from(generator);
    state = mix(state) ^ u64::from(place).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    state = mix(state).wrapping_add(stamp as u64);
    // Inversion by the recurrence p(k+1) = p(k) mean / (k+1), in portions small enough not to underflow.
    let mut total = 0;
    let mut left = mean;
    while left > 0.0 {
        let portion = left.min(500.0);
        left -= portion;
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let uniform = (mix(state) >> 11) as f64 / (1u64 << 53) as f64;
        let mut probability = libm::exp(-portion);
        let mut cumulative = probability;
        let mut count = 0u32;
        while uniform >= cumulative && probability > 0.0 {
            count += 1;
            probability *= portion / f64::from(count);
            cumulative += probability;
        }
        total += count;
    }
    total
}

/// The finalizer of `SplitMix64` (Steele, Lea and Flood 2014).
fn mix(mut state: u64) -> u64 {
    state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn poisson_counts_have_the_mean_and_variance_of_their_distribution() {
        for mean in [0.02, 1.5, 40.0, 1200.0] {
            let n = 20_000;
            let counts: Vec<f64> = (1..=n).map(|stamp| f64::from(poisson(mean, 7, 3, 5, stamp))).collect();
            let average = counts.iter().sum::<f64>() / n as f64;
            let variance = counts.iter().map(|count| (count - average).powi(2)).sum::<f64>() / n as f64;
            let error = (mean / n as f64).sqrt();
            assert!((average - mean).abs() < 5.0 * error, "{average} for {mean}");
            assert!((variance / mean - 1.0).abs() < 0.1, "{variance} for {mean}");
        }
    }
}
