//! A network that is used and does not learn: a stream of input spikes goes in, readout signals and spikes come out.
//!
//! The neurons take the steps they take in a simulation, over the same rows of weights. What learning needs is left
//! out: there are no intervals, no histories, no targets and no recorders. The state stays between calls.

mod many;
mod network;
mod saved;
mod stream;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::base::error::{Error, ErrorCode, Result};
use crate::base::memory;
use crate::base::threads::Permit;
use crate::describe::network::Description;
use crate::inference::network::UsedNetwork;
use crate::inference::stream::{Room, Stream};

/// What came out of a stretch of steps.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Response {
    /// Readout signals: a row of readouts per step.
    pub readout: Vec<f64>,
    /// Steps of the recurrent neurons' spikes, counted from the stretch's first one.
    pub spike_steps: Vec<u32>,
    /// Places of the neurons that sent them.
    pub spike_neurons: Vec<u32>,
}

/// A network in use. Clones share its weights and all else that does not change, and have a state each.
#[derive(Debug, Clone)]
pub struct Inference {
    network: Arc<UsedNetwork>,
    stream: Stream,
    room: Room,
}

impl Inference {
    /// The network of a description, at rest.
    ///
    /// # Errors
    /// `KernelException` where there are no neurons or those of both rules; what a simulation would refuse.
    pub fn new(network: &Description) -> Result<Self> {
        let network = Arc::new(UsedNetwork::new(network)?);
        Ok(Self { stream: Stream::at_rest(&network), room: Room::new(&network), network })
    }

    /// Number of inputs.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.network.inputs
    }

    /// Number of recurrent neurons.
    #[must_use]
    pub fn recurrent(&self) -> usize {
        self.network.recurrent
    }

    /// Number of readouts.
    #[must_use]
    pub fn readouts(&self) -> usize {
        self.network.readouts
    }

    /// How many weights it holds: one a connection, and one for each pair that a dense projection leaves out.
    #[must_use]
    pub fn weights(&self) -> usize {
        self.network.weights.iter().map(Vec::len).sum()
    }

    /// Puts all neurons to rest; spikes that are on their way are gone.
    pub fn reset(&mut self) {
        self.stream = Stream::at_rest(&self.network);
    }

    /// Goes on for `steps` steps. `spikes` are those of the inputs: place `step * inputs + input`, counted from the
    /// stretch's first step, ascending; repeats are several spikes at once. A spike is sent at the begin of its step.
    ///
    /// # Errors
    /// `ValueError` where spikes are not in order or lie outside.
    pub fn advance(&mut self, spikes: &[u32], steps: usize) -> Result<Response> {
        self.check(spikes, steps)?;
        self.network.room_for(steps)?;
        self.stream.advance(&self.network, &mut self.room, (spikes, steps), &|| false)
    }

    /// As [`Inference::advance`], with a permit of the budget of threads, until `cancel` is set.
    ///
    /// # Errors
    /// Also `Aborted`: then the network is as it was before the call.
    pub fn advance_until(&mut self, spikes: &[u32], steps: usize, cancel: &AtomicBool) -> Result<Response> {
        let stop = || cancel.load(Ordering::Relaxed);
        self.check(spikes, steps)?;
        self.network.room_for(steps)?;
        let before = self.stream.clone();
        let outcome = match Permit::wait(&stop) {
            Some(_permit) => self.stream.advance(&self.network, &mut self.room, (spikes, steps), &stop),
            None => Err(aborted()),
        };
        if outcome.is_err() {
            self.stream = before;
        }
        outcome
    }

    fn check(&self, spikes: &[u32], steps: usize) -> Result<()> {
        let inputs = self.network.inputs;
        if spikes.is_sorted() && spikes.last().is_none_or(|place| (*place as usize) < steps * inputs) {
            return Ok(());
        }
        Err(Error::new(ErrorCode::ValueError, "input spikes do not lie within the steps")
            .parameter("spikes")
            .bound(format!("ascending places below {steps} steps times {inputs} inputs")))
    }
}

impl UsedNetwork {
    /// Refuses readout signals of more steps than there is memory for.
    fn room_for(&self, steps: usize) -> Result<()> {
        let signals = (steps as u64).saturating_mul(self.readouts as u64).saturating_mul(8);
        memory::may_take(0, || 0, signals, &format!("readout signals of {steps} steps"))
    }
}

fn aborted() -> Error {
    Error::new(ErrorCode::Aborted, "the inference was stopped")
}
