//! What is learned from intervals, and the update of weights at the end of a batch.

use crate::base::control::RunControl;
use crate::base::error::{Error, Result};
use crate::base::exchange::Team;
use crate::base::real::Real;
use crate::describe::kernel_parameters::GradientMethod;
use crate::describe::network::Description;
use crate::interval::drives::{Drives, Sent, converted};
use crate::interval::feedback::Following;
use crate::interval::gradient::adjoint::Workspace;
use crate::interval::gradient::batch::{Gradient, Update};
use crate::interval::gradient::layout::GradientLayout;
use crate::interval::gradient::{adjoint, biases, forward};
use crate::interval::open_interval::{OpenInterval, Surroundings};
use crate::interval::plan::Learner;
use crate::interval::presynaptic::RowEvents;
use crate::interval::recording::note;
use crate::interval::rewire::{Rewired, constrain};
use crate::interval::{IntervalRule, Learned};
use crate::step::emission::Emission;
use crate::step::not_finite;

/// The gradients of a finished open interval; not whole if that was cancelled on the way.
pub(super) fn learn<R: Real>(
    around: &Surroundings<'_, R>,
    open: &mut OpenInterval<R>,
    layouts: &[GradientLayout],
    method: GradientMethod,
    learned: &mut Learned<R>,
    workspace: &mut Workspace<R>,
) {
    let (plan, emission) = (around.plan, around.emission);
    open.spread_errors(plan);
    let next = open.fire_first(around);
    learned.events.resize_with(plan.learners.len(), RowEvents::default);
    learned.gradients.resize_with(plan.learners.len(), Vec::new);
    for (place, learner) in plan.learners.iter().enumerate() {
        learned.events[place].collect(plan, learner, open, emission, &next);
        learned.gradients[place].resize(layouts[place].len, R::ZERO);
    }
    let Learned { events, gradients, .. } = learned;
    (learned.finite, learned.from_start) = match method {
        GradientMethod::Adjoint => (
            adjoint::gradient(around, open, events, layouts, gradients, workspace),
            adjoint::from_start(plan, open),
        ),
        GradientMethod::Forward => (
            forward::gradient(plan, open, events, layouts, around.control, gradients),
            forward::from_start(plan, open),
        ),
    };
    learned.biases = biases::gradients(around, open, method);
    learned.finite &= learned.from_start.iter().all(|factor| R::of(*factor).f64().is_finite());
}

/// The gradients of intervals for one learner.
pub(super) fn gradients_of<'a, R>(learned: &[&'a Learned<R>], place: usize) -> Vec<Gradient<'a, R>> {
    learned.iter().map(|learned| (&learned.gradients[place][..], &learned.events[place])).collect()
}

/// What all ranks have come to, where they share neurons: an error of one is that of all.
fn agreed(team: Option<&Team<'_>>, outcome: Result<()>) -> Result<()> {
    match team {
        Some(team) => team.agree_on_neurons(outcome),
        None => outcome,
    }
}

impl<R: Real> IntervalRule<R> {
    /// Learns from the open interval that has just been finished. Returns false if that was cancelled, and changed nothing.
    pub(super) fn finish_open(
        &mut self,
        network: &mut Description,
        emission: &Emission,
        control: &RunControl,
        team: Option<&Team<'_>>,
    ) -> Result<bool> {
        if self.open.interval < 0 {
            return Ok(true);
        }
        if self.absorbed == self.open.interval {
            return self.update(network, team).map(|()| true);
        }
        let mut learned = std::mem::take(&mut self.learned);
        let (current, readout_current) = (&self.plan.recurrent.current, &self.plan.readouts.current);
        let drives = Drives::new(&self.plan, &self.neurons, current, readout_current);
        let mut room = std::mem::take(&mut self.converted);
        let weights = converted(&network.projections, &mut room);
        let (plan, neurons, projections) = (&self.plan, &self.neurons, &network.projections);
        let sent = Sent { emission, arrivals: &self.arrivals, currents: &self.currents };
        let around = drives.surroundings(plan, neurons, projections, &weights, &[], sent, control);
        let around = Surroundings { threads: self.threads, team, ..around };
        let mut workspace = self.workspaces.pop().unwrap_or_default();
        learn(&around, &mut self.open, &self.layouts, self.gradient, &mut learned, &mut workspace);
        self.workspaces.push(workspace);
        self.converted = room;
        let outcome = if control.cancelled() {
            Ok(false)
        } else {
            self.learn_at_start(self.open.interval, &mut [&mut learned]);
            let checked = self.check_gradients(network, self.open.interval, &learned);
            agreed(team, checked).and_then(|()| {
                self.spike_count += self.open.spikes_fired();
                note(&mut self.interval_spikes, self.open.spikes_fired());
                self.absorb(network, self.open.interval, &[&learned]);
                self.update(network, team).map(|()| true)
            })
        };
        self.learned = learned;
        outcome
    }

    /// Adds what rows onto readouts learn from spikes in the first steps of consecutive intervals. Whether they do is
    /// known only once the intervals before have been.
    pub(super) fn learn_at_start(&self, first: i64, learned: &mut [&mut Learned<R>]) {
        let plan = &self.plan;
        for (place, learner) in plan.learners.iter().enumerate().filter(|(_, learner)| learner.onto_readouts)
        {
            let route = plan.route_of(learner);
            let mut latest = self.synapses[&route.projection].latest().to_vec();
            for (interval, learned) in (first..).zip(&mut *learned) {
                let Learned { events, gradients, from_start, .. } = &mut **learned;
                let gradient = &mut gradients[place];
                events[place].decide_at_start(interval, &mut latest, |row, alone| {
                    // Of an interval that another rank has simulated, that is known there.
                    let entries = if from_start.is_empty() { 0..0 } else { route.entries(row) };
                    for entry in entries {
                        let others = if alone { 0.0 } else { gradient[entry].f64() };
                        gradient[entry] = R::of(others + from_start[route.target(row, entry)]);
                    }
                });
            }
        }
    }

    /// Refuses gradients of an interval that are not finite.
    pub(super) fn check_gradients(
        &self,
        network: &Description,
        interval: i64,
        learned: &Learned<R>,
    ) -> Result<()> {
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

    pub(super) fn instability(
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
    pub(super) fn absorb(&mut self, network: &Description, first: i64, learned: &[&Learned<R>]) {
        self.call_optimizers(network, first, learned);
        let plan = &self.plan;
        for (place, learner) in plan.learners.iter().enumerate() {
            let route = plan.route_of(learner);
            let state = self.synapses.get_mut(&route.projection).expect("laid out with the plan");
            state.add(route, &gradients_of(learned, place), plan.divisor(learner), self.threads);
        }
        for learned in learned {
            self.biases.add(plan, learned);
        }
        self.absorbed = first + learned.len() as i64 - 1;
    }

    /// Says which rows learn in consecutive intervals, and calls their optimizers.
    pub(super) fn call_optimizers(&mut self, network: &Description, first: i64, learned: &[&Learned<R>]) {
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
                    state.call(*row as usize, interval, present, || rates.at(start + i64::from(*step)));
                }
            }
        }
    }

    /// Updates the weights of projections whose batch ends with the last interval that was absorbed: all of them, or
    /// none if a weight would not be finite.
    pub(super) fn update(&mut self, network: &mut Description, team: Option<&Team<'_>>) -> Result<()> {
        let (plan, last) = (&self.plan, self.absorbed);
        let ending = |learner: &&Learner| {
            let batch = network.synapse_models[plan.route_of(learner).synapse].optimizer.batch_size;
            (last + 1) % batch as i64 == 0
        };
        let ending: Vec<&Learner> = plan.learners.iter().filter(ending).collect();
        let square_sums = self.square_sums(network, &ending);
        let shrinking = self.shrinking(network, &square_sums)?;
        let checked = self.check_update(network, &ending, &square_sums, shrinking);
        agreed(team, checked)?;
        let biases = self.moved_biases(network, last, shrinking)?;
        // A rate of zero says that nothing is to change, as in a validation: neither decay nor rewiring count then.
        let learns = |learner: &Learner| {
            let start =
                if learner.onto_readouts { plan.start_readout(last) } else { plan.start_recurrent(last) };
            self.rates.get(&plan.route_of(learner).synapse).is_none_or(|rates| rates.at(start) > 0.0)
        };
        let learns: Vec<bool> = ending.iter().map(|learner| learns(learner)).collect();
        let feedback = Following::new(plan, network, &ending, &learns);
        let mut constrained: Vec<Rewired> = Vec::new();
        self.before.resize(network.projections.len(), None);
        self.before.iter_mut().for_each(|before| *before = None);
        self.before_of = last + 1;
        for ((learner, square_sum), learns) in ending.iter().zip(square_sums).zip(learns) {
            let route = plan.route_of(learner);
            let optimizer = &network.synapse_models[route.synapse].optimizer;
            let update = Update::after(last, optimizer, shrinking);
            let weights = &mut network.projections[route.projection].weights;
            let state = self.synapses.get_mut(&route.projection).expect("laid out with the plan");
            let rewiring = &network.synapse_models[route.synapse].rewiring;
            let before = (learner.onto_readouts || rewiring.looks_at_signs()).then(|| weights.clone());
            state.update(route, update, weights);
            if let (Some(feedback), Some(before), true) = (&feedback, &before, learner.onto_readouts) {
                feedback.decay(plan, route, before, (optimizer.w_min, optimizer.w_max), weights);
            }
            if let Some(before) = before.as_ref().filter(|_| rewiring.looks_at_signs()) {
                let bounds = (optimizer.w_min, optimizer.w_max);
                let keys = [u64::from(network.kernel.rng_seed), route.projection as u64, update.step];
                let rates = learns.then(|| state.row_rates(optimizer));
                let rates = rates.as_deref();
                constrained.extend(constrain(route, *rewiring, rates, bounds, before, weights, keys));
            }
            self.before[route.projection] = before.filter(|_| learner.onto_readouts).map(|mut before| {
                // Who did not learn in the last interval learns, and is updated, in the first step of this one.
                for row in (0..route.row_count).filter(|row| state.latest()[*row] != last) {
                    before[route.entries(row)].copy_from_slice(&weights[route.entries(row)]);
                }
                before
            });
            if self.plan.wiring.shared.is_none() {
                self.gradient_square_sums.insert(route.projection, square_sum);
            }
        }
        let updated = !ending.is_empty();
        self.take_biases(network, biases);
        let fewer = constrained.iter().any(Rewired::takes_away);
        for rewired in constrained {
            self.rewire(network, rewired);
        }
        if fewer {
            self.lay_out(network);
        }
        if let Some(feedback) = feedback {
            feedback.follow(&self.plan, network);
            self.plan.wiring.feedback = self.plan.wiring.feedback_routes.weights(&network.projections);
            self.neurons.take_feedback(&self.plan);
        }
        // Of a rank's own neurons alone, it would be another.
        if updated && self.plan.wiring.shared.is_none() {
            note(&mut self.gradient_norms, self.gradient_square_sums.values().sum::<f64>().sqrt());
        }
        Ok(())
    }
}
