//! Recording: columns per recorder, handed out by moving them.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::base::error::Result;
use crate::base::state::{Archive, Persist};
use crate::describe::network::NodeId;

pub mod evaluation;
pub mod spikes;
pub mod states;
pub mod weights;

pub use evaluation::{Evaluated, Evaluation};
pub use spikes::SpikeEvents;
pub use states::{Recordable, StateEvents, Tap, TapChunk};
pub use weights::WeightEvents;

/// A column of recorded values.
#[derive(Debug, Clone, PartialEq)]
pub enum EventColumn {
    /// Numbers.
    Floats(Vec<f64>),
    /// Node ids.
    Ids(Vec<u32>),
}

/// What a recorder holds: columns of equal length, ordered by time, then by sender.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Events {
    /// Names and values.
    pub columns: Vec<(&'static str, EventColumn)>,
}

impl Events {
    /// Number of events.
    #[must_use]
    pub fn len(&self) -> usize {
        self.columns.first().map_or(0, |(_, column)| match column {
            EventColumn::Floats(values) => values.len(),
            EventColumn::Ids(values) => values.len(),
        })
    }

    /// Whether nothing was recorded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Bytes of a recorded spike: its stamp and sender.
pub const SPIKE: usize = 8 + 4;
/// Bytes of a recorded weight: its stamp, sender, target, receptor and value.
pub const WEIGHT: usize = 8 + 4 + 4 + 4 + 8;

/// Moves all of a list to the end of one that grows for long.
fn append<T>(list: &mut Vec<T>, more: &mut Vec<T>) {
    if list.capacity() - list.len() < more.len() {
        list.reserve_exact(more.len().max(list.len() / 8));
    }
    list.append(more);
}

/// What all recorders of a kernel hold, by their node ids.
#[derive(Debug, Clone, Default)]
pub struct Recordings {
    /// Spike recorders.
    pub spikes: BTreeMap<NodeId, SpikeEvents>,
    /// Multimeters.
    pub states: BTreeMap<NodeId, StateEvents>,
    /// Weight recorders.
    pub weights: BTreeMap<NodeId, WeightEvents>,
    /// What is made of the readouts' signals that multimeters record, in place of keeping them.
    pub evaluations: BTreeMap<NodeId, Evaluation>,
    /// How many events recorders have had and hold no more, because they went into files or are recorded to elsewhere now.
    pub gone: BTreeMap<NodeId, i64>,
}

impl Recordings {
    /// Bytes held.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let chunks = self.states.values().flat_map(|held| &held.chunks);
        let states: usize = chunks
            .map(|(_, chunk)| {
                8 * (chunk.stamps.capacity() + chunk.streams.iter().map(Vec::capacity).sum::<usize>())
            })
            .sum();
        self.event_bytes() as usize + states
    }

    /// Bytes that recorders of spikes and weights hold.
    #[must_use]
    pub fn event_bytes(&self) -> u64 {
        let spikes: usize = self.spikes.values().map(|held| held.stamps.capacity() * SPIKE).sum();
        let weights: usize = self.weights.values().map(|held| held.stamps.capacity() * WEIGHT).sum();
        (spikes + weights) as u64
    }

    /// Bytes of what was recorded, without spare room.
    #[must_use]
    pub fn used_bytes(&self) -> u64 {
        let spikes: usize = self.spikes.values().map(|held| held.stamps.len() * SPIKE).sum();
        let weights: usize = self.weights.values().map(|held| held.stamps.len() * WEIGHT).sum();
        let chunks = self.states.values().flat_map(|held| &held.chunks);
        let numbers =
            |chunk: &TapChunk| chunk.stamps.len() + chunk.streams.iter().map(Vec::len).sum::<usize>();
        (spikes + weights) as u64 + chunks.map(|(_, chunk)| 8 * numbers(chunk) as u64).sum::<u64>()
    }

    /// Takes over what weight recorders have seen, by recorder.
    pub fn take_weights(&mut self, recorders: impl Iterator<Item = NodeId>, seen: Vec<WeightEvents>) {
        for (recorder, mut events) in recorders.zip(seen) {
            self.weights.entry(recorder).or_default().append(&mut events);
        }
    }

    /// Makes room for what multimeters record in the steps from `from` on to `to`.
    ///
    /// # Errors
    /// `OutOfMemory` where the system has none.
    pub fn make_room<'a>(&mut self, taps: impl Iterator<Item = &'a Tap>, from: i64, to: i64) -> Result<()> {
        for tap in taps {
            if self.evaluations.contains_key(&tap.recorder) {
                continue;
            }
            let rows = usize::try_from(tap.window.count(from, to)).unwrap_or(usize::MAX);
            self.chunk(tap).make_room(rows, tap.held.len())?;
        }
        Ok(())
    }

    /// Whether rows of a tap were recorded before.
    #[must_use]
    pub fn has_chunk(&self, tap: &Tap) -> bool {
        self.states.get(&tap.recorder).is_some_and(|held| held.open_chunk(tap).is_some())
    }

    /// The chunk that rows of a tap go to; it is made when the tap is first seen or has changed.
    pub fn chunk(&mut self, tap: &Tap) -> &mut TapChunk {
        let held = self.states.entry(tap.recorder).or_default();
        let place = held.open_chunk(tap).unwrap_or_else(|| held.open(tap));
        &mut held.chunks[place].1
    }

    /// Evaluates what has been recorded up to time `now` (steps) and is to be.
    pub fn evaluate(&mut self, now: i64) {
        let unit = TimeUnit::new(1.0, true);
        for (recorder, evaluation) in &mut self.evaluations {
            let Some(held) = self.states.get_mut(recorder) else { continue };
            let width = evaluation.how().readouts;
            let shown = [Recordable::ReadoutSignal, Recordable::TargetSignal];
            let add = |stamps: &[i64], signals: &[f64], targets: &[f64]| {
                evaluation.add(stamps, signals, targets);
            };
            if held.take_rows(shown, width, now, add) {
                continue;
            }
            let columns = held.take(&shown, unit, now).columns;
            if let [
                (_, EventColumn::Floats(times)),
                _,
                (_, EventColumn::Floats(signals)),
                (_, EventColumn::Floats(targets)),
            ] = &columns[..]
            {
                let stamps: Vec<i64> = times.iter().step_by(width).map(|time| *time as i64).collect();
                evaluation.add(&stamps, signals, targets);
            }
        }
    }

    /// Says which taps there are now: those that were there before and are not any more, or are changed, have no late
    /// rows to come, and begin anew if they come back.
    pub fn keep_taps(&mut self, taps: &[&Tap]) {
        self.states.values_mut().for_each(|held| held.close_others(taps));
    }
}

impl Persist for Recordings {
    fn persist(&mut self, archive: &mut Archive<'_>) -> Result<()> {
        archive.parts("spikes", &mut self.spikes, SpikeEvents::default)?;
        archive.parts("states", &mut self.states, StateEvents::default)?;
        archive.parts("weights", &mut self.weights, WeightEvents::default)?;
        // States of versions before have none.
        if archive.reads() && !archive.holds("evaluations") {
            self.evaluations.clear();
        } else {
            archive.parts("evaluations", &mut self.evaluations, Evaluation::default)?;
        }
        if archive.reads() && !archive.holds("gone.keys") {
            self.gone.clear();
            return Ok(());
        }
        archive.map("gone", &mut self.gone)
    }
}

/// Steps to the unit that times are read in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TimeUnit {
    tics_per_step: f64,
    in_steps: bool,
}

impl TimeUnit {
    /// Milliseconds, or steps if asked for.
    #[must_use]
    pub fn new(resolution: f64, in_steps: bool) -> Self {
        Self { tics_per_step: (resolution * 1000.0).round(), in_steps }
    }

    /// A stamp as the user reads it. Through whole microseconds, so that step 82 of 0.1 ms is 8.2, not 8.200000000000001.
    #[must_use]
    pub fn time(self, stamp: i64) -> f64 {
        if self.in_steps { stamp as f64 } else { stamp as f64 * self.tics_per_step / 1000.0 }
    }
}

/// Stamps of which the last ones of each sequence are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sequences {
    /// Stamp of the first step of a sequence.
    pub first: i64,
    /// Steps of a sequence.
    pub steps: i64,
    /// Steps at its end that are kept.
    pub window: i64,
}

impl Sequences {
    /// Whether a stamp is kept.
    #[must_use]
    pub fn contains(&self, stamp: i64) -> bool {
        (stamp - self.first).rem_euclid(self.steps) >= self.steps - self.window
    }

    /// How many of the stamps from the first on, up to `to`, are kept; negative for one before the first.
    fn count(&self, to: i64) -> i64 {
        let after = to + 1 - self.first;
        let begun = after.rem_euclid(self.steps);
        after.div_euclid(self.steps) * self.window + (begun - (self.steps - self.window)).max(0)
    }
}

/// Which stamps a recorder keeps.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Window {
    /// Stamps up to this one are not kept.
    pub start: i64,
    /// Stamps after this one are not kept.
    pub stop: i64,
    /// Steps between samples.
    pub interval: i64,
    /// Stamp of the first sample; 0 for a full interval after the begin of time.
    pub offset: i64,
    /// The sequences of whose steps the last ones alone are kept.
    pub sequences: Option<Sequences>,
}

impl Window {
    /// Whether a stamp is kept.
    #[must_use]
    #[inline]
    pub fn contains(&self, stamp: i64) -> bool {
        stamp > self.start
            && stamp <= self.stop
            && stamp >= self.offset
            && (self.interval == 1 || (stamp - self.offset).rem_euclid(self.interval) == 0)
            && self.sequences.is_none_or(|sequences| sequences.contains(stamp))
    }

    /// Those of a range of stamps that are kept.
    pub fn kept(&self, stamps: Range<i64>) -> impl Iterator<Item = i64> {
        let begin = stamps.start.max(self.start + 1).max(self.offset);
        let end = stamps.end.min(self.stop.saturating_add(1));
        let all = Sequences { first: begin, steps: i64::MAX, window: i64::MAX };
        let Sequences { first, steps, window } = self.sequences.unwrap_or(all);
        let (interval, offset) = (self.interval, self.offset);
        let sequences =
            std::iter::successors(Some(begin - (begin - first).rem_euclid(steps)), move |first| {
                first.checked_add(steps)
            });
        sequences
            .take_while(move |first| *first < end)
            .flat_map(move |first| begin.max(first + (steps - window))..end.min(first.saturating_add(steps)))
            .filter(move |stamp| interval == 1 || (stamp - offset).rem_euclid(interval) == 0)
    }

    /// How many stamps after `from`, up to `to`, are kept.
    #[must_use]
    pub fn count(&self, from: i64, to: i64) -> u64 {
        let samples = |stamp: i64| stamp.saturating_sub(self.offset).div_euclid(self.interval);
        let (from, to) = (from.max(self.start), to.min(self.stop));
        if let Some(sequences) = self.sequences.filter(|_| self.interval == 1 && from < to) {
            return (sequences.count(to) - sequences.count(from)) as u64;
        }
        if to <= from { 0 } else { samples(to).saturating_sub(samples(from)).max(0) as u64 }
    }
}

/// The order that sorts events by time, then sender; `None` if they are in order already.
fn order(stamps: &[i64], senders: &[u32]) -> Option<Vec<usize>> {
    let key = |event: usize| (stamps[event], senders[event]);
    if (1..stamps.len()).all(|event| key(event - 1) <= key(event)) {
        return None;
    }
    let mut order: Vec<usize> = (0..stamps.len()).collect();
    order.sort_by_key(|event| key(*event));
    Some(order)
}

/// Values in a new order.
fn permuted<T: Copy>(values: Vec<T>, order: Option<&[usize]>) -> Vec<T> {
    match order {
        None => values,
        Some(order) => order.iter().map(|place| values[*place]).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_that_are_kept_are_those_that_a_window_contains() {
        let of = |first, steps, window| Some(Sequences { first, steps, window });
        for sequences in [None, of(1, 7, 7), of(1, 7, 3), of(5, 4, 1), of(-9, 10, 2), of(30, 6, 5)] {
            for (start, stop) in [(0, i64::MAX), (0, 40), (12, 33), (20, 20)] {
                for (interval, offset) in [(1, 0), (1, 15), (3, 0), (4, 9)] {
                    let window = Window { start, stop, interval, offset, sequences };
                    for (from, to) in [(0, 60), (-3, 2), (17, 18), (9, 31), (25, 25)] {
                        let kept: Vec<i64> = window.kept(from..to).collect();
                        let contained: Vec<i64> =
                            (from..to).filter(|stamp| window.contains(*stamp)).collect();
                        assert_eq!(kept, contained, "{window:?}, {from} to {to}");
                        let counted = window.count(from - 1, to - 1);
                        let exact = interval == 1 && offset == 0;
                        assert!(!exact || counted == kept.len() as u64, "{window:?}, {from} to {to}");
                        assert!(counted >= kept.len() as u64, "{window:?}, {from} to {to}");
                    }
                }
            }
        }
    }
}
