//! What plastic projections remember between updates of their weights: sums of gradients, moments, learning rates.

use std::ops::Range;
use std::sync::Mutex;

use crate::base::error::Result;
use crate::base::exchange::Team;
use crate::base::real::Real;
use crate::base::state::Archive;
use crate::base::state::layout::Layout;
use crate::base::threads;
use crate::interval::gradient::layout::{GradientLayout, Share};
use crate::interval::presynaptic::RowEvents;
use crate::optimizer::{Moments, OptimizerProperties, Row};
use crate::plan::route::Route;

/// What is remembered of the synapses of a plastic projection between updates.
#[derive(Debug, Clone, Default)]
pub struct SynapseState {
    /// Sum of the gradients of the intervals of the present batch, laid out as `layout` says.
    sum: Vec<f64>,
    layout: GradientLayout,
    /// Rows of which `sum` holds something.
    summed: Vec<bool>,
    /// First moments, in the order of weights (Adam).
    first: Vec<f64>,
    /// Second moments, in the order of weights (Adam).
    second: Vec<f64>,
    /// The learning rate that each row read at its last optimizer call; NaN before the first one.
    rates: Vec<f64>,
    /// The optimizer step of each row's last call.
    called: Vec<u64>,
    /// The last interval that each row learned in; the first one where there was none.
    latest: Vec<i64>,
}

/// An update of weights: which step of which optimizer it is, and what the sums of gradients are divided by.
#[derive(Debug, Clone, Copy)]
pub struct Update<'a> {
    /// The optimizer.
    pub optimizer: &'a OptimizerProperties,
    /// Its step, counted from 1.
    pub step: u64,
    /// What sums are divided by: the size of the batch, or more where the gradient is clipped.
    pub divisor: f64,
}

impl<'a> Update<'a> {
    /// The update that follows interval `last`; `shrinking` is what gradients are divided by to be clipped.
    #[must_use]
    pub fn after(last: i64, optimizer: &'a OptimizerProperties, shrinking: f64) -> Self {
        let batch_size = optimizer.batch_size;
        let step = (last + 1) as u64 / batch_size as u64;
        Self { optimizer, step, divisor: batch_size as f64 * shrinking }
    }
}

/// The gradient of an interval for one learner, and the rows it has one for.
pub type Gradient<'a, R> = (&'a [R], &'a RowEvents);

/// Notes which rows have a sum.
fn note_rows(summed: &mut [bool], intervals: &[&RowEvents]) {
    for (row, _) in intervals.iter().flat_map(|events| &events.touched) {
        summed[*row as usize] = true;
    }
}

/// Sums of squares of a row: the first has those of its connections 0, 8, 16, …
const SUMS: usize = 8;

#[inline(always)]
fn add_squares_body(sums: &mut [f64], place: usize, gradient: &[f64], divisor: f64) {
    let square = |gradient: &f64| (gradient / divisor) * (gradient / divisor);
    let begins = place % SUMS;
    let (head, gradient) = gradient.split_at(if begins == 0 { 0 } else { gradient.len().min(SUMS - begins) });
    for (sum, gradient) in sums[begins..].iter_mut().zip(head) {
        *sum += square(gradient);
    }
    // What is left begins at the first sum.
    let (blocks, rest) = gradient.as_chunks::<SUMS>();
    let mut held = [0.0; SUMS];
    held.copy_from_slice(sums);
    for block in blocks {
        for (sum, gradient) in held.iter_mut().zip(block) {
            *sum += square(gradient);
        }
    }
    sums.copy_from_slice(&held);
    for (sum, gradient) in sums.iter_mut().zip(rest) {
        *sum += square(gradient);
    }
}

fn places_of(shares: &[Share]) -> Vec<Range<usize>> {
    shares.iter().map(|share| share.places.clone()).collect()
}

/// Adds the gradients of intervals to a share of their sum; `before` are the rows that have one.
fn add_share<R: Real>(
    route: &Route,
    share: &Share,
    sum: &mut [f64],
    gradients: &[Gradient<'_, R>],
    divisor: f64,
    before: &[bool],
) {
    let mut summed = before[share.rows.clone()].to_vec();
    for (gradient, events) in gradients {
        let gradient = &gradient[share.places.clone()];
        let mut begin = 0;
        for (row, summed) in share.rows.clone().zip(&mut summed) {
            let end = begin + if share.width == 0 { route.entries(row).len() } else { share.width };
            if events.has(row) {
                let fresh = !std::mem::replace(summed, true);
                add_gradient(&mut sum[begin..end], &gradient[begin..end], divisor, fresh);
            }
            begin = end;
        }
    }
}

/// Gradients that are worth adding on several threads.
const WORTH_SHARING: usize = 1 << 18;
/// How many a thread takes at once.
const SHARE: usize = 1 << 15;

impl SynapseState {
    /// Makes room for a projection whose gradients are laid out anew; what it remembers stays with each synapse.
    pub fn fit(&mut self, route: &Route, layout: &GradientLayout, optimizer: &OptimizerProperties) {
        if self.layout != *layout {
            if self.summed.contains(&true) {
                let sum = self.sum_by_entry(route);
                self.layout.clone_from(layout);
                self.set_sum_by_entry(route, &sum);
            } else {
                self.layout.clone_from(layout);
                self.sum.resize(layout.len, 0.0);
            }
        }
        self.summed.resize(route.row_count, false);
        self.rates.resize(route.row_count, f64::NAN);
        self.called.resize(route.row_count, 1);
        self.latest.resize(route.row_count, 0);
        if optimizer.has_moments() {
            self.first.resize(layout.len, 0.0);
            self.second.resize(layout.len, 0.0);
        }
    }

    /// The sum of the batch, in the order of weights.
    fn sum_by_entry(&self, route: &Route) -> Vec<f64> {
        let mut sum = vec![0.0; self.layout.len];
        for row in 0..route.row_count {
            let entries = route.entries(row);
            for (piece, part) in self.layout.pieces(entries.clone(), row) {
                sum[entries.start + part.start..entries.start + part.end].copy_from_slice(&self.sum[piece]);
            }
        }
        sum
    }

    fn set_sum_by_entry(&mut self, route: &Route, sum: &[f64]) {
        self.sum.resize(self.layout.len, 0.0);
        for row in 0..route.row_count {
            let entries = route.entries(row);
            for (piece, part) in self.layout.pieces(entries.clone(), row) {
                self.sum[piece].copy_from_slice(&sum[entries.start + part.start..entries.start + part.end]);
            }
        }
    }

    /// Says that a row learns in an interval and calls the optimizer for its step `present`, with the learning rate that
    /// it reads then.
    pub fn call(&mut self, row: usize, interval: i64, present: u64, rate: impl FnOnce() -> f64) {
        self.latest[row] = interval;
        if self.called[row] < present {
            self.called[row] = present;
            self.rates[row] = rate();
        }
    }

    /// The last interval that each row learned in; the first one where there was none.
    #[must_use]
    pub fn latest(&self) -> &[i64] {
        &self.latest
    }

    /// The learning rates of all rows, as of the last update.
    #[must_use]
    pub fn row_rates(&self, optimizer: &OptimizerProperties) -> Vec<f64> {
        (0..self.rates.len()).map(|row| self.rate(row, optimizer)).collect()
    }

    /// Has each synapse remember what another did, or nothing where it is new, once weights were updated.
    pub fn move_synapses(&mut self, from: &[Option<usize>]) {
        for moments in [&mut self.first, &mut self.second] {
            if !moments.is_empty() {
                *moments = from.iter().map(|from| from.map_or(0.0, |from| moments[from])).collect();
            }
        }
    }

    /// The learning rate of a row's next update. Who has never read one takes the first that was ever set.
    fn rate(&self, row: usize, optimizer: &OptimizerProperties) -> f64 {
        if self.rates[row].is_nan() { optimizer.eta_first } else { self.rates[row] }
    }

    /// Adds the gradients of intervals of one batch, in their order.
    pub fn add<R: Real>(
        &mut self,
        route: &Route,
        gradients: &[Gradient<'_, R>],
        divisor: f64,
        threads: usize,
    ) {
        let Self { sum, summed, layout, .. } = self;
        let threads = if layout.len * gradients.len() < WORTH_SHARING { 1 } else { threads };
        let shares = layout.shares(route, if threads > 1 { SHARE } else { usize::MAX });
        let mut rest = &mut sum[..];
        let mut jobs = Vec::with_capacity(shares.len());
        for share in shares {
            let (part, after) = rest.split_at_mut(share.places.len());
            rest = after;
            jobs.push((share, part));
        }
        let before = &*summed;
        let run =
            |(share, sum): (Share, &mut [f64])| add_share(route, &share, sum, gradients, divisor, before);
        let next = Mutex::new(jobs.into_iter());
        threads::side_by_side(threads, || {
            loop {
                let taken = next.lock().ok().and_then(|mut jobs| jobs.next());
                let Some(job) = taken else { break };
                run(job);
            }
        });
        note_rows(summed, &gradients.iter().map(|(_, events)| *events).collect::<Vec<_>>());
    }

    /// Adds the gradients of intervals of one batch, where ranks before this one add those of intervals before them:
    /// `earlier` are their events. The sums go on to the next rank.
    ///
    /// # Errors
    /// `MPIError` where ranks do not reach each other.
    pub fn add_in_turn<R: Real>(
        &mut self,
        route: &Route,
        earlier: &[&RowEvents],
        gradients: &[Gradient<'_, R>],
        divisor: f64,
        team: &Team<'_>,
    ) -> Result<()> {
        let Self { sum, summed, layout, .. } = self;
        let shares = layout.shares(route, SHARE);
        let mut before = summed.clone();
        note_rows(&mut before, earlier);
        team.hand_on(sum, &places_of(&shares), |place, sum| {
            add_share(route, &shares[place], sum, gradients, divisor, &before);
        })
    }

    /// Takes over the sums of the last rank; `all` are the events of the intervals that were added.
    ///
    /// # Errors
    /// `MPIError` where ranks do not reach each other.
    pub fn take_sums(&mut self, route: &Route, all: &[&RowEvents], team: &Team<'_>) -> Result<()> {
        note_rows(&mut self.summed, all);
        team.spread_last(&mut self.sum, &places_of(&self.layout.shares(route, SHARE)))
    }

    /// The sum of the squared gradients of a batch of that size. It is taken row by row, of each as eight sums, which its
    /// connections are added to in turn, however they are laid out.
    #[must_use]
    pub fn square_sum(&self, route: &Route, batch_size: usize) -> f64 {
        let divisor = batch_size as f64;
        let mut holes = route.holes.iter().copied().peekable();
        let mut square_sum = 0.0;
        for row in 0..route.row_count {
            let entries = route.entries(row);
            if !self.summed[row] {
                while holes.next_if(|hole| *hole < entries.end).is_some() {}
                continue;
            }
            let mut of_row = [0.0; SUMS];
            // Of connections that there are: those that there are not have no place everywhere.
            let mut place = 0;
            let mut add = |values: &[f64]| {
                add_squares(&mut of_row, place, values, divisor);
                place += values.len();
            };
            for (piece, part) in self.layout.pieces(entries.clone(), row) {
                // What is computed for connections that there are not is none of it.
                let mut begin = piece.start;
                while let Some(hole) = holes.next_if(|hole| *hole < entries.start + part.end) {
                    let at = piece.start + (hole - entries.start - part.start);
                    add(&self.sum[begin..at]);
                    begin = at + 1;
                }
                add(&self.sum[begin..piece.end]);
            }
            square_sum += of_row.iter().sum::<f64>();
        }
        square_sum
    }

    /// The place of a weight that would not be finite after an update, if there is one; `norm` is that of the gradient.
    #[must_use]
    pub fn breaking(&self, route: &Route, update: Update<'_>, norm: f64, weights: &[f64]) -> Option<usize> {
        let optimizer = update.optimizer;
        let rate = (0..route.row_count).map(|row| self.rate(row, optimizer)).fold(0.0, f64::max);
        if optimizer.stays_finite(rate, norm) {
            return None;
        }
        // Mostly they are all the same.
        (0..route.row_count).find_map(|row| self.not_finite(route, row, update, &weights[route.entries(row)]))
    }

    /// The place of the first weight of a row that would not be finite after the update.
    fn not_finite(&self, route: &Route, row: usize, update: Update<'_>, weights: &[f64]) -> Option<usize> {
        let entries = route.entries(row);
        let moments = if self.first.is_empty() { 0..0 } else { entries.clone() };
        let (mut first, mut second) = (self.first[moments.clone()].to_vec(), self.second[moments].to_vec());
        let mut weights = weights.to_vec();
        let held = Row { weights: &mut weights, first: &mut first, second: &mut second };
        self.step(route, row, Update { optimizer: &update.optimizer.unbounded(), ..update }, held);
        let finite = |values: &[f64], place: usize| values.get(place).is_none_or(|value| value.is_finite());
        (0..weights.len())
            .filter(|place| ![&weights, &first, &second].iter().all(|values| finite(values, *place)))
            .map(|place| entries.start + place)
            .find(|entry| route.holes.binary_search(entry).is_err())
    }

    /// Updates the weights of a projection from the gradients of a batch.
    pub fn update(&mut self, route: &Route, update: Update<'_>, weights: &mut [f64]) {
        let (mut first, mut second) = (std::mem::take(&mut self.first), std::mem::take(&mut self.second));
        for row in 0..route.row_count {
            let entries = route.entries(row);
            let moments = if first.is_empty() { 0..0 } else { entries.clone() };
            let held = Row {
                weights: &mut weights[entries],
                first: &mut first[moments.clone()],
                second: &mut second[moments],
            };
            self.step(route, row, update, held);
        }
        (self.first, self.second) = (first, second);
        self.summed.fill(false);
        for hole in &route.holes {
            weights[*hole] = 0.0;
        }
    }

    /// Updates the weights of a row.
    fn step(&self, route: &Route, row: usize, update: Update<'_>, mut held: Row<'_>) {
        let Update { optimizer, step, divisor } = update;
        let eta = self.rate(row, optimizer);
        if !self.summed[row] {
            return optimizer.step_divided(divisor, eta, step, held, None);
        }
        for (piece, part) in self.layout.pieces(route.entries(row), row) {
            optimizer.step_divided(divisor, eta, step, held.part(part), Some(&self.sum[piece]));
        }
    }

    /// What Adam remembers of a synapse; nothing with another method.
    #[must_use]
    pub fn moments(&self, entry: usize) -> Option<Moments> {
        Some(Moments { first: *self.first.get(entry)?, second: *self.second.get(entry)? })
    }

    /// Sets what Adam remembers of a synapse; without effect with another method.
    pub fn set_moments(&mut self, entry: usize, moments: Moments) {
        if let (Some(first), Some(second)) = (self.first.get_mut(entry), self.second.get_mut(entry)) {
            (*first, *second) = (moments.first, moments.second);
        }
    }

    /// What Adam remembers of all synapses, in the order of weights.
    pub fn all_moments(&self) -> impl Iterator<Item = Moments> {
        self.first.iter().zip(&self.second).map(|(first, second)| Moments { first: *first, second: *second })
    }

    /// Bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        (self.first.len() + self.second.len() + self.sum.len()) as u64 * 8
    }
}

impl SynapseState {
    /// Writes what is remembered, or reads it; `route` is that of the projection, `layout` that of its connections.
    ///
    /// # Errors
    /// `ValueError` where the archive holds something that does not fit.
    pub fn persist(&mut self, route: &Route, layout: &Layout, archive: &mut Archive<'_>) -> Result<()> {
        // A new field needs a place here.
        let Self { sum: _, layout: _, summed: _, first: _, second: _, rates: _, called: _, latest: _ } = self;
        let mut sum = self.sum_by_entry(route);
        let rows = layout.rows();
        archive.by(layout).fixed("sum", &mut sum)?;
        self.set_sum_by_entry(route, &sum);
        archive.by(&rows).fixed("summed", &mut self.summed)?;
        archive.by(layout).fixed("first", &mut self.first)?;
        archive.by(layout).fixed("second", &mut self.second)?;
        archive.by(&rows).fixed("rates", &mut self.rates)?;
        archive.by(&rows).fixed("called", &mut self.called)?;
        archive.by(&rows).fixed("latest", &mut self.latest)
    }
}

#[inline(always)]
fn add_gradient_body<R: Real>(sum: &mut [f64], gradient: &[R], divisor: f64, fresh: bool) {
    match (fresh, divisor == 1.0) {
        (true, true) => sum.iter_mut().zip(gradient).for_each(|(sum, gradient)| *sum = gradient.f64()),
        (false, true) => sum.iter_mut().zip(gradient).for_each(|(sum, gradient)| *sum += gradient.f64()),
        (true, false) => {
            sum.iter_mut().zip(gradient).for_each(|(sum, gradient)| *sum = gradient.f64() / divisor);
        }
        (false, false) => {
            sum.iter_mut().zip(gradient).for_each(|(sum, gradient)| *sum += gradient.f64() / divisor);
        }
    }
}

crate::base::simd::kernels! {
    /// Adds the gradient of an interval to that of its batch; `fresh` where the batch has none yet.
    fn add_gradient<R: Real>(sum: &mut [f64], gradient: &[R], divisor: f64, fresh: bool) = add_gradient_body;

    /// Adds the squares of a row's mean gradient from a place on to the eight sums of that row.
    fn add_squares(sums: &mut [f64], place: usize, gradient: &[f64], divisor: f64) = add_squares_body;
}
