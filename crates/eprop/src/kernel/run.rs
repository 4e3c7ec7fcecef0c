//! Simulating.

use std::sync::atomic::Ordering;

use crate::base::control::RunControl;
use crate::base::error::{Error, ErrorCode, Result, Shown};
use crate::base::exchange::{Digest, Team, Turn};
use crate::base::memory::{self, MemoryEstimate, out_of_memory};
use crate::base::threads::{self, Permit};
use crate::describe::kernel_parameters::LAST_STEP;
use crate::describe::network::Description;
use crate::kernel::memory::BYTES_PER_INPUT_SPIKE;
use crate::kernel::sharing::DESCRIBED;
use crate::kernel::weights::show_weights_to_parrots;
use crate::kernel::{Kernel, Plans};
use crate::plan::route::handed_over;
use crate::plan::waveform::Waveform;
use crate::record::{Recordings, Tap, TapChunk};
use crate::rule::{Held, Span};
use crate::step::emission::Emission;

/// Steps of a call: more take the smallest network weeks.
const MOST_STEPS: f64 = 1e13;

/// Recorded bytes after which it is looked anew at how much memory there is.
const LOOK: u64 = 64 << 20;

/// Recorded bytes that room is made for at once; for more, it is made on the way.
const AT_ONCE: u64 = 1 << 30;

/// How much recorders may hold in a simulation.
struct Room {
    /// All that the simulation may take (bytes).
    limit: u64,
    /// What recorders may hold of it.
    granted: u64,
    /// What they held when the system was last asked how much there is.
    looked: u64,
}

impl Kernel {
    /// Simulates.
    ///
    /// # Errors
    /// `BadParameter` for a negative time or one off the grid; `OutOfMemory` where the network cannot fit. On the way,
    /// `OutOfMemory` where what is recorded no longer fits, `Aborted` if it was cancelled, and `NumericalInstability` where a gradient or a weight would not be finite: then everything
    /// recorded so far is intact and the kernel stands at the time it reached, with finite weights.
    ///
    /// Of several ranks, each calls this with the same description: an error of one is that of all, which stand at the
    /// same time then. `MPIError` where they would not simulate the same.
    pub fn simulate(&mut self, ms: f64, control: &RunControl) -> Result<()> {
        self.check_world(control.world.as_deref())?;
        let Some(world) = control.world.as_deref().filter(|world| world.size() > 1) else {
            let (end, room) = self.ready(ms)?;
            return self.run_to(end, room, control, None);
        };
        let _turn = Turn::take(world)?;
        let ready = self.ready(ms);
        let digest = match &ready {
            Ok((end, _)) => Ok(self.digest(*end)),
            Err(error) => Err(error.clone()),
        };
        let mut team = self.meet(world, digest, control)?;
        if !self.network.ownership.is_whole() {
            team = team.sharing_neurons();
        }
        let (end, room) = ready?;
        self.run_to(end, room, control, Some(&team))
    }

    /// What has to be the same at all ranks that are about to simulate up to a step.
    pub(super) fn digest(&mut self, end: i64) -> Digest {
        let compared = self.compared_digest();
        let common = [
            ("version of eprop", Digest::of(env!("CARGO_PKG_VERSION").bytes().map(u64::from))),
            ("share", self.network.ownership.size() as u64),
            ("biological_time", self.time as u64),
            ("simulation time", (end - self.time) as u64),
            ("number of nodes", self.network.node_count() as u64),
            (DESCRIBED, compared),
        ];
        if !self.network.ownership.is_whole() {
            return Digest(common.into_iter().chain(self.shared_digest()).collect());
        }
        let projections = &self.network.projections;
        let weights = projections.iter().flat_map(|projection| &projection.weights);
        let connections = projections.iter().map(|projection| projection.weights.len() as u64).sum();
        let of_all = [
            ("number of connections", connections),
            ("weights", Digest::of(weights.map(|weight| weight.to_bits()))),
        ];
        Digest(common.into_iter().chain(of_all).collect())
    }

    /// Makes ready for a simulation; the step where it ends, and what may be recorded.
    fn ready(&mut self, ms: f64) -> Result<(i64, Room)> {
        let steps = self.steps_of(ms)?;
        threads::check_environment()?;
        self.plan()?;
        let limit = match self.network.kernel.memory_limit {
            // What an earlier call took is this network's already.
            0 => memory::available().saturating_add(self.granted.max(self.network.bytes())),
            limit => limit,
        };
        let end = self.time + steps;
        let (expected, _) = self.recorded_until(end);
        let estimate = MemoryEstimate::from(self.estimate(end, 0)).total;
        for rule in self.rules.iter_mut().flatten() {
            let others = estimate.saturating_sub(rule.history_bytes(&self.network));
            let left = limit.saturating_sub(others);
            // Something stays for what is recorded.
            let left = left - expected.min(left / 2);
            rule.limit_history(&self.network, &self.emission, left)?;
        }
        let parts = self.estimate(end, 0);
        let largest = parts.iter().max_by_key(|(_, bytes)| *bytes).map_or("", |(name, _)| name);
        let needed = MemoryEstimate::from(parts.clone()).total;
        if needed > limit {
            let what = format!("the simulation, most of it for the {largest},");
            return Err(out_of_memory(&what, needed, limit));
        }
        self.granted = needed;
        // How much is recorded shows on the way.
        let held = self.recordings.used_bytes();
        Ok((end, Room { limit, granted: held.saturating_add(limit - needed), looked: held }))
    }

    fn run_to(
        &mut self,
        end: i64,
        recorded: Room,
        control: &RunControl,
        team: Option<&Team<'_>>,
    ) -> Result<()> {
        let begin = self.time;
        let outcome = self.run(begin, end, recorded, control, team);
        if self.time > begin {
            self.show_weights();
        }
        // Values that were set read back as they were set until there are others.
        self.emission.take_back(self.time);
        if self.time > begin {
            self.store_states();
        }
        outcome
    }

    pub(super) fn steps_of(&self, ms: f64) -> Result<i64> {
        let resolution = self.network.kernel.resolution;
        let refuse = |what: &str, bound: &str| {
            Error::new(ErrorCode::BadParameter, what)
                .parameter("simulation time")
                .value(format!("{} ms", Shown(ms)))
                .bound(bound)
        };
        if !ms.is_finite() {
            return Err(refuse("the simulation time must be a finite number", "a finite number of ms"));
        }
        if ms < 0.0 {
            return Err(refuse("the simulation time cannot be negative", "at least 0 ms"));
        }
        let steps = (ms / resolution).round();
        if (steps * resolution - ms).abs() > 1e-6 * resolution.max(ms * 1e-6) {
            return Err(refuse(
                "the simulation time must be a whole number of steps",
                &format!("a multiple of {resolution} ms"),
            ));
        }
        if steps > MOST_STEPS || self.time as f64 + steps > LAST_STEP {
            return Err(refuse(
                "the simulation time is too long",
                &format!("at most {MOST_STEPS:e} steps a call and {LAST_STEP:e} in all"),
            ));
        }
        Ok(steps as i64)
    }

    /// The step up to which all that recorders may come to hold has room; at most `to`.
    ///
    /// # Errors
    /// `OutOfMemory` where that is no further step.
    fn fitting(&self, to: i64, recorded: &mut Room) -> Result<i64> {
        let held = self.recordings.used_bytes();
        if self.network.kernel.memory_limit == 0 && held >= recorded.looked.saturating_add(LOOK) {
            recorded.granted = recorded.granted.min(held.saturating_add(memory::available()));
            recorded.looked = held;
        }
        let mut to = to;
        loop {
            // Lists have an eighth to spare.
            let (_, most) = self.recorded_until(to);
            let needed = held.saturating_add(most).saturating_add(most / 8);
            let inputs = self.plans.as_ref().map_or(0, |Plans { stimuli, .. }| {
                let most = stimuli.spikes_at_most(self.time, to);
                let few = memory::is_small(most.saturating_mul(BYTES_PER_INPUT_SPIKE));
                if few { most } else { stimuli.expected_spikes(self.time, to) }
            });
            let laid_out =
                memory::may_take(0, || 0, inputs.saturating_mul(BYTES_PER_INPUT_SPIKE), "spikes of inputs");
            if needed <= recorded.granted && laid_out.is_ok() {
                return Ok(to);
            }
            if to <= self.time + 1 {
                laid_out?;
                let what = format!("what is recorded after {} ms", self.time());
                let rest = recorded.limit.saturating_sub(recorded.granted);
                return Err(out_of_memory(&what, rest.saturating_add(needed), recorded.limit));
            }
            to = self.time + (to - self.time) / 2;
        }
    }

    fn run(
        &mut self,
        begin: i64,
        end: i64,
        mut recorded: Room,
        control: &RunControl,
        team: Option<&Team<'_>>,
    ) -> Result<()> {
        // Ranks stop at the same step: where they agree to, and within the share of each.
        let fired_before = self.spikes_fired();
        let mut counted = 0;
        let unstopped = RunControl::default();
        let mut shown = self.emission.shown();
        let each = match team {
            Some(team) => team.agreed().unwrap_or(&unstopped),
            None => control,
        };
        if begin < end {
            self.sent_last = 0;
            self.keep_taps();
            for rule in self.rules.iter_mut().flatten() {
                rule.begin_recording(&mut self.recordings, begin);
            }
            if self.states_until(end) <= AT_ONCE.min(recorded.limit) {
                let taps: Vec<Tap> = self.state_taps().cloned().collect();
                self.recordings.make_room(taps.iter(), begin, end)?;
            }
        }
        let stop = || control.cancelled();
        let mut permit = Permit::wait(&stop);
        while self.time < end {
            permit = permit.and_then(|permit| permit.give_way(&stop));
            let from = self.time;
            let between = self.rules.iter().flatten().any(|rule| rule.is_between_intervals());
            let whole = self.slice_end(end, team);
            let stopped_at = self.unit(false).time(from + i64::from(between));
            let fitting = if control.cancelled() || permit.is_none() {
                Err(aborted(stopped_at))
            } else {
                self.fitting(whole, &mut recorded)
            };
            let agreed = match team {
                Some(team) => team.least(fitting),
                None => fitting,
            };
            let (mut to, mut ending) = match agreed {
                Ok(to) => (to, None),
                Err(error) => (from, Some(error)),
            };
            let plans = self.plans.as_ref().expect("planned before running");
            if ending.is_none() && !self.emission.extend_to(&plans.stimuli, to, each) {
                ending = Some(aborted(stopped_at));
            }
            if let Some(error) = &ending {
                if !between {
                    return Err(error.clone());
                }
                to = from + 1;
                self.emission.extend_to(&plans.stimuli, to, &unstopped);
            }
            let last = ending.is_some() || to == end || to < whole || self.has_several_rules();
            let span = Span { from, to, last, emission: &self.emission, control: each, team };
            let (reached, failure) = advance(&mut self.rules, &mut self.network, &mut self.recordings, span);
            record_stimuli(plans, &self.emission, from + 1, reached, &mut self.recordings);
            let handed = handed_over(&self.network.projections, reached).neurons;
            show_weights_to_parrots(
                plans,
                &self.network,
                &self.emission,
                shown + 1..=handed,
                &mut self.recordings,
            );
            shown = shown.max(handed);
            for (tap, signals) in &plans.waveform_taps {
                record_waveforms(tap, signals, from + 1, reached, self.recordings.chunk(tap));
            }
            counted += self.emission.counted(from + 1..reached + 1);
            // A damaged state may tell of more spikes in its interval than there turn out to be.
            self.sent_last = (counted + self.spikes_fired()).saturating_sub(fired_before);
            self.emission.land(reached);
            self.time = reached;
            self.recordings.evaluate(reached - 1);
            control.steps_done.store((reached - begin) as u64, Ordering::Relaxed);
            self.emission.forget_before(self.needs_from(reached));
            if let Some(error) = team.and_then(Team::take_failure).or(failure).or(ending) {
                return Err(error);
            }
        }
        Ok(())
    }

    fn spikes_fired(&self) -> u64 {
        self.rules.iter().flatten().map(|rule| rule.spikes_fired()).sum()
    }

    pub(super) fn keep_taps(&mut self) {
        let mut taps: Vec<&Tap> =
            self.plans.iter().flat_map(|plans| &plans.waveform_taps).map(|(tap, _)| tap).collect();
        taps.extend(self.rules.iter().flatten().flat_map(|rule| rule.wiring().taps()));
        self.recordings.keep_taps(&taps);
    }

    pub(super) fn store_states(&mut self) {
        for rule in self.rules.iter().flatten() {
            rule.store_states(&mut self.network, self.time);
        }
    }
}

/// Advances all rules to the same step, that of the first; what stops another on the way is told, and it goes on. Returns
/// that step, and why it is no further where something could not go on.
fn advance(
    rules: &mut [Held],
    network: &mut Description,
    recordings: &mut Recordings,
    span: Span<'_>,
) -> (i64, Option<Error>) {
    let unstopped = RunControl::default();
    let mut failure = None;
    let mut reached = span.to;
    for (place, rule) in rules.iter_mut().flatten().enumerate() {
        let follows = place > 0;
        let control = if follows && span.team.is_none() { &unstopped } else { span.control };
        let mut from = span.from;
        loop {
            if let Some(team) = span.team.filter(|_| follows) {
                team.resume();
            }
            let stopped = rule.advance(network, Span { from, to: reached, control, ..span }, recordings);
            let stopped = stopped.unwrap_or_else(|halt| {
                failure.get_or_insert(halt.error);
                halt.reached
            });
            let goes_on = follows && from < stopped && stopped < reached;
            from = stopped;
            if !goes_on {
                break;
            }
        }
        reached = reached.min(from);
    }
    (reached, failure)
}

fn aborted(time: f64) -> Error {
    Error::new(ErrorCode::Aborted, format!("the simulation was cancelled at {time} ms"))
}

fn record_stimuli(plans: &Plans, emission: &Emission, from: i64, to: i64, recordings: &mut Recordings) {
    for tap in &plans.stimulus_taps {
        let held = recordings.spikes.entry(tap.recorder).or_default();
        for stamp in (from..=to).filter(|stamp| tap.window.contains(*stamp)) {
            for (place, count) in emission.at(stamp).iter() {
                for _ in 0..u64::from(tap.listens[place as usize]) * u64::from(count) {
                    held.push(stamp, plans.stimulus_ids[place as usize]);
                }
            }
            for (place, train) in &tap.trains {
                let generator = plans.stimulus_ids[*place as usize];
                for _ in 0..emission.poisson_count(generator, *train, stamp) {
                    held.push(stamp, generator);
                }
            }
        }
    }
}

fn record_waveforms(tap: &Tap, signals: &[Waveform], from: i64, to: i64, chunk: &mut TapChunk) {
    for stamp in (from..=to).filter(|stamp| tap.window.contains(*stamp)) {
        chunk.stamps.push(stamp);
        for stream in &mut chunk.streams {
            stream.extend(signals.iter().map(|signal| signal.at(stamp)));
        }
    }
}
