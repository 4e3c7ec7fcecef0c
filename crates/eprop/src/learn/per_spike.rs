//! e-prop+: weights that change at every presynaptic spike, a row of synapses at a time (NUMERICS, section 3).
//!
//! A spike updates its neuron's row over the window since the neuron's last spike. A row whose window is about to
//! leave the history is caught up: its traces and gradient go on, its weights stay until the next spike.

mod state;

use std::collections::BTreeMap;

use crate::learn::eligibility::{self, Coefficients, Targets, Traces, Window};
use crate::learn::history::History;
use crate::learn::optimizer::{self, Method, OptimizerProperties};
use crate::plan::event::{EventPlan, Recurrent};
use crate::plan::route::{Columns, Route};

/// Where a row's synapses end.
#[derive(Debug, Clone, PartialEq)]
enum Layout {
    /// Every row reaches the same consecutive places.
    Range { first: usize, len: usize },
    /// Each row has places of its own, padded to a multiple of eight with one that always is zero. `entries` names
    /// the weight of each lane.
    Listed { starts: Vec<usize>, places: Vec<u32>, entries: Vec<u32> },
}

/// No weight: a lane that is padding.
const NONE: u32 = u32::MAX;

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
    /// The optimizer step that the last call reached, counted from 1.
    step: u64,
    /// Learning rate read at the last call.
    eta: f64,
}

/// Synapses of one projection whose targets look equally far back.
#[derive(Debug, Clone)]
pub struct PlasticRows {
    /// Place of the projection.
    pub projection: usize,
    onto_readouts: bool,
    adapts: bool,
    cutoff: i64,
    layout: Layout,
    stride: usize,
    coefficients: Coefficients,
    /// Whether all targets have the same coefficients.
    uniform: bool,
    filtered: Vec<f64>,
    adaptation: Vec<f64>,
    eligibility: Vec<f64>,
    regularization: Vec<f64>,
    gradient: Vec<f64>,
    /// Gradient of the present batch.
    sum: Vec<f64>,
    first: Vec<f64>,
    second: Vec<f64>,
    rows: Vec<RowState>,
    /// Weights of rows that were caught up with an optimizer call in each step; they show at the next spike.
    ahead: BTreeMap<usize, Vec<f64>>,
    scratch: Vec<f64>,
}

impl PlasticRows {
    /// The synapses of a route, in as many parts as its targets have cutoffs.
    #[must_use]
    pub fn of_route(
        plan: &EventPlan,
        route: &Route,
        onto_readouts: bool,
        history: &History,
        optimizer: &OptimizerProperties,
    ) -> Vec<Self> {
        let cutoffs = if onto_readouts { &plan.readouts.cutoff } else { &plan.recurrent.cutoff };
        let places: Vec<usize> = match &route.columns {
            Columns::Range { first, len } => (*first..first + len).collect(),
            Columns::Scattered(places) | Columns::Sparse { places, .. } => {
                places.iter().map(|place| *place as usize).collect()
            }
        };
        let mut distinct: Vec<i64> = places.iter().map(|place| cutoffs[*place]).collect();
        distinct.sort_unstable();
        distinct.dedup();
        let whole = distinct.len() == 1;
        distinct
            .into_iter()
            .map(|cutoff| {
                let layout = match &route.columns {
                    Columns::Range { first, len } if whole => Layout::Range { first: *first, len: *len },
                    _ => listed(route, history.nobody(), |place| cutoffs[place] == cutoff),
                };
                Self::new(plan, route, onto_readouts, cutoff, layout, history, optimizer)
            })
            .collect()
    }

    fn new(
        plan: &EventPlan,
        route: &Route,
        onto_readouts: bool,
        cutoff: i64,
        layout: Layout,
        history: &History,
        optimizer: &OptimizerProperties,
    ) -> Self {
        let (stride, lanes) = match &layout {
            Layout::Range { len, .. } => {
                let stride = len.next_multiple_of(8);
                (stride, stride * route.row_count)
            }
            Layout::Listed { places, .. } => (0, places.len()),
        };
        let lane_places: Vec<usize> = match &layout {
            Layout::Range { first, len } => (*first..first + len).collect(),
            Layout::Listed { .. } => (0..history.neurons()).collect(),
        };
        let width = match &layout {
            Layout::Range { .. } => stride,
            Layout::Listed { .. } => history.width(),
        };
        let pick = |values: &[f64]| -> Vec<f64> {
            let mut picked: Vec<f64> = lane_places.iter().map(|place| values[*place]).collect();
            picked.resize(width, 0.0);
            picked
        };
        let p = &plan.recurrent;
        let coefficients = if onto_readouts {
            Coefficients { decay: pick(&plan.readouts.decay), ..Coefficients::default() }
        } else {
            Coefficients {
                decay: pick(&p.decay),
                kappa: pick(&p.kappa),
                kappa_reg: pick(&p.kappa_reg),
                rho: pick(&p.adaptation_decay),
                beta: pick(&p.adaptation_gain),
            }
        };
        let adapts = !onto_readouts && coefficients.beta.iter().any(|beta| *beta != 0.0);
        let traces = if onto_readouts { 0 } else { lanes };
        let moments = if matches!(optimizer.method, Method::Adam { .. }) { lanes } else { 0 };
        Self {
            projection: route.projection,
            onto_readouts,
            adapts,
            cutoff,
            uniform: onto_readouts || is_uniform(p, &lane_places),
            stride,
            coefficients,
            filtered: vec![0.0; lanes],
            adaptation: vec![0.0; if adapts { lanes } else { 0 }],
            eligibility: vec![0.0; traces],
            regularization: vec![0.0; traces],
            gradient: vec![0.0; lanes],
            sum: vec![0.0; lanes],
            first: vec![0.0; moments],
            second: vec![0.0; moments],
            rows: vec![
                RowState {
                    previous: 0,
                    before: 0,
                    next: 0,
                    waiting: false,
                    step: 1,
                    eta: optimizer.eta_first
                };
                route.row_count
            ],
            ahead: BTreeMap::new(),
            scratch: Vec::new(),
            layout,
        }
    }

    /// Takes over traces and moments from the same synapses as they were laid out before.
    pub fn carry_over(&mut self, mut old: Vec<Self>) {
        if old.len() == 1 && old[0].layout == self.layout && old[0].cutoff == self.cutoff {
            let mut old = old.remove(0);
            std::mem::swap(&mut old.coefficients, &mut self.coefficients);
            old.adaptation.resize(if self.adapts { old.filtered.len() } else { 0 }, 0.0);
            (old.adapts, old.uniform) = (self.adapts, self.uniform);
            *self = old;
            return;
        }
        for old in &old {
            for row in 0..self.rows.len() {
                let mut lane_of: BTreeMap<usize, usize> = BTreeMap::new();
                old.for_each_entry(row, |lane, entry| {
                    lane_of.insert(entry, lane);
                });
                let mut pairs = Vec::new();
                self.for_each_entry(row, |lane, entry| {
                    if let Some(from) = lane_of.get(&entry) {
                        pairs.push((*from, lane));
                    }
                });
                for (from, to) in pairs {
                    for (ours, theirs) in [
                        (&mut self.filtered, &old.filtered),
                        (&mut self.adaptation, &old.adaptation),
                        (&mut self.eligibility, &old.eligibility),
                        (&mut self.regularization, &old.regularization),
                        (&mut self.gradient, &old.gradient),
                        (&mut self.sum, &old.sum),
                        (&mut self.first, &old.first),
                        (&mut self.second, &old.second),
                    ] {
                        if let (Some(ours), Some(theirs)) = (ours.get_mut(to), theirs.get(from)) {
                            *ours = *theirs;
                        }
                    }
                    self.rows[row] = old.rows[row];
                }
            }
        }
    }

    fn for_each_entry(&self, row: usize, mut each: impl FnMut(usize, usize)) {
        match &self.layout {
            Layout::Range { len, .. } => (0..*len).for_each(|k| each(row * self.stride + k, row * len + k)),
            Layout::Listed { starts, entries, .. } => {
                for lane in starts[row]..starts[row + 1] {
                    if entries[lane] != NONE {
                        each(lane, entries[lane] as usize);
                    }
                }
            }
        }
    }

    /// Whether its rows end at scattered places.
    #[must_use]
    pub fn is_scattered(&self) -> bool {
        matches!(self.layout, Layout::Listed { .. })
    }

    /// Bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let numbers = self.filtered.len()
            + self.adaptation.len()
            + self.eligibility.len()
            + self.regularization.len()
            + self.gradient.len()
            + self.sum.len()
            + self.first.len()
            + self.second.len();
        let listed = match &self.layout {
            Layout::Range { .. } => 0,
            Layout::Listed { places, starts, .. } => 8 * (places.len() + starts.len()),
        };
        (8 * numbers + size_of::<RowState>() * self.rows.len() + listed) as u64
    }

    /// Takes in a spike with that stamp: the row's weights are updated, as they are to be transmitted.
    pub fn arrive(
        &mut self,
        row: usize,
        stamp: i64,
        history: &History,
        optimizer: &OptimizerProperties,
        weights: &mut [f64],
    ) {
        let previous = self.rows[row].previous;
        if previous > 0 {
            self.scratch_weights(row, weights);
            self.integrate(row, stamp - 1, history, optimizer);
            let skipped = (stamp - previous).saturating_sub(self.cutoff);
            if skipped > 0 {
                self.decay(row, skipped);
            }
            if !optimizer.optimize_each_step {
                self.call(row, (stamp - 1) as u64, optimizer);
            }
            self.write_weights(row, weights);
        }
        let state = &mut self.rows[row];
        state.before = state.previous;
        state.previous = stamp;
        state.next = stamp - 1;
    }

    /// Takes in what has happened to rows that have been silent since before `oldest`, up to, but not including, the
    /// step `until`.
    pub fn catch_up(
        &mut self,
        oldest: i64,
        until: i64,
        history: &History,
        optimizer: &OptimizerProperties,
        weights: &[f64],
    ) {
        for row in 0..self.rows.len() {
            let state = self.rows[row];
            if state.previous == 0 || state.next >= oldest || state.next >= self.window_end(&state) {
                continue;
            }
            if optimizer.optimize_each_step {
                self.scratch_weights(row, weights);
            }
            self.integrate(row, until, history, optimizer);
            if optimizer.optimize_each_step {
                self.ahead.insert(row, self.scratch.clone());
            }
        }
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
            let reaches = match &self.layout {
                Layout::Range { first, len } => {
                    (*first..first + len).contains(&target)
                        && route.holes.binary_search(&(row * len + target - first)).is_err()
                }
                Layout::Listed { starts, places, .. } => {
                    places[starts[row]..starts[row + 1]].contains(&(target as u32))
                }
            };
            let now = state.previous == stamp;
            reaches.then_some((row, if now { state.before } else { state.previous }, now))
        })
    }

    fn window_end(&self, state: &RowState) -> i64 {
        (state.previous - 1).saturating_add(self.cutoff)
    }

    fn lanes(&self, row: usize) -> std::ops::Range<usize> {
        match &self.layout {
            Layout::Range { .. } => row * self.stride..(row + 1) * self.stride,
            Layout::Listed { starts, .. } => starts[row]..starts[row + 1],
        }
    }

    /// Copies a row's weights, or those that it has ahead, to where they are updated.
    fn scratch_weights(&mut self, row: usize, weights: &[f64]) {
        if let Some(ahead) = self.ahead.remove(&row) {
            self.scratch = ahead;
            return;
        }
        self.scratch.clear();
        match &self.layout {
            Layout::Range { len, .. } => {
                self.scratch.extend_from_slice(&weights[row * len..(row + 1) * len]);
                self.scratch.resize(self.stride, 0.0);
            }
            Layout::Listed { starts, entries, .. } => {
                let entries = &entries[starts[row]..starts[row + 1]];
                self.scratch
                    .extend(entries.iter().map(|entry| weights.get(*entry as usize).copied().unwrap_or(0.0)));
            }
        }
    }

    fn write_weights(&self, row: usize, weights: &mut [f64]) {
        match &self.layout {
            Layout::Range { len, .. } => {
                weights[row * len..(row + 1) * len].copy_from_slice(&self.scratch[..*len]);
            }
            Layout::Listed { starts, entries, .. } => {
                for (entry, weight) in entries[starts[row]..starts[row + 1]].iter().zip(&self.scratch) {
                    if let Some(place) = weights.get_mut(*entry as usize) {
                        *place = *weight;
                    }
                }
            }
        }
    }

    /// Goes through the window's steps before `until` that are not yet taken in.
    fn integrate(&mut self, row: usize, until: i64, history: &History, optimizer: &OptimizerProperties) {
        let end = until.min(self.window_end(&self.rows[row]));
        if optimizer.optimize_each_step {
            let lanes = self.lanes(row);
            while self.rows[row].next < end {
                let step = self.rows[row].next;
                self.take_in(row, step + 1, history);
                self.call(row, step as u64 + 1, optimizer);
                debug_assert!(self.gradient[lanes.clone()].iter().all(|gradient| *gradient == 0.0));
            }
        } else if self.rows[row].next < end {
            self.take_in(row, end, history);
        }
    }

    /// Takes in the window's steps before `end`, at least one.
    fn take_in(&mut self, row: usize, end: i64, history: &History) {
        let lanes = self.lanes(row);
        let state = &mut self.rows[row];
        let begin = state.next;
        let mut spikes = [0.0; 2];
        for (place, spike) in spikes.iter_mut().enumerate() {
            let step = begin + place as i64;
            if step >= end {
                break;
            }
            // What waits enters in the window's first step, the spike that began it in the second.
            *spike = f64::from(u8::from(state.waiting && step <= state.previous));
            if step <= state.previous {
                state.waiting = step < state.previous;
            }
        }
        state.next = end;
        let window = Window { begin, steps: (end - begin) as usize, spikes };
        let targets = match &self.layout {
            Layout::Range { first, .. } => Targets::Range(*first),
            Layout::Listed { places, .. } => Targets::Places(&places[lanes.clone()]),
        };
        let mut traces = Traces {
            filtered: part(&mut self.filtered, &lanes),
            adaptation: part(&mut self.adaptation, &lanes),
            eligibility: part(&mut self.eligibility, &lanes),
            regularization: part(&mut self.regularization, &lanes),
            gradient: part(&mut self.gradient, &lanes),
        };
        let kernel = match (self.onto_readouts, self.adapts) {
            (true, _) => eligibility::onto_readouts,
            (false, false) => eligibility::onto_recurrent,
            (false, true) => eligibility::onto_adaptive,
        };
        kernel(&self.coefficients, history, targets, window, &mut traces);
    }

    /// Lets traces decay over steps that are not looked at.
    fn decay(&mut self, row: usize, steps: i64) {
        let lanes = self.lanes(row);
        let power = |base: f64| libm::pow(base, steps as f64);
        for (values, bases) in [
            (&mut self.filtered, &self.coefficients.decay),
            (&mut self.eligibility, &self.coefficients.kappa),
            (&mut self.regularization, &self.coefficients.kappa_reg),
            (&mut self.adaptation, &self.coefficients.rho),
        ] {
            if values.is_empty() {
                continue;
            }
            let values = &mut values[lanes.clone()];
            match &self.layout {
                _ if self.uniform => {
                    let factor = power(bases[0]);
                    for value in values.iter_mut() {
                        *value *= factor;
                    }
                }
                Layout::Range { .. } => {
                    for (value, base) in values.iter_mut().zip(bases) {
                        *value *= power(*base);
                    }
                }
                Layout::Listed { places, .. } => {
                    for (value, place) in values.iter_mut().zip(&places[lanes.clone()]) {
                        *value *= power(bases[*place as usize]);
                    }
                }
            }
        }
    }

    /// Calls the optimizer with the gradient so far, which then begins anew; weights are those in `scratch`.
    fn call(&mut self, row: usize, index: u64, optimizer: &OptimizerProperties) {
        let lanes = self.lanes(row);
        let state = &mut self.rows[row];
        let now = 1 + index / optimizer.batch_size as u64;
        let gradient = &mut self.gradient[lanes.clone()];
        let sum = &mut self.sum[lanes.clone()];
        for (sum, gradient) in sum.iter_mut().zip(gradient.iter_mut()) {
            *sum += *gradient;
            *gradient = 0.0;
        }
        if state.step < now {
            let divisor = optimizer.batch_size as f64;
            let weights = &mut self.scratch[..];
            let (w_min, w_max) = (optimizer.w_min, optimizer.w_max);
            match optimizer.method {
                Method::GradientDescent => {
                    optimizer::descend(weights, sum, divisor, state.eta, w_min, w_max);
                }
                Method::Adam { beta_1, beta_2, epsilon } => {
                    let (first, second) = (&mut self.first[lanes.clone()], &mut self.second[lanes.clone()]);
                    // Bounds hold after the steps without a gradient, too.
                    let (low, high) = (f64::NEG_INFINITY, f64::INFINITY);
                    for step in state.step..now {
                        let rate = optimizer::adam_rate(state.eta, beta_1, beta_2, step);
                        let (low, high) = if step + 1 == now { (w_min, w_max) } else { (low, high) };
                        if step == state.step {
                            optimizer::adam(
                                weights, first, second, sum, divisor, rate, beta_1, beta_2, epsilon, low,
                                high,
                            );
                        } else {
                            optimizer::adam_without_gradient(
                                weights, first, second, rate, beta_1, beta_2, epsilon, low, high,
                            );
                        }
                    }
                }
            }
            sum.fill(0.0);
            state.step = now;
        }
        state.eta = optimizer.eta;
    }
}

/// The lanes of a row; none where the synapses have no such trace.
fn part<'a>(values: &'a mut [f64], lanes: &std::ops::Range<usize>) -> &'a mut [f64] {
    values.get_mut(lanes.clone()).unwrap_or_default()
}

fn listed(route: &Route, nobody: usize, belongs: impl Fn(usize) -> bool) -> Layout {
    let mut starts = vec![0];
    let mut places = Vec::new();
    let mut entries = Vec::new();
    for row in 0..route.row_count {
        for entry in route.entries(row) {
            let place = route.target(row, entry);
            if belongs(place) {
                places.push(place as u32);
                entries.push(entry as u32);
            }
        }
        let padded = places.len().next_multiple_of(8);
        places.resize(padded, nobody as u32);
        entries.resize(padded, NONE);
        starts.push(padded);
    }
    Layout::Listed { starts, places, entries }
}

fn is_uniform(p: &Recurrent, places: &[usize]) -> bool {
    let same = |values: &[f64]| places.iter().all(|place| values[*place] == values[places[0]]);
    places.is_empty() || (same(&p.decay) && same(&p.kappa) && same(&p.kappa_reg) && same(&p.adaptation_decay))
}
