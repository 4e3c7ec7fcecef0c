//! What must hold for each history. Each oracle is a function of its own.

use std::collections::BTreeSet;

use eprop::base::simd::{self, Level};
use eprop::base::threads;
use eprop::models::{NodeClass, Rule, SynapseKind};
use eprop::{Dict, ErrorCode, Kernel};
use serde_json::{Value as Json, json};

use crate::Call;
use crate::dice::Dice;
use crate::replay::{Outcome, Replay, Seen, Trace};

/// What an oracle has found.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The oracle.
    pub oracle: &'static str,
    /// What did not hold.
    pub what: String,
}

/// Whether an oracle holds.
pub type Verdict = Result<(), Finding>;

/// A history that was carried out once.
#[derive(Debug, Clone, Default)]
pub struct Reference {
    /// The calls that were accepted.
    pub calls: Vec<Call>,
    /// How many calls were refused.
    pub refused: usize,
    /// What can be seen at the end.
    pub trace: Trace,
}

/// An oracle: a history that was carried out, and dice for what is tried with it.
pub type Oracle = fn(&Reference, &mut Dice) -> Verdict;

/// All oracles but that of a first run, by name.
pub const ORACLES: &[(&str, Oracle)] = &[
    ("refused calls change nothing", refused_calls_change_nothing),
    ("queries change nothing", queries_change_nothing),
    ("cuts change nothing", cuts_change_nothing),
    ("saving and loading change nothing", saving_changes_nothing),
    ("threads change nothing", threads_change_nothing),
    ("instruction sets change nothing", instruction_sets_change_nothing),
    ("memory_limit changes nothing", memory_limit_changes_nothing),
    ("adjoint equals forward", adjoint_equals_forward),
    ("what has no effect changes nothing", bystanders_change_nothing),
    ("described at once", described_at_once),
    ("emitted stays emitted", emitted_stays_emitted),
];

/// Name of the oracle that a first run is.
pub const UNBROKEN: &str = "no panic and no InternalError";

/// Carries a history out: no panic, no mistake of the engine. What is refused is left out.
///
/// # Errors
/// If something breaks.
pub fn reference(calls: &[Call]) -> Result<Reference, Finding> {
    let mut replay = Replay::default();
    let mut reference = Reference::default();
    for call in calls {
        match replay.call(call) {
            Outcome::Done => reference.calls.push(call.clone()),
            Outcome::Refused(error) => {
                reference.refused += 1;
                // What stops a simulation on its way leaves the kernel at the time that it reached.
                if call.name() == "Simulate" && error.code != ErrorCode::BadParameter {
                    break;
                }
            }
            Outcome::Meaningless(_) => {}
            Outcome::Broken(what) => {
                return Err(Finding { oracle: UNBROKEN, what: format!("{call}: {what}") });
            }
        }
    }
    reference.trace = replay.trace();
    Ok(reference)
}

/// Carries accepted calls out; before each call `before` may do something, or do the call in a way of its own.
fn again(
    oracle: &'static str,
    calls: &[Call],
    ways: Dict,
    mut before: impl FnMut(&mut Replay, &Call) -> Option<Outcome>,
) -> Result<Trace, Finding> {
    let mut replay = Replay::with_ways(ways);
    for call in calls {
        let outcome = before(&mut replay, call).unwrap_or_else(|| replay.call(call));
        match outcome {
            Outcome::Done => {}
            other => return Err(Finding { oracle, what: format!("{call} became {other:?}") }),
        }
    }
    Ok(replay.trace())
}

fn same(oracle: &'static str, expected: &Trace, trace: &Trace) -> Verdict {
    expected.difference(trace).map_or(Ok(()), |what| Err(Finding { oracle, what }))
}

/// What was refused has changed nothing.
///
/// # Errors
/// What it has found; so do all others.
pub fn refused_calls_change_nothing(reference: &Reference, _: &mut Dice) -> Verdict {
    let oracle = "refused calls change nothing";
    same(oracle, &again(oracle, &reference.calls, Dict::new(), |_, _| None)?, &reference.trace)
}

/// Looking changes nothing.
///
/// # Errors
/// What it has found.
pub fn queries_change_nothing(reference: &Reference, dice: &mut Dice) -> Verdict {
    let oracle = "queries change nothing";
    let often = dice.uniform();
    let trace = again(oracle, &reference.calls, Dict::new(), |replay, _| {
        while dice.chance(often * 0.6) {
            let what = *dice.pick(&["memory", "state", "network", "bytes", "defaults", "nothing", "trace"]);
            // A network that cannot be simulated has no plan to look at.
            if let Outcome::Broken(what) = replay.call(&Call::new("Query").with(what)) {
                return Some(Outcome::Broken(what));
            }
        }
        None
    })?;
    same(oracle, &reference.trace, &trace)
}

fn parts(replay: &Replay, call: &Call, dice: &mut Dice) -> Vec<f64> {
    let ms = call.argument(0).as_f64().unwrap_or(0.0);
    let resolution = replay.kernel.network().kernel.resolution;
    let mut left = (ms / resolution).round() as usize;
    let mut parts = Vec::new();
    let most = *dice.pick(&[1, 3, 10, 1000]);
    while left > 0 {
        let steps = dice.whole(1, most.min(left));
        parts.push((steps as f64 * resolution * 1000.0).round() / 1000.0);
        left -= steps;
    }
    parts
}

/// Cutting `Simulate` anywhere changes nothing.
///
/// # Errors
/// What it has found.
pub fn cuts_change_nothing(reference: &Reference, dice: &mut Dice) -> Verdict {
    let oracle = "cuts change nothing";
    let trace = again(oracle, &reference.calls, Dict::new(), |replay, call| {
        if call.name() != "Simulate" {
            return None;
        }
        for part in parts(replay, call, dice) {
            let outcome = replay.call(&Call::new("Simulate").with(part));
            if outcome != Outcome::Done {
                return Some(outcome);
            }
        }
        Some(Outcome::Done)
    })?;
    same(oracle, &reference.trace, &trace)
}

/// Going on with a kernel made of the state of the one before changes nothing, at any step.
///
/// # Errors
/// What it has found.
pub fn saving_changes_nothing(reference: &Reference, dice: &mut Dice) -> Verdict {
    let oracle = "saving and loading change nothing";
    let often = dice.uniform();
    let trace = again(oracle, &reference.calls, Dict::new(), |replay, call| {
        let restore = Call::new("Restore");
        if dice.chance(often) {
            let before = replay.trace();
            match replay.call(&restore) {
                // A network that cannot be simulated cannot be saved.
                Outcome::Done | Outcome::Refused(_) => {}
                other => return Some(other),
            }
            if let Some(what) = before.difference(&replay.trace()) {
                return Some(Outcome::Broken(format!("restored: {what}")));
            }
        }
        if call.name() != "Simulate" {
            return None;
        }
        for part in parts(replay, call, dice) {
            let outcome = replay.call(&Call::new("Simulate").with(part));
            if outcome != Outcome::Done {
                return Some(outcome);
            }
            if dice.chance(often) {
                let outcome = replay.call(&restore);
                if outcome != Outcome::Done {
                    return Some(outcome);
                }
            }
        }
        Some(Outcome::Done)
    })?;
    same(oracle, &reference.trace, &trace)
}

/// Lets as many threads as are wanted take part, however little there is to do.
fn share_all() {
    threads::set_budget(8.0).expect("a number of threads");
    threads::set_grain(1);
}

/// Any number of threads gives the same bits.
///
/// # Errors
/// What it has found.
pub fn threads_change_nothing(reference: &Reference, _: &mut Dice) -> Verdict {
    let oracle = "threads change nothing";
    share_all();
    for threads in [1.0, 2.0, 8.0] {
        let ways = Dict::new().with("local_num_threads", threads);
        same(oracle, &reference.trace, &again(oracle, &reference.calls, ways, |_, _| None)?)?;
    }
    Ok(())
}

/// Any instruction set gives the same bits.
///
/// # Errors
/// What it has found.
pub fn instruction_sets_change_nothing(reference: &Reference, _: &mut Dice) -> Verdict {
    let oracle = "instruction sets change nothing";
    let widest = simd::detected();
    for level in [Level::Baseline, Level::Avx2, Level::Avx512].into_iter().filter(|level| *level <= widest) {
        simd::limit(level);
        let trace = again(oracle, &reference.calls, Dict::new(), |_, _| None);
        simd::limit(widest);
        same(oracle, &reference.trace, &trace?)?;
    }
    Ok(())
}

/// However little memory a simulation may take, it gives the same bits or is refused.
///
/// # Errors
/// What it has found.
pub fn memory_limit_changes_nothing(reference: &Reference, dice: &mut Dice) -> Verdict {
    let oracle = "memory_limit changes nothing";
    let allowed = |replay: &mut Replay, bytes: f64| {
        replay.kernel.set(&Dict::new().with("memory_limit", bytes)).expect("a limit");
    };
    let trace = again(oracle, &reference.calls, Dict::new(), |replay, call| {
        if call.name() != "Simulate" {
            return None;
        }
        let whole = replay.kernel.memory().map_or(0, |estimate| estimate.total) as f64;
        // Where recordings no longer fit, a simulation stops on its way: the rest is done after that.
        let end = call.argument(0).as_f64().map(|ms| replay.kernel.time() + ms);
        let rest = |replay: &Replay| match end {
            Some(end) => Call::new("Simulate").with(end - replay.kernel.time()),
            None => call.clone(),
        };
        let mut outcome = None;
        for share in [0.2, 0.5, 0.7, 0.8, 0.9] {
            if dice.chance(0.5) {
                allowed(replay, (whole * share).ceil().max(1.0));
                match replay.call(&rest(replay)) {
                    Outcome::Refused(error) if error.code == ErrorCode::OutOfMemory => {}
                    other => {
                        outcome = Some(other);
                        break;
                    }
                }
            }
        }
        allowed(replay, 0.0);
        Some(outcome.unwrap_or_else(|| replay.call(&rest(replay))))
    })?;
    same(oracle, &reference.trace, &trace)
}

fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |most: f64, value| most.max(value.abs()))
}

/// The gradient is the same in both forms, to rounding, as long as no spike differs. What an update has rounded
/// otherwise grows with the updates after it, where weights grow: it is allowed a hundred times what a gradient is.
///
/// # Errors
/// What it has found.
pub fn adjoint_equals_forward(reference: &Reference, _: &mut Dice) -> Verdict {
    let oracle = "adjoint equals forward";
    // Adam makes much of a gradient that is rounding alone.
    let text: String = reference.calls.iter().map(Call::to_string).collect();
    if text.contains("adam") || text.contains("f32") {
        return Ok(());
    }
    let ways = Dict::new().with("gradient", "forward");
    let forward = again(oracle, &reference.calls, ways, |_, _| None)?;
    let spikes =
        |trace: &Trace| trace.clone().only(|name| name.starts_with("events") && name.ends_with(".senders"));
    if spikes(&reference.trace).difference(&spikes(&forward)).is_some() {
        return Ok(());
    }
    let (ours, theirs) =
        (reference.trace.numbers("connections.weight"), forward.numbers("connections.weight"));
    let scale = largest(ours);
    let place =
        ours.iter().zip(theirs).position(|(a, f)| (a - f).abs() > 1e-10 * scale || a.is_nan() != f.is_nan());
    place.map_or(Ok(()), |place| {
        let what = format!("connections.weight[{place}]: {:?} and {:?}", ours[place], theirs[place]);
        Err(Finding { oracle, what })
    })
}

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
    let excludes = |(place, call): (usize, &Call)| {
        call.name() == "SetConnections" || (call.name() == "ResetKernel" && place > 0)
    };
    if reference.calls.is_empty() || reference.calls.iter().enumerate().any(excludes) {
        return Ok(());
    }
    // Which numbers a Poisson train or noise has depends on the connections that there are.
    let draws =
        |text: &str| ["poisson_generator", "noise_generator"].iter().any(|model| text.contains(model));
    if reference.calls.iter().any(|call| draws(&call.to_string())) {
        return Ok(());
    }
    let existing =
        *dice.pick(&["static_synapse", "eprop_synapse_bsshslm_2020", "eprop_synapse", "static_synapse"]);
    let bounds = json!({"Wmin": 0.0, "Wmax": 0.0});
    let values = match existing {
        "static_synapse" => json!({"weight": 0.0}),
        // Where readouts differ, synapses that learn must say whose time constant they filter with.
        "eprop_synapse_bsshslm_2020" => json!({"weight": 0.0, "tau_m_readout": 10.0, "optimizer": bounds}),
        _ => json!({"weight": 0.0, "optimizer": bounds}),
    };
    let often = dice.uniform();
    let mut made = false;
    let mut place = None;
    let trace = again(oracle, &reference.calls, Dict::new(), |replay, call| {
        if call.name() == "ResetKernel" {
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
            if is_harmless(replay, &from, &to) {
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
    })?;
    same(oracle, &without_bystanders(reference.trace.clone(), None), &without_bystanders(trace, place))
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
                && !["I_e", "V_min", "ignore_and_spike", "adaptation"].into_iter().any(has)
        }
        _ => false,
    }
}

/// The history with its growth described earlier, where that is the same: nodes that rest, and connections from them.
#[must_use]
pub fn described_earlier(calls: &[Call]) -> Option<Vec<Call>> {
    let mut out: Vec<Call> = Vec::with_capacity(calls.len());
    let mut changed_defaults: BTreeSet<String> = BTreeSet::new();
    // Nodes that rest and were created since the last simulation.
    let mut fresh: BTreeSet<String> = BTreeSet::new();
    let (mut moved, mut pending) = (false, false);
    for call in calls {
        let text = |place: usize| call.argument(place).as_str().unwrap_or("").to_owned();
        let passes: Box<dyn Fn(&Call) -> bool> = match call.name() {
            "ResetKernel" => {
                changed_defaults.clear();
                fresh.clear();
                out.push(call.clone());
                continue;
            }
            "SetDefaults" => {
                changed_defaults.insert(text(0));
                out.push(call.clone());
                continue;
            }
            "Simulate" => {
                fresh.clear();
                pending = false;
                out.push(call.clone());
                continue;
            }
            "Create" if rests(call, &changed_defaults) => {
                fresh.insert(text(0));
                Box::new(|other: &Call| {
                    !matches!(other.name(), "Create" | "set" | "SetDefaults" | "ResetKernel" | "Restore")
                })
            }
            "Connect"
                if fresh.contains(&text(0))
                    && ["all_to_all", "one_to_one"]
                        .contains(&call.argument(2)["rule"].as_str().unwrap_or("all_to_all"))
                    && !call.to_string().contains("random") =>
            {
                Box::new(|other: &Call| matches!(other.name(), "Simulate" | "TakeEvents" | "Set"))
            }
            "Set" => {
                // What is set may wake a node, or be meant for one that was reached.
                if let Some(name) = call.argument(0).as_str() {
                    fresh.remove(name);
                } else {
                    fresh.clear();
                }
                out.push(call.clone());
                continue;
            }
            _ => {
                out.push(call.clone());
                continue;
            }
        };
        // The nodes that a connection reaches are there where it is moved to.
        let named = [text(0), text(1), call.argument(1)[0].as_str().unwrap_or("").to_owned()];
        let mut place = out.len();
        while place > 0 && passes(&out[place - 1]) {
            let other = &out[place - 1];
            if call.name() == "Connect"
                && other.name() == "Set"
                && named.iter().any(|name| other.to_string().contains(&format!("\"{name}\"")))
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
    let Some(calls) = described_earlier(&reference.calls) else { return Ok(()) };
    let trace = again(oracle, &calls, Dict::new(), |_, _| None)?;
    let filter = |trace: Trace| trace.only(|name| !name.starts_with("look"));
    same(oracle, &filter(reference.trace.clone()), &filter(trace))
}

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
    let mut kernels = 0;
    let mut replay = Replay::default();
    let often = 4.0 / places.len().max(1) as f64;
    for (place, call) in reference.calls.iter().enumerate() {
        if places.contains(&place)
            && dice.chance(often)
            && kernels < 4
            && let Some((steps, sources)) = reach(&replay, call)
        {
            kernels += 1;
            let with = after(&mut replay, Some(call), steps, &sources);
            let without = after(&mut replay, None, steps, &sources);
            if let (Some(with), Some(without)) = (with, without)
                && let Some(what) = without.difference(&with)
            {
                return Err(Finding { oracle, what: format!("{call}, {steps} steps on: {what}") });
            }
        }
        if !matches!(replay.call(call), Outcome::Done) {
            // Another oracle's matter.
            return Ok(());
        }
    }
    Ok(())
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
    let names: Vec<String> = copy
        .names
        .iter()
        .filter(|(_, (first, n))| {
            (*first..*first + *n as u32)
                .any(|node| direct.contains(&node) && records_spikes(&copy.kernel, node))
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
