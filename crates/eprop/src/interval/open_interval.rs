//! One update interval: recurrent neurons, readouts and errors, step by step, with the history that learning needs.
//!
//! Steps are counted from the interval's first one. Recurrent neurons begin an interval one step before readouts,
//! and a readout's error one step later still, so the same count names steps that belong together
//! (docs/derivation.md, Frames of an interval).

mod handover;
mod history;
mod last_shown;
mod last_step;
mod part;
mod readouts;
mod recording;
mod sizes;
mod spikes;
mod state;
mod together;

use crate::base::control::RunControl;
use crate::base::error::Result;
use crate::base::exchange::Team;
use crate::base::lines::Lines;
use crate::base::real::Real;
use crate::describe::network::Projection;
use crate::interval::neuron_state::NeuronState;
use crate::interval::neuron_step;
use crate::interval::neurons::Neurons;
use crate::interval::plan::IntervalPlan;
use crate::interval::surrogate_history::SurrogateHistory;
use crate::plan::amplitudes::RateReader;
use crate::record::{SpikeEvents, TapChunk, WeightEvents};
use crate::step::arrivals::Arrivals;
use crate::step::currents::CurrentsOf;
use crate::step::emission::Emission;
use crate::step::row;

use last_shown::LastShown;
use last_step::BeforeLast;
use part::{Part, Room, deliver, reads, widen, with_currents};

pub use handover::Recorded;
pub use history::IntervalHistory;
pub use spikes::IntervalSpikes;

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
    /// Currents that generators send.
    pub currents: &'a CurrentsOf,
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
    /// The ranks that share the neurons, where they do.
    pub team: Option<&'a Team<'a>>,
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
    /// Spikes of each neuron in the interval; the first one's are those since the simulation's begin.
    pub spike_counts: Vec<u32>,
    /// Regularization of each neuron's firing rate, where the network was laid out anew since neurons have done the last
    /// step; otherwise it follows from the plan. Neurons that were added after that step have none.
    held_regularization: Vec<f64>,
    /// A step whose constant part of the voltage was another than since, and that part.
    other_drive: Option<(usize, Lines<R>)>,
    input: Lines<R>,
    readout_input: Vec<f64>,
    /// What drives readouts besides spikes, where generators send currents.
    readout_currents: Vec<f64>,
    fired: Vec<u8>,
    signals_recorded: usize,
    /// What readouts show in the steps of a run.
    shown: Shown,
    /// What they showed in the last step, once the network has been laid out anew.
    last_shown: LastShown,
    /// What the last step of readouts has changed.
    before_last: BeforeLast,
    targets: RateReader,
    /// Sums of the voltages and of the target signals of each readout in the learning window so far, where a loss is of
    /// their mean.
    sums: Vec<[f64; 2]>,
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
        let held = Lines::zeros(open.recurrent_done * open.surrogate.stride());
        open.surrogate.keep(held, open.recurrent_done);
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
            surrogate: SurrogateHistory::without_room(stride, plan.planes()),
            latest: Lines::zeros(stride),
            errors: Vec::new(),
            spikes: IntervalSpikes::new(plan.longest_delay),
            spike_counts: vec![0; n],
            held_regularization: Vec::new(),
            last_shown: LastShown::default(),
            before_last: BeforeLast::default(),
            other_drive: None,
            input: Lines::zeros(stride),
            readout_input: vec![0.0; k],
            readout_currents: Vec::new(),
            fired: vec![0; stride],
            signals_recorded: 0,
            shown: Shown::default(),
            targets: RateReader::default(),
            sums: vec![[0.0; 2]; k],
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
            surrogate: std::mem::replace(&mut self.surrogate, SurrogateHistory::without_room(self.stride, 1)),
            errors: std::mem::take(&mut self.errors),
        }
    }

    /// Fits a plan in which neurons or recorders were added or parameters changed.
    pub fn fit(&mut self, plan: &IntervalPlan, stride: usize) {
        let (n, k) = (plan.recurrent_count(), plan.readout_count());
        self.stride = stride;
        let known = self.spike_counts.len();
        // What filled the rows up was no neuron's.
        for values in self.state.arrays_mut().map(|(_, values)| values).chain([&mut self.latest]) {
            values.resize(known);
            values.resize(stride);
        }
        self.surrogate.fit(stride, plan.planes(), plan.interval);
        if n > known {
            self.surrogate.forget_from(known);
        }
        widen(&mut self.errors, self.readout_voltage.len(), k);
        if self.has_room() {
            self.errors.resize(plan.readout_count() * plan.error_steps(), 0.0);
        }
        self.readout_voltage.resize(k, 0.0);
        self.sums.resize(k, [0.0; 2]);
        self.spike_counts.resize(n, 0);
        self.input.resize(stride);
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

    /// Spikes of all recurrent neurons in the interval so far, of all ranks.
    #[must_use]
    pub fn spikes_fired(&self) -> u64 {
        self.spike_counts.iter().map(|count| u64::from(*count)).sum::<u64>() + self.spikes.elsewhere
    }

    /// The regularization of a neuron's firing rate, per step: `R` of docs/derivation.md, The gradient of an interval.
    #[must_use]
    pub fn regularization(&self, plan: &IntervalPlan, neuron: usize) -> f64 {
        self.held_regularization.get(neuron).copied().unwrap_or_else(|| {
            let p = &plan.recurrent;
            let steps = plan.interval as f64;
            let rate = f64::from(self.spike_counts[neuron]) / steps;
            p.regularization[neuron] * (rate - p.target_rate[neuron]) / steps
        })
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
        // As with NEST, a firing rate is that since the last interval's end: what neurons fire before the first interval
        // counts in it.
        if self.interval >= 0 {
            self.spike_counts.fill(0);
            self.spikes.elsewhere = 0;
        }
        self.interval = interval;
        self.recurrent_done = 0;
        self.readout_done = 0;
        self.signals_recorded = 0;
        self.held_regularization.clear();
        self.last_shown.clear();
        self.sums.fill([0.0; 2]);
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
        let mut first_drive = around.first_drive;
        while goes_on && self.recurrent_done < recurrent_to {
            self.advance_recurrent(around, first_drive.take(), recurrent_to);
            goes_on = !around.control.cancelled();
        }
        // Where that was stopped, readouts stop at the same step.
        let reached = plan.start_recurrent(self.interval) + self.recurrent_done as i64;
        let readout_to = if goes_on {
            readout_to
        } else {
            readout_to.min((reached - plan.start_readout(self.interval)).max(0) as usize)
        };
        let last = self.readout_length(plan) - 1;
        let other_drive = self.readout_done == last && around.first_readout_drive.is_some();
        let mut around = *around;
        if self.readout_done < last.min(readout_to) {
            self.advance_readouts(&around, last.min(readout_to));
            self.record_learning_signals(&around);
            around.first_readout_drive = None;
        }
        if self.readout_done < readout_to {
            self.hold_before_last(plan, other_drive);
            self.advance_readouts(&around, readout_to);
            self.record_learning_signals(&around);
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
            let _ = chunk.make_room(rows, tap.held.len());
        }
    }

    /// Advances the recurrent neurons towards a step, until a look at whether to stop is due. `first_drive` is that of the
    /// first step, where it is another.
    fn advance_recurrent(&mut self, around: &Surroundings<'_, R>, mut first_drive: Option<&[R]>, to: usize) {
        let plan = around.plan;
        let start = plan.start_recurrent(self.interval);
        let n = plan.recurrent_count();
        if self.recurrent_done == 0 && self.interval >= 0 && plan.reset {
            self.state.rest();
        }
        if together::can_share(around) {
            let to = self.advance_together(around, first_drive, to);
            self.finish_recurrent(plan, to);
            return;
        }
        // Ranks that share neurons look where they exchange spikes: so they stop at the same step.
        let steps = match plan.wiring.exchanges() {
            Some(exchanges) if around.team.is_some() => exchanges.every,
            _ => plan.steps_between_looks(),
        };
        let to = to.min(self.recurrent_done + steps);
        let mut room = Room::default();
        for local in self.recurrent_done..to {
            self.surrogate.begin_step(local, &self.state);
            let first_drive = first_drive.take();
            if let Some(drive) = first_drive {
                self.other_drive = Some((local, drive.iter().copied().collect()));
            }
            self.step(around, first_drive, local, &mut room);
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
        if let Some(team) = around.team {
            self.spikes.merge_last(to - self.recurrent_done, team, &plan.wiring);
        }
        self.finish_recurrent(plan, to);
    }

    fn finish_recurrent(&mut self, plan: &IntervalPlan, to: usize) {
        let start = plan.start_recurrent(self.interval);
        for local in self.recurrent_done..to {
            self.record_spikes(plan, local, start + local as i64);
        }
        if self.recurrent_done < to {
            self.latest.copy_from_slice(&self.surrogate.row(to - 1)[..self.stride]);
        }
        self.recurrent_done = to;
    }

    /// One step of the recurrent neurons: state, surrogate gradients, and who fires. `room` is kept from step to step.
    #[inline]
    fn step<'a>(
        &mut self,
        around: &Surroundings<'a, R>,
        first_drive: Option<&[R]>,
        local: usize,
        room: &mut Room<'a, R>,
    ) {
        let (surrogate, cost) = self.surrogate.row_mut(local).split_at_mut(self.stride);
        let mut part = Part {
            state: self.state.whole(),
            input: &mut self.input,
            surrogate,
            cost,
            fired: &mut self.fired,
        };
        part.step(around, &self.spikes, self.interval, first_drive, local, room);
        let plan = around.plan;
        for places in plan.wiring.clocks.places() {
            let fired = &mut self.fired[places.clone()];
            // The step has set the countdown by its own condition: take that back.
            for (countdown, fired) in self.state.countdown[places.clone()].iter_mut().zip(&*fired) {
                *countdown = if *fired == 0 { *countdown } else { R::ZERO };
            }
            self.state.spiked[places.clone()].fill(R::ZERO);
            fired.fill(0);
        }
        for j in plan.wiring.clocks.firing(plan.start_recurrent(self.interval) + local as i64) {
            self.state.countdown[j] = around.neurons.refractory[j];
            self.state.spiked[j] = R::ONE;
            self.fired[j] = 1;
        }
    }

    /// Makes the surrogate gradients of step `end - 1` and of steps before it available, computing them again if they
    /// were not kept. Returns the first step whose are.
    pub fn recall(&mut self, around: &Surroundings<'_, R>, end: usize) -> usize {
        let (run, state) = self.surrogate.run_of(end - 1);
        let Some(state) = state.cloned() else { return run.start };
        let present = std::mem::replace(&mut self.state, state);
        self.surrogate.recompute_from(run.start);
        let mut room = Room::default();
        let other = self.other_drive.take();
        for local in run.clone() {
            let drive = other.as_ref().filter(|(step, _)| *step == local).map(|(_, drive)| &**drive);
            self.step(around, drive, local, &mut room);
        }
        self.other_drive = other;
        self.state = present;
        run.start
    }

    /// Keeps the surrogate gradients of all steps done, since what they were computed with is about to change.
    pub fn keep_history(&mut self, around: &Surroundings<'_, R>) {
        let stride = self.surrogate.stride();
        let mut rows = Lines::zeros(self.recurrent_done * stride);
        let mut end = self.recurrent_done;
        while end > 0 {
            let begin = self.recall(around, end);
            for step in begin..end {
                rows[step * stride..][..stride].copy_from_slice(self.surrogate.row(step));
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
        let mut room = Room::default();
        for route in plan.wiring.recurrent_routes.iter().filter(|route| !route.plastic) {
            let emitted = length - route.delay as isize;
            deliver(
                around,
                route,
                &mut self.input[..n],
                &places,
                &mut room.rows,
                &self.spikes,
                emitted,
                step,
            );
        }
        row::add_all(&mut self.input[..n], &room.rows);
        let currents = with_currents(around, around.drive, &places, step, &mut room);
        let mut state = if plan.reset { NeuronState::at_rest(self.stride) } else { self.state.clone() };
        let mut surrogate = Lines::zeros(self.stride);
        for segment in &around.neurons.segments {
            neuron_step::advance(
                around.neurons,
                segment,
                if currents { &room.drive } else { around.drive },
                !currents,
                &self.input,
                &mut state.whole(),
                &mut surrogate,
                &mut self.fired,
            );
        }
        for places in plan.wiring.clocks.places() {
            self.fired[places.clone()].fill(0);
        }
        for place in plan.wiring.clocks.firing(step) {
            self.fired[place] = 1;
        }
        let mut fired = [(0..n as u32).filter(|place| self.fired[*place as usize] != 0).collect()];
        let counts = plan.wiring.exchanges().is_some_and(|exchanges| exchanges.next_counts);
        if let Some(team) = around.team.filter(|_| counts) {
            plan.wiring.merge(&mut fired, team, false);
        }
        let [fired] = fired;
        fired
    }
}
