//! The steps of one interval on several threads, each with a part of the neurons.
//!
//! Parts of steps are handed out in order, so any number of threads, however late they come, gets through. Who finishes
//! a step's last part collects its spikes and opens the next step; meanwhile the others wait without sleeping, since a
//! step is shorter than a wake-up.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, RwLock};

use crate::base::lines::Lines;
use crate::base::real::Real;
use crate::base::threads;
use crate::interval::neuron_state::NeuronState;
use crate::interval::open_interval::{OpenInterval, Part, Room, Surroundings};

/// Neurons of a part begin at a multiple of this: a whole number of cache lines in each array.
const BORDER: usize = 64;

/// A network with fewer neurons is not faster on several threads.
const WORTH_SPLITTING: usize = 768;

/// Looks at whether a step has been opened before the thread is given up for a moment.
const SPINS: u32 = 4096;

/// Tells the others if a thread panics, who would wait for it.
struct Alarm<'a>(&'a AtomicBool);

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.store(true, Ordering::Release);
        }
    }
}

/// Whether it pays to share a step among threads, and everything that looks at a step can do so afterwards.
pub(super) fn can_share<R>(around: &Surroundings<'_, R>) -> bool {
    let plan = around.plan;
    around.threads > 1
        && plan.recurrent_count() >= WORTH_SPLITTING
        && plan.planes() == 1
        && plan.wiring.clocks.is_empty()
        && plan.wiring.recurrent_taps.is_empty()
        && plan.wiring.recurrent_routes.iter().all(|route| route.weight_recorder.is_none())
}

impl<R: Real> OpenInterval<R> {
    /// Advances the recurrent neurons to step `to` on several threads. Returns the step reached, which is earlier if that
    /// was cancelled.
    pub(super) fn advance_together(
        &mut self,
        around: &Surroundings<'_, R>,
        mut first_drive: Option<&[R]>,
        to: usize,
    ) -> usize {
        let (from, interval, n) = (self.recurrent_done, self.interval, around.plan.recurrent_count());
        let every = around.plan.wiring.exchanges().map_or(1, |exchanges| exchanges.every);
        if let Some(drive) = first_drive.filter(|_| from < to) {
            self.other_drive = Some((from, drive.iter().copied().collect()));
        } else {
            first_drive = None;
        }
        if from < to {
            self.surrogate.begin_step(from, &self.state);
        }
        let mut row = Lines::zeros(self.stride);
        let parts = split(&mut self.state, &mut self.input, &mut row, &mut self.fired, around.threads);
        let count = parts.len();
        let parts: Vec<Mutex<Part<'_, R>>> = parts.into_iter().map(Mutex::new).collect();
        let spikes = RwLock::new(&mut self.spikes);
        let collected = Mutex::new((&mut self.surrogate, &mut self.spike_counts));
        let (next, open, left) = (AtomicUsize::new(0), AtomicUsize::new(from), AtomicUsize::new(count));
        let (failed, end) = (AtomicBool::new(false), AtomicUsize::new(to));
        threads::side_by_side(around.threads.min(count), || {
            let _alarm = Alarm(&failed);
            let mut room = Room::default();
            loop {
                let ticket = next.fetch_add(1, Ordering::Relaxed);
                let local = from + ticket / count;
                let mut spins = 0;
                while open.load(Ordering::Acquire) < local {
                    if failed.load(Ordering::Acquire) || local >= end.load(Ordering::Acquire) {
                        return;
                    }
                    spins += 1;
                    if spins % SPINS == 0 { std::thread::yield_now() } else { std::hint::spin_loop() }
                }
                if local >= end.load(Ordering::Acquire) {
                    return;
                }
                {
                    let mut part = parts[ticket % count].lock().expect("no part has panicked");
                    let spikes = spikes.read().expect("no part has panicked");
                    let drive = first_drive.filter(|_| local == from);
                    part.step(around, &spikes, interval, drive, local, &mut room);
                }
                if left.fetch_sub(1, Ordering::AcqRel) > 1 {
                    continue;
                }
                let mut spikes = spikes.write().expect("no part has panicked");
                let mut collected = collected.lock().expect("no part has panicked");
                let (history, counts) = &mut *collected;
                let parts: Vec<_> =
                    parts.iter().map(|part| part.lock().expect("no part has panicked")).collect();
                for part in &parts {
                    let places = &part.state.places;
                    history.row_mut(local)[places.clone()].copy_from_slice(part.surrogate);
                    let end = places.end.min(n);
                    let fired = &part.fired[..end - places.start];
                    spikes.push_fired(fired, places.start as u32, &mut counts[places.start..end]);
                }
                spikes.finish_step();
                let steps = (local - from) % every + 1;
                let due = steps == every || local + 1 == to;
                if let Some(team) = around.team.filter(|_| due) {
                    spikes.merge_last(steps, team, &around.plan.wiring);
                }
                if due && around.control.cancelled() {
                    end.store(local + 1, Ordering::Release);
                } else if local + 1 < to && history.begins_run(local + 1) {
                    history.begin_step(local + 1, &NeuronState::joined(parts.iter().map(|part| &part.state)));
                }
                left.store(count, Ordering::Release);
                open.store(local + 1, Ordering::Release);
            }
        });
        end.into_inner()
    }
}

/// The neurons of an open interval in parts of about the same size, several for each thread.
fn split<'a, R: Real>(
    state: &'a mut NeuronState<R>,
    mut input: &'a mut [R],
    mut surrogate: &'a mut [R],
    mut fired: &'a mut [u8],
    threads: usize,
) -> Vec<Part<'a, R>> {
    let mut left = state.whole();
    let size = left.places.len().div_ceil(threads).next_multiple_of(BORDER);
    let mut parts = Vec::new();
    while !left.places.is_empty() {
        let len = size.min(left.places.len());
        parts.push(Part {
            state: left.split_off(len),
            input: input.split_off_mut(..len).expect("not beyond the end"),
            surrogate: surrogate.split_off_mut(..len).expect("not beyond the end"),
            cost: &mut [],
            fired: fired.split_off_mut(..len).expect("not beyond the end"),
        });
    }
    parts
}
