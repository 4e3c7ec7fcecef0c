//! What is on its way.

use std::collections::BTreeSet;

use eprop::Kernel;
use eprop::models::{NodeClass, SynapseKind};
use serde_json::{Value as Json, json};

use crate::Call;
use crate::dice::Dice;
use crate::oracles::{Finding, Reference, Verdict, mentions};
use crate::replay::{Outcome, Replay, Trace};

/// What sums of a step's input may differ by: what is on its way with another weight than it would have now comes before
/// the rest.
const ORDER: f64 = 1e-13;

/// The same in 32 bits.
const ORDER_IN_32_BITS: f64 = 1e-6;

/// No change of a generator, a weight or a connection alters what is on its way.
///
/// # Errors
/// What it has found.
pub fn emitted_stays_emitted(reference: &Reference, dice: &mut Dice) -> Verdict {
    let oracle = "emitted stays emitted";
    let places: Vec<usize> = (0..reference.calls.len())
        .filter(|place| {
            matches!(reference.calls[*place].name(), "Set" | "SetConnections" | "Connect" | "ConnectIds")
        })
        .collect();
    // Feedback with the readouts' weights is other feedback as soon as these are set.
    if mentions(&reference.calls, "symmetric") {
        return Ok(());
    }
    let order = if mentions(&reference.calls, "f32") { ORDER_IN_32_BITS } else { ORDER };
    let mut kernels = 0;
    let mut replay = Replay::default();
    let often = 4.0 / places.len().max(1) as f64;
    for (place, call) in reference.calls.iter().enumerate() {
        let change = if places.contains(&place) && dice.chance(often) {
            Some(call.clone())
        } else if call.name() == "Simulate" && dice.chance(0.3) {
            drawn(&replay, dice)
        } else {
            None
        };
        if kernels < 6
            && let Some(change) = change
            && let Some((steps, sources)) = reach(&replay, &change)
        {
            kernels += 1;
            let with = after(&mut replay, Some(&change), steps, &sources);
            let without = after(&mut replay, None, steps, &sources);
            if let (Some(with), Some(without)) = (with, without)
                && let Some(what) = without.difference_beyond(&with, order)
            {
                return Err(Finding { oracle, what: format!("{change}, {steps} steps on: {what}") });
            }
        }
        if !matches!(replay.call(call), Outcome::Done) {
            // Another oracle's matter.
            return Ok(());
        }
    }
    Ok(())
}

/// A change while something may be in flight over a connection with a long delay.
fn drawn(replay: &Replay, dice: &mut Dice) -> Option<Call> {
    let network = replay.kernel.network();
    let late: Vec<(u32, u32)> = network
        .projections
        .iter()
        .filter(|projection| {
            let kind = network.synapse_models[projection.synapse].model.kind;
            projection.delay > 1 && kind == SynapseKind::Static && !projection.weights.is_empty()
        })
        .filter_map(|projection| Some((*projection.sources.first()?, projection.target_of(0))))
        .collect();
    if late.is_empty() {
        return None;
    }
    let (source, target) = *dice.pick(&late);
    let name_of = |node: u32| {
        let found = replay.names.iter().find(|(_, (first, n))| (*first..*first + *n as u32).contains(&node));
        found.map(|(name, _)| name.clone())
    };
    let from = name_of(source)?;
    let class = network.group_of(source).map(|group| group.model.class);
    if class == Some(NodeClass::SpikeGenerator) && dice.chance(0.5) {
        let nothing = json!({"spike_times": [], "spike_multiplicities": []});
        return Some(Call::new("Set").with(from).with(nothing));
    }
    let weight = json!({"weight": dice.number(-1.0, 1.0)});
    Some(Call::new("SetConnections").with(from).with(name_of(target)?).with(weight))
}

/// For how many steps a change cannot be seen, and the nodes whose spikes are changed.
fn reach(replay: &Replay, call: &Call) -> Option<(u32, Vec<u32>)> {
    let network = replay.kernel.network();
    let class = |node: u32| network.group_of(node).map(|group| group.model.class);
    match call.name() {
        "Set" => {
            let nodes = replay.select(call.argument(0)).ok()?;
            if !nodes.iter().all(|node| {
                matches!(class(*node), Some(NodeClass::SpikeGenerator | NodeClass::PoissonGenerator))
            }) {
                return None;
            }
            let delays = network
                .projections
                .iter()
                .filter(|projection| projection.sources.iter().any(|source| nodes.contains(source)))
                .map(|projection| projection.delay);
            Some((delays.min()?, nodes))
        }
        "SetConnections" => {
            let (from, to) = (replay.select(call.argument(0)).ok()?, replay.select(call.argument(1)).ok()?);
            let mut least: Option<u32> = None;
            for projection in &network.projections {
                let from = projection.sources.iter().any(|source| from.contains(source));
                let to = (0..projection.weights.len()).any(|entry| to.contains(&projection.target_of(entry)));
                if from && to {
                    if network.synapse_models[projection.synapse].model.kind != SynapseKind::Static {
                        return None;
                    }
                    least = Some(least.map_or(projection.delay, |least| least.min(projection.delay)));
                }
            }
            // What was sent since the last hand-over, a least delay ago at most, meets the weight that is set.
            let handed_over = network.projections.iter().map(|projection| projection.delay).min()?;
            Some((least?.checked_sub(handed_over).filter(|steps| *steps > 0)?, Vec::new()))
        }
        _ => {
            let (from, to, synapse) = if call.name() == "Connect" {
                let select = |place: usize| replay.select(call.argument(place)).ok();
                (select(0)?, select(1)?, call.argument(3))
            } else {
                let ids = |place: usize| -> Option<Vec<u32>> {
                    Some(
                        call.argument(place)
                            .as_array()?
                            .iter()
                            .filter_map(|id| Some(id.as_u64()? as u32))
                            .collect(),
                    )
                };
                (ids(0)?, ids(1)?, call.argument(2))
            };
            let sends = |node: &u32| {
                matches!(
                    class(*node),
                    Some(
                        NodeClass::SpikeGenerator
                            | NodeClass::PoissonGenerator
                            | NodeClass::Parrot
                            | NodeClass::Recurrent
                    )
                )
            };
            let receives = |node: &u32| {
                matches!(class(*node), Some(NodeClass::Parrot | NodeClass::Recurrent | NodeClass::Readout))
            };
            if !from.iter().all(sends) || !to.iter().all(receives) {
                return None;
            }
            let resolution = network.kernel.resolution;
            let model = synapse["synapse_model"].as_str().unwrap_or("static_synapse");
            let default = network.synapse_models[network.synapse_model(model).ok()?].delay;
            let ms = match &synapse["delay"] {
                Json::Array(list) => list.iter().filter_map(Json::as_f64).fold(f64::INFINITY, f64::min),
                other => other.as_f64().unwrap_or(default),
            };
            Some(((ms / resolution).round() as u32, Vec::new()))
        }
    }
}

/// What neurons and recorders show so many steps later; what the changed nodes themselves emit is left out.
fn after(replay: &mut Replay, call: Option<&Call>, steps: u32, sources: &[u32]) -> Option<Trace> {
    let mut copy = Replay::default();
    copy.names.clone_from(&replay.names);
    copy.kernel = copy_of(&mut replay.kernel)?;
    if let Some(call) = call
        && copy.call(call) != Outcome::Done
    {
        return None;
    }
    let resolution = copy.kernel.network().kernel.resolution;
    let ms = (f64::from(steps) * resolution * 1000.0).round() / 1000.0;
    if copy.call(&Call::new("Simulate").with(ms)) != Outcome::Done {
        return None;
    }
    let network = copy.kernel.network();
    let direct: BTreeSet<u32> = network
        .projections
        .iter()
        .filter(|projection| projection.sources.iter().any(|source| sources.contains(source)))
        .flat_map(|projection| (0..projection.weights.len()).map(|entry| projection.target_of(entry)))
        .collect();
    // What static synapses are handed is recorded before it arrives.
    let models = network.synapse_models.iter().filter(|synapse| synapse.model.kind == SynapseKind::Static);
    let sees_at_once: Vec<u32> = models.filter_map(|synapse| synapse.weight_recorder).collect();
    let names: Vec<String> = copy
        .names
        .iter()
        .filter(|(_, (first, n))| {
            (*first..*first + *n as u32).any(|node| {
                direct.contains(&node) && records_spikes(&copy.kernel, node) || sees_at_once.contains(&node)
            })
        })
        .map(|(name, _)| name.clone())
        .collect();
    let trace = copy.trace();
    Some(trace.only(|name| {
        let recorded = name.starts_with("events of ")
            && !names.iter().any(|recorder| name.starts_with(&format!("events of {recorder}[")));
        recorded || name.ends_with(".V_m")
    }))
}

fn records_spikes(kernel: &Kernel, node: u32) -> bool {
    kernel.network().group_of(node).is_some_and(|group| group.model.class == NodeClass::SpikeRecorder)
}

/// Another kernel in the same state. Whether it is the same is for another oracle to say.
fn copy_of(kernel: &mut Kernel) -> Option<Kernel> {
    kernel.state().and_then(Kernel::restored).ok()
}
