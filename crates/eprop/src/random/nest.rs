//! NEST's random generator for parameters of nodes and connections.

use crate::error::Result;
use crate::random::mt19937_64::Mt19937x64;
use crate::random::seed_sequence;
use crate::state::{Archive, Persist, optional};

/// NEST's key for the generators of virtual processes.
const STREAM: u32 = 0xb84c_9bae;

/// The generator of virtual process 0.
#[derive(Debug, Clone, PartialEq)]
pub struct NestRandom {
    engine: Mt19937x64,
    kept: Option<f64>,
}

impl NestRandom {
    /// The generator that a kernel with that `rng_seed` has.
    #[must_use]
    pub fn new(rng_seed: u32) -> Self {
        let words = seed_sequence::generate(&[rng_seed, STREAM, 0], 624);
        let words = words.chunks_exact(2).map(|pair| u64::from(pair[0]) | u64::from(pair[1]) << 32).collect();
        Self { engine: Mt19937x64::from_words(words), kept: None }
    }

    /// A number from 0 to 1.
    pub fn uniform01(&mut self) -> f64 {
        let uniform = self.engine.next_u64() as f64 / 18_446_744_073_709_551_616.0;
        if uniform < 1.0 { uniform } else { 1.0 - f64::EPSILON / 2.0 }
    }

    /// A standard normal number, by the polar method of Box, Muller and Marsaglia.
    pub fn normal01(&mut self) -> f64 {
        if let Some(kept) = self.kept.take() {
            return kept;
        }
        loop {
            let x = 2.0 * self.uniform01() - 1.0;
            let y = 2.0 * self.uniform01() - 1.0;
            let square = x * x + y * y;
            if square <= 1.0 && square != 0.0 {
                let factor = (-2.0 * square.ln() / square).sqrt();
                self.kept = Some(x * factor);
                return y * factor;
            }
        }
    }
}

impl Persist for NestRandom {
    fn persist(&mut self, archive: &mut Archive<'_>) -> Result<()> {
        self.engine.persist(archive)?;
        optional(archive, "kept", &mut self.kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_gives_the_numbers_of_nest() {
        let mut random = NestRandom::new(1);
        let drawn: Vec<f64> = (0..5).map(|_| 30.0 + 2.0 * random.normal01()).collect();
        assert_eq!(
            drawn,
            [
                32.027_817_845_608_59,
                29.459_261_484_532_8,
                32.474_118_206_628_525,
                30.909_979_065_203_068,
                28.450_722_779_443_467
            ]
        );
        let mut random = NestRandom::new(1);
        assert_eq!(
            [1.0 + random.uniform01(), 1.0 + random.uniform01()],
            [1.402_172_669_256_901_2, 1.866_861_248_819_517_5]
        );
    }
}
