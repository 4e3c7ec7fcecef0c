//! Feedback that follows the readouts' weights through an update.

use crate::describe::network::Description;
use crate::interval::plan::{IntervalPlan, Learner, RECURRENT};
use crate::plan::route::Route;

/// What feedback has to know of an update of the readouts' weights.
pub(super) struct Following {
    /// Weights from each neuron to each readout before it, a row of neurons per readout.
    before: Vec<f64>,
    /// The share of them that is lost in it, laid out likewise.
    decay: Option<Vec<f64>>,
}

impl Following {
    /// Before an update; `None` where no feedback follows it.
    pub fn new(plan: &IntervalPlan, network: &Description, ending: &[&Learner]) -> Option<Self> {
        let routes = &plan.wiring.feedback_routes;
        if !routes.change() || !ending.iter().any(|learner| learner.onto_readouts) {
            return None;
        }
        let before = routes.readout_weights(&plan.wiring.readout_routes, &network.projections);
        Some(Self { before, decay: routes.readout_decay() })
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
        let Some(decay) = self.decay.as_ref().filter(|_| route.source == RECURRENT) else { return };
        let neurons = plan.recurrent_count();
        for neuron in 0..neurons {
            let Some(row) = route.rows.row(neuron as u32) else { continue };
            for entry in route.entries(row) {
                let share = decay[route.target(row, entry) * neurons + neuron];
                weights[entry] = (weights[entry] - share * before[entry]).clamp(w_min, w_max);
            }
        }
    }

    /// Changes the weights of feedback as those of the readouts have changed.
    pub fn follow(&self, plan: &IntervalPlan, network: &mut Description) {
        let routes = &plan.wiring.feedback_routes;
        let after = routes.readout_weights(&plan.wiring.readout_routes, &network.projections);
        routes.follow(&self.before, &after, &mut network.projections);
    }
}
