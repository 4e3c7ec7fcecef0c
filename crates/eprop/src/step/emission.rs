//! What stimuli emit, by stamp.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::base::control::RunControl;
use crate::base::error::Result;
use crate::base::state::{Archive, Persist};
use crate::plan::stimulus::{Active, Mean, Onward, Source, Stimuli, TrainKey};

/// The last stamp that can be reached.
const LAST: i64 = crate::describe::kernel_parameters::LAST_STEP as i64;

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

/// A spike on its way to a parrot.
#[derive(Debug, Clone, Copy)]
struct Flight {
    /// Stamp of its repetition.
    arrival: i64,
    /// Stamp that it was emitted with.
    emitted: i64,
    /// Place of the parrot.
    place: u32,
    /// How many spikes it stands for.
    count: u32,
}

/// Emitted spikes of consecutive stamps, and those on their way to parrots. What is in here stays, whatever becomes of
/// the generators and connections that it came from.
#[derive(Debug, Clone)]
pub struct Emission {
    first: i64,
    starts: Vec<usize>,
    places: Vec<u32>,
    multiplicities: Vec<u32>,
    /// Spikes of each stamp that NEST counts, heard or not.
    counts: Vec<u64>,
    /// In the order of emission.
    flights: Vec<Flight>,
    /// Up to this stamp, weight recorders have seen the spikes of neurons and parrots over static synapses.
    shown: i64,
    scratch: Scratch,
    sorting: Sorting,
    trains: BTreeMap<u32, Train>,
}

/// Room to lay out stamps in: for each stamp a list of spikes, linked.
#[derive(Debug, Clone, Default)]
struct Scratch {
    heads: Vec<u32>,
    /// The next spike of the same stamp, place and number of spikes.
    links: Vec<(u32, u32, u32)>,
    /// Place and number of the spikes of one stamp.
    events: Vec<(u32, u32)>,
}

/// Room to sort spikes by stamp.
#[derive(Debug, Clone, Default)]
struct Sorting {
    /// For each stamp, how many spikes it has, then where its next one goes.
    next: Vec<usize>,
    /// Row of the stamp, place and number of spikes.
    spikes: Vec<(u32, u32, u32)>,
}

/// The end of a linked list.
const NONE: u32 = u32::MAX;

impl Scratch {
    fn begin(&mut self, length: usize) {
        self.heads.clear();
        self.heads.resize(length, NONE);
        self.links.clear();
    }

    fn push(&mut self, row: usize, place: u32, count: u32) {
        let head = &mut self.heads[row];
        self.links.push((*head, place, count));
        *head = (self.links.len() - 1) as u32;
    }

    /// Collects the spikes of a stamp: places ascending, each once.
    fn collect(&mut self, row: usize) {
        self.events.clear();
        let mut next = self.heads[row];
        while let Some((after, place, count)) = self.links.get(next as usize) {
            self.events.push((*place, *count));
            next = *after;
        }
        self.events.sort_unstable_by_key(|(place, _)| *place);
        self.events.dedup_by(|later, kept| {
            let same = later.0 == kept.0;
            if same {
                kept.1 = kept.1.saturating_add(later.1);
            }
            same
        });
    }
}

/// The spikes of a generator that sends at given times, as in [`Source::Times`].
struct GivenSpikes<'a> {
    times: &'a [f64],
    multiplicities: &'a [f64],
    origin: i64,
    active: Active,
}

impl GivenSpikes<'_> {
    /// Calls `each` with the stamp and the number of its spikes between two stamps, included.
    #[inline]
    fn between(&self, stimuli: &Stimuli, from: i64, last: i64, mut each: impl FnMut(i64, u32)) {
        let begin = stimuli.count_before(self.times, self.origin, from);
        for (place, time) in (begin..).zip(&self.times[begin..]) {
            let stamp = stimuli.stamp_of(*time, self.origin);
            if stamp > last {
                break;
            }
            let count = self.multiplicities.get(place).map_or(1, |count| *count as u32);
            if stamp > 0 && count > 0 && self.active.contains(stamp) {
                each(stamp, count);
            }
        }
    }
}

/// What a Poisson generator needs to send each target a train of its own.
#[derive(Debug, Clone)]
struct Train {
    mean: Mean,
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
            counts: Vec::new(),
            flights: Vec::new(),
            shown: 0,
            scratch: Scratch::default(),
            sorting: Sorting::default(),
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

    /// The stamp up to which weight recorders have seen the spikes of neurons and parrots over static synapses. They see
    /// them as soon as these are handed over to the synapses, which may be before they arrive.
    #[must_use]
    #[inline]
    pub fn shown(&self) -> i64 {
        self.shown
    }

    /// Notes that weight recorders have seen all up to a stamp.
    pub fn have_shown(&mut self, stamp: i64) {
        self.shown = self.shown.max(stamp);
    }

    /// Spikes that NEST counts, of stamps that are laid out.
    #[must_use]
    pub fn counted(&self, stamps: Range<i64>) -> u64 {
        let row = |stamp: i64| (stamp - self.first).clamp(0, self.counts.len() as i64) as usize;
        self.counts[row(stamps.start)..row(stamps.end).max(row(stamps.start))].iter().sum()
    }

    /// Where the events of consecutive stamps begin in a list of places, one more than there are stamps, and that list;
    /// `None` where not all of them are laid out.
    #[must_use]
    pub fn rows(&self, stamps: Range<i64>) -> Option<(&[usize], &[u32])> {
        let first = usize::try_from(stamps.start - self.first).ok()?;
        let last = usize::try_from(stamps.end - self.first).ok()?;
        Some((self.starts.get(first..=last)?, &self.places))
    }

    /// The number of spikes that a Poisson generator sends over one of its connections.
    #[must_use]
    pub fn poisson_count(&self, generator: u32, train: TrainKey, stamp: i64) -> u32 {
        match self.trains.get(&generator) {
            Some(Train { mean, seed, active }) if stamp > 0 && active.contains(stamp) => {
                poisson(mean.at(stamp), *seed, generator, train, stamp)
            }
            _ => 0,
        }
    }

    /// Takes over what Poisson generators emit from now on.
    pub fn set_trains(&mut self, stimuli: &Stimuli) {
        self.trains.clear();
        for generator in &stimuli.generators {
            if let Source::Poisson { mean, generator: id } = &generator.source {
                let train = Train { mean: mean.clone(), seed: stimuli.seed, active: generator.active };
                self.trains.insert(*id, train);
            }
        }
    }

    /// Lays out the stamps up to `last`, included. Returns false if that was cancelled, and lays out none.
    pub fn extend_to(&mut self, stimuli: &Stimuli, last: i64, control: &RunControl) -> bool {
        let from = self.end();
        if last < from {
            return true;
        }
        if self.flights.is_empty() && !stimuli.repeat() {
            return self.extend_without_parrots(stimuli, from, last, control);
        }
        let row = |stamp: i64| (stamp - from) as usize;
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.begin((last - from + 1) as usize);
        for flight in self.flights.iter().filter(|flight| (from..=last).contains(&flight.arrival)) {
            scratch.push(row(flight.arrival), flight.place, flight.count);
        }
        let flights = self.flights.len();
        for generator in &stimuli.generators {
            if control.cancelled() {
                self.flights.truncate(flights);
                self.scratch = scratch;
                return false;
            }
            match &generator.source {
                Source::Times { times, multiplicities, origin } => {
                    let train =
                        GivenSpikes { times, multiplicities, origin: *origin, active: generator.active };
                    train.between(stimuli, from, last, |stamp, count| {
                        scratch.push(row(stamp), generator.place, count);
                    });
                }
                Source::Poisson { mean, generator: id } => {
                    let onward = stimuli.onward(generator.place);
                    if mean.is_none() || onward.is_empty() {
                        continue;
                    }
                    let active = from.max(1).max(generator.active.start.saturating_add(1))
                        ..=last.min(generator.active.stop);
                    for stamp in active {
                        let mean = mean.at(stamp);
                        for onward in onward {
                            let count = poisson(mean, stimuli.seed, *id, onward.train, stamp);
                            self.send(*onward, stamp, count, from, last, &mut scratch);
                        }
                    }
                }
            }
        }
        for stamp in from..=last {
            scratch.collect(row(stamp));
            let events = std::mem::take(&mut scratch.events);
            let counted = events.iter().filter(|(place, _)| stimuli.counts(*place));
            self.counts.push(counted.map(|(_, count)| u64::from(*count)).sum());
            for (place, count) in &events {
                if stimuli.is_heard(*place) {
                    self.places.push(*place);
                    self.multiplicities.push(*count);
                }
                for onward in stimuli.onward(*place) {
                    self.send(*onward, stamp, *count, from, last, &mut scratch);
                }
            }
            scratch.events = events;
            self.starts.push(self.places.len());
        }
        self.scratch = scratch;
        true
    }

    /// As [`Self::extend_to`], where no parrot repeats anything: spikes are sorted by stamp by counting them, and stay in
    /// the order of generators, which is that of places.
    fn extend_without_parrots(
        &mut self,
        stimuli: &Stimuli,
        from: i64,
        last: i64,
        control: &RunControl,
    ) -> bool {
        let rows = (last - from + 1) as usize;
        let Sorting { next, spikes } = &mut self.sorting;
        spikes.clear();
        next.clear();
        next.resize(rows, 0);
        let rows_before = self.counts.len();
        self.counts.resize(rows_before + rows, 0);
        let counts = &mut self.counts[rows_before..];
        for generator in &stimuli.generators {
            if control.cancelled() {
                self.counts.truncate(rows_before);
                return false;
            }
            let place = generator.place;
            let (is_heard, is_counted) = (stimuli.is_heard(place), stimuli.counts(place));
            let Source::Times { times, multiplicities, origin } = &generator.source else { continue };
            if !is_heard && !is_counted {
                continue;
            }
            let train = GivenSpikes { times, multiplicities, origin: *origin, active: generator.active };
            train.between(stimuli, from, last, |stamp, count| {
                let row = (stamp - from) as u32;
                if is_counted {
                    counts[row as usize] += u64::from(count);
                }
                match spikes.last_mut() {
                    _ if !is_heard => {}
                    Some((same, its, before)) if (*same, *its) == (row, place) => {
                        *before = before.saturating_add(count);
                    }
                    _ => {
                        next[row as usize] += 1;
                        spikes.push((row, place, count));
                    }
                }
            });
        }
        let mut end = self.places.len();
        for next in &mut *next {
            let count = std::mem::replace(next, end);
            end += count;
            self.starts.push(end);
        }
        self.places.resize(end, 0);
        self.multiplicities.resize(end, 0);
        for (row, place, count) in spikes {
            let at = &mut next[*row as usize];
            (self.places[*at], self.multiplicities[*at]) = (*place, *count);
            *at += 1;
        }
        true
    }

    /// Sends spikes to a parrot, which repeats them in its own time.
    fn send(&mut self, onward: Onward, stamp: i64, count: u32, from: i64, last: i64, scratch: &mut Scratch) {
        if count == 0 {
            return;
        }
        let arrival = stamp + i64::from(onward.delay);
        self.flights.push(Flight { arrival, emitted: stamp, place: onward.target, count });
        if arrival <= last {
            scratch.push((arrival - from) as usize, onward.target, count);
        }
    }

    /// Drops the flights that have arrived by the stamp `reached`.
    pub fn land(&mut self, reached: i64) {
        self.flights.retain(|flight| flight.arrival > reached);
    }

    /// Takes back what was laid out beyond the stamp `reached`, which no step has come to.
    pub fn take_back(&mut self, reached: i64) {
        let rows = (reached - self.first + 1).max(0) as usize;
        if rows + 1 < self.starts.len() {
            self.starts.truncate(rows + 1);
            self.counts.truncate(rows);
            let events = self.starts[rows];
            self.places.truncate(events);
            self.multiplicities.truncate(events);
        }
        self.flights.retain(|flight| flight.arrival > reached && flight.emitted <= reached);
    }

    /// Forgets stamps before `stamp`.
    pub fn forget_before(&mut self, stamp: i64) {
        let rows = (stamp - self.first).clamp(0, self.starts.len() as i64 - 1) as usize;
        // Moving what is kept costs as much as what is dropped saves, so wait until the latter prevails.
        if rows * 2 >= self.starts.len() {
            self.forget(rows);
        }
    }

    /// As [`Self::forget_before`], and at once.
    pub fn trim_before(&mut self, stamp: i64) {
        self.forget((stamp - self.first).clamp(0, self.starts.len() as i64 - 1) as usize);
    }

    fn forget(&mut self, rows: usize) {
        let events = self.starts[rows];
        self.places.drain(..events);
        self.multiplicities.drain(..events);
        self.starts.drain(..rows);
        self.counts.drain(..rows);
        for start in &mut self.starts {
            *start -= events;
        }
        self.first += rows as i64;
    }

    /// Whether it holds all that was sent from a stamp on.
    #[must_use]
    pub fn reaches_back_to(&self, stamp: i64) -> bool {
        self.first <= stamp.max(1)
    }

    /// Bytes held.
    #[must_use]
    pub fn bytes(&self) -> usize {
        (self.starts.capacity() + self.counts.capacity()) * 8
            + (self.places.capacity() + self.multiplicities.capacity()) * 4
            + self.flights.capacity() * size_of::<Flight>()
    }
}

impl Persist for Emission {
    fn persist(&mut self, archive: &mut Archive<'_>) -> Result<()> {
        // A new field needs a place here. Trains follow from the description.
        // What was counted is no part of what follows.
        let Self {
            first: _,
            starts: _,
            places: _,
            multiplicities: _,
            counts: _,
            flights: _,
            shown: _,
            scratch: _,
            sorting: _,
            trains: _,
        } = self;
        archive.number("first", &mut self.first)?;
        // In states of versions before, weight recorders have seen nothing of what is on its way.
        if archive.reads() && !archive.holds("shown") {
            self.shown = 0;
        } else {
            archive.number("shown", &mut self.shown)?;
        }
        archive.list("starts", &mut self.starts)?;
        archive.list("places", &mut self.places)?;
        archive.list("multiplicities", &mut self.multiplicities)?;
        if archive.reads() {
            self.counts = vec![0; self.starts.len().saturating_sub(1)];
        }
        let whole = self.starts.is_sorted()
            && self.starts.first() == Some(&0)
            && self.starts.last() == Some(&self.places.len())
            && self.places.len() == self.multiplicities.len();
        if !whole {
            return Err(archive.misfit("starts", "ends beyond the list"));
        }
        // In one order, however the steps in which they were sent were cut.
        self.flights
            .sort_unstable_by_key(|flight| (flight.arrival, flight.emitted, flight.place, flight.count));
        let mut arrivals: Vec<i64> = self.flights.iter().map(|flight| flight.arrival).collect();
        let mut emitted: Vec<i64> = self.flights.iter().map(|flight| flight.emitted).collect();
        let mut places: Vec<u32> = self.flights.iter().map(|flight| flight.place).collect();
        let mut counts: Vec<u32> = self.flights.iter().map(|flight| flight.count).collect();
        archive.list("flights.arrivals", &mut arrivals)?;
        archive.list("flights.emitted", &mut emitted)?;
        archive.list("flights.places", &mut places)?;
        archive.list("flights.counts", &mut counts)?;
        if [emitted.len(), places.len(), counts.len()] != [arrivals.len(); 3] {
            return Err(archive.misfit("flights.arrivals", "not one for each spike"));
        }
        self.flights = arrivals
            .into_iter()
            .zip(emitted)
            .zip(places.into_iter().zip(counts))
            .map(|((arrival, emitted), (place, count))| Flight { arrival, emitted, place, count })
            .collect();
        let ascending = |row: &[usize]| self.places[row[0]..row[1]].is_sorted_by(|a, b| a < b);
        let possible = |count: &u32| (1..=1_000_000_000).contains(count);
        let counts = self.flights.iter().map(|flight| &flight.count);
        if !(1..=LAST).contains(&self.first)
            || !self.starts.windows(2).all(ascending)
            || !self.multiplicities.iter().chain(counts).all(possible)
        {
            return Err(archive.misfit("places", "not those of spikes"));
        }
        Ok(())
    }
}

impl Emission {
    /// Whether it can be what so many sources have emitted until step `now`.
    #[must_use]
    pub fn fits(&self, places: usize, now: i64) -> bool {
        let flights = self.flights.iter().map(|flight| flight.place);
        let on_their_way = self
            .flights
            .iter()
            .all(|flight| (0..=now).contains(&flight.emitted) && (now + 1..=LAST).contains(&flight.arrival));
        on_their_way
            && self.end() > now
            && (0..=now).contains(&self.shown)
            && self.places.iter().copied().chain(flights).all(|place| (place as usize) < places)
    }
}

/// The number of spikes of one Poisson train in one step. It is a function of the train and the step alone, so
/// neither the way a simulation is cut nor the number of threads can change it.
fn poisson(mean: f64, seed: u32, generator: u32, train: TrainKey, stamp: i64) -> u32 {
    // Each number has a round of its own, so that no two trains share a key.
    let mut state = u64::from(seed) << 32 | u64::from(generator);
    state = mix(state) ^ (train.projection as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    state = mix(state) ^ (train.entry as u64).wrapping_mul(0xd1b5_4a32_d192_ed03);
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
            let train = TrainKey { projection: 2, entry: 5 };
            let counts: Vec<f64> =
                (1..=n).map(|stamp| f64::from(poisson(mean, 7, 3, train, stamp))).collect();
            let average = counts.iter().sum::<f64>() / n as f64;
            let variance = counts.iter().map(|count| (count - average).powi(2)).sum::<f64>() / n as f64;
            let error = (mean / n as f64).sqrt();
            assert!((average - mean).abs() < 5.0 * error, "{average} for {mean}");
            assert!((variance / mean - 1.0).abs() < 0.1, "{variance} for {mean}");
        }
    }
}
