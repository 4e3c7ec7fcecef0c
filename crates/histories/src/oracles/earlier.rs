//! Growth that might as well have been described before.

use std::collections::BTreeSet;

use eprop::Dict;
use eprop::models::{NodeClass, Rule};
use serde_json::Value as Json;

use crate::Call;
use crate::dice::Dice;
use crate::oracles::{Reference, Verdict, again, mentions, same};
use crate::replay::Trace;

/// Whether nodes that were created so and nothing else stay as they are until something reaches them.
fn rests(call: &Call, defaults_changed: &BTreeSet<String>) -> bool {
    let model = call.argument(1).as_str().unwrap_or("");
    let Some(known) = eprop::models::NODE_MODELS.iter().find(|known| known.name == model) else {
        return false;
    };
    if defaults_changed.contains(model) {
        return false;
    }
    let params = call.argument(3);
    let text = params.to_string();
    if text.contains("random") || params.is_array() {
        return false;
    }
    let has = |name: &str| params.get(name).is_some();
    match known.class {
        NodeClass::SpikeGenerator => !has("spike_times"),
        NodeClass::Parrot => params.is_null(),
        NodeClass::Recurrent | NodeClass::Readout => {
            // The time constant of readouts is one of traces, from when they are there.
            let readout = known.class == NodeClass::Readout && known.rule == Rule::Interval;
            let threshold = params["V_th"].as_f64().unwrap_or(-55.0);
            !readout
                && (known.class == NodeClass::Readout || threshold > params["E_L"].as_f64().unwrap_or(0.0))
                && params.get("E_L") == params.get("V_m")
                && has("E_L")
                && params.get("E_L").is_some_and(Json::is_number)
                && !["I_e", "V_min", "ignore_and_spike", "adaptation", "learns_bias"].into_iter().any(has)
        }
        _ => false,
    }
}

/// Whether a call may be made before another.
type Passes = fn(&Call) -> bool;

/// What decides how far a call may be moved, as the calls before it have left it.
struct Growth {
    changed_defaults: BTreeSet<String>,
    /// Nodes that rest and were created since the last simulation.
    fresh: BTreeSet<String>,
    /// Synapse models from whose first connection on neurons average their rate, where that counts.
    averaging: BTreeSet<String>,
    /// What is set so that currents learn, which they do from all steps of an interval in which their neuron is there.
    learning: Vec<String>,
}

impl Growth {
    fn new(calls: &[Call]) -> Self {
        let averaging = mentions(calls, "c_reg").then(|| "eprop_synapse".to_owned());
        Self {
            changed_defaults: BTreeSet::new(),
            fresh: BTreeSet::new(),
            averaging: averaging.into_iter().collect(),
            learning: calls
                .iter()
                .filter(|call| call.name() == "Set")
                .map(ToString::to_string)
                .filter(|call| call.contains("learns_bias"))
                .collect(),
        }
    }

    /// Whether currents of nodes are set to learn some time.
    fn learns(&self, nodes: &str) -> bool {
        let name = format!("\"{nodes}\"");
        self.learning.iter().any(|call| call.contains(&name))
    }

    /// Notes a call; what it may be moved before, where it may.
    fn note(&mut self, call: &Call) -> Option<Passes> {
        let text = |place: usize| call.argument(place).as_str().unwrap_or("").to_owned();
        match call.name() {
            "ResetKernel" => {
                self.changed_defaults.clear();
                self.fresh.clear();
            }
            "SetDefaults" => {
                self.changed_defaults.insert(text(0));
            }
            "CopyModel" if self.averaging.contains(&text(0)) => {
                self.averaging.insert(text(1));
            }
            "Simulate" => self.fresh.clear(),
            "Create" if rests(call, &self.changed_defaults) && !self.learns(&text(0)) => {
                self.fresh.insert(text(0));
                return Some(|other| {
                    !matches!(other.name(), "Create" | "set" | "SetDefaults" | "ResetKernel" | "Restore")
                });
            }
            "Connect" if self.fresh.contains(&text(0)) => {
                let rule = call.argument(2)["rule"].as_str().unwrap_or("all_to_all");
                let draws =
                    rule != "all_to_all" && rule != "one_to_one" || call.to_string().contains("random");
                let model = call.argument(3)["synapse_model"].as_str().unwrap_or("");
                if !draws && !self.averaging.contains(model) {
                    return Some(|other| matches!(other.name(), "Simulate" | "TakeEvents" | "Set"));
                }
            }
            // What is set may wake a node, or be meant for one that was reached.
            "Set" => match call.argument(0).as_str() {
                Some(name) => {
                    self.fresh.remove(name);
                }
                None => self.fresh.clear(),
            },
            _ => {}
        }
        None
    }
}

/// The history with its growth described earlier, where that is the same: nodes that rest, and connections from them.
#[must_use]
pub fn described_earlier(calls: &[Call]) -> Option<Vec<Call>> {
    let mut out: Vec<Call> = Vec::with_capacity(calls.len());
    let mut growth = Growth::new(calls);
    let (mut moved, mut pending) = (false, false);
    for call in calls {
        pending &= call.name() != "Simulate";
        let Some(passes) = growth.note(call) else {
            out.push(call.clone());
            continue;
        };
        // The nodes that a connection reaches are there where it is moved to.
        let names = [call.argument(0), call.argument(1), &call.argument(1)[0]];
        let named = names.map(|name| format!("\"{}\"", name.as_str().unwrap_or("")));
        let mut place = out.len();
        while place > 0 && passes(&out[place - 1]) {
            let other = &out[place - 1];
            if call.name() == "Connect"
                && other.name() == "Set"
                && named.iter().any(|name| other.to_string().contains(name))
            {
                break;
            }
            place -= 1;
        }
        moved |= out[place..].iter().any(|other| other.name() == "Simulate");
        out.insert(place, call.clone());
        pending |= call.name() == "Create";
    }
    // What was created last shows what it is once it was simulated.
    (moved && !pending).then_some(out)
}

/// A network that grows is the same as one that was described before, as long as what is added rests.
///
/// # Errors
/// What it has found.
pub fn described_at_once(reference: &Reference, _: &mut Dice) -> Verdict {
    let oracle = "described at once";
    // What is there earlier is rewired earlier, and has lost more where weights decay in each update.
    if ["deep_r", "prune", "adamw", "c_l2"].iter().any(|word| mentions(&reference.calls, word)) {
        return Ok(());
    }
    let Some(calls) = described_earlier(&reference.calls) else { return Ok(()) };
    let trace = again(oracle, &calls, Dict::new(), |_, _| None)?;
    let filter = |trace: Trace| trace.only(|name| !name.starts_with("look"));
    same(oracle, &filter(reference.trace.clone()), &filter(trace))
}
