//! One update interval: recurrent neurons, readouts and errors, step by step, with the history that learning needs.
//!
//! Steps are counted from the interval's first one. Recurrent neurons begin an interval one step before readouts,
//! and a readout's error one step later still, so the same count names steps that belong together
//! (docs/derivation.md, Frames of an interval).

mod handover;
mod state;
mod together;

use std::ops::Range;

use crate::base::control::RunControl;
use crate::base::error::Result;
use crate::base::lines::Lines;
use crate::base::real::Real;
use crate::base::{math, memory};
use crate::describe::network::Projection;
use crate::describe::population::Population;
use crate::interval::neuron_step::{self, NeuronState, NeuronStatePart};
use crate::interval::neurons::Neurons;
use crate::interval::plan::{IntervalPlan, RECURRENT};
use crate::interval::surrogate_history::SurrogateHistory;
use crate::plan::amplitudes::RateReader;
use crate::plan::probes::SpikeTap;
use crate::plan::route::{Columns, Route};
use crate::record::{Recordable, Recordings, SPIKE, SpikeEvents, Tap, TapChunk, WEIGHT, WeightEvents};
use crate::step::arrivals::Arrivals;
use crate::step::delivery::{self, Passage, deliver_poisson, deliver_row, deliver_row_part};
use crate::step::emission::Emission;
use crate::step::row;

pub use handover::Recorded;

/// What an open interval reads and does not change.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'a, R> {
    /// The plan.
    pub plan: &'a IntervalPlan,
    /// Coefficients of the recurrent neurons.
    pub neurons: &'a Neurons<R>,
    /// Projections, for what weight recorders see.
    pub projections: &'a [Projection],
    /// Weights of each projection.
    pub weights: &'a [&'a [R]],
    /// By projection: weights onto readouts before the update at the interval's start; they still hold for a spike that
    /// is read in a readout's first step.
    pub before: &'a [Option<Vec<f64>>],
    /// What stimuli emit.
    pub emission: &'a Emission,
    /// Input of recurrent neurons that was settled before its weights changed.
    pub arrivals: &'a Arrivals,
    /// The same, of readouts.
    pub readout_arrivals: &'a Arrivals,
    /// Constant part of the voltage: gain times current.
    pub drive: &'a [R],
    /// The same for the first step to come, where the current has changed.
    pub first_drive: Option<&'a [R]>,
    /// As `drive`, for readouts.
    pub readout_drive: &'a [f64],
    /// As `first_drive`, for readouts.
    pub first_readout_drive: Option<&'a [f64]>,
    /// Threads that may share the interval.
    pub threads: usize,
    /// Whether to stop early.
    pub control: &'a RunControl,
}

/// The lowest bits of up to 64 bytes that are 0 or 1.
#[inline]
fn bits_of(bytes: &[u8]) -> u64 {
    // The product moves the eight bits of a word side by side into its highest byte.
    let gather = |word: u64| word.wrapping_mul(0x0102_0408_1020_4080) >> 56;
    let (words, rest) = bytes.as_chunks::<8>();
    let whole = words
        .iter()
        .enumerate()
        .fold(0, |bits, (place, word)| bits | gather(u64::from_le_bytes(*word)) << (8 * place));
    rest.iter()
        .enumerate()
        .fold(whole, |bits, (place, byte)| bits | u64::from(*byte) << (8 * words.len() + place))
}

/// Spikes of recurrent neurons by step.
#[derive(Debug, Clone, Default)]
pub struct IntervalSpikes {
    /// Steps before the interval's first one that are kept.
    lookback: usize,
    starts: Vec<usize>,
    places: Vec<u32>,
}

impl IntervalSpikes {
    fn new(lookback: usize) -> Self {
        Self { lookback, starts: vec![0; lookback + 1], places: Vec::new() }
    }

    /// Places of the neurons that fired in a step of the interval; earlier steps are below zero.
    #[must_use]
    #[inline]
    pub fn at(&self, step: isize) -> &[u32] {
        let row = step + self.lookback as isize;
        if row < 0 || row as usize + 1 >= self.starts.len() {
            return &[];
        }
        &self.places[self.starts[row as usize]..self.starts[row as usize + 1]]
    }

    /// Where the spikes of consecutive steps begin in a list of places, one more than there are steps, and that list;
    /// `None` where not all of them are done.
    #[must_use]
    pub fn rows(&self, steps: Range<isize>) -> Option<(&[usize], &[u32])> {
        let row = |step: isize| usize::try_from(step + self.lookback as isize).ok();
        Some((self.starts.get(row(steps.start)?..=row(steps.end)?)?, &self.places))
    }

    fn finish_step(&mut self) {
        self.starts.push(self.places.len());
    }

    /// Adds the places at which `fired`, from place `first` on, is 1, and counts them.
    fn push_fired(&mut self, fired: &[u8], first: u32, counts: &mut [u32]) {
        for (block, bytes) in fired.chunks(64).enumerate() {
            let mut bits = bits_of(bytes);
            while bits != 0 {
                let at = block * 64 + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                self.places.push(first + at as u32);
                counts[at] += 1;
            }
        }
    }

    /// Begins an interval after one of `length` steps; its last steps become those before the first.
    fn begin_after(&mut self, length: usize) {
        let tail: Vec<Vec<u32>> = (0..self.lookback)
            .map(|back| self.at(length as isize - self.lookback as isize + back as isize).to_vec())
            .collect();
        self.starts.clear();
        self.places.clear();
        self.starts.push(0);
        for places in tail {
            self.places.extend_from_slice(&places);
            self.starts.push(self.places.len());
        }
    }
}

/// What readouts show: a row of readouts per step.
#[derive(Debug, Clone, Default)]
struct Shown {
    voltage: Vec<f64>,
    signal: Vec<f64>,
    target: Vec<f64>,
}

impl Shown {
    fn clear(&mut self) {
        [&mut self.voltage, &mut self.signal, &mut self.target].into_iter().for_each(Vec::clear);
    }
}

/// Room for what an open interval keeps for learning. A thread uses one for all its intervals, so that it stays in its cache.
#[derive(Debug)]
pub struct IntervalHistory<R> {
    surrogate: SurrogateHistory<R>,
    errors: Vec<f64>,
}

impl<R: Real> Default for IntervalHistory<R> {
    fn default() -> Self {
        Self { surrogate: SurrogateHistory::without_room(0), errors: Vec::new() }
    }
}

impl<R: Real> IntervalHistory<R> {
    /// Makes room for `kept` steps of rows of `stride` neurons.
    ///
    /// # Errors
    /// `OutOfMemory` where the system has none.
    pub fn make_room(&mut self, plan: &IntervalPlan, stride: usize, kept: usize) -> Result<()> {
        self.surrogate.fit(stride, plan.interval);
        self.surrogate.make_room(kept)?;
        let errors = plan.readout_count().saturating_mul(plan.error_steps());
        let more = errors.saturating_sub(self.errors.len());
        memory::make_room(&mut self.errors, more, "the history of the readouts' errors")?;
        self.errors.resize(errors, 0.0);
        Ok(())
    }
}

/// An update interval in progress or finished.
#[derive(Debug, Clone)]
pub struct OpenInterval<R> {
    /// Index of the interval; -1 is what comes before the first.
    pub interval: i64,
    /// Steps of recurrent neurons done.
    pub recurrent_done: usize,
    /// Steps of readouts done.
    pub readout_done: usize,
    /// Readouts that have done the last step.
    stepped: usize,
    /// State of the recurrent neurons.
    pub state: NeuronState<R>,
    /// Voltage of the readouts.
    pub readout_voltage: Vec<f64>,
    /// Length of a row of neurons.
    stride: usize,
    /// Surrogate gradients.
    pub surrogate: SurrogateHistory<R>,
    /// Surrogate gradients of the last step done.
    pub latest: Lines<R>,
    /// Errors: a row of readouts per step.
    pub errors: Vec<f64>,
    /// Spikes by step.
    pub spikes: IntervalSpikes,
    /// Spikes of each neuron in the interval.
    pub spike_counts: Vec<u32>,
    /// A step whose constant part of the voltage was another than since, and that part.
    other_drive: Option<(usize, Lines<R>)>,
    input: Lines<R>,
    readout_input: Vec<f64>,
    fired: Vec<u8>,
    signals_recorded: usize,
    /// What readouts show in the steps of a run.
    shown: Shown,
    targets: RateReader,
    /// Rows recorded of recurrent neurons, per tap of the plan.
    pub recurrent_chunks: Vec<TapChunk>,
    /// Rows recorded of readouts, per tap of the plan.
    pub readout_chunks: Vec<TapChunk>,
    /// Spikes recorded, per tap of the plan.
    pub spike_events: Vec<SpikeEvents>,
    /// Weights recorded, per tap of the plan.
    pub weight_events: Vec<WeightEvents>,
}

impl<R: Real> OpenInterval<R> {
    /// The interval that is in progress at step `now`, all neurons at rest, without room for the history of
    /// steps to come.
    #[must_use]
    pub fn in_progress(plan: &IntervalPlan, stride: usize, now: i64) -> Self {
        let mut open = Self::without_history(plan, stride);
        open.interval = plan.interval_at(now);
        open.readout_done = (now - plan.start_readout(open.interval)) as usize;
        let steps = (now - plan.start_recurrent(open.interval)) as usize;
        open.recurrent_done = steps.min(open.recurrent_length(plan));
        open.signals_recorded = open.readout_done.min(open.recurrent_done);
        open.surrogate.keep(Lines::zeros(open.recurrent_done * stride), open.recurrent_done);
        open.hold_errors();
        (0..open.recurrent_done).for_each(|_| open.spikes.finish_step());
        open
    }

    /// An open interval without room for a history: it takes or borrows one before it runs.
    #[must_use]
    pub fn without_history(plan: &IntervalPlan, stride: usize) -> Self {
        let (n, k) = (plan.recurrent_count(), plan.readout_count());
        Self {
            interval: -1,
            recurrent_done: 0,
            readout_done: 0,
            stepped: 0,
            state: NeuronState::at_rest(stride),
            readout_voltage: vec![0.0; k],
            stride,
            surrogate: SurrogateHistory::without_room(stride),
            latest: Lines::zeros(stride),
            errors: Vec::new(),
            spikes: IntervalSpikes::new(plan.longest_delay),
            spike_counts: vec![0; n],
            other_drive: None,
            input: Lines::zeros(stride),
            readout_input: vec![0.0; k],
            fired: vec![0; stride],
            signals_recorded: 0,
            shown: Shown::default(),
            targets: RateReader::default(),
            recurrent_chunks: plan.wiring.recurrent_taps.iter().map(TapChunk::new).collect(),
            readout_chunks: plan.wiring.readout_taps.iter().map(TapChunk::new).collect(),
            spike_events: vec![SpikeEvents::default(); plan.wiring.spike_taps.len()],
            weight_events: vec![WeightEvents::default(); plan.wiring.weight_taps.len()],
        }
    }

    /// Takes over room for a history.
    pub fn borrow_history(&mut self, history: IntervalHistory<R>) {
        (self.surrogate, self.errors) = (history.surrogate, history.errors);
        self.surrogate.begin();
    }

    /// Makes room for a history of `kept` steps; what is held of steps done stays.
    ///
    /// # Errors
    /// `OutOfMemory` where the system has none.
    pub fn make_room(&mut self, plan: &IntervalPlan, kept: usize) -> Result<()> {
        let mut history = self.return_history();
        let outcome = history.make_room(plan, self.stride, kept);
        (self.surrogate, self.errors) = (history.surrogate, history.errors);
        outcome
    }

    /// Whether there is room for a history.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.surrogate.kept() > 0
    }

    /// Holds errors of all readouts in the steps done; those of new readouts are zero.
    pub fn hold_errors(&mut self) {
        if self.interval >= 0 {
            let held = self.readout_done * self.readout_voltage.len();
            self.errors.resize(self.errors.len().max(held), 0.0);
        }
    }

    /// Gives back the room for the history of steps to come.
    pub fn give_up_room(&mut self) {
        self.surrogate.give_up_room(self.recurrent_done);
        let held = if self.interval < 0 { 0 } else { self.readout_done * self.readout_voltage.len() };
        self.errors.truncate(held);
        self.errors.shrink_to_fit();
    }

    /// Gives the room for a history back.
    pub fn return_history(&mut self) -> IntervalHistory<R> {
        IntervalHistory {
            surrogate: std::mem::replace(&mut self.surrogate, SurrogateHistory::without_room(self.stride)),
            errors: std::mem::take(&mut self.errors),
        }
    }

    /// Fits a plan in which neurons or recorders were added or parameters changed.
    pub fn fit(&mut self, plan: &IntervalPlan, stride: usize) {
        let (n, k) = (plan.recurrent_count(), plan.readout_count());
        self.stride = stride;
        for values in self.state.arrays_mut() {
            // What filled the rows up was no neuron's.
            values.resize(self.spike_counts.len());
            values.resize(stride);
        }
        self.surrogate.fit(stride, plan.interval);
        widen(&mut self.errors, self.readout_voltage.len(), k);
        if self.has_room() {
            self.errors.resize(plan.readout_count() * plan.error_steps(), 0.0);
        }
        self.readout_voltage.resize(k, 0.0);
        self.spike_counts.resize(n, 0);
        self.input.resize(stride);
        self.latest.resize(stride);
        self.readout_input.resize(k, 0.0);
        self.targets.forget();
        self.fired.resize(stride, 0);
        if self.spikes.lookback < plan.longest_delay {
            let more = plan.longest_delay - self.spikes.lookback;
            self.spikes.starts.splice(0..0, std::iter::repeat_n(0, more));
            self.spikes.lookback = plan.longest_delay;
        }
        self.recurrent_chunks = plan.wiring.recurrent_taps.iter().map(TapChunk::new).collect();
        self.readout_chunks = plan.wiring.readout_taps.iter().map(TapChunk::new).collect();
        self.spike_events = vec![SpikeEvents::default(); plan.wiring.spike_taps.len()];
        self.weight_events = vec![WeightEvents::default(); plan.wiring.weight_taps.len()];
    }

    /// Spikes of all recurrent neurons in the interval so far.
    #[must_use]
    pub fn spikes_fired(&self) -> u64 {
        self.spike_counts.iter().map(|count| u64::from(*count)).sum()
    }

    /// Whether no step was done yet.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        self.recurrent_done == 0 && self.readout_done == 0
    }

    /// Steps of recurrent neurons in this interval.
    #[must_use]
    pub fn recurrent_length(&self, plan: &IntervalPlan) -> usize {
        if self.interval < 0 { crate::interval::plan::SHIFT_RECURRENT as usize } else { plan.interval }
    }

    /// Steps of readouts in this interval.
    #[must_use]
    pub fn readout_length(&self, plan: &IntervalPlan) -> usize {
        if self.interval < 0 { crate::interval::plan::SHIFT_READOUT as usize } else { plan.interval }
    }

    /// Whether all steps are done.
    #[must_use]
    pub fn is_finished(&self, plan: &IntervalPlan) -> bool {
        self.recurrent_done == self.recurrent_length(plan) && self.readout_done == self.readout_length(plan)
    }

    /// Begins the interval after this one, with the state that this one ended in.
    pub fn begin_next(&mut self, plan: &IntervalPlan) {
        let length = self.recurrent_length(plan);
        self.begin(self.interval + 1);
        self.spikes.begin_after(length);
    }

    /// Begins an interval that shares nothing with the one before.
    pub fn begin_afresh(&mut self, interval: i64) {
        self.begin(interval);
        self.spikes.starts.clear();
        self.spikes.places.clear();
        self.spikes.starts.resize(self.spikes.lookback + 1, 0);
    }

    fn begin(&mut self, interval: i64) {
        self.interval = interval;
        self.recurrent_done = 0;
        self.readout_done = 0;
        self.signals_recorded = 0;
        self.spike_counts.fill(0);
        self.surrogate.begin();
        self.other_drive = None;
    }

    /// Advances to the global step `to`, or to the interval's end if that is earlier. Returns false if it was
    /// cancelled on the way.
    pub fn advance(&mut self, around: &Surroundings<'_, R>, to: i64) -> bool {
        let plan = around.plan;
        let local = |start: i64, length: usize| (to - start).clamp(0, length as i64) as usize;
        let recurrent_to = local(plan.start_recurrent(self.interval), self.recurrent_length(plan));
        let readout_to = local(plan.start_readout(self.interval), self.readout_length(plan));
        self.make_room_to_record(plan, recurrent_to, readout_to);
        // Readouts follow recurrent neurons and never lead them, so each population can go in one run.
        let mut goes_on = true;
        while goes_on && self.recurrent_done < recurrent_to {
            self.advance_recurrent(around, recurrent_to);
            goes_on = !around.control.cancelled();
        }
        // Where that was stopped, readouts stop at the same step.
        let reached = plan.start_recurrent(self.interval) + self.recurrent_done as i64;
        let readout_to = if goes_on {
            readout_to
        } else {
            readout_to.min((reached - plan.start_readout(self.interval)).max(0) as usize)
        };
        if self.readout_done < readout_to {
            self.advance_readouts(around, readout_to);
            self.record_learning_signals(around);
        }
        goes_on
    }

    /// Makes room for what multimeters record up to these steps, so that no more is taken than they need.
    fn make_room_to_record(&mut self, plan: &IntervalPlan, recurrent_to: usize, readout_to: usize) {
        let start = plan.start_recurrent(self.interval);
        let steps = (start + self.recurrent_done as i64, start + recurrent_to as i64);
        let recurrent = plan.wiring.recurrent_taps.iter().zip(&mut self.recurrent_chunks);
        let start = plan.start_readout(self.interval);
        let readout_steps = (start + self.readout_done as i64, start + readout_to as i64);
        let readouts = plan.wiring.readout_taps.iter().zip(&mut self.readout_chunks);
        let all = recurrent.map(|row| (row, steps)).chain(readouts.map(|row| (row, readout_steps)));
        for ((tap, chunk), (from, to)) in all {
            let rows = tap.window.count(from, to) as usize;
            // Without that, the lists grow as they can.
            let _ = chunk.make_room(rows, tap.nodes.len());
        }
    }

    /// Bytes that an open interval takes in a simulation of so many steps besides its history, if so many of its neurons' and
    /// inputs' spikes are read in an interval.
    #[must_use]
    pub fn bytes_for(
        plan: &IntervalPlan,
        stride: usize,
        steps: usize,
        spikes: u64,
        input_spikes: u64,
    ) -> u64 {
        let steps = steps.min(plan.interval);
        let (n, k) = (plan.recurrent_count() as u64, plan.readout_count() as u64);
        let state = (6 * size_of::<R>() as u64 + 1) * stride as u64 + 4 * n + 16 * k;
        let start = plan.start_recurrent(0);
        let taps = plan.wiring.recurrent_taps.iter().chain(&plan.wiring.readout_taps);
        let recorded: u64 = taps.map(|tap| tap.bytes(start, start + steps as i64)).sum();
        let shown = if plan.wiring.readout_taps.is_empty() { 0 } else { 24 * k * steps as u64 };
        let listed = 8 * (steps + 2 * plan.longest_delay) as u64;
        // Each spike is listed by step, and by row and step for each projection that learns from it.
        let learned: u64 = plan
            .learners
            .iter()
            .map(|learner| {
                let route = plan.route_of(learner);
                let read = if route.source == RECURRENT { spikes } else { input_spikes };
                17 * route.row_count as u64 + 12 * read
            })
            .sum();
        state + recorded + shown + listed + 4 * spikes + learned
    }

    /// Bytes of spikes and weights that are recorded and wait in an open interval until its interval is over, if so many spikes of
    /// its neurons and inputs are read.
    #[must_use]
    pub fn events_for(plan: &IntervalPlan, spikes: u64, input_spikes: u64) -> u64 {
        let listens = |tap: &SpikeTap| tap.listens.iter().map(|times| u64::from(*times)).sum::<u64>();
        let heard = plan.wiring.spike_taps.iter().map(listens).sum::<u64>() * spikes
            / plan.recurrent_count().max(1) as u64;
        let watched = plan.wiring.recurrent_routes.iter().chain(&plan.wiring.readout_routes);
        let seen: u64 = watched
            .filter(|route| route.weight_recorder.is_some())
            .map(|route| {
                let read = if route.source == RECURRENT { spikes } else { input_spikes };
                read * route.entry_count() as u64 / route.row_count.max(1) as u64
            })
            .sum();
        // Lists have room to spare.
        (heard * SPIKE as u64 + seen * WEIGHT as u64) * 5 / 4
    }

    /// Advances the recurrent neurons towards a step, until a look at whether to stop is due.
    fn advance_recurrent(&mut self, around: &Surroundings<'_, R>, to: usize) {
        let plan = around.plan;
        let start = plan.start_recurrent(self.interval);
        let n = plan.recurrent_count();
        if self.recurrent_done == 0 && self.interval >= 0 && plan.reset {
            self.state.rest();
        }
        let mut first_drive = around.first_drive.filter(|_| self.recurrent_done < to);
        if together::can_share(around) {
            let to = self.advance_together(around, first_drive, to);
            for local in self.recurrent_done..to {
                self.record_recurrent(plan, local, start + local as i64);
            }
            self.finish_recurrent(to);
            return;
        }
        let to = to.min(self.recurrent_done + plan.steps_between_looks());
        let mut rows = Vec::new();
        for local in self.recurrent_done..to {
            self.surrogate.begin_step(local, &self.state);
            let first_drive = first_drive.take();
            if let Some(drive) = first_drive {
                self.other_drive = Some((local, drive.iter().copied().collect()));
            }
            self.step(around, first_drive, local, &mut rows);
            for route in plan.wiring.recurrent_routes.iter().filter(|route| route.weight_recorder.is_some()) {
                if reads(self.interval, route, local) {
                    let weights = &around.projections[route.projection].weights;
                    self.record_weights(around, route, weights, false, local, start + local as i64);
                }
            }
            self.spikes.push_fired(&self.fired[..n], 0, &mut self.spike_counts);
            self.spikes.finish_step();
            self.record_recurrent(plan, local, start + local as i64);
        }
        self.finish_recurrent(to);
    }

    fn finish_recurrent(&mut self, to: usize) {
        if self.recurrent_done < to {
            self.latest.copy_from_slice(self.surrogate.row(to - 1));
        }
        self.recurrent_done = to;
    }

    /// One step of the recurrent neurons: state, surrogate gradients, and who fires. `rows` is room.
    #[inline]
    fn step<'a>(
        &mut self,
        around: &Surroundings<'a, R>,
        first_drive: Option<&[R]>,
        local: usize,
        rows: &mut Vec<&'a [R]>,
    ) {
        let mut part = Part {
            state: self.state.whole(),
            input: &mut self.input,
            surrogate: self.surrogate.row_mut(local),
            fired: &mut self.fired,
        };
        part.step(around, &self.spikes, self.interval, first_drive, local, rows);
        let plan = around.plan;
        for clocked in &plan.wiring.clocked {
            let fires = clocked.fires(plan.start_recurrent(self.interval) + local as i64);
            let j = clocked.place;
            // The step has set the countdown by its own condition: take that back.
            if self.fired[j] != 0 {
                self.state.countdown[j] = R::ZERO;
            }
            self.state.spiked[j] = if fires { R::ONE } else { R::ZERO };
            self.fired[j] = u8::from(fires);
            if fires {
                self.state.countdown[j] = around.neurons.refractory[j];
            }
        }
    }

    /// Makes the surrogate gradients of step `end - 1` and of steps before it available, computing them again if they
    /// were not kept. Returns the first step whose are.
    pub fn recall(&mut self, around: &Surroundings<'_, R>, end: usize) -> usize {
        let (run, state) = self.surrogate.run_of(end - 1);
        let Some(state) = state.cloned() else { return run.start };
        let present = std::mem::replace(&mut self.state, state);
        self.surrogate.recompute_from(run.start);
        let mut rows = Vec::new();
        let other = self.other_drive.take();
        for local in run.clone() {
            let drive = other.as_ref().filter(|(step, _)| *step == local).map(|(_, drive)| &**drive);
            self.step(around, drive, local, &mut rows);
        }
        self.other_drive = other;
        self.state = present;
        run.start
    }

    /// Keeps the surrogate gradients of all steps done, since what they were computed with is about to change.
    pub fn keep_history(&mut self, around: &Surroundings<'_, R>) {
        let mut rows = Lines::zeros(self.recurrent_done * self.stride);
        let mut end = self.recurrent_done;
        while end > 0 {
            let begin = self.recall(around, end);
            for step in begin..end {
                rows[step * self.stride..][..self.stride].copy_from_slice(self.surrogate.row(step));
            }
            end = begin;
        }
        self.surrogate.keep(rows, self.recurrent_done);
    }

    /// The neurons that fire in the first step of the next interval. No plastic synapse has a say in that.
    pub fn fire_first(&mut self, around: &Surroundings<'_, R>) -> Vec<u32> {
        let plan = around.plan;
        let step = plan.start_recurrent(self.interval + 1);
        let length = self.recurrent_length(plan) as isize;
        let n = plan.recurrent_count();
        let places = 0..n;
        self.input.fill(R::ZERO);
        around.arrivals.add_to(&mut self.input[..n], &places, step);
        let mut rows = Vec::new();
        for route in plan.wiring.recurrent_routes.iter().filter(|route| !route.plastic) {
            let emitted = length - route.delay as isize;
            deliver(around, route, &mut self.input[..n], &places, &mut rows, &self.spikes, emitted, step);
        }
        row::add_all(&mut self.input[..n], &rows);
        let mut state = if plan.reset { NeuronState::at_rest(self.stride) } else { self.state.clone() };
        let mut surrogate = Lines::zeros(self.stride);
        for segment in &around.neurons.segments {
            neuron_step::advance(
                around.neurons,
                segment,
                around.drive,
                true,
                &self.input,
                &mut state.whole(),
                &mut surrogate,
                &mut self.fired,
            );
        }
        for clocked in &plan.wiring.clocked {
            self.fired[clocked.place] = u8::from(clocked.fires(step));
        }
        (0..n as u32).filter(|place| self.fired[*place as usize] != 0).collect()
    }

    fn advance_readouts(&mut self, around: &Surroundings<'_, R>, to: usize) {
        let plan = around.plan;
        let start = plan.start_readout(self.interval);
        let offset = (start - plan.start_recurrent(self.interval)) as isize;
        let k = plan.readout_count();
        if self.readout_done == 0 && self.interval >= 0 && plan.reset {
            self.readout_voltage.fill(0.0);
        }
        let p = &plan.readouts;
        let begin = plan.targets_since(self.interval);
        let recorded = !plan.wiring.readout_taps.is_empty();
        let mut first_drive = around.first_readout_drive.filter(|_| self.readout_done < to);
        for local in self.readout_done..to {
            let step = start + local as i64;
            self.readout_input.fill(0.0);
            around.readout_arrivals.add_to(&mut self.readout_input, &(0..k), step);
            for route in &plan.wiring.readout_routes {
                let current = &around.projections[route.projection].weights;
                let weights = match &around.before.get(route.projection) {
                    Some(Some(before)) if local == 0 => before,
                    _ => current,
                };
                let emitted = local as isize + offset - route.delay as isize;
                for_each_row(around, route, &self.spikes, emitted, step, |row, count| {
                    deliver_row(route, weights, &mut self.readout_input, row, count);
                });
                if route.poisson {
                    let stamp = step + 1 - route.delay as i64;
                    let ids = &plan.wiring.stimulus_ids;
                    let input = &mut self.readout_input;
                    deliver_poisson(route, weights, input, &(0..k), around.emission, stamp, ids);
                }
                if route.weight_recorder.is_some() {
                    self.record_weights(around, route, weights, true, local, step);
                }
            }
            let drive = first_drive.take().unwrap_or(around.readout_drive);
            let learning = self.interval >= 0 && local + plan.window >= plan.interval;
            for j in 0..k {
                let arriving = drive[j] + p.spike_gain[j] * self.readout_input[j];
                let v = p.decay[j].mul_add(self.readout_voltage[j], arriving);
                self.readout_voltage[j] = if v > p.floor[j] { v } else { p.floor[j] };
            }
            if recorded {
                self.shown.voltage.extend_from_slice(&self.readout_voltage);
            }
            for j in 0..k {
                let (signal, target) = if learning {
                    (self.readout_signal(plan, j), self.targets.read(&p.targets, j, step + 1, begin))
                } else {
                    (0.0, 0.0)
                };
                if self.interval >= 0 {
                    self.errors[local * k + j] = signal - target;
                }
                if recorded {
                    self.shown.signal.push(signal);
                    self.shown.target.push(target);
                }
            }
        }
        if recorded {
            self.record_readouts(plan, start, self.readout_done, to);
            self.shown.clear();
        }
        if self.readout_done < to {
            self.stepped = k;
        }
        self.readout_done = to;
    }

    /// The readout signal of the present voltages.
    fn readout_signal(&self, plan: &IntervalPlan, readout: usize) -> f64 {
        let p = &plan.readouts;
        let signal = |j: usize| self.readout_voltage[j] + p.rest[j];
        match &p.normalizer[readout] {
            None => signal(readout),
            Some(sum) => {
                // Relative to the largest, no exponential overflows.
                let largest = sum.iter().map(|(j, _)| signal(*j)).fold(signal(readout), f64::max);
                let own = math::exp(signal(readout) - largest);
                let others: f64 =
                    sum.iter().map(|(j, weight)| weight * math::exp(signal(*j) - largest)).sum();
                own / (own + others)
            }
        }
    }

    /// The learning signal that a neuron shows for a step whose errors are known.
    fn learning_signal(&self, plan: &IntervalPlan, local: usize, neuron: usize) -> f64 {
        if !plan.wiring.learning[neuron] {
            return 0.0;
        }
        let (n, k) = (plan.recurrent_count(), plan.readout_count());
        (0..k)
            .map(|readout| plan.wiring.feedback[readout * n + neuron] * self.errors[local * k + readout])
            .sum()
    }

    fn record_recurrent(&mut self, plan: &IntervalPlan, local: usize, step: i64) {
        for (tap, chunk) in plan.wiring.recurrent_taps.iter().zip(&mut self.recurrent_chunks) {
            if !tap.window.contains(step + 1) {
                continue;
            }
            chunk.stamps.push(step + 1);
            for (recordable, stream) in tap.recordables.iter().zip(&mut chunk.streams) {
                let p = &plan.recurrent;
                let state = &self.state;
                let surrogate = self.surrogate.row(local);
                let value: &dyn Fn(usize) -> f64 = match recordable {
                    Recordable::Voltage => &|j| state.voltage[j].f64() + p.rest[j],
                    Recordable::SurrogateGradient => &|j| surrogate[j].f64(),
                    Recordable::Adaptation => &|j| state.adaptation[j].f64(),
                    Recordable::AdaptiveThreshold => {
                        &|j| p.threshold[j] + p.adaptation_gain[j] * state.adaptation[j].f64() + p.rest[j]
                    }
                    Recordable::HistoryDuration => &|_| (local + 1) as f64 * plan.resolution,
                    _ => continue,
                };
                stream.extend(tap.places.iter().map(|place| value(*place as usize)));
            }
        }
        for (tap, events) in plan.wiring.spike_taps.iter().zip(&mut self.spike_events) {
            if tap.window.contains(step + 1) {
                for place in self.spikes.at(local as isize) {
                    for _ in 0..tap.listens[*place as usize] {
                        events.push(step + 1, plan.wiring.recurrent_ids[*place as usize]);
                    }
                }
            }
        }
    }

    /// Records what the readouts have shown in the steps from `from` on to `to`.
    fn record_readouts(&mut self, plan: &IntervalPlan, start: i64, from: usize, to: usize) {
        let p = &plan.readouts;
        let k = plan.readout_count();
        for (tap, chunk) in plan.wiring.readout_taps.iter().zip(&mut self.readout_chunks) {
            let steps = |lag: i64| {
                (from..to)
                    .filter(move |local| tap.window.contains(start + *local as i64 + lag))
                    .map(move |local| local - from)
            };
            chunk.stamps.extend(steps(1).map(|row| start + (from + row) as i64 + 1));
            for (recordable, stream) in tap.recordables.iter().zip(&mut chunk.streams) {
                // Readout, target and error signal of a step's voltage show one step later.
                let lag = match recordable {
                    Recordable::ReadoutSignal | Recordable::TargetSignal | Recordable::ErrorSignal => 2,
                    _ => 1,
                };
                let mut take = |value: &dyn Fn(usize, usize) -> f64| {
                    for row in steps(lag) {
                        stream.extend(tap.places.iter().map(|j| value(row * k + *j as usize, *j as usize)));
                    }
                };
                let Shown { voltage, signal, target } = &self.shown;
                match recordable {
                    Recordable::Voltage => take(&|at, j| voltage[at] + p.rest[j]),
                    Recordable::ReadoutSignalUnnormalized => take(&|at, j| {
                        let signal = voltage[at] + p.rest[j];
                        if p.normalizer[j].is_some() { math::exp(signal) } else { signal }
                    }),
                    Recordable::HistoryDuration => take(&|_, _| plan.resolution),
                    Recordable::ReadoutSignal => take(&|at, _| signal[at]),
                    Recordable::TargetSignal => take(&|at, _| target[at]),
                    Recordable::ErrorSignal => take(&|at, _| signal[at] - target[at]),
                    _ => {}
                }
            }
        }
    }

    /// Learning signals show three steps after the step they belong to.
    fn record_learning_signals(&mut self, around: &Surroundings<'_, R>) {
        let plan = around.plan;
        let start = plan.start_recurrent(self.interval);
        let known = self.readout_done.min(self.recurrent_length(plan));
        for local in self.signals_recorded..known {
            let stamp = start + local as i64 + 4;
            for (place, tap) in plan.wiring.recurrent_taps.iter().enumerate() {
                let stream = tap.recordables.iter().position(|r| *r == Recordable::LearningSignal);
                if let Some(stream) = stream.filter(|_| tap.window.contains(stamp)) {
                    let values: Vec<f64> = tap
                        .places
                        .iter()
                        .map(|neuron| {
                            if self.interval < 0 {
                                0.0
                            } else {
                                self.learning_signal(plan, local, *neuron as usize)
                            }
                        })
                        .collect();
                    self.recurrent_chunks[place].streams[stream].extend(values);
                }
            }
        }
        self.signals_recorded = known.max(self.signals_recorded);
    }

    /// The values that late recordables of a tap would show in the steps to come, for a tap that is new: a row of
    /// `tap.places` for each of the `lag` steps before `readout_done`.
    #[must_use]
    pub fn late_learning_signals(&self, plan: &IntervalPlan, tap: &Tap, lag: usize) -> Vec<Vec<f64>> {
        (0..lag)
            .map(|back| {
                let local = self.signals_recorded as isize - lag as isize + back as isize;
                tap.places
                    .iter()
                    .map(|neuron| {
                        if local < 0 || self.interval < 0 {
                            0.0
                        } else {
                            self.learning_signal(plan, local as usize, *neuron as usize)
                        }
                    })
                    .collect()
            })
            .collect()
    }

    /// The values of a late recordable that a tap of readouts, which is new at global step `now`, shows in that
    /// step: those of the voltages before it.
    #[must_use]
    pub fn late_readout_values(
        &self,
        plan: &IntervalPlan,
        tap: &Tap,
        recordable: Recordable,
        now: i64,
    ) -> Vec<f64> {
        let local = self.readout_done;
        let learning = self.interval >= 0 && local > 0 && local - 1 + plan.window >= plan.interval;
        let begin = plan.targets_since(self.interval);
        tap.places
            .iter()
            .map(|place| {
                let j = *place as usize;
                match recordable {
                    _ if !learning => 0.0,
                    Recordable::TargetSignal => plan.readouts.targets.read(j, now, begin),
                    Recordable::ErrorSignal => {
                        self.readout_signal(plan, j) - plan.readouts.targets.read(j, now, begin)
                    }
                    _ => self.readout_signal(plan, j),
                }
            })
            .collect()
    }

    /// Reads the targets of the last step of readouts anew, whose error is of the step that comes next: a generator that
    /// was made before a readout sends what it reads in that same step, and may have been set since. `held` is the plan
    /// that they were read with. Returns whether any is another.
    pub fn reread_targets(&mut self, held: &IntervalPlan, plan: &IntervalPlan) -> bool {
        let (n, Some(local)) = (held.readout_count(), self.readout_done.checked_sub(1)) else { return false };
        if self.interval < 0 || local + held.window < held.interval {
            return false;
        }
        let now = held.start_readout(self.interval) + self.readout_done as i64;
        let begin = held.targets_since(self.interval);
        let mut any = false;
        // Who has done no step yet has no error of one.
        for j in 0..n.min(self.stepped) {
            let target = plan.readouts.targets.read(j, now, begin);
            if target.to_bits() != held.readouts.targets.read(j, now, begin).to_bits() {
                self.errors[local * n + j] = self.readout_signal(held, j) - target;
                any = true;
            }
        }
        any
    }

    /// Corrects what was recorded of the last step of readouts after [`Self::reread_targets`].
    pub fn record_reread(&self, plan: &IntervalPlan, recordings: &mut Recordings) {
        let Some(local) = self.readout_done.checked_sub(1) else { return };
        let k = plan.readout_count();
        let stamp = plan.start_readout(self.interval) + local as i64 + 2;
        let begin = plan.targets_since(self.interval);
        let last = |stream: &mut Vec<f64>, places: &[u32], value: &dyn Fn(usize) -> f64| {
            if let Some(begin) = stream.len().checked_sub(places.len()) {
                stream.truncate(begin);
                stream.extend(places.iter().map(|place| value(*place as usize)));
            }
        };
        for tap in plan.wiring.readout_taps.iter().filter(|tap| tap.window.contains(stamp)) {
            let streams = &mut recordings.chunk(tap).streams;
            for (recordable, stream) in tap.recordables.iter().zip(streams) {
                match recordable {
                    Recordable::TargetSignal => {
                        last(stream, &tap.places, &|j| plan.readouts.targets.read(j, stamp - 1, begin));
                    }
                    Recordable::ErrorSignal => last(stream, &tap.places, &|j| self.errors[local * k + j]),
                    _ => {}
                }
            }
        }
        if self.signals_recorded != self.readout_done || local >= self.recurrent_length(plan) {
            return;
        }
        let stamp = plan.start_recurrent(self.interval) + local as i64 + 4;
        for tap in plan.wiring.recurrent_taps.iter().filter(|tap| tap.window.contains(stamp)) {
            let streams = &mut recordings.chunk(tap).streams;
            for (recordable, stream) in tap.recordables.iter().zip(streams) {
                if *recordable == Recordable::LearningSignal {
                    last(stream, &tap.places, &|j| self.learning_signal(plan, local, j));
                }
            }
        }
    }

    /// Drops what was recorded since it was last collected.
    pub fn forget_recorded(&mut self) {
        self.recurrent_chunks.iter_mut().for_each(TapChunk::clear);
        self.readout_chunks.iter_mut().for_each(TapChunk::clear);
        self.spike_events.iter_mut().for_each(|events| *events = SpikeEvents::default());
        self.weight_events.iter_mut().for_each(|events| *events = WeightEvents::default());
    }

    #[cold]
    fn record_weights(
        &mut self,
        around: &Surroundings<'_, R>,
        route: &Route,
        weights: &[f64],
        onto_readouts: bool,
        local: usize,
        step: i64,
    ) {
        let plan = around.plan;
        let ids = if onto_readouts { &plan.wiring.readout_ids } else { &plan.wiring.recurrent_ids };
        let offset = if onto_readouts {
            (plan.start_readout(self.interval) - plan.start_recurrent(self.interval)) as isize
        } else {
            0
        };
        let emitted = local as isize + offset - route.delay as isize;
        let receptor = around.projections[route.projection].receptor;
        let stamp = step + 1 - route.delay as i64;
        let mut record = |place: u32, count: u32| {
            let Some(row) = route.rows.row(place).filter(|row| route.transmits(*row, stamp)) else { return };
            let sender = match route.source {
                RECURRENT => plan.wiring.recurrent_ids[place as usize],
                _ => plan.wiring.stimulus_ids[place as usize],
            };
            let passage = Passage { route, row, sender, targets: ids, receptor, stamp, count };
            delivery::record_weights(&plan.wiring.weight_taps, &mut self.weight_events, passage, weights);
        };
        if route.source == RECURRENT {
            self.spikes.at(emitted).iter().for_each(|place| record(*place, 1));
        } else {
            around.emission.at(stamp).iter().for_each(|(place, count)| record(place, count));
        }
    }
}

/// Whether a step of an interval reads the spikes of a route: what would be read over a plastic synapse in an interval's
/// first step is dropped.
fn reads(interval: i64, route: &Route, local: usize) -> bool {
    !(route.plastic && local == 0 && interval >= 0)
}

/// Calls `each` with the rows of a route whose spikes are read in a step, ascending, and their multiplicities.
/// `emitted` is the local step in which recurrent neurons emitted them; `step` is the global step that reads them.
#[inline]
fn for_each_row<R>(
    around: &Surroundings<'_, R>,
    route: &Route,
    spikes: &IntervalSpikes,
    emitted: isize,
    step: i64,
    mut each: impl FnMut(usize, f64),
) {
    let stamp = step + 1 - route.delay as i64;
    let all = route.transmits_all(stamp);
    if route.source == RECURRENT {
        if stamp > route.settled.neurons {
            for row in spikes.at(emitted).iter().filter_map(|place| route.rows.row(*place)) {
                each(row, 1.0);
            }
        }
    } else if !route.poisson {
        debug_assert_eq!(route.source, Population::Stimulus);
        for (place, count) in around.emission.at(stamp).iter() {
            if let Some(row) = route.rows.row(place)
                && (all || route.transmits(row, stamp))
            {
                each(row, f64::from(count));
            }
        }
    }
}

/// Neighbouring neurons in a step, one array each.
pub(super) struct Part<'a, R> {
    /// Their state.
    pub state: NeuronStatePart<'a, R>,
    /// Sum of arriving weights.
    pub input: &'a mut [R],
    /// Surrogate gradients.
    pub surrogate: &'a mut [R],
    /// 1 where a neuron fires.
    pub fired: &'a mut [u8],
}

impl<R: Real> Part<'_, R> {
    /// One step. `spikes` are those of all neurons in the steps before; `rows` is room.
    #[inline]
    pub fn step<'a>(
        &mut self,
        around: &Surroundings<'a, R>,
        spikes: &IntervalSpikes,
        interval: i64,
        first_drive: Option<&[R]>,
        local: usize,
        rows: &mut Vec<&'a [R]>,
    ) {
        let plan = around.plan;
        let step = plan.start_recurrent(interval) + local as i64;
        let places = self.state.places.start..self.state.places.end.min(plan.recurrent_count());
        self.input.fill(R::ZERO);
        let input = &mut self.input[..places.len()];
        around.arrivals.add_to(input, &places, step);
        for route in plan.wiring.recurrent_routes.iter().filter(|route| reads(interval, route, local)) {
            let emitted = local as isize - route.delay as isize;
            deliver(around, route, input, &places, rows, spikes, emitted, step);
        }
        row::add_all(input, rows);
        rows.clear();
        for segment in &around.neurons.segments {
            neuron_step::advance(
                around.neurons,
                segment,
                first_drive.unwrap_or(around.drive),
                first_drive.is_none(),
                self.input,
                &mut self.state,
                self.surrogate,
                self.fired,
            );
        }
    }
}

/// Adds the weights of the spikes that are read in a step to the input of the neurons at `places`. Whole rows wait in
/// `rows` to be added together; what must come after them adds them first.
#[inline]
fn deliver<'a, R: Real>(
    around: &Surroundings<'a, R>,
    route: &Route,
    input: &mut [R],
    places: &Range<usize>,
    rows: &mut Vec<&'a [R]>,
    spikes: &IntervalSpikes,
    emitted: isize,
    step: i64,
) {
    let weights = around.weights[route.projection];
    let n = around.plan.recurrent_count();
    let whole = matches!(route.columns, Columns::Range { first: 0, len } if len == n);
    for_each_row(around, route, spikes, emitted, step, |row, count| {
        if whole && count == 1.0 {
            rows.push(&weights[row * n + places.start..row * n + places.end]);
        } else {
            row::add_all(input, rows);
            rows.clear();
            deliver_row_part(route, weights, input, places, row, R::of(count));
        }
    });
    if route.poisson {
        row::add_all(input, rows);
        rows.clear();
        let stamp = step + 1 - route.delay as i64;
        let ids = &around.plan.wiring.stimulus_ids;
        deliver_poisson(route, weights, input, places, around.emission, stamp, ids);
    }
}

/// Makes the rows of a matrix longer.
fn widen(rows: &mut Vec<f64>, from: usize, to: usize) {
    if from == to || from == 0 {
        return;
    }
    let mut wider = vec![0.0; rows.len() / from * to];
    for (row, wide) in rows.chunks_exact(from).zip(wider.chunks_exact_mut(to)) {
        wide[..from].copy_from_slice(row);
    }
    *rows = wider;
}
