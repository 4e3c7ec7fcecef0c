//! When ranks that share neurons tell each other which of theirs have fired.
//!
//! A spike reaches no neuron before the shortest delay is over. For so many steps each rank computes its neurons by
//! itself; then the spikes of all these steps are exchanged in one message.

use crate::describe::network::{Carries, Description};
use crate::describe::population::{NodeIndex, Population};
use crate::models::Rule;

/// Steps between two exchanges, at most: whether to stop is agreed on with them.
const MOST: usize = 32;

/// When the spikes of a rule's neurons are exchanged. The same at all ranks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exchanges {
    /// Steps after which they are, at the latest.
    pub every: usize,
    /// Whether readouts take these steps once the spikes of all ranks are known; otherwise, each before neurons take the
    /// next.
    pub readouts_wait: bool,
    /// Whether what is learned from an update interval depends on who fires first in the next one.
    pub next_counts: bool,
}

impl Exchanges {
    /// Of the neurons and readouts of a rule.
    #[must_use]
    pub fn new(network: &Description, index: &NodeIndex, rule: Rule) -> Self {
        let recurrent = Population::Recurrent(rule);
        let (mut onto_neurons, mut onto_readouts) = (MOST, MOST);
        let (mut neurons_learn, mut next_counts) = (false, false);
        for projection in &network.projections {
            let plastic = match projection.carries {
                Carries::Spikes => false,
                Carries::PlasticPerInterval | Carries::PlasticPerSpike => true,
                _ => continue,
            };
            let Some(source) = projection.sources.first() else { continue };
            let from_neurons = index.place(*source).0 == recurrent;
            let delay = projection.delay as usize;
            // Whose targets are all at other ranks ends at recurrent neurons.
            match projection.first_target().map(|target| index.place(target).0) {
                Some(Population::Readout(_)) if from_neurons => onto_readouts = onto_readouts.min(delay),
                None | Some(Population::Recurrent(_)) => {
                    neurons_learn |= projection.carries == Carries::PlasticPerSpike;
                    if from_neurons {
                        next_counts |= plastic;
                        onto_neurons = onto_neurons.min(delay);
                    }
                }
                _ => {}
            }
        }
        // With e-prop+, weights onto neurons follow the errors of the step before.
        let readouts_wait = rule != Rule::Plus || !neurons_learn;
        let every = if readouts_wait { onto_neurons } else { onto_neurons.min(onto_readouts + 1) };
        Self { every, readouts_wait, next_counts }
    }
}
