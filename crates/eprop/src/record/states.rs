//! Recorded state variables.
//!
//! Some recordables show in a step what belongs to an earlier one (docs/derivation.md, Dynamics): they come as streams
//! of their own, each in the order of the steps that show them, and are read as far as all of them reach.

use crate::base::error::Result;
use crate::base::memory::make_room;
use crate::base::state::layout::{Cells, Layout};
use crate::base::state::{Archive, Persist};
use crate::describe::kernel_parameters::LAST_STEP;
use crate::record::{EventColumn, Events, Sequences, TimeUnit, Window, append, order, permuted};

/// What a multimeter can record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recordable {
    /// Membrane voltage.
    Voltage,
    /// Surrogate gradient.
    SurrogateGradient,
    /// Learning signal.
    LearningSignal,
    /// Adaptation.
    Adaptation,
    /// Adaptive threshold.
    AdaptiveThreshold,
    /// Span of time that the learning rule keeps a history of.
    HistoryDuration,
    /// Readout signal.
    ReadoutSignal,
    /// Readout signal before it is normalized.
    ReadoutSignalUnnormalized,
    /// Target signal.
    TargetSignal,
    /// Error signal.
    ErrorSignal,
    /// What a rate generator emits.
    Rate,
    /// What a current generator sends (pA).
    Current,
}

impl Recordable {
    /// All recordables.
    pub const ALL: [Self; 12] = [
        Self::Voltage,
        Self::SurrogateGradient,
        Self::LearningSignal,
        Self::Adaptation,
        Self::AdaptiveThreshold,
        Self::HistoryDuration,
        Self::ReadoutSignal,
        Self::ReadoutSignalUnnormalized,
        Self::TargetSignal,
        Self::ErrorSignal,
        Self::Rate,
        Self::Current,
    ];

    /// NEST's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Voltage => "V_m",
            Self::SurrogateGradient => "surrogate_gradient",
            Self::LearningSignal => "learning_signal",
            Self::Adaptation => "adaptation",
            Self::AdaptiveThreshold => "V_th_adapt",
            Self::HistoryDuration => "eprop_history_duration",
            Self::ReadoutSignal => "readout_signal",
            Self::ReadoutSignalUnnormalized => "readout_signal_unnorm",
            Self::TargetSignal => "target_signal",
            Self::ErrorSignal => "error_signal",
            Self::Rate => "rate",
            Self::Current => "I",
        }
    }

    /// The recordable of that name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|recordable| recordable.name() == name)
    }
}

/// What a multimeter records from one population.
#[derive(Debug, Clone, Default)]
pub struct Tap {
    /// The multimeter's node id.
    pub recorder: u32,
    /// The recorded neurons' ids, ascending, whichever rank has them.
    pub nodes: Vec<u32>,
    /// Their places in their population.
    pub places: Vec<u32>,
    /// Those of them that this process has: it records these.
    pub held: Vec<u32>,
    /// Places of these among those of their population that this process has.
    pub held_places: Vec<u32>,
    /// What is recorded, one stream each.
    pub recordables: Vec<Recordable>,
    /// Which stamps are kept.
    pub window: Window,
}

impl PartialEq for Tap {
    fn eq(&self, other: &Self) -> bool {
        // Places follow from nodes.
        let Self { recorder, nodes, places: _, held, held_places: _, recordables, window } = self;
        (*recorder, *window) == (other.recorder, other.window)
            && *recordables == other.recordables
            && *nodes == other.nodes
            && *held == other.held
    }
}

impl Tap {
    /// Bytes of what is recorded in the steps from `from` on to `to`.
    #[must_use]
    pub fn bytes(&self, from: i64, to: i64) -> u64 {
        let row = 8 + 8 * self.held.len() as u64 * self.recordables.len() as u64;
        self.window.count(from, to).saturating_mul(row)
    }
}

/// Steps after which all streams show what belongs to a step.
const LATEST: usize = 4;

/// Rows recorded for one tap.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TapChunk {
    /// Stamps of the rows.
    pub stamps: Vec<i64>,
    /// One stream per recordable, `held.len()` values a row.
    pub streams: Vec<Vec<f64>>,
    /// Whether no more rows come: its tap was taken away or changed.
    pub closed: bool,
    /// Which one it was of its multimeter's, the same at all ranks.
    pub(super) serial: u64,
}

impl TapChunk {
    /// Empty streams for a tap.
    #[must_use]
    pub fn new(tap: &Tap) -> Self {
        Self { streams: vec![Vec::new(); tap.recordables.len()], ..Self::default() }
    }

    /// Moves all rows of another to the end of this one.
    pub fn append(&mut self, other: &mut Self) {
        append(&mut self.stamps, &mut other.stamps);
        for (stream, more) in self.streams.iter_mut().zip(&mut other.streams) {
            append(stream, more);
        }
    }

    /// Takes no more rows. Streams that run ahead of the stamps end with them.
    fn close(&mut self, width: usize) {
        self.closed = true;
        let rows = self.stamps.len() * width;
        self.streams.iter_mut().for_each(|stream| stream.truncate(rows));
    }

    /// Makes room for so many more rows of `width` values.
    ///
    /// # Errors
    /// `OutOfMemory` where the system has none.
    pub fn make_room(&mut self, rows: usize, width: usize) -> Result<()> {
        make_room(&mut self.stamps, rows, "what multimeters record")?;
        for stream in &mut self.streams {
            // Rows that show late may be longer by some.
            make_room(
                stream,
                (rows.saturating_add(LATEST)).saturating_mul(width),
                "what multimeters record",
            )?;
        }
        Ok(())
    }

    /// Forgets all rows.
    pub fn clear(&mut self) {
        self.stamps.clear();
        self.streams.iter_mut().for_each(Vec::clear);
    }
}

/// What one multimeter holds.
#[derive(Debug, Clone, Default)]
pub struct StateEvents {
    /// Rows of each of its taps.
    pub chunks: Vec<(Tap, TapChunk)>,
    /// How many there have been.
    opened: u64,
}

impl StateEvents {
    /// Where rows of a tap go to now.
    pub(super) fn open_chunk(&self, tap: &Tap) -> Option<usize> {
        self.chunks.iter().position(|(known, chunk)| !chunk.closed && known == tap)
    }

    /// Begins rows of a tap; their place.
    pub(super) fn open(&mut self, tap: &Tap) -> usize {
        self.chunks.push((tap.clone(), TapChunk { serial: self.opened, ..TapChunk::new(tap) }));
        self.opened += 1;
        self.chunks.len() - 1
    }

    /// Closes the chunks of all taps but these, and forgets those that are empty.
    pub(super) fn close_others(&mut self, taps: &[&Tap]) {
        for (tap, chunk) in &mut self.chunks {
            if !chunk.closed && !taps.contains(&&*tap) {
                chunk.close(tap.held.len());
            }
        }
        self.chunks.retain(|(_, chunk)| !chunk.closed || !chunk.stamps.is_empty());
    }

    /// Number of rows of a chunk that are complete at time `now` (steps).
    fn complete(tap: &Tap, chunk: &TapChunk, now: i64) -> usize {
        let width = tap.held.len().max(1);
        let reached = chunk.stamps.partition_point(|stamp| *stamp <= now);
        if tap.held.is_empty() {
            return reached;
        }
        chunk
            .streams
            .iter()
            .map(|stream| stream.len() / width)
            .min()
            .map_or(reached, |rows| rows.min(reached))
    }

    /// The stamp of the first row.
    #[must_use]
    pub fn first_stamp(&self) -> Option<i64> {
        self.chunks.iter().filter_map(|(_, chunk)| chunk.stamps.first().copied()).min()
    }

    /// How many events can be read at time `now` (steps).
    #[must_use]
    pub fn len(&self, now: i64) -> usize {
        self.chunks.iter().map(|(tap, chunk)| Self::complete(tap, chunk, now) * tap.held.len()).sum()
    }

    /// Copies what can be read at time `now` (steps).
    #[must_use]
    pub fn events(&self, recordables: &[Recordable], unit: TimeUnit, now: i64) -> Events {
        self.clone().take(recordables, unit, now)
    }

    /// Hands out the rows of two recordables that can be read at time `now` (steps), with their stamps, and forgets them.
    /// Returns false, with nothing done, where rows of `width` values are not those of one tap after the other.
    pub fn take_rows(
        &mut self,
        shown: [Recordable; 2],
        width: usize,
        now: i64,
        mut hand_out: impl FnMut(&[i64], &[f64], &[f64]),
    ) -> bool {
        let places = |tap: &Tap| {
            let place_of = |recordable| tap.recordables.iter().position(|other| *other == recordable);
            Some([place_of(shown[0])?, place_of(shown[1])?])
        };
        let is_whole = |(tap, _): &(Tap, TapChunk)| tap.held.len() == width && places(tap).is_some();
        let in_turn =
            self.chunks.windows(2).all(|two| match (two[0].1.stamps.last(), two[1].1.stamps.first()) {
                (Some(last), Some(first)) => last < first,
                _ => true,
            });
        if !in_turn || !self.chunks.iter().all(is_whole) {
            return false;
        }
        for (tap, chunk) in &mut self.chunks {
            let rows = Self::complete(tap, chunk, now);
            if let Some([one, other]) = places(tap) {
                let values = |stream: usize| &chunk.streams[stream][..rows * width];
                hand_out(&chunk.stamps[..rows], values(one), values(other));
            }
            chunk.stamps.drain(..rows);
            chunk.streams.iter_mut().for_each(|stream| drop(stream.drain(..rows * width)));
        }
        true
    }

    /// Moves out what can be read at time `now` (steps); rows that are not yet complete stay.
    pub fn take(&mut self, recordables: &[Recordable], unit: TimeUnit, now: i64) -> Events {
        let count = self.len(now);
        let mut stamps = Vec::with_capacity(count);
        let mut senders = Vec::with_capacity(count);
        let mut columns: Vec<Vec<f64>> = vec![Vec::new(); recordables.len()];
        for (tap, chunk) in &mut self.chunks {
            let filled = stamps.len();
            let rows = Self::complete(tap, chunk, now);
            let width = tap.held.len();
            for stamp in chunk.stamps.drain(..rows) {
                stamps.extend(std::iter::repeat_n(stamp, width));
                senders.extend_from_slice(&tap.held);
            }
            for (recordable, column) in recordables.iter().zip(&mut columns) {
                let stream = tap.recordables.iter().position(|other| other == recordable);
                debug_assert_eq!(column.len(), filled);
                let Some(stream) = stream.map(|place| &mut chunk.streams[place]) else {
                    column.resize(filled + rows * width, f64::NAN);
                    continue;
                };
                if column.is_empty() && stream.len() == rows * width {
                    *column = std::mem::take(stream);
                } else {
                    column.extend(stream.drain(..rows * width));
                }
            }
        }
        for place in 1..recordables.len() {
            let (before, rest) = columns.split_at_mut(place);
            if let Some(first) = recordables[..place].iter().position(|other| *other == recordables[place]) {
                rest[0].clone_from(&before[first]);
            }
        }
        let order = order(&stamps, &senders);
        let times = permuted(stamps, order.as_deref()).into_iter().map(|stamp| unit.time(stamp)).collect();
        let mut events = Events {
            columns: vec![
                ("times", EventColumn::Floats(times)),
                ("senders", EventColumn::Ids(permuted(senders, order.as_deref()))),
            ],
        };
        for (recordable, column) in recordables.iter().zip(columns) {
            events.columns.push((recordable.name(), EventColumn::Floats(permuted(column, order.as_deref()))));
        }
        events
    }
}

impl Persist for Tap {
    fn persist(&mut self, archive: &mut Archive<'_>) -> Result<()> {
        archive.number("recorder", &mut self.recorder)?;
        archive.list("nodes", &mut self.nodes)?;
        archive.list("places", &mut self.places)?;
        // One process has all.
        if archive.has("held", archive.is_for_ranks()) {
            let layout = archive.cells(|| Cells::columns(&self.held));
            archive.of_ranks(&layout).list("held", &mut self.held)?;
        } else if archive.reads() {
            self.held.clone_from(&self.nodes);
        }
        let mut names = self.recordables.iter().map(|recordable| recordable.name().to_owned()).collect();
        archive.texts("recordables", &mut names)?;
        self.recordables = names
            .iter()
            .map(|name| {
                let unknown = || archive.misfit("recordables", format!("there is no recordable {name}"));
                Recordable::by_name(name).ok_or_else(unknown)
            })
            .collect::<Result<_>>()?;
        let Window { start, stop, interval, offset, sequences } = &mut self.window;
        let mut window = [*start, *stop, *interval, *offset];
        archive.fixed("window", &mut window)?;
        [*start, *stop, *interval, *offset] = window;
        let possible = 1..=LAST_STEP as i64;
        let counted = persisted_sequences(archive, sequences)?;
        if !counted || !possible.contains(interval) || offset.unsigned_abs() > LAST_STEP as u64 {
            return Err(archive.misfit("window", format!("samples every {interval} steps from {offset} on")));
        }
        if self.nodes.len() != self.places.len() {
            return Err(archive.misfit("places", "not one for each node"));
        }
        Ok(())
    }
}

/// Returns whether they are possible.
fn persisted_sequences(archive: &mut Archive<'_>, sequences: &mut Option<Sequences>) -> Result<bool> {
    let mut numbers: Vec<i64> =
        sequences.iter().flat_map(|Sequences { first, steps, window }| [*first, *steps, *window]).collect();
    // States of versions before have none.
    if !archive.reads() || archive.holds("sequences") {
        archive.list("sequences", &mut numbers)?;
    }
    let last = LAST_STEP as i64;
    *sequences = match numbers[..] {
        [first, steps, window] => Some(Sequences { first, steps, window }),
        _ => None,
    };
    Ok(match sequences {
        Some(Sequences { first, steps, window }) => {
            (-last..=last).contains(first) && (1..=last).contains(steps) && (1..=*steps).contains(window)
        }
        None => numbers.is_empty(),
    })
}

impl Persist for StateEvents {
    fn persist(&mut self, archive: &mut Archive<'_>) -> Result<()> {
        let mut count = self.chunks.len();
        let layout = archive.count_of("tap");
        archive.by(&layout).number("taps", &mut count)?;
        self.opened = self.opened.max(count as u64);
        if archive.has("opened", archive.is_for_ranks()) {
            archive.of_ranks(&Layout::Same).number("opened", &mut self.opened)?;
        }
        if archive.reads() {
            self.chunks.clear();
            for place in 0..count {
                self.chunks.push((Tap::default(), TapChunk { serial: place as u64, ..TapChunk::default() }));
                // As many as there are.
                if !archive.holds(&format!("tap.{place}.recorder")) {
                    return Err(archive.misfit("taps", format!("there is no tap {place}")));
                }
            }
        }
        for (place, (tap, chunk)) in self.chunks.iter_mut().enumerate() {
            let layout = archive.cells(|| Cells::columns(&tap.held));
            let key = Some([chunk.serial as i64, 0]);
            // A rank that has none of its neurons goes on with it, too.
            archive.within_part(("tap", place), key, &Layout::Same, |archive| {
                tap.persist(archive)?;
                if archive.has("serial", archive.is_for_ranks()) {
                    archive.of_ranks(&Layout::Same).number("serial", &mut chunk.serial)?;
                }
                archive.by(&layout.rows()).list("stamps", &mut chunk.stamps)?;
                archive.number("closed", &mut chunk.closed)?;
                chunk.streams.resize(tap.recordables.len(), Vec::new());
                for (recordable, stream) in tap.recordables.iter().zip(&mut chunk.streams) {
                    archive.by(&layout).list(recordable.name(), stream)?;
                }
                let width = tap.held.len().max(1);
                let whole = chunk.streams.iter().all(|stream| stream.len().is_multiple_of(width));
                if !whole || !chunk.stamps.is_sorted() {
                    return Err(archive.misfit("stamps", "rows that are not whole, or not in order"));
                }
                Ok(())
            })?;
        }
        Ok(())
    }
}
