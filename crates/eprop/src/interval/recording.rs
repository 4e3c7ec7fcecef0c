//! What recorders take over of intervals, and notes for those who ask at last.

use crate::base::real::Real;
use crate::interval::IntervalRule;
use crate::interval::open_interval::OpenInterval;
use crate::interval::plan::IntervalPlan;
use crate::record::{Recordable, Recordings, SpikeEvents, TapChunk, WeightEvents};

pub(super) fn collect<R>(plan: &IntervalPlan, open: &mut OpenInterval<R>, recordings: &mut Recordings) {
    let OpenInterval { recurrent_chunks, readout_chunks, spike_events, weight_events, .. } = open;
    collect_parts(plan, (recurrent_chunks, readout_chunks, spike_events, weight_events), recordings);
}

/// What was recorded by the taps of a plan: rows of recurrent neurons and of readouts, spikes, weights.
pub(super) type Parts<'a> =
    (&'a mut [TapChunk], &'a mut [TapChunk], &'a mut [SpikeEvents], &'a mut [WeightEvents]);

pub(super) fn collect_parts(plan: &IntervalPlan, parts: Parts<'_>, recordings: &mut Recordings) {
    let (recurrent_chunks, readout_chunks, spike_events, weight_events) = parts;
    for (tap, chunk) in plan.wiring.recurrent_taps.iter().zip(recurrent_chunks) {
        recordings.chunk(tap).append(chunk);
    }
    for (tap, chunk) in plan.wiring.readout_taps.iter().zip(readout_chunks) {
        recordings.chunk(tap).append(chunk);
    }
    for (tap, events) in plan.wiring.spike_taps.iter().zip(spike_events) {
        recordings.spikes.entry(tap.recorder).or_default().append(events);
    }
    for (tap, events) in plan.wiring.weight_taps.iter().zip(weight_events) {
        recordings.weights.entry(tap.recorder).or_default().append(events);
    }
}

/// Notes on intervals and updates that are kept for those who ask at last.
const KEPT_NOTES: usize = 1 << 20;

pub(super) fn note<T>(notes: &mut Vec<T>, value: T) {
    if notes.len() == KEPT_NOTES {
        notes.drain(..KEPT_NOTES / 2);
    }
    notes.push(value);
}

impl<R: Real> IntervalRule<R> {
    /// Seeds the late streams of taps that are new.
    pub(super) fn begin_taps(&mut self, recordings: &mut Recordings, now: i64) {
        if std::mem::take(&mut self.reread) {
            self.open.record_reread(&self.plan, recordings);
        }
        for tap in &self.plan.wiring.recurrent_taps {
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
        for tap in &self.plan.wiring.readout_taps {
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

    pub(super) fn collect_recorded(&mut self, recordings: &mut Recordings) {
        collect(&self.plan, &mut self.open, recordings);
    }
}
