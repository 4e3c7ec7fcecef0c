//! NEST's random generators for parameters of nodes and for connections.

use std::collections::BTreeMap;

use crate::base::error::Result;
use crate::base::state::{Archive, Persist};
use crate::random::mt19937_64::Mt19937x64;
use crate::random::seed_sequence;

/// NEST's key for the generators of virtual processes.
const VIRTUAL_PROCESS: u32 = 0xb84c_9bae;

/// NEST's key for the generator that all processes and threads hold in the same state.
const RANK_SYNCHRONIZED: u32 = 0xc229_212d;

/// Distributions whose left over number is kept: a program may make one for each of its calls.
const MOST_SPARE: usize = 1024;

/// What a kernel draws from.
#[derive(Debug, Clone, PartialEq)]
pub struct NestRandom {
    /// The generator of virtual process 0: parameters, and rules that go from target to target.
    process: Mt19937x64,
    /// Rules that go from source to source.
    synchronized: Mt19937x64,
    /// The second number of a pair of normal numbers, until the distribution with that identity is asked again.
    spare: BTreeMap<u64, f64>,
}

fn seeded(entropy: &[u32]) -> Mt19937x64 {
    let words = seed_sequence::generate(entropy, 624);
    let words = words.chunks_exact(2).map(|pair| u64::from(pair[0]) | u64::from(pair[1]) << 32).collect();
    Mt19937x64::from_words(words)
}

/// Poisson numbers with a mean below this are products of uniform numbers.
const MOST_MULTIPLIED: f64 = 12.0;

impl NestRandom {
    /// The generators that a kernel with that `rng_seed` has.
    #[must_use]
    pub fn new(rng_seed: u32) -> Self {
        Self {
            process: seeded(&[rng_seed, VIRTUAL_PROCESS, 0]),
            synchronized: seeded(&[rng_seed, RANK_SYNCHRONIZED]),
            spare: BTreeMap::new(),
        }
    }

    /// Begins anew with that `rng_seed`. As in NEST, distributions keep the normal number that they have left over.
    pub fn reseed(&mut self, rng_seed: u32) {
        *self = Self { spare: std::mem::take(&mut self.spare), ..Self::new(rng_seed) };
    }

    /// A number that tells generators apart: what they would draw next.
    #[must_use]
    pub fn fingerprint(mut self) -> u64 {
        self.process.next_u64().rotate_left(17) ^ self.synchronized.next_u64()
    }

    /// A number from 0 to 1.
    pub fn uniform01(&mut self) -> f64 {
        let uniform = self.process.next_u64() as f64 / 18_446_744_073_709_551_616.0;
        if uniform < 1.0 { uniform } else { 1.0 - f64::EPSILON / 2.0 }
    }

    /// A Poisson number with that mean: how many uniform numbers are multiplied before their product has fallen to
    /// exp(-mean) (Knuth 1969), which NEST's library does for means below 12. It has another method for larger ones;
    /// here these are sums of numbers with a smaller mean.
    pub fn poisson(&mut self, mean: f64) -> u64 {
        let parts = (mean / MOST_MULTIPLIED).floor() + 1.0;
        let limit = libm::exp(-mean / parts);
        let mut events = 0;
        for _ in 0..parts as u64 {
            let mut product = self.uniform01();
            while product > limit {
                events += 1;
                product *= self.uniform01();
            }
        }
        events
    }

    /// A whole number below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        self.process.below(n)
    }

    /// A whole number below `n`, from the generator that all threads of NEST hold in the same state.
    pub fn synchronized_below(&mut self, n: usize) -> usize {
        self.synchronized.below(n)
    }

    /// Draws from the generator that all threads of NEST hold in the same state.
    pub fn synchronized<T>(&mut self, draw: impl FnOnce(&mut Self) -> T) -> T {
        std::mem::swap(&mut self.process, &mut self.synchronized);
        let drawn = draw(self);
        std::mem::swap(&mut self.process, &mut self.synchronized);
        drawn
    }

    /// A standard normal number for the distribution with that identity, by the polar method of Box, Muller and
    /// Marsaglia.
    pub(super) fn normal01(&mut self, distribution: u64) -> f64 {
        if let Some(spare) = self.spare.remove(&distribution) {
            return spare;
        }
        loop {
            let x = 2.0 * self.uniform01() - 1.0;
            let y = 2.0 * self.uniform01() - 1.0;
            let square = x * x + y * y;
            if square <= 1.0 && square != 0.0 {
                let factor = (-2.0 * square.ln() / square).sqrt();
                self.spare.insert(distribution, x * factor);
                if self.spare.len() > MOST_SPARE {
                    self.spare.pop_first();
                }
                return y * factor;
            }
        }
    }
}

impl Persist for NestRandom {
    fn persist(&mut self, archive: &mut Archive<'_>) -> Result<()> {
        // What distributions have left over belongs to the objects of a program, which a file does not hold.
        let Self { process, synchronized, spare: _ } = self;
        archive.within("process", |archive| process.persist(archive))?;
        archive.within("synchronized", |archive| synchronized.persist(archive))
    }
}

#[cfg(test)]
mod tests {
    use crate::random::RandomParameter;

    use super::*;

    #[test]
    fn it_gives_the_numbers_of_nest() {
        let mut random = NestRandom::new(1);
        let normal = RandomParameter::new("normal", 30.0, 2.0).expect("a distribution");
        let drawn: Vec<f64> = (0..5).map(|_| normal.draw(&mut random).expect("a number")).collect();
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

    #[test]
    fn the_second_number_of_a_pair_belongs_to_its_distribution() {
        // NEST, rng_seed 5: three numbers of one distribution, then three of another, then of the first again.
        let distribution = || RandomParameter::new("normal", 0.0, 1.0).expect("a distribution");
        let (first, second) = (&distribution(), &distribution());
        let draw = |one: &RandomParameter, random: &mut NestRandom| one.draw(random).expect("a number");
        let mut random = NestRandom::new(5);
        let drawn: Vec<f64> =
            [first, first, first, second, second, second].map(|one| draw(one, &mut random)).to_vec();
        let nest = [
            1.535_869_304_293_57,
            0.395_089_466_304_214,
            -0.449_392_261_625_006,
            1.203_245_953_666_167_3,
            1.846_610_107_946_531,
            1.198_312_559_131_501,
        ];
        for (drawn, nest) in drawn.iter().zip(nest) {
            assert!((drawn - nest).abs() < 1e-13, "{drawn} where NEST has {nest}");
        }
        random.reseed(5);
        let after = [draw(first, &mut random), draw(first, &mut random)];
        assert!((after[0] - 0.808_076_209_516_265_5).abs() < 1e-13 && after[1] == drawn[0], "{after:?}");
    }
}
