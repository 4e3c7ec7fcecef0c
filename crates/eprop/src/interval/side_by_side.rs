//! Intervals that share nothing but weights, on several threads.

use std::sync::Mutex;

use crate::base::control::RunControl;
use crate::base::error::Result;
use crate::base::exchange::Team;
use crate::base::real::Real;
use crate::base::threads;
use crate::describe::network::Description;
use crate::interval::drives::{Drives, Sent, converted};
use crate::interval::gradient::adjoint::Workspace;
use crate::interval::open_interval::{IntervalHistory, OpenInterval};
use crate::interval::plan::SHIFT_READOUT;
use crate::interval::recording::{collect, note};
use crate::interval::update::learn;
use crate::interval::{IntervalRule, Learned};
use crate::record::Recordings;
use crate::step::emission::Emission;

/// Bytes of gradients that intervals side by side may hold: more do not go faster.
const HELD_GRADIENTS: usize = 16 << 20;

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

impl<R: Real> IntervalRule<R> {
    /// The global step that may safely be reached in one go from `from`, at most `to`: as many intervals as are
    /// worth giving to all threads at once.
    pub(super) fn group_end(&self, from: i64, to: i64, team: Option<&Team<'_>>) -> i64 {
        let length = self.plan.interval as i64;
        let shared = team.is_some_and(Team::shares_neurons);
        let together = if self.plan.independent && !shared { self.group_size_of(team) as i64 } else { 1 };
        let end = self.plan.start_readout(self.open.interval.max(0) + together);
        if end <= from { to.min(from + length) } else { to.min(end) }
    }

    pub(super) fn group_size(&self) -> usize {
        self.group_size_with(self.threads)
    }

    /// As [`Self::group_size`], of all ranks together.
    fn group_size_of(&self, team: Option<&Team<'_>>) -> usize {
        team.map_or_else(
            || self.group_size(),
            |team| team.threads().iter().map(|threads| self.group_size_with(*threads)).sum(),
        )
    }

    fn group_size_with(&self, threads: usize) -> usize {
        // Enough intervals that threads finish at about the same time, few enough to hold their gradients.
        let gradients: usize = self.layouts.iter().map(|layout| layout.len * size_of::<R>()).sum();
        let together = HELD_GRADIENTS / gradients.max(1);
        together.clamp(2 * threads, 4 * threads.max(2))
    }

    /// How many whole intervals from the present one on share their weights and can be run side by side.
    pub(super) fn intervals_at_once(&self, network: &Description, to: i64, team: Option<&Team<'_>>) -> usize {
        let absorbed = self.absorbed == self.open.interval;
        if !self.plan.independent || self.open.interval < 0 || absorbed || self.first_current_differs() {
            return 1;
        }
        let batch = self.batch_size(network);
        let in_batch = batch - (self.open.interval as usize % batch);
        let until = (to - SHIFT_READOUT).div_euclid(self.plan.interval as i64) - self.open.interval;
        in_batch.min(until.max(0) as usize).min(self.group_size_of(team))
    }

    /// The smallest number of intervals after which some weights may change.
    pub(super) fn batch_size(&self, network: &Description) -> usize {
        let sizes =
            self.plan.learners.iter().map(|learner| {
                network.synapse_models[self.plan.route_of(learner).synapse].optimizer.batch_size
            });
        sizes.reduce(gcd).unwrap_or(usize::MAX)
    }

    /// Makes a history for each thread that takes part in so many intervals, or for as many as the system has room for.
    /// Returns false if that is none.
    pub(super) fn make_histories(&mut self, together: usize) -> bool {
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
    pub(super) fn run_side_by_side(
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
        self.simulate_side_by_side(network, emission, first, 0, &mut open_intervals, control);
        let plan = &self.plan;
        let complete = open_intervals.iter().all(|(open, _)| open.is_finished(plan)) && !control.cancelled();
        if complete {
            let mut learned: Vec<&mut Learned<R>> =
                open_intervals.iter_mut().map(|(_, learned)| learned).collect();
            self.learn_at_start(first, &mut learned);
        }
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
            self.take_back_last();
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
        let updated = self.update(network, None);
        // What was kept of the first one serves the one that is in progress from now on.
        let history = open_intervals[0].0.return_history();
        std::mem::swap(&mut self.open, &mut open_intervals[done - 1].0);
        self.spare.append(&mut open_intervals);
        if updated.is_ok() {
            self.open.begin_next(&self.plan);
            self.open.borrow_history(history);
        } else {
            // It remains as it was before its last step, with a history.
            let last = self.open.interval;
            self.open.borrow_history(history);
            self.open.begin_afresh(last);
            let end = self.plan.start_recurrent(last + 1);
            self.advance_open(network, emission, end, (&RunControl::default(), None));
            self.open.forget_recorded();
        }
        updated.map(|()| true)
    }

    /// Simulates the intervals from place `from` of a group on, which begins with interval `first`, and learns from them,
    /// as far as that is not cancelled.
    pub(super) fn simulate_side_by_side(
        &mut self,
        network: &Description,
        emission: &Emission,
        first: i64,
        from: usize,
        open_intervals: &mut [(OpenInterval<R>, Learned<R>)],
        control: &RunControl,
    ) {
        let drives = Drives::new(&self.plan, &self.neurons, &self.current, &self.readout_current);
        let mut room = std::mem::take(&mut self.converted);
        let weights = converted(&network.projections, &mut room);
        let (plan, neurons) = (&self.plan, &self.neurons);
        let before_of = self.before_of;
        let before = &self.before;
        let sent = Sent { emission, arrivals: &self.arrivals, currents: &self.currents };
        let projections = &network.projections;
        let (layouts, method) = (&self.layouts, self.gradient);
        let threads = self.threads.min(open_intervals.len()).min(self.histories.len());
        let buffers = Mutex::new((std::mem::take(&mut self.histories), std::mem::take(&mut self.workspaces)));
        let run = |place: usize,
                   open: &mut OpenInterval<R>,
                   learned: &mut Learned<R>,
                   (history, workspace): &mut (IntervalHistory<R>, Workspace<R>)| {
            // The first open interval of a group may have begun before, with a history of its own.
            if place > 0 {
                open.borrow_history(std::mem::take(history));
                open.begin_afresh(first + place as i64);
            }
            let before: &[_] = if before_of == open.interval { before } else { &[] };
            let around = drives.surroundings(plan, neurons, projections, &weights, before, sent, control);
            if open.advance(&around, i64::MAX) {
                learn(&around, open, layouts, method, learned, workspace);
            }
            if place > 0 {
                *history = open.return_history();
            }
        };
        let borrow = || {
            let mut free = buffers.lock().ok();
            let (histories, workspaces) =
                free.as_deref_mut().map(|(a, b)| (a.pop(), b.pop())).unwrap_or_default();
            (histories.unwrap_or_default(), workspaces.unwrap_or_default())
        };
        let give_back = |(history, workspace)| {
            if let Ok(mut free) = buffers.lock() {
                free.0.push(history);
                free.1.push(workspace);
            }
        };
        let next = Mutex::new(open_intervals.iter_mut().enumerate());
        threads::side_by_side(threads, || {
            let mut own = borrow();
            loop {
                let taken = next.lock().ok().and_then(|mut open_intervals| open_intervals.next());
                let Some((at, (open, learned))) = taken else { break };
                run(from + at, open, learned, &mut own);
            }
            give_back(own);
        });
        (self.histories, self.workspaces) = buffers.into_inner().unwrap_or_default();
        self.converted = room;
    }

    /// How many intervals run side by side, or wait for their turn with what they have learned.
    pub(super) fn together(&self, network: &Description) -> usize {
        if self.plan.independent { self.group_size().min(self.batch_size(network)) } else { 1 }
    }
}
