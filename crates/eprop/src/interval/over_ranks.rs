//! Intervals that share nothing but weights, on several ranks.
//!
//! Each rank simulates neighbouring intervals of a group. What intervals after them and recorders have to know of them is
//! told to all; their gradients are added in the order of intervals, rank after rank, as one process adds them. Every rank
//! then has the same sums, and updates the same weights.

use std::ops::Range;

use crate::base::control::RunControl;
use crate::base::error::{Error, ErrorCode, Result};
use crate::base::exchange::{Message, Reader, Team, broken};
use crate::base::real::Real;
use crate::describe::network::Description;
use crate::interval::open_interval::{OpenInterval, Recorded};
use crate::interval::plan::IntervalPlan;
use crate::interval::presynaptic::RowEvents;
use crate::interval::recording::{collect, collect_parts, note};
use crate::interval::update::gradients_of;
use crate::interval::{IntervalRule, Learned};
use crate::record::Recordings;
use crate::step::emission::Emission;

/// How a rank ended its share.
const COMPLETE: u8 = 0;
const CANCELLED: u8 = 1;
const NO_ROOM: u8 = 2;

/// An interval of another rank.
struct Told<R> {
    spikes: u64,
    learned: Learned<R>,
    recorded: Recorded,
}

/// What all ranks have told.
struct Group<R> {
    /// The share of each rank.
    shares: Vec<Range<usize>>,
    /// Intervals by place; those of this rank are not told.
    told: Vec<Option<Told<R>>>,
    /// Whether all gradients are finite.
    finite: bool,
}

/// What rank 0 has come to in a group that was not completed: the step of its first interval.
struct Stopped {
    reached: i64,
    /// A rank that had no room for a history.
    wanting: Option<usize>,
}

impl<R: Real> IntervalRule<R> {
    /// As [`Self::run_side_by_side`], the intervals shared by ranks.
    pub(super) fn run_over_ranks(
        &mut self,
        team: &Team<'_>,
        network: &mut Description,
        emission: &Emission,
        count: usize,
        recordings: &mut Recordings,
    ) -> Result<bool> {
        let shares = team.shares(count);
        let own = shares[team.rank()].clone();
        let first = self.open.interval;
        while self.spare.len() < own.len() {
            self.spare
                .push((OpenInterval::without_history(&self.plan, self.neurons.stride), Learned::default()));
        }
        let mut intervals: Vec<(OpenInterval<R>, Learned<R>)> = self.spare.drain(..own.len()).collect();
        let begins = own.contains(&0);
        if begins {
            std::mem::swap(&mut self.open, &mut intervals[0].0);
        }
        let has_room = own.is_empty() || self.make_histories(own.len());
        if has_room {
            self.simulate_side_by_side(network, emission, first, own.start, &mut intervals, team.control());
        }
        let complete = intervals.iter().all(|(open, _)| open.is_finished(&self.plan));
        let status = match (has_room, complete && !team.control().cancelled()) {
            (false, _) => NO_ROOM,
            (true, false) => CANCELLED,
            (true, true) => COMPLETE,
        };
        let all = team.agree(Ok(self.tell(status, &intervals)))?;
        let finite = intervals.iter().all(|(_, learned)| learned.finite);
        let outcome = match self.hear(&all, shares, (team.rank(), finite))? {
            Ok(mut group) => {
                let done = self.check_group(team, network, first, &mut group, &mut intervals)?;
                self.finish_group(
                    team,
                    network,
                    emission,
                    (first, &own),
                    (group, done),
                    &mut intervals,
                    recordings,
                )
            }
            Err(stopped) => {
                let outcome = stopped.wanting.map_or(Ok(false), |rank| {
                    let what =
                        format!("rank {rank}: the history of an update interval would not fit into memory");
                    Err(Error::new(ErrorCode::OutOfMemory, what))
                });
                self.stop_at(network, emission, begins, stopped.reached, &mut intervals, recordings);
                outcome
            }
        };
        self.spare.append(&mut intervals);
        outcome
    }

    /// What this rank tells of its share.
    fn tell(&self, status: u8, intervals: &[(OpenInterval<R>, Learned<R>)]) -> Vec<u8> {
        let mut message = Message::default();
        message.number(status);
        let reached = intervals
            .first()
            .map_or(0, |(open, _)| self.plan.start_recurrent(open.interval) + open.recurrent_done as i64);
        message.number(reached);
        if status != COMPLETE {
            return message.into_bytes();
        }
        for (open, learned) in intervals {
            message.number(open.spikes_fired());
            message.number(u8::from(learned.finite));
            for events in &learned.events {
                let (rows, steps): (Vec<u32>, Vec<u32>) = events.touched.iter().copied().unzip();
                message.list(&rows);
                message.list(&steps);
                message.list(events.at_start());
            }
            open.tell_recorded(&mut message);
        }
        message.into_bytes()
    }

    /// What all ranks have told of their shares; where one could not complete its own, how far rank 0 has come.
    fn hear(
        &self,
        all: &[Vec<u8>],
        shares: Vec<Range<usize>>,
        (own, finite): (usize, bool),
    ) -> Result<std::result::Result<Group<R>, Stopped>> {
        let mut stopped = Stopped { reached: 0, wanting: None };
        let mut is_complete = true;
        let mut readers = Vec::with_capacity(all.len());
        for (rank, bytes) in all.iter().enumerate() {
            let mut reader = Reader::new(bytes);
            let status = reader.number::<u8>()?;
            let reached = reader.number::<i64>()?;
            if rank == 0 {
                stopped.reached = reached;
            }
            is_complete &= status == COMPLETE;
            if status == NO_ROOM {
                stopped.wanting.get_or_insert(rank);
            }
            readers.push(reader);
        }
        if !is_complete {
            return Ok(Err(stopped));
        }
        let mut group = Group { shares, told: Vec::new(), finite };
        for (other, reader) in readers.iter_mut().enumerate() {
            for _ in group.shares[other].clone() {
                if other == own {
                    group.told.push(None);
                    continue;
                }
                let (finite, told) = hear_interval(&self.plan, reader)?;
                group.finite &= finite;
                group.told.push(Some(told));
            }
        }
        Ok(Ok(group))
    }

    /// Adds what intervals learn from spikes in their first steps, and says how many of them, from the first on, can be
    /// learned from; fewer than all where a gradient is not finite.
    fn check_group(
        &mut self,
        team: &Team<'_>,
        network: &Description,
        first: i64,
        group: &mut Group<R>,
        intervals: &mut [(OpenInterval<R>, Learned<R>)],
    ) -> Result<(usize, Option<Error>)> {
        let count = group.told.len();
        let own = group.shares[team.rank()].clone();
        self.learn_at_start(first, &mut all_learned(group, intervals));
        if group.finite {
            return Ok((count, None));
        }
        let mut failure = None;
        for (place, (_, learned)) in own.zip(&*intervals) {
            if let Err(error) = self.check_gradients(network, first + place as i64, learned) {
                failure = Some((place, error));
                break;
            }
        }
        let mine = failure.as_ref().map_or(count, |(place, _)| *place);
        let done = team.least(Ok(mine as i64))? as usize;
        if done == count {
            return Ok((done, None));
        }
        let told =
            failure.filter(|(place, _)| *place == done).map_or(Ok(Vec::new()), |(_, error)| Err(error));
        Ok((done, team.agree(told).err()))
    }

    /// Learns from the first intervals of a group, whose shares have all been simulated.
    fn finish_group(
        &mut self,
        team: &Team<'_>,
        network: &mut Description,
        emission: &Emission,
        (first, own): (i64, &Range<usize>),
        (mut group, (done, failure)): (Group<R>, (usize, Option<Error>)),
        intervals: &mut [(OpenInterval<R>, Learned<R>)],
        recordings: &mut Recordings,
    ) -> Result<bool> {
        let begins = own.contains(&0);
        if done == 0 {
            let end = self.plan.start_recurrent(first + 1);
            self.stop_at(network, emission, begins, end, intervals, recordings);
            return failure.map_or(Ok(false), Err);
        }
        for place in 0..done {
            let spikes = if let Some(told) = &mut group.told[place] {
                let Recorded { recurrent_chunks, readout_chunks, spike_events, weight_events } =
                    &mut told.recorded;
                let parts = (
                    &mut recurrent_chunks[..],
                    &mut readout_chunks[..],
                    &mut spike_events[..],
                    &mut weight_events[..],
                );
                collect_parts(&self.plan, parts, recordings);
                told.spikes
            } else {
                let open = &mut intervals[place - own.start].0;
                collect(&self.plan, open, recordings);
                open.spikes_fired()
            };
            self.spike_count += spikes;
            note(&mut self.interval_spikes, spikes);
        }
        for (open, _) in intervals.iter_mut() {
            open.forget_recorded();
        }
        let learned = all_learned(&mut group, intervals);
        let learned: Vec<&Learned<R>> = learned[..done].iter().map(|learned| &**learned).collect();
        let mine = own.start.min(done)..own.end.min(done);
        self.absorb_in_turn(team, network, first, &learned, mine)?;
        let updated = self.update(network, None);
        self.end_group(team, first + done as i64 - 1, (own, &group.shares), done - 1, intervals)?;
        if updated.is_err() {
            // It remains as it was before its last step, with a history.
            let last = self.open.interval;
            self.open.begin_afresh(last);
            let end = self.plan.start_recurrent(last + 1);
            self.advance_open(network, emission, end, (&RunControl::default(), None));
            self.open.forget_recorded();
        } else {
            self.open.begin_next(&self.plan);
        }
        updated.map(|()| true)
    }

    /// Takes over what the last interval of a group ended in, with the history of the one that was in progress.
    fn end_group(
        &mut self,
        team: &Team<'_>,
        interval: i64,
        (own, shares): (&Range<usize>, &[Range<usize>]),
        last: usize,
        intervals: &mut [(OpenInterval<R>, Learned<R>)],
    ) -> Result<()> {
        let plan = &self.plan;
        let owner = shares.iter().position(|share| share.contains(&last)).unwrap_or(0);
        let mine = own.contains(&last);
        let end = if mine { intervals[last - own.start].0.tell_end(plan) } else { Vec::new() };
        let end = team.spread(owner, end)?;
        let holder = if own.contains(&0) { &mut intervals[0].0 } else { &mut self.open };
        let history = holder.return_history();
        if mine {
            std::mem::swap(&mut self.open, &mut intervals[last - own.start].0);
        } else {
            self.open.take_end(plan, interval, &end)?;
        }
        self.open.borrow_history(history);
        Ok(())
    }

    /// Adds the gradients of consecutive intervals, of which those in `mine` are this rank's, in their order.
    fn absorb_in_turn(
        &mut self,
        team: &Team<'_>,
        network: &Description,
        first: i64,
        learned: &[&Learned<R>],
        mine: Range<usize>,
    ) -> Result<()> {
        self.call_optimizers(network, first, learned);
        let plan = &self.plan;
        let events_of = |learned: &[&Learned<R>], place: usize| -> Vec<RowEvents> {
            learned.iter().map(|learned| learned.events[place].clone()).collect()
        };
        for (place, learner) in plan.learners.iter().enumerate() {
            let route = plan.route_of(learner);
            let state = self.synapses.get_mut(&route.projection).expect("laid out with the plan");
            let earlier = events_of(&learned[..mine.start], place);
            let gradients = gradients_of(&learned[mine.clone()], place);
            let earlier: Vec<&RowEvents> = earlier.iter().collect();
            state.add_in_turn(route, &earlier, &gradients, plan.divisor(learner), team)?;
        }
        for (place, learner) in plan.learners.iter().enumerate() {
            let route = plan.route_of(learner);
            let state = self.synapses.get_mut(&route.projection).expect("laid out with the plan");
            let all: Vec<&RowEvents> = learned.iter().map(|learned| &learned.events[place]).collect();
            state.take_sums(route, &all, team)?;
        }
        self.absorbed = first + learned.len() as i64 - 1;
        Ok(())
    }

    /// Goes back to the first interval of a group, as rank 0 has left it at step `to`, at every rank.
    fn stop_at(
        &mut self,
        network: &Description,
        emission: &Emission,
        begins: bool,
        to: i64,
        intervals: &mut [(OpenInterval<R>, Learned<R>)],
        recordings: &mut Recordings,
    ) {
        if begins {
            std::mem::swap(&mut self.open, &mut intervals[0].0);
            self.take_back_last();
        } else {
            self.advance_open(network, emission, to, (&RunControl::default(), None));
        }
        for (open, _) in intervals.iter_mut() {
            open.forget_recorded();
        }
        self.collect_recorded(recordings);
    }
}

/// What was learned from each interval of a group.
fn all_learned<'a, R>(
    group: &'a mut Group<R>,
    intervals: &'a mut [(OpenInterval<R>, Learned<R>)],
) -> Vec<&'a mut Learned<R>> {
    let mut own = intervals.iter_mut();
    let of_rank = |told: &'a mut Option<Told<R>>| match told {
        Some(told) => &mut told.learned,
        None => &mut own.next().expect("an interval of this rank").1,
    };
    group.told.iter_mut().map(of_rank).collect()
}

/// An interval that was told, and whether its gradients are finite.
fn hear_interval<R: Real>(plan: &IntervalPlan, reader: &mut Reader<'_>) -> Result<(bool, Told<R>)> {
    let (spikes, finite) = (reader.number::<u64>()?, reader.number::<u8>()? == 1);
    let mut learned = Learned::default();
    for learner in &plan.learners {
        let (rows, steps): (Vec<u32>, Vec<u32>) = (reader.list()?, reader.list()?);
        let touched = rows.into_iter().zip(steps).collect();
        let events = RowEvents::noted(touched, reader.list()?, plan.route_of(learner).row_count);
        learned.events.push(events.ok_or_else(broken)?);
        learned.gradients.push(Vec::new());
    }
    Ok((finite, Told { spikes, learned, recorded: Recorded::read(plan, reader)? }))
}
