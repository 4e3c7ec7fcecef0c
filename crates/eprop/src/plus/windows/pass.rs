//! Rows of synapses that go through their windows by maps.

use std::ops::Range;

use crate::base::simd::{fetch, kernels};
use crate::plus::eligibility::{
    Block, BlockTargets, Coefficients, Left, Source, Trace, TraceSet, Traces, picked, recurrent,
};
use crate::plus::ring::{LANES, Ring, Vector};
use crate::plus::transpose::{Square, Transpose};
use crate::plus::windows::map::{Adaptive, Plain, Powers, WindowMap};
use crate::plus::windows::{IN_LINE, Maps, PowerTable, Table, Windows};

/// A row that goes through a window.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pass {
    /// The row's first block among all blocks of the traces, and how many there are.
    pub first_block: usize,
    /// Number of its blocks.
    pub blocks: usize,
    /// First block of the row's gradient.
    pub gradient: usize,
    /// The window's first step, if a spike enters after it: its slot and what drives it, as in a
    /// [`Stretch`](crate::plus::eligibility::Stretch).
    pub walked: Option<(usize, f64)>,
    /// Spikes that enter where the maps begin.
    pub enters: f64,
    /// The maps after that.
    pub maps: Maps,
    /// Filtered spikes where each map begins, if they are the same for all targets.
    pub filtered: [f64; 3],
    /// What each map leaves of `ebar` and of `r` by themselves, if that is the same for all targets.
    pub kept: [[f64; 2]; 3],
}

impl Pass {
    /// Prepares a row whose targets are equal, from its filtered spikes, which become those after the window. Factors come
    /// in the order in which the kernels take them where each target has filtered spikes of its own: rows change over to
    /// that on the way.
    pub fn of_equals(&mut self, filtered: &mut f64, place: usize, powers: [&PowerTable; 2]) {
        let decay = powers[0].of(1, place)[0];
        if let Some((_, drive)) = &mut self.walked {
            *filtered = decay.mul_add(*filtered, *drive);
            *drive = *filtered;
        }
        let mut now = decay.mul_add(*filtered, self.enters);
        for (map, (table, n)) in self.maps.lengths().into_iter().enumerate() {
            if n == 0 {
                continue;
            }
            let [decayed, kappa, kappa_reg] = powers[table].of(n, place);
            self.filtered[map] = now;
            self.kept[map] = [kappa, kappa_reg];
            // In the map's last step, spikes have decayed once less.
            *filtered = match table {
                0 => now * powers[0].of(n - 1, place)[0],
                _ => now * powers[1].of(n - 1, place)[0] * powers[0].of(super::CHUNK - 1, place)[0],
            };
            now *= decayed;
        }
    }
}

impl Maps {
    /// Which table has the powers of each map, and at which place; zero where there is no such map.
    fn lengths(&self) -> [(usize, usize); 3] {
        [(0, self.suffix_steps), (1, self.span_chunks), (0, self.prefix_steps)]
    }
}

/// Where maps are read.
#[derive(Clone, Copy)]
pub struct Tables<'a> {
    suffixes: &'a Table,
    spans: &'a Table,
    prefix: &'a Table,
    powers: [&'a PowerTable; 2],
}

impl Tables<'_> {
    /// Asks for the lines that a block of a row will read.
    #[inline(always)]
    fn fetch(&self, pass: &Pass, places: &[u32; LANES], blocks: usize) {
        let Maps { suffix, span, span_chunks, .. } = pass.maps;
        self.suffixes.fetch(suffix, places, blocks);
        if span_chunks > 0 {
            self.spans.fetch(span, places, blocks);
        }
    }
}

impl Table {
    /// Asks for the lines of neurons at a place.
    #[inline(always)]
    fn fetch(&self, place: usize, neurons: &[u32; LANES], blocks: usize) {
        let count = self.columns.div_ceil(IN_LINE);
        let lines = &self.lines[place * blocks * LANES * count..][..blocks * LANES * count];
        for neuron in neurons {
            for line in 0..count {
                fetch(&lines[*neuron as usize * count + line]);
            }
        }
    }
}

impl Windows {
    /// The maps that windows are made of.
    #[must_use]
    pub fn tables(&self) -> Tables<'_> {
        Tables {
            suffixes: &self.suffixes,
            spans: &self.spans,
            prefix: &self.prefix,
            powers: [&self.powers, &self.chunk_powers],
        }
    }
}

/// Traces of a block, as [`Traces`], on their way through maps.
struct Moving {
    filtered: Vector,
    eligibility: Vector,
    regularization: Vector,
    adaptation: Vector,
    gradient: Vector,
}

impl Moving {
    #[inline(always)]
    fn apply<const ADAPTS: bool>(&mut self, map: &Adaptive, kappa: Vector, kappa_reg: Vector) {
        let plain = &map.plain;
        for l in 0..LANES {
            let (z, ebar, r) = (self.filtered.0[l], self.eligibility.0[l], self.regularization.0[l]);
            let mut g = plain.gradient.0[l].mul_add(z, self.gradient.0[l]);
            g = plain.gradient_of_eligibility.0[l].mul_add(ebar, g);
            g = plain.gradient_of_regularization.0[l].mul_add(r, g);
            let mut ebar = kappa.0[l].mul_add(ebar, plain.eligibility.0[l] * z);
            let mut r = kappa_reg.0[l].mul_add(r, plain.regularization.0[l] * z);
            if ADAPTS {
                let a = self.adaptation.0[l];
                g = map.gradient_of_adaptation.0[l].mul_add(a, g);
                ebar = map.eligibility_of_adaptation.0[l].mul_add(a, ebar);
                r = map.regularization_of_adaptation.0[l].mul_add(a, r);
                self.adaptation.0[l] = map.adaptation_kept.0[l].mul_add(a, map.adaptation.0[l] * z);
            }
            self.gradient.0[l] = g;
            self.eligibility.0[l] = ebar;
            self.regularization.0[l] = r;
        }
    }
}

/// The targets of a block of synapses, as maps are read for them. Its functions have no closures, which would not always
/// become part of the loops.
trait MapSource: Source {
    /// The map at a place of a table.
    fn map<const ADAPTS: bool>(&self, table: &Table, place: usize, blocks: usize) -> Adaptive;
    /// The map that begins at a slot, and what the targets left in the slot before it.
    fn first<const ADAPTS: bool>(
        &self,
        history: &Ring,
        suffixes: &Table,
        slot: usize,
        before: Option<usize>,
    ) -> (Adaptive, Left);
    /// Powers of the targets.
    fn powers(&self, table: &PowerTable, n: usize) -> Powers;
}

/// A block of neurons.
struct Consecutive(usize);

impl Source for Consecutive {
    #[inline(always)]
    fn coefficient<const UNIFORM: bool>(&self, values: &[Vector]) -> Vector {
        values[self.0]
    }
}

impl MapSource for Consecutive {
    #[inline(always)]
    fn map<const ADAPTS: bool>(&self, table: &Table, place: usize, blocks: usize) -> Adaptive {
        // What does not adapt may have neighbours that do.
        let columns = table.columns;
        let column = |column: usize| table.rows[(place * columns + column) * blocks + self.0];
        if ADAPTS { Adaptive::from_columns(column) } else { Adaptive::of_plain(&Plain::from_columns(column)) }
    }

    #[inline(always)]
    fn first<const ADAPTS: bool>(
        &self,
        history: &Ring,
        suffixes: &Table,
        slot: usize,
        before: Option<usize>,
    ) -> (Adaptive, Left) {
        let blocks = history.blocks();
        let map = self.map::<ADAPTS>(suffixes, slot, blocks);
        let before = before.unwrap_or(slot);
        let row = history.rows(before..before + 1);
        let left = Left {
            surrogate: row[recurrent::SURROGATE * blocks + self.0].0,
            regularization: row[recurrent::REGULARIZATION * blocks + self.0].0,
            signal: row[recurrent::SIGNAL * blocks + self.0].0,
        };
        (map, left)
    }

    #[inline(always)]
    fn powers(&self, table: &PowerTable, n: usize) -> Powers {
        table.at(n, self.0)
    }
}

/// Neurons at places that are listed.
struct Scattered<'a, S> {
    places: &'a [u32; LANES],
    /// The instruction set.
    set: S,
}

impl<S> Source for Scattered<'_, S> {
    #[inline(always)]
    fn coefficient<const UNIFORM: bool>(&self, values: &[Vector]) -> Vector {
        if UNIFORM {
            let values: &[f64] = bytemuck::cast_slice(values);
            Vector::splat(values[self.places[0] as usize])
        } else {
            picked(values, self.places)
        }
    }
}

impl<S: Transpose> Scattered<'_, S> {
    /// Columns of one of the `count` lines that each neuron has at a place.
    #[inline(always)]
    fn columns(&self, table: &Table, place: usize, blocks: usize, count: usize, line: usize) -> Square {
        let lines = &table.lines[place * blocks * LANES * count..][..blocks * LANES * count];
        let of = |lane: usize| &lines[self.places[lane] as usize * count + line].0;
        self.set.turn([of(0), of(1), of(2), of(3), of(4), of(5), of(6), of(7)])
    }

    /// A map of which the first line is known.
    #[inline(always)]
    fn complete<const ADAPTS: bool>(
        &self,
        first: &Square,
        table: &Table,
        place: usize,
        blocks: usize,
        count: usize,
    ) -> Adaptive {
        let plain = Plain::from_columns(|column| Vector(first[column]));
        if !ADAPTS {
            return Adaptive::of_plain(&plain);
        }
        let second = self.columns(table, place, blocks, count, 1);
        let column =
            |column: usize| Vector(if column < IN_LINE { first[column] } else { second[column - IN_LINE] });
        Adaptive::from_columns(column)
    }
}

impl<S: Transpose> MapSource for Scattered<'_, S> {
    #[inline(always)]
    fn map<const ADAPTS: bool>(&self, table: &Table, place: usize, blocks: usize) -> Adaptive {
        let count = table.columns.div_ceil(IN_LINE);
        let first = self.columns(table, place, blocks, count, 0);
        self.complete::<ADAPTS>(&first, table, place, blocks, count)
    }

    #[inline(always)]
    fn first<const ADAPTS: bool>(
        &self,
        history: &Ring,
        suffixes: &Table,
        slot: usize,
        _: Option<usize>,
    ) -> (Adaptive, Left) {
        let (blocks, count) = (history.blocks(), suffixes.columns.div_ceil(IN_LINE));
        let first = self.columns(suffixes, slot, blocks, count, 0);
        let left = Left {
            surrogate: first[IN_LINE + recurrent::SURROGATE],
            regularization: first[IN_LINE + recurrent::REGULARIZATION],
            signal: first[IN_LINE + recurrent::SIGNAL],
        };
        (self.complete::<ADAPTS>(&first, suffixes, slot, blocks, count), left)
    }

    #[inline(always)]
    fn powers(&self, table: &PowerTable, n: usize) -> Powers {
        let [mut decay, mut kappa, mut kappa_reg] = [Vector::default(); 3];
        for l in 0..LANES {
            [decay.0[l], kappa.0[l], kappa_reg.0[l]] = table.of(n, self.places[l] as usize);
        }
        Powers { decay, kappa, kappa_reg }
    }
}

#[inline(always)]
fn go<const ADAPTS: bool, const UNIFORM: bool>(
    source: &impl MapSource,
    coefficients: &Coefficients,
    history: &Ring,
    tables: &Tables<'_>,
    pass: &Pass,
    record: &mut [Vector],
    gradient: &mut Vector,
) {
    let set = TraceSet::onto_recurrent(UNIFORM, ADAPTS);
    let mut traces = Traces::load::<ADAPTS, UNIFORM>(record, gradient);
    let block = Block::new::<ADAPTS, UNIFORM>(coefficients, source);
    let blocks = history.blocks();
    let before = pass.walked.map(|(slot, _)| slot);
    let (first, left) = source.first::<ADAPTS>(history, tables.suffixes, pass.maps.suffix, before);
    if let Some((_, drive)) = pass.walked {
        traces.step::<ADAPTS, UNIFORM, false>(&block, drive, &left);
    }
    let mut moving = Moving {
        filtered: Vector(traces.filtered),
        eligibility: Vector(traces.eligibility),
        regularization: Vector(traces.regularization),
        adaptation: Vector(traces.adaptation),
        gradient: Vector(traces.gradient),
    };
    if !UNIFORM {
        for l in 0..LANES {
            moving.filtered.0[l] = block.decay.0[l].mul_add(moving.filtered.0[l], pass.enters);
        }
    }
    let Maps { span, suffix_steps, span_chunks, prefix_steps, .. } = pass.maps;
    let mut last = moving.filtered;
    for (place, (table, at, powers, n)) in [
        (tables.suffixes, 0, tables.powers[0], suffix_steps),
        (tables.spans, span, tables.powers[1], span_chunks),
        (tables.prefix, 0, tables.powers[0], prefix_steps),
    ]
    .into_iter()
    .enumerate()
    {
        if n == 0 {
            continue;
        }
        let map = if place == 0 { first } else { source.map::<ADAPTS>(table, at, blocks) };
        if UNIFORM {
            moving.filtered = Vector::splat(pass.filtered[place]);
            let [kappa, kappa_reg] = pass.kept[place];
            moving.apply::<ADAPTS>(&map, Vector::splat(kappa), Vector::splat(kappa_reg));
        } else {
            let whole = source.powers(powers, n);
            let less = source.powers(powers, n - 1).decay;
            moving.apply::<ADAPTS>(&map, whole.kappa, whole.kappa_reg);
            for l in 0..LANES {
                last.0[l] = moving.filtered.0[l] * less.0[l];
                moving.filtered.0[l] *= whole.decay.0[l];
            }
            if place == 1 {
                let chunk = source.powers(tables.powers[0], super::CHUNK - 1).decay;
                for l in 0..LANES {
                    last.0[l] *= chunk.0[l];
                }
            }
        }
    }
    record[set.place(Trace::Eligibility)] = moving.eligibility;
    record[set.place(Trace::Regularization)] = moving.regularization;
    if !UNIFORM {
        record[set.place(Trace::Filtered)] = last;
    }
    if ADAPTS {
        record[set.place(Trace::Adaptation)] = moving.adaptation;
    }
    *gradient = moving.gradient;
}

#[inline(always)]
fn recurrent_body<const ADAPTS: bool, const UNIFORM: bool>(
    set: impl Transpose,
    coefficients: &Coefficients,
    history: &Ring,
    tables: &Tables<'_>,
    targets: BlockTargets<'_>,
    passes: &[Pass],
    traces: &mut [Vector],
    gradients: &mut [Vector],
) {
    match targets {
        BlockTargets::Range(first) => {
            let count = TraceSet::onto_recurrent(UNIFORM, ADAPTS).count();
            let blocks = passes.iter().map(|pass| pass.blocks).max().unwrap_or(0);
            // The same block of all rows, while what its neurons left is in the nearest cache.
            for at in 0..blocks {
                let source = Consecutive(first + at);
                for pass in passes.iter().filter(|pass| at < pass.blocks) {
                    let place = pass.first_block + at;
                    let record = &mut traces[place * count..(place + 1) * count];
                    let gradient = &mut gradients[pass.gradient + at];
                    go::<ADAPTS, UNIFORM>(&source, coefficients, history, tables, pass, record, gradient);
                }
            }
        }
        BlockTargets::Places(places) => scattered_body::<ADAPTS, UNIFORM>(
            set,
            coefficients,
            history,
            tables,
            places,
            passes,
            traces,
            gradients,
        ),
    }
}

/// Blocks by which lines are asked for before they are read: what neurons left at different places is in no cache.
const AHEAD: usize = 3;

/// Row by row, onto neurons at listed places.
#[inline(always)]
fn scattered_body<const ADAPTS: bool, const UNIFORM: bool>(
    set: impl Transpose,
    coefficients: &Coefficients,
    history: &Ring,
    tables: &Tables<'_>,
    places: &[[u32; LANES]],
    passes: &[Pass],
    traces: &mut [Vector],
    gradients: &mut [Vector],
) {
    let count = TraceSet::onto_recurrent(UNIFORM, ADAPTS).count();
    let blocks = history.blocks();
    for (number, pass) in passes.iter().enumerate() {
        let next = passes.get(number + 1);
        for at in 0..pass.blocks {
            // The row's own block, or one of the next row.
            let ahead = at + AHEAD;
            if ahead < pass.blocks {
                tables.fetch(pass, &places[pass.first_block + ahead], blocks);
            } else if let Some(next) = next
                && ahead - pass.blocks < next.blocks
            {
                tables.fetch(next, &places[next.first_block + ahead - pass.blocks], blocks);
            }
            let place = pass.first_block + at;
            let source = Scattered { places: &places[place], set };
            let record = &mut traces[place * count..(place + 1) * count];
            let gradient = &mut gradients[pass.gradient + at];
            go::<ADAPTS, UNIFORM>(&source, coefficients, history, tables, pass, record, gradient);
        }
    }
}

/// As [`recurrent_body`], for readouts.
#[inline(always)]
fn readout_body<const UNIFORM: bool>(
    coefficients: &Coefficients,
    history: &Ring,
    tables: &Tables<'_>,
    targets: BlockTargets<'_>,
    passes: &[Pass],
    traces: &mut [Vector],
    gradients: &mut [Vector],
) {
    let blocks = history.blocks();
    for pass in passes {
        for at in 0..pass.blocks {
            let place = pass.first_block + at;
            let of_targets = |values: &[Vector]| match targets {
                BlockTargets::Range(first) => values[first + at],
                BlockTargets::Places(places) => picked(values, &places[place]),
            };
            let gradient = &mut gradients[pass.gradient + at];
            let decay = if UNIFORM { Vector::default() } else { of_targets(&coefficients.decay) };
            let mut filtered = if UNIFORM { Vector::default() } else { traces[place] };
            if let Some((slot, drive)) = pass.walked {
                let error = of_targets(history.rows(slot..slot + 1));
                for l in 0..LANES {
                    filtered.0[l] = if UNIFORM { drive } else { decay.0[l].mul_add(filtered.0[l], drive) };
                    gradient.0[l] = error.0[l].mul_add(filtered.0[l], gradient.0[l]);
                }
            }
            for l in 0..LANES {
                filtered.0[l] = decay.0[l].mul_add(filtered.0[l], pass.enters);
            }
            let Maps { suffix, span, suffix_steps, span_chunks, prefix_steps } = pass.maps;
            let mut last = filtered;
            for (which, (table, at, powers, n)) in [
                (tables.suffixes, suffix, tables.powers[0], suffix_steps),
                (tables.spans, span, tables.powers[1], span_chunks),
                (tables.prefix, 0, tables.powers[0], prefix_steps),
            ]
            .into_iter()
            .enumerate()
            {
                if n == 0 {
                    continue;
                }
                let map = of_targets(&table.rows[at * blocks..(at + 1) * blocks]);
                if UNIFORM {
                    filtered = Vector::splat(pass.filtered[which]);
                }
                for l in 0..LANES {
                    gradient.0[l] = map.0[l].mul_add(filtered.0[l], gradient.0[l]);
                }
                if !UNIFORM {
                    let decayed = |powers: &PowerTable, n: usize| of_targets(powers.decays(n));
                    let (whole, less) = (decayed(powers, n), decayed(powers, n - 1));
                    for l in 0..LANES {
                        last.0[l] = filtered.0[l] * less.0[l];
                        filtered.0[l] *= whole.0[l];
                    }
                    if which == 1 {
                        let chunk = decayed(tables.powers[0], super::CHUNK - 1);
                        for l in 0..LANES {
                            last.0[l] *= chunk.0[l];
                        }
                    }
                }
            }
            if !UNIFORM {
                traces[place] = last;
            }
        }
    }
}

macro_rules! passes {
    ($($(#[$attribute:meta])* $name:ident = $body:expr $(, of $set:ident)?;)*) => {
        kernels! {$(
            $(#[$attribute])*
            pub fn $name(
                coefficients: &Coefficients, history: &Ring, tables: &Tables<'_>, targets: BlockTargets<'_>,
                passes: &[Pass], traces: &mut [Vector], gradients: &mut [Vector],
            ) = $body $(, of $set)?;
        )*}
    };
}

passes! {
    /// Traces and gradient of synapses onto equal neurons that don't adapt.
    onto_uniform = recurrent_body::<false, true>, of set;
    /// Traces and gradient of synapses onto neurons that don't adapt.
    onto_recurrent = recurrent_body::<false, false>, of set;
    /// Traces and gradient of synapses onto equal neurons that adapt.
    onto_uniform_adaptive = recurrent_body::<true, true>, of set;
    /// Traces and gradient of synapses onto neurons of which some adapt.
    onto_adaptive = recurrent_body::<true, false>, of set;
    /// Traces and gradient of synapses onto equal readouts.
    onto_uniform_readouts = readout_body::<true>;
    /// Traces and gradient of synapses onto readouts.
    onto_readouts = readout_body::<false>;
}

/// The steps of a window that are gone through one by one, because maps would take longer.
pub const WALKED: i64 = 6;

/// The maps of a row's window, or none where its steps are gone through.
#[must_use]
pub fn maps_of(windows: &Windows, window: Range<i64>, spike: i64) -> Option<(bool, Maps)> {
    if window.end - window.start <= WALKED {
        return None;
    }
    // A spike enters in the second step of its window; the first one is gone through.
    let first = window.start < spike;
    let begin = window.start + i64::from(first);
    Some((first, windows.maps(begin..window.end)?))
}
