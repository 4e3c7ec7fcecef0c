//! Ranks: processes that compute one thing together and exchange bytes.
//!
//! What is exchanged is built on two calls, to send and to receive, so that a rank that waits can be patient: the
//! collective calls of MPI keep a processor busy for as long as the slowest rank takes.

mod collective;
mod dry_run;
mod message;
mod team;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::base::error::{Error, ErrorCode, Result};

pub use collective::{agree, gather_all};
pub use dry_run::{DryRun, Traffic};
pub(crate) use message::broken;
pub use message::{Message, Reader};
pub use team::{Digest, Team};

/// A rank, which can send bytes to others and receive theirs. Bytes from one rank arrive in the order in which they
/// were sent.
pub trait Exchange: fmt::Debug + Send + Sync {
    /// Which one it is, from 0 on.
    fn rank(&self) -> usize;

    /// How many there are.
    fn size(&self) -> usize;

    /// Sends bytes to another rank. It does not wait for them to arrive.
    ///
    /// # Errors
    /// `MPIError` where they cannot be sent.
    fn send(&self, to: usize, bytes: Vec<u8>) -> Result<()> {
        self.send_shared(to, Arc::new(bytes))
    }

    /// As [`Self::send`], for bytes that the sender goes on to read. They are not copied.
    ///
    /// # Errors
    /// `MPIError` where they cannot be sent.
    fn send_shared(&self, to: usize, bytes: Arc<Vec<u8>>) -> Result<()>;

    /// The next bytes from another rank; `None` if none came within that time.
    ///
    /// # Errors
    /// `MPIError` where they cannot be received.
    fn receive_within(&self, from: usize, patience: Duration) -> Result<Option<Vec<u8>>>;

    /// Waits until all that was sent is on its way, and the sender may compute for long.
    ///
    /// # Errors
    /// `MPIError` where something could not be sent.
    fn flush(&self) -> Result<()>;

    /// Takes the exchange for one who uses it for long; false where another has it.
    fn take(&self) -> bool;

    /// Gives it back.
    fn give_back(&self);
}

/// Something that goes on until the exchange is to be used by another.
#[derive(Debug)]
pub struct Turn<'a>(&'a dyn Exchange);

impl<'a> Turn<'a> {
    /// Takes the exchange.
    ///
    /// # Errors
    /// `KernelException` where another has it: ranks could not know whose bytes are whose.
    pub fn take(exchange: &'a dyn Exchange) -> Result<Self> {
        if exchange.take() {
            return Ok(Self(exchange));
        }
        let what = "this world is in use; wait for what goes on before the next call";
        Err(Error::new(ErrorCode::KernelException, what))
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.give_back();
    }
}

/// The next bytes from another rank, however long that takes.
///
/// # Errors
/// `MPIError` where they cannot be received.
pub fn receive(exchange: &dyn Exchange, from: usize) -> Result<Vec<u8>> {
    loop {
        if let Some(bytes) = exchange.receive_within(from, Duration::from_secs(3600))? {
            return Ok(bytes);
        }
    }
}

/// An exchange of one who does not wait for ever.
#[derive(Debug)]
pub struct Patient<'a> {
    exchange: &'a dyn Exchange,
    patience: Duration,
    until: Instant,
}

impl<'a> Patient<'a> {
    /// Waits no longer than that, in all.
    #[must_use]
    pub fn new(exchange: &'a dyn Exchange, patience: Duration) -> Self {
        Self { exchange, patience, until: Instant::now() + patience }
    }
}

impl Exchange for Patient<'_> {
    fn rank(&self) -> usize {
        self.exchange.rank()
    }

    fn size(&self) -> usize {
        self.exchange.size()
    }

    fn send_shared(&self, to: usize, bytes: Arc<Vec<u8>>) -> Result<()> {
        self.exchange.send_shared(to, bytes)
    }

    fn receive_within(&self, from: usize, patience: Duration) -> Result<Option<Vec<u8>>> {
        let left = self.until.saturating_duration_since(Instant::now());
        let received = self.exchange.receive_within(from, patience.min(left))?;
        if received.is_none() && left <= patience {
            let what = format!("rank {from} has not come within {} s", self.patience.as_secs_f64());
            return Err(Error::new(ErrorCode::MPIError, what));
        }
        Ok(received)
    }

    /// What is sent to a rank that does not come may never be on its way.
    fn flush(&self) -> Result<()> {
        Ok(())
    }

    fn take(&self) -> bool {
        self.exchange.take()
    }

    fn give_back(&self) {
        self.exchange.give_back();
    }
}

/// One rank alone.
#[derive(Debug, Default)]
pub struct Local;

impl Exchange for Local {
    fn rank(&self) -> usize {
        0
    }

    fn size(&self) -> usize {
        1
    }

    fn send_shared(&self, to: usize, _bytes: Arc<Vec<u8>>) -> Result<()> {
        Err(no_rank(to, 1))
    }

    fn receive_within(&self, from: usize, _patience: Duration) -> Result<Option<Vec<u8>>> {
        Err(no_rank(from, 1))
    }

    fn flush(&self) -> Result<()> {
        Ok(())
    }

    fn take(&self) -> bool {
        true
    }

    fn give_back(&self) {}
}

/// The error that there is no such rank to talk to.
#[must_use]
pub fn no_rank(rank: usize, size: usize) -> Error {
    Error::new(ErrorCode::MPIError, "there is no such other rank")
        .parameter("rank")
        .value(rank as f64)
        .bound(format!("another of {size} ranks"))
}
