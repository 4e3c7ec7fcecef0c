//! Gradients of an update whose norm is too large: all of them are scaled down by the same factor.

use crate::base::error::{Error, ErrorCode, Result};
use crate::base::real::Real;
use crate::describe::kernel_parameters::CLIP_NORM;
use crate::describe::network::Description;
use crate::interval::IntervalRule;
use crate::interval::gradient::batch::Update;
use crate::interval::plan::Learner;

/// Gradients are divided by no more: nothing is left of them by then, and the costs of weights, which are multiplied by it
/// to be none of what is clipped, stay finite.
const MOST_SHRINKING: f64 = 1e200;

impl<R: Real> IntervalRule<R> {
    /// The sum of the squared gradients of each learner whose batch ends with the last interval that was absorbed.
    pub(super) fn square_sums(&self, network: &Description, ending: &[&Learner]) -> Vec<f64> {
        let square_sum = |learner: &&Learner| {
            let route = self.plan.route_of(learner);
            let batch_size = network.synapse_models[route.synapse].optimizer.batch_size;
            self.synapses[&route.projection].square_sum(route, batch_size)
        };
        ending.iter().map(square_sum).collect()
    }

    /// What the gradients of the update are divided by so that their norm, over all weights and currents that it moves,
    /// is at most what the user allows; 1 where it is. It follows from the sums of the batch, which are the same in any
    /// number of threads and ranks, in the order of projections.
    ///
    /// # Errors
    /// `NumericalInstability` where the norm is not finite: nothing would be left of the gradient.
    pub(super) fn shrinking(&self, network: &Description, square_sums: &[f64]) -> Result<f64> {
        let largest = network.kernel.clip_norm;
        if largest == 0.0 {
            return Ok(1.0);
        }
        let of_biases = self.square_sum_of_biases(network, self.absorbed);
        let norm = (square_sums.iter().sum::<f64>() + of_biases).sqrt();
        if !norm.is_finite() {
            let what = "the norm of a gradient that is to be clipped is not finite";
            return Err(Error::new(ErrorCode::NumericalInstability, what)
                .parameter(CLIP_NORM)
                .value(format!("after update interval {}", self.absorbed))
                .bound("finite numbers"));
        }
        Ok(if norm > largest { (norm / largest).min(MOST_SHRINKING) } else { 1.0 })
    }

    /// Refuses an update after which a weight would not be finite.
    pub(super) fn check_update(
        &self,
        network: &Description,
        ending: &[&Learner],
        square_sums: &[f64],
        shrinking: f64,
    ) -> Result<()> {
        for (learner, square_sum) in ending.iter().zip(square_sums) {
            let route = self.plan.route_of(learner);
            let update =
                Update::after(self.absorbed, &network.synapse_models[route.synapse].optimizer, shrinking);
            let weights = &network.projections[route.projection].weights;
            let norm = square_sum.sqrt() / shrinking;
            if let Some(entry) = self.synapses[&route.projection].breaking(route, update, norm, weights) {
                let what = "a weight would not be finite after its update";
                return Err(self.instability(network, what, route.projection, entry, self.absorbed));
            }
        }
        Ok(())
    }
}
