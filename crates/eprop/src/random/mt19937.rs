//! The Mersenne Twister MT19937 (Matsumoto and Nishimura 1998).

const N: usize = 624;
const M: usize = 397;

/// A generator of 32-bit words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mt19937 {
    state: Vec<u32>,
    place: usize,
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
        Self { state, place: N }
    }

    /// The 624 words of the state and the place of the next one.
    #[must_use]
    pub fn state(&self) -> (&[u32], usize) {
        (&self.state, self.place)
    }

    /// A generator in a given state, if that is one.
    #[must_use]
    pub fn from_state(words: &[u32], place: usize) -> Option<Self> {
        (words.len() == N && place <= N).then(|| Self { state: words.to_vec(), place })
    }

    fn twist(&mut self) {
        let mix = |low: u32, high: u32| {
            let word = (low & 0x8000_0000) | (high & 0x7fff_ffff);
            (word >> 1) ^ ((word & 1).wrapping_neg() & 0x9908_b0df)
        };
        let state = &mut self.state[..N];
        // In runs that read nothing they have written, so that each becomes vector instructions.
        for place in 0..N - M {
            state[place] = state[place + M] ^ mix(state[place], state[place + 1]);
        }
        for place in N - M..N - 1 {
            state[place] = state[place + M - N] ^ mix(state[place], state[place + 1]);
        }
        state[N - 1] = state[M - 1] ^ mix(state[N - 1], state[0]);
        self.place = 0;
    }

    /// The next word.
    #[inline]
    pub fn next_u32(&mut self) -> u32 {
        if self.place == N {
            self.twist();
        }
        let mut word = self.state[self.place];
        self.place += 1;
        word ^= word >> 11;
        word ^= (word << 7) & 0x9d2c_5680;
        word ^= (word << 15) & 0xefc6_0000;
        word ^ (word >> 18)
    }

    /// A number from 0 (included) to 1 (excluded), of 53 random bits.
    #[inline]
    pub fn next_f64(&mut self) -> f64 {
        let high = self.next_u32() >> 5;
        let low = self.next_u32() >> 6;
        (f64::from(high) * 67_108_864.0 + f64::from(low)) / 9_007_199_254_740_992.0
    }
}
