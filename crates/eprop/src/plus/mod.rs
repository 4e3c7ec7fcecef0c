//! The neurons whose weights change at every presynaptic spike (e-prop+), step by step.

pub mod eligibility;
pub mod layout;
pub mod neuron_step;
pub mod plan;
pub mod ring;
pub mod rows;
mod state;
pub mod transpose;
pub mod windows;

use std::collections::BTreeMap;
use std::sync::Mutex;

use crate::base::control::{Halt, RunControl};
use crate::base::error::Error;
use crate::base::threads::{self, Crew};
use crate::describe::connections::ConnectionHandle;
use crate::describe::kernel_parameters::GradientMethod;
use crate::describe::network::{Description, NodeId};
use crate::describe::population::NodeIndex;
use crate::describe::population::store;
use crate::plan::amplitudes::RateReader;
use crate::plan::route::{Route, handed_over};
use crate::plus::eligibility::{readout, recurrent};
use crate::plus::neuron_step::{self as event_neuron_step, StateSlices, StepInput, StepOutput};
use crate::plus::plan::{PlusPlan, READOUT, RECURRENT};
use crate::plus::ring::{LANES, Ring};
use crate::plus::rows::{self as per_spike, Arrival, LONGEST_WINDOW, LeftBehind, PlasticRows};
use crate::plus::windows::Windows;
use crate::record::{Recordable, Recordings, SpikeEvents, Tap, TapChunk, WeightEvents};
use crate::step::arrivals::{Arrivals, Flying, Settlement};
use crate::step::delivery::{self, Passage, deliver_poisson, deliver_row, deliver_row_part};
use crate::step::emission::Emission;
use crate::step::not_finite;
use crate::step::row;

/// Steps until it is looked anew at how many threads have enough to do.
const RUN: i64 = 256;
/// Weights that are delivered in the time that a step of eight synapses takes.
const DELIVERED: u64 = 16;

/// State of the recurrent neurons, one array each.
#[derive(Debug, Clone, Default)]
struct RecurrentState {
    voltage: Vec<f64>,
    spiked: Vec<f64>,
    adaptation: Vec<f64>,
    countdown: Vec<f64>,
    kept: Vec<f64>,
    rate: Vec<f64>,
    /// Current that the neurons integrate in the next step.
    current: Vec<f64>,
    clock: Vec<f64>,
    input: Vec<f64>,
    fired: Vec<u8>,
}

impl RecurrentState {
    fn resize(&mut self, neurons: usize) {
        for values in [
            &mut self.voltage,
            &mut self.spiked,
            &mut self.adaptation,
            &mut self.countdown,
            &mut self.kept,
            &mut self.rate,
            &mut self.current,
            &mut self.input,
        ] {
            values.resize(neurons, 0.0);
        }
        self.clock.resize(neurons, f64::NAN);
        self.fired.resize(neurons.next_multiple_of(8), 0);
    }
}

/// State of the readouts, one array each.
#[derive(Debug, Clone, Default)]
struct ReadoutState {
    voltage: Vec<f64>,
    /// Current that the readouts integrate in the next step.
    current: Vec<f64>,
    input: Vec<f64>,
    window: Vec<f64>,
    target: Vec<f64>,
    /// The first step that has learned without a break up to now; readouts forget the targets that came before it.
    learns_since: Vec<i64>,
    windows: RateReader,
    targets: RateReader,
}

impl ReadoutState {
    fn resize(&mut self, readouts: usize) {
        for values in
            [&mut self.voltage, &mut self.current, &mut self.input, &mut self.window, &mut self.target]
        {
            values.resize(readouts, 0.0);
        }
        self.learns_since.resize(readouts, 0);
        // What is read may have changed with the description.
        self.windows.forget();
        self.targets.forget();
    }
}

/// Plan and state of the neurons of this rule.
#[derive(Debug)]
pub struct PlusRule {
    plan: PlusPlan,
    neurons: RecurrentState,
    readouts: ReadoutState,
    history: Ring,
    errors: Ring,
    /// Per route onto recurrent neurons: its synapses, if they are plastic.
    recurrent_rows: Vec<Vec<PlasticRows>>,
    /// As `recurrent_rows`, for routes onto readouts.
    readout_rows: Vec<Vec<PlasticRows>>,
    /// Neurons that fired, by stamp: a ring.
    fired: Vec<Vec<u32>>,
    /// Input of recurrent neurons and of readouts that was settled before its weights changed.
    arrivals: [Arrivals; 2],
    spike_count: u64,
    /// Steps done.
    steps: u64,
    /// Maps of windows that end at recurrent neurons, and at readouts; `None` where steps are gone through.
    windows: Option<Windows>,
    error_windows: Option<Windows>,
    /// By synapse model: whether windows go by maps.
    learns_by_maps: Vec<bool>,
    arriving: Arriving,
    /// Work of a step that threads could share, as of late.
    shareable: u64,
    /// What went wrong in the present step.
    failure: Option<Error>,
}

impl PlusRule {
    /// The neurons of a plan, which begin at rest at step `now`.
    #[must_use]
    pub fn new(network: &Description, mut plan: PlusPlan, now: i64) -> Self {
        plan.readouts.windows.begin(now);
        plan.readouts.targets.begin(now);
        let mut this = Self {
            neurons: RecurrentState::default(),
            readouts: ReadoutState::default(),
            history: Ring::new(0, recurrent::COUNT, 1),
            errors: Ring::new(0, readout::COUNT, 1),
            recurrent_rows: Vec::new(),
            readout_rows: Vec::new(),
            fired: Vec::new(),
            arrivals: Default::default(),
            spike_count: 0,
            steps: 0,
            windows: None,
            error_windows: None,
            learns_by_maps: Vec::new(),
            arriving: Arriving::default(),
            shareable: 0,
            failure: None,
            plan,
        };
        this.lay_out(network, now);
        this.shareable =
            this.recurrent_rows.iter().chain(&this.readout_rows).flatten().map(PlasticRows::most_work).sum();
        this
    }

    /// Takes over the plan of a changed description at step `now`; the state of what existed stays.
    pub fn replan(&mut self, network: &Description, mut plan: PlusPlan, now: i64) {
        plan.readouts.windows.go_on(&self.plan.readouts.windows, now);
        plan.readouts.targets.go_on(&self.plan.readouts.targets, now);
        self.join_rows(network, &plan, now);
        self.plan = plan;
        self.lay_out(network, now);
    }

    /// Brings parts of rows that will be one to the same step of their windows.
    fn join_rows(&mut self, network: &Description, plan: &PlusPlan, now: i64) {
        let groups = [
            (
                &self.plan.recurrent_routes,
                &mut self.recurrent_rows,
                &self.history,
                now - 2,
                &plan.recurrent.cutoff,
            ),
            (&self.plan.readout_routes, &mut self.readout_rows, &self.errors, now - 1, &plan.readouts.cutoff),
        ];
        for (routes, rows, history, known, cutoffs) in groups {
            for (route, parts) in routes.iter().zip(rows).filter(|(_, parts)| parts.len() > 1) {
                let optimizer = &network.synapse_models[route.synapse].optimizer;
                let weights = &network.projections[route.projection].weights;
                let mut joined: BTreeMap<i64, Vec<&mut PlasticRows>> = BTreeMap::new();
                for part in parts {
                    if let Some(cutoff) = part.common_cutoff(history, cutoffs) {
                        joined.entry(cutoff).or_default().push(part);
                    }
                }
                for (cutoff, parts) in joined {
                    if parts.windows(2).all(|pair| pair[0].is_level_with(pair[1])) {
                        continue;
                    }
                    for part in parts {
                        part.set_cutoff(cutoff);
                        part.level(route, known, history, optimizer, weights);
                    }
                }
            }
        }
    }

    /// Takes over weights that the user has set, for rows that have learned in their silence; `before` are the weights
    /// from before, one a handle.
    pub fn weights_were_set(&mut self, handles: &[ConnectionHandle], before: &[f64], network: &Description) {
        let changes: BTreeMap<(usize, usize), f64> = handles
            .iter()
            .zip(before)
            .map(|(handle, before)| {
                let (projection, entry) = (handle.projection as usize, handle.entry as usize);
                ((projection, entry), network.projections[projection].weights[entry] - before)
            })
            .collect();
        for part in self.recurrent_rows.iter_mut().chain(&mut self.readout_rows).flatten() {
            let synapse = network.projections[part.projection].synapse;
            part.shift_ahead(&changes, &network.synapse_models[synapse].optimizer);
        }
    }

    fn lay_out(&mut self, network: &Description, now: i64) {
        let plan = &self.plan;
        let (n, k) = (plan.recurrent_count(), plan.readout_count());
        self.neurons.resize(n);
        self.readouts.resize(k);
        let ring = |neurons: usize, columns: usize, old: &Ring| {
            let steps = LONGEST_WINDOW as usize + windows::CHUNK + plan.longest_delay + 4;
            // Rows that have been silent may wait for steps that a shorter ring would not hold.
            let steps = steps.max(if old.neurons() > 0 { old.steps() } else { 0 });
            let new = Ring::new(neurons, columns, steps);
            if new.neurons() == old.neurons() && new.steps() == old.steps() {
                return old.clone();
            }
            let mut new = new;
            new.copy_from(old, now - old.steps().min(new.steps()) as i64 + 1, now);
            new
        };
        self.history = ring(n, recurrent::COUNT, &self.history);
        self.errors = ring(k, readout::COUNT, &self.errors);
        let rows = |routes: &[Route], onto_readouts: bool, history: &Ring, old: Vec<Vec<PlasticRows>>| {
            let mut known: BTreeMap<usize, Vec<PlasticRows>> = BTreeMap::new();
            for part in old.into_iter().flatten() {
                known.entry(part.projection).or_default().push(part);
            }
            routes
                .iter()
                .map(|route| {
                    if !route.plastic {
                        return Vec::new();
                    }
                    let optimizer = &network.synapse_models[route.synapse].optimizer;
                    let mut parts = PlasticRows::of_route(plan, route, onto_readouts, history, optimizer);
                    let weights = &network.projections[route.projection].weights;
                    if let Some(old) = known.remove(&route.projection) {
                        if let [part] = &mut parts[..] {
                            part.carry_over(old, weights);
                        } else {
                            for part in &mut parts {
                                part.carry_over(old.clone(), weights);
                            }
                        }
                    }
                    parts
                })
                .collect()
        };
        let old = std::mem::take(&mut self.recurrent_rows);
        self.recurrent_rows = rows(&plan.recurrent_routes, false, &self.history, old);
        if self.recurrent_rows.iter().flatten().any(PlasticRows::is_scattered) {
            self.history.keep_courses();
        }
        let old = std::mem::take(&mut self.readout_rows);
        self.readout_rows = rows(&plan.readout_routes, true, &self.errors, old);
        if self.fired.len() <= plan.longest_delay {
            let old = std::mem::take(&mut self.fired);
            self.fired = vec![Vec::new(); plan.longest_delay + 1];
            for stamp in (now - old.len() as i64 + 1).max(0)..=now {
                let length = self.fired.len();
                if !old.is_empty() {
                    self.fired[stamp as usize % length].clone_from(&old[stamp as usize % old.len()]);
                }
            }
        }
        self.lay_out_windows(network, now);
    }

    /// Lays out the maps of windows, if gradients are to be computed by them, and notes when silent rows are visited.
    fn lay_out_windows(&mut self, network: &Description, now: i64) {
        let plan = &self.plan;
        let by_maps = network.kernel.gradient == GradientMethod::Adjoint;
        self.learns_by_maps = (network.synapse_models.iter())
            .map(|model| by_maps && !model.optimizer.optimize_each_step)
            .collect();
        let learns_by_maps = &self.learns_by_maps;
        let maps = |routes: &[Route], rows: &[Vec<PlasticRows>], history: &Ring, kind| {
            let learn = |route: &Route| route.plastic && learns_by_maps[route.synapse];
            if !routes.iter().any(learn) {
                return None;
            }
            let (coefficients, by_neuron) = match kind {
                windows::Kind::Readouts => (per_spike::readout_coefficients(plan, history), false),
                _ => (
                    per_spike::recurrent_coefficients(plan, history),
                    rows.iter().flatten().any(PlasticRows::is_scattered),
                ),
            };
            Some(Windows::new(kind, history, coefficients, by_neuron))
        };
        let adapts = plan.recurrent.adapts.iter().any(|adapts| *adapts);
        let kind = if adapts { windows::Kind::Adaptive } else { windows::Kind::Plain };
        let fresh = [
            maps(&plan.recurrent_routes, &self.recurrent_rows, &self.history, kind),
            maps(&plan.readout_routes, &self.readout_rows, &self.errors, windows::Kind::Readouts),
        ];
        let held = [&mut self.windows, &mut self.error_windows];
        let mut stale = false;
        for (held, fresh) in held.into_iter().zip(fresh) {
            let same = match (&held, &fresh) {
                (Some(held), Some(fresh)) => held.fits(fresh),
                (None, None) => true,
                _ => false,
            };
            if !same {
                *held = fresh;
                stale = true;
            }
        }
        if stale {
            self.begin_windows(now);
        } else {
            self.expect_visits(now);
        }
    }

    /// Makes all maps from the histories, at step `now`.
    fn begin_windows(&mut self, now: i64) {
        // The present step's spikes learn from the steps before the last one.
        let known = (now - 1).max(0);
        if let Some(windows) = &mut self.windows {
            windows.rebuild(&self.history, known);
        }
        if let Some(windows) = &mut self.error_windows {
            windows.rebuild(&self.errors, known);
        }
        self.expect_visits(now);
    }

    fn expect_visits(&mut self, now: i64) {
        let groups = [
            (&self.plan.recurrent_routes, &mut self.recurrent_rows, self.windows.is_some()),
            (&self.plan.readout_routes, &mut self.readout_rows, self.error_windows.is_some()),
        ];
        for (routes, rows, by_maps) in groups {
            for (route, parts) in routes.iter().zip(rows) {
                let by_maps = by_maps && self.learns_by_maps[route.synapse];
                // The next step's windows end where the delay says.
                for part in parts {
                    part.expect_visits(now - route.delay as i64, by_maps);
                }
            }
        }
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
                    self.neurons.voltage[place] = relative("V_m");
                    if group.model.place("adaptation").is_some() {
                        self.neurons.adaptation[place] = group.numbers("adaptation")[offset];
                    }
                }
                READOUT => self.readouts.voltage[place] = relative("V_m"),
                _ => {}
            }
        }
    }

    /// Writes the state variables to where the user reads them, as they are at step `now`.
    pub fn store_states(&self, network: &mut Description, now: i64) {
        let plan = &self.plan;
        let p = &plan.recurrent;
        let sums = |a: &[f64], b: &[f64]| -> Vec<f64> { a.iter().zip(b).map(|(a, b)| a + b).collect() };
        let threshold: Vec<f64> = (0..plan.recurrent_count())
            .map(|j| p.threshold[j] + p.adaptation_gain[j] * self.neurons.adaptation[j] + p.rest[j])
            .collect();
        let last = (now - 1).max(0);
        let columns: [(&str, &[f64]); 4] = [
            ("V_m", &sums(&self.neurons.voltage, &p.rest)),
            ("V_th_adapt", &threshold),
            ("adaptation", &self.neurons.adaptation),
            ("surrogate_gradient", self.history.at(recurrent::SURROGATE, last)),
        ];
        store(network, RECURRENT, &columns);
        let voltage = sums(&self.readouts.voltage, &plan.readouts.rest);
        let error = self.errors.at(readout::ERROR, last);
        store(network, READOUT, &[("V_m", &voltage), ("error_signal", error)]);
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
        let fired = |stamp: i64| &self.fired[stamp as usize % self.fired.len()][..];
        Some(Settlement { onto_readouts, ..flying.settle(fired) })
    }

    /// Takes over spikes in flight that were converted.
    pub fn take_settlement(&mut self, settlement: Settlement, recordings: &mut Recordings) {
        self.arrivals[usize::from(settlement.onto_readouts)].append(settlement.arrivals);
        for (tap, mut events) in self.plan.weight_taps.iter().zip(settlement.recorded) {
            recordings.weights.entry(tap.recorder).or_default().append(&mut events);
        }
    }

    /// Advances to the global step `to`. Returns the step reached, which is `to` unless it was cancelled.
    ///
    /// # Errors
    /// `NumericalInstability` where a gradient or a weight would not be finite. It halts after that step; the row of synapses
    /// concerned keeps its weights and moments, and goes on without what it could not take in.
    pub fn advance(
        &mut self,
        network: &mut Description,
        emission: &Emission,
        from: i64,
        to: i64,
        control: &RunControl,
        recordings: &mut Recordings,
    ) -> Result<i64, Halt> {
        self.arrivals.iter_mut().for_each(|arrivals| arrivals.forget_before(from));
        let mut recorded = Recorded::new(&self.plan);
        let threads = network.kernel.local_num_threads;
        let mut reached = from;
        while reached < to {
            let end = to.min(reached + RUN);
            // Threads wait for each other without sleeping, so those that would find little to do stay away.
            let wanted = threads::worth(self.shareable, threads);
            let stopped = threads::with_crew(wanted, |crew| {
                self.advance_run(network, emission, reached, end, control, &mut recorded, crew)
            });
            recorded.collect(&self.plan, recordings);
            reached = stopped;
            if stopped < end || self.failure.is_some() {
                break;
            }
        }
        self.steps += (reached - from) as u64;
        match self.failure.take() {
            Some(error) => Err(Halt { reached, error }),
            None => Ok(reached),
        }
    }

    #[allow(clippy::too_many_arguments, reason = "borrows of a network that must stay apart")]
    fn advance_run(
        &mut self,
        network: &mut Description,
        emission: &Emission,
        from: i64,
        to: i64,
        control: &RunControl,
        recorded: &mut Recorded,
        crew: &mut Crew<'_>,
    ) -> i64 {
        let mut work = 0;
        for step in from..to {
            if control.cancelled() {
                return step;
            }
            work += self.advance_recurrent(network, emission, step, recorded, crew);
            work += self.advance_readouts(network, emission, step, recorded, crew);
            if self.failure.is_some() {
                return step + 1;
            }
        }
        self.shareable = work / (to - from) as u64;
        to
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
        for (route, parts) in plan.recurrent_routes.iter().zip(&mut self.recurrent_rows) {
            let spikes = Spikes { emission, fired: &self.fired, stamp: step + 1 - route.delay as i64 };
            let targets = &plan.recurrent_ids;
            work += spikes.pass(
                plan,
                route,
                parts,
                (&self.history, self.windows.as_ref()),
                network,
                &mut s.input,
                targets,
                &mut self.arriving,
                recorded,
                &mut self.failure,
                crew,
            );
        }
        for clocked in &plan.clocked {
            s.clock[clocked.place] = f64::from(u8::from(clocked.fires(step)));
        }
        let [surrogate, regularization] =
            self.history.pair_mut([recurrent::SURROGATE, recurrent::REGULARIZATION], step);
        // These models integrate the current of this step, the others that of the step before.
        for run in plan.runs.iter().filter(|run| run.hard_reset) {
            let at = run.places.clone();
            s.current[at.clone()].copy_from_slice(&plan.recurrent.current[at]);
        }
        event_neuron_step::advance(
            &plan.recurrent,
            &plan.runs,
            StepInput { input: &s.input, current: &s.current, clock: &s.clock, resolution: plan.resolution },
            &mut StateSlices {
                voltage: &mut s.voltage,
                spiked: &mut s.spiked,
                adaptation: &mut s.adaptation,
                countdown: &mut s.countdown,
                kept: &mut s.kept,
                rate: &mut s.rate,
            },
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
        self.spike_count += fired.len() as u64;
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
        for (route, parts) in plan.readout_routes.iter().zip(&mut self.readout_rows) {
            let spikes = Spikes { emission, fired: &self.fired, stamp: step + 1 - route.delay as i64 };
            let targets = &plan.readout_ids;
            work += spikes.pass(
                plan,
                route,
                parts,
                (&self.errors, self.error_windows.as_ref()),
                network,
                &mut s.input,
                targets,
                &mut self.arriving,
                recorded,
                &mut self.failure,
                crew,
            );
        }
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
                row::add_scaled(signal, &plan.feedback[j * n..(j + 1) * n], *error);
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

    fn record_recurrent(&self, step: i64, recorded: &mut Recorded) {
        let plan = &self.plan;
        let p = &plan.recurrent;
        for (tap, chunk) in plan.recurrent_taps.iter().zip(&mut recorded.recurrent) {
            if !tap.window.contains(step + 1) {
                continue;
            }
            chunk.stamps.push(step + 1);
            for (recordable, stream) in tap.recordables.iter().zip(&mut chunk.streams) {
                let s = &self.neurons;
                let value: &dyn Fn(usize) -> f64 = match recordable {
                    Recordable::Voltage => &|j| s.voltage[j] + p.rest[j],
                    Recordable::SurrogateGradient => &|j| self.history.at(recurrent::SURROGATE, step)[j],
                    Recordable::Adaptation => &|j| s.adaptation[j],
                    Recordable::AdaptiveThreshold => {
                        &|j| p.threshold[j] + p.adaptation_gain[j] * s.adaptation[j] + p.rest[j]
                    }
                    Recordable::LearningSignal if step >= 2 => &|j| {
                        if !plan.learning[j] || self.shows_no_signal(j, step) {
                            0.0
                        } else {
                            self.history.at(recurrent::SIGNAL, step - 2)[j]
                        }
                    },
                    Recordable::HistoryDuration => {
                        &|j| self.history_duration(&plan.recurrent_routes, &self.recurrent_rows, j, step)
                    }
                    _ => &|_| 0.0,
                };
                stream.extend(tap.places.iter().map(|place| value(*place as usize)));
            }
        }
        let fired = &self.fired[(step + 1) as usize % self.fired.len()];
        for (tap, events) in plan.spike_taps.iter().zip(&mut recorded.spikes) {
            if tap.window.contains(step + 1) {
                for place in fired {
                    for _ in 0..tap.listens[*place as usize] {
                        events.push(step + 1, plan.recurrent_ids[*place as usize]);
                    }
                }
            }
        }
    }

    /// Whether a neuron's recorded learning signal is zero in this step because NEST has just dropped that part of its
    /// history, which no synapse needs any more (`docs/numerics-corrections.md`).
    fn shows_no_signal(&self, neuron: usize, step: i64) -> bool {
        // How many synapses fired last at each stamp, and when those fired that fire again now.
        let mut waiting: BTreeMap<i64, usize> = BTreeMap::new();
        let mut again = Vec::new();
        let mut arrives = false;
        for (stamp, now) in self.stamps_onto(&self.plan.recurrent_routes, &self.recurrent_rows, neuron, step)
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
        let cutoff = self.plan.recurrent.cutoff[neuron];
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
    fn stamps_onto(
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
    fn history_duration(&self, routes: &[Route], rows: &[Vec<PlasticRows>], neuron: usize, step: i64) -> f64 {
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

    fn record_readouts(&self, step: i64, recorded: &mut Recorded) {
        let plan = &self.plan;
        let rest = &plan.readouts.rest;
        let s = &self.readouts;
        for (tap, chunk) in plan.readout_taps.iter().zip(&mut recorded.readouts) {
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
                        &|j| self.history_duration(&plan.readout_routes, &self.readout_rows, j, step)
                    }
                    _ => &|_| 0.0,
                };
                stream.extend(tap.places.iter().map(|place| value(*place as usize)));
            }
        }
    }

    /// What multimeters record.
    pub fn taps(&self) -> impl Iterator<Item = &Tap> {
        self.plan.recurrent_taps.iter().chain(&self.plan.readout_taps)
    }

    /// Bytes that a simulation takes, by part.
    #[must_use]
    pub fn memory(&self) -> Vec<(&'static str, u64)> {
        let rows = self.recurrent_rows.iter().chain(&self.readout_rows).flatten();
        let (n, k) = (self.plan.recurrent_count() as u64, self.plan.readout_count() as u64);
        let rings = size_of_val(&self.fired[..]) as u64;
        let taps = self.plan.recurrent_taps.iter().chain(&self.plan.readout_taps);
        // Until they are collected, in lists with room to spare.
        let recorded = taps.map(|tap| tap.bytes(0, RUN) * 3 / 2).sum::<u64>();
        let on_their_way = (4.0 * self.spikes_per_step() * self.fired.len() as f64) as u64;
        vec![
            ("history of postsynaptic neurons", self.history.bytes() + self.errors.bytes()),
            ("traces and moments of synapses", rows.map(PlasticRows::bytes).sum()),
            ("maps of windows", self.windows.iter().chain(&self.error_windows).map(Windows::bytes).sum()),
            (
                "neurons and spikes on their way",
                self.plan.bytes() + 81 * n + 40 * k + rings + on_their_way + recorded,
            ),
        ]
    }

    /// Spikes that recurrent neurons send in a step: as many as so far, or as they should.
    #[must_use]
    pub fn spikes_per_step(&self) -> f64 {
        if self.steps > 0 && self.spike_count > 0 {
            return self.spike_count as f64 / self.steps as f64;
        }
        self.plan.recurrent.target_rate.iter().sum()
    }

    /// The plan.
    #[must_use]
    pub fn plan(&self) -> &PlusPlan {
        &self.plan
    }

    /// The earliest stamp that is still needed at step `now`.
    #[must_use]
    pub fn needs_from(&self, now: i64) -> i64 {
        now - self.plan.longest_delay as i64
    }

    /// Spikes of recurrent neurons so far.
    #[must_use]
    pub fn spike_count(&self) -> u64 {
        self.spike_count
    }
}

/// Tells what a part of a projection could not take in in a step, if nothing else has gone wrong before.
#[cold]
fn report(
    part: &mut PlasticRows,
    network: &Description,
    step: i64,
    resolution: f64,
    failure: &mut Option<Error>,
) {
    if let Some(entry) = part.take_broken()
        && failure.is_none()
    {
        let what = "the gradient of a weight, or its update, is not finite";
        let when = format!("in the step from {} ms on", step as f64 * resolution);
        *failure = Some(not_finite(network, what, part.projection, entry, &when));
    }
}

/// The last stamp before `step` at which a neuron sent a spike or a flush event, and whether it sends one then: NEST's
/// neurons that have ever fired send a flush event after each `interval` without either. Here they matter to nothing else.
fn flushed(spiked: i64, now: bool, step: i64, interval: i64) -> (i64, bool) {
    if spiked == 0 {
        return (spiked, now);
    }
    let since = step - spiked;
    let flushes = !now && since > 0 && since % interval == 0;
    let before = if now || flushes { since - 1 } else { since };
    (spiked + before / interval * interval, now || flushes)
}

/// The spikes of one stamp.
struct Spikes<'a> {
    emission: &'a Emission,
    fired: &'a [Vec<u32>],
    stamp: i64,
}

impl Spikes<'_> {
    /// Sends them over a route: plastic weights learn, then all are delivered.
    #[allow(clippy::too_many_arguments, reason = "borrows of a network that must stay apart")]
    fn pass(
        &self,
        plan: &PlusPlan,
        route: &Route,
        parts: &mut [PlasticRows],
        (history, windows): (&Ring, Option<&Windows>),
        network: &mut Description,
        input: &mut [f64],
        targets: &[NodeId],
        arriving: &mut Arriving,
        recorded: &mut Recorded,
        failure: &mut Option<Error>,
        crew: &mut Crew<'_>,
    ) -> u64 {
        if self.stamp <= 0 {
            return 0;
        }
        let optimizer = &network.synapse_models[route.synapse].optimizer;
        let projection = &mut network.projections[route.projection];
        if route.poisson {
            let ids = &plan.stimulus_ids;
            let places = 0..input.len();
            deliver_poisson(route, &projection.weights, input, &places, self.emission, self.stamp, ids);
            return 0;
        }
        let receptor = projection.receptor;
        let weights = &mut projection.weights;
        arriving.clear();
        let all = route.transmits_all(self.stamp);
        let mut send = |place: u32, count: u32| {
            if let Some(row) = route.rows.row(place)
                && (all || route.transmits(row, self.stamp))
            {
                arriving.rows.push(row as u32);
                arriving.senders.push((place, count));
            }
        };
        if route.source == RECURRENT {
            self.fired[self.stamp as usize % self.fired.len()].iter().for_each(|place| send(*place, 1));
        } else {
            self.emission.at(self.stamp).iter().for_each(|(place, count)| send(place, count));
        }
        let by_maps = route.plastic && !optimizer.optimize_each_step;
        let left = LeftBehind { history, windows: windows.filter(|_| by_maps) };
        let arrival = Arrival { stamp: self.stamp, left, optimizer };
        let mut work = 0;
        let mut broken = false;
        for part in &mut *parts {
            work += part.arrive(route, &arriving.rows, arrival, weights, crew);
            work += part.visit(route, self.stamp - 1, left, optimizer, weights, crew);
            broken |= part.is_broken();
        }
        if !route.holes.is_empty() {
            for row in &arriving.rows {
                let entries = route.entries(*row as usize);
                let hole = route.holes.partition_point(|hole| *hole < entries.start);
                for hole in route.holes[hole..].iter().take_while(|hole| **hole < entries.end) {
                    weights[*hole] = 0.0;
                }
            }
        }
        arriving.deliver(route, weights, input, crew);
        if route.weight_recorder.is_some() {
            for (row, (place, count)) in arriving.rows.iter().zip(&arriving.senders) {
                let (row, count, stamp) = (*row as usize, *count, self.stamp);
                let ids = if route.source == RECURRENT { &plan.recurrent_ids } else { &plan.stimulus_ids };
                let sender = ids[*place as usize];
                let passage = Passage { route, row, sender, targets, receptor, stamp, count };
                delivery::record_weights(&plan.weight_taps, &mut recorded.weights, passage, weights);
            }
        }
        if broken {
            let step = self.stamp + route.delay as i64 - 1;
            for part in parts {
                report(part, network, step, plan.resolution, failure);
            }
        }
        work
    }
}

/// Spikes on their way over a route.
#[derive(Debug, Default)]
struct Arriving {
    rows: Vec<u32>,
    /// Place of the sender and number of spikes, by row.
    senders: Vec<(u32, u32)>,
}

impl Arriving {
    fn clear(&mut self) {
        self.rows.clear();
        self.senders.clear();
    }

    /// Adds the rows' weights to the input of their targets, in the order of rows.
    fn deliver(&self, route: &Route, weights: &[f64], input: &mut [f64], crew: &mut Crew<'_>) {
        let rows = || self.rows.iter().zip(&self.senders).map(|(row, (_, count))| (*row as usize, *count));
        let delivered: u64 = rows().map(|(row, _)| route.entries(row).len() as u64).sum();
        let shares = threads::worth(delivered / DELIVERED, crew.size());
        if shares < 2 {
            rows().for_each(|(row, count)| deliver_row(route, weights, input, row, f64::from(count)));
            return;
        }
        let size = input.len().div_ceil(shares).next_multiple_of(LANES);
        let parts: Vec<Mutex<&mut [f64]>> = input.chunks_mut(size).map(Mutex::new).collect();
        crew.share(parts.len(), &|place| {
            let input = &mut **parts[place].lock().expect("taken once");
            let places = place * size..place * size + input.len();
            for (row, count) in rows() {
                deliver_row_part(route, weights, input, &places, row, f64::from(count));
            }
        });
    }
}

/// What was recorded in a run of steps.
struct Recorded {
    recurrent: Vec<TapChunk>,
    readouts: Vec<TapChunk>,
    spikes: Vec<SpikeEvents>,
    weights: Vec<WeightEvents>,
}

impl Recorded {
    fn new(plan: &PlusPlan) -> Self {
        Self {
            recurrent: plan.recurrent_taps.iter().map(TapChunk::new).collect(),
            readouts: plan.readout_taps.iter().map(TapChunk::new).collect(),
            spikes: vec![SpikeEvents::default(); plan.spike_taps.len()],
            weights: vec![WeightEvents::default(); plan.weight_taps.len()],
        }
    }

    /// Moves it to where it stays.
    fn collect(&mut self, plan: &PlusPlan, recordings: &mut Recordings) {
        let states = plan.recurrent_taps.iter().zip(&mut self.recurrent);
        for (tap, chunk) in states.chain(plan.readout_taps.iter().zip(&mut self.readouts)) {
            recordings.chunk(tap).append(chunk);
        }
        for (tap, events) in plan.spike_taps.iter().zip(&mut self.spikes) {
            recordings.spikes.entry(tap.recorder).or_default().append(events);
        }
        for (tap, events) in plan.weight_taps.iter().zip(&mut self.weights) {
            recordings.weights.entry(tap.recorder).or_default().append(events);
        }
    }
}
