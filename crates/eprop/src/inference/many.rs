//! Many sequences at once, on several threads.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::base::error::Result;
use crate::base::threads::{self, Permit};
use crate::inference::stream::Room;
use crate::inference::{Inference, Response, aborted};

/// How long threads take sequences before others may have their turn.
const TURN: Duration = Duration::from_millis(20);

/// Input spikes of a sequence, as [`Inference::advance`] takes them, and its steps.
pub type Sequence<'a> = (&'a [u32], usize);

impl Inference {
    /// What the network answers to each of some sequences, on up to so many threads. Each begins with the state that the
    /// network is in, which stays as it is; neither their order nor the number of threads changes a bit.
    ///
    /// # Errors
    /// Those of [`Inference::advance_until`], which names a sequence by its place.
    pub fn answers(
        &self,
        sequences: &[Sequence<'_>],
        threads: usize,
        cancel: &AtomicBool,
    ) -> Result<Vec<Response>> {
        for (place, (spikes, steps)) in sequences.iter().enumerate() {
            self.check(spikes, *steps).map_err(|error| error.value(format!("sequence {place}")))?;
        }
        self.network
            .room_for(sequences.iter().fold(0, |sum: usize, (_, steps)| sum.saturating_add(*steps)))?;
        let stop = || cancel.load(Ordering::Relaxed);
        let next = AtomicUsize::new(0);
        let answers = Mutex::new(vec![Response::default(); sequences.len()]);
        let mut permit = Permit::wait(&stop).ok_or_else(aborted)?;
        let threads = threads.clamp(1, sequences.len().max(1));
        while next.load(Ordering::Relaxed) < sequences.len() {
            let begin = Instant::now();
            threads::side_by_side(threads, || {
                let mut room = Room::new(&self.network);
                while begin.elapsed() < TURN && !stop() {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    let Some(sequence) = sequences.get(place) else { break };
                    let mut stream = self.stream.clone();
                    let Ok(answer) = stream.advance(&self.network, &mut room, *sequence, &stop) else {
                        break;
                    };
                    answers.lock().unwrap_or_else(PoisonError::into_inner)[place] = answer;
                }
            });
            if stop() {
                return Err(aborted());
            }
            permit = permit.give_way(&stop).ok_or_else(aborted)?;
        }
        drop(permit);
        Ok(answers.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}
