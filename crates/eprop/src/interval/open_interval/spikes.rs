//! The spikes of recurrent neurons in an interval, and in the steps before it that connections reach back to.

use std::ops::Range;

use crate::base::exchange::Team;
use crate::plan::wiring::Wiring;

/// The lowest bits of up to 64 bytes that are 0 or 1.
#[inline]
fn bits_of(bytes: &[u8]) -> u64 {
    // The product moves the eight bits of a word side by side into its highest byte.
    let gather = |word: u64| word.wrapping_mul(0x0102_0408_1020_4080) >> 56;
    let (words, rest) = bytes.as_chunks::<8>();
    let whole = words
        .iter()
        .enumerate()
        .fold(0, |bits, (place, word)| bits | gather(u64::from_le_bytes(*word)) << (8 * place));
    rest.iter()
        .enumerate()
        .fold(whole, |bits, (place, byte)| bits | u64::from(*byte) << (8 * words.len() + place))
}

/// Spikes of recurrent neurons by step.
#[derive(Debug, Clone, Default)]
pub struct IntervalSpikes {
    /// Steps before the interval's first one that are kept.
    pub(super) lookback: usize,
    pub(super) starts: Vec<usize>,
    pub(super) places: Vec<u32>,
    /// Those of other ranks' neurons, where ranks share them, since neurons' own were last counted from zero.
    pub(super) elsewhere: u64,
}

impl IntervalSpikes {
    pub(super) fn new(lookback: usize) -> Self {
        Self { lookback, starts: vec![0; lookback + 1], places: Vec::new(), elsewhere: 0 }
    }

    /// Places of the neurons that fired in a step of the interval; earlier steps are below zero.
    #[must_use]
    #[inline]
    pub fn at(&self, step: isize) -> &[u32] {
        let row = step + self.lookback as isize;
        if row < 0 || row as usize + 1 >= self.starts.len() {
            return &[];
        }
        &self.places[self.starts[row as usize]..self.starts[row as usize + 1]]
    }

    /// Where the spikes of consecutive steps begin in a list of places, one more than there are steps, and that list;
    /// `None` where not all of them are done.
    #[must_use]
    pub fn rows(&self, steps: Range<isize>) -> Option<(&[usize], &[u32])> {
        let row = |step: isize| usize::try_from(step + self.lookback as isize).ok();
        Some((self.starts.get(row(steps.start)?..=row(steps.end)?)?, &self.places))
    }

    pub(super) fn finish_step(&mut self) {
        self.starts.push(self.places.len());
    }

    /// Adds the places at which `fired`, from place `first` on, is 1, and counts them.
    pub(super) fn push_fired(&mut self, fired: &[u8], first: u32, counts: &mut [u32]) {
        for (block, bytes) in fired.chunks(64).enumerate() {
            let mut bits = bits_of(bytes);
            while bits != 0 {
                let at = block * 64 + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                self.places.push(first + at as u32);
                counts[at] += 1;
            }
        }
    }

    /// Has the last so many steps, which hold the spikes of this rank's neurons by their own place, hold those of all ranks,
    /// by the place among all.
    pub(super) fn merge_last(&mut self, count: usize, team: &Team<'_>, wiring: &Wiring) {
        let rows = self.starts.split_off(self.starts.len() - count);
        let begin = self.starts.last().copied().unwrap_or(0);
        let mut begins = begin;
        let of_step = |end: &usize| self.places[std::mem::replace(&mut begins, *end)..*end].to_vec();
        let mut steps: Vec<Vec<u32>> = rows.iter().map(of_step).collect();
        let own = self.places.len() - begin;
        self.places.truncate(begin);
        wiring.merge(&mut steps, team, false);
        for mut step in steps {
            self.places.append(&mut step);
            self.finish_step();
        }
        self.elsewhere += (self.places.len() - begin - own) as u64;
    }

    /// Begins an interval after one of `length` steps; its last steps become those before the first.
    pub(super) fn begin_after(&mut self, length: usize) {
        let tail: Vec<Vec<u32>> = (0..self.lookback)
            .map(|back| self.at(length as isize - self.lookback as isize + back as isize).to_vec())
            .collect();
        self.starts.clear();
        self.places.clear();
        self.starts.push(0);
        for places in tail {
            self.places.extend_from_slice(&places);
            self.starts.push(self.places.len());
        }
    }
}
