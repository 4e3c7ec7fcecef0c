//! Recorded state variables.
//!
//! Some recordables show in a step what belongs to an earlier one (docs/derivation.md, Dynamics): they come as streams
//! of their own, each in the order of the steps that show them, and are read as far as all of them reach.

use crate::base::error::Result;
use crate::base::memory::make_room;
use crate::base::state::{Archive, Persist};
use crate::describe::kernel_parameters::LAST_STEP;
use crate::record::{EventColumn, Events, TimeUnit, Window, append, order, permuted};

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
#[derive(Debug, Clone, PartialEq)]
pub struct Tap {
    /// The multimeter's node id.
    pub recorder: u32,
    /// The recorded neurons' ids, ascending.
    pub nodes: Vec<u32>,
    /// Their places in their population.
    pub places: Vec<u32>,
    /// What is recorded, one stream each.
    pub recordables: Vec<Recordable>,
    /// Which stamps are kept.
    pub window: Window,
}

impl Tap {
    /// Bytes of what is recorded in the steps from `from` on to `to`.
    #[must_use]
    pub fn bytes(&self, from: i64, to: i64) -> u64 {
        let row = 8 + 8 * self.nodes.len() as u64 * self.recordables.len() as u64;
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
    /// One stream per recordable, `nodes.len()` values a row.
    pub streams: Vec<Vec<f64>>,
    /// Whether no more rows come: its tap was taken away or changed.
    pub closed: bool,
}

impl TapChunk {
    /// Empty streams for a tap.
    #[must_use]
    pub fn new(tap: &Tap) -> Self {
        Self { stamps: Vec::new(), streams: vec![Vec::new(); tap.recordables.len()], closed: false }
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
}

impl StateEvents {
    /// Where rows of a tap go to now.
    pub(super) fn open_chunk(&self, tap: &Tap) -> Option<usize> {
        self.chunks.iter().position(|(known, chunk)| !chunk.closed && known == tap)
    }

    /// Closes the chunks of all taps but these, and forgets those that are empty.
    pub(super) fn close_others(&mut self, taps: &[&Tap]) {
        for (tap, chunk) in &mut self.chunks {
            if !chunk.closed && !taps.contains(&&*tap) {
                chunk.close(tap.nodes.len());
            }
        }
        self.chunks.retain(|(_, chunk)| !chunk.closed || !chunk.stamps.is_empty());
    }

    /// Number of rows of a chunk that are complete at time `now` (steps).
    fn complete(tap: &Tap, chunk: &TapChunk, now: i64) -> usize {
        let width = tap.nodes.len().max(1);
        let reached = chunk.stamps.partition_point(|stamp| *stamp <= now);
        chunk
            .streams
            .iter()
            .map(|stream| stream.len() / width)
            .min()
            .map_or(reached, |rows| rows.min(reached))
    }

    /// How many events can be read at time `now` (steps).
    #[must_use]
    pub fn len(&self, now: i64) -> usize {
        self.chunks.iter().map(|(tap, chunk)| Self::complete(tap, chunk, now) * tap.nodes.len()).sum()
    }

    /// Copies what can be read at time `now` (steps).
    #[must_use]
    pub fn events(&self, recordables: &[Recordable], unit: TimeUnit, now: i64) -> Events {
        self.clone().take(recordables, unit, now)
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
            let width = tap.nodes.len();
            for stamp in chunk.stamps.drain(..rows) {
                stamps.extend(std::iter::repeat_n(stamp, width));
                senders.extend_from_slice(&tap.nodes);
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
        let mut names = self.recordables.iter().map(|recordable| recordable.name().to_owned()).collect();
        archive.texts("recordables", &mut names)?;
        self.recordables = names
            .iter()
            .map(|name| {
                let unknown = || archive.misfit("recordables", format!("there is no recordable {name}"));
                Recordable::by_name(name).ok_or_else(unknown)
            })
            .collect::<Result<_>>()?;
        let Window { start, stop, interval, offset } = &mut self.window;
        let mut window = [*start, *stop, *interval, *offset];
        archive.fixed("window", &mut window)?;
        [*start, *stop, *interval, *offset] = window;
        let possible = 1..=LAST_STEP as i64;
        if !possible.contains(interval) || offset.unsigned_abs() > LAST_STEP as u64 {
            return Err(archive.misfit("window", format!("samples every {interval} steps from {offset} on")));
        }
        if self.nodes.len() != self.places.len() {
            return Err(archive.misfit("places", "not one for each node"));
        }
        Ok(())
    }
}

impl Persist for StateEvents {
    fn persist(&mut self, archive: &mut Archive<'_>) -> Result<()> {
        let mut count = self.chunks.len();
        archive.number("taps", &mut count)?;
        if archive.reads() {
            let window = Window { start: 0, stop: 0, interval: 1, offset: 0 };
            let tap = Tap { recorder: 0, nodes: vec![], places: vec![], recordables: vec![], window };
            self.chunks.clear();
            for place in 0..count {
                self.chunks.push((tap.clone(), TapChunk::default()));
                // As many as there are.
                if !archive.holds(&format!("tap.{place}.recorder")) {
                    return Err(archive.misfit("taps", format!("there is no tap {place}")));
                }
            }
        }
        for (place, (tap, chunk)) in self.chunks.iter_mut().enumerate() {
            archive.within(&format!("tap.{place}"), |archive| {
                tap.persist(archive)?;
                archive.list("stamps", &mut chunk.stamps)?;
                archive.number("closed", &mut chunk.closed)?;
                chunk.streams.resize(tap.recordables.len(), Vec::new());
                for (recordable, stream) in tap.recordables.iter().zip(&mut chunk.streams) {
                    archive.list(recordable.name(), stream)?;
                }
                let width = tap.nodes.len().max(1);
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
