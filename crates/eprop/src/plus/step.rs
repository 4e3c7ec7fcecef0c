//! A step of time.

use std::ops::Range;

use crate::base::control::RunControl;
use crate::base::exchange::Team;
use crate::base::threads::Crew;
use crate::describe::network::Description;
use crate::plan::currents::CurrentRoute;
use crate::plus::PlusRule;
use crate::plus::eligibility::{readout, recurrent};
use crate::plus::neuron_step::{self, StepInput, StepOutput};
use crate::plus::passage::{Onto, Spikes, Told};
use crate::plus::recording::Recorded;
use crate::step::currents::Currents;
use crate::step::emission::Emission;
use crate::step::row;

impl PlusRule {
    pub(super) fn advance_run(
        &mut self,
        network: &mut Description,
        emission: &Emission,
        from: i64,
        to: i64,
        (control, team): (&RunControl, Option<&Team<'_>>),
        recorded: &mut Recorded,
        crew: &mut Crew<'_>,
    ) -> i64 {
        let mut work = 0;
        let exchanges = self.plan.wiring.exchanges().filter(|_| team.is_some());
        let every = exchanges.map_or(1, |exchanges| exchanges.every as i64);
        let wait = exchanges.is_some_and(|exchanges| exchanges.readouts_wait);
        let mut step = from;
        while step < to {
            if control.cancelled() {
                return step;
            }
            let steps = step..to.min(step + every);
            for step in steps.clone() {
                work += self.advance_recurrent(network, emission, step, recorded, crew);
                if step + 1 == steps.end {
                    self.exchange(steps.clone(), team, recorded);
                }
                if !wait {
                    work += self.advance_readouts(network, emission, step, recorded, crew);
                }
            }
            for step in steps.clone().filter(|_| wait) {
                work += self.advance_readouts(network, emission, step, recorded, crew);
            }
            step = steps.end;
            // Ranks that share neurons stop at the same step, where one has failed too.
            if self.failure.is_some() || (team.is_some() && control.cancelled()) {
                return step;
            }
        }
        self.shareable = work / (to - from) as u64;
        to
    }

    /// Makes the spikes of these steps those of all ranks, where several share the neurons, and records them.
    fn exchange(&mut self, steps: Range<i64>, team: Option<&Team<'_>>, recorded: &mut Recorded) {
        let ring = self.fired.len();
        let slot = |step: i64| (step + 1) as usize % ring;
        if let Some(team) = team {
            let take = |step: i64| std::mem::take(&mut self.fired[slot(step)]);
            let mut fired: Vec<Vec<u32>> = steps.clone().map(take).collect();
            self.plan.wiring.merge(&mut fired, team, self.failure.is_some());
            for (step, fired) in steps.clone().zip(fired) {
                self.fired[slot(step)] = fired;
            }
        }
        for step in steps {
            self.spike_count += self.fired[slot(step)].len() as u64;
            self.record_spikes(step, recorded);
        }
    }

    fn advance_recurrent(
        &mut self,
        network: &mut Description,
        emission: &Emission,
        step: i64,
        recorded: &mut Recorded,
        crew: &mut Crew<'_>,
    ) -> u64 {
        let plan = &self.plan;
        let s = &mut self.neurons;
        s.input.fill(0.0);
        let places = 0..s.input.len();
        self.arrivals[0].add_to(&mut s.input, &places, step);
        let mut work = 0;
        for (route, parts) in plan.wiring.recurrent_routes.iter().zip(&mut self.recurrent_rows) {
            let spikes = Spikes { plan, emission, fired: &self.fired, stamp: step + 1 - route.delay as i64 };
            let targets = &plan.wiring.recurrent_ids;
            let onto = Onto {
                targets,
                input: &mut s.input,
                history: &self.history,
                windows: self.windows.as_ref(),
                arriving: &mut self.arriving,
            };
            let told = Told { recorded: &mut *recorded, failure: &mut self.failure };
            work += spikes.pass(route, parts, network, onto, told, crew);
        }
        for places in plan.wiring.clocks.places() {
            s.clock[places.clone()].fill(0.0);
        }
        for place in plan.wiring.clocks.firing(step) {
            s.clock[place] = 1.0;
        }
        let [surrogate, regularization] =
            self.history.pair_mut([recurrent::SURROGATE, recurrent::REGULARIZATION], step);
        // These models integrate the current of this step, the others that of the step before.
        for run in plan.segments.iter().filter(|run| run.hard_reset) {
            let at = run.places.clone();
            s.current[at.clone()].copy_from_slice(&plan.recurrent.current[at]);
        }
        let sums = &mut self.arriving_currents;
        add_currents(&self.currents.0[0], &plan.wiring.currents[0], step, sums, &mut s.current);
        neuron_step::advance(
            &plan.recurrent,
            &plan.segments,
            StepInput { input: &s.input, current: &s.current, clock: &s.clock, resolution: plan.resolution },
            &mut s.state.slices(),
            &mut StepOutput { surrogate, regularization, fired: &mut s.fired },
        );
        s.current.copy_from_slice(&plan.recurrent.current);
        let length = self.fired.len();
        let fired = &mut self.fired[(step + 1) as usize % length];
        fired.clear();
        for (block, bytes) in s.fired.as_chunks::<8>().0.iter().enumerate() {
            let mut bits = u64::from_le_bytes(*bytes);
            while bits != 0 {
                fired.push((block * 8) as u32 + bits.trailing_zeros() / 8);
                bits &= bits - 1;
            }
        }
        self.record_recurrent(step, recorded);
        work
    }

    fn advance_readouts(
        &mut self,
        network: &mut Description,
        emission: &Emission,
        step: i64,
        recorded: &mut Recorded,
        crew: &mut Crew<'_>,
    ) -> u64 {
        let plan = &self.plan;
        let p = &plan.readouts;
        let s = &mut self.readouts;
        let k = plan.readout_count();
        s.input.fill(0.0);
        self.arrivals[1].add_to(&mut s.input, &(0..k), step);
        let mut work = 0;
        for (route, parts) in plan.wiring.readout_routes.iter().zip(&mut self.readout_rows) {
            let spikes = Spikes { plan, emission, fired: &self.fired, stamp: step + 1 - route.delay as i64 };
            let targets = &plan.wiring.readout_ids;
            let onto = Onto {
                targets,
                input: &mut s.input,
                history: &self.errors,
                windows: self.error_windows.as_ref(),
                arriving: &mut self.arriving,
            };
            let told = Told { recorded: &mut *recorded, failure: &mut self.failure };
            work += spikes.pass(route, parts, network, onto, told, crew);
        }
        let sums = &mut self.arriving_currents;
        add_currents(&self.currents.0[1], &plan.wiring.currents[1], step, sums, &mut s.current);
        let errors = self.errors.at_mut(readout::ERROR, step);
        for j in 0..k {
            let v = p.decay[j].mul_add(s.voltage[j], p.current_gain[j].mul_add(s.current[j], s.input[j]));
            s.voltage[j] = if v > p.floor[j] { v } else { p.floor[j] };
            s.current[j] = p.current[j];
            s.window[j] = s.windows.read(&p.windows, j, step, i64::MIN);
            if s.window[j] == 0.0 {
                s.learns_since[j] = step + 1;
            }
            s.target[j] = s.targets.read(&p.targets, j, step, s.learns_since[j]);
            // Without a sign where it is zero: which target is left where none counts must not be seen.
            errors[j] = s.window[j] * (s.voltage[j] + p.rest[j] - s.target[j]) + 0.0;
        }
        self.errors.finish(step);
        let errors = self.errors.at(readout::ERROR, step);
        // The error of this step belongs to the recurrent step before it.
        let n = plan.recurrent_count();
        if step > 0 {
            let signal = self.history.at_mut(recurrent::SIGNAL, step - 1);
            signal.fill(0.0);
            for (j, error) in errors.iter().enumerate().filter(|(_, error)| **error != 0.0) {
                row::add_scaled(signal, &plan.wiring.feedback[j * n..(j + 1) * n], *error);
            }
            self.history.finish(step - 1);
            if let Some(windows) = &mut self.windows {
                windows.advance(&self.history, step - 1);
            }
            if let Some(windows) = &mut self.error_windows {
                windows.advance(&self.errors, step - 1);
            }
        }
        self.record_readouts(step, recorded);
        work
    }
}

/// Adds the currents that generators send to those that neurons integrate in a step. `sums` is room.
#[inline]
fn add_currents(
    currents: &Currents,
    routes: &[CurrentRoute],
    step: i64,
    sums: &mut Vec<f64>,
    integrated: &mut [f64],
) {
    if !currents.may_come(routes) {
        return;
    }
    currents.collect(routes, &(0..integrated.len()), step, sums);
    for (current, sum) in integrated.iter_mut().zip(sums) {
        *current += *sum;
    }
}
