//! What both rules lay out alike: who is where, what reaches whom, and who records it.

use std::collections::BTreeMap;

use crate::base::error::Result;
use crate::base::exchange::Team;
use crate::describe::network::{Description, NodeId};
use crate::describe::population::{NodeIndex, Population};
use crate::models::Rule;
use crate::plan::amplitudes::HeldRates;
use crate::plan::clocks::Clocks;
use crate::plan::currents::{CurrentRoute, current_routes_onto};
use crate::plan::exchanges::Exchanges;
use crate::plan::feedback::FeedbackRoutes;
use crate::plan::probes::{SpikeTap, WeightTap, spike_taps, state_taps, weight_taps};
use crate::plan::route::{Route, learning, refuse_plastic_poisson, spike_routes_onto};
use crate::record::{Evaluation, Tap};

/// What a rule's plan follows from.
#[derive(Debug, Clone, Copy)]
pub struct Planning<'a> {
    /// What the user described.
    pub network: &'a Description,
    /// The places of its nodes.
    pub index: &'a NodeIndex,
    /// Amplitudes that rate generators had when their times were last set.
    pub held: &'a HeldRates,
    /// Steps from which neurons that fire by the clock count.
    pub clock_base: &'a BTreeMap<NodeId, i64>,
    /// What tells neurons apart that look equally far back and have not always done so; 0 of those that are not listed.
    pub cutoff_classes: &'a BTreeMap<NodeId, u32>,
    /// How what multimeters record of readouts is evaluated.
    pub evaluations: &'a BTreeMap<NodeId, Evaluation>,
}

/// The recurrent neurons of all ranks. Spikes, and rows of projections, have the places of these.
#[derive(Debug, Clone)]
pub struct SharedNeurons {
    /// Their ids, by place.
    pub ids: Vec<NodeId>,
    /// The places, among all, of those of this process, by their own place.
    pub places: Vec<u32>,
    /// When ranks tell each other which of theirs have fired.
    pub exchanges: Exchanges,
}

/// The recurrent neurons and readouts of a rule, the projections onto them, and their recorders.
#[derive(Debug, Clone)]
pub struct Wiring {
    /// Ids of the recurrent neurons of this process, by place.
    pub recurrent_ids: Vec<NodeId>,
    /// Where ranks share the neurons, the others besides.
    pub shared: Option<SharedNeurons>,
    /// Ids of the readouts, by place.
    pub readout_ids: Vec<NodeId>,
    /// Ids of the stimuli, by place.
    pub stimulus_ids: Vec<NodeId>,
    /// Spike projections onto recurrent neurons, in the order of summation.
    pub recurrent_routes: Vec<Route>,
    /// Spike projections onto readouts, in the order of summation.
    pub readout_routes: Vec<Route>,
    /// Currents of generators onto recurrent neurons, and onto readouts.
    pub currents: [Vec<CurrentRoute>; 2],
    /// Whether a plastic synapse ends at a recurrent neuron, by place.
    pub learning: Vec<bool>,
    /// Neurons that fire by the clock.
    pub clocks: Clocks,
    /// Weights of the learning signals: one row of recurrent neurons per readout.
    pub feedback: Vec<f64>,
    /// Where these come from.
    pub feedback_routes: FeedbackRoutes,
    /// What multimeters record of recurrent neurons.
    pub recurrent_taps: Vec<Tap>,
    /// What multimeters record of readouts.
    pub readout_taps: Vec<Tap>,
    /// Who records the spikes of recurrent neurons.
    pub spike_taps: Vec<SpikeTap>,
    /// Weight recorders.
    pub weight_taps: Vec<WeightTap>,
}

impl Wiring {
    /// Lays out the neurons and readouts of a rule; `None` where there are none.
    ///
    /// # Errors
    /// `NotImplemented` for a Poisson generator on plastic synapses.
    pub fn new(planning: Planning<'_>, rule: Rule) -> Result<Option<Self>> {
        let Planning { network, index, held, clock_base, .. } = planning;
        let (recurrent, readout) = (Population::Recurrent(rule), Population::Readout(rule));
        if index.len(recurrent) + index.len(readout) == 0 {
            return Ok(None);
        }
        let recurrent_routes = spike_routes_onto(network, index, recurrent);
        let readout_routes = spike_routes_onto(network, index, readout);
        refuse_plastic_poisson(recurrent_routes.iter().chain(&readout_routes))?;
        let feedback_routes = FeedbackRoutes::new(network, index, recurrent, readout);
        Ok(Some(Self {
            recurrent_ids: index.held_members(recurrent),
            shared: index.shared_places(recurrent).map(|places| SharedNeurons {
                ids: index.members(recurrent).to_vec(),
                places,
                exchanges: Exchanges::new(network, index, rule),
            }),
            readout_ids: index.members(readout).to_vec(),
            stimulus_ids: index.members(Population::Stimulus).to_vec(),
            currents: [recurrent, readout].map(|onto| current_routes_onto(network, index, held, onto)),
            learning: learning(&recurrent_routes, index.held_members(recurrent).len()),
            recurrent_routes,
            readout_routes,
            clocks: Clocks::of(network, index, recurrent, clock_base),
            feedback: feedback_routes.weights(&network.projections),
            feedback_routes: feedback_routes.trimmed(),
            recurrent_taps: state_taps(planning, recurrent),
            readout_taps: state_taps(planning, readout),
            spike_taps: spike_taps(network, index, recurrent),
            weight_taps: weight_taps(network),
        }))
    }

    /// Ids of those who send the spikes of recurrent neurons, by the place that spikes have.
    #[must_use]
    pub fn sender_ids(&self) -> &[NodeId] {
        self.shared.as_ref().map_or(&self.recurrent_ids, |shared| &shared.ids)
    }

    /// When ranks that share the neurons exchange spikes; `None` where one process has all.
    #[must_use]
    pub fn exchanges(&self) -> Option<Exchanges> {
        self.shared.as_ref().map(|shared| shared.exchanges)
    }

    /// Where the recurrent neurons and the readouts of this process are.
    #[must_use]
    pub fn neurons(&self) -> [(&[NodeId], Option<&[u32]>); 2] {
        let places = self.shared.as_ref().map(|shared| &shared.places[..]);
        [(&self.recurrent_ids, places), (&self.readout_ids, None)]
    }

    /// Adds, to the spikes of this rank's neurons by their own place, those of all ranks by the place among all; a list
    /// for each of the steps since they were last exchanged. Whether this rank has failed is told with them.
    pub fn merge(&self, steps: &mut [Vec<u32>], team: &Team<'_>, has_failed: bool) {
        if let Some(shared) = &self.shared {
            for place in steps.iter_mut().flatten() {
                *place = shared.places[*place as usize];
            }
        }
        team.merge(steps, has_failed);
    }

    /// All spike projections: those onto recurrent neurons first.
    pub fn routes(&self) -> impl Iterator<Item = &Route> {
        self.recurrent_routes.iter().chain(&self.readout_routes)
    }

    /// What multimeters record.
    pub fn taps(&self) -> impl Iterator<Item = &Tap> {
        self.recurrent_taps.iter().chain(&self.readout_taps)
    }

    /// The route over a projection, and whether it reaches readouts.
    #[must_use]
    pub fn route_over(&self, projection: usize) -> Option<(&Route, bool)> {
        let over = |route: &&Route| route.projection == projection;
        let onto_neurons = self.recurrent_routes.iter().find(over).map(|route| (route, false));
        onto_neurons.or_else(|| self.readout_routes.iter().find(over).map(|route| (route, true)))
    }

    /// About how many bytes it takes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let shared = self.shared.as_ref().map_or(0, |shared| shared.ids.len() + shared.places.len());
        let places = self.recurrent_ids.len() + shared + self.readout_ids.len() + self.stimulus_ids.len();
        let listens: usize = self.spike_taps.iter().map(|tap| 4 * tap.listens.len()).sum();
        let tapped: usize = self.taps().map(|tap| 8 * tap.nodes.len()).sum();
        let currents = self.currents.iter().flatten().map(CurrentRoute::bytes).sum::<usize>();
        let routes = self.routes().map(Route::bytes).sum::<usize>() + currents;
        (4 * places + 8 * self.feedback.len() + listens + tapped + routes) as u64
            + self.feedback_routes.bytes()
    }
}
