//! The connections over which generators send currents to a population.

use crate::describe::network::{Carries, Description, NodeId};
use crate::describe::population::{NodeIndex, Population};
use crate::plan::amplitudes::HeldRates;
use crate::plan::stimulus::TrainKey;
use crate::plan::waveform::Waveform;

/// Connections of a generator with one delay.
#[derive(Debug, Clone)]
pub struct CurrentRoute {
    /// What it sends.
    pub waveform: Waveform,
    /// Delay in steps.
    pub delay: i64,
    /// Places of the targets.
    pub places: Vec<u32>,
    /// Weights of the connections.
    pub weights: Vec<f64>,
    /// What names the connections.
    pub connections: Vec<TrainKey>,
}

/// The current connections onto a population, in the order of summation: what was sent first is added first.
#[must_use]
pub fn current_routes_onto(
    network: &Description,
    index: &NodeIndex,
    held: &HeldRates,
    population: Population,
) -> Vec<CurrentRoute> {
    let mut routes: Vec<(NodeId, CurrentRoute)> = Vec::new();
    let projections = network.projections.iter().enumerate();
    for (number, projection) in projections.filter(|(_, of)| of.carries == Carries::Current) {
        let begin = routes.len();
        projection.for_each_entry(|source, target, entry| {
            let Some(place) = index.held(target).filter(|_| index.place(target).0 == population) else {
                return;
            };
            let known = routes[begin..].iter().position(|(of, _)| *of == source);
            let at = if let Some(at) = known {
                begin + at
            } else {
                let Some(waveform) = Waveform::of(network, source, held) else { return };
                routes.push((source, CurrentRoute::from(waveform, projection.delay)));
                routes.len() - 1
            };
            let route = &mut routes[at].1;
            route.places.push(place as u32);
            route.weights.push(projection.weights[entry]);
            route.connections.push(TrainKey { projection: number, entry });
        });
    }
    routes.sort_by_key(|(source, route)| (-route.delay, *source));
    routes.into_iter().map(|(_, route)| route).collect()
}

impl CurrentRoute {
    /// Without targets.
    fn from(waveform: Waveform, delay: u32) -> Self {
        let (places, weights, connections) = (Vec::new(), Vec::new(), Vec::new());
        Self { waveform, delay: i64::from(delay), places, weights, connections }
    }

    /// About how many bytes it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + self.places.len() * (4 + 8 + size_of::<TrainKey>())
    }
}
