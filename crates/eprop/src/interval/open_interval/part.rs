//! A step of neighbouring neurons: what arrives, and their membranes.

use crate::base::real::Real;
use crate::describe::population::Population;
use crate::interval::neuron_state::NeuronStatePart;
use crate::interval::neuron_step;
use crate::interval::neurons::Neurons;
use crate::interval::open_interval::{IntervalSpikes, Surroundings};
use crate::interval::plan::RECURRENT;
use crate::plan::route::{Columns, Route};
use crate::step::delivery::{deliver_poisson, deliver_row_part};
use crate::step::row;
use std::ops::Range;

/// Whether a step of an interval reads the spikes of a route: what would be read over a plastic synapse in an interval's
/// first step is dropped.
pub(super) fn reads(interval: i64, route: &Route, local: usize) -> bool {
    !(route.plastic && local == 0 && interval >= 0)
}

/// Calls `each` with the rows of a route whose spikes are read in a step, ascending, and their multiplicities.
/// `emitted` is the local step in which recurrent neurons emitted them; `step` is the global step that reads them.
#[inline]
pub(super) fn for_each_row<R>(
    around: &Surroundings<'_, R>,
    route: &Route,
    spikes: &IntervalSpikes,
    emitted: isize,
    step: i64,
    mut each: impl FnMut(usize, f64),
) {
    let stamp = step + 1 - route.delay as i64;
    let all = route.transmits_all(stamp);
    if route.source == RECURRENT {
        if stamp > route.settled.neurons {
            for row in spikes.at(emitted).iter().filter_map(|place| route.rows.row(*place)) {
                each(row, 1.0);
            }
        }
    } else if !route.poisson {
        debug_assert_eq!(route.source, Population::Stimulus);
        for (place, count) in around.emission.at(stamp).iter() {
            if let Some(row) = route.rows.row(place)
                && (all || route.transmits(row, stamp))
            {
                each(row, f64::from(count));
            }
        }
    }
}

/// As [`for_each_row`], the sources themselves where all of them send one spike that the route transmits; `None` where
/// that must be looked at spike by spike. A source may have no row.
#[inline]
fn single_spikes<'s, R>(
    around: &Surroundings<'s, R>,
    route: &Route,
    spikes: &'s IntervalSpikes,
    emitted: isize,
    step: i64,
) -> Option<&'s [u32]> {
    let stamp = step + 1 - route.delay as i64;
    if route.source == RECURRENT {
        return (stamp > route.settled.neurons).then(|| spikes.at(emitted));
    }
    let events = around.emission.at(stamp);
    let single = !route.poisson && route.transmits_all(stamp);
    (single && events.multiplicities.iter().all(|count| *count == 1)).then_some(events.places)
}

/// Room that is kept from step to step.
pub(super) struct Room<'a, R> {
    /// Rows that wait to be added together.
    pub rows: Vec<&'a [R]>,
    /// What drives neurons besides spikes, where generators send currents.
    pub drive: Vec<R>,
    currents: Vec<f64>,
}

impl<R> Default for Room<'_, R> {
    fn default() -> Self {
        Self { rows: Vec::new(), drive: Vec::new(), currents: Vec::new() }
    }
}

/// Adds the currents that generators send to what drives the neurons at `places`, into `room.drive`. Returns whether
/// there may be any.
#[inline]
pub(super) fn with_currents<R: Real>(
    around: &Surroundings<'_, R>,
    constant: &[R],
    places: &Range<usize>,
    step: i64,
    room: &mut Room<'_, R>,
) -> bool {
    let (currents, routes) = (&around.currents.0[0], &around.plan.wiring.currents[0]);
    if !currents.may_come(routes) {
        return false;
    }
    currents.collect(routes, places, step, &mut room.currents);
    room.drive.clear();
    room.drive.extend_from_slice(constant);
    let gains = &around.plan.recurrent.current_gain[places.clone()];
    let driven = room.drive[places.clone()].iter_mut();
    for ((drive, gain), current) in driven.zip(gains).zip(&room.currents) {
        *drive += R::of(gain * current);
    }
    true
}

/// Neighbouring neurons in a step, one array each.
pub struct Part<'a, R> {
    /// Their state.
    pub state: NeuronStatePart<'a, R>,
    /// Sum of arriving weights.
    pub input: &'a mut [R],
    /// Surrogate gradients.
    pub surrogate: &'a mut [R],
    /// Derivatives of what voltages cost; empty where they do not.
    pub cost: &'a mut [R],
    /// 1 where a neuron fires.
    pub fired: &'a mut [u8],
}

impl<R: Real> Part<'_, R> {
    /// One step. `spikes` are those of all neurons in the steps before.
    #[inline]
    pub fn step<'a>(
        &mut self,
        around: &Surroundings<'a, R>,
        spikes: &IntervalSpikes,
        interval: i64,
        first_drive: Option<&[R]>,
        local: usize,
        room: &mut Room<'a, R>,
    ) {
        let plan = around.plan;
        let step = plan.start_recurrent(interval) + local as i64;
        let places = self.state.places.start..self.state.places.end.min(plan.recurrent_count());
        self.input.fill(R::ZERO);
        let input = &mut self.input[..places.len()];
        around.arrivals.add_to(input, &places, step);
        for route in plan.wiring.recurrent_routes.iter().filter(|route| reads(interval, route, local)) {
            let emitted = local as isize - route.delay as isize;
            deliver(around, route, input, &places, &mut room.rows, spikes, emitted, step);
        }
        row::add_all(input, &room.rows);
        room.rows.clear();
        let constant = first_drive.unwrap_or(around.drive);
        let currents = with_currents(around, constant, &places, step, room);
        let drive = if currents { &room.drive } else { constant };
        for segment in &around.neurons.segments {
            neuron_step::advance(
                around.neurons,
                segment,
                drive,
                first_drive.is_none() && !currents,
                self.input,
                &mut self.state,
                self.surrogate,
                self.fired,
            );
        }
        if !self.cost.is_empty() {
            self.weigh_voltages(around.neurons);
        }
    }

    /// The derivative of what each voltage costs: above the threshold, or as far below rest as that is above.
    fn weigh_voltages(&mut self, p: &Neurons<R>) {
        let positive = |value: R| if value > R::ZERO { value } else { R::ZERO };
        for (at, j) in self.state.places.clone().enumerate() {
            let (v, a) = (self.state.voltage[at], self.state.adaptation[at]);
            let over = positive(v - p.adaptation_gain[j].mul_add(a, p.threshold[j]));
            let under = positive(-v - p.threshold[j]);
            self.cost[at] = p.voltage_cost[j] * (over - under);
        }
    }
}

/// Adds the weights of the spikes that are read in a step to the input of the neurons at `places`. Whole rows wait in
/// `rows` to be added together; what must come after them adds them first.
#[inline]
pub(super) fn deliver<'a, R: Real>(
    around: &Surroundings<'a, R>,
    route: &Route,
    input: &mut [R],
    places: &Range<usize>,
    rows: &mut Vec<&'a [R]>,
    spikes: &IntervalSpikes,
    emitted: isize,
    step: i64,
) {
    let weights = around.weights[route.projection];
    let n = around.plan.recurrent_count();
    let whole = matches!(route.columns, Columns::Range { first: 0, len } if len == n);
    if whole && let Some(sources) = single_spikes(around, route, spikes, emitted, step) {
        for row in sources.iter().filter_map(|place| route.rows.row(*place)) {
            rows.push(&weights[row * n + places.start..row * n + places.end]);
        }
        return;
    }
    for_each_row(around, route, spikes, emitted, step, |row, count| {
        if whole && count == 1.0 {
            rows.push(&weights[row * n + places.start..row * n + places.end]);
        } else {
            row::add_all(input, rows);
            rows.clear();
            deliver_row_part(route, weights, input, places, row, R::of(count));
        }
    });
    if route.poisson {
        row::add_all(input, rows);
        rows.clear();
        let stamp = step + 1 - route.delay as i64;
        let ids = &around.plan.wiring.stimulus_ids;
        deliver_poisson(route, weights, input, places, around.emission, stamp, ids);
    }
}

/// Makes the rows of a matrix longer.
pub(super) fn widen(rows: &mut Vec<f64>, from: usize, to: usize) {
    if from == to || from == 0 {
        return;
    }
    let mut wider = vec![0.0; rows.len() / from * to];
    for (row, wide) in rows.chunks_exact(from).zip(wider.chunks_exact_mut(to)) {
        wide[..from].copy_from_slice(row);
    }
    *rows = wider;
}
