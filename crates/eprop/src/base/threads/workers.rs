//! Threads that stay for more work, for callers who cannot wait.

use std::collections::VecDeque;
use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a thread without work stays: far longer than a training lets it wait between two intervals.
const PATIENCE: Duration = Duration::from_secs(10);

type Job = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct Jobs {
    jobs: VecDeque<Job>,
    /// Threads that wait for one.
    idle: usize,
}

/// Threads, as many as there ever were jobs at the same time. One that stays keeps its caches and its memory: whoever
/// begins one for each job finds the allocator's arenas, which belong to threads, ever more scattered.
struct Workers {
    state: Mutex<Jobs>,
    asked: Condvar,
    patience: Duration,
}

static WORKERS: Workers = Workers::new(PATIENCE);

/// Does a job on a thread of its own, at once: jobs never wait for each other.
///
/// # Errors
/// Where the system has no more threads.
pub fn detach(job: impl FnOnce() + Send + 'static) -> io::Result<()> {
    WORKERS.give(Box::new(job))
}

impl Workers {
    const fn new(patience: Duration) -> Self {
        Self { state: Mutex::new(Jobs { jobs: VecDeque::new(), idle: 0 }), asked: Condvar::new(), patience }
    }

    fn lock(&self) -> MutexGuard<'_, Jobs> {
        // Jobs run without the lock: a panic leaves nothing half-changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn give(&'static self, job: Job) -> io::Result<()> {
        let mut state = self.lock();
        if state.idle > state.jobs.len() {
            state.jobs.push_back(job);
            drop(state);
            self.asked.notify_one();
            return Ok(());
        }
        drop(state);
        std::thread::Builder::new().name("eprop".to_owned()).spawn(move || self.work(job)).map(drop)
    }

    fn work(&self, mut job: Job) {
        loop {
            job();
            let mut state = self.lock();
            state.idle += 1;
            state = self
                .asked
                .wait_timeout_while(state, self.patience, |state| state.jobs.is_empty())
                .unwrap_or_else(PoisonError::into_inner)
                .0;
            state.idle -= 1;
            match state.jobs.pop_front() {
                Some(next) => job = next,
                None => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::sync::{Arc, Barrier};
    use std::thread::{ThreadId, current};
    use std::time::Instant;

    use super::*;

    fn leaked(patience: Duration) -> &'static Workers {
        Box::leak(Box::new(Workers::new(patience)))
    }

    fn until(what: impl Fn() -> bool) {
        let begin = Instant::now();
        while !what() {
            assert!(begin.elapsed() < Duration::from_secs(60), "it does not come");
            std::thread::yield_now();
        }
    }

    fn thread_of_a_job(workers: &'static Workers) -> ThreadId {
        let (sender, receiver) = channel();
        workers
            .give(Box::new(move || sender.send(current().id()).expect("it is waited for")))
            .expect("a thread");
        receiver.recv().expect("the job was done")
    }

    #[test]
    fn jobs_that_wait_for_each_other_are_all_done() {
        let workers = leaked(PATIENCE);
        for _ in 0..20 {
            let all = Arc::new(Barrier::new(5));
            for _ in 0..4 {
                let all = Arc::clone(&all);
                workers
                    .give(Box::new(move || {
                        all.wait();
                    }))
                    .expect("a thread");
            }
            all.wait();
        }
    }

    #[test]
    fn one_job_after_the_other_is_done_by_one_thread() {
        let workers = leaked(PATIENCE);
        let first = thread_of_a_job(workers);
        for _ in 0..10 {
            until(|| workers.lock().idle == 1);
            assert_eq!(thread_of_a_job(workers), first);
        }
    }

    #[test]
    fn threads_without_work_end() {
        let workers = leaked(Duration::from_millis(1));
        let first = thread_of_a_job(workers);
        until(|| {
            std::thread::sleep(Duration::from_millis(20));
            thread_of_a_job(workers) != first
        });
    }

    #[test]
    fn a_job_that_panics_takes_no_other_with_it() {
        let workers = leaked(PATIENCE);
        workers.give(Box::new(|| panic!("on purpose"))).expect("a thread");
        thread_of_a_job(workers);
    }
}
