//! Rows of weights onto the neurons they reach, and what weight recorders see of them.

use crate::describe::network::NodeId;
use crate::plan::probes::WeightTap;
use crate::plan::route::{Columns, Route};
use crate::real::Real;
use crate::record::WeightEvents;
use crate::simulate::emission::Emission;
use crate::simulate::row;

/// Adds a row's weights, `count` times each, to the input of its targets.
#[inline]
pub fn deliver_row<R: Real>(route: &Route, weights: &[R], input: &mut [R], row: usize, count: R) {
    let values = &weights[route.entries(row)];
    match &route.columns {
        Columns::Range { first, len } => {
            let input = &mut input[*first..first + len];
            if count == R::ONE { row::add(input, values) } else { row::add_scaled(input, values, count) }
        }
        Columns::Scattered(places) => row::scatter(input, places, values, count),
        Columns::Sparse { row_start, places } => {
            row::scatter(input, &places[row_start[row]..row_start[row + 1]], values, count);
        }
    }
}

/// Adds what Poisson generators send in a stamp: each target has a train of its own.
#[cold]
pub fn deliver_poisson<R: Real>(
    route: &Route,
    weights: &[R],
    input: &mut [R],
    emission: &Emission,
    stamp: i64,
    stimulus_ids: &[NodeId],
) {
    for (place, id) in stimulus_ids.iter().enumerate() {
        let Some(row) = route.rows.row(place as u32) else { continue };
        for entry in route.entries(row) {
            let target = route.target(row, entry);
            let train = stimulus_ids.len() as u32 + (route.projection as u32) * 65_537 + entry as u32;
            input[target] += weights[entry] * R::of(f64::from(emission.poisson_count(*id, train, stamp)));
        }
    }
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
}

/// Records the weights that a spike is transmitted with.
#[cold]
pub fn record_weights(
    taps: &[WeightTap],
    events: &mut [WeightEvents],
    passage: Passage<'_>,
    weights: &[f64],
) {
    let Passage { route, row, sender, targets, receptor, stamp, count } = passage;
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
