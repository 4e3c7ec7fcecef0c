//! What must hold for each history. Each oracle is a function of its own.

mod bystanders;
mod earlier;
mod emitted;
mod shared;
mod stopped;
mod unseen;
mod ways;

use eprop::{Dict, ErrorCode};

use crate::Call;
use crate::dice::Dice;
use crate::replay::{Outcome, Replay, Trace};

pub use bystanders::bystanders_change_nothing;
pub use earlier::{described_at_once, described_earlier};
pub use emitted::emitted_stays_emitted;
pub use shared::ranks_share_neurons;
pub use stopped::stops_change_nothing;
pub use unseen::{
    cuts_change_nothing, queries_change_nothing, refused_calls_change_nothing, saving_changes_nothing,
};
pub use ways::{
    adjoint_equals_forward, instruction_sets_change_nothing, memory_limit_changes_nothing,
    threads_change_nothing, tiles_change_nothing,
};

/// Whether a call of a history says this somewhere.
pub(crate) fn mentions(calls: &[Call], word: &str) -> bool {
    calls.iter().any(|call| call.to_string().contains(word))
}

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
    ("stopping and going on change nothing", stops_change_nothing),
    ("saving and loading change nothing", saving_changes_nothing),
    ("threads change nothing", threads_change_nothing),
    ("instruction sets change nothing", instruction_sets_change_nothing),
    ("tiles change nothing", tiles_change_nothing),
    ("memory_limit changes nothing", memory_limit_changes_nothing),
    ("adjoint equals forward", adjoint_equals_forward),
    ("what has no effect changes nothing", bystanders_change_nothing),
    ("described at once", described_at_once),
    ("emitted stays emitted", emitted_stays_emitted),
    ("ranks that share neurons change nothing", ranks_share_neurons),
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
    for (place, call) in calls.iter().enumerate() {
        match replay.call(call) {
            Outcome::Done => reference.calls.push(call.clone()),
            Outcome::Refused(error) => {
                reference.refused += 1;
                // What stops a simulation on its way leaves the kernel at the time that it reached: it ends before that.
                if call.name() == "Simulate" && error.code != ErrorCode::BadParameter {
                    replay = Replay::default();
                    for call in &calls[..place] {
                        replay.call(call);
                    }
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
