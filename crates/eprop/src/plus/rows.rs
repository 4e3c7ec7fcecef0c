//! e-prop+: weights that change at every presynaptic spike, a row of synapses at a time (docs/derivation.md,
//! The window of a spike).
//!
//! A spike updates its neuron's row over the window since the neuron's last spike. A row whose window is about to
//! leave the history is caught up: its traces and gradient go on, its weights stay until the next spike.
//!
//! Rows have nothing in common that changes, so threads share those that have something to learn.

mod carry_over;
mod moments;
mod part;
mod state;

pub use state::Targets;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Mutex;

use crate::base::threads::{self, Crew};
use crate::optimizer::OptimizerProperties;
use crate::plan::route::{Columns, Route};
use crate::plus::eligibility::{Coefficients, Trace, TraceSet};
use crate::plus::layout::Layout;
use crate::plus::plan::{Lookback, PlusPlan};
use crate::plus::ring::{LANES, Ring, Vector};
use crate::plus::rows::part::{Common, Part, Scratch};
use crate::plus::windows::Windows;

/// Steps of a block that take as long as a call of the optimizer.
const CALL: u64 = 4;
/// Steps of a block that take as long as a window that goes by maps.
const MAPS: u64 = 8;
/// Steps that rows learn from at once: those that stay silent for longer are visited.
pub const LONGEST_WINDOW: i64 = 224;

/// How far a row of synapses is.
#[derive(Debug, Clone, Copy, PartialEq)]
struct RowState {
    /// Stamp of the last spike; 0 before the first.
    previous: i64,
    /// Stamp of the spike before that one; 0 where there was none.
    before: i64,
    /// The first step of the window that was not yet taken in.
    next: i64,
    /// Whether a spike waits to enter the trace.
    waiting: bool,
    /// Whether it was caught up since the last spike.
    caught_up: bool,
    /// Whether the present batch has a gradient.
    summed: bool,
    /// The optimizer step that the last call reached, counted from 1.
    step: u64,
    /// Learning rate read at the last call; NaN before the first one.
    eta: f64,
    /// Low-pass filtered presynaptic spikes, where they are the same for all targets.
    filtered: f64,
}

/// Synapses of one projection whose targets look equally far back, and have always done so.
#[derive(Debug, Clone)]
pub struct PlasticRows {
    /// Place of the projection.
    pub projection: usize,
    set: TraceSet,
    lookback: Lookback,
    layout: Layout,
    coefficients: Coefficients,
    /// One of the targets.
    target: usize,
    /// By block, its traces side by side.
    traces: Vec<Vector>,
    /// Gradient so far of rows that were caught up.
    gradient: Vec<Vector>,
    /// Gradient of the present batch.
    sum: Vec<f64>,
    first: Vec<f64>,
    second: Vec<f64>,
    rows: Vec<RowState>,
    /// Weights of rows that were caught up with an optimizer call in each step; they show at the next spike.
    ahead: BTreeMap<usize, Vec<f64>>,
    /// Whether windows go by maps.
    by_maps: bool,
    /// Rows by the step in which, if they stay silent, they are visited: a ring.
    visits: Vec<Vec<u32>>,
    /// One for each thread.
    scratch: Vec<Scratch>,
}

impl Default for RowState {
    fn default() -> Self {
        Self {
            previous: 0,
            before: 0,
            next: 0,
            waiting: false,
            caught_up: false,
            summed: false,
            step: 1,
            eta: f64::NAN,
            filtered: 0.0,
        }
    }
}

impl RowState {
    /// The step after the last one of the window.
    fn window_end(&self, cutoff: i64) -> i64 {
        (self.previous - 1).saturating_add(cutoff)
    }

    /// The step, as the end of a window, in which it is visited if it stays silent until then; `None` where nothing is
    /// left to learn.
    fn visit(&self, cutoff: i64, by_maps: bool) -> Option<i64> {
        let end = self.window_end(cutoff);
        let longest = self.next + LONGEST_WINDOW;
        // Maps end at the present; steps can be gone through until they leave the history.
        (self.previous > 0 && self.next < end).then(|| if by_maps { end.min(longest) } else { longest })
    }
}

/// What postsynaptic neurons left behind.
#[derive(Debug, Clone, Copy)]
pub struct LeftBehind<'a> {
    /// In each step.
    pub history: &'a Ring,
    /// As maps of windows that end at the present; `None` where steps are gone through.
    pub windows: Option<&'a Windows>,
}

/// What rows learn from.
#[derive(Debug, Clone, Copy)]
struct Learning {
    /// The steps before this one.
    end: i64,
    /// With a call of the optimizer in each of them.
    each_step: bool,
    /// By maps of windows.
    by_maps: bool,
}

/// A spike that arrives in rows.
#[derive(Debug, Clone, Copy)]
pub struct Arrival<'a> {
    /// Its stamp.
    pub stamp: i64,
    /// What the targets left behind.
    pub left: LeftBehind<'a>,
    /// How weights follow gradients.
    pub optimizer: &'a OptimizerProperties,
}

impl PlasticRows {
    /// The synapses of a route, in a part for those of its targets that look equally far back.
    #[must_use]
    pub fn of_route(
        plan: &PlusPlan,
        route: &Route,
        onto_readouts: bool,
        history: &Ring,
        optimizer: &OptimizerProperties,
    ) -> Vec<Self> {
        let lookbacks = if onto_readouts { &plan.readouts.lookback } else { &plan.recurrent.lookback };
        let places: Vec<usize> = match &route.columns {
            Columns::Range { first, len } => (*first..first + len).collect(),
            Columns::Scattered(places) | Columns::Sparse { places, .. } => {
                places.iter().map(|place| *place as usize).collect()
            }
        };
        let mut distinct: Vec<Lookback> = places.iter().map(|place| lookbacks[*place]).collect();
        distinct.sort_unstable();
        distinct.dedup();
        let whole = distinct.len() == 1;
        distinct
            .into_iter()
            .map(|lookback| {
                let layout = match &route.columns {
                    Columns::Range { first, len } if whole => Layout::Range { first: *first, len: *len },
                    _ => Layout::listed(route, history.nobody(), whole, |place| lookbacks[place] == lookback),
                };
                Self::new(plan, route, onto_readouts, lookback, layout, history, optimizer)
            })
            .collect()
    }

    fn new(
        plan: &PlusPlan,
        route: &Route,
        onto_readouts: bool,
        lookback: Lookback,
        layout: Layout,
        history: &Ring,
        optimizer: &OptimizerProperties,
    ) -> Self {
        let p = &plan.recurrent;
        let reached = layout.reached(history.nobody());
        let same = |values: &[f64]| reached.iter().all(|place| values[*place] == values[reached[0]]);
        let (coefficients, uniform) = if onto_readouts {
            (readout_coefficients(plan, history), same(&plan.readouts.decay))
        } else {
            let all = [&p.decay, &p.kappa, &p.kappa_reg, &p.adaptation_decay, &p.adaptation_gain];
            (recurrent_coefficients(plan, history), all.iter().all(|values| same(values)))
        };
        let set = TraceSet {
            onto_readouts,
            uniform,
            adapts: !onto_readouts && reached.iter().any(|place| p.adapts[*place]),
        };
        let blocks = layout.block_count(route.row_count);
        let moments = if optimizer.has_moments() { LANES * blocks } else { 0 };
        Self {
            projection: route.projection,
            set,
            lookback,
            coefficients,
            target: reached[0],
            traces: vec![Vector::default(); blocks * set.count()],
            gradient: vec![Vector::default(); blocks],
            sum: vec![0.0; LANES * blocks],
            first: vec![0.0; moments],
            second: vec![0.0; moments],
            rows: vec![RowState::default(); route.row_count],
            ahead: BTreeMap::new(),
            by_maps: false,
            visits: vec![Vec::new(); (LONGEST_WINDOW as usize + 2).next_power_of_two()],
            scratch: vec![Scratch::default()],
            layout,
        }
    }

    /// Whether a row could not take in what it should have.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.scratch.iter().any(|scratch| scratch.broken.is_some())
    }

    /// The first entry that could not take in what it should have, since this was last asked.
    pub fn take_broken(&mut self) -> Option<usize> {
        let broken = self.scratch.iter_mut().filter_map(|scratch| scratch.broken.take());
        let (row, position) = broken.min()?;
        let mut found = None;
        self.layout.for_each_entry(row, |other, entry| {
            if other == position {
                found = Some(entry);
            }
        });
        found
    }

    /// A trace in a position.
    fn trace(&self, trace: Trace, position: usize) -> f64 {
        self.traces[position / LANES * self.set.count() + self.set.place(trace)].0[position % LANES]
    }

    fn trace_mut(&mut self, trace: Trace, position: usize) -> &mut f64 {
        &mut self.traces[position / LANES * self.set.count() + self.set.place(trace)].0[position % LANES]
    }

    /// Whether its rows end at scattered places.
    #[must_use]
    pub fn is_scattered(&self) -> bool {
        matches!(self.layout, Layout::Listed { .. })
    }

    /// How much work it is at most, on average, when all rows go on by a step.
    #[must_use]
    pub fn most_work(&self) -> u64 {
        self.gradient.len() as u64
    }

    /// Whether rows can be where they are at step `now`, beside a history of so many steps.
    #[must_use]
    pub fn is_possible(&self, now: i64, steps: i64) -> bool {
        self.rows.iter().all(|row| {
            (0..=now).contains(&row.previous)
                && (0..=row.previous).contains(&row.before)
                && (0..=now).contains(&row.next)
                && (row.previous == 0 || row.window_end(self.lookback.cutoff).min(now) - row.next <= steps)
                && row.step <= 1 << 53
        })
    }

    /// Bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let positions = size_of_val(&self.traces[..]) + size_of_val(&self.gradient[..]);
        let numbers = self.sum.len() + self.first.len() + self.second.len();
        let Coefficients { decay, kappa, kappa_reg, rho, beta } = &self.coefficients;
        let coefficients: usize =
            [decay, kappa, kappa_reg, rho, beta].iter().map(|values| size_of_val(&values[..])).sum();
        (positions + 8 * numbers + coefficients + size_of_val(&self.rows[..]) + self.layout.bytes()) as u64
    }

    /// Takes in a spike in each of these rows, which ascend: their weights are updated, as they are to be transmitted.
    /// Returns how much work threads could share.
    pub fn arrive(
        &mut self,
        route: &Route,
        rows: &[u32],
        arrival: Arrival<'_>,
        weights: &mut [f64],
        crew: &mut Crew<'_>,
    ) -> u64 {
        if !self.ahead.is_empty() {
            for row in rows.iter().map(|row| *row as usize) {
                if let Some(ahead) = self.ahead.remove(&row) {
                    self.layout.set_weights(row, &ahead, 0, weights);
                }
            }
        }
        let each_step = arrival.optimizer.optimize_each_step;
        let learning =
            Learning { end: arrival.stamp - 1, each_step, by_maps: arrival.left.windows.is_some() };
        let work = self.share(route, rows, learning, weights, crew, |part, places, scratch| {
            part.arrive(&rows[places], arrival, scratch);
        });
        for row in rows {
            self.expect_visit(*row as usize, arrival.stamp);
        }
        work
    }

    /// Takes in what a row's first spike is besides, if it is several at once: they arrive one after the other, and with
    /// the second the optimizer is called, though there is nothing to learn from yet.
    pub fn repeat(&mut self, row: usize, arrival: Arrival<'_>, weights: &mut [f64]) {
        let Arrival { stamp, optimizer, .. } = arrival;
        if self.rows[row].before > 0 || optimizer.optimize_each_step {
            return;
        }
        let (mut whole, scratch) = self.whole(weights);
        let gradient = vec![Vector::default(); whole.blocks(row).len()];
        whole.change_weights(row, |whole, weights| {
            let broken = whole.call(row, (stamp - 1) as u64, optimizer, &gradient, weights);
            scratch[0].broken = scratch[0].broken.or(broken);
        });
    }

    /// Notes when a row is to be visited, at the earliest after the step `now`.
    fn expect_visit(&mut self, row: usize, now: i64) {
        if let Some(step) = self.rows[row].visit(self.lookback.cutoff, self.by_maps) {
            let ring = self.visits.len();
            self.visits[step.max(now) as usize % ring].push(row as u32);
        }
    }

    /// Notes all visits anew; the steps before `now` are over, and windows go by maps or step by step.
    pub fn expect_visits(&mut self, now: i64, by_maps: bool) {
        self.by_maps = by_maps;
        self.visits.iter_mut().for_each(Vec::clear);
        for row in 0..self.rows.len() {
            self.expect_visit(row, now);
        }
    }

    /// Visits rows that have been silent for as long as they can learn from at once: takes in what happened up to, but
    /// not including, the step `end`. Returns how much work threads could share.
    pub fn visit(
        &mut self,
        route: &Route,
        end: i64,
        left: LeftBehind<'_>,
        optimizer: &OptimizerProperties,
        weights: &[f64],
        crew: &mut Crew<'_>,
    ) -> u64 {
        let ring = self.visits.len();
        let noted = &mut self.visits[end as usize % ring];
        if noted.is_empty() {
            return 0;
        }
        let mut rows = std::mem::take(noted);
        rows.sort_unstable();
        rows.dedup();
        // Those that have fired since are expected later.
        rows.retain(|row| {
            self.rows[*row as usize].visit(self.lookback.cutoff, self.by_maps).is_some_and(|step| step <= end)
        });
        let work = self.catch_up(route, &rows, end, left, optimizer, weights, crew);
        for row in &rows {
            self.expect_visit(*row as usize, end + 1);
        }
        work
    }

    /// Takes in what happened to these rows, which ascend, up to, but not including, the step `end`.
    fn catch_up(
        &mut self,
        route: &Route,
        rows: &[u32],
        end: i64,
        left: LeftBehind<'_>,
        optimizer: &OptimizerProperties,
        weights: &[f64],
        crew: &mut Crew<'_>,
    ) -> u64 {
        let by_maps = left.windows.is_some();
        let learning = Learning { end, each_step: optimizer.optimize_each_step, by_maps };
        if learning.each_step {
            return self.catch_up_each_step(route, rows, learning, left, optimizer, weights, crew);
        }
        self.share(route, rows, learning, &mut [], crew, |part, places, scratch| {
            part.catch_up(&rows[places], end, left, scratch);
        })
    }

    /// As [`Self::catch_up`], with a call of the optimizer in each step.
    fn catch_up_each_step(
        &mut self,
        route: &Route,
        rows: &[u32],
        learning: Learning,
        left: LeftBehind<'_>,
        optimizer: &OptimizerProperties,
        weights: &[f64],
        crew: &mut Crew<'_>,
    ) -> u64 {
        let ahead: Vec<Mutex<Vec<f64>>> = rows
            .iter()
            .map(|row| *row as usize)
            .map(|row| self.ahead.remove(&row).unwrap_or_else(|| self.layout.weights(row, 0, weights)))
            .map(Mutex::new)
            .collect();
        let work = self.share(route, rows, learning, &mut [], crew, |part, places, scratch| {
            for (row, ahead) in rows[places.clone()].iter().zip(&ahead[places]) {
                let mut ahead = ahead.lock().expect("no row has panicked");
                part.learn_each_step(*row as usize, learning.end, left, optimizer, &mut ahead, scratch);
            }
        });
        let ahead = ahead.into_iter().map(|ahead| ahead.into_inner().expect("no row has panicked"));
        self.ahead.extend(rows.iter().map(|row| *row as usize).zip(ahead));
        work
    }

    /// Acts on all of these rows, which ascend: in as many parts as threads have enough to do with. `act` is told which of the rows are
    /// in its part. Returns how much work threads could share.
    fn share(
        &mut self,
        route: &Route,
        rows: &[u32],
        learning: Learning,
        weights: &mut [f64],
        crew: &mut Crew<'_>,
        act: impl Fn(&mut Part<'_>, Range<usize>, &mut Scratch) + Sync,
    ) -> u64 {
        debug_assert!(rows.is_sorted(), "rows ascend");
        let work = |row: &u32| self.work(*row as usize, learning);
        let total: u64 = rows.iter().map(work).sum();
        let count = threads::worth(total, crew.size()).min(rows.len());
        if count < 2 {
            let (mut whole, scratch) = self.whole(weights);
            act(&mut whole, 0..rows.len(), &mut scratch[0]);
            return if threads::worth(total, 2) < 2 { 0 } else { total };
        }
        let mut ends = Vec::with_capacity(count);
        let mut before = 0;
        for (place, row) in rows.iter().enumerate() {
            before += work(row);
            if before * count as u64 >= total * (ends.len() as u64 + 1) && place + 1 < rows.len() {
                ends.push(place + 1);
            }
        }
        if self.scratch.len() <= ends.len() {
            self.scratch.resize_with(ends.len() + 1, Scratch::default);
        }
        let (mut rest, scratch) = self.whole(weights);
        let mut scratch = scratch.iter_mut();
        let mut parts = Vec::with_capacity(ends.len() + 1);
        let mut begin = 0;
        for end in ends {
            let row = rows[end] as usize;
            let part = rest.split_before(row, route.entries(row).start);
            parts.push(Mutex::new(Some((part, begin..end, scratch.next().expect("one a part")))));
            begin = end;
        }
        parts.push(Mutex::new(Some((rest, begin..rows.len(), scratch.next().expect("one a part")))));
        crew.share(parts.len(), &|place| {
            let part = parts[place].lock().expect("taken once").take();
            let (mut part, places, scratch) = part.expect("taken once");
            act(&mut part, places, scratch);
        });
        total
    }

    /// How much work it is for a row to learn up to, but not including, a step: blocks times steps.
    fn work(&self, row: usize, learning: Learning) -> u64 {
        let state = &self.rows[row];
        if state.previous == 0 {
            return 0;
        }
        let steps = (learning.end.min(state.window_end(self.lookback.cutoff)) - state.next).max(0) as u64;
        let calls = if learning.each_step { steps } else { 1 };
        let steps = if learning.by_maps && !learning.each_step { steps.min(MAPS) } else { steps };
        (steps + CALL * calls) * self.layout.blocks(row).len() as u64
    }

    /// All rows, and room to work in.
    fn whole<'a>(&'a mut self, weights: &'a mut [f64]) -> (Part<'a>, &'a mut [Scratch]) {
        let common = Common {
            set: self.set,
            cutoff: self.lookback.cutoff,
            layout: &self.layout,
            coefficients: &self.coefficients,
            target: self.target,
        };
        let part = Part {
            common,
            first_row: 0,
            first_block: 0,
            first_entry: 0,
            rows: &mut self.rows,
            traces: &mut self.traces,
            gradient: &mut self.gradient,
            sum: &mut self.sum,
            first: &mut self.first,
            second: &mut self.second,
            weights,
        };
        (part, &mut self.scratch)
    }

    /// For each row that reaches a target: the row, the stamp of its last spike before `stamp` (0 where there was
    /// none), and whether it has one of that stamp.
    pub fn stamps_onto(
        &self,
        route: &Route,
        target: usize,
        stamp: i64,
    ) -> impl Iterator<Item = (usize, i64, bool)> {
        self.rows.iter().enumerate().filter_map(move |(row, state)| {
            let now = state.previous == stamp;
            let reaches = self.layout.reaches(row, target, route);
            reaches.then_some((row, if now { state.before } else { state.previous }, now))
        })
    }
}

/// Coefficients of the recurrent neurons.
#[must_use]
pub fn recurrent_coefficients(plan: &PlusPlan, history: &Ring) -> Coefficients {
    let p = &plan.recurrent;
    let all = [&p.decay, &p.kappa, &p.kappa_reg, &p.adaptation_decay, &p.adaptation_gain];
    let [decay, kappa, kappa_reg, rho, beta] = all.map(|values| by_place(values, history));
    Coefficients { decay, kappa, kappa_reg, rho, beta }
}

/// Coefficients of the readouts.
#[must_use]
pub fn readout_coefficients(plan: &PlusPlan, history: &Ring) -> Coefficients {
    Coefficients { decay: by_place(&plan.readouts.decay, history), ..Coefficients::default() }
}

/// Values by place, zero where there is no neuron.
fn by_place(values: &[f64], history: &Ring) -> Vec<Vector> {
    let mut positions = vec![Vector::default(); history.blocks()];
    bytemuck::cast_slice_mut(&mut positions)[..values.len()].copy_from_slice(values);
    positions
}

/// The value at a place.
fn at(values: &[Vector], place: usize) -> f64 {
    values[place / LANES].0[place % LANES]
}
