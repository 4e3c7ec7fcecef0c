//! The Mersenne Twister MT19937 (Matsumoto and Nishimura 1998).

use crate::base::simd::kernels;

mod jump;

const N: usize = 624;
const M: usize = 397;

/// What an odd word adds to the one that is made of it.
const FEEDBACK: u32 = 0x9908_b0df;

/// Blocks of words from which on it takes less time to jump over them than to make them.
const JUMP: u64 = 1024;

/// A generator of 32-bit words.
#[derive(Debug, Clone)]
pub struct Mt19937 {
    state: Vec<u32>,
    /// Place of the next word in the state; beyond its end, what is left out has not been gone through yet.
    place: u64,
}

impl Mt19937 {
    /// The state that follows from a seed by the Knuth recurrence.
    #[must_use]
    pub fn new(seed: u32) -> Self {
        let mut state = Vec::with_capacity(N);
        let mut word = seed;
        state.push(word);
        for place in 1..N as u32 {
            word = 1_812_433_253u32.wrapping_mul(word ^ (word >> 30)).wrapping_add(place);
            state.push(word);
        }
        Self { state, place: N as u64 }
    }

    /// The 624 words of the state and the place of the next one.
    #[must_use]
    pub fn state(&mut self) -> (&[u32], usize) {
        self.pass(self.place.saturating_sub(1) / N as u64);
        (&self.state, self.place as usize)
    }

    /// A generator in a given state, if that is one.
    #[must_use]
    pub fn from_state(words: &[u32], place: usize) -> Option<Self> {
        (words.len() == N && place <= N).then(|| Self { state: words.to_vec(), place: place as u64 })
    }

    /// Leaves whole blocks of the state behind.
    fn pass(&mut self, blocks: u64) {
        self.place -= blocks * N as u64;
        if blocks < JUMP {
            for _ in 0..blocks {
                twist(&mut self.state);
            }
        } else {
            twist(&mut self.state);
            jump::ahead(&mut self.state, (blocks - 1) * N as u64);
        }
    }

    /// The place of the next word in the state, which is brought to where that is.
    #[inline]
    fn next_place(&mut self) -> usize {
        if self.place >= N as u64 {
            self.pass(self.place / N as u64);
        }
        self.place as usize
    }

    /// The next word.
    #[inline]
    pub fn next_u32(&mut self) -> u32 {
        let place = self.next_place();
        self.place += 1;
        tempered(self.state[place])
    }

    /// Leaves out so many words. They are gone through with the next word that is drawn, many in one go.
    pub fn skip(&mut self, words: u64) {
        if self.place.checked_add(words).is_none() {
            self.next_place();
        }
        self.place += words;
    }

    /// Draws so many numbers, at most as many as there are bounds, as [`Self::next_f64`] does, and tells the places of
    /// those below theirs.
    ///
    /// Mostly the first word of a number decides: only that is computed of most of them, of several at a time.
    pub fn below(&mut self, bounds: &Bounds, count: usize, mut tell: impl FnMut(usize)) {
        let mut marks = [0; N / 2 + 8];
        let mut begin = 0;
        while begin < count {
            let place = self.next_place();
            let here = ((N - place) / 2).min(count - begin);
            if here == 0 {
                // A number of the last word and the next first one.
                if self.next_bits() < bounds.whole[begin] {
                    tell(begin);
                }
                begin += 1;
                continue;
            }
            let words = &self.state[place..][..2 * here];
            let marked = &mut marks[..here.next_multiple_of(8)];
            mark(words, &bounds.first[begin..begin + here], &mut marked[..here]);
            marked[here..].fill(0);
            for (eight, group) in marked.as_chunks::<8>().0.iter().enumerate() {
                let mut left = u64::from_le_bytes(*group);
                while left != 0 {
                    let place = 8 * eight + left.trailing_zeros() as usize / 8;
                    if bits_of(words[2 * place], words[2 * place + 1]) < bounds.whole[begin + place] {
                        tell(begin + place);
                    }
                    left &= left - 1;
                }
            }
            self.place += 2 * here as u64;
            begin += here;
        }
    }

    /// 53 random bits.
    #[inline]
    fn next_bits(&mut self) -> u64 {
        let high = u64::from(self.next_u32() >> 5);
        (high << 26) | u64::from(self.next_u32() >> 6)
    }

    /// A number from 0 (included) to 1 (excluded), of 53 random bits.
    #[inline]
    pub fn next_f64(&mut self) -> f64 {
        self.next_bits() as f64 / BITS
    }
}

/// Numbers of 53 bits.
const BITS: f64 = 9_007_199_254_740_992.0;

/// What numbers are compared with by [`Mt19937::below`].
#[derive(Debug, Default)]
pub struct Bounds {
    /// In units of the last of 53 bits.
    whole: Vec<u64>,
    /// What the first word of a number below is at most.
    first: Vec<u32>,
}

impl Bounds {
    /// Of numbers.
    #[must_use]
    pub fn of(bounds: &[f64]) -> Self {
        // A number of 53 bits is below a bound where it is below the next whole number from there on; nothing is below
        // NaN.
        let whole: Vec<u64> =
            bounds.iter().map(|bound| ((bound * BITS).ceil() as u64).min(BITS as u64)).collect();
        let first = whole.iter().map(|bound| (bound >> 26) as u32).collect();
        Self { whole, first }
    }

    /// The same, so many times one after the other.
    #[must_use]
    pub fn repeated(&self, times: usize) -> Self {
        Self { whole: self.whole.repeat(times), first: self.first.repeat(times) }
    }
}

#[inline]
fn tempered(mut word: u32) -> u32 {
    word ^= word >> 11;
    word ^= (word << 7) & 0x9d2c_5680;
    word ^= (word << 15) & 0xefc6_0000;
    word ^ (word >> 18)
}

/// The 53 bits of a number.
#[inline]
fn bits_of(first: u32, second: u32) -> u64 {
    (u64::from(tempered(first) >> 5) << 26) | u64::from(tempered(second) >> 6)
}

#[inline]
fn twist_body(state: &mut [u32]) {
    let mix = |low: u32, high: u32| {
        let word = (low & 0x8000_0000) | (high & 0x7fff_ffff);
        (word >> 1) ^ ((word & 1).wrapping_neg() & FEEDBACK)
    };
    let state = &mut state[..N];
    // In runs that read nothing they have written, so that each becomes vector instructions.
    for place in 0..N - M {
        state[place] = state[place + M] ^ mix(state[place], state[place + 1]);
    }
    for place in N - M..N - 1 {
        state[place] = state[place + M - N] ^ mix(state[place], state[place + 1]);
    }
    state[N - 1] = state[M - 1] ^ mix(state[N - 1], state[0]);
}

#[inline]
fn mark_body(words: &[u32], bounds: &[u32], marks: &mut [u8]) {
    for ((pair, bound), mark) in words.as_chunks::<2>().0.iter().zip(bounds).zip(marks) {
        *mark = u8::from(tempered(pair[0]) >> 5 <= *bound);
    }
}

kernels! {
    /// The next 624 words of the state.
    fn twist(state: &mut [u32]) = twist_body;
    /// Marks the numbers that may be below their bounds, by the first of their two words.
    fn mark(words: &[u32], bounds: &[u32], marks: &mut [u8]) = mark_body;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_are_left_out_are_those_that_would_have_been_drawn() {
        for count in [0, 1, 2, 5, 622, 623, 624, 625, 1248, 1249, 100_003] {
            for before in [0, 1, 623, 624, 700] {
                let mut drawn = Mt19937::new(5);
                for _ in 0..before {
                    drawn.next_u32();
                }
                let mut skipped = drawn.clone();
                skipped.skip(count);
                for _ in 0..count {
                    drawn.next_u32();
                }
                assert_eq!(skipped.clone().state(), drawn.state(), "{count} after {before}");
                assert_eq!(skipped.next_u32(), drawn.next_u32(), "{count} after {before}");
            }
        }
    }

    #[test]
    fn a_state_far_ahead_is_the_one_that_its_words_lead_to() {
        let mut state = Mt19937::new(3).state;
        twist(&mut state);
        let mut passed = state.clone();
        let mut blocks = 0;
        for target in [0, 1, 2, 31, 32, 33, 1000, 4099] {
            for _ in blocks..target {
                twist(&mut passed);
            }
            blocks = target;
            let mut jumped = state.clone();
            jump::ahead(&mut jumped, blocks * N as u64);
            assert_eq!(jumped, passed, "{blocks} blocks");
        }
        // In two jumps and in one, where nobody can go through the words.
        let (far, further) = (1 << 41, (1 << 40) + 12_345);
        let mut once = state.clone();
        jump::ahead(&mut once, far + further);
        jump::ahead(&mut state, far);
        jump::ahead(&mut state, further);
        assert_eq!(once, state);
        // Through the generator, at both sides of the number of blocks from which on it jumps.
        for words in [JUMP * N as u64 - 1, JUMP * N as u64, (JUMP + 1) * N as u64 + 7] {
            let (mut drawn, mut skipped) = (Mt19937::new(9), Mt19937::new(9));
            // Nothing is drawn between these calls, so that they are one jump.
            skipped.skip(1);
            skipped.skip(words);
            for _ in 0..=words {
                drawn.next_u32();
            }
            assert_eq!(skipped.state(), drawn.state(), "{words} words");
        }
    }

    #[test]
    fn numbers_below_their_bounds_are_those_that_are_drawn_one_by_one() {
        let mut random = Mt19937::new(7);
        let numbers: Vec<f64> = (0..20).map(|_| random.next_f64()).collect();
        let mut drawn = 0;
        for (round, count) in (1..60).chain([311, 312, 313, 700, 2000]).enumerate() {
            // An odd place of the next word, too.
            if round % 3 == 0 {
                random.next_u32();
            }
            let mut single = random.clone();
            let kinds = [0.04, 0.0, 1.0, 2.0, -1.0, f64::NAN, 0.5, f64::MIN_POSITIVE, f64::INFINITY];
            let bounds: Vec<f64> = (0..count).map(|place| kinds[(place * 7 + round) % kinds.len()]).collect();
            let expected: Vec<usize> =
                (0..count).filter(|place| single.next_f64() < bounds[*place]).collect();
            let mut found = Vec::new();
            random.below(&Bounds::of(&bounds), count, |place| found.push(place));
            assert_eq!(found, expected, "{count} numbers");
            assert_eq!(random.state(), single.state());
            drawn += found.len();
        }
        assert!(drawn > 1000);
        // A bound is excluded, the number before it is not.
        let mut again = Mt19937::new(7);
        let mut found = Vec::new();
        again.below(&Bounds::of(&numbers), numbers.len(), |place| found.push(place));
        assert!(found.is_empty());
        let above: Vec<f64> = numbers.iter().map(|number| number.next_up()).collect();
        let mut again = Mt19937::new(7);
        again.below(&Bounds::of(&above), above.len(), |place| found.push(place));
        assert_eq!(found.len(), numbers.len());
    }
}
