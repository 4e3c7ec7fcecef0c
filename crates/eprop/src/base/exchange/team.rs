//! Ranks that simulate one network together.

use std::ops::Range;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};

use crate::base::control::RunControl;
use crate::base::error::{Error, ErrorCode, Result};
use crate::base::exchange::{Exchange, Message, Reader, agree, broken, gather_all, receive};

/// The ranks of a simulation.
#[derive(Debug)]
pub struct Team<'a> {
    exchange: &'a dyn Exchange,
    /// Threads of each rank.
    threads: Vec<usize>,
    /// Who may stop this rank's share.
    control: &'a RunControl,
    /// What they share, where that is the neurons.
    neurons: Option<Shared>,
}

/// What ranks that share the neurons of a network hold in common.
#[derive(Debug, Default)]
struct Shared {
    /// Whether all stop, at the step in which that was said.
    agreed: RunControl,
    /// Why they cannot go on.
    failure: Mutex<Option<Error>>,
}

/// What begins a message of spikes.
const GOES_ON: u32 = 0;
const WANTS_TO_STOP: u32 = 1;

/// Up to so many ranks, each sends its spikes to all others at once. For more, they are handed on in rounds.
const MOST_AT_ONCE: usize = 16;

/// What has to be the same at all ranks, by name.
#[derive(Debug)]
pub struct Digest(pub Vec<(&'static str, u64)>);

impl Digest {
    /// A number that stands for a list of them.
    #[must_use]
    pub fn of(values: impl Iterator<Item = u64>) -> u64 {
        values.fold(0xcbf2_9ce4_8422_2325, |sum: u64, value| {
            (sum.rotate_left(5) ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        })
    }
}

impl<'a> Team<'a> {
    /// The ranks that are about to simulate the same, once all of them are ready.
    ///
    /// # Errors
    /// At every rank the same: that of a rank that is not ready, or `MPIError` where they are not about to do the same.
    pub fn meet(
        exchange: &'a dyn Exchange,
        ready: Result<Digest>,
        threads: usize,
        control: &'a RunControl,
    ) -> Result<Self> {
        let names: Vec<&str> = ready.iter().flat_map(|digest| &digest.0).map(|(name, _)| *name).collect();
        let outcome = ready.map(|digest| {
            let mut message = Message::default();
            message.number(threads as u64);
            message.list(&digest.0.iter().map(|(_, value)| *value).collect::<Vec<u64>>());
            message.into_bytes()
        });
        let mut first: Option<Vec<u64>> = None;
        let mut all = Vec::with_capacity(exchange.size());
        for (rank, bytes) in agree(exchange, outcome)?.iter().enumerate() {
            let mut reader = Reader::new(bytes);
            all.push(reader.number::<u64>()? as usize);
            let values: Vec<u64> = reader.list()?;
            let expected = first.get_or_insert_with(|| values.clone());
            if *expected != values {
                let place = expected.iter().zip(&values).position(|(one, other)| one != other);
                let what = place.and_then(|place| names.get(place)).copied().unwrap_or("what they simulate");
                let text = format!("rank {rank} and rank 0 do not simulate the same");
                return Err(Error::new(ErrorCode::MPIError, text)
                    .parameter(what)
                    .bound("the same program with the same arguments at every rank"));
            }
        }
        Ok(Self { exchange, threads: all, control, neurons: None })
    }

    /// The same ranks, which share the neurons of one network.
    #[must_use]
    pub fn sharing_neurons(self) -> Self {
        Self { neurons: Some(Shared::default()), ..self }
    }

    /// Whether each has neurons of its own; otherwise each has all of them, and they share sequences.
    #[must_use]
    pub fn shares_neurons(&self) -> bool {
        self.neurons.is_some()
    }

    /// Where neurons are shared, who stops all ranks at the same step.
    #[must_use]
    pub fn agreed(&self) -> Option<&RunControl> {
        self.neurons.as_ref().map(|shared| &shared.agreed)
    }

    /// Takes back that all ranks that share neurons stop: some of what they simulate stands at an earlier step than the
    /// rest. A rank that still wants to stop says so again with its next spikes.
    pub fn resume(&self) {
        if let Some(shared) = &self.neurons {
            shared.agreed.cancel.store(false, Ordering::Relaxed);
        }
    }

    /// Why ranks that share neurons cannot go on, where they cannot; told once.
    #[must_use]
    pub fn take_failure(&self) -> Option<Error> {
        let failure = &self.neurons.as_ref()?.failure;
        failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// What ranks that share neurons have come to, each for its own: an error of one is that of all.
    ///
    /// # Errors
    /// As [`agree`].
    pub fn agree_on_neurons(&self, outcome: Result<()>) -> Result<()> {
        self.agree(outcome.map(|()| Vec::new())).map(drop)
    }

    /// Adds the places that all other ranks give, to as many lists as they have, and sorts each. Where one has failed or
    /// wants to stop, or cannot be reached, all are told so with it ([`Self::agreed`]).
    pub fn merge(&self, lists: &mut [Vec<u32>], has_failed: bool) {
        let Some(shared) = &self.neurons else { return };
        let outcome = self.merged(lists, has_failed);
        let stops = match outcome {
            Ok(stops) => stops,
            Err(error) => {
                shared.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                true
            }
        };
        if stops {
            shared.agreed.cancel.store(true, Ordering::Relaxed);
        }
        for places in lists.iter_mut().filter(|places| !places.is_sorted()) {
            places.sort_unstable();
        }
    }

    /// Adds the places of the other ranks. Returns whether any rank wants to stop.
    fn merged(&self, lists: &mut [Vec<u32>], has_failed: bool) -> Result<bool> {
        let (rank, size) = (self.rank(), self.size());
        let mut stops = has_failed || self.control.cancelled();
        // Whether it goes on; how many places each list has, but for the last, which has the rest; then those.
        let mut own = vec![if stops { WANTS_TO_STOP } else { GOES_ON }];
        let last = lists.len().saturating_sub(1);
        own.extend(lists[..last].iter().map(|places| places.len() as u32));
        for places in &mut *lists {
            own.append(places);
        }
        let bytes = bytemuck::cast_slice(&own).to_vec();
        let mut add = |bytes: &[u8]| -> Result<()> {
            let (numbers, []) = bytes.as_chunks::<4>() else { return Err(broken()) };
            let (first, rest) = numbers.split_first().ok_or_else(broken)?;
            stops |= *first != GOES_ON.to_ne_bytes();
            let (counts, mut rest) = rest.split_at_checked(last).ok_or_else(broken)?;
            let counts = counts.iter().map(|count| Some(u32::from_ne_bytes(*count) as usize));
            for (places, count) in lists.iter_mut().zip(counts.chain([None])) {
                let numbers;
                (numbers, rest) = rest.split_at_checked(count.unwrap_or(rest.len())).ok_or_else(broken)?;
                places.extend(numbers.iter().map(|number| u32::from_ne_bytes(*number)));
            }
            Ok(())
        };
        if size <= MOST_AT_ONCE {
            for other in (0..size).filter(|other| *other != rank) {
                self.exchange.send(other, bytes.clone())?;
            }
            for other in 0..size {
                if other == rank { add(&bytes)? } else { add(&receive(self.exchange, other)?)? }
            }
        } else {
            for bytes in gather_all(self.exchange, bytes)? {
                add(&bytes)?;
            }
        }
        Ok(stops)
    }

    /// Which rank this one is.
    #[must_use]
    pub fn rank(&self) -> usize {
        self.exchange.rank()
    }

    /// How many ranks there are.
    #[must_use]
    pub fn size(&self) -> usize {
        self.threads.len()
    }

    /// Who may stop this rank's share of what all do. What every rank does for itself goes on, so that all stay at the same step.
    #[must_use]
    pub fn control(&self) -> &RunControl {
        self.control
    }

    /// Threads of each rank.
    #[must_use]
    pub fn threads(&self) -> &[usize] {
        &self.threads
    }

    /// What each rank does of `count` things in a row: neighbouring ones, as many as it has threads for. The first one
    /// is always rank 0's.
    #[must_use]
    pub fn shares(&self, count: usize) -> Vec<Range<usize>> {
        let all: usize = self.threads.iter().sum();
        let (mut before, mut begin) = (0, 0);
        let share = |threads: &usize| {
            before += threads;
            let end = (count * before).div_ceil(all.max(1));
            std::mem::replace(&mut begin, end)..end
        };
        self.threads.iter().map(share).collect()
    }

    /// See [`agree`].
    ///
    /// # Errors
    /// As there.
    pub fn agree(&self, outcome: Result<Vec<u8>>) -> Result<Vec<Vec<u8>>> {
        agree(self.exchange, outcome)
    }

    /// The least of a number that each rank has.
    ///
    /// # Errors
    /// As [`agree`].
    pub fn least(&self, outcome: Result<i64>) -> Result<i64> {
        let all = self.agree(outcome.map(|value| value.to_ne_bytes().to_vec()))?;
        let values = all.iter().map(|bytes| Reader::new(bytes).number::<i64>());
        values.reduce(|one, other| Ok(one?.min(other?))).unwrap_or(Ok(i64::MAX))
    }

    /// Bytes of one rank, which gives them, at every rank; down a tree.
    ///
    /// # Errors
    /// `MPIError` where something cannot be sent or received.
    pub fn spread(&self, from: usize, bytes: Vec<u8>) -> Result<Vec<u8>> {
        let (rank, size) = (self.rank(), self.size());
        let place = (rank + size - from) % size;
        let mut bytes = bytes;
        let mut reach = 1;
        while reach < size {
            if place < reach {
                if place + reach < size {
                    self.exchange.send((rank + reach) % size, bytes.clone())?;
                }
            } else if place < 2 * reach {
                bytes = receive(self.exchange, (rank + size - reach) % size)?;
            }
            reach *= 2;
        }
        self.exchange.flush()?;
        Ok(bytes)
    }

    /// Hands numbers on from rank to rank, each of which changes them in its turn, cut into `parts`: while a rank has one
    /// part, the next has the one before.
    ///
    /// # Errors
    /// `MPIError` where something cannot be sent or received.
    pub fn hand_on(
        &self,
        values: &mut [f64],
        parts: &[Range<usize>],
        mut change: impl FnMut(usize, &mut [f64]),
    ) -> Result<()> {
        let (rank, size) = (self.rank(), self.size());
        for (place, part) in parts.iter().enumerate() {
            let part = &mut values[part.clone()];
            if rank > 0 {
                self.receive_into(part, rank - 1)?;
            }
            change(place, part);
            if rank + 1 < size {
                self.exchange.send(rank + 1, bytemuck::cast_slice(part).to_vec())?;
            }
        }
        self.exchange.flush()
    }

    /// Hands the numbers of the last rank on to all others, part by part, from the first rank on.
    ///
    /// # Errors
    /// `MPIError` where something cannot be sent or received.
    pub fn spread_last(&self, values: &mut [f64], parts: &[Range<usize>]) -> Result<()> {
        let (rank, size) = (self.rank(), self.size());
        let (last, next) = (size - 1, (rank + 1) % size);
        for part in parts {
            let part = &mut values[part.clone()];
            if rank != last {
                self.receive_into(part, (rank + size - 1) % size)?;
            }
            if next != last && size > 1 {
                self.exchange.send(next, bytemuck::cast_slice(part).to_vec())?;
            }
        }
        self.exchange.flush()
    }

    fn receive_into(&self, part: &mut [f64], from: usize) -> Result<()> {
        let bytes = receive(self.exchange, from)?;
        let target: &mut [u8] = bytemuck::cast_slice_mut(part);
        if bytes.len() != target.len() {
            let what = "a sum of another rank has another length: all ranks must run the same program";
            return Err(Error::new(ErrorCode::MPIError, what));
        }
        target.copy_from_slice(&bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;
    use crate::base::exchange::DryRun;

    static CONTROL: LazyLock<RunControl> = LazyLock::new(RunControl::default);

    fn met(exchange: &DryRun, threads: usize) -> Team<'_> {
        let digest = Ok(Digest(vec![("weights", 1)]));
        Team::meet(exchange, digest, threads, &CONTROL).expect("all do the same")
    }

    #[test]
    fn shares_follow_threads_and_leave_nothing_out() {
        for threads in [vec![1], vec![1, 3, 2], vec![2; 8], vec![16, 1]] {
            let team =
                Team { exchange: &crate::base::exchange::Local, threads, control: &CONTROL, neurons: None };
            for count in 1..40 {
                let shares = team.shares(count);
                assert_eq!(
                    shares.iter().cloned().flatten().collect::<Vec<_>>(),
                    (0..count).collect::<Vec<_>>()
                );
                assert!(shares[0].contains(&0));
                let all: usize = team.threads.iter().sum();
                for (share, threads) in shares.iter().zip(&team.threads) {
                    assert!(share.len().abs_diff(count * threads / all) <= 1);
                }
            }
        }
    }

    #[test]
    fn sums_are_added_in_the_order_of_ranks() {
        // The order shows: 1 is lost beside 2^53, but not beside its negative.
        let of = |rank: usize| [9_007_199_254_740_992.0, 1.0, -9_007_199_254_740_992.0][rank % 3];
        for size in 1..8 {
            let expected = (0..size).fold(0.0, |sum, rank| sum + of(rank));
            let sums = DryRun::run(size, |exchange| {
                let team = met(exchange, 1);
                let mut sums = vec![0.0; 10];
                let parts = [0..3, 3..9, 9..10];
                let add =
                    |_: usize, part: &mut [f64]| part.iter_mut().for_each(|sum| *sum += of(exchange.rank()));
                team.hand_on(&mut sums, &parts, add).expect("nothing fails");
                team.spread_last(&mut sums, &parts).expect("nothing fails");
                sums
            });
            assert!(sums.into_iter().flatten().all(|sum| sum == expected), "{size} ranks");
        }
    }

    #[test]
    fn bytes_of_one_rank_reach_all() {
        for (size, from) in [(1, 0), (2, 1), (5, 3), (8, 7)] {
            let bytes = DryRun::run(size, |exchange| {
                let own = if exchange.rank() == from { vec![7, 8] } else { Vec::new() };
                met(exchange, 1).spread(from, own).expect("nothing fails")
            });
            assert!(bytes.iter().all(|bytes| *bytes == [7, 8]));
        }
    }

    #[test]
    fn ranks_that_would_not_do_the_same_do_not_begin() {
        let outcomes = DryRun::run(4, |exchange| {
            let digest = Digest(vec![("time", 1), ("weights", u64::from(exchange.rank() == 2))]);
            Team::meet(exchange, Ok(digest), 1, &CONTROL).map(|team| team.size())
        });
        for outcome in outcomes {
            let error = outcome.expect_err("they differ");
            assert_eq!(
                error.to_string().split(" (").next(),
                Some("rank 2 and rank 0 do not simulate the same")
            );
            assert_eq!(error.parameter.as_deref(), Some("weights"));
        }
    }

    #[test]
    fn places_of_all_ranks_are_merged_and_one_stops_all() {
        for size in [1, 2, 3, 5, 17] {
            let outcomes = DryRun::run(size, |exchange| {
                let stops = RunControl::default();
                stops.cancel.store(exchange.rank() + 1 == size, Ordering::Relaxed);
                let team = |control| {
                    let digest = Ok(Digest(Vec::new()));
                    Team::meet(exchange, digest, 1, control).expect("all do the same").sharing_neurons()
                };
                let rank = exchange.rank() as u32;
                // One list, or several with more and fewer places at other ranks.
                let mut one = [vec![rank, rank + 100]];
                let mut several = [vec![rank; rank as usize % 3], Vec::new(), vec![rank + 7], Vec::new()];
                let goes_on = team(&CONTROL);
                goes_on.merge(&mut one, false);
                goes_on.merge(&mut several, false);
                let stopped = team(&stops);
                stopped.merge(&mut [Vec::new()], false);
                let stopped = [goes_on, stopped].map(|team| team.agreed().map(RunControl::cancelled));
                (one, several, stopped)
            });
            let ranks = 0..size as u32;
            let one = [ranks.clone().chain(100..100 + size as u32).collect::<Vec<u32>>()];
            let several = [
                ranks.clone().flat_map(|rank| vec![rank; rank as usize % 3]).collect(),
                Vec::new(),
                ranks.map(|rank| rank + 7).collect(),
                Vec::new(),
            ];
            assert!(outcomes.iter().all(|(places, _, _)| *places == one), "{size} ranks");
            assert!(outcomes.iter().all(|(_, places, _)| *places == several), "{size} ranks");
            assert!(
                outcomes.iter().all(|(_, _, stopped)| *stopped == [Some(false), Some(true)]),
                "{size} ranks"
            );
        }
    }
}
