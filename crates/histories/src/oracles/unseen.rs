//! What may happen in between and must not be seen: refused calls, queries, cuts, saving and loading.

use eprop::Dict;

use crate::Call;
use crate::dice::Dice;
use crate::oracles::{Reference, Verdict, again, same};
use crate::replay::{Outcome, Replay};

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

/// Simulates in parts, with `between` after each of them, until one is not done.
pub(super) fn in_parts(
    replay: &mut Replay,
    call: &Call,
    dice: &mut Dice,
    mut between: impl FnMut(&mut Replay, &mut Dice) -> Outcome,
) -> Outcome {
    for part in parts(replay, call, dice) {
        let outcome = match replay.call(&Call::new("Simulate").with(part)) {
            Outcome::Done => between(replay, dice),
            other => other,
        };
        if outcome != Outcome::Done {
            return outcome;
        }
    }
    Outcome::Done
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
        Some(in_parts(replay, call, dice, |_, _| Outcome::Done))
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
        Some(in_parts(replay, call, dice, |replay, dice| {
            if dice.chance(often) { replay.call(&restore) } else { Outcome::Done }
        }))
    })?;
    same(oracle, &reference.trace, &trace)
}
