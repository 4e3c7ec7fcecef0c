//! e-prop+: weights that change at every presynaptic spike, a row of synapses at a time (NUMERICS, section 3).
//!
//! A spike updates its neuron's row over the window since the neuron's last spike. A row whose window is about to
//! leave the history is caught up: its traces and gradient go on, its weights stay until the next spike.

mod state;

use std::collections::BTreeMap;

use crate::learn::eligibility::{self, Coefficients, Stretch, Trace, TraceSet};
use crate::learn::history::{History, LANES, Lanes};
use crate::learn::layout::Layout;
use crate::learn::optimizer::{self, Method, OptimizerProperties};
use crate::plan::event::EventPlan;
use crate::plan::route::{Columns, Route};
use crate::simulate::row;

/// Rows that go through their windows together.
const TOGETHER: usize = 32;

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
    /// Learning rate read at the last call.
    eta: f64,
    /// Low-pass filtered presynaptic spikes, where they are the same for all targets.
    filtered: f64,
}

/// Synapses of one projection whose targets look equally far back.
#[derive(Debug, Clone)]
pub struct PlasticRows {
    /// Place of the projection.
    pub projection: usize,
    set: TraceSet,
    cutoff: i64,
    layout: Layout,
    coefficients: Coefficients,
    /// One of the targets.
    target: usize,
    /// By block, its traces side by side.
    traces: Vec<Lanes>,
    /// Gradient so far of rows that were caught up.
    gradient: Vec<Lanes>,
    /// Gradient of the present batch.
    sum: Vec<f64>,
    first: Vec<f64>,
    second: Vec<f64>,
    rows: Vec<RowState>,
    /// Weights of rows that were caught up with an optimizer call in each step; they show at the next spike.
    ahead: BTreeMap<usize, Vec<f64>>,
    scratch: Scratch,
}

/// What rows need while they go through their windows.
#[derive(Debug, Clone, Default)]
struct Scratch {
    rows: Vec<usize>,
    stretches: Vec<Stretch>,
    drive: Vec<f64>,
    gradients: Vec<Lanes>,
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
                    _ => Layout::listed(route, history.nobody(), whole, |place| cutoffs[place] == cutoff),
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
        let by_place = |values: &[f64]| -> Vec<Lanes> {
            let mut lanes = vec![Lanes::default(); history.blocks()];
            bytemuck::cast_slice_mut(&mut lanes)[..values.len()].copy_from_slice(values);
            lanes
        };
        let p = &plan.recurrent;
        let reached = layout.reached(history.nobody());
        let same = |values: &[f64]| reached.iter().all(|place| values[*place] == values[reached[0]]);
        let (coefficients, uniform) = if onto_readouts {
            let decay = &plan.readouts.decay;
            (Coefficients { decay: by_place(decay), ..Coefficients::default() }, same(decay))
        } else {
            let all = [&p.decay, &p.kappa, &p.kappa_reg, &p.adaptation_decay, &p.adaptation_gain];
            let [decay, kappa, kappa_reg, rho, beta] = all.map(|values| by_place(values));
            let uniform = all.iter().all(|values| same(values));
            (Coefficients { decay, kappa, kappa_reg, rho, beta }, uniform)
        };
        let set = TraceSet {
            onto_readouts,
            uniform,
            adapts: !onto_readouts && reached.iter().any(|place| p.adaptation_gain[*place] != 0.0),
        };
        let blocks = layout.block_count(route.row_count);
        let moments = if matches!(optimizer.method, Method::Adam { .. }) { LANES * blocks } else { 0 };
        Self {
            projection: route.projection,
            set,
            cutoff,
            coefficients,
            target: reached[0],
            traces: vec![Lanes::default(); blocks * set.count()],
            gradient: vec![Lanes::default(); blocks],
            sum: vec![0.0; LANES * blocks],
            first: vec![0.0; moments],
            second: vec![0.0; moments],
            rows: vec![
                RowState {
                    previous: 0,
                    before: 0,
                    next: 0,
                    waiting: false,
                    caught_up: false,
                    summed: false,
                    step: 1,
                    eta: optimizer.eta_first,
                    filtered: 0.0,
                };
                route.row_count
            ],
            ahead: BTreeMap::new(),
            scratch: Scratch::default(),
            layout,
        }
    }

    /// Takes over traces and moments from the same synapses as they were laid out before; `weights` are those of the
    /// projection.
    pub fn carry_over(&mut self, mut old: Vec<Self>, weights: &[f64]) {
        // Rows keep their filtered spikes for each target once they may have differed.
        if !(old.len() == 1 && old[0].set.uniform) {
            self.keep_filtered_by_target();
        }
        if old.len() == 1
            && old[0].layout == self.layout
            && (old[0].cutoff, old[0].set) == (self.cutoff, self.set)
        {
            let mut old = old.remove(0);
            std::mem::swap(&mut old.coefficients, &mut self.coefficients);
            *self = old;
            return;
        }
        for old in &old {
            for row in 0..self.rows.len() {
                self.carry_row_over(row, old, weights);
            }
        }
    }

    /// Makes room for filtered spikes of each target; traces begin from zero.
    fn keep_filtered_by_target(&mut self) {
        self.set.uniform = false;
        self.traces = vec![Lanes::default(); self.gradient.len() * self.set.count()];
    }

    fn carry_row_over(&mut self, row: usize, old: &Self, weights: &[f64]) {
        let mut lane_of: BTreeMap<usize, usize> = BTreeMap::new();
        old.layout.for_each_entry(row, |lane, entry| {
            lane_of.insert(entry, lane);
        });
        let mut pairs = Vec::new();
        self.layout.for_each_entry(row, |lane, entry| {
            pairs.extend(lane_of.get(&entry).map(|from| (*from, lane)));
        });
        if pairs.is_empty() {
            return;
        }
        let (ours, theirs) = (self.rows[row], old.rows[row]);
        self.rows[row] = RowState {
            summed: ours.summed || theirs.summed,
            caught_up: ours.caught_up || theirs.caught_up,
            ..theirs
        };
        if let Some(ahead) = old.ahead.get(&row) {
            let ours = self.ahead.entry(row).or_insert_with(|| self.layout.weights(row, weights));
            let (from_first, to_first) = (old.layout.lanes(row).start, self.layout.lanes(row).start);
            for (from, to) in &pairs {
                ours[to - to_first] = ahead[from - from_first];
            }
        }
        let set = self.set;
        for (from, to) in pairs {
            for trace in TraceSet::ALL.into_iter().filter(|trace| set.has(*trace)) {
                if old.set.has(trace) {
                    *self.trace_mut(trace, to) = old.trace(trace, from);
                } else if trace == Trace::Filtered {
                    *self.trace_mut(trace, to) = theirs.filtered;
                }
            }
            if theirs.caught_up {
                self.gradient[to / LANES].0[to % LANES] = at(&old.gradient, from);
            }
            for (ours, theirs) in
                [(&mut self.sum, &old.sum), (&mut self.first, &old.first), (&mut self.second, &old.second)]
            {
                if let (Some(ours), Some(theirs)) = (ours.get_mut(to), theirs.get(from)) {
                    *ours = *theirs;
                }
            }
        }
    }

    /// A trace in a lane.
    fn trace(&self, trace: Trace, lane: usize) -> f64 {
        self.traces[lane / LANES * self.set.count() + self.set.place(trace)].0[lane % LANES]
    }

    fn trace_mut(&mut self, trace: Trace, lane: usize) -> &mut f64 {
        &mut self.traces[lane / LANES * self.set.count() + self.set.place(trace)].0[lane % LANES]
    }

    /// Whether its rows end at scattered places.
    #[must_use]
    pub fn is_scattered(&self) -> bool {
        matches!(self.layout, Layout::Listed { .. })
    }

    /// Bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let lanes = size_of_val(&self.traces[..]) + size_of_val(&self.gradient[..]);
        let numbers = self.sum.len() + self.first.len() + self.second.len();
        (lanes + 8 * numbers + size_of_val(&self.rows[..]) + self.layout.bytes()) as u64
    }

    /// Takes in a spike with that stamp in each of these rows: their weights are updated, as they are to be transmitted.
    pub fn arrive(
        &mut self,
        rows: &[u32],
        stamp: i64,
        history: &History,
        optimizer: &OptimizerProperties,
        weights: &mut [f64],
    ) {
        let mut scratch = std::mem::take(&mut self.scratch);
        let mut learning = std::mem::take(&mut scratch.rows);
        let each_step = optimizer.optimize_each_step;
        for rows in rows.chunks(TOGETHER) {
            let rows = rows.iter().map(|row| *row as usize);
            // Nothing is learned at a synapse's first spike.
            learning.clear();
            learning.extend(rows.clone().filter(|row| self.rows[*row].previous > 0));
            if !each_step {
                self.take_in(&learning, stamp - 1, history, &mut scratch);
            }
            let mut gradients = std::mem::take(&mut scratch.gradients);
            let mut gradient: &[Lanes] = &gradients;
            for row in learning.iter().copied() {
                if let Some(ahead) = self.ahead.remove(&row) {
                    self.layout.set_weights(row, &ahead, weights);
                }
                let of_row;
                (of_row, gradient) =
                    gradient.split_at(if each_step { 0 } else { self.layout.blocks(row).len() });
                self.change_weights(row, weights, &mut scratch, |this, weights, scratch| {
                    if each_step {
                        this.learn_each_step(row, stamp - 1, history, optimizer, weights, scratch);
                    } else {
                        this.call(row, (stamp - 1) as u64, optimizer, of_row, weights);
                    }
                });
                let skipped = (stamp - self.rows[row].previous).saturating_sub(self.cutoff);
                if skipped > 0 {
                    self.decay(row, skipped);
                }
            }
            gradients.clear();
            scratch.gradients = gradients;
            for row in rows {
                let state = &mut self.rows[row];
                state.before = state.previous;
                state.previous = stamp;
                state.next = stamp - 1;
            }
        }
        scratch.rows = learning;
        self.scratch = scratch;
    }

    /// Lets a row's weights be changed: in place, if they are consecutive.
    fn change_weights(
        &mut self,
        row: usize,
        weights: &mut [f64],
        scratch: &mut Scratch,
        change: impl FnOnce(&mut Self, &mut [f64], &mut Scratch),
    ) {
        if let Some(entries) = self.layout.entries(row) {
            return change(self, &mut weights[entries], scratch);
        }
        let mut picked = self.layout.weights(row, weights);
        change(self, &mut picked, scratch);
        self.layout.set_weights(row, &picked, weights);
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
        let mut scratch = std::mem::take(&mut self.scratch);
        let behind = |state: &RowState| {
            state.previous > 0 && state.next < oldest && state.next < self.window_end(state)
        };
        let rows: Vec<usize> = (0..self.rows.len()).filter(|row| behind(&self.rows[*row])).collect();
        if optimizer.optimize_each_step {
            for row in rows {
                let mut ahead = self.ahead.remove(&row).unwrap_or_else(|| self.layout.weights(row, weights));
                self.learn_each_step(row, until, history, optimizer, &mut ahead, &mut scratch);
                self.ahead.insert(row, ahead);
            }
        } else {
            for rows in rows.chunks(TOGETHER) {
                self.take_in(rows, until, history, &mut scratch);
                let mut gradient = &scratch.gradients[..];
                for row in rows {
                    let blocks = self.layout.blocks(*row);
                    let (of_row, others) = gradient.split_at(blocks.len());
                    self.gradient[blocks].copy_from_slice(of_row);
                    self.rows[*row].caught_up = true;
                    gradient = others;
                }
            }
        }
        self.scratch = scratch;
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

    fn window_end(&self, state: &RowState) -> i64 {
        (state.previous - 1).saturating_add(self.cutoff)
    }

    /// Goes through the window's steps before `end` that are not yet taken in, with a call of the optimizer in each.
    fn learn_each_step(
        &mut self,
        row: usize,
        end: i64,
        history: &History,
        optimizer: &OptimizerProperties,
        weights: &mut [f64],
        scratch: &mut Scratch,
    ) {
        let end = end.min(self.window_end(&self.rows[row]));
        while self.rows[row].next < end {
            let next = self.rows[row].next + 1;
            self.take_in(&[row], next, history, scratch);
            self.call(row, next as u64, optimizer, &scratch.gradients, weights);
        }
    }

    /// Takes in the steps before `end` that are in the rows' windows and not yet taken in. Leaves the rows' gradients
    /// one after the other.
    fn take_in(&mut self, rows: &[usize], end: i64, history: &History, scratch: &mut Scratch) {
        scratch.stretches.clear();
        scratch.drive.clear();
        scratch.gradients.clear();
        for row in rows {
            self.enter(*row, end, history, scratch);
        }
        let kernel = match (self.set.onto_readouts, self.set.uniform, self.set.adapts) {
            (true, true, _) => eligibility::onto_uniform_readouts,
            (true, false, _) => eligibility::onto_readouts,
            (false, true, false) => eligibility::onto_uniform,
            (false, false, false) => eligibility::onto_recurrent,
            (false, true, true) => eligibility::onto_uniform_adaptive,
            (false, false, true) => eligibility::onto_adaptive,
        };
        let Scratch { stretches, drive, gradients, .. } = scratch;
        let targets = self.layout.targets();
        kernel(&self.coefficients, history, targets, stretches, drive, &mut self.traces, gradients);
    }

    /// Prepares a row for going through its window up to, but not including, `end`.
    fn enter(&mut self, row: usize, end: i64, history: &History, scratch: &mut Scratch) {
        let end = end.min(self.window_end(&self.rows[row]));
        let state = &mut self.rows[row];
        let blocks = self.layout.blocks(row);
        let gradient = scratch.gradients.len();
        if std::mem::take(&mut state.caught_up) {
            scratch.gradients.extend_from_slice(&self.gradient[blocks.clone()]);
        } else {
            scratch.gradients.resize(gradient + blocks.len(), Lanes::default());
        }
        let begin = state.next;
        if begin >= end {
            return;
        }
        state.next = end;
        let mut step = scratch.drive.len();
        scratch.drive.resize(step + (end - begin) as usize, 0.0);
        let drive = &mut scratch.drive[step..];
        // What waits enters in the window's first step, the spike that began it in the second.
        for (spikes, step) in drive.iter_mut().zip(begin..=state.previous) {
            *spikes = f64::from(u8::from(state.waiting));
            state.waiting = step < state.previous;
        }
        if self.set.uniform {
            let decay = at(&self.coefficients.decay, self.target);
            eligibility::filter(decay, &mut state.filtered, drive);
        }
        history.stretches(begin..end, |slots, quiet| {
            let drive = step;
            step += slots.len();
            scratch.stretches.push(Stretch { blocks: blocks.clone(), gradient, slots, quiet, drive });
        });
    }

    /// Lets traces decay over steps that are not looked at.
    fn decay(&mut self, row: usize, steps: i64) {
        let power = |base: f64| libm::pow(base, steps as f64);
        if self.set.uniform {
            self.rows[row].filtered *= power(at(&self.coefficients.decay, self.target));
        }
        let count = self.set.count();
        for trace in TraceSet::ALL.into_iter().filter(|trace| self.set.has(*trace)) {
            let bases = match trace {
                Trace::Eligibility => &self.coefficients.kappa,
                Trace::Regularization => &self.coefficients.kappa_reg,
                Trace::Filtered => &self.coefficients.decay,
                Trace::Adaptation => &self.coefficients.rho,
            };
            let common = self.set.uniform.then(|| power(at(bases, self.target)));
            for block in self.layout.blocks(row) {
                let values = &mut self.traces[block * count + self.set.place(trace)].0;
                for (lane, value) in (block * LANES..).zip(values) {
                    *value *= common.unwrap_or_else(|| power(at(bases, self.layout.place(row, lane))));
                }
            }
        }
    }

    /// Calls the optimizer with a row's gradient.
    fn call(
        &mut self,
        row: usize,
        index: u64,
        optimizer: &OptimizerProperties,
        gradient: &[Lanes],
        weights: &mut [f64],
    ) {
        let lanes = self.layout.lanes(row);
        let begin = lanes.start - self.layout.blocks(row).start * LANES;
        let gradient = &bytemuck::cast_slice(gradient)[begin..begin + lanes.len()];
        let state = &mut self.rows[row];
        let now = 1 + index / optimizer.batch_size as u64;
        let ends = state.step < now;
        let sum = &mut self.sum[lanes.clone()];
        let gradient = if state.summed || !ends {
            row::add(sum, gradient);
            state.summed = true;
            &*sum
        } else {
            gradient
        };
        if ends {
            let divisor = optimizer.batch_size as f64;
            let (w_min, w_max) = (optimizer.w_min, optimizer.w_max);
            match optimizer.method {
                Method::GradientDescent => {
                    optimizer::descend(weights, gradient, divisor, state.eta, w_min, w_max);
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
                                weights, first, second, gradient, divisor, rate, beta_1, beta_2, epsilon,
                                low, high,
                            );
                        } else {
                            optimizer::adam_without_gradient(
                                weights, first, second, rate, beta_1, beta_2, epsilon, low, high,
                            );
                        }
                    }
                }
            }
            if std::mem::take(&mut state.summed) {
                sum.fill(0.0);
            }
            state.step = now;
        }
        state.eta = optimizer.eta;
    }
}

/// The value at a place.
fn at(values: &[Lanes], place: usize) -> f64 {
    values[place / LANES].0[place % LANES]
}
