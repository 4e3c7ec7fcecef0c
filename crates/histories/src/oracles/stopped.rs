//! Simulations that are stopped on their way.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use eprop::{Dict, ErrorCode};

use crate::Call;
use crate::dice::Dice;
use crate::oracles::{Reference, Verdict, again, same};
use crate::replay::{Outcome, Replay};

/// Longest time after which a simulation is stopped (microseconds).
const LONGEST: usize = 3000;

/// What was stopped anywhere is what was simulated up to there, and comes to the same when it goes on. Where that is
/// depends on the machine, too.
///
/// # Errors
/// What it has found.
pub fn stops_change_nothing(reference: &Reference, dice: &mut Dice) -> Verdict {
    let oracle = "stopping and going on change nothing";
    let mut twin = Replay::default();
    let trace = again(oracle, &reference.calls, Dict::new(), |replay, call| {
        if call.name() != "Simulate" {
            twin.call(call);
            return None;
        }
        Some(stopped(replay, &mut twin, call, dice))
    })?;
    same(oracle, &reference.trace, &trace)
}

/// Simulates, and is stopped a few times on the way; `twin` is not, and is looked at where the other was stopped.
fn stopped(replay: &mut Replay, twin: &mut Replay, call: &Call, dice: &mut Dice) -> Outcome {
    let resolution = replay.kernel.network().kernel.resolution;
    let steps = |ms: f64| (ms / resolution).round();
    let simulate = |steps: f64| Call::new("Simulate").with((steps * resolution * 1000.0).round() / 1000.0);
    let mut reached = steps(replay.kernel.time());
    let end = reached + steps(call.argument(0).as_f64().unwrap_or(0.0));
    let looks = dice.chance(0.5);
    for _ in 0..dice.whole(1, 6) {
        if reached == end {
            break;
        }
        let most = *dice.pick(&[20, 200, LONGEST]);
        let wait = Duration::from_micros(dice.whole(0, most) as u64);
        match stopped_after(wait, replay, &simulate(end - reached)) {
            Outcome::Refused(error) if error.code == ErrorCode::Aborted => {}
            Outcome::Done => break,
            other => return other,
        }
        let before = std::mem::replace(&mut reached, steps(replay.kernel.time()));
        if before < reached && looks {
            if twin.call(&simulate(reached - before)) != Outcome::Done {
                return Outcome::Broken("what was stopped cannot be simulated up to there".to_owned());
            }
            if let Some(what) = twin.trace().difference(&replay.trace()) {
                return Outcome::Broken(format!("stopped at step {reached}: {what}"));
            }
        } else if before < reached {
            twin.call(&simulate(reached - before));
        }
    }
    let before = std::mem::replace(&mut reached, steps(replay.kernel.time()));
    for (replay, left) in [(twin, end - before), (replay, end - reached)] {
        let outcome = replay.call(&simulate(left));
        if outcome != Outcome::Done {
            return outcome;
        }
    }
    Outcome::Done
}

fn stopped_after(wait: Duration, replay: &mut Replay, call: &Call) -> Outcome {
    let cancel = replay.control.cancel.clone();
    let (begin, over) = (Instant::now(), AtomicBool::new(false));
    let outcome = std::thread::scope(|scope| {
        scope.spawn(|| {
            while begin.elapsed() < wait && !over.load(Ordering::Relaxed) {
                std::thread::yield_now();
            }
            cancel.store(true, Ordering::Relaxed);
        });
        let outcome = replay.call(call);
        over.store(true, Ordering::Relaxed);
        outcome
    });
    cancel.store(false, Ordering::Relaxed);
    outcome
}
