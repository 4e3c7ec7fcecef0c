//! The 64-bit Mersenne Twister MT19937-64 (Nishimura 2000).

use crate::base::error::Result;
use crate::base::state::{Archive, Persist};

const N: usize = 312;
const M: usize = 156;

/// A generator of 64-bit words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mt19937x64 {
    state: Vec<u64>,
    place: usize,
}

impl Mt19937x64 {
    /// A generator whose state is `words`.
    ///
    /// # Panics
    /// If there are not 312 words.
    #[must_use]
    pub fn from_words(words: Vec<u64>) -> Self {
        assert_eq!(words.len(), N);
        Self { state: words, place: N }
    }

    /// The next word.
    pub fn next_u64(&mut self) -> u64 {
        if self.place == N {
            for place in 0..N {
                let word =
                    (self.state[place] & 0xffff_ffff_8000_0000) | (self.state[(place + 1) % N] & 0x7fff_ffff);
                let twisted = (word >> 1) ^ ((word & 1).wrapping_neg() & 0xb502_6f5a_a966_19e9);
                self.state[place] = self.state[(place + M) % N] ^ twisted;
            }
            self.place = 0;
        }
        let mut word = self.state[self.place];
        self.place += 1;
        word ^= (word >> 29) & 0x5555_5555_5555_5555;
        word ^= (word << 17) & 0x71d6_7fff_eda6_0000;
        word ^= (word << 37) & 0xfff7_eee0_0000_0000;
        word ^ (word >> 43)
    }

    /// A whole number below `n`, each as likely as any other (Lemire 2019).
    pub fn below(&mut self, n: usize) -> usize {
        let n = n as u64;
        let mut product = u128::from(self.next_u64()) * u128::from(n);
        if (product as u64) < n {
            let threshold = n.wrapping_neg() % n;
            while (product as u64) < threshold {
                product = u128::from(self.next_u64()) * u128::from(n);
            }
        }
        (product >> 64) as usize
    }
}

impl Persist for Mt19937x64 {
    fn persist(&mut self, archive: &mut Archive<'_>) -> Result<()> {
        archive.fixed("words", &mut self.state)?;
        archive.number("place", &mut self.place)?;
        if self.place > N { Err(archive.misfit("place", self.place.to_string())) } else { Ok(()) }
    }
}
