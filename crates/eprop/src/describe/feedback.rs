//! Feedback whose weights are those of the readouts.

use crate::base::error::{Error, ErrorCode, Result};
use crate::describe::network::{Carries, Description, Projection};
use crate::describe::population::{NodeIndex, Population};

impl Description {
    /// The projections whose weights are those of the readouts.
    fn readout_feedback(&self) -> impl Iterator<Item = (usize, &Projection)> {
        let follows = |projection: &Projection| {
            projection.carries == Carries::LearningSignal
                && self.synapse_models[projection.synapse].feedback.source.is_readouts()
        };
        self.projections.iter().enumerate().filter(move |(_, projection)| follows(projection))
    }

    /// Has feedback whose weights are those of the readouts begin with them. A learning rule keeps them so.
    pub fn begin_feedback(&mut self) {
        // Mostly there is none, and many calls that connect need not go through all connections each.
        if !self.synapse_models.iter().any(|model| model.feedback.source.is_readouts()) {
            return;
        }
        let following: Vec<usize> = self.readout_feedback().map(|(place, _)| place).collect();
        if following.is_empty() {
            return;
        }
        let index = NodeIndex::new(self);
        for place in following {
            let feedback = &self.projections[place];
            let (Some(source), Some(target)) = (feedback.sources.first(), feedback.first_target()) else {
                continue;
            };
            let (readout, recurrent) = (index.place(*source).0, index.place(target).0);
            let sums = readout_weights(self, &index, recurrent, readout);
            let neurons = index.len(recurrent);
            let mut weights = vec![0.0; feedback.weights.len()];
            feedback.for_each_entry(|source, target, entry| {
                weights[entry] = sums[index.place(source).1 * neurons + index.place(target).1];
            });
            self.projections[place].weights = weights;
        }
    }

    /// Refuses to set weights that are those of the readouts.
    pub(super) fn refuse_readout_feedback(&self, projection: usize, weight: f64) -> Result<()> {
        let synapse = &self.synapse_models[self.projections[projection].synapse];
        if self.readout_feedback().all(|(place, _)| place != projection) {
            return Ok(());
        }
        Err(Error::new(
            ErrorCode::BadProperty,
            "the weight of this connection is that of the readout's synapse; set that one",
        )
        .model(synapse.name.clone())
        .parameter("weight")
        .number(weight)
        .bound("left out, or feedback random or adaptive"))
    }
}

/// Sums of the weights from each recurrent neuron to each readout: a row of neurons per readout.
fn readout_weights(
    network: &Description,
    index: &NodeIndex,
    recurrent: Population,
    readout: Population,
) -> Vec<f64> {
    let neurons = index.len(recurrent);
    let mut sums = vec![0.0; neurons * index.len(readout)];
    let spikes = [Carries::Spikes, Carries::PlasticPerInterval, Carries::PlasticPerSpike];
    for projection in network.projections.iter().filter(|of| spikes.contains(&of.carries)) {
        let onto = projection.first_target().map(|target| index.place(target).0);
        let from = projection.sources.first().map(|source| index.place(*source).0);
        if (from, onto) != (Some(recurrent), Some(readout)) {
            continue;
        }
        projection.for_each_entry(|source, target, entry| {
            sums[index.place(target).1 * neurons + index.place(source).1] += projection.weights[entry];
        });
    }
    sums
}
