//! Ways of computing the same: threads, instruction sets, memory, the gradient in both forms.

use eprop::base::simd::{self, Level};
use eprop::base::threads;
use eprop::describe::connections::{ConnectionFilter, ConnectionHandle};
use eprop::internals::set_tile_columns;
use eprop::tables::value::Params;
use eprop::{Dict, ErrorCode};

use serde_json::json;

use crate::Call;
use crate::dice::Dice;
use crate::oracles::unseen::in_parts;
use crate::oracles::{Finding, Reference, Verdict, again, mentions, same};
use crate::replay::{Outcome, Replay, Trace};

/// More threads than two histories want at once whose ranks, up to five of two threads each, are threads of this process:
/// ranks hold theirs while they wait for each other, so that none may have to wait for a thread besides.
const BUDGET: f64 = 24.0;

/// Lets as many threads as are wanted take part, however little there is to do.
pub(super) fn share_all() {
    threads::set_budget(BUDGET).expect("a number of threads");
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

/// Has a network laid out anew before the next step, by a change that changes nothing.
fn lay_out_anew(replay: &mut Replay) -> Outcome {
    let Some(name) = replay.names.keys().next().cloned() else { return Outcome::Done };
    replay.call(&Call::new("Set").with(name).with(json!({})))
}

/// Gradients in tiles of few neurons are the same bits, also where the tiles change in the middle of a batch.
///
/// # Errors
/// What it has found.
pub fn tiles_change_nothing(reference: &Reference, dice: &mut Dice) -> Verdict {
    let oracle = "tiles change nothing";
    share_all();
    let changes = dice.chance(0.7);
    set_tile_columns(8);
    let ways = Dict::new().with("local_num_threads", 3.0);
    let trace = again(oracle, &reference.calls, ways, |replay, call| {
        if !changes || call.name() != "Simulate" {
            return None;
        }
        Some(in_parts(replay, call, dice, |replay, dice| {
            set_tile_columns(*dice.pick(&[0, 8, 16]));
            lay_out_anew(replay)
        }))
    });
    set_tile_columns(0);
    same(oracle, &reference.trace, &trace?)
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

/// By how much weights are changed to see how far a difference of rounding grows: a thousand times that.
const SHAKE: f64 = 1e-13;

/// Changes all weights a little.
fn shake(replay: &mut Replay) {
    let table = replay.kernel.get_connections(&ConnectionFilter::default()).expect("all connections");
    for (at, weight) in table.weight.iter().enumerate() {
        let handle = ConnectionHandle { projection: table.projection[at], entry: table.entry[at] };
        let by = if at % 2 == 0 { SHAKE } else { -SHAKE };
        let values = Dict::new().with("weight", weight * (1.0 + by));
        // Those that may not be set stay.
        let _ = replay.kernel.set_connections(&[handle], &Params::Shared(values));
    }
}

/// The gradient is the same in both forms, to rounding, as long as no spike differs. What an update has rounded
/// otherwise grows with the updates after it, where learning is not stable: how far it does, other weights in the
/// beginning show.
///
/// # Errors
/// What it has found.
pub fn adjoint_equals_forward(reference: &Reference, _: &mut Dice) -> Verdict {
    let oracle = "adjoint equals forward";
    // Adam makes much of a gradient that is rounding alone.
    if mentions(&reference.calls, "adam") || mentions(&reference.calls, "f32") {
        return Ok(());
    }
    // With e-prop+, what a window's traces are filtered with holds for what was not yet taken in, which differs.
    let filters = ["tau_m", "kappa", "adapt_", "eprop_isi_trace_cutoff"];
    let changes =
        |call: &Call| call.name() == "Set" && filters.iter().any(|name| call.to_string().contains(name));
    let changed = reference.calls.iter().skip_while(|call| call.name() != "Simulate").any(changes);
    if changed && mentions(&reference.calls, "\"eprop_synapse\"") {
        return Ok(());
    }
    let ways = Dict::new().with("gradient", "forward");
    let forward = again(oracle, &reference.calls, ways, |_, _| None)?;
    let spikes =
        |trace: &Trace| trace.clone().only(|name| name.starts_with("events") && name.ends_with(".senders"));
    if spikes(&reference.trace).difference(&spikes(&forward)).is_some() {
        return Ok(());
    }
    // So may a weight that comes to lie on the other side of zero, where it is replaced there.
    let ends = |trace: &Trace| trace.clone().only(|name| name == "connections.target");
    if mentions(&reference.calls, "deep_r") && ends(&reference.trace).difference(&ends(&forward)).is_some() {
        return Ok(());
    }
    let (ours, theirs) =
        (reference.trace.numbers("connections.weight"), forward.numbers("connections.weight"));
    let scale = largest(ours);
    let differs = |allowed: f64| {
        ours.iter().zip(theirs).position(|(a, f)| (a - f).abs() > allowed || a.is_nan() != f.is_nan())
    };
    if differs(1e-10 * scale).is_none() {
        return Ok(());
    }
    let mut begun = false;
    let ways = Dict::new().with("gradient", "forward");
    let shaken = again(oracle, &reference.calls, ways, |replay, call| {
        if call.name() == "Simulate" && !begun {
            begun = true;
            shake(replay);
        }
        None
    })?;
    if spikes(&shaken).difference(&spikes(&forward)).is_some() {
        return Ok(());
    }
    let apart = shaken.numbers("connections.weight").iter().zip(theirs).map(|(a, b)| (a - b).abs());
    let grown = apart.fold(0.0, f64::max);
    differs(1e-10 * scale + 10.0 * grown).map_or(Ok(()), |place| {
        let what = format!("connections.weight[{place}]: {:?} and {:?}", ours[place], theirs[place]);
        Err(Finding { oracle, what })
    })
}
