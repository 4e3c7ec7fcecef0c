//! Ranks that simulate one network together.

use std::ops::Range;

use crate::base::control::RunControl;
use crate::base::error::{Error, ErrorCode, Result};
use crate::base::exchange::{Exchange, Message, Reader, agree, receive};

/// The ranks of a simulation.
#[derive(Debug)]
pub struct Team<'a> {
    exchange: &'a dyn Exchange,
    /// Threads of each rank.
    threads: Vec<usize>,
    /// Who may stop this rank's share.
    control: &'a RunControl,
}

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
        Ok(Self { exchange, threads: all, control })
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
            let team = Team { exchange: &crate::base::exchange::Local, threads, control: &CONTROL };
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
}
