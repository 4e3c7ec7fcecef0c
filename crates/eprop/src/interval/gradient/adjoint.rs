//! The gradient of an update interval, backwards.
//!
//! The sum over eligibility traces (Bellec et al. 2020, equations 4, 5 and 24 to 28) is linear in the presynaptic
//! spikes, and its factors depend on the postsynaptic neuron and the step only. So there are factors `q`, the same for
//! all synapses of a neuron, with
//!
//! ```math
//! g_{ij} = \sum_u z_i(u)\, q_j(u)
//! ```
//!
//! which follow from a recursion that runs from the last step to the first:
//!
//! ```math
//! \begin{aligned}
//! \lambda &\leftarrow \kappa \lambda + L(u) \\
//! A &\leftarrow R + (1-\kappa) \lambda + \mu \\
//! h &\leftarrow \psi(u)\, A \\
//! \mu &\leftarrow \rho \mu - \beta h \\
//! q &\leftarrow \alpha q + \zeta h
//! \end{aligned}
//! ```
//!
//! from `λ = μ = q = 0`; for readouts `q ← α q + ζ E(u + 1)`. It needs one pass over neurons and steps and one row
//! addition a presynaptic spike, and no trace per synapse. Symbols and proof: docs/derivation.md, The transpose.

mod kernels;

use std::ops::Range;
use std::sync::Mutex;

use crate::base::lines::Lines;
use crate::base::real::Real;
use crate::base::threads;
use crate::interval::gradient::adjoint::kernels::{
    Factors, Pass, add_rows, factors_adaptive, factors_costly, factors_plain, learning_signals,
};
use crate::interval::gradient::layout::GradientLayout;
use crate::interval::open_interval::{OpenInterval, Surroundings};
use crate::interval::plan::{IntervalPlan, Learner};
use crate::interval::presynaptic::{ActiveRow, RowEvents};
use crate::plan::route::{Columns, Route};
use crate::step::row;

/// Neighbouring neurons that go through a run of steps together, their state in registers.
const TOGETHER: usize = 32;

/// Bytes of factors that are kept at once: few enough to stay in the second-level cache.
const FACTOR_BYTES: usize = 128 << 10;

/// The same where rows need the factors of all neurons: enough steps that threads have something to share.
const SPREAD_BYTES: usize = 4 << 20;

/// Arrays of a [`Carry`].
const CARRIED: usize = 3;

/// State of the recursion, one value per neuron of a tile.
#[derive(Debug, Clone, Default)]
struct Carry<R> {
    /// Filtered learning signal: `lambda` of docs/derivation.md, The transpose.
    signal: Lines<R>,
    /// Adaptation's share: `mu`.
    adaptation: Lines<R>,
    /// What a presynaptic spike adds to the gradient: `q`.
    factor: Lines<R>,
}

impl<R: Real> Carry<R> {
    /// All of its arrays.
    fn arrays_mut(&mut self) -> [&mut Lines<R>; CARRIED] {
        let Self { signal, adaptation, factor } = self;
        [signal, adaptation, factor]
    }

    fn clear(&mut self, neurons: usize) {
        for values in self.arrays_mut() {
            values.resize(neurons);
            values.fill(R::ZERO);
        }
    }
}

/// Neighbouring neurons that go backwards on their own.
#[derive(Debug, Clone, Default)]
struct Tile<R> {
    /// Their columns.
    columns: Range<usize>,
    /// Of the rows that learn from all steps, and of those that learn early.
    carries: [Carry<R>; 2],
    /// Used where rows need the factors of several tiles.
    room: Room<R>,
}

/// Learning signals and factors of the present steps, a row of neurons per step.
#[derive(Debug, Clone, Default)]
struct Room<R> {
    signals: Lines<R>,
    factors: Lines<R>,
}

impl<R: Real> Room<R> {
    fn resize(&mut self, len: usize) {
        self.signals.resize(len);
        self.factors.resize(len);
    }
}

/// Buffers of a backward pass.
#[derive(Debug, Clone, Default)]
pub struct Workspace<R> {
    tiles: Vec<Tile<R>>,
    /// One for each thread.
    rooms: Vec<Room<R>>,
    regularization: Lines<R>,
    /// Rows with spikes in the present steps, by learner, for each of the carries.
    active: [Vec<Vec<ActiveRow>>; 2],
}

impl<R: Real> Workspace<R> {
    /// Bytes of one for intervals of so many steps and rows of so many neurons, that as many threads use.
    pub fn bytes_for(plan: &IntervalPlan, stride: usize, threads: usize) -> u64 {
        let dense = plan.learners.iter().all(|learner| is_dense(plan, learner));
        let (steps, row) = chunk::<R>(dense, stride, plan.interval);
        // Rows of tiles that are not dense are filled up to a power of two.
        let (rooms, row) =
            if dense { (threads, row) } else { (1, row.next_multiple_of(1 << spread_bits(stride))) };
        // Carries of two kinds of rows, and the regularization.
        let rows = 2 * CARRIED + 1;
        // Signals and factors besides.
        ((2 * rooms * steps * row + rows * stride) * size_of::<R>()) as u64
    }
}

/// Whether all rows of a learner reach consecutive neurons.
fn is_dense(plan: &IntervalPlan, learner: &Learner) -> bool {
    matches!(plan.route_of(learner).columns, Columns::Range { .. })
}

/// Steps that go backwards together, and the length of the rows that are kept of them. Rows with targets all over need
/// the factors of all neurons at once.
fn chunk<R>(dense: bool, stride: usize, interval: usize) -> (usize, usize) {
    let (bytes, row) = if dense { (FACTOR_BYTES, TOGETHER.min(stride)) } else { (SPREAD_BYTES, stride) };
    ((bytes / (row * size_of::<R>()).max(1)).max(8).min(interval), row)
}

/// The gradient of a finished interval for each learner: `gradients[learner]` in the learner's layout, of which only
/// the rows touched by `events[learner]` are written. They are not whole if that was cancelled on the way. Returns whether
/// all that they are sums of is finite.
pub fn gradient<R: Real>(
    around: &Surroundings<'_, R>,
    open: &mut OpenInterval<R>,
    events: &mut [RowEvents],
    layouts: &[GradientLayout],
    gradients: &mut [Vec<R>],
    workspace: &mut Workspace<R>,
) -> bool {
    let Surroundings { plan, neurons, .. } = *around;
    let mut finite = true;
    let recurrent: Vec<usize> =
        (0..plan.learners.len()).filter(|place| !plan.learners[*place].onto_readouts).collect();
    let mut kappas: Vec<f64> = recurrent.iter().map(|place| plan.learners[*place].kappa).collect();
    kappas.sort_by(f64::total_cmp);
    kappas.dedup();
    workspace.regularization.resize(neurons.stride);
    for neuron in 0..plan.recurrent_count() {
        workspace.regularization[neuron] = R::of(open.regularization(plan, neuron));
    }
    for kappa in kappas {
        let learners: Vec<usize> =
            recurrent.iter().copied().filter(|place| plan.learners[*place].kappa == kappa).collect();
        backward(around, open, events, kappa, &learners, layouts, gradients, workspace);
        // A factor that is not finite leaves none behind it that is.
        let carries = workspace.tiles.iter().flat_map(|tile| &tile.carries);
        finite &= carries.flat_map(|carry| carry.factor.iter()).all(|factor| factor.f64().is_finite());
    }
    for (place, learner) in plan.learners.iter().enumerate().filter(|(_, learner)| learner.onto_readouts) {
        let active = &mut workspace.active[0];
        active.resize_with(plan.learners.len(), Vec::new);
        events[place].move_on(false, 1, &mut active[place]);
        finite &=
            readout_gradient(plan, open, learner, &events[place], &active[place], &mut gradients[place]);
    }
    finite
}

/// What all tiles of a backward pass share in a run of steps.
struct Chunk<'a, R> {
    around: &'a Surroundings<'a, R>,
    learners: &'a [usize],
    layouts: &'a [GradientLayout],
    events: &'a [RowEvents],
    active: &'a [Vec<Vec<ActiveRow>>; 2],
    errors: &'a [f64],
    steps: (usize, usize),
    learning_from: usize,
    /// Logarithm of the number of neurons in a tile, where rows have targets all over.
    spread_bits: u32,
    /// `None` where no row learns so.
    passes: [Option<Pass<'a, R>>; 2],
}

impl<R: Real> Chunk<'_, R> {
    /// Learning signals of the steps for the neurons of some columns.
    fn weigh_errors(&self, signals: &mut [R], width: usize, columns: (usize, usize)) {
        let Surroundings { plan, neurons, .. } = self.around;
        let readouts = plan.readout_count();
        let (begin, end) = self.steps;
        let learning = begin.max(self.learning_from)..end;
        if readouts > 0 && !learning.is_empty() {
            let rows = &mut signals[(learning.start - begin) * width..(end - begin) * width];
            let errors = &self.errors[learning.start * readouts..end * readouts];
            learning_signals(rows, width, errors, readouts, &neurons.feedback, neurons.stride, columns);
        }
    }

    fn recursion(&self) -> Recursion<R> {
        let plan = self.around.plan;
        match (plan.planes(), plan.segments.iter().any(|s| s.adaptive)) {
            (1, false) => factors_plain,
            (1, true) => factors_adaptive,
            _ => factors_costly,
        }
    }
}

/// The recursion of one of the kinds.
type Recursion<R> =
    fn(&Pass<'_, R>, (usize, usize), &[R], &mut Carry<R>, &mut [R], usize, (usize, usize), usize);

/// The backward pass for the learners that share a filter of the learning signal.
fn backward<R: Real>(
    around: &Surroundings<'_, R>,
    open: &mut OpenInterval<R>,
    events: &mut [RowEvents],
    kappa: f64,
    learners: &[usize],
    layouts: &[GradientLayout],
    gradients: &mut [Vec<R>],
    workspace: &mut Workspace<R>,
) {
    let Surroundings { plan, neurons, control, .. } = *around;
    let stride = neurons.stride;
    let Workspace { tiles, rooms, regularization, active } = workspace;
    for active in &mut *active {
        active.resize_with(plan.learners.len(), Vec::new);
    }
    let dense = learners.iter().all(|place| is_dense(plan, &plan.learners[*place]));
    let spread_bits = spread_bits(stride);
    let width = match layouts[learners[0]].tile_width {
        _ if !dense => 1 << spread_bits,
        width if width >= plan.recurrent_count() => stride,
        width => width,
    };
    tiles.resize_with(stride.div_ceil(width.max(1)), Tile::default);
    for (place, tile) in tiles.iter_mut().enumerate() {
        tile.columns = place * width..((place + 1) * width).min(stride);
        tile.carries.iter_mut().for_each(|carry| carry.clear(tile.columns.len()));
    }
    let (together, _) = chunk::<R>(dense, stride, plan.interval);
    let learning_from = plan.interval - plan.window;
    // A row that learns early does without the last learning signal.
    let ends = [false, true].map(|early| {
        let some = learners.iter().any(|place| !events[*place].is_empty(early));
        some.then_some(plan.interval - usize::from(early))
    });
    let mut end = plan.interval;
    while end > 1 && !control.cancelled() {
        let begin = end.saturating_sub(together).max(open.recall(around, end)).max(1);
        for place in learners {
            for (early, active) in [false, true].into_iter().zip(&mut *active) {
                events[*place].move_on(early, begin, &mut active[*place]);
            }
        }
        let ((surrogate, first), kept) = (open.surrogate.rows_of(end - 1), open.surrogate.stride());
        let run = Chunk {
            around,
            learners,
            layouts,
            events,
            active,
            errors: &open.errors,
            steps: (begin, end),
            learning_from,
            spread_bits,
            passes: ends.map(|end| {
                let learning = (learning_from, end?);
                Some(Pass {
                    neurons,
                    surrogate,
                    width: kept,
                    first,
                    learning,
                    kappa: R::of(kappa),
                    regularization,
                })
            }),
        };
        if dense {
            run_dense(&run, tiles, rooms, gradients);
        } else {
            run_spread(&run, tiles, gradients);
        }
        end = begin;
    }
}

/// A tile and its part of the gradients of each learner that reaches it.
struct DenseJob<'a, R> {
    tile: &'a mut Tile<R>,
    /// Place of the learner, of the tile in its layout, and the gradients.
    gradients: Vec<(usize, usize, &'a mut [R])>,
}

/// A run of steps where all rows reach consecutive neurons: tiles have nothing in common but the spikes.
fn run_dense<R: Real>(
    run: &Chunk<'_, R>,
    tiles: &mut [Tile<R>],
    rooms: &mut Vec<Room<R>>,
    gradients: &mut [Vec<R>],
) {
    let threads = run.around.threads.min(tiles.len());
    let mut jobs: Vec<DenseJob<'_, R>> =
        tiles.iter_mut().map(|tile| DenseJob { tile, gradients: Vec::new() }).collect();
    for (place, gradient) in
        gradients.iter_mut().enumerate().filter(|(place, _)| run.learners.contains(place))
    {
        let route = run.around.plan.route_of(&run.around.plan.learners[place]);
        let Columns::Range { first, .. } = route.columns else { continue };
        let mut rest = &mut gradient[..];
        for (at, part) in run.layouts[place].tiles.iter().enumerate() {
            let (own, after) = rest.split_at_mut(route.row_count * part.columns.len());
            rest = after;
            let width = jobs[0].tile.columns.len();
            jobs[(first + part.columns.start) / width].gradients.push((place, at, own));
        }
    }
    let (jobs, rooms) = (Mutex::new(jobs.into_iter()), Mutex::new(rooms));
    threads::side_by_side(threads, || {
        let mut room = rooms.lock().ok().and_then(|mut rooms| rooms.pop()).unwrap_or_default();
        loop {
            let taken = jobs.lock().ok().and_then(|mut jobs| jobs.next());
            let Some(mut job) = taken else { break };
            job.run(run, &mut room);
        }
        if let Ok(mut rooms) = rooms.lock() {
            rooms.push(room);
        }
    });
}

impl<R: Real> DenseJob<'_, R> {
    fn run(&mut self, run: &Chunk<'_, R>, room: &mut Room<R>) {
        let Surroundings { plan, neurons, .. } = run.around;
        let width = TOGETHER.min(neurons.stride);
        room.resize((run.steps.1 - run.steps.0) * width);
        let Room { signals, factors } = room;
        let tile = self.tile.columns.clone();
        for left in tile.clone().step_by(width) {
            let columns = (left, (left + width).min(tile.end));
            run.weigh_errors(signals, width, columns);
            for ((pass, carry), active) in run.passes.iter().zip(&mut self.tile.carries).zip(run.active) {
                let Some(pass) = pass else { continue };
                run.recursion()(pass, run.steps, signals, carry, factors, width, columns, tile.start);
                let present = Factors { values: factors, width, first: run.steps.0 };
                for (place, at, gradient) in &mut self.gradients {
                    let Columns::Range { first, .. } = plan.route_of(&plan.learners[*place]).columns else {
                        continue;
                    };
                    let part = &run.layouts[*place].tiles[*at].columns;
                    let (begin, end) = (first + part.start, first + part.end);
                    let (low, high) = (columns.0.max(begin), columns.1.min(end));
                    if low < high {
                        let (events, active) = (&run.events[*place], &active[*place]);
                        let rows = (low - begin, part.len());
                        add_rows(gradient, present, events, active, high - low, low - columns.0, rows);
                    }
                }
            }
        }
    }
}

/// Logarithm of the number of neurons in a tile where rows have targets all over, if there are so many.
const SPREAD_BITS: u32 = 12;

/// Logarithm of the number of neurons in a tile of rows of so many neurons, where rows have targets all over.
fn spread_bits(stride: usize) -> u32 {
    stride.next_power_of_two().trailing_zeros().min(SPREAD_BITS)
}

/// Rows whose factors are gathered at once by one thread.
const ROWS_AT_ONCE: usize = 256;

/// A run of steps where some rows have targets all over: first the factors of all neurons, then the rows.
fn run_spread<R: Real>(run: &Chunk<'_, R>, tiles: &mut [Tile<R>], gradients: &mut [Vec<R>]) {
    let plan = run.around.plan;
    let threads = run.around.threads;
    let (steps, width) = (run.steps.1 - run.steps.0, 1 << run.spread_bits);
    for (pass, early) in run.passes.iter().zip(0..2) {
        let Some(pass) = pass else { continue };
        let jobs = Mutex::new(tiles.iter_mut());
        threads::side_by_side(threads.min(jobs.lock().map_or(1, |jobs| jobs.len())), || {
            loop {
                let taken = jobs.lock().ok().and_then(|mut jobs| jobs.next());
                let Some(Tile { columns, carries, room }) = taken else { break };
                room.resize(steps * width);
                let Room { signals, factors } = room;
                let columns = (columns.start, columns.end);
                // The second pass finds them weighed.
                if early == 0 || run.passes[0].is_none() {
                    run.weigh_errors(signals, width, columns);
                }
                let carry = &mut carries[early];
                run.recursion()(pass, run.steps, signals, carry, factors, width, columns, columns.0);
            }
        });
        let factors: Vec<&[R]> = tiles.iter().map(|tile| &*tile.room.factors).collect();
        for place in run.learners {
            let route = plan.route_of(&plan.learners[*place]);
            let events = &run.events[*place];
            let mut rows = Vec::with_capacity(run.active[early][*place].len());
            let (mut rest, mut begin) = (&mut gradients[*place][..], 0);
            for active in &run.active[early][*place] {
                let entries = route.entries(active.row);
                let (_, after) = rest.split_at_mut(entries.start - begin);
                let (own, after) = after.split_at_mut(entries.len());
                (rest, begin) = (after, entries.end);
                rows.push((*active, own));
            }
            let jobs = Mutex::new(rows.chunks_mut(ROWS_AT_ONCE));
            threads::side_by_side(threads, || {
                loop {
                    let taken = jobs.lock().ok().and_then(|mut jobs| jobs.next());
                    let Some(rows) = taken else { break };
                    for (active, sums) in rows {
                        if active.first {
                            sums.fill(R::ZERO);
                        }
                        for step in events.steps(*active) {
                            let step = *step as usize - run.steps.0;
                            gather(route, active.row, sums, &factors, run.spread_bits, step);
                        }
                    }
                }
            });
        }
    }
}

/// Adds the factors of a step, from tiles of `1 << bits` neurons, to the gradients of a row of synapses.
fn gather<R: Real>(route: &Route, row: usize, sums: &mut [R], factors: &[&[R]], bits: u32, step: usize) {
    let (begin, within) = (step << bits, (1 << bits) - 1);
    let factor = |place: usize| factors[place >> bits][begin + (place & within)];
    match &route.columns {
        Columns::Range { first, .. } => {
            sums.iter_mut().zip(*first..).for_each(|(sum, place)| *sum += factor(place));
        }
        Columns::Scattered(places) => {
            sums.iter_mut().zip(places).for_each(|(sum, place)| *sum += factor(*place as usize));
        }
        Columns::Sparse { places, .. } => {
            let places = &places[route.entries(row)];
            sums.iter_mut().zip(places).for_each(|(sum, place)| *sum += factor(*place as usize));
        }
    }
}

/// What a spike that is read in the interval's first step adds to the gradient onto each readout.
#[must_use]
pub fn from_start<R>(plan: &IntervalPlan, open: &OpenInterval<R>) -> Vec<f64> {
    let mut factor = vec![0.0; plan.readout_count()];
    (0..plan.interval).rev().for_each(|step| before(plan, open, step, &mut factor));
    factor
}

/// Takes the factors of readouts from a step to the one before.
fn before<R>(plan: &IntervalPlan, open: &OpenInterval<R>, step: usize, factor: &mut [f64]) {
    let (p, k) = (&plan.readouts, factor.len());
    let errors = &open.errors[step * k..(step + 1) * k];
    for j in 0..k {
        factor[j] = p.decay[j] * factor[j] + p.spike_gain[j] * errors[j];
    }
}

/// Synapses onto readouts: `g = sum_u error(u + 1) zbar(u)`, turned round likewise. Returns whether all factors are finite.
fn readout_gradient<R: Real>(
    plan: &IntervalPlan,
    open: &OpenInterval<R>,
    learner: &Learner,
    events: &RowEvents,
    active: &[ActiveRow],
    gradient: &mut [R],
) -> bool {
    let k = plan.readout_count();
    let route = plan.route_of(learner);
    let mut factors = vec![0.0; k * plan.interval];
    let mut factor = vec![0.0; k];
    for step in (1..plan.interval).rev() {
        before(plan, open, step, &mut factor);
        factors[step * k..(step + 1) * k].copy_from_slice(&factor);
    }
    let mut sums = Vec::new();
    for active in active {
        let entries = route.entries(active.row);
        sums.clear();
        sums.resize(entries.len(), 0.0);
        for step in events.steps(*active) {
            let factors = &factors[*step as usize * k..][..k];
            match &route.columns {
                Columns::Range { first, len } => {
                    for (sum, factor) in sums.iter_mut().zip(&factors[*first..first + len]) {
                        *sum += factor;
                    }
                }
                Columns::Scattered(places) => row::gather(&mut sums, places, factors),
                Columns::Sparse { places, .. } => row::gather(&mut sums, &places[entries.clone()], factors),
            }
        }
        for (gradient, sum) in gradient[entries].iter_mut().zip(&sums) {
            *gradient = R::of(*sum);
        }
    }
    // In 32 bits there is less room for a sum.
    factor.iter().all(|factor| factor.is_finite() && R::of(*factor).f64().is_finite())
}
