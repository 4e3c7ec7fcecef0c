//! Spikes that arrive in a step: plastic weights learn, then all are delivered.

use std::sync::Mutex;

use crate::base::error::Error;
use crate::base::threads::{self, Crew};
use crate::describe::network::{Description, NodeId};
use crate::plan::route::Route;
use crate::plus::plan::{PlusPlan, RECURRENT};
use crate::plus::recording::Recorded;
use crate::plus::ring::{LANES, Ring};
use crate::plus::rows::{Arrival, LeftBehind, PlasticRows};
use crate::plus::windows::Windows;
use crate::step::delivery::{self, Passage, deliver_poisson, deliver_row, deliver_row_part};
use crate::step::emission::Emission;
use crate::step::not_finite;

/// The spikes of one stamp.
pub(super) struct Spikes<'a> {
    pub(super) plan: &'a PlusPlan,
    pub(super) emission: &'a Emission,
    pub(super) fired: &'a [Vec<u32>],
    pub(super) stamp: i64,
}

/// Where spikes of a stamp arrive.
pub(super) struct Onto<'a> {
    /// Ids of the targets, and what arrives at each in this step.
    pub(super) targets: &'a [NodeId],
    pub(super) input: &'a mut [f64],
    /// What rows learn from: the targets' history, and what it keeps of windows.
    pub(super) history: &'a Ring,
    pub(super) windows: Option<&'a Windows>,
    /// Room for the spikes on their way.
    pub(super) arriving: &'a mut Arriving,
}

/// What is told of spikes besides.
pub(super) struct Told<'a> {
    pub(super) recorded: &'a mut Recorded,
    pub(super) failure: &'a mut Option<Error>,
}

impl Spikes<'_> {
    /// Sends them over a route: plastic weights learn, then all are delivered. Returns how much work threads could share.
    pub(super) fn pass(
        &self,
        route: &Route,
        parts: &mut [PlasticRows],
        network: &mut Description,
        onto: Onto<'_>,
        told: Told<'_>,
        crew: &mut Crew<'_>,
    ) -> u64 {
        if self.stamp <= 0 {
            return 0;
        }
        let Self { plan, .. } = self;
        let Told { recorded, failure } = told;
        let Onto { targets, input, history, windows, arriving } = onto;
        let optimizer = &network.synapse_models[route.synapse].optimizer;
        let projection = &mut network.projections[route.projection];
        if route.poisson {
            let ids = &plan.wiring.stimulus_ids;
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
            let several = arriving.rows.iter().zip(&arriving.senders).filter(|(_, (_, count))| *count > 1);
            several.for_each(|(row, _)| part.repeat(*row as usize, arrival, weights));
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
                let ids = if route.source == RECURRENT {
                    plan.wiring.sender_ids()
                } else {
                    &plan.wiring.stimulus_ids
                };
                let sender = ids[*place as usize];
                let shown = self.emission.shown();
                let passage = Passage { route, row, sender, targets, receptor, stamp, count, shown };
                delivery::record_weights(&plan.wiring.weight_taps, &mut recorded.weights, passage, weights);
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
pub(super) struct Arriving {
    pub(super) rows: Vec<u32>,
    /// Place of the sender and number of spikes, by row.
    pub(super) senders: Vec<(u32, u32)>,
}

impl Arriving {
    pub(super) fn clear(&mut self) {
        self.rows.clear();
        self.senders.clear();
    }

    /// Adds the rows' weights to the input of their targets, in the order of rows.
    pub(super) fn deliver(&self, route: &Route, weights: &[f64], input: &mut [f64], crew: &mut Crew<'_>) {
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

/// Tells what a part of a projection could not take in in a step, if nothing else has gone wrong before.
#[cold]
pub(super) fn report(
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

/// Weights that are delivered in the time that a step of eight synapses takes.
const DELIVERED: u64 = 16;
