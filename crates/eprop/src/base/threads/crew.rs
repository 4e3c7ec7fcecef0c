//! A thread that goes step by step, and others that stay with it and take shares of its steps.
//!
//! A step is shorter than a wake-up, so those who wait do not sleep. Each has a share that it takes if it can, so that
//! what the share works on stays in its cache; then it takes those that are left. Whoever comes late, or is held up by
//! the machine, finds its share taken.

use super::sync::{AtomicBool, AtomicU64, AtomicUsize, Ordering, Slot, spin, yield_now};

/// Looks for work before the thread is given up for a moment.
const SPINS: u32 = 4096;

/// Most shares that a task can have: bits of a set.
pub const MOST_SHARES: usize = 64;

/// Does one share of what is to be done, by its place.
type Task<'a> = dyn Fn(usize) + Sync + 'a;

/// The threads that its leader may share tasks with.
#[derive(Debug)]
pub struct Crew<'a>(Option<&'a Board>);

impl Crew<'static> {
    /// A leader without others.
    #[must_use]
    pub fn alone() -> Self {
        Self(None)
    }
}

impl Crew<'_> {
    /// How many threads there are at most, the leader's included.
    #[must_use]
    pub fn size(&self) -> usize {
        self.0.map_or(1, |board| board.size)
    }

    /// Does the shares from 0 to `count`, each once and in any order, on all threads. The same share of one task and the
    /// next tends to be done by the same thread.
    ///
    /// # Panics
    /// If a share does, or if there are more than `MOST_SHARES`.
    pub fn share(&mut self, count: usize, task: &Task<'_>) {
        match self.0 {
            // SAFETY: this is the only one who leads, and has to be unborrowed to do so.
            Some(board) if count > 1 => unsafe { board.share(count, task) },
            _ => (0..count).for_each(task),
        }
    }
}

/// Where the leader puts up tasks and all take shares of them.
pub(super) struct Board {
    size: usize,
    /// Threads that have come to help.
    came: AtomicUsize,
    /// Shares of the task that nobody has taken: a set.
    left: Apart<AtomicU64>,
    /// Shares that are not yet done.
    unfinished: Apart<AtomicUsize>,
    /// The task. Written by the leader while no share is left or unfinished; read by those
    /// who hold a share that is unfinished.
    task: Slot<Option<&'static Task<'static>>>,
    failed: AtomicBool,
    over: AtomicBool,
}

/// Keeps what changes often apart from what others read.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Apart<T>(T);

// SAFETY: only `task` is not `Sync` by itself. What it holds may be shared among threads, and it is never written while
// others read: see there.
unsafe impl Sync for Board {}

impl std::fmt::Debug for Board {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Board").field("size", &self.size).finish_non_exhaustive()
    }
}

impl Board {
    /// The board of so many threads, the leader's included.
    pub(super) fn new(size: usize) -> Self {
        Self {
            size,
            came: AtomicUsize::new(0),
            left: Apart::default(),
            unfinished: Apart::default(),
            task: Slot::new(None),
            failed: AtomicBool::new(false),
            over: AtomicBool::new(false),
        }
    }

    /// Does the leader's work, then lets the others go; to be called once.
    pub(super) fn lead<T>(&self, work: impl FnOnce(&mut Crew<'_>) -> T) -> T {
        let _end = End(self);
        work(&mut Crew(Some(self)))
    }

    /// Takes shares of the leader's tasks until it lets this thread go.
    pub(super) fn help(&self) {
        let place = 1 + self.came.fetch_add(1, Ordering::Relaxed);
        let mut spins = 0;
        while !self.over.load(Ordering::Acquire) {
            if self.take(place) {
                spins = 0;
            } else {
                pause(&mut spins);
            }
        }
    }

    /// # Safety
    /// Only one thread may be in here at a time.
    unsafe fn share(&self, count: usize, task: &Task<'_>) {
        assert!(count <= MOST_SHARES, "too many shares");
        // SAFETY: the lifetime is not known to those who help. They use the task only while they hold a share of it, and
        // this function does not end, nor unwind, before all shares are done (`Finish`).
        let task: &'static Task<'static> = unsafe { std::mem::transmute(task) };
        // SAFETY: no share is left or unfinished, since the call before waited for all of them.
        unsafe { self.task.write(Some(task)) };
        self.unfinished.0.store(count, Ordering::Relaxed);
        self.left.0.store(u64::MAX >> (MOST_SHARES - count), Ordering::Release);
        let finish = Finish(self);
        while self.take(0) {}
        drop(finish);
        assert!(!self.failed.load(Ordering::Relaxed), "a thread that helped has panicked");
    }

    /// Takes a share and does it, if there is one: that at `place` rather than others.
    fn take(&self, place: usize) -> bool {
        let mut left = self.left.0.load(Ordering::Relaxed);
        let share = loop {
            if left == 0 {
                return false;
            }
            let own = place < MOST_SHARES && left & (1 << place) != 0;
            let share = if own { place } else { left.trailing_zeros() as usize };
            left = self.left.0.fetch_and(!(1 << share), Ordering::Acquire);
            if left & (1 << share) != 0 {
                break share;
            }
        };
        let _done = Done(self);
        // SAFETY: this thread holds a share that is unfinished, so the task is not written.
        let task = unsafe { self.task.read() }.expect("written before its shares were given out");
        task(share);
        true
    }
}

/// Lets the others go.
struct End<'a>(&'a Board);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.over.store(true, Ordering::Release);
    }
}

/// Says that a share is done, however it ended.
struct Done<'a>(&'a Board);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.failed.store(true, Ordering::Relaxed);
        }
        self.0.unfinished.0.fetch_sub(1, Ordering::Release);
    }
}

/// Waits for all shares that were taken; those that were not are no longer given out.
struct Finish<'a>(&'a Board);

impl Drop for Finish<'_> {
    fn drop(&mut self) {
        let board = self.0;
        let untaken = board.left.0.swap(0, Ordering::Relaxed).count_ones();
        board.unfinished.0.fetch_sub(untaken as usize, Ordering::Relaxed);
        let mut spins = 0;
        while board.unfinished.0.load(Ordering::Acquire) > 0 {
            pause(&mut spins);
        }
    }
}

fn pause(spins: &mut u32) {
    *spins += 1;
    if spins.is_multiple_of(SPINS) { yield_now() } else { spin() }
}

/// Every order in which threads can meet at the board, and every value that they can see there: with `--cfg loom`.
#[cfg(all(test, loom))]
mod orders {
    use loom::cell::UnsafeCell;
    use loom::sync::Arc;

    use super::*;

    /// What shares write, each its own place.
    struct Written([UnsafeCell<usize>; 3]);

    // SAFETY: a share writes its own place; the leader reads when all are done. That is what is looked at here.
    unsafe impl Sync for Written {}

    impl Written {
        fn place(&self, share: usize) -> &UnsafeCell<usize> {
            &self.0[share]
        }
    }

    /// One task: loom finds no end to the orders in which threads can wait between two.
    fn shared(helpers: usize, count: usize) {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(3);
        model.max_branches = 100_000;
        model.check(move || {
            let board = Arc::new(Board::new(1 + helpers));
            let others: Vec<_> = (0..helpers)
                .map(|_| {
                    let board = Arc::clone(&board);
                    loom::thread::spawn(move || board.help())
                })
                .collect();
            board.lead(|crew| {
                let written = Written(std::array::from_fn(|_| UnsafeCell::new(0)));
                crew.share(count, &|share| {
                    // SAFETY: as above.
                    written.place(share).with_mut(|place| unsafe { *place += 1 });
                });
                for (place, cell) in written.0.iter().enumerate() {
                    // SAFETY: as above.
                    assert_eq!(cell.with(|value| unsafe { *value }), usize::from(place < count));
                }
            });
            for other in others {
                other.join().unwrap();
            }
        });
    }

    #[test]
    fn a_share_for_each_thread() {
        shared(1, 2);
    }

    #[test]
    fn more_shares_than_threads() {
        shared(1, 3);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    /// A leader and helpers on threads of their own.
    fn with_crew(size: usize, work: impl FnOnce(&mut Crew<'_>)) {
        let board = Board::new(size);
        std::thread::scope(|scope| {
            for _ in 1..size {
                // A helper that panics is seen by the leader.
                scope.spawn(|| catch_unwind(AssertUnwindSafe(|| board.help())).is_ok());
            }
            board.lead(work);
        });
    }

    #[test]
    fn each_share_is_done_once_and_before_the_leader_goes_on() {
        for size in [1, 2, 5] {
            with_crew(size, |crew| {
                for count in (0..9).cycle().take(3000) {
                    let mut done = vec![0; count];
                    let cells: Vec<_> = done.iter_mut().map(std::sync::Mutex::new).collect();
                    crew.share(count, &|place| **cells[place].lock().unwrap() += 1);
                    assert_eq!(done, vec![1; count]);
                }
            });
        }
    }

    #[test]
    fn a_panic_reaches_the_leader_when_nobody_works_any_more() {
        for bad in 0..4 {
            with_crew(3, |crew| {
                let working = AtomicUsize::new(0);
                let outcome = catch_unwind(AssertUnwindSafe(|| {
                    crew.share(4, &|place| {
                        assert_ne!(place, bad, "on purpose");
                        working.fetch_add(1, Ordering::SeqCst);
                        yield_now();
                        working.fetch_sub(1, Ordering::SeqCst);
                    });
                }));
                assert!(outcome.is_err());
                assert_eq!(working.into_inner(), 0);
            });
        }
    }
}
