//! Imagined ranks in one process, which count what they send.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::base::error::Result;
use crate::base::exchange::{Exchange, no_rank};

/// What a rank has sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Messages.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// What is on its way, by sender and receiver.
type Post = BTreeMap<(usize, usize), VecDeque<Arc<Vec<u8>>>>;

#[derive(Debug)]
struct Shared {
    post: Mutex<Post>,
    arrived: Condvar,
    sent: Vec<Mutex<Traffic>>,
}

/// One of several ranks in one process, a thread each.
#[derive(Debug)]
pub struct DryRun {
    rank: usize,
    shared: Arc<Shared>,
    taken: AtomicBool,
}

impl DryRun {
    /// So many ranks.
    #[must_use]
    pub fn ranks(size: usize) -> Vec<Self> {
        let shared = Arc::new(Shared {
            post: Mutex::default(),
            arrived: Condvar::new(),
            sent: (0..size).map(|_| Mutex::default()).collect(),
        });
        let rank = |rank| Self { rank, shared: Arc::clone(&shared), taken: AtomicBool::new(false) };
        (0..size).map(rank).collect()
    }

    /// Runs something at each of so many ranks, and returns what came of it.
    ///
    /// # Panics
    /// Where one of them does.
    pub fn run<T: Send>(size: usize, work: impl Fn(&Self) -> T + Sync) -> Vec<T> {
        let ranks = Self::ranks(size);
        let work = &work;
        std::thread::scope(|scope| {
            let threads: Vec<_> = ranks.iter().map(|rank| scope.spawn(move || work(rank))).collect();
            threads.into_iter().map(|thread| thread.join().expect("no rank panics")).collect()
        })
    }

    /// What it has sent so far.
    #[must_use]
    pub fn sent(&self) -> Traffic {
        *self.counted()
    }

    fn counted(&self) -> MutexGuard<'_, Traffic> {
        self.shared.sent[self.rank].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn post(&self) -> MutexGuard<'_, Post> {
        self.shared.post.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check(&self, other: usize) -> Result<()> {
        if other < self.size() && other != self.rank { Ok(()) } else { Err(no_rank(other, self.size())) }
    }
}

impl Exchange for DryRun {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.shared.sent.len()
    }

    fn send_shared(&self, to: usize, bytes: Arc<Vec<u8>>) -> Result<()> {
        self.check(to)?;
        let mut sent = self.counted();
        sent.messages += 1;
        sent.bytes += bytes.len() as u64;
        drop(sent);
        self.post().entry((self.rank, to)).or_default().push_back(bytes);
        self.shared.arrived.notify_all();
        Ok(())
    }

    fn receive_within(&self, from: usize, patience: Duration) -> Result<Option<Vec<u8>>> {
        self.check(from)?;
        let begin = Instant::now();
        let mut post = self.post();
        loop {
            let next = post.get_mut(&(from, self.rank)).and_then(VecDeque::pop_front);
            let left = patience.saturating_sub(begin.elapsed());
            if next.is_some() || left.is_zero() {
                return Ok(next.map(Arc::unwrap_or_clone));
            }
            post = self.shared.arrived.wait_timeout(post, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn flush(&self) -> Result<()> {
        Ok(())
    }

    fn take(&self) -> bool {
        !self.taken.swap(true, Ordering::Acquire)
    }

    fn give_back(&self) {
        self.taken.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_is_counted_and_arrives_in_order() {
        let ranks = DryRun::ranks(2);
        ranks[0].send(1, vec![1, 2, 3]).expect("there is a rank 1");
        ranks[0].send(1, vec![4]).expect("there is a rank 1");
        assert_eq!(ranks[0].sent(), Traffic { messages: 2, bytes: 4 });
        assert_eq!(ranks[1].receive_within(0, Duration::ZERO), Ok(Some(vec![1, 2, 3])));
        assert_eq!(ranks[1].receive_within(0, Duration::ZERO), Ok(Some(vec![4])));
        assert_eq!(ranks[1].receive_within(0, Duration::from_millis(1)), Ok(None));
        assert!(ranks[0].send(0, Vec::new()).is_err() && ranks[0].send(2, Vec::new()).is_err());
    }
}
