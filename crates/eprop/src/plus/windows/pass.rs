//! Rows of synapses that go through their windows by maps.

use std::ops::Range;

use crate::base::simd::kernels;
use crate::plus::eligibility::{
    Block, BlockTargets, Coefficients, Left, Source, Trace, TraceSet, Traces, recurrent,
};
use crate::plus::ring::{LANES, Ring, Vector};
use crate::plus::windows::map::{Adaptive, Plain, Powers, WindowMap};
use crate::plus::windows::{IN_LINE, Line, Maps, PowerTable, Table, Windows};

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

/// The targets of a block of synapses, as maps are read for them.
trait MapSource: Source {
    /// The map at a place of a table.
    fn map<const ADAPTS: bool>(&self, table: &Table, place: usize, blocks: usize) -> Adaptive;
    /// Powers of the targets.
    fn powers(&self, table: &PowerTable, n: usize) -> Powers;
    /// What the targets left in a slot.
    fn left(&self, history: &Ring, suffixes: &Table, slot: usize, lines: usize) -> Left;
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
        if ADAPTS { Adaptive::from_columns(column) } else { Adaptive::of_plain(Plain::from_columns(column)) }
    }

    #[inline(always)]
    fn powers(&self, table: &PowerTable, n: usize) -> Powers {
        table.at(n, self.0)
    }

    #[inline(always)]
    fn left(&self, history: &Ring, _: &Table, slot: usize, _: usize) -> Left {
        let (row, blocks) = (history.rows(slot..slot + 1), history.blocks());
        Left {
            surrogate: row[recurrent::SURROGATE * blocks + self.0].0,
            regularization: row[recurrent::REGULARIZATION * blocks + self.0].0,
            signal: row[recurrent::SIGNAL * blocks + self.0].0,
        }
    }
}

/// Neurons at places that are listed.
struct Scattered<'a>(&'a [u32; LANES]);

impl Source for Scattered<'_> {
    #[inline(always)]
    fn coefficient<const UNIFORM: bool>(&self, values: &[Vector]) -> Vector {
        let values: &[f64] = bytemuck::cast_slice(values);
        let mut picked = Vector::default();
        for l in 0..LANES {
            picked.0[l] = values[self.0[if UNIFORM { 0 } else { l }] as usize];
        }
        picked
    }
}

impl Scattered<'_> {
    #[inline(always)]
    fn lines<'a>(&self, table: &'a Table, place: usize, blocks: usize, lines: usize) -> [&'a [Line]; LANES] {
        let first = place * blocks * LANES;
        self.0.map(|neuron| &table.lines[(first + neuron as usize) * lines..][..lines])
    }
}

impl MapSource for Scattered<'_> {
    #[inline(always)]
    fn map<const ADAPTS: bool>(&self, table: &Table, place: usize, blocks: usize) -> Adaptive {
        let lines = self.lines(table, place, blocks, table.columns.div_ceil(IN_LINE));
        let column = |column: usize| Vector(lines.map(|line| line[column / IN_LINE][column % IN_LINE]));
        if ADAPTS { Adaptive::from_columns(column) } else { Adaptive::of_plain(Plain::from_columns(column)) }
    }

    #[inline(always)]
    fn powers(&self, table: &PowerTable, n: usize) -> Powers {
        let of = self.0.map(|neuron| table.of(n, neuron as usize));
        let power = |trace: usize| Vector(of.map(|powers| powers[trace]));
        Powers { decay: power(0), kappa: power(1), kappa_reg: power(2) }
    }

    #[inline(always)]
    fn left(&self, history: &Ring, suffixes: &Table, slot: usize, lines: usize) -> Left {
        let lines = self.lines(suffixes, slot, history.blocks(), lines);
        let quantity = |quantity: usize| lines.map(|line| line[0][IN_LINE + quantity]);
        Left {
            surrogate: quantity(recurrent::SURROGATE),
            regularization: quantity(recurrent::REGULARIZATION),
            signal: quantity(recurrent::SIGNAL),
        }
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
    if let Some((slot, drive)) = pass.walked {
        let left = source.left(history, tables.suffixes, slot, tables.suffixes.columns.div_ceil(IN_LINE));
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
    let Maps { suffix, span, suffix_steps, span_chunks, prefix_steps } = pass.maps;
    let mut last = moving.filtered;
    for (place, (table, at, powers, n)) in [
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
        let map = source.map::<ADAPTS>(table, at, blocks);
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
    coefficients: &Coefficients,
    history: &Ring,
    tables: &Tables<'_>,
    targets: BlockTargets<'_>,
    passes: &[Pass],
    traces: &mut [Vector],
    gradients: &mut [Vector],
) {
    let count = TraceSet::onto_recurrent(UNIFORM, ADAPTS).count();
    let blocks = passes.iter().map(|pass| pass.blocks).max().unwrap_or(0);
    for at in 0..blocks {
        for pass in passes.iter().filter(|pass| at < pass.blocks) {
            let place = pass.first_block + at;
            let record = &mut traces[place * count..(place + 1) * count];
            let gradient = &mut gradients[pass.gradient + at];
            match targets {
                BlockTargets::Range(first) => {
                    let source = Consecutive(first + at);
                    go::<ADAPTS, UNIFORM>(&source, coefficients, history, tables, pass, record, gradient);
                }
                BlockTargets::Places(places) => {
                    let source = Scattered(&places[place]);
                    go::<ADAPTS, UNIFORM>(&source, coefficients, history, tables, pass, record, gradient);
                }
            }
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
            let picked = |values: &[Vector]| match targets {
                BlockTargets::Range(first) => values[first + at],
                BlockTargets::Places(places) => Scattered(&places[place]).coefficient::<false>(values),
            };
            let gradient = &mut gradients[pass.gradient + at];
            let decay = if UNIFORM { Vector::default() } else { picked(&coefficients.decay) };
            let mut filtered = if UNIFORM { Vector::default() } else { traces[place] };
            if let Some((slot, drive)) = pass.walked {
                let error = picked(history.rows(slot..slot + 1));
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
                let map = picked(&table.rows[at * blocks..(at + 1) * blocks]);
                if UNIFORM {
                    filtered = Vector::splat(pass.filtered[which]);
                }
                for l in 0..LANES {
                    gradient.0[l] = map.0[l].mul_add(filtered.0[l], gradient.0[l]);
                }
                if !UNIFORM {
                    let decayed = |powers: &PowerTable, n: usize| picked(powers.decays(n));
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
    ($($(#[$attribute:meta])* $name:ident = $body:expr;)*) => {
        kernels! {$(
            $(#[$attribute])*
            pub fn $name(
                coefficients: &Coefficients, history: &Ring, tables: &Tables<'_>, targets: BlockTargets<'_>,
                passes: &[Pass], traces: &mut [Vector], gradients: &mut [Vector],
            ) = $body;
        )*}
    };
}

passes! {
    /// Traces and gradient of synapses onto equal neurons that don't adapt.
    onto_uniform = recurrent_body::<false, true>;
    /// Traces and gradient of synapses onto neurons that don't adapt.
    onto_recurrent = recurrent_body::<false, false>;
    /// Traces and gradient of synapses onto equal neurons that adapt.
    onto_uniform_adaptive = recurrent_body::<true, true>;
    /// Traces and gradient of synapses onto neurons of which some adapt.
    onto_adaptive = recurrent_body::<true, false>;
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
