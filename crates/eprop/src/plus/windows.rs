//! Windows of e-prop+ in constant time per spike: what neurons keep so that a synapse need not go through the steps
//! since its last spike one by one.
//!
//! Between two presynaptic spikes nothing new enters a synapse. What `n` steps do to its traces and to its gradient is
//! linear in the traces at their beginning, with coefficients of the postsynaptic neuron alone. Without adaptation:
//!
//! ```math
//! \begin{aligned}
//! \bar z' &= \alpha^n \bar z \\
//! \bar e' &= \kappa^n \bar e + P \bar z \\
//! \bar e_\mathrm{reg}' &= \kappa_\mathrm{reg}^n \bar e_\mathrm{reg} + Q \bar z \\
//! g' &= g + G_z \bar z + G_e \bar e + G_r \bar e_\mathrm{reg}
//! \end{aligned}
//! ```
//!
//! The map of `n₁` steps, then of `n₂`, is again such a map:
//!
//! ```math
//! \begin{aligned}
//! P &= \kappa^{n_2} P_1 + \alpha^{n_1} P_2, &\qquad G_e &= G_{e1} + \kappa^{n_1} G_{e2}, \\
//! Q &= \kappa_\mathrm{reg}^{n_2} Q_1 + \alpha^{n_1} Q_2, & G_r &= G_{r1} + \kappa_\mathrm{reg}^{n_1} G_{r2}, \\
//! G_z &= G_{z1} + \alpha^{n_1} G_{z2} + P_1 G_{e2} + Q_1 G_{r2}
//! \end{aligned}
//! ```
//!
//! With adaptation: docs/derivation.md, Windows in constant time.
//!
//! Steps come in chunks of [`CHUNK`]. A window that ends at the present consists of the rest of the chunk that it
//! begins in, of whole chunks, and of the begin of the present chunk. For each neuron there are
//!
//! - *suffixes*: by step, the map from it to the end of its chunk, made once the chunk is over;
//! - *spans*: by chunk, the map from its begin to the begin of the present chunk;
//! - a *prefix*: the map of the present chunk so far.
//!
//! So a window is at most three maps ([`map::WindowMap`]), and a neuron pays for about four composed steps a step,
//! whatever the number of its synapses.
//!
//! Everything here follows from the history alone, so it is made again from that where a simulation goes on.

pub mod map;
pub mod pass;

use std::ops::Range;

use crate::base::simd::kernels;
use crate::plus::eligibility::{Coefficients, recurrent};
use crate::plus::ring::{LANES, Ring, Vector};
use crate::plus::transpose::{Square, Transpose};
use crate::plus::windows::map::{Adaptive, Block, Plain, Powers, Readout, WindowMap};

/// Steps of a chunk.
pub const CHUNK: usize = 16;

/// What synapses end at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Readouts.
    Readouts,
    /// Neurons that don't adapt.
    Plain,
    /// Neurons of which some adapt.
    Adaptive,
}

impl Kind {
    fn columns(self) -> usize {
        match self {
            Self::Readouts => Readout::COLUMNS,
            Self::Plain => Plain::COLUMNS,
            Self::Adaptive => Adaptive::COLUMNS,
        }
    }
}

/// What remains of the traces by themselves after 0, 1, 2, … times a number of steps, by neuron.
#[derive(Debug, Clone, Default)]
pub struct PowerTable {
    blocks: usize,
    rows: Vec<Vector>,
}

impl PowerTable {
    /// `bases` are decays of a time or less of them; the others are left at zero.
    fn new(bases: [&[Vector]; 3], blocks: usize, count: usize) -> Self {
        let mut rows = vec![Vector::default(); 3 * blocks * count];
        for (trace, base) in bases.into_iter().enumerate() {
            for (at, base) in base.iter().enumerate() {
                let mut power = Vector::splat(1.0);
                for n in 0..count {
                    rows[(3 * n + trace) * blocks + at] = power;
                    for l in 0..LANES {
                        power.0[l] *= base.0[l];
                    }
                }
            }
        }
        Self { blocks, rows }
    }

    /// The powers of a block of neurons.
    #[inline(always)]
    fn at(&self, n: usize, at: usize) -> Powers {
        let row = |trace: usize| self.rows[(3 * n + trace) * self.blocks + at];
        Powers { decay: row(0), kappa: row(1), kappa_reg: row(2) }
    }

    /// The powers of one neuron: of `decay`, `kappa` and `kappa_reg`.
    #[must_use]
    pub fn of(&self, n: usize, place: usize) -> [f64; 3] {
        let row = |trace: usize| self.rows[(3 * n + trace) * self.blocks + place / LANES].0[place % LANES];
        [row(0), row(1), row(2)]
    }

    /// The powers of `decay`, by block.
    fn decays(&self, n: usize) -> &[Vector] {
        &self.rows[3 * n * self.blocks..][..self.blocks]
    }

    fn bases(&self) -> [&[Vector]; 3] {
        let row = |trace: usize| &self.rows[(3 + trace) * self.blocks..][..self.blocks];
        [row(0), row(1), row(2)]
    }
}

/// Numbers of a neuron's map side by side, a cache line: for synapses that end at scattered neurons. The first line of a
/// map that begins at a step has what the step before it left, too.
pub type Line = Vector;

/// In which forms maps are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forms {
    /// By column, for synapses that end at neighbouring neurons.
    pub rows: bool,
    /// By neuron, for synapses that end at scattered neurons.
    pub lines: bool,
}

/// Maps of one kind of place: a row of columns a place, each a value per neuron; or the same by neuron; or both.
#[derive(Debug, Clone, Default)]
pub struct Table {
    columns: usize,
    rows: Vec<Vector>,
    lines: Vec<Line>,
}

impl Table {
    fn new(kind: Kind, blocks: usize, places: usize, forms: Forms) -> Self {
        let maps = if forms.rows { kind.columns() * blocks * places } else { 0 };
        let lines = if forms.lines { blocks * LANES * places * lines_of(kind) } else { 0 };
        Self {
            columns: kind.columns(),
            rows: vec![Vector::default(); maps],
            lines: vec![Line::default(); lines],
        }
    }

    fn bytes(&self) -> usize {
        size_of_val(&self.rows[..]) + size_of_val(&self.lines[..])
    }
}

/// Lines of a neuron.
const fn lines_of(kind: Kind) -> usize {
    match kind {
        Kind::Adaptive => 2,
        Kind::Readouts | Kind::Plain => 1,
    }
}

/// The maps of a population.
#[derive(Debug, Clone)]
pub struct Windows {
    kind: Kind,
    blocks: usize,
    /// Steps of the ring; a whole number of chunks.
    steps: usize,
    coefficients: Coefficients,
    powers: PowerTable,
    chunk_powers: PowerTable,
    suffixes: Table,
    spans: Table,
    prefix: Table,
    /// The map of the newest whole chunk, by column.
    newest: Vec<Vector>,
}

/// What a kernel needs to know of a table of maps.
struct Shape<'a> {
    blocks: usize,
    coefficients: &'a Coefficients,
    powers: &'a PowerTable,
    chunk_powers: &'a PowerTable,
}

impl Windows {
    /// Room for the maps of a population with this history, in these forms.
    ///
    /// # Panics
    /// If the history is shorter than a chunk.
    #[must_use]
    pub fn new(kind: Kind, history: &Ring, coefficients: Coefficients, forms: Forms) -> Self {
        let (blocks, steps) = (history.blocks(), history.steps());
        assert!(steps.is_multiple_of(CHUNK), "the ring has whole chunks");
        let chunks = steps / CHUNK;
        let bases = [&coefficients.decay[..], &coefficients.kappa, &coefficients.kappa_reg];
        let powers = PowerTable::new(bases, blocks, CHUNK + 1);
        let chunk = |trace: usize| &powers.rows[(3 * CHUNK + trace) * blocks..][..blocks];
        let chunk_powers = PowerTable::new([chunk(0), chunk(1), chunk(2)], blocks, chunks + 1);
        Self {
            kind,
            blocks,
            steps,
            powers,
            chunk_powers,
            suffixes: Table::new(kind, blocks, steps, forms),
            // These are composed by column.
            spans: Table::new(kind, blocks, chunks, Forms { rows: true, ..forms }),
            prefix: Table::new(kind, blocks, 1, Forms { rows: true, ..forms }),
            newest: vec![Vector::default(); kind.columns() * blocks],
            coefficients,
        }
    }

    /// Whether another has the same maps of the same history.
    #[must_use]
    pub fn fits(&self, other: &Self) -> bool {
        (self.kind, self.blocks, self.steps) == (other.kind, other.blocks, other.steps)
            && self.powers.bases() == other.powers.bases()
            && (&self.coefficients.rho, &self.coefficients.beta)
                == (&other.coefficients.rho, &other.coefficients.beta)
            && self.suffixes.lines.len() == other.suffixes.lines.len()
            && self.suffixes.rows.len() == other.suffixes.rows.len()
    }

    /// Makes all maps from the history, of which the steps before `end` are known.
    pub fn rebuild(&mut self, history: &Ring, end: i64) {
        let chunk = CHUNK as i64;
        // The slots of the oldest steps are written to already.
        let oldest = (end - self.steps as i64 + 2).max(0);
        let begin = (oldest + chunk - 1) / chunk * chunk;
        self.begin_prefix();
        for step in begin..end {
            self.take_in(history, step, begin);
        }
    }

    fn begin_prefix(&mut self) {
        let rows = &mut self.prefix.rows;
        rows.fill(Vector::default());
        if self.kind == Kind::Adaptive {
            // The map of no step keeps the adaptation's share.
            rows[map::ADAPTATION_KEPT * self.blocks..][..self.blocks].fill(Vector::splat(1.0));
        }
    }

    /// Takes in a step, the first after those that were taken in before.
    pub fn advance(&mut self, history: &Ring, step: i64) {
        self.take_in(history, step, 0);
    }

    /// As [`Self::advance`], where steps before `begin` are not known.
    fn take_in(&mut self, history: &Ring, step: i64, begin: i64) {
        let slot = history.slot(step);
        let done = slot % CHUNK;
        let row = history.rows(slot..slot + 1);
        let shape = Shape {
            blocks: self.blocks,
            coefficients: &self.coefficients,
            powers: &self.powers,
            chunk_powers: &self.chunk_powers,
        };
        if done + 1 < CHUNK {
            let table = &mut self.prefix;
            match self.kind {
                Kind::Readouts => append_readouts(&shape, row, done, table),
                Kind::Plain => append_plain(&shape, row, done, table),
                Kind::Adaptive => append_adaptive(&shape, row, done, table),
            }
            return;
        }
        let first = slot + 1 - CHUNK;
        let chunk = Chunk {
            steps: history.rows(first..slot + 1),
            before: {
                let before = history.slot(step - CHUNK as i64);
                history.rows(before..before + 1)
            },
            slot: first,
        };
        let (suffixes, newest) = (&mut self.suffixes, &mut self.newest[..]);
        match self.kind {
            Kind::Readouts => complete_readouts(&shape, &chunk, suffixes, newest),
            Kind::Plain => complete_plain(&shape, &chunk, suffixes, newest),
            Kind::Adaptive => complete_adaptive(&shape, &chunk, suffixes, newest),
        }
        let known = ((step + 1 - begin) as usize / CHUNK).min(self.steps / CHUNK);
        let (place, spans) = (first / CHUNK, &mut self.spans);
        match self.kind {
            Kind::Readouts => extend_readouts(&shape, newest, place, known, spans),
            Kind::Plain => extend_plain(&shape, newest, place, known, spans),
            Kind::Adaptive => extend_adaptive(&shape, newest, place, known, spans),
        }
        self.begin_prefix();
    }

    /// Bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let maps = self.suffixes.bytes() + self.spans.bytes() + self.prefix.bytes();
        let powers = size_of_val(&self.powers.rows[..]) + size_of_val(&self.chunk_powers.rows[..]);
        (maps + powers + size_of_val(&self.newest[..])) as u64
    }

    /// The maps that make up the window of these steps, if it reaches from one chunk into another. It ends
    /// after the last step that was taken in.
    #[must_use]
    pub fn maps(&self, window: Range<i64>) -> Option<Maps> {
        let chunk = CHUNK as i64;
        let (begins, ends) = (window.start / chunk, window.end / chunk);
        (begins < ends).then(|| {
            let chunks = self.steps / CHUNK;
            let between = (ends - begins - 1) as usize;
            Maps {
                suffix: window.start as usize & (self.steps - 1),
                suffix_steps: CHUNK - (window.start % chunk) as usize,
                span: (begins + 1) as usize % chunks,
                span_chunks: between,
                prefix_steps: (window.end % chunk) as usize,
            }
        })
    }

    /// Powers of up to a chunk's steps, and of whole chunks.
    #[must_use]
    pub fn powers(&self) -> [&PowerTable; 2] {
        [&self.powers, &self.chunk_powers]
    }
}

/// Which maps make up a window.
#[derive(Debug, Clone, Copy, Default)]
pub struct Maps {
    /// Slot of its first step.
    pub suffix: usize,
    /// Steps to the end of that chunk.
    pub suffix_steps: usize,
    /// Place of the chunk after it.
    pub span: usize,
    /// Whole chunks between the first and the last one.
    pub span_chunks: usize,
    /// Steps of the last chunk.
    pub prefix_steps: usize,
}

/// The coefficients of a block.
#[inline(always)]
fn block_of(coefficients: &Coefficients, kind: Kind, at: usize) -> Block {
    let none = Vector::default();
    let recurrent = kind != Kind::Readouts;
    Block {
        decay: coefficients.decay[at],
        kappa: if recurrent { coefficients.kappa[at] } else { none },
        kappa_reg: if recurrent { coefficients.kappa_reg[at] } else { none },
        rho: if kind == Kind::Adaptive { coefficients.rho[at] } else { none },
        beta: if kind == Kind::Adaptive { coefficients.beta[at] } else { none },
    }
}

/// Maps that know which kind they are of.
trait Kinded: WindowMap {
    const KIND: Kind;
}

impl Kinded for Readout {
    const KIND: Kind = Kind::Readouts;
}

impl Kinded for Plain {
    const KIND: Kind = Kind::Plain;
}

impl Kinded for Adaptive {
    const KIND: Kind = Kind::Adaptive;
}

#[inline(always)]
fn store<M: WindowMap>(map: &M, rows: &mut [Vector], place: usize, blocks: usize, at: usize) {
    for column in 0..M::COLUMNS {
        rows[(place * M::COLUMNS + column) * blocks + at] = map.column(column);
    }
}

#[inline(always)]
fn load<M: WindowMap>(rows: &[Vector], place: usize, blocks: usize, at: usize) -> M {
    M::from_columns(|column| rows[(place * M::COLUMNS + column) * blocks + at])
}

/// Coefficients of a map in a line; what a step left comes after them.
pub const IN_LINE: usize = Plain::COLUMNS;

/// Writes a map by neuron, and beside it what the step before its first one left.
#[inline(always)]
fn store_lines<M: Kinded, S: Transpose>(
    set: S,
    map: &M,
    left: [Vector; recurrent::COUNT],
    lines: &mut [Line],
    place: usize,
    blocks: usize,
    at: usize,
) {
    let count = lines_of(M::KIND);
    let lines = &mut lines[(place * blocks + at) * LANES * count..][..LANES * count];
    let mut columns = [[0.0; LANES]; LANES];
    for column in 0..M::COLUMNS.min(IN_LINE) {
        columns[column] = map.column(column).0;
    }
    for quantity in 0..recurrent::COUNT {
        columns[IN_LINE + quantity] = left[quantity].0;
    }
    store_turned(set, &columns, lines, count, 0);
    for line in 1..count {
        let mut columns = [[0.0; LANES]; LANES];
        for column in IN_LINE..M::COLUMNS {
            columns[column - IN_LINE] = map.column(column).0;
        }
        store_turned(set, &columns, lines, count, line);
    }
}

/// Writes one of `count` lines of each of eight neurons.
#[inline(always)]
fn store_turned<S: Transpose>(set: S, columns: &Square, lines: &mut [Line], count: usize, line: usize) {
    let turned = set.turn(columns.each_ref());
    for l in 0..LANES {
        lines[l * count + line].0 = turned[l];
    }
}

/// Steps that a chunk consists of, as the history has them.
struct Chunk<'a> {
    steps: &'a [Vector],
    /// The step before them.
    before: &'a [Vector],
    /// The slot of the first one.
    slot: usize,
}

#[inline(always)]
fn complete_body<M: Kinded, S: Transpose>(
    set: S,
    shape: &Shape<'_>,
    chunk: &Chunk<'_>,
    into: &mut Table,
    newest: &mut [Vector],
) {
    let blocks = shape.blocks;
    let length = M::QUANTITIES * blocks;
    let [by_column, by_neuron] = [!into.rows.is_empty(), !into.lines.is_empty()];
    for at in 0..blocks {
        let block = block_of(shape.coefficients, M::KIND, at);
        let mut map = M::identity();
        for n in 0..CHUNK {
            let step = CHUNK - 1 - n;
            let row = &chunk.steps[step * length..][..length];
            map = map.preceded_by(&block, &shape.powers.at(n, at), |quantity| row[quantity * blocks + at]);
            if by_column {
                store(&map, &mut into.rows, chunk.slot + step, blocks, at);
            }
            if by_neuron {
                let row =
                    if step == 0 { chunk.before } else { &chunk.steps[(step - 1) * length..][..length] };
                let mut left = [Vector::default(); recurrent::COUNT];
                for quantity in 0..M::QUANTITIES {
                    left[quantity] = row[quantity * blocks + at];
                }
                store_lines(set, &map, left, &mut into.lines, chunk.slot + step, blocks, at);
            }
        }
        store(&map, newest, 0, blocks, at);
    }
}

/// Nothing that a step has left.
const NOTHING: [Vector; recurrent::COUNT] = [Vector([0.0; LANES]); recurrent::COUNT];

#[inline(always)]
fn append_body<M: Kinded, S: Transpose>(
    set: S,
    shape: &Shape<'_>,
    row: &[Vector],
    done: usize,
    prefix: &mut Table,
) {
    let blocks = shape.blocks;
    let by_neuron = !prefix.lines.is_empty();
    for at in 0..blocks {
        let block = block_of(shape.coefficients, M::KIND, at);
        let map: M = load(&prefix.rows, 0, blocks, at);
        let map = map.followed_by(&block, &shape.powers.at(done, at), |quantity| row[quantity * blocks + at]);
        store(&map, &mut prefix.rows, 0, blocks, at);
        if by_neuron {
            store_lines(set, &map, NOTHING, &mut prefix.lines, 0, blocks, at);
        }
    }
}

/// Extends the spans of the `known` newest chunks, `newest` included, by the chunk `newest`, whose map is given.
#[inline(always)]
fn extend_body<M: Kinded, S: Transpose>(
    set: S,
    shape: &Shape<'_>,
    chunk: &[Vector],
    newest: usize,
    known: usize,
    spans: &mut Table,
) {
    let blocks = shape.blocks;
    let chunks = spans.rows.len() / (M::COLUMNS * blocks);
    let by_neuron = !spans.lines.is_empty();
    for at in 0..blocks {
        let map: M = load(chunk, 0, blocks, at);
        let one = shape.chunk_powers.at(1, at);
        for back in 0..known {
            let place = (newest + chunks - back) % chunks;
            let span = if back == 0 {
                map
            } else {
                let span: M = load(&spans.rows, place, blocks, at);
                span.then(&map, &shape.chunk_powers.at(back, at), &one)
            };
            store(&span, &mut spans.rows, place, blocks, at);
            if by_neuron {
                store_lines(set, &span, NOTHING, &mut spans.lines, place, blocks, at);
            }
        }
    }
}

kernels! {
    /// The maps from each step of a chunk to its end, and that of the chunk.
    fn complete_readouts(shape: &Shape<'_>, chunk: &Chunk<'_>, into: &mut Table, newest: &mut [Vector]) = complete_body::<Readout, _>, of set;
    /// As `complete_readouts`.
    fn complete_plain(shape: &Shape<'_>, chunk: &Chunk<'_>, into: &mut Table, newest: &mut [Vector]) = complete_body::<Plain, _>, of set;
    /// As `complete_readouts`.
    fn complete_adaptive(shape: &Shape<'_>, chunk: &Chunk<'_>, into: &mut Table, newest: &mut [Vector]) = complete_body::<Adaptive, _>, of set;
    /// A prefix of `done` steps and one more.
    fn append_readouts(shape: &Shape<'_>, row: &[Vector], done: usize, prefix: &mut Table) = append_body::<Readout, _>, of set;
    /// As `append_readouts`.
    fn append_plain(shape: &Shape<'_>, row: &[Vector], done: usize, prefix: &mut Table) = append_body::<Plain, _>, of set;
    /// As `append_readouts`.
    fn append_adaptive(shape: &Shape<'_>, row: &[Vector], done: usize, prefix: &mut Table) = append_body::<Adaptive, _>, of set;
    /// Spans, and one chunk more.
    fn extend_readouts(shape: &Shape<'_>, chunk: &[Vector], newest: usize, known: usize, spans: &mut Table) = extend_body::<Readout, _>, of set;
    /// As `extend_readouts`.
    fn extend_plain(shape: &Shape<'_>, chunk: &[Vector], newest: usize, known: usize, spans: &mut Table) = extend_body::<Plain, _>, of set;
    /// As `extend_readouts`.
    fn extend_adaptive(shape: &Shape<'_>, chunk: &[Vector], newest: usize, known: usize, spans: &mut Table) = extend_body::<Adaptive, _>, of set;
}

const _: () = assert!(IN_LINE + recurrent::COUNT <= LANES, "a line has room for a map and a step");
