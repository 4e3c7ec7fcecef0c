//! Random numbers that follow from a few keys alone: whoever knows the keys draws the same.

/// A generator of 64-bit words (`SplitMix64`; Steele, Lea and Flood 2014).
#[derive(Debug, Clone)]
pub struct KeyedRandom {
    state: u64,
}

impl KeyedRandom {
    /// The generator of some keys.
    #[must_use]
    pub fn new(keys: [u64; 3]) -> Self {
        let mut random = Self { state: 0 };
        for key in keys {
            random.state ^= key;
            random.state = random.next_u64();
        }
        random
    }

    /// The next word.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let word = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// A whole number below `n`. What it prefers small ones by is below 2^-32 for all numbers of connections.
    pub fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.next_u64()) * n as u128) >> 64) as usize
    }

    /// A number above 0 and at most 1.
    fn uniform(&mut self) -> f64 {
        ((self.next_u64() >> 11) + 1) as f64 / (1u64 << 53) as f64
    }

    /// A normal number (Box and Muller 1958).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * libm::log(self.uniform())).sqrt();
        radius * libm::cos(std::f64::consts::TAU * self.uniform())
    }
}
