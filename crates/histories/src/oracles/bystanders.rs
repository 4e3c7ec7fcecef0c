//! Connections without effect.

use eprop::Dict;
use eprop::internals::set_tile_columns;
use eprop::models::NodeClass;
use serde_json::{Value as Json, json};

use crate::Call;
use crate::dice::Dice;
use crate::oracles::{Reference, Verdict, again, mentions, same};
use crate::replay::{Outcome, Replay, Seen, Trace};

/// A synapse model that a history has none of.
const BYSTANDER: &str = "synapse of bystanders";

/// Without what bystanders have added.
fn without_bystanders(trace: Trace, place: Option<usize>) -> Trace {
    let keep: Option<Vec<bool>> = place.map(|place| {
        trace.numbers("connections.synapse").iter().map(|synapse| *synapse != place as f64).collect()
    });
    let of_all_connections =
        ["kernel.num_connections", "kernel.min_delay", "kernel.max_delay", "connections.synapse"];
    let mut trace = trace.only(|name| {
        // Only neurons with synapses that learn show a learning signal.
        !of_all_connections.contains(&name) && !name.starts_with("look") && !name.ends_with("learning_signal")
    });
    if let Some(keep) = keep {
        for (name, seen) in &mut trace.0 {
            if let Seen::Numbers(values) = seen
                && name.starts_with("connections.")
            {
                let mut kept = keep.iter();
                values.retain(|_| *kept.next().expect("a row for each"));
            }
        }
    }
    trace
}

/// Connections without effect change nothing, whenever they are made.
///
/// # Errors
/// What it has found.
pub fn bystanders_change_nothing(reference: &Reference, dice: &mut Dice) -> Verdict {
    let oracle = "what has no effect changes nothing";
    // A reset takes the bystanders' synapse model away.
    let resets = |(place, call): (usize, &Call)| call.name() == "ResetKernel" && place > 0;
    if reference.calls.is_empty() || reference.calls.iter().enumerate().any(resets) {
        return Ok(());
    }
    // Which numbers a Poisson train, noise or a rewired projection draws depends on the connections that there are, adaptive
    // feedback decays where synapses onto readouts learn, and currents learn as the first of the projections does.
    if ["poisson_generator", "noise_generator", "deep_r", "adaptive", "learns_bias"]
        .iter()
        .any(|word| mentions(&reference.calls, word))
    {
        return Ok(());
    }
    let existing =
        *dice.pick(&["static_synapse", "eprop_synapse_bsshslm_2020", "eprop_synapse", "static_synapse"]);
    // Neurons' average rate is that since the first synapse that learns with every spike was there.
    if existing == "eprop_synapse" && mentions(&reference.calls, "c_reg") {
        return Ok(());
    }
    let bounds = json!({"Wmin": 0.0, "Wmax": 0.0});
    let values = match existing {
        "static_synapse" => json!({"weight": 0.0}),
        // Where readouts differ, synapses that learn must say whose time constant they filter with.
        "eprop_synapse_bsshslm_2020" => json!({"weight": 0.0, "tau_m_readout": 10.0, "optimizer": bounds}),
        _ => json!({"weight": 0.0, "optimizer": bounds}),
    };
    let often = dice.uniform();
    // Weights that are set would be those of bystanders, too.
    let set: Vec<(&str, &str)> = reference
        .calls
        .iter()
        .filter(|call| call.name() == "SetConnections")
        .map(|call| (name_of(call.argument(0)), name_of(call.argument(1))))
        .collect();
    let mut made = false;
    let mut place = None;
    let trace = again(oracle, &reference.calls, Dict::new(), |replay, call| {
        // A copied model settles the resolution, as nodes do.
        if call.name() == "ResetKernel" || replay.names.is_empty() {
            return None;
        }
        if !made {
            made = true;
            let copied =
                replay.call(&Call::new("CopyModel").with(existing).with(BYSTANDER).with(values.clone()));
            place = replay.kernel.network().synapse_model(BYSTANDER).ok();
            if !matches!(copied, Outcome::Done) {
                return Some(copied);
            }
        }
        if dice.chance(often) && !replay.names.is_empty() {
            let names: Vec<String> = replay.names.keys().cloned().collect();
            let (from, to) = (dice.pick(&names).clone(), dice.pick(&names).clone());
            if is_harmless(replay, &from, &to) && !set.contains(&(from.as_str(), to.as_str())) {
                // In a large network, gradients of all others are kept in other tiles from then on.
                set_tile_columns(*dice.pick(&[0, 8, 16]));
                let resolution = replay.kernel.network().kernel.resolution;
                let outcome = replay.call(
                    &Call::new("Connect")
                        .with(from)
                        .with(to)
                        .with(json!({"rule": "all_to_all"}))
                        .with(json!({"synapse_model": BYSTANDER, "delay": resolution})),
                );
                if let Outcome::Broken(_) = outcome {
                    return Some(outcome);
                }
            }
        }
        None
    });
    set_tile_columns(0);
    let trace = trace?;
    same(oracle, &without_bystanders(reference.trace.clone(), None), &without_bystanders(trace, place))
}

/// The name of the nodes that a selection takes some of.
fn name_of(selection: &Json) -> &str {
    selection.as_str().or_else(|| selection[0].as_str()).unwrap_or("")
}

/// Whether a connection with weight 0 is without effect: not one to a recorder or a parrot.
fn is_harmless(replay: &Replay, from: &str, to: &str) -> bool {
    let class = |name: &str| {
        replay
            .names
            .get(name)
            .and_then(|(first, _)| replay.kernel.network().group_of(*first))
            .map(|group| group.model.class)
    };
    let spiking = [NodeClass::SpikeGenerator, NodeClass::Parrot, NodeClass::Recurrent];
    class(from).is_some_and(|class| spiking.contains(&class))
        && class(to).is_some_and(|class| matches!(class, NodeClass::Recurrent | NodeClass::Readout))
}
