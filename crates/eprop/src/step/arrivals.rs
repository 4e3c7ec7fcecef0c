//! Input of neurons that is settled though it has not arrived: spikes in flight whose weight has changed since.
//!
//! A synapse takes its weight when a spike is handed over to it, which may be many steps before the spike arrives. The
//! engine looks a weight up at the arrival, which is the same as long as it does not change. Where it does, the spikes
//! in flight are converted into input that waits here, and the projection no longer transmits them
//! ([`crate::describe::network::Settled`]).

use std::ops::Range;
use std::sync::Arc;

use crate::base::error::Result;
use crate::base::real::Real;
use crate::base::state::Archive;
use crate::base::state::layout::{Event, Layout};
use crate::describe::network::{Description, NodeId, Projection, Settled};
use crate::describe::population::Population;
use crate::plan::route::{Route, handed_over};
use crate::plan::wiring::Wiring;
use crate::record::WeightEvents;
use crate::step::delivery::{self, Passage, poisson_train};
use crate::step::emission::Emission;

/// Input by the step in which it arrives.
#[derive(Debug, Clone, Default)]
pub struct Arrivals {
    /// Ascending.
    steps: Vec<i64>,
    places: Vec<u32>,
    values: Vec<f64>,
}

impl Arrivals {
    /// Adds what arrives in a step to the input of the neurons at `places`.
    #[inline]
    pub fn add_to<R: Real>(&self, input: &mut [R], places: &Range<usize>, step: i64) {
        if !self.steps.is_empty() {
            self.add(input, places, step);
        }
    }

    #[cold]
    fn add<R: Real>(&self, input: &mut [R], places: &Range<usize>, step: i64) {
        let begin = self.steps.partition_point(|other| *other < step);
        let end = self.steps.partition_point(|other| *other <= step);
        for (place, value) in self.places[begin..end].iter().zip(&self.values[begin..end]) {
            if places.contains(&(*place as usize)) {
                input[*place as usize - places.start] += R::of(*value);
            }
        }
    }

    /// Takes in more.
    pub fn append(&mut self, mut more: Vec<Arrival>) {
        if more.is_empty() {
            return;
        }
        let held = std::mem::take(self);
        let known = held.steps.into_iter().zip(held.places).zip(held.values);
        let mut all: Vec<Arrival> =
            known.map(|((step, place), value)| Arrival { step, place, value }).collect();
        all.append(&mut more);
        // What came first is added first.
        all.sort_by_key(|arrival| arrival.step);
        for arrival in all {
            self.steps.push(arrival.step);
            self.places.push(arrival.place);
            self.values.push(arrival.value);
        }
    }

    /// Forgets what arrived before a step.
    pub fn forget_before(&mut self, step: i64) {
        let gone = self.steps.partition_point(|other| *other < step);
        if gone > 0 {
            self.steps.drain(..gone);
            self.places.drain(..gone);
            self.values.drain(..gone);
        }
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The last step in which something arrives.
    #[must_use]
    pub fn last_step(&self) -> Option<i64> {
        self.steps.last().copied()
    }

    /// Writes it or reads it, by the places of neurons among those of all ranks.
    ///
    /// # Errors
    /// `ValueError` where the archive holds something that does not fit.
    pub fn persist_of(&mut self, neurons: Placed<'_>, archive: &mut Archive<'_>) -> Result<()> {
        // A new field needs a place here.
        let Self { steps: _, places: _, values: _ } = self;
        let Placed { ids, places } = neurons;
        if !archive.reads() {
            // Of a neuron and step, what came first is added first; who is added to first does not matter.
            let mut order: Vec<usize> = (0..self.steps.len()).collect();
            order.sort_by_key(|at| (self.steps[*at], self.places[*at]));
            self.steps = order.iter().map(|at| self.steps[*at]).collect();
            self.places = order.iter().map(|at| self.places[*at]).collect();
            self.values = order.iter().map(|at| self.values[*at]).collect();
        }
        let layout = archive.layout(|| {
            let event = |(step, place): (&i64, &u32)| {
                let node = ids[*place as usize];
                Event { key: [*step, i64::from(node)], node }
            };
            Layout::Events(Arc::new(self.steps.iter().zip(&self.places).map(event).collect()))
        });
        archive.by(&layout).list("steps", &mut self.steps)?;
        let mut among_all = self.places.clone();
        if let Some(places) = places.filter(|_| !archive.reads()) {
            for place in &mut among_all {
                *place = places[*place as usize];
            }
        }
        archive.by(&layout).list("places", &mut among_all)?;
        if archive.reads() {
            if let Some(places) = places {
                let own = |place: &u32| places.binary_search(place).map_or(u32::MAX, |own| own as u32);
                among_all = among_all.iter().map(own).collect();
            }
            self.places = among_all;
        }
        archive.by(&layout).list("values", &mut self.values)?;
        if !self.places.iter().all(|place| (*place as usize) < ids.len()) {
            return Err(archive.misfit("places", "a neuron that there is not"));
        }
        let whole = self.steps.is_sorted() && [self.places.len(), self.values.len()] == [self.steps.len(); 2];
        if whole { Ok(()) } else { Err(archive.misfit("steps", "not one for each input")) }
    }
}

/// The neurons of a population that a process has.
#[derive(Debug, Clone, Copy)]
pub struct Placed<'a> {
    /// Their ids, by place.
    pub ids: &'a [NodeId],
    /// Where ranks share them, their places among all.
    pub places: Option<&'a [u32]>,
}

impl<'a> Placed<'a> {
    /// The recurrent neurons and the readouts.
    #[must_use]
    pub fn of(wiring: &'a Wiring) -> [Self; 2] {
        wiring.neurons().map(|(ids, places)| Self { ids, places })
    }
}

/// Input of a neuron in a step.
#[derive(Debug, Clone, Copy)]
pub struct Arrival {
    /// The step.
    pub step: i64,
    /// Place of the neuron.
    pub place: u32,
    /// Sum of weights.
    pub value: f64,
}

/// A spike that has been handed over to a row of synapses and has not arrived.
#[derive(Debug, Clone, Copy)]
struct Handed {
    row: usize,
    /// Place of the sender.
    place: u32,
    stamp: i64,
    /// How many spikes it is; 0 for a Poisson generator, which sends each target its own.
    count: u32,
}

/// Where the spikes in flight over a route are to be found.
pub struct Flying<'a> {
    route: &'a Route,
    onto_readouts: bool,
    projection: &'a Projection,
    wiring: &'a Wiring,
    /// What stimuli have emitted.
    emission: &'a Emission,
    /// Steps done.
    now: i64,
    /// Up to which stamps spikes have been handed over.
    handed: Settled,
}

/// What the spikes in flight over a projection amount to with its present weights.
#[derive(Debug, Default)]
pub struct Settlement {
    /// Place of the projection.
    pub projection: usize,
    /// Whether it reaches readouts.
    pub onto_readouts: bool,
    /// Their input.
    pub arrivals: Vec<Arrival>,
    /// What weight recorders see of it, by tap.
    pub recorded: Vec<WeightEvents>,
}

impl<'a> Flying<'a> {
    /// Those over a projection; `None` where it does not reach these neurons.
    #[must_use]
    pub fn over(
        wiring: &'a Wiring,
        network: &'a Description,
        emission: &'a Emission,
        projection: usize,
        now: i64,
    ) -> Option<Self> {
        let (route, onto_readouts) = wiring.route_over(projection)?;
        let handed = handed_over(&network.projections, now);
        let projection = &network.projections[projection];
        Some(Self { route, onto_readouts, projection, wiring, emission, now, handed })
    }

    /// Converts the spikes that have been handed over to the synapses and have not arrived. `fired` gives the places of
    /// the recurrent neurons that fired with a stamp.
    #[must_use]
    pub fn settle<'b>(&self, fired: impl Fn(i64) -> &'b [u32]) -> Settlement {
        let mut settlement = Settlement {
            projection: self.route.projection,
            onto_readouts: self.onto_readouts,
            arrivals: Vec::new(),
            recorded: self.nothing_recorded(),
        };
        self.for_each(fired, |spike| {
            self.take(spike, &mut settlement.arrivals);
            self.record(spike, &mut settlement.recorded);
        });
        settlement
    }

    /// What weight recorders see of the spikes that have been handed over to the synapses and have not arrived, by tap.
    #[must_use]
    pub fn shown<'b>(&self, fired: impl Fn(i64) -> &'b [u32]) -> Vec<WeightEvents> {
        let mut recorded = self.nothing_recorded();
        if self.route.weight_recorder.is_some() {
            self.for_each(fired, |spike| self.record(spike, &mut recorded));
        }
        recorded
    }

    fn nothing_recorded(&self) -> Vec<WeightEvents> {
        vec![WeightEvents::default(); self.wiring.weight_taps.len()]
    }

    /// Calls `each` with the spikes that have been handed over and have not arrived.
    fn for_each<'b>(&self, fired: impl Fn(i64) -> &'b [u32], mut each: impl FnMut(Handed)) {
        let Self { route, projection, now, .. } = *self;
        let delay = route.delay as i64;
        for stamp in (now - delay + 1).max(1)..=now {
            let mut send = |place: u32, count: u32| {
                let Some(row) = route.rows.row(place) else { return };
                let handed =
                    if route.is_generator(row) { self.handed.generators } else { self.handed.neurons };
                // What was settled before was settled with the weights of that time.
                let settled = if route.is_generator(row) {
                    projection.settled.generators
                } else {
                    projection.settled.neurons
                };
                if stamp > settled && stamp <= handed {
                    each(Handed { row, place, stamp, count });
                }
            };
            if route.poisson {
                (0..self.wiring.stimulus_ids.len() as u32).for_each(|place| send(place, 0));
            } else if route.source == Population::Stimulus {
                self.emission.at(stamp).iter().for_each(|(place, count)| send(place, count));
            } else {
                for place in fired(stamp) {
                    send(*place, 1);
                }
            }
        }
    }

    fn sender(&self, place: u32) -> NodeId {
        let from_stimulus = self.route.source == Population::Stimulus;
        let ids = if from_stimulus { &self.wiring.stimulus_ids } else { self.wiring.sender_ids() };
        ids[place as usize]
    }

    fn take(&self, spike: Handed, arrivals: &mut Vec<Arrival>) {
        let Self { route, projection, .. } = *self;
        let Handed { row, place, stamp, count } = spike;
        let step = stamp + route.delay as i64 - 1;
        let sender = self.sender(place);
        for entry in route.entries(row) {
            let count = if route.poisson {
                self.emission.poisson_count(sender, poisson_train(route, entry), stamp)
            } else {
                count
            };
            if count > 0 && route.holes.binary_search(&entry).is_err() {
                let value = projection.weights[entry] * f64::from(count);
                arrivals.push(Arrival { step, place: route.target(row, entry) as u32, value });
            }
        }
    }

    fn record(&self, spike: Handed, recorded: &mut [WeightEvents]) {
        let Self { route, projection, .. } = *self;
        if route.weight_recorder.is_none() {
            return;
        }
        let Handed { row, place, stamp, count } = spike;
        let targets = if self.onto_readouts { &self.wiring.readout_ids } else { &self.wiring.recurrent_ids };
        let passage = Passage {
            route,
            row,
            sender: self.sender(place),
            targets,
            receptor: projection.receptor,
            stamp,
            count,
            shown: self.emission.shown(),
        };
        delivery::record_weights(&self.wiring.weight_taps, recorded, passage, &projection.weights);
    }
}
