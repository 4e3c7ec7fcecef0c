//! Feedback that follows the readouts' weights through an update.

use crate::describe::network::Description;
use crate::interval::plan::{IntervalPlan, Learner};
use crate::plan::route::Route;

/// What feedback has to know of an update of the readouts' weights.
pub(super) struct Following {
    /// Weights from each neuron to each readout before it, a row of neurons per readout.
    before: Vec<f64>,
    /// The share of them that is lost in it, laid out likewise.
    decay: Option<Vec<f64>>,
    /// Whether feedback keeps its share, laid out likewise: that of readout weights which are not updated.
    keeps: Vec<bool>,
    /// The projections onto readouts that are updated.
    updated: Vec<usize>,
}

impl Following {
    /// Before an update; `None` where no feedback follows it.
    pub fn new(
        plan: &IntervalPlan,
        network: &Description,
        ending: &[&Learner],
        learns: &[bool],
    ) -> Option<Self> {
        let routes = &plan.wiring.feedback_routes;
        if !routes.change() || !ending.iter().any(|learner| learner.onto_readouts) {
            return None;
        }
        let before = routes.readout_weights(&plan.wiring.readout_routes, &network.projections);
        let updated: Vec<usize> = ending
            .iter()
            .zip(learns)
            .filter(|(learner, learns)| learner.onto_readouts && **learns)
            .map(|(learner, _)| plan.route_of(learner).projection)
            .collect();
        let mut keeps = vec![updated.is_empty(); before.len()];
        // Of a neuron with several synapses onto a readout, one that is updated decides.
        for still in [true, false] {
            for learner in plan.learners.iter().filter(|learner| learner.onto_readouts) {
                let route = plan.route_of(learner);
                if updated.contains(&route.projection) != still {
                    routes.for_each_pair(route, |place, _| keeps[place] = still);
                }
            }
        }
        Some(Self { before, decay: routes.readout_decay(), keeps, updated })
    }

    /// Takes off the updated weights of a route onto readouts what they lose of those from before.
    pub fn decay(
        &self,
        plan: &IntervalPlan,
        route: &Route,
        before: &[f64],
        (w_min, w_max): (f64, f64),
        weights: &mut [f64],
    ) {
        let Some(decay) = self.decay.as_ref().filter(|_| self.updated.contains(&route.projection)) else {
            return;
        };
        plan.wiring.feedback_routes.for_each_pair(route, |place, entry| {
            weights[entry] = (weights[entry] - decay[place] * before[entry]).clamp(w_min, w_max);
        });
    }

    /// Changes the weights of feedback as those of the readouts have changed.
    pub fn follow(&self, plan: &IntervalPlan, network: &mut Description) {
        let routes = &plan.wiring.feedback_routes;
        let after = routes.readout_weights(&plan.wiring.readout_routes, &network.projections);
        routes.follow(&self.before, &after, &self.keeps, &mut network.projections);
    }
}
