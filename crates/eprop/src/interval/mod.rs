//! The neurons whose weights change once an update interval: intervals in order or as intervals on several threads,
//! gradients summed in the order of intervals, weights updated at the end of a batch.

pub mod gradient;
pub mod neuron_step;
pub mod neurons;
pub mod open_interval;
pub mod plan;
pub mod presynaptic;
mod state;
pub mod surrogate_history;

use std::collections::BTreeMap;
use std::sync::Mutex;

use crate::base::control::{Halt, RunControl};
use crate::base::error::{Error, Result};
use crate::base::lines::Lines;
use crate::base::real::Real;
use crate::base::threads;
use crate::describe::connections::ConnectionHandle;
use crate::describe::kernel_parameters::{GradientMethod, Precision};
use crate::describe::network::{Description, NodeId, Projection};
use crate::describe::population::NodeIndex;
use crate::describe::population::store;
use crate::interval::gradient::adjoint::{self, Workspace};
use crate::interval::gradient::batch::{Gradient, SynapseState};
use crate::interval::gradient::forward;
use crate::interval::gradient::layout::{GradientLayout, tile_width};
use crate::interval::neurons::Neurons;
use crate::interval::open_interval::{IntervalHistory, OpenInterval, Surroundings};
use crate::interval::plan::{IntervalPlan, Learner, READOUT, RECURRENT, SHIFT_READOUT};
use crate::interval::presynaptic::RowEvents;
use crate::interval::surrogate_history::SurrogateHistory;
use crate::plan::route::{Columns, Route, handed_over};
use crate::record::{Recordable, Recordings, Tap};
use crate::step::arrivals::{Arrivals, Flying, Settlement};
use crate::step::emission::Emission;
use crate::step::not_finite;

/// A learning rate from some step on.
#[derive(Debug, Clone, Default)]
struct LearningRates(Vec<(i64, f64)>);

impl LearningRates {
    /// Notes the rate from a step on; what held before the step `needed` alone is forgotten.
    fn note(&mut self, step: i64, rate: f64, needed: i64) {
        let begun = self.0.partition_point(|(from, _)| *from <= needed);
        self.0.drain(..begun.saturating_sub(1));
        if self.0.last().is_none_or(|(_, last)| *last != rate) {
            self.0.push((step, rate));
        }
    }

    fn at(&self, step: i64) -> f64 {
        let begun = self.0.partition_point(|(from, _)| *from <= step);
        self.0[begun.saturating_sub(1)].1
    }
}

/// What came out of one interval besides the open interval itself.
#[derive(Debug, Default)]
struct Learned<R> {
    events: Vec<RowEvents>,
    gradients: Vec<Vec<R>>,
    /// Whether everything that the gradients are sums of is finite.
    finite: bool,
    workspace: Workspace<R>,
}

/// The neurons of this rule in one of the precisions.
#[derive(Debug)]
pub enum Intervals {
    /// In 64-bit floating point.
    Double(IntervalRule<f64>),
    /// In 32-bit floating point.
    Single(IntervalRule<f32>),
}

/// Does the same with a network of either precision.
macro_rules! either {
    ($intervals:expr, $network:ident => $call:expr) => {
        match $intervals {
            $crate::interval::Intervals::Double($network) => $call,
            $crate::interval::Intervals::Single($network) => $call,
        }
    };
}
pub(crate) use either;

impl Intervals {
    /// The neurons of a plan, which begin at rest at step `now`.
    #[must_use]
    pub fn new(network: &Description, plan: IntervalPlan, now: i64) -> Self {
        match network.kernel.precision {
            Precision::F64 => Self::Double(IntervalRule::new(network, plan, now)),
            Precision::F32 => Self::Single(IntervalRule::new(network, plan, now)),
        }
    }

    /// What it computes in.
    #[must_use]
    pub fn precision(&self) -> Precision {
        match self {
            Self::Double(_) => Precision::F64,
            Self::Single(_) => Precision::F32,
        }
    }
}

/// Plan and state of the neurons of this rule.
#[derive(Debug)]
pub struct IntervalRule<R> {
    plan: IntervalPlan,
    neurons: Neurons<R>,
    /// Steps whose surrogate gradients are kept at once.
    kept: usize,
    layouts: Vec<GradientLayout>,
    gradient: GradientMethod,
    /// The interval in progress.
    open: OpenInterval<R>,
    /// Input of recurrent neurons and of readouts that was settled before its weights changed.
    arrivals: [Arrivals; 2],
    /// Whether the last errors follow other targets than were recorded with them.
    reread: bool,
    synapses: BTreeMap<usize, SynapseState>,
    rates: BTreeMap<usize, LearningRates>,
    /// By projection: weights onto readouts before the update at the start of interval `before_of`.
    before: Vec<Option<Vec<f64>>>,
    before_of: i64,
    /// The last interval whose gradients are in the sums. It is the finished one in progress where weights could not be
    /// updated.
    absorbed: i64,
    /// Currents of the step before, which the next step integrates.
    current: Vec<f64>,
    readout_current: Vec<f64>,
    spare: Vec<(OpenInterval<R>, Learned<R>)>,
    /// Room for what is learned from an interval that runs alone.
    learned: Learned<R>,
    /// Weights in this precision, where they have to be converted.
    converted: Vec<Vec<R>>,
    /// A history for each thread.
    histories: Vec<IntervalHistory<R>>,
    threads: usize,
    /// Square sums of the gradient of the last update, by projection.
    pub gradient_square_sums: BTreeMap<usize, f64>,
    /// Norm of the gradient at each update of weights since this was last taken.
    pub gradient_norms: Vec<f64>,
    /// Spikes of recurrent neurons so far.
    pub spike_count: u64,
    /// Spikes of recurrent neurons in each finished interval since this was last taken.
    pub interval_spikes: Vec<u64>,
}

impl<R: Real> IntervalRule<R> {
    /// The neurons of a plan, which begin at rest at step `now`.
    #[must_use]
    pub fn new(network: &Description, mut plan: IntervalPlan, now: i64) -> Self {
        plan.readouts.targets.begin(now);
        let neurons = Neurons::new(&plan);
        let open = OpenInterval::in_progress(&plan, neurons.stride, now);
        let mut this = Self {
            kept: plan.interval,
            neurons,
            layouts: Vec::new(),
            gradient: network.kernel.gradient,
            open,
            arrivals: Default::default(),
            reread: false,
            synapses: BTreeMap::new(),
            rates: BTreeMap::new(),
            before: Vec::new(),
            before_of: i64::MIN,
            absorbed: i64::MIN,
            current: vec![0.0; plan.recurrent_count()],
            readout_current: vec![0.0; plan.readout_count()],
            spare: Vec::new(),
            learned: Learned::default(),
            converted: Vec::new(),
            histories: Vec::new(),
            threads: 1,
            gradient_square_sums: BTreeMap::new(),
            gradient_norms: Vec::new(),
            spike_count: 0,
            interval_spikes: Vec::new(),
            plan,
        };
        this.lay_out(network);
        this
    }

    /// Takes over the plan of a changed description; the state of what existed stays.
    pub fn replan(&mut self, network: &Description, mut plan: IntervalPlan) {
        let now = self.plan.start_readout(self.open.interval) + self.open.readout_done as i64;
        plan.readouts.targets.go_on(&self.plan.readouts.targets, now);
        self.reread |= self.open.reread_targets(&self.plan, &plan);
        let room = |plan: &IntervalPlan, stride: usize| (stride, plan.interval, plan.readout_count());
        let before = room(&self.plan, self.neurons.stride);
        self.neurons = Neurons::new(&plan);
        let stride = self.neurons.stride;
        self.kept =
            if self.kept >= self.plan.interval { plan.interval } else { self.kept.min(plan.interval) };
        // Room of another size is made when it is known how much may be taken. Inputs are set before every interval,
        // which changes no room.
        if room(&plan, stride) != before {
            self.open.give_up_room();
            self.histories.clear();
        }
        self.open.fit(&plan, stride);
        self.open.hold_errors();
        // Who rests still does so where no neuron has a refractory time any more.
        self.neurons.rests |= self.open.state.countdown.iter().any(|steps| *steps > R::ZERO);
        self.current.resize(plan.recurrent_count(), 0.0);
        self.readout_current.resize(plan.readout_count(), 0.0);
        self.plan = plan;
        for (open, _) in &mut self.spare {
            open.fit(&self.plan, stride);
        }
        self.lay_out(network);
    }

    fn lay_out(&mut self, network: &Description) {
        let plan = &self.plan;
        let recurrent_rows = plan
            .learners
            .iter()
            .filter(|learner| !learner.onto_readouts)
            .map(|learner| plan.route_of(learner).row_count)
            .sum();
        let n = plan.recurrent_count().max(1);
        let cut = plan
            .learners
            .iter()
            .filter(|learner| !learner.onto_readouts)
            .all(|learner| matches!(plan.route_of(learner).columns, Columns::Range { .. }));
        let tile = if cut { tile_width(recurrent_rows, n) } else { n };
        let layouts: Vec<GradientLayout> = plan
            .learners
            .iter()
            .map(|learner| {
                let width = if learner.onto_readouts { plan.readout_count().max(1) } else { tile };
                GradientLayout::new(plan, learner, width)
            })
            .collect();
        for (learner, layout) in plan.learners.iter().zip(&layouts) {
            let route = plan.route_of(learner);
            let optimizer = &network.synapse_models[route.synapse].optimizer;
            self.synapses.entry(route.projection).or_default().fit(route, layout, optimizer);
        }
        self.layouts = layouts;
        self.gradient = network.kernel.gradient;
        self.threads = network.kernel.local_num_threads;
    }

    /// The plan.
    #[must_use]
    pub fn plan(&self) -> &IntervalPlan {
        &self.plan
    }

    /// Takes state variables that the user has set.
    pub fn load_states(&mut self, network: &Description, index: &NodeIndex, nodes: &[NodeId]) {
        for node in nodes {
            let Some(group) = network.group_of(*node) else { continue };
            let offset = (*node - group.first) as usize;
            let (population, place) = index.place(*node);
            let relative = |name: &str| group.numbers(name)[offset] - group.numbers("E_L")[offset];
            match population {
                RECURRENT => {
                    self.open.state.voltage[place] = R::of(relative("V_m"));
                    if group.model.place("adaptation").is_some() {
                        self.open.state.adaptation[place] = R::of(group.numbers("adaptation")[offset]);
                    }
                }
                READOUT => self.open.readout_voltage[place] = relative("V_m"),
                _ => {}
            }
        }
    }

    /// Writes the state variables to where the user reads them.
    pub fn store_states(&self, network: &mut Description) {
        let plan = &self.plan;
        let (n, k) = (plan.recurrent_count(), plan.readout_count());
        let p = &plan.recurrent;
        let state = &self.open.state;
        let begun = self.open.recurrent_done > 0;
        let voltage: Vec<f64> = (0..n).map(|j| state.voltage[j].f64() + p.rest[j]).collect();
        let adaptation: Vec<f64> = (0..n).map(|j| state.adaptation[j].f64()).collect();
        let threshold: Vec<f64> =
            (0..n).map(|j| p.threshold[j] + p.adaptation_gain[j] * adaptation[j] + p.rest[j]).collect();
        let surrogate: Vec<f64> =
            (0..n).map(|j| if begun { self.open.latest[j].f64() } else { 0.0 }).collect();
        store(
            network,
            RECURRENT,
            &[
                ("V_m", &voltage),
                ("V_th_adapt", &threshold),
                ("adaptation", &adaptation),
                ("surrogate_gradient", &surrogate),
            ],
        );
        let voltage: Vec<f64> =
            (0..k).map(|j| self.open.readout_voltage[j] + plan.readouts.rest[j]).collect();
        let error: Vec<f64> = (0..k)
            .map(|j| {
                self.open
                    .readout_done
                    .checked_sub(2)
                    .filter(|_| self.open.interval >= 0)
                    .map_or(0.0, |step| self.open.errors[step * k + j])
            })
            .collect();
        store(network, READOUT, &[("V_m", &voltage), ("error_signal", &error)]);
    }

    /// What multimeters record.
    pub fn taps(&self) -> impl Iterator<Item = &Tap> {
        self.plan.recurrent_taps.iter().chain(&self.plan.readout_taps)
    }

    /// Seeds the late streams of taps that are new.
    pub fn begin_recording(&mut self, recordings: &mut Recordings, now: i64) {
        if std::mem::take(&mut self.reread) {
            self.open.record_reread(&self.plan, recordings);
        }
        for tap in &self.plan.recurrent_taps {
            let known = recordings.has_chunk(tap);
            let chunk = recordings.chunk(tap);
            if known {
                continue;
            }
            let rows = self.open.late_learning_signals(&self.plan, tap, 3);
            for (late, row) in rows.iter().enumerate() {
                if tap.window.contains(now + late as i64 + 1) {
                    for (stream, _) in
                        tap.recordables.iter().enumerate().filter(|(_, r)| **r == Recordable::LearningSignal)
                    {
                        chunk.streams[stream].extend(row);
                    }
                }
            }
        }
        for tap in &self.plan.readout_taps {
            let known = recordings.has_chunk(tap);
            let chunk = recordings.chunk(tap);
            if known || !tap.window.contains(now + 1) {
                continue;
            }
            for (stream, recordable) in tap.recordables.iter().enumerate() {
                if matches!(
                    recordable,
                    Recordable::ReadoutSignal | Recordable::TargetSignal | Recordable::ErrorSignal
                ) {
                    chunk.streams[stream].extend(self.open.late_readout_values(
                        &self.plan,
                        tap,
                        *recordable,
                        now,
                    ));
                }
            }
        }
    }

    /// The earliest stamp that is still needed.
    #[must_use]
    pub fn needs_from(&self) -> i64 {
        let longest = self
            .plan
            .recurrent_routes
            .iter()
            .chain(&self.plan.readout_routes)
            .map(|route| route.delay as i64)
            .max()
            .unwrap_or(1);
        self.plan.start_recurrent(self.open.interval) - longest
    }

    /// The global step that may safely be reached in one go from `from`, at most `to`: as many intervals as are
    /// worth giving to all threads at once.
    #[must_use]
    pub fn slice_end(&self, from: i64, to: i64) -> i64 {
        let length = self.plan.interval as i64;
        let together = if self.plan.independent { self.group_size() as i64 } else { 1 };
        let end = self.plan.start_readout(self.open.interval.max(0) + together);
        if end <= from { to.min(from + length) } else { to.min(end) }
    }

    fn group_size(&self) -> usize {
        // Enough intervals that threads finish at about the same time, few enough to hold their gradients.
        let gradients: usize = self.layouts.iter().map(|layout| layout.len * size_of::<R>()).sum();
        let together = HELD_GRADIENTS / gradients.max(1);
        together.clamp(2 * self.threads, 4 * self.threads.max(2))
    }

    /// Converts the spikes in flight over a projection onto these neurons; `None` where there is no such projection.
    #[must_use]
    pub fn settle(
        &self,
        network: &Description,
        emission: &Emission,
        projection: usize,
        now: i64,
    ) -> Option<Settlement> {
        let plan = &self.plan;
        let find = |routes: &'_ [Route]| routes.iter().position(|route| route.projection == projection);
        let (route, onto_readouts) = match find(&plan.recurrent_routes) {
            Some(place) => (&plan.recurrent_routes[place], false),
            None => (&plan.readout_routes[find(&plan.readout_routes)?], true),
        };
        let flying = Flying {
            route,
            projection: &network.projections[projection],
            emission,
            stimulus_ids: &plan.stimulus_ids,
            recurrent_ids: &plan.recurrent_ids,
            targets: if onto_readouts { &plan.readout_ids } else { &plan.recurrent_ids },
            weight_taps: &plan.weight_taps,
            now,
            handed: handed_over(&network.projections, now),
        };
        let start = plan.start_recurrent(self.open.interval);
        let fired = |stamp: i64| self.open.spikes.at((stamp - 1 - start) as isize);
        Some(Settlement { onto_readouts, ..flying.settle(fired) })
    }

    /// Takes over spikes in flight that were converted.
    pub fn take_settlement(&mut self, settlement: Settlement, recordings: &mut Recordings) {
        self.arrivals[usize::from(settlement.onto_readouts)].append(settlement.arrivals);
        for (tap, mut events) in self.plan.weight_taps.iter().zip(settlement.recorded) {
            recordings.weights.entry(tap.recorder).or_default().append(&mut events);
        }
    }

    /// Advances to the global step `to`. `last` says whether nothing follows in this call: only then is an interval
    /// begun that cannot be finished. Returns the step reached, which is `to` unless it was cancelled (or, if not
    /// `last`, the last boundary of intervals before it).
    ///
    /// # Errors
    /// `NumericalInstability` where a gradient or a weight would not be finite. It halts at the end of that interval, with
    /// no weight updated; what is asked for next goes on from there.
    pub fn advance(
        &mut self,
        network: &mut Description,
        emission: &Emission,
        from: i64,
        to: i64,
        last: bool,
        control: &RunControl,
        recordings: &mut Recordings,
    ) -> std::result::Result<i64, Halt> {
        let begun = self.plan.start_recurrent(self.open.interval);
        self.arrivals.iter_mut().for_each(|arrivals| arrivals.forget_before(begun));
        let needed = begun - 1;
        for (place, model) in network.synapse_models.iter().enumerate() {
            self.rates.entry(place).or_default().note(from, model.optimizer.eta, needed);
        }
        loop {
            let end =
                self.plan.start_readout(self.open.interval) + self.open.readout_length(&self.plan) as i64;
            if end > to && !last && self.open.is_fresh() {
                return Ok(self.plan.start_recurrent(self.open.interval).min(to));
            }
            let together = self.intervals_at_once(network, to);
            if together > 1 && self.make_histories(together) {
                match self.run_side_by_side(network, emission, together, control, recordings) {
                    Ok(true) => continue,
                    Ok(false) => return Ok(self.reached().min(to)),
                    Err(error) => return Err(Halt { reached: self.reached().min(to), error }),
                }
            }
            let done = self.advance_open(network, emission, to, control);
            self.collect_recorded(recordings);
            if !done {
                return Ok(self.reached().min(to));
            }
            if !self.open.is_finished(&self.plan) {
                return Ok(to);
            }
            match self.finish_open(network, emission, control) {
                Ok(true) => {}
                Ok(false) => return Ok(self.reached().min(to)),
                Err(error) => return Err(Halt { reached: self.reached().min(to), error }),
            }
            self.open.begin_next(&self.plan);
            if control.cancelled() {
                return Ok(self.plan.start_recurrent(self.open.interval).min(to));
            }
        }
    }

    /// The step that the recurrent neurons have come to.
    fn reached(&self) -> i64 {
        self.plan.start_recurrent(self.open.interval) + self.open.recurrent_done as i64
    }

    /// How many whole intervals from the present one on share their weights and can be run side by side.
    fn intervals_at_once(&self, network: &Description, to: i64) -> usize {
        let absorbed = self.absorbed == self.open.interval;
        if !self.plan.independent || self.open.interval < 0 || absorbed || self.first_current_differs() {
            return 1;
        }
        let batch = self.batch_size(network);
        let in_batch = batch - (self.open.interval as usize % batch);
        let until = (to - SHIFT_READOUT).div_euclid(self.plan.interval as i64) - self.open.interval;
        in_batch.min(until.max(0) as usize).min(self.group_size())
    }

    /// The smallest number of intervals after which some weights may change.
    fn batch_size(&self, network: &Description) -> usize {
        let sizes =
            self.plan.learners.iter().map(|learner| {
                network.synapse_models[self.plan.route_of(learner).synapse].optimizer.batch_size
            });
        sizes.reduce(gcd).unwrap_or(usize::MAX)
    }

    fn first_current_differs(&self) -> bool {
        self.current != self.plan.recurrent.current || self.readout_current != self.plan.readouts.current
    }

    fn advance_open(
        &mut self,
        network: &Description,
        emission: &Emission,
        to: i64,
        control: &RunControl,
    ) -> bool {
        let drives = Drives::new(&self.plan, &self.neurons, &self.current, &self.readout_current);
        let mut room = std::mem::take(&mut self.converted);
        let weights = converted(&network.projections, &mut room);
        let recurrent_begins = self.open.recurrent_done;
        let readout_begins = self.open.readout_done;
        let around = drives.surroundings(
            &self.plan,
            &self.neurons,
            &network.projections,
            &weights,
            if self.before_of == self.open.interval { &self.before } else { &[] },
            Sent { emission, arrivals: &self.arrivals },
            control,
        );
        let around = Surroundings { threads: self.threads, ..around };
        let done = self.open.advance(&around, to);
        if self.open.recurrent_done > recurrent_begins {
            self.current.clone_from(&self.plan.recurrent.current);
        }
        if self.open.readout_done > readout_begins {
            self.readout_current.clone_from(&self.plan.readouts.current);
        }
        self.converted = room;
        done
    }

    fn collect_recorded(&mut self, recordings: &mut Recordings) {
        collect(&self.plan, &mut self.open, recordings);
    }

    /// Makes a history for each thread that takes part in so many intervals, or for as many as the system has room for.
    /// Returns false if that is none.
    fn make_histories(&mut self, together: usize) -> bool {
        let threads = self.threads.min(together);
        self.histories.resize_with(self.histories.len().max(threads), IntervalHistory::default);
        let (plan, stride, kept) = (&self.plan, self.neurons.stride, self.kept);
        let wanting = self.histories[..threads]
            .iter_mut()
            .position(|history| history.make_room(plan, stride, kept).is_err());
        self.histories.truncate(wanting.unwrap_or(threads));
        !self.histories.is_empty()
    }

    /// Runs the present interval and those after it side by side, `count` in all. Returns false if that was cancelled:
    /// then only what was done of the present one remains. Those from one on whose gradients are not finite are left to
    /// be done again; if that is the present one, it remains, and that is the error.
    fn run_side_by_side(
        &mut self,
        network: &mut Description,
        emission: &Emission,
        count: usize,
        control: &RunControl,
        recordings: &mut Recordings,
    ) -> Result<bool> {
        let first = self.open.interval;
        while self.spare.len() < count {
            self.spare
                .push((OpenInterval::without_history(&self.plan, self.neurons.stride), Learned::default()));
        }
        let mut open_intervals: Vec<(OpenInterval<R>, Learned<R>)> = self.spare.drain(..count).collect();
        std::mem::swap(&mut self.open, &mut open_intervals[0].0);
        let drives = Drives::new(&self.plan, &self.neurons, &self.current, &self.readout_current);
        let mut room = std::mem::take(&mut self.converted);
        let weights = converted(&network.projections, &mut room);
        let (plan, neurons) = (&self.plan, &self.neurons);
        let before_of = self.before_of;
        let before = &self.before;
        let sent = Sent { emission, arrivals: &self.arrivals };
        let projections = &network.projections;
        let (layouts, method) = (&self.layouts, self.gradient);
        let threads = self.threads.min(count).min(self.histories.len());
        let histories = Mutex::new(std::mem::take(&mut self.histories));
        let run = |place: usize,
                   open: &mut OpenInterval<R>,
                   learned: &mut Learned<R>,
                   history: &mut IntervalHistory<R>| {
            // The first open interval may have begun before, with a history of its own.
            if place > 0 {
                open.borrow_history(std::mem::take(history));
                open.begin_afresh(first + place as i64);
            }
            let before: &[_] = if before_of == open.interval { before } else { &[] };
            let around = drives.surroundings(plan, neurons, projections, &weights, before, sent, control);
            if open.advance(&around, i64::MAX) {
                learn(&around, open, layouts, method, learned);
            }
            if place > 0 {
                *history = open.return_history();
            }
        };
        let borrow = || histories.lock().ok().and_then(|mut free| free.pop()).unwrap_or_default();
        let give_back = |history| {
            if let Ok(mut free) = histories.lock() {
                free.push(history);
            }
        };
        let next = Mutex::new(open_intervals.iter_mut().enumerate());
        threads::side_by_side(threads, || {
            let mut history = borrow();
            loop {
                let taken = next.lock().ok().and_then(|mut open_intervals| open_intervals.next());
                let Some((place, (open, learned))) = taken else { break };
                run(place, open, learned, &mut history);
            }
            give_back(history);
        });
        self.histories = histories.into_inner().unwrap_or_default();
        self.converted = room;
        let complete = open_intervals.iter().all(|(open, _)| open.is_finished(plan)) && !control.cancelled();
        let mut done = if complete { count } else { 0 };
        let mut failure = None;
        for (place, (_, learned)) in open_intervals.iter().enumerate().take(done) {
            if let Err(error) = self.check_gradients(network, first + place as i64, learned) {
                (done, failure) = (place, Some(error));
                break;
            }
        }
        for (open, _) in &mut open_intervals[done.max(1)..] {
            open.forget_recorded();
        }
        if done == 0 {
            std::mem::swap(&mut self.open, &mut open_intervals[0].0);
            open_intervals[0].0.forget_recorded();
            self.spare.append(&mut open_intervals);
            self.collect_recorded(recordings);
            return failure.map_or(Ok(false), Err);
        }
        for (open, _) in &mut open_intervals[..done] {
            collect(&self.plan, open, recordings);
            self.spike_count += open.spikes_fired();
            note(&mut self.interval_spikes, open.spikes_fired());
        }
        let learned: Vec<&Learned<R>> = open_intervals[..done].iter().map(|(_, learned)| learned).collect();
        self.absorb(network, first, &learned);
        let updated = self.update(network);
        // What was kept of the first one serves the one that is in progress from now on.
        let history = open_intervals[0].0.return_history();
        std::mem::swap(&mut self.open, &mut open_intervals[done - 1].0);
        self.spare.append(&mut open_intervals);
        if updated.is_ok() {
            self.open.begin_next(&self.plan);
            self.open.borrow_history(history);
        } else {
            // It remains as it was at its end, with a history.
            let last = self.open.interval;
            self.open.borrow_history(history);
            self.open.begin_afresh(last);
            self.advance_open(network, emission, i64::MAX, &RunControl::default());
            self.open.forget_recorded();
        }
        updated.map(|()| true)
    }

    /// Learns from the open interval that has just been finished. Returns false if that was cancelled, and changed nothing.
    fn finish_open(
        &mut self,
        network: &mut Description,
        emission: &Emission,
        control: &RunControl,
    ) -> Result<bool> {
        if self.open.interval < 0 {
            self.spike_count += self.open.spikes_fired();
            return Ok(true);
        }
        if self.absorbed == self.open.interval {
            return self.update(network).map(|()| true);
        }
        let mut learned = std::mem::take(&mut self.learned);
        let (current, readout_current) = (&self.plan.recurrent.current, &self.plan.readouts.current);
        let drives = Drives::new(&self.plan, &self.neurons, current, readout_current);
        let mut room = std::mem::take(&mut self.converted);
        let weights = converted(&network.projections, &mut room);
        let (plan, neurons, projections) = (&self.plan, &self.neurons, &network.projections);
        let sent = Sent { emission, arrivals: &self.arrivals };
        let around = drives.surroundings(plan, neurons, projections, &weights, &[], sent, control);
        let around = Surroundings { threads: self.threads, ..around };
        learn(&around, &mut self.open, &self.layouts, self.gradient, &mut learned);
        self.converted = room;
        let outcome = if control.cancelled() {
            Ok(false)
        } else {
            self.check_gradients(network, self.open.interval, &learned).and_then(|()| {
                self.spike_count += self.open.spikes_fired();
                note(&mut self.interval_spikes, self.open.spikes_fired());
                self.absorb(network, self.open.interval, &[&learned]);
                self.update(network).map(|()| true)
            })
        };
        self.learned = learned;
        outcome
    }

    /// Refuses gradients of an interval that are not finite.
    fn check_gradients(&self, network: &Description, interval: i64, learned: &Learned<R>) -> Result<()> {
        if learned.finite {
            return Ok(());
        }
        for (place, learner) in self.plan.learners.iter().enumerate() {
            let (route, gradient) = (self.plan.route_of(learner), &learned.gradients[place]);
            for (row, _) in &learned.events[place].touched {
                let entries = route.entries(*row as usize);
                for (piece, part) in self.layouts[place].pieces(entries.clone(), *row as usize) {
                    let broken = gradient[piece].iter().zip(part).find(|(value, entry)| {
                        !value.f64().is_finite()
                            && route.holes.binary_search(&(entries.start + entry)).is_err()
                    });
                    if let Some((_, entry)) = broken {
                        let what = "the gradient of a weight is not finite";
                        let entry = entries.start + entry;
                        return Err(self.instability(network, what, route.projection, entry, interval));
                    }
                }
            }
        }
        Ok(())
    }

    fn instability(
        &self,
        network: &Description,
        what: &str,
        projection: usize,
        entry: usize,
        interval: i64,
    ) -> Error {
        let time = |step: i64| step as f64 * self.plan.resolution;
        let (begin, end) = (self.plan.start_recurrent(interval), self.plan.start_recurrent(interval + 1));
        let when = format!("update interval {interval}, from {} ms to {} ms", time(begin), time(end));
        not_finite(network, what, projection, entry, &when)
    }

    /// Adds the gradients of consecutive intervals of one batch, in their order, to the sums of the batch.
    fn absorb(&mut self, network: &Description, first: i64, learned: &[&Learned<R>]) {
        let plan = &self.plan;
        for (place, learner) in plan.learners.iter().enumerate() {
            let route = plan.route_of(learner);
            let state = self.synapses.get_mut(&route.projection).expect("laid out with the plan");
            let batch = network.synapse_models[route.synapse].optimizer.batch_size as i64;
            let rates = &self.rates[&route.synapse];
            for (interval, learned) in (first..).zip(learned) {
                let present = 1 + (interval / batch) as u64;
                let start = if learner.onto_readouts {
                    plan.start_readout(interval)
                } else {
                    plan.start_recurrent(interval)
                };
                for (row, step) in &learned.events[place].touched {
                    state.call(*row as usize, present, || rates.at(start + i64::from(*step)));
                }
            }
            let divisor = if learner.average { plan.window as f64 } else { 1.0 };
            let gradients: Vec<Gradient<'_, R>> = learned
                .iter()
                .map(|learned| (&learned.gradients[place][..], &learned.events[place]))
                .collect();
            state.add(route, &gradients, divisor, self.threads);
        }
        self.absorbed = first + learned.len() as i64 - 1;
    }

    /// Updates the weights of projections whose batch ends with the last interval that was absorbed: all of them, or
    /// none if a weight would not be finite.
    fn update(&mut self, network: &mut Description) -> Result<()> {
        let (plan, last) = (&self.plan, self.absorbed);
        let ending = |learner: &&Learner| {
            let batch = network.synapse_models[plan.route_of(learner).synapse].optimizer.batch_size;
            (last + 1) % batch as i64 == 0
        };
        let ending: Vec<&Learner> = plan.learners.iter().filter(ending).collect();
        let mut square_sums = Vec::with_capacity(ending.len());
        for learner in &ending {
            let route = plan.route_of(learner);
            let optimizer = &network.synapse_models[route.synapse].optimizer;
            let step = (last + 1) as u64 / optimizer.batch_size as u64;
            let weights = &network.projections[route.projection].weights;
            let square_sum = self.synapses[&route.projection].square_sum(route, optimizer, step, weights);
            square_sums.push(square_sum.map_err(|entry| {
                let what = "a weight would not be finite after its update";
                self.instability(network, what, route.projection, entry, last)
            })?);
        }
        self.before.resize(network.projections.len(), None);
        self.before.iter_mut().for_each(|before| *before = None);
        self.before_of = last + 1;
        for (learner, square_sum) in ending.iter().zip(square_sums) {
            let route = plan.route_of(learner);
            let optimizer = &network.synapse_models[route.synapse].optimizer;
            let step = (last + 1) as u64 / optimizer.batch_size as u64;
            let weights = &mut network.projections[route.projection].weights;
            if learner.onto_readouts {
                self.before[route.projection] = Some(weights.clone());
            }
            let state = self.synapses.get_mut(&route.projection).expect("laid out with the plan");
            state.update(route, optimizer, step, weights);
            self.gradient_square_sums.insert(route.projection, square_sum);
        }
        if !ending.is_empty() {
            note(&mut self.gradient_norms, self.gradient_square_sums.values().sum::<f64>().sqrt());
        }
        Ok(())
    }

    /// Takes over weights that the user has set, for spikes that would still have read those from before an update.
    pub fn weights_were_set(&mut self, handles: &[ConnectionHandle], network: &Description) {
        for handle in handles {
            if let Some(Some(before)) = self.before.get_mut(handle.projection as usize) {
                let entry = handle.entry as usize;
                before[entry] = network.projections[handle.projection as usize].weights[entry];
            }
        }
    }

    /// Keeps what was computed of the interval in progress, since what it was computed with is about to change.
    pub fn before_change(&mut self, network: &Description, emission: &Emission) {
        if !self.open.surrogate.is_whole() {
            self.keep_history(network, emission);
        }
    }

    fn keep_history(&mut self, network: &Description, emission: &Emission) {
        let (current, readout_current) = (&self.plan.recurrent.current, &self.plan.readouts.current);
        let drives = Drives::new(&self.plan, &self.neurons, current, readout_current);
        let mut room = std::mem::take(&mut self.converted);
        let weights = converted(&network.projections, &mut room);
        let (plan, neurons, projections) = (&self.plan, &self.neurons, &network.projections);
        let sent = Sent { emission, arrivals: &self.arrivals };
        let control = RunControl::default();
        let around = drives.surroundings(plan, neurons, projections, &weights, &[], sent, &control);
        self.open.keep_history(&around);
        self.converted = room;
    }

    /// Keeps no more of the history of an interval than fits into so many bytes, if it can: what is not kept is computed
    /// again. Changes no result.
    ///
    /// # Errors
    /// `OutOfMemory` where the system has no room even for that.
    pub fn limit_history(&mut self, network: &Description, emission: &Emission, bytes: u64) -> Result<()> {
        let whole = self.plan.interval;
        let kept = match self.gradient {
            // The definition reads all of it for every synapse.
            GradientMethod::Forward => whole,
            GradientMethod::Adjoint => {
                let runs = std::iter::successors(Some(whole), |kept| Some(kept.div_ceil(2)));
                let runs =
                    runs.take_while(|kept| *kept >= SHORTEST_RUN.min(whole)).take(usize::BITS as usize);
                let cost = |kept: &usize| self.history_bytes(network, *kept);
                let fits = runs.clone().find(|kept| cost(kept) <= bytes);
                fits.or_else(|| runs.min_by_key(cost)).unwrap_or(whole)
            }
        };
        if kept != self.kept {
            self.keep_history(network, emission);
            self.kept = kept;
            self.histories.clear();
        } else if self.open.has_room() {
            return Ok(());
        }
        self.open.make_room(&self.plan, kept)
    }

    /// Bytes of the histories of all intervals that run at the same time, if so many steps are kept of each.
    fn history_bytes(&self, network: &Description, kept: usize) -> u64 {
        let plan = &self.plan;
        let threads = match self.together(network) {
            1 => 0,
            together => self.threads.min(together) as u64,
        };
        let errors = (plan.readout_count() * plan.error_steps() * 8) as u64;
        let surrogate = SurrogateHistory::<R>::bytes_for(self.neurons.stride, kept, plan.interval);
        (1 + threads) * surrogate.saturating_add(errors) + self.open.surrogate.held_before()
    }

    /// How many intervals run side by side, or wait for their turn with what they have learned.
    fn together(&self, network: &Description) -> usize {
        if self.plan.independent { self.group_size().min(self.batch_size(network)) } else { 1 }
    }

    /// The optimizer's memory of each plastic projection.
    #[must_use]
    pub fn synapses(&self) -> &BTreeMap<usize, SynapseState> {
        &self.synapses
    }

    /// Bytes that a simulation of so many steps takes, by part, if so many spikes of inputs are read in an interval.
    #[must_use]
    pub fn memory(&self, network: &Description, steps: usize, input_spikes: u64) -> Vec<(&'static str, u64)> {
        let plan = &self.plan;
        let together = self.together(network).min((steps / plan.interval).saturating_add(1)) as u64;
        let gradients: u64 = self.layouts.iter().map(|layout| (layout.len * size_of::<R>()) as u64).sum();
        let moments: u64 = self.synapses.values().map(SynapseState::bytes).sum();
        let onto_readouts = plan.learners.iter().filter(|learner| learner.onto_readouts);
        let before: u64 = onto_readouts.map(|learner| 8 * plan.route_of(learner).entry_count() as u64).sum();
        let together = together + u64::from(together > 1);
        let spikes = (self.spikes_per_step() * steps.min(plan.interval) as f64) as u64;
        let open = OpenInterval::<R>::bytes_for(plan, self.neurons.stride, steps, spikes, input_spikes);
        let waiting = together.min((steps / plan.interval).max(1) as u64)
            * OpenInterval::<R>::events_for(plan, spikes, input_spikes);
        let converts = size_of::<R>() < size_of::<f64>();
        let weights: usize = network.projections.iter().map(|projection| projection.weights.len()).sum();
        let converted = if converts { (weights * size_of::<R>()) as u64 } else { 0 };
        vec![
            (HISTORY, self.history_bytes(network, self.kept)),
            ("gradients of intervals in progress", together * gradients),
            ("gradient sums and moments", moments),
            (
                "neurons and intervals in progress",
                plan.bytes() + self.neurons.bytes() + together * open + waiting,
            ),
            ("weights beside their present ones", before + converted),
        ]
    }

    /// Bytes of what was not taken yet of all that [`Self::memory`] says.
    #[must_use]
    pub fn not_held(&self, network: &Description) -> u64 {
        let history = self.history_bytes(network, self.kept);
        if self.open.has_room() { 0 } else { history }
    }

    /// Spikes that recurrent neurons send in a step: as many as so far, or as they should.
    #[must_use]
    pub fn spikes_per_step(&self) -> f64 {
        let steps = self.plan.start_recurrent(self.open.interval);
        if steps > 0 && self.spike_count > 0 {
            return self.spike_count as f64 / steps as f64;
        }
        self.plan.recurrent.target_rate.iter().sum()
    }
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Name of the history's share of the memory.
pub const HISTORY: &str = "history of surrogate gradients and errors";

/// Fewer steps are not kept at once: the states at their begins would take more than they save.
const SHORTEST_RUN: usize = 8;

/// Bytes of gradients that intervals side by side may hold: more do not go faster.
const HELD_GRADIENTS: usize = 16 << 20;

/// Notes on intervals and updates that are kept for those who ask at last.
const KEPT_NOTES: usize = 1 << 20;

fn note<T>(notes: &mut Vec<T>, value: T) {
    if notes.len() == KEPT_NOTES {
        notes.drain(..KEPT_NOTES / 2);
    }
    notes.push(value);
}

/// Weights of each projection in a precision; `room` holds those that have to be converted.
fn converted<'a, R: Real>(projections: &'a [Projection], room: &'a mut Vec<Vec<R>>) -> Vec<&'a [R]> {
    room.resize_with(projections.len(), Vec::new);
    projections.iter().zip(room).map(|(projection, room)| R::all(&projection.weights, room)).collect()
}

/// Spikes on their way.
#[derive(Debug, Clone, Copy)]
struct Sent<'a> {
    emission: &'a Emission,
    arrivals: &'a [Arrivals; 2],
}

/// What drives neurons besides spikes.
struct Drives<R> {
    drive: Lines<R>,
    first: Option<Lines<R>>,
    readout: Vec<f64>,
    first_readout: Option<Vec<f64>>,
}

impl<R: Real> Drives<R> {
    fn new(plan: &IntervalPlan, neurons: &Neurons<R>, current: &[f64], readout_current: &[f64]) -> Self {
        let product = |gain: &[f64], current: &[f64]| -> Vec<f64> {
            gain.iter().zip(current).map(|(gain, current)| gain * current).collect()
        };
        let (p, q) = (&plan.recurrent, &plan.readouts);
        let row = |current: &[f64]| {
            let mut row: Lines<R> = product(&p.current_gain, current).into_iter().map(R::of).collect();
            row.resize(neurons.stride);
            row
        };
        Self {
            drive: row(&p.current),
            first: (p.current != current).then(|| row(current)),
            readout: product(&q.current_gain, &q.current),
            first_readout: (q.current != readout_current).then(|| product(&q.current_gain, readout_current)),
        }
    }

    fn surroundings<'a>(
        &'a self,
        plan: &'a IntervalPlan,
        neurons: &'a Neurons<R>,
        projections: &'a [Projection],
        weights: &'a [&'a [R]],
        before: &'a [Option<Vec<f64>>],
        sent: Sent<'a>,
        control: &'a RunControl,
    ) -> Surroundings<'a, R> {
        Surroundings {
            plan,
            neurons,
            projections,
            weights,
            before,
            emission: sent.emission,
            arrivals: &sent.arrivals[0],
            readout_arrivals: &sent.arrivals[1],
            drive: &self.drive,
            first_drive: self.first.as_deref(),
            readout_drive: &self.readout,
            first_readout_drive: self.first_readout.as_deref(),
            threads: 1,
            control,
        }
    }
}

/// The gradients of a finished open interval; not whole if that was cancelled on the way.
fn learn<R: Real>(
    around: &Surroundings<'_, R>,
    open: &mut OpenInterval<R>,
    layouts: &[GradientLayout],
    method: GradientMethod,
    learned: &mut Learned<R>,
) {
    let (plan, emission) = (around.plan, around.emission);
    let next = open.fire_first(around);
    learned.events.resize_with(plan.learners.len(), RowEvents::default);
    learned.gradients.resize_with(plan.learners.len(), Vec::new);
    for (place, learner) in plan.learners.iter().enumerate() {
        learned.events[place].collect(plan, learner, open, emission, &next);
        learned.gradients[place].resize(layouts[place].len, R::ZERO);
    }
    let Learned { events, gradients, workspace, .. } = learned;
    learned.finite = match method {
        GradientMethod::Adjoint => adjoint::gradient(around, open, events, layouts, gradients, workspace),
        GradientMethod::Forward => forward::gradient(plan, open, events, layouts, around.control, gradients),
    };
}

fn collect<R>(plan: &IntervalPlan, open: &mut OpenInterval<R>, recordings: &mut Recordings) {
    for (tap, chunk) in plan.recurrent_taps.iter().zip(&mut open.recurrent_chunks) {
        recordings.chunk(tap).append(chunk);
    }
    for (tap, chunk) in plan.readout_taps.iter().zip(&mut open.readout_chunks) {
        recordings.chunk(tap).append(chunk);
    }
    for (tap, events) in plan.spike_taps.iter().zip(&mut open.spike_events) {
        recordings.spikes.entry(tap.recorder).or_default().append(events);
    }
    for (tap, events) in plan.weight_taps.iter().zip(&mut open.weight_events) {
        recordings.weights.entry(tap.recorder).or_default().append(events);
    }
}
