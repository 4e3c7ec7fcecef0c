//! Recording: columns per recorder, handed out by moving them.

use std::collections::BTreeMap;

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
            self.chunk(tap).make_room(rows, tap.nodes.len())?;
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
        let place = held.open_chunk(tap).unwrap_or_else(|| {
            held.chunks.push((tap.clone(), TapChunk::new(tap)));
            held.chunks.len() - 1
        });
        &mut held.chunks[place].1
    }

    /// Evaluates what has been recorded up to time `now` (steps) and is to be.
    pub fn evaluate(&mut self, now: i64) {
        let unit = TimeUnit::new(1.0, true);
        for (recorder, evaluation) in &mut self.evaluations {
            let Some(held) = self.states.get_mut(recorder) else { continue };
            let signals = [Recordable::ReadoutSignal, Recordable::TargetSignal];
            let columns = held.take(&signals, unit, now).columns;
            if let [.., (_, EventColumn::Floats(signals)), (_, EventColumn::Floats(targets))] = &columns[..] {
                evaluation.add(signals, targets);
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

/// Which stamps a recorder keeps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Window {
    /// Stamps up to this one are not kept.
    pub start: i64,
    /// Stamps after this one are not kept.
    pub stop: i64,
    /// Steps between samples.
    pub interval: i64,
    /// Stamp of the first sample; 0 for a full interval after the begin of time.
    pub offset: i64,
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
    }

    /// How many stamps after `from`, up to `to`, are kept.
    #[must_use]
    pub fn count(&self, from: i64, to: i64) -> u64 {
        let samples = |stamp: i64| stamp.saturating_sub(self.offset).div_euclid(self.interval);
        let (from, to) = (from.max(self.start), to.min(self.stop));
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
