//! Feedback as the simulation sees it, and how it follows the readouts.

use crate::describe::network::{Carries, Description, Projection};
use crate::describe::population::{NodeIndex, Population};
use crate::feedback::FeedbackProperties;
use crate::plan::route::Route;

/// A projection that carries learning signals.
#[derive(Debug, Clone)]
struct FeedbackRoute {
    /// Its place in [`Description::projections`].
    projection: usize,
    /// Where its weights come from.
    source: FeedbackProperties,
    /// By entry, the place in a matrix with a row of recurrent neurons per readout.
    places: Vec<usize>,
}

/// All projections that carry the learning signals of a rule.
#[derive(Debug, Clone)]
pub struct FeedbackRoutes {
    routes: Vec<FeedbackRoute>,
    neurons: usize,
    readouts: usize,
    recurrent: Population,
    /// Where ranks share the neurons, the places of these among all.
    shared: Option<Vec<u32>>,
}

impl FeedbackRoutes {
    /// Lays out the projections from readouts to recurrent neurons, in the order of their connection.
    #[must_use]
    pub fn new(network: &Description, index: &NodeIndex, recurrent: Population, readout: Population) -> Self {
        let shared = index.shared_places(recurrent);
        let neurons = shared.as_ref().map_or_else(|| index.len(recurrent), Vec::len);
        let ends = |projection: &Projection| {
            let source = projection.sources.first().map(|source| index.place(*source).0);
            let target = projection.first_target().map(|target| index.place(target).0);
            (source, target) == (Some(readout), Some(recurrent))
        };
        let signals = network
            .projections
            .iter()
            .enumerate()
            .filter(|(_, of)| of.carries == Carries::LearningSignal && ends(of));
        let routes = signals.map(|(place, projection)| {
            let mut places = vec![0; projection.weights.len()];
            projection.for_each_entry(|source, target, entry| {
                let target = index.held(target).expect("connections end at what this process has");
                places[entry] = index.place(source).1 * neurons + target;
            });
            FeedbackRoute {
                projection: place,
                source: network.synapse_models[projection.synapse].feedback,
                places,
            }
        });
        Self { routes: routes.collect(), neurons, readouts: index.len(readout), recurrent, shared }
    }

    /// Whether any weights change as the readouts' do.
    #[must_use]
    pub fn change(&self) -> bool {
        self.routes.iter().any(|route| route.source.source.changes())
    }

    /// The same, without what is of no use where no weights change.
    #[must_use]
    pub fn trimmed(mut self) -> Self {
        if !self.change() {
            self.routes = Vec::new();
        }
        self
    }

    /// Weights of the learning signals: one row of recurrent neurons per readout.
    #[must_use]
    pub fn weights(&self, projections: &[Projection]) -> Vec<f64> {
        let mut weights = vec![0.0; self.neurons * self.readouts];
        for route in &self.routes {
            for (place, weight) in route.places.iter().zip(&projections[route.projection].weights) {
                weights[*place] += weight;
            }
        }
        weights
    }

    /// Sums of the weights from each recurrent neuron to each readout, laid out likewise.
    #[must_use]
    pub fn readout_weights(&self, routes: &[Route], projections: &[Projection]) -> Vec<f64> {
        let mut sums = vec![0.0; self.neurons * self.readouts];
        let mut routes: Vec<&Route> = routes.iter().collect();
        routes.sort_by_key(|route| route.projection);
        for route in routes {
            let weights = &projections[route.projection].weights;
            self.for_each_pair(route, |place, entry| sums[place] += weights[entry]);
        }
        sums
    }

    /// Calls with the place of each pair of neuron and readout that a route onto readouts joins, laid out likewise, and with
    /// the entry of its weight.
    pub fn for_each_pair(&self, route: &Route, mut call: impl FnMut(usize, usize)) {
        if route.source != self.recurrent {
            return;
        }
        for neuron in 0..self.neurons {
            let place = self.shared.as_ref().map_or(neuron as u32, |places| places[neuron]);
            let Some(row) = route.rows.row(place) else { continue };
            for entry in route.entries(row) {
                call(route.target(row, entry) * self.neurons + neuron, entry);
            }
        }
    }

    /// The share of their weights that synapses onto readouts lose in an update, laid out likewise; `None` where it is
    /// none of all.
    #[must_use]
    pub fn readout_decay(&self) -> Option<Vec<f64>> {
        let mut decay: Option<Vec<f64>> = None;
        for route in self.routes.iter().filter(|route| route.source.readout_decay() > 0.0) {
            let decay = decay.get_or_insert_with(|| vec![0.0; self.neurons * self.readouts]);
            for place in &route.places {
                decay[*place] = route.source.readout_decay().max(decay[*place]);
            }
        }
        decay
    }

    /// Changes the weights of connections as an update has changed those of the readouts; those that it was none of, as
    /// `keeps` says, do not decay.
    pub fn follow(&self, before: &[f64], after: &[f64], keeps: &[bool], projections: &mut [Projection]) {
        for route in self.routes.iter().filter(|route| route.source.source.changes()) {
            let weights = &mut projections[route.projection].weights;
            for (place, weight) in route.places.iter().zip(weights) {
                *weight = route.source.updated(*weight, before[*place], after[*place], !keeps[*place]);
            }
        }
    }

    /// Bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.routes.iter().map(|route| size_of_val(&route.places[..]) as u64).sum()
    }
}
