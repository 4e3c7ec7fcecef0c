//! Eligibility traces of rows of synapses over stretches of steps (docs/derivation.md, The window of a spike): the
//! innermost loops of e-prop+.
//!
//! A block of synapses keeps its traces in registers while it goes through a stretch. The same block of all rows that
//! learn at once comes before the next block, so that what their common targets left is read from the nearest cache.

use std::ops::Range;

use crate::base::simd::kernels;
use crate::plus::ring::{LANES, Ring, Vector};
use crate::plus::transpose::{Courses, Step, Transpose};

/// Quantities that recurrent neurons leave.
pub mod recurrent {
    /// Learning signal.
    pub const SIGNAL: usize = 0;
    /// Surrogate gradient.
    pub const SURROGATE: usize = 1;
    /// Firing-rate regularization.
    pub const REGULARIZATION: usize = 2;
    /// How many there are.
    pub const COUNT: usize = 3;
    /// Their names, in that order.
    pub const NAMES: [&str; COUNT] = ["signal", "surrogate", "regularization"];
}

/// Quantities that readouts leave.
pub mod readout {
    /// Error signal.
    pub const ERROR: usize = 0;
    /// How many there are.
    pub const COUNT: usize = 1;
    /// Their names, in that order.
    pub const NAMES: [&str; COUNT] = ["error"];
}

/// Where the synapses of rows end.
#[derive(Debug, Clone, Copy)]
pub enum BlockTargets<'a> {
    /// In all rows, the blocks of neurons from this one on.
    Range(usize),
    /// The neurons at these places, by block of the traces.
    Places(&'a [[u32; LANES]]),
}

/// Coefficients of the postsynaptic neurons by place.
#[derive(Debug, Clone, Default)]
pub struct Coefficients {
    /// `exp(-dt / tau_m)`
    pub decay: Vec<Vector>,
    /// Decay of the eligibility trace.
    pub kappa: Vec<Vector>,
    /// Decay of the firing-rate trace.
    pub kappa_reg: Vec<Vector>,
    /// `exp(-dt / adapt_tau)`
    pub rho: Vec<Vector>,
    /// Gain of the adaptation.
    pub beta: Vec<Vector>,
}

/// A quantity that synapses carry on from step to step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trace {
    /// Low-pass filtered eligibility.
    Eligibility,
    /// Eligibility for the firing-rate regularization.
    Regularization,
    /// Low-pass filtered presynaptic spikes.
    Filtered,
    /// Adaptation's share of the eligibility.
    Adaptation,
}

/// Which traces synapses have; those of a block lie side by side, in the order of [`Self::ALL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceSet {
    /// Whether they end at readouts, which have no eligibility but the filtered spikes themselves.
    pub onto_readouts: bool,
    /// Whether all targets have the same coefficients: a row's filtered spikes are one number then, kept elsewhere.
    pub uniform: bool,
    /// Whether targets adapt.
    pub adapts: bool,
}

impl TraceSet {
    /// All there are.
    pub const ALL: [Trace; 4] =
        [Trace::Eligibility, Trace::Regularization, Trace::Filtered, Trace::Adaptation];

    pub(super) const fn onto_recurrent(uniform: bool, adapts: bool) -> Self {
        Self { onto_readouts: false, uniform, adapts }
    }

    /// Whether it has a trace.
    #[must_use]
    pub const fn has(self, trace: Trace) -> bool {
        match trace {
            Trace::Eligibility | Trace::Regularization => !self.onto_readouts,
            Trace::Filtered => !self.uniform,
            Trace::Adaptation => self.adapts,
        }
    }

    /// How many it has.
    #[must_use]
    pub const fn count(self) -> usize {
        2 * self.has(Trace::Eligibility) as usize
            + self.has(Trace::Filtered) as usize
            + self.has(Trace::Adaptation) as usize
    }

    /// The place of a trace that it has.
    #[must_use]
    pub const fn place(self, trace: Trace) -> usize {
        match trace {
            Trace::Eligibility => 0,
            Trace::Regularization => 1,
            Trace::Filtered => 2 * self.has(Trace::Eligibility) as usize,
            Trace::Adaptation => self.count() - 1,
        }
    }
}

/// A stretch of steps that a row of synapses goes through.
#[derive(Debug, Clone)]
pub struct Stretch {
    /// The row's blocks among all blocks of the traces.
    pub blocks: Range<usize>,
    /// First block of the row's gradient.
    pub gradient: usize,
    /// Slots of the history.
    pub slots: Range<usize>,
    /// Whether no learning signal comes in these steps.
    pub quiet: bool,
    /// First step of the stretch among what drives the steps.
    pub drive: usize,
}

/// Coefficients of a block.
pub(super) struct Block {
    pub(super) decay: Vector,
    kappa: Vector,
    kappa_reg: Vector,
    keep: Vector,
    rho: Vector,
    beta: Vector,
}

impl Block {
    #[inline(always)]
    pub(super) fn new<const ADAPTS: bool, const UNIFORM: bool>(
        coefficients: &Coefficients,
        source: &impl Source,
    ) -> Self {
        let kappa_reg = source.coefficient::<UNIFORM>(&coefficients.kappa_reg);
        let mut keep = Vector::default();
        for l in 0..LANES {
            keep.0[l] = 1.0 - kappa_reg.0[l];
        }
        let (mut rho, mut beta) = (Vector::default(), Vector::default());
        if ADAPTS {
            rho = source.coefficient::<UNIFORM>(&coefficients.rho);
            beta = source.coefficient::<UNIFORM>(&coefficients.beta);
        }
        Self {
            decay: source.coefficient::<UNIFORM>(&coefficients.decay),
            kappa: source.coefficient::<UNIFORM>(&coefficients.kappa),
            kappa_reg,
            keep,
            rho,
            beta,
        }
    }
}

/// The values at places.
#[inline(always)]
pub(super) fn picked(values: &[Vector], places: &[u32; LANES]) -> Vector {
    let values: &[f64] = bytemuck::cast_slice(values);
    let mut picked = Vector::default();
    for l in 0..LANES {
        picked.0[l] = values[places[l] as usize];
    }
    picked
}

/// What the targets of a block left in a step.
pub(super) struct Left {
    pub(super) surrogate: [f64; LANES],
    pub(super) regularization: [f64; LANES],
    pub(super) signal: [f64; LANES],
}

/// Traces of a block and the gradient it adds to.
#[derive(Clone, Copy)]
pub(super) struct Traces {
    pub(super) eligibility: [f64; LANES],
    pub(super) regularization: [f64; LANES],
    pub(super) filtered: [f64; LANES],
    pub(super) adaptation: [f64; LANES],
    pub(super) gradient: [f64; LANES],
}

impl Traces {
    /// From a block's record.
    #[inline(always)]
    pub(super) fn load<const ADAPTS: bool, const UNIFORM: bool>(
        record: &[Vector],
        gradient: &Vector,
    ) -> Self {
        let set = TraceSet::onto_recurrent(UNIFORM, ADAPTS);
        Self {
            eligibility: record[set.place(Trace::Eligibility)].0,
            regularization: record[set.place(Trace::Regularization)].0,
            filtered: if UNIFORM { [0.0; LANES] } else { record[set.place(Trace::Filtered)].0 },
            adaptation: if ADAPTS { record[set.place(Trace::Adaptation)].0 } else { [0.0; LANES] },
            gradient: gradient.0,
        }
    }

    /// Goes on by a step. `drive` is the filtered presynaptic spike train where that is the same for all targets, else
    /// the spike that enters it.
    #[inline(always)]
    pub(super) fn step<const ADAPTS: bool, const UNIFORM: bool, const QUIET: bool>(
        &mut self,
        block: &Block,
        drive: f64,
        left: &Left,
    ) {
        for l in 0..LANES {
            let filtered = if UNIFORM { drive } else { block.decay.0[l].mul_add(self.filtered[l], drive) };
            let e = if ADAPTS {
                let e = left.surrogate[l] * (-block.beta.0[l]).mul_add(self.adaptation[l], filtered);
                self.adaptation[l] = block.rho.0[l].mul_add(self.adaptation[l], e);
                e
            } else {
                left.surrogate[l] * filtered
            };
            if !UNIFORM {
                self.filtered[l] = filtered;
            }
            self.eligibility[l] = block.kappa.0[l].mul_add(self.eligibility[l], e);
            self.regularization[l] =
                block.kappa_reg.0[l].mul_add(self.regularization[l], block.keep.0[l] * e);
            let pressed = left.regularization[l] * self.regularization[l];
            // A signal of zero adds a zero, which changes no bit of a sum that began with +0.
            self.gradient[l] +=
                if QUIET { pressed } else { left.signal[l].mul_add(self.eligibility[l], pressed) };
        }
    }
}

/// The targets of a block.
pub(super) trait Source {
    /// A coefficient of the targets, which all have the first one's if they are said to be equal.
    fn coefficient<const UNIFORM: bool>(&self, values: &[Vector]) -> Vector;
}

/// Targets that are gone through step by step. Its functions have no closures, which would not always become part of
/// the loops.
trait Walked: Source {
    /// Takes traces through what the targets left in consecutive slots.
    fn go<const ADAPTS: bool, const UNIFORM: bool, const QUIET: bool>(
        &self,
        history: &Ring,
        slots: Range<usize>,
        drive: &[f64],
        block: &Block,
        traces: &mut Traces,
    );
}

/// A block of neurons.
struct Consecutive(usize);

impl Source for Consecutive {
    #[inline(always)]
    fn coefficient<const UNIFORM: bool>(&self, values: &[Vector]) -> Vector {
        values[self.0]
    }
}

impl Walked for Consecutive {
    #[inline(always)]
    fn go<const ADAPTS: bool, const UNIFORM: bool, const QUIET: bool>(
        &self,
        history: &Ring,
        slots: Range<usize>,
        drive: &[f64],
        block: &Block,
        traces: &mut Traces,
    ) {
        let blocks = history.blocks();
        let steps = history.rows(slots).chunks_exact(recurrent::COUNT * blocks);
        for (step, drive) in steps.zip(drive) {
            let left = Left {
                surrogate: step[recurrent::SURROGATE * blocks + self.0].0,
                regularization: step[recurrent::REGULARIZATION * blocks + self.0].0,
                signal: if QUIET { [0.0; LANES] } else { step[recurrent::SIGNAL * blocks + self.0].0 },
            };
            traces.step::<ADAPTS, UNIFORM, QUIET>(block, *drive, &left);
        }
    }
}

/// Neurons at places that are listed.
struct Scattered<'a, S> {
    places: &'a [u32; LANES],
    /// The instruction set.
    set: S,
}

impl<S> Scattered<'_, S> {
    /// What its targets left in a slot, of which the step is known.
    #[inline(always)]
    fn left<const QUIET: bool>(&self, history: &Ring, slot: usize, step: Step) -> Left {
        let mut signal = [0.0; LANES];
        if !QUIET {
            let row: &[f64] = bytemuck::cast_slice(history.rows(slot..slot + 1));
            let signals = &row[recurrent::SIGNAL * history.width()..][..history.width()];
            for l in 0..LANES {
                signal[l] = signals[self.places[l] as usize];
            }
        }
        let [surrogate, regularization] = step;
        Left { surrogate, regularization, signal }
    }
}

impl<S: Transpose> Source for Scattered<'_, S> {
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

impl<S: Transpose> Walked for Scattered<'_, S> {
    #[inline(always)]
    fn go<const ADAPTS: bool, const UNIFORM: bool, const QUIET: bool>(
        &self,
        history: &Ring,
        slots: Range<usize>,
        drive: &[f64],
        block: &Block,
        traces: &mut Traces,
    ) {
        let (first, steps) = (slots.start, slots.len());
        // A course is longer than the ring, so that there always is a step after the last one.
        let length = history.course_length();
        let mut begins = [0; LANES];
        for l in 0..LANES {
            begins[l] = self.places[l] as usize * length + first;
        }
        let courses = Courses::new(history.courses(), begins, steps + 1);
        let (twos, last) = drive[..steps].as_chunks();
        for (two, [drive, next]) in twos.iter().enumerate() {
            let slot = first + 2 * two;
            let [step, after] = self.set.two_steps(&courses, 2 * two);
            let left = self.left::<QUIET>(history, slot, step);
            traces.step::<ADAPTS, UNIFORM, QUIET>(block, *drive, &left);
            let left = self.left::<QUIET>(history, slot + 1, after);
            traces.step::<ADAPTS, UNIFORM, QUIET>(block, *next, &left);
        }
        if let [drive] = last {
            let [step, _] = self.set.two_steps(&courses, steps - 1);
            let left = self.left::<QUIET>(history, first + steps - 1, step);
            traces.step::<ADAPTS, UNIFORM, QUIET>(block, *drive, &left);
        }
    }
}

#[inline(always)]
fn stretch<const ADAPTS: bool, const UNIFORM: bool, const QUIET: bool>(
    source: &impl Walked,
    history: &Ring,
    stretch: &Stretch,
    drive: &[f64],
    block: &Block,
    record: &mut [Vector],
    gradient: &mut Vector,
) {
    let set = TraceSet::onto_recurrent(UNIFORM, ADAPTS);
    let mut traces = Traces::load::<ADAPTS, UNIFORM>(record, gradient);
    let slots = stretch.slots.clone();
    let drive = &drive[stretch.drive..][..slots.len()];
    source.go::<ADAPTS, UNIFORM, QUIET>(history, slots, drive, block, &mut traces);
    record[set.place(Trace::Eligibility)].0 = traces.eligibility;
    record[set.place(Trace::Regularization)].0 = traces.regularization;
    if !UNIFORM {
        record[set.place(Trace::Filtered)].0 = traces.filtered;
    }
    if ADAPTS {
        record[set.place(Trace::Adaptation)].0 = traces.adaptation;
    }
    gradient.0 = traces.gradient;
}

#[inline(always)]
fn block_of_row<const ADAPTS: bool, const UNIFORM: bool>(
    source: &impl Walked,
    coefficients: &Coefficients,
    history: &Ring,
    one: &Stretch,
    drive: &[f64],
    record: &mut [Vector],
    gradient: &mut Vector,
) {
    let block = Block::new::<ADAPTS, UNIFORM>(coefficients, source);
    if one.quiet {
        stretch::<ADAPTS, UNIFORM, true>(source, history, one, drive, &block, record, gradient);
    } else {
        stretch::<ADAPTS, UNIFORM, false>(source, history, one, drive, &block, record, gradient);
    }
}

#[inline(always)]
fn recurrent_body<const ADAPTS: bool, const UNIFORM: bool>(
    set: impl Transpose,
    coefficients: &Coefficients,
    history: &Ring,
    targets: BlockTargets<'_>,
    stretches: &[Stretch],
    drive: &[f64],
    traces: &mut [Vector],
    gradients: &mut [Vector],
) {
    let count = TraceSet::onto_recurrent(UNIFORM, ADAPTS).count();
    let blocks = stretches.iter().map(|stretch| stretch.blocks.len()).max().unwrap_or(0);
    for at in 0..blocks {
        for one in stretches.iter().filter(|stretch| at < stretch.blocks.len()) {
            let place = one.blocks.start + at;
            let record = &mut traces[place * count..(place + 1) * count];
            let gradient = &mut gradients[one.gradient + at];
            match targets {
                BlockTargets::Range(first) => {
                    let source = Consecutive(first + at);
                    block_of_row::<ADAPTS, UNIFORM>(
                        &source,
                        coefficients,
                        history,
                        one,
                        drive,
                        record,
                        gradient,
                    );
                }
                BlockTargets::Places(places) => {
                    let source = Scattered { places: &places[place], set };
                    block_of_row::<ADAPTS, UNIFORM>(
                        &source,
                        coefficients,
                        history,
                        one,
                        drive,
                        record,
                        gradient,
                    );
                }
            }
        }
    }
}

/// As [`recurrent_body`], for readouts: their only trace is the filtered spike train, if that differs between them.
#[inline(always)]
fn readout_body<const UNIFORM: bool>(
    coefficients: &Coefficients,
    history: &Ring,
    targets: BlockTargets<'_>,
    stretches: &[Stretch],
    drive: &[f64],
    traces: &mut [Vector],
    gradients: &mut [Vector],
) {
    for one in stretches.iter().filter(|stretch| !UNIFORM || !stretch.quiet) {
        for (at, place) in one.blocks.clone().enumerate() {
            let values = &coefficients.decay;
            let decay = match targets {
                _ if UNIFORM => Vector::default(),
                BlockTargets::Range(first) => values[first + at],
                BlockTargets::Places(places) => picked(values, &places[place]),
            };
            let mut filtered = if UNIFORM { Vector::default() } else { traces[place] };
            let gradient = &mut gradients[one.gradient + at];
            let rows = history.rows(one.slots.clone()).chunks_exact(history.blocks());
            for (row, drive) in rows.zip(&drive[one.drive..]) {
                let error = match targets {
                    BlockTargets::Range(first) => row[first + at],
                    BlockTargets::Places(places) => picked(row, &places[place]),
                };
                for l in 0..LANES {
                    filtered.0[l] = if UNIFORM { *drive } else { decay.0[l].mul_add(filtered.0[l], *drive) };
                    gradient.0[l] = error.0[l].mul_add(filtered.0[l], gradient.0[l]);
                }
            }
            if !UNIFORM {
                traces[place] = filtered;
            }
        }
    }
}

#[inline(always)]
fn filter_body(decay: f64, filtered: &mut f64, spikes: &mut [f64]) {
    for spikes in spikes {
        *filtered = decay.mul_add(*filtered, *spikes);
        *spikes = *filtered;
    }
}

kernels! {
    /// Filters the spikes of consecutive steps, which become what the filter holds in each.
    pub fn filter(decay: f64, filtered: &mut f64, spikes: &mut [f64]) = filter_body;
}

macro_rules! eligibility {
    ($($(#[$attribute:meta])* $name:ident = $body:expr $(, of $set:ident)?;)*) => {
        kernels! {$(
            $(#[$attribute])*
            pub fn $name(
                coefficients: &Coefficients, history: &Ring, targets: BlockTargets<'_>, stretches: &[Stretch],
                drive: &[f64], traces: &mut [Vector], gradients: &mut [Vector],
            ) = $body $(, of $set)?;
        )*}
    };
}

eligibility! {
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
