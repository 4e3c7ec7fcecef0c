//! What recorders are shown of an open interval.

use crate::base::math;
use crate::base::real::Real;
use crate::interval::open_interval::{OpenInterval, Shown, Surroundings};
use crate::interval::plan::{IntervalPlan, RECURRENT};
use crate::plan::route::Route;
use crate::record::{Recordable, Recordings, SpikeEvents, Tap, TapChunk, WeightEvents};
use crate::step::delivery::{self, Passage};

impl<R: Real> OpenInterval<R> {
    /// Steps of the learning window up to a step in it.
    pub(super) fn steps_learned(plan: &IntervalPlan, local: usize) -> f64 {
        (local + 1 + plan.window - plan.interval) as f64
    }

    /// The readout signal after a step of the learning window, the last one that was done.
    pub(super) fn readout_signal(&self, plan: &IntervalPlan, readout: usize, local: usize) -> f64 {
        let p = &plan.readouts;
        if p.losses[readout].is_of_mean() {
            let steps = Self::steps_learned(plan, local);
            return p.signal(readout, &|j| self.sums[j][0] / steps);
        }
        p.signal(readout, &|j| self.readout_voltage[j] + p.rest[j])
    }

    /// The target signal after a step of the learning window, in which `target` was read.
    pub(super) fn target_signal(
        &self,
        plan: &IntervalPlan,
        readout: usize,
        local: usize,
        target: f64,
    ) -> f64 {
        let p = &plan.readouts;
        if p.losses[readout].is_of_mean() {
            return self.sums[readout][1] / Self::steps_learned(plan, local);
        }
        p.smoothed(readout, target)
    }

    /// Has all steps of the learning window of a finished interval take the error of the last, where the loss is of the
    /// mean readout.
    pub fn spread_errors(&mut self, plan: &IntervalPlan) {
        let k = plan.readout_count();
        for (j, _) in plan.readouts.losses.iter().enumerate().filter(|(_, loss)| loss.is_of_mean()) {
            let last = self.errors[(plan.interval - 1) * k + j];
            for step in plan.interval - plan.window..plan.interval {
                self.errors[step * k + j] = last;
            }
        }
    }

    /// The learning signal that a neuron shows for a step whose errors are known.
    pub(super) fn learning_signal(&self, plan: &IntervalPlan, local: usize, neuron: usize) -> f64 {
        if !plan.wiring.learning[neuron] {
            return 0.0;
        }
        let (n, k) = (plan.recurrent_count(), plan.readout_count());
        (0..k)
            .map(|readout| plan.wiring.feedback[readout * n + neuron] * self.errors[local * k + readout])
            .sum()
    }

    pub(super) fn record_recurrent(&mut self, plan: &IntervalPlan, local: usize, step: i64) {
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
                stream.extend(tap.held_places.iter().map(|place| value(*place as usize)));
            }
        }
    }

    /// Records the spikes of a step, once those of all ranks are known.
    pub(super) fn record_spikes(&mut self, plan: &IntervalPlan, local: usize, step: i64) {
        for (tap, events) in plan.wiring.spike_taps.iter().zip(&mut self.spike_events) {
            if tap.window.contains(step + 1) {
                for place in self.spikes.at(local as isize) {
                    for _ in 0..tap.listens[*place as usize] {
                        events.push(step + 1, plan.wiring.sender_ids()[*place as usize]);
                    }
                }
            }
        }
    }

    /// Records what the readouts have shown in the steps from `from` on to `to`.
    pub(super) fn record_readouts(&mut self, plan: &IntervalPlan, start: i64, from: usize, to: usize) {
        let p = &plan.readouts;
        let k = plan.readout_count();
        for (tap, chunk) in plan.wiring.readout_taps.iter().zip(&mut self.readout_chunks) {
            let first = start + from as i64;
            let steps = |lag: i64| {
                let stamps = first + lag..start + to as i64 + lag;
                tap.window.kept(stamps).map(move |stamp| (stamp - lag - first) as usize)
            };
            chunk.stamps.extend(steps(1).map(|row| first + row as i64 + 1));
            for (recordable, stream) in tap.recordables.iter().zip(&mut chunk.streams) {
                // Readout, target and error signal of a step's voltage show one step later.
                let lag = match recordable {
                    Recordable::ReadoutSignal | Recordable::TargetSignal | Recordable::ErrorSignal => 2,
                    _ => 1,
                };
                let mut take = |value: &dyn Fn(usize, usize) -> f64| {
                    for row in steps(lag) {
                        stream.extend(
                            tap.held_places.iter().map(|j| value(row * k + *j as usize, *j as usize)),
                        );
                    }
                };
                let Shown { voltage, signal, target } = &self.shown;
                match recordable {
                    Recordable::Voltage => take(&|at, j| voltage[at] + p.rest[j]),
                    Recordable::ReadoutSignalUnnormalized => take(&|at, j| {
                        let signal = voltage[at] + p.rest[j];
                        if p.losses[j].is_shared() { math::exp(signal) } else { signal }
                    }),
                    Recordable::HistoryDuration => take(&|_, _| plan.resolution),
                    Recordable::ReadoutSignal => take(&|at, _| signal[at]),
                    Recordable::TargetSignal => take(&|at, _| target[at]),
                    Recordable::ErrorSignal => take(&|at, j| p.losses[j].error(signal[at], target[at])),
                    _ => {}
                }
            }
        }
    }

    /// Learning signals show three steps after the step they belong to.
    pub(super) fn record_learning_signals(&mut self, around: &Surroundings<'_, R>) {
        let plan = around.plan;
        let start = plan.start_recurrent(self.interval);
        let known = self.readout_done.min(self.recurrent_length(plan));
        for local in self.signals_recorded..known {
            let stamp = start + local as i64 + 4;
            for (place, tap) in plan.wiring.recurrent_taps.iter().enumerate() {
                let stream = tap.recordables.iter().position(|r| *r == Recordable::LearningSignal);
                if let Some(stream) = stream.filter(|_| tap.window.contains(stamp)) {
                    let values: Vec<f64> = tap
                        .held_places
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
    /// `tap.held_places` for each of the `lag` steps before `readout_done`.
    #[must_use]
    pub fn late_learning_signals(&self, plan: &IntervalPlan, tap: &Tap, lag: usize) -> Vec<Vec<f64>> {
        (0..lag)
            .map(|back| {
                let local = self.signals_recorded as isize - lag as isize + back as isize;
                tap.held_places
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
        let Some(local) = self.last_learned(plan) else { return vec![0.0; tap.held_places.len()] };
        let begin = plan.targets_since(self.interval);
        let shown = |j: usize| {
            let target = plan.readouts.targets.read(j, now, begin);
            (self.last_signal(plan, j, local), self.last_target(plan, j, local, target))
        };
        tap.held_places
            .iter()
            .map(|place| {
                let j = *place as usize;
                match recordable {
                    Recordable::TargetSignal => shown(j).1,
                    Recordable::ErrorSignal => plan.readouts.losses[j].error(shown(j).0, shown(j).1),
                    _ => shown(j).0,
                }
            })
            .collect()
    }

    /// Reads the targets of the last step of readouts anew, whose error is of the step that comes next: a generator that
    /// was made before a readout sends what it reads in that same step, and may have been set since. `held` is the plan
    /// that they were read with. Returns whether any is another.
    pub fn reread_targets(&mut self, held: &IntervalPlan, plan: &IntervalPlan) -> bool {
        let (n, Some(local)) = (held.readout_count(), self.last_learned(held)) else { return false };
        let now = held.start_readout(self.interval) + self.readout_done as i64;
        let begin = held.targets_since(self.interval);
        let mut any = false;
        // Who has done no step yet has no error of one.
        for j in 0..n.min(self.stepped) {
            let target = plan.readouts.targets.read(j, now, begin);
            let before = held.readouts.targets.read(j, now, begin);
            if target.to_bits() != before.to_bits() {
                self.change_last_target(held, j, target, before);
                let shown = self.last_target(held, j, local, target);
                let signal = self.last_signal(held, j, local);
                self.errors[local * n + j] = held.readouts.losses[j].error(signal, shown);
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
                        last(stream, &tap.held_places, &|j| {
                            let target = plan.readouts.targets.read(j, stamp - 1, begin);
                            self.last_target(plan, j, local, target)
                        });
                    }
                    Recordable::ErrorSignal => {
                        last(stream, &tap.held_places, &|j| self.errors[local * k + j]);
                    }
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
                    last(stream, &tap.held_places, &|j| self.learning_signal(plan, local, j));
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
    pub(super) fn record_weights(
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
        let shown = around.emission.shown();
        let mut record = |place: u32, count: u32| {
            let Some(row) = route.rows.row(place).filter(|row| route.transmits(*row, stamp)) else { return };
            let sender = match route.source {
                RECURRENT => plan.wiring.sender_ids()[place as usize],
                _ => plan.wiring.stimulus_ids[place as usize],
            };
            let passage = Passage { route, row, sender, targets: ids, receptor, stamp, count, shown };
            delivery::record_weights(&plan.wiring.weight_taps, &mut self.weight_events, passage, weights);
        };
        if route.source == RECURRENT {
            self.spikes.at(emitted).iter().for_each(|place| record(*place, 1));
        } else {
            around.emission.at(stamp).iter().for_each(|(place, count)| record(place, count));
        }
    }
}
