//! Rows of weights onto the neurons they reach, and what weight recorders see of them.

use std::ops::Range;

use crate::base::real::Real;
use crate::describe::network::NodeId;
use crate::plan::probes::WeightTap;
use crate::plan::route::{Columns, Route};
use crate::plan::stimulus::TrainKey;
use crate::record::WeightEvents;
use crate::step::emission::Emission;
use crate::step::row;

/// Adds a row's weights, `count` times each, to the input of its targets.
#[inline]
pub fn deliver_row<R: Real>(route: &Route, weights: &[R], input: &mut [R], row: usize, count: R) {
    let places = 0..input.len();
    deliver_row_part(route, weights, input, &places, row, count);
}

/// As [`deliver_row`], for those targets alone that are among `places`; `input` is theirs.
#[inline]
pub fn deliver_row_part<R: Real>(
    route: &Route,
    weights: &[R],
    input: &mut [R],
    places: &Range<usize>,
    row: usize,
    count: R,
) {
    let values = &weights[route.entries(row)];
    // Targets ascend within a row.
    let within = |targets: &[u32]| {
        let from = if places.start == 0 {
            0
        } else {
            targets.partition_point(|target| (*target as usize) < places.start)
        };
        let to = match targets.last() {
            Some(last) if *last as usize >= places.end => {
                targets.partition_point(|target| (*target as usize) < places.end)
            }
            _ => targets.len(),
        };
        from..to
    };
    match &route.columns {
        Columns::Range { first, len } => {
            let (low, high) = (places.start.max(*first), places.end.min(first + len));
            if low < high {
                let input = &mut input[low - places.start..high - places.start];
                let values = &values[low - first..high - first];
                if count == R::ONE { row::add(input, values) } else { row::add_scaled(input, values, count) }
            }
        }
        Columns::Scattered(targets) => {
            let part = within(targets);
            row::scatter(input, places.start, &targets[part.clone()], &values[part], count);
        }
        Columns::Sparse { row_start, places: targets } => {
            let targets = &targets[row_start[row]..row_start[row + 1]];
            let part = within(targets);
            row::scatter(input, places.start, &targets[part.clone()], &values[part], count);
        }
    }
}

/// Adds what Poisson generators send in a stamp to the input of the neurons at `places`: each target has a train of its
/// own.
#[cold]
pub fn deliver_poisson<R: Real>(
    route: &Route,
    weights: &[R],
    input: &mut [R],
    places: &Range<usize>,
    emission: &Emission,
    stamp: i64,
    stimulus_ids: &[NodeId],
) {
    for (place, id) in stimulus_ids.iter().enumerate() {
        let Some(row) = route.rows.row(place as u32) else { continue };
        if !route.transmits(row, stamp) {
            continue;
        }
        for entry in route.entries(row) {
            let target = route.target(row, entry);
            if !places.contains(&target) {
                continue;
            }
            let count = emission.poisson_count(*id, poisson_train(route, entry), stamp);
            input[target - places.start] += weights[entry] * R::of(f64::from(count));
        }
    }
}

/// Names the train that a Poisson generator sends over an entry of a route.
#[must_use]
pub fn poisson_train(route: &Route, entry: usize) -> TrainKey {
    TrainKey { projection: route.projection, entry }
}

/// A spike on its way over a row of synapses.
#[derive(Debug, Clone, Copy)]
pub struct Passage<'a> {
    /// The route.
    pub route: &'a Route,
    /// The row.
    pub row: usize,
    /// Who sent the spike.
    pub sender: NodeId,
    /// Ids of the route's target population, by place.
    pub targets: &'a [NodeId],
    /// The receptor it arrives at.
    pub receptor: u32,
    /// The spike's stamp.
    pub stamp: i64,
    /// How many spikes it is.
    pub count: u32,
    /// Up to this stamp, weight recorders have seen the spikes of neurons and parrots over static synapses.
    pub shown: i64,
}

/// Records the weights that a spike is transmitted with.
///
/// As in NEST, what generators send over static synapses is not recorded; over plastic ones, where NEST has no
/// generators, it is.
#[cold]
pub fn record_weights(
    taps: &[WeightTap],
    events: &mut [WeightEvents],
    passage: Passage<'_>,
    weights: &[f64],
) {
    let Passage { route, row, sender, targets, receptor, stamp, count, shown } = passage;
    if !route.plastic && (stamp <= shown || route.is_generator(row)) {
        return;
    }
    let wanted = |nodes: &[NodeId], node: &NodeId| nodes.is_empty() || nodes.binary_search(node).is_ok();
    for (tap, events) in taps.iter().zip(events) {
        if Some(tap.recorder) != route.weight_recorder
            || !tap.window.contains(stamp)
            || !wanted(&tap.senders, &sender)
        {
            continue;
        }
        for entry in route.entries(row) {
            let target = targets[route.target(row, entry)];
            if wanted(&tap.targets, &target) && !route.holes.contains(&entry) {
                for _ in 0..count {
                    events.push(stamp, sender, target, receptor, weights[entry]);
                }
            }
        }
    }
}
