//! Neighbouring rows of plastic synapses with all that a spike changes in them.

use std::ops::Range;

use crate::optimizer::{self, OptimizerProperties, Row};
use crate::plus::eligibility::{self, Coefficients, Stretch, Trace, TraceSet};
use crate::plus::layout::Layout;
use crate::plus::ring::{LANES, Vector};
use crate::plus::rows::{Arrival, LeftBehind, RowState, at};
use crate::plus::windows::pass::{self, Pass, maps_of};
use crate::step::row;

/// Rows that go through their windows together.
const TOGETHER: usize = 32;

/// What all rows of a projection have in common.
#[derive(Debug, Clone, Copy)]
pub(super) struct Common<'a> {
    pub set: TraceSet,
    pub cutoff: i64,
    pub layout: &'a Layout,
    pub coefficients: &'a Coefficients,
    /// One of the targets.
    pub target: usize,
}

/// What rows need while they go through their windows. Aligned so that threads don't write into each other's lines.
#[derive(Debug, Clone, Default)]
#[repr(align(128))]
pub(super) struct Scratch {
    rows: Vec<usize>,
    stretches: Vec<Stretch>,
    drive: Vec<f64>,
    passes: Vec<Pass>,
    gradients: Vec<Vector>,
    /// The first row, and its position, whose gradient or weight would not be finite.
    pub broken: Option<(usize, usize)>,
}

/// Neighbouring rows; all slices begin with the first of them.
#[derive(Debug)]
pub(super) struct Part<'a> {
    pub common: Common<'a>,
    pub first_row: usize,
    pub first_block: usize,
    /// The entry of the first weight.
    pub first_entry: usize,
    pub rows: &'a mut [RowState],
    pub traces: &'a mut [Vector],
    pub gradient: &'a mut [Vector],
    pub sum: &'a mut [f64],
    pub first: &'a mut [f64],
    pub second: &'a mut [f64],
    pub weights: &'a mut [f64],
}

/// Why nothing can be missing where rows are split.
const WITHIN: &str = "a row of this part";

impl Part<'_> {
    /// Takes off the rows before `row`, whose first weight is that of `entry`.
    pub fn split_before(&mut self, row: usize, entry: usize) -> Self {
        let block = self.common.layout.blocks(row).start;
        let (rows, blocks) = (row - self.first_row, block - self.first_block);
        // Not all methods have moments, and who changes no weights brings none.
        let moments = self.first.len().min(LANES * blocks);
        let weights = self.weights.len().min(entry - self.first_entry);
        let part = Self {
            common: self.common,
            first_row: self.first_row,
            first_block: self.first_block,
            first_entry: self.first_entry,
            rows: self.rows.split_off_mut(..rows).expect(WITHIN),
            traces: self.traces.split_off_mut(..blocks * self.common.set.count()).expect(WITHIN),
            gradient: self.gradient.split_off_mut(..blocks).expect(WITHIN),
            sum: self.sum.split_off_mut(..LANES * blocks).expect(WITHIN),
            first: self.first.split_off_mut(..moments).expect(WITHIN),
            second: self.second.split_off_mut(..moments).expect(WITHIN),
            weights: self.weights.split_off_mut(..weights).expect(WITHIN),
        };
        (self.first_row, self.first_block, self.first_entry) = (row, block, entry);
        part
    }

    /// The state of a row.
    fn row(&mut self, row: usize) -> &mut RowState {
        &mut self.rows[row - self.first_row]
    }

    /// The blocks of a row, counted from the first of this part.
    pub fn blocks(&self, row: usize) -> Range<usize> {
        let blocks = self.common.layout.blocks(row);
        blocks.start - self.first_block..blocks.end - self.first_block
    }

    /// The positions of a row that have weights, counted from the first of this part.
    fn positions(&self, row: usize) -> Range<usize> {
        let positions = self.common.layout.positions(row);
        positions.start - LANES * self.first_block..positions.end - LANES * self.first_block
    }

    /// Takes in a spike in each of these rows: their weights are updated, as they are to be transmitted.
    pub fn arrive(&mut self, rows: &[u32], arrival: Arrival<'_>, scratch: &mut Scratch) {
        let Arrival { stamp, left, optimizer } = arrival;
        let mut learning = std::mem::take(&mut scratch.rows);
        let each_step = optimizer.optimize_each_step;
        for rows in rows.chunks(TOGETHER) {
            let rows = rows.iter().map(|row| *row as usize);
            // Nothing is learned at a synapse's first spike.
            learning.clear();
            learning.extend(rows.clone().filter(|row| self.row(*row).previous > 0));
            if !each_step {
                self.take_in(&learning, stamp - 1, left, scratch);
            }
            let mut gradients = std::mem::take(&mut scratch.gradients);
            let mut gradient: &[Vector] = &gradients;
            for row in learning.iter().copied() {
                let of_row;
                (of_row, gradient) = gradient.split_at(if each_step { 0 } else { self.blocks(row).len() });
                self.change_weights(row, |this, weights| {
                    if each_step {
                        this.learn_each_step(row, stamp - 1, left, optimizer, weights, scratch);
                    } else {
                        let broken = this.call(row, (stamp - 1) as u64, optimizer, of_row, weights);
                        scratch.broken = scratch.broken.or(broken);
                    }
                });
                let skipped = (stamp - self.row(row).previous).saturating_sub(self.common.cutoff);
                if skipped > 0 {
                    self.decay(row, skipped);
                }
            }
            gradients.clear();
            scratch.gradients = gradients;
            for row in rows {
                let state = self.row(row);
                state.before = state.previous;
                state.previous = stamp;
                state.next = stamp - 1;
            }
        }
        scratch.rows = learning;
    }

    /// Lets a row's weights be changed: in place, if they are consecutive.
    pub fn change_weights(&mut self, row: usize, change: impl FnOnce(&mut Self, &mut [f64])) {
        let (layout, first) = (self.common.layout, self.first_entry);
        let weights = std::mem::take(&mut self.weights);
        if let Some(entries) = layout.entries(row) {
            change(self, &mut weights[entries.start - first..entries.end - first]);
        } else {
            let mut picked = layout.weights(row, first, weights);
            change(self, &mut picked);
            layout.set_weights(row, &picked, first, weights);
        }
        self.weights = weights;
    }

    /// Takes in what has happened to these rows up to, but not including, the step `until`, and keeps their gradients.
    pub fn catch_up(&mut self, rows: &[u32], until: i64, left: LeftBehind<'_>, scratch: &mut Scratch) {
        let mut behind = std::mem::take(&mut scratch.rows);
        for rows in rows.chunks(TOGETHER) {
            behind.clear();
            behind.extend(rows.iter().map(|row| *row as usize));
            self.take_in(&behind, until, left, scratch);
            let mut gradient = &scratch.gradients[..];
            for row in &behind {
                let blocks = self.blocks(*row);
                let of_row;
                (of_row, gradient) = gradient.split_at(blocks.len());
                self.gradient[blocks].copy_from_slice(of_row);
                self.row(*row).caught_up = true;
            }
        }
        scratch.rows = behind;
    }

    /// The step after the last one of a row's window.
    fn window_end(&mut self, row: usize) -> i64 {
        let cutoff = self.common.cutoff;
        self.row(row).window_end(cutoff)
    }

    /// Goes through the window's steps before `end` that are not yet taken in, with a call of the optimizer in each.
    pub fn learn_each_step(
        &mut self,
        row: usize,
        end: i64,
        left: LeftBehind<'_>,
        optimizer: &OptimizerProperties,
        weights: &mut [f64],
        scratch: &mut Scratch,
    ) {
        let left = LeftBehind { windows: None, ..left };
        let last = end.min(self.window_end(row));
        while self.row(row).next < last {
            let next = self.row(row).next + 1;
            self.take_in(&[row], next, left, scratch);
            let broken = self.call(row, next as u64, optimizer, &scratch.gradients, weights);
            scratch.broken = scratch.broken.or(broken);
        }
        // What was taken in before the optimizer was to be called in each step, and no step of the window is left.
        if std::mem::take(&mut self.row(row).caught_up) {
            let held = self.gradient[self.blocks(row)].to_vec();
            let broken = self.call(row, end as u64, optimizer, &held, weights);
            scratch.broken = scratch.broken.or(broken);
        }
    }

    /// Takes in the steps before `end` that are in the rows' windows and not yet taken in. Leaves the rows' gradients
    /// one after the other.
    fn take_in(&mut self, rows: &[usize], end: i64, left: LeftBehind<'_>, scratch: &mut Scratch) {
        let LeftBehind { history, windows } = left;
        scratch.stretches.clear();
        scratch.drive.clear();
        scratch.passes.clear();
        scratch.gradients.clear();
        for row in rows {
            self.enter(*row, end, left, scratch);
        }
        let Common { set, layout, coefficients, .. } = self.common;
        let Scratch { stretches, drive, passes, gradients, .. } = scratch;
        let targets = layout.targets(self.first_block);
        if !stretches.is_empty() {
            let kernel = match (set.onto_readouts, set.uniform, set.adapts) {
                (true, true, _) => eligibility::onto_uniform_readouts,
                (true, false, _) => eligibility::onto_readouts,
                (false, true, false) => eligibility::onto_uniform,
                (false, false, false) => eligibility::onto_recurrent,
                (false, true, true) => eligibility::onto_uniform_adaptive,
                (false, false, true) => eligibility::onto_adaptive,
            };
            kernel(coefficients, history, targets, stretches, drive, self.traces, gradients);
        }
        if let Some(windows) = windows
            && !passes.is_empty()
        {
            let kernel = match (set.onto_readouts, set.uniform, set.adapts) {
                (true, true, _) => pass::onto_uniform_readouts,
                (true, false, _) => pass::onto_readouts,
                (false, true, false) => pass::onto_uniform,
                (false, false, false) => pass::onto_recurrent,
                (false, true, true) => pass::onto_uniform_adaptive,
                (false, false, true) => pass::onto_adaptive,
            };
            let tables = windows.tables();
            kernel(coefficients, history, &tables, targets, passes, self.traces, gradients);
        }
    }

    /// Prepares a row for going through its window up to, but not including, `end`.
    fn enter(&mut self, row: usize, end: i64, left: LeftBehind<'_>, scratch: &mut Scratch) {
        let known = end;
        let end = end.min(self.window_end(row));
        let Common { set, coefficients, target, .. } = self.common;
        let blocks = self.blocks(row);
        let state = &mut self.rows[row - self.first_row];
        let gradient = scratch.gradients.len();
        if std::mem::take(&mut state.caught_up) {
            scratch.gradients.extend_from_slice(&self.gradient[blocks.clone()]);
        } else {
            scratch.gradients.resize(gradient + blocks.len(), Vector::default());
        }
        let begin = state.next;
        if begin >= end {
            return;
        }
        state.next = end;
        if let Some(windows) = left.windows
            && end == known
            && let Some((enters, maps)) = maps_of(windows, begin..end, state.previous)
        {
            let waiting = f64::from(u8::from(state.waiting));
            let mut pass = Pass {
                first_block: blocks.start,
                blocks: blocks.len(),
                gradient,
                walked: enters.then(|| (left.history.slot(begin), waiting)),
                enters: if enters { 1.0 } else { waiting },
                maps,
                ..Pass::default()
            };
            state.waiting = false;
            if set.uniform {
                pass.of_equals(&mut state.filtered, target, windows.powers());
            }
            scratch.passes.push(pass);
            return;
        }
        let mut step = scratch.drive.len();
        scratch.drive.resize(step + (end - begin) as usize, 0.0);
        let drive = &mut scratch.drive[step..];
        // What waits enters in the window's first step, the spike that began it in the second.
        for (spikes, step) in drive.iter_mut().zip(begin..=state.previous) {
            *spikes = f64::from(u8::from(state.waiting));
            state.waiting = step < state.previous;
        }
        if set.uniform {
            let decay = at(&coefficients.decay, target);
            eligibility::filter(decay, &mut state.filtered, drive);
        }
        left.history.stretches(begin..end, |slots, quiet| {
            let drive = step;
            step += slots.len();
            scratch.stretches.push(Stretch { blocks: blocks.clone(), gradient, slots, quiet, drive });
        });
    }

    /// Lets traces decay over steps that are not looked at.
    fn decay(&mut self, row: usize, steps: i64) {
        let power = |base: f64| libm::pow(base, steps as f64);
        let Common { set, layout, coefficients, target, .. } = self.common;
        if set.uniform {
            self.row(row).filtered *= power(at(&coefficients.decay, target));
        }
        let count = set.count();
        for trace in TraceSet::ALL.into_iter().filter(|trace| set.has(*trace)) {
            let bases = match trace {
                Trace::Eligibility => &coefficients.kappa,
                Trace::Regularization => &coefficients.kappa_reg,
                Trace::Filtered => &coefficients.decay,
                Trace::Adaptation => &coefficients.rho,
            };
            let common = set.uniform.then(|| power(at(bases, target)));
            for block in self.blocks(row) {
                let values = &mut self.traces[block * count + set.place(trace)].0;
                let first = (self.first_block + block) * LANES;
                for (position, value) in (first..).zip(values) {
                    *value *= common.unwrap_or_else(|| power(at(bases, layout.place(row, position))));
                }
            }
        }
    }

    /// Calls the optimizer with a row's gradient. Where that or a weight would not be finite, weights, moments and sums
    /// stay as they are; returns the row and the position.
    pub fn call(
        &mut self,
        row: usize,
        index: u64,
        optimizer: &OptimizerProperties,
        gradient: &[Vector],
        weights: &mut [f64],
    ) -> Option<(usize, usize)> {
        let positions = self.positions(row);
        let begin = positions.start - self.blocks(row).start * LANES;
        let gradient = &bytemuck::cast_slice(gradient)[begin..begin + positions.len()];
        let mut magnitude = 0.0;
        optimizer::magnitude(gradient, &mut magnitude);
        let state = &mut self.rows[row - self.first_row];
        let now = 1 + index / optimizer.batch_size as u64;
        let ends = state.step < now;
        let sum = &mut self.sum[positions.clone()];
        let moments = if self.first.is_empty() { 0..0 } else { positions.clone() };
        let (first, second) = (&mut self.first[moments.clone()], &mut self.second[moments]);
        // Who has never called before takes the first rate that was ever set.
        let eta = if state.eta.is_nan() { optimizer.eta_first } else { state.eta };
        if state.summed && ends {
            optimizer::magnitude(sum, &mut magnitude);
        }
        if !optimizer.stays_finite(eta, magnitude) {
            let mut tried: [Vec<f64>; 4] = [weights.to_vec(), first.to_vec(), second.to_vec(), sum.to_vec()];
            let [weights, first, second, sum] = &mut tried;
            row::add(sum, gradient);
            if ends {
                optimizer.unbounded().steps(eta, state.step..now, Row { weights, first, second }, sum);
            }
            let finite = |place: usize| {
                tried.iter().all(|values| values.get(place).is_none_or(|value| value.is_finite()))
            };
            if let Some(place) = (0..positions.len()).find(|place| !finite(*place)) {
                return Some((row, LANES * self.first_block + positions.start + place));
            }
        }
        let gradient = if state.summed || !ends {
            row::add(sum, gradient);
            state.summed = true;
            &*sum
        } else {
            gradient
        };
        if ends {
            optimizer.steps(eta, state.step..now, Row { weights, first, second }, gradient);
            if std::mem::take(&mut state.summed) {
                sum.fill(0.0);
            }
            state.step = now;
            // A call that ends no batch reads no rate.
            state.eta = optimizer.eta;
        }
        None
    }
}
