//! What recorders take of a step.

use std::collections::BTreeMap;

use crate::plan::route::Route;
use crate::plus::PlusRule;
use crate::plus::eligibility::{readout, recurrent};
use crate::plus::plan::{PlusPlan, RECURRENT};
use crate::plus::rows::PlasticRows;
use crate::record::{Recordable, Recordings, SpikeEvents, TapChunk, WeightEvents};

/// What was recorded in a run of steps.
pub(super) struct Recorded {
    pub(super) recurrent: Vec<TapChunk>,
    pub(super) readouts: Vec<TapChunk>,
    pub(super) spikes: Vec<SpikeEvents>,
    pub(super) weights: Vec<WeightEvents>,
}

impl Recorded {
    pub(super) fn new(plan: &PlusPlan) -> Self {
        Self {
            recurrent: plan.wiring.recurrent_taps.iter().map(TapChunk::new).collect(),
            readouts: plan.wiring.readout_taps.iter().map(TapChunk::new).collect(),
            spikes: vec![SpikeEvents::default(); plan.wiring.spike_taps.len()],
            weights: vec![WeightEvents::default(); plan.wiring.weight_taps.len()],
        }
    }

    /// Moves it to where it stays.
    pub(super) fn collect(&mut self, plan: &PlusPlan, recordings: &mut Recordings) {
        let states = plan.wiring.recurrent_taps.iter().zip(&mut self.recurrent);
        for (tap, chunk) in states.chain(plan.wiring.readout_taps.iter().zip(&mut self.readouts)) {
            recordings.chunk(tap).append(chunk);
        }
        for (tap, events) in plan.wiring.spike_taps.iter().zip(&mut self.spikes) {
            recordings.spikes.entry(tap.recorder).or_default().append(events);
        }
        for (tap, events) in plan.wiring.weight_taps.iter().zip(&mut self.weights) {
            recordings.weights.entry(tap.recorder).or_default().append(events);
        }
    }
}

impl PlusRule {
    pub(super) fn record_recurrent(&self, step: i64, recorded: &mut Recorded) {
        let plan = &self.plan;
        let p = &plan.recurrent;
        for (tap, chunk) in plan.wiring.recurrent_taps.iter().zip(&mut recorded.recurrent) {
            if !tap.window.contains(step + 1) {
                continue;
            }
            chunk.stamps.push(step + 1);
            for (recordable, stream) in tap.recordables.iter().zip(&mut chunk.streams) {
                let s = &self.neurons.state;
                let value: &dyn Fn(usize) -> f64 = match recordable {
                    Recordable::Voltage => &|j| s.voltage[j] + p.rest[j],
                    Recordable::SurrogateGradient => &|j| self.history.at(recurrent::SURROGATE, step)[j],
                    Recordable::Adaptation => &|j| s.adaptation[j],
                    Recordable::AdaptiveThreshold => {
                        &|j| p.threshold[j] + p.adaptation_gain[j] * s.adaptation[j] + p.rest[j]
                    }
                    Recordable::LearningSignal if step >= 2 => &|j| {
                        if !plan.wiring.learning[j] || self.shows_no_signal(j, step) {
                            0.0
                        } else {
                            self.history.at(recurrent::SIGNAL, step - 2)[j]
                        }
                    },
                    Recordable::HistoryDuration => &|j| {
                        self.history_duration(&plan.wiring.recurrent_routes, &self.recurrent_rows, j, step)
                    },
                    _ => &|_| 0.0,
                };
                stream.extend(tap.held_places.iter().map(|place| value(*place as usize)));
            }
        }
    }

    /// Records the spikes of a step, once those of all ranks are known.
    pub(super) fn record_spikes(&self, step: i64, recorded: &mut Recorded) {
        let plan = &self.plan;
        let fired = &self.fired[(step + 1) as usize % self.fired.len()];
        for (tap, events) in plan.wiring.spike_taps.iter().zip(&mut recorded.spikes) {
            if tap.window.contains(step + 1) {
                for place in fired {
                    for _ in 0..tap.listens[*place as usize] {
                        events.push(step + 1, plan.wiring.sender_ids()[*place as usize]);
                    }
                }
            }
        }
    }

    pub(super) fn record_readouts(&self, step: i64, recorded: &mut Recorded) {
        let plan = &self.plan;
        let rest = &plan.readouts.rest;
        let s = &self.readouts;
        for (tap, chunk) in plan.wiring.readout_taps.iter().zip(&mut recorded.readouts) {
            if !tap.window.contains(step + 1) {
                continue;
            }
            chunk.stamps.push(step + 1);
            for (recordable, stream) in tap.recordables.iter().zip(&mut chunk.streams) {
                let value: &dyn Fn(usize) -> f64 = match recordable {
                    Recordable::Voltage => &|j| s.voltage[j] + rest[j],
                    Recordable::ReadoutSignal => &|j| s.window[j] * (s.voltage[j] + rest[j]),
                    Recordable::TargetSignal => &|j| s.window[j] * s.target[j] + 0.0,
                    Recordable::ErrorSignal => &|j| self.errors.at(readout::ERROR, step)[j],
                    Recordable::HistoryDuration => {
                        &|j| self.history_duration(&plan.wiring.readout_routes, &self.readout_rows, j, step)
                    }
                    _ => &|_| 0.0,
                };
                stream.extend(tap.held_places.iter().map(|place| value(*place as usize)));
            }
        }
    }

    /// Whether a neuron's recorded learning signal is zero in this step because NEST has just dropped that part of its
    /// history, which no synapse needs any more (`docs/numerics-corrections.md`).
    pub(super) fn shows_no_signal(&self, neuron: usize, step: i64) -> bool {
        // How many synapses fired last at each stamp, and when those fired that fire again now.
        let mut waiting: BTreeMap<i64, usize> = BTreeMap::new();
        let mut again = Vec::new();
        let mut arrives = false;
        for (stamp, now) in
            self.stamps_onto(&self.plan.wiring.recurrent_routes, &self.recurrent_rows, neuron, step)
        {
            arrives |= now;
            if stamp > 0 {
                *waiting.entry(stamp).or_default() += 1;
                again.extend(now.then_some(stamp));
            }
        }
        if !arrives {
            return false;
        }
        if waiting.is_empty() {
            return true;
        }
        let cutoff = self.plan.recurrent.lookback[neuron].cutoff;
        again.into_iter().any(|stamp| {
            let count = waiting.get_mut(&stamp).expect("each was counted");
            *count -= 1;
            if *count > 0 {
                return false;
            }
            waiting.remove(&stamp);
            let before = waiting.range(..stamp).next_back().map(|(before, _)| before.saturating_add(cutoff));
            let between = waiting.range(stamp..).next().is_some();
            !between && before.is_none_or(|end| end < step) && stamp.saturating_add(cutoff) >= step
        })
    }

    /// For each plastic synapse onto a neuron: the stamp of its last spike or flush event before `step` (0 where there
    /// was none), and whether it has one of that stamp.
    pub(super) fn stamps_onto(
        &self,
        routes: &[Route],
        rows: &[Vec<PlasticRows>],
        neuron: usize,
        step: i64,
    ) -> impl Iterator<Item = (i64, bool)> {
        routes.iter().zip(rows).flat_map(move |(route, parts)| {
            parts.iter().flat_map(move |part| part.stamps_onto(route, neuron, step)).map(
                move |(row, stamp, now)| match route.rows.place(row) {
                    Some(place) if route.source == RECURRENT => {
                        flushed(stamp, now, step, self.plan.recurrent.flush_interval[place])
                    }
                    _ => (stamp, now),
                },
            )
        })
    }

    /// The span (ms) of the history that NEST would keep of a neuron: from the earliest of the last spikes of its
    /// synapses on. (Here it is a ring of a fixed length.)
    pub(super) fn history_duration(
        &self,
        routes: &[Route],
        rows: &[Vec<PlasticRows>],
        neuron: usize,
        step: i64,
    ) -> f64 {
        let mut is_kept = false;
        let mut from = None;
        for (stamp, now) in self.stamps_onto(routes, rows, neuron, step) {
            is_kept = true;
            let last = if now { step } else { stamp };
            if last > 0 {
                from = Some(from.map_or(last, |from: i64| from.min(last)));
            }
        }
        let steps = if is_kept { step + 1 - from.map_or(0, |stamp| stamp - 1) } else { 0 };
        steps as f64 * self.plan.resolution
    }
}

/// The last stamp before `step` at which a neuron sent a spike or a flush event, and whether it sends one then: NEST's
/// neurons that have ever fired send a flush event after each `interval` without either. Here they matter to nothing else.
pub(super) fn flushed(spiked: i64, now: bool, step: i64, interval: i64) -> (i64, bool) {
    if spiked == 0 {
        return (spiked, now);
    }
    let since = step - spiked;
    let flushes = !now && since > 0 && since % interval == 0;
    let before = if now || flushes { since - 1 } else { since };
    (spiked + before / interval * interval, now || flushes)
}
