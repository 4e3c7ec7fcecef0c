//! One budget of threads for all kernels of a process.
//!
//! Every thread that computes holds a permit of the budget: a simulation one for itself, and one more for each thread
//! that helps it with intervals or neurons. Who waits for a permit is served in the order of asking, and simulations give way between
//! slices, so that several go on side by side however few permits there are.

mod crew;
mod sync;
mod workers;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::base::error::{Error, ErrorCode, Result};

use crew::Board;
pub use crew::Crew;
pub use workers::detach;

/// Names the number of threads in the environment.
pub const VARIABLE: &str = "EPROP_THREADS";

/// Most threads that a budget may have.
pub const MOST_THREADS: usize = 1024;

/// How often one who waits for a permit looks whether that is still wanted.
const POLL: Duration = Duration::from_millis(5);

/// How long a simulation keeps its permit, at least, while others wait.
const TURN: Duration = Duration::from_millis(5);

#[derive(Debug, Default)]
struct Permits {
    taken: usize,
    limit: usize,
    waiting: VecDeque<u64>,
    next_ticket: u64,
    pool: Option<Arc<rayon::ThreadPool>>,
}

/// A number of permits to compute.
#[derive(Debug)]
struct Budget {
    state: Mutex<Permits>,
    freed: Condvar,
}

static BUDGET: LazyLock<Budget> = LazyLock::new(|| Budget::new(configured().unwrap_or(1)));

/// The number of threads that the environment asks for, or all of the machine.
fn configured() -> Result<usize> {
    let Some(text) = std::env::var_os(VARIABLE).filter(|text| !text.is_empty()) else {
        return Ok(std::thread::available_parallelism().map_or(1, std::num::NonZero::get));
    };
    let text = text.to_string_lossy();
    text.trim().parse().map_err(|_| refuse(&text)).and_then(checked)
}

fn checked(threads: f64) -> Result<usize> {
    if threads.fract() == 0.0 && threads >= 1.0 && threads <= MOST_THREADS as f64 {
        Ok(threads as usize)
    } else {
        Err(refuse(&threads.to_string()))
    }
}

fn refuse(value: &str) -> Error {
    Error::new(ErrorCode::BadParameterValue, "this is not a number of threads")
        .parameter(VARIABLE)
        .value(value)
        .bound(format!("a whole number from 1 to {MOST_THREADS}"))
}

/// Refuses an environment that names no possible number of threads.
///
/// # Errors
/// `BadParameterValue`.
pub fn check_environment() -> Result<()> {
    configured().map(drop)
}

/// Threads that all kernels of this process may compute with, together.
#[must_use]
pub fn budget() -> usize {
    BUDGET.lock().limit
}

/// Sets the number of threads that all kernels of this process may compute with, together. What runs with more goes on
/// until it gives way.
///
/// # Errors
/// `BadParameterValue` for a number that cannot be.
pub fn set_budget(threads: f64) -> Result<()> {
    let threads = checked(threads)?;
    let mut state = BUDGET.lock();
    if state.limit != threads {
        state.limit = threads;
        state.pool = None;
    }
    drop(state);
    BUDGET.freed.notify_all();
    Ok(())
}

impl Budget {
    fn new(limit: usize) -> Self {
        Self { state: Mutex::new(Permits { limit, ..Permits::default() }), freed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Permits> {
        // Nothing that holds the lock can leave the state half-changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&'static self, stop: &dyn Fn() -> bool) -> Option<Permit> {
        let mut state = self.lock();
        let ticket = state.next_ticket;
        state.next_ticket += 1;
        state.waiting.push_back(ticket);
        loop {
            if state.waiting.front() == Some(&ticket) && state.taken < state.limit {
                state.waiting.pop_front();
                state.taken += 1;
                drop(state);
                self.freed.notify_all();
                return Some(Permit { budget: self, since: Instant::now() });
            }
            if stop() {
                state.waiting.retain(|other| *other != ticket);
                drop(state);
                self.freed.notify_all();
                return None;
            }
            state = self.freed.wait_timeout(state, POLL).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Up to so many permits that nobody else waits for.
    fn take_spare(&'static self, most: usize) -> Vec<Permit> {
        let mut state = self.lock();
        let spare = if state.waiting.is_empty() { state.limit.saturating_sub(state.taken) } else { 0 };
        let count = most.min(spare);
        state.taken += count;
        let since = Instant::now();
        (0..count).map(|_| Permit { budget: self, since }).collect()
    }

    /// The threads that help, as many as the budget can ever grant.
    fn helpers(&self) -> Option<Arc<rayon::ThreadPool>> {
        let mut state = self.lock();
        if state.pool.is_none() {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(state.limit.max(2) - 1)
                .thread_name(|place| format!("eprop-{place}"))
                .build();
            state.pool = pool.ok().map(Arc::new);
        }
        state.pool.clone()
    }
}

/// The right of one thread to compute.
#[derive(Debug)]
pub struct Permit {
    budget: &'static Budget,
    since: Instant,
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.budget.lock();
        state.taken -= 1;
        drop(state);
        self.budget.freed.notify_all();
    }
}

impl Permit {
    /// Waits for the right to compute; `None` if `stop` says meanwhile that it is no longer wanted.
    pub fn wait(stop: &dyn Fn() -> bool) -> Option<Self> {
        BUDGET.take(stop)
    }

    /// Lets those who wait have their turn, if this one has had its own. `None` as for [`Permit::wait`].
    #[must_use]
    pub fn give_way(self, stop: &dyn Fn() -> bool) -> Option<Self> {
        if self.since.elapsed() < TURN || self.budget.lock().waiting.is_empty() {
            return Some(self);
        }
        let budget = self.budget;
        drop(self);
        budget.take(stop)
    }
}

/// Does the same work on this thread, which has a permit, and on others that the budget can spare: on `wanted` in all
/// at most. How many take part must not matter to the outcome.
pub fn side_by_side(wanted: usize, work: impl Fn() + Sync) {
    with_helpers(BUDGET.take_spare(wanted.saturating_sub(1)), &work, &work);
}

/// Least work that is given to a thread: several times what it takes to hand it over, with what the thread then reads from
/// the caches of others.
static GRAIN: AtomicU64 = AtomicU64::new(4000);

/// Sets the least work that is given to a thread within a step of e-prop+, in steps of eight synapses. For measurements
/// and tests; nothing but time depends on it.
pub fn set_grain(work: u64) {
    GRAIN.store(work.max(1), Ordering::Relaxed);
}

/// How many of `threads` have enough to do with so much work.
pub(crate) fn worth(work: u64, threads: usize) -> usize {
    let threads = threads.min(crew::MOST_SHARES);
    usize::try_from(work / GRAIN.load(Ordering::Relaxed)).map_or(threads, |most| most.clamp(1, threads))
}

/// Works on this thread, which has a permit, with a crew of it and others that the budget can spare: `wanted` in all at
/// most. How many they are must not matter to the outcome.
pub fn with_crew<T>(wanted: usize, work: impl FnOnce(&mut Crew<'_>) -> T) -> T {
    let permits = BUDGET.take_spare(wanted.saturating_sub(1));
    if permits.is_empty() {
        return work(&mut Crew::alone());
    }
    let board = Board::new(1 + permits.len());
    with_helpers(permits, || board.help(), || board.lead(work))
}

/// Works on this thread, and helps on one more for each permit.
fn with_helpers<T>(permits: Vec<Permit>, help: impl Fn() + Sync, work: impl FnOnce() -> T) -> T {
    let pool = if permits.is_empty() { None } else { BUDGET.helpers() };
    let Some(pool) = pool else {
        drop(permits);
        return work();
    };
    let help = &help;
    pool.in_place_scope(|scope| {
        for permit in permits {
            scope.spawn(move |_| {
                help();
                drop(permit);
            });
        }
        work()
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    use super::*;

    fn leaked(limit: usize) -> &'static Budget {
        Box::leak(Box::new(Budget::new(limit)))
    }

    #[test]
    fn no_more_permits_are_out_than_the_budget_has() {
        let budget = leaked(3);
        let (out, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let permit = budget.take(&|| false).expect("nobody stops it");
                        let spare = budget.take_spare(2);
                        let mine = 1 + spare.len();
                        most.fetch_max(out.fetch_add(mine, Ordering::SeqCst) + mine, Ordering::SeqCst);
                        std::thread::yield_now();
                        out.fetch_sub(mine, Ordering::SeqCst);
                        drop((permit, spare));
                    }
                });
            }
        });
        assert!(most.load(Ordering::SeqCst) <= 3);
        assert_eq!(budget.lock().taken, 0);
    }

    #[test]
    fn one_who_waits_can_be_stopped_and_holds_up_nobody() {
        let budget = leaked(1);
        let permit = budget.take(&|| false).expect("it is free");
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| budget.take(&|| stop.load(Ordering::SeqCst)).is_none());
            std::thread::sleep(Duration::from_millis(20));
            assert!(budget.take_spare(4).is_empty());
            stop.store(true, Ordering::SeqCst);
            assert!(waits.join().expect("it does not panic"));
        });
        drop(permit);
        assert!(budget.take(&|| true).is_some(), "a free permit is given at once");
    }

    #[test]
    fn those_who_wait_get_their_turn() {
        let budget = leaked(1);
        let permit = budget.take(&|| false).expect("it is free");
        let served = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let _permit = budget.take(&|| false).expect("nobody stops it");
                served.store(true, Ordering::SeqCst);
            });
            while budget.lock().waiting.is_empty() {
                std::thread::yield_now();
            }
            std::thread::sleep(TURN);
            let permit = permit.give_way(&|| false);
            assert!(permit.is_some() && served.load(Ordering::SeqCst));
        });
    }

    #[test]
    fn impossible_numbers_are_refused() {
        for threads in [0.0, -1.0, 2.5, MOST_THREADS as f64 + 1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(set_budget(threads).unwrap_err().code, ErrorCode::BadParameterValue);
        }
    }
}
