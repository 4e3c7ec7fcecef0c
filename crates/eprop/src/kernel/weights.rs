//! What weight recorders see of spikes over static synapses: as in NEST, as soon as these are handed over to the synapses.

use std::ops::RangeInclusive;

use crate::describe::network::{Carries, Description};
use crate::kernel::{Kernel, Plans};
use crate::plan::route::handed_over;
use crate::record::{Recordings, WeightEvents};
use crate::step::delivery::{Passage, record_weights};
use crate::step::emission::Emission;

impl Kernel {
    /// Has weight recorders see the spikes that have been handed over to static synapses onto neurons and have not arrived
    /// by now; those that have arrived they have seen. A later simulation shows the rest.
    pub(super) fn show_weights(&mut self) {
        for (place, projection) in self.network.projections.iter().enumerate() {
            let model = &self.network.synapse_models[projection.synapse];
            if projection.carries != Carries::Spikes || model.weight_recorder.is_none() {
                continue;
            }
            for rule in self.rules.iter().flatten() {
                rule.show_weights(&self.network, &self.emission, place, self.time, &mut self.recordings);
            }
        }
        self.emission.have_shown(handed_over(&self.network.projections, self.time).neurons);
    }
}

/// Has weight recorders see the spikes of some stamps on their way to parrots.
pub(super) fn show_weights_to_parrots(
    plans: &Plans,
    network: &Description,
    emission: &Emission,
    stamps: RangeInclusive<i64>,
    recordings: &mut Recordings,
) {
    if plans.parrot_routes.is_empty() {
        return;
    }
    let mut events = vec![WeightEvents::default(); plans.weight_taps.len()];
    for stamp in stamps {
        for route in &plans.parrot_routes {
            let projection = &network.projections[route.projection];
            for (place, count) in emission.at(stamp).iter() {
                let row = route.rows.row(place).filter(|row| route.transmits(*row, stamp));
                let Some(row) = row else { continue };
                let passage = Passage {
                    route,
                    row,
                    sender: plans.stimulus_ids[place as usize],
                    targets: &plans.stimulus_ids,
                    receptor: projection.receptor,
                    stamp,
                    count,
                    shown: emission.shown(),
                };
                record_weights(&plans.weight_taps, &mut events, passage, &projection.weights);
            }
        }
    }
    recordings.take_weights(plans.weight_taps.iter().map(|tap| tap.recorder), events);
}
